"""Data out of a completed response, by what its questionnaire says: observations, definitions and templates.

https://hl7.org/fhir/uv/sdc/extraction.html. StructureMaps are not applied.
"""

from __future__ import annotations

import copy
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from fhirhub.resources import definitions, questionnaire
from fhirhub.resources.canonicals import CORE, Canonicals
from fhirhub.resources.expressions import (
    UNIT,
    Surroundings,
    expression_of,
    extended,
    json_of,
    parts,
    value_of,
)
from fhirhub.resources.fhirpath import Item
from fhirhub.resources.fhirpath.item import member
from fhirhub.resources.fhirpath.model import Property, members
from fhirhub.resources.validation import snapshots

Json = dict[str, Any]

UCUM = "http://unitsofmeasure.org"
_REQUEST = ("ifNoneMatch", "ifModifiedSince", "ifMatch", "ifNoneExist")

_items = member("item")
_answers = member("answer")
_value = member("value")


@dataclass(slots=True)
class Extracted:
    """Entries of a transaction, and what could not be extracted."""

    entries: list[Json] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    @property
    def bundle(self) -> Json:
        made: Json = {"resourceType": "Bundle", "type": "transaction"}
        return {**made, "entry": self.entries} if self.entries else made


def extract(questions: Json, response: Json, canonicals: Canonicals) -> Extracted:
    """What a response says, as resources to create and update."""
    found = Extracted()
    around = Surroundings(response, questions)
    around.faults = found.faults
    around = _allocated(questions, around)
    work = _Extraction(questions, response, canonicals, found)
    work.bundle_template(questions, around)
    work.templates(questions, around, around.response)
    made = work.contexts(questions, around, around.response)
    scopes = [_Scope(each) for each in made]
    work.values(questions, scopes, around, around.response)
    asked = _Asked(
        extracts=any(value_of(each) is True for each in extended(questions, "observationExtract")),
        categories=[value_of(each) for each in extended(questions, "observation-extract-category")],
        subject=response.get("subject"),
    )
    work.items(questions, around.response, around, asked, scopes)
    for context in made:
        work.finish(context, is_root=True)
    if extended(questions, "targetStructureMap"):
        found.faults.append("A StructureMap is not applied here; observations, definitions and templates are")
    return found


def is_extractable(questions: Json) -> bool:
    """Whether the questionnaire says what its answers are made into."""
    names = (
        "templateExtract",
        "templateExtractBundle",
        "definitionExtract",
        "itemExtractionContext",
        "observationExtract",
    )
    return any(
        extended(each, name) for each in (questions, *questionnaire.items(questions)) for name in names
    )


@dataclass(slots=True)
class _Asked:
    """What is said of observations around an item."""

    extracts: bool = False
    categories: list[Json] = field(default_factory=list)
    parent: Json | None = None
    """The Observation of the item around."""
    subject: Json | None = None
    """Whom it is about."""
    is_open: bool = False
    """Whether nobody said whom it is about, so that nothing is made."""


@dataclass(slots=True)
class _Context:
    """A resource that definitions fill in."""

    resource: Json
    profile: str
    request: Json
    full_url: str | None
    answered: bool
    """Whether what begins it was answered."""
    filled: bool = False
    slices: dict[tuple[int, str], Json] = field(default_factory=dict)
    """By the element that holds it and `name:slice`, the slice."""


class _Scope(NamedTuple):
    """A resource that is filled in, and the element of it, with its path, that the items here belong to."""

    context: _Context
    at: tuple[tuple[str, ...], Json] | None = None


def _allocated(element: Json, around: Surroundings) -> Surroundings:
    names = [value_of(each) for each in extended(element, "extractAllocateId")]
    return (
        around.within(**{name: uuid.uuid4().urn for name in names if isinstance(name, str)})
        if names
        else around
    )


class _Extraction:
    def __init__(self, questions: Json, response: Json, canonicals: Canonicals, found: Extracted) -> None:
        self.questions = questions
        self.response = response
        self.canonicals = canonicals
        self.found = found
        self.contained = {str(each.get("id")): each for each in questions.get("contained", ())}

    def items(
        self, questions: Json, parent: Item, around: Surroundings, asked: _Asked, scopes: list[_Scope]
    ) -> None:
        """The items of a group, of an answer or of the whole."""
        given = _items((parent,))
        asked = _about(questions, given, asked)
        for question in questions.get("item", ()):
            for item in given:
                if item.value.get("linkId") == question.get("linkId"):
                    for each in _repetitions(question, item):
                        self.item(question, each, around, asked, scopes)

    def item(
        self, question: Json, item: Item, around: Surroundings, asked: _Asked, scopes: list[_Scope]
    ) -> None:
        around = _allocated(question, around)
        self.templates(question, around, item)
        own = self.contexts(question, around, item)
        here, panel = self.observed(question, item, asked)
        inside = [*scopes, *map(_Scope, own)]
        self.values(question, inside, around, item)
        inside = self.fill(question, item, inside)
        self.items(question, item, around, here, inside)
        for answer in _answers((item,)):
            self.items(question, answer, around, here, inside)
        if panel is not None and ("component" in panel["resource"] or "hasMember" in panel["resource"]):
            self.found.entries.append(panel)
        for context in own:
            self.finish(context, is_root=False)

    # --- observation-based ---

    def observed(self, question: Json, item: Item, asked: _Asked) -> tuple[_Asked, Json | None]:
        """Makes the Observations of an item. What is said for those within it, and the entry of a group's own
        Observation, which they fill."""
        relation: str | None = None
        extracts = asked.extracts
        for each in extended(question, "observationExtract"):
            said = value_of(each)
            extracts, relation = (said, None) if isinstance(said, bool) else (True, str(said))
        categories = [value_of(each) for each in extended(question, "observation-extract-category")]
        here = _Asked(extracts, categories or asked.categories, asked.parent, asked.subject, asked.is_open)
        codes = _codes(question, extracts=extracts)
        if not codes or asked.is_open:
            return here, None
        if question.get("type") == "group":
            panel = self.entry(self.observation(codes, here))
            here.parent = panel["resource"]
            return here, panel
        for answer in _answers((item,)):
            value = _observed_value(answer.value, question)
            if value is None:
                continue
            made = self.observation(codes, here) | value
            if relation == "component" and asked.parent is not None:
                asked.parent.setdefault("component", []).append({"code": made["code"], **value})
                continue
            entry = self.entry(made)
            self.found.entries.append(entry)
            if relation is not None and asked.parent is not None:
                name = "derivedFrom" if relation == "derived" else "hasMember"
                asked.parent.setdefault(name, []).append({"reference": entry["fullUrl"]})
        return here, None

    def observation(self, codes: list[Json], asked: _Asked) -> Json:
        response = self.response
        made: Json = {
            "resourceType": "Observation",
            "basedOn": response.get("basedOn"),
            "partOf": response.get("partOf"),
            "status": "final",
            "category": asked.categories or None,
            "code": {"coding": codes},
            "subject": asked.subject,
            "encounter": response.get("encounter"),
            "effectiveDateTime": response.get("authored"),
            "issued": _instant(response.get("authored")),
            "performer": [response["author"]] if response.get("author") else None,
            "derivedFrom": [{"reference": f"QuestionnaireResponse/{response['id']}"}]
            if response.get("id")
            else None,
        }
        return {name: copy.deepcopy(value) for name, value in made.items() if value}

    def entry(self, resource: Json, full_url: str | None = None, request: Json | None = None) -> Json:
        type, id = resource["resourceType"], resource.get("id")
        asked = {"method": "PUT", "url": f"{type}/{id}"} if id else {"method": "POST", "url": type}
        return {
            "fullUrl": full_url or uuid.uuid4().urn,
            "resource": resource,
            "request": {**asked, **(request or {})},
        }

    # --- definition-based ---

    def contexts(self, element: Json, around: Surroundings, item: Item) -> list[_Context]:
        """The resources that an item, or the whole, begins."""
        told = [parts(each) for each in extended(element, "definitionExtract")]
        if not told:
            told = [
                {"definition": self.begun(value_of(each))}
                for each in extended(element, "itemExtractionContext")
            ]
        made = [self.context(each, around, item) for each in told]
        return [each for each in made if each is not None]

    def begun(self, said: Any) -> str:
        """The resource type that an `itemExtractionContext` names, by a code or in a query."""
        query = expression_of(said) if not isinstance(said, str) else None
        text = query[1] if query else str(said)
        if "?" in text or "/" in text:
            self.found.faults.append(
                f"`{text[:200]}` of itemExtractionContext is not looked for: what an item gives as `id` makes an update"
            )
        return CORE + text.partition("?")[0].partition("/")[0]

    def context(self, told: Json, around: Surroundings, item: Item) -> _Context | None:
        profile = str(told.get("definition", ""))
        of = self.type_of(profile)
        if of is None:
            self.found.faults.append(
                f"The profile {profile[:200]} is not known here, so nothing was made of it"
            )
            return None
        request = {name: text for name in _REQUEST if (text := around.text(told.get(name), item))}
        made: Json = {"resourceType": of}
        if not profile.startswith(CORE):
            made["meta"] = {"profile": [profile]}
        full_url = around.text(told.get("fullUrl"), item)
        return _Context(made, profile.partition("|")[0], request, full_url, _is_answered(item.value))

    def type_of(self, profile: str) -> str | None:
        found = self.canonicals.find("StructureDefinition", profile)
        if found is not None:
            return str(found["type"])
        name = profile.rpartition("/")[2]
        return name if definitions.is_resource_type(name) else None

    def fill(self, question: Json, item: Item, scopes: list[_Scope]) -> list[_Scope]:
        """Puts the answers where the item's definition says; the scopes of those within it."""
        number, path = _placed(question.get("definition"), scopes)
        if number is None or not path:
            return scopes
        context, at = scopes[number]
        if question.get("type") == "group":
            try:
                opened = _Scope(context, (path, self.open(context, at, path, fresh=True)))
                return [*scopes[:number], opened, *scopes[number + 1 :]]
            except _UnknownPathError as fault:
                self.found.faults.append(f"{'.'.join(path)}: {fault}")
                return scopes
        for answer in _answers((item,)):
            for value in _value((answer,)):
                self.put(context, at, path, value)
        return scopes

    def values(self, element: Json, scopes: list[_Scope], around: Surroundings, item: Item) -> None:
        """Puts what the questionnaire itself gives: fixed, or by an expression."""
        for each in extended(element, "definitionExtractValue"):
            told = parts(each)
            number, path = _placed(told.get("definition"), scopes)
            fixed = next((one for one in each.get("extension", ()) if one.get("url") == "fixed-value"), None)
            if number is None or not path:
                continue
            context, at = scopes[number]
            if fixed is not None:
                key = next(name for name in fixed if name.startswith("value"))
                type = key.removeprefix("value")
                named = type if _is_data_type(type) else type[:1].lower() + type[1:]
                self.put(context, at, path, Item(fixed[key], named))
                continue
            expression = expression_of(told.get("expression"))
            for found in around.find(expression[1], item) if expression else ():
                self.put(context, at, path, found)

    def open(self, context: _Context, at: Any, path: tuple[str, ...], *, fresh: bool) -> Json:
        """The element at a path that has parts; with `fresh` a new one where it repeats."""
        holder, type, steps = self.start(context, at, path)
        for number, step in enumerate(steps):
            holder, type = self.step(context, holder, type, step, fresh=fresh and number == len(steps) - 1)
        context.filled = context.filled or not fresh
        return holder

    def start(self, context: _Context, at: Any, path: tuple[str, ...]) -> tuple[Json, str, tuple[str, ...]]:
        type = context.resource["resourceType"]
        if at is not None and path[: len(at[0])] == at[0] and len(path) > len(at[0]):
            for step in at[0]:
                ways = _ways(type, step)
                type = ways[0].type if ways else type
            return at[1], type, path[len(at[0]) :]
        return context.resource, type, path

    def step(self, context: _Context, holder: Json, type: str, step: str, *, fresh: bool) -> tuple[Json, str]:
        name, _, slice_name = step.partition(":")
        ways = _ways(type, step)
        if not ways:
            raise _UnknownPathError(f"{type} has no element {name}")
        way = next((each for each in ways if each.key in holder), ways[0])
        if way.primitive or (len(ways) > 1 and way.key not in holder):
            raise _UnknownPathError(f"{type}.{name} has no parts of its own")
        if not way.many:
            return holder.setdefault(way.key, {}), way.type
        listed = holder.setdefault(way.key, [])
        if slice_name:
            key = (id(listed), step)
            if key not in context.slices:
                made: Json = {}
                context.slices[key] = made
                listed.append(made)
            return context.slices[key], way.type
        if fresh or not listed:
            listed.append({})
        return listed[-1], way.type

    def put(self, context: _Context, at: Any, path: tuple[str, ...], value: Item) -> None:
        try:
            holder, type, steps = self.start(context, at, path)
            for step in steps[:-1]:
                holder, type = self.step(context, holder, type, step, fresh=False)
            ways = _ways(type, steps[-1])
            found = next(
                ((way, made) for way in ways if (made := _as_type(value, way.type)) is not None), None
            )
            if found is None:
                raise _UnknownPathError(f"{type}.{steps[-1]} takes no {value.type}")
        except _UnknownPathError as fault:
            self.found.faults.append(f"{'.'.join(path)}: {fault}")
            return
        way, made = found
        context.filled = True
        if way.many:
            holder.setdefault(way.key, []).append(made)
        else:
            holder[way.key] = made

    def finish(self, context: _Context, *, is_root: bool) -> None:
        """Adds what the profile fixes, and the entry."""
        if not is_root and not (context.filled and context.answered):
            return
        found = self.canonicals.find("StructureDefinition", context.profile)
        if found is not None and not context.profile.startswith(CORE):
            self.fix(context, snapshots.rows(found, self.canonicals))
        resource = _pruned(context.resource)
        if isinstance(resource, dict):
            self.found.entries.append(self.entry(resource, context.full_url, context.request))

    def fix(self, context: _Context, rows: Any) -> None:
        """Fixed values and patterns of elements that must be there, or whose slice or parent is."""
        for row in rows:
            fixed = next(((key, row[key]) for key in row if key.startswith(("fixed", "pattern"))), None)
            steps = str(row.get("id", "")).split(".")[1:]
            if fixed is None or not steps:
                continue
            holder: Any = context.resource
            type = context.resource["resourceType"]
            for step in steps[:-1]:
                ways = _ways(type, step)
                holder, type = self.there(context, holder, step, ways), ways[0].type if ways else ""
                if holder is None:
                    break
            ways = _ways(type, steps[-1]) if holder is not None else ()
            if not ways or (len(steps) > 1 and not isinstance(holder, dict)):
                continue
            self.lay(holder, ways, steps[-1], fixed, required=row.get("min", 0) > 0 or len(steps) > 1)

    def there(self, context: _Context, holder: Json, step: str, ways: tuple[Property, ...]) -> Json | None:
        """The element of that step where it is there already."""
        for way in ways:
            value = holder.get(way.key)
            if isinstance(value, dict):
                return value
            if isinstance(value, list) and value:
                return context.slices.get((id(value), step)) if ":" in step else value[0]
        return None

    def lay(
        self, holder: Json, ways: tuple[Property, ...], step: str, fixed: tuple[str, Any], *, required: bool
    ) -> None:
        kind = fixed[0].removeprefix("fixed").removeprefix("pattern")
        way = next((each for each in ways if each.type.lower() == kind.lower()), None)
        if way is None or not required:
            return
        value = copy.deepcopy(fixed[1])
        present = holder.get(way.key)
        if way.many:
            if present is None or ":" in step:
                holder.setdefault(way.key, []).append(value)
        elif isinstance(present, dict) and isinstance(value, dict):
            holder[way.key] = {**value, **present}
        elif present is None:
            holder[way.key] = value

    # --- template-based ---

    def templates(self, element: Json, around: Surroundings, item: Item) -> None:
        for each in extended(element, "templateExtract"):
            told = parts(each)
            reference = told.get("template")
            template = self.template(reference.get("reference") if isinstance(reference, dict) else None)
            if template is None:
                continue
            made = _filled(template, around, item)
            for resource in made:
                if not isinstance(resource, dict) or "resourceType" not in resource:
                    self.found.faults.append("A template as a whole is no value: its elements are")
                    continue
                resource.pop("id", None)
                id = around.text(told.get("resourceId"), item)
                if id:
                    resource["id"] = id
                request = {name: text for name in _REQUEST if (text := around.text(told.get(name), item))}
                entry = self.entry(resource, around.text(told.get("fullUrl"), item), request)
                self.found.entries.append(entry)

    def bundle_template(self, questions: Json, around: Surroundings) -> None:
        for each in extended(questions, "templateExtractBundle"):
            reference = value_of(each)
            template = self.template(reference.get("reference") if isinstance(reference, dict) else None)
            made = _filled(template, around, around.response) if template is not None else []
            for bundle in (one for one in made if isinstance(one, dict)):
                for entry in bundle.get("entry", ()):
                    resource = entry.get("resource") if isinstance(entry, dict) else None
                    if isinstance(resource, dict) and "resourceType" in resource:
                        self.found.entries.append({**self.entry(entry["resource"]), **entry})

    def template(self, reference: Any) -> Json | None:
        found = self.contained.get(str(reference).removeprefix("#"))
        if found is None:
            self.found.faults.append(f"The questionnaire contains no template {str(reference)[:80]}")
        return found


class _UnknownPathError(Exception):
    """A definition that leads nowhere."""


def _placed(definition: Any, scopes: list[_Scope]) -> tuple[int | None, tuple[str, ...]]:
    """Which of the resources that are filled in a definition is about, and the steps below it: the innermost of that
    profile, else of that type."""
    if not isinstance(definition, str):
        return None, ()
    canonical, _, id = definition.partition("#")
    canonical = canonical.partition("|")[0]
    steps = id.split(".")
    type = steps[0].partition(":")[0]
    of_type = [number for number, one in enumerate(scopes) if one.context.resource["resourceType"] == type]
    found = [number for number in of_type if scopes[number].context.profile == canonical]
    if not found and canonical in (CORE + type, _bare(type)):
        found = of_type
    return (found[-1] if found else None), tuple(steps[1:])


def _is_answered(item: Json) -> bool:
    """Whether an item, or one within it, has an answer."""
    return any(
        questionnaire.value(answer)
        for one in (item, *questionnaire.response_items(item))
        for answer in one.get("answer", ())
    )


def _about(questions: Json, given: Sequence[Item], asked: _Asked) -> _Asked:
    """What is asked of items of which one tells whom they are about (the extension isSubject): where it is not
    answered, nobody knows, and nothing is made."""
    tells = {
        one.get("linkId")
        for one in questions.get("item", ())
        if any(value_of(each) is True for each in extended(one, "isSubject"))
    }
    if not tells:
        return asked
    subjects = [
        answer["valueReference"]
        for item in given
        if item.value.get("linkId") in tells
        for answer in item.value.get("answer", ())
        if "valueReference" in answer
    ]
    if not subjects:
        return replace(asked, is_open=True)
    return replace(asked, subject=subjects[0], is_open=False)


def _repetitions(question: Json, item: Item) -> list[Item]:
    """The item, or one for each answer where a question with several makes a resource of each."""
    answers = item.value.get("answer", ())
    begins = ("templateExtract", "definitionExtract", "itemExtractionContext")
    if len(answers) < 2 or not any(extended(question, name) for name in begins):
        return [item]
    return [
        Item({**item.value, "answer": [answer]}, item.type, None, item.parent, item.property, item.index)
        for answer in answers
    ]


def _codes(question: Json, *, extracts: bool) -> list[Json]:
    """The codes of an item that Observations get: those that are tagged, else all where the item is extracted."""
    codes = [
        each
        for each in question.get("code", ())
        if not any(value_of(one) is False for one in extended(each, "observationExtract"))
    ]
    tagged = [
        each for each in codes if any(value_of(one) is True for one in extended(each, "observationExtract"))
    ]
    chosen = tagged or (codes if extracts else ())
    return [{name: value for name, value in each.items() if name != "extension"} for each in chosen]


def _observed_value(answer: Json, question: Json) -> Json | None:
    """An answer as the value of an Observation; None for what can be none."""
    found = questionnaire.value(answer)
    if found is None:
        return None
    key, value = found
    unit = next((value_of(each) for each in extended(question, UNIT)), None)
    if key in ("valueInteger", "valueDecimal") and (isinstance(unit, dict) or key == "valueDecimal"):
        coding = unit if isinstance(unit, dict) else {}
        told = {"unit": coding.get("display") or coding.get("code"), "system": coding.get("system")}
        told["code"] = coding.get("code")
        return {"valueQuantity": {"value": value, **{name: each for name, each in told.items() if each}}}
    match key:
        case "valueCoding":
            return {"valueCodeableConcept": {"coding": [value]}}
        case "valueDate":
            return {"valueDateTime": value}
        case "valueUri":
            return {"valueString": value}
        case "valueReference" | "valueAttachment":
            return None
    return {key: value}


def _instant(authored: Any) -> str | None:
    """A moment to the second, which `issued` asks."""
    return authored if isinstance(authored, str) and len(authored) > len("2026-11-22T10:00:00") else None


def _bare(type: str) -> str:
    return f"http://hl7.org/fhir/{type}"


def _is_data_type(name: str) -> bool:
    """Whether a data type is called so."""
    try:
        definitions.structure(name)
    except KeyError:
        return False
    return True


def _ways(type: str, step: str) -> tuple[Property, ...]:
    """What a step of a definition leads to from a type: `value[x]`, `valueQuantity` and `name:official` too."""
    name = step.partition(":")[0].removesuffix("[x]")
    try:
        known = members(type)
    except KeyError:
        return ()
    if name in known:
        return known[name]
    return tuple(each for ways in known.values() for each in ways if each.key == name)


def _as_type(item: Item, type: str) -> Any:
    """An answer as a value of a type; None where it is none."""
    value = json_of(item)
    if item.type == type:
        return value
    if isinstance(value, dict):
        if item.type == "Coding":
            if type == "CodeableConcept":
                return {"coding": [value]}
            return value.get("code") if type == "code" else None
        if item.type == "Quantity" and type in ("SimpleQuantity", "Age", "Duration"):
            return value
        return None
    if isinstance(value, bool):
        return value if type == "boolean" else None
    if isinstance(value, str):
        if item.type in ("date", "dateTime", "System.Date", "System.DateTime"):
            return value[:10] if type == "date" else value if type in ("dateTime", "instant") else None
        if type == "CodeableConcept":
            return {"text": value}
        if type == "Reference":
            return {"reference": value}
        return value if type in _TEXTS else None
    if type == "Quantity":
        return {"value": value}
    if type == "decimal":
        return value
    return value if type in ("integer", "positiveInt", "unsignedInt") and isinstance(value, int) else None


_TEXTS = frozenset({"string", "markdown", "code", "id", "uri", "url", "canonical", "oid", "uuid"})


def _filled(template: Any, around: Surroundings, focus: Item) -> list[Any]:
    """The elements that a template makes: none, one, or one for each that its context finds."""
    contexts = extended(template, "templateExtractContext")
    if contexts:
        expression = expression_of(value_of(contexts[0]))
        if expression is None:
            return []
        made = []
        for each in around.find(expression[1], focus):
            within = around.within(**{expression[2]: each}) if expression[2] else around
            made += _one(template, within, each)
        return made
    return _one(template, around, focus)


def _one(template: Json, around: Surroundings, focus: Item) -> list[Any]:
    values = _values(template, around, focus)
    if values is not None:
        return values
    made: Json = {}
    for key, value in template.items():
        if key.startswith("_"):
            _primitive(key, value, template, around, focus, made)
        elif key == "extension":
            kept = [each for each in value if not str(each.get("url", "")).endswith(_TEMPLATE_ENDS)]
            filled = [one for each in kept for one in _filled(each, around, focus)]
            if filled:
                made[key] = filled
        elif isinstance(value, list):
            filled = [
                one
                for each in value
                for one in (_filled(each, around, focus) if isinstance(each, dict) else [each])
            ]
            if filled and f"_{key}" not in template:
                made[key] = filled
        elif isinstance(value, dict):
            filled = _filled(value, around, focus)
            if filled:
                made[key] = filled[0]
        elif f"_{key}" not in template:
            made[key] = value
    return [made] if made else []


_TEMPLATE_ENDS = ("templateExtractContext", "templateExtractValue")


def _values(element: Any, around: Surroundings, focus: Item) -> list[Any] | None:
    """What an element's own expression finds; None where it has none."""
    found = extended(element, "templateExtractValue") if isinstance(element, dict) else []
    if not found:
        return None
    expression = expression_of(value_of(found[0]))
    values = [json_of(each) for each in around.find(expression[1], focus)] if expression else []
    return [each for each in values if each is not None]


def _primitive(key: str, shadow: Any, template: Json, around: Surroundings, focus: Item, made: Json) -> None:
    """A primitive whose value, or values, an expression in its extension gives."""
    name = key[1:]
    plain = template.get(name)
    if isinstance(shadow, list):
        listed: list[Any] = []
        for number, each in enumerate(shadow):
            own = plain[number] if isinstance(plain, list) and number < len(plain) else None
            values = _values(each, around, focus)
            listed += [own] if values is None and own is not None else values or []
        if isinstance(plain, list):
            listed += plain[len(shadow) :]
        if listed:
            made[name] = listed
        return
    values = _values(shadow, around, focus)
    if values is None:
        made[key] = shadow
        if plain is not None:
            made[name] = plain
    elif values:
        made[name] = values[0]


def _pruned(value: Any) -> Any:
    """The same without what is empty; None where all is."""
    if isinstance(value, dict):
        kept = {key: found for key, each in value.items() if (found := _pruned(each)) is not None}
        return kept or None
    if isinstance(value, list):
        kept_list = [found for each in value if (found := _pruned(each)) is not None]
        return kept_list or None
    return value

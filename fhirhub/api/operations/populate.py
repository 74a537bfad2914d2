"""Questionnaire/$populate: a draft of a response with what is known filled in
(http://hl7.org/fhir/uv/sdc/OperationDefinition/Questionnaire-populate, https://hl7.org/fhir/uv/sdc/populate.html).

Known is what the caller sends as `context`, and unless `local` is false what the caller may read here. Nothing is
written. The draft names the version of the questionnaire.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any, NamedTuple

from fhirhub.api.exchange import FhirRequest, FhirResponse, Json
from fhirhub.api.operations import codes, parameters
from fhirhub.api.operations.parameters import Input
from fhirhub.careplan import questionnaires
from fhirhub.errors import FhirError, invalid, not_found, required
from fhirhub.resources import document, questionnaire, references, ucum
from fhirhub.resources.expressions import (
    FHIRPATH,
    MAP,
    QUERY,
    UNIT,
    VARIABLE,
    Surroundings,
    expression_of,
    extended,
    json_of,
    value_of,
)
from fhirhub.resources.fhirpath import Item
from fhirhub.resources.fhirpath.item import of_resource
from fhirhub.store import request as requests

MOST_FOUND = 200
"""Resources that one query takes."""
MOST_QUERIES = 100
"""Queries of one call."""
_WAYS = ("identifier", "canonical", "questionnaire", "questionnaireRef")
"""In which the questionnaire is named."""
_WORTH = "final,amended,corrected"
_BY_PERSON = ("candidateExpression", "contextExpression")
"""What the app that shows the form does with a person."""
_MAPPED = ("sourceStructureMap", "sourceQueries")


class _Linked(NamedTuple):
    """What the items around say of observations: how far back, and the Observation that a parent is about, of which
    those within it take parts and members alone."""

    period: Json | None = None
    observation: Json | None = None


async def populate(request: FhirRequest) -> FhirResponse:
    """Parameters with `response`, and `issues` where something could not be filled in."""
    given = parameters.read(request)
    questions = await _questionnaire(request, given)
    subject = _subject(given)
    filling = _Filling(request, questions, subject, given.flag("local") is not False)
    await filling.take_context(given)
    response = await filling.response()
    made: list[Json] = [{"name": "response", "resource": response}]
    told = [
        {"severity": "warning", "code": "incomplete", "details": {"text": text[:1000]}}
        for text in dict.fromkeys(filling.around.faults)
    ]
    told += [
        {"severity": "information", "code": "informational", "details": {"text": text}}
        for text in _left_to_the_app(questions)
    ]
    if told:
        made.append({"name": "issues", "resource": {"resourceType": "OperationOutcome", "issue": told}})
    return FhirResponse(200, document.encode({"resourceType": "Parameters", "parameter": made}))


def _left_to_the_app(questions: Json) -> list[str]:
    """What the form asks of who shows it, or by a StructureMap, which is no work of this operation here."""
    found = [
        f"`{name}` is not applied here: expressions, queries and observations are"
        for name in _MAPPED
        if extended(questions, name) or extended(questions, MAP + name)
    ]
    for item in questionnaire.items(questions):
        found += [
            f"The item {item.get('linkId')} has a `{name}`: a person chooses or looks there, so the app that shows "
            "the form finds it; nothing is filled in"
            for name in _BY_PERSON
            if extended(item, name)
        ]
    return found


async def _questionnaire(request: FhirRequest, given: Input) -> Json:
    own = await codes.of_instance(request)
    if own is not None:
        return own
    named = [name for name in _WAYS if given.one(name) is not None]
    if len(named) != 1:
        got = f"got {' and '.join(named)}" if named else "got none"
        raise required(
            f"One of `identifier`, `canonical`, `questionnaire` and `questionnaireRef` says which; {got}"
        )
    value = given.one(named[0])
    if isinstance(value, dict) and value.get("resourceType") == "Questionnaire":
        return codes.resource_of(given, named[0], "Questionnaire") or {}
    text = value.get("reference") if isinstance(value, dict) else value
    if named[0] == "identifier":
        return await _identified(request, value)
    if not isinstance(text, str):
        raise invalid(f"`{named[0]}` expects a canonical, a reference or a Questionnaire")
    target = references.parse(text, request.base)
    if target.is_local and target.type == "Questionnaire" and target.id is not None:
        return document.decode((await request.repository.read("Questionnaire", target.id)).body or b"{}")
    found = await questionnaires.find(request.repository, text)
    if found is None:
        raise not_found(f"The questionnaire {text[:300]} is not known here")
    return found.questionnaire


async def _identified(request: FhirRequest, value: Any) -> Json:
    if isinstance(value, dict):
        value = f"{value.get('system', '')}|{value.get('value', '')}"
    asked = requests.parse("Questionnaire", [("identifier", str(value))], request.repository.parameters)
    found = await request.repository.only_match(asked)
    if found is None:
        raise not_found(f"No questionnaire has the identifier {str(value)[:200]}")
    return document.decode(found.body or b"{}")


def _subject(given: Input) -> Json:
    value = given.one("subject")
    if isinstance(value, str) and value:
        value = {"reference": value}
    if not isinstance(value, dict) or not (value.get("reference") or value.get("identifier")):
        raise required("`subject` is the Reference of whom the response is about, such as Patient/1")
    return value


class _Filling:
    """One call."""

    def __init__(self, request: FhirRequest, questions: Json, subject: Json, local: bool) -> None:
        self.request = request
        self.questions = questions
        self.subject = subject
        self.local = local
        self.queries = 0
        self.given: set[str] = set()
        """The names that the caller gave a `context` for."""
        now = document.instant(request.context.now())
        self.now = datetime.now(UTC)
        url, version = questions.get("url"), questions.get("version")
        canonical = f"{url}|{version}" if version else url
        self.made: Json = {
            "resourceType": "QuestionnaireResponse",
            **({"questionnaire": canonical} if url else {}),
            "status": "in-progress",
            "subject": subject,
            "authored": now,
        }
        self.made |= _who(request)
        self.around = Surroundings(self.made, questions)

    async def take_context(self, given: Input) -> None:
        """The variables that the caller gives, and those that the launch and the subject tell."""
        for part in given.all("context"):
            named, content = _named(part)
            if named in self.given:
                raise invalid(
                    f"`context` names {named[:100]} twice; a name has one `context` with all its `content`"
                )
            self.given.add(named)
            found = [one for each in content if (one := await self.resource(each)) is not None]
            self.around.variables[named] = [of_resource(each) for each in found]
        for each in given.all("content"):
            found_one = await self.resource(each)
            if found_one is not None:
                self.around.variables.setdefault(
                    str(found_one["resourceType"]).lower(), of_resource(found_one)
                )
        subject = await self.resource(self.subject) if self.local else None
        if subject is not None:
            self.around.variables.setdefault("subject", of_resource(subject))
            if subject.get("resourceType") == "Patient":
                self.around.variables.setdefault("patient", of_resource(subject))
        actor = self.request.principal
        if self.local and actor is not None and actor.fhir_user:
            user = await self.resource({"reference": actor.fhir_user})
            if user is not None:
                self.around.variables.setdefault("user", of_resource(user))
        for each in extended(self.questions, "launchContext"):
            parts = {one.get("url"): value_of(one) for one in each.get("extension", ())}
            name = parts.get("name")
            code = name.get("code") if isinstance(name, dict) else name
            if isinstance(code, str):
                self.around.variables.setdefault(code, [])

    async def resource(self, value: Any) -> Json | None:
        """A resource that is given, or one that is referred to as far as the caller may read it."""
        if isinstance(value, dict) and "resourceType" in value:
            return value
        text = value.get("reference") if isinstance(value, dict) else value
        target = references.parse(str(text), self.request.base)
        if not target.is_local or target.type is None or target.id is None:
            return None
        stored = await self.request.repository.find(target.type, target.id)
        return document.decode(stored.body) if stored is not None and stored.body is not None else None

    async def response(self) -> Json:
        around = await self.with_variables(self.questions, self.around, given=self.given)
        items = await self.items(self.questions, around, _linked(self.questions, _Linked()))
        return {**self.made, "item": items} if items else self.made

    async def with_variables(
        self, element: Json, around: Surroundings, given: Collection[str] = ()
    ) -> Surroundings:
        """What an element declares, one after the other; but what was given already under that name."""
        for each in element.get("extension", ()):
            is_variable = each.get("url") == VARIABLE
            if is_variable:
                expression = expression_of(value_of(each))
                if expression is not None and expression[2] and expression[2] not in given:
                    around = around.within(**{expression[2]: await self.find(expression, around)})
        return around

    async def find(self, expression: tuple[str, str, str | None], around: Surroundings) -> list[Item]:
        """What an expression or a query finds; a query gives its Bundle."""
        language, text, _ = expression
        if language not in (QUERY, FHIRPATH):
            around.faults.append(
                f"`{text[:200]}` is {language[:50]}; {FHIRPATH} and {QUERY} are evaluated here"
            )
            return []
        if language != QUERY:
            return around.find(text)
        query = around.filled(text) if self.local else None
        found = await self.searched(query, around) if query is not None else []
        if query is not None and "/" in query.partition("?")[0]:
            return [of_resource(each) for each in found]
        entries = [{"resource": each} for each in found]
        return (
            [of_resource({"resourceType": "Bundle", "type": "searchset", "entry": entries})] if found else []
        )

    async def searched(self, query: str, around: Surroundings) -> list[Json]:
        """What a query finds, as the caller sees it."""
        self.queries += 1
        path, _, criteria = query.partition("?")
        if self.queries > MOST_QUERIES:
            around.faults.append(f"`{query[:200]}` was left out: a call makes {MOST_QUERIES} queries at most")
            return []
        if "/" in path:
            one = await self.resource({"reference": path})
            return [] if one is None else [one]
        try:
            asked = requests.parse(path, criteria, self.request.repository.parameters, base=self.request.base)
            page = await self.request.repository.search(asked)
        except FhirError as fault:
            around.faults.append(f"`{query[:200]}`: {fault.issues[0].text}")
            return []
        return [document.decode(each.body) for each in page.matches[:MOST_FOUND]]

    # --- items ---

    async def items(self, questions: Json, around: Surroundings, linked: _Linked) -> list[Json]:
        made: list[Json] = []
        if any(
            value_of(each) is True for one in questions.get("item", ()) for each in extended(one, "isSubject")
        ):
            linked = _Linked()  # about somebody else, whom an answer tells
        for question in questions.get("item", ()):
            if question.get("type") == "display":
                continue
            if question.get("type") == "group":
                made += await self.group(question, around, linked)
            else:
                made.append(await self.question(question, around, linked))
        return made

    async def group(self, question: Json, around: Surroundings, linked: _Linked) -> list[Json]:
        """A group, as often as its context is found where it repeats."""
        around = await self.with_variables(question, around)
        linked = _linked(question, linked)
        async for panel in self.observations(question, linked):
            linked = linked._replace(observation=panel)
            break
        contexts: list[Surroundings] = []
        for each in extended(question, "itemPopulationContext"):
            expression = expression_of(value_of(each))
            if expression is None or not expression[2]:
                continue
            found = await self.find(expression, around)
            if expression[0] == QUERY:
                found = [
                    of_resource(entry["resource"])
                    for one in found
                    for entry in one.value.get("entry", [{"resource": one.value}])
                ]
            chosen = found if question.get("repeats") is True else found[:1]
            contexts += [around.within(**{expression[2]: item}) for item in chosen]
            if not found:
                contexts.append(around.within(**{expression[2]: []}))
        made = []
        for context in contexts or [around]:
            item = _head(question)
            inner = await self.items(question, context, linked)
            made.append({**item, "item": inner} if inner else item)
        return made

    async def question(self, question: Json, around: Surroundings, linked: _Linked) -> Json:
        around = await self.with_variables(question, around)
        linked = _linked(question, linked)
        answers = [
            {found[0]: found[1]}
            for each in question.get("initial", ())
            if (found := questionnaire.value(each)) is not None
        ]
        answers += [
            {found[0]: found[1]}
            for each in question.get("answerOption", ())
            if each.get("initialSelected") is True and (found := questionnaire.value(each)) is not None
        ]
        for each in extended(question, "initialExpression"):
            expression = expression_of(value_of(each))
            if expression is not None:
                answers += self.answers(question, await self.find(expression, around), around)
        if not answers and question.get("repeats") is not True:
            async for observation in self.observations(question, linked):
                answers = self.observed(question, around, observation)
                if answers:
                    linked = linked._replace(observation=observation)
                    break
        if question.get("repeats") is not True:
            answers = answers[:1]
        item = _head(question)
        inner = await self.items(question, around, linked) if question.get("item") else []
        if answers:
            return {**item, "answer": [{**answers[0], **({"item": inner} if inner else {})}, *answers[1:]]}
        return item

    def answers(self, question: Json, found: Sequence[Item], around: Surroundings) -> list[Json]:
        made = []
        for each in found:
            answer = _answer(question, each)
            if answer is None:
                around.faults.append(
                    f"The item {question.get('linkId')} takes a {question.get('type')}; the expression found a "
                    f"{each.type}"
                )
            else:
                made.append(answer)
        return made

    async def observations(self, question: Json, linked: _Linked) -> AsyncIterator[Json]:
        """The Observations of an item's codes, the newest first (populate.html, observation-based)."""
        codes = {(each.get("system"), each["code"]) for each in question.get("code", ()) if "code" in each}
        if linked.period is None or not codes or not self.local or "reference" not in self.subject:
            return
        if linked.observation is not None:
            for part in await self.parts(linked.observation):
                found = part.get("code", {}).get("coding", ())
                if codes & {(each.get("system"), each.get("code")) for each in found}:
                    yield part
            return
        since = _before(self.now, linked.period)
        pairs = [
            ("subject", self.subject["reference"]),
            ("code", ",".join(f"{system or ''}|{code}" for system, code in sorted(codes, key=str))),
            ("status", _WORTH),
            ("_sort", "-date"),
            ("_count", "10"),
            *([("date", f"ge{since}")] if since else []),
        ]
        asked = requests.parse(
            "Observation", pairs, self.request.repository.parameters, base=self.request.base
        )
        self.queries += 1
        for match in (await self.request.repository.search(asked)).matches:
            found = document.decode(match.body)
            if self.is_of_subject(found):
                yield found

    async def parts(self, observation: Json) -> list[Json]:
        """The components of an Observation, and its members."""
        made: list[Json] = list(observation.get("component", ()))
        for each in observation.get("hasMember", ()):
            member = await self.resource(each)
            if (
                member is not None
                and member.get("status") in _WORTH.split(",")
                and self.is_of_subject(member)
            ):
                made.append(member)
        return made

    def is_of_subject(self, observation: Json) -> bool:
        """Whether it is about the subject themselves, and not of, say, the child they bear."""
        return all(
            each.get("reference") == self.subject["reference"] for each in observation.get("focus", ())
        )

    def observed(self, question: Json, around: Surroundings, observation: Json) -> list[Json]:
        """The value of an Observation, or of a part of one, as answers."""
        whole = {"resourceType": "Observation", **observation}
        values = around.find("Observation.value", of_resource(whole))
        answers = [answer for value in values if (answer := _answer(question, value)) is not None]
        if values and not answers:
            around.faults.append(
                f"An Observation for the item {question.get('linkId')} was left out: the item takes a "
                f"{question.get('type')}, and a number only in the unit that its `questionnaire-unit` names"
            )
        return answers


def _linked(element: Json, around: _Linked) -> _Linked:
    """What is said of observations within an element: its own period before that of those around it."""
    for each in extended(element, "observationLinkPeriod"):
        period = value_of(each)
        return around._replace(period=period if isinstance(period, dict) else None)
    return around


def _who(request: FhirRequest) -> Json:
    """Who fills it in: patient and carer answer themselves, a professional writes down what is said."""
    actor = request.repository.asker.actor
    if actor is None or actor.person is None:
        return {}
    own = {"author": {"reference": actor.person}}
    if actor.column in ("patient", "carer", "representative"):
        own["source"] = {"reference": actor.person}
    return own


def _named(part: Any) -> tuple[str, list[Any]]:
    """The name and contents of a `context`."""
    parts = part if isinstance(part, list) else []
    names = [
        value for one in parts if one.get("name") == "name" for key, value in one.items() if key != "name"
    ]
    content = [
        value
        for one in parts
        if one.get("name") == "content"
        for key, value in one.items()
        if key == "resource" or key.startswith("value")
    ]
    if len(names) != 1 or not content:
        raise invalid("`context` has the parts `name` and `content`, a Reference or a resource")
    name = names[0].get("code") if isinstance(names[0], dict) else names[0]
    return str(name), content


def _head(question: Json) -> Json:
    made = {"linkId": question.get("linkId")}
    for name in ("definition", "text"):
        if name in question:
            made[name] = question[name]
    return made


def _before(now: datetime, period: Json) -> str | None:
    """The day that lies a Duration before now; None where that is before all."""
    unit = ucum.unit(str(period.get("code", "")))
    value = period.get("value")
    if unit is None or unit.base != "s" or not isinstance(value, int | Decimal):
        return None
    seconds = float(unit.to_base(value))
    moment = now.timestamp() - seconds
    return datetime.fromtimestamp(moment, UTC).date().isoformat() if moment > 0 else None


def _answer(question: Json, item: Item) -> Json | None:
    """A value as an answer of the type that is asked; None where it is none."""
    value, type = json_of(item), str(question.get("type"))
    if isinstance(value, dict) and "resourceType" in value:
        if type == "reference" and value.get("id"):
            return {"valueReference": {"reference": f"{value['resourceType']}/{value['id']}"}}
        return None
    match type:
        case "choice" | "open-choice":
            return _chosen(question, item, value)
        case "boolean":
            return {"valueBoolean": value} if isinstance(value, bool) else None
        case "integer":
            is_whole = (
                isinstance(value, int | Decimal) and not isinstance(value, bool) and value == int(value)
            )
            return {"valueInteger": int(value)} if is_whole else _of_quantity(question, value, whole=True)
        case "decimal":
            is_number = isinstance(value, int | Decimal) and not isinstance(value, bool)
            return {"valueDecimal": value} if is_number else _of_quantity(question, value, whole=False)
        case "quantity":
            return {"valueQuantity": value} if isinstance(value, dict) and "value" in value else None
        case "reference":
            return {"valueReference": value} if isinstance(value, dict) and "reference" in value else None
        case "attachment":
            return {"valueAttachment": value} if item.type == "Attachment" else None
    if not isinstance(value, str):
        if type in ("string", "text"):
            text = value.get("text") or value.get("display") if isinstance(value, dict) else str(value)
            return {"valueString": text} if text and not isinstance(value, bool) else None
        return None
    if type == "date":
        return {"valueDate": value[:10]} if value[:4].isdigit() else None
    keys = {"dateTime": "valueDateTime", "time": "valueTime", "url": "valueUri", "string": "valueString"}
    key = keys.get(type, "valueString" if type == "text" else None)
    return {key: value} if key is not None else None


def _of_quantity(question: Json, value: Any, *, whole: bool) -> Json | None:
    """The number of a Quantity in the unit that the question is asked in; None where it names none, or where the
    Quantity is of another kind or only a bound: the number would mean something else."""
    unit = next((value_of(each) for each in extended(question, UNIT)), None)
    if not isinstance(unit, dict) or not isinstance(value, dict) or "comparator" in value:
        return None
    number = _converted(value, unit)
    if number is None or (whole and number != int(number)):
        return None
    return {"valueInteger": int(number)} if whole else {"valueDecimal": number}


def _converted(value: Json, wanted: Json) -> int | Decimal | None:
    """The number of a Quantity in a UCUM unit; None where it cannot be told."""
    number = value.get("value")
    if not isinstance(number, int | Decimal):
        return None
    if value.get("code", value.get("unit")) == wanted.get("code"):
        return number
    given, asked = ucum.unit(str(value.get("code", ""))), ucum.unit(str(wanted.get("code", "")))
    if given is None or asked is None or given.base != asked.base:
        return None
    exact: Fraction = (given.to_base(number) - asked.offset) / asked.factor
    return round(Decimal(exact.numerator) / Decimal(exact.denominator), 6).normalize() + 0


def _chosen(question: Json, item: Item, value: Any) -> Json | None:
    """A coding; for a code or a text the option that has it."""
    if isinstance(value, dict):
        codings = value.get("coding", [value] if "code" in value else [])
        options = questionnaire.options(question)
        for coding in codings:
            if not options or questionnaire.is_option(("valueCoding", coding), options):
                return {"valueCoding": {name: each for name, each in coding.items() if name != "extension"}}
        return None
    for key, option in questionnaire.options(question):
        known = option.get("code") if isinstance(option, dict) else option
        if known == value:
            return {key: option}
    if question.get("type") == "open-choice" and isinstance(value, str):
        return {"valueString": value}
    return (
        {"valueCoding": {"code": value}} if item.type == "code" and not question.get("answerOption") else None
    )

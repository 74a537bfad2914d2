"""A QuestionnaireResponse against its Questionnaire, and a Questionnaire in itself.

https://hl7.org/fhir/R4/questionnaireresponse.html#link
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

from fhirhub.resources import fhirpath, primitives, questionnaire, references
from fhirhub.resources.canonicals import CORE, Canonicals
from fhirhub.resources.fhirpath import FhirpathError, Item, regex
from fhirhub.resources.fhirpath.environment import MOST_STEPS
from fhirhub.resources.fhirpath.item import member
from fhirhub.resources.validation import amounts, wording
from fhirhub.resources.validation.bindings import LocalTerminology
from fhirhub.resources.validation.examination import Examination, Scope

Json = dict[str, Any]

_items = member("item")
_answers = member("answer")
_conditions = member("enableWhen")

_TRANSLATION = CORE + "translation"
_SDC = "http://hl7.org/fhir/uv/sdc/StructureDefinition/"
_EXCLUSIVE = CORE + "questionnaire-optionExclusive"
_COUNTED = {CORE + "questionnaire-minOccurs": (1, "least"), CORE + "questionnaire-maxOccurs": (-1, "most")}

_BOUNDS = frozenset({"minValue", "maxValue", "minLength", "maxDecimalPlaces"})

_FINISHED = frozenset({"completed", "amended"})
"""Of what is not finished, answers may still be missing."""

_ENABLE_WHEN = frozenset(
    {
        "http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-questionnaire-enableWhenExpression",
        # What Finland's national records had before it (https://simplifier.net/finnishphr).
        "http://phr.kanta.fi/StructureDefinition/fiphr-ext-questionnaire-enablewhen",
    }
)


def check_questionnaire(examination: Examination, scope: Scope, item: Item) -> None:
    """That conditions are about other items that there are, and that values fit the types of their items."""
    known = {each.get("linkId") for each in questionnaire.items(item.value)}
    contained = {
        str(each.get("id")): str(each.get("resourceType"))
        for each in scope.root.value.get("contained", ())
        if isinstance(each, dict)
    }
    pending = list(_items((item,)))
    while pending:
        each = pending.pop(0)
        examination.spend()
        own = {inner.get("linkId") for inner in questionnaire.items(each.value)}
        for condition in _conditions((each,)):
            question, fault = condition.value.get("question"), None
            if question not in known:
                fault = f"There is no item with the linkId `{str(question)[:80]}`"
            elif question == each.value.get("linkId") or question in own:
                fault = "A condition is about another item, neither about this one nor about one within it"
            if fault is not None:
                examination.tell("error", "value", fault, condition, below=".question")
        _check_values(examination, each)
        _check_answer_set(examination, each, contained)
        pending = [*_items((each,)), *pending]


def _check_values(examination: Examination, item: Item) -> None:
    """Initial values and options are of the type that the item asks for."""
    type = str(item.value.get("type"))
    allowed = questionnaire.ANSWERS.get(type)
    if not allowed:
        return
    for name in ("initial", "answerOption"):
        # Options of a choice may be anything to choose from.
        fitting = _OPTIONS if name == "answerOption" and type in ("choice", "open-choice") else allowed
        for each in member(name)((item,)):
            found = questionnaire.value(each.value)
            if found is not None and found[0] not in fitting and not (name == "initial" and type == "choice"):
                text = f"An item of the type {type} takes {wording.listed(fitting)}; got {found[0]}"
                examination.tell("error", "value", text, each, below=".value")


_OPTIONS = ("valueInteger", "valueDate", "valueTime", "valueString", "valueCoding", "valueReference")


def _check_answer_set(examination: Examination, item: Item, contained: dict[str, str]) -> None:
    url = item.value.get("answerValueSet")
    if not isinstance(url, str):
        return
    if url.startswith("#"):
        found = contained.get(url[1:])
        fault = None if found == "ValueSet" else f"{url[:80]} is no contained value set"
    else:
        find = examination.canonicals.find
        is_system = find("ValueSet", url) is None and find("CodeSystem", url) is not None
        fault = f"{url[:200]} is a code system, not a value set" if is_system else None
    if fault is not None:
        examination.tell("error", "value", fault, item, below=".answerValueSet")


def check_response(examination: Examination, scope: Scope, item: Item) -> None:
    """Tell where a response does not answer its questionnaire."""
    canonical = item.value.get("questionnaire")
    if not isinstance(canonical, str):
        return
    found, contained = _questionnaire(examination, scope, canonical)
    if found is None:
        text = f"The questionnaire {canonical[:200]} is not known here, so the answers were not checked"
        examination.tell("warning", "not-found", text, item, below=".questionnaire")
        return
    _Response(examination, scope, item, found, contained).check()


def _questionnaire(examination: Examination, scope: Scope, canonical: str) -> tuple[Json | None, list[Json]]:
    """The questionnaire, with the resources that it contains."""
    own = [each for each in scope.item.value.get("contained", ()) if isinstance(each, dict)]
    if canonical.startswith("#"):
        found = next((each for each in own if each.get("id") == canonical[1:]), None)
        return (found if found is not None and found.get("resourceType") == "Questionnaire" else None), own
    found = examination.canonicals.find("Questionnaire", canonical)
    if found is None and examination.resolve is not None:
        resolved = examination.resolve(canonical)
        if resolved is not None and resolved.get("resourceType") == "Questionnaire":
            found = resolved
    return found, list(found.get("contained", ())) if found is not None else []


class _Response:
    def __init__(
        self, examination: Examination, scope: Scope, item: Item, questions: Json, contained: list[Json]
    ) -> None:
        self.examination = examination
        self.scope = scope
        self.item = item
        self.questions = questions
        self.is_finished = item.value.get("status") in _FINISHED
        self.contained = Canonicals(
            [{**each, "url": f"#{each.get('id')}"} for each in contained], examination.canonicals
        )

    @functools.cached_property
    def given(self) -> dict[str, list[Json]]:
        """The answers by linkId."""
        return questionnaire.answers(self.item.value)

    @functools.cached_property
    def places(self) -> frozenset[str]:
        """The linkIds of the questionnaire."""
        return frozenset(str(each.get("linkId")) for each in questionnaire.items(self.questions))

    def check(self) -> None:
        self.check_authored()
        self.group(self.item, _items((self.item,)), self.questions, is_enabled=True)

    def check_authored(self) -> None:
        """A questionnaire is answered while it is in use."""
        authored, period = self.item.value.get("authored"), self.questions.get("effectivePeriod")
        if not isinstance(authored, str) or not isinstance(period, dict):
            return
        try:
            begin, end = primitives.date_range(authored)
            is_early = "start" in period and end <= primitives.date_range(str(period["start"]))[0]
            is_late = "end" in period and begin >= primitives.date_range(str(period["end"]))[1]
        except ValueError:
            return  # told already
        if is_early or is_late:
            text = f"The questionnaire was in use from {period.get('start', '...')} to {period.get('end', '...')}"
            self.examination.tell("warning", "business-rule", text, self.item, below=".authored")

    def group(self, at: Item, items: Iterable[Item], questions: Json, is_enabled: bool) -> None:
        """The items of a group, of an answer, or of the whole."""
        self.examination.spend()
        wanted = {
            str(each.get("linkId")): each for each in questions.get("item", ()) if isinstance(each, dict)
        }
        found: dict[str, list[Item]] = {}
        last = -1
        order = list(wanted)
        for item in items:
            link_id = str(item.value.get("linkId"))
            if link_id not in wanted:
                self.tell_misplaced(item, link_id, wanted)
                continue
            found.setdefault(link_id, []).append(item)
            place = order.index(link_id)
            if place < last:
                self.tell(item, "structure", "Items stand in the order of the questionnaire")
            last = max(last, place)
        for link_id, question in wanted.items():
            self.question(at, found.get(link_id, []), question, is_enabled)

    def tell_misplaced(self, item: Item, link_id: str, wanted: dict[str, Json]) -> None:
        if link_id in self.places:
            text = f"The item {link_id} stands elsewhere in the questionnaire"
        else:
            text = f"The questionnaire has no item {link_id[:80]}{wording.nearest(link_id, wanted)}"
        self.tell(item, "structure", text)

    def tell(self, item: Item, code: str, text: str, below: str = "") -> None:
        self.examination.tell("error", code, text, item, below=below)

    def question(self, at: Item, items: list[Item], question: Json, is_enabled: bool) -> None:
        link_id, type = str(question.get("linkId")), str(question.get("type"))
        if not (is_enabled and self.is_enabled(question)):
            has_answer = any(
                "answer" in inner
                for item in items
                for inner in (item.value, *questionnaire.response_items(item.value))
            )
            if has_answer:
                text = f"The item {link_id} has an answer, though its conditions do not enable it"
                self.tell(items[0], "invariant", text)
            return
        if question.get("required") is True and self.is_finished and type != "display":
            # Of a group that is required something is answered.
            is_there = any(_items((item,)) if type == "group" else _answers((item,)) for item in items)
            if not is_there:
                self.tell(at, "required", f"The item {link_id} must be answered", below=".item")
        if len(items) > 1 and (type != "group" or question.get("repeats") is not True):
            text = f"The item {link_id} may be there once" + (
                "; several answers stand in one item" if question.get("repeats") is True else ""
            )
            self.tell(items[1], "structure", text)
        if type == "group":
            self.number(at, items, question)
        for item in items:
            self.one(item, question, type)

    def one(self, item: Item, question: Json, type: str) -> None:
        link_id = str(question.get("linkId"))
        answers = _answers((item,))
        self.text(item, question)
        if type in ("group", "display"):
            if answers:
                self.tell(
                    item, "structure", f"The item {link_id} is a {type} and takes no answer", below=".answer"
                )
            if type == "group":
                self.group(item, _items((item,)), question, is_enabled=True)
            return
        if "item" in item.value and _items((item,)):
            text = f"What belongs to the question {link_id} stands below its answer, not beside it"
            self.tell(item, "structure", text, below=".item")
        if len(answers) > 1 and question.get("repeats") is not True:
            self.tell(answers[1], "structure", f"The item {link_id} takes one answer")
        self.number(item, answers, question)
        for answer in answers:
            self.answer(answer, question, type)
            if "item" in answer.value or "item" in question:
                self.group(answer, _items((answer,)), question, is_enabled=True)
            else:
                self.examination.spend()

    def text(self, item: Item, question: Json) -> None:
        """What was asked is what the questionnaire asks, in one of its languages."""
        own, asked = item.value.get("text"), question.get("text")
        if not isinstance(own, str) or own == asked or not isinstance(asked, str):
            return
        beside = question.get("_text")
        translations = _all_parts(beside if isinstance(beside, dict) else {}, _TRANSLATION, "content")
        if own not in translations:
            text = f"The text of the item {question.get('linkId')} is `{asked[:80]}`; got `{own[:80]}`"
            self.examination.tell_beyond("invalid", text, item, below=".text")

    def number(self, item: Item, answers: Sequence[Item], question: Json) -> None:
        """How many answers, or of a group how many times, there may be, by extensions of R4."""
        link_id = str(question.get("linkId"))
        is_group = question.get("type") == "group"
        for name, sign, word in (("minOccurs", 1, "least"), ("maxOccurs", -1, "most")):
            bound = _extended(question, f"{CORE}questionnaire-{name}")
            # What nobody began with, or is not finished, is not too few yet.
            is_due = bool(answers) and (not is_group or sign < 0 or self.is_finished)
            if isinstance(bound, int) and is_due and (len(answers) - bound) * sign < 0:
                takes = (
                    f"is there at {word} {bound} times" if is_group else f"takes at {word} {bound} answers"
                )
                self.tell(item, "structure", f"The item {link_id} {takes}; got {len(answers)}")
        for option in question.get("answerOption", ()):
            value = questionnaire.value(option)
            if len(answers) < 2 or value is None or _extended(option, _EXCLUSIVE) is not True:
                continue
            given = [found for each in answers if (found := questionnaire.value(each.value)) is not None]
            if any(questionnaire.is_option(each, [value]) for each in given):
                text = f"One of the answers to {link_id} allows no other beside it"
                self.tell(item, "structure", text, below=".answer")

    def answer(self, answer: Item, question: Json, type: str) -> None:
        given = questionnaire.value(answer.value)
        if given is None:
            return
        link_id = str(question.get("linkId"))
        options = questionnaire.options(question)
        allowed = set(questionnaire.ANSWERS.get(type, ()))
        if type == "choice" and options:
            allowed = {key for key, _ in options}
        if given[0] not in allowed:
            text = f"The item {link_id} takes {wording.listed(allowed) or 'no answer'}; got {given[0]}"
            self.tell(answer, "structure", text, below=".value")
            return
        is_open = type == "open-choice"
        if options and not questionnaire.is_option(given, options) and not is_open:
            text = f"The answer to {link_id} must be one of its options"
            self.tell(answer, "code-invalid", text, below=".value")
        value_set = question.get("answerValueSet")
        if isinstance(value_set, str) and given[0] == "valueCoding" and isinstance(given[1], dict):
            self.member(answer, given[1], value_set, is_open)
        self.bounds(answer, given, question)
        if "extension" in question:
            self.form(answer, given, question)

    def member(self, answer: Item, coding: Json, value_set: str, is_open: bool) -> None:
        code = coding.get("code")
        if not isinstance(code, str) or is_open:
            return
        if value_set.startswith("#"):
            terminology = LocalTerminology(self.contained)
            verdict = terminology.validate(coding.get("system"), code, value_set)
        else:
            verdict = self.examination.terminology.validate(coding.get("system"), code, value_set)
        if verdict.is_member is False:
            text = f"The answer must have a code from {value_set}; got {coding.get('system', '')}|{code[:80]}"
            self.tell(answer, "code-invalid", text, below=".value")

    def bounds(self, answer: Item, given: tuple[str, Any], question: Json) -> None:
        value = given[1]
        longest = question.get("maxLength")
        if isinstance(value, str) and isinstance(longest, int) and len(value) > longest:
            text = f"The answer has at most {longest} characters; got {len(value)}"
            self.tell(answer, "too-long", text, below=".value")
        for extension in question.get("extension", ()):
            url = str(extension.get("url")).removeprefix(CORE)
            bound = questionnaire.value(extension) if url in _BOUNDS else None
            if bound is None:
                continue
            if not _keeps(url, value, bound[1]):
                text = f"The answer must keep to {url} {bound[1]}; got {str(value)[:80]}"
                self.tell(answer, "value", text, below=".value")

    def form(self, answer: Item, given: tuple[str, Any], question: Json) -> None:
        """What extensions ask of texts, attachments, references and amounts."""
        key, value = given
        link_id, fault = str(question.get("linkId")), None
        pattern = _extended(question, CORE + "regex")
        if isinstance(value, str) and isinstance(pattern, str) and not _matches(pattern, value):
            fault = f"The answer to {link_id} has the form `{pattern[:80]}`; got `{value[:80]}`"
        elif key == "valueAttachment" and isinstance(value, dict):
            types = _all_extended(question, CORE + "mimeType")
            most, size = _extended(question, CORE + "maxSize"), value.get("size")
            if types and value.get("contentType") not in types:
                fault = f"The answer to {link_id} is {wording.listed(types)}; got {value.get('contentType')}"
            elif isinstance(most, int | Decimal) and isinstance(size, int) and size > most * 1_048_576:
                fault = f"The answer to {link_id} has at most {most} MB; got {size} bytes"
        elif key == "valueReference" and isinstance(value, dict):
            types = _all_extended(question, CORE + "questionnaire-referenceResource")
            type = references.target_type(value, self.scope.item.value)
            if types and type is not None and type not in types:
                fault = f"The answer to {link_id} refers to {wording.listed(types)}; got {type}"
        elif key == "valueQuantity" and isinstance(value, dict):
            units = _all_extended(question, CORE + "questionnaire-unitOption")
            codes = {each.get("code") for each in units if isinstance(each, dict)}
            if codes and value.get("code") not in codes:
                fault = f"The answer to {link_id} is in {wording.listed(map(str, codes))}; got {value.get('code')}"
            fault = fault or self.amount(value, question)
        if fault is not None:
            self.tell(answer, "value", fault, below=".value")

    def amount(self, value: Json, question: Json) -> str | None:
        """What is wrong with an amount: its unit, or how much it is."""
        link_id = str(question.get("linkId"))
        units = _extended(question, f"{CORE}questionnaire-unitValueSet")
        code = value.get("code")
        if isinstance(units, str) and isinstance(code, str):
            verdict = self.examination.terminology.validate(value.get("system"), code, units)
            if verdict.is_member is False:
                return f"The answer to {link_id} has a unit of {units}; got {code[:80]}"
        for name, sign, word in (("minQuantity", 1, "least"), ("maxQuantity", -1, "most")):
            bound = _extended(question, f"{_SDC}sdc-questionnaire-{name}")
            order = amounts.order(value, bound) if isinstance(bound, dict) else None
            if order is not None and order * sign < 0:
                return f"The answer to {link_id} is at {word} {bound.get('value')} {bound.get('code', '')}"
        return None

    def is_enabled(self, question: Json) -> bool:
        """By its conditions, or by the expression that stands for them."""
        for extension in question.get("extension", ()):
            if extension.get("url") in _ENABLE_WHEN:
                given = questionnaire.value(extension)
                expression = given[1] if given is not None else None
                if isinstance(expression, dict):
                    expression = expression.get("expression")
                return not isinstance(expression, str) or self.holds(expression)
        return "enableWhen" not in question or questionnaire.is_enabled(question, self.given)

    def holds(self, expression: str) -> bool:
        environment = self.scope.environment(self.examination)
        environment.steps = MOST_STEPS
        try:
            return fhirpath.compile(expression).holds(self.item, environment) is not False
        except FhirpathError:
            return True  # what cannot be told forbids nothing


def _extended(value: Json, url: str) -> Any:
    """The value of an extension; None where it has none."""
    return next(iter(_all_extended(value, url)), None)


def _all_parts(value: Json, url: str, part: str) -> list[Any]:
    """The values of that part of each such extension."""
    return [
        found
        for each in value.get("extension", ())
        if each.get("url") == url
        for found in _all_extended(each, part)
    ]


def _all_extended(value: Json, url: str) -> list[Any]:
    found = [each for each in value.get("extension", ()) if each.get("url") == url]
    return [given[1] for each in found if (given := questionnaire.value(each)) is not None]


def _matches(pattern: str, value: str) -> bool:
    try:
        return regex.compile(f"^(?:{pattern})$").search(value) is not None
    except FhirpathError:
        return True  # what cannot be read forbids nothing


def _keeps(url: str, value: Any, bound: Any) -> bool:
    if url == "minLength":
        return not isinstance(value, str) or not isinstance(bound, int) or len(value) >= bound
    if url == "maxDecimalPlaces":
        return not isinstance(value, Decimal) or -int(value.as_tuple().exponent) <= bound
    sign = 1 if url == "minValue" else -1
    if isinstance(value, int | Decimal) and isinstance(bound, int | Decimal):
        return (value - bound) * sign >= 0
    if isinstance(value, str) and isinstance(bound, str):
        try:
            low, high = primitives.date_range(value)
            least, most = primitives.date_range(bound)
        except ValueError:
            return True
        return high > least if sign > 0 else low < most
    return True

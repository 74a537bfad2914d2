"""The six dimensions of positive health: scores from answers, and series of scores (RULES R31).

An aid to conversation: a score is a mean of marks that somebody gave, never a total and never an alarm.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, NamedTuple

from fhirhub.resources import guide, primitives, questionnaire

Json = dict[str, Any]

LEAST, MOST = 0, 10
"""Bounds of a mark."""
UCUM = "http://unitsofmeasure.org"
ORDINAL = "http://hl7.org/fhir/StructureDefinition/ordinalValue"
SOURCES = ("self", "professional", "carer")
"""Whose a series is; they are kept apart."""
_ENOUGH = (4, 7)
"""Of so many questions that many are answered for a score."""
_SOURCE_OF = {"Patient": "self", "RelatedPerson": "carer"}


def system() -> str:
    """The code system of the dimensions."""
    return guide.url("CodeSystem", "positive-health-dimension")


@functools.cache
def names() -> Mapping[str, Mapping[str, str]]:
    """By code, in their order, the name of a dimension by language."""
    found = guide.find("CodeSystem", system()) or {}
    return {
        each["code"]: {
            "nl": each["display"],
            **{word["language"]: word["value"] for word in each.get("designation", ())},
        }
        for each in found.get("concept", ())
    }


def dimension_of(codings: Any) -> str | None:
    """The dimension that one of the codings names."""
    for coding in codings if isinstance(codings, list) else ():
        if isinstance(coding, dict) and coding.get("system") == system() and coding.get("code") in names():
            return str(coding["code"])
    return None


# Scores from answers


class Mark(NamedTuple):
    """An answer that is a number."""

    link_id: str
    value: Decimal


@dataclass(slots=True)
class Asked:
    """What a questionnaire asks about a dimension, and what was answered."""

    questions: int
    marks: list[Mark]


def asked(questions: Json, response: Json) -> dict[str, Asked]:
    """By dimension, how many marks the questionnaire asks and those that were given."""
    given = questionnaire.answers(response)
    found: dict[str, Asked] = {}
    for dimension, item in _questions(questions.get("item"), None):
        place = found.setdefault(dimension, Asked(0, []))
        place.questions += 1
        link_id = str(item.get("linkId"))
        for answer in given.get(link_id, ())[:1]:
            mark = _mark(item, answer)
            if mark is not None:
                place.marks.append(Mark(link_id, mark))
    return found


def out_of_range(found: Mapping[str, Asked]) -> list[Mark]:
    """Marks that are none."""
    return [mark for each in found.values() for mark in each.marks if not LEAST <= mark.value <= MOST]


def scores(found: Mapping[str, Asked]) -> dict[str, Decimal]:
    """By dimension that has one, the score."""
    made = {code: score([mark.value for mark in each.marks], each.questions) for code, each in found.items()}
    return {code: value for code, value in made.items() if value is not None}


def score(marks: Sequence[Decimal | int], questions: int) -> Decimal | None:
    """The mean of the marks, rounded half up to one decimal; None where fewer than four in seven questions have one.
    Where one question is all there is, its mark is the score."""
    least, of = _ENOUGH
    if not marks or len(marks) * of < questions * least:
        return None
    if questions == 1 and Decimal(marks[0]) == Decimal(marks[0]).to_integral_value():
        return Decimal(int(marks[0]))
    return (sum(map(Decimal, marks), Decimal(0)) / len(marks)).quantize(Decimal("0.1"), ROUND_HALF_UP)


def _questions(items: Any, within: str | None) -> Iterator[tuple[str, Json]]:
    """The questions for a mark, each with its dimension: its own, or that of the group around it."""
    for item in items if isinstance(items, list) else ():
        dimension = dimension_of(item.get("code")) or _extended(item) or within
        if dimension is not None and _asks_mark(item):
            yield dimension, item
        yield from _questions(item.get("item"), dimension)


def _extended(item: Json) -> str | None:
    url = guide.url("StructureDefinition", "dimension")
    for each in item.get("extension", ()):
        if each.get("url") == url:
            return dimension_of(each.get("valueCodeableConcept", {}).get("coding"))
    return None


def _asks_mark(item: Json) -> bool:
    if item.get("type") in ("integer", "decimal"):
        return True
    return item.get("type") == "choice" and any(
        _ordinal(option) is not None for option in item.get("answerOption", ())
    )


def _mark(item: Json, answer: Json) -> Decimal | None:
    for name in ("valueInteger", "valueDecimal"):
        if isinstance(answer.get(name), int | Decimal) and not isinstance(answer[name], bool):
            return Decimal(answer[name])
    given = questionnaire.value(answer)
    for option in item.get("answerOption", ()):
        chosen = questionnaire.value(option)
        if given is not None and chosen is not None and questionnaire.is_option(given, [chosen]):
            return _ordinal(option)
    return None


def _ordinal(option: Json) -> Decimal | None:
    """The number of an answer to choose, by R4's extension."""
    coding = option.get("valueCoding", {})
    for each in [*option.get("extension", ()), *coding.get("extension", ())]:
        if each.get("url") == ORDINAL and isinstance(each.get("valueDecimal"), int | Decimal):
            return Decimal(each["valueDecimal"])
    return None


# The Observation of a score


def source_of(response: Json) -> str:
    """Whose series a response belongs to: by who gave the answers, else by who wrote them down."""
    for name in ("source", "author"):
        type = str((response.get(name) or {}).get("reference", "")).rpartition("/")[0].rpartition("/")[2]
        if type:
            return _SOURCE_OF.get(type, "professional")
    return "self"


def observation(response: Json, dimension: str, value: Decimal, status: str) -> Json:
    """The DimensionScore of a stored response."""
    source = source_of(response)
    made: Json = {
        "resourceType": "Observation",
        "meta": {"profile": [guide.url("StructureDefinition", "DimensionScore")]},
        "status": status,
        "category": [{"coding": [{"system": _CATEGORY, "code": "survey", "display": "Survey"}]}],
        "code": {
            "coding": [{"system": system(), "code": dimension, "display": names()[dimension]["nl"]}],
            "text": names()[dimension]["nl"],
        },
        "subject": response["subject"],
        "effectiveDateTime": response.get("authored") or response["meta"]["lastUpdated"],
        "performer": [response.get("source") or response.get("author") or response["subject"]],
        "valueQuantity": {"value": value, "unit": "punten", "system": UCUM, "code": "{score}"},
        "method": {"coding": [{"system": guide.url("CodeSystem", "score-source"), "code": source}]},
        "derivedFrom": [{"reference": f"QuestionnaireResponse/{response['id']}"}],
    }
    if response.get("meta", {}).get("security"):
        # Who may not see the answers does not see what follows from them.
        made["meta"]["security"] = response["meta"]["security"]
    for name in ("basedOn", "encounter"):
        if response.get(name):
            made[name] = response[name]
    if "basedOn" in made:
        made["basedOn"] = [each for each in made["basedOn"] if _may_base(each)]
        if not made["basedOn"]:
            del made["basedOn"]
    return made


_CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"


def _may_base(reference: Json) -> bool:
    """Whether an Observation may be based on what a response is based on."""
    return "/CarePlan/" in f"/{reference.get('reference', '')}" or "/ServiceRequest/" in (
        f"/{reference.get('reference', '')}"
    )


def is_score(observation: Json) -> bool:
    return dimension_of(observation.get("code", {}).get("coding")) is not None


def value_fault(observation: Json) -> str | None:
    """What is wrong with the value of a score that somebody wrote; None where nothing is."""
    if observation.get("status") in ("entered-in-error", "cancelled"):
        return None
    value = observation.get("valueQuantity", {}).get("value")
    if not isinstance(value, int | Decimal) or isinstance(value, bool):
        return "The score of a dimension is a `valueQuantity` from 0 to 10"
    number = Decimal(value)
    if not LEAST <= number <= MOST or number != number.quantize(Decimal("0.1")):
        return f"The score of a dimension is from 0 to 10, with one decimal at most; got {value}"
    return None


# Series


class Series(NamedTuple):
    """The scores that follow from one response."""

    source: str
    date: str
    response: str
    points: Mapping[str, Decimal]
    """By dimension, in their order; one without a score is not there."""


def series(observations: Iterable[Json]) -> list[Series]:
    """The scores by response, newest first; what was entered in error is left out."""
    found: dict[str, list[Json]] = {}
    for each in observations:
        response = next(
            (
                str(one["reference"])
                for one in each.get("derivedFrom", ())
                if "QuestionnaireResponse/" in str(one.get("reference", ""))
            ),
            None,
        )
        if response is None or each.get("status") in ("entered-in-error", "cancelled") or not is_score(each):
            continue
        found.setdefault(response, []).append(each)
    made = (_one_series(response, scored) for response, scored in found.items())
    return sorted((each for each in made if each is not None), key=_newest, reverse=True)


def _newest(series: Series) -> tuple[int, str]:
    return primitives.date_range(series.date)[0], series.response


def _one_series(response: str, scored: list[Json]) -> Series | None:
    """None where nothing of it can be shown: no score within bounds, or no date."""
    points = {
        dimension_of(each["code"]["coding"]): each["valueQuantity"]["value"]
        for each in scored
        if value_fault(each) is None
    }
    ordered = {code: points[code] for code in names() if code in points}
    dates = [str(each["effectiveDateTime"]) for each in scored if "effectiveDateTime" in each]
    return Series(_whose(scored[0]), max(dates), response, ordered) if ordered and dates else None


def _whose(observation: Json) -> str:
    for coding in observation.get("method", {}).get("coding", ()):
        if coding.get("code") in SOURCES:
            return str(coding["code"])
    return source_of({"source": next(iter(observation.get("performer", ())), {})})

"""The region's questionnaires, which are the guide's, and the scores that follow from answers.

A tool for conversation; its questions are our own and not validated. Scores: one per dimension, the mean
of the answered items to one decimal, absent below four answers.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from fhirhub.demo.templates import coded
from fhirhub.demo.typed import META
from fhirhub.demo.words import DIMENSIONS
from fhirhub.resources import dimensions, guide

Json = dict[str, Any]

HEALTH = guide.url("Questionnaire", "positieve-gezondheid")
CARER_STRAIN = guide.url("Questionnaire", "belasting-mantelzorger")
DIMENSION_SYSTEM = guide.url("CodeSystem", "positive-health-dimension")


def build() -> list[Json]:
    """The definitions that answers refer to, and the others that a region offers."""
    return [
        {**each, "meta": {**each.get("meta", {}), **META}}
        for each in guide.definitions()
        if each["resourceType"] == "Questionnaire"
    ]


def dimension(code: str) -> Json:
    """The dimension of Positieve Gezondheid as a category."""
    return coded(DIMENSION_SYSTEM, code, dict(DIMENSIONS)[code])


def answered(marks: Mapping[str, list[int | None]], wishes: Mapping[str, str]) -> list[Json]:
    """The items of a response to the long questionnaire; None is an item left open."""
    groups: list[Json] = []
    for group in _HEALTH["item"]:
        if group["linkId"] in marks:
            given = zip(group["item"], marks[group["linkId"]], strict=True)
            items = [_answer(item, "valueInteger", mark) for item, mark in given if mark is not None]
        else:
            items = [
                _answer(item, "valueString", wishes[item["linkId"].partition(".")[2]])
                for item in group["item"]
            ]
        groups.append({"linkId": group["linkId"], "text": group["text"], "item": items})
    return groups


def answered_strain(answers: list[bool]) -> list[Json]:
    """The items of a carer's response."""
    given = zip(_STRAIN["item"], answers, strict=True)
    return [_answer(item, "valueBoolean", answer) for item, answer in given]


def score(marks: list[int | None]) -> Decimal | None:
    """The score of a dimension of the long questionnaire; None is an item left open."""
    return dimensions.score([mark for mark in marks if mark is not None], len(marks))


def _answer(item: Json, kind: str, value: Any) -> Json:
    return {"linkId": item["linkId"], "text": item["text"], "answer": [{kind: value}]}


def _of_guide(url: str) -> Json:
    found = guide.find("Questionnaire", url)
    if found is None:
        raise LookupError(f"The guide has no Questionnaire {url}")
    return found


_HEALTH = _of_guide(HEALTH)
_STRAIN = _of_guide(CARER_STRAIN)
STRAIN = tuple(item["text"] for item in _STRAIN["item"])
"""What the carer is asked."""

"""Questionnaires and their responses: items, answers and which items are enabled.

https://hl7.org/fhir/R4/questionnaire.html, https://hl7.org/fhir/R4/questionnaireresponse.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from fhirhub.resources import primitives

Json = dict[str, Any]

ANSWERS: Mapping[str, tuple[str, ...]] = {
    "boolean": ("valueBoolean",),
    "decimal": ("valueDecimal",),
    "integer": ("valueInteger",),
    "date": ("valueDate",),
    "dateTime": ("valueDateTime",),
    "time": ("valueTime",),
    "string": ("valueString",),
    "text": ("valueString",),
    "url": ("valueUri",),
    "choice": ("valueCoding",),
    "open-choice": ("valueCoding", "valueString"),
    "attachment": ("valueAttachment",),
    "reference": ("valueReference",),
    "quantity": ("valueQuantity",),
    "group": (),
    "display": (),
}
"""By the type of an item, the properties that its answers may have."""


def items(questionnaire: Json) -> Iterator[Json]:
    """Every item, each before those within it."""
    pending = _list(questionnaire, "item")[::-1]
    while pending:
        item = pending.pop()
        yield item
        pending += _list(item, "item")[::-1]


def response_items(response: Json) -> Iterator[Json]:
    """Every item of a response, those below answers too."""
    pending = _list(response, "item")[::-1]
    while pending:
        item = pending.pop()
        yield item
        inner = _list(item, "item")
        for answer in _list(item, "answer"):
            inner += _list(answer, "item")
        pending += inner[::-1]


def answers(response: Json) -> dict[str, list[Json]]:
    """The answers with a value, by linkId."""
    found: dict[str, list[Json]] = {}
    for item in response_items(response):
        given = [answer for answer in _list(item, "answer") if value(answer) is not None]
        found.setdefault(str(item.get("linkId")), []).extend(given)
    return found


def value(answer: Json, prefix: str = "value") -> tuple[str, Any] | None:
    """The property and value of an answer, option or condition; None where it has none."""
    for key, found in answer.items():
        if key.startswith(prefix) and key[len(prefix) : len(prefix) + 1].isupper():
            return key, found
    return None


def is_enabled(item: Json, given: Mapping[str, list[Json]]) -> bool:
    """Whether an item's own conditions let it be answered (questionnaire-definitions.html#enableWhen).

    `given` are the answers by linkId. Those of the items around it are not looked at.
    """
    conditions = _list(item, "enableWhen")
    if not conditions:
        return True
    results = (_holds(condition, given.get(str(condition.get("question")), [])) for condition in conditions)
    return any(results) if item.get("enableBehavior") == "any" else all(results)


def _holds(condition: Json, given: list[Json]) -> bool:
    operator = condition.get("operator")
    wanted = value(condition, "answer")
    if operator == "exists":
        return bool(given) == (wanted is not None and wanted[1] is True)
    if wanted is None:
        return True
    found = [each for answer in given if (each := value(answer)) is not None]
    if operator == "!=":
        return bool(found) and not any(_order(each[1], wanted[1]) == 0 for each in found)
    orders = [order for each in found if (order := _order(each[1], wanted[1])) is not None]
    tests = {
        "=": lambda order: order == 0,
        ">": lambda order: order > 0,
        "<": lambda order: order < 0,
        ">=": lambda order: order >= 0,
        "<=": lambda order: order <= 0,
    }
    test = tests.get(str(operator))
    return test is None or any(test(order) for order in orders)


def _order(one: Any, other: Any) -> int | None:
    """-1, 0 or 1; 0 where codings or quantities mean the same; None where they cannot be compared.

    What is only equal or not has 2 for not.
    """
    if isinstance(one, dict) and isinstance(other, dict):
        if "value" in one and "value" in other:
            same_unit = one.get("code", one.get("unit")) == other.get("code", other.get("unit"))
            return _order(one["value"], other["value"]) if same_unit else None
        if "code" in one or "code" in other:
            systems = {one.get("system"), other.get("system")} - {None}
            return 0 if one.get("code") == other.get("code") and len(systems) < 2 else 2
        return 0 if one.get("reference", one) == other.get("reference", other) else 2
    if isinstance(one, bool) or isinstance(other, bool):
        return 0 if one is other else 2
    if isinstance(one, int | Decimal) and isinstance(other, int | Decimal):
        return (one > other) - (one < other)
    if isinstance(one, str) and isinstance(other, str):
        if one == other:
            return 0
        try:
            low, high = primitives.date_range(one)
            least, most = primitives.date_range(other)
        except ValueError:
            return (one > other) - (one < other)
        return -1 if high <= least else 1 if low >= most else 0
    return None


def options(item: Json) -> list[tuple[str, Any]]:
    """The options that an item lists, as property and value."""
    return [found for each in _list(item, "answerOption") if (found := value(each)) is not None]


def is_option(answer: tuple[str, Any], given: list[tuple[str, Any]]) -> bool:
    """Whether an answer is one of the options."""
    return any(
        key == answer[0] and (found == answer[1] or _order(answer[1], found) == 0) for key, found in given
    )


def _list(value: Json, name: str) -> list[Json]:
    found = value.get(name)
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []

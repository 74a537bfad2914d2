"""Operators, three-valued where an operand is unknown (https://hl7.org/fhirpath/N1/#operations)."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal, DecimalException
from typing import Any

from fhirhub.resources.fhirpath import numbers, quantity, temporal
from fhirhub.resources.fhirpath.environment import LONGEST_STRING, Environment
from fhirhub.resources.fhirpath.faults import FhirpathError
from fhirhub.resources.fhirpath.item import FALSE, NONE, TRUE, Item, Items, boolean, string
from fhirhub.resources.fhirpath.model import kind
from fhirhub.resources.fhirpath.parser import CALENDAR_UNITS
from fhirhub.resources.fhirpath.quantity import Amount
from fhirhub.resources.fhirpath.temporal import Temporal
from fhirhub.resources.fhirpath.values import (
    all_equal,
    all_equivalent,
    compare,
    equal,
    fingerprint,
    single,
    string_of,
    system,
    truth,
)

Evaluate = Callable[[Items, Environment], Items]
"""A compiled expression: from the focus to the result."""


# Logic: the right side is looked at only where the left does not decide.


def and_(left: Evaluate, right: Evaluate) -> Evaluate:
    def run(focus: Items, env: Environment) -> Items:
        one = truth(left(focus, env))
        if one is False:
            return FALSE
        other = truth(right(focus, env))
        if other is False:
            return FALSE
        return TRUE if one and other else NONE

    return run


def or_(left: Evaluate, right: Evaluate) -> Evaluate:
    def run(focus: Items, env: Environment) -> Items:
        one = truth(left(focus, env))
        if one:
            return TRUE
        other = truth(right(focus, env))
        if other:
            return TRUE
        return FALSE if one is False and other is False else NONE

    return run


def xor(left: Evaluate, right: Evaluate) -> Evaluate:
    def run(focus: Items, env: Environment) -> Items:
        one, other = truth(left(focus, env)), truth(right(focus, env))
        return NONE if one is None or other is None else boolean(one is not other)

    return run


def implies(left: Evaluate, right: Evaluate) -> Evaluate:
    def run(focus: Items, env: Environment) -> Items:
        one = truth(left(focus, env))
        if one is False:
            return TRUE
        other = truth(right(focus, env))
        if other:
            return TRUE
        return NONE if one is None or other is None else FALSE

    return run


# Equality, order, membership


def equals(left: Items, right: Items, env: Environment) -> Items:
    return boolean(all_equal(left, right))


def differs(left: Items, right: Items, env: Environment) -> Items:
    same = all_equal(left, right)
    return boolean(None if same is None else not same)


def is_equivalent(left: Items, right: Items, env: Environment) -> Items:
    env.spend(len(left) * len(right))
    return boolean(all_equivalent(left, right))


def is_not_equivalent(left: Items, right: Items, env: Environment) -> Items:
    env.spend(len(left) * len(right))
    return boolean(not all_equivalent(left, right))


def _order(operator: str, holds: Callable[[int], bool]) -> Callable[[Items, Items, Environment], Items]:
    what = f"`{operator}`"

    def run(left: Items, right: Items, env: Environment) -> Items:
        one, other = single(left, what), single(right, what)
        if one is None or other is None:
            return NONE
        order = compare(one, other, operator)
        return NONE if order is None else boolean(holds(order))

    return run


def contained(left: Items, right: Items, env: Environment) -> Items:
    """`left in right`"""
    item = single(left, "The left side of `in`")
    if item is None:
        return NONE
    env.spend(len(right))
    return boolean(any(equal(item, each) for each in right))


def contains(left: Items, right: Items, env: Environment) -> Items:
    item = single(right, "The right side of `contains`")
    if item is None:
        return NONE
    env.spend(len(left))
    return boolean(any(equal(item, each) for each in left))


def union(left: Items, right: Items, env: Environment) -> Items:
    """Both, without duplicates."""
    env.spend(len(left) + len(right))
    found: dict[Any, Item] = {}
    for items in (left, right):
        for item in items:
            found.setdefault(fingerprint(item), item)
    return tuple(found.values())


# Arithmetic


def plus(left: Items, right: Items, env: Environment) -> Items:
    one, other = single(left, "`+`"), single(right, "`+`")
    if one is None or other is None:
        return NONE
    a, b = system(one), system(other)
    if isinstance(a, str) and isinstance(b, str):
        return string(bounded(a + b))
    if isinstance(a, Temporal) and isinstance(b, Amount):
        return _of(temporal.plus(a, b.value, _duration(b)), one)
    return _calculate("+", one, other, a, b, numbers.add, quantity.plus)


def minus(left: Items, right: Items, env: Environment) -> Items:
    one, other = single(left, "`-`"), single(right, "`-`")
    if one is None or other is None:
        return NONE
    a, b = system(one), system(other)
    if isinstance(b, Amount):
        if isinstance(a, Temporal):
            return _of(temporal.plus(a, -b.value, _duration(b)), one)
        b = Amount(-b.value, b.unit, b.calendar)
        return _calculate("-", one, other, a, b, numbers.add, quantity.plus)
    return _calculate("-", one, other, a, b, numbers.subtract, _minus)


def _minus(one: Amount, other: Amount) -> Amount | None:
    return quantity.plus(one, Amount(-other.value, other.unit, other.calendar))


def times(left: Items, right: Items, env: Environment) -> Items:
    one, other = single(left, "`*`"), single(right, "`*`")
    if one is None or other is None:
        return NONE
    return _calculate("*", one, other, system(one), system(other), numbers.multiply, quantity.times)


def over(left: Items, right: Items, env: Environment) -> Items:
    one, other = single(left, "`/`"), single(right, "`/`")
    if one is None or other is None:
        return NONE
    return _calculate("/", one, other, system(one), system(other), numbers.divide, quantity.over)


def div(left: Items, right: Items, env: Environment) -> Items:
    one, other = single(left, "`div`"), single(right, "`div`")
    if one is None or other is None:
        return NONE
    return _calculate("div", one, other, system(one), system(other), numbers.quotient, None)


def mod(left: Items, right: Items, env: Environment) -> Items:
    one, other = single(left, "`mod`"), single(right, "`mod`")
    if one is None or other is None:
        return NONE
    return _calculate("mod", one, other, system(one), system(other), numbers.remainder, None)


def _calculate(
    operator: str,
    one: Item,
    other: Item,
    a: Any,
    b: Any,
    on_numbers: Callable[[Any, Any], numbers.Number | None],
    on_amounts: Callable[[Amount, Amount], Amount | None] | None,
) -> Items:
    try:
        if _is_number(a) and _is_number(b):
            return number(on_numbers(a, b))
        left, right = _amount(a), _amount(b)
        if on_amounts is not None and left is not None and right is not None:
            amount = on_amounts(left, right)
            return NONE if amount is None else (Item(amount, "System.Quantity"),)
    except DecimalException:
        return NONE
    if one.value is None or other.value is None or a is None or b is None:
        return NONE
    raise FhirpathError(f"`{operator}` cannot take a {one.type} and a {other.type}.")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | Decimal) and not isinstance(value, bool)


def _amount(value: Any) -> Amount | None:
    """The value as a quantity, a number being one of unit '1'."""
    return value if isinstance(value, Amount) else Amount(Decimal(value)) if _is_number(value) else None


def number(value: numbers.Number | None) -> Items:
    """The collection of that number; empty for None."""
    if value is None:
        return NONE
    return (Item(value, "System.Integer" if isinstance(value, int) else "System.Decimal"),)


def _of(moment: Temporal | None, start: Item) -> Items:
    if moment is None:
        return NONE
    return (Item(moment, {"date": "System.Date", "time": "System.Time"}.get(moment.kind, "System.DateTime")),)


_DURATIONS = CALENDAR_UNITS | {code: unit for unit, code in quantity.DEFINITE_CODES.items()}


def _duration(amount: Amount) -> str:
    """The calendar unit of an amount of time; UCUM's year and month have no place in a calendar."""
    unit = amount.unit if amount.calendar else _DURATIONS.get(amount.unit)
    if unit is None:
        raise FhirpathError(
            f"A date moves by calendar durations such as `1 year`; got {amount.value} '{amount.unit}'."
        )
    return unit


def concatenated(left: Items, right: Items, env: Environment) -> Items:
    """`&`: an empty collection counts as ''."""
    return string(bounded((string_of(left, "`&`") or "") + (string_of(right, "`&`") or "")))


def bounded(text: str) -> str:
    """The text; FhirpathError where it grows too long."""
    if len(text) > LONGEST_STRING:
        raise FhirpathError(f"The expression makes a string of {len(text)} characters.", "too-costly")
    return text


def negated(items: Items) -> Items:
    """`-items`"""
    item = single(items, "`-`")
    if item is None:
        return NONE
    value = system(item)
    if isinstance(value, Amount):
        return (Item(Amount(-value.value, value.unit, value.calendar), "System.Quantity"),)
    if _is_number(value):
        return number(-value)
    if item.value is None:
        return NONE
    raise FhirpathError(f"`-` cannot take a {item.type}.")


def posited(items: Items) -> Items:
    """`+items`"""
    item = single(items, "`+`")
    if item is None or kind(item.type) in ("integer", "decimal", "quantity"):
        return items
    raise FhirpathError(f"`+` cannot take a {item.type}.")


LOGIC: dict[str, Callable[[Evaluate, Evaluate], Evaluate]] = {
    "and": and_,
    "or": or_,
    "xor": xor,
    "implies": implies,
}

OPERATORS: dict[str, Callable[[Items, Items, Environment], Items]] = {
    "=": equals,
    "!=": differs,
    "~": is_equivalent,
    "!~": is_not_equivalent,
    "<": _order("<", lambda order: order < 0),
    "<=": _order("<=", lambda order: order <= 0),
    ">": _order(">", lambda order: order > 0),
    ">=": _order(">=", lambda order: order >= 0),
    "in": contained,
    "contains": contains,
    "|": union,
    "+": plus,
    "-": minus,
    "*": times,
    "/": over,
    "div": div,
    "mod": mod,
    "&": concatenated,
}

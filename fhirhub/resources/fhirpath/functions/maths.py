"""Mathematics (https://hl7.org/fhirpath/N1/#math)."""

from __future__ import annotations

from collections.abc import Callable
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal, DecimalException
from typing import Any

from fhirhub.resources.fhirpath import numbers
from fhirhub.resources.fhirpath.environment import Environment
from fhirhub.resources.fhirpath.faults import FhirpathError
from fhirhub.resources.fhirpath.item import NONE, Item, Items
from fhirhub.resources.fhirpath.operators import Evaluate, number
from fhirhub.resources.fhirpath.quantity import Amount
from fhirhub.resources.fhirpath.values import integer_of, single, system

MOST_DIGITS = 28
LARGEST_POWER = 200


def _number(items: Items, name: str) -> numbers.Number | None:
    item = single(items, f"`{name}()`")
    if item is None or item.value is None:
        return None
    value = system(item)
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise FhirpathError(f"`{name}()` takes a number; got a {item.type}.")
    return value


def _of_number(
    name: str, function: Callable[[Any], numbers.Number | None]
) -> Callable[[Items, Environment], Items]:
    def run(items: Items, env: Environment) -> Items:
        value = _number(items, name)
        if value is None:
            return NONE
        try:
            result = function(value)
            return number(None if result is None else numbers.within(result))
        except (DecimalException, ValueError, OverflowError):
            return NONE

    return run


def _whole(rounding: str | None) -> Callable[[numbers.Number], int | None]:
    def run(value: numbers.Number) -> int | None:
        if Decimal(value).copy_abs() > numbers.LARGEST_INTEGER + 1:
            return None
        return int(Decimal(value).to_integral_value(rounding) if rounding else value)

    return run


ceiling = _of_number("ceiling", _whole(ROUND_CEILING))
floor = _of_number("floor", _whole(ROUND_FLOOR))
truncate = _of_number("truncate", _whole(None))
exp = _of_number("exp", lambda value: numbers.QUOTIENT.exp(value) if value < 10_000 else None)
ln = _of_number("ln", lambda value: numbers.QUOTIENT.ln(value) if value > 0 else None)
sqrt = _of_number("sqrt", lambda value: numbers.QUOTIENT.sqrt(value) if value >= 0 else None)


def abs_(items: Items, env: Environment) -> Items:
    item = single(items, "`abs()`")
    value = None if item is None else system(item)
    if isinstance(value, Amount):
        return (Item(Amount(abs(value.value), value.unit, value.calendar), "System.Quantity"),)
    found = _number(items, "abs")
    return NONE if found is None else number(found if found >= 0 else -found)


def log(items: Items, env: Environment, base: Evaluate) -> Items:
    value, root = _number(items, "log"), _number(base(env.this, env), "log")
    if value is None or root is None or value <= 0 or root <= 0 or root == 1:
        return NONE
    context = numbers.EXACT
    quotient = context.divide(context.ln(value), context.ln(root))
    return number(_tidied(quotient))


def power(items: Items, env: Environment, exponent: Evaluate) -> Items:
    """Empty where the result is no real number or too large."""
    base, exponent_ = _number(items, "power"), _number(exponent(env.this, env), "power")
    if base is None or exponent_ is None:
        return NONE
    digits = Decimal(base).adjusted() + 1
    if Decimal(digits * exponent_).copy_abs() > LARGEST_POWER:
        return NONE
    if not exponent_:
        return number(1 if isinstance(base, int) else Decimal(1))
    try:
        result = numbers.EXACT.power(base, exponent_)
    except (DecimalException, OverflowError):
        return NONE
    if isinstance(base, int) and isinstance(exponent_, int) and exponent_ >= 0:
        return number(numbers.within(int(result)))
    return number(_tidied(result))


def round_(items: Items, env: Environment, precision: Evaluate | None = None) -> Items:
    """Half away from zero."""
    value = _number(items, "round")
    digits = 0 if precision is None else integer_of(precision(env.this, env), "`round()`")
    if value is None:
        return NONE
    if digits is None or not 0 <= digits <= MOST_DIGITS:
        raise FhirpathError(f"`round()` takes a number of digits from 0 to {MOST_DIGITS}.")
    return number(numbers.rounded(value, digits))


def _tidied(value: Decimal) -> Decimal:
    """Cut to the digits of a quotient, without the traces of the calculation."""
    cut = numbers.QUOTIENT.plus(value)
    near = numbers.EXACT.quantize(cut, Decimal("1E-20")) if cut.adjusted() < 30 else cut
    return numbers.plain(near)

"""From one System type to another (https://hl7.org/fhirpath/N1/#conversion)."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal, DecimalException
from typing import Any

from fhirhub.resources.fhirpath import numbers, quantity, temporal
from fhirhub.resources.fhirpath.environment import Environment
from fhirhub.resources.fhirpath.item import FALSE, NONE, TRUE, Item, Items
from fhirhub.resources.fhirpath.operators import Evaluate
from fhirhub.resources.fhirpath.parser import CALENDAR_UNITS
from fhirhub.resources.fhirpath.quantity import Amount
from fhirhub.resources.fhirpath.temporal import Temporal
from fhirhub.resources.fhirpath.values import single, string_of, system, truth

_YES = {"true", "t", "yes", "y", "1", "1.0"}
_NO = {"false", "f", "no", "n", "0", "0.0"}
_INTEGER = re.compile(r"[+-]?\d{1,10}", re.ASCII)
_DECIMAL = re.compile(r"[+-]?\d{1,100}(?:\.\d{1,100})?", re.ASCII)
_QUANTITY = re.compile(
    r"(?P<value>[+-]?\d{1,100}(?:\.\d{1,100})?)\s*(?:'(?P<code>[^']+)'|(?P<calendar>[a-z]+))?",
    re.ASCII,
)

Convert = Callable[[Any], Any]
"""From a System value to another; None where it does not convert."""


def iif(
    items: Items, env: Environment, condition: Evaluate, then: Evaluate, otherwise: Evaluate | None = None
) -> Items:
    """Only the side that is taken is evaluated. Where there is a single item, it is `$this`."""
    this = env.this
    if len(items) == 1:
        env.this = items
    if truth(condition(items, env)):
        result = then(items, env)
    else:
        result = otherwise(items, env) if otherwise is not None else NONE
    env.this = this
    return result


def _boolean(value: Any) -> bool | None:
    match value:
        case bool():
            return value
        case int() | Decimal():
            return bool(value) if value in (0, 1) else None
        case str():
            folded = value.lower()
            return True if folded in _YES else False if folded in _NO else None
    return None


def _integer(value: Any) -> int | None:
    match value:
        case bool():
            return int(value)
        case int():
            return value
        case str() if _INTEGER.fullmatch(value):
            return numbers.within(int(value))  # type: ignore[return-value]
    return None


def _decimal(value: Any) -> Decimal | None:
    match value:
        case bool() | int() | Decimal():
            return Decimal(value)
        case str() if _DECIMAL.fullmatch(value):
            return Decimal(value)
    return None


def text(value: Any) -> str | None:
    """The text of a System value; None for no value."""
    match value:
        case bool():
            return "true" if value else "false"
        case Decimal():
            return format(value, "f") if abs(value.adjusted()) < 200 else str(value)
        case str() | int() | Temporal() | Amount():
            return str(value).removesuffix("T") if isinstance(value, Temporal) else str(value)
    return None


def _date(value: Any) -> Temporal | None:
    match value:
        case Temporal(kind="date"):
            return value
        case Temporal(kind="datetime"):
            return Temporal("date", value.fields[:3])
        case str():
            found = temporal.parse(value, "date") or temporal.parse(value, "datetime")
            return Temporal("date", found.fields[:3]) if found else None
    return None


def _datetime(value: Any) -> Temporal | None:
    match value:
        case Temporal(kind="datetime"):
            return value
        case Temporal(kind="date"):
            return Temporal("datetime", value.fields)
        case str():
            return temporal.parse(value, "datetime")
    return None


def _time(value: Any) -> Temporal | None:
    match value:
        case Temporal(kind="time"):
            return value
        case str():
            return temporal.parse(value.removeprefix("T"), "time")
    return None


def _quantity(value: Any) -> Amount | None:
    match value:
        case Amount():
            return value
        case bool():
            return Amount(Decimal("1.0") if value else Decimal("0.0"))
        case int() | Decimal():
            return Amount(Decimal(value))
        case str():
            match = _QUANTITY.fullmatch(value)
            if match is None:
                return None
            number = Decimal(match["value"])
            if match["calendar"]:
                unit = CALENDAR_UNITS.get(match["calendar"])
                return Amount(number, unit, calendar=True) if unit else None
            return Amount(number, match["code"] or "1")
    return None


def _conversion(name: str, type: str, convert: Convert) -> Callable[[Items, Environment], Items]:
    what = f"`{name}()`"

    def run(items: Items, env: Environment) -> Items:
        item = single(items, what)
        value = None if item is None else _converted(item, convert)
        return NONE if value is None else (Item(value, type),)

    return run


def _test(name: str, convert: Convert) -> Callable[[Items, Environment], Items]:
    what = f"`{name}()`"

    def run(items: Items, env: Environment) -> Items:
        item = single(items, what)
        if item is None:
            return NONE
        return FALSE if _converted(item, convert) is None else TRUE

    return run


def _converted(item: Item, convert: Convert) -> Any:
    if convert is text and isinstance(item.value, str):
        return item.value
    try:
        return convert(system(item))
    except DecimalException:
        return None


to_boolean = _conversion("toBoolean", "System.Boolean", _boolean)
to_integer = _conversion("toInteger", "System.Integer", _integer)
to_decimal = _conversion("toDecimal", "System.Decimal", _decimal)
to_string = _conversion("toString", "System.String", text)
to_date = _conversion("toDate", "System.Date", _date)
to_datetime = _conversion("toDateTime", "System.DateTime", _datetime)
to_time = _conversion("toTime", "System.Time", _time)

converts_to_boolean = _test("convertsToBoolean", _boolean)
converts_to_integer = _test("convertsToInteger", _integer)
converts_to_decimal = _test("convertsToDecimal", _decimal)
converts_to_string = _test("convertsToString", text)
converts_to_date = _test("convertsToDate", _date)
converts_to_datetime = _test("convertsToDateTime", _datetime)
converts_to_time = _test("convertsToTime", _time)


def to_quantity(items: Items, env: Environment, unit: Evaluate | None = None) -> Items:
    """In that unit, where one is given; empty where it does not convert."""
    item = single(items, "`toQuantity()`")
    amount = None if item is None else _quantity(system(item))
    if amount is not None and unit is not None:
        amount = _in_unit(amount, string_of(unit(env.this, env), "`toQuantity()`"))
    return NONE if amount is None else (Item(amount, "System.Quantity"),)


def converts_to_quantity(items: Items, env: Environment, unit: Evaluate | None = None) -> Items:
    if not items:
        return NONE
    return TRUE if to_quantity(items, env, unit) else FALSE


def _in_unit(amount: Amount, unit: str | None) -> Amount | None:
    if unit is None:
        return None
    calendar = CALENDAR_UNITS.get(unit)
    wanted = Amount(Decimal(1), calendar or unit, calendar is not None)
    pair = quantity.in_one_unit(amount, wanted)
    if pair is None or not pair[1]:
        return None
    return Amount(numbers.EXACT.divide(*pair), wanted.unit, wanted.calendar)

"""Quantities: a decimal with a UCUM unit or a calendar duration (https://hl7.org/fhirpath/N1/#quantity)."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

from fhirhub.resources import ucum
from fhirhub.resources.fhirpath.numbers import EXACT, QUOTIENT, nearly, plain

UCUM = "http://unitsofmeasure.org"

_CALENDAR_CODES = {"a": "year", "mo": "month", "d": "day", "h": "hour", "min": "minute", "s": "second"}
"""UCUM codes that a FHIR Quantity's time unit stands for (https://hl7.org/fhir/R4/fhirpath.html#quantity)."""

_MONTHS = {"year": 12, "month": 1}

DEFINITE_CODES = {"week": "wk", "day": "d", "hour": "h", "minute": "min", "second": "s", "millisecond": "ms"}
"""Calendar durations that are as long as a UCUM unit; a year and a month are not."""


@dataclass(frozen=True, slots=True)
class Amount:
    """A quantity. `unit` is a UCUM code, or where `calendar` a calendar duration in the singular."""

    value: Decimal
    unit: str = "1"
    calendar: bool = False

    def __str__(self) -> str:
        if not self.calendar:
            return f"{self.value} '{self.unit}'"
        return f"{self.value} {self.unit}{'' if self.value == 1 else 's'}"

    @property
    def code(self) -> str | None:
        """The UCUM code; None for a year or month of the calendar."""
        return DEFINITE_CODES.get(self.unit) if self.calendar else self.unit


def of_quantity(quantity: Any) -> Amount | None:
    """A FHIR Quantity as an amount; None without a value or with a comparator.

    One without a system stands for its code or unit as it is written, so that two alike compare.
    """
    if not isinstance(quantity, dict) or quantity.get("value") is None or "comparator" in quantity:
        return None
    value = Decimal(str(quantity["value"]))
    system, code = quantity.get("system"), quantity.get("code")
    if system == UCUM and isinstance(code, str):
        if code in _CALENDAR_CODES:
            return Amount(value, _CALENDAR_CODES[code], calendar=True)
        return Amount(value, code)
    if system is None:
        return Amount(value, code or quantity.get("unit") or "1")
    return Amount(value, f"{system}|{code}")


def compare(one: Amount, other: Amount) -> int | None:
    """-1, 0 or 1; None where the units do not compare."""
    pair = in_one_unit(one, other)
    return None if pair is None else (pair[0] > pair[1]) - (pair[0] < pair[1])


def equal(one: Amount, other: Amount) -> bool | None:
    """A calendar year or month is never known to equal a UCUM duration."""
    order = compare(one, other)
    return None if order is None else order == 0


def equivalent(one: Amount, other: Amount) -> bool:
    """Equal to the digits of the less exact; a calendar year is as long as `'a'`, a month as `'mo'`."""
    pair = in_one_unit(_loose(one), _loose(other))
    return pair is not None and nearly(*pair)


def _loose(amount: Amount) -> Amount:
    if amount.calendar and amount.unit in ("year", "month"):
        return Amount(amount.value, "a" if amount.unit == "year" else "mo")
    return amount


def plus(one: Amount, other: Amount) -> Amount | None:
    """The sum in the first one's unit; None where the units do not add up."""
    if (one.unit, one.calendar) == (other.unit, other.calendar):
        return Amount(EXACT.add(one.value, other.value), one.unit, one.calendar)
    measure = in_one_unit(Amount(Decimal(1), one.unit, one.calendar), other)
    if measure is None or not measure[0]:
        return None
    return Amount(EXACT.add(one.value, EXACT.divide(measure[1], measure[0])), one.unit, one.calendar)


def in_one_unit(one: Amount, other: Amount) -> tuple[Decimal, Decimal] | None:
    """Both values in a common unit; None where they have none."""
    if (one.unit, one.calendar) == (other.unit, other.calendar):
        return one.value, other.value
    if one.unit in _MONTHS and other.unit in _MONTHS and one.calendar and other.calendar:
        return one.value * _MONTHS[one.unit], other.value * _MONTHS[other.unit]
    if one.code is None or other.code is None:
        return None
    left, right = ucum.unit(one.code), ucum.unit(other.code)
    if left is None or right is None or left.base != right.base:
        return None
    return _decimal(left.to_base(one.value)), _decimal(right.to_base(other.value))


def _decimal(number: Fraction) -> Decimal:
    return EXACT.divide(number.numerator, number.denominator)


def times(one: Amount, other: Amount) -> Amount | None:
    """The product; None for units that are not simple enough to multiply."""
    unit = other.unit if one.unit == "1" else one.unit if other.unit == "1" else None
    value = EXACT.multiply(one.value, other.value)
    if unit is not None:
        return Amount(value, unit, one.calendar or other.calendar)
    if one.code is None or other.code is None:
        return None
    return Amount(value, f"{one.code}.{other.code}" if one.code != other.code else _power(one.code))


def _power(code: str) -> str:
    return f"{code}2" if code.isalpha() else f"({code})2"


def over(one: Amount, other: Amount) -> Amount | None:
    """The quotient; None for a divisor of zero or units that do not divide."""
    if not other.value:
        return None
    if other.unit == "1":
        return Amount(plain(QUOTIENT.divide(one.value, other.value)), one.unit, one.calendar)
    pair = in_one_unit(one, other)
    if pair is not None:
        return Amount(plain(QUOTIENT.divide(*pair))) if pair[1] else None
    if one.code is None or other.code is None:
        return None
    return Amount(plain(QUOTIENT.divide(one.value, other.value)), f"{one.code}/{other.code}")

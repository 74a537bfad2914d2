"""Numbers, with the precision that a search states (https://hl7.org/fhir/R4/search.html#number)."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any

from fhirhub.store.index.comparison import Comparison, Way, refuse, unescape
from fhirhub.store.index.date import PREFIXES
from fhirhub.store.index.parameters import Parameter
from fhirhub.store.sql import Kind

Span = tuple[float, float]

is_number = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?", re.ASCII).fullmatch


def spans(type: str, value: Any) -> list[Span]:
    """Lowest and highest of a value of that data type: the same but for a Range."""
    if isinstance(value, bool):
        return []
    if isinstance(value, (int, Decimal)):
        exact = float(value)
        return [(exact, exact)]
    if type == "Range" or (isinstance(value, dict) and ("low" in value or "high" in value)):
        low, high = (value.get("low") or {}).get("value"), (value.get("high") or {}).get("value")
        if low is None and high is None:
            return []
        return [(_float(low, "-inf"), _float(high, "inf"))]
    if isinstance(value, dict) and isinstance(value.get("value"), (int, Decimal)):
        exact = float(value["value"])
        return [(exact, exact)]
    return []


def _float(value: int | Decimal | None, absent: str) -> float:
    return float(absent) if value is None else float(value)


# Conditions

_ONE: tuple[Kind, ...] = ("double",)
_TWO: tuple[Kind, ...] = ("double", "double")


def parse(text: str) -> tuple[str, Fraction, Fraction]:
    """Prefix, number, and half a unit of its last digit. ValueError if it is no number."""
    prefix = text[:2]
    if prefix in PREFIXES:
        text = text[2:]
    else:
        prefix = "eq"
    if not is_number(text):
        raise ValueError(f"expects a number such as 5.4 or ge1e3; got `{text}`")
    number = Decimal(text)
    exponent = number.as_tuple().exponent
    assert isinstance(exponent, int)
    return prefix, Fraction(number), Fraction(10) ** exponent / 2


def nearest_float(number: Fraction) -> float:
    """The float nearest to it, infinite where it is beyond all."""
    try:
        return float(number)
    except OverflowError:
        return float("inf") if number > 0 else float("-inf")


def compare(
    prefix: str,
    number: Fraction,
    half: Fraction,
    low: str = "{t}.low",
    high: str = "{t}.high",
    scale: Callable[[Fraction], float] = nearest_float,
) -> Comparison:
    """The comparison of a row's columns with a number of which half a unit of the last digit is given.

    With a prefix other than eq and ne the number is exact, whatever its digits.
    """
    match prefix:
        case "eq":
            return Comparison(
                f"{low} >= ? AND {low} < ? AND {high} < ?",
                (scale(number - half), scale(number + half), scale(number + half)),
                ("double", "double", "double"),
            )
        case "ne":
            return Comparison(
                f"({low} < ? OR {high} >= ?)", (scale(number - half), scale(number + half)), _TWO
            )
        case "gt":
            return Comparison(f"{high} > ?", (scale(number),), _ONE)
        case "lt":
            return Comparison(f"{low} < ?", (scale(number),), _ONE)
        case "ge":
            return Comparison(f"{high} >= ?", (scale(number),), _ONE)
        case "le":
            return Comparison(f"{low} <= ?", (scale(number),), _ONE)
        case "sa":
            return Comparison(f"{low} > ?", (scale(number),), _ONE)
        case "eb":
            return Comparison(f"{high} < ?", (scale(number),), _ONE)
    around = max(abs(number) / 10, half)
    return Comparison(f"{low} <= ? AND {high} >= ?", (scale(number + around), scale(number - around)), _TWO)


def read(text: str) -> Comparison:
    """Reads a number with or without a prefix."""
    return compare(*parse(unescape(text)))


def way(parameter: Parameter, modifier: str) -> Way:
    """How a search by this parameter with that modifier reads a value."""
    if modifier:
        raise refuse(parameter, modifier, ())
    return Way("number", parameter.keys, read, rank=8, raw=True)

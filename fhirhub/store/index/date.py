"""Dates and times as half-open ranges in microseconds (https://hl7.org/fhir/R4/search.html#date)."""

from __future__ import annotations

import functools
import time
from typing import Any

from fhirhub.resources import primitives
from fhirhub.store.index import FUTURE, PAST
from fhirhub.store.index.comparison import Comparison, Way, refuse, unescape
from fhirhub.store.index.parameters import Parameter
from fhirhub.store.sql import Kind

Json = dict[str, Any]
Range = tuple[int, int]

date_range = functools.lru_cache(16384)(primitives.date_range)


def ranges(type: str, value: Any) -> list[Range]:
    """The range of a value of that data type; none for what has no date."""
    if isinstance(value, str):
        if type in ("string", "time", "code"):
            return []
        found = _range(value)
        return [found] if found else []
    if type == "Period":
        return _period(value)
    if type == "Timing":
        return _timing(value)
    if isinstance(value, dict) and ("start" in value or "end" in value):
        return _period(value)
    return []


def _range(text: Any) -> Range | None:
    try:
        return date_range(text)
    except (ValueError, TypeError):
        return None


def _period(value: Json) -> list[Range]:
    start, end = value.get("start"), value.get("end")
    first = _range(start) if start else (PAST, PAST)
    last = _range(end) if end else (FUTURE, FUTURE)
    if first is None or last is None or not (start or end):
        return []
    return [(first[0], max(last[1], first[0] + 1))]


def _timing(value: Json) -> list[Range]:
    """Only the outer limits matter: of the events and of the period that bounds the repeats."""
    limits = [found for event in value.get("event") or () if event and (found := _range(event))]
    bounds = (value.get("repeat") or {}).get("boundsPeriod")
    if bounds:
        limits += _period(bounds)
    if not limits:
        return []
    return [(min(low for low, _ in limits), max(high for _, high in limits))]


# Conditions

SINGLE = "1 = 1"
"""Marks a condition on an element that does not repeat: a resource has one row at most."""

PREFIXES = ("eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap")

_BOTH: tuple[Kind, ...] = ("bigint", "bigint")
_ONE: tuple[Kind, ...] = ("bigint",)
_DAY = 86_400_000_000


def compare(prefix: str, low: int, high: int, now: int | None = None) -> Comparison:
    """The comparison of a row with the range [low, high)."""
    match prefix:
        case "eq":
            # The third place bounds the index from above: what lies within begins before the end.
            rank = 3 if high - low <= _DAY else 6.5 if high - low <= 31 * _DAY else None
            return Comparison(
                "{t}.low >= ? AND {t}.low < ? AND {t}.high <= ?",
                (low, high, high),
                ("bigint", "bigint", "bigint"),
                rank,
            )
        case "ne":
            return Comparison("({t}.low < ? OR {t}.high > ?)", (low, high), _BOTH)
        case "gt":
            return Comparison("{t}.high > ?", (high,), _ONE)
        case "lt":
            return Comparison("{t}.low < ?", (low,), _ONE)
        case "ge":
            return Comparison("{t}.high > ?", (low,), _ONE)
        case "le":
            return Comparison("{t}.low < ?", (high,), _ONE)
        case "sa":
            return Comparison("{t}.low >= ?", (high,), _ONE)
        case "eb":
            return Comparison("{t}.high <= ?", (low,), _ONE)
        case "ap":
            gap = abs((time.time_ns() // 1000 if now is None else now) - (low + high) // 2) // 10
            return overlaps(low - gap, high + gap)
    raise ValueError(f"has the unknown prefix `{prefix}`")


def overlaps(low: int, high: int) -> Comparison:
    return Comparison("{t}.low < ? AND {t}.high > ?", (high, low), _BOTH)


_YEAR = 366 * _DAY


def _short(comparison: Comparison) -> Comparison:
    """The same for elements without periods: no value is longer than a year, so an end bounds the begin."""
    if comparison.sql != "{t}.high > ?":
        return comparison
    (end,) = comparison.values
    return Comparison("{t}.low > ? AND {t}.high > ?", (end - _YEAR, end), _BOTH)


def read(text: str) -> Comparison:
    """Reads a date with or without a prefix."""
    text = unescape(text)
    prefix = text[:2]
    if prefix in PREFIXES:
        return compare(prefix, *_read_range(text[2:]))
    return compare("eq", *_read_range(text))


def _read_range(text: str) -> Range:
    if len(text) > 19 and text[-6] == " ":
        # A plus sign that was not escaped: +02:00 reads as a space.
        text = f"{text[:-6]}+{text[-5:]}"
    return date_range(text)


def way(parameter: Parameter, modifier: str) -> Way:
    """How a search by this parameter with that modifier reads a value."""
    if modifier:
        raise refuse(parameter, modifier, ())
    also = SINGLE if parameter.single else ""
    short = bool(parameter.types) and not parameter.types & {"Period", "Timing"}
    reader = (lambda text: _short(read(text))) if short else read
    return Way("date", parameter.keys, reader, rank=9, also=also, raw=True)

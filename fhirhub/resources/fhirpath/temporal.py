"""Dates, moments and times of day as precise as they were written (https://hl7.org/fhirpath/N1/#date).

Their order is three-valued: `@2012` is neither before nor after `@2012-01`.
"""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import MAXYEAR, MINYEAR, datetime, timedelta
from decimal import ROUND_FLOOR, Decimal
from typing import Literal

_FORM = re.compile(
    r"(?:(\d{4})(?:-(\d\d)(?:-(\d\d))?)?)?"
    r"(T?)(?:(\d\d)(?::(\d\d)(?::(\d\d(?:\.\d+)?))?)?)?"
    r"(Z|[+-]\d\d:\d\d)?",
    re.ASCII,
)

UNIT_SECONDS = {
    "week": Decimal(604_800),
    "day": Decimal(86_400),
    "hour": Decimal(3_600),
    "minute": Decimal(60),
    "second": Decimal(1),
    "millisecond": Decimal("0.001"),
}
"""Calendar durations of a fixed length; a year has 12 months, and where days are asked, 365; a month 30."""

_FARTHEST_ZONES = (14 * 60, -12 * 60)
"""Where no zone is stated, the moment lies between what it would be in these (minutes east)."""


@dataclass(frozen=True, slots=True)
class Temporal:
    """A date, moment or time of day.

    `fields` are year, month, day, hour, minute, second as far as stated (hour, minute, second for a time);
    seconds with their fraction count as one precision. `zone` is the offset in minutes, None if not stated.
    """

    kind: Literal["date", "datetime", "time"]
    fields: tuple[int | Decimal, ...]
    zone: int | None = None

    def __str__(self) -> str:
        date = () if self.kind == "time" else self.fields[:3]
        time = self.fields if self.kind == "time" else self.fields[3:]
        text = "-".join(f"{part:04}" if i == 0 else f"{part:02}" for i, part in enumerate(date))
        if self.kind == "datetime":
            text += "T"
        text += ":".join(_two_digits(part) for part in time)
        if self.zone is None:
            return text
        if self.zone == 0:
            return text + "Z"
        return f"{text}{'-' if self.zone < 0 else '+'}{abs(self.zone) // 60:02}:{abs(self.zone) % 60:02}"


def _two_digits(part: int | Decimal) -> str:
    whole = int(part)
    return (
        f"{whole:02}" + str(part).partition(".")[2].join((".", ""))
        if part != whole
        else f"{whole:02}" + ("." + str(part).partition(".")[2] if "." in str(part) else "")
    )


def parse(text: str, kind: str) -> Temporal | None:
    """The date, datetime (with or without `T`) or time of that text; None if it is none."""
    match = _FORM.fullmatch(text)
    if match is None:
        return None
    year, month, day, mark, hour, minute, second, zone = match.groups()
    offset = _offset(zone) if zone else None
    if zone and (hour is None or offset is None):
        return None
    if kind == "time":
        if year is not None or hour is None or zone:
            return None
        fields = _fields(hour, minute, second)
        return Temporal("time", fields, None) if _is_time(fields) else None
    if year is None or (hour is not None and (day is None or not mark)) or (kind == "date" and mark):
        return None
    date, time = _fields(year, month, day), _fields(hour, minute, second)
    if not _is_date(date) or not _is_time(time):
        return None
    return Temporal("date" if kind == "date" else "datetime", date + time, offset)


def _fields(*texts: str | None) -> tuple[int | Decimal, ...]:
    return tuple(Decimal(text) if "." in text else int(text) for text in texts if text is not None)


def _offset(zone: str) -> int | None:
    if zone == "Z":
        return 0
    hours, minutes = int(zone[1:3]), int(zone[4:6])
    if hours > 14 or minutes > 59:
        return None
    return (hours * 60 + minutes) * (-1 if zone[0] == "-" else 1)


def _is_date(fields: tuple[int | Decimal, ...]) -> bool:
    year, month, day = (*map(int, fields), 1, 1)[:3] if len(fields) < 3 else map(int, fields)
    return MINYEAR <= year <= MAXYEAR and 1 <= month <= 12 and 1 <= day <= calendar.monthrange(year, month)[1]


def _is_time(fields: tuple[int | Decimal, ...]) -> bool:
    """Leap seconds included, as FHIR's dateTime allows them."""
    return all(part < limit for part, limit in zip(fields, (24, 60, 61), strict=False))


def compare(one: Temporal, other: Temporal) -> int | None:
    """-1, 0 or 1 as it is before, equal or after; None where their precision does not tell.

    A date and a moment compare as moments; a time of day compares with such only (ValueError).
    """
    if (one.kind == "time") != (other.kind == "time"):
        raise ValueError("A time of day has no order with a date.")
    if one.zone is None and other.zone is None:
        return _compare(one.fields, other.fields)
    if one.zone is not None and other.zone is not None:
        return _compare(_universal(one, one.zone), _universal(other, other.zone))
    bounds = {
        _compare(
            _universal(one, zone if one.zone is None else one.zone),
            _universal(other, zone if other.zone is None else other.zone),
        )
        for zone in _FARTHEST_ZONES
    }
    return bounds.pop() if len(bounds) == 1 else None


def equal(one: Temporal, other: Temporal) -> bool | None:
    if (one.kind == "time") != (other.kind == "time"):
        return False
    order = compare(one, other)
    return None if order is None else order == 0


def equivalent(one: Temporal, other: Temporal) -> bool:
    """Equal and equally precise."""
    return len(one.fields) == len(other.fields) and bool(equal(one, other))


def _compare(one: tuple[int | Decimal, ...], other: tuple[int | Decimal, ...]) -> int | None:
    for left, right in zip(one, other, strict=False):
        if left != right:
            return -1 if left < right else 1
    return 0 if len(one) == len(other) else None


def _universal(moment: Temporal, zone: int) -> tuple[int | Decimal, ...]:
    """The fields at offset zero; a date, having no zone, stays."""
    fields = moment.fields
    if len(fields) < 4 or zone == 0:
        return fields
    whole = [int(part) for part in fields[:5]]
    try:
        shifted = datetime(*whole) - timedelta(minutes=zone)  # type: ignore[arg-type]
    except OverflowError:
        return fields
    universal = (shifted.year, shifted.month, shifted.day, shifted.hour, shifted.minute)
    return (*universal[: min(len(fields), 5)], *fields[5:])


def plus(start: Temporal, amount: Decimal, unit: str) -> Temporal | None:
    """So many calendar units later (or earlier); None outside the years 1 to 9999, or for days on a time.

    A partial date moves by whole units of its own precision, and fractions count for seconds alone
    (https://hl7.org/fhirpath/N1/#datetime-arithmetic).
    """
    if abs(amount) > 10**15:
        return None
    if unit not in ("second", "millisecond"):
        amount = Decimal(int(amount))
    if start.kind == "time":
        return _later_today(start, amount, unit)
    precision = len(start.fields)
    if unit in ("year", "month"):
        months = int(amount) * (12 if unit == "year" else 1)
        return _months_later(start, _toward_zero(months, 12) * 12 if precision == 1 else months)
    seconds = amount * UNIT_SECONDS[unit]
    if precision <= 2:
        days = int(seconds / 86_400)
        months = _toward_zero(days, 365) * 12 if precision == 1 else _toward_zero(days, 30)
        return _months_later(start, months)
    step = {3: 86_400, 4: 3_600, 5: 60}.get(precision)
    if step is not None:
        seconds = Decimal(int(seconds / step) * step)
    return _seconds_later(start, seconds)


def _toward_zero(number: int, divisor: int) -> int:
    return int(Decimal(number) / divisor)


def _months_later(start: Temporal, months: int) -> Temporal | None:
    year, month, *rest = (*start.fields, 1) if len(start.fields) == 1 else start.fields
    total = int(year) * 12 + int(month) - 1 + months
    year, month = divmod(total, 12)
    month += 1
    if not MINYEAR <= year <= MAXYEAR:
        return None
    if rest:
        rest[0] = min(int(rest[0]), calendar.monthrange(int(year), int(month))[1])
    return Temporal(start.kind, (year, month, *rest)[: len(start.fields)], start.zone)


def _seconds_later(start: Temporal, seconds: Decimal) -> Temporal | None:
    second = start.fields[5] if len(start.fields) > 5 else 0
    total = second + seconds
    minutes = int((total / 60).to_integral_value(ROUND_FLOOR))
    try:
        moved = datetime(*(int(part) for part in start.fields[:5])) + timedelta(minutes=minutes)  # type: ignore[arg-type]
    except OverflowError:
        return None
    fields = (moved.year, moved.month, moved.day, moved.hour, moved.minute, _plain(total - minutes * 60))
    return Temporal(start.kind, fields[: len(start.fields)], start.zone)


def _later_today(start: Temporal, amount: Decimal, unit: str) -> Temporal | None:
    """A time of day goes round the clock."""
    if unit not in ("hour", "minute", "second", "millisecond"):
        return None
    hour, minute, second = (*start.fields, 0, 0)[:3]
    total = (hour * 3_600 + minute * 60 + second + amount * UNIT_SECONDS[unit]) % 86_400
    if total < 0:
        total += 86_400
    minutes, second = divmod(total, 60)
    fields = (*divmod(int(minutes), 60), _plain(second))
    return Temporal("time", fields[: len(start.fields)])


def _plain(second: int | Decimal) -> int | Decimal:
    """Whole seconds without a point."""
    return int(second) if second == int(second) and "." not in str(second) else second

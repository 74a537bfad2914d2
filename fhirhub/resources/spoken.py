"""Dates, moments and numbers as people read them, in plain Dutch or English; moments in Dutch time."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Literal

from fhirhub.resources.hours import DUTCH

Language = Literal["nl", "en"]

_MONTHS: dict[Language, tuple[str, ...]] = {
    "nl": (
        *("januari", "februari", "maart", "april", "mei", "juni"),
        *("juli", "augustus", "september", "oktober", "november", "december"),
    ),
    "en": (
        *("January", "February", "March", "April", "May", "June"),
        *("July", "August", "September", "October", "November", "December"),
    ),
}
_AT = {"nl": "om", "en": "at"}
_UNITS = {"mm[Hg]": "mmHg", "Cel": "°C", "{score}": ""}
"""Codes of UCUM (https://ucum.org/ucum) that nobody reads as they stand."""


def day(value: Any, language: Language) -> str:
    """`7 oktober 2026` of a date or moment, as much as it says; empty of what is none."""
    text = str(value or "")
    try:
        year, *rest = (int(part) for part in text[:10].split("-"))
    except ValueError:
        return ""
    if len(text) > 10 and "T" in text:
        found = _local(text)
        if found is not None:
            year, rest = found.year, [found.month, found.day]
    if not rest:
        return str(year)
    if not 1 <= rest[0] <= 12:
        return ""
    name = _MONTHS[language][rest[0] - 1]
    return " ".join([*(str(one) for one in rest[1:2]), name, str(year)])


def moment(value: Any, language: Language) -> str:
    """`7 oktober 2026 om 14:30` of a moment; of a date the day."""
    found = value.astimezone(DUTCH) if isinstance(value, datetime) else _local(str(value or ""))
    if found is None:
        return day(value, language)
    return f"{day(found.date().isoformat(), language)} {_AT[language]} {found:%H:%M}"


def number(value: Any, language: Language) -> str:
    """A number, with a comma in Dutch."""
    text = str(value)
    return text.replace(".", ",") if language == "nl" else text


def unit(value: Any) -> str:
    """A unit as people write it: mmHg for UCUM's mm[Hg]."""
    text = str(value or "")
    return _UNITS.get(text, text)


def _local(text: str) -> datetime | None:
    if "T" not in text:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (found if found.tzinfo is not None else found.replace(tzinfo=UTC)).astimezone(DUTCH)

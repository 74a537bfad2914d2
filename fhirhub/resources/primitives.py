"""The formats of primitive types, and partial dates as half-open ranges (https://hl7.org/fhir/R4/datatypes.html)."""

from __future__ import annotations

import binascii
import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

MAX_STRING = 1024 * 1024
"""Characters of a string (https://hl7.org/fhir/R4/datatypes.html#string)."""

# Up to here a whole number fits a binary floating-point one, which indexes are made of.
_MAX_INTEGER = 10**300

_YEAR = r"(?:[1-9][0-9]{3}|0(?!000)[0-9]{3})"
_MONTH = r"(?:0[1-9]|1[0-2])"
_DAY = r"(?:0[1-9]|[12][0-9]|3[01])"
_TIME = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:(?:[0-5][0-9]|60)(?:\.[0-9]+)?"
_ZONE = r"(?:Z|[+-](?:(?:0[0-9]|1[0-3]):[0-5][0-9]|14:00))"

_is_date = re.compile(rf"{_YEAR}(?:-{_MONTH}(?:-{_DAY})?)?").fullmatch
_is_date_time = re.compile(rf"{_YEAR}(?:-{_MONTH}(?:-{_DAY}(?:T{_TIME}{_ZONE})?)?)?").fullmatch
_is_instant = re.compile(rf"{_YEAR}-{_MONTH}-{_DAY}T{_TIME}{_ZONE}").fullmatch
_is_time = re.compile(_TIME).fullmatch
# No white space, and none of the characters that XML 1.0 cannot hold (https://www.w3.org/TR/xml/#charsets).
_SOLID = r"[^\x00-\x20\ufffe\uffff]+"
_is_code = re.compile(rf"{_SOLID}(?: {_SOLID})*").fullmatch
_is_id = re.compile(r"[A-Za-z0-9\-.]{1,64}").fullmatch
_is_uri = re.compile(_SOLID).fullmatch
_is_oid = re.compile(r"urn:oid:[0-2](?:\.(?:0|[1-9][0-9]*))+").fullmatch
_is_uuid = re.compile(r"urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}").fullmatch
_has_unfit = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]").search
_white_space = re.compile(r"[ \t\r\n]+")


def check(type: str, value: Any) -> str | None:
    """What would be right, as a sentence, where the value is no value of that primitive type; else None.

    `value` is as JSON gives it: str, bool, int or Decimal. KeyError if the type is not primitive. An xhtml
    value is looked at as a string only; its content is `validation.narrative`'s.
    """
    return CHECKS[type](value)


def is_valid_day(text: str) -> bool:
    """Whether the calendar has the day that the text begins with, as in `2024-02-29T10:00:00Z`."""
    if text[8:10] <= "28":
        return True
    try:
        date(int(text[:4]), int(text[5:7]), int(text[8:10]))
    except ValueError:
        return False
    return True


def _boolean(value: Any) -> str | None:
    if value is True or value is False:
        return None
    return f"expects true or false without quotes; got {_shown(value)}"


def _whole(low: int, words: str) -> Callable[[Any], str | None]:
    def check(value: Any) -> str | None:
        if type(value) is int and low <= value <= 2147483647:
            return None
        if isinstance(value, Decimal) and not value and str(value) == "-0" and low <= 0:
            return None
        return f"expects {words} without quotes; got {_shown(value)}"

    return check


def _decimal(value: Any) -> str | None:
    if isinstance(value, Decimal):
        return None
    if type(value) is int:
        if -_MAX_INTEGER < value < _MAX_INTEGER:
            return None
        return "expects at most 300 digits before the point; write more as 1e400"
    return f"expects a number without quotes, such as 1.50; got {_shown(value)}"


def _string(value: Any) -> str | None:
    if type(value) is not str:
        return f"expects a string; got {_shown(value)}"
    # A printable string that sorts before "!" is empty or begins with a space.
    if value.isprintable() and value >= "!" and len(value) <= MAX_STRING:
        return None
    if not value:
        return "may not be an empty string: leave the element out"
    if not value.strip(" \t\r\n\f\v"):
        return "has nothing but white space: leave the element out"
    if len(value) > MAX_STRING:
        return f"has {len(value)} characters; a string has at most {MAX_STRING}"
    return _unfit(value)


def _unfit(text: str) -> str | None:
    """What is wrong with a text that XML could not carry, since every resource is had in XML too."""
    found = _has_unfit(text)
    if found is None:
        return None
    name = f"U+{ord(found.group()):04X}"
    return (
        f"has the character {name}, which XML cannot hold; of the control characters only tab, line feed and "
        "carriage return may be there"
    )


def _xhtml(value: Any) -> str | None:
    if type(value) is str and value:
        return None if value.isprintable() else _unfit(value)
    return f"expects XHTML as a string; got {_shown(value)}"


def _text(match: Callable[[str], Any], words: str) -> Callable[[Any], str | None]:
    """A string type of that form."""

    def check(value: Any) -> str | None:
        if type(value) is str and match(value):
            return None
        return f"expects {words}; got {_shown(value)}"

    return check


def _dated(match: Callable[[str], Any], words: str) -> Callable[[Any], str | None]:
    """The same for what begins with a date."""

    def check(value: Any) -> str | None:
        if type(value) is str and match(value):
            if is_valid_day(value):
                return None
            return f"expects a day that the calendar has; got {_shown(value)}"
        return f"expects {words}; got {_shown(value)}"

    return check


def _base64(value: Any) -> str | None:
    words = "expects base64 (RFC 4648, 4: A-Z a-z 0-9 + / in fours, filled up with =)"
    if type(value) is not str:
        return f"{words}; got {_shown(value)}"
    try:
        content = value.encode("ascii")
        try:
            binascii.a2b_base64(content, strict_mode=True)
        except binascii.Error:
            # White space is in R4's expression for it, though not to be written.
            content = _white_space.sub("", value).encode("ascii")
            binascii.a2b_base64(content, strict_mode=True)
    except ValueError:  # binascii.Error and UnicodeEncodeError among them
        return f"{words}; got {_shown(value)}"
    return None if content else "may not be an empty string: leave the element out"


def _shown(value: Any) -> str:
    """A value as an error quotes it."""
    if isinstance(value, str):
        text = value if len(value) <= 60 else f"{value[:60]}..."
        return f"`{text}`" if text.isprintable() else repr(text)
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return "null"
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "a list"
    text = str(value)
    return text if len(text) <= 60 else f"{text[:60]}..."


PATTERNS: dict[str, Callable[[str], Any]] = {
    "canonical": _is_uri,
    "code": _is_code,
    "id": _is_id,
    "oid": _is_oid,
    "time": _is_time,
    "uri": _is_uri,
    "url": _is_uri,
    "uuid": _is_uuid,
}
"""For the types that are no more than a form of text, what matches the whole text."""

CHECKS: dict[str, Callable[[Any], str | None]] = {
    "base64Binary": _base64,
    "boolean": _boolean,
    "canonical": _text(
        _is_uri, "a canonical URL without spaces, such as http://example.org/Questionnaire/a|1.0"
    ),
    "code": _text(_is_code, "a code: at least one character, no spaces but single ones between words"),
    "date": _dated(_is_date, "a date such as 2026, 2026-11 or 2026-11-22"),
    "dateTime": _dated(
        _is_date_time,
        "a date such as 2026-11-22, or with seconds and time zone such as 2026-11-22T09:00:00+01:00",
    ),
    "decimal": _decimal,
    "id": _text(_is_id, "an id: 1 to 64 of A-Z a-z 0-9 - ."),
    "instant": _dated(_is_instant, "an instant with seconds and time zone such as 2026-11-22T09:00:00+01:00"),
    "integer": _whole(-2147483648, "a whole number from -2147483648 to 2147483647"),
    "markdown": _string,
    "oid": _text(_is_oid, "an OID such as urn:oid:2.16.840.1.113883"),
    "positiveInt": _whole(1, "a whole number from 1 to 2147483647"),
    "string": _string,
    "time": _text(_is_time, "a time such as 09:00:00"),
    "unsignedInt": _whole(0, "a whole number from 0 to 2147483647"),
    "uri": _text(_is_uri, "a URI without spaces"),
    "url": _text(_is_uri, "a URL without spaces"),
    "uuid": _text(_is_uuid, "a UUID such as urn:uuid:c757873d-ec9a-4326-a141-556f43239520"),
    "xhtml": _xhtml,
}

_SECOND = 1_000_000
_DAY_US = 86_400 * _SECOND
_EPOCH = date(1970, 1, 1).toordinal()

_partial = re.compile(
    rf"({_YEAR})(?:-({_MONTH})(?:-({_DAY})(?:T([01][0-9]|2[0-3]):([0-5][0-9])"
    rf"(?::([0-5][0-9]|60)(?:\.([0-9]+))?)?({_ZONE})?)?)?)?"
).fullmatch


def date_range(text: str) -> tuple[int, int]:
    """The half-open range [low, high) of a date, dateTime or instant, in microseconds since 1970, UTC.

    Also takes minutes without seconds and a time without zone, as searches may give them
    (https://hl7.org/fhir/R4/search.html#date); what has no zone is taken as UTC. ValueError if unreadable.
    """
    found = _partial(text)
    if found is None:
        raise ValueError(f"expects a date such as 2026-11 or 2026-11-22T09:00:00Z; got {_shown(text)}")
    year, month, day, hour, minute, second, fraction, zone = found.groups()
    if month is None:
        first = date(int(year), 1, 1).toordinal()
        last = date(int(year), 12, 31).toordinal()
    elif day is None:
        first = date(int(year), int(month), 1).toordinal()
        last = first + _days_of(int(year), int(month)) - 1
    else:
        try:
            first = last = date(int(year), int(month), int(day)).toordinal()
        except ValueError:
            raise ValueError(f"expects a day that the calendar has; got {_shown(text)}") from None
    low = (first - _EPOCH) * _DAY_US
    if hour is None:
        return low, (last - _EPOCH + 1) * _DAY_US
    low += (int(hour) * 60 + int(minute)) * 60 * _SECOND
    if zone is not None and zone != "Z":
        offset = (int(zone[1:3]) * 60 + int(zone[4:6])) * 60 * _SECOND
        low += -offset if zone[0] == "+" else offset
    if second is None:
        return low, low + 60 * _SECOND
    low += int(second) * _SECOND
    if fraction is None:
        return low, low + _SECOND
    digits = fraction[:6]
    step = 10 ** (6 - len(digits))
    low += int(digits) * step
    return low, low + step


def _days_of(year: int, month: int) -> int:
    if month == 12:
        return 31
    return date(year, month + 1, 1).toordinal() - date(year, month, 1).toordinal()

"""URIs, compared as they are (https://hl7.org/fhir/R4/search.html#uri)."""

from __future__ import annotations

from typing import Any

from fhirhub.store.index.comparison import Comparison, Way, refuse, unescape
from fhirhub.store.index.parameters import Parameter
from fhirhub.store.index.token import shortened

_LAST = "\U0010ffff"


def values(type: str, value: Any) -> list[str]:
    """What the index keeps of a value of that data type."""
    return [shortened(value)] if isinstance(value, str) else []


def equals(text: str) -> Comparison:
    return Comparison("{t}.value = ?", (shortened(unescape(text)),), ("text",))


def _below(text: str) -> Comparison:
    """Values that begin with this. "Only apply to URLs, and not URNs": a URN is below itself alone."""
    text = unescape(text)
    if text.startswith("urn:"):
        return Comparison("{t}.value = ?", (text,), ("text",))
    return Comparison("{t}.value >= ? AND {t}.value < ?", (text, text + _LAST), ("text", "text"))


def _above(text: str) -> Comparison:
    """Values that this begins with, up to the end of one of its parts."""
    text = unescape(text)
    if text.startswith("urn:"):
        return Comparison("{t}.value = ?", (text,), ("text",))
    return Comparison(
        "{t}.value <= ? AND {t}.value = substr(?, 1, length({t}.value)) AND ({t}.value = ? "
        f"OR substr({{t}}.value, length({{t}}.value), 1) IN {_ENDS} "
        f"OR substr(?, length({{t}}.value) + 1, 1) IN {_ENDS})",
        (text, text, text, text),
        ("text", "text", "text", "text"),
        9,
    )


_ENDS = "('/', '|', '#')"
"""Where a part of a URL ends: `ValueSet/12` is not above `ValueSet/123`."""


def _canonical(text: str) -> Comparison:
    """The canonical as it is, and without a version every version of it
    (https://hl7.org/fhir/R4/references.html#canonical)."""
    text = shortened(unescape(text))
    if "|" in text:
        return Comparison("{t}.value = ?", (text,), ("text",))
    return Comparison(
        "{t}.value >= ? AND {t}.value < ? AND ({t}.value = ? OR {t}.value > ?)",
        (text, f"{text}|{_LAST}", text, f"{text}|"),
        ("text", "text", "text", "text"),
    )


_WAYS = {"": equals, "below": _below, "above": _above}


def way(parameter: Parameter, modifier: str) -> Way:
    """How a search by this parameter with that modifier reads a value."""
    read = _WAYS.get(modifier)
    if read is None:
        raise refuse(parameter, modifier, _WAYS)
    if not modifier and "canonical" in parameter.types:
        read = _canonical
    rank = 11 if parameter.code in ("_profile", "_source") else 2
    return Way("uri", parameter.keys, read, rank, raw=True)

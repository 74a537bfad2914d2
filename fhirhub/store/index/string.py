"""Strings: folded for comparison, every part of a name or address (https://hl7.org/fhir/R4/search.html#string)."""

from __future__ import annotations

import functools
import re
import unicodedata
from typing import Any

from fhirhub.store.index import KEY_LENGTH
from fhirhub.store.index.comparison import Comparison, Way, refuse
from fhirhub.store.index.parameters import Parameter

Json = dict[str, Any]

_LAST = "\U0010ffff"
_unfoldable = re.compile(r"[^a-z0-9 ]").search
_joined = re.compile(r"['`´’‘ʼ.]")
_loose = re.compile(r"[\W_]+")
_words = re.compile(r"[^\W_]").search
_family_parts = re.compile(r"[\s\-]+")


@functools.lru_cache(16384)
def fold(text: str) -> str:
    """The text without case, accents, punctuation and superfluous space.

    An apostrophe or full stop joins (`O'Neil` is `oneil`), other punctuation separates. A text of nothing
    else stays as it is.
    """
    folded = text.lower()
    if not _unfoldable(folded):
        return " ".join(folded.split()) if "  " in folded or folded != folded.strip() else folded
    folded = unicodedata.normalize("NFKD", text.casefold())
    folded = "".join(letter for letter in folded if not unicodedata.combining(letter)).casefold()
    return _loose.sub(" ", _joined.sub("", folded)).strip() or folded.strip()


def row(key: int, text: str) -> tuple[Any, ...]:
    """The row of a whole text."""
    value = fold(text)
    if len(value) > KEY_LENGTH:
        return (key, value[:KEY_LENGTH], text, value)
    return (key, value, text, None)


def rows(key: int, type: str, value: Any, found: list[tuple[Any, ...]], family: bool = False) -> None:
    """Adds the rows of a value of that data type."""
    if type == "HumanName":
        for name in ("text", "family"):
            part = value.get(name)
            if part:
                rows(key, "string", part, found, name == "family")
        for name in ("given", "prefix", "suffix"):
            for part in value.get(name) or ():
                if part:
                    found.append(row(key, part))
    elif type == "Address":
        for name in ("text", "city", "district", "state", "postalCode", "country"):
            part = value.get(name)
            if part:
                found.append(row(key, part))
        for part in value.get("line") or ():
            if part:
                found.append(row(key, part))
    elif isinstance(value, str):
        found.append(row(key, value))
        if family:
            # "Servers should search the parts of a family name independently."
            later = _family_parts.split(value.strip())
            for first in range(1, len(later)):
                rest = fold(" ".join(later[first:]))[:KEY_LENGTH]
                if rest:
                    found.append((key, rest, None, None))
    elif isinstance(value, dict):
        for part in value.values():
            if isinstance(part, str):
                found.append(row(key, part))


def escaped(text: str) -> str:
    """The text as a literal part of a LIKE pattern."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


_STARTS = "{t}.value >= ? AND {t}.value < ?"
_STARTS_LONG = "{t}.value = ? AND {t}.tail LIKE ? ESCAPE '\\'"
# The index alone tells of most values that they do not match.
_LIKE = (
    f"({{t}}.value LIKE ? ESCAPE '\\' OR length({{t}}.value) = {KEY_LENGTH}) AND {{t}}.exact IS NOT NULL "
    "AND COALESCE({t}.tail, {t}.value) LIKE ? ESCAPE '\\'"
)
_EXACT = "{t}.value = ? AND {t}.exact = ?"
_EQUALS = "{t}.value = ? AND {t}.exact IS NOT NULL AND {t}.tail IS NULL"


def starts(text: str) -> Comparison:
    value = _some(text)
    if not _words(value):
        return Comparison(_SIGNS, (f"{escaped(value)}%",), ("text",))
    if len(value) > KEY_LENGTH:
        return Comparison(_STARTS_LONG, (value[:KEY_LENGTH], escaped(value) + "%"), ("text", "text"))
    return Comparison(_STARTS, (value, value + _LAST), ("text", "text"))


def _some(text: str) -> str:
    value = fold(text)
    if not value:
        raise ValueError("expects some text")
    return value


_SIGNS = "{t}.exact LIKE ? ESCAPE '\\'"


def contains(text: str) -> Comparison:
    if not _words(text):
        # Signs alone are not in what is folded.
        return Comparison(_SIGNS, (f"%{escaped(_some(text))}%",), ("text",))
    pattern = f"%{escaped(_some(text))}%"
    return Comparison(_LIKE, (pattern, pattern), ("text", "text"))


def ends(text: str) -> Comparison:
    """Ends with this (`_filter`'s ew)."""
    pattern = f"%{escaped(_some(text))}"
    return Comparison(_LIKE, (pattern, pattern), ("text", "text"))


def exact(text: str) -> Comparison:
    return Comparison(_EXACT, (fold(text)[:KEY_LENGTH], text), ("text", "text"))


def equals(text: str) -> Comparison:
    """The same text but for case and accents (`_filter`'s eq)."""
    return Comparison(_EQUALS, (fold(text)[:KEY_LENGTH],), ("text",))


_WAYS = {"": starts, "exact": exact, "contains": contains}


def way(parameter: Parameter, modifier: str) -> Way:
    """How a search by this parameter with that modifier reads a value."""
    read = _WAYS.get(modifier)
    if read is None:
        raise refuse(parameter, modifier, _WAYS)
    return Way("string", parameter.keys, read, rank=5 if modifier != "contains" else 9)

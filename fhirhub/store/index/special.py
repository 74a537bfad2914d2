"""Parameters that work in a way of their own: places near a point, and text anywhere.

https://hl7.org/fhir/R4/location.html#search, https://hl7.org/fhir/R4/search.html#text
"""

from __future__ import annotations

import functools
import math
import re
import unicodedata
from decimal import Decimal
from typing import Any

from fhirhub import errors
from fhirhub.resources import ucum
from fhirhub.store.index.comparison import Comparison, Way, refuse, split, unescape
from fhirhub.store.index.number import is_number
from fhirhub.store.index.parameters import Parameter
from fhirhub.store.sql import Kind

Json = dict[str, Any]

EARTH_METRES = 6_371_008.8
DEFAULT_METRES = 10_000.0


def point(latitude: Decimal | float, longitude: Decimal | float) -> tuple[float, float, float]:
    """The place on the unit sphere."""
    lat, lon = math.radians(float(latitude)), math.radians(float(longitude))
    return (math.cos(lat) * math.cos(lon), math.cos(lat) * math.sin(lon), math.sin(lat))


def place(key: int, position: Json) -> tuple[Any, ...] | None:
    """The row of a Location.position."""
    try:
        x, y, z = point(position["latitude"], position["longitude"])
    except (KeyError, TypeError, ValueError):
        return None
    slots = ("", None, x, x, None, None, y, y, None, None, z, z)
    return (key, *slots, None, None, None, None)


_NEAR = (
    "({t}.low1 - ?) * ({t}.low1 - ?) + ({t}.low2 - ?) * ({t}.low2 - ?) + ({t}.low3 - ?) * ({t}.low3 - ?) <= ?"
)


def _near(text: str) -> Comparison:
    """Reads latitude|longitude|distance|unit; the distance is 10 km and the unit km where they are left out."""
    parts = [unescape(part) for part in split(text, "|")]
    expects = "expects latitude|longitude|distance|unit such as 53.2194|6.5665|10|km"
    if not 2 <= len(parts) <= 4:
        raise ValueError(f"{expects}; got `{text}`")
    latitude, longitude, distance = (
        Decimal(part) if is_number(part) else None for part in (*parts[:3], "")[:3]
    )
    if (
        latitude is None
        or longitude is None
        or not (-90 <= latitude <= 90 and -180 <= longitude <= 180)
        or (distance is None and any(parts[2:3]))
        or (distance is not None and distance < 0)
    ):
        raise ValueError(f"{expects}; got `{text}`")
    unit = ucum.unit(parts[3] if len(parts) > 3 and parts[3] else "km")
    if unit is None or unit.base != "m":
        raise ValueError(f"expects a UCUM unit of length such as km; got `{parts[3]}`")
    metres = DEFAULT_METRES if distance is None else unit.to_float(distance)
    angle = min(metres / EARTH_METRES, math.pi)
    chord = 2 * math.sin(angle / 2)
    x, y, z = point(latitude, longitude)
    return Comparison(_NEAR, (x, x, y, y, z, z, chord * chord), ("double",) * 7)


# Text anywhere

MOST_WORDS = 100
_words = re.compile(r"\w+").findall
_SPACED = {code: chr(code).lower() if _words(chr(code)) else " " for code in range(128)}
"""The same for ASCII, faster: what is no part of a word becomes a space."""
_not_ascii = re.compile(r"[^\x00-\x7f]+").sub
_FIRST = frozenset("hu0123456789")
"""How a text may begin that is no words."""
_no_words = re.compile(r"(?:https?://|urn:)\S*|\d{4}(?:-\d\d(?:-\d\d(?:T\S*)?)?)?", re.ASCII).fullmatch


def words(texts: list[str]) -> str:
    """Each word of the texts once, folded, between spaces; URIs and dates are left out."""
    told = [text for text in texts if text[:1] not in _FIRST or not _no_words(text)]
    found = dict.fromkeys(_folded_words("\n".join(told)))
    return f" {' '.join(found)} " if found else ""


def _folded_words(text: str) -> list[str]:
    if not text.isascii():
        text = _not_ascii(_plain, text)
    return text.translate(_SPACED).split() if text.isascii() else _words(text.lower())


def _plain(found: re.Match[str]) -> str:
    return _plain_letters(found[0])


@functools.lru_cache(4096)
def _plain_letters(text: str) -> str:
    """Letters without accents and case."""
    parts = unicodedata.normalize("NFKD", text)
    return "".join([letter for letter in parts if not unicodedata.combining(letter)]).casefold()


_HAS_WORD = "{t}.value LIKE ? ESCAPE '\\'"


def _text(text: str) -> Comparison:
    """Reads words (all must be there, each at the start of a word), `OR`, `AND`, `NOT` and parentheses."""
    tokens = re.findall(r'\(|\)|"[^"]*"|[^\s()"]+', text)
    if not tokens:
        raise ValueError("expects one word or more")
    if len(tokens) > MOST_WORDS:
        raise ValueError(f"has more than {MOST_WORDS} words and operators")
    reader = _Words(tokens)
    sql = reader.alternatives()
    if reader.at < len(tokens):
        raise ValueError(f"has a `{tokens[reader.at]}` too many")
    kinds: list[Kind] = ["text"] * len(reader.values)
    return Comparison(sql, tuple(reader.values), tuple(kinds))


class _Words:
    def __init__(self, tokens: list[str]) -> None:
        self.tokens = tokens
        self.at = 0
        self.values: list[str] = []

    def peek(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def alternatives(self) -> str:
        parts = [self.all_of()]
        while self.peek().upper() == "OR":
            self.at += 1
            parts.append(self.all_of())
        return parts[0] if len(parts) == 1 else "(" + " OR ".join(parts) + ")"

    def all_of(self) -> str:
        parts = [self.one()]
        while self.peek() and self.peek() != ")" and self.peek().upper() != "OR":
            if self.peek().upper() == "AND":
                self.at += 1
            parts.append(self.one())
        return parts[0] if len(parts) == 1 else "(" + " AND ".join(parts) + ")"

    def one(self) -> str:
        if self.at >= len(self.tokens):
            raise ValueError("ends where a word should follow")
        token = self.tokens[self.at]
        self.at += 1
        if token.upper() == "NOT":
            return f"NOT {self.one()}"
        if token == "(":
            inner = self.alternatives()
            if self.peek() != ")":
                raise ValueError("has a parenthesis that is not closed")
            self.at += 1
            return inner
        if token == ")":
            raise ValueError("has a `)` too many")
        exact = token.startswith('"')
        found = _folded_words(token.strip('"*'))
        if not found:
            raise ValueError(f"expects a word; got `{token}`")
        self.values += [f"% {word.replace('_', chr(92) + '_')}{' ' if exact else ''}%" for word in found]
        return "(" + " AND ".join(_HAS_WORD for _ in found) + ")"


def way(parameter: Parameter, modifier: str) -> Way:
    """How a search by this parameter reads a value."""
    if modifier:
        raise refuse(parameter, modifier, ())
    if parameter.code in ("_text", "_content"):
        return Way("content", parameter.keys, _text, rank=10)
    if parameter.code == "near":
        return Way("composite", parameter.keys, _near, rank=6, raw=True)
    raise errors.not_supported(f"Parameter `{parameter.code}` is not supported.")

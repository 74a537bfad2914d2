"""SMART scopes, versions 1 and 2: read, narrowed, written and asked what they let through
(https://hl7.org/fhir/smart-app-launch/STU2.2/scopes-and-launch-context.html)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, cast
from urllib.parse import parse_qsl, quote

from fhirhub.resources import definitions

Level = Literal["patient", "user", "system"]

LETTERS = "cruds"
"""Create, read, update, delete, search; a scope names them in this order."""
EVERY_TYPE = "*"
LAUNCH = frozenset({"launch", "launch/patient", "launch/encounter"})
IDENTITY = frozenset({"openid", "fhirUser", "profile"})
LASTING = frozenset({"offline_access", "online_access"})
WORDS = LAUNCH | IDENTITY | LASTING
"""The scopes that name no resources."""

_VERSION_1 = {"read": "rs", "write": "cud", "*": "cruds"}
_WORD_OF = {letters: word for word, letters in _VERSION_1.items()}
_FORM = re.compile(
    r"(?P<level>patient|user|system)/(?P<type>\*|[A-Z][A-Za-z]+)\."
    r"(?:(?P<word>read|write|\*)|(?P<letters>c?r?u?d?s?))(?:\?(?P<query>[\x21\x23-\x5b\x5d-\x7e]+))?"
)
_TYPES = frozenset(definitions.RESOURCE_TYPES)


@dataclass(frozen=True, slots=True)
class Scope:
    """Interactions on resources of one type, or of every type.

    `letters` are some of `cruds`, in that order. `query` are search parameters with their values, as
    `(("category", "http://...|laboratory"),)`: the scope reaches only what all of them match. `version` is the
    form in which it was asked for and is written.
    """

    level: Level
    type: str
    letters: str
    query: tuple[tuple[str, str], ...] = ()
    version: Literal[1, 2] = 2

    def lets(self, type: str, letter: str) -> bool:
        """Whether it lets this interaction through on some resources of the type."""
        return letter in self.letters and self.type in (type, EVERY_TYPE)

    def __str__(self) -> str:
        if self.version == 1 and not self.query and self.letters in _WORD_OF:
            return f"{self.level}/{self.type}.{_WORD_OF[self.letters]}"
        query = "&".join(
            f"{quote(name, safe=_PLAIN)}={quote(value, safe=_PLAIN)}" for name, value in self.query
        )
        return f"{self.level}/{self.type}.{self.letters}" + (f"?{query}" if query else "")


_PLAIN = ":/|,.;!$'()*@~-_"
"""What stands in a scope's query as it is; RFC 6749 (3.3) leaves out the space, `"` and the backslash."""


@dataclass(frozen=True, slots=True)
class Scopes:
    """A whole `scope` parameter: what it says of resources, its other words, and what is no scope here."""

    resources: tuple[Scope, ...] = ()
    words: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()

    def __str__(self) -> str:
        return " ".join([*self.words, *map(str, self.resources)])

    def __bool__(self) -> bool:
        return bool(self.resources or self.words)

    def __contains__(self, word: str) -> bool:
        return word in self.words


def parse_one(text: str) -> Scope | None:
    """The resource scope that this text is; None where it is none."""
    form = _FORM.fullmatch(text)
    if form is None or not (form["word"] or form["letters"]):
        return None
    if form["type"] != EVERY_TYPE and form["type"] not in _TYPES:
        return None
    query: tuple[tuple[str, str], ...] = ()
    if form["query"]:
        try:
            given = form["query"].replace("+", "%2B")
            query = tuple(parse_qsl(given, keep_blank_values=True, strict_parsing=True, errors="strict"))
        except ValueError:
            return None
        # A condition that is empty would be none; those of a type's parameters mean nothing for every type.
        if not all(name and value for name, value in query) or form["type"] == EVERY_TYPE:
            return None
    level = cast(Level, form["level"])
    if form["word"]:
        return Scope(level, form["type"], _VERSION_1[form["word"]], query, version=1)
    return Scope(level, form["type"], form["letters"], query)


def parse(text: str) -> Scopes:
    """Every scope in a `scope` parameter, each once, in its order."""
    resources: dict[Scope, None] = {}
    words: dict[str, None] = {}
    unknown: dict[str, None] = {}
    for part in text.split():
        if part in WORDS:
            words[part] = None
        elif (scope := parse_one(part)) is not None:
            resources[scope] = None
        else:
            unknown[part] = None
    return Scopes(tuple(resources), tuple(words), tuple(unknown))


def narrowed(asked: Scopes, bound: Scopes) -> Scopes:
    """What of the scopes asked for lies within the bound, in the order asked; each as wide as both allow."""
    found = {
        both: None for one in asked.resources for other in bound.resources if (both := _both(one, other))
    }
    kept = tuple(one for one in found if not any(one != wider and _within(one, wider) for wider in found))
    return Scopes(kept, tuple(word for word in asked.words if word in bound.words))


def with_self(asked: Scopes, person: str | None) -> tuple[Scope, ...]:
    """What is asked of resources, and what `fhirUser` means besides: to read the one that the person is
    (https://hl7.org/fhir/smart-app-launch/STU2.2/scopes-and-launch-context.html#quick-start)."""
    type, _, id = (person or "").partition("/")
    if not id or "fhirUser" not in asked:
        return asked.resources
    if any(one.lets(type, "r") and not one.query for one in asked.resources):
        return asked.resources
    return (*asked.resources, Scope("user", type, "r", (("_id", id),)))


def of_levels(asked: Scopes, levels: Iterable[Level]) -> Scopes:
    """Only what is asked at one of these levels."""
    allowed = frozenset(levels)
    return Scopes(tuple(one for one in asked.resources if one.level in allowed), asked.words, asked.unknown)


def _both(one: Scope, other: Scope) -> Scope | None:
    """What both scopes let through; None where that is nothing."""
    if one.level != other.level or (one.type != other.type and EVERY_TYPE not in (one.type, other.type)):
        return None
    letters = "".join(letter for letter in one.letters if letter in other.letters)
    if not letters:
        return None
    query = tuple(dict.fromkeys((*one.query, *other.query)))
    return Scope(one.level, other.type if one.type == EVERY_TYPE else one.type, letters, query, one.version)


def _within(one: Scope, wider: Scope) -> bool:
    return (
        one.level == wider.level
        and wider.type in (one.type, EVERY_TYPE)
        and set(one.letters) <= set(wider.letters)
        and set(wider.query) <= set(one.query)
        and (one.letters, one.type, one.query) != (wider.letters, wider.type, wider.query)
    )

"""A CodeSystem resource with many concepts, read piece by piece so that memory is bounded by its largest branch.

https://hl7.org/fhir/R4/codesystem.html
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, TextIO

from fhirhub.terminology.concepts import Concept, is_abstract, is_inactive, text_of, value_of
from fhirhub.terminology.loading.source import CannotLoad

Json = dict[str, Any]

_CHUNK = 1 << 16
_decode = json.JSONDecoder(parse_float=Decimal).raw_decode
_SPACE = " \t\r\n"


class Listing:
    """A CodeSystem in JSON as a source."""

    searched: frozenset[str] = frozenset()

    def __init__(self, path: Path, url: str | None, version: str | None, language: str | None) -> None:
        self._path = path
        self.description = {}
        for name, value in self._elements():
            if name != "concept":
                self.description[name] = value
        if self.description.get("resourceType") != "CodeSystem":
            raise CannotLoad(f"{path} is no CodeSystem in JSON")
        if self.description.get("content") == "supplement":
            raise CannotLoad(f"{path} is a supplement: store it as a resource, with `fhirhub load`")
        if url:
            self.description["url"] = url
        if version:
            self.description["version"] = version
        if language:
            self.description["language"] = language
        if not isinstance(self.description.get("url"), str):
            raise CannotLoad(f"{path} says no `url`; --url says it")

    description: Json

    def _elements(self) -> Iterator[tuple[str, Any]]:
        """The elements of the resource; `concept` comes once for each branch."""
        with self._path.open(encoding="utf-8-sig") as stream:
            yield from _Reader(stream, self._path).elements()

    def _all(self) -> Iterator[tuple[Json, str | None]]:
        for name, branch in self._elements():
            if name == "concept":
                pending: list[tuple[Any, str | None]] = [(branch, None)]
                while pending:
                    concept, parent = pending.pop()
                    if not isinstance(concept, dict) or not isinstance(concept.get("code"), str):
                        raise CannotLoad(f"{self._path} has a concept without a code")
                    yield concept, parent
                    pending += [(each, concept["code"]) for each in reversed(concept.get("concept", []))]

    @property
    def size(self) -> int | None:
        return None

    def codes(self) -> Iterator[tuple[str, Sequence[str]]]:
        for concept, parent in self._all():
            yield concept["code"], _above(concept, parent)

    def concepts(self) -> Iterator[Concept]:
        for concept, parent in self._all():
            properties = tuple(concept.get("property", ()))
            yield Concept(
                concept["code"],
                concept.get("display"),
                concept.get("definition"),
                tuple(concept.get("designation", ())),
                properties,
                _above(concept, parent),
                is_inactive(properties),
                is_abstract(properties),
            )


def _above(concept: Json, parent: str | None) -> tuple[str, ...]:
    stated = [
        text_of(value_of(each))
        for each in concept.get("property", ())
        if each.get("code") in ("parent", "subsumedBy")
    ]
    return tuple(dict.fromkeys([*([parent] if parent is not None else []), *stated]))


class _Reader:
    """Reads one JSON object from a stream, an element at a time."""

    def __init__(self, stream: TextIO, path: Path) -> None:
        self._stream = stream
        self._path = path
        self._text = ""
        self._at = 0
        self._is_over = False

    def elements(self) -> Iterator[tuple[str, Any]]:
        self._expect("{")
        if self._next() == "}":
            return
        while True:
            name = self._value()
            self._expect(":")
            if name == "concept" and self._next() == "[":
                for branch in self._members():
                    yield "concept", branch
            else:
                yield str(name), self._value()
            if self._next() == "}":
                return
            self._expect(",")

    def _members(self) -> Iterator[Any]:
        self._expect("[")
        if self._next() == "]":
            self._at += 1
            return
        while True:
            yield self._value()
            if self._next() == "]":
                self._at += 1
                return
            self._expect(",")

    def _more(self, size: int = _CHUNK) -> None:
        chunk = self._stream.read(size)
        self._is_over = not chunk
        self._text = self._text[self._at :] + chunk
        self._at = 0

    def _next(self) -> str:
        """The next letter that is no space."""
        while True:
            while self._at < len(self._text) and self._text[self._at] in _SPACE:
                self._at += 1
            if self._at < len(self._text):
                return self._text[self._at]
            if self._is_over:
                raise CannotLoad(f"{self._path} ends too early: it is no JSON")
            self._more()

    def _expect(self, letter: str) -> None:
        found = self._next()
        if found != letter:
            raise CannotLoad(f"{self._path} is no JSON object: `{letter}` expected; got `{found}`")
        self._at += 1

    def _value(self) -> Any:
        self._next()
        size = _CHUNK
        while True:
            try:
                value, end = _decode(self._text, self._at)
            except (ValueError, RecursionError) as fault:
                if self._is_over or isinstance(fault, RecursionError):
                    raise CannotLoad(f"{self._path} is no JSON: {fault}") from None
            else:
                # A number at the end of what was read may go on.
                if end < len(self._text) or self._is_over:
                    self._at = end
                    return value
            self._more(size)
            size *= 2

"""A concept of a code system with its names and properties (https://hl7.org/fhir/R4/codesystem.html#CodeSystem.concept)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fhirhub.store.index.string import fold

Json = dict[str, Any]

DISPLAY: Json = {
    "system": "http://terminology.hl7.org/CodeSystem/designation-usage",
    "code": "display",
}
INACTIVE = frozenset({"inactive", "retired", "withdrawn"})
"""Values of a property `status` that take a concept out of use."""


@dataclass(frozen=True, slots=True)
class Concept:
    """One concept. `designations` and `properties` are as FHIR writes them; `parents` are codes."""

    code: str
    display: str | None = None
    definition: str | None = None
    designations: tuple[Json, ...] = ()
    properties: tuple[Json, ...] = ()
    parents: tuple[str, ...] = ()
    inactive: bool = False
    abstract: bool = False

    def names(self) -> list[str]:
        """Everything it is called, the display first."""
        found = [self.display] if self.display else []
        return [*found, *(str(each["value"]) for each in self.designations if "value" in each)]

    def display_in(self, languages: Sequence[str], own: str | None = None) -> str | None:
        """Its name in the first of these languages that has one; its display where none has. `own` is the
        language of the display."""
        for language in languages:
            if own is not None and _speaks(own, language):
                return self.display
            named = [each for each in self.designations if _speaks(each.get("language"), language)]
            if named:
                preferred = [each for each in named if (each.get("use") or {}).get("code") in _PREFERRED]
                return str((preferred or named)[0]["value"])
        return self.display


_PREFERRED = frozenset({"display", "preferred", "preferredForLanguage"})


def _speaks(language: object, wanted: str) -> bool:
    if not isinstance(language, str):
        return False
    one, other = language.lower(), wanted.lower()
    return one == other or one.startswith(other + "-") or other.startswith(one + "-")


def languages_of(text: str | None) -> tuple[str, ...]:
    """The languages of a `displayLanguage`, the most wanted first: `nl-NL` or `nl, en;q=0.5`."""
    if not text:
        return ()
    weighed = []
    for place, part in enumerate(text.split(",")):
        tag, _, weight = part.strip().partition(";")
        try:
            value = float(weight.strip().removeprefix("q=")) if weight else 1.0
        except ValueError:
            value = 0.0
        if tag.strip() and tag.strip() != "*":
            weighed.append((-value, place, tag.strip()))
    return tuple(tag for _, _, tag in sorted(weighed))


def value_of(given: Mapping[str, Any]) -> Any:
    """The value of a property as text or a plain value; the code of a Coding."""
    for key, value in given.items():
        if key.startswith("value"):
            return value.get("code") if isinstance(value, dict) else value
    return None


def text_of(value: Any) -> str:
    """A value as a filter compares it."""
    if value is True or value is False:
        return "true" if value else "false"
    return str(value)


def is_inactive(properties: Iterable[Mapping[str, Any]]) -> bool:
    """What the properties say of it: `inactive`, or a `status` that takes it out of use."""
    for each in properties:
        code, value = each.get("code"), value_of(each)
        if (code == "inactive" and text_of(value) == "true") or (code == "status" and value in INACTIVE):
            return True
    return False


def is_abstract(properties: Iterable[Mapping[str, Any]]) -> bool:
    """Whether it only groups others."""
    return any(
        each.get("code") in ("notSelectable", "abstract") and text_of(value_of(each)) == "true"
        for each in properties
    )


def tokens(text: str) -> list[str]:
    """The folded words of a text that is searched for."""
    return list(dict.fromkeys(fold(text).split()))


def has_words(names: Iterable[str], wanted: Sequence[str]) -> bool:
    """Whether each of these begins a word of the names."""
    folded = " " + " ".join(fold(name) for name in names)
    return all(f" {each}" in folded for each in wanted)


def is_called(names: Iterable[str], display: str) -> bool:
    """Whether that is one of the names, whatever the case and the spaces."""
    wanted = " ".join(display.split()).casefold()
    return any(" ".join(name.split()).casefold() == wanted for name in names)

"""What the hub asks of a code system, and those that are small enough to lie in memory.

https://hl7.org/fhir/R4/codesystem.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, Protocol

from fhirhub import errors
from fhirhub.store.index.string import fold
from fhirhub.terminology.concepts import (
    Concept,
    has_words,
    is_abstract,
    is_called,
    is_inactive,
    text_of,
    value_of,
)
from fhirhub.terminology.expressions import (
    HIERARCHY,
    All,
    Codes,
    Every,
    Expression,
    Having,
    Matching,
    Not,
    Over,
    Related,
    Some,
    Under,
    compiled,
)

Json = dict[str, Any]
Subsumption = Literal["equivalent", "subsumes", "subsumed-by", "not-subsumed"]


@dataclass(frozen=True, slots=True)
class Page:
    """Concepts of an expansion, and how many there are in all; None where that was not counted."""

    concepts: Sequence[Concept]
    total: int | None


class CodeSystem(Protocol):
    """A code system whose concepts are known here.

    `is_complete` says that a code it has not does not exist. `language` is that of the displays.
    """

    url: str
    version: str | None
    name: str
    is_complete: bool
    language: str | None
    description: Json

    async def get(self, codes: Iterable[str]) -> Mapping[str, Concept]:
        """By code as it was asked, the concepts that exist."""
        ...

    async def children(self, code: str) -> Sequence[Concept]: ...

    async def meeting(self, node: Expression, codes: Sequence[str]) -> frozenset[str]:
        """Those of the codes that are meant; codes that do not exist never are."""
        ...

    async def page(
        self,
        node: Expression,
        words: Sequence[str],
        *,
        active_only: bool,
        offset: int,
        count: int,
        listed: Sequence[str] | None = None,
    ) -> Page:
        """Some of the concepts that are meant and have names with words that begin so: with words the
        shortest displays first, else in the order of `listed` or of the code system."""
        ...


class ListedSystem:
    """A code system as its CodeSystem resource lists it."""

    def __init__(self, resource: Json, supplements: Sequence[Json] = ()) -> None:
        self.url = str(resource.get("url", ""))
        self.version: str | None = resource.get("version")
        self.name = str(resource.get("name") or resource.get("title") or self.url)
        self.is_complete = resource.get("content") == "complete"
        self.language: str | None = resource.get("language")
        self.description = {key: value for key, value in resource.items() if key != "concept"}
        self.concepts: dict[str, Concept] = {}
        self._children: dict[str, list[str]] = {}
        self._ignores_case = resource.get("caseSensitive") is False
        self._folded: dict[str, str] | None = None
        self._below: dict[str, frozenset[str]] = {}
        self._named = {str(each.get("code")) for each in _list(resource.get("property"))}
        """The properties that are defined."""
        self._read(resource)
        for supplement in supplements:
            self._supplement(supplement)

    def _read(self, resource: Json) -> None:
        declared: set[tuple[str, str]] = set()
        for concept, parent in walk(resource.get("concept")):
            code = str(concept["code"])
            properties = tuple(each for each in concept.get("property", ()) if isinstance(each, dict))
            parents = [parent] if parent is not None else []
            for each in properties:
                other = text_of(value_of(each))
                if each.get("code") in ("parent", "subsumedBy"):
                    parents.append(other)
                elif each.get("code") == "child":
                    declared.add((code, other))
            self.concepts[code] = Concept(
                code,
                concept.get("display"),
                concept.get("definition"),
                tuple(each for each in concept.get("designation", ()) if isinstance(each, dict)),
                properties,
                tuple(dict.fromkeys(parents)),
                is_inactive(properties),
                is_abstract(properties),
            )
        for parent, child in sorted(declared):
            concept_below = self.concepts.get(child)
            if concept_below is not None and parent not in concept_below.parents:
                self.concepts[child] = replace(concept_below, parents=(*concept_below.parents, parent))
        for code, one in self.concepts.items():
            for above in one.parents:
                if above in self.concepts:
                    self._children.setdefault(above, []).append(code)

    def _supplement(self, resource: Json) -> None:
        """Add the designations and properties of a supplement; it defines no codes."""
        for concept, _ in walk(resource.get("concept")):
            known = self.concepts.get(str(concept["code"]))
            if known is not None:
                self.concepts[known.code] = replace(
                    known,
                    designations=(*known.designations, *concept.get("designation", ())),
                    properties=(*known.properties, *concept.get("property", ())),
                )

    # --- asked without waiting ---

    def find(self, code: str) -> Concept | None:
        """The concept of that code, whatever its case where the code system says that it means nothing."""
        found = self.concepts.get(code)
        if found is None and self._ignores_case:
            if self._folded is None:
                self._folded = {known.casefold(): known for known in self.concepts}
            right = self._folded.get(code.casefold())
            found = self.concepts[right] if right is not None else None
        return found

    @property
    def is_hierarchical(self) -> bool:
        return bool(self._children)

    def below(self, code: str) -> frozenset[str]:
        """Every code that this one subsumes, without itself."""
        found = self._below.get(code)
        if found is None:
            reached: set[str] = set()
            pending = [code]
            while pending:
                for child in self._children.get(pending.pop(), ()):
                    if child not in reached:
                        reached.add(child)
                        pending.append(child)
            found = self._below[code] = frozenset(reached - {code})
        return found

    def below_in_order(self, code: str) -> Sequence[str]:
        """The codes right below, in the order of the code system."""
        return self._children.get(code, ())

    def meets(self, node: Expression, code: str) -> bool:
        """Whether the concept of that code, which exists, is meant."""
        match node:
            case Every():
                return True
            case Codes(codes):
                return code in codes or (self._ignores_case and any(self._is(each, code) for each in codes))
            case Under(other, itself):
                above = self.find(other)
                return above is not None and (
                    code in self.below(above.code) or (itself and code == above.code)
                )
            case Over(other, itself):
                under = self.find(other)
                return under is not None and (
                    under.code in self.below(code) or (itself and code == under.code)
                )
            case Having(name, values):
                texts = self._texts(name, code)
                return bool(texts) if not values else any(text in values for text in texts)
            case Matching(name, pattern):
                test = compiled(pattern)
                return any(test(text) for text in self._texts(name, code))
            case Related(name, inner):
                return any(
                    (found := self.find(text)) is not None and self.meets(inner, found.code)
                    for text in self._texts(name, code)
                )
            case Not(inner):
                return not self.meets(inner, code)
            case All(nodes):
                return all(self.meets(each, code) for each in nodes)
            case Some(nodes):
                return any(self.meets(each, code) for each in nodes)
        raise AssertionError(node)

    def _is(self, given: str, code: str) -> bool:
        found = self.find(given)
        return found is not None and found.code == code

    def _texts(self, name: str, code: str) -> list[str]:
        concept = self.concepts[code]
        if name in HIERARCHY:
            return [code]
        if name == "display":
            return [concept.display] if concept.display else []
        if name == "designation":
            return concept.names()
        if name in ("parent", "subsumedBy"):
            return list(concept.parents)
        if name == "child":
            return list(self._children.get(code, ()))
        if name == "inactive":
            return ["true" if concept.inactive else "false"]
        if name in ("notSelectable", "abstract"):
            return ["true" if concept.abstract else "false"]
        found = [text_of(value_of(each)) for each in concept.properties if each.get("code") == name]
        if not found and not self._has_property(name):
            raise errors.invalid(
                f"The code system {self.url} has no property `{name[:100]}` to filter by", status=422
            )
        return found

    def _has_property(self, name: str) -> bool:
        """Whether it is defined, or some concept has it without that."""
        if name not in self._named:
            of_concepts = (each.get("code") for one in self.concepts.values() for each in one.properties)
            self._named.update(map(str, of_concepts))
        return name in self._named

    # --- the port ---

    async def get(self, codes: Iterable[str]) -> Mapping[str, Concept]:
        return {code: found for code in codes if (found := self.find(code)) is not None}

    async def children(self, code: str) -> Sequence[Concept]:
        return [self.concepts[each] for each in self._children.get(code, ())]

    async def meeting(self, node: Expression, codes: Sequence[str]) -> frozenset[str]:
        return frozenset(
            code for code in codes if (found := self.find(code)) is not None and self.meets(node, found.code)
        )

    def members(
        self, node: Expression, words: Sequence[str], *, active_only: bool, listed: Sequence[str] | None
    ) -> list[Concept]:
        """Every concept that is meant, in order."""
        candidates: Iterable[Concept]
        if listed is None:
            candidates = self.concepts.values()
        else:
            candidates = [found for code in listed if (found := self.find(code)) is not None]
        chosen = [
            concept
            for concept in candidates
            if self.meets(node, concept.code)
            and not (active_only and concept.inactive)
            and (not words or is_worded(concept, words))
        ]
        if words:
            chosen.sort(key=lambda each: (len(each.display or each.code), each.display or each.code))
        return chosen

    async def page(
        self,
        node: Expression,
        words: Sequence[str],
        *,
        active_only: bool,
        offset: int,
        count: int,
        listed: Sequence[str] | None = None,
    ) -> Page:
        found = self.members(node, words, active_only=active_only, listed=listed)
        return Page(found[offset : offset + count], len(found))


def is_worded(concept: Concept, words: Sequence[str]) -> bool:
    """Whether its names have words that begin so, or its code does."""
    return has_words(concept.names(), words) or (len(words) == 1 and fold(concept.code).startswith(words[0]))


async def subsumption(system: CodeSystem, first: str, second: str) -> Subsumption:
    """How two codes that exist stand to each other."""
    if first == second:
        return "equivalent"
    if await system.meeting(Under(first, itself=False), [second]):
        return "subsumes"
    if await system.meeting(Under(second, itself=False), [first]):
        return "subsumed-by"
    return "not-subsumed"


def display_fault(concept: Concept, display: str | None) -> str | None:
    """What is wrong with a display that was given, naming the right ones; None where nothing is."""
    if display is None or not concept.names() or is_called(concept.names(), display):
        return None
    right = " or ".join(f"`{name}`" for name in list(dict.fromkeys(concept.names()))[:3])
    return f"The display of `{concept.code}` is {right}; got `{display[:200]}`"


def walk(concepts: Any) -> Iterator[tuple[Json, str | None]]:
    """Every concept with the code of the one it stands in, in the order of the code system."""
    pending: list[tuple[Any, str | None]] = [(each, None) for each in reversed(_list(concepts))]
    while pending:
        concept, parent = pending.pop()
        if not isinstance(concept, dict) or not isinstance(concept.get("code"), str):
            continue
        yield concept, parent
        pending += [(each, concept["code"]) for each in reversed(_list(concept.get("concept")))]


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []

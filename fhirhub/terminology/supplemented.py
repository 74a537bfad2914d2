"""A code system in the database with what supplements add to it: designations and properties, never codes
(https://hl7.org/fhir/R4/codesystem.html#supplements)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from fhirhub.terminology.concepts import Concept, has_words
from fhirhub.terminology.expressions import Expression
from fhirhub.terminology.stored import StoredSystem
from fhirhub.terminology.systems import Page, walk

Json = dict[str, Any]


class SupplementedSystem:
    """The same code system, whose concepts have more names and properties; `base` is without."""

    def __init__(self, base: StoredSystem, supplements: Sequence[Json]) -> None:
        self.base = base
        self.url, self.version, self.name = base.url, base.version, base.name
        self.is_complete, self.language, self.description = base.is_complete, base.language, base.description
        self._added: dict[str, Json] = {}
        for supplement in supplements:
            for concept, _ in walk(supplement.get("concept")):
                added = self._added.setdefault(str(concept["code"]), {"designation": [], "property": []})
                for name, listed in added.items():
                    listed += [each for each in concept.get(name, ()) if isinstance(each, dict)]

    def _with(self, concept: Concept) -> Concept:
        added = self._added.get(concept.code)
        if added is None:
            return concept
        return replace(
            concept,
            designations=(*concept.designations, *added["designation"]),
            properties=(*concept.properties, *added["property"]),
        )

    async def get(self, codes: Iterable[str]) -> Mapping[str, Concept]:
        found = await self.base.get(codes)
        return {code: self._with(concept) for code, concept in found.items()}

    async def children(self, code: str) -> Sequence[Concept]:
        return [self._with(each) for each in await self.base.children(code)]

    async def meeting(self, node: Expression, codes: Sequence[str]) -> frozenset[str]:
        return await self.base.meeting(node, codes)

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
        """The same, with what only the added names have found before all else."""
        more = await self._named_so(node, words, active_only, listed) if words else []
        first = more[offset : offset + count]
        page = await self.base.page(
            node,
            words,
            active_only=active_only,
            offset=max(0, offset - len(more)),
            count=count - len(first),
            listed=listed,
        )
        total = None if page.total is None else page.total + len(more)
        return Page([*first, *map(self._with, page.concepts)], total)

    async def _named_so(
        self, node: Expression, words: Sequence[str], active_only: bool, listed: Sequence[str] | None
    ) -> list[Concept]:
        """What is found by its added names alone, the shortest displays first."""
        known = await self.get(
            self._added if listed is None else [each for each in listed if each in self._added]
        )
        own = await self.base.get(known)
        found = [
            concept
            for code, concept in known.items()
            if has_words(concept.names(), words)
            and not has_words(own[code].names(), words)
            and not (active_only and concept.inactive)
        ]
        meant = await self.base.meeting(node, [each.code for each in found])
        return sorted(
            (each for each in found if each.code in meant), key=lambda each: len(each.display or each.code)
        )

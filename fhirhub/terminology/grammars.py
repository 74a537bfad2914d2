"""Code systems whose codes nobody lists, as they are made by rule: units, media types, languages.

https://hl7.org/fhir/R4/terminologies-systems.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from fhirhub import errors
from fhirhub.resources import notations, ucum
from fhirhub.terminology.concepts import Concept
from fhirhub.terminology.expressions import All, Codes, Every, Expression, Not, Some, Under
from fhirhub.terminology.systems import Page

Json = dict[str, Any]


class GrammarSystem:
    """A code system by its grammar. `is_complete` says that the grammar here is the whole one."""

    version: str | None = None
    language: str | None = None

    def __init__(self, url: str, name: str, is_code: Callable[[str], object], *, is_complete: bool) -> None:
        self.url = url
        self.name = name
        self.is_complete = is_complete
        self.description: Json = {"url": url, "name": name}
        self._is_code = is_code

    async def get(self, codes: Iterable[str]) -> Mapping[str, Concept]:
        return {code: Concept(code) for code in codes if self._has(code)}

    async def children(self, code: str) -> Sequence[Concept]:
        return []

    async def meeting(self, node: Expression, codes: Sequence[str]) -> frozenset[str]:
        return frozenset(code for code in codes if self._has(code) and self._meets(node, code))

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
        if listed is None:
            raise errors.too_costly(f"The codes of {self.url} are made by rule and have no end")
        found = [
            code for code in listed if self._meets(node, code) and all(word in code.lower() for word in words)
        ]
        return Page([Concept(code) for code in found[offset : offset + count]], len(found))

    def _has(self, code: str) -> bool:
        return len(code) < 500 and bool(self._is_code(code))

    def _meets(self, node: Expression, code: str) -> bool:
        match node:
            case Every():
                return True
            case Codes(codes):
                return code in codes
            case Under(other, itself):
                return itself and code == other
            case Not(inner):
                return not self._meets(inner, code)
            case All(nodes):
                return all(self._meets(each, code) for each in nodes)
            case Some(nodes):
                return any(self._meets(each, code) for each in nodes)
        return False


def _is_unit(code: str) -> bool:
    return ucum.unit(code) is not None


SYSTEMS = {
    system.url: system
    for system in (
        GrammarSystem("http://unitsofmeasure.org", "UCUM", _is_unit, is_complete=False),
        GrammarSystem("urn:ietf:bcp:13", "Media types", notations.is_media_type, is_complete=True),
        GrammarSystem("urn:ietf:bcp:47", "Languages", notations.is_language, is_complete=True),
    )
}

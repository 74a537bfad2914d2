"""Gathering: what a summary is made of, read as its caller sees it, with the names of whom it names."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from fhirhub.repository import Repository
from fhirhub.resources import careplan, document
from fhirhub.resources.careplan import Json
from fhirhub.store import request as requests

MOST = "200"
"""Of one kind, the most that a summary is made of."""


class Gathering:
    """Reads for one caller. What the access does not include at all is told apart from what is not there."""

    def __init__(self, repository: Repository, base: str | None) -> None:
        self.repository = repository
        self.base = base
        self._found: dict[str, Json | None] = {}

    def withholds(self, *types: str) -> bool:
        """Whether the access includes none of these types."""
        return not any("s" in self.repository.access.letters_of(type) for type in types)

    async def of(self, type: str, *pairs: tuple[str, str]) -> list[Json]:
        """What matches, at most MOST; nothing where the access does not include the type."""
        if self.withholds(type):
            return []
        asked = requests.parse(type, [*pairs, ("_count", MOST)], self.repository.parameters, base=self.base)
        page = await self.repository.search(asked)
        found = [document.decode(match.body) for match in page.matches]
        self._found |= {f"{type}/{one['id']}": one for one in found}
        return found

    async def one(self, reference: Any) -> Json | None:
        """What a Reference points to, where it can be seen."""
        party = careplan.party(reference, self.base)
        if party is None:
            return None
        if party not in self._found:
            type, _, id = party.partition("/")
            stored = await self.repository.find(type, id)
            body = None if stored is None else stored.body
            self._found[party] = None if body is None else document.decode(body)
        return self._found[party]

    async def called(self, reference: Any) -> str:
        """How people call what a Reference points to: its name, its display, or its type and id."""
        found = await self.one(reference)
        if found is not None:
            if found["resourceType"] == "PractitionerRole":
                person = await self.called(found.get("practitioner"))
                place = await self.called(found.get("organization"))
                return ", ".join(part for part in (person, place) if part)
            if name := name_of(found):
                return name
        if isinstance(reference, dict):
            return str(reference.get("display") or careplan.party(reference, self.base) or "")
        return ""

    async def with_name(self, reference: Any) -> Json | None:
        """The Reference, local where it is one, with the name; None where there is none."""
        if not isinstance(reference, dict):
            return None
        party, name = careplan.party(reference, self.base), await self.called(reference)
        told: Json = {"reference": party} if party else {}
        return told | ({"display": name} if name else {}) or None

    async def bodies(self, names: Iterable[str]) -> dict[str, bytes]:
        """By `Type/id`, as stored, what of these can be seen."""
        found: dict[str, bytes] = {}
        for name in names:
            type, _, id = name.partition("/")
            stored = await self.repository.find(type, id)
            if stored is not None and stored.body is not None:
                found[name] = stored.body
        return found


def name_of(resource: Json) -> str:
    """A person's, organisation's or service's name."""
    name = resource.get("name")
    if isinstance(name, list):
        name = next(
            (one for one in name if one.get("use") in ("official", "usual")), name[0] if name else None
        )
    if isinstance(name, dict):
        parts = [*name.get("prefix", ()), *name.get("given", ()), name.get("family")]
        return str(name.get("text") or " ".join(part for part in parts if part))
    return name if isinstance(name, str) else ""


def phones(resource: Json) -> list[str]:
    """The telephone numbers that stand, mobile ones first."""
    found = [
        one
        for one in resource.get("telecom", ())
        if one.get("system") == "phone" and one.get("value") and one.get("use") != "old"
    ]
    return [str(one["value"]) for one in sorted(found, key=lambda one: one.get("use") != "mobile")]


def words(concept: Any) -> str:
    """A CodeableConcept, or the first of several, as people read it."""
    if isinstance(concept, list):
        return ", ".join(filter(None, map(words, concept)))
    if not isinstance(concept, dict):
        return ""
    codings = concept.get("coding", ())
    shown = next((one.get("display") for one in codings if one.get("display")), None)
    return str(
        concept.get("text") or shown or next((one.get("code") for one in codings if one.get("code")), "")
    )


def day(moment: Any) -> str | None:
    """The day of a date or moment."""
    return moment[:10] if isinstance(moment, str) and len(moment) >= 4 else None

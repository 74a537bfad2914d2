"""What a caller reads: current versions, old ones, histories and searches, each as far as they may see it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from fhirhub import errors
from fhirhub.repository.outcomes import matched
from fhirhub.repository.refusals import gone, unknown
from fhirhub.repository.trails import Seen
from fhirhub.repository.unit import Inside
from fhirhub.resources import masking
from fhirhub.store import counting, versions
from fhirhub.store import search as searching
from fhirhub.store import timeline as timelines
from fhirhub.store.database import Key, Reader
from fhirhub.store.request import SearchRequest
from fhirhub.store.timeline import Moment, TimelineRequest
from fhirhub.store.versions import HistoryRequest, Stored


class Reading(Inside):
    """What is visible."""

    __slots__ = ()

    async def find(self, type: str, id: str) -> Stored | None:
        """The current version, which may be a deletion; None where there is none, or none to be seen."""
        found = await self._kept(type, id)
        if found is None:
            return None
        if self._watched is not None:
            self._watched.seen.append(Seen(type, id, found.version, found.patient, found.label))
        return self._shown(found) if self.limited else found

    async def _kept(self, type: str, id: str) -> Stored | None:
        """The same as the store keeps it, which may be more than the caller sees of it."""
        unit = self._unit
        if unit is not None and (type, id) in self._known:
            return self._known[type, id]
        access = self.access.to("r") if self.limited else self.access
        rows = await self._reader.fetch(
            versions.read(self.tenant.number, access, type, id, self._reader.dialect)
        )
        found = versions.stored(rows[0]) if rows else None
        if unit is not None:
            self._known[type, id] = found
        return found

    def _shown(self, stored: Stored) -> Stored:
        """What the caller sees of it."""
        if stored.body is None:
            return stored
        body = masking.shown(stored.body, without_bsn=self.access.without_bsn)
        return stored if body is stored.body else stored._replace(body=body)

    async def find_many(self, keys: Sequence[Key]) -> list[Stored]:
        """The current versions of those that are there and to be seen, deletions too, in no order."""
        await self._settle()
        access = self.access.to("r") if self.limited else self.access
        found = await versions.read_many(self._reader, self.tenant.number, access, keys)
        if self._watched is not None:
            self._watched.seen += [
                Seen(one.type, one.id, one.version, one.patient, one.label) for one in found
            ]
        return [self._shown(one) for one in found] if self.limited else found

    async def foresee(self, keys: Iterable[Key]) -> None:
        """Inside `together`: reads many resources at once, so that `find` need not ask for each."""
        self._in_unit()
        wanted = [key for key in keys if key not in self._known]
        access = self.access.to("r") if self.limited else self.access
        for start in range(0, len(wanted), 500):
            part = wanted[start : start + 500]
            found = await versions.read_many(self._reader, self.tenant.number, access, part)
            self._known |= dict.fromkeys(part) | {(one.type, one.id): one for one in found}

    async def read(self, type: str, id: str) -> Stored:
        """The current version. Raises `not-found`, or `deleted` with the ETag of the deletion."""
        found = await self.find(type, id)
        if found is None:
            raise unknown(type, id)
        if found.deleted:
            raise gone(found)
        return found

    async def vread(self, type: str, id: str, version: str) -> Stored:
        """One version. Raises `not-found`, or `deleted` where that version is a deletion."""
        rows: list[Any] = []
        if version.isascii() and version.isdigit() and len(version) < 10:
            await self._settle()
            access = self.access.to("r") if self.limited else self.access
            rows = await self._reader.fetch(
                versions.vread(self.tenant.number, access, type, id, int(version), self._reader.dialect)
            )
        if not rows:
            raise errors.not_found(f"There is no version {version} of {type}/{id}.")
        found = versions.stored(rows[0])
        if self._watched is not None:
            self._watched.seen.append(Seen(type, id, found.version, found.patient, found.label))
        if self.limited:
            found = self._shown(found)
        if found.deleted:
            raise gone(found)
        return found

    async def history(self, request: HistoryRequest) -> list[Stored]:
        """Versions, newest first, one more than asked where there are more. Raises `not-found` for an
        instance that never was."""
        await self._settle()
        if request.id is not None:
            assert request.type is not None
            if await self.find(request.type, request.id) is None:
                raise unknown(request.type, request.id)
        access = self.access.to("r" if request.id is not None else "s") if self.limited else self.access
        found = await versions.history(self._reader, self.tenant.number, access, request)
        if self._watched is not None:
            shown = found[: request.count]
            self._watched.seen += [
                Seen(one.type, one.id, one.version, one.patient, one.label) for one in shown
            ]
        return [self._shown(one) for one in found] if self.limited else found

    async def history_total(self, request: HistoryRequest) -> int:
        """How many versions a history has, on all its pages."""
        access = self.access.to("r" if request.id is not None else "s") if self.limited else self.access
        return await versions.history_total(self._reader, self.tenant.number, access, request)

    async def timeline(self, request: TimelineRequest) -> list[Moment]:
        """Versions of a plan and what belongs to it, newest first, one more than asked where there are more."""
        await self._settle()
        access = self.access.to("s") if self.limited else self.access
        found = await timelines.timeline(self._reader, self.tenant.number, access, request)
        if not self.limited:
            return found
        return [one._replace(stored=self._shown(one.stored)) for one in found]

    async def provenance(self, moments: Sequence[Moment]) -> list[Stored]:
        """The Provenances of versions in a timeline."""
        await self._settle()
        access = self.access.to("s") if self.limited else self.access
        found = await timelines.provenance(self._reader, self.tenant.number, access, moments)
        return [self._shown(one) for one in found] if self.limited else found

    async def tallies(self, measure: str, at: int) -> list[counting.Tally]:
        """How the practices stand in a measure at that moment, counting all their patients, whoever asks: who tells of
        them hides what is small (RULES R36)."""
        return await counting.tallies(await self._counting(), self.tenant.number, measure, at)

    async def care_groups(self, at: int) -> list[tuple[str, str]]:
        """Care groups and their practices at that moment, as ids of Organizations."""
        return await counting.affiliations(await self._counting(), self.tenant.number, at)

    async def _counting(self) -> Reader:
        await self._settle()
        reader = self._reader if self._unit is not None else await self.tenant.database.searching()
        return searching.bounded(reader, self.tenant.search_seconds)

    async def search(self, request: SearchRequest, cursor: str | None = None) -> searching.Found:
        """One page of what matches."""
        await self._settle()
        reader = self._reader if self._unit is not None else await self.tenant.database.searching()
        found = await searching.search(
            reader,
            self.tenant.number,
            request,
            self.access.to("s") if self.limited else self.access,
            cursor=cursor,
            key=self.tenant.cursor_key,
            seconds=self.tenant.search_seconds,
        )
        if self._watched is not None:
            shown = (*found.matches, *found.includes)
            self._watched.owners += [(match.patient, match.label) for match in shown]
        if self.limited:
            found.matches = [self._shown_match(match) for match in found.matches]
            found.includes = [self._shown_match(match) for match in found.includes]
        return found

    def _shown_match(self, match: searching.Match) -> searching.Match:
        body = masking.shown(match.body, without_bsn=self.access.without_bsn)
        return match if body is match.body else match._replace(body=body)

    async def all_matches(self, request: SearchRequest) -> list[Stored]:
        """Every match of criteria, page by page."""
        found, cursor = [], None
        while True:
            page = await self.search(request, cursor)
            found += [matched(match) for match in page.matches]
            cursor = page.next
            if cursor is None:
                return found

    async def only_match(self, request: SearchRequest) -> Stored | None:
        """The one resource that matches, None where none does. Raises `multiple-matches` where several do."""
        page = await self.search(request.only(2))
        if len(page.matches) > 1:
            raise errors.multiple_matches(
                "The criteria match more than one resource. Make them narrower, so that at most one matches."
            )
        if not page.matches:
            return None
        return matched(page.matches[0])

    async def as_it_stands(self, type: str, id: str) -> Stored | None:
        """Inside `together`: a resource that was written, with what rules made of it, as the caller may see that;
        None where that is what was answered already."""
        unit, key = self._in_unit(), (type, id)
        in_part = self.limited and type in self.access.masked_types
        if not (in_part or key in unit.rewritten):
            return None
        if not self.limited:
            return unit.known_all.get(key)
        await self._settle()
        access = self.access.to("r")
        found = await versions.read_many(self._reader, self.tenant.number, access, [key])
        return self._shown(found[0]) if found else None

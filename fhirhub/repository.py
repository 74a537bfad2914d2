"""The store as one caller sees it: visible reads, valid writes.

A `Repository` is made for each request and carries the caller's Access; whoever holds it cannot see more.
Inside `together` the same class works on one database transaction: its writes are staged and sent in bulk,
and what it reads includes them.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, Protocol, TypeVar, cast

from fhirhub import errors
from fhirhub.access import EVERYTHING, NAMING, Access
from fhirhub.conformance import Conformance
from fhirhub.resources import document, masking, references, relations
from fhirhub.store import counting, versions
from fhirhub.store import search as searching
from fhirhub.store import timeline as timelines
from fhirhub.store.chain import Entry
from fhirhub.store.database import Change, Database, Key, Reader, Transaction, Verdict, take_keys
from fhirhub.store.index import extract
from fhirhub.store.index.parameters import Parameters
from fhirhub.store.request import SearchRequest
from fhirhub.store.sql import Dialect, Statement
from fhirhub.store.timeline import Moment, TimelineRequest
from fhirhub.store.versions import HistoryRequest
from fhirhub.store.versions import Stored as Stored
from fhirhub.terminology.judging import Verdicts
from fhirhub.terminology.library import Library

Json = dict[str, Any]
T = TypeVar("T")
Check = Callable[[Json, "Repository"], Awaitable[None]]
"""Looks at a resource that is to be written; raises FhirError to refuse it."""

Target = tuple[str, str, str | None]
"""Type, id and, where one is named, version of what a resource refers to."""

KEY_BLOCK = 1000
TRIES = 50
"""How often an update without If-Match is tried again when others write the same resource."""
AHEAD = 10
"""So many new resources are worth a statement of their own while the next ones are made ready."""
MOST_DANGLING = 20
"""References to nothing that an error names."""


class Written(NamedTuple):
    """What a write made of a resource; `unchanged` says that its content was there already."""

    stored: Stored
    outcome: Literal["created", "updated", "unchanged", "deleted"]


def new_id() -> str:
    """A logical id: a UUID whose first part is the time (version 7, RFC 9562), so that ids grow."""
    noise = int.from_bytes(os.urandom(10), "big")
    milliseconds = time.time_ns() // 1_000_000
    number = (milliseconds & 0xFFFFFFFFFFFF) << 80 | 0x7 << 76 | (noise >> 68) << 64 | 0b10 << 62
    text = f"{number | noise & 0x3FFFFFFFFFFFFFFF:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def now() -> int:
    """This moment in microseconds, whole milliseconds, as `meta.lastUpdated` shows it."""
    return time.time_ns() // 1_000_000 * 1000


class Effect(NamedTuple):
    """What one write did to one resource."""

    after: Stored
    before: Stored | None
    """The version that was current, which may be a deletion; None where there was none."""
    by_hub: bool
    """Whether a rule wrote it, and not who asked."""


class Indexed(NamedTuple):
    """A resource that is to be made under this key, with what it is found by, looked up before the transaction."""

    resource: Json
    key: Key
    updated: int
    rows: extract.Rows


class Rule(Protocol):
    """A rule of the domain that runs inside the transaction of a write, after it and before the commit."""

    @property
    def types(self) -> frozenset[str]:
        """The resource types whose writes it looks at, at this moment."""
        ...

    async def __call__(self, unit: Repository, effect: Effect) -> None:
        """May read and write through `unit`, which is the hub's own and sees all (`unit.asker` is the Access of
        whoever asked for the write, `unit.asker.actor` who that is), and refuses all by raising FhirError."""
        ...

    async def committed(self) -> None:
        """What is done after the commit of a write it looked at, before that is answered."""
        ...


class Agent(NamedTuple):
    """Who does something, as the log tells it; references are relative, such as `Practitioner/x`."""

    person: str | None = None
    role: str | None = None
    organization: str | None = None
    client: str | None = None
    responsible: str | None = None
    detail: str | None = None
    """What else is known of them, as a form: nothing that a database has to escape."""


class Seen(NamedTuple):
    """One version that a caller was shown."""

    type: str
    id: str
    version: int
    patient: str | None
    label: str | None


@dataclass(slots=True)
class Trail:
    """What one interaction saw and wrote, for the log."""

    interaction: str
    request: str | None = None
    """The request's id."""
    agent: Agent | None = None
    """Who does it, where no token tells."""
    seen: list[Seen] = field(default_factory=list)
    owners: list[tuple[str | None, str | None]] = field(default_factory=list)
    """Of matches and includes: whose they are, and their labels."""
    watches: bool = True
    """Whether what is seen is to be logged."""
    has_written: bool = False
    refused: Refused | None = None
    """The part of it that was refused, and so all."""


class Refused(NamedTuple):
    """What was asked and not had: by which interaction, of which type and id, with which query, about whom."""

    interaction: str
    type: str | None
    id: str | None
    query: str | None
    brought: tuple[str, ...]
    """The patients of the resource that came with it."""


class Write(NamedTuple):
    """One version that was written, for the log."""

    change: Change
    by_hub: bool
    trail: Trail | None


class Recorder(Protocol):
    """Makes records of the log."""

    async def of_writes(self, unit: Repository, writes: Sequence[Write]) -> list[Entry]:
        """The records of what a transaction wrote; `unit` is it."""
        ...


class Keys:
    """Row keys of one tenant, taken from the database in blocks and handed out one by one."""

    def __init__(self, database: Database, tenant: int) -> None:
        self._database = database
        self._tenant = tenant
        self._left: list[int] = []
        self._filling = asyncio.Lock()

    async def ensure(self, count: int) -> None:
        """Makes at least this many ready."""
        while len(self._left) < count:
            async with self._filling:
                if len(self._left) < count:
                    wanted = max(KEY_BLOCK, count)
                    first = await self._database.take_keys(self._tenant, wanted)
                    # Handed out from the end: the lower ones last would still be fine, but growing is better.
                    self._left = list(range(first + wanted - 1, first - 1, -1)) + self._left

    def ready(self) -> bool:
        """Whether one can be had without asking the database."""
        return bool(self._left)

    async def one(self) -> int:
        if not self._left:
            await self.ensure(1)
        return self._left.pop()


@dataclass(slots=True)
class Tenant:
    """One region or care group: what its repositories share."""

    number: int
    name: str
    database: Database
    parameters: Parameters
    keys: Keys
    integrity: bool = True
    care_providers: frozenset[str] = frozenset()
    """The types of organisation that are care providers (RULES R4)."""
    fetch_allow: tuple[str, ...] = ()
    """Hosts that the settings list: asked though they are private, and referred to by shared care."""
    consent_check: str | None = None
    """The address that is asked, beside the Consents here, whether somebody may see a patient; silence is no."""
    draft_days: int | None = 30
    """How long a draft of a response is taken; None for without end."""
    home_watch: bool = False
    """Whether home measurements are watched (RULES R32)."""
    home_watch_accept_seconds: float = 1800.0
    """How long an urgent one may wait until somebody accepts to look."""
    cursor_key: bytes = b""
    search_seconds: float = 10.0
    """How long a search may take, all its statements together."""
    bases: tuple[str, ...] = ()
    rules: tuple[Rule, ...] = ()
    """In the order in which they run."""
    recorder: Recorder | None = None
    """What makes the log; None where none is kept."""
    conformance: Conformance = field(init=False)
    library: Library = field(init=False)
    """Its code systems, value sets and concept maps."""
    verdicts: Verdicts = field(default_factory=Verdicts)
    """What the validator was told of codes that are not in the definitions."""

    def __post_init__(self) -> None:
        self.library = Library(self.database, self.number, self.parameters)
        self.conformance = Conformance(self.database, self.number)


@dataclass(slots=True)
class _Unit:
    """What a transaction under way has staged and done."""

    transaction: Transaction
    write_id: str
    staged: dict[Key, Change] = field(default_factory=dict)
    known: dict[Key, Stored | None] = field(default_factory=dict)
    """What is current, as far as read or written in here; as the caller sees it."""
    known_all: dict[Key, Stored | None] = field(default_factory=dict)
    """The same as the hub sees it."""
    admitted: dict[Key, str] = field(default_factory=dict)
    """What a caller with limits wrote, and by which letter: whether they may is looked at once it is written."""
    deleted: dict[Key, Stored] = field(default_factory=dict)
    ruled: list[Effect] = field(default_factory=list)
    """What was written and the rules have not looked at."""
    rewritten: set[Key] = field(default_factory=set)
    """What the rules wrote, or added to."""
    unseen: list[tuple[Json, Key]] = field(default_factory=list)
    """What the caller refers to and did not see when that was written: something further on may make it."""
    at_end: list[Callable[[], Awaitable[None]]] = field(default_factory=list)
    """What is done once the rules have looked at all."""
    writes: list[Write] = field(default_factory=list)
    """What was written and is to be logged."""
    entries: list[Entry] = field(default_factory=list)
    """What else is to be logged."""
    indexed: dict[Key, Indexed] = field(default_factory=dict)
    """What is known already of resources that are to be made."""
    promised: frozenset[Key] = frozenset()
    """What will be made in here: references to it are right before it is there."""
    ahead: list[tuple[list[Change], Awaitable[list[Verdict]]]] = field(default_factory=list)
    """What is being written while the work goes on."""
    keys: list[int] = field(default_factory=list)
    """Row keys taken inside, when those taken before did not last; lost with the transaction."""


class Repository:
    """One caller's view of one tenant."""

    __slots__ = (
        "_is_own",
        "_known",
        "_reader",
        "_unit",
        "_watched",
        "access",
        "asker",
        "limited",
        "tenant",
        "trail",
    )

    def __init__(
        self,
        tenant: Tenant,
        access: Access,
        unit: _Unit | None = None,
        asker: Access | None = None,
        trail: Trail | None = None,
    ) -> None:
        self.tenant = tenant
        self.access = access
        self.asker = asker or access
        """Who asked for what is done here; the access itself but in the rules of a write."""
        self.limited = not access.unlimited
        self.trail = trail
        """What is seen and written here, where it is to be logged."""
        self._is_own = asker is None
        self._watched = trail if asker is None and trail is not None and trail.watches else None
        self._unit = unit
        self._reader: Reader = tenant.database if unit is None else unit.transaction
        if unit is not None:
            self._known = unit.known if asker is None else unit.known_all

    @property
    def parameters(self) -> Parameters:
        return self.tenant.parameters

    @property
    def is_together(self) -> bool:
        """Whether this is a transaction under way: who holds one must not wait for another connection."""
        return self._unit is not None

    @property
    def reader(self) -> Reader:
        """The database, or the transaction under way."""
        return self._reader

    async def spread_log(self) -> None:
        """Has every record of the log found that was answered for before."""
        of = self.tenant.database if self._unit is None else self._unit.transaction
        await of.spread(self.tenant.number)

    new_id = staticmethod(new_id)

    # --- reading ---

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

    def promise(self, made: Iterable[Key], named: Iterable[Key]) -> None:
        """Inside `together`: says what is made here under new ids, and of what is named those that `find` or
        `foresee` did not find. It is written while the rest is made ready, and what refers to it before the rest;
        where one is not made after all, all must fail."""
        known = self._known
        absent = (key for key in named if key in known and ((now := known[key]) is None or now.deleted))
        self._in_unit().promised = frozenset((*made, *absent))

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
            rids = [match.rid for part in (found.matches, found.includes) for match in part]
            if rids:
                self._watched.owners += await versions.owners(self._reader, self.tenant.number, rids)
        if self.limited:
            found.matches = [self._shown_match(match) for match in found.matches]
            found.includes = [self._shown_match(match) for match in found.includes]
        return found

    def _shown_match(self, match: searching.Match) -> searching.Match:
        body = masking.shown(match.body, without_bsn=self.access.without_bsn)
        return match if body is match.body else match._replace(body=body)

    # --- writing ---

    async def create(
        self, resource: Json, *, id: str | None = None, if_none_exist: SearchRequest | None = None
    ) -> Written:
        """Makes a resource with a new id. With `if_none_exist`, returns the one that matches as `unchanged`."""
        if if_none_exist is not None:
            if self._unit is None:
                return await self.together(
                    lambda unit: unit.create(resource, id=id, if_none_exist=if_none_exist),
                    lock_types=if_none_exist.types_involved(),
                )
            match = await self.only_match(if_none_exist)
            if match is not None:
                return Written(match, "unchanged")
        if self._unit is None and self._takes_a_unit(resource["resourceType"]):
            indexed = self.indexed(resource, id or new_id())
            return await self.together(
                lambda unit: unit.create(resource, id=indexed.key[1]), indexed=[indexed]
            )
        if self.limited:
            resource.pop("id", None)
            await self._admit("c", None, resource)
        _refuse_part(resource)
        change = await self._change(resource, resource["resourceType"], id or new_id(), None, "POST")
        try:
            return self._told(await self._write(change, None))
        except _Conflict:
            raise errors.conflict(f"{change.type}/{change.id} exists already.") from None

    async def update(
        self, resource: Json, *, if_match: int | None = None, if_none_match: bool = False, method: str = "PUT"
    ) -> Written:
        """Makes a new version, or the first one where the id is unused; what was deleted is created again.
        Content that is there already makes none. Raises `conflict` 412 where `if_match` is not the current
        version, or where `if_none_match` asks that there be none."""
        type, id = resource["resourceType"], resource["id"]
        if self._unit is None and self._takes_a_unit(type):
            return await self.together(
                lambda unit: unit.update(
                    resource, if_match=if_match, if_none_match=if_none_match, method=method
                )
            )
        for _ in range(TRIES):
            current = await self._kept(type, id)
            if if_match is not None and (current is None or current.version != if_match):
                raise stale(type, id, if_match, current)
            if self.limited:
                if current is None and not self.access.own_ids:
                    # The same answer for what is unknown and what may not be seen.
                    raise unknown(type, id)
                current, resource = await self._admit("u" if current else "c", current, resource)
            if if_none_match and current is not None and not current.deleted:
                raise errors.conflict(f"{type}/{id} exists, and If-None-Match asked that it should not.", 412)
            _refuse_part(resource)
            if current is not None and not current.deleted and _same(resource, current):
                return self._told(Written(current, "unchanged"))
            change = await self._change(resource, type, id, current, method)
            try:
                return self._told(await self._write(change, current))
            except _Conflict:
                if self._unit is not None:
                    raise  # The whole is tried again: what was staged is lost.
                # Somebody was first: look again, since only If-Match asked to be told.
                await asyncio.sleep(0)
        raise errors.conflict(f"{type}/{id} is being written by many at once; try again.")

    async def update_where(
        self, request: SearchRequest, resource: Json, *, if_match: int | None = None
    ) -> Written:
        """Conditional update (http.html#cond-update): the one match, or a new resource where none matches."""
        if self._unit is None:
            return await self.together(
                lambda unit: unit.update_where(request, resource, if_match=if_match),
                lock_types=request.types_involved(),
            )
        type = resource["resourceType"]
        match = await self.only_match(request)
        if match is None:
            if resource.get("id") is None:
                return await self.create(resource)
            if await self.find(type, resource["id"]) is not None:
                raise errors.conflict(
                    f"Nothing matches, and {type}/{resource['id']} exists already: a conditional update with "
                    "an id makes a new resource only where that id is unused."
                )
            return await self.update(resource)
        if resource.get("id", match.id) != match.id:
            raise errors.invalid(
                f"The match is {type}/{match.id}, but the resource says id `{resource['id']}`. Leave the id "
                "out or give the one of the match.",
                f"{type}.id",
            )
        return await self.update({**resource, "id": match.id}, if_match=if_match)

    async def patch(
        self,
        type: str,
        id: str,
        change: Callable[[Json], Json],
        *,
        if_match: int | None = None,
        check: Check | None = None,
    ) -> Written:
        """Changes the current content; `change` gets a copy of its own and may raise, and so may `check`, which
        looks at what it made. Tried again on what others wrote meanwhile, unless `if_match` names the version
        meant."""
        if self._unit is None and self._takes_a_unit(type):
            return await self.together(
                lambda unit: unit.patch(type, id, change, if_match=if_match, check=check)
            )
        for _ in range(TRIES):
            current = await self.read(type, id)
            if if_match is not None and current.version != if_match:
                raise stale(type, id, if_match, current)
            assert current.body is not None
            resource = change(document.decode(current.body))
            if self.limited:
                kept = await self._kept(type, id)
                assert kept is not None
                admitted, resource = await self._admit("u", kept, resource)
                assert admitted is not None
                current = admitted
            if _same(resource, current):
                return self._told(Written(current, "unchanged"))
            if check is not None:
                await check(resource, self)
            try:
                change_made = await self._change(resource, type, id, current, "PATCH")
                return self._told(await self._write(change_made, current))
            except _Conflict:
                if self._unit is not None:
                    raise
                await asyncio.sleep(0)
        raise errors.conflict(f"{type}/{id} is being written by many at once; try again.")

    async def patch_where(
        self,
        request: SearchRequest,
        change: Callable[[Json], Json],
        *,
        if_match: int | None = None,
        check: Check | None = None,
    ) -> Written:
        """Conditional patch (http.html#patch)."""
        if self._unit is None:
            return await self.together(
                lambda unit: unit.patch_where(request, change, if_match=if_match, check=check),
                lock_types=request.types_involved(),
            )
        match = await self.only_match(request)
        if match is None:
            raise errors.not_found("Nothing matches the criteria of this patch.")
        return await self.patch(match.type, match.id, change, if_match=if_match, check=check)

    async def delete(self, type: str, id: str, *, if_match: int | None = None) -> Written | None:
        """Deletes; None where there was nothing, or nothing any more. Raises `conflict` where others refer
        to it."""
        if self._unit is None:
            return await self.together(lambda unit: unit.delete(type, id, if_match=if_match))
        if self.tenant.integrity:
            await self._settle()
            await self._unit.transaction.lock_rows(self.tenant.number, [(type, id)])
        current = await self._kept(type, id)
        if if_match is not None and (current is None or current.version != if_match):
            raise stale(type, id, if_match, current)
        if current is None or current.deleted:
            return None
        if self.limited:
            current, _ = await self._admit("d", current, None)
            assert current is not None
        # Who saw it learns that it is gone, and sees its history.
        assert current.body is not None
        resource, base = document.decode(current.body), next(iter(self.tenant.bases), None)
        held = [row for row in relations.rows(resource, base)[1] if row.kind in relations.LASTING]
        owners, label = await self._owned(resource, base)
        change = Change(
            rid=current.rid,
            type=type,
            id=id,
            expected=current.version,
            version=current.version + 1,
            updated=max(now(), current.updated + 1000),
            method="DELETE",
            write_id=self._unit.write_id,
            body=None,
            patient=owners,
            label=label,
            rows={"holding": list(held)} if held else {},
        )
        written = await self._write(change, current)
        self._unit.deleted[type, id] = written.stored
        return written

    async def why_kept(self, stored: Stored, *, by_all: bool = False) -> str | None:
        """Why a resource may not be deleted: who refers to it. None where it may, as far as the caller sees; with
        `by_all`, what they may not see counts too, and is not named."""
        if not self.tenant.integrity:
            return None
        await self._settle()
        key = (stored.rid, stored.type, stored.id)
        found = await versions.referrers(self._reader, self.tenant.number, key, self.access)
        if not found:
            if (
                by_all
                and self.limited
                and await versions.referrers(self._reader, self.tenant.number, key, EVERYTHING)
            ):
                return f"{stored.type}/{stored.id} cannot be deleted: it is referred to."
            return None
        return (
            f"{stored.type}/{stored.id} cannot be deleted: it is referred to by "
            + ", ".join(f"{type}/{id}" for type, id in found)
            + ". Change or delete these first."
        )

    async def why_refused(self, resource: Json, id: str) -> Sequence[errors.Issue]:
        """Why a resource that is right may not be written under this id: what it refers to is not here."""
        copy = document.decode(document.encode(resource))
        try:
            change = await self._change(copy, resource["resourceType"], id, None, "PUT")
            await self._check_targets([change])
        except errors.FhirError as fault:
            return fault.issues
        return ()

    async def delete_where(self, request: SearchRequest, *, multiple: bool = False) -> list[Written]:
        """Conditional delete. Raises `multiple-matches` where several match and only one may go."""
        if self._unit is None:
            return await self.together(
                lambda unit: unit.delete_where(request, multiple=multiple),
                lock_types=request.types_involved(),
            )
        if not multiple:
            match = await self.only_match(request)
            matches = [match] if match else []
        else:
            matches = await self.all_matches(request)
        deleted = [await self.delete(match.type, match.id) for match in matches]
        return [written for written in deleted if written is not None]

    async def amend(self, type: str, id: str, resource: Json) -> Stored:
        """Inside `together`: the same version with other content, for references that could only be resolved
        once the rest was written."""
        unit = self._in_unit()
        await self._settle()
        current = await self.find(type, id)
        assert current is not None
        change = await self._change(resource, type, id, None, current.method)
        change.rid, change.version, change.updated = current.rid, current.version, current.updated
        document.stamp(resource, id, current.version, current.updated)
        change.body = document.encode(resource)
        await unit.transaction.amend(self.tenant.number, change)
        if self.tenant.integrity:
            await self._check_targets([change])
        stored = _stored(change)
        unit.known[type, id] = unit.known_all[type, id] = stored
        unit.rewritten.add((type, id))
        unit.ruled = [
            effect._replace(after=stored) if effect.after[:4] == stored[:4] else effect
            for effect in unit.ruled
        ]
        return stored

    def as_hub(self) -> Repository:
        """Inside `together`: the same transaction with the hub's own rights. Who asked is its `asker`, and what it
        writes counts as the hub's (`Effect.by_hub`)."""
        return Repository(self.tenant, EVERYTHING, self._in_unit(), self.asker, self.trail)

    def begin(self, trail: Trail) -> None:
        """From now on what is seen and written here belongs to this trail."""
        self.trail = trail
        self._watched = trail if trail.watches else None

    def following(self, trail: Trail) -> Repository:
        """The same view, whose reads and writes belong to another trail."""
        asker = None if self._is_own else self.asker
        return Repository(self.tenant, self.access, self._unit, asker, trail)

    def log_with(self, entries: Iterable[Entry]) -> None:
        """Inside `together`: adds records to the log, with what is written."""
        self._in_unit().entries += entries

    @property
    def dialect(self) -> Dialect:
        return self._reader.dialect

    def seen_by(self, access: Access) -> Repository:
        """Inside `together`: what another caller sees, of what was written in here too."""
        other = Repository(self.tenant, access, self._in_unit())
        other._known = {}
        return other

    @property
    def write_id(self) -> str:
        """Inside `together`: what tells this transaction's writes from all others; ids that come later are greater."""
        return self._in_unit().write_id

    @property
    def transaction(self) -> Transaction:
        """Inside `together`: the transaction itself, for what is no resource (a job, an audit row)."""
        return self._in_unit().transaction

    def as_asker(self) -> Repository:
        """Inside `together`: the same transaction as whoever asked for it sees it."""
        return Repository(self.tenant, self.asker, self._in_unit())

    def at_end(self, work: Callable[[], Awaitable[None]]) -> None:
        """Inside `together`: has this done once the rules have looked at everything, before the commit."""
        self._in_unit().at_end.append(work)

    def known_of(self, type: str) -> list[Stored]:
        """Inside `together`: the resources of this type that the hub read or wrote so far."""
        known = self._in_unit().known_all.items()
        return [stored for (of, _), stored in known if of == type and stored is not None]

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

    async def fetch(self, statement: Statement) -> list[Any]:
        """Inside `together`: rows of what is no resource, such as relations, with all that was written so far."""
        await self._settle()
        return await self.transaction.fetch(statement)

    async def together(
        self,
        work: Callable[[Repository], Awaitable[T]],
        lock_types: Iterable[str] = (),
        keys: int = 100,
        indexed: Sequence[Indexed] = (),
    ) -> T:
        """Runs `work` on one database transaction: all of it is written, or nothing. It may run again after
        a deadlock, so what must stay the same (ids) is chosen outside. `lock_types` are held against every
        other conditional write of these types; `keys` is about how many resources will be made, and `indexed` are
        those of which the rest is known: a transaction holds up others as long as it runs."""
        if self._unit is not None:
            return await work(self)
        await self.tenant.keys.ensure(keys)
        names = sorted(set(lock_types))
        write_id = new_id()
        looked: set[Rule] = set()

        async def run(transaction: Transaction) -> T:
            if names:
                await transaction.lock_names(self.tenant.number, names)
            known = _Unit(transaction, write_id, indexed={one.key: one for one in indexed})
            unit = Repository(self.tenant, self.access, known, trail=self.trail)
            if self.trail is not None:
                self.trail.has_written = False
            result = await work(unit)
            looked.update(await unit._finish())
            await unit._log()
            if isinstance(result, Written) and not result.stored.deleted:
                now_there = await unit.as_it_stands(result.stored.type, result.stored.id)
                if now_there is not None:
                    return cast(T, result._replace(stored=now_there))
            return result

        logging = None if self.tenant.recorder is None else self.tenant.number

        for _ in range(TRIES):
            try:
                result = await self.tenant.database.transaction(run, logging)
                for rule in looked:
                    await rule.committed()
                return result
            except _Conflict as conflict:
                # Somebody wrote in between; the work looks at what is there now.
                lost = conflict
        raise errors.conflict(f"{lost} is being written by many at once; try again.")

    # --- inside ---

    def _in_unit(self) -> _Unit:
        assert self._unit is not None, "only inside `together`"
        return self._unit

    async def _settle(self) -> None:
        if self._unit is not None and (self._unit.staged or self._unit.ahead):
            await self._flush()

    async def all_matches(self, request: SearchRequest) -> list[Stored]:
        """Every match of criteria, page by page."""
        found, cursor = [], None
        while True:
            page = await self.search(request, cursor)
            found += [_matched(match) for match in page.matches]
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
        return _matched(page.matches[0])

    async def _change(
        self, resource: Json, type: str, id: str, current: Stored | None, method: str
    ) -> Change:
        version = 1 if current is None else current.version + 1
        base = next(iter(self.tenant.bases), None)
        indexed = (
            None if self._unit is None or current is not None else self._unit.indexed.pop((type, id), None)
        )
        if indexed is not None and indexed.resource is resource:
            updated, rows = indexed.updated, indexed.rows
            document.stamp(resource, id, version, updated)
        else:
            updated = now() if current is None else max(now(), current.updated + 1000)
            document.stamp(resource, id, version, updated)
            rows = extract.rows(resource, self.tenant.parameters, base)
        targets: frozenset[Key] = frozenset()
        if "reference" in rows and (self.tenant.integrity or self.limited):
            local = set()
            versioned = set()
            for _, to, to_id, to_version, _ in rows["reference"]:
                if to and to_id and to != "#":
                    local.add((to, to_id))
                    if to_version is not None:
                        versioned.add((to, to_id, to_version))
            local.discard((type, id))
            targets = frozenset(local)
            if versioned:
                await self._check_versions(resource, versioned)
            if self.limited:
                await self._check_seen(resource, targets, current)
            if not self.tenant.integrity:
                targets = frozenset()
        owners, label = await self._owned(resource, base)
        return Change(
            rid=await self._key() if current is None else current.rid,
            type=type,
            id=id,
            expected=0 if current is None else current.version,
            version=version,
            updated=updated,
            method=method,
            write_id=new_id() if self._unit is None else self._unit.write_id,
            body=document.encode(resource),
            patient=owners,
            label=label,
            rows=rows,
            targets=targets,
        )

    def indexed(self, resource: Json, id: str) -> Indexed:
        """A resource that will be made by `create` under this id inside `together`, and stays as it is until then."""
        type, updated = resource["resourceType"], now()
        document.stamp(resource, id, 1, updated)
        base = next(iter(self.tenant.bases), None)
        rows = extract.rows(resource, self.tenant.parameters, base)
        return Indexed(resource, (type, id), updated, rows)

    async def _owned(self, resource: Json, base: str | None) -> tuple[str | None, str | None]:
        """Whose a resource is, and its label."""
        if resource["resourceType"] != "Provenance":
            return relations.owners(resource, base), relations.label(resource)
        await self._settle()
        return await versions.followed(self._reader, self.tenant.number, resource, base)

    async def _key(self) -> int:
        keys = self.tenant.keys
        if self._unit is None or (keys.ready() and not self._unit.keys):
            return await keys.one()
        if not self._unit.keys:
            rows = await self._unit.transaction.fetch(take_keys(self.tenant.number, KEY_BLOCK))
            first = int(rows[0][0])
            self._unit.keys = list(range(first + KEY_BLOCK - 1, first - 1, -1))
        return self._unit.keys.pop()

    async def _write(self, change: Change, before: Stored | None) -> Written:
        """Writes what follows `before`."""
        stored = _stored(change)
        revives = before is not None and before.deleted
        outcome: Literal["created", "updated", "deleted"] = "updated"
        if change.body is None:
            outcome = "deleted"
        elif change.expected == 0 or revives or (change.version > 1 and change.method == "POST"):
            outcome = "created"
        if self._unit is not None:
            key = (change.type, change.id)
            if key in self._unit.staged:
                await self._flush()
            self._unit.staged[key] = change
            self._unit.known[key] = self._unit.known_all[key] = stored
            by_hub = not self._is_own
            if self._is_ruled(change.type):
                self._unit.ruled.append(Effect(stored, before, by_hub))
                if by_hub:
                    self._unit.rewritten.add(key)
            if self.tenant.recorder is not None:
                self._unit.writes.append(Write(change, by_hub, self.trail))
                if self.trail is not None:
                    self.trail.has_written = True
            if self._unit.promised and len(self._unit.staged) % AHEAD == 0:
                await self._go_ahead()
            return Written(stored, outcome)
        verdict = await self.tenant.database.apply(self.tenant.number, change)
        if verdict is Verdict.MISSING:
            await self._check_targets([change])
            verdict = await self.tenant.database.apply(self.tenant.number, change)
        if verdict is not Verdict.DONE:
            raise _Conflict(f"{change.type}/{change.id}")
        return Written(stored, outcome)

    async def _go_ahead(self) -> None:
        """Begins to write what is staged, where that is worth it and changes nothing."""
        unit = self._in_unit()
        staged = unit.staged.values()
        if any(change.body is None for change in staged):
            return  # Deletions come first.
        fresh = [change for change in staged if change.expected == 0]
        if len(fresh) < AHEAD:
            return
        verdicts = unit.transaction.ahead(self.tenant.number, fresh, unit.promised)
        if verdicts is not None:
            unit.staged = {(change.type, change.id): change for change in staged if change.expected != 0}
            unit.ahead.append((fresh, verdicts))
            await asyncio.sleep(0)  # It is on its way before the next is made ready.

    async def _flush(self) -> None:
        unit = self._in_unit()
        ahead, unit.ahead = unit.ahead, []
        for changes, verdicts in ahead:
            await self._judge(changes, await verdicts)
        changes, unit.staged = list(unit.staged.values()), {}
        if not changes:
            return
        # Deletions first, so that a reference to what goes is seen as one to nothing.
        changes.sort(key=lambda change: change.body is not None)
        await self._judge(changes, await unit.transaction.apply(self.tenant.number, changes, unit.promised))

    async def _judge(self, changes: list[Change], verdicts: list[Verdict]) -> None:
        refused = [c for c, verdict in zip(changes, verdicts, strict=True) if verdict is Verdict.MISSING]
        if refused:
            await self._check_targets(refused, changes)
        for change, verdict in zip(changes, verdicts, strict=True):
            if verdict is not Verdict.DONE:
                raise _Conflict(f"{change.type}/{change.id}")

    def _takes_a_unit(self, type: str) -> bool:
        """Whether a write of this type is more than one change."""
        return self.limited or self.tenant.recorder is not None or self._is_ruled(type)

    def _is_ruled(self, type: str) -> bool:
        return any(type in rule.types for rule in self.tenant.rules)

    async def _finish(self) -> set[Rule]:
        """What is left to do before the commit; the rules that had something to look at."""
        unit = self._in_unit()
        looked: set[Rule] = set()
        await self._settle()
        self._check_unseen()
        denied: errors.FhirError | None = None
        if unit.admitted:
            try:
                await self._check_admitted()
            except errors.FhirError as refusal:
                denied = refusal  # Unless a rule says better what is wrong.
        hub = self.as_hub()
        while unit.ruled:
            effect = unit.ruled.pop(0)
            for rule in self.tenant.rules:
                if effect.after.type in rule.types:
                    looked.add(rule)
                    await rule(hub, effect)
                    await self._settle()
                    now_there = unit.known_all[effect.after.type, effect.after.id]
                    if now_there is not None and now_there.version == effect.after.version:
                        effect = effect._replace(after=now_there)  # A rule may have added to it.
        if denied is not None:
            raise denied
        gone_for_good = [
            stored
            for key, stored in unit.deleted.items()
            if (now_there := unit.known_all[key]) is None or now_there.deleted
        ]
        for stored in gone_for_good:
            fault = await self.why_kept(stored, by_all=True)
            if fault is not None:
                raise errors.conflict(fault)
        for work in unit.at_end:
            await work()
        await self._settle()
        return looked

    async def _log(self) -> None:
        """Adds what was done here to the log."""
        unit, recorder = self._in_unit(), self.tenant.recorder
        if recorder is not None:
            entries = [*unit.entries, *await recorder.of_writes(self, unit.writes)]
            if entries:
                await unit.transaction.log(self.tenant.number, entries)

    async def _check_versions(self, resource: Json, versioned: set[tuple[str, str, str]]) -> None:
        """Raises an error that names a reference to a version that never was."""
        await self._settle()
        access = self.access.to("r") if self.limited else self.access
        for target in sorted(versioned):
            number = (
                int(target[2]) if target[2].isascii() and target[2].isdigit() and len(target[2]) < 10 else 0
            )
            found = await self._reader.fetch(
                versions.vread(self.tenant.number, access, target[0], target[1], number, self._reader.dialect)
            )
            if not found:
                raise self._dangling([(resource, target)])

    async def _check_targets(self, changes: list[Change], own: Iterable[Change] = ()) -> None:
        """Raises an error that names the references to nothing."""
        known = {(change.type, change.id) for change in own if change.body is not None}
        if self._unit is not None:
            known |= self._unit.promised
        lacking: list[tuple[Json, Target]] = []
        for change in changes:
            for type, id in sorted(change.targets - known):
                rows = await self._reader.fetch(
                    Statement(
                        "SELECT 1 FROM resource r WHERE r.tenant = $1 AND r.type = $2 AND r.id = $3 "
                        "AND NOT r.deleted",
                        (self.tenant.number, type, id),
                        ("int", "text", "text"),
                    )
                )
                if not rows:
                    assert change.body is not None
                    lacking.append((document.decode(change.body), (type, id, None)))
        if lacking:
            raise self._dangling(lacking)

    def _dangling(self, lacking: Sequence[tuple[Json, Target]]) -> errors.Dangling:
        """The error that says which elements refer to nothing. The resource that holds them is not named by its id,
        which a client that creates it never saw."""
        base = next(iter(self.tenant.bases), None)
        issues, holders = [], []
        for resource, (type, id, version) in lacking[:MOST_DANGLING]:
            places = [
                link.path
                for link in references.walk(resource)
                if (to := references.parse(link.text, base)).is_local
                and (to.type, to.id) == (type, id)
                and version in (None, to.version)
            ]
            if version is None:
                text = f"This refers to {type}/{id}, which does not exist here. Write that resource first, or both in "
                text += "one transaction."
            else:
                text = f"This refers to {type}/{id}/_history/{version}, which does not exist here. Name a version that "
                text += "does, or leave the version out."
            for place in places or [resource["resourceType"]]:
                issues.append(errors.Issue("error", "not-found", text, place))
                holders.append((resource["resourceType"], resource["id"]))
        return errors.Dangling(issues, holders)

    # --- what a caller with limits may write (RULES R21) ---

    async def _admit(
        self, letter: str, current: Stored | None, resource: Json | None
    ) -> tuple[Stored | None, Json]:
        """Before a write: the current version whole, and what is to be written with what the caller does not
        see of it. Raises `forbidden` where the caller may not write this. That the result is theirs to write too
        is looked at before the commit."""
        unit = self._in_unit()
        type = resource["resourceType"] if resource is not None else current.type if current else ""
        if letter not in self.access.letters_of(type):
            raise forbidden(letter, type)
        if type == "Task" and letter == "c" and resource is not None:
            named = [await self._name_own(resource.get(party)) for party in ("requester", "for")]
            if any(named):
                # What it was found by before is not all any more.
                unit.indexed = {key: one for key, one in unit.indexed.items() if one.resource is not resource}
        old: Json | None = None
        if current is not None:
            await self._settle()
            found = await versions.read_many(
                self._reader, self.tenant.number, self.access.to(letter), [(current.type, current.id)]
            )
            if not found:
                now_there = await versions.read_many(
                    self._reader, self.tenant.number, EVERYTHING, [(current.type, current.id)]
                )
                if [one.version for one in now_there] != [current.version]:
                    # Somebody wrote since it was read: what is there now decides, and `If-Match` comes first.
                    raise _Conflict(f"{current.type}/{current.id}")
                raise forbidden(letter, type)
            if current.body is not None:
                shown = self._shown(current)
                whole = current.body.removeprefix(masking.MASKED_BYTE)
                if shown is not current and resource is not None and shown.body is not None:
                    resource = masking.restored(document.decode(whole), document.decode(shown.body), resource)
                current = current._replace(body=whole)
                old = document.decode(whole)
        if self.access.guard is not None:
            self.access.guard(letter, old, resource)
        if resource is None:
            return current, {}
        if old is not None:
            base = next(iter(self.tenant.bases), None)
            if relations.owners(old, base) != relations.owners(resource, base):
                raise errors.business_rule(
                    f"Whom a {type} is about cannot change: write another for another patient.", type
                )
        unit.admitted[type, current.id if current else ""] = letter
        return current, resource

    async def _name_own(self, party: Json | None) -> bool:
        """Gives a party that is named by an identifier alone (URA, BIG, BSN) its reference, where it is the caller or
        their organisation: rights on a Task go by references. Whether it did."""
        if not isinstance(party, dict) or party.get("reference") or "identifier" not in party:
            return False
        meant = {name: party["identifier"].get(name) for name in ("system", "value")}
        for name in dict.fromkeys((self.access.caller.organization, *self.access.caller.names)):
            type, _, id = (name or "").partition("/")
            if not id:
                continue
            found = await versions.read_many(self._reader, self.tenant.number, EVERYTHING, [(type, id)])
            known = document.decode(found[0].body).get("identifier", ()) if found and found[0].body else ()
            if any({part: one.get(part) for part in meant} == meant for one in known):
                party["reference"] = name
                return True
        return False

    def _told(self, written: Written) -> Written:
        """The outcome as the caller sees it."""
        if not self.limited:
            return written
        unit = self._in_unit()
        stored = written.stored
        letter = unit.admitted.pop((stored.type, ""), None)
        if letter is not None:
            unit.admitted[stored.type, stored.id] = letter
        return written._replace(stored=self._shown(stored))

    async def _check_admitted(self) -> None:
        """Raises `forbidden` where what was written is not the caller's to write: a write moves nothing out of or
        into sight."""
        unit = self._in_unit()
        by_letter: dict[str, list[Key]] = {}
        for key, letter in unit.admitted.items():
            known = unit.known_all.get(key)
            if known is not None and not known.deleted:
                by_letter.setdefault(letter, []).append(key)
        unit.admitted.clear()
        for letter, keys in by_letter.items():
            for asked in (letter, "r") if letter == "u" else (letter,):
                access = self.access.to(asked)
                found = await versions.read_many(self._reader, self.tenant.number, access, keys)
                lacking = set(keys) - {(one.type, one.id) for one in found}
                if lacking:
                    raise forbidden(letter, min(lacking)[0])

    async def _may_name(self, key: Key) -> bool:
        """Whether the caller may refer to what they do not see."""
        access = self.access.to(NAMING)
        found = await versions.read_many(self._reader, self.tenant.number, access, [key])
        return bool(found) and not found[0].deleted

    async def _check_seen(self, resource: Json, targets: frozenset[Key], current: Stored | None) -> None:
        """Notes what the caller refers to without seeing it, unless that was there already: the error of a reference to
        nothing, unless this transaction makes it."""
        fresh = targets
        if current is not None and current.body is not None:
            base = next(iter(self.tenant.bases), None)
            old = extract.rows(document.decode(current.body), self.tenant.parameters, base)
            fresh = targets - {(row[1], row[2]) for row in old.get("reference", ())}
        elif resource.get("partOf") and resource["resourceType"] == "Task":
            # Who may see a Task in part passes on, in a part of it, what they were shown.
            for key in sorted(key for key in targets if key[0] == "Task"):
                whole = await self.find(*key)
                if whole is not None and whole.body is not None:
                    rows = extract.rows(document.decode(whole.body), self.tenant.parameters, None)
                    fresh = fresh - {(row[1], row[2]) for row in rows.get("reference", ())}
        lacking: list[tuple[Json, Key]] = []
        for key in sorted(fresh):
            found = await self._kept(*key)
            if (found is None or found.deleted) and not await self._may_name(key):
                lacking.append((resource, key))
        if self._unit is not None:
            self._unit.unseen += lacking
        elif lacking:
            raise self._dangling([(holder, (*key, None)) for holder, key in lacking])

    def _check_unseen(self) -> None:
        """Raises the error of a reference to nothing for what the caller does not see, nor made since."""
        unit = self._in_unit()
        lacking: list[tuple[Json, Target]] = []
        for resource, key in unit.unseen:
            known = unit.known.get(key)
            if known is None or known.deleted:
                lacking.append((resource, (*key, None)))
        unit.unseen.clear()
        if lacking:
            raise self._dangling(lacking)


class _Conflict(Exception):
    """Somebody else wrote the resource first."""


def _matched(match: searching.Match) -> Stored:
    """A match as the current version it is; how it was written, a search does not ask."""
    return Stored(match.rid, match.type, match.id, match.version, match.updated, False, "PUT", match.body)


def _stored(change: Change) -> Stored:
    return Stored(
        change.rid,
        change.type,
        change.id,
        change.version,
        change.updated,
        change.body is None,
        change.method,
        change.body,
        change.patient,
        change.label,
    )


def _same(resource: Json, current: Stored) -> bool:
    """Whether this content, stamped like the current version, is the current version."""
    assert current.body is not None
    document.stamp(resource, current.id, current.version, current.updated)
    if document.encode(resource) == current.body:
        return True
    return document.canonical(resource) == document.canonical(document.decode(current.body))


def _refuse_part(resource: Json) -> None:
    """Raises an error for what says itself that it is a part of a resource: written, it would take the place of the
    whole. What the hub did not show to a caller with limits has been put back before, and the tag taken away."""
    if masking.is_part(resource):
        raise errors.business_rule(
            "The tag SUBSETTED says that this is a part of a resource, as `_summary`, `_elements` and other searches "
            "give it; written, it would erase the rest. Read the whole resource first and change that, or PATCH it.",
            f"{resource['resourceType']}.meta.tag",
        )


def unknown(type: str, id: str) -> errors.FhirError:
    return errors.not_found(f"There is no {type}/{id}.")


_DOING = {"c": "create", "u": "change", "d": "delete"}


def forbidden(letter: str, type: str) -> errors.FhirError:
    """403: what may be seen and not be written so."""
    if (letter, type) == ("c", "Patient"):
        return errors.forbidden(
            "A Patient is not created directly: `Patient/$register` finds or makes the one of a BSN."
        )
    if (letter, type) == ("c", "Appointment"):
        return errors.forbidden(
            "You may not create this Appointment: a visit or meeting is about a patient whom you may write for, who is "
            "among its participants (`participant.actor`)."
        )
    return errors.forbidden(
        f"You may not {_DOING[letter]} this {type}: your role, your place with this patient or what you granted "
        "the app does not allow it."
    )


def gone(stored: Stored) -> errors.FhirError:
    return errors.deleted(
        f"{stored.type}/{stored.id} was deleted. Its earlier versions are in its history; an update brings it back.",
        headers={"ETag": f'W/"{stored.version}"'},
    )


def stale(type: str, id: str, wanted: int, current: Stored | None) -> errors.FhirError:
    """412 for an If-Match that is not the current version."""
    is_now = "there is none" if current is None else f"the current one is {current.version}"
    return errors.conflict(
        f"If-Match asks for version {wanted} of {type}/{id}, but {is_now}. Read it again and try on that.",
        412,
    )

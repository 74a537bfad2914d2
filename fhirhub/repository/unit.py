"""A transaction under way: what was staged in it goes to the database in bulk, before anything is read that could
depend on it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from fhirhub import errors
from fhirhub.access import Access
from fhirhub.repository.outcomes import Effect, Indexed, new_id
from fhirhub.repository.refusals import Conflict
from fhirhub.repository.tenant import KEY_BLOCK, Tenant
from fhirhub.repository.trails import Trail, Write
from fhirhub.resources import document, references
from fhirhub.store.chain import Entry
from fhirhub.store.database import Change, Key, Reader, Transaction, Verdict, take_keys
from fhirhub.store.index.parameters import Parameters
from fhirhub.store.sql import Dialect, Statement
from fhirhub.store.versions import Stored

Json = dict[str, Any]
Target = tuple[str, str, str | None]
"""Type, id and, where one is named, version of what a resource refers to."""

AHEAD = 10
"""So many new resources are worth a statement of their own while the next ones are made ready."""
MOST_DANGLING = 20
"""References to nothing that an error names."""


@dataclass(slots=True)
class Unit:
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


class Inside:
    """One caller's place: the tenant, and the transaction where one is under way."""

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
        unit: Unit | None = None,
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

    @property
    def dialect(self) -> Dialect:
        return self._reader.dialect

    async def spread_log(self) -> None:
        """Has every record of the log found that was answered for before."""
        of = self.tenant.database if self._unit is None else self._unit.transaction
        await of.spread(self.tenant.number)

    # Inside `together`

    @property
    def write_id(self) -> str:
        """Inside `together`: what tells this transaction's writes from all others; ids that come later are greater."""
        return self._in_unit().write_id

    @property
    def transaction(self) -> Transaction:
        """Inside `together`: the transaction itself, for what is no resource (a job, an audit row)."""
        return self._in_unit().transaction

    async def fetch(self, statement: Statement) -> list[Any]:
        """Inside `together`: rows of what is no resource, such as relations, with all that was written so far."""
        await self._settle()
        return await self.transaction.fetch(statement)

    def log_with(self, entries: Iterable[Entry]) -> None:
        """Inside `together`: adds records to the log, with what is written."""
        self._in_unit().entries += entries

    def at_end(self, work: Callable[[], Awaitable[None]]) -> None:
        """Inside `together`: has this done once the rules have looked at everything, before the commit."""
        self._in_unit().at_end.append(work)

    def known_of(self, type: str) -> list[Stored]:
        """Inside `together`: the resources of this type that the hub read or wrote so far."""
        known = self._in_unit().known_all.items()
        return [stored for (of, _), stored in known if of == type and stored is not None]

    def promise(self, made: Iterable[Key], named: Iterable[Key]) -> None:
        """Inside `together`: says what is made here under new ids, and of what is named those that `find` or
        `foresee` did not find. It is written while the rest is made ready, and what refers to it before the rest;
        where one is not made after all, all must fail."""
        known = self._known
        absent = (key for key in named if key in known and ((now := known[key]) is None or now.deleted))
        self._in_unit().promised = frozenset((*made, *absent))

    # What is staged

    def _in_unit(self) -> Unit:
        assert self._unit is not None, "only inside `together`"
        return self._unit

    async def _settle(self) -> None:
        if self._unit is not None and (self._unit.staged or self._unit.ahead):
            await self._flush()

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
                raise Conflict(f"{change.type}/{change.id}")

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

    async def _key(self) -> int:
        keys = self.tenant.keys
        if self._unit is None or (keys.ready() and not self._unit.keys):
            return await keys.one()
        if not self._unit.keys:
            rows = await self._unit.transaction.fetch(take_keys(self.tenant.number, KEY_BLOCK))
            first = int(rows[0][0])
            self._unit.keys = list(range(first + KEY_BLOCK - 1, first - 1, -1))
        return self._unit.keys.pop()

    new_id = staticmethod(new_id)

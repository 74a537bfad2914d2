"""Notify: the rule that runs with each write somebody listens to, and puts its events beside it in one transaction.

What nobody listens to keeps its fast way: `types` holds only what is listened to. Other processes learn within
NOTICE_SECONDS of a new listener; one that could not look for so long looks in every transaction. A new Subscription
becomes active after that time, so that from then on no process passes it over.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from fhirhub import logs
from fhirhub.access import Access
from fhirhub.errors import FhirError
from fhirhub.repository import Effect, Repository, Stored
from fhirhub.resources import definitions, document
from fhirhub.settings import Settings
from fhirhub.store import request as requests
from fhirhub.store.database import Reader
from fhirhub.subscriptions import keeping, managed, queue, reading, receivers, topics
from fhirhub.subscriptions.queue import Event
from fhirhub.subscriptions.reading import Criteria, Wanted
from fhirhub.subscriptions.receivers import Receiver, Receivers

Json = dict[str, Any]

NOTICE_SECONDS = 2.0
"""How old a process's view of who listens may be."""
_EVERY = frozenset(definitions.RESOURCE_TYPES)
_DIRECTORY = frozenset({"Organization", "Endpoint"})
_ENDED = frozenset({"cancelled", "rejected", "failed", "completed", "entered-in-error"})


@dataclass(frozen=True, slots=True)
class Listener:
    """A Subscription that a client made."""

    id: str
    wanted: Wanted
    receiver: Receiver | None


@dataclass(slots=True)
class Listeners:
    """Those of one tenant, by type, as they were at a moment."""

    generation: int = -1
    looked: float = -NOTICE_SECONDS
    by_type: Mapping[str, list[Listener]] = field(default_factory=dict)


class Notify:
    """One for each application. `wake` is called when events of a tenant are there to be delivered."""

    def __init__(self, settings: Settings, wake: Callable[[int], None]) -> None:
        self._settings = settings
        self._receivers = Receivers(settings)
        self._wake = wake
        self._tenants: dict[int, Listeners] = {}
        self._fresh_until = 0.0
        self._types: frozenset[str] = _EVERY
        self._touched: dict[int, float] = {}
        self._always = frozenset({"Subscription"})
        if settings.auth != "none":
            self._always |= topics.MANAGED_TYPES | _DIRECTORY

    @property
    def types(self) -> frozenset[str]:
        if time.monotonic() > self._fresh_until:
            return _EVERY
        return self._types

    async def look(self, readers: Iterable[tuple[int, Any]]) -> None:
        """Takes note of who listens now in these tenants; `readers` are their numbers and what is read there, a
        Tenant."""
        started = time.monotonic()
        found: dict[int, Listeners] = {}
        for number, tenant in readers:
            found[number] = await self._looked(tenant.database, tenant)
        self._tenants = found
        self._types = self._always.union(*(one.by_type.keys() for one in found.values()))
        self._fresh_until = started + NOTICE_SECONDS

    async def _looked(self, reader: Reader, tenant: Any) -> Listeners:
        """The tenant's listeners, read again where something changed."""
        known = self._tenants.get(tenant.number) or Listeners()
        started = time.monotonic()
        generation = await queue.mark(reader, tenant.number)
        if generation == known.generation:
            known.looked = started
            return known
        by_type: dict[str, list[Listener]] = {}
        for id, receiver, body in await queue.listening(reader, tenant.number):
            try:
                wanted = reading.read(document.decode(body), tenant.parameters, self._settings.fetch_allow)
            except FhirError as fault:
                # What stood in it is gone, such as an own search parameter: delivery says so to its owner.
                logs.warning("A Subscription cannot be matched", subscription=id, fault=str(fault))
                continue
            for type in wanted.types:
                by_type.setdefault(type, []).append(Listener(id, wanted, receivers.read(receiver)))
        return Listeners(generation, started, by_type)

    async def __call__(self, unit: Repository, effect: Effect) -> None:
        type = effect.after.type
        if type == "Subscription":
            if await keeping.kept(unit, effect, self._settings):
                self._tenants.pop(unit.tenant.number, None)
                self._fresh_until = 0.0
                self._touched[unit.tenant.number] = time.monotonic()
            return
        if self._settings.auth != "none" and type in _DIRECTORY:
            await managed.follow(unit, effect, self._settings)
        events = await self._events(unit, effect)
        if events:
            await queue.put(unit.transaction, unit.tenant.number, events)
            self._touched[unit.tenant.number] = time.monotonic()

    async def committed(self) -> None:
        """Whoever delivers is woken; those of writes that end at the same moment too."""
        now = time.monotonic()
        for tenant, touched in list(self._touched.items()):
            self._wake(tenant)
            if now - touched > 10:
                del self._touched[tenant]

    # --- one write ---

    async def _events(self, unit: Repository, effect: Effect) -> list[Event]:
        change = _Change(unit, effect)
        events = []
        if self._settings.auth != "none" and change.type in topics.MANAGED_TYPES and change.is_event:
            events += await self._by_rule(change)
        for listener in (await self._listeners(unit)).by_type.get(change.type, ()):
            if await self._is_met(change, listener):
                topic = None if listener.wanted.topic is None else topics.of(change.type)
                events.append(change.event(listener.id, topic))
        return events

    async def _listeners(self, unit: Repository) -> Listeners:
        known = self._tenants.get(unit.tenant.number)
        if known is None or time.monotonic() - known.looked > NOTICE_SECONDS:
            known = await self._looked(unit.transaction, unit.tenant)
            # Not kept: the transaction may have made a listener, and be undone.
        return known

    async def _by_rule(self, change: _Change) -> list[Event]:
        """The events of the organisations that are to know, whether they asked or not."""
        unit = change.unit
        organizations = await receivers.parties(unit, change.moment, change.before, change.after)
        if not organizations:
            return []
        found = await managed.of(unit, organizations, change.moment, self._settings)
        topic, events = topics.of(change.type), []
        for organization, id in found.items():
            access = await self._receivers.access(
                unit.transaction, unit.tenant, Receiver(organization=organization)
            )
            if await change.is_seen(access):
                events.append(change.event(id, topic))
            elif await self._ended_for(change, organization):
                events.append(change.event(id, topic, bare=True))
        return events

    async def _ended_for(self, change: _Change, organization: str) -> bool:
        """Whether this write ended a Task of theirs that they see no more: they learn of its end alone (R10)."""
        before, after = change.before, change.after
        if change.type != "Task" or before is None or after is None:
            return False
        if before.get("status") in _ENDED or after.get("status") not in _ENDED:
            return False
        task = {key: value for key, value in after.items() if key in ("resourceType", "owner", "requester")}
        return organization in await receivers.parties(change.unit, change.moment, task)

    async def _is_met(self, change: _Change, listener: Listener) -> bool:
        wanted, unit = listener.wanted, change.unit
        if wanted.end <= change.moment:
            return False
        if wanted.topic is None and change.after is None:
            # R4's criteria are about what is created or updated.
            return False
        if wanted.topic is not None and not change.is_event:
            return False
        access = await self._receivers.access(unit.transaction, unit.tenant, listener.receiver)
        if wanted.topic is not None and change.type == "Communication" and listener.receiver is not None:
            content = change.after or change.before
            names = listener.receiver.names.union(access.caller.names)
            if content is None or not receivers.is_recipient(
                content, names, next(iter(unit.tenant.bases), None)
            ):
                return False
        mine = [one for one in wanted.criteria if one.type == change.type]
        if not mine or change.after is None:
            return await change.is_seen(access)
        return await change.matches(access, mine)


class _Change:
    """One write, with what was found out about it."""

    def __init__(self, unit: Repository, effect: Effect) -> None:
        self.unit = unit
        self.stored = effect.after
        self.type = effect.after.type
        self.moment = effect.after.updated
        self._before = effect.before
        self._read: tuple[Json | None, Json | None] | None = None
        self._seen: list[tuple[Access, bool]] = []
        self._matched: dict[tuple[int, tuple[Criteria, ...]], bool] = {}

    def _contents(self) -> tuple[Json | None, Json | None]:
        if self._read is None:
            self._read = _content(self._before), _content(self.stored)
        return self._read

    @property
    def before(self) -> Json | None:
        return self._contents()[0]

    @property
    def after(self) -> Json | None:
        return self._contents()[1]

    @property
    def is_event(self) -> bool:
        return topics.is_event(self.type, self.before, self.after)

    async def is_seen(self, access: Access) -> bool:
        """Whether who has this access sees what was written."""
        if access.unlimited:
            return True
        for known, seen in self._seen:
            if known is access:
                return seen
        found = await self.unit.seen_by(access).find(self.stored.type, self.stored.id)
        self._seen.append((access, found is not None))
        return found is not None

    async def matches(self, access: Access, criteria: list[Criteria]) -> bool:
        """Whether who has this access finds it by all of these criteria."""
        key = (id(access), tuple(criteria))
        if key not in self._matched:
            pairs = [("_id", self.stored.id), *(pair for one in criteria for pair in one.pairs)]
            base = next(iter(self.unit.tenant.bases), None)
            try:
                asked = requests.parse(self.type, pairs, self.unit.parameters, base=base)
                found = await self.unit.seen_by(access).search(asked.only(1))
                self._matched[key] = bool(found.matches)
            except FhirError as fault:
                logs.warning("Criteria of a Subscription cannot be asked", fault=str(fault))
                self._matched[key] = False
        return self._matched[key]

    def event(self, subscription: str, topic: str | None, *, bare: bool = False) -> Event:
        stored = self.stored
        method = "DELETE" if stored.deleted else "POST" if stored.version == 1 else "PUT"
        key = f"{self.unit.write_id}/{stored.type}/{stored.id}"
        return Event(
            subscription, key, stored.type, stored.id, stored.version, method, topic, bare, stored.updated
        )


def _content(stored: Stored | None) -> Json | None:
    return None if stored is None or stored.body is None else document.decode(stored.body)

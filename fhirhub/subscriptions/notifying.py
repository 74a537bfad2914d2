"""Notifying: does what is due for one Subscription now, a handshake, events or a sign of life, and says what became of
it (https://hl7.org/fhir/uv/subscriptions-backport/STU1.1/errors.html).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any, Literal

from fhirhub import logs, metrics
from fhirhub.access import HUB, Access
from fhirhub.audit import recording
from fhirhub.errors import FhirError
from fhirhub.fetching import Lines
from fhirhub.repository import Repository, Seen, Stored, Tenant, Trail
from fhirhub.resources import document
from fhirhub.settings import Settings
from fhirhub.subscriptions import notification, queue, reading
from fhirhub.subscriptions.channels.notice import NotDelivered, Notice
from fhirhub.subscriptions.channels.sockets import Sockets
from fhirhub.subscriptions.matching import NOTICE_SECONDS
from fhirhub.subscriptions.queue import NEVER, Ended, Event, State, Value
from fhirhub.subscriptions.reading import Wanted
from fhirhub.subscriptions.receivers import Receivers, of_state

ERROR_TRIES = 3
"""Failures in a row after which a Subscription is in error; it is tried on."""
LONGEST_PAUSE_SECONDS = 300
LONGEST_WAIT_SECONDS = 3600
"""The same where the receiver says by `Retry-After` how long."""
REMEMBERED = 10_000
SECOND_US = 1_000_000
NOTICE_US = int((NOTICE_SECONDS + 0.2) * SECOND_US)
"""After this, no process passes over a Subscription that it was not told of."""
Sender = Callable[[Notice], Coroutine[Any, Any, None]]
Kind = Literal["handshake", "heartbeat", "event-notification"]


class Ending(Exception):
    """The process ends while something is sent."""


class Notifying:
    """One for each process: `holder` is its name on leases, `sockets` who is connected to it; `clock` gives
    microseconds since 1970 UTC."""

    def __init__(
        self,
        settings: Settings,
        holder: str,
        sockets: Sockets,
        clock: Callable[[], int],
        channels: Mapping[str, Sender],
    ) -> None:
        self._settings = settings
        self._holder = holder
        self._sockets = sockets
        self._clock = clock
        self._channels = channels
        self._receivers = Receivers(settings)
        self._lines = Lines()
        self._sending: set[asyncio.Task[None]] = set()
        self._read: dict[tuple[int, str], tuple[tuple[int, int, str], Wanted]] = {}

    def stop(self) -> None:
        """What is being sent is given up."""
        for sending in self._sending:
            sending.cancel()

    async def close(self) -> None:
        """Lets go of the connections to receivers."""
        await self._lines.close()

    async def turn(self, tenant: Tenant, state: State, stored: Stored | None, now: int) -> Ended | None:
        """Does the next thing that is due for a Subscription; what becomes of it, None where it is gone."""
        database, number = tenant.database, tenant.number
        if state.status == "off":
            return self._ended(tenant, state, NEVER)
        if stored is None or stored.body is None:
            await queue.remove(database, number, state.id)
            return None
        try:
            wanted = self._wanted(tenant, stored)
        except FhirError as fault:
            return await self._failed(tenant, state, str(fault), in_error=True)
        why_not = await self._receivers.why_not(database, tenant, of_state(state))
        if why_not is not None or wanted.end <= now:
            await self._set_status(tenant, state, "off", why_not)
            return self._ended(tenant, state, NEVER)
        if wanted.channel == reading.LIST:
            return self._ended(tenant, state, wanted.end, done=state.numbered)
        if wanted.channel == "websocket" and not self._sockets.of(number, state.id, time.time()):
            return await self._unconnected(tenant, state, wanted, now)
        try:
            return await self._next(tenant, state, wanted, now)
        except NotDelivered as fault:
            metrics.NOTIFICATIONS.inc(wanted.channel, "failed")
            return await self._failed(
                tenant, state, str(fault), in_error=not state.confirmed, wait_seconds=fault.wait_seconds
            )

    def _wanted(self, tenant: Tenant, stored: Stored) -> Wanted:
        """What a Subscription asks for, read once for each version. Raises FhirError."""
        key = (stored.rid, stored.version, tenant.parameters.generation)
        known = self._read.get((tenant.number, stored.id))
        if known is not None and known[0] == key:
            return known[1]
        wanted = reading.read(
            document.decode(stored.body or b""),
            tenant.parameters,
            self._settings.fetch_allow,
            mail=bool(self._settings.smtp_server),
        )
        if len(self._read) >= REMEMBERED:
            self._read.clear()
        self._read[tenant.number, stored.id] = key, wanted
        return wanted

    async def _unconnected(self, tenant: Tenant, state: State, wanted: Wanted, now: int) -> Ended:
        """Nobody is connected: what there is waits for who will be."""
        if state.status == "requested":
            if not state.confirmed:
                return self._ended(tenant, state, now + NOTICE_US, confirmed=True, sent=now)
            if now < state.sent + NOTICE_US:
                return self._ended(tenant, state, state.sent + NOTICE_US)
            await self._set_status(tenant, state, "active", None)
        return self._ended(tenant, state, wanted.end)

    async def _next(self, tenant: Tenant, state: State, wanted: Wanted, now: int) -> Ended:
        """Sends what is next: the handshake, events, or a sign of life. Raises NotDelivered."""
        if not state.confirmed:
            if wanted.channel != "websocket":
                await self._send(tenant, state, wanted, "handshake", notification.status(
                    wanted.told_topic, state, tenant.bases[0], "handshake", code="requested"
                ))  # fmt: skip
            if state.status == "error":
                await self._set_status(tenant, state, "requested", None)
            return self._ended(tenant, state, now + NOTICE_US, confirmed=True, sent=now, tries=0, fault=None)
        if state.status == "requested":
            if now < state.sent + NOTICE_US:
                return self._ended(tenant, state, state.sent + NOTICE_US)
            await self._set_status(tenant, state, "active", None)
            state = state._replace(status="active")
        events: list[Event] = []
        if state.numbered > state.delivered:
            events = await queue.after(
                tenant.database, tenant.number, state.id, state.delivered, state.numbered, wanted.max_count
            )
        done, sent = state.delivered, state.sent
        if events:
            access = await self._receivers.access(tenant.database, tenant, of_state(state))
            told = await notification.shown(Repository(tenant, access), events, wanted.content)
            done = events[-1].number
            status = notification.status(
                wanted.told_topic, state, tenant.bases[0], "event-notification", count=done, events=told
            )
            await self._send(tenant, state, wanted, "event-notification", status, told)
            sent = self._clock()
            await _log(tenant, access, state, wanted, told)
            for event in events:
                metrics.NOTIFICATION_SECONDS.observe((sent - event.moment) / SECOND_US, wanted.channel)
        elif state.status == "error" or self._is_silent(wanted, state, now):
            status = notification.status(wanted.told_topic, state, tenant.bases[0], "heartbeat")
            await self._send(tenant, state, wanted, "heartbeat", status)
            sent = self._clock()
        if state.status == "error":
            await self._set_status(tenant, state, "active", None)
        due = wanted.end if wanted.heartbeat is None else min(wanted.end, sent + wanted.heartbeat * SECOND_US)
        return self._ended(tenant, state, due, done=done, sent=sent, tries=0, fault=None)

    def _is_silent(self, wanted: Wanted, state: State, now: int) -> bool:
        return wanted.heartbeat is not None and now >= state.sent + wanted.heartbeat * SECOND_US

    async def _send(
        self,
        tenant: Tenant,
        state: State,
        wanted: Wanted,
        kind: Kind,
        status: reading.Json,
        told: list[notification.Shown] | None = None,
    ) -> None:
        base = tenant.bases[0]
        body = notification.bundle(status, base, state.id, self._clock(), told or ())
        notice = Notice(
            kind, tenant.number, state.id, wanted, body, base, self._settings, self._sockets, self._lines
        )
        keeper = asyncio.get_running_loop().create_task(self._hold(tenant, state.id))
        sending = asyncio.ensure_future(self._channels[wanted.channel](notice))
        self._sending.add(sending)
        try:
            await sending
        except asyncio.CancelledError:
            raise Ending from None
        finally:
            self._sending.discard(sending)
            keeper.cancel()
        metrics.NOTIFICATIONS.inc(wanted.channel, kind)

    async def _hold(self, tenant: Tenant, id: str) -> None:
        """Keeps the lease while a slow receiver is waited for."""
        while True:
            await asyncio.sleep(queue.KEEP_SECONDS)
            # Shielded: it may be cancelled, and the statement is not to be.
            await asyncio.shield(queue.claim(tenant.database, tenant.number, id, self._holder, self._clock()))

    async def _failed(
        self, tenant: Tenant, state: State, fault: str, *, in_error: bool, wait_seconds: int = 0
    ) -> Ended:
        if state.status != "error" and (in_error or state.tries + 1 >= ERROR_TRIES):
            await self._set_status(tenant, state, "error", fault)
            logs.warning("A Subscription is in error", subscription=state.id, fault=fault)
        return self.pausing(tenant, state, fault, wait_seconds)

    def pausing(self, tenant: Tenant, state: State, fault: str, wait_seconds: int = 0) -> Ended:
        """It is tried again, later each time."""
        pause = min(2 ** min(state.tries, 20), LONGEST_PAUSE_SECONDS)
        due = self._clock() + max(pause, min(wait_seconds, LONGEST_WAIT_SECONDS)) * SECOND_US
        return self._ended(tenant, state, due, tries=state.tries + 1, fault=fault[:500])

    def _ended(
        self, tenant: Tenant, state: State, due: int, done: int | None = None, **values: Value
    ) -> Ended:
        """What is to be kept of a turn; the lease is given back, unless somebody is connected here."""
        is_kept = bool(self._sockets.of(tenant.number, state.id, time.time()))
        lease = self._clock() + queue.LEASE_US if is_kept else 0
        return Ended(state.id, lease, due, done, values)

    async def _set_status(self, tenant: Tenant, state: State, status: str, fault: str | None) -> None:
        """Changes how it stands, in the row and for who reads the Subscription."""

        async def work(unit: Repository) -> None:
            why: dict[str, Value] = {} if fault is None else {"fault": fault[:500]}
            await queue.change(unit.transaction, tenant.number, state.id, status=status, **why)
            found = await unit.find("Subscription", state.id)
            if found is None or found.body is None:
                return
            resource = document.decode(found.body)
            if resource["status"] == status and resource.get("error") == fault:
                return
            resource["status"] = status
            resource.pop("error", None)
            if fault is not None:
                resource["error"] = fault[:500]
            await unit.update(resource)
            if status == "off":
                await queue.move_mark(unit.transaction, tenant.number)

        await Repository(tenant, HUB).together(work)


async def _log(
    tenant: Tenant, access: Access, state: State, wanted: Wanted, told: Sequence[notification.Shown]
) -> None:
    """Keep what the receiver was told, and took: a record for each event and each patient (RULES R25). What is sent
    again until they take it is logged once; after a crash it is sent again, and logged then."""
    seen = [
        Seen(one.event.type, one.event.id, one.event.version, one.current.patient, one.current.label)
        for one in told
        if one.current is not None
    ]
    if tenant.recorder is None or not seen:
        return
    agent = recording.also(
        recording.agent_of(access), channel=wanted.channel, subscription=state.id, payload=wanted.content
    )
    trail = Trail(recording.NOTIFIED, agent=agent, seen=seen)
    entries = await recording.of_reads(Repository(tenant, access), trail, "R", (None, None), None)
    await tenant.database.log(tenant.number, entries)

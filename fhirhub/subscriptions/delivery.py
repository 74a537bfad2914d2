"""Delivery: numbers the events of every Subscription and sends them, one notification at a time for each, in order.

Any number of processes do this beside each other: whoever has the lease of a Subscription delivers for it. A write
wakes its own process, which calls the one that has the lease, where the database carries calls; all look now and then.
What could not be delivered is tried again, later each time, for as long as the Subscription stands (https://hl7.org/fhir/uv/subscriptions-backport/STU1.1/errors.html).
"""

from __future__ import annotations

import asyncio
import contextlib
import time
import uuid
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from fhirhub import logs, metrics
from fhirhub.access import HUB, Access
from fhirhub.audit import recording
from fhirhub.errors import FhirError
from fhirhub.fetching import Lines
from fhirhub.repository import Repository, Seen, Stored, Tenant, Trail
from fhirhub.resources import document
from fhirhub.settings import Settings
from fhirhub.store.database import Listening
from fhirhub.subscriptions import managed, notification, queue, reading, topics
from fhirhub.subscriptions.channels import CHANNELS, websocket
from fhirhub.subscriptions.channels.notice import NotDelivered, Notice
from fhirhub.subscriptions.channels.sockets import Socket, Sockets
from fhirhub.subscriptions.matching import NOTICE_SECONDS, Notify
from fhirhub.subscriptions.queue import NEVER, Ended, Event, State, Value
from fhirhub.subscriptions.reading import Wanted
from fhirhub.subscriptions.receivers import Receivers, of_state

LOOK_SECONDS = 0.5
"""How often a process looks for what others wrote, and for what is due."""
SOCKET_SECONDS = 0.1
"""The same while somebody is connected to it, and it hears no calls."""
KEEP_SECONDS = 5.0
"""How often it says that it still holds what others must not deliver."""
FORGET_SECONDS = 3600.0
DIRECTORY_SECONDS = 15.0
"""How often it looks for organisations and Endpoints that came past the rule, as by `fhirhub load`."""
LATE_US = 60_000_000
"""Longer than such a write takes from its moment to its commit."""
ERROR_TRIES = 3
"""Failures in a row after which a Subscription is in error; it is tried on."""
LONGEST_PAUSE_SECONDS = 300
LONGEST_WAIT_SECONDS = 3600
"""The same where the receiver says by `Retry-After` how long."""
REMEMBERED = 10_000
GATHER_SECONDS = 0.01
"""From the beginning of a round to that of the next, at the least: what comes meanwhile goes together."""
MOST_AT_ONCE = 200
"""Notifications of one tenant that a process sends at the same time, each of another Subscription."""
SECOND_US = 1_000_000
NOTICE_US = int((NOTICE_SECONDS + 0.2) * SECOND_US)
"""After this, no process passes over a Subscription that it was not told of."""

Sender = Callable[[Notice], Coroutine[Any, Any, None]]
Kind = Literal["handshake", "heartbeat", "event-notification"]


@dataclass(slots=True)
class _Desk:
    """What is under way in one tenant: the rounds, what is being delivered, by Subscription, and what became of what
    was."""

    going: asyncio.Task[None] | None = None
    is_asked: bool = False
    running: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    ended: list[Ended] = field(default_factory=list)


class Delivery:
    """One for each application. `tenants` gives those to look after by number; `clock` gives microseconds since 1970
    UTC."""

    def __init__(
        self,
        settings: Settings,
        clock: Callable[[], int] = lambda: time.time_ns() // 1000,
        channels: Mapping[str, Sender] = CHANNELS,
    ) -> None:
        self.notify = Notify(settings, self.wake)
        self.sockets = Sockets()
        self._lines = Lines()
        self.holder = uuid.uuid4().hex
        self._settings = settings
        self._clock = clock
        self._channels = channels
        self._receivers = Receivers(settings)
        self._news = asyncio.Event()
        self._woken: set[int] = set()
        self._desks: dict[int, _Desk] = {}
        self._sending: set[asyncio.Task[None]] = set()
        self._is_ending = False
        self._followed: dict[int, int] = {}
        self._read: dict[tuple[int, str], tuple[tuple[int, int, str], Wanted]] = {}

    def wake(self, tenant: int) -> None:
        """There is something to be delivered in this tenant."""
        self._woken.add(tenant)
        self._news.set()

    async def run(self, tenants: Callable[[], Awaitable[Mapping[int, Tenant]]]) -> None:
        """Until `stop`: looks after these tenants. It is not to be cancelled: a transaction under way ends first."""
        self._is_ending = False
        looked = kept = forgotten = followed = 0.0
        known: Mapping[int, Tenant] = {}
        listening: Listening | None = None
        try:
            while not self._is_ending:
                now = time.monotonic()
                try:
                    if now - looked >= LOOK_SECONDS or not known:
                        known, looked = await tenants(), now
                        if listening is None:
                            # All tenants are of one database.
                            listening = next(iter(known.values())).database.listen(self._called)
                        await self.notify.look(known.items())
                        self._woken.update(known)
                        if now - forgotten >= FORGET_SECONDS:
                            await self._tidy(known, first=not forgotten)
                            forgotten = now
                    if now - followed >= DIRECTORY_SECONDS and self._settings.auth != "none":
                        await self._follow(known)
                        followed = now
                    if now - kept >= KEEP_SECONDS:
                        await self._keep(known)
                        kept = now
                    woken, self._woken = self._woken, set()
                    if self.sockets.bound():
                        woken.update(number for number, _ in self.sockets.bound())
                    for number in woken:
                        if number in known:
                            self._begin(known[number])
                except Exception as fault:
                    logs.error("Notifications could not be looked after", fault)
                    await asyncio.sleep(LOOK_SECONDS)
                await self._pause(is_called=listening is not None and listening.is_open)
        finally:
            if listening is not None:
                await listening.close()
            await self._end(known)

    def _called(self, tenant: str) -> None:
        """Another process gave numbers in that tenant, or in any."""
        if tenant.isdecimal():
            self._woken.add(int(tenant))
        else:
            self._woken.update(self._desks)
        self._news.set()

    async def _pause(self, *, is_called: bool) -> None:
        seconds = SOCKET_SECONDS if self.sockets.bound() and not is_called else LOOK_SECONDS
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0 if self._is_ending else seconds):
                await self._news.wait()
        self._news.clear()

    def stop(self) -> None:
        """Nothing is begun any more. What is being sent is given up, and sent again by whoever comes next."""
        self._is_ending = True
        self._news.set()
        for sending in self._sending:
            sending.cancel()

    async def _end(self, known: Mapping[int, Tenant]) -> None:
        await self.settled()
        await self._lines.close()
        for tenant in known.values():
            try:
                await queue.release(tenant.database, tenant.number, self.holder)
            except Exception as fault:
                logs.warning("A lease could not be given back and ends by itself", fault=str(fault))

    async def look(self, tenant: Tenant) -> None:
        """Numbers what has no number, and begins to deliver what is due."""
        self._begin(tenant)
        going = self._desk(tenant).going
        if going is not None:
            await asyncio.shield(going)

    def _desk(self, tenant: Tenant) -> _Desk:
        return self._desks.setdefault(tenant.number, _Desk())

    def _begin(self, tenant: Tenant) -> None:
        """There is to be a round, after the one under way."""
        desk = self._desk(tenant)
        desk.is_asked = True
        if desk.going is None:
            desk.going = asyncio.get_running_loop().create_task(self._go(tenant, desk))

    async def _go(self, tenant: Tenant, desk: _Desk) -> None:
        """One round after the other, as long as another is asked for."""
        try:
            while desk.is_asked:
                desk.is_asked = False
                began = time.monotonic()
                await self._round(tenant, desk)
                if desk.is_asked and not self._is_ending:
                    await asyncio.sleep(max(0.0, began + GATHER_SECONDS - time.monotonic()))
        except Exception as fault:
            logs.error("Notifications could not be looked after", fault)
        finally:
            desk.going = None

    async def _round(self, tenant: Tenant, desk: _Desk) -> None:
        """In one transaction: keeps what became of deliveries, numbers what has no number, and takes what is due; then
        begins to deliver that."""
        now, unnumbered, due = self._clock(), list[str](), list[str]()
        if not self._is_ending:
            unnumbered, due = await queue.with_work(tenant.database, tenant.number, self.holder, now)
        # Nothing is awaited from here: whose turn ends later is neither kept nor taken by this round.
        busy, room = frozenset(desk.running), MOST_AT_ONCE - len(desk.running)
        free = [id for id in (*unnumbered, *due) if id not in busy]
        if not self._is_ending:
            free += [one.id for one in desk.ended]
        work = queue.Work(list(desk.ended), unnumbered, free)
        if not (work.ended or work.unnumbered or work.free):
            return
        taken, is_others = await queue.go_round(tenant.database, tenant.number, work, self.holder, now, room)
        del desk.ended[: len(work.ended)]
        if taken and not self._is_ending:
            keys = [("Subscription", state.id) for state in taken]
            found = {one.id: one for one in await Repository(tenant, HUB).find_many(keys)}
            for state in taken:
                task = asyncio.get_running_loop().create_task(
                    self._serve(tenant, desk, state, found.get(state.id), now)
                )
                desk.running[state.id] = task
        if is_others:
            await tenant.database.call(str(tenant.number))

    async def bind(
        self, tenant: Tenant, ids: Sequence[str], socket: Socket, until: float, *, by_id: bool = False
    ) -> list[str]:
        """From now on this connection is sent what those Subscriptions tell, after a handshake for each, until that
        moment (seconds since 1970); those that could be bound. `by_id` is R4's own way, which needs no token: it is
        for what has no payload, where nobody signs in."""
        if by_id and self._settings.auth != "none":
            return []
        bound, now = [], self._clock()
        for id in ids:
            state = await queue.find(tenant.database, tenant.number, id)
            stored = await Repository(tenant, HUB).find("Subscription", id)
            if state is None or state.status == "off" or stored is None or stored.body is None:
                continue
            try:
                wanted = reading.read(
                    document.decode(stored.body), tenant.parameters, self._settings.fetch_allow
                )
            except FhirError:
                continue
            if wanted.channel != "websocket" or (by_id and not wanted.is_ping):
                continue
            base = tenant.bases[0]
            told = notification.status(wanted.told_topic, state, base, "handshake")
            body = notification.bundle(told, base, id, now)
            if not await socket.send(websocket.text(wanted, "handshake", id, body)):
                break
            self.sockets.bind(tenant.number, id, socket, until)
            await queue.change(
                tenant.database, tenant.number, id, holder=self.holder, lease=now + queue.LEASE_US, due=0
            )
            bound.append(id)
        if bound:
            self.wake(tenant.number)
        return bound

    async def settled(self) -> None:
        """Waits for what is under way."""
        while under_way := [
            task
            for desk in self._desks.values()
            for task in (*desk.running.values(), desk.going)
            if task is not None
        ]:
            await asyncio.gather(*under_way, return_exceptions=True)

    async def _keep(self, known: Mapping[int, Tenant]) -> None:
        """Goes on holding the Subscriptions that somebody is connected here for, and counts what waits."""
        waiting: dict[str, int] = dict.fromkeys(("requested", "active", "error"), 0)
        for tenant in known.values():
            for status, count in await queue.waiting(tenant.database, tenant.number):
                waiting[status] = waiting.get(status, 0) + count
        for status, count in waiting.items():
            metrics.NOTIFICATIONS_WAITING.set(count, status)
        for number, id in self.sockets.bound():
            here = known.get(number)
            if here is not None and not await queue.claim(
                here.database, number, id, self.holder, self._clock()
            ):
                # Who connected last is served; the others are not left to wait for what does not come.
                for socket in self.sockets.drop(number, id):
                    await socket.end("somebody else is connected for the same Subscription")

    async def _follow(self, known: Mapping[int, Tenant]) -> None:
        """Brings the Subscriptions of organisations to what was written of the directory lately."""
        now = self._clock()
        for tenant in known.values():
            before = self._followed.get(tenant.number)
            since = None if before is None else before - LATE_US
            await managed.follow_since(tenant, since, now, self._settings)
            self._followed[tenant.number] = now

    async def _tidy(self, known: Mapping[int, Tenant], *, first: bool) -> None:
        """Forgets what was told long ago; at the start, gives organisations the Subscription that they lack."""
        before = self._clock() - self._settings.notification_days * 86_400 * SECOND_US
        for tenant in known.values():
            await queue.forget(tenant.database, tenant.number, before)
            if first and self._settings.auth != "none":
                await topics.keep(tenant)
                await managed.make_lacking(tenant, self._clock(), self._settings)

    # --- one Subscription ---

    async def _serve(
        self, tenant: Tenant, desk: _Desk, state: State, stored: Stored | None, now: int
    ) -> None:
        try:
            ended = await self._turn(tenant, state, stored, now)
            if ended is not None:
                desk.ended.append(ended)
        except _Ending:
            pass
        except Exception as fault:
            logs.error("A Subscription could not be served", fault)
            # Not at once again: what fails here would fail again, or was sent and could not be kept.
            desk.ended.append(self._pausing(tenant, state, "this server could not send it"))
        finally:
            del desk.running[state.id]
        self._begin(tenant)

    async def _turn(self, tenant: Tenant, state: State, stored: Stored | None, now: int) -> Ended | None:
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
        if wanted.channel == "websocket" and not self.sockets.of(number, state.id, time.time()):
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
            kind, tenant.number, state.id, wanted, body, base, self._settings, self.sockets, self._lines
        )
        keeper = asyncio.get_running_loop().create_task(self._hold(tenant, state.id))
        sending = asyncio.ensure_future(self._channels[wanted.channel](notice))
        self._sending.add(sending)
        try:
            await sending
        except asyncio.CancelledError:
            raise _Ending from None
        finally:
            self._sending.discard(sending)
            keeper.cancel()
        metrics.NOTIFICATIONS.inc(wanted.channel, kind)

    async def _hold(self, tenant: Tenant, id: str) -> None:
        """Keeps the lease while a slow receiver is waited for."""
        while True:
            await asyncio.sleep(KEEP_SECONDS)
            # Shielded: it may be cancelled, and the statement is not to be.
            await asyncio.shield(queue.claim(tenant.database, tenant.number, id, self.holder, self._clock()))

    async def _failed(
        self, tenant: Tenant, state: State, fault: str, *, in_error: bool, wait_seconds: int = 0
    ) -> Ended:
        if state.status != "error" and (in_error or state.tries + 1 >= ERROR_TRIES):
            await self._set_status(tenant, state, "error", fault)
            logs.warning("A Subscription is in error", subscription=state.id, fault=fault)
        return self._pausing(tenant, state, fault, wait_seconds)

    def _pausing(self, tenant: Tenant, state: State, fault: str, wait_seconds: int = 0) -> Ended:
        """It is tried again, later each time."""
        pause = min(2 ** min(state.tries, 20), LONGEST_PAUSE_SECONDS)
        due = self._clock() + max(pause, min(wait_seconds, LONGEST_WAIT_SECONDS)) * SECOND_US
        return self._ended(tenant, state, due, tries=state.tries + 1, fault=fault[:500])

    def _ended(
        self, tenant: Tenant, state: State, due: int, done: int | None = None, **values: Value
    ) -> Ended:
        """What is to be kept of a turn; the lease is given back, unless somebody is connected here."""
        is_kept = bool(self.sockets.of(tenant.number, state.id, time.time()))
        lease = self._clock() + queue.LEASE_US if is_kept else 0
        return Ended(state.id, lease, due, done, values)

    async def _set_status(self, tenant: Tenant, state: State, status: str, fault: str | None) -> None:
        """Changes how it stands, in the row and for who reads the Subscription."""

        async def work(unit: Repository) -> None:
            await queue.change(unit.transaction, tenant.number, state.id, status=status)
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


class _Ending(Exception):
    """The process ends while something is sent."""


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

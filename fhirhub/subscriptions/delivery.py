"""Delivery: numbers the events of every Subscription and sends them, one notification at a time for each, in order.

Any number of processes do this beside each other: whoever has the lease of a Subscription delivers for it. A write
wakes its own process, which calls the one that has the lease, where the database carries calls; all look now and then.
What could not be delivered is tried again, later each time, for as long as the Subscription stands (`notifying.py`).
"""

from __future__ import annotations

import asyncio
import contextlib
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from fhirhub import logs, metrics
from fhirhub.access import HUB
from fhirhub.errors import FhirError
from fhirhub.repository import Repository, Stored, Tenant
from fhirhub.resources import document
from fhirhub.settings import Settings
from fhirhub.store.database import Listening
from fhirhub.subscriptions import managed, notification, queue, reading, topics
from fhirhub.subscriptions.channels import CHANNELS, websocket
from fhirhub.subscriptions.channels.sockets import Socket, Sockets
from fhirhub.subscriptions.matching import Notify
from fhirhub.subscriptions.notifying import SECOND_US, Ending, Notifying, Sender
from fhirhub.subscriptions.queue import Ended, State

LOOK_SECONDS = 0.5
"""How often a process looks for what others wrote, and for what is due."""
SOCKET_SECONDS = 0.1
"""The same while somebody is connected to it, and it hears no calls."""
FORGET_SECONDS = 3600.0
DIRECTORY_SECONDS = 15.0
"""How often it looks for organisations and Endpoints that came past the rule, as by `fhirhub load`."""
LATE_US = 60_000_000
"""Longer than such a write takes from its moment to its commit."""
GATHER_SECONDS = 0.01
"""From the beginning of a round to that of the next, at the least: what comes meanwhile goes together."""
MOST_AT_ONCE = 200
"""Notifications of one tenant that a process sends at the same time, each of another Subscription."""


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
        self.holder = uuid.uuid4().hex
        self._settings = settings
        self._clock = clock
        self._notifying = Notifying(settings, self.holder, self.sockets, clock, channels)
        self._news = asyncio.Event()
        self._woken: set[int] = set()
        self._desks: dict[int, _Desk] = {}
        self._is_ending = False
        self._followed: dict[int, int] = {}

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
                            await _beside(self._tidy(known, first=not forgotten))
                            forgotten = now
                    if now - followed >= DIRECTORY_SECONDS and self._settings.auth != "none":
                        await _beside(self._follow(known))
                        followed = now
                    if now - kept >= queue.KEEP_SECONDS:
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
        self._notifying.stop()

    async def _end(self, known: Mapping[int, Tenant]) -> None:
        await self.settled()
        await self._notifying.close()
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

    async def _serve(
        self, tenant: Tenant, desk: _Desk, state: State, stored: Stored | None, now: int
    ) -> None:
        try:
            ended = await self._notifying.turn(tenant, state, stored, now)
            if ended is not None:
                desk.ended.append(ended)
        except Ending:
            pass
        except Exception as fault:
            logs.error("A Subscription could not be served", fault)
            # Not at once again: what fails here would fail again, or was sent and could not be kept.
            desk.ended.append(self._notifying.pausing(tenant, state, "this server could not send it"))
        finally:
            del desk.running[state.id]
        self._begin(tenant)


async def _beside(work: Awaitable[None]) -> None:
    """Does what may fail without holding up what is to be delivered."""
    try:
        await work
    except Exception as fault:
        logs.error("The Subscriptions of organisations could not be looked after", fault)

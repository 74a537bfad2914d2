"""How long after a write its notification arrives, at a steady rate of writes.

    python -m bench.notifications FOLDER [URL]     (an empty folder; SQLite in it, or a PostgreSQL at URL)

An open loop: a write is sent when it is due, whether those before it were answered or not, and its time runs from
when it was due until a receiver on the loopback address has its notification.
"""

from __future__ import annotations

import asyncio
import gc
import re
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path

import msgspec
import uvloop

from bench import servers
from bench.servers import Server
from bench.traffic import Fault, once, request
from fhirhub.store.opening import migrate

A_SECOND = 100
SECONDS = 10
WARM_SECONDS = 2
PATIENCE_SECONDS = 60
CONNECTIONS = 8
_ID = re.compile(rb'"id":"([^"]+)"')
_FOCUS = re.compile(rb'"reference":"[^"]*/Observation/([^"/]+)"')
_LENGTH = re.compile(rb"\r\n[Cc]ontent-[Ll]ength: *(\d+)")


@dataclass(frozen=True, slots=True)
class Latency:
    """What a run gave: milliseconds from when a write was due to when it was answered and notified, and what a write
    with its notification took of the processors."""

    per_second: float
    answered_ms: tuple[float, ...]
    notified_ms: tuple[float, ...]
    notifications: int
    processor_ms: float

    def percentile(self, percent: float) -> float:
        """Of the times until the notification; until the answer, where nobody was notified."""
        ordered = sorted(self.notified_ms or self.answered_ms)
        return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


def measure(hub: Server, used: Callable[[Server], float], *, listened: bool = True) -> Latency:
    """At a hub that may reach the loopback address. `used` gives the processor seconds that it took so far. Without
    `listened` nobody is notified, and the times are those of the answers."""
    return uvloop.run(_Run(hub, used).measure(listened))


class _Run:
    def __init__(self, hub: Server, used: Callable[[Server], float]) -> None:
        self._hub = hub
        self._used = used
        self.due: dict[bytes, float] = {}
        self.answered: dict[bytes, float] = {}
        self.notified: dict[bytes, float] = {}
        self.notifications = 0
        self.news = asyncio.Event()

    async def measure(self, listened: bool) -> Latency:
        loop = asyncio.get_running_loop()
        receiver = await loop.create_server(lambda: _Receiver(self), "127.0.0.1", 0)
        port = receiver.sockets[0].getsockname()[1]
        subscription = None
        if listened:
            subscription = await asyncio.to_thread(self._subscribe, f"http://127.0.0.1:{port}/notified")
        opened = [
            (await loop.create_connection(lambda: _Writer(self), self._hub.host, self._hub.port))[1]
            for _ in range(CONNECTIONS)
        ]
        gc.disable()
        try:
            await self._write(opened, WARM_SECONDS, listened)
            self.due, self.answered, self.notified, self.notifications = {}, {}, {}, 0
            before, began = self._used(self._hub), time.perf_counter()
            await self._write(opened, SECONDS, listened)
            seconds, used = time.perf_counter() - began, self._used(self._hub) - before
        finally:
            gc.enable()
            for one in opened:
                one.transport.close()
            receiver.close()
        if subscription is not None:
            await asyncio.to_thread(self._end, subscription)
        return Latency(
            len(self.due) / seconds,
            tuple(1000 * (moment - self.due[id]) for id, moment in self.answered.items()),
            tuple(1000 * (moment - self.due[id]) for id, moment in self.notified.items() if id in self.due),
            self.notifications,
            1000 * used / len(self.due),
        )

    async def _write(self, opened: list[_Writer], seconds: float, listened: bool) -> None:
        """Writes at the rate, and waits until all is told."""
        body = msgspec.json.encode(
            {
                "resourceType": "Observation",
                "status": "final",
                "code": {"coding": [{"system": "urn:bench", "code": "notified"}]},
                "valueQuantity": {
                    "value": 1,
                    "unit": "kg",
                    "system": "http://unitsofmeasure.org",
                    "code": "kg",
                },
            }
        )
        text = request("POST", f"{self._hub.base}/Observation", self._hub.address, body)
        count = round(seconds * A_SECOND)
        start = time.perf_counter()
        for number, connection in zip(range(count), cycle(opened), strict=False):
            due = start + number / A_SECOND
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            connection.send(text, due)
        told = self.notified if listened else self.answered
        async with asyncio.timeout(PATIENCE_SECONDS):
            while len(self.answered) < count or len(told) < count:
                self.news.clear()
                await self.news.wait()

    def _subscribe(self, url: str) -> str:
        """The path of a Subscription that is active."""
        body = msgspec.json.encode(
            {
                "resourceType": "Subscription",
                "status": "requested",
                "reason": "To measure",
                "criteria": "Observation?code=urn:bench|notified",
                "channel": {"type": "rest-hook", "endpoint": url, "payload": "application/fhir+json"},
            }
        )
        hub = self._hub
        made = request("POST", f"{hub.base}/Subscription", hub.address, body)
        path = f"{hub.base}/Subscription/{msgspec.json.decode(once(hub.host, hub.port, made, 201))['id']}"
        read = request("GET", path, hub.address)
        until = time.perf_counter() + PATIENCE_SECONDS
        while time.perf_counter() < until:
            if msgspec.json.decode(once(hub.host, hub.port, read))["status"] == "active":
                return path
            time.sleep(0.1)
        raise Fault("The Subscription does not become active")

    def _end(self, path: str) -> None:
        once(self._hub.host, self._hub.port, request("DELETE", path, self._hub.address), 204)


class _Http(asyncio.Protocol):
    """One connection on which messages with a Content-Length come."""

    transport: asyncio.Transport

    def __init__(self, run: _Run) -> None:
        self._run = run
        self._got = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        self._got += data
        while (end := self._got.find(b"\r\n\r\n")) >= 0:
            length = _LENGTH.search(self._got, 0, end)
            whole = end + 4 + (int(length[1]) if length else 0)
            if len(self._got) < whole:
                return
            message, self._got = self._got[:whole], self._got[whole:]
            self.came(message[: end + 2], message[end + 4 :])

    def came(self, head: bytes, body: bytes) -> None:
        raise NotImplementedError


class _Writer(_Http):
    """A connection to the hub; what is due while an answer is out waits for its turn."""

    def __init__(self, run: _Run) -> None:
        super().__init__(run)
        self._waiting: list[tuple[bytes, float]] = []

    def send(self, text: bytes, due: float) -> None:
        self._waiting.append((text, due))
        if len(self._waiting) == 1:
            self.transport.write(text)

    def came(self, head: bytes, body: bytes) -> None:
        moment = time.perf_counter()
        found = _ID.search(body)
        if not head.startswith(b"HTTP/1.1 201") or found is None:
            raise Fault(f"Not written: {head!r} {body[:300]!r}")
        _, due = self._waiting.pop(0)
        self._run.due[found[1]] = due
        self._run.answered[found[1]] = moment
        self._run.news.set()
        if self._waiting:
            self.transport.write(self._waiting[0][0])


class _Receiver(_Http):
    """A connection of the hub to whom it notifies."""

    def came(self, head: bytes, body: bytes) -> None:
        moment = time.perf_counter()
        self.transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        self._run.notifications += 1
        for id in _FOCUS.findall(body):
            self._run.notified.setdefault(id, moment)
        self._run.news.set()


def _main() -> None:
    home = Path(sys.argv[1])
    database = sys.argv[2] if len(sys.argv) > 2 else f"sqlite://{home.absolute()}/hub.db"
    migrate(database)
    allowed = {"FHIRHUB_FETCH_ALLOW": "127.0.0.1"}
    with servers.hub(database, 1, str(home / "hub.secret"), allowed) as hub:
        for listened in (True, False):
            found = measure(hub, lambda server: servers.processor_seconds(server.process), listened=listened)
            told = ", ".join(f"p{percent} {found.percentile(percent):.0f} ms" for percent in (50, 95, 99))
            print(
                f"{len(found.answered_ms)} writes at {found.per_second:.0f}/s, "
                f"{f'in {found.notifications} notifications after' if listened else 'answered after'} {told}; "
                f"{found.processor_ms:.2f} ms of the hub's processors for each"
            )


if __name__ == "__main__":
    _main()

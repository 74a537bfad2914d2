"""Closed-loop HTTP/1.1 traffic: a number of connections, each with one request under way.

Written for little work per request, since the client shares the cores with what it measures: requests are
bytes made beforehand, answers are cut by their length alone, and a sample of bodies is judged afterwards.
"""

from __future__ import annotations

import asyncio
import gc
import re
import time
from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import cycle

import uvloop

KEPT_BODIES = 40
PATIENCE_SECONDS = 15
_LENGTH = re.compile(rb"\r\n[Cc]ontent-[Ll]ength: *(\d+)")
_CHUNKED = re.compile(rb"\r\n[Tt]ransfer-[Ee]ncoding: *chunked")


class Fault(Exception):
    """An answer that is not what the operation should give: a figure from it would mean nothing."""


@dataclass(slots=True)
class Figures:
    """What a run gave: requests per second, latencies in milliseconds."""

    seconds: float
    latencies: array[float] = field(repr=False)
    answers: int
    """With those of the time to warm up."""

    @property
    def count(self) -> int:
        return len(self.latencies)

    @property
    def per_second(self) -> float:
        return self.count / self.seconds

    def percentile_ms(self, percent: float) -> float:
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))] * 1000

    def __add__(self, other: Figures) -> Figures:
        return Figures(
            self.seconds + other.seconds, self.latencies + other.latencies, self.answers + other.answers
        )


def run(
    host: str,
    port: int,
    requests: Sequence[bytes],
    *,
    status: int = 200,
    judge: Callable[[bytes], str | None] | None = None,
    connections: int = 16,
    seconds: float = 1.5,
    warm_seconds: float = 0.3,
    most: int | None = None,
) -> Figures:
    """Send the requests over and over, for that long or `most` times; Fault at a wrong answer.

    `judge` says what is wrong with a body, None when nothing is; it sees a sample.
    """
    if not requests:
        raise Fault("There is nothing to ask")
    sending = _Sending(cycle(requests), b"%d" % status, most)
    uvloop.run(sending.drive(host, port, connections, seconds, warm_seconds))
    if sending.fault:
        raise Fault(sending.fault)
    if not sending.latencies:
        raise Fault("No answer came in time")
    for body in sending.bodies:
        if judge and (wrong := judge(body)):
            raise Fault(f"{wrong}: {body[:300]!r}")
    return Figures(sending.seconds, sending.latencies, sending.answers)


class _Sending:
    """One run: what all its connections share."""

    def __init__(self, requests: Iterator[bytes], status: bytes, most: int | None) -> None:
        self.requests = requests
        self.status = status
        self.most = most
        self.latencies: array[float] = array("d")
        self.bodies: list[bytes] = []
        self.sample_every = 1
        self.answers = 0
        self.sent = 0
        self.started = 0.0
        self.seconds = 0.0
        self.fault = ""
        self.stopping = False
        self.ended: asyncio.Event

    async def drive(
        self, host: str, port: int, connections: int, seconds: float, warm_seconds: float
    ) -> None:
        loop = asyncio.get_running_loop()
        self.ended = asyncio.Event()
        opened = []
        for _ in range(connections):
            _, connection = await loop.create_connection(lambda: _Connection(self), host, port)
            opened.append(connection)
        collecting = gc.isenabled()
        gc.disable()
        try:
            for connection in opened:
                connection.send()
            if self.most is None:
                await self._wait(warm_seconds)
                self.latencies = array("d")
                self.started = time.perf_counter()
                await self._wait(seconds)
                # A slow operation gets the time for each connection to have had its answer.
                until = time.perf_counter() + PATIENCE_SECONDS
                while len(self.latencies) < connections and time.perf_counter() < until and not self.fault:
                    await self._wait(0.1)
            else:
                self.started = opened[0].sent
                await self._wait(600)
            self.seconds = time.perf_counter() - self.started
            self.stopping = True
        finally:
            if collecting:
                gc.enable()
        measured = self.latencies
        self.latencies = array("d")
        for connection in opened:
            await connection.close()
        self.latencies = measured

    async def _wait(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self.ended.wait(), seconds)
        except TimeoutError:
            return

    def answered(self, connection: _Connection, status: bytes, body: bytes, took: float) -> None:
        if status != self.status:
            self.fail(f"Expected status {self.status.decode()}; got {status.decode()}: {body[:300]!r}")
            return
        self.latencies.append(took)
        self.answers += 1
        if self.answers % self.sample_every == 0:
            self.bodies.append(body)
            if len(self.bodies) == KEPT_BODIES:
                self.bodies = self.bodies[::2]
                self.sample_every *= 2
        if self.most is not None and len(self.latencies) >= self.most:
            self.ended.set()
        elif not self.stopping and (self.most is None or self.sent < self.most):
            connection.send()

    def fail(self, why: str) -> None:
        if not self.stopping:
            self.fault = self.fault or why
            self.ended.set()


class _Connection(asyncio.Protocol):
    """One keep-alive connection with one request under way."""

    def __init__(self, sending: _Sending) -> None:
        self.sending = sending
        self.sent = 0.0
        self.parts: list[bytes] = []
        self.got = 0
        self.needed = 0
        self.body_at = 0
        self.chunked = False
        self.idle = asyncio.Event()
        self.idle.set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: asyncio.Transport = transport  # type: ignore[assignment]

    def send(self) -> None:
        self.idle.clear()
        self.sending.sent += 1
        self.sent = time.perf_counter()
        self.transport.write(next(self.sending.requests))

    def data_received(self, data: bytes) -> None:
        self.parts.append(data)
        self.got += len(data)
        if not self.needed and not self.chunked:
            head = data if len(self.parts) == 1 else b"".join(self.parts)
            end = head.find(b"\r\n\r\n")
            if end < 0:
                return
            self.body_at = end + 4
            length = _LENGTH.search(head, 0, end)
            if length:
                self.needed = self.body_at + int(length[1])
            elif _CHUNKED.search(head, 0, end):
                self.chunked = True
            else:
                self.needed = self.body_at
        if self.chunked:
            if not data.endswith(b"0\r\n\r\n") and not b"".join(self.parts[-2:]).endswith(b"0\r\n\r\n"):
                return
        elif self.got < self.needed:
            return
        took = time.perf_counter() - self.sent
        answer = self.parts[0] if len(self.parts) == 1 else b"".join(self.parts)
        body = _unchunk(answer[self.body_at :]) if self.chunked else answer[self.body_at :]
        self.parts, self.got, self.needed, self.chunked = [], 0, 0, False
        self.idle.set()
        self.sending.answered(self, answer[9:12], body, took)

    def connection_lost(self, fault: Exception | None) -> None:
        self.idle.set()
        self.sending.fail(f"The server closed a connection: {fault}")

    async def close(self) -> None:
        """Wait for the answer under way, so that the next run finds an idle server."""
        try:
            await asyncio.wait_for(self.idle.wait(), 60)
        finally:
            self.transport.close()


def _unchunk(data: bytes) -> bytes:
    parts = []
    while data:
        size, _, data = data.partition(b"\r\n")
        length = int(size.partition(b";")[0], 16)
        if not length:
            break
        parts.append(data[:length])
        data = data[length + 2 :]
    return b"".join(parts)


def once(host: str, port: int, request: bytes, status: int | None = None) -> bytes:
    """The body of one answer."""
    found: list[bytes] = []

    def keep(body: bytes) -> None:
        found.append(body)

    run(host, port, [request], status=status or 200, judge=keep, connections=1, most=1)
    return found[0]


def request(
    method: str, target: str, host: str, body: bytes | None = None, headers: Sequence[str] = ()
) -> bytes:
    """The bytes of one FHIR request."""
    lines = [f"{method} {target} HTTP/1.1", f"Host: {host}", "Accept: application/fhir+json", *headers]
    if body is not None:
        lines += ["Content-Type: application/fhir+json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + (body or b"")

"""A receiver of notifications: a real HTTP server on the loopback address, which can be told to fail."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

Json = dict[str, Any]


class Receiver:
    """Keeps what is posted to it; `status` is what it answers."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, dict[str, str], bytes]] = []
        self.status = 200
        self.delay_seconds = 0.0
        self.url = ""

    @property
    def bundles(self) -> list[Json]:
        return [json.loads(body) for _, _, body in self.requests]

    def told(self, kind: str = "event-notification") -> list[Json]:
        """The notifications of one type, in the order in which they came."""
        return [bundle for bundle in self.bundles if value(bundle, "type") == kind]

    def numbers(self) -> list[int]:
        """The numbers of all events, in the order in which they came."""
        return [int(part(event, "event-number")) for bundle in self.told() for event in events(bundle)]

    async def until(self, count: int, kind: str = "event-notification", seconds: float = 30) -> list[Json]:
        """Waits for so many notifications."""
        async with asyncio.timeout(seconds):
            while len(self.told(kind)) < count:
                await asyncio.sleep(0.01)
        return self.told(kind)

    def took(self, body: bytes) -> None:
        """Called with each notification that was taken."""

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {
            name.lower(): told for line in head[1:] if ":" in line for name, _, told in [line.partition(": ")]
        }
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        await asyncio.sleep(self.delay_seconds)
        if self.status < 300:
            self.requests.append((head[0].split()[1], headers, body))
            self.took(body)
        writer.write(f"HTTP/1.1 {self.status} X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
        await writer.drain()
        writer.close()
        await writer.wait_closed()


@asynccontextmanager
async def receiving(receiver: Receiver | None = None) -> AsyncIterator[Receiver]:
    receiver = receiver or Receiver()
    server = await asyncio.start_server(receiver.answer, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()[:2]
    receiver.url = f"http://{host}:{port}/notified"
    try:
        yield receiver
    finally:
        server.close()
        await server.wait_closed()


def events(bundle: Json) -> list[Json]:
    """The events that a notification tells of."""
    return [one for one in bundle["entry"][0]["resource"]["parameter"] if one["name"] == "notification-event"]


def value(bundle: Json, name: str) -> Any:
    """A value of the status that a notification begins with."""
    status = bundle["entry"][0]["resource"]
    return next((_value(one) for one in status["parameter"] if one["name"] == name), None)


def part(event: Json, name: str) -> Any:
    return next((_value(one) for one in event["part"] if one["name"] == name), None)


def _value(parameter: Json) -> Any:
    return next((told for key, told in parameter.items() if key.startswith("value")), None)

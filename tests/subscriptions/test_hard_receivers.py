"""What receivers do that do not simply take what they are sent, and what is made of it."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from fhirhub import settings
from fhirhub.fetching import Lines
from fhirhub.subscriptions import reading
from fhirhub.subscriptions.channels import rest_hook
from fhirhub.subscriptions.channels.notice import NotDelivered, Notice
from fhirhub.subscriptions.channels.sockets import Sockets
from fhirhub.subscriptions.reading import Wanted
from tests.test_serving import certificate

__all__ = ["certificate"]

Json = dict[str, Any]
Answering = Callable[[bytes], bytes | None]


@asynccontextmanager
async def answering(answer: Answering, tls: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    """A receiver on this machine that answers a request with these bytes, or not at all."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        told = answer(head)
        if told is not None:
            writer.write(told)
            await writer.drain()
        else:
            await reader.read()
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()

    server = await asyncio.start_server(talk, "127.0.0.1", 0, ssl=tls)
    port = server.sockets[0].getsockname()[1]
    try:
        yield f"{'http' if tls is None else 'https'}://127.0.0.1:{port}/notified"
    finally:
        server.close()
        await server.wait_closed()
        # What ended without a word lets go of its connection in the loop's next turns.
        await asyncio.sleep(0.02)


async def send(endpoint: str, *headers: tuple[str, str], mime: str = "application/fhir+json") -> None:
    wanted = Wanted(
        None, (), "rest-hook", endpoint, headers, mime, "id-only", None, 1, 50, reading.FOREVER
    )  # fmt: skip
    chosen = settings.read({}, auth="none", fetch_allow="127.0.0.1")
    lines = Lines()
    try:
        await rest_hook.send(
            Notice("event-notification", 1, "x", wanted, b"{}", "http://a/fhir", chosen, Sockets(), lines)
        )
    finally:
        await lines.close()


@pytest.mark.parametrize(
    ("answer", "said", "wait_seconds"),
    [
        (b"HTTP/1.1 302 X\r\nLocation: http://127.0.0.1/other\r\n", "it answered 302", 0),
        (b"HTTP/1.1 404 X\r\n", "it answered 404", 0),
        (b"HTTP/1.1 429 X\r\nRetry-After: 120\r\n", "it answered 429", 120),
        (b"HTTP/1.1 503 X\r\nRetry-After: Wed, 21 Oct 2015 07:28:00 GMT\r\n", "it answered 503", 0),
        (b"HTTP/1.1 500 X\r\nRetry-After: soon\r\n", "it answered 500", 0),
        (None, "it did not answer within 1 seconds", 0),
    ],
)
async def test_a_receiver_that_does_not_answer_2xx_did_not_take_it(
    answer: bytes | None, said: str, wait_seconds: int
) -> None:
    whole = None if answer is None else answer + b"Content-Length: 0\r\n\r\n"
    async with answering(lambda head: whole) as endpoint:
        with pytest.raises(NotDelivered, match=said) as failed:
            await send(endpoint)
    assert failed.value.wait_seconds == wait_seconds


async def test_a_receiver_with_a_certificate_that_nobody_vouches_for_is_told_nothing(
    certificate: tuple[str, str],
) -> None:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(*certificate)
    heads: list[bytes] = []

    def answer(head: bytes) -> bytes:
        heads.append(head)
        return b"HTTP/1.1 200 X\r\nContent-Length: 0\r\n\r\n"

    async with answering(answer, tls) as endpoint:
        with pytest.raises(NotDelivered, match="it could not be reached"):
            await send(endpoint)
    assert heads == []


async def test_every_header_is_sent_also_one_named_twice_or_beyond_ascii() -> None:
    heads: list[bytes] = []

    def answer(head: bytes) -> bytes:
        heads.append(head)
        return b"HTTP/1.1 200 X\r\nContent-Length: 0\r\n\r\n"

    async with answering(answer) as endpoint:
        await send(endpoint, ("X-Key", "a"), ("X-Key", "b"), ("X-Name", "café"))
        await send(endpoint, mime="")
    lines = heads[0].split(b"\r\n")
    assert {b"X-Key: a", b"X-Key: b", "X-Name: café".encode("latin-1")} <= set(lines)
    assert b"Content-Type" not in heads[1]
    assert b"Content-Length: 0" in heads[1]

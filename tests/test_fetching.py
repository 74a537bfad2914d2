"""Fetching what lies elsewhere: only what may be asked, without following, in bounds."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from fhirhub.fetching import FetchError, addresses, fetch

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def serving(answer: bytes) -> AsyncIterator[tuple[str, list[bytes]]]:
    """A server on this machine that answers every request so."""
    heads: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(answer)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}", heads


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Type: application/json\r\n\r\n{}"


async def test_a_private_host_that_is_named_is_fetched() -> None:
    async with serving(OK) as (host, heads):
        for allowed in (host, "127.0.0.1"):
            answer = await fetch(f"http://{host}/keys?x=1", (allowed,))
            assert (answer.status, answer.body) == (200, b"{}")
            assert answer.headers["content-type"] == "application/json"
        assert heads[0].startswith(b"GET /keys?x=1 HTTP/1.1\r\n")


@pytest.mark.parametrize("allowed", [(), ("other:1",), ("127.0.0.1:1",), ("127.0.0",)])
async def test_a_private_host_that_is_not_named_is_not_asked(allowed: tuple[str, ...]) -> None:
    async with serving(OK) as (host, heads):
        with pytest.raises(FetchError):
            await fetch(f"http://{host}/", allowed)
        with pytest.raises(FetchError, match="private"):
            await fetch(f"https://{host}/", allowed)
        assert heads == []


async def test_a_name_that_leads_to_a_private_address_is_not_asked() -> None:
    async with serving(OK) as (host, heads):
        with pytest.raises(FetchError, match="private"):
            await fetch(f"https://localhost:{host.partition(':')[2]}/", ())
        assert heads == []


@pytest.mark.parametrize(
    "address",
    [
        "10.0.0.1", "127.0.0.1", "169.254.169.254", "192.168.1.1", "0.0.0.0", "::1", "fe80::1%eth0", "fc00::1",
        "::ffff:10.0.0.1", "224.0.0.1", "100.64.0.1", "2002:0a00:0001::",
    ],
)  # fmt: skip
def test_addresses_that_are_nobody_elses_business_are_private(address: str) -> None:
    assert not addresses.is_public(address)


def test_public_addresses_are_public() -> None:
    assert addresses.is_public("93.184.216.34")
    assert addresses.is_public("2606:2800:220:1:248:1893:25c8:1946")


@pytest.mark.parametrize(
    "url", ["http://hub.example/", "file:///etc/passwd", "ftp://x/", "https://", "https://a@b.example/", "x"]
)
async def test_only_https_is_asked_of_the_world(url: str) -> None:
    with pytest.raises(FetchError):
        await fetch(url, ())


async def test_a_redirect_is_not_followed() -> None:
    elsewhere = b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1/\r\nContent-Length: 0\r\n\r\n"
    async with serving(elsewhere) as (host, heads):
        assert (await fetch(f"http://{host}/", (host,))).status == 302
        assert len(heads) == 1


async def test_an_answer_that_is_too_long_or_late_is_left() -> None:
    async with serving(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 5000) as (host, _):
        with pytest.raises(FetchError, match="longer"):
            await fetch(f"http://{host}/", (host,), max_bytes=1000)
    async with serving(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n") as (host, _):
        with pytest.raises(FetchError):
            await fetch(f"http://{host}/", (host,), seconds=0.5)


async def test_what_does_not_answer_or_speaks_no_http_is_a_fault() -> None:
    async with serving(b"hello\r\n\r\n") as (host, _):
        with pytest.raises(FetchError, match="reached"):
            await fetch(f"http://{host}/", (host,))
    with pytest.raises(FetchError):
        await fetch("http://127.0.0.1:1/", ("127.0.0.1",))
    with pytest.raises(FetchError, match="no host"):
        await fetch("https://nobody.invalid/", ())

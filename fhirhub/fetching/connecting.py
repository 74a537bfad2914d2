"""Connecting: the request itself, to an address that is looked at as it is connected to."""

from __future__ import annotations

import asyncio
import functools
import socket
import ssl
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import httpcore

from fhirhub.fetching.addresses import NO_HOST, FetchError, is_public

Answer = tuple[int, bytes, list[tuple[bytes, bytes]]]
"""Status, body and header fields."""


LINES = 100
"""Connections that stay open in one process."""
OPEN_SECONDS = 30.0
"""How long one that nobody uses stays open."""


class Asked(NamedTuple):
    """One request; `private` lets a private address be asked."""

    url: str
    private: bool
    method: str
    headers: Sequence[tuple[str, str]]
    content: bytes | None


class Pools:
    """Connections that stay open: those to public addresses apart from those that may be private."""

    def __init__(self) -> None:
        self._pools = {private: _pool(private) for private in (False, True)}

    def of(self, private: bool) -> httpcore.AsyncConnectionPool:
        return self._pools[private]

    async def close(self) -> None:
        for pool in self._pools.values():
            await pool.aclose()


def _pool(private: bool) -> httpcore.AsyncConnectionPool:
    return httpcore.AsyncConnectionPool(
        ssl_context=_trust(),
        network_backend=_Guarded(private),
        max_connections=None,
        max_keepalive_connections=LINES,
        keepalive_expiry=OPEN_SECONDS,
        http1=True,
        retries=0,
    )


async def ask(asked: Asked, max_bytes: int, seconds: float, pools: Pools | None = None) -> Answer:
    """The answer; by a connection that stays open where there are `pools`. Raises FetchError."""
    try:
        async with asyncio.timeout(seconds):
            if pools is None:
                async with _pool(asked.private) as pool:
                    return await _answer(pool, asked, max_bytes)
            try:
                return await _answer(pools.of(asked.private), asked, max_bytes)
            except (httpcore.RemoteProtocolError, httpcore.ReadError, httpcore.WriteError):
                # The other side closed a connection that stood open, as it may at any moment.
                return await _answer(pools.of(asked.private), asked, max_bytes)
    except TimeoutError:
        raise FetchError(f"it did not answer within {seconds:g} seconds") from None
    except (
        httpcore.NetworkError,
        httpcore.ProtocolError,
        httpcore.TimeoutException,
        OSError,
        ValueError,
    ) as fault:
        raise FetchError(f"it could not be reached ({type(fault).__name__})") from None


async def _answer(pool: httpcore.AsyncConnectionPool, asked: Asked, max_bytes: int) -> Answer:
    # RFC 9110, 5.5: what stands in a header beyond ASCII are octets of ISO-8859-1.
    headers = [(name.encode(), value.encode("latin-1")) for name, value in asked.headers]
    async with pool.stream(asked.method, asked.url, headers=headers, content=asked.content) as answer:
        parts_read: list[bytes] = []
        size = 0
        async for part in answer.aiter_stream():
            size += len(part)
            if size > max_bytes:
                raise FetchError(f"its answer is longer than {max_bytes} bytes")
            parts_read.append(part)
        return answer.status, b"".join(parts_read), list(answer.headers)


@functools.cache
def _trust() -> ssl.SSLContext:
    """Whom to believe to be who they say; reading that takes longer than a request."""
    return httpcore.default_ssl_context()


class _Guarded(httpcore.AsyncNetworkBackend):
    """Connects to public addresses alone, unless private ones are allowed for this host."""

    def __init__(self, private: bool) -> None:
        self._private = private
        self._inner = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        address = await self._address(host, port)
        return await self._inner.connect_tcp(address, port, timeout, local_address, socket_options)

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,  # noqa: ASYNC109
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        raise FetchError("it is no https address")

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def _address(self, host: str, port: int) -> str:
        """The address of the host that is connected to, and to no other."""
        loop = asyncio.get_running_loop()
        try:
            found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except OSError:
            raise FetchError(f"{NO_HOST} {host}") from None
        addresses = [str(one[4][0]) for one in found]
        if not self._private and not all(is_public(address) for address in addresses):
            raise FetchError(f"{host} is a private host, and is not named in FHIRHUB_FETCH_ALLOW")
        return addresses[0]

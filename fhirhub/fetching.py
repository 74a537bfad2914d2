"""Fetching what lies elsewhere, such as a client's keys: only from addresses that may be asked, without
redirects, in bounds of size and time, so that nobody makes the hub ask what only the hub can reach.

A public host is asked by https alone. A private one (loopback, a local network) must be named in
`FHIRHUB_FETCH_ALLOW`, and may then be asked by http too. The address is checked as it is connected to, so a name
that turns into another address between check and use gains nothing.
"""

from __future__ import annotations

import asyncio
import functools
import ipaddress
import socket
import ssl
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpcore

SECONDS = 5.0
MAX_BYTES = 256 * 1024


class FetchError(Exception):
    """It could not be had; the text says why, without what was answered."""


@dataclass(frozen=True, slots=True)
class Fetched:
    status: int
    body: bytes
    headers: Mapping[str, str]


async def fetch(
    url: str,
    allowed: tuple[str, ...],
    *,
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    body: bytes | None = None,
    max_bytes: int = MAX_BYTES,
    seconds: float = SECONDS,
) -> Fetched:
    """The answer at that address. `allowed` are the private hosts, as `host` or `host:port`.

    Raises FetchError.
    """
    is_allowed = _is_allowed(url, allowed)
    try:
        async with (
            asyncio.timeout(seconds),
            httpcore.AsyncConnectionPool(
                ssl_context=_trust(), network_backend=_Guarded(is_allowed), http1=True, retries=0
            ) as pool,
        ):
            given = [("Accept", "application/json"), *(headers or {}).items()]
            async with pool.stream(method, url, headers=given, content=body) as answer:
                parts_read: list[bytes] = []
                size = 0
                async for part in answer.aiter_stream():
                    size += len(part)
                    if size > max_bytes:
                        raise FetchError(f"its answer is longer than {max_bytes} bytes")
                    parts_read.append(part)
                told = {name.decode().lower(): value.decode("latin-1") for name, value in answer.headers}
                return Fetched(answer.status, b"".join(parts_read), told)
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


@functools.cache
def _trust() -> ssl.SSLContext:
    """Whom to believe to be who they say; reading that takes longer than a request."""
    return httpcore.default_ssl_context()


def refusal(url: str, allowed: tuple[str, ...]) -> str | None:
    """Why this address may not be asked, as far as it tells that itself; None where it may. What a name stands for
    is looked at as it is connected to."""
    try:
        is_allowed = _is_allowed(url, allowed)
    except FetchError as fault:
        return str(fault)
    host = (urlsplit(url).hostname or "").lower()
    if is_allowed:
        return None
    try:
        private = not _is_public(host)
    except ValueError:
        private = (
            host == "localhost" or "." not in host or host.endswith((".localhost", ".local", ".internal"))
        )
    return f"{host} is a private host, and is not named in FHIRHUB_FETCH_ALLOW" if private else None


def _is_allowed(url: str, allowed: tuple[str, ...]) -> bool:
    """Whether its host is one of the private ones that may be asked. Raises FetchError for what is no address to
    fetch."""
    try:
        parts = urlsplit(url)
        host = parts.hostname
        _ = parts.port
    except ValueError:
        raise FetchError("it is no https address") from None
    named = {one for one in ((host or "").lower(), parts.netloc.lower()) if one}
    is_allowed = bool(named & set(allowed))
    if not host or parts.scheme not in ("https", "http") or parts.username is not None:
        raise FetchError("it is no https address")
    if parts.scheme == "http" and not is_allowed:
        raise FetchError(f"it is not https, and {host} is not named in FHIRHUB_FETCH_ALLOW")
    return is_allowed


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
            raise FetchError(f"there is no host {host}") from None
        addresses = [str(one[4][0]) for one in found]
        if not self._private and not all(_is_public(address) for address in addresses):
            raise FetchError(f"{host} is a private host, and is not named in FHIRHUB_FETCH_ALLOW")
        return addresses[0]


def _is_public(text: str) -> bool:
    address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if inner is not None:
            address = inner
    return address.is_global and not address.is_multicast and not address.is_reserved

"""Sockets: who is connected to this process for which Subscriptions."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable


class Socket:
    """One connection; `write` puts a text on it, `close` ends it and says why."""

    def __init__(
        self, write: Callable[[str], Awaitable[None]], close: Callable[[str], Awaitable[None]]
    ) -> None:
        self._write = write
        self._close = close
        self._turn = asyncio.Lock()
        self.is_open = True

    async def send(self, text: str) -> bool:
        """Whether the text could be sent."""
        async with self._turn:
            if self.is_open:
                try:
                    await self._write(text)
                except Exception:
                    # However a connection ends, it is gone.
                    self.is_open = False
        return self.is_open

    async def end(self, why: str) -> None:
        """Ends the connection."""
        async with self._turn:
            if self.is_open:
                self.is_open = False
                with contextlib.suppress(Exception):
                    await self._close(why)


class Sockets:
    """The connections of one process."""

    def __init__(self) -> None:
        self._bound: dict[tuple[int, str], dict[Socket, float]] = {}

    def bind(self, tenant: int, subscription: str, socket: Socket, until: float) -> None:
        """This connection is sent the notifications of that Subscription until that moment (seconds since 1970)."""
        self._bound.setdefault((tenant, subscription), {})[socket] = until

    def unbind(self, socket: Socket) -> None:
        """The connection is gone."""
        for key, sockets in list(self._bound.items()):
            if sockets.pop(socket, None) is not None and not sockets:
                del self._bound[key]

    def drop(self, tenant: int, subscription: str) -> list[Socket]:
        """The notifications of that Subscription are another process's to send; who was connected for it here."""
        return list(self._bound.pop((tenant, subscription), {}))

    def of(self, tenant: int, subscription: str, now: float) -> list[Socket]:
        """Who is connected for that Subscription."""
        key = (tenant, subscription)
        sockets = self._bound.get(key, {})
        for socket, until in list(sockets.items()):
            if until <= now or not socket.is_open:
                del sockets[socket]
        if not sockets:
            self._bound.pop(key, None)
        return list(sockets)

    def bound(self) -> list[tuple[int, str]]:
        """Tenant and id of each Subscription that somebody is connected for."""
        return list(self._bound)

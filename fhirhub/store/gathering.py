"""Records of the log that wait to be on disk, and when the next of them go there together.

Those who had their answer together ask again, as a rule: two groups that take turns, each half as large, would commit
twice as often. So the next group waits until as many are there, or nobody more comes. Who is alone does not wait.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

from fhirhub.store.chain import Entry

LOOK_SECONDS = 0.001
"""How often it is looked whether more records came meanwhile."""
SILENT = 2
"""Looks at which nobody had come, after which nobody is waited for."""
GATHER_SECONDS = 0.004
"""How long records wait at most for others."""


class Told(NamedTuple):
    """Records of one request, and who waits until they are on disk."""

    tenant: int
    entries: Sequence[Entry]
    future: asyncio.Future[None]

    def done(self) -> None:
        if not self.future.done():
            self.future.set_result(None)

    def fail(self, failure: Exception) -> None:
        if not self.future.done():
            self.future.set_exception(failure)


class Gathering:
    """The queue of one journal. `put` writes a group and tells each member how it went."""

    def __init__(
        self,
        put: Callable[[list[Told]], Awaitable[None]],
        start: Callable[[Awaitable[None]], None],
        most: int,
    ) -> None:
        self._put = put
        self._start = start
        self._most = most
        self._waiting: list[Told] = []
        self._busy = False
        self._wanted = 0
        self._gate: asyncio.Future[None] | None = None
        """What the next group waits for, while it waits."""
        self._timer: asyncio.TimerHandle | None = None
        self._silent = self._there = 0
        self._end = 0.0

    def add(self, tenant: int, entries: Sequence[Entry]) -> asyncio.Future[None]:
        """Done once these are on disk."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(Told(tenant, entries, future))
        if not self._busy:
            self._busy = True
            self._start(self._drain())
        elif self._gate is not None and len(self._waiting) >= self._wanted:
            self._open()
        return future

    async def _drain(self) -> None:
        try:
            while self._waiting:
                members, self._waiting = self._waiting[: self._most], self._waiting[self._most :]
                await self._put(members)
                if len(members) > 1:
                    await self._gather(len(members) + len(self._waiting))
        finally:
            self._busy = False

    async def _gather(self, wanted: int) -> None:
        """Until so many wait, or nobody more comes."""
        loop = asyncio.get_running_loop()
        self._wanted = min(wanted, self._most)
        if len(self._waiting) >= self._wanted:
            return
        self._gate = loop.create_future()
        self._silent, self._there, self._end = 0, len(self._waiting), loop.time() + GATHER_SECONDS
        self._timer = loop.call_later(LOOK_SECONDS, self._look)
        await self._gate

    def _look(self) -> None:
        loop = asyncio.get_running_loop()
        self._silent = self._silent + 1 if len(self._waiting) == self._there else 0
        self._there = len(self._waiting)
        if self._silent == SILENT or loop.time() >= self._end:
            self._open()
        else:
            self._timer = loop.call_later(LOOK_SECONDS, self._look)

    def _open(self) -> None:
        assert self._gate is not None
        assert self._timer is not None
        self._timer.cancel()
        self._gate.set_result(None)
        self._gate = None

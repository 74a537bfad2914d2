"""Work that many ask for at once, done once for all of them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable


class Shared:
    """One look at something that may change, shared by those who ask for it while it is under way."""

    def __init__(self, look: Callable[[], Awaitable[None]]) -> None:
        self._look = look
        self._under_way: asyncio.Task[None] | None = None
        self._began = 0.0

    async def begun_within(self, seconds: float) -> None:
        """Returns when a look has ended that began so long ago at most; raises what it raised."""
        now = time.monotonic()
        task = self._under_way
        if task is None or task.done() or now - self._began > seconds:
            self._began = now
            task = self._under_way = asyncio.ensure_future(self._look())
            task.add_done_callback(_take_note)
        # Who leaves does not end it for the others.
        await asyncio.shield(task)


def _take_note(task: asyncio.Task[None]) -> None:
    """Of a fault that nobody waits for any more."""
    if not task.cancelled():
        task.exception()

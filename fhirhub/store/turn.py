"""Whose turn it is to write, among the workers of one hub.

While one worker's group is being written, the writes of the other wait and make a larger one: a few large
groups cost the database, and the worker that sends them, far less than many small ones at the same time.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import tempfile
from collections.abc import AsyncIterator

LOOK_SECONDS = 0.001
"""How often one who waits looks whether it is their turn."""
WORKERS = 2
"""How many workers take turns with each other. A worker makes work for about half of one connection."""


class Turns:
    """Made before the workers are forked. The locks are of processes: who dies lets go of them."""

    def __init__(self, workers: int) -> None:
        self._file = _nameless()
        self._groups = -(-workers // WORKERS)

    def of(self, worker: int) -> Turn:
        """The turn that this worker waits for."""
        return Turn(self._file, worker % self._groups, self._groups)


class Turn:
    """The turn of one worker."""

    def __init__(self, file: int, group: int, groups: int) -> None:
        self._file = file
        self._group = group
        self._groups = groups

    @contextlib.asynccontextmanager
    async def taken(self, queue: int) -> AsyncIterator[None]:
        """It is this worker's turn with that queue of writes, of which it has one at a time under way."""
        room = 2 * (queue * self._groups + self._group)
        door = room + 1
        # Who has been in waits at the door behind who came to it meanwhile.
        await self._lock(door)
        try:
            await self._lock(room)
        finally:
            self._unlock(door)
        try:
            yield
        finally:
            self._unlock(room)

    async def _lock(self, place: int) -> None:
        while True:
            try:
                fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, place)
                return
            except (BlockingIOError, PermissionError):
                await asyncio.sleep(LOOK_SECONDS)

    def _unlock(self, place: int) -> None:
        fcntl.lockf(self._file, fcntl.LOCK_UN, 1, place)


def _nameless() -> int:
    """A file without a name, which forked workers have too."""
    if hasattr(os, "memfd_create"):
        return os.memfd_create("fhirhub-turns")
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())

"""Calls between the processes of one database: PostgreSQL's LISTEN and NOTIFY, on a connection of their own
(https://www.postgresql.org/docs/15/sql-notify.html).

A call says that there is something to look for, and holds nothing that counts: one may be lost with the connection,
so whoever listens looks for itself when it is back, and now and then besides.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any

import asyncpg
from asyncpg.connect_utils import SessionAttribute
from asyncpg.exceptions import PostgresError

CHANNEL = "fhirhub"
PAUSE_SECONDS = 0.5
"""Between two attempts to connect."""
ASK_SECONDS = 5.0
"""How often it is asked whether the server is still there, and still takes writes."""
ANSWER_SECONDS = 2.0


class Listening:
    """What other processes call, as long as it is not closed; `heard` is given each call, and '' for all that may
    have been called while nothing was heard."""

    def __init__(self, url: str, several: bool, heard: Callable[[str], None]) -> None:
        self._url = url
        self._several = several
        self._heard = heard
        self._task = asyncio.get_running_loop().create_task(self._run())
        self.is_open = False

    async def close(self) -> None:
        """Nothing is heard any more."""
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task
        # What was terminated closes in the loop's next turn.
        await asyncio.sleep(0)

    async def _run(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError, OSError, PostgresError, asyncpg.InterfaceError):
                await self._listen()
            await asyncio.sleep(PAUSE_SECONDS)

    async def _listen(self) -> None:
        """On one connection, until that is lost."""
        connection: asyncpg.Connection[Any] = await asyncpg.connect(
            self._url,
            timeout=5,
            command_timeout=ANSWER_SECONDS,
            server_settings={"application_name": "fhirhub"},
            # After a failover the server that takes writes is another, and calls are heard there alone.
            target_session_attrs=SessionAttribute.read_write if self._several else SessionAttribute.any,
        )
        lost = asyncio.Event()
        connection.add_termination_listener(lambda _: lost.set())
        try:
            await connection.add_listener(CHANNEL, self._take)
            self.is_open = True
            self._heard("")
            while not lost.is_set() and not await connection.fetchval("SELECT pg_is_in_recovery()"):
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(ASK_SECONDS):
                        await lost.wait()
        finally:
            self.is_open = False
            connection.terminate()

    def _take(self, connection: object, pid: int, channel: str, told: object) -> None:
        self._heard(str(told))

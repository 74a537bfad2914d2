"""Connections to PostgreSQL, by asyncpg: kept open, opened anew where they are lost."""

from __future__ import annotations

import asyncio
import contextlib
import weakref
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

import asyncpg
from asyncpg.connect_utils import SessionAttribute
from asyncpg.exceptions import (
    AdminShutdownError,
    CannotConnectNowError,
    ConnectionDoesNotExistError,
    CrashShutdownError,
    DeadlockDetectedError,
    InterfaceError,
    PostgresConnectionError,
    PostgresError,
    ReadOnlySQLTransactionError,
    SerializationError,
)

from fhirhub import errors
from fhirhub.store.chain import Chain

SESSION = {
    # The text of a statement fixes its plan: nested index probes from the selective side.
    "plan_cache_mode": "force_generic_plan",
    "join_collapse_limit": "1",
    "from_collapse_limit": "1",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "enable_seqscan": "off",
    "jit": "off",
    "application_name": "fhirhub",
    "timezone": "UTC",
}
LOST = (
    PostgresConnectionError,
    ConnectionDoesNotExistError,
    AdminShutdownError,
    CrashShutdownError,
    CannotConnectNowError,
    ReadOnlySQLTransactionError,
    InterfaceError,
    OSError,
)
AGAIN = (DeadlockDetectedError, SerializationError)
TRIES = 12
SILENCE_SECONDS = 2.0
"""How much longer than the statement timeout an answer is waited for."""
UNHURRIED_SECONDS = 3600
"""How long work of an administrator on whole tables may take."""

_BACKEND = "SELECT pid, backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid()"


class Connections:
    """A stack of connections, the last used first, opened when needed."""

    def __init__(self, url: str, size: int, statement_timeout_ms: int, patience_seconds: float) -> None:
        self.url = url
        self.several = "," in urlsplit(url).netloc
        self._server = SESSION | {"statement_timeout": str(statement_timeout_ms)}
        # A server that says nothing any more, or waits for a standby that is gone, is as good as lost.
        self._limit_seconds = statement_timeout_ms / 1000 + SILENCE_SECONDS
        self._idle: list[asyncpg.Connection[Any]] = []
        self._room = asyncio.Semaphore(size)
        self.in_use = 0
        self._patience_seconds = patience_seconds
        self._closed = False
        self.backends: weakref.WeakKeyDictionary[asyncpg.Connection[Any], Any] = weakref.WeakKeyDictionary()
        """The server process of each connection: pid and start."""
        self.chains: weakref.WeakKeyDictionary[asyncpg.Connection[Any], dict[int, Chain]] = (
            weakref.WeakKeyDictionary()
        )
        """The chains of the log that each connection writes, by tenant."""

    @contextlib.asynccontextmanager
    async def one(self) -> AsyncIterator[asyncpg.Connection[Any]]:
        """A connection of one's own for a while. A connection that fails is not used again."""
        async with self._room:
            connection = await self._open()
            self.in_use += 1
            try:
                yield connection
            except BaseException as failure:
                if isinstance(failure, LOST):
                    # The others are lost with it, as a rule; if not, nothing but a connect is wasted.
                    connection.terminate()
                    while self._idle:
                        self._idle.pop().terminate()
                elif connection.is_in_transaction():
                    connection.terminate()
                raise
            finally:
                self.in_use -= 1
                if not connection.is_closed():
                    if self._closed:
                        connection.terminate()
                    else:
                        self._idle.append(connection)

    @property
    def idle(self) -> int:
        return len(self._idle)

    async def _open(self) -> asyncpg.Connection[Any]:
        while self._idle:
            idle = self._idle.pop()
            if not idle.is_closed():
                return idle
        end = asyncio.get_running_loop().time() + self._patience_seconds
        while True:
            try:
                connection = await asyncpg.connect(
                    self.url,
                    server_settings=self._server,
                    statement_cache_size=2000,
                    max_cached_statement_lifetime=0,
                    timeout=5,
                    command_timeout=self._limit_seconds,
                    # Of several hosts in the URL the one that takes writes, also after a failover.
                    target_session_attrs=SessionAttribute.read_write
                    if self.several
                    else SessionAttribute.any,
                )
                try:
                    self.backends[connection] = await connection.fetchrow(_BACKEND)
                except BaseException:
                    connection.terminate()
                    raise
                return connection
            except (TimeoutError, OSError, PostgresError) as failure:
                if asyncio.get_running_loop().time() > end:
                    raise errors.transient("The database cannot be reached; try again later.") from failure
                await asyncio.sleep(0.1)

    async def close(self) -> None:
        self._closed = True
        while self._idle:
            connection = self._idle.pop()
            try:
                await connection.close(timeout=2)
            except (*LOST, PostgresError):
                connection.terminate()
        # What was terminated closes in the loop's next turn.
        await asyncio.sleep(0)


@contextlib.asynccontextmanager
async def unhurried(connection: asyncpg.Connection[Any]) -> AsyncIterator[None]:
    """Without the limit that statements have for whom somebody waits."""
    await connection.execute("SET statement_timeout = 0")
    try:
        yield
    finally:
        if not connection.is_closed():
            await connection.execute("RESET statement_timeout")

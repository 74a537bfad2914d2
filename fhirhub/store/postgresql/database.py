"""`Database` on one PostgreSQL."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, TypeVar

from asyncpg.exceptions import PostgresError, QueryCanceledError

from fhirhub import errors, metrics
from fhirhub.store import calling, journal
from fhirhub.store.chain import Entry, Sealer
from fhirhub.store.database import Change, Reader, Transaction, Verdict, take_keys, too_costly
from fhirhub.store.postgresql.connections import AGAIN, LOST, TRIES, UNHURRIED_SECONDS, Connections, unhurried
from fhirhub.store.postgresql.logs import Logs
from fhirhub.store.postgresql.reads import Reads
from fhirhub.store.postgresql.transaction import PostgresqlTransaction, touched
from fhirhub.store.postgresql.writes import Writes
from fhirhub.store.sql import Dialect, PostgresqlDialect, Row, Statement
from fhirhub.store.turn import Turn

T = TypeVar("T")


class PostgresqlDatabase:
    """What waits together goes together: reads of one shape, single writes, records of the log."""

    def __init__(
        self,
        url: str,
        connections: int = 8,
        statement_timeout_ms: int = 10_000,
        patience_seconds: float = 10.0,
        grouping: bool = True,
        turn: Turn | None = None,
        log_path: str | None = None,
    ) -> None:
        """`log_path` is what the files begin with in which records of the log are on disk first, on this host."""
        self.dialect: Dialect = PostgresqlDialect()
        self.sealer = Sealer()
        self._connections = Connections(url, connections, statement_timeout_ms, patience_seconds)
        self._tasks: set[asyncio.Task[None]] = set()
        self._spreading = journal.Spreading(self.spread, self._start)
        self._reads = Reads(self._connections, self._start, grouping)
        self._writes = Writes(self._connections, self._start, grouping, turn, patience_seconds)
        self._logs = Logs(
            self._connections,
            self.sealer,
            self._spreading,
            self._start,
            self.transaction,
            grouping,
            log_path,
        )

    async def searching(self) -> Reader:
        return self

    def fetch(self, statement: Statement) -> Coroutine[Any, Any, list[Row]]:
        return self._reads.fetch(statement)

    async def execute(self, statement: Statement) -> int:
        try:
            async with self._connections.one() as connection:
                return touched(await connection.execute(statement.sql, *statement.values))
        except (QueryCanceledError, *LOST) as failure:
            raise errors.transient("The database did not answer in time; try again.") from failure

    async def fill(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        try:
            async with self._connections.one() as connection, unhurried(connection):
                await connection.copy_records_to_table(
                    table, records=rows, columns=columns, timeout=UNHURRIED_SECONDS
                )
        except (QueryCanceledError, *LOST) as failure:
            raise errors.transient("The database did not answer in time; try again.") from failure

    async def learn(self, tables: Sequence[str]) -> None:
        try:
            async with self._connections.one() as connection, unhurried(connection):
                for table in tables:
                    await connection.execute(f"VACUUM ANALYZE {table}", timeout=UNHURRIED_SECONDS)
        except LOST as failure:
            raise errors.transient("The database was lost while it was tidied; try again.") from failure

    def apply(self, tenant: int, change: Change) -> Coroutine[Any, Any, Verdict]:
        return self._writes.apply(tenant, change)

    def log(self, tenant: int, entries: Sequence[Entry]) -> Coroutine[Any, Any, None]:
        return self._logs.log(tenant, entries)

    async def spread(self, tenant: int) -> None:
        await self.collect()

        async def work(unit: Transaction) -> None:
            await unit.spread(tenant)

        await self.transaction(work)

    async def collect(self) -> None:
        await self._logs.collect()

    async def transaction(self, work: Callable[[Transaction], Awaitable[T]], logging: int | None = None) -> T:
        for attempt in range(TRIES):
            unit: PostgresqlTransaction | None = None
            backend: Any = None
            committing = False
            try:
                async with self._connections.one() as connection:
                    backend = self._connections.backends[connection]
                    if logging is not None:
                        await self._logs.chains_of(connection, logging)
                    await connection.execute("BEGIN")
                    try:
                        known = self._connections.chains.get(connection, {})
                        unit = PostgresqlTransaction(
                            connection, self.sealer, dict(known), self._spreading, self._connections
                        )
                        result = await work(unit)
                        await unit.free()
                        committing = True
                        await connection.execute("COMMIT")
                        self._connections.chains[connection] = unit.chains
                        return result
                    except BaseException:
                        if unit is not None:
                            with contextlib.suppress(*LOST, PostgresError):
                                await unit.free()
                        if not connection.is_closed():
                            with contextlib.suppress(*LOST, PostgresError):
                                await connection.execute("ROLLBACK")
                        raise
            except AGAIN:
                await asyncio.sleep(random.random() * 0.01 * 2 ** min(attempt, 6))
            except QueryCanceledError:
                raise too_costly() from None
            except LOST as failure:
                if not committing or unit is None or not unit.written:
                    if attempt == TRIES - 1:
                        raise errors.transient("The database was lost; try again.") from failure
                    continue
                tenant, changes = unit.written[-1]
                if await self._writes.find_written(tenant, changes[-1:], backend):
                    return result
        raise errors.transient("Others kept writing the same resources; try again.")

    @property
    def goes_ahead(self) -> bool:
        return self._connections.in_use == 0

    async def take_keys(self, tenant: int, count: int) -> int:
        statement = take_keys(tenant, count)
        async with self._connections.one() as connection:
            return int(await connection.fetchval(statement.sql, *statement.values))

    async def durability(self) -> dict[str, str]:
        async with self._connections.one() as connection:
            names = ("fsync", "synchronous_commit", "full_page_writes", "synchronous_standby_names")
            return {name: str(await connection.fetchval(f"SHOW {name}")) for name in names}

    async def call(self, text: str) -> None:
        async with self._connections.one() as connection:
            await connection.execute("SELECT pg_notify($1, $2)", calling.CHANNEL, text)

    def listen(self, heard: Callable[[str], None]) -> calling.Listening:
        return calling.Listening(self._connections.url, self._connections.several, heard)

    async def measure(self) -> None:
        metrics.CONNECTIONS.set(self._connections.in_use, "in use")
        metrics.CONNECTIONS.set(self._connections.idle, "idle")
        metrics.CONNECTIONS_AWAITED.set(self._reads.waiting + self._writes.waiting)

    async def close(self) -> None:
        while self._tasks:
            await asyncio.wait(set(self._tasks))
        await self._spreading.close()
        self._logs.close()
        await self._connections.close()

    def _start(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

"""A transaction under way on PostgreSQL, on a connection of its own."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Awaitable, Iterable, Sequence
from typing import Any

import asyncpg

from fhirhub.store import journal
from fhirhub.store.chain import Chain, Entry, Sealer
from fhirhub.store.database import Change, Key, Verdict
from fhirhub.store.index import TABLES
from fhirhub.store.postgresql import logs, statements
from fhirhub.store.postgresql.connections import Connections
from fhirhub.store.sql import Dialect, PostgresqlDialect, Row, Statement


class PostgresqlTransaction:
    """`Transaction` on a connection of its own."""

    def __init__(
        self,
        connection: asyncpg.Connection[Any],
        sealer: Sealer,
        chains: dict[int, Chain],
        spreading: journal.Spreading,
        connections: Connections,
    ) -> None:
        self.dialect: Dialect = PostgresqlDialect()
        self._connection = connection
        self._sealer = sealer
        self._spreading = spreading
        self.chains = chains
        """Where the connection's chains of the log end once this is committed."""
        self.written: list[tuple[int, Sequence[Change]]] = []
        self._connections = connections
        self._under_way: asyncio.Task[list[Verdict]] | None = None
        """What is being written while the work goes on: the connection is its until then."""

    async def free(self) -> asyncpg.Connection[Any]:
        """The connection once nothing is under way on it. Raises what became of that."""
        task = self._under_way
        if task is not None:
            await asyncio.wait((task,))
            self._under_way = None
            fault = task.exception()
            if fault is not None:
                raise fault
        return self._connection

    async def fetch(self, statement: Statement) -> list[Row]:
        connection = await self.free()
        return await connection.fetch(statement.sql, *statement.values)

    async def execute(self, statement: Statement) -> int:
        connection = await self.free()
        return touched(await connection.execute(statement.sql, *statement.values))

    def ahead(
        self, tenant: int, changes: Sequence[Change], own: frozenset[Key]
    ) -> Awaitable[list[Verdict]] | None:
        # Where others are at work, the processors have enough to do, and a few large statements cost them less.
        if self._connections.in_use > 1 or not (self._under_way is None or self._under_way.done()):
            return None
        self.written.append((tenant, changes))
        self._under_way = asyncio.get_running_loop().create_task(
            statements.apply(self._connection, tenant, changes, own, strict=True)
        )
        return self._under_way

    async def apply(
        self, tenant: int, changes: Sequence[Change], own: frozenset[Key] = frozenset()
    ) -> list[Verdict]:
        connection = await self.free()
        new = [change for change in changes if change.expected == 0]
        old = [change for change in changes if change.expected != 0]
        verdicts: dict[Key, Verdict] = {}
        for part in (new, old):
            if part:
                self.written.append((tenant, part))
                found = await statements.apply(connection, tenant, part, own, strict=True)
                verdicts |= {(c.type, c.id): verdict for c, verdict in zip(part, found, strict=True)}
        return [verdicts[change.type, change.id] for change in changes]

    async def log(self, tenant: int, entries: Sequence[Entry]) -> None:
        connection = await self.free()
        chain = self.chains.get(tenant)
        if chain is None:
            chain = await logs.open_chain(connection, self._sealer, tenant)
        self.chains[tenant] = await logs.link(connection, self._sealer, chain, entries)
        self._spreading.added(tenant, len(entries))

    async def open_chain(self, tenant: int) -> Chain:
        return await logs.open_chain(await self.free(), self._sealer, tenant)

    async def spread(self, tenant: int) -> None:
        # One at a time: who waits for another's must not think that there is nothing more.
        await self.lock_names(tenant, [logs.JOURNAL])
        async for part in journal.parts(self, tenant):
            connection = await self.free()
            for removed in part.removed:
                await connection.execute(journal.REMOVED, *removed)
            await logs.spread(connection, part)

    async def amend(self, tenant: int, change: Change) -> None:
        connection = await self.free()
        await connection.execute(
            "UPDATE resource SET body = $3, patient = $4, label = $5 WHERE tenant = $1 AND rid = $2",
            tenant,
            change.rid,
            change.body,
            change.patient,
            change.label,
        )
        for table in TABLES:
            await connection.execute(
                f"DELETE FROM {table} WHERE tenant = $1 AND rid = $2", tenant, change.rid
            )
        tables = tuple(table for table in TABLES if change.rows.get(table))
        for table in tables:
            columns = statements.columns([change], table)
            await connection.execute(
                f"INSERT INTO {table} SELECT $1, i.* FROM {statements.unnest(table, 2)}", tenant, *columns
            )

    async def lock_names(self, tenant: int, names: Iterable[str]) -> None:
        connection = await self.free()
        for key in sorted({zlib.crc32(name.encode()) - 2**31 for name in names}):
            await connection.execute("SELECT pg_advisory_xact_lock($1::int4, $2::int4)", tenant, key)

    async def lock_rows(self, tenant: int, keys: Iterable[Key]) -> None:
        wanted = sorted(set(keys))
        connection = await self.free()
        await connection.execute(
            "SELECT 1 FROM unnest($2::text[], $3::text[]) AS k(type, id) CROSS JOIN LATERAL (SELECT 1 "
            "FROM resource r WHERE r.tenant = $1 AND r.type = k.type AND r.id = k.id FOR UPDATE) AS l",
            tenant,
            [key[0] for key in wanted],
            [key[1] for key in wanted],
        )


def touched(status: str) -> int:
    """The number of rows in a command tag such as `UPDATE 3`."""
    last = status.rsplit(" ", 1)[-1]
    return int(last) if last.isdigit() else 0

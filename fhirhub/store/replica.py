"""Searches on a streaming replica, which never see less than what was committed before they began.

Before each search the primary says how far its log is written, and the replica how far it has replayed it; a
replica that is not there in time leaves the search to the primary, and so does one on another timeline: after a
failover its log may be longer than the new primary's, and hold other writes. Both questions are asked once for all
searches that wait (https://www.postgresql.org/docs/15/functions-admin.html#FUNCTIONS-ADMIN-BACKUP).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from fhirhub import logs, metrics
from fhirhub.errors import FhirError
from fhirhub.store.chain import Entry
from fhirhub.store.database import Change, Database, Listening, Reader, T, Transaction, Verdict
from fhirhub.store.sql import Row, Statement

PATIENCE_SECONDS = 0.05
"""How long a search waits for the replica before it goes to the primary."""
REST_SECONDS = 5.0
"""How long a replica that failed is left alone."""

Place = tuple[int, int]
"""A place in the log: its timeline and how many bytes."""

_WRITTEN = Statement(
    "SELECT ('x' || left(pg_walfile_name(pg_current_wal_flush_lsn()), 8))::bit(32)::int8, "
    "(pg_current_wal_flush_lsn() - '0/0'::pg_lsn)::int8"
)
# A standby tells its timeline where it receives it, where it may say so, and as of its last restart point.
_REPLAYED = Statement(
    "SELECT greatest((SELECT max(received_tli) FROM pg_stat_wal_receiver), "
    "(SELECT timeline_id FROM pg_control_checkpoint()), "
    "(SELECT min_recovery_end_timeline FROM pg_control_recovery()))::int8, "
    "(pg_last_wal_replay_lsn() - '0/0'::pg_lsn)::int8"
)


class Shared:
    """One question for all who ask: whoever comes while it is under way gets the answer of the next."""

    def __init__(self, ask: Callable[[], Awaitable[Place]]) -> None:
        self._ask = ask
        self._next: asyncio.Future[Place] | None = None
        self._busy: asyncio.Task[None] | None = None

    async def answer(self) -> Place:
        if self._next is None:
            self._next = asyncio.get_running_loop().create_future()
            if self._busy is None:
                self._busy = asyncio.get_running_loop().create_task(self._run())
        return await asyncio.shield(self._next)

    async def _run(self) -> None:
        while self._next is not None:
            waiting, self._next = self._next, None
            try:
                answer = await self._ask()
            except Exception as failure:
                waiting.set_exception(failure)
                # Whoever waits has it; nobody may be waiting any more.
                waiting.exception()
            else:
                waiting.set_result(answer)
        self._busy = None


class Replicated:
    """`Database` that writes and reads on the primary and searches on a replica."""

    def __init__(self, primary: Database, replica: Database) -> None:
        self.dialect = primary.dialect
        self.sealer = primary.sealer
        self.primary = primary
        self.replica = replica
        self._written = Shared(lambda: _place(primary, _WRITTEN))
        self._replayed = Shared(lambda: _place(replica, _REPLAYED))
        self._rests_until = 0.0

    @property
    def goes_ahead(self) -> bool:
        return self.primary.goes_ahead

    async def searching(self) -> Reader:
        """Where a search that begins now is answered."""
        loop = asyncio.get_running_loop()
        if loop.time() < self._rests_until:
            return self.primary
        timeline, written = await self._written.answer()
        end = loop.time() + PATIENCE_SECONDS
        try:
            while True:
                own, replayed = await self._replayed.answer()
                if own == timeline and replayed >= written:
                    break
                if loop.time() > end:
                    return self.primary
                await asyncio.sleep(0.001)
        except Exception as failure:
            self.rest()
            logs.warning("The read database failed", fault=type(failure).__name__)
            return self.primary
        return _Fallback(self, self.replica)

    def rest(self) -> None:
        """Leaves the replica alone for a while."""
        self._rests_until = asyncio.get_running_loop().time() + REST_SECONDS

    async def fetch(self, statement: Statement) -> list[Row]:
        return await self.primary.fetch(statement)

    async def execute(self, statement: Statement) -> int:
        return await self.primary.execute(statement)

    async def apply(self, tenant: int, change: Change) -> Verdict:
        return await self.primary.apply(tenant, change)

    async def log(self, tenant: int, entries: Sequence[Entry]) -> None:
        await self.primary.log(tenant, entries)

    async def spread(self, tenant: int) -> None:
        await self.primary.spread(tenant)

    async def collect(self) -> None:
        await self.primary.collect()

    async def transaction(self, work: Callable[[Transaction], Awaitable[T]], logging: int | None = None) -> T:
        return await self.primary.transaction(work, logging)

    async def fill(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        await self.primary.fill(table, columns, rows)

    async def learn(self, tables: Sequence[str]) -> None:
        await self.primary.learn(tables)

    async def take_keys(self, tenant: int, count: int) -> int:
        return await self.primary.take_keys(tenant, count)

    async def call(self, text: str) -> None:
        await self.primary.call(text)

    def listen(self, heard: Callable[[str], None]) -> Listening | None:
        return self.primary.listen(heard)

    async def durability(self) -> dict[str, str]:
        return await self.primary.durability()

    async def measure(self) -> None:
        await self.primary.measure()
        try:
            written, replayed = await self._written.answer(), await self._replayed.answer()
            metrics.REPLICA_LAG_BYTES.set(max(written[1] - replayed[1], 0))
        except Exception as failure:
            logs.warning("The lag of the read database is not known", fault=type(failure).__name__)

    async def close(self) -> None:
        await self.primary.close()
        await self.replica.close()


class _Fallback:
    """The replica, and the primary for what it fails at (a conflict with recovery, its end)."""

    def __init__(self, both: Replicated, replica: Database) -> None:
        self.dialect = replica.dialect
        self._both = both

    async def fetch(self, statement: Statement) -> list[Row]:
        try:
            return await self._both.replica.fetch(statement)
        except Exception as failure:
            if isinstance(failure, FhirError) and failure.status == 422:
                raise
            self._both.rest()
            return await self._both.primary.fetch(statement)


async def _place(database: Database, statement: Statement) -> Place:
    timeline, written = (await database.fetch(statement))[0]
    return int(timeline or 0), int(written or 0)

"""The log in PostgreSQL: records that wait together are written together, each connection its own chain."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import asyncpg
from asyncpg.exceptions import PostgresError, QueryCanceledError, UniqueViolationError

from fhirhub import errors
from fhirhub.store import chain as chains
from fhirhub.store import journal, logfile
from fhirhub.store.chain import Chain, Entry, Sealer
from fhirhub.store.database import Reader, Transaction
from fhirhub.store.gathering import Gathering, Told
from fhirhub.store.logfile import LogFile, Pack, Telling
from fhirhub.store.postgresql.connections import AGAIN, LOST, TRIES, Connections
from fhirhub.store.sql import Statement

LOGGED = 256
"""Requests whose records are written by one statement."""
JOURNAL = "the journal of the log"
"""The name that is held by who moves records of a tenant on."""


class Logs:
    """The log outside transactions."""

    def __init__(
        self,
        connections: Connections,
        sealer: Sealer,
        spreading: journal.Spreading,
        start: Callable[[Awaitable[None]], None],
        transaction: Callable[[Callable[[Transaction], Awaitable[Any]]], Awaitable[Any]],
        grouping: bool,
        path: str | None,
    ) -> None:
        """`path` is what the files begin with in which records are on disk first, on this host."""
        self._connections = connections
        self._transaction = transaction
        self._sealer = sealer
        self._spreading = spreading
        self._start = start
        self._grouping = grouping
        self._told: dict[int, Gathering] = {}
        self._log_path = path
        self._log_file: LogFile | None = None
        self._file_told: Telling | None = None
        if path is not None:
            self._log_file = LogFile(path, sealer)
            self._file_told = Telling(self._log_file, self._open_chain, start, spreading.added, _meant)
        self._collecting = asyncio.Lock()

    async def log(self, tenant: int, entries: Sequence[Entry]) -> None:
        if self._file_told is not None:
            await self._file_told.add(tenant, entries)
            return
        told = self._told.get(tenant)
        if told is None:
            most = LOGGED if self._grouping else 1
            told = self._told[tenant] = Gathering(self._tell, self._start, most)
        # A client that leaves cancels its wait: what it waited for stands in the queue by itself.
        await told.add(tenant, entries)

    async def _tell(self, members: list[Told]) -> None:
        """Puts records of one tenant on disk."""
        tenant = members[0].tenant
        try:
            await self._log_group(tenant, [one for member in members for one in member.entries])
        except Exception as failure:
            for member in members:
                # Alone again only after a refusal, which certainly rolled back.
                if len(members) > 1 and isinstance(failure, PostgresError):
                    try:
                        await self._log_group(tenant, member.entries)
                    except Exception as own:
                        member.fail(own)
                    else:
                        member.done()
                else:
                    member.fail(failure)
        else:
            for member in members:
                member.done()

    async def _log_group(self, tenant: int, entries: Sequence[Entry]) -> None:
        """One autocommit statement for all. After a lost answer they are written again, into another chain: rather
        twice than not at all."""
        for attempt in range(TRIES):
            try:
                async with self._connections.one() as connection:
                    own = await self.chains_of(connection, tenant)
                    own[tenant] = await link(connection, self._sealer, own[tenant], entries)
                self._spreading.added(tenant, len(entries))
                return
            except AGAIN:
                await asyncio.sleep(random.random() * 0.01 * 2 ** min(attempt, 5))
            except QueryCanceledError:
                raise errors.transient("The log could not be written in time; try again.") from None
            except LOST:
                await asyncio.sleep(0.05)
        raise errors.transient("The database was lost while the log was written; try again.")

    async def collect(self) -> None:
        path, file, told = self._log_path, self._log_file, self._file_told
        if path is None or file is None or told is None:
            return  # All of it is in the database.
        async with self._collecting:
            file.turn()
            packs = logfile.packs_of(path)

            async def work(unit: Transaction) -> logfile.Heads:
                for tenant in sorted({pack.tenant for pack in packs}):
                    await unit.lock_names(tenant, [JOURNAL])
                heads = await _heads_of(unit, packs)
                for pack in logfile.missing(packs, heads):
                    added = (pack.tenant, pack.chain, pack.number, pack.records, pack.content)
                    await unit.execute(Statement(f"{journal.ADDED} ON CONFLICT DO NOTHING", added))
                    ended = logfile.ends(pack)
                    if ended is not None:
                        await unit.execute(Statement(f"{chains.ENDED} AND number < $3", ended))
                return await _heads_of(unit, packs)

            heads = await self._transaction(work) if packs else {}
            await told.collected(heads)
            # Another database may have its files there too.
            logfile.remove_left(path, heads, others=False)

    async def _open_chain(self, tenant: int) -> Chain:
        opened: Chain = await self._transaction(lambda unit: unit.open_chain(tenant))
        return opened

    async def chains_of(self, connection: asyncpg.Connection[Any], tenant: int) -> dict[int, Chain]:
        """The chains that a connection writes, with one of this tenant among them."""
        own = self._connections.chains.setdefault(connection, {})
        if tenant not in own:
            await connection.execute("BEGIN")
            try:
                chain = await open_chain(connection, self._sealer, tenant)
                await connection.execute("COMMIT")
            except PostgresError:
                await connection.execute("ROLLBACK")
                raise
            own[tenant] = chain
        return own

    def close(self) -> None:
        if self._file_told is not None:
            self._file_told.close()


_LOGGING = (
    "WITH head AS (UPDATE audit_chain SET number = $3, mac = $4, seal = $5 WHERE tenant = $1 AND chain = $2) "
    "INSERT INTO audit_journal (tenant, chain, number, records, content) VALUES ($1, $2, $6, $7, $8)"
)


async def _heads_of(reader: Reader, packs: Sequence[Pack]) -> logfile.Heads:
    """How far their chains are in the database."""
    places = sorted({(pack.tenant, pack.chain) for pack in packs})
    rows = await reader.fetch(
        Statement(
            "SELECT c.tenant, c.chain, c.birth, c.number FROM unnest($1::int4[], $2::int4[]) AS k(tenant, chain) "
            "JOIN audit_chain c ON c.tenant = k.tenant AND c.chain = k.chain",
            ([tenant for tenant, _ in places], [chain for _, chain in places]),
        )
    )
    return {(row[0], row[1]): (bytes(row[2]), int(row[3])) for row in rows}


def _meant(failure: Exception) -> Exception:
    """What a fault of the files of the log means to a caller."""
    return logfile.unwritable() if isinstance(failure, OSError) else failure


async def link(
    connection: asyncpg.Connection[Any], sealer: Sealer, chain: Chain, entries: Sequence[Entry]
) -> Chain:
    """Writes records behind the end of a chain; where that is then."""
    links = sealer.link(chain, entries)
    ended = links.chain
    await connection.execute(
        _LOGGING,
        ended.tenant,
        ended.number,
        ended.last,
        ended.mac,
        links.seal,
        links.first,
        len(entries),
        journal.packed(entries, links),
    )
    return ended


async def spread(connection: asyncpg.Connection[Any], part: journal.Part) -> None:
    """Gives records their rows, inside the transaction under way."""
    await connection.execute("SAVEPOINT spreading")
    try:
        await connection.copy_records_to_table("audit", records=part.rows, columns=journal.ROW)
    except UniqueViolationError:
        # Somebody put a row in its place: it stays, for `audit verify` to name.
        await connection.execute("ROLLBACK TO spreading")
        places = ", ".join(f"${number}" for number in range(1, len(journal.ROW) + 1))
        sql = f"INSERT INTO audit ({', '.join(journal.ROW)}) VALUES ({places}) ON CONFLICT DO NOTHING"
        await connection.executemany(sql, part.rows)
    await connection.execute("RELEASE spreading")


async def open_chain(connection: asyncpg.Connection[Any], sealer: Sealer, tenant: int) -> Chain:
    """A new chain of the tenant, inside the transaction under way."""
    moment = time.time_ns() // 1000
    birth = sealer.of_birth(tenant, chains.REGISTER, moment, b"")
    await connection.execute(chains.REGISTERED, tenant, moment, birth)
    number, before = await connection.fetchrow(chains.LOCKED, tenant) or (0, b"")
    birth = sealer.of_birth(tenant, number, moment, before)
    register = sealer.of_head(Chain(tenant, chains.REGISTER, number, birth))
    await connection.execute(chains.COUNTED, tenant, birth, register)
    opened = Chain(tenant, number, 0, birth)
    await connection.execute(chains.OPENED, tenant, number, moment, birth, sealer.of_head(opened))
    return opened

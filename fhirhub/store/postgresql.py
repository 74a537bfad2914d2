"""The database port on PostgreSQL, by asyncpg: what waits together goes together.

Statements that arrive while one of their shape runs are answered by the next one, in one round trip. A group
changes nothing but speed: its key is the statement's text and the tenant; every member brings its own values
in its own row, and gets its own rows back by its ordinal.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import re
import time
import weakref
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any, TypeVar
from urllib.parse import urlsplit

import asyncpg
import msgspec
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
    QueryCanceledError,
    ReadOnlySQLTransactionError,
    SerializationError,
    UniqueViolationError,
)

from fhirhub import errors, metrics
from fhirhub.store import calling, journal, logfile
from fhirhub.store import chain as chains
from fhirhub.store.chain import Chain, Entry, Sealer
from fhirhub.store.database import Change, Key, Reader, Transaction, Verdict, take_keys, too_costly
from fhirhub.store.gathering import Gathering, Told
from fhirhub.store.index import TABLES
from fhirhub.store.logfile import LogFile, Pack, Telling
from fhirhub.store.sql import Dialect, PostgresqlDialect, Row, Statement
from fhirhub.store.turn import Turn

T = TypeVar("T")

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
MEMBERS = 64
LOGGED = 256
"""Requests whose records are written by one statement."""
STANDBY_SECONDS = 3.0
"""How long a write that was found waits for the standby to have it."""
SILENCE_SECONDS = 2.0
"""How much longer than the statement timeout an answer is waited for."""
TRIES = 12
_CASTS = {
    "text": "text",
    "int": "int4",
    "bigint": "int8",
    "double": "float8",
    "bool": "bool",
    "bytea": "bytea",
}


UNHURRIED_SECONDS = 3600
"""How long work of an administrator on whole tables may take."""


@contextlib.asynccontextmanager
async def _unhurried(connection: asyncpg.Connection[Any]) -> AsyncIterator[None]:
    """Without the limit that statements have for whom somebody waits."""
    await connection.execute("SET statement_timeout = 0")
    try:
        yield
    finally:
        if not connection.is_closed():
            await connection.execute("RESET statement_timeout")


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


class Lane:
    """The queue of one statement shape of one tenant."""

    __slots__ = ("busy", "grouped", "sql", "waiting")

    def __init__(self, sql: str, kinds: Sequence[str]) -> None:
        self.sql = sql
        self.grouped = grouped(sql, tuple(kinds))
        self.waiting: list[tuple[Statement, asyncio.Future[list[Row]]]] = []
        self.busy = False


@lru_cache(maxsize=2000)
def grouped(sql: str, kinds: tuple[str, ...]) -> str:
    """The statement that answers many members at once, from the one that answers one.

    `$1`, the tenant, stays a scalar; `$2`... become columns of the members' rows.
    """
    arrays = ", ".join(f"${n}::{_CASTS[kind]}[]" for n, kind in enumerate(kinds[1:], 2))
    names = ", ".join(f"p{n}" for n in range(2, len(kinds) + 1))
    inner = re.sub(r"\$(\d+)", lambda found: "$1" if found[1] == "1" else f"k.p{found[1]}", sql)
    return (
        f"SELECT s.*, k.ord FROM unnest({arrays}) WITH ORDINALITY AS k({names}, ord) "
        f"CROSS JOIN LATERAL ({inner}) AS s"
    )


class PostgresqlDatabase:
    """`Database` on one PostgreSQL."""

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
        self._connections = Connections(url, connections, statement_timeout_ms, patience_seconds)
        self._patience_seconds = patience_seconds
        self._lanes: dict[tuple[str, int], Lane] = {}
        self._writers: dict[tuple[int, bool], Writers] = {}
        self._told: dict[int, Gathering] = {}
        self.sealer = Sealer()
        self._tasks: set[asyncio.Task[None]] = set()
        self._spreading = journal.Spreading(self.spread, self._start)
        self._grouping = grouping
        self._turn = turn
        self._log_path = log_path
        self._log_file: LogFile | None = None
        self._file_told: Telling | None = None
        if log_path is not None:
            self._log_file = LogFile(log_path, self.sealer)
            self._file_told = Telling(
                self._log_file, self._open_chain, self._start, self._spreading.added, _meant
            )
        self._collecting = asyncio.Lock()

    # --- reading ---

    async def searching(self) -> Reader:
        return self

    async def fetch(self, statement: Statement) -> list[Row]:
        if not statement.together or not self._grouping:
            return await self._fetch_alone(statement)
        key = (statement.sql, statement.values[0])
        lane = self._lanes.get(key)
        if lane is None:
            if len(self._lanes) > 1000:
                self._lanes = {k: known for k, known in self._lanes.items() if known.busy}
            lane = self._lanes[key] = Lane(statement.sql, statement.kinds)
        future: asyncio.Future[list[Row]] = asyncio.get_running_loop().create_future()
        lane.waiting.append((statement, future))
        if not lane.busy:
            lane.busy = True
            self._start(self._drain(lane))
        return await future

    def _start(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _fetch_alone(self, statement: Statement) -> list[Row]:
        for last in (False, True):
            try:
                async with self._connections.one() as connection:
                    return await connection.fetch(statement.sql, *statement.values)
            except QueryCanceledError:
                raise too_costly() from None
            except LOST as failure:
                if last:
                    raise errors.transient(
                        "The database was lost while it was asked; try again."
                    ) from failure
        raise AssertionError

    async def _drain(self, lane: Lane) -> None:
        try:
            while lane.waiting:
                members, lane.waiting = lane.waiting[:MEMBERS], lane.waiting[MEMBERS:]
                await self._answer(lane, members)
        finally:
            lane.busy = False

    async def _answer(self, lane: Lane, members: list[tuple[Statement, asyncio.Future[list[Row]]]]) -> None:
        if len(members) == 1:
            await self._answer_alone(*members[0])
            return
        columns = list(zip(*(statement.values for statement, _ in members), strict=True))
        try:
            async with self._connections.one() as connection:
                rows = await connection.fetch(lane.grouped, columns[0][0], *columns[1:])
        except (errors.FhirError, *LOST, PostgresError):
            # Whatever it was, reading again is safe: only the member at fault gets the error.
            for statement, future in members:
                await self._answer_alone(statement, future)
            return
        metrics.GROUPS.inc()
        metrics.GROUPED.inc(by=len(members))
        answers: list[list[Row]] = [[] for _ in members]
        for row in rows:
            answers[row[-1] - 1].append(row)
        for (_, future), answer in zip(members, answers, strict=True):
            if not future.done():
                future.set_result(answer)

    async def _answer_alone(self, statement: Statement, future: asyncio.Future[list[Row]]) -> None:
        if future.done():
            return
        try:
            rows = await self._fetch_alone(statement)
        except Exception as failure:
            if not future.done():
                future.set_exception(failure)
        else:
            if not future.done():
                future.set_result(rows)

    # --- writing ---

    async def execute(self, statement: Statement) -> int:
        try:
            async with self._connections.one() as connection:
                return touched(await connection.execute(statement.sql, *statement.values))
        except (QueryCanceledError, *LOST) as failure:
            raise errors.transient("The database did not answer in time; try again.") from failure

    async def fill(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        try:
            async with self._connections.one() as connection, _unhurried(connection):
                await connection.copy_records_to_table(
                    table, records=rows, columns=columns, timeout=UNHURRIED_SECONDS
                )
        except (QueryCanceledError, *LOST) as failure:
            raise errors.transient("The database did not answer in time; try again.") from failure

    async def learn(self, tables: Sequence[str]) -> None:
        try:
            async with self._connections.one() as connection, _unhurried(connection):
                for table in tables:
                    await connection.execute(f"VACUUM ANALYZE {table}", timeout=UNHURRIED_SECONDS)
        except LOST as failure:
            raise errors.transient("The database was lost while it was tidied; try again.") from failure

    async def apply(self, tenant: int, change: Change) -> Verdict:
        key = (tenant, change.expected == 0)
        writers = self._writers.get(key)
        if writers is None:
            writers = self._writers[key] = Writers(tenant, change.expected == 0)
        future: asyncio.Future[Verdict] = asyncio.get_running_loop().create_future()
        writers.waiting.append((change, future))
        if not writers.busy:
            writers.busy = True
            self._start(self._drain_writers(writers))
        # A client that leaves cancels its wait, never the write, which stands in the queue by itself.
        return await future

    async def _drain_writers(self, writers: Writers) -> None:
        try:
            while writers.waiting:
                members: list[tuple[Change, asyncio.Future[Verdict]]] = []
                try:
                    async with self._taken(writers):
                        # Taken now, and not before: others may have come while this worker waited.
                        members = writers.take(MEMBERS if self._grouping else 1)
                        verdicts = await self._apply_group(writers.tenant, [change for change, _ in members])
                except Exception as failure:
                    members = members or writers.take(MEMBERS)
                    # Alone again only after a refusal, which certainly rolled back.
                    if len(members) == 1 or not isinstance(failure, PostgresError):
                        for _, future in members:
                            if not future.done():
                                future.set_exception(failure)
                        continue
                    verdicts = []
                    for change, future in members:
                        try:
                            verdict = (await self._apply_group(writers.tenant, [change]))[0]
                        except Exception as own:
                            if not future.done():
                                future.set_exception(own)
                        else:
                            if not future.done():
                                future.set_result(verdict)
                    continue
                for (_, future), verdict in zip(members, verdicts, strict=True):
                    if not future.done():
                        future.set_result(verdict)
        finally:
            writers.busy = False

    def _taken(self, writers: Writers) -> contextlib.AbstractAsyncContextManager[None]:
        if self._turn is None:
            return contextlib.nullcontext()
        return self._turn.taken(2 * writers.tenant + writers.new)

    async def _apply_group(self, tenant: int, changes: list[Change]) -> list[Verdict]:
        """One autocommit statement for all; alone again those of a group that as a whole was refused."""
        done: set[int] = set()
        left = changes
        verdicts: dict[int, Verdict] = {}
        backend: Any = None
        for attempt in range(TRIES):
            try:
                async with self._connections.one() as connection:
                    backend = self._connections.backends[connection]
                    found = await apply(connection, tenant, left, strict=False)
                verdicts = {change.rid: verdict for change, verdict in zip(left, found, strict=True)}
                break
            except AGAIN:
                await asyncio.sleep(random.random() * 0.01 * 2 ** min(attempt, 5))
            except QueryCanceledError:
                raise errors.transient("The write waited too long for others; try again.") from None
            except LOST:
                # The answer was lost, not necessarily the write: nothing runs again before that is known.
                done |= await self._find_written(tenant, left, backend)
                left = [change for change in left if change.rid not in done]
                if not left:
                    break
        else:
            raise errors.transient("Others kept writing the same resources; try again.")
        if len(left) > 1 and Verdict.MISSING in verdicts.values():
            for change in left:
                verdicts[change.rid] = (await self._apply_group(tenant, [change]))[0]
        return [Verdict.DONE if change.rid in done else verdicts[change.rid] for change in changes]

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
                    own = await self._chains_of(connection, tenant)
                    own[tenant] = await log(connection, self.sealer, own[tenant], entries)
                self._spreading.added(tenant, len(entries))
                return
            except AGAIN:
                await asyncio.sleep(random.random() * 0.01 * 2 ** min(attempt, 5))
            except QueryCanceledError:
                raise errors.transient("The log could not be written in time; try again.") from None
            except LOST:
                await asyncio.sleep(0.05)
        raise errors.transient("The database was lost while the log was written; try again.")

    async def spread(self, tenant: int) -> None:
        await self.collect()

        async def work(unit: Transaction) -> None:
            await unit.spread(tenant)

        await self.transaction(work)

    async def _open_chain(self, tenant: int) -> Chain:
        return await self.transaction(lambda unit: unit.open_chain(tenant))

    async def collect(self) -> None:
        path, file, told = self._log_path, self._log_file, self._file_told
        if path is None or file is None or told is None:
            return  # All of it is in the database.
        async with self._collecting:
            file.turn()
            packs = logfile.packs_of(path)

            async def work(unit: Transaction) -> logfile.Heads:
                for tenant in sorted({pack.tenant for pack in packs}):
                    await unit.lock_names(tenant, [_JOURNAL])
                heads = await _heads_of(unit, packs)
                for pack in logfile.missing(packs, heads):
                    added = (pack.tenant, pack.chain, pack.number, pack.records, pack.content)
                    await unit.execute(Statement(f"{journal.ADDED} ON CONFLICT DO NOTHING", added))
                    ended = logfile.ends(pack)
                    if ended is not None:
                        await unit.execute(Statement(f"{chains.ENDED} AND number < $3", ended))
                return await _heads_of(unit, packs)

            heads = await self.transaction(work) if packs else {}
            await told.collected(heads)
            # Another database may have its files there too.
            logfile.remove_left(path, heads, others=False)

    async def _chains_of(self, connection: asyncpg.Connection[Any], tenant: int) -> dict[int, Chain]:
        """The chains that a connection writes, with one of this tenant among them."""
        own = self._connections.chains.setdefault(connection, {})
        if tenant not in own:
            await connection.execute("BEGIN")
            try:
                chain = await open_chain(connection, self.sealer, tenant)
                await connection.execute("COMMIT")
            except PostgresError:
                await connection.execute("ROLLBACK")
                raise
            own[tenant] = chain
        return own

    async def _find_written(self, tenant: int, changes: Sequence[Change], backend: Any) -> set[int]:
        """After a lost answer: the row keys of those changes that are in the database.

        The server process that had the statement may be at it still; it is ended first, so that what is not
        there now will not come later. Raises `transient` where it cannot be known in time.
        """
        loop = asyncio.get_running_loop()
        end = loop.time() + self._patience_seconds
        while True:
            try:
                return await self._look_up(tenant, changes, backend)
            except LOST:
                if loop.time() > end:
                    break
                await asyncio.sleep(0.1)
        raise errors.transient("The database was lost, and with it the outcome of this write.")

    async def _look_up(self, tenant: int, changes: Sequence[Change], backend: Any) -> set[int]:
        async with self._connections.one() as connection:
            if backend is not None:
                await connection.execute(
                    "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
                    "WHERE pid = $1 AND backend_start = $2",
                    *backend,
                )
            rows = await connection.fetch(
                "SELECT k.rid FROM unnest($2::int8[], $3::text[]) AS k(rid, write_id) WHERE EXISTS "
                "(SELECT 1 FROM resource r WHERE r.tenant = $1 AND r.rid = k.rid AND r.write_id = k.write_id) "
                "OR EXISTS (SELECT 1 FROM version v WHERE v.tenant = $1 AND v.rid = k.rid "
                "AND v.write_id = k.write_id)",
                tenant,
                [change.rid for change in changes],
                [change.write_id for change in changes],
            )
            if rows:
                # It is there; whether it is where a synchronous standby has it too, only a commit of one's
                # own tells, which waits for all before it.
                await connection.execute(
                    "SELECT pg_logical_emit_message(true, 'fhirhub', '')", timeout=STANDBY_SECONDS
                )
        return {row[0] for row in rows}

    async def transaction(self, work: Callable[[Transaction], Awaitable[T]], logging: int | None = None) -> T:
        for attempt in range(TRIES):
            unit: PostgresqlTransaction | None = None
            backend: Any = None
            committing = False
            try:
                async with self._connections.one() as connection:
                    backend = self._connections.backends[connection]
                    if logging is not None:
                        await self._chains_of(connection, logging)
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
                if await self._find_written(tenant, changes[-1:], backend):
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
        reads = sum(len(lane.waiting) for lane in self._lanes.values())
        writes = sum(len(writers.waiting) for writers in self._writers.values())
        metrics.CONNECTIONS_AWAITED.set(reads + writes)

    async def close(self) -> None:
        while self._tasks:
            await asyncio.wait(set(self._tasks))
        await self._spreading.close()
        if self._file_told is not None:
            self._file_told.close()
        await self._connections.close()


class Writers:
    """Writes of one tenant that wait: new resources, or versions of existing ones."""

    __slots__ = ("busy", "new", "tenant", "waiting")

    def __init__(self, tenant: int, new: bool) -> None:
        self.tenant = tenant
        self.new = new
        self.waiting: list[tuple[Change, asyncio.Future[Verdict]]] = []
        self.busy = False

    def take(self, most: int) -> list[tuple[Change, asyncio.Future[Verdict]]]:
        """The next group: at most one member for a resource, the rest keeps waiting."""
        taken: list[tuple[Change, asyncio.Future[Verdict]]] = []
        left: list[tuple[Change, asyncio.Future[Verdict]]] = []
        keys: set[Key] = set()
        for member in self.waiting:
            key = (member[0].type, member[0].id)
            if key in keys or len(taken) == most:
                left.append(member)
            else:
                keys.add(key)
                taken.append(member)
        self.waiting = left
        return taken


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
            apply(self._connection, tenant, changes, own, strict=True)
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
                found = await apply(connection, tenant, part, own, strict=True)
                verdicts |= {(c.type, c.id): verdict for c, verdict in zip(part, found, strict=True)}
        return [verdicts[change.type, change.id] for change in changes]

    async def log(self, tenant: int, entries: Sequence[Entry]) -> None:
        connection = await self.free()
        chain = self.chains.get(tenant)
        if chain is None:
            chain = await open_chain(connection, self._sealer, tenant)
        self.chains[tenant] = await log(connection, self._sealer, chain, entries)
        self._spreading.added(tenant, len(entries))

    async def open_chain(self, tenant: int) -> Chain:
        return await open_chain(self._connection, self._sealer, tenant)

    async def spread(self, tenant: int) -> None:
        # One at a time: who waits for another's must not think that there is nothing more.
        await self.lock_names(tenant, [_JOURNAL])
        async for part in journal.parts(self, tenant):
            connection = await self.free()
            for removed in part.removed:
                await connection.execute(journal.REMOVED, *removed)
            await _spread(connection, part)

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
            columns = _columns([change], table)
            await connection.execute(
                f"INSERT INTO {table} SELECT $1, i.* FROM {_unnest(table, 2)}", tenant, *columns
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


# --- the statements that write ---

_HEAD = (
    "rid", "type", "id", "version", "updated", "method", "patient", "write_id", "label", "expected", "body"
)  # fmt: skip
_HEAD_KINDS = ("int8", "text", "text", "int4", "int8", "text", "text", "text", "text", "int4")
_STORED = "rid, type, id, version, updated, deleted, method, patient, write_id, body, label"


def _unnest(table: str, first: int) -> str:
    kinds = ["int8", *(_CASTS[column.kind] for column in TABLES[table].columns)]
    arrays = ", ".join(f"${first + n}::text::{kind}[]" for n, kind in enumerate(kinds))
    names = ", ".join(("rid", *(column.name for column in TABLES[table].columns)))
    return f"unnest({arrays}) AS i({names})"


@lru_cache(maxsize=2000)
def writing(new: bool, strict: bool, tables: tuple[str, ...]) -> str:
    """The one statement that writes a group of changes: heads, superseded versions and index rows.

    All new resources (`new`) or all versions of existing ones. Its row says how many targets were found and
    which rids were written. `strict` leaves out what picks the written among the refused: the transaction
    around it is rolled back when any was refused.
    """
    heads = ", ".join(f"${n}::text::{kind}[]" for n, kind in enumerate(_HEAD_KINDS, 2))
    heads += f", ${1 + len(_HEAD)}::bytea[]"
    first = 2 + len(_HEAD)
    parts = [
        f"m AS MATERIALIZED (SELECT * FROM unnest({heads}) AS m({', '.join(_HEAD)}))",
        # LATERAL with a row lock is never turned round: each target is probed by its key, in key order.
        f"locked AS (SELECT 1 FROM unnest(${first}::text::text[], ${first + 1}::text::text[]) AS w(type, id) "
        "CROSS JOIN LATERAL (SELECT 1 FROM resource r WHERE r.tenant = $1 AND r.type = w.type "
        "AND r.id = w.id AND NOT r.deleted FOR KEY SHARE) AS l)",
        "found AS MATERIALIZED (SELECT count(*) AS n FROM locked)",
    ]
    written = "ANY(ARRAY(SELECT rid FROM made))"
    complete = f"(SELECT n FROM found) = ${first + 2}::int8"
    first += 3
    if new:
        parts.append(
            f"made AS (INSERT INTO resource (tenant, {_STORED}) "
            "SELECT $1, m.rid, m.type, m.id, m.version, m.updated, m.body IS NULL, m.method, m.patient, "
            f"m.write_id, m.body, m.label FROM m WHERE {complete} "
            "ON CONFLICT (tenant, type, id) DO NOTHING RETURNING rid)"
        )
    else:
        parts += [
            "held AS MATERIALIZED (SELECT h.rid FROM (SELECT * FROM m ORDER BY rid) AS m CROSS JOIN LATERAL "
            "(SELECT r.rid FROM resource r WHERE r.tenant = $1 AND r.rid = m.rid AND r.version = m.expected "
            f"FOR NO KEY UPDATE) AS h WHERE {complete})",
            "made AS (UPDATE resource r SET version = m.version, updated = m.updated, "
            "deleted = m.body IS NULL, method = m.method, patient = m.patient, write_id = m.write_id, "
            "body = m.body, label = m.label FROM m WHERE r.tenant = $1 AND r.rid = ANY(ARRAY(SELECT rid FROM held)) "
            "AND r.rid = m.rid AND r.version = m.expected RETURNING r.rid)",
            # Reads the row as it was before this statement: the version that is superseded.
            "kept AS (INSERT INTO version (tenant, rid, type, id, version, updated, until, deleted, method, "
            "patient, write_id, body, label) SELECT $1, r.rid, r.type, r.id, r.version, r.updated, m.updated, "
            "r.deleted, r.method, r.patient, r.write_id, r.body, r.label FROM resource r JOIN m ON m.rid = r.rid "
            f"WHERE r.tenant = $1 AND r.rid = {written})",
        ]
        parts += [
            f"d_{table} AS (DELETE FROM {table} x WHERE x.tenant = $1 AND x.rid = {written})"
            for table in TABLES
        ]
    for table in tables:
        only = "" if strict else f" WHERE i.rid = {written}"
        parts.append(f"i_{table} AS (INSERT INTO {table} SELECT $1, i.* FROM {_unnest(table, first)}{only})")
        first += 1 + len(TABLES[table].columns)
    return f"WITH {', '.join(parts)} SELECT (SELECT n FROM found), ARRAY(SELECT rid FROM made)"


def array(values: Sequence[Any]) -> str:
    """The values as PostgreSQL writes an array
    (https://www.postgresql.org/docs/15/arrays.html#ARRAYS-INPUT).

    It is JSON in braces, but for control characters and infinite numbers. Written as a whole it costs a
    tenth of what the driver takes to pack the elements one by one.
    """
    text = _encode(values)[1:-1].decode()
    if "\\" in text:
        text = ",".join(["NULL" if v is None else f'"{_escape(_ESCAPED, v)}"' for v in values])
    return f"{{{text}}}"


def _numbers(values: Sequence[float | None]) -> str:
    """The same for floating-point numbers, of which JSON has no infinite ones."""
    return f"{{{','.join(['NULL' if v is None else str(v) for v in values])}}}"


_encode = msgspec.json.Encoder().encode
_escape = re.compile(r'["\\]').sub
_ESCAPED = r"\\\g<0>"


def _columns(changes: Sequence[Change], table: str) -> list[str]:
    """The arrays of a table's rows: rid, then each column."""
    rids: list[int] = []
    rows: list[tuple[Any, ...]] = []
    for change in changes:
        found = change.rows.get(table)
        if found:
            rids += [change.rid] * len(found)
            rows += found
    return [
        array(rids),
        *(
            (_numbers if column.kind == "double" else array)(values)
            for column, values in zip(TABLES[table].columns, zip(*rows, strict=True), strict=True)
        ),
    ]


async def apply(
    connection: asyncpg.Connection[Any],
    tenant: int,
    changes: Sequence[Change],
    own: frozenset[Key] = frozenset(),
    *,
    strict: bool,
) -> list[Verdict]:
    """Writes changes of one kind (all new, or none) by one statement. What they refer to in `own` need not be there
    yet."""
    new = changes[0].expected == 0
    referred: set[Key] = set().union(*[change.targets for change in changes])
    if strict and new:
        referred.difference_update([(change.type, change.id) for change in changes])
    targets = sorted(referred - own if own else referred)
    tables = tuple(table for table in TABLES if any(change.rows.get(table) for change in changes))
    values: list[Any] = [
        array([c.rid for c in changes]),
        array([c.type for c in changes]),
        array([c.id for c in changes]),
        array([c.version for c in changes]),
        array([c.updated for c in changes]),
        array([c.method for c in changes]),
        array([c.patient for c in changes]),
        array([c.write_id for c in changes]),
        array([c.label for c in changes]),
        array([c.expected for c in changes]),
        [c.body for c in changes],
        array([target[0] for target in targets]),
        array([target[1] for target in targets]),
        len(targets),
    ]
    for table in tables:
        values += _columns(changes, table)
    row = await connection.fetchrow(writing(new, strict, tables), tenant, *values)
    assert row is not None
    if row[0] != len(targets):
        return [Verdict.MISSING for _ in changes]
    made = set(row[1])
    return [Verdict.DONE if change.rid in made else Verdict.CONFLICT for change in changes]


# --- the log ---


_LOGGING = (
    "WITH head AS (UPDATE audit_chain SET number = $3, mac = $4, seal = $5 WHERE tenant = $1 AND chain = $2) "
    "INSERT INTO audit_journal (tenant, chain, number, records, content) VALUES ($1, $2, $6, $7, $8)"
)


_JOURNAL = "the journal of the log"
"""The name that is held by who moves records of a tenant on."""


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


async def log(
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


async def _spread(connection: asyncpg.Connection[Any], part: journal.Part) -> None:
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


def touched(status: str) -> int:
    """The number of rows in a command tag such as `UPDATE 3`."""
    last = status.rsplit(" ", 1)[-1]
    return int(last) if last.isdigit() else 0

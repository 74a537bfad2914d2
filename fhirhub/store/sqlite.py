"""The database port on SQLite: short reads in the event loop, one writer that commits in groups.

WAL, `synchronous=FULL`, `BEGIN IMMEDIATE`. Several processes may serve one file: a lock file beside it, held
only while a transaction runs, lets writers of all processes take turns without polling.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import fcntl
import json
import os
import re
import sqlite3
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache, lru_cache
from typing import Any, NamedTuple, TypeVar

from fhirhub import errors, metrics
from fhirhub.store import chain as chains
from fhirhub.store import journal, logfile
from fhirhub.store.chain import Chain, Entry, Sealer
from fhirhub.store.database import Change, Key, Reader, Transaction, Verdict, take_keys, too_costly
from fhirhub.store.index import TABLES
from fhirhub.store.logfile import LogFile, Telling
from fhirhub.store.sql import Dialect, Row, SqliteDialect, Statement

T = TypeVar("T")
_Member = tuple[int, Change, "asyncio.Future[Verdict]"]
"""A change that waits to be written: its tenant, itself, and who waits for its verdict."""

MEMBERS = 128
UNITS = 32
"""Transactions that are committed together, at the most."""
UNITS_SECONDS = 0.05
"""After so long no other joins those that wait for their commit."""
SHORT_SECONDS = 0.02
"""A read that takes longer leaves the event loop and runs in a thread."""
STEPS = 2_000
"""Virtual machine instructions between two looks at the clock."""


@lru_cache(maxsize=4000)
def numbered(sql: str) -> str:
    """`$3` as SQLite's `?3`."""
    return re.sub(r"\$(\d+)", r"?\1", sql)


def bound(statement: Statement) -> tuple[Any, ...]:
    """The values as SQLite takes them: arrays as JSON."""
    values = statement.values
    for value in values:
        if value.__class__ is list or value.__class__ is tuple:
            return tuple(json.dumps(v) if isinstance(v, (list, tuple)) else v for v in values)
    return values


def connect(path: str, *, write: bool) -> sqlite3.Connection:
    """A connection with the settings this store relies on."""
    connection = sqlite3.connect(
        path, isolation_level=None, check_same_thread=False, timeout=30, cached_statements=1000
    )
    connection.execute("PRAGMA journal_mode = WAL").fetchone()
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA cache_size = -32000")
    connection.execute("PRAGMA temp_store = MEMORY")
    connection.execute("PRAGMA mmap_size = 1073741824").fetchone()
    connection.execute("PRAGMA wal_autocheckpoint = 4000").fetchone()
    if not write:
        connection.execute("PRAGMA query_only = ON")
    return connection


def in_use(path: str) -> int:
    """The file whose lock, shared by all who have the database open, keeps it from being replaced."""
    return os.open(f"{path}-use", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


class _Unit(NamedTuple):
    """Work that waits for a transaction."""

    work: Callable[[Transaction], Awaitable[Any]]
    future: asyncio.Future[Any]
    context: contextvars.Context

    def fail(self, failure: BaseException) -> None:
        if self.future.done():
            return
        if isinstance(failure, sqlite3.Error):
            meant = _meant(failure)
            meant.__cause__ = failure if meant is not failure else None
            failure = meant
        self.future.set_exception(failure)


async def _run(work: Callable[[Transaction], Awaitable[T]], transaction: Transaction) -> T:
    return await work(transaction)


class SqliteDatabase:
    """`Database` on one SQLite file."""

    def __init__(self, path: str, statement_timeout_ms: int = 10_000) -> None:
        self.dialect: Dialect = SqliteDialect()
        self._path = path
        self._timeout_seconds = statement_timeout_ms / 1000
        self.sealer = Sealer()
        self._log_file = LogFile(path, self.sealer)
        self._reader = connect(path, write=False)
        self._deadline = 0.0
        self._reader.set_progress_handler(self._too_late, STEPS)
        self._writer = connect(path, write=True)
        self._turn = os.open(f"{path}-turn", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._in_use = in_use(path)
        fcntl.flock(self._in_use, fcntl.LOCK_SH)
        self._thread = ThreadPoolExecutor(1, "fhirhub-writer")
        self._slow = ThreadPoolExecutor(2, "fhirhub-reader")
        self._alone = asyncio.Lock()
        self._waiting: deque[_Member] = deque()
        self._chains: dict[int, Chain] = {}
        """The chains of the log that the writing connection writes, by tenant, as committed."""
        self._open: dict[int, Chain] = {}
        """The same as the transaction under way leaves them."""
        self._busy = False
        self._units: deque[_Unit] = deque()
        self._commits = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._spreading = journal.Spreading(self.spread, self._start)
        self._told = Telling(self._log_file, self._open_chain, self._start, self._spreading.added, _meant)
        self._collecting = asyncio.Lock()

    # --- reading ---

    @property
    def goes_ahead(self) -> bool:
        return False

    async def searching(self) -> Reader:
        return self

    def _too_late(self) -> bool:
        return time.monotonic() > self._deadline

    async def fetch(self, statement: Statement) -> list[Row]:
        self._deadline = time.monotonic() + SHORT_SECONDS
        try:
            return self._reader.execute(numbered(statement.sql), bound(statement)).fetchall()
        except sqlite3.OperationalError as failure:
            if "interrupted" not in str(failure):
                raise _meant(failure) from failure
        return await asyncio.get_running_loop().run_in_executor(self._slow, self._fetch_slowly, statement)

    def _fetch_slowly(self, statement: Statement) -> list[Row]:
        connection = connect(self._path, write=False)
        end = time.monotonic() + self._timeout_seconds
        connection.set_progress_handler(lambda: time.monotonic() > end, STEPS)
        try:
            return connection.execute(numbered(statement.sql), bound(statement)).fetchall()
        except sqlite3.OperationalError as failure:
            raise too_costly() if "interrupted" in str(failure) else _meant(failure) from failure
        finally:
            connection.close()

    # --- writing ---

    async def execute(self, statement: Statement) -> int:
        async def work(unit: Transaction) -> int:
            return await unit.execute(statement)

        return await self.transaction(work)

    async def log(self, tenant: int, entries: Sequence[Entry]) -> None:
        # A client that leaves cancels its wait: what it waited for stands in the queue by itself.
        await self._told.add(tenant, entries)

    async def spread(self, tenant: int) -> None:
        await self.collect()
        # Read here: a thread would have to wait for the interpreter's lock at every row.
        async for part in journal.parts(self, tenant):
            async with self._alone:
                await asyncio.get_running_loop().run_in_executor(self._thread, self._spread, part)

    async def _open_chain(self, tenant: int) -> Chain:
        return await self.transaction(lambda unit: unit.open_chain(tenant))

    async def collect(self) -> None:
        loop = asyncio.get_running_loop()
        async with self._collecting:
            self._log_file.turn()
            async with self._alone:
                await loop.run_in_executor(self._thread, self._collect)
            heads = logfile.heads_of(self._reader)
            await self._told.collected(heads)
            logfile.remove_left(self._path, heads)

    def _collect(self) -> None:
        with self._one_transaction():
            _collect(self._writer, self._path)

    def _spread(self, part: journal.Part) -> None:
        # Where another process was first, the rows are there already.
        with self._one_transaction():
            _spread(self._writer, part)

    def _start(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def apply(self, tenant: int, change: Change) -> Verdict:
        future: asyncio.Future[Verdict] = asyncio.get_running_loop().create_future()
        self._waiting.append((tenant, change, future))
        if not self._busy:
            self._busy = True
            self._start(self._drain())
        # A client that leaves cancels its wait: what it waited for stands in the queue by itself.
        return await future

    async def _drain(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while self._waiting:
                async with self._alone:
                    members, outcomes = await loop.run_in_executor(self._thread, self._write_waiting)
                for (_, _, future), outcome in zip(members, outcomes, strict=True):
                    if future.done():
                        continue
                    if isinstance(outcome, Verdict):
                        future.set_result(outcome)
                    else:
                        future.set_exception(outcome)
        finally:
            self._busy = False

    def _write_waiting(self) -> tuple[list[_Member], list[Verdict | Exception]]:
        """One transaction for all who wait when it is this process's turn, not when it began to wait for it;
        one each if that fails."""
        members: list[_Member] = []
        try:
            with self._one_transaction():
                members = self._take()
                return members, [*self._write_all(members)]
        except Exception as failure:
            members = members or self._take()
            if len(members) == 1:
                return members, [_meant(failure)]
        return members, [self._write_alone(member) for member in members]

    def _write_all(self, members: Sequence[_Member]) -> list[Verdict]:
        return _apply(self._writer, [(tenant, change) for tenant, change, _ in members])

    def _take(self) -> list[_Member]:
        """The next group. The event loop may add to those who wait meanwhile."""
        return [self._waiting.popleft() for _ in range(min(len(self._waiting), MEMBERS))]

    def _write_alone(self, member: _Member) -> Verdict | Exception:
        try:
            with self._one_transaction():
                return self._write_all([member])[0]
        except Exception as failure:
            return _meant(failure)

    @contextlib.contextmanager
    def _one_transaction(self) -> Iterator[None]:
        self._begin()
        try:
            yield
            self._commit()
        except BaseException:
            self._undo()
            raise

    def _begin(self) -> None:
        fcntl.flock(self._turn, fcntl.LOCK_EX)
        try:
            self._writer.execute("BEGIN IMMEDIATE")
        except BaseException:
            self._undo()
            raise
        self._open = dict(self._chains)

    def _commit(self) -> None:
        """Whoever it raises for has it undone."""
        self._writer.execute("COMMIT")
        self._chains = self._open
        fcntl.flock(self._turn, fcntl.LOCK_UN)

    def _undo(self) -> None:
        """After a failure nothing of the transaction is left, whatever SQLite did by itself."""
        try:
            if self._writer.in_transaction:
                self._writer.execute("ROLLBACK")
        finally:
            fcntl.flock(self._turn, fcntl.LOCK_UN)

    async def transaction(self, work: Callable[[Transaction], Awaitable[T]], logging: int | None = None) -> T:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._units.append(_Unit(work, future, contextvars.copy_context()))
        if not self._commits:
            self._commits = True
            self._start(self._drain_units())
        # A client that leaves cancels its wait: what it waited for stands in the queue by itself.
        return await future

    async def _drain_units(self) -> None:
        try:
            while self._units:
                async with self._alone:
                    await self._run_units()
        finally:
            self._commits = False

    async def _run_units(self) -> None:
        """One commit for units that run one after the other, each of which may fail alone."""
        loop = asyncio.get_running_loop()
        done: list[tuple[_Unit, Any]] = []
        try:
            await loop.run_in_executor(self._thread, self._begin)
        except BaseException as failure:
            self._units.popleft().fail(failure)
            return
        end = time.monotonic() + UNITS_SECONDS
        try:
            while self._units and (not done or (len(done) < UNITS and time.monotonic() < end)):
                unit = self._units.popleft()
                if unit.future.cancelled():
                    continue  # Who asked left before it began.
                try:
                    done.append((unit, await self._run_unit(unit)))
                except BaseException as failure:
                    unit.fail(failure)
                    if not self._writer.in_transaction:
                        raise
            await loop.run_in_executor(self._thread, self._commit)
        except BaseException as failure:
            try:
                await loop.run_in_executor(self._thread, self._undo)
            finally:
                for unit, _ in done:
                    unit.fail(failure)
        else:
            for unit, result in done:
                if not unit.future.done():
                    unit.future.set_result(result)

    async def _run_unit(self, unit: _Unit) -> Any:
        """What a unit gives; all it did is undone where it fails."""
        known = dict(self._open)
        self._writer.execute("SAVEPOINT unit")
        try:
            # In a task of its own, with what its caller knows (the request's id in the log).
            transaction = SqliteTransaction(
                self._writer, self._path, self._timeout_seconds, self.sealer, self._open, self._spreading
            )
            result = await asyncio.get_running_loop().create_task(
                _run(unit.work, transaction), context=unit.context
            )
        except BaseException:
            if self._writer.in_transaction:
                self._writer.execute("ROLLBACK TO unit")
                self._writer.execute("RELEASE unit")
            self._open.clear()
            self._open.update(known)
            raise
        self._writer.execute("RELEASE unit")
        return result

    async def fill(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        def insert() -> None:
            places = ", ".join("?" * len(columns))
            with self._one_transaction():
                self._writer.executemany(
                    f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({places})", rows
                )

        async with self._alone:
            try:
                await asyncio.get_running_loop().run_in_executor(self._thread, insert)
            except sqlite3.Error as failure:
                raise _meant(failure) from failure

    async def learn(self, tables: Sequence[str]) -> None:
        """Nothing to do: statements here say which index they go by."""

    async def take_keys(self, tenant: int, count: int) -> int:
        async def work(unit: Transaction) -> int:
            rows = await unit.fetch(take_keys(tenant, count))
            return int(rows[0][0])

        return await self.transaction(work)

    async def durability(self) -> dict[str, str]:
        levels = {0: "OFF", 1: "NORMAL", 2: "FULL", 3: "EXTRA"}
        mode = self._writer.execute("PRAGMA journal_mode").fetchone()[0]
        level = self._writer.execute("PRAGMA synchronous").fetchone()[0]
        return {"journal_mode": str(mode), "synchronous": levels[level]}

    async def call(self, text: str) -> None:
        """Other processes look for themselves."""

    def listen(self, heard: Callable[[str], None]) -> None:
        return None

    async def measure(self) -> None:
        metrics.WAL_BYTES.set(_size(f"{self._path}-wal"))

    async def close(self) -> None:
        while self._tasks:
            await asyncio.wait(set(self._tasks))
        await self._spreading.close()
        self._thread.shutdown()
        self._slow.shutdown()
        self._reader.close()
        self._writer.close()
        self._told.close()
        os.close(self._turn)
        os.close(self._in_use)


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size
    except FileNotFoundError:
        return 0


class SqliteTransaction:
    """`Transaction` on the writing connection, which nobody else uses meanwhile."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        path: str,
        timeout_seconds: float,
        sealer: Sealer,
        chains: dict[int, Chain],
        spreading: journal.Spreading,
    ) -> None:
        self.dialect: Dialect = SqliteDialect()
        self._connection = connection
        self._path = path
        self._timeout_seconds = timeout_seconds
        self._sealer = sealer
        self._chains = chains
        self._spreading = spreading

    async def fetch(self, statement: Statement) -> list[Row]:
        end = time.monotonic() + self._timeout_seconds
        self._connection.set_progress_handler(lambda: time.monotonic() > end, STEPS)
        try:
            return self._connection.execute(numbered(statement.sql), bound(statement)).fetchall()
        except sqlite3.OperationalError as failure:
            raise too_costly() if "interrupted" in str(failure) else _meant(failure) from failure
        finally:
            self._connection.set_progress_handler(None, 0)

    async def execute(self, statement: Statement) -> int:
        return self._connection.execute(numbered(statement.sql), bound(statement)).rowcount

    async def apply(
        self, tenant: int, changes: Sequence[Change], own: frozenset[Key] = frozenset()
    ) -> list[Verdict]:
        made = own | {(change.type, change.id) for change in changes if change.body is not None}
        return _apply(self._connection, [(tenant, change) for change in changes], made)

    def ahead(
        self, tenant: int, changes: Sequence[Change], own: frozenset[Key]
    ) -> Awaitable[list[Verdict]] | None:
        """Nothing: the database works in this process, not beside it."""
        return None

    async def log(self, tenant: int, entries: Sequence[Entry]) -> None:
        _log(self._connection, self._sealer, self._chains, tenant, entries)
        self._spreading.added(tenant, len(entries))

    async def spread(self, tenant: int) -> None:
        _collect(self._connection, self._path)
        async for part in journal.parts(self, tenant):
            _spread(self._connection, part)

    async def open_chain(self, tenant: int) -> Chain:
        return _open_chain(self._connection, self._sealer, tenant)

    async def amend(self, tenant: int, change: Change) -> None:
        self._connection.execute(
            "UPDATE resource SET body = ?3, patient = ?4, label = ?5 WHERE tenant = ?1 AND rid = ?2",
            (tenant, change.rid, change.body, change.patient, change.label),
        )
        _unindex(self._connection, tenant, change.rid)
        _Rows(self._connection).add(tenant, change).insert()

    async def lock_names(self, tenant: int, names: Iterable[str]) -> None:
        """Nothing to do: whoever is in a transaction is alone."""

    async def lock_rows(self, tenant: int, keys: Iterable[Key]) -> None:
        """Nothing to do: whoever is in a transaction is alone."""


# --- the statements that write ---


class _Rows:
    """Index rows of several changes, inserted many at once: each statement costs a look at the interpreter's
    lock, which the event loop wants too."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._values: dict[str, list[Any]] = {}
        self._rids: set[tuple[int, int]] = set()

    def add(self, tenant: int, change: Change) -> _Rows:
        rid = change.rid
        for table, rows in change.rows.items():
            values = self._values.setdefault(table, [])
            for row in rows:
                values += (tenant, rid, *row)
        self._rids.add((tenant, rid))
        return self

    def has(self, tenant: int, rid: int) -> bool:
        """Whether rows of that resource wait here."""
        return (tenant, rid) in self._rids

    def insert(self) -> None:
        for table, values in self._values.items():
            _insert(self._connection, table, 2 + len(TABLES[table].columns), values, MOST_ROWS)
        self._values.clear()
        self._rids.clear()


MOST_ROWS = 64
MOST_RECORDS = 1024
"""Of the log, in one statement."""


def _insert(connection: sqlite3.Connection, table: str, width: int, values: list[Any], most: int) -> None:
    """Inserts rows of so many values each, those that are not there."""
    start, left = 0, len(values) // width
    while left:
        # Powers of two: few statements to prepare, whatever comes.
        count = min(most, 1 << left.bit_length() - 1)
        end = start + count * width
        connection.execute(_inserting(table, width, count), values[start:end])
        start, left = end, left - count


@cache
def _inserting(table: str, width: int, count: int) -> str:
    row = f"({', '.join('?' * width)})"
    return f"INSERT OR IGNORE INTO {table} VALUES {', '.join([row] * count)}"


def _unindex(connection: sqlite3.Connection, tenant: int, rid: int) -> None:
    for table in TABLES:
        connection.execute(f"DELETE FROM {table} WHERE tenant = ? AND rid = ?", (tenant, rid))


def _present(connection: sqlite3.Connection, tenant: int, keys: Iterable[Key]) -> set[Key]:
    """Those resources that are there."""
    by_type: dict[str, list[str]] = {}
    for type, id in keys:
        by_type.setdefault(type, []).append(id)
    return {
        (type, id)
        for type, ids in by_type.items()
        for (id,) in connection.execute(
            "SELECT r.id FROM json_each(?3) k CROSS JOIN resource r INDEXED BY resource_id "
            "WHERE r.tenant = ?1 AND r.type = ?2 AND r.id = k.value AND NOT r.deleted",
            (tenant, type, json.dumps(ids)),
        )
    }


def _apply(
    connection: sqlite3.Connection, changes: Sequence[tuple[int, Change]], own: Iterable[Key] = ()
) -> list[Verdict]:
    """Writes the changes of tenants in their order; `own` may be referred to before it is there."""
    wanted: dict[int, set[Key]] = {}
    for tenant, change in changes:
        wanted.setdefault(tenant, set()).update(change.targets)
    gone = {(change.type, change.id) for _, change in changes if change.body is None}
    there = {
        tenant: (_present(connection, tenant, keys.difference(own)) - gone).union(own)
        for tenant, keys in wanted.items()
    }
    rows = _Rows(connection)
    verdicts = [_write(connection, tenant, change, there[tenant], rows) for tenant, change in changes]
    rows.insert()
    return verdicts


def _write(
    connection: sqlite3.Connection, tenant: int, change: Change, there: set[Key], rows: _Rows
) -> Verdict:
    """Checks, then writes: a verdict other than DONE has touched nothing."""
    for target in change.targets - there:
        # A change before this one may have made it.
        if not _present(connection, tenant, [target]):
            return Verdict.MISSING
    c = change
    if c.expected == 0:
        made = connection.execute(
            "INSERT INTO resource (tenant, rid, type, id, version, updated, deleted, method, patient, write_id,"
            " body, label) VALUES (?,?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT (tenant, type, id) DO NOTHING",
            (tenant, c.rid, c.type, c.id, c.version, c.updated, c.body is None, c.method, c.patient,
             c.write_id, c.body, c.label),
        )  # fmt: skip
        if made.rowcount == 0:
            return Verdict.CONFLICT
    else:
        kept = connection.execute(
            "INSERT INTO version (tenant, rid, type, id, version, updated, until, deleted, method, patient,"
            " write_id, body, label) SELECT tenant, rid, type, id, version, updated, ?4, deleted, method, patient,"
            " write_id, body, label FROM resource WHERE tenant = ?1 AND rid = ?2 AND version = ?3",
            (tenant, c.rid, c.expected, c.updated),
        )
        if kept.rowcount == 0:
            return Verdict.CONFLICT
        connection.execute(
            "UPDATE resource SET version = ?, updated = ?, deleted = ?, method = ?, patient = ?, write_id = ?,"
            " body = ?, label = ? WHERE tenant = ? AND rid = ?",
            (
                c.version,
                c.updated,
                c.body is None,
                c.method,
                c.patient,
                c.write_id,
                c.body,
                c.label,
                tenant,
                c.rid,
            ),
        )
        if rows.has(tenant, c.rid):
            rows.insert()
        _unindex(connection, tenant, c.rid)
    rows.add(tenant, c)
    return Verdict.DONE


_ADDED = numbered(journal.ADDED)


def _log(
    connection: sqlite3.Connection,
    sealer: Sealer,
    known: dict[int, Chain],
    tenant: int,
    entries: Sequence[Entry],
) -> None:
    """Writes records behind the end of the tenant's chain among those known, which moves on."""
    chain = known.get(tenant) or _open_chain(connection, sealer, tenant)
    links = sealer.link(chain, entries)
    ended = links.chain
    content = journal.packed(entries, links)
    connection.execute(_ADDED, (tenant, ended.number, links.first, len(entries), content))
    connection.execute(numbered(chains.ENDED), (tenant, ended.number, ended.last, ended.mac, links.seal))
    known[tenant] = ended


_REMOVED = numbered(journal.REMOVED)


def _collect(connection: sqlite3.Connection, path: str) -> None:
    """Brings into the database what waits in the files beside it, inside the transaction under way."""
    for pack in logfile.missing(logfile.packs_of(path), logfile.heads_of(connection)):
        added = (pack.tenant, pack.chain, pack.number, pack.records, pack.content)
        connection.execute(f"{_ADDED} ON CONFLICT DO NOTHING", added)
        ended = logfile.ends(pack)
        if ended is not None:
            connection.execute(_AHEAD, ended)


def _spread(connection: sqlite3.Connection, part: journal.Part) -> None:
    """Gives records their rows, inside the transaction under way."""
    for one in part.removed:
        connection.execute(_REMOVED, one)
    values = [value for row in part.rows for value in row]
    _insert(connection, f"audit ({', '.join(journal.ROW)})", len(journal.ROW), values, MOST_RECORDS)


_AHEAD = numbered(f"{chains.ENDED} AND number < $3")


def _open_chain(connection: sqlite3.Connection, sealer: Sealer, tenant: int) -> Chain:
    """A new chain of the tenant, inside the transaction under way."""
    moment = time.time_ns() // 1000
    birth = sealer.of_birth(tenant, chains.REGISTER, moment, b"")
    connection.execute(numbered(chains.REGISTERED), (tenant, moment, birth))
    number, before = connection.execute(numbered(chains.LOCKED), (tenant,)).fetchone()
    birth = sealer.of_birth(tenant, number, moment, before)
    register = sealer.of_head(Chain(tenant, chains.REGISTER, number, birth))
    connection.execute(numbered(chains.COUNTED), (tenant, birth, register))
    opened = Chain(tenant, number, 0, birth)
    connection.execute(numbered(chains.OPENED), (tenant, number, moment, birth, sealer.of_head(opened)))
    return opened


def _meant(failure: Exception) -> Exception:
    """What a fault of SQLite means to a caller."""
    text = str(failure)
    if isinstance(failure, OSError):
        return logfile.unwritable()
    if isinstance(failure, sqlite3.OperationalError):
        if "locked" in text or "busy" in text:
            return errors.lock_error("The database is being written by others; try again.")
        if "full" in text or "readonly" in text:
            return errors.no_store("The database has no room, or may not be written.")
    return failure

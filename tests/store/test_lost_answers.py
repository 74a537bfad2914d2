"""When the answer to a commit is lost, nothing is written twice and nothing that was acknowledged is missing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import pytest
import pytest_asyncio

from fhirhub.errors import FhirError
from fhirhub.store.database import Transaction, Verdict
from fhirhub.store.postgresql.database import PostgresqlDatabase
from fhirhub.store.sql import Statement
from tests.postgres import PostgresServer
from tests.store.test_database import change, rows


class Wire:
    """A relay before PostgreSQL that can be cut between what is sent and what is answered."""

    def __init__(self, host: str, port: int) -> None:
        self.target = (host, port)
        self.cut_at: bytes | None = None
        """Once the client sends this, it is passed on and the answer is swallowed."""
        self.closed = False
        self.silent = False
        """Once set, nothing passes any more, and nothing is closed."""
        self.cuts = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._ends: list[asyncio.StreamWriter] = []

    async def start(self) -> int:
        self.server = await asyncio.start_server(self._relay, "127.0.0.1", 0)
        return int(self.server.sockets[0].getsockname()[1])

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.closed:
            writer.close()
            return
        up_reader, up_writer = await asyncio.open_connection(*self.target)
        self._ends += [writer, up_writer]
        swallow = asyncio.Event()

        async def down() -> None:
            while data := await up_reader.read(65536):
                if swallow.is_set() or self.silent:
                    continue
                writer.write(data)
                await writer.drain()
            writer.close()

        task = asyncio.get_running_loop().create_task(down())
        self._tasks.add(task)
        try:
            while data := await reader.read(1 << 20):
                if self.silent:
                    continue
                if self.cut_at is not None and self.cut_at in data:
                    self.cut_at = None
                    self.cuts += 1
                    swallow.set()
                    up_writer.write(data)
                    await up_writer.drain()
                    # Long enough for the server to have committed.
                    await asyncio.sleep(0.3)
                    writer.transport.abort()
                    break
                up_writer.write(data)
                await up_writer.drain()
        finally:
            up_writer.close()

    async def stop(self) -> None:
        self.server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for end in self._ends:
            end.transport.abort()
        await asyncio.sleep(0.05)


@pytest_asyncio.fixture
async def wire(postgresql_url: str) -> AsyncIterator[Wire]:
    parts = urlsplit(postgresql_url)
    made = Wire(parts.hostname or "", parts.port or 0)
    await made.start()
    yield made
    await made.stop()


@pytest_asyncio.fixture
async def cut(wire: Wire, postgresql_url: str) -> AsyncIterator[PostgresqlDatabase]:
    """The database behind the wire."""
    parts = urlsplit(postgresql_url)
    port = wire.server.sockets[0].getsockname()[1]
    database = PostgresqlDatabase(
        f"postgresql://{parts.username}@127.0.0.1:{port}{parts.path}", patience_seconds=1.0
    )
    yield database
    await database.close()


async def test_a_create_whose_answer_is_lost_is_done_once(cut: PostgresqlDatabase, wire: Wire) -> None:
    await cut.apply(1, change(1))
    wire.cut_at = b"uncertain"
    assert await cut.apply(1, change(2, write_id="uncertain")) is Verdict.DONE
    assert wire.cuts == 1
    assert await rows(cut, "SELECT rid FROM token WHERE tenant = $1 ORDER BY rid", 1) == [(1,), (2,)]


async def test_an_update_whose_answer_is_lost_is_done_once(cut: PostgresqlDatabase, wire: Wire) -> None:
    await cut.apply(1, change(1))
    wire.cut_at = b"uncertain"
    assert await cut.apply(1, change(1, version=2, write_id="uncertain")) is Verdict.DONE
    assert wire.cuts == 1
    assert await rows(cut, "SELECT version FROM version WHERE tenant = $1", 1) == [(1,)]
    assert await rows(cut, "SELECT code FROM token WHERE tenant = $1", 1) == [("v2",)]


async def test_a_transaction_whose_commit_is_not_answered_is_not_run_again(
    cut: PostgresqlDatabase, wire: Wire
) -> None:
    runs = 0

    async def work(unit: Transaction) -> str:
        nonlocal runs
        runs += 1
        assert await unit.apply(1, [change(1), change(2)]) == [Verdict.DONE, Verdict.DONE]
        wire.cut_at = b"COMMIT"
        return "done"

    assert await cut.transaction(work) == "done"
    assert (runs, wire.cuts) == (1, 1)
    assert await rows(cut, "SELECT rid FROM resource WHERE tenant = $1 ORDER BY rid", 1) == [(1,), (2,)]


async def test_a_transaction_lost_before_its_commit_is_run_again(cut: PostgresqlDatabase, wire: Wire) -> None:
    runs = 0

    async def work(unit: Transaction) -> str:
        nonlocal runs
        runs += 1
        await unit.apply(1, [change(1)])
        if runs == 1:
            wire.cut_at = b"SELECT 42"
            await unit.fetch(Statement("SELECT 42"))
        return "done"

    assert await cut.transaction(work) == "done"
    assert (runs, wire.cuts) == (2, 1)
    assert await rows(cut, "SELECT rid FROM token WHERE tenant = $1", 1) == [(1,)]


async def test_a_transaction_lost_while_it_goes_ahead_is_run_again(
    cut: PostgresqlDatabase, wire: Wire
) -> None:
    runs = 0

    async def work(unit: Transaction) -> str:
        nonlocal runs
        runs += 1
        wire.cut_at = b"uncertain" if runs == 1 else None
        verdicts = unit.ahead(1, [change(1, write_id="uncertain")], frozenset())
        assert verdicts is not None
        assert unit.ahead(1, [change(2)], frozenset()) is None  # One at a time.
        assert await unit.apply(1, [change(2)]) == [Verdict.DONE]
        assert await verdicts == [Verdict.DONE]
        return "done"

    assert await cut.transaction(work) == "done"
    assert (runs, wire.cuts) == (2, 1)
    assert await rows(cut, "SELECT rid FROM token WHERE tenant = $1 ORDER BY rid", 1) == [(1,), (2,)]


async def test_an_outcome_that_cannot_be_known_in_time_is_transient(
    cut: PostgresqlDatabase, wire: Wire
) -> None:
    await cut.apply(1, change(1))
    wire.cut_at = b"uncertain"
    wire.closed = True
    with pytest.raises(FhirError) as refused:
        await cut.apply(1, change(2, write_id="uncertain"))
    assert (refused.value.status, refused.value.issues[0].code) == (503, "transient")
    assert int(refused.value.headers["Retry-After"]) > 0


async def test_a_database_that_falls_silent_is_transient_in_bounded_time(
    wire: Wire, postgresql_url: str
) -> None:
    parts = urlsplit(postgresql_url)
    port = wire.server.sockets[0].getsockname()[1]
    database = PostgresqlDatabase(
        f"postgresql://{parts.username}@127.0.0.1:{port}{parts.path}",
        patience_seconds=0.5,
        statement_timeout_ms=300,
    )
    await database.apply(1, change(1))
    wire.silent = True
    for work in (database.apply(1, change(2)), database.fetch(Statement("SELECT 1"))):
        with pytest.raises(FhirError) as refused:
            await work
        assert refused.value.status == 503
    await database.close()


async def test_a_write_found_after_its_answer_was_lost_counts_only_with_the_standby(
    own_postgres: PostgresServer,
) -> None:
    """The primary dies while a write waits for a standby that is gone: it is there afterwards, but nowhere
    else, so it must not be acknowledged."""
    own_postgres.execute("ALTER SYSTEM SET synchronous_standby_names = 'standby'")
    own_postgres.execute("SELECT pg_reload_conf()")
    with own_postgres.standby() as standby:
        database = PostgresqlDatabase(own_postgres.url("hub"), patience_seconds=2.0)
        assert await database.apply(1, change(1)) is Verdict.DONE
        standby.kill()
        waiting = asyncio.create_task(database.apply(1, change(2)))
        while (
            own_postgres.execute("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'") == "0"
        ):
            await asyncio.sleep(0.05)
        await asyncio.to_thread(own_postgres.kill)
        await asyncio.to_thread(own_postgres.start)
        with pytest.raises(FhirError) as refused:
            await waiting
        assert refused.value.status == 503
        await database.close()

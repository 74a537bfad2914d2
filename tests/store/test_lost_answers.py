"""When the answer to a commit is lost, nothing is written twice and nothing that was acknowledged is missing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import pytest
import pytest_asyncio

from fhirhub.errors import FhirError
from fhirhub.store.database import Transaction, Verdict
from fhirhub.store.postgresql import PostgresqlDatabase
from fhirhub.store.sql import Statement
from tests.store.test_database import change, rows


class Wire:
    """A relay before PostgreSQL that can be cut between what is sent and what is answered."""

    def __init__(self, host: str, port: int) -> None:
        self.target = (host, port)
        self.cut_at: bytes | None = None
        """Once the client sends this, it is passed on and the answer is swallowed."""
        self.closed = False
        self.cuts = 0
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> int:
        self.server = await asyncio.start_server(self._relay, "127.0.0.1", 0)
        return int(self.server.sockets[0].getsockname()[1])

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.closed:
            writer.close()
            return
        up_reader, up_writer = await asyncio.open_connection(*self.target)
        swallow = asyncio.Event()

        async def down() -> None:
            while data := await up_reader.read(65536):
                if swallow.is_set():
                    continue
                writer.write(data)
                await writer.drain()
            writer.close()

        task = asyncio.get_running_loop().create_task(down())
        self._tasks.add(task)
        try:
            while data := await reader.read(1 << 20):
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

"""Searches on a replica see what was committed before they began; a failover loses nothing acknowledged."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from fhirhub.errors import FhirError
from fhirhub.store.database import Verdict
from fhirhub.store.opening import migrate, open_database
from fhirhub.store.replica import Replicated
from fhirhub.store.sql import Statement
from tests.postgres import PostgresServer, postgres_server
from tests.store.test_database import change

COUNT = Statement("SELECT count(*) FROM resource WHERE tenant = $1", (1,), ("int",))


@pytest.fixture
def primary() -> Iterator[PostgresServer]:
    with postgres_server() as server:
        migrate(server.create_database("hub"))
        yield server


async def test_a_search_on_the_replica_sees_every_write_before_it(primary: PostgresServer) -> None:
    with primary.standby() as standby:
        database = open_database(primary.url("hub"), read_url=standby.url("hub"))
        assert isinstance(database, Replicated)
        on_replica = 0
        for n in range(1, 60):
            assert await database.apply(1, change(n)) is Verdict.DONE
            reader = await database.searching()
            on_replica += reader is not database.primary
            assert (await reader.fetch(COUNT))[0][0] == n
        assert on_replica > 0
        await database.close()


async def test_a_replica_that_is_gone_leaves_searches_to_the_primary(primary: PostgresServer) -> None:
    with primary.standby() as standby:
        database = open_database(primary.url("hub"), read_url=standby.url("hub"))
        await database.apply(1, change(1))
        assert len(await (await database.searching()).fetch(COUNT)) == 1
        standby.kill()
        assert (await (await database.searching()).fetch(COUNT))[0][0] == 1
        await database.close()


async def test_a_replica_of_the_timeline_before_a_failover_is_not_asked(primary: PostgresServer) -> None:
    with primary.standby("promoted") as promoted, primary.standby("behind") as behind:
        promoted.stop()
        database = open_database(primary.url("hub"))
        for n in range(1, 20):
            await database.apply(1, change(n))
        await database.close()
        replayed = "SELECT pg_last_wal_replay_lsn()"
        written = primary.execute("SELECT pg_current_wal_flush_lsn()")
        while behind.execute(f"SELECT pg_last_wal_replay_lsn() >= '{written}'::pg_lsn") != "t":
            await asyncio.sleep(0.05)
        primary.kill()
        promoted.start()
        promoted.promote()
        ahead = behind.execute(replayed)
        now = promoted.execute("SELECT pg_current_wal_flush_lsn()")
        assert promoted.execute(f"SELECT '{ahead}'::pg_lsn > '{now}'::pg_lsn") == "t", "its log is longer"
        both = open_database(promoted.url("hub"), read_url=behind.url("hub"))
        assert isinstance(both, Replicated)
        reader = await both.searching()
        assert reader is both.primary
        assert (await reader.fetch(COUNT))[0][0] == 0
        await both.close()


async def test_a_failover_under_load_loses_no_acknowledged_write(primary: PostgresServer) -> None:
    primary.execute("ALTER SYSTEM SET synchronous_standby_names = 'standby'")
    primary.execute("SELECT pg_reload_conf()")
    with primary.standby() as standby:
        hosts = f"127.0.0.1:{primary.port},127.0.0.1:{standby.port}"
        database = open_database(f"postgresql://hub@{hosts}/hub")
        assert (await database.durability())["synchronous_standby_names"] == "standby"
        calls: list[str] = []
        listens = database.listen(calls.append)
        assert listens is not None
        acknowledged: list[int] = []
        refused: list[int] = []
        ended = asyncio.Event()

        async def write(first: int) -> None:
            for n in range(first, first + 400):
                try:
                    verdict = await database.apply(1, change(n))
                except FhirError as failure:
                    refused.append(failure.status)
                    continue
                assert verdict is Verdict.DONE
                acknowledged.append(n)
                if ended.is_set():
                    return

        writers = [asyncio.create_task(write(1000 * n)) for n in range(1, 5)]
        while len(acknowledged) < 100:
            await asyncio.sleep(0.01)
        await asyncio.to_thread(primary.kill)
        before = len(acknowledged)
        await asyncio.to_thread(standby.execute, "ALTER SYSTEM SET synchronous_standby_names = ''")
        await asyncio.to_thread(standby.execute, "SELECT pg_reload_conf()")
        await asyncio.to_thread(standby.promote)
        ended.set()
        await asyncio.gather(*writers)
        assert len(acknowledged) > before, "it went on writing on the promoted one"
        assert set(refused) <= {503}
        rows = await database.fetch(Statement("SELECT rid FROM resource WHERE tenant = $1", (1,), ("int",)))
        assert set(acknowledged) <= {row[0] for row in rows}
        assert len(rows) == len({row[0] for row in rows})
        async with asyncio.timeout(30):
            while "after" not in calls:
                await database.call("after")
                await asyncio.sleep(0.05)
        await listens.close()
        await database.close()

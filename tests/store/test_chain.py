"""The log's chains: what was done is found as it was done, and what somebody did to it is found too."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fhirhub.store import chain
from fhirhub.store.chain import Entry, Verdict
from fhirhub.store.database import Database, Transaction
from fhirhub.store.opening import open_database
from fhirhub.store.sql import Kind, Statement

KEY = b"k" * 32
TENANT = 1


def entry(number: int, query: str | None = None) -> Entry:
    return Entry(1_000_000 + number, "read", "R", "0", patient=f"p{number % 3}", query=query)


async def run(url: str, work: Callable[[Database], Awaitable[None]]) -> None:
    database = open_database(url)
    database.sealer.key = KEY
    try:
        await work(database)
    finally:
        await database.close()


async def verdict(database: Database) -> Verdict:
    return await chain.verify(database, TENANT, database.sealer)


async def fill(database: Database, count: int = 7) -> None:
    for number in range(count):
        await database.log(TENANT, [entry(number, f"code={number}")])


async def execute(database: Database, sql: str) -> None:
    await database.execute(Statement(sql))


@pytest.fixture
async def log(database: Database) -> Database:
    database.sealer.key = KEY
    await fill(database)
    return database


async def test_an_untouched_log_is_sound(log: Database) -> None:
    found = await verdict(log)
    assert (found.records, found.faults) == (7, [])


async def test_an_empty_log_is_sound(database: Database) -> None:
    database.sealer.key = KEY
    assert (await verdict(database)).faults == []


async def test_records_that_wait_together_are_all_there(log: Database) -> None:
    await asyncio.gather(*(log.log(TENANT, [entry(n), entry(n)]) for n in range(50)))
    found = await verdict(log)
    assert (found.records, found.faults) == (107, [])


async def test_a_transaction_that_fails_leaves_nothing_in_the_log(log: Database) -> None:
    async def work(unit: Transaction) -> None:
        await unit.log(TENANT, [entry(8)])
        raise RuntimeError

    with pytest.raises(RuntimeError):
        await log.transaction(work, TENANT)
    await fill(log, 2)
    found = await verdict(log)
    assert (found.records, found.faults) == (9, [])


async def test_what_a_transaction_logs_in_parts_is_one_chain(log: Database) -> None:
    async def work(unit: Transaction) -> None:
        await unit.log(TENANT, [entry(8)])
        await unit.log(TENANT + 1, [entry(8)])
        await unit.log(TENANT, [entry(9), entry(10)])

    await log.transaction(work, TENANT)
    assert (await verdict(log)).records == 10
    assert (await chain.verify(log, TENANT + 1, log.sealer)).records == 1


TAMPERING = {
    "a changed field": ("UPDATE audit SET patient = 'other' WHERE number = 4", "1-4"),
    "a field taken away": ("UPDATE audit SET patient = NULL WHERE number = 4", "1-4"),
    "a changed query": ("UPDATE audit SET query = 'code=9' WHERE number = 4", "1-4"),
    "a changed moment": ("UPDATE audit SET recorded = recorded + 1 WHERE number = 7", "1-7"),
    "a removed record": ("DELETE FROM audit WHERE number = 4", "1-4"),
    "the first removed": ("DELETE FROM audit WHERE number = 1", "1-1"),
    "the last removed": ("DELETE FROM audit WHERE number > 5", "1-6"),
    "all removed": ("DELETE FROM audit", "1-1"),
    "a renumbered end": ("UPDATE audit SET number = 9 WHERE number = 7", "1-7"),
    "a record moved to another chain": ("UPDATE audit SET chain = 2 WHERE number = 7", "1-7"),
    "a head moved back": ("UPDATE audit_chain SET number = 6 WHERE chain = 1", "1"),
    "a head removed": ("DELETE FROM audit_chain WHERE chain = 1", "1"),
    "the register removed": ("DELETE FROM audit_chain WHERE chain = 0", "0"),
    "a register that forgets": ("UPDATE audit_chain SET number = 0 WHERE chain = 0", "0"),
}


@pytest.mark.parametrize("what", TAMPERING)
async def test_tampering_is_found_and_named(log: Database, what: str) -> None:
    sql, place = TAMPERING[what]
    await execute(log, sql)
    assert (await verdict(log)).faults[0].place == place


async def test_a_record_put_in_at_the_end_is_found(log: Database) -> None:
    columns = ", ".join(name for name in chain.COLUMNS)
    await execute(
        log,
        f"INSERT INTO audit (tenant, chain, number, {columns}) SELECT tenant, chain, 8, {columns} FROM audit "
        "WHERE number = 7",
    )
    assert (await verdict(log)).faults[0].place == "1-8"


async def test_two_records_that_changed_places_are_found(log: Database) -> None:
    for change in (
        "number = 99 WHERE number = 3",
        "number = 3 WHERE number = 5",
        "number = 5 WHERE number = 99",
    ):
        await execute(log, f"UPDATE audit SET {change}")
    assert (await verdict(log)).faults[0].place == "1-3"


async def test_a_chain_of_another_connection_that_is_gone_is_found(database_url: str) -> None:
    for _ in range(3):
        await run(database_url, fill)

    async def remove(database: Database) -> None:
        assert (await verdict(database)).chains == 3
        await execute(database, "DELETE FROM audit WHERE chain = 3")
        await execute(database, "DELETE FROM audit_chain WHERE chain = 3")
        assert [fault.place for fault in (await verdict(database)).faults] == ["3"]

    await run(database_url, remove)


async def test_a_log_of_another_secret_is_not_sound(log: Database) -> None:
    log.sealer.key = b"x" * 32
    assert (await verdict(log)).faults


async def test_an_erased_query_leaves_the_chain_whole(log: Database) -> None:
    await execute(log, "UPDATE audit SET query = NULL WHERE number = 3")
    found = await verdict(log)
    assert (found.records, found.faults, found.queries_erased) == (7, [], 1)


STEPS = st.lists(st.sampled_from(["one", "three", "together", "failing", "again"]), min_size=1, max_size=8)
TEXTS = (
    "interaction",
    "action",
    "outcome",
    "patient",
    "target",
    "person",
    "rule",
    "request",
    "detail",
    "query",
)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS, data=st.data())
async def test_any_order_of_work_verifies_and_any_change_is_found(
    sqlite_url: str, steps: list[str], data: st.DataObject
) -> None:
    async def work(database: Database) -> None:
        await execute(database, "DELETE FROM audit")
        await execute(database, "DELETE FROM audit_chain")
        expected = 0
        for number, step in enumerate(steps):
            many = {"one": 1, "three": 3, "again": 1}.get(step, 4)
            if step == "together":
                await asyncio.gather(*(database.log(TENANT, [entry(number, "a=b")]) for _ in range(many)))
            elif step == "failing":

                async def failing(unit: Transaction) -> None:
                    await unit.log(TENANT, [entry(1)])
                    raise RuntimeError

                with pytest.raises(RuntimeError):
                    await database.transaction(failing, TENANT)
                continue
            else:
                await database.log(TENANT, [entry(number, "a=b") for _ in range(many)])
            expected += many
        found = await verdict(database)
        assert (found.records, found.faults) == (expected, [])
        if not expected:
            return
        number = data.draw(st.integers(1, expected))
        column = data.draw(st.sampled_from(TEXTS))
        kinds: tuple[Kind, ...] = ("bigint", "text")
        sql = f"UPDATE audit SET {column} = COALESCE({column}, '') || $2 WHERE number = $1"
        await database.execute(Statement(sql, (number, "x"), kinds))
        assert [fault.place for fault in (await verdict(database)).faults] == [f"1-{number}"]

    await run(sqlite_url, work)

"""The database port behaves the same on both databases."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from fhirhub.errors import FhirError
from fhirhub.store.database import Change, Database, Transaction, Verdict
from fhirhub.store.opening import open_database
from fhirhub.store.sql import Statement
from tests.postgres import PostgresServer

INTERVAL = "INSERT INTO concept_interval (tenant, edition, n, low, high)"
REFERENCE = 7
TOKEN = 8


def change(rid: int, **given: Any) -> Change:
    version = given.pop("version", 1)
    settings: dict[str, Any] = {
        "rid": rid,
        "type": "Patient",
        "id": f"p{rid}",
        "expected": version - 1,
        "version": version,
        "updated": 1_000 * version,
        "method": "POST",
        "write_id": f"w{rid}-{version}",
        "body": b'{"resourceType":"Patient"}',
        "rows": {"token": [(TOKEN, f"v{version}", 0, None)]},
    }
    return Change(**(settings | given))


async def rows(database: Database, sql: str, *values: Any) -> list[tuple[Any, ...]]:
    kinds = tuple("int" if n == 0 else "bigint" for n in range(len(values)))
    return [tuple(row) for row in await database.fetch(Statement(sql, values, kinds))]  # type: ignore[arg-type]


async def current(database: Database, rid: int) -> list[tuple[Any, ...]]:
    return await rows(database, "SELECT version, body FROM resource WHERE tenant = $1 AND rid = $2", 1, rid)


async def test_a_new_resource_is_there_with_its_index_rows(database: Database) -> None:
    assert await database.apply(1, change(1)) is Verdict.DONE
    assert await current(database, 1) == [(1, b'{"resourceType":"Patient"}')]
    assert await rows(database, "SELECT rid, code FROM token WHERE tenant = $1", 1) == [(1, "v1")]


async def test_values_of_every_kind_are_kept_as_they_are(database: Database) -> None:
    texts = [
        "",
        "NULL",
        "a,b",
        '"',
        "\\",
        "{x}",
        " x ",
        "line\nnext\ttab",
        "\x01\x7f",
        "é\U0001f600",
        "'; --",
    ]
    strings = [(TOKEN, text, None if n % 2 else text, None) for n, text in enumerate(texts)]
    inf = float("inf")
    numbers = [(TOKEN, -inf, inf), (TOKEN, 0.1, 1e300), (TOKEN, -5e-324, 1 / 3)]
    dates = [(TOKEN, -(1 << 62), 1 << 62)]
    written: dict[str, list[tuple[Any, ...]]] = {"string": strings, "number": numbers, "date": dates}
    assert await database.apply(1, change(1, rows=written)) is Verdict.DONE
    for table, expected in written.items():
        found = await rows(database, f"SELECT * FROM {table} WHERE tenant = $1", 1)
        assert sorted(map(repr, found)) == sorted(repr((1, 1, *row)) for row in expected)


async def test_an_id_in_use_is_a_conflict_and_writes_nothing(database: Database) -> None:
    await database.apply(1, change(1))
    assert await database.apply(1, change(2, id="p1")) is Verdict.CONFLICT
    assert await rows(database, "SELECT rid FROM token WHERE tenant = $1", 1) == [(1,)]


async def test_the_same_id_is_free_in_another_tenant_and_type(database: Database) -> None:
    await database.apply(1, change(1))
    assert await database.apply(2, change(1)) is Verdict.DONE
    assert await database.apply(1, change(2, id="p1", type="Group")) is Verdict.DONE


async def test_an_update_keeps_the_old_version_and_replaces_index_rows(database: Database) -> None:
    await database.apply(1, change(1))
    assert await database.apply(1, change(1, version=2, body=b"{}")) is Verdict.DONE
    assert await current(database, 1) == [(2, b"{}")]
    kept = await rows(database, "SELECT version, updated, until, body FROM version WHERE tenant = $1", 1)
    assert kept == [(1, 1000, 2000, b'{"resourceType":"Patient"}')]
    assert await rows(database, "SELECT code FROM token WHERE tenant = $1", 1) == [("v2",)]


async def test_an_update_of_a_version_that_is_not_current_is_a_conflict(database: Database) -> None:
    await database.apply(1, change(1))
    await database.apply(1, change(1, version=2))
    assert await database.apply(1, change(1, version=2, write_id="other")) is Verdict.CONFLICT
    assert len(await rows(database, "SELECT 1 FROM version WHERE tenant = $1", 1)) == 1


async def test_a_reference_to_nothing_is_missing_and_writes_nothing(database: Database) -> None:
    assert await database.apply(1, change(1, targets=frozenset({("Patient", "none")}))) is Verdict.MISSING
    assert await current(database, 1) == []


async def test_a_reference_to_a_deleted_resource_is_missing(database: Database) -> None:
    await database.apply(1, change(1))
    await database.apply(1, change(1, version=2, body=None, rows={}))
    assert await database.apply(1, change(2, targets=frozenset({("Patient", "p1")}))) is Verdict.MISSING


async def test_one_refused_member_of_a_group_refuses_no_other(database: Database) -> None:
    writes = [
        change(n, targets=frozenset({("Patient", "none")}) if n % 5 == 0 else frozenset())
        for n in range(1, 41)
    ]
    verdicts = await asyncio.gather(*(database.apply(1, write) for write in writes))
    assert verdicts == [Verdict.MISSING if n % 5 == 0 else Verdict.DONE for n in range(1, 41)]
    assert len(await rows(database, "SELECT 1 FROM token WHERE tenant = $1", 1)) == 32


async def test_of_many_updates_of_one_version_exactly_one_is_done(database: Database) -> None:
    await database.apply(1, change(1))
    writes = [change(1, version=2, write_id=f"try{n}") for n in range(20)]
    verdicts = await asyncio.gather(*(database.apply(1, write) for write in writes))
    assert verdicts.count(Verdict.DONE) == 1
    assert verdicts.count(Verdict.CONFLICT) == 19
    assert len(await rows(database, "SELECT 1 FROM version WHERE tenant = $1", 1)) == 1


async def test_equal_statements_asked_at_once_get_each_their_own_rows(database: Database) -> None:
    await asyncio.gather(*(database.apply(1, change(n)) for n in range(1, 31)))
    sql = "SELECT rid, id FROM resource WHERE tenant = $1 AND rid = $2"
    ask: Callable[[int], Statement] = lambda n: Statement(sql, (1, n), ("int", "bigint"), together=True)  # noqa: E731
    answers = await asyncio.gather(*(database.fetch(ask(n)) for n in range(33)))
    for n, answer in enumerate(answers):
        assert [tuple(row)[:2] for row in answer] == ([(n, f"p{n}")] if 1 <= n <= 30 else [])


async def test_a_transaction_that_raises_leaves_nothing(database: Database) -> None:
    async def work(unit: Transaction) -> None:
        assert await unit.apply(1, [change(1), change(2)]) == [Verdict.DONE, Verdict.DONE]
        raise FhirError(400, [])

    with pytest.raises(FhirError):
        await database.transaction(work)
    assert await rows(database, "SELECT 1 FROM resource WHERE tenant = $1", 1) == []


async def test_of_transactions_that_wait_together_only_the_one_that_raises_leaves_nothing(
    database: Database,
) -> None:
    async def written(rid: int) -> None:
        async def work(unit: Transaction) -> None:
            assert await unit.apply(1, [change(rid)]) == [Verdict.DONE]
            await asyncio.sleep(0)
            if rid == 3:
                raise ValueError("no")

        await database.transaction(work)

    outcomes = await asyncio.gather(*(written(rid) for rid in range(1, 6)), return_exceptions=True)
    assert [type(one).__name__ for one in outcomes] == [
        "NoneType",
        "NoneType",
        "ValueError",
        "NoneType",
        "NoneType",
    ]
    assert await rows(database, "SELECT rid FROM resource WHERE tenant = $1 ORDER BY rid", 1) == [
        (1,),
        (2,),
        (4,),
        (5,),
    ]


async def test_a_transaction_whose_caller_left_before_it_began_does_nothing(database: Database) -> None:
    began: list[int] = []

    async def work(unit: Transaction, rid: int) -> None:
        began.append(rid)
        await unit.apply(1, [change(rid)])

    first = asyncio.ensure_future(database.transaction(lambda unit: work(unit, 1)))
    second = asyncio.ensure_future(database.transaction(lambda unit: work(unit, 2)))
    await asyncio.sleep(0)
    second.cancel()
    await first
    await database.transaction(lambda unit: work(unit, 3))
    assert await rows(database, "SELECT rid FROM resource WHERE tenant = $1 ORDER BY rid", 1) == [
        (rid,) for rid in sorted(began)
    ]
    assert {1, 3} <= set(began)


async def test_a_transaction_writes_hundreds_that_refer_to_each_other(database: Database) -> None:
    async def work(unit: Transaction) -> list[Verdict]:
        return await unit.apply(
            1, [change(n, targets=frozenset({("Patient", f"p{n % 300 + 1}")})) for n in range(1, 301)]
        )

    assert set(await database.transaction(work)) == {Verdict.DONE}
    assert len(await rows(database, "SELECT 1 FROM token WHERE tenant = $1", 1)) == 300


async def test_transactions_that_update_the_same_rows_in_other_orders_all_end(database: Database) -> None:
    await asyncio.gather(*(database.apply(1, change(n)) for n in range(1, 11)))

    async def bump(order: list[int]) -> None:
        async def work(unit: Transaction) -> None:
            for n in order:
                found = await unit.fetch(
                    Statement(
                        "SELECT version FROM resource WHERE tenant = $1 AND rid = $2",
                        (1, n),
                        ("int", "bigint"),
                    )
                )
                version = found[0][0] + 1
                verdicts = await unit.apply(1, [change(n, version=version, write_id=str(order))])
                if verdicts != [Verdict.DONE]:
                    raise LookupError

        while True:
            try:
                await database.transaction(work)
            except LookupError:
                continue
            return

    await asyncio.gather(*(bump(list(range(1, 11))[:: 1 if n % 2 else -1]) for n in range(2)))
    assert {row[0] for row in await rows(database, "SELECT version FROM resource WHERE tenant = $1", 1)} == {
        3
    }


async def test_row_keys_are_handed_out_once(database: Database) -> None:
    firsts = await asyncio.gather(*(database.take_keys(1, 10) for _ in range(8)))
    assert sorted(firsts) == [1 + 10 * n for n in range(8)]


async def test_what_is_committed_is_on_disk_on_sqlite(sqlite_url: str) -> None:
    database = open_database(sqlite_url)
    assert await database.durability() == {"journal_mode": "wal", "synchronous": "FULL"}
    await database.close()


async def test_what_is_committed_is_on_disk_on_postgresql(own_postgres: PostgresServer) -> None:
    database = open_database(own_postgres.url("hub"))
    settings = await database.durability()
    assert (settings["fsync"], settings["synchronous_commit"], settings["full_page_writes"]) == ("on",) * 3
    await database.close()


ENDLESS = Statement(
    "WITH RECURSIVE c(x) AS (SELECT CAST($1 AS INTEGER) UNION ALL SELECT x + 1 - 1 FROM c) SELECT count(*) FROM c",
    (1,),
    ("int",),
)


async def test_a_statement_that_takes_too_long_is_too_costly_and_harms_nobody(database_url: str) -> None:
    database = open_database(database_url, statement_timeout_ms=300)
    await database.apply(1, change(1))
    slow = asyncio.create_task(database.fetch(ENDLESS))
    await asyncio.sleep(0)
    assert await current(database, 1) != []
    with pytest.raises(FhirError) as refused:
        await slow
    assert (refused.value.status, refused.value.issues[0].code) == (422, "too-costly")
    assert await current(database, 1) != []
    await database.close()


async def test_filling_a_table_takes_the_time_that_it_takes(postgresql_url: str) -> None:
    database = open_database(postgresql_url, statement_timeout_ms=250)
    try:
        # Rows of one code that is there already wait for who is writing it.
        async def hold(unit: Transaction) -> None:
            await unit.execute(Statement(f"{INTERVAL} VALUES (0, 1, 1, 1, 1)", (), ()))
            filling = asyncio.create_task(fill())
            await asyncio.sleep(0.2)
            await unit.execute(Statement("SELECT pg_sleep(0.15)", (), ()))
            assert not filling.done()
            tasks.append(filling)
            raise RuntimeError("not kept")

        async def fill() -> None:
            await database.fill(
                "concept_interval", ("tenant", "edition", "n", "low", "high"), [(0, 1, 1, 1, 2)]
            )

        tasks: list[asyncio.Task[None]] = []
        with pytest.raises(RuntimeError, match="not kept"):
            await database.transaction(hold)
        await tasks[0]
        found = await database.fetch(Statement("SELECT high FROM concept_interval WHERE tenant = 0", (), ()))
        assert [row[0] for row in found] == [2]
    finally:
        await database.close()


async def test_in_a_group_only_the_slow_member_is_too_costly(postgresql_url: str) -> None:
    database = open_database(postgresql_url, statement_timeout_ms=300)

    def asleep(seconds: float) -> Statement:
        sql = "SELECT 1 AS one FROM pg_sleep($2) WHERE $1 > 0"
        return Statement(sql, (1, seconds), ("int", "double"), together=True)

    answers = await asyncio.gather(
        *(database.fetch(asleep(5 if n == 3 else 0)) for n in range(8)), return_exceptions=True
    )
    assert [isinstance(answer, FhirError) for answer in answers] == [n == 3 for n in range(8)]
    await database.close()

"""The log's chains: what was done is found as it was done, and what somebody did to it is found too."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fhirhub.errors import FhirError
from fhirhub.store import chain, journal, logfile, verifying
from fhirhub.store.chain import Entry
from fhirhub.store.database import Database, Transaction
from fhirhub.store.gathering import Gathering, Told
from fhirhub.store.logfile import LogFile
from fhirhub.store.opening import open_database
from fhirhub.store.sql import Kind, Statement
from fhirhub.store.verifying import Verdict

KEY = b"k" * 32
TENANT = 1


def entry(number: int, query: str | None = None) -> Entry:
    return Entry(1_000_000 + number, "read", "R", "0", patient=f"p{number % 3}", query=query)


async def run(url: str, work: Callable[[Database], Awaitable[None]]) -> None:
    database = open_database(url)
    database.sealer.take(KEY)
    try:
        await work(database)
    finally:
        await database.close()


async def verdict(database: Database) -> Verdict:
    return await verifying.verify(database, TENANT, database.sealer)


async def fill(database: Database, count: int = 7) -> None:
    for number in range(count):
        await database.log(TENANT, [entry(number, f"code={number}")])


async def execute(database: Database, sql: str, *values: bytes) -> None:
    # What was read may wait beside the database.
    await database.collect()
    kinds: list[Kind] = ["bytea" for _ in values]
    await database.execute(Statement(sql, values, tuple(kinds)))


@pytest.fixture
async def log(database: Database) -> Database:
    database.sealer.take(KEY)
    await fill(database)
    await database.spread(TENANT)
    return database


async def test_an_untouched_log_is_sound(log: Database) -> None:
    found = await verdict(log)
    assert (found.records, found.faults) == (7, [])


async def test_an_empty_log_is_sound(database: Database) -> None:
    database.sealer.take(KEY)
    assert (await verdict(database)).faults == []


async def test_records_that_wait_together_are_all_there(log: Database) -> None:
    await asyncio.gather(*(log.log(TENANT, [entry(n), entry(n)]) for n in range(50)))
    found = await verdict(log)
    assert (found.records, found.faults) == (107, [])


async def test_what_was_read_is_logged_while_a_transaction_goes_on(log: Database) -> None:
    logged = asyncio.Event()

    async def work(unit: Transaction) -> None:
        await unit.fetch(Statement("SELECT 1"))
        # As a rule that waits for what another request, which reads, is answered first.
        await logged.wait()

    going = asyncio.ensure_future(log.transaction(work))
    await asyncio.sleep(0.05)
    await log.log(TENANT, [entry(8)])
    logged.set()
    await going
    assert (await verdict(log)).records == 8


async def test_those_who_were_answered_together_go_together_again_as_long_as_somebody_comes() -> None:
    groups: list[int] = []

    async def put(members: list[Told]) -> None:
        groups.append(len(members))
        for member in members:
            member.done()

    tasks: set[asyncio.Future[None]] = set()
    waiting = Gathering(put, lambda work: tasks.add(asyncio.ensure_future(work)), 100)

    async def ask(times: int, pause: float) -> None:
        for _ in range(times):
            await asyncio.sleep(pause)
            await waiting.add(TENANT, [entry(1)])

    await asyncio.gather(*(ask(5, 0) for _ in range(4)))
    assert groups == [4, 4, 4, 4, 4]
    await asyncio.gather(ask(2, 0), ask(1, 0))
    assert groups[5:] == [2, 1]
    await ask(1, 0)
    await asyncio.gather(*tasks)


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
    assert (await verifying.verify(log, TENANT + 1, log.sealer)).records == 1


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


IN_THE_JOURNAL = {
    "a changed pack": ("UPDATE audit_journal SET content = $1 WHERE number = 10", "1-10"),
    "a removed pack": ("DELETE FROM audit_journal WHERE number = 10", "1-10"),
    "the last removed": ("DELETE FROM audit_journal WHERE number = 12", "1-12"),
    "a pack moved": ("UPDATE audit_journal SET number = 20 WHERE number = 12", "1-12"),
    "a row put in before": (f"INSERT INTO audit (tenant, chain, number, {', '.join(chain.COLUMNS)}) SELECT tenant, "
                            f"chain, 11, {', '.join(chain.COLUMNS)} FROM audit WHERE number = 7", "1-11"),
    "a pack put in behind": ("INSERT INTO audit_journal SELECT tenant, chain, 14, records, content "
                             "FROM audit_journal WHERE number = 12", "1-14"),
    "a pack put in before": ("INSERT INTO audit_journal SELECT tenant, chain, 3, records, content "
                             "FROM audit_journal WHERE number = 12", "1-3"),
}  # fmt: skip


@pytest.mark.parametrize("what", IN_THE_JOURNAL)
async def test_tampering_with_the_journal_is_found_and_named(log: Database, what: str) -> None:
    for number in (8, 10, 12):
        await log.log(TENANT, [entry(number), entry(number + 1)])
    sql, place = IN_THE_JOURNAL[what]
    if "$1" in sql:
        await log.collect()
        rows = await log.fetch(Statement("SELECT content FROM audit_journal WHERE number = 8"))
        await execute(log, sql, bytes(rows[0][0]))
    else:
        await execute(log, sql)
    assert [fault.place for fault in (await verdict(log)).faults][:1] == [place]


async def test_what_cannot_be_read_stays_in_the_journal_and_keeps_nothing_else_there(log: Database) -> None:
    for number in (8, 9, 10):
        await log.log(TENANT, [entry(number)])
    await execute(log, "UPDATE audit_journal SET content = $1 WHERE number = 9", b"\xc1")
    await log.spread(TENANT)
    assert [row[0] for row in await log.fetch(Statement("SELECT number FROM audit_journal"))] == [9]
    assert (await verdict(log)).faults[0].place == "1-9"


async def test_a_row_put_in_the_place_of_a_record_keeps_the_others_from_nothing(log: Database) -> None:
    await log.log(TENANT, [entry(8), entry(9)])
    columns = ", ".join(chain.COLUMNS)
    await execute(
        log,
        f"INSERT INTO audit (tenant, chain, number, {columns}) SELECT tenant, chain, 8, {columns} FROM audit "
        "WHERE number = 7",
    )
    await log.spread(TENANT)
    assert [row[0] for row in await log.fetch(Statement("SELECT number FROM audit WHERE number > 7"))] == [
        8,
        9,
    ]
    assert (await verdict(log)).faults[0].place == "1-8"


async def test_heads_that_were_kept_are_found_in_the_journal_too(log: Database) -> None:
    await log.log(TENANT, [entry(8)])
    heads = (await verdict(log)).heads
    assert await verifying.compare(log, TENANT, heads) == []
    await log.spread(TENANT)
    assert await verifying.compare(log, TENANT, heads) == []
    await execute(log, "DELETE FROM audit WHERE number = 8")
    assert [fault.place for fault in await verifying.compare(log, TENANT, heads)] == ["1-8"]


async def test_a_log_is_sound_while_others_write_and_spread(log: Database) -> None:
    async def write() -> None:
        for number in range(40):
            await log.log(TENANT, [entry(number)])

    async def spread() -> None:
        for _ in range(20):
            await log.spread(TENANT)

    writing = [asyncio.ensure_future(work) for work in (write(), write(), spread(), spread())]
    while not all(one.done() for one in writing):
        await asyncio.sleep(0)
        assert (await verdict(log)).faults == []
    await log.spread(TENANT)
    assert (await verdict(log)).records == 87
    assert (await log.fetch(Statement("SELECT COUNT(*) FROM audit")))[0][0] == 87


def test_threads_take_turns_at_the_file_of_the_log(tmp_path: Path) -> None:
    sealer = chain.Sealer()
    sealer.take(KEY)
    file = LogFile(str(tmp_path / "hub.db"), sealer)
    file.begin(chain.Chain(TENANT, 1, 0, b"birth"))

    def append(number: int) -> None:
        file.append([(TENANT, [entry(number)])])

    with ThreadPoolExecutor(4) as threads:
        for number in range(8):
            threads.submit(append, number)
            threads.submit(file.turn)
            threads.submit(file.collected, {})
    packs = [pack for path in logfile.paths(str(tmp_path / "hub.db")) for pack in logfile.read(path).packs]
    assert sorted(pack.number for pack in packs) == [*range(1, 9)]
    file.close()


async def test_what_was_logged_is_spread_when_the_database_is_closed(database_url: str) -> None:
    await run(database_url, fill)

    async def look(database: Database) -> None:
        assert (await database.fetch(Statement("SELECT COUNT(*) FROM audit")))[0][0] == 7

    await run(database_url, look)


async def test_a_file_of_another_database_of_that_name_is_left_out(sqlite_url: str) -> None:
    gone = open_database(sqlite_url)
    gone.sealer.take(KEY)
    await fill(gone)
    for table in ("audit", "audit_chain"):
        await gone.execute(Statement(f"DELETE FROM {table}"))

    async def look(database: Database) -> None:
        await fill(database, 2)
        await database.collect()
        assert (await database.fetch(Statement("SELECT COUNT(*) FROM audit_journal")))[0][0] == 2
        assert (await verdict(database)).faults == []

    await run(sqlite_url, look)
    await gone.close()


async def test_what_a_killed_process_left_is_spread_by_another(sqlite_url: str) -> None:
    killed = open_database(sqlite_url)
    killed.sealer.take(KEY)
    await fill(killed)

    async def look(database: Database) -> None:
        assert (await verdict(database)).records == 7
        await database.spread(TENANT)
        assert (await database.fetch(Statement("SELECT COUNT(*) FROM audit")))[0][0] == 7
        assert (await verdict(database)).faults == []

    await run(sqlite_url, look)
    await killed.close()
    await run(sqlite_url, look)
    assert logfile.paths(sqlite_url.removeprefix("sqlite://")) == []


def lay(sqlite_url: str, change: Callable[[bytes], bytes]) -> None:
    """Change what waits beside a database whose process is gone."""
    (path,) = logfile.paths(sqlite_url.removeprefix("sqlite://"))
    path.write_bytes(change(path.read_bytes()))


def cut(content: bytes, pack: int) -> int:
    """Where that pack begins."""
    place = -1
    for _ in range(pack):
        place = content.index(b"fhl1", place + 1)
    return place


BESIDE: dict[str, tuple[Callable[[bytes], bytes], int, list[str]]] = {
    "the last came to disk in part": (lambda held: held[: cut(held, 5) + 60] + bytes(4096), 4, []),
    "nothing of the last did but zeros": (lambda held: held[: cut(held, 5)] + bytes(4096), 4, []),
    "something is behind the end": (lambda held: held.rstrip(b"\0") + b"\0\0fhl1 and more", 5, []),
    "one was changed": (lambda held: held.replace(b"code=2", b"code=9"), 2, ["1-3"]),
    "one was taken out": (lambda held: held[: cut(held, 3)] + held[cut(held, 4) :], 2, ["1-3"]),
    "one stands there twice": (lambda held: held[: cut(held, 3)] + held[cut(held, 2) :], 5, []),
    "two changed places": (
        lambda held: held[: cut(held, 2)]
        + held[cut(held, 3) : cut(held, 4)]
        + held[cut(held, 2) : cut(held, 3)]
        + held[cut(held, 4) :],
        5,
        [],
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", BESIDE)
async def test_what_waits_beside_the_database_is_found_as_it_was_answered_for(
    sqlite_url: str, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    change, records, places = BESIDE[what]

    async def die(database: Database) -> None:
        await fill(database, 5)
        with monkeypatch.context() as patch:
            patch.setattr(journal.Spreading, "close", lambda self: asyncio.sleep(0))
            await database.close()

    database = open_database(sqlite_url)
    database.sealer.take(KEY)
    await die(database)
    lay(sqlite_url, change)

    async def look(database: Database) -> None:
        found = await verdict(database)
        assert (found.records, [fault.place for fault in found.faults]) == (records, places)

    await run(sqlite_url, look)


async def test_what_waits_on_a_host_is_brought_into_postgresql_by_who_looks_or_comes_next(
    postgresql_url: str, tmp_path: Path
) -> None:
    killed, other, plain = (
        open_database(postgresql_url, log_folder=folder) for folder in (tmp_path, tmp_path, None)
    )
    for one in (killed, other, plain):
        one.sealer.take(KEY)
        await fill(one, 3)
    rows = Statement("SELECT COUNT(*) FROM audit_journal")
    assert (await plain.fetch(rows))[0][0] == 3
    found = await verdict(plain)
    assert (found.records, found.faults) == (3, [])
    await asyncio.gather(killed.spread(TENANT), other.spread(TENANT), plain.spread(TENANT))
    found = await verdict(plain)
    assert (found.records, found.faults) == (9, [])
    await fill(killed, 3)
    await fill(other, 1)
    found = await verdict(other)
    assert (found.records, found.faults) == (13, [])
    for one in (killed, other, plain):
        await one.close()
    assert logfile.paths(str(tmp_path / "hub")) == []


async def test_what_cannot_be_put_on_disk_is_refused_and_the_next_goes_on(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def work(database: Database) -> None:
        await fill(database, 2)
        with monkeypatch.context() as patch:
            patch.setattr(logfile, "_write", full)
            with pytest.raises(FhirError, match="log"):
                await database.log(TENANT, [entry(2)])
        await fill(database, 3)
        found = await verdict(database)
        assert (found.records, found.faults) == (5, [])

    def full(handle: int, content: bytes, place: int) -> None:
        raise OSError(28, "No space left on device")

    await run(sqlite_url, work)


async def test_the_files_beside_the_database_take_turns_and_hold_nothing_that_was_spread(
    sqlite_url: str,
) -> None:
    async def work(database: Database) -> None:
        for _ in range(4):
            await fill(database, 3)
            await database.spread(TENANT)
            files = logfile.paths(sqlite_url.removeprefix("sqlite://"))
            assert [logfile.read(one).packs for one in files] == [[]] * len(files)
        assert len(files) == 2
        assert (await verdict(database)).records == 12

    await run(sqlite_url, work)


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
    log.sealer.take(b"x" * 32)
    assert (await verdict(log)).faults


def test_a_mac_is_what_the_library_makes_of_it() -> None:
    sealer = chain.Sealer()
    sealer.take(KEY)
    wanted = hmac.digest(KEY, b"querycode=1", "sha256")[: chain.MAC_BYTES]
    assert sealer.of_query("code=1") == wanted


async def test_an_erased_query_leaves_the_chain_whole(log: Database) -> None:
    await execute(log, "UPDATE audit SET query = NULL WHERE number = 3")
    found = await verdict(log)
    assert (found.records, found.faults, found.queries_erased) == (7, [], 1)


STEPS = st.lists(
    st.sampled_from(["one", "three", "together", "failing", "again", "spread"]), min_size=1, max_size=8
)
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
        for table in ("audit", "audit_journal", "audit_chain"):
            await execute(database, f"DELETE FROM {table}")
        expected = 0
        for number, step in enumerate(steps):
            many = {"one": 1, "three": 3, "again": 1, "spread": 0}.get(step, 4)
            if step == "spread":
                await database.spread(TENANT)
            elif step == "together":
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
        await database.spread(TENANT)
        number = data.draw(st.integers(1, expected))
        column = data.draw(st.sampled_from(TEXTS))
        kinds: tuple[Kind, ...] = ("bigint", "text")
        sql = f"UPDATE audit SET {column} = COALESCE({column}, '') || $2 WHERE number = $1"
        await database.execute(Statement(sql, (number, "x"), kinds))
        assert [fault.place for fault in (await verdict(database)).faults] == [f"1-{number}"]

    await run(sqlite_url, work)

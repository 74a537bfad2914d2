"""Run the bench and write `bench/RESULTS.md`: `python -m bench [--peer URL] [--large]`."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from bench import access, audit, limits, notifications, report, servers
from bench.operations import Operation, operations
from bench.region import Region, groups, transactions
from bench.servers import Server
from bench.traffic import Fault, Figures, once, request, run
from fhirhub.store.opening import open_database
from tests.postgres import PostgresServer, postgres_server

POSTGRESQL_SETTINGS = {
    "shared_buffers": "1GB",
    "effective_cache_size": "4GB",
    "max_wal_size": "8GB",
    "checkpoint_timeout": "30min",
    "random_page_cost": "1.1",
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
}
CAPTURED = 100
LOGGED = ("read", "plans of a patient, by status")
"""Operations measured with the log and without."""


@dataclass(slots=True)
class Plan:
    """What this run is to measure."""

    sizes: list[int]
    workers: list[int]
    databases: list[str]
    seconds: float
    rounds: int
    peer: Server | None
    peer_durability: str
    only: str


@dataclass(slots=True)
class Results:
    """Everything measured, for the report."""

    cells: list[report.Cell] = field(default_factory=list)
    shares: list[report.Share] = field(default_factory=list)
    limited: list[report.Limited] = field(default_factory=list)
    logged: list[report.Logged] = field(default_factory=list)
    notified: list[report.Notified] = field(default_factory=list)
    notes: dict[str, str] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)


def main() -> None:
    """Measure, write the report, say where it is."""
    plan, output = _chosen()
    began = time.perf_counter()
    results = Results()
    if plan.peer is not None:
        results.notes["durability, peer"] = plan.peer_durability
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit("ended from outside"))
    try:
        with tempfile.TemporaryDirectory(prefix="fhirhub-bench-") as folder:
            os.chmod(folder, 0o755)
            for database in plan.databases:
                with _opened(database, Path(folder)) as place:
                    if place is None:
                        results.notes[database] = "not to be had on this machine"
                        continue
                    _measure_database(plan, database, place, results)
    finally:
        results.notes["took"] = f"{(time.perf_counter() - began) / 60:.1f} minutes"
        report.write(
            output,
            plan.sizes,
            plan.workers,
            results.cells,
            results.shares,
            results.limited,
            results.logged,
            results.notified,
            results.notes,
            results.faults,
        )
    print(f"{output} ({results.notes['took']})")
    for fault in results.faults:
        print(f"not measured: {fault}", file=sys.stderr)
    sys.exit(1 if results.faults else 0)


def _chosen() -> tuple[Plan, Path]:
    cores = os.cpu_count() or 1
    parser = argparse.ArgumentParser(prog="python -m bench", description=main.__doc__)
    parser.add_argument("--sizes", help="resources, such as 10000,100000")
    parser.add_argument("--large", action="store_true", help="a million resources besides")
    parser.add_argument("--databases", default="SQLite,PostgreSQL")
    parser.add_argument("--workers", default=",".join(dict.fromkeys(("1", str(cores)))))
    parser.add_argument("--seconds", type=float, default=1.2, help="of each measurement")
    parser.add_argument("--rounds", type=int, default=2, help="in which the columns take turns")
    parser.add_argument("--peer", help="FHIR base URL of a running server to be measured beside the hub")
    parser.add_argument("--peer-durability", default="as its operator set it", help="what its column says")
    parser.add_argument("--only", default="", help="operations whose name has this in it")
    parser.add_argument("--output", type=Path, default=Path(__file__).with_name("RESULTS.md"))
    chosen = parser.parse_args()
    sizes = [int(size) for size in (chosen.sizes or "10000,100000").split(",")]
    plan = Plan(
        sizes=[*sizes, 1_000_000] if chosen.large else sizes,
        workers=[int(count) for count in chosen.workers.split(",")],
        databases=chosen.databases.split(","),
        seconds=chosen.seconds,
        rounds=chosen.rounds,
        peer=servers.peer(chosen.peer) if chosen.peer else None,
        peer_durability=chosen.peer_durability,
        only=chosen.only,
    )
    return plan, chosen.output


@dataclass(slots=True)
class Place:
    """A database to be filled and measured, with the cluster it lies in."""

    url: str
    folder: Path
    cluster: PostgresServer | None

    @property
    def secret_file(self) -> str:
        return str(self.folder / f"{'postgresql' if self.cluster else 'sqlite'}.secret")

    @property
    def sqlite_path(self) -> str:
        return self.url.removeprefix("sqlite://")


@contextmanager
def _opened(database: str, folder: Path) -> Iterator[Place | None]:
    if database == "SQLite":
        yield Place(f"sqlite://{folder / 'hub.db'}", folder, None)
        return
    with ExitStack() as stack:
        try:
            cluster = stack.enter_context(postgres_server(POSTGRESQL_SETTINGS))
        except BaseException as missing:  # pytest's Skipped is no Exception
            if type(missing).__name__ != "Skipped":
                raise
            yield None
            return
        yield Place(cluster.create_database("hub"), folder, cluster)


def _measure_database(plan: Plan, database: str, place: Place, results: Results) -> None:
    loaded = 0
    peer = plan.peer
    for size in plan.sizes:
        region = Region(size)
        _say(f"{database}: loading {size:,} resources")
        if size == plan.sizes[0]:
            with servers.hub(place.url, 1, place.secret_file) as hub:
                _load(database, region, 0, hub, "hub", results)
                _note_memory(database, size, 1, "after load", hub, results)
            if peer is not None and database == plan.databases[0]:
                _load(database, Region(size), 0, peer, "peer", results)
        else:
            # Not measured, so as fast as it goes: references may point to what another connection brings.
            variables = {"FHIRHUB_REFERENTIAL_INTEGRITY": "off"}
            cores = os.cpu_count() or 1
            with servers.hub(place.url, cores, place.secret_file, variables) as hub:
                _load(database, region, loaded, hub, "hub", None, connections=2 * cores)
        loaded = region.patients
        _settle(place)
        results.notes[f"durability, {database}"] = asyncio.run(_durability(place))
        asking = [one for one in operations(region, "bench", "/fhir") if plan.only in one.name]
        costs = access.measure(place.url, place.secret_file, asking)
        results.limited += [report.Limited(database, size, cost) for cost in costs]
        costs_of_log = audit.measure(
            place.url,
            place.secret_file,
            [one for one in asking if one.name in LOGGED],
            2 * plan.seconds,
            lambda server: _used(place, server),
        )
        for logged in costs_of_log:
            _say(f"{database}, {size:,}: {logged.operation} with the log {logged.ratio:.2f}x of without")
        results.logged += [report.Logged(database, size, one) for one in costs_of_log]
        for workers in plan.workers:
            _say(f"{database}, {size:,} resources, workers: {workers}")
            with servers.hub(place.url, workers, place.secret_file) as hub:
                results.cells.append(
                    report.Cell(database, size, workers, "start to first answer, s", "hub", hub.start_seconds)
                )
                columns = {"hub": hub}
                if peer is not None and size == plan.sizes[0]:
                    columns["peer"] = peer
                _measure_operations(plan, database, place, region, size, workers, columns, results)
                _note_memory(database, size, workers, "after the operations", hub, results)
    _measure_notifications(plan, database, place, results)


def _measure_notifications(plan: Plan, database: str, place: Place, results: Results) -> None:
    """On the largest of the sizes."""
    for workers in plan.workers:
        variables = {"FHIRHUB_FETCH_ALLOW": "127.0.0.1"}
        with servers.hub(place.url, workers, place.secret_file, variables) as hub:
            for listened in (False, True):
                try:
                    latency = notifications.measure(
                        hub, lambda server: _used(place, server), listened=listened
                    )
                except (Fault, TimeoutError, OSError) as fault:
                    results.faults.append(f"{database}, {workers}: notifications: {fault}")
                    continue
                results.notified.append(report.Notified(database, plan.sizes[-1], workers, listened, latency))
                _say(f"{database}, workers: {workers}: p99 {latency.percentile(99):.0f} ms")


def _note_memory(database: str, size: int, workers: int, when: str, hub: Server, results: Results) -> None:
    own, mapped = hub.worker_megabytes()
    for what, value in ((f"memory of a worker {when}", own), (f"{report.MAPPED} {when}", mapped)):
        results.cells.append(report.Cell(database, size, workers, f"{what}, MB", "hub", value))


def _load(
    database: str,
    region: Region,
    since: int,
    server: Server,
    column: str,
    results: Results | None,
    connections: int = 1,
) -> None:
    """Fill a server by transactions of 25, one after the other on each connection."""
    bundles = transactions(groups(region, since))
    taken, seconds = 0, 0.0
    waiting: list[tuple[int, bytes]] = []

    def send() -> None:
        nonlocal taken, seconds
        host = server.address
        requests = [request("POST", server.base or "/", host, body) for _, body in waiting]
        figures = run(
            server.host,
            server.port,
            requests,
            judge=_all_taken,
            connections=min(connections, len(requests)),
            most=len(requests),
        )
        taken += sum(count for count, _ in waiting)
        seconds += figures.seconds
        waiting.clear()

    for bundle in bundles:
        waiting.append(bundle)
        if len(waiting) == 200:
            send()
    if waiting:
        send()
    if results is not None:
        results.cells.append(report.Cell(database, region.size, 1, "load", column, taken / seconds))


def _all_taken(body: bytes) -> str | None:
    entries = msgspec.json.decode(body)["entry"]
    refused = [entry for entry in entries if not entry["response"]["status"].startswith("20")]
    return f"Refused: {refused[0]}" if refused else None


def _settle(place: Place) -> None:
    """What an operator's maintenance would have done by now, so that it does not run into the figures."""
    if place.cluster is not None:
        place.cluster.execute("VACUUM ANALYZE", "hub")
        place.cluster.execute("CHECKPOINT", "hub")


async def _durability(place: Place) -> str:
    """As a live connection of the hub's own store says it."""
    database = open_database(place.url)
    try:
        return ", ".join(f"{name}={value}" for name, value in (await database.durability()).items())
    finally:
        await database.close()


def _measure_operations(
    plan: Plan,
    database: str,
    place: Place,
    region: Region,
    size: int,
    workers: int,
    columns: dict[str, Server],
    results: Results,
) -> None:
    made = {name: operations(region, server.address, server.base) for name, server in columns.items()}
    for number, operation in enumerate(made["hub"]):
        if plan.only not in operation.name:
            continue
        with ExitStack() as stack:
            beside = {
                name: (columns[name], made[name][number])
                for name in columns
                if name == "hub" or not operation.own
            }
            if operation.name == "read":
                kind, argument = ("bytes", "-") if place.cluster is None else ("asyncpg", place.url)
                bare = stack.enter_context(servers.limit(kind, argument, workers))
                asking = operations(region, bare.address, "")[number]
                if place.cluster is None:
                    asking = Operation(asking.name, asking.requests, lambda body: None)
                beside["limit"] = (bare, asking)
            where = f"{database}, {size:,}, {workers}"
            figures, used = _take_turns(plan, place, operation.name, beside, where, results)
        for name, one in figures.items():
            results.cells.append(
                report.Cell(
                    database, size, workers, operation.name, name, one.per_second,
                    one.percentile_ms(50), one.percentile_ms(99), one.count,
                    used / one.answers * 1000 if name == "hub" else None,
                )
            )  # fmt: skip
        if {"hub", "limit"} <= figures.keys():
            what = "raw ASGI, 2.8 kB" if place.cluster is None else "raw ASGI and asyncpg, one by one"
            results.shares.append(
                report.Share(
                    database, size, workers, operation.name, what,
                    figures["hub"].per_second, figures["limit"].per_second, "requests/s",
                )
            )  # fmt: skip
        if "hub" in figures and operation.bounded and workers == 1:
            _measure_alone(plan, database, size, columns["hub"], operation, results)
        if "hub" in figures and operation.together == 1:
            _hold_creates(
                plan, database, place, size, workers, columns["hub"], operation, figures["hub"], results
            )
        if "hub" in figures and operation.together == CAPTURED and workers == 1:
            _hold_transactions(plan, database, place, size, columns["hub"], operation, results)


def _take_turns(
    plan: Plan,
    place: Place,
    name: str,
    beside: dict[str, tuple[Server, Operation]],
    where: str,
    results: Results,
) -> tuple[dict[str, Figures], float]:
    """The figures of each column, and the processor seconds of the hub with its database."""
    used = 0.0
    figures: dict[str, Figures] = {}
    out: set[str] = set()
    for turn in range(plan.rounds):
        for column, (server, operation) in beside.items():
            if column in out:
                continue
            before = _used(place, server)
            try:
                one = run(
                    server.host,
                    server.port,
                    operation.requests,
                    status=operation.status,
                    judge=operation.judge,
                    seconds=plan.seconds / plan.rounds,
                    warm_seconds=0.3 if turn == 0 else 0.1,
                )
            except (Fault, OSError) as fault:
                out.add(column)
                figures.pop(column, None)
                results.faults.append(f"{where}: {name}, {column}: {fault}")
                continue
            if column == "hub":
                used += _used(place, server) - before
            figures[column] = figures[column] + one if column in figures else one
    return figures, used


def _used(place: Place, server: Server) -> float:
    database = place.cluster.process.pid if place.cluster and place.cluster.process else None
    return servers.processor_seconds(server.process) + servers.processor_seconds(database)


def _measure_alone(
    plan: Plan, database: str, size: int, hub: Server, operation: Operation, results: Results
) -> None:
    """One connection, whole requests: an upper bound of the database's time."""
    one = run(
        hub.host, hub.port, operation.requests, judge=operation.judge, connections=1, seconds=plan.seconds / 2
    )
    results.cells.append(
        report.Cell(
            database, size, 1, f"alone: {operation.name}", "hub", one.per_second,
            one.percentile_ms(50), one.percentile_ms(99), one.count,
        )
    )  # fmt: skip


def _created_ids(hub: Server, requests: Sequence[bytes], count: int) -> list[str]:
    found = []
    for body in requests[:count]:
        answer: dict[str, Any] = msgspec.json.decode(once(hub.host, hub.port, body, 201))
        found.append(answer["id"])
    return found


def _captured(place: Place, ids: Sequence[str]) -> limits.Captured:
    if place.cluster is None:
        return limits.captured_sqlite(place.sqlite_path, ids)
    return asyncio.run(limits.captured_postgresql(place.url, ids))


def _hold_creates(
    plan: Plan,
    database: str,
    place: Place,
    size: int,
    workers: int,
    hub: Server,
    operation: Operation,
    figures: Figures,
    results: Results,
) -> None:
    """The creates beside the same rows written at best, and once more."""
    captured = _captured(place, _created_ids(hub, operation.requests, 1))
    if place.cluster is None:
        taken = limits.sqlite_inserts(place.sqlite_path, captured, place.folder, plan.seconds)
        best, what = len(taken) / sum(taken), "SQLite in process, the same rows"
    else:
        best = asyncio.run(limits.pgbench(place.cluster.programs, place.url, captured, 2))
        what = "pgbench, 8 clients, the same rows"
    again = run(
        hub.host, hub.port, operation.requests, status=201, seconds=plan.seconds / 2, warm_seconds=0.1
    )
    both = figures + again
    results.shares.append(
        report.Share(
            database, size, workers, operation.name, f"{what} ({captured.rows})",
            both.per_second, best, "requests/s",
        )
    )  # fmt: skip


def _hold_transactions(
    plan: Plan,
    database: str,
    place: Place,
    size: int,
    hub: Server,
    operation: Operation,
    results: Results,
) -> None:
    """A transaction of 100 creates beside the insert of its rows alone, one at a time."""
    answer = msgspec.json.decode(once(hub.host, hub.port, operation.requests[0]))
    ids = [entry["response"]["location"].split("/_history")[0].rsplit("/", 1)[1] for entry in answer["entry"]]
    captured = _captured(place, ids)
    alone = run(
        hub.host, hub.port, operation.requests, connections=1, seconds=plan.seconds, judge=operation.judge
    )
    if place.cluster is None:
        taken = limits.sqlite_inserts(place.sqlite_path, captured, place.folder, plan.seconds)
        what = "SQLite in process, the same rows"
    else:
        taken = asyncio.run(limits.unnest(place.url, captured, plan.seconds))
        what = "the insert alone by unnest"
    again = run(
        hub.host, hub.port, operation.requests, connections=1, seconds=plan.seconds / 2, judge=operation.judge
    )
    best = sorted(taken)[len(taken) // 2] * 1000
    results.shares.append(
        report.Share(
            database, size, 1, operation.name, f"{what} ({captured.rows})",
            (alone + again).percentile_ms(50), best, "ms",
        )
    )  # fmt: skip


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    main()

"""Metrics: counted cheaply, shared between workers, told in Prometheus' text."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from fhirhub import metrics
from fhirhub.metrics import METRICS, Counter, Gauge, Histogram, Shared
from fhirhub.store.database import Database
from fhirhub.store.sqlite import SqliteDatabase
from tests.store.test_database import change


@pytest.fixture(autouse=True)
def _fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    kept = {metric.name: dict(metric.values) for metric in METRICS}
    for metric in METRICS:
        metric.values.clear()
    monkeypatch.setattr(metrics, "_shared", None)
    yield
    for metric in METRICS:
        metric.values.clear()
        metric.values.update(kept[metric.name])  # type: ignore[arg-type]


def _samples() -> dict[tuple[str, tuple[str, ...]], float]:
    families = text_string_to_metric_families(metrics.exposition().decode())
    return {
        (sample.name, tuple(sample.labels.values())): sample.value
        for family in families
        for sample in family.samples
    }


def test_counts_are_told_by_label() -> None:
    metrics.REQUESTS.inc("read", "200")
    metrics.REQUESTS.inc("read", "200", by=2)
    metrics.REQUESTS.inc("read", "404")
    assert _samples()["fhirhub_requests_total", ("read", "200")] == 3
    assert _samples()["fhirhub_requests_total", ("read", "404")] == 1


def test_histogram_counts_what_is_at_or_below_each_bound() -> None:
    for seconds in (0.0005, 0.003, 99.0):
        metrics.REQUEST_SECONDS.observe(seconds, "read")
    samples = _samples()
    assert samples["fhirhub_request_seconds_bucket", ("read", "0.0005")] == 1
    assert samples["fhirhub_request_seconds_bucket", ("read", "0.005")] == 2
    assert samples["fhirhub_request_seconds_bucket", ("read", "10.0")] == 2
    assert samples["fhirhub_request_seconds_bucket", ("read", "+Inf")] == 3
    assert samples["fhirhub_request_seconds_sum", ("read",)] == pytest.approx(99.0035)


def test_every_metric_is_listed_once_and_named_after_the_hub() -> None:
    named = [value for value in vars(metrics).values() if isinstance(value, Counter | Gauge | Histogram)]
    assert sorted(map(id, named)) == sorted(map(id, METRICS))
    assert len({metric.name for metric in METRICS}) == len(METRICS)
    assert all(metric.name.startswith("fhirhub_") for metric in METRICS)


def test_every_metric_is_counted_somewhere() -> None:
    code = "".join(path.read_text() for path in Path(metrics.__file__).parent.rglob("*.py"))
    named = [name for name, value in vars(metrics).items() if isinstance(value, Counter | Gauge | Histogram)]
    assert [name for name in named if f"metrics.{name}." not in code] == []


def test_one_worker_tells_what_all_counted() -> None:
    shared = Shared(2)
    child = os.fork()
    if child == 0:
        metrics.share(shared, 1)
        metrics.REQUESTS.inc("read", "200", by=5)
        metrics.publish()
        os._exit(0)
    os.waitpid(child, 0)
    metrics.share(shared, 0)
    metrics.REQUESTS.inc("read", "200")
    assert _samples()["fhirhub_requests_total", ("read", "200")] == 6


def test_worker_that_replaces_a_dead_one_goes_on_counting() -> None:
    shared = Shared(1)
    metrics.share(shared, 0)
    metrics.REQUESTS.inc("read", "200", by=5)
    metrics.publish()
    metrics.share(shared, 0)
    assert metrics.REQUESTS.values == {("read", "200"): 5}
    metrics.REQUESTS.inc("read", "200")
    metrics.publish()
    assert shared.read(0)["fhirhub_requests"] == [(("read", "200"), 6.0)]


def test_snapshot_broken_off_in_the_middle_is_not_read() -> None:
    shared = Shared(1)
    shared.write(0, {"fhirhub_requests": [(("read", "200"), 1.0)]})
    shared.write(0, {"fhirhub_requests": [(("read", "200"), 2.0)]})
    shared._memory[shared._head.size] ^= 0xFF  # the half of the second
    assert shared.read(0) == {"fhirhub_requests": [(("read", "200"), 1.0)]}


async def test_the_database_tells_how_it_stands(database: Database) -> None:
    await database.apply(1, change(1))
    await database.measure()
    samples = _samples()
    if isinstance(database, SqliteDatabase):
        assert samples["fhirhub_sqlite_wal_bytes", ()] > 0
    else:
        assert samples["fhirhub_database_connections", ("in use",)] == 0
        assert samples["fhirhub_database_connections", ("idle",)] >= 1
        assert samples["fhirhub_database_waiting", ()] == 0


def test_gauges_of_workers_are_added_and_those_of_all_are_not() -> None:
    shared = Shared(2)
    for worker in (1, 0):
        metrics.share(shared, worker)
        metrics.CONNECTIONS.set(3, "idle")
        metrics.WAL_BYTES.set(100)
        metrics.publish()
    samples = _samples()
    assert samples["fhirhub_database_connections", ("idle",)] == 6
    assert samples["fhirhub_sqlite_wal_bytes", ()] == 100

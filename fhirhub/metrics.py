"""Every counter, gauge and histogram, named once, and their exposition for Prometheus.

https://prometheus.io/docs/instrumenting/exposition_formats/

A worker counts in dicts of its own, which costs a fraction of a microsecond. Where there are several workers
each writes what it has counted into its part of a memory shared by all, once a second (`share`), so
that whichever worker is asked answers for all of them.
"""

from __future__ import annotations

import mmap
import operator
import struct
import zlib
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from typing import Any

import msgspec

Key = tuple[str, ...]
PART_BYTES = 256 * 1024
SECONDS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)


class Counter:
    """A number that only grows, for each combination of label values; counted in the event loop's thread."""

    __slots__ = ("labels", "name", "text", "values")

    def __init__(self, name: str, text: str, labels: Sequence[str] = ()) -> None:
        self.name, self.text, self.labels = name, text, tuple(labels)
        self.values: dict[Key, float] = {}

    def inc(self, *labels: str, by: float = 1) -> None:
        self.values[labels] = self.values.get(labels, 0) + by


class Histogram:
    """How often a number fell under each of some bounds, for each combination of label values."""

    __slots__ = ("bounds", "labels", "name", "text", "values")

    def __init__(
        self, name: str, text: str, labels: Sequence[str] = (), bounds: Sequence[float] = SECONDS
    ) -> None:
        self.name, self.text, self.labels, self.bounds = name, text, tuple(labels), tuple(bounds)
        self.values: dict[Key, list[float]] = {}
        """The count of each bucket, of what is over the last bound, and the sum."""

    def observe(self, value: float, *labels: str) -> None:
        counts = self.values.get(labels)
        if counts is None:
            counts = self.values[labels] = [0.0] * (len(self.bounds) + 2)
        counts[bisect_left(self.bounds, value)] += 1
        counts[-1] += value


class Gauge:
    """A number that rises and falls: of all workers together, or, where each sees the same, the largest."""

    __slots__ = ("is_shared", "labels", "name", "text", "values")

    def __init__(self, name: str, text: str, labels: Sequence[str] = (), *, is_shared: bool = False) -> None:
        self.name, self.text, self.labels, self.is_shared = name, text, tuple(labels), is_shared
        self.values: dict[Key, float] = {}

    def set(self, value: float, *labels: str) -> None:
        self.values[labels] = value


REQUESTS = Counter("fhirhub_requests", "Requests answered.", ("interaction", "status"))
REQUEST_SECONDS = Histogram("fhirhub_request_seconds", "Time to answer a request.", ("interaction",))
ENTRIES = Counter("fhirhub_bundle_entries", "Entries of batches and transactions.", ("interaction",))
WORKERS_STARTED = Counter("fhirhub_workers_started", "Worker processes started, those that replace one too.")
CONNECTIONS = Gauge("fhirhub_database_connections", "Connections to PostgreSQL.", ("state",))
CONNECTIONS_AWAITED = Gauge("fhirhub_database_waiting", "Statements that wait to be sent to PostgreSQL.")
GROUPS = Counter("fhirhub_database_groups", "Statements that answered several requests at once.")
GROUPED = Counter("fhirhub_database_grouped", "Requests that were answered by these.")
WAL_BYTES = Gauge("fhirhub_sqlite_wal_bytes", "Size of SQLite's write-ahead log.", is_shared=True)
REPLICA_LAG_BYTES = Gauge(
    "fhirhub_replica_lag_bytes", "Log that the replica for searches has not replayed.", is_shared=True
)

NOTIFICATIONS = Counter(
    "fhirhub_notifications",
    "Notifications of Subscriptions sent, and those that failed.",
    ("channel", "kind"),
)
NOTIFICATION_SECONDS = Histogram(
    "fhirhub_notification_seconds", "Time from a write to its notification being taken.", ("channel",)
)
NOTIFICATIONS_WAITING = Gauge(
    "fhirhub_notifications_waiting",
    "Events that wait to be delivered, by the Subscription's status.",
    ("status",),
    is_shared=True,
)

Metric = Counter | Gauge | Histogram
METRICS: tuple[Metric, ...] = (
    REQUESTS,
    REQUEST_SECONDS,
    ENTRIES,
    WORKERS_STARTED,
    CONNECTIONS,
    CONNECTIONS_AWAITED,
    GROUPS,
    GROUPED,
    WAL_BYTES,
    REPLICA_LAG_BYTES,
    NOTIFICATIONS,
    NOTIFICATION_SECONDS,
    NOTIFICATIONS_WAITING,
)

Snapshot = dict[str, list[tuple[Key, Any]]]
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(dict[str, list[tuple[Key, float | list[float]]]]).decode


def snapshot() -> Snapshot:
    """What this process has counted."""
    return {metric.name: list(metric.values.items()) for metric in METRICS if metric.values}


class Shared:
    """Memory in which each of some workers leaves its snapshot for the others.

    It is made before the workers are forked. A part has two halves, written in turn and each with a
    checksum, so a reader never takes half a snapshot.
    """

    _head = struct.Struct("<QII")

    def __init__(self, workers: int) -> None:
        self._memory = mmap.mmap(-1, workers * PART_BYTES)
        self._workers = workers
        self._turn = 0

    def write(self, worker: int, counted: Snapshot) -> None:
        """Leave this snapshot as the worker's newest; one too large for its half is not left."""
        content = _encode(counted)
        if len(content) + self._head.size > PART_BYTES // 2:
            return
        self._turn += 1
        start = worker * PART_BYTES + (self._turn % 2) * (PART_BYTES // 2)
        body = start + self._head.size
        self._memory[body : body + len(content)] = content
        self._head.pack_into(self._memory, start, self._turn, len(content), zlib.crc32(content))

    def read(self, worker: int) -> Snapshot:
        """The worker's newest whole snapshot."""
        best, found = 0, b""
        for half in (0, 1):
            start = worker * PART_BYTES + half * (PART_BYTES // 2)
            turn, length, checksum = self._head.unpack_from(self._memory, start)
            content = self._memory[start + self._head.size : start + self._head.size + length]
            if turn > best and zlib.crc32(content) == checksum:
                best, found = turn, content
        return _decode(found) if found else {}

    def resume(self, worker: int) -> None:
        """Go on from what a worker that died had counted: a counter never falls."""
        for half in (0, 1):
            start = worker * PART_BYTES + half * (PART_BYTES // 2)
            self._turn = max(self._turn, self._head.unpack_from(self._memory, start)[0])
        counted = self.read(worker)
        for metric in METRICS:
            metric.values.clear()
            metric.values.update((tuple(key), value) for key, value in counted.get(metric.name, ()))

    def others(self, worker: int) -> Iterator[Snapshot]:
        return (self.read(other) for other in range(self._workers) if other != worker)


_shared: tuple[Shared, int] | None = None


def share(shared: Shared, worker: int) -> None:
    """Say that this process is one of several workers; call `publish` about once a second from then on."""
    global _shared
    shared.resume(worker)
    _shared = (shared, worker)


def publish() -> None:
    """Leave what was counted for the other workers; does nothing where there are none."""
    if _shared is not None:
        shared, worker = _shared
        shared.write(worker, snapshot())


def exposition() -> bytes:
    """All workers' numbers in the text format, and what the process itself uses."""
    from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest

    registry = CollectorRegistry()
    registry.register(_Collector([snapshot(), *(_shared[0].others(_shared[1]) if _shared else ())]))
    ProcessCollector(registry=registry)
    return generate_latest(registry)


CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class _Collector:
    """Gives prometheus_client the sums of some snapshots."""

    def __init__(self, snapshots: Iterable[Snapshot]) -> None:
        self._snapshots = list(snapshots)

    def describe(self) -> list[Any]:
        return []

    def collect(self) -> Iterator[Any]:
        from prometheus_client.core import (
            CounterMetricFamily,
            GaugeMetricFamily,
            HistogramMetricFamily,
        )

        for metric in METRICS:
            rows = [row for counted in self._snapshots for row in counted.get(metric.name, ())]
            if isinstance(metric, Histogram):
                histogram = HistogramMetricFamily(metric.name, metric.text, labels=metric.labels)
                for key, counts in _sums(rows, metric).items():
                    bounds = [*map(str, metric.bounds), "+Inf"]
                    buckets = list(zip(bounds, accumulate(counts[:-1]), strict=True))
                    histogram.add_metric(key, buckets, counts[-1])
                yield histogram
            elif isinstance(metric, Gauge):
                gauge = GaugeMetricFamily(metric.name, metric.text, labels=metric.labels)
                for key, counts in _sums(rows, metric).items():
                    gauge.add_metric(key, counts[0])
                yield gauge
            else:
                counter = CounterMetricFamily(metric.name, metric.text, labels=metric.labels)
                for key, counts in _sums(rows, metric).items():
                    counter.add_metric(key, counts[0])
                yield counter


def _sums(rows: Iterable[tuple[Key, Any]], metric: Metric) -> dict[Key, list[float]]:
    """The sum of each combination of label values; a count without labels is there before it was touched."""
    bare = isinstance(metric, Counter) and not metric.labels
    join = max if isinstance(metric, Gauge) and metric.is_shared else operator.add
    sums: dict[Key, list[float]] = {(): [0.0]} if bare else {}
    for key, value in rows:
        counts = value if isinstance(value, list) else [value]
        known = sums.get(tuple(key), [0.0] * len(counts))
        sums[tuple(key)] = [join(one, two) for one, two in zip(known, counts, strict=True)]
    return sums

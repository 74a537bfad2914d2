"""The bench's own parts: a figure is worth nothing if the traffic or the data are wrong."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec
import pytest

from bench import audit, traffic
from bench.access import Cost
from bench.notifications import Latency
from bench.operations import operations
from bench.region import Region, groups, transactions
from bench.report import Cell, Limited, Logged, Notified, Share, write
from fhirhub.resources import document


@contextmanager
def server(answer: bytes) -> Iterator[int]:
    """A server that gives these bytes to each request, in parts where a `~` stands."""
    listening = socket.create_server(("127.0.0.1", 0))
    threads = []

    def talk(connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with connection, contextlib.suppress(OSError):
            while connection.recv(65536):
                for part in answer.split(b"~"):
                    connection.sendall(part)
                    time.sleep(0.001)

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listening.accept()
                threads.append(threading.Thread(target=talk, args=(connection,)))
                threads[-1].start()

    threads.append(threading.Thread(target=accept))
    threads[0].start()
    try:
        yield listening.getsockname()[1]
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        for thread in threads:
            thread.join()


PLAIN = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello"
TORN = b"HTTP/1.1 200 OK\r\nConte~nt-Length: 5\r\n\r\nhe~llo"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n~2\r\nlo\r\n0\r\n\r\n"
EMPTY = b"HTTP/1.1 200 OK\r\nX: y\r\n\r\n"
ASKED = [traffic.request("GET", "/x", "h")]


@pytest.mark.parametrize("answer", [PLAIN, TORN, CHUNKED])
def test_answers_are_cut_right_however_they_come(answer: bytes) -> None:
    seen: list[bytes] = []
    with server(answer) as port:
        figures = traffic.run(
            "127.0.0.1", port, ASKED, connections=3, most=30, judge=lambda body: seen.append(body)
        )
    assert figures.count >= 30
    assert set(seen) == {b"hello"}
    assert 0 < figures.percentile_ms(50) <= figures.percentile_ms(99)


def test_answer_without_length_has_no_body() -> None:
    with server(EMPTY) as port:
        assert traffic.once("127.0.0.1", port, ASKED[0]) == b""


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (b"HTTP/1.1 500 Oh\r\ncontent-length: 2\r\n\r\nno", "got 500"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nbad", "not this"),
    ],
)
def test_wrong_answer_voids_the_figure(answer: bytes, says: str) -> None:
    with server(answer) as port, pytest.raises(traffic.Fault, match=says):
        traffic.run(
            "127.0.0.1", port, ASKED, most=4, judge=lambda body: "not this" if body == b"bad" else None
        )


def test_transactions_hold_each_resource_once_and_refer_to_nothing_that_is_to_come() -> None:
    region = Region(4_000)
    known: set[str] = set()
    for count, body in transactions(groups(region)):
        entries = msgspec.json.decode(body)["entry"]
        assert len(entries) == count <= 40
        known |= {entry["request"]["url"] for entry in entries}
        for entry in entries:
            if entry["resource"]["resourceType"] == "CarePlan":
                refers = [
                    one["reference"]["reference"]
                    for one in entry["resource"]["activity"]
                    if "reference" in one
                ]
                assert set(refers) <= known
    assert abs(len(known) - region.size) < region.size / 4


def test_a_region_grows_by_what_is_new() -> None:
    small, large = Region(2_000), Region(4_000)
    for region in small, large:
        assert not region.owners
    first = {entry for _, body in transactions(groups(small)) for entry in _urls(body)}
    rest = [entry for _, body in transactions(groups(large, since=small.patients)) for entry in _urls(body)]
    assert first.isdisjoint(rest)
    assert small.owners == large.owners != []
    assert first.union(rest) == {
        entry for _, body in transactions(groups(Region(4_000))) for entry in _urls(body)
    }


def _urls(body: bytes) -> list[str]:
    return [entry["request"]["url"] for entry in msgspec.json.decode(body)["entry"]]


def test_patients_for_writing_are_not_those_who_are_asked_for() -> None:
    region = Region(4_000)
    for _ in groups(region):
        pass
    asked = {one.id for one in region.asked}
    written = {plan["subject"]["reference"].removeprefix("Patient/") for plan in region.plans}
    assert asked
    assert written
    assert asked.isdisjoint(written)
    assert all(1_500 < len(document.encode(plan)) <= 2_100 for plan in region.plans)
    made = operations(region, "h", "/fhir")
    assert all(operation.requests for operation in made)
    assert made[0].requests[0].startswith(b"GET /fhir/CarePlan/plan-1 HTTP/1.1\r\n")


def test_report_tells_what_was_met_and_what_was_not(tmp_path_factory: pytest.TempPathFactory) -> None:
    output = tmp_path_factory.mktemp("report") / "RESULTS.md"
    cells = [
        Cell("SQLite", size, 1, name, "hub", 1000.0, 1.0, 2.0, 100, 0.5)
        for size in (10, 100)
        for name in ("read", "alone: read")
    ]
    cells.append(Cell("SQLite", 10, 1, "load", "hub", 2000.0))
    shares = [
        Share("SQLite", 10, 1, "read", "bare", 90.0, 100.0, "requests/s"),
        Share("PostgreSQL", 10, 1, "transaction of 100 creates", "unnest", 30.0, 10.0, "ms"),
    ]
    limited = [Limited("SQLite", 10, Cost("read", 0.1, 0.13))]
    logged = [Logged("SQLite", 10, audit.Cost("read", 0.1, 0.12, 5000, 4000, 0.015))]
    times = tuple(float(number) for number in range(1, 301))
    notified = [Notified("SQLite", 100, 1, True, Latency(100.0, times, times, 40, 1.5))]
    notes = {"durability, SQLite": "synchronous=FULL"}
    write(output, [10, 100], [1], cells, shares, limited, logged, notified, notes, [])
    assert "| notified | 151 | 286 | 298 | **not met** | 40 | 1.50 |" in output.read_text()
    assert "| read | 1.30x (0.13 / 0.10) |" in output.read_text()
    assert (
        "| SQLite | 10 | read | 0.100 | 0.120 | 1.20x | met | 0.015 | 5,000 | 4,000 |" in output.read_text()
    )
    text = output.read_text()
    assert "| 90% | >= 35% | met |" in text
    assert "| 3.00x | <= 2x | **not met** |" in text
    assert "synchronous=FULL" in text
    assert output.with_suffix(".svg").read_text().startswith("<?xml")

"""What the log costs: the reads and searches of the bench at a hub that logs each, beside one on the same database
that logs nothing, in turns within one run; and what is left to do for each record when it is quiet."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from bench import servers
from bench.operations import Operation
from bench.servers import Server
from bench.traffic import run
from fhirhub.store import journal

ROUNDS = 4
STILL_SECONDS = 0.005
"""Of the processors in a second: who uses less has nothing to do."""


@dataclass(frozen=True, slots=True)
class Cost:
    """Milliseconds of the processors for a request, in the hub and its database, and requests per second."""

    operation: str
    without_ms: float
    with_ms: float
    without_per_second: float
    with_per_second: float
    later_ms: float
    """For a record, once it is quiet."""

    @property
    def ratio(self) -> float:
        return self.with_ms / self.without_ms


def measure(
    url: str,
    secret_file: str,
    operations: Sequence[Operation],
    seconds: float,
    used: Callable[[Server], float],
) -> list[Cost]:
    """The cost of those operations that read; `used` says what a hub and its database have used so far."""
    found = []
    records = 0
    with (
        servers.hub(url, 1, secret_file) as silent,
        servers.hub(url, 1, secret_file, {"FHIRHUB_AUDIT": "on"}) as logging,
    ):
        for operation in operations:
            if operation.together:
                continue
            spent, answers, taken = [0.0, 0.0], [0, 0], [0.0, 0.0]
            for turn in range(ROUNDS):
                for way, server in enumerate((silent, logging)):
                    before = used(server)
                    figures = run(
                        server.host,
                        server.port,
                        operation.requests,
                        judge=operation.judge,
                        seconds=seconds / ROUNDS,
                        warm_seconds=0.2 if turn == 0 else 0.05,
                    )
                    spent[way] += used(server) - before
                    answers[way] += figures.answers
                    taken[way] += figures.seconds / figures.count
            records += answers[1]
            without_ms, with_ms = (1000 * each / count for each, count in zip(spent, answers, strict=True))
            without, logged = (ROUNDS / each for each in taken)
            found.append(Cost(operation.name, without_ms, with_ms, without, logged, 0.0))
        later = 1000 * _later(lambda: used(logging)) / max(records, 1)
    return [replace(cost, later_ms=later) for cost in found]


def _later(used: Callable[[], float]) -> float:
    """Seconds of the processors that a server uses when it is left alone, until it is still."""
    began = before = used()
    time.sleep(journal.QUIET_SECONDS + 1)
    while (now := used()) - before > STILL_SECONDS:
        before = now
        time.sleep(1)
    return now - began

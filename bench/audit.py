"""What the log costs: the reads and searches of the bench at a hub that logs each, beside one on the same database
that logs nothing, in turns within one run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bench import servers
from bench.operations import Operation
from bench.servers import Server
from bench.traffic import run

ROUNDS = 4


@dataclass(frozen=True, slots=True)
class Cost:
    """Milliseconds of the processors for a request, in the hub and its database, and requests per second."""

    operation: str
    without_ms: float
    with_ms: float
    without_per_second: float
    with_per_second: float

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
    with (
        servers.hub(url, 1, secret_file) as without,
        servers.hub(url, 1, secret_file, {"FHIRHUB_AUDIT": "on"}) as logging,
    ):
        for operation in operations:
            if operation.together:
                continue
            spent, answers, taken = [0.0, 0.0], [0, 0], [0.0, 0.0]
            for turn in range(ROUNDS):
                for way, server in enumerate((without, logging)):
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
            found.append(
                Cost(
                    operation.name,
                    *(1000 * time / count for time, count in zip(spent, answers, strict=True)),
                    *(ROUNDS / each for each in taken),
                )
            )
    return found

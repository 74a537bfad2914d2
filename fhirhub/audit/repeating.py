"""Refusals that repeat: each is counted, and not each is a record, so that nobody fills the log by asking without end
(NEN 7513 wants refusals to be logged).

The first of a source is told at once, then whenever their number has doubled, and once a minute has passed since the
first: a record says how many it stands for. Who kills the hub in that minute loses half of them at most.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass

from fhirhub.audit import recording
from fhirhub.store.chain import Entry

SECONDS = 60.0
MOST = 10_000
"""How many sources are told apart."""


@dataclass(slots=True)
class _Run:
    began: float
    entry: Entry
    count: int = 0
    told: int = 0

    def tell(self) -> Entry:
        """The record of those that no record stands for."""
        times, self.told = self.count - self.told, self.count
        return self.entry if times == 1 else recording.repeated(self.entry, times)


class Repeats:
    """The refusals of the last minute, by key: whose log, and which source."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._runs: dict[tuple[str, Hashable], _Run] = {}

    def count(self, log: str, source: Hashable, entry: Entry) -> Entry | None:
        """The record that is to be written now, if any: of this refusal, and of those that were only counted."""
        key = (log, source)
        if key not in self._runs and len(self._runs) >= MOST:
            key = (log, None)
        run = self._runs.get(key)
        if run is None:
            run = self._runs[key] = _Run(self._clock(), entry)
        run.count += 1
        run.entry = entry
        return run.tell() if run.count & (run.count - 1) == 0 else None

    def due(self, *, all: bool = False) -> list[tuple[str, Entry]]:
        """The records of what was only counted, for each log, where a minute has passed since the first; of all."""
        until = self._clock() - SECONDS
        over = [key for key, run in self._runs.items() if all or run.began <= until]
        ended = [(key[0], self._runs.pop(key)) for key in over]
        return [(log, run.tell()) for log, run in ended if run.count > run.told]

"""Days and moments of the demo region, counted back from a day that never changes."""

from __future__ import annotations

from datetime import date, timedelta
from functools import lru_cache

TODAY = date(2026, 11, 20)


@lru_cache(maxsize=4096)
def day(days_ago: int) -> str:
    """The date so many days before the region's today; a negative number lies ahead."""
    return (TODAY - timedelta(days=days_ago)).isoformat()


@lru_cache(maxsize=4096)
def _offset(days_ago: int) -> str:
    """Central European summer time runs from the last Sunday of March to that of October."""
    at = TODAY - timedelta(days=days_ago)
    starts, ends = (date(at.year, month, 31) for month in (3, 10))
    starts -= timedelta(days=(starts.weekday() + 1) % 7)
    ends -= timedelta(days=(ends.weekday() + 1) % 7)
    return "+02:00" if starts <= at < ends else "+01:00"


def moment(days_ago: int, hour: int, minute: int = 0) -> str:
    """A dateTime or instant on that day in Dutch time."""
    return f"{day(days_ago)}T{hour:02}:{minute:02}:00{_offset(days_ago)}"

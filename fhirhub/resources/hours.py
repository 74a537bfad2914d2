"""When a HealthcareService is there: its `availableTime` in Dutch time (RULES R11;
https://hl7.org/fhir/R4/healthcareservice-definitions.html#HealthcareService.availableTime)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from fhirhub.resources import primitives

Json = dict[str, Any]

DUTCH = ZoneInfo("Europe/Amsterdam")
LONGEST = timedelta(days=1)
"""A shift ends within a day: who is there always hands over at least so often."""
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def end(service: Json, now: int) -> int | None:
    """When the hours end that hold at this moment, both in microseconds since 1970 UTC; None outside of them. Hours
    that follow one another are one. A day outside of `daysOfWeek` or in `notAvailable` has none."""
    moment = datetime.fromtimestamp(now / 1_000_000, UTC)
    today = moment.astimezone(DUTCH).date()
    spans = sorted(
        span
        for days in range(-1, 3)
        for span in _spans(service, today + timedelta(days=days))
        if not _is_away(service, today + timedelta(days=days))
    )
    found: datetime | None = None
    for start, until in spans:
        if found is None and start <= moment < until:
            found = until
        elif found is not None and start <= found:
            found = max(found, until)
    return None if found is None else int(min(found, moment + LONGEST).timestamp() * 1_000_000)


def _spans(service: Json, day: date) -> Iterator[tuple[datetime, datetime]]:
    """The hours that begin on that day; those that end before they begin end on the next."""
    for hours in service.get("availableTime", ()):
        if hours.get("daysOfWeek") and _DAYS[day.weekday()] not in hours["daysOfWeek"]:
            continue
        opens, closes = hours.get("availableStartTime"), hours.get("availableEndTime")
        if hours.get("allDay") or (opens is None and closes is None):
            yield _at(day, time()), _at(day + timedelta(days=1), time())
            continue
        first, last = time.fromisoformat(opens or "00:00:00"), time.fromisoformat(closes or "00:00:00")
        yield _at(day, first), _at(day if last > first else day + timedelta(days=1), last)


def _at(day: date, clock: time) -> datetime:
    return datetime.combine(day, clock, DUTCH).astimezone(UTC)


def _is_away(service: Json, day: date) -> bool:
    noon = int(_at(day, time(12)).timestamp() * 1_000_000)
    for away in service.get("notAvailable", ()):
        during = away.get("during")
        if during is None:
            continue
        try:
            start = primitives.date_range(during["start"])[0] if "start" in during else noon
            until = primitives.date_range(during["end"])[1] if "end" in during else noon + 1
        except ValueError:
            continue
        if start <= noon < until:
            return True
    return False


def shown(moment: int) -> str:
    """A moment, in microseconds since 1970 UTC, as a Dutch calendar and clock show it."""
    local = datetime.fromtimestamp(moment / 1_000_000, UTC).astimezone(DUTCH)
    return f"{local.day}-{local.month}-{local.year} {local:%H:%M}"

"""When a service is there, in Dutch time."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from fhirhub.resources import hours

EVENING = {"daysOfWeek": ["mon", "tue"], "availableStartTime": "17:00:00", "availableEndTime": "08:00:00"}
WEEKEND = {"daysOfWeek": ["sat", "sun"], "allDay": True}


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1_000_000)


def ends(moment: str, *times: dict[str, Any], **also: Any) -> str | None:
    found = hours.end({"availableTime": list(times), **also}, at(moment))
    return None if found is None else datetime.fromtimestamp(found / 1_000_000, UTC).strftime("%m-%d %H:%M")


@pytest.mark.parametrize(
    ("moment", "end"),
    [
        ("2026-11-23T15:59", None),  # Monday, 16:59 in winter.
        ("2026-11-23T16:00", "11-24 07:00"),
        ("2026-11-24T06:59", "11-24 07:00"),
        ("2026-11-24T07:00", None),
        ("2026-11-25T06:00", "11-25 07:00"),  # The night after Tuesday.
        ("2026-11-25T16:30", None),
        ("2026-07-06T15:00", "07-07 06:00"),  # In summer two hours ahead.
    ],
)
def test_an_evening_shift_runs_into_the_next_morning(moment: str, end: str | None) -> None:
    assert ends(moment, EVENING) == end


def test_hours_that_follow_one_another_are_one_shift_of_a_day_at_most() -> None:
    assert ends("2026-11-28T12:00", WEEKEND) == "11-29 12:00"
    assert ends("2026-11-29T12:00", WEEKEND) == "11-29 23:00"
    morning = {"availableStartTime": "08:00:00", "availableEndTime": "12:00:00"}
    noon = {"availableStartTime": "12:00:00", "availableEndTime": "17:00:00"}
    assert ends("2026-11-23T09:00", morning, noon) == "11-23 16:00"


def test_the_day_on_which_the_clock_goes_back_is_an_hour_longer() -> None:
    night = {"availableStartTime": "00:00:00", "availableEndTime": "08:00:00"}
    assert ends("2026-10-25T00:00", night) == "10-25 07:00"


def test_there_are_no_hours_where_none_are_told_or_the_service_is_away() -> None:
    assert ends("2026-11-28T12:00") is None
    away = [{"description": "Vakantie", "during": {"start": "2026-11-28", "end": "2026-11-28"}}]
    assert ends("2026-11-28T12:00", WEEKEND, notAvailable=away) is None

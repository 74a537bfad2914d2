"""Dates, moments and times keep to the calendar, as precise as they are."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhirhub.resources.fhirpath.temporal import Temporal, compare, equal, equivalent, parse, plus

MOMENTS = st.datetimes(
    datetime(1, 1, 2),
    datetime(9999, 12, 30),
    timezones=st.sampled_from([UTC, timezone(timedelta(hours=-5, minutes=-30))]),
)
PARTIAL = st.tuples(MOMENTS, st.integers(1, 6)).map(lambda drawn: _cut(*drawn))
UNITS = st.sampled_from(["year", "month", "week", "day", "hour", "minute", "second", "millisecond"])


def _cut(moment: datetime, precision: int) -> Temporal:
    """The moment with so many of its fields."""
    fields = (moment.year, moment.month, moment.day, moment.hour, moment.minute, moment.second)[:precision]
    offset = moment.utcoffset() or timedelta()
    return Temporal("datetime", fields, int(offset.total_seconds() // 60) if precision > 3 else None)


@given(PARTIAL)
def test_text_is_read_as_it_was_written(moment: Temporal) -> None:
    assert parse(str(moment), "datetime") == moment


@given(MOMENTS, MOMENTS)
def test_moments_are_in_the_order_of_time(one: datetime, other: datetime) -> None:
    one, other = one.replace(microsecond=0), other.replace(microsecond=0)
    assert compare(_cut(one, 6), _cut(other, 6)) == (one > other) - (one < other)


@given(PARTIAL, PARTIAL)
def test_order_is_the_same_from_either_side(one: Temporal, other: Temporal) -> None:
    order = compare(one, other)
    assert compare(other, one) == (None if order is None else -order)
    assert equal(one, other) == (None if order is None else order == 0)
    assert equivalent(one, one)


@given(MOMENTS, st.integers(1, 5))
def test_what_is_less_precise_is_neither_before_nor_after(moment: datetime, precision: int) -> None:
    moment = moment.astimezone(UTC)
    assert compare(_cut(moment, precision), _cut(moment, 6)) is None


@given(PARTIAL, st.integers(-10_000, 10_000), UNITS)
def test_a_sum_keeps_precision_and_zone(start: Temporal, amount: int, unit: str) -> None:
    moved = plus(start, Decimal(amount), unit)
    if moved is not None:
        assert len(moved.fields) == len(start.fields)
        assert moved.zone == start.zone
        assert parse(str(moved), "datetime") is not None
        order = compare(moved, start)
        assert order is not None
        assert order == 0 or (order > 0) == (amount > 0)


@given(MOMENTS, st.integers(-100_000, 100_000), st.sampled_from(["week", "day", "hour", "minute", "second"]))
def test_fixed_durations_add_as_the_clock_does(start: datetime, amount: int, unit: str) -> None:
    start = start.replace(microsecond=0)
    try:
        expected = start + timedelta(**{unit + "s": amount})
    except OverflowError:
        return
    assert plus(_cut(start, 6), Decimal(amount), unit) == _cut(expected, 6)


@pytest.mark.parametrize("text", [
    "2015-02-30", "2015-13", "15-01-01", "2015-1-1", "2015-02-04T25:00", "2015-02-04T10:60", "2015-02T10:00",
    "2015-02-04T10:00:00+15:00", "2015-02-04T10:00:00+10:60", "2015-02-04T10:00:62", "2015Z", "x", "", "T10:00",
    "0000-01-01", "2015-02-04 10:00", "2015-02-04T10:00:00.", "٢٠١٥-01-01",
])  # fmt: skip
def test_what_is_no_moment_is_none(text: str) -> None:
    assert parse(text, "datetime") is None


@pytest.mark.parametrize(("text", "kind", "read"), [
    ("2015", "date", True), ("2015-02-04", "date", True), ("2015-02-04T10:00", "date", False), ("2015T", "date", False),
    ("10", "time", True), ("10:30:15.5", "time", True), ("T10:30", "time", True), ("10:30Z", "time", False),
    ("2015", "time", False), ("2016-12-31T23:59:60Z", "datetime", True), ("2015T", "datetime", True),
])  # fmt: skip
def test_each_kind_has_its_own_form(text: str, kind: str, read: bool) -> None:
    assert (parse(text, kind) is not None) is read


def test_moment_without_zone_is_ordered_where_any_zone_gives_the_same() -> None:
    def moment(text: str) -> Temporal:
        found = parse(text, "datetime")
        assert found is not None
        return found

    assert compare(moment("2015-01-01T10:00"), moment("2015-01-01T11:00Z")) is None
    assert compare(moment("2015-01-01T10:00"), moment("2015-01-03T11:00Z")) == -1
    assert compare(moment("2015-01-01"), moment("2014-01-01T11:00Z")) == 1

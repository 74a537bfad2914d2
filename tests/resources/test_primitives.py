"""The formats of primitive types (https://hl7.org/fhir/R4/datatypes.html#primitive)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fhirhub.resources import definitions
from fhirhub.resources.document import parse
from fhirhub.resources.primitives import CHECKS, check, date_range

RIGHT: dict[str, list[Any]] = {
    "base64Binary": ["YQ==", "YWI=", "YWJj", "YW Jj", "YWJj\r\nYWJj", "++//"],
    "boolean": [True, False],
    "canonical": ["http://example.org/Questionnaire/a|1.0", "#local", "urn:uuid:x"],
    "code": ["a", "a b", "active", "8310-5", "é", "a|b"],
    "date": ["2026", "2026-11", "2026-11-22", "2024-02-29", "0001-01-01", "9999-12-31", "2000-02-29"],
    "dateTime": [
        "2026",
        "2026-11-22",
        "2026-11-22T09:00:00Z",
        "2026-11-22T23:59:59.123456789+14:00",
        "2016-12-31T23:59:60Z",
        "2026-11-22T09:00:00-13:59",
    ],
    "decimal": [0, -1, Decimal("1.00"), Decimal("1E-22"), Decimal("1E+400"), 10**299],
    "id": ["a", "A-1.b", "x" * 64],
    "instant": ["2026-11-22T09:00:00Z", "2026-11-22T09:00:00.1+01:00"],
    "integer": [0, -2147483648, 2147483647],
    "markdown": ["# a\n* b\t", " a"],
    "oid": ["urn:oid:1.2.3", "urn:oid:2.16.840.1.113883", "urn:oid:0.0"],
    "positiveInt": [1, 2147483647],
    "string": ["a", " a ", "a\r\n\t", "\u00a0", "\U0001f600", "x" * 1048576],
    "time": ["00:00:00", "23:59:60", "12:00:00.5"],
    "unsignedInt": [0, 2147483647],
    "uri": ["http://example.org", "urn:oid:1.2", "a", "%20", "é"],
    "url": ["http://example.org", "mailto:a@example.org"],
    "uuid": ["urn:uuid:c757873d-ec9a-4326-a141-556f43239520"],
    "xhtml": ["<div/>"],
}

WRONG: dict[str, list[Any]] = {
    "base64Binary": ["", " ", "YQ=", "YQ", "YQ==YQ==", "%", "é", "Y===", 1, None],
    "boolean": ["true", 1, 0, None, []],
    "canonical": ["", "a b", 1],
    "code": ["", " a", "a ", "a  b", "a\tb", "a\nb", 1, True, ["a"]],
    "date": [
        *("", "26", "2026-13", "2026-00", "2026-02-29", "1900-02-29", "2026-04-31", "0000", "20261122"),
        *("2026-11-22T09:00:00Z", "2026-1-2", " 2026", "2026\n", 2026, "２０２６"),
    ],
    "dateTime": [
        *("2026-11-22T09:00:00", "2026-11-22T09:00Z", "2026-11-22T24:00:00Z", "2026-02-30T00:00:00Z"),
        *(
            "2026-11-22 09:00:00Z",
            "2026-11-22T09:00:00+14:01",
            "2026-11-22T09:00:61Z",
            "2026-11-22T09:00:00.Z",
        ),
    ],
    "decimal": ["1", True, None, "1.0", 10**300, -(10**2000)],
    "id": ["", "x" * 65, "a_b", "a/b", "a b", "é", "a\n", 1],
    "instant": ["2026", "2026-11-22", "2026-11-22T09:00:00", "2026-02-30T09:00:00Z", 1],
    "integer": [True, "1", Decimal("1.0"), 2147483648, -2147483649, None],
    "markdown": ["", "a\0", 1],
    "oid": ["1.2.3", "urn:oid:3.1", "urn:oid:1.02", "urn:oid:1", "urn:oid:1.", 1],
    "positiveInt": [0, -1, 2147483648, "1", True],
    "string": ["", "a\0b", "\x07", "\x1f", "x" * 1048577, 1, False, {}],
    "time": ["24:00:00", "12:00", "12:60:00", "1:00:00", "12:00:00Z", 1],
    "unsignedInt": [-1, Decimal("0.0"), "0"],
    "uri": ["", " ", "a b", "a\n", 1],
    "url": ["", "a b", 1],
    "uuid": ["c757873d-ec9a-4326-a141-556f43239520", "urn:uuid:C757873D-EC9A-4326-A141-556F43239520", 1],
    "xhtml": ["", 1, None],
}


def test_every_primitive_type_is_checked_and_tested() -> None:
    primitive = {name for name in definitions.TYPES if definitions.structure(name).kind == "primitive-type"}
    assert set(CHECKS) == set(RIGHT) == set(WRONG) == primitive


@pytest.mark.parametrize(("type", "value"), [(type, value) for type in RIGHT for value in RIGHT[type]])
def test_right_values_pass(type: str, value: Any) -> None:
    assert check(type, value) is None


@pytest.mark.parametrize(("type", "value"), [(type, value) for type in WRONG for value in WRONG[type]])
def test_wrong_values_are_told_what_would_be_right(type: str, value: Any) -> None:
    text = check(type, value)
    assert text is not None
    assert text.startswith(("expects ", "may not be ", "has "))
    assert len(text) < 250


def test_minus_zero_is_a_whole_number_as_its_expression_says() -> None:
    zero = parse(b'{"value":-0}')["value"]
    assert check("integer", zero) is None
    assert check("unsignedInt", zero) is None
    assert check("positiveInt", zero) is not None
    assert check("decimal", zero) is None


@settings(deadline=None)
@given(st.sampled_from(sorted(CHECKS)), st.none() | st.booleans() | st.integers() | st.text() | st.decimals())
def test_no_value_breaks_a_check(type: str, value: Any) -> None:
    assert check(type, value) is None or isinstance(check(type, value), str)


def us(*parts: int, zone: timezone = UTC) -> int:
    since = datetime(*parts, tzinfo=zone) - datetime(1970, 1, 1, tzinfo=UTC)  # type: ignore[misc, arg-type]
    return since // timedelta(microseconds=1)


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("2026", us(2026, 1, 1), us(2027, 1, 1)),
        ("2026-12", us(2026, 12, 1), us(2027, 1, 1)),
        ("2024-02", us(2024, 2, 1), us(2024, 3, 1)),
        ("2026-11-22", us(2026, 11, 22), us(2026, 11, 23)),
        ("2026-11-22T09:00", us(2026, 11, 22, 9), us(2026, 11, 22, 9, 1)),
        ("2026-11-22T09:00Z", us(2026, 11, 22, 9), us(2026, 11, 22, 9, 1)),
        ("2026-11-22T09:00:01Z", us(2026, 11, 22, 9, 0, 1), us(2026, 11, 22, 9, 0, 2)),
        ("2026-11-22T09:00:01+01:00", us(2026, 11, 22, 8, 0, 1), us(2026, 11, 22, 8, 0, 2)),
        (
            "2026-11-22T09:00:01.5-05:30",
            us(2026, 11, 22, 14, 30, 1, 500000),
            us(2026, 11, 22, 14, 30, 1, 600000),
        ),
        ("2026-11-22T09:00:01.123Z", us(2026, 11, 22, 9, 0, 1, 123000), us(2026, 11, 22, 9, 0, 1, 124000)),
        (
            "2026-11-22T09:00:01.1234567Z",
            us(2026, 11, 22, 9, 0, 1, 123456),
            us(2026, 11, 22, 9, 0, 1, 123457),
        ),
        ("2016-12-31T23:59:60Z", us(2017, 1, 1), us(2017, 1, 1, 0, 0, 1)),
        ("9999", us(9999, 1, 1), us(9999, 12, 31) + 86_400_000_000),
    ],
)
def test_dates_are_half_open_ranges(text: str, low: int, high: int) -> None:
    assert date_range(text) == (low, high)


@pytest.mark.parametrize(
    "text", ["", "soon", "2026-02-30", "2026-13", "0000", "2026-11-22T25:00Z", "2026-W47-7", "٢٠٢٦"]
)
def test_unreadable_dates_are_refused_with_what_would_be_right(text: str) -> None:
    with pytest.raises(ValueError, match="expects a da"):
        date_range(text)


@settings(deadline=None)
@given(
    st.datetimes(min_value=datetime(1, 1, 2), max_value=datetime(9999, 12, 30)),
    st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes))),
)
def test_any_moment_lies_in_its_own_ranges(moment: datetime, zone: timezone) -> None:
    local = moment.replace(tzinfo=zone)
    exact = (local - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    text = local.isoformat(timespec="microseconds")
    assert check("dateTime", text) is None
    assert date_range(text) == (exact, exact + 1)
    low, high = date_range(local.isoformat(timespec="seconds"))
    assert low <= exact < high
    assert high - low == 1_000_000


@pytest.mark.parametrize("type", ["string", "markdown"])
@pytest.mark.parametrize("text", [" ", "   ", "\t\n"])
def test_a_string_of_white_space_alone_is_refused(type: str, text: str) -> None:
    assert "white space" in (check(type, text) or "")


@pytest.mark.parametrize("type", ["string", "markdown", "uri", "url", "canonical", "code", "xhtml"])
@pytest.mark.parametrize("text", ["a\ufffe", "\uffff", "a\x01", "\x7f\x00"])
def test_what_xml_cannot_hold_is_refused(type: str, text: str) -> None:
    assert check(type, text)

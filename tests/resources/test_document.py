"""JSON in and out without loss (https://hl7.org/fhir/R4/json.html)."""

from __future__ import annotations

import contextlib
import copy
import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fhirhub.errors import FhirError, Issue
from fhirhub.resources.document import (
    Json,
    canonical,
    decode,
    encode,
    instant,
    is_deeper,
    number,
    parse,
    pretty,
    stamp,
    walk,
)

NUMBERS = [
    "1.00",
    "1.0E-22",
    "1.0e-22",
    "1e3",
    "1E+3",
    "1e400",
    "-0.0",
    "-0",
    "0",
    "0.0000001",
    "12345678901234567890.12345678901234567890",
    "123456789012345678901234567890",
    "-9223372036854775809",
    "0.000",
    "100000000000000000000000.0",
]


def refusal(body: bytes) -> Issue:
    """The one issue with which a body is refused."""
    with pytest.raises(FhirError) as refused:
        parse(body)
    assert refused.value.status == 400
    (issue,) = refused.value.issues
    assert issue.code == "structure"
    assert issue.severity == "fatal"
    return issue


@pytest.mark.parametrize("number", NUMBERS)
def test_numbers_come_out_as_they_came_in(number: str) -> None:
    body = f'{{"value":{number},"list":[{number}]}}'.encode()
    value = parse(body)
    assert encode(value) == body
    assert encode(decode(body)) == body
    assert encode(copy.deepcopy(value)) == body
    assert value["value"] == Decimal(number)


@pytest.mark.parametrize("text", NUMBERS)
def test_a_number_made_from_text_is_written_the_same(text: str) -> None:
    assert encode(number(text)) == text.encode()
    assert type(number(text)) is int or isinstance(number(text), Decimal)


@pytest.mark.parametrize(
    "text", ["", "1.", ".5", "01", "+1", "1e", "NaN", "Infinity", "٣", "1e99999", "9" * 1001]
)
def test_what_is_no_number_of_json_is_not_made_one(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        number(text)


def test_integers_are_int_and_all_else_is_decimal() -> None:
    value = parse(b'{"a":1,"b":1.0,"c":1e2,"d":12345678901234567890123}')
    assert type(value["a"]) is int
    assert type(value["d"]) is int
    assert isinstance(value["b"], Decimal)
    assert isinstance(value["c"], Decimal)


def test_order_of_properties_stays() -> None:
    body = b'{"z":1,"a":{"y":1,"b":2},"resourceType":"X"}'
    assert encode(parse(body)) == body


def test_the_canonical_form_has_one_order() -> None:
    assert canonical(parse(b'{"b":1e3,"a":{"d":1.0,"c":-0}}')) == b'{"a":{"c":-0,"d":1.0},"b":1e3}'


@settings(deadline=None)
@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
        | st.decimals(allow_nan=False, allow_infinity=False, places=4),
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(
                st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])), inner
            )
        ),
        max_leaves=30,
    ),
    st.sampled_from([None, 1, 4]),
    st.booleans(),
)
def test_any_json_object_survives(value: Any, indent: int | None, ascii_only: bool) -> None:
    text = json.dumps({"value": value}, indent=indent, ensure_ascii=ascii_only, default=float)
    parsed = parse(text.encode())
    expected = json.loads(text, parse_float=Decimal)
    assert parsed == expected
    assert parse(encode(parsed)) == expected
    assert json.loads(pretty(encode(parsed)), parse_float=Decimal) == expected


@settings(deadline=None)
@given(
    st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass"))
)
def test_no_body_gets_anything_but_a_value_or_a_refusal(body: bytes) -> None:
    value: Any = {}
    with contextlib.suppress(FhirError):
        value = parse(body)
    assert type(value) is dict


json_like = st.lists(
    st.sampled_from(
        [
            "{",
            "}",
            "[",
            "]",
            ":",
            ",",
            '"a"',
            '"b"',
            '"a"',
            '"\\u0000"',
            '"\\ud800"',
            '"\\u0022"',
            "1",
            "-0",
            "1.5",
        ]
    ),
    max_size=20,
).map(lambda tokens: "".join(tokens).encode())


def has_duplicate(body: bytes) -> bool:
    found = []

    def look(pairs: list[tuple[str, Any]]) -> Json:
        found.append(len({name for name, _ in pairs}) != len(pairs))
        return dict(pairs)

    json.loads(body, object_pairs_hook=look)
    return any(found)


@settings(deadline=None)
@given(json_like.map(lambda inner: b'{"x":' + inner + b"}") | json_like)
def test_bodies_close_to_json_are_taken_exactly_when_they_are_right(body: bytes) -> None:
    try:
        value = parse(body)
    except FhirError:
        value = None
    try:
        expected = json.loads(body, parse_float=Decimal)
    except ValueError:
        expected = None
    is_refused = (
        not isinstance(expected, dict) or b"\\u0000" in body or b"\\ud800" in body or has_duplicate(body)
    )
    assert value == (None if is_refused else expected)


members = st.lists(
    st.tuples(
        st.sampled_from(["a", "b", "a-b", 'q"q', "é", "\\"]), st.sampled_from(["-0", "1", '"-"', '"\\""'])
    ),
    max_size=5,
)


@settings(deadline=None)
@given(members, st.booleans(), st.sampled_from(["", " ", "\n"]))
def test_repeated_names_are_found_whatever_the_escapes_and_spaces(
    pairs: list[tuple[str, str]], ascii_only: bool, space: str
) -> None:
    names = [name for name, _ in pairs]
    inner = ",".join(
        f"{json.dumps(name, ensure_ascii=ascii_only)}{space}:{space}{value}" for name, value in pairs
    )
    body = f'{{"outer":[{{{inner}}}]}}'.encode()
    if len(set(names)) == len(names):
        assert parse(body) == json.loads(body)
    else:
        assert "more than once" in refusal(body).text


def test_a_repeated_name_is_named_with_its_place() -> None:
    issue = refusal(
        b'{"resourceType": "CarePlan",\n "activity": [{}, {"detail": {"status": 1,\n "status": 2}}]}'
    )
    assert issue.expression == "CarePlan.activity[1].detail.status"
    assert (issue.line, issue.column) == (3, 2)
    assert "CarePlan.activity[1].detail.status appears more than once" in issue.text


def test_a_repeated_name_written_as_escapes_is_found() -> None:
    assert "more than once" in refusal(b'{"a":1,"\\u0061":2}').text
    assert "more than once" in refusal(b'{"\\u0022":1,"a":1,"a":2}').text


@pytest.mark.parametrize(
    ("body", "text", "line", "column"),
    [
        (b"", "The body is empty", 1, 1),
        (b" \n", "The body is empty", 1, 1),
        (b"[1]", "is an object", 1, 1),
        (b'\n "x"', "is an object", 2, 2),
        (b"null", "is an object", 1, 1),
        (b'{"a":1,}', "not well-formed JSON", 1, 8),
        (b'{"a":\n  tru}', "not well-formed JSON", 2, 3),
        (b'{"a":1} x', "not well-formed JSON", 1, 9),
        (b'{"a":01}', "not well-formed JSON", 1, 7),
        (b'{"a":"\n"}', "not well-formed JSON", 1, 7),
        (b"{'a':1}", "not well-formed JSON", 1, 2),
        (b'{"a":NaN}', "NaN is no JSON number", 1, 6),
        (b'{"a":-Infinity}', "Infinity is no JSON number", 1, 6),
        (b'{"a":\n"\xff"}', "not UTF-8", 2, 2),
        (b'{"a":"\xed\xa0\x80"}', "not UTF-8", 1, 7),
        (b'{"a":"\\ud800"}', "half of a surrogate pair", 1, 7),
        (b'{"a":"x\\udc00"}', "half of a surrogate pair", 1, 8),
        (b'{"\\ud83d":1}', "half of a surrogate pair", 1, 3),
        (b'{"a":"\\u0000"}', "NUL character", 1, 6),
        (b'{"a\\u0000":1}', "NUL character", 1, 2),
        (b'{"a":1e9999999999999999999}', "out of every bound", 1, 6),
        (b'{"a":1e-2000}', "out of every bound", 1, 6),
        (b'{"a":0e99999}', "out of every bound", 1, 6),
        (b'{"a":' + b"1" * 5000 + b"}", "out of every bound", 1, 6),
        (b'{"a":0.' + b"1" * 5000 + b"}", "out of every bound", 1, 6),
        (b"[" * 100_000, "deeper than 64 levels", 1, 1),
        (b'{"a":' * 100_000, "deeper than 64 levels", 1, 1),
    ],
)
def test_what_is_no_resource_in_json_is_refused_with_its_place(
    body: bytes, text: str, line: int, column: int
) -> None:
    issue = refusal(body)
    assert text in issue.text
    assert (issue.line, issue.column) == (line, column)


def test_an_escaped_backslash_before_u0000_is_no_nul() -> None:
    assert parse(b'{"a":"\\\\u0000"}') == {"a": "\\u0000"}


def test_surrogate_pairs_are_characters() -> None:
    assert parse(b'{"a":"\\ud83d\\ude00"}') == {"a": "\U0001f600"}


def test_a_byte_order_mark_is_passed_over() -> None:
    assert parse(b'\xef\xbb\xbf{"a":1}') == {"a": 1}


@pytest.mark.parametrize("brackets", ["[]", "{}"])
def test_nesting_is_bounded_at_64(brackets: str) -> None:
    opening = "[" if brackets == "[]" else '{"a":'
    for depth in (63, 64):
        body = f'{{"x":{opening * (depth - 1)}{brackets}{brackets[1] * (depth - 1)}}}'.encode()
        if depth == 63:
            assert not is_deeper(parse(body))
        else:
            assert "deeper than 64" in refusal(body).text


def test_brackets_in_strings_hide_no_depth() -> None:
    deep = '["]",' * 64 + '"["' + "]" * 64
    assert "deeper than 64" in refusal(f'{{"x":{deep}}}'.encode()).text
    text = "[" * 500 + "{" * 500
    assert parse(json.dumps({"a": [text, {"b": text}]}).encode())["a"][0] == text


def test_a_broad_resource_is_not_deep() -> None:
    body = json.dumps({"a": [{"b": [{}]} for _ in range(1000)]}).encode()
    assert len(parse(body)["a"]) == 1000


def test_pretty_changes_white_space_only() -> None:
    assert pretty(b'{"a":[1.00,-0,1e400,"\\u00e9"],"b":{}}').decode() == (
        '{\n  "a": [\n    1.00,\n    -0,\n    1e400,\n    "\\u00e9"\n  ],\n  "b": {}\n}'
    )


def test_stamp_puts_type_id_and_meta_first_and_replaces_what_a_client_said() -> None:
    resource: Json = {
        "status": "active",
        "meta": {
            "tag": [{"code": "x"}],
            "versionId": "9",
            "lastUpdated": "1999-01-01T00:00:00Z",
            "_lastUpdated": {"id": "a"},
            "source": "urn:x",
        },
        "id": "old",
        "resourceType": "CarePlan",
    }
    stamp(resource, "new", 3, 1_795_338_000_123_456)
    assert encode(resource) == (
        b'{"resourceType":"CarePlan","id":"new","meta":{"versionId":"3",'
        b'"lastUpdated":"2026-11-22T09:00:00.123Z","tag":[{"code":"x"}],"source":"urn:x"},"status":"active"}'
    )


def test_stamp_makes_meta_where_there_is_none() -> None:
    resource: Json = {"resourceType": "Basic"}
    stamp(resource, "1", 1, 0)
    assert resource["meta"] == {"versionId": "1", "lastUpdated": "1970-01-01T00:00:00.000Z"}


@pytest.mark.parametrize(
    ("us", "text"),
    [(0, "1970-01-01T00:00:00.000Z"), (-1, "1969-12-31T23:59:59.999Z"), (999, "1970-01-01T00:00:00.000Z")],
)
def test_instants_are_utc_cut_to_milliseconds(us: int, text: str) -> None:
    assert instant(us) == text


def test_walk_gives_every_value_with_its_path() -> None:
    found = list(walk({"a": [{"b": 1}, "x"], "c": {"d": None}}))
    assert found == [
        ("a[0]", "a", {"b": 1}),
        ("a[0].b", "b", 1),
        ("a[1]", "a", "x"),
        ("c", "c", {"d": None}),
        ("c.d", "d", None),
    ]

"""FHIRPath N1, clause by clause (https://hl7.org/fhirpath/N1/)."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhirhub.resources import fhirpath
from fhirhub.resources.fhirpath import FhirpathError

PATIENT: dict[str, Any] = {
    "resourceType": "Patient",
    "id": "p",
    "active": True,
    "name": [
        {"use": "official", "family": "Jansen", "given": ["Anna", "Maria"]},
        {"use": "usual", "given": ["An"]},
    ],
    "telecom": [
        {"system": "phone", "value": "1", "rank": 2},
        {"system": "email", "value": "a@x.example", "rank": 1},
    ],
    "birthDate": "1940-05-03",
    "_birthDate": {"extension": [{"url": "http://x.example/time", "valueDateTime": "1940-05-03T14:35:45Z"}]},
    "deceasedBoolean": False,
    "multipleBirthInteger": 2,
}


def found(expression: str, resource: dict[str, Any] = PATIENT, **surroundings: Any) -> list[Any]:
    """The values that an expression finds; dates and quantities of System as text."""
    return [plain(item.value) for item in fhirpath.evaluate(expression, resource, **surroundings)]


def plain(value: Any) -> Any:
    return value if isinstance(value, str | int | Decimal | dict | None) else str(value)


def table(text: str) -> pytest.MarkDecorator:
    """Cases from lines `expression -> values`, the values being Python's, but for `true` and `false`."""
    rows = [line.rsplit(" ->", 1) for line in text.splitlines() if line.strip()]
    names = {"true": True, "false": False, "D": Decimal}
    cases = [(expression.strip(), eval(f"[{values}]", names)) for expression, values in rows]
    return pytest.mark.parametrize(("expression", "values"), cases)


def check(expression: str, values: list[Any]) -> None:
    result = found(expression)
    assert result == values
    assert [type(each) for each in result] == [type(each) for each in values]


@table(r"""
    'a' -> "a"
    'it\'s' -> "it's"
    '\u00e9\n\t\\\/' -> "é\n\t\\/"
    true -> true
    false -> false
    42 -> 42
    3.140 -> D("3.140")
    @2015 -> "2015"
    @2015-02 -> "2015-02"
    @2015-02-04 -> "2015-02-04"
    @2015T -> "2015T"
    @2015-02-04T14 -> "2015-02-04T14"
    @2015-02-04T14:34:28Z -> "2015-02-04T14:34:28Z"
    @2015-02-04T14:34:28.123+09:00 -> "2015-02-04T14:34:28.123+09:00"
    @2015-02-04T14:34-05:30 -> "2015-02-04T14:34-05:30"
    @T14:34:28.123 -> "14:34:28.123"
    @T14 -> "14"
    4.5 'mg' -> "4.5 'mg'"
    1 year -> "1 year"
    4 days -> "4 days"
    {} ->
    1 // one -> 1
    /* one */ 1 -> 1
""")
def test_literals(expression: str, values: list[Any]) -> None:
    check(expression, values)


@table("""
    name.given -> "Anna", "Maria", "An"
    Patient.name.given -> "Anna", "Maria", "An"
    Resource.id -> "p"
    DomainResource.id -> "p"
    Observation.id ->
    `name`.`given` -> "Anna", "Maria", "An"
    name."given" -> "Anna", "Maria", "An"
    name[0].given[1] -> "Maria"
    name[5] ->
    name[-1] ->
    name.given.foo ->
    nothing ->
    deceased -> false
    multipleBirth -> 2
    multipleBirthInteger ->
    $this.id -> "p"
    (name.given) -> "Anna", "Maria", "An"
    name.where($index = 1).given -> "An"
    name.given.select($index) -> 0, 1, 2
""")
def test_paths(expression: str, values: list[Any]) -> None:
    check(expression, values)


@table("""
    name.empty() -> false
    photo.empty() -> true
    name.exists() -> true
    name.exists(use = 'old') -> false
    photo.exists() -> false
    true.not() -> false
    {}.not() ->
    name.all(given.exists()) -> true
    name.all(family.exists()) -> false
    photo.all(false) -> true
    (true | false).allTrue() -> false
    {}.allTrue() -> true
    (true | false).anyTrue() -> true
    {}.anyTrue() -> false
    (true | false).allFalse() -> false
    {}.allFalse() -> true
    (true | false).anyFalse() -> true
    {}.anyFalse() -> false
    (1 | 2).subsetOf(1 | 2 | 3) -> true
    (1 | 4).subsetOf(1 | 2 | 3) -> false
    {}.subsetOf(1) -> true
    (1 | 2 | 3).supersetOf(1 | 2) -> true
    1.supersetOf({}) -> true
    name.given.count() -> 3
    {}.count() -> 0
    1.combine(1).distinct() -> 1
    1.combine(1.0).distinct() -> 1
    1.combine(1).isDistinct() -> false
    (1 | 2).isDistinct() -> true
    {}.isDistinct() -> true
""")
def test_existence(expression: str, values: list[Any]) -> None:
    check(expression, values)


@table("""
    name.where(use = 'usual').given -> "An"
    name.where(photo).given ->
    telecom.select(rank + 1) -> 3, 2
    name.select(given.first() + ' ' + use) -> "Anna official", "An usual"
    (1 | 2 | 3).where($this > 1) -> 2, 3
    1.repeat(iif($this < 4, $this + 1, {})) -> 2, 3, 4
    (1 | 2 | 3).aggregate($total + $this, 0) -> 6
    (3 | 5 | 4).aggregate(iif($total.empty(), $this, iif($this < $total, $this, $total))) -> 3
    (1 | 2).aggregate($total + $this) ->
    descendants().ofType(Extension).url -> "http://x.example/time"
    name.ofType(HumanName).use -> "official", "usual"
    deceased.ofType(dateTime) ->
""")
def test_filtering_and_projection(expression: str, values: list[Any]) -> None:
    check(expression, values)


@table("""
    name.where(use = 'usual').single().use -> "usual"
    {}.single() ->
    name.given.first() -> "Anna"
    name.given.last() -> "An"
    name.given.tail() -> "Maria", "An"
    name.given.skip(2) -> "An"
    name.given.skip(-1) -> "Anna", "Maria", "An"
    name.given.skip(9) ->
    name.given.take(2) -> "Anna", "Maria"
    name.given.take(0) ->
    {}.first() ->
    (1 | 2 | 3).intersect(2 | 3 | 4) -> 2, 3
    1.combine(1).intersect(1) -> 1
    1.combine(1).combine(2).exclude(2) -> 1, 1
    (1 | 2).union(2 | 3) -> 1, 2, 3
    (1 | 2).combine(2 | 3) -> 1, 2, 2, 3
""")
def test_subsetting_and_combining(expression: str, values: list[Any]) -> None:
    check(expression, values)


@table(r"""
    iif(true, 'a', 'b') -> "a"
    iif(false, 'a', 'b') -> "b"
    iif({}, 'a', 'b') -> "b"
    iif(false, 'a') ->
    iif(true, 'a', (1 | 2).single()) -> "a"
    name.first().iif(use = 'official', family, given) -> "Jansen"
    'true'.toBoolean() -> true
    'Y'.toBoolean() -> true
    '0'.toBoolean() -> false
    1.0.toBoolean() -> true
    2.toBoolean() ->
    'maybe'.toBoolean() ->
    '17'.toInteger() -> 17
    '+17'.toInteger() -> 17
    '1.5'.toInteger() ->
    '9999999999'.toInteger() ->
    '99999999999'.toInteger() ->
    true.toInteger() -> 1
    1.5.toInteger() ->
    '1.50'.toDecimal() -> D("1.50")
    1.toDecimal() -> D("1")
    'x'.toDecimal() ->
    '1e3'.toDecimal() ->
    1.50.toString() -> "1.50"
    true.toString() -> "true"
    @2015-01.toString() -> "2015-01"
    @T10:30.toString() -> "10:30"
    (4 'mg').toString() -> "4 'mg'"
    (2 weeks).toString() -> "2 weeks"
    birthDate.toString() -> "1940-05-03"
    '2015-02-04'.toDate() -> "2015-02-04"
    '2015-13-04'.toDate() ->
    '2015-02-29'.toDate() ->
    '2016-02-29'.toDate() -> "2016-02-29"
    @2015-02-04T14:30.toDate() -> "2015-02-04"
    '2015-02-04T14:34:28+09:00'.toDateTime() -> "2015-02-04T14:34:28+09:00"
    '2015'.toDateTime() -> "2015T"
    '2015-02-04T25:00'.toDateTime() ->
    @2015.toDateTime() -> "2015T"
    '14:30'.toTime() -> "14:30"
    '24:00'.toTime() ->
    '4 days'.toQuantity() -> "4 days"
    '4.5 \'mg\''.toQuantity() -> "4.5 'mg'"
    '4.5'.toQuantity() -> "4.5 '1'"
    '4.5 mg'.toQuantity() ->
    true.toQuantity() -> "1.0 '1'"
    (1 'h').toQuantity('min') -> "60 'min'"
    (1 'h').toQuantity('kg') ->
    'x'.convertsToBoolean() -> false
    'no'.convertsToBoolean() -> true
    {}.convertsToBoolean() ->
    '1'.convertsToInteger() -> true
    '1.1'.convertsToInteger() -> false
    '1.1'.convertsToDecimal() -> true
    1.convertsToString() -> true
    name.first().convertsToString() -> false
    '2015-02'.convertsToDate() -> true
    '2015-2'.convertsToDate() -> false
    '2015-02-04T10'.convertsToDateTime() -> true
    '10:00:00.1'.convertsToTime() -> true
    '1 day'.convertsToQuantity() -> true
    '1 \'wk\''.convertsToQuantity() -> true
    'one day'.convertsToQuantity() -> false
""")
def test_conversion(expression: str, values: list[Any]) -> None:
    check(expression, values)


@table(r"""
    'abc'.indexOf('bc') -> 1
    'abc'.indexOf('x') -> -1
    'abc'.indexOf('') -> 0
    {}.indexOf('x') ->
    'abc'.indexOf({}) ->
    'abcb'.lastIndexOf('b') -> 3
    'abcdefg'.substring(3) -> "defg"
    'abcdefg'.substring(1, 2) -> "bc"
    'abcdefg'.substring(6, 2) -> "g"
    'abcdefg'.substring(7, 1) ->
    'abcdefg'.substring(-1, 1) ->
    'abc'.startsWith('ab') -> true
    'abc'.startsWith('') -> true
    'abc'.endsWith('bc') -> true
    'abc'.contains('b') -> true
    'abc'.contains('x') -> false
    'abc'.contains('') -> true
    'aBc'.upper() -> "ABC"
    'aBc'.lower() -> "abc"
    '  a '.trim() -> "a"
    'abcdefg'.replace('cde', '123') -> "ab123fg"
    'abc'.replace('', 'x') -> "xaxbxcx"
    'abc'.replace('b', '') -> "ac"
    'abc'.replace('b', {}) ->
    'Library'.matches('^[a-zA-Z]+$') -> true
    'N8000123123'.matches('^N[0-9]{8}$') -> false
    'http://x/Library|1'.matches('Library') -> true
    'http://x/Library|1'.matchesFull('Library') -> false
    'a\nb'.matches('a.b') -> true
    'abc'.matches({}) ->
    '11/30/1972'.replaceMatches('(\\d{2})/(\\d{2})/(\\d{4})', '$2-$1-$3') -> "30-11-1972"
    '11/30'.replaceMatches('(?<month>\\d+)/(?<day>\\d+)', '${day}-${month}') -> "30-11"
    'a1b2'.replaceMatches('[0-9]', '') -> "ab"
    'abc'.replaceMatches('', 'x') -> "abc"
    'abc'.length() -> 3
    ''.length() -> 0
    {}.length() ->
    'ab'.toChars() -> "a", "b"
    'a,b,'.split(',') -> "a", "b", ""
    ('a' | 'b').join(',') -> "a,b"
    ('a' | 'b').join() -> "ab"
    'é'.encode('base64') -> "w6k="
    'w6k='.decode('base64') -> "é"
    '??'.encode('urlbase64') -> "Pz8="
    'a'.encode('hex') -> "61"
    '61'.decode('hex') -> "a"
    '6'.decode('hex') ->
    '<a>'.escape('html') -> "&lt;a&gt;"
    '&lt;a&gt;'.unescape('html') -> "<a>"
    'a"b'.escape('json') -> 'a\\"b'
    'a\\"b'.unescape('json') -> 'a"b'
""")
def test_strings(expression: str, values: list[Any]) -> None:
    check(expression, values)


@table("""
    (-5).abs() -> 5
    (-5.5).abs() -> D("5.5")
    (-5.5 'mg').abs() -> "5.5 'mg'"
    1.1.ceiling() -> 2
    (-1.1).ceiling() -> -1
    2.1.floor() -> 2
    (-2.1).floor() -> -3
    101.99.truncate() -> 101
    (-1.56).truncate() -> -1
    0.exp() -> D("1")
    1.ln() -> D("0")
    (-1).ln() ->
    16.log(2) -> D("4")
    100.0.log(10.0) -> D("2")
    0.log(2) ->
    2.power(3) -> 8
    2.5.power(2) -> D("6.25")
    (-1).power(0.5) ->
    2.power(-1) -> D("0.5")
    0.power(0) -> 1
    10.power(400) ->
    1.round() -> D("1")
    3.14159.round(3) -> D("3.142")
    2.5.round() -> D("3")
    (-2.5).round() -> D("-3")
    81.sqrt() -> D("9")
    (-1).sqrt() ->
    {}.sqrt() ->
""")
def test_mathematics(expression: str, values: list[Any]) -> None:
    check(expression, values)


@table("""
    name.first().children() -> "official", "Jansen", "Anna", "Maria"
    birthDate.children().url -> "http://x.example/time"
    name.descendants() -> "official", "Jansen", "Anna", "Maria", "usual", "An"
    descendants().where($this is HumanName).count() -> 2
    name.given.trace('given').count() -> 3
    name.trace('x', given).count() -> 2
""")
def test_tree_and_trace(expression: str, values: list[Any]) -> None:
    check(expression, values)


@table("""
    1 = 1 -> true
    1 = 1.0 -> true
    1.0 = 1.00 -> true
    1 = 2 -> false
    'a' = 'A' -> false
    1 = '1' -> false
    true = 'true' -> false
    {} = {} ->
    1 = {} ->
    (1 | 2) = (1 | 2) -> true
    (1 | 2) = (2 | 1) -> false
    (1 | 2) = 1 -> false
    name = name -> true
    name[0] = name[1] -> false
    @2012 = @2012 -> true
    @2012 = @2012-01 ->
    @2012-01 = @2013-01-02 -> false
    @2012-01-01T10:30 = @2012-01-01T10:30:00 ->
    @2012-01-01T10:30:31 = @2012-01-01T10:30:31.0 -> true
    @2012-01-01T10:00Z = @2012-01-01T12:00+02:00 -> true
    @2012-01-01 = @2012-01-01T -> true
    @T10:30 = @T10:30:00 ->
    @T10:30 = @2012 -> false
    birthDate = @1940-05-03 -> true
    birthDate = '1940-05-03' -> false
    1 'kg' = 1000 'g' -> true
    1 'kg' = 1 's' ->
    1 = 1 '1' -> true
    1 year = 12 months -> true
    1 week = 7 days -> true
    1 second = 1 's' -> true
    1 year = 1 'a' ->
    1 != 2 -> true
    {} != 1 ->
    @2012 != @2012-01 ->
""")
def test_equality(expression: str, values: list[Any]) -> None:
    check(expression, values)


@table("""
    'abc' ~ 'ABC' -> true
    ' a  b' ~ 'a b ' -> true
    1.01 ~ 1.0 -> true
    1.1 ~ 1.12 -> true
    1.1 ~ 1.2 -> false
    1 ~ 'a' -> false
    {} ~ {} -> true
    1 ~ {} -> false
    (1 | 2) ~ (2 | 1) -> true
    1.combine(1) ~ 1.combine(2) -> false
    @2012 ~ @2012-01 -> false
    @2012-01-01T10:00Z ~ @2012-01-01T11:00+01:00 -> true
    4 'g' ~ 4000 'mg' -> true
    1 year ~ 1 'a' -> true
    4 'g' ~ 4 's' -> false
    name ~ name -> true
    name[0] ~ name[1] -> false
    'a' !~ 'b' -> true
    {} !~ {} -> false
""")
def test_equivalence(expression: str, values: list[Any]) -> None:
    check(expression, values)


@table("""
    1 < 2 -> true
    2 <= 2.0 -> true
    'b' > 'a' -> true
    1 > {} ->
    @2012 < @2013 -> true
    @2012 < @2012-01 ->
    @2012-02 > @2012-01-31 -> true
    @2012-01-01T10:00:00.5 > @2012-01-01T10:00:00 -> true
    @2012-01-01T10:00Z >= @2012-01-01T11:30+02:00 -> true
    @2012-01-01T10:00 < @2012-01-01T11:00Z ->
    @2012-01-01T10:00 < @2012-01-03T11:00Z -> true
    @T10:30 > @T09 -> true
    birthDate < today() -> true
    1 'kg' > 999 'g' -> true
    1 'kg' > 1 's' ->
    3 days > 2 days -> true
    1 week > 6 days -> true
""")
def test_order(expression: str, values: list[Any]) -> None:
    check(expression, values)


@pytest.mark.parametrize(("left", "right", "and_", "or_", "xor", "implies"), [
    ("true", "true", [True], [True], [False], [True]),
    ("true", "false", [False], [True], [True], [False]),
    ("true", "{}", [], [True], [], []),
    ("false", "true", [False], [True], [True], [True]),
    ("false", "false", [False], [False], [False], [True]),
    ("false", "{}", [False], [], [], [True]),
    ("{}", "true", [], [True], [], [True]),
    ("{}", "false", [False], [], [], []),
    ("{}", "{}", [], [], [], []),
])  # fmt: skip
def test_three_valued_logic(
    left: str, right: str, and_: list[bool], or_: list[bool], xor: list[bool], implies: list[bool]
) -> None:
    assert found(f"{left} and {right}") == and_
    assert found(f"{left} or {right}") == or_
    assert found(f"{left} xor {right}") == xor
    assert found(f"{left} implies {right}") == implies


def test_single_item_counts_as_true_and_several_are_no_condition() -> None:
    assert found("name.first() and active") == [True]
    with pytest.raises(FhirpathError, match="condition"):
        found("name and active")


@table("""
    1 + 2 -> 3
    1 + 2.5 -> D("3.5")
    'a' + 'b' -> "ab"
    'a' + {} ->
    'a' & {} -> "a"
    {} & {} -> ""
    5 - 7 -> -2
    2 * 3.0 -> D("6.0")
    1 / 2 -> D("0.5")
    1 / 0 ->
    12 / 4 -> D("3")
    5 div 2 -> 2
    -5 div 2 -> -2
    5.5 div 0.7 -> 7
    5 div 0 ->
    5 mod 2 -> 1
    -5 mod 2 -> -1
    5.5 mod 0.7 -> D("0.6")
    5 mod 0 ->
    -5 -> -5
    -(5 'mg') -> "-5 'mg'"
    +5 -> 5
    1 + 2 * 3 -> 7
    (1 + 2) * 3 -> 9
    2147483647 + 1 ->
    1 'mg' + 2 'mg' -> "3 'mg'"
    1 'g' + 1 'mg' -> "1.001 'g'"
    1 'g' + 1 's' ->
    3 'g' - 1 'g' -> "2 'g'"
    2 'm' * 3 'm' -> "6 'm2'"
    2 * 3 'm' -> "6 'm'"
    6 'm' / 2 's' -> "3 'm/s'"
    6 'm' / 2 'm' -> "3 '1'"
    7 days + 1 week -> "14 days"
""")
def test_arithmetic(expression: str, values: list[Any]) -> None:
    check(expression, values)


@table("""
    @2016-02-29 + 1 year -> "2017-02-28"
    @2012-01-31 + 1 month -> "2012-02-29"
    @2012-03-31 - 1 month -> "2012-02-29"
    @2012-12 + 1 month -> "2013-01"
    @2012 + 24 months -> "2014"
    @2012 + 23 months -> "2013"
    @2012 - 23 months -> "2011"
    @2012 + 364 days -> "2012"
    @2012 + 365 days -> "2013"
    @2012-01 + 30 days -> "2012-02"
    @2012-01-01 + 25 hours -> "2012-01-02"
    @2012-01-01 - 1 week -> "2011-12-25"
    @2012-01-01 + 1.9 days -> "2012-01-02"
    @2012-01-01T23:59:59.5Z + 0.5 seconds -> "2012-01-02T00:00:00.0Z"
    @2012-01-01T10:00:00 + 1500 milliseconds -> "2012-01-01T10:00:01.500"
    @2012-01-01T10:00 + 90 seconds -> "2012-01-01T10:01"
    @2012-01-01T10:00+02:00 + 1 day -> "2012-01-02T10:00+02:00"
    @2012-01-01T10:00:00 + 1 's' -> "2012-01-01T10:00:01"
    @2012-01-31 + 1 'month' -> "2012-02-29"
    @T23:30 + 45 minutes -> "00:15"
    @T01:00 - 2 hours -> "23:00"
    @T01:00 + 1 day ->
    @9999-12-31 + 1 day ->
    birthDate + 1 day -> "1940-05-04"
""")
def test_dates_move_by_calendar_durations(expression: str, values: list[Any]) -> None:
    check(expression, values)


@table("""
    1 in (1 | 2) -> true
    3 in (1 | 2) -> false
    1 in {} -> false
    {} in (1 | 2) ->
    (1 | 2) contains 2 -> true
    {} contains 1 -> false
    (1 | 2) contains {} ->
    'a' | 'b' | 'a' -> "a", "b"
    1.combine(1) | {} -> 1
""")
def test_collections(expression: str, values: list[Any]) -> None:
    check(expression, values)


@table("""
    1 is Integer -> true
    1 is System.Integer -> true
    1 is Decimal -> false
    'a' is String -> true
    @2012 is Date -> true
    @2012T is DateTime -> true
    @T10 is Time -> true
    1 'mg' is Quantity -> false
    1 'mg' is System.Quantity -> true
    {} is Integer ->
    active is boolean -> true
    active is FHIR.boolean -> true
    active is System.Boolean -> false
    active is Boolean -> false
    Patient is Patient -> true
    $this is DomainResource -> true
    $this is FHIR.Resource -> true
    $this is Observation -> false
    $this is System.Patient -> false
    name.first().is(HumanName) -> true
    name.first().is(Element) -> true
    id is string -> true
    birthDate.is(FHIR.`date`) -> true
    (deceased as boolean) -> false
    deceased as dateTime ->
    deceased.as(boolean).not() -> true
    name.given.as(string) -> "Anna", "Maria", "An"
    1.type().name -> "Integer"
    1.type().namespace -> "System"
    active.type().name -> "boolean"
    type().name -> "Patient"
    type().namespace -> "FHIR"
    contact.type().name ->
""")
def test_types(expression: str, values: list[Any]) -> None:
    check(expression, values)


@table("""
    1 = 1 and 2 = 2 -> true
    1 | 2 = 1 -> false
    true or false and false -> true
    false implies false or true -> true
    1 + 1 in (2 | 3) -> true
    3 > 2 = true -> true
    -1.abs() -> -1
    name.given.first() & 'x' = 'Annax' -> true
    2 + 3 * 4 mod 5 -> 4
    1 is Integer and true -> true
    1 > 2 is Boolean -> true
    1 | 1 is Integer -> true
    name.given contains 'An' -> true
""")
def test_precedence(expression: str, values: list[Any]) -> None:
    check(expression, values)


def test_clock_is_passed_in_and_stands_still() -> None:
    now = datetime(2026, 11, 22, 9, 5, 7, 123456, timezone(timedelta(hours=1)))
    assert found("now()", now=now) == ["2026-11-22T09:05:07.123+01:00"]
    assert found("today()", now=now) == ["2026-11-22"]
    assert found("timeOfDay()", now=now) == ["09:05:07.123"]
    assert found("now() = now()") == [True]


def test_variables_are_given_and_an_unknown_one_is_an_error() -> None:
    assert found("%ucum | %sct | %loinc") == [
        "http://unitsofmeasure.org", "http://snomed.info/sct", "http://loinc.org",
    ]  # fmt: skip
    assert found("%`vs-gender`") == ["http://hl7.org/fhir/ValueSet/gender"]
    assert found("%'ext-x'") == ["http://hl7.org/fhir/StructureDefinition/x"]
    assert found("%context.id | %resource.id | %rootResource.id") == ["p"]
    values = {
        "a": 1,
        "b": "x",
        "c": True,
        "d": None,
        "e": {"resourceType": "Basic", "id": "q"},
        "f": Decimal("1.5"),
    }
    assert found("%a.combine(%b).combine(%c).combine(%d).combine(%e.id).combine(%f)", variables=values) == [
        1, "x", True, "q", Decimal("1.5"),
    ]  # fmt: skip
    with pytest.raises(FhirpathError, match="no variable `%z`"):
        found("%z")


@pytest.mark.parametrize("expression", [
    "", "name.", ".name", "name..given", "name[", "name[0", "(1", "1)", "'abc", "1 +", "* 1", "name given", "1 is",
    "1 is 'x'", "@2015-1", "@2015-02-30", "@2015-13", "@T25:00", "@2015-02-04T10:61", "$that", "a.$this", "{1}",
    "name.where()", "name.where(true, true)", "nam()", "name.first(1)", "name.ofType(Foo)", "1 as Foo",
    "is(1)", "ofType('x')", r"'\x'", "%", "#", "1 ! 2", "1 & & 2", "and", "`a", '"a', "name.ofType()", "1 2",
])  # fmt: skip
def test_what_is_no_expression_is_told(expression: str) -> None:
    with pytest.raises(FhirpathError) as caught:
        found(expression)
    assert caught.value.status == 400
    assert caught.value.text.endswith((".", "?"))


@pytest.mark.parametrize("expression", [
    "1 + 'a'", "true + 1", "name + 1", "(1 | 2) + 1", "'a' - 'b'", "1 < 'a'", "true < false", "@2012 < @T10",
    "name[0] > name[1]", "'a'.abs()", "name.given.upper()", "1.length()", "(1 | 2).single()", "1.allTrue()",
    "name.given.matches('x')", "'x'.matches('(')", "(1 | 2) in (1 | 2)", "1.skip({})", "-'a'", "+true", "1 & 'a'",
    "@2012-01-01 + 1 'a'", "@2012-01-01 + 1 'mo'", "@2012-01-01 + 1 'mg'", "@2012 + 1", "name[true]", "1.5.round(-1)",
    "'a'.replaceMatches('a', '$1')", "elementDefinition()",
])  # fmt: skip
def test_what_has_no_result_is_told(expression: str) -> None:
    with pytest.raises(FhirpathError) as caught:
        found(expression)
    assert caught.value.text.endswith(".")


def test_unknown_function_names_the_nearest() -> None:
    with pytest.raises(FhirpathError, match=r"Did you mean `exists\(\)`"):
        found("name.exist()")


@pytest.mark.parametrize("expression", [
    "1" + " + 1" * 1000,
    "name" + ".name" * 1000,
    "(" * 100 + "1" + ")" * 100,
    "-" * 1000 + "1",
    "'" + "x" * 30_000 + "'",
    "9" * 5000,
    "1.repeat($this + 1)",
    "(1 | 2 | 3).repeat(($this + 1) | ($this * 2))",
    "'ab'" + ".select($this & $this)" * 60,
    "1" + ".select($this.combine($this))" * 40,
    "'a'.replace('', '" + "x" * 5000 + "').replace('x', '" + "y" * 5000 + "')",
])  # fmt: skip
def test_expression_that_grows_is_stopped(expression: str) -> None:
    with pytest.raises(FhirpathError):
        found(expression, steps=100_000)


def test_hostile_pattern_ends() -> None:
    assert found(f"'{'a' * 10_000}b'.matches('^(a+)+$')") == [False]
    assert found(f"'{'a' * 5_000}'.matches('^(a|aa)*b$')") == [False]
    assert found(f"'{'x' * 5_000}'.matches('.*.*.*.*y')") == [False]


NAMES = st.sampled_from(["name", "given", "active", "birthDate", "value", "Patient", "$this", "1", "'a'", "{}", "true",
                         "@2012", "2.5", "1 'mg'", "%resource", "3 days"])  # fmt: skip
CALLS = st.sampled_from(["first()", "count()", "where($this = 1)", "select(given)", "exists()", "toString()", "not()",
                         "length()", "ofType(string)", "abs()", "[0]", "children()", "toQuantity()", "power(2)",
                         "toInteger()", "ln()", "substring(1)", "type()", "descendants()", "hasValue()", "single()",
                         "is(boolean)", "repeat(children())", "distinct()", "sqrt()", "toDateTime()"])  # fmt: skip
OPERATORS = st.sampled_from(["+", "-", "*", "/", "=", "!=", "~", "<", ">=", "and", "or", "xor", "implies", "|", "&",
                             "in", "contains", "div", "mod"])  # fmt: skip
EXPRESSIONS = st.recursive(
    NAMES,
    lambda inner: st.one_of(
        st.builds(lambda left, call: f"({left}){'' if call[0] == '[' else '.'}{call}", inner, CALLS),
        st.builds(lambda left, operator, right: f"({left} {operator} {right})", inner, OPERATORS, inner),
        st.builds(lambda left, right: f"iif({left}.exists(), {right})", inner, inner),
    ),
    max_leaves=8,
)


def result_or_reason(expression: str) -> str | None:
    try:
        fhirpath.evaluate(expression, PATIENT, steps=20_000)
    except FhirpathError as fault:
        return fault.text
    return None


@given(EXPRESSIONS)
def test_any_expression_has_a_result_or_says_why_not(expression: str) -> None:
    assert result_or_reason(expression) != ""


@given(st.text(max_size=60) | st.text("()[]{}.,'`\"%$@|&=<>!~+-*/ 0123nameT:Z", max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    assert result_or_reason(text) != ""

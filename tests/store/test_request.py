"""Search requests read and checked, without a database (https://hl7.org/fhir/R4/search.html#errors)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhirhub.errors import FhirError
from fhirhub.resources import definitions
from fhirhub.store.criteria import INDEX_TYPES, Names
from fhirhub.store.index.parameters import Parameters
from fhirhub.store.request import SearchRequest, pairs_of, parse

PARAMETERS = Parameters()


def asked(query: str, type: str | None = "Patient", lenient: bool = False) -> SearchRequest:
    return parse(type, query, PARAMETERS, lenient=lenient)


def refusal(query: str, type: str | None = "Patient", lenient: bool = False) -> str:
    with pytest.raises(FhirError) as error:
        asked(query, type, lenient)
    assert error.value.status in (400, 404, 422)
    return error.value.issues[0].text


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("nonsense=1", "no search parameter `nonsense`"),
        ("famly=x", "did you mean `family`"),
        ("gender:nonsense=male", "does not support `:nonsense`; it has `:not`"),
        ("gender:contains=ma", "does not support `:contains`"),
        ("family:not=x", "it has `:exact`, `:contains` and `:missing`"),
        ("birthdate:exact=1950", "it has `:missing` only"),
        ("gender:missing=", "expects true or false; it is empty"),
        ("gender:missing=perhaps", "expects true or false; got `perhaps`"),
        ("birthdate=23 May 2009", "expects a date such as 2026-11"),
        ("birthdate=1950-02-30", "expects a day that the calendar has"),
        ("birthdate=zz1950-03-14", "expects a date"),
        ("birthdate=1950-03-14T25:00:00Z", "expects a date"),
        ("_count=abc", "expects a whole number"),
        ("_count=-1", "expects a whole number"),
        ("_total=sometimes", "expects one of none, estimate, accurate"),
        ("_summary=short", "expects one of true, text, data, count, false"),
        ("_contained=both", "_contained=false"),
        ("_contained=maybe", "expects false, true or both"),
        ("_query=everything", "not supported"),
        ("_sort=famly", "did you mean `family`?"),
        ("_sort=nonsense", "no search parameter `nonsense`"),
        ("_sort:asc=family", "has no modifiers"),
        ("family=Jan\\sen", "backslash that escapes nothing"),
        ("family=Jan\\", "ends in a backslash"),
        ("identifier:in=http://x", "value sets"),
        ("family:=x", "ends in a colon"),
        ("_has:Condition:patient=x", "incomplete"),
        ("_id:exact=1", "`:not` and `:missing` only"),
        ("_lastUpdated:not=2024", "`:missing` only"),
        ("_filter:not=x", "no modifiers"),
        ("_type=Nonsense", "another type than the Patient"),
        ("near:missing=true", "no search parameter `near`"),
        ("family=a%00b", "NUL"),
        ("active=yes", "`active` expects true or false; got `yes`"),
        ("active=true,1", "expects true or false; got `1`"),
        ("active:not=no", "expects true or false"),
        ("active=http://terminology.hl7.org/CodeSystem/special-values", "expects true or false"),
        ("_filter=active eq yes", "expects true or false"),
        ("x" * 600 + "=1", "too long"),
        ("&".join(["active=true"] * 300), "at most"),
        ("_text=" + "(" * 300 + "a" + ")" * 300, "words and operators"),
        ("_filter=" + "(" * 300 + "active eq true" + ")" * 300, "nested too deeply"),
        ("_type=Group", "another type than the Patient"),
    ],
)
def test_what_cannot_be_read_is_refused_and_says_what_would_be_right(query: str, said: str) -> None:
    assert said in refusal(query)
    assert "?." not in refusal(query)


def test_an_unknown_parameter_is_ignored_leniently_and_an_unknown_modifier_never() -> None:
    made = asked("nonsense=1&gender=other&_sort=nonsense&_include=Patient:nonsense", lenient=True)
    assert made.used == [("gender", "other")]
    assert len(made.issues) == 3
    assert "ignored" in made.issues[0].text
    assert len(made.nodes) == 1
    assert "does not support" in refusal("gender:nonsense=male", lenient=True)
    assert "expects a date" in refusal("birthdate=soon", lenient=True)


def test_empty_parameters_are_ignored_and_told() -> None:
    made = asked("family=&gender=male&_count=&_format=json")
    assert made.used == [("gender", "male")]
    assert [issue.code for issue in made.issues] == ["not-supported"]
    assert not asked("family=").has_criteria


def test_controls_are_read() -> None:
    made = asked(
        "_count=7&_total=accurate&_elements=name,birthDate&_sort=-birthdate,family&_summary=false&_cursor=abc"
    )
    assert (made.count, made.page, made.total, made.elements, made.cursor) == (
        7,
        7,
        "accurate",
        ("name", "birthDate"),
        "abc",
    )
    assert [(key.code, key.descending) for key in made.sort] == [("birthdate", True), ("family", False)]
    assert asked("_count=0").counts_only
    assert asked("_summary=count").counts_only
    assert asked("_count=100000").page == 1000


def test_equal_searches_have_equal_shapes_whatever_their_values() -> None:
    one, other = asked("family=jansen&birthdate=1950-03-14"), asked("family=x&birthdate=1990-01-01")
    assert one.nodes == other.nodes
    assert one.values != other.values
    assert asked("family=a,b").nodes != asked("family=a").nodes
    assert asked("birthdate=ge1950").nodes != asked("birthdate=le1950").nodes


def test_numbers_beyond_all_floats_are_read() -> None:
    for value in (
        "1e999",
        "-1e999",
        "1e-999",
        "gt1e999",
        "9" * 400,
        f"1e999|{'http://unitsofmeasure.org'}|kg",
    ):
        assert asked(f"value-quantity={value}", "Observation").has_criteria


def test_a_query_is_decoded_once() -> None:
    assert pairs_of("a=b+c&d=%2B&e=%C3%A9&f=x%3Dy&g") == [
        ("a", "b c"),
        ("d", "+"),
        ("e", "é"),
        ("f", "x=y"),
        ("g", ""),
    ]
    with pytest.raises(FhirError):
        pairs_of("a=%FF")


def test_a_parameter_that_is_being_indexed_is_refused_with_that_reason() -> None:
    own = {
        "resourceType": "SearchParameter", "url": "http://x/sp", "code": "nick", "type": "string",
        "base": ["Patient"], "expression": "Patient.name.text", "status": "active",
    }  # fmt: skip
    waiting, ready = Parameters([own], ["http://x/sp"]), Parameters([own])
    assert waiting.generation != ready.generation != Parameters().generation
    with pytest.raises(FhirError) as error:
        parse("Patient", "nick=x", waiting)
    assert "still being indexed" in error.value.issues[0].text
    assert parse("Patient", "nick=x", ready).has_criteria


def test_every_search_type_has_a_reader() -> None:
    kinds = {
        parameter.kind for type in definitions.RESOURCE_TYPES for parameter in PARAMETERS.of(type).values()
    }
    assert kinds == set(INDEX_TYPES) | {"reference", "composite"}


VALUES = {
    "token": "true", "string": "a", "date": "2024", "number": "1", "quantity": "1", "uri": "http://x",
    "reference": "a", "special": "1|1",
}  # fmt: skip


@pytest.mark.parametrize("type", definitions.RESOURCE_TYPES)
def test_every_parameter_of_every_type_can_be_asked_for_and_sorted_by(type: str) -> None:
    names = Names(PARAMETERS)
    for code, parameter in PARAMETERS.of(type).items():
        if code == "_filter":
            continue
        if parameter.kind == "composite":
            value = "$".join(VALUES[part.parameter.kind] for part in parameter.components)
        elif code == "_id":
            value = "a"
        else:
            value = VALUES[parameter.kind]
        bound = names.bind((type,), code)(value)
        assert len(bound.values) == len(bound.kinds)
        if parameter.kind not in ("composite", "special") and code not in ("_text", "_content"):
            parse(type, f"_sort=-{code}", PARAMETERS)
            if code not in ("_id", "_lastUpdated"):
                names.bind((type,), f"{code}:missing")("true")


MODIFIERS = {
    "string": {"exact", "contains"},
    "token": {"not", "text", "of-type"},
    "uri": {"below", "above"},
    "reference": {"identifier", "Patient", "Practitioner", "below", "above"},
    "date": set(),
    "number": set(),
    "quantity": set(),
}


@pytest.mark.parametrize(
    ("kind", "code", "type", "has"),
    [
        ("string", "family", "Patient", {"exact", "contains"}),
        ("token", "identifier", "Patient", {"not", "text", "of-type"}),
        ("token", "code", "Observation", {"not", "text", "in", "not-in", "above", "below"}),
        ("token", "gender", "Patient", {"not", "in", "not-in", "above", "below"}),
        ("uri", "url", "ValueSet", {"above", "below"}),
        ("reference", "general-practitioner", "Patient", {"identifier", "Practitioner", "above", "below"}),
        ("reference", "instantiates-canonical", "CarePlan", {"below"}),
        ("date", "birthdate", "Patient", set()),
        ("number", "probability", "RiskAssessment", set()),
        ("quantity", "value-quantity", "Observation", set()),
    ],
)
def test_a_modifier_is_supported_or_refused(kind: str, code: str, type: str, has: set[str]) -> None:
    names = Names(PARAMETERS)
    every = set().union(*MODIFIERS.values()) | {"in", "not-in", "nonsense"}
    for modifier in every:
        supported = True
        try:
            names.bind((type,), f"{code}:{modifier}")
        except FhirError as refused:
            supported = refused.status != 400
        assert supported == (modifier in has), modifier


def status(name: str, value: str) -> int:
    try:
        parse("Observation", [(name, value)], PARAMETERS)
    except FhirError as refused:
        return refused.status
    return 200


@given(st.text(max_size=60), st.text(max_size=60))
def test_any_name_and_value_is_read_or_refused(name: str, value: str) -> None:
    assert status(name, value) in (200, 400, 422)


CODES = st.sampled_from(
    ["code", "date", "value-quantity", "subject", "_id", "_lastUpdated", "_filter", "_has:Task:focus:status",
     "subject.name", "code-value-quantity", "value-string", "_list", "_text", "_sort", "_include", "code:not",
     "subject:identifier", "combo-code", "_tag", "_profile", "date:missing", "identifier:of-type", "_type"]
)  # fmt: skip


@pytest.mark.parametrize(
    "name", ["_id", "_id:not", "_lastUpdated", "date", "code", "subject", "value-quantity"]
)
@pytest.mark.parametrize("value", [",", ",,,"])
def test_a_list_of_nothing_is_refused(name: str, value: str) -> None:
    assert status(name, value) == 400


@given(CODES, st.text(alphabet="aeA19.,|$\\:-+Té ()\"'%_/*é\u0000", max_size=40))
def test_any_value_of_a_known_parameter_is_read_or_refused(name: str, value: str) -> None:
    assert status(name, value) in (200, 400, 422)

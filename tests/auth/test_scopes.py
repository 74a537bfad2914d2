"""Scopes: what is one, what it lets through, and how two meet."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhirhub.auth.scopes import LETTERS, Scope, Scopes, narrowed, parse, parse_one

ONE = st.builds(
    Scope,
    st.sampled_from(["patient", "user", "system"]),
    st.sampled_from(["*", "Observation", "CarePlan", "Task"]),
    st.sets(st.sampled_from(LETTERS), min_size=1).map(lambda some: "".join(x for x in LETTERS if x in some)),
)
SOME = st.lists(ONE, max_size=4).map(lambda found: Scopes(tuple(dict.fromkeys(found))))


@pytest.mark.parametrize(
    ("text", "letters"),
    [
        ("patient/Observation.read", "rs"),
        ("patient/Observation.write", "cud"),
        ("user/*.*", "cruds"),
        ("system/*.cruds", "cruds"),
        ("patient/CarePlan.rs", "rs"),
        ("patient/CarePlan.s", "s"),
    ],
)
def test_both_versions_are_read_and_written_as_asked(text: str, letters: str) -> None:
    scope = parse_one(text)
    assert scope is not None
    assert scope.letters == letters
    assert str(scope) == text


@pytest.mark.parametrize(
    "text",
    [
        "patient/Observation.sr",
        "patient/Observation.rr",
        "patient/Observation.",
        "patient/Observation",
        "patient/Nothing.rs",
        "patient/.rs",
        "practitioner/Observation.rs",
        "patient/Observation.readx",
        "patient/*.rs?category=laboratory",
        "patient/Observation.rs?",
        "patient/Observation.rs?category",
        "patient/Observation.rs?category=",
        "patient/Observation.rs?=x",
        "patient/Observation.rs?code=x&",
        "patient/Observation.rs?category=\u00e9",
        "Patient/Observation.rs",
        "patient/Observation.rs ",
        "__proto__",
    ],
)
def test_what_is_no_scope_is_none(text: str) -> None:
    assert parse_one(text) is None


def test_unknown_words_are_told_apart() -> None:
    scopes = parse("launch/patient openid patient/CarePlan.rs nonsense openid  patient/CarePlan.rs")
    assert scopes.words == ("launch/patient", "openid")
    assert [str(one) for one in scopes.resources] == ["patient/CarePlan.rs"]
    assert scopes.unknown == ("nonsense",)
    assert "openid" in scopes
    assert str(scopes) == "launch/patient openid patient/CarePlan.rs"


def test_query_of_a_granular_scope_is_read_and_written() -> None:
    text = "patient/Observation.rs?category=http://terminology.hl7.org/CodeSystem/observation-category|laboratory"
    scope = parse_one(text)
    assert scope is not None
    assert scope.query == (
        ("category", "http://terminology.hl7.org/CodeSystem/observation-category|laboratory"),
    )
    assert str(scope) == text
    assert parse_one("patient/Observation.rs?code=a%20b&date=ge2026") == Scope(
        "patient", "Observation", "rs", (("code", "a b"), ("date", "ge2026"))
    )


def test_narrowing_keeps_what_both_allow() -> None:
    asked = parse("openid offline_access patient/*.cruds user/Task.rs system/Task.rs")
    bound = parse("openid patient/Observation.rs patient/CarePlan.cruds user/*.s")
    assert str(narrowed(asked, bound)) == "openid patient/Observation.rs patient/CarePlan.cruds user/Task.s"


def test_query_of_the_bound_stays_on_what_is_granted() -> None:
    asked = parse("patient/Observation.rs")
    bound = parse("patient/Observation.rs?category=laboratory")
    assert str(narrowed(asked, bound)) == "patient/Observation.rs?category=laboratory"


@given(SOME, SOME, st.sampled_from(["Observation", "CarePlan", "Goal"]), st.sampled_from(LETTERS))
def test_narrowed_scopes_grant_exactly_what_both_grant(
    asked: Scopes, bound: Scopes, type: str, letter: str
) -> None:
    for level in ("patient", "user", "system"):

        def grants(scopes: Scopes, level: str = level) -> bool:
            return any(scope.level == level and scope.lets(type, letter) for scope in scopes.resources)

        assert grants(narrowed(asked, bound)) == (grants(asked) and grants(bound))


@given(SOME)
def test_what_is_written_reads_the_same(scopes: Scopes) -> None:
    assert parse(str(scopes)) == scopes


@given(st.text(max_size=60))
def test_no_text_breaks_the_reading(text: str) -> None:
    scopes = parse(text)
    assert str(parse(str(scopes))) == str(scopes)

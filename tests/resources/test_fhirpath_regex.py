"""Patterns match as Python's do, and always end."""

from __future__ import annotations

import re

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from fhirhub.resources.fhirpath import FhirpathError, regex

ATOMS = st.sampled_from(
    ["a", "b", "ab", ".", "[ab]", "[^a]", r"\w", r"\s", r"\b", "^", "$", "(?=a)", "(?!b)", r"\."]
)
QUANTIFIERS = st.sampled_from(["", "", "*", "+", "?", "{2}", "{1,2}", "{,2}", "{1,}", "*?", "+?", "??"])


def _quantified(part: str, quantifier: str) -> str:
    return part if part in ("^", "$", r"\b", "(?=a)", "(?!b)") else part + quantifier


PATTERNS = st.recursive(
    st.builds(_quantified, ATOMS, QUANTIFIERS),
    lambda inner: st.one_of(
        st.builds(lambda one, other: one + other, inner, inner),
        st.builds(lambda one, other: f"(?:{one}|{other})", inner, inner),
        st.builds(lambda one, quantifier: f"({one}){quantifier}", inner, QUANTIFIERS),
    ),
    max_leaves=6,
)


@given(PATTERNS, st.text("ab. \n", max_size=8))
def test_linear_matcher_finds_what_python_finds(pattern: str, text: str) -> None:
    compiled = regex.compile(pattern)
    assert (regex.search_linearly(compiled, text) is None) == (re.search(pattern, text, re.DOTALL) is None)


@given(
    st.sampled_from(["(a)(b)?", "(a|ab)(c|bcd)", "(a+)(b*)", "((a)|b)+", "(?P<x>a)|(b)", "(a*?)(a*)$"]),
    st.text("abcd", max_size=6),
)
def test_linear_matcher_finds_the_same_groups(pattern: str, text: str) -> None:
    compiled = regex.compile(pattern)
    match = re.search(pattern, text)
    span = regex.search_linearly(compiled, text)
    assert (span is None) == (match is None)
    if match is not None and span is not None:
        assert (span.start, span.end) == match.span()
        assert span.groups == tuple(match.span(group) for group in range(1, compiled.quick.groups + 1))


@given(st.text("()[]{}|*+?.^$\\abdw,12-:=!<>P", max_size=12), st.text("ab1-", max_size=6))
def test_any_pattern_is_read_or_refused(pattern: str, text: str) -> None:
    try:
        compiled = regex.compile(pattern)
        span = regex.search_linearly(compiled, text)
    except FhirpathError:
        return
    match = re.search(compiled.quick, text)
    assume(match is None or match.group() != "")
    assert (span is None) == (match is None)


@pytest.mark.parametrize(
    "pattern", ["^(a+)+$", "^(a|a)*$", "^(a|aa)+$", "(.*a){20}$", "^(([a-z])+.)+[A-Z]$", "(a*)*b"]
)
def test_pattern_that_backtracks_without_end_is_matched_in_linear_time(pattern: str) -> None:
    assert regex.compile(pattern).search("a" * 3_000 + "!") is None


@pytest.mark.parametrize("pattern", [r"(a)\1", "(?<=a)b", "(?<!a)b", "(?i:a)"])
def test_what_needs_more_than_linear_time_is_refused_where_it_could_grow(pattern: str) -> None:
    assert regex.compile(pattern).search("aabb") is not None
    with pytest.raises(FhirpathError):
        regex.search_linearly(regex.compile(pattern), "aabb")


@pytest.mark.parametrize(
    "pattern", ["(", "a{2,1}", "[z-a]", "*", "(?P<1>a)", "a" * 3_000, "((a{100}){100}){100}"]
)
def test_unreadable_or_huge_pattern_is_refused(pattern: str) -> None:
    with pytest.raises(FhirpathError):
        regex.compile(pattern)


def test_substitution_names_groups_and_escapes_a_dollar() -> None:
    compiled = regex.compile("(?<one>a)(b)?")
    assert compiled.replace("ab a", r"<$1$2>") == "<ab> <a>"
    assert compiled.replace("ab", r"${one}-$0-\$1") == "a-ab-$1"
    with pytest.raises(FhirpathError, match="no group"):
        compiled.replace("ab", "$3")


def test_empty_matches_are_replaced_too() -> None:
    assert regex.compile("x*").replace("ab", "-") == "-a-b-"

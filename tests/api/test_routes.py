from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhirhub.api import routes
from fhirhub.errors import FhirError


@pytest.mark.parametrize(
    ("method", "path", "interaction"),
    [
        ("GET", (), "search-system"),
        ("POST", (), "batch"),
        ("GET", ("metadata",), "capabilities"),
        ("GET", ("_history",), "history-system"),
        ("POST", ("_search",), "search-system"),
        ("GET", ("$meta",), "operation"),
        ("GET", ("Patient",), "search-type"),
        ("POST", ("Patient",), "create"),
        ("PUT", ("Patient",), "update"),
        ("PATCH", ("Patient",), "patch"),
        ("DELETE", ("Patient",), "delete"),
        ("GET", ("Patient", "_history"), "history-type"),
        ("POST", ("Patient", "_search"), "search-type"),
        ("POST", ("Patient", "$validate"), "operation"),
        ("GET", ("Patient", "a"), "read"),
        ("GET", ("Patient", "metadata"), "read"),
        ("GET", ("Patient", "Patient"), "read"),
        ("GET", ("Patient", "a", "_history"), "history-instance"),
        ("GET", ("Patient", "a", "_history", "1"), "vread"),
        ("GET", ("Patient", "a", "_history", "Patient"), "vread"),
        ("GET", ("Patient", "a", "_history", "1", "$meta"), "operation"),
        ("GET", ("Patient", "a", "$everything"), "operation"),
        ("GET", ("Patient", "a", "Condition"), "search-compartment"),
        ("GET", ("Patient", "Patient", "Patient"), "search-compartment"),
        ("GET", ("Patient", "a", "*"), "search-compartment"),
        ("POST", ("Patient", "a", "_search"), "search-compartment"),
        ("POST", ("Patient", "a", "Condition", "_search"), "search-compartment"),
        ("POST", ("Patient", "a", "*", "_search"), "search-compartment"),
    ],
)
def test_a_path_is_its_interaction(method: str, path: tuple[str, ...], interaction: str) -> None:
    assert routes.match(method, path).interaction == interaction


@pytest.mark.parametrize(
    "path",
    [
        ("",),
        ("Patient", ""),
        ("Patient", "a", ""),
        ("Patient", "a", "b"),
        ("Patient", "a", "_history", "1", "2"),
        ("Patient", "a", "Condition", "b"),
        ("Patient", "_history", "1"),
        ("Patient", "_unknown"),
        ("{type}",),
        ("{type}", "{id}"),
        ("patient",),
        ("metadata", "x"),
    ],
)
def test_a_path_that_is_none_is_not_found(path: tuple[str, ...]) -> None:
    with pytest.raises(FhirError) as fault:
        routes.match("GET", path)
    assert fault.value.status == 404
    assert routes.allowed(path) == []


@given(
    st.sampled_from(["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "TRACE"]),
    st.lists(
        st.sampled_from(["Patient", "a", "_history", "_search", "$x", "*", "metadata", "1"])
        | st.text(max_size=5)
    ),
)
def test_every_path_is_a_route_or_a_refusal(method: str, path: list[str]) -> None:
    refused = None
    try:
        assert routes.match(method, tuple(path)).method == method
    except FhirError as fault:
        refused = fault
    assert refused is None or refused.status in (404, 405)
    assert refused is None or ("Allow" in refused.headers) == (refused.status == 405)


@pytest.mark.parametrize(("method", "path"), [
    ("GET", "Parameters"), ("POST", "Parameters"), ("PUT", "Parameters/a"), ("GET", "Parameters/a"),
    ("POST", "Parameters/_search"), ("GET", "Parameters/a/_history"), ("GET", "Patient/a/Parameters"),
])  # fmt: skip
def test_parameters_are_never_stored(method: str, path: str) -> None:
    with pytest.raises(FhirError) as refused:
        routes.match(method, tuple(path.split("/")))
    assert refused.value.status == 404


def test_parameters_can_be_validated() -> None:
    assert routes.match("POST", ("Parameters", "$validate")).interaction == "operation"

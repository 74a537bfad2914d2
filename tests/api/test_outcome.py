from __future__ import annotations

import inspect

import pytest

from fhirhub import errors
from fhirhub.api import outcome
from fhirhub.errors import FhirError, Issue
from fhirhub.resources import definitions, document
from fhirhub.resources.validation import structure

CONSTRUCTORS = [
    function
    for name, function in inspect.getmembers(errors, inspect.isfunction)
    if function.__module__ == errors.__name__ and not name.startswith("_") and name != "error"
]


@pytest.mark.parametrize("constructor", CONSTRUCTORS, ids=lambda function: function.__name__)
def test_every_error_becomes_a_valid_outcome(constructor: object) -> None:
    assert callable(constructor)
    made = constructor("It went wrong")
    raised = made if isinstance(made, FhirError) else FhirError(400, [made])
    answer = outcome.of_error(raised)
    resource = document.parse(answer.body or b"")
    assert structure.validate(resource) == []
    assert resource["issue"][0]["details"]["text"] == "It went wrong"
    assert 400 <= answer.status < 600


def test_every_issue_type_has_its_constructor() -> None:
    codes = definitions.required_codes("http://hl7.org/fhir/ValueSet/issue-type") or frozenset()
    made = [constructor("x") for constructor in CONSTRUCTORS]
    used = {one.issues[0].code if isinstance(one, FhirError) else one.code for one in made}
    assert used == codes


def test_place_line_and_rule_are_told() -> None:
    issue = Issue("warning", "invariant", "It is odd", "Patient.name[0]", "pat-1", "http://p", 3, 7)
    rendered = outcome.resource([issue])
    assert structure.validate(rendered) == []
    told = rendered["issue"][0]
    assert told["expression"] == ["Patient.name[0]"]
    assert told["diagnostics"] == "pat-1 of http://p"
    assert [extension["valueInteger"] for extension in told["extension"][:2]] == [3, 7]
    assert [extension["valueString"] for extension in told["extension"][2:3]] == ["http://p"]
    assert [extension["valueCode"] for extension in told["extension"][3:]] == ["pat-1"]
    assert told["location"] == ["Line[3] Col[7]"]


@pytest.mark.parametrize(
    ("expression", "moved"),
    [
        ("Patient.name[0].family", "Bundle.entry[2].resource.name[0].family"),
        ("Patient", "Bundle.entry[2].resource"),
        ("Bundle.entry[1].request.url", "Bundle.entry[1].request.url"),
        (None, "Bundle.entry[2]"),
    ],
)
def test_places_inside_an_entry_are_places_of_the_bundle(expression: str | None, moved: str) -> None:
    fault = outcome.within(errors.invalid("x", expression), "Bundle.entry[2]")
    assert fault.issues[0].expression == moved


def test_a_fault_of_ours_tells_where_the_log_has_it() -> None:
    answer = outcome.of_fault("r1")
    resource = document.parse(answer.body or b"")
    assert answer.status == 500
    assert structure.validate(resource) == []
    assert "r1" in resource["issue"][0]["diagnostics"]

"""What an operator refuses beyond what FHIR does."""

from __future__ import annotations

from typing import Any

import pytest

from fhirhub.resources.validation.examination import Strictness
from fhirhub.resources.validation.validator import Validator

Json = dict[str, Any]
DIV = '<div xmlns="http://www.w3.org/1999/xhtml">x</div>'
VALIDATOR = Validator()


def patient(**more: Any) -> Json:
    return {"resourceType": "Patient", "text": {"status": "generated", "div": DIV}, **more}


def refused(resource: Json, *words: str, domains: tuple[str, ...] = ()) -> list[str | None]:
    """Where there is an error; without the words there is none."""

    def errors(asked: Strictness) -> list[str | None]:
        found = VALIDATOR.validate(resource, asked=asked)
        return [issue.expression for issue in found if issue.severity == "error"]

    assert errors(Strictness()) == []
    return errors(Strictness(frozenset(words), domains))


def extended(url: str) -> Json:
    return patient(extension=[{"url": url, "valueString": "x"}])


UNKNOWN = extended("https://acme.nl/fhir/StructureDefinition/x")
OF_EXAMPLE = extended("http://example.org/fhir/StructureDefinition/x")


def test_an_unknown_extension_is_refused_but_those_of_the_domains_and_of_examples() -> None:
    assert refused(UNKNOWN, "unknown-extensions") == ["Patient.extension[0].url"]
    assert refused(UNKNOWN, "unknown-extensions", domains=("https://acme.nl/",)) == []
    assert refused(OF_EXAMPLE, "unknown-extensions") == []


def test_an_extension_that_is_known_is_never_refused() -> None:
    known = extended("http://hl7.org/fhir/StructureDefinition/patient-mothersMaidenName")
    assert refused(known, "unknown-extensions", "example-urls") == []


@pytest.mark.parametrize(
    ("resource", "place"),
    [
        (OF_EXAMPLE, "Patient.extension[0].url"),
        (
            patient(_birthDate={"extension": [{"url": "http://acme.com/x", "valueString": "x"}]}),
            "Patient.birthDate.extension[0].url",
        ),
        (
            patient(identifier=[{"system": "http://www.example.com/ids", "value": "1"}]),
            "Patient.identifier[0].system",
        ),
        (
            patient(maritalStatus={"coding": [{"system": "http://example.net", "code": "x"}]}),
            "Patient.maritalStatus.coding[0].system",
        ),
    ],
)
def test_urls_of_examples_are_refused_where_they_name_something(resource: Json, place: str) -> None:
    assert refused(resource, "example-urls") == [place]


def test_addresses_of_examples_are_no_names() -> None:
    photo = patient(photo=[{"url": "http://example.org/me.png"}])
    assert refused(photo, "example-urls") == []


@pytest.mark.parametrize("text", ["a <script>b</script>", "<b>", "x <br/> y", "<a href='x'>", "<!-- x"])
def test_what_looks_like_a_tag_is_refused_in_strings(text: str) -> None:
    assert refused(patient(name=[{"text": text}]), "html-in-strings") == ["Patient.name[0].text"]
    assert refused(patient(name=[{"text": text}]), "html-in-markdown") == []


@pytest.mark.parametrize("text", ["CRP < 5 and > 3", "a <3 b", "x<y", "->", "<-", "< b >"])
def test_smaller_and_greater_are_no_tags(text: str) -> None:
    assert refused(patient(name=[{"text": text}]), "html-in-strings") == []


def test_tags_are_refused_in_markdown_on_their_own() -> None:
    group = {
        "resourceType": "Communication",
        "text": {"status": "generated", "div": DIV},
        "status": "completed",
        "note": [{"text": "*a* <i>b</i>"}],
    }
    assert refused(group, "html-in-markdown") == ["Communication.note[0].text"]
    assert refused(group, "html-in-strings") == []


def test_resources_within_are_looked_at_too() -> None:
    inner = patient(id="a", name=[{"text": "<b>"}])
    bundle = {
        "resourceType": "Bundle",
        "type": "collection",
        "entry": [{"fullUrl": "urn:uuid:6e0ac8a4-6a2b-4b1c-9a51-2d0f7e6f5c11", "resource": inner}],
    }
    assert refused(bundle, "html-in-strings") == ["Bundle.entry[0].resource.name[0].text"]


def test_what_a_browser_would_run_is_told_and_refused_by_none() -> None:
    named = {"family": "Standard <script>x</script>", "given": ["a <b>c</b>"]}
    found = VALIDATOR.validate(
        {
            "resourceType": "Bundle",
            "type": "collection",
            "entry": [
                {
                    "fullUrl": "urn:uuid:c757873d-ec9a-4326-a141-556f43239520",
                    "resource": patient(name=[named]),
                }
            ],
        }
    )
    assert [(issue.severity, issue.expression) for issue in found if issue.code == "security"] == [
        ("warning", "Bundle.entry[0].resource.name[0].family")
    ]

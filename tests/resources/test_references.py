"""References are read by R4's rules (https://hl7.org/fhir/R4/references.html)."""

from __future__ import annotations

import pytest

from fhirhub.resources import references
from fhirhub.resources.references import Target

BASE = "https://hub.example/fhir"


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("Patient/1", Target("Patient/1", "Patient", "1")),
        ("Patient/1/_history/3", Target("Patient/1", "Patient", "1", "3")),
        ("Patient/a.b-C#name", Target("Patient/a.b-C", "Patient", "a.b-C", fragment="name")),
        (f"{BASE}/Patient/1", Target("Patient/1", "Patient", "1")),
        (f"{BASE}/Patient/1/_history/2", Target("Patient/1", "Patient", "1", "2")),
        (
            "https://other.example/r4/Patient/1",
            Target("https://other.example/r4/Patient/1", "Patient", "1", base="https://other.example/r4"),
        ),
        ("#", Target("", fragment="")),
        ("#p1", Target("", fragment="p1")),
        (
            "urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0",
            Target("urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0"),
        ),
        ("Unknown/1", Target("Unknown/1")),
        ("https://other.example/a.pdf#2", Target("https://other.example/a.pdf", fragment="2")),
    ],
)
def test_text_of_a_reference_tells_its_target(text: str, target: Target) -> None:
    assert references.parse(text, BASE) == target


def test_reference_is_local_without_base_or_with_this_servers() -> None:
    assert references.parse("Patient/1", BASE).is_local
    assert references.parse(f"{BASE}/Patient/1", BASE + "/").is_local
    assert not references.parse("https://other.example/Patient/1", BASE).is_local
    assert not references.parse("#p1", BASE).is_local


def test_canonical_has_a_version_and_a_fragment() -> None:
    assert references.canonical("http://x.example/q|1.2#a") == Target(
        "http://x.example/q", version="1.2", fragment="a"
    )
    assert references.canonical("http://x.example/q") == Target("http://x.example/q")
    assert references.canonical("http://x.example/q#a") == Target("http://x.example/q", fragment="a")


def test_type_of_a_target_is_known_from_text_contained_resource_or_type_element() -> None:
    container = {"resourceType": "CarePlan", "contained": [{"resourceType": "Patient", "id": "p"}]}
    assert references.target_type({"reference": "Group/1"}) == "Group"
    assert references.target_type({"reference": "#p"}, container) == "Patient"
    assert references.target_type({"reference": "#"}, container) == "CarePlan"
    assert references.target_type({"reference": "urn:uuid:1", "type": "Patient"}) == "Patient"
    assert references.target_type({"identifier": {"value": "1"}}) is None

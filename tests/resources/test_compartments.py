"""Whom a resource is about."""

from __future__ import annotations

from typing import Any

import pytest

from fhirhub.resources.compartments import patients

ANNA = {"reference": "Patient/anna"}
BEN = {"reference": "Patient/ben"}
DOCTOR = {"reference": "Practitioner/d"}


@pytest.mark.parametrize(
    ("resource", "about"),
    [
        ({"resourceType": "Patient", "id": "anna", "link": [{"other": BEN}]}, {"anna"}),
        ({"resourceType": "Observation", "subject": ANNA, "performer": [BEN]}, {"anna"}),
        ({"resourceType": "CarePlan", "subject": ANNA, "author": BEN}, {"anna"}),
        ({"resourceType": "CarePlan", "subject": {"reference": "Patient/anna/_history/2"}}, {"anna"}),
        ({"resourceType": "CarePlan", "subject": {"reference": "Group/g"}}, set()),
        ({"resourceType": "CarePlan", "subject": {"reference": "https://other.example/Patient/anna"}}, set()),
        ({"resourceType": "Task", "for": ANNA, "owner": BEN}, {"anna"}),
        ({"resourceType": "Binary", "securityContext": ANNA}, {"anna"}),
        ({"resourceType": "Communication", "subject": ANNA, "sender": BEN}, {"anna"}),
        ({"resourceType": "Communication", "sender": ANNA, "recipient": [BEN, DOCTOR]}, {"anna", "ben"}),
        ({"resourceType": "ResearchSubject", "individual": ANNA}, {"anna"}),
        ({"resourceType": "Appointment", "participant": [{"actor": ANNA}, {"actor": DOCTOR}]}, {"anna"}),
        ({"resourceType": "Group", "member": [{"entity": ANNA}, {"entity": BEN}]}, {"anna", "ben"}),
        ({"resourceType": "RelatedPerson", "patient": ANNA}, {"anna"}),
        ({"resourceType": "Coverage", "beneficiary": ANNA, "subscriber": BEN}, {"anna"}),
        ({"resourceType": "Organization", "name": "Patient/anna"}, set()),
    ],
)
def test_resource_is_about_its_patients(resource: dict[str, Any], about: set[str]) -> None:
    assert patients(resource) == about


def test_reference_that_spells_out_this_servers_base_is_local() -> None:
    plan = {"resourceType": "CarePlan", "subject": {"reference": "https://hub.example/fhir/Patient/anna"}}
    assert patients(plan, "https://hub.example/fhir") == {"anna"}
    assert patients(plan) == set()

"""What fhirclient, the SMART project's Python client, does with the hub (https://github.com/smart-on-fhir/client-py)."""

from __future__ import annotations

import pytest
from fhirclient import client
from fhirclient.models import bundle, careplan, condition, fhirreference, humanname, patient
from fhirclient.models.fhirdate import FHIRDate
from fhirclient.server import FHIRNotFoundException


@pytest.fixture
def smart(base: str) -> client.FHIRClient:
    connected = client.FHIRClient(settings={"app_id": "conformance", "api_base": base})
    assert connected.prepare()
    return connected


def test_capability_statement_is_read_at_connect(smart: client.FHIRClient) -> None:
    statement = smart.server.capabilityStatement
    assert statement.fhirVersion == "4.0.1"
    assert {"json", "xml", "application/fhir+json"} & set(statement.format)


def test_create_read_update_and_delete(smart: client.FHIRClient) -> None:
    made = patient.Patient({"name": [{"family": "Proefklant", "given": ["Bo"]}], "birthDate": "1949-02-01"})
    answer = made.create(smart.server)
    read = patient.Patient.read(answer["id"], smart.server)
    assert read.birthDate.isostring == "1949-02-01"

    read.name.append(humanname.HumanName({"use": "nickname", "text": "Bootje"}))
    read.birthDate = FHIRDate("1949-02-02")
    read.update(smart.server)
    again = patient.Patient.read(answer["id"], smart.server)
    assert again.meta.versionId == "2"
    assert again.name[1].text == "Bootje"

    again.delete(smart.server)
    with pytest.raises((FHIRNotFoundException, Exception)) as gone:
        patient.Patient.read(answer["id"], smart.server)
    assert gone.value.response.status_code == 410


def test_search_and_resolve_references(smart: client.FHIRClient) -> None:
    search = careplan.CarePlan.where({"status": "active", "_count": "3"})
    plan = next(search.perform_resources_iter(smart.server))
    resolved = plan.subject.resolved(patient.Patient)
    assert isinstance(resolved, patient.Patient)


def test_pages_bring_everything_once(smart: client.FHIRClient) -> None:
    search = condition.Condition.where({"_count": "10"})
    found = [one.id for one in search.perform_resources_iter(smart.server)]
    assert len(found) == len(set(found)) > 20


def test_transaction(smart: client.FHIRClient) -> None:
    wanted = careplan.CarePlan({"status": "draft", "intent": "plan", "subject": {"reference": "urn:uuid:p"}})
    wanted.subject = fhirreference.FHIRReference(
        {"reference": "urn:uuid:00000000-0000-4000-8000-000000000001"}
    )
    made = bundle.Bundle({"type": "transaction"})
    made.entry = [
        bundle.BundleEntry(
            {
                "fullUrl": "urn:uuid:00000000-0000-4000-8000-000000000001",
                "resource": {"resourceType": "Patient", "name": [{"text": "Proef"}]},
                "request": {"method": "POST", "url": "Patient"},
            }
        ),
        bundle.BundleEntry({"resource": wanted.as_json(), "request": {"method": "POST", "url": "CarePlan"}}),
    ]
    answer = smart.server.post_json("", made.as_json()).json()
    assert [entry["response"]["status"][:3] for entry in answer["entry"]] == ["201", "201"]

"""What fhirpy, a Python client, does with the hub (https://github.com/beda-software/fhir-py)."""

from __future__ import annotations

import uuid

import pytest
from fhirpy import AsyncFHIRClient, SyncFHIRClient
from fhirpy.base.exceptions import OperationOutcome, ResourceNotFound

BSN = "http://fhir.nl/fhir/NamingSystem/bsn"


# Its `count()` sends a parameter of its author's own server, `_totalMethod`.
LENIENT = {"Prefer": "handling=lenient"}


@pytest.fixture
def client(base: str) -> SyncFHIRClient:
    return SyncFHIRClient(base)


def test_create_read_update_and_delete(client: SyncFHIRClient) -> None:
    patient = client.resource("Patient", name=[{"family": "Proefklant", "given": ["An"]}], gender="female")
    patient.save()
    assert patient.id
    assert patient["meta"]["versionId"] == "1"

    read = client.reference("Patient", patient.id).to_resource()
    assert read["name"][0]["family"] == "Proefklant"

    read["birthDate"] = "1950-05-05"
    read.save()
    read.refresh()
    assert read["meta"]["versionId"] == "2"
    assert read["birthDate"] == "1950-05-05"

    client.delete("Patient", patient.id)
    with pytest.raises(ResourceNotFound):
        client.get("Patient", patient.id)


def test_search_with_modifiers_sort_and_include(client: SyncFHIRClient) -> None:
    patient = client.resources("Patient").search(identifier=f"{BSN}|999000007").first()
    assert patient is not None
    plans = client.resources("CarePlan").search(patient=patient.id, status="active,on-hold,completed,draft")
    assert plans.fetch()
    readings = client.resources("Observation").search(date__gt="2026-01-01").sort("-date").limit(5).fetch()
    dates = [reading["effectiveDateTime"][:10] for reading in readings]
    assert dates == sorted(dates, reverse=True)
    bundle = client.resources("CareTeam").include("CareTeam", "subject").limit(3).fetch_raw()
    assert {entry["search"]["mode"] for entry in bundle["entry"]} == {"match", "include"}


def test_pages_bring_everything_once(client: SyncFHIRClient) -> None:
    goals = client.resources("Goal").sort("start-date").limit(7)
    found = [goal.id for goal in goals]  # follows the links from page to page
    assert len(found) == len(set(found)) == len(goals.fetch_all())
    counting = SyncFHIRClient(client.url, extra_headers=LENIENT)
    assert counting.resources("Goal").count() >= len(found)


def test_patch(client: SyncFHIRClient) -> None:
    task = client.resource("Task", status="draft", intent="order", priority="routine")
    task.save()
    # Its own `patch` sends a part of a resource, which is no patch of R4's; a JSON Patch goes this way.
    patching = SyncFHIRClient(client.url, extra_headers={"Content-Type": "application/json-patch+json"})
    operations = [{"op": "replace", "path": "/status", "value": "requested"}]
    patching.execute(f"Task/{task.id}", method="patch", data=operations)  # type: ignore[arg-type]
    assert client.get("Task", task.id)["status"] == "requested"


def test_conditional_update_finds_what_is_there(client: SyncFHIRClient) -> None:
    value = uuid.uuid4().hex
    resource = {"identifier": [{"system": "urn:proef", "value": value}], "code": {"text": "x"}}
    wanted = client.resources("Basic").search(identifier=f"urn:proef|{value}")
    first, made = wanted.update(client.resource("Basic", **resource))
    again, made_again = wanted.update(client.resource("Basic", **resource))
    assert (made, made_again) == (True, False)
    assert first.id == again.id


def test_transaction_puts_links_right(client: SyncFHIRClient) -> None:
    patient, plan = f"urn:uuid:{uuid.uuid4()}", f"urn:uuid:{uuid.uuid4()}"
    bundle = {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [
            {
                "fullUrl": plan,
                "resource": {
                    "resourceType": "CarePlan",
                    "status": "active",
                    "intent": "plan",
                    "subject": {"reference": patient},
                },
                "request": {"method": "POST", "url": "CarePlan"},
            },
            {
                "fullUrl": patient,
                "resource": {"resourceType": "Patient", "name": [{"text": "Proef"}]},
                "request": {"method": "POST", "url": "Patient"},
            },
        ],
    }
    answer = client.execute("", method="post", data=bundle)
    made = [entry["response"]["location"] for entry in answer["entry"]]
    assert [entry["response"]["status"][:3] for entry in answer["entry"]] == ["201", "201"]
    plan_id = made[0].split("CarePlan/")[1].split("/")[0]
    subject = client.get("CarePlan", plan_id)["subject"]["reference"]
    assert subject.split("Patient/")[1] == made[1].split("Patient/")[1].split("/")[0]


def test_refusals_are_operation_outcomes(client: SyncFHIRClient) -> None:
    with pytest.raises(OperationOutcome) as refused:
        client.resource("Patient", gender="onbekend").save()
    assert refused.value.resource["issue"][0]["expression"] == ["Patient.gender"]
    with pytest.raises(OperationOutcome):
        client.resources("Patient").search(famly="x").fetch()


async def test_asynchronous_client(base: str) -> None:
    client = AsyncFHIRClient(base, extra_headers=LENIENT)
    organizations = await client.resources("Organization").search(name="Huisartsenpraktijk").fetch_all()
    assert organizations
    assert await client.resources("Patient").search(organization=organizations[0].id).count() > 0

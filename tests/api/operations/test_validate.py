from __future__ import annotations

import pytest
from httpx import AsyncClient, Response

from tests.api.builders import Json, fhir, issues, patient, put


def faults(response: Response) -> list[Json]:
    assert response.status_code == 200, response.text
    return [issue for issue in issues(response) if issue["severity"] in ("error", "fatal")]


async def validate(client: AsyncClient, path: str, body: Json) -> Response:
    return await client.post(path, json=body, headers=fhir({}))


def parameters(resource: Json | None = None, **texts: str) -> Json:
    made: list[Json] = [] if resource is None else [{"name": "resource", "resource": resource}]
    for name, text in texts.items():
        made.append({"name": name, "valueUri" if name == "profile" else "valueCode": text})
    return {"resourceType": "Parameters", "parameter": made}


async def test_a_right_resource_has_no_faults(client: AsyncClient) -> None:
    response = await validate(client, "Patient/$validate", patient(gender="male"))
    assert faults(response) == []
    assert [issue["severity"] for issue in issues(response)] == ["warning", "information"]


async def test_every_fault_is_told_with_its_place(client: AsyncClient) -> None:
    response = await validate(client, "Patient/$validate", patient(gender="m", nme=1, birthDate="soon"))
    places = {issue["expression"][0] for issue in faults(response)}
    assert places == {"Patient.gender", "Patient.nme", "Patient.birthDate"}


async def test_the_resource_may_come_in_parameters(client: AsyncClient) -> None:
    response = await validate(client, "Patient/$validate", parameters(patient(gender="m"), mode="create"))
    assert [issue["expression"][0] for issue in faults(response)] == ["Patient.gender"]


async def test_another_type_than_the_url_names_is_a_fault(client: AsyncClient) -> None:
    assert faults(await validate(client, "Observation/$validate", patient()))


async def test_update_asks_for_the_id_of_the_url(client: AsyncClient) -> None:
    await put(client, patient(id="a"))
    same = await validate(client, "Patient/a/$validate", parameters(patient(id="a"), mode="update"))
    other = await validate(client, "Patient/a/$validate", parameters(patient(id="b"), mode="update"))
    assert faults(same) == []
    assert [issue["expression"][0] for issue in faults(other)] == ["Patient.id"]


async def test_what_is_stored_is_validated_without_a_body(client: AsyncClient) -> None:
    await put(client, patient(id="a"))
    assert faults(await client.get("Patient/a/$validate")) == []
    assert faults(await client.get("Patient/a/$validate?mode=delete")) == []
    plan = {
        "resourceType": "CarePlan",
        "status": "active",
        "intent": "plan",
        "subject": {"reference": "Patient/a"},
    }
    await client.post("CarePlan", json=plan)
    kept = await client.get("Patient/a/$validate?mode=delete")
    assert [issue["code"] for issue in kept.json()["issue"]] == ["conflict"]
    assert (await client.get("Patient/nobody/$validate?mode=delete")).status_code == 404


async def test_a_profile_that_is_not_known_is_said(client: AsyncClient) -> None:
    response = await validate(client, "Patient/$validate?profile=http://example.org/p", patient())
    assert response.status_code == 200
    assert "http://example.org/p" in issues(response)[0]["details"]["text"]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("Patient/$validate?mode=maybe", patient()),
        ("Patient/$validate?mode=update", patient()),
        ("Patient/$validate?mod=create", patient()),
        ("Patient/$validate", {"resourceType": "Parameters"}),
        ("Patient/$validate", {"resourceType": "Parameters", "parameter": "x"}),
        ("Patient/$validate", {"resourceType": "Parameters", "parameter": [1]}),
    ],
)
async def test_a_call_that_cannot_be_is_refused(client: AsyncClient, path: str, body: Json) -> None:
    response = await validate(client, path, body)
    assert response.status_code == 400
    assert issues(response)


async def test_nothing_is_written(client: AsyncClient) -> None:
    await validate(client, "Patient/$validate", patient(id="a"))
    assert (await client.get("Patient/a")).status_code == 404


OBSERVATION = '<Observation xmlns="http://hl7.org/fhir"><status value="zz"/><foo value="1"/></Observation>'
WRAPPED = (
    '<Parameters xmlns="http://hl7.org/fhir"><parameter><name value="resource"/><resource>'
    '<Observation><status value="zz"/><foo value="1"/></Observation></resource></parameter></Parameters>'
)


@pytest.mark.parametrize("body", [OBSERVATION, WRAPPED])
async def test_xml_with_faults_is_told_as_the_same_in_json(client: AsyncClient, body: str) -> None:
    xml = {"Content-Type": "application/fhir+xml"}
    response = await client.post("Observation/$validate", content=body, headers=xml)
    places = {issue["expression"][0] for issue in faults(response)}
    assert places == {"Observation.status", "Observation.foo", "Observation.code"}


async def test_a_create_in_xml_tells_all_faults_at_once(client: AsyncClient) -> None:
    xml = {"Content-Type": "application/fhir+xml"}
    response = await client.post("Observation", content=OBSERVATION, headers=xml)
    assert response.status_code == 400
    places = {issue["expression"][0] for issue in issues(response)}
    assert places == {"Observation.status", "Observation.foo", "Observation.code"}

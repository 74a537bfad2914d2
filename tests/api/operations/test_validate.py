from __future__ import annotations

import pytest
from httpx import AsyncClient, Response

from tests.api.builders import Json, fhir, issues, patient, put
from tests.api.conftest import Open
from tests.careplan.resources import LOINC, weight


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


@pytest.mark.parametrize("mode", ["create", "update"])
async def test_what_a_write_would_be_refused_for_is_told_where_that_is_asked(
    client: AsyncClient, mode: str
) -> None:
    await put(client, patient(id="a"))
    link = {"type": "seealso", "other": {"reference": "Patient/nobody"}}
    path = "Patient/$validate" if mode == "create" else "Patient/a/$validate"
    resource = patient(id="a", link=[link])
    assert faults(await validate(client, "Patient/$validate", resource)) == []
    (issue,) = faults(await validate(client, path, parameters(resource, mode=mode)))
    assert issue["code"] == "not-found"
    assert "Patient/nobody" in issue["details"]["text"]
    known = patient(id="a", link=[{**link, "other": {"reference": "Patient/a"}}])
    assert faults(await validate(client, path, parameters(known, mode=mode))) == []


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


async def test_what_does_not_stand_around_a_fault_of_the_xml_is_checked_too(client: AsyncClient) -> None:
    body = (
        '<Patient xmlns="http://hl7.org/fhir"><foo value="1"/><contact><gender value="male"/></contact>'
        '<maritalStatus><coding><system value="http://terminology.hl7.org/CodeSystem/v3-MaritalStatus"/>'
        '<code value="ZZ"/></coding></maritalStatus></Patient>'
    )
    xml = {"Content-Type": "application/fhir+xml"}
    response = await client.post("Patient/$validate", content=body, headers=xml)
    assert {issue["expression"][0] for issue in faults(response)} == {
        "Patient.foo",
        "Patient.maritalStatus",
        "Patient.contact[0]",
        "Patient.maritalStatus.coding[0].code",
    }


async def test_a_create_in_xml_tells_all_faults_at_once(client: AsyncClient) -> None:
    xml = {"Content-Type": "application/fhir+xml"}
    response = await client.post("Observation", content=OBSERVATION, headers=xml)
    assert response.status_code == 400
    places = {issue["expression"][0] for issue in issues(response)}
    assert places == {"Observation.status", "Observation.foo", "Observation.code"}
    assert all(issue["location"][0].startswith("Line[1] Col[") for issue in issues(response))


def placed(response: Response) -> dict[str, tuple[int, int]]:
    """Line and column of each error, by its expression."""
    found = {}
    for issue in faults(response):
        numbers = {each["url"].rpartition("-")[2]: each.get("valueInteger") for each in issue["extension"]}
        assert issue["location"] == [f"Line[{numbers['line']}] Col[{numbers['col']}]"]
        found[issue["expression"][0]] = (numbers["line"], numbers["col"])
    return found


WRONG_JSON = """{
  "resourceType": "Patient",
  "gender": "m",
  "name": [
    {"family": "A"},
    {"famly": "B"}
  ],
  "contact": [{"gender": "male"}]
}"""
WRONG_XML = """<?xml version="1.0"?>
<Patient xmlns="http://hl7.org/fhir">
  <name><family value="A"/></name>
  <gender value="m"/>
  <contact>
    <gender value="male"/>
  </contact>
</Patient>"""


async def test_issues_tell_line_and_column_in_json(client: AsyncClient) -> None:
    response = await client.post("Patient/$validate", content=WRONG_JSON, headers=fhir({}))
    assert placed(response) == {
        "Patient.gender": (3, 13),
        "Patient.name[1].famly": (6, 15),
        "Patient.contact[0]": (8, 15),
    }


async def test_issues_tell_line_and_column_in_xml(client: AsyncClient) -> None:
    xml = {"Content-Type": "application/fhir+xml"}
    response = await client.post("Patient/$validate", content=WRONG_XML, headers=xml)
    assert placed(response) == {"Patient.gender": (4, 3), "Patient.contact[0]": (5, 3)}


async def test_lines_are_those_of_the_parameters_that_carry_the_resource(client: AsyncClient) -> None:
    wrapped = (
        '{"resourceType": "Parameters", "parameter": [\n'
        '{"name": "mode", "valueCode": "create"},\n'
        f'{{"name": "resource", "resource":\n{WRONG_JSON}}}]}}'
    )
    response = await client.post("Patient/$validate", content=wrapped, headers=fhir({}))
    assert placed(response)["Patient.gender"] == (6, 13)
    inner = WRONG_XML.partition("\n")[2]
    xml = (
        '<Parameters xmlns="http://hl7.org/fhir">\n<parameter>\n<name value="resource"/>\n'
        f"<resource>\n{inner}\n</resource></parameter></Parameters>"
    )
    response = await client.post(
        "Patient/$validate", content=xml, headers={"Content-Type": "application/fhir+xml"}
    )
    assert placed(response) == {"Patient.gender": (7, 3), "Patient.contact[0]": (8, 3)}


SOMEBODY = {"display": "Somebody"}
HEART_RATE = {
    **weight(70, subject=SOMEBODY, performer=[SOMEBODY]),
    "code": {"coding": [{"system": LOINC, "code": "8867-4"}]},
    "valueQuantity": {"value": 70, "unit": "per minute"},
}
PROFILE = "http://hl7.org/fhir/StructureDefinition/heartrate"


@pytest.mark.parametrize("where", ["query", "parameters", "meta", "settings"])
async def test_the_profile_that_asked_is_named(open_client: Open, where: str) -> None:
    resource = {**HEART_RATE, "code": {"text": "pulse"}}
    path, body, given = "Observation/$validate", resource, ""
    match where:
        case "query":
            path += f"?profile={PROFILE}"
        case "parameters":
            body = parameters(resource, profile=PROFILE)
        case "meta":
            body = {**resource, "meta": {"profile": [PROFILE]}}
        case "settings":
            given = f"Observation={PROFILE}"
    async with open_client(profiles=given or None) as client:
        found = faults(await validate(client, path, body))
    assert found
    for issue in found:
        sources = [each["valueString"] for each in issue["extension"] if each["url"].endswith("issue-source")]
        assert sources == [PROFILE]
        assert PROFILE in issue["diagnostics"]


async def test_an_invariant_is_told_by_its_key(client: AsyncClient) -> None:
    response = await validate(client, "Patient/$validate", patient(contact=[{"gender": "male"}]))
    (issue,) = faults(response)
    assert issue["code"] == "invariant"
    assert [each["valueCode"] for each in issue["extension"] if "valueCode" in each] == ["pat-1"]


async def test_one_profile_is_asked_for_at_a_time(client: AsyncClient) -> None:
    response = await client.post(
        f"Patient/$validate?profile=http://example.org/a&profile={PROFILE}", json=patient()
    )
    assert response.status_code == 400
    assert "`profile` is given once; got 2" in response.text


async def test_what_is_stored_is_validated_against_a_profile(client: AsyncClient) -> None:
    made = await put(client, {**HEART_RATE, "id": "h"})
    assert made.status_code == 201, made.text
    response = await client.get(f"Observation/h/$validate?mode=profile&profile={PROFILE}")
    assert {issue["expression"][0] for issue in faults(response)} >= {"Observation.value.code"}


async def test_mode_profile_asks_for_a_profile(client: AsyncClient) -> None:
    assert (await client.get("Observation/h/$validate?mode=profile")).status_code == 400


async def test_references_lead_into_the_store(client: AsyncClient) -> None:
    """A reference's target is held to the profiles that a profile allows it."""
    targets = [f"{PROFILE}-plan-patient"]
    base = "http://hl7.org/fhir/StructureDefinition/"
    for id, type, row in (
        ("named", "Patient", {"id": "Patient.name", "path": "Patient.name", "min": 1}),
        (
            "of-named",
            "Goal",
            {
                "id": "Goal.subject",
                "path": "Goal.subject",
                "type": [{"code": "Reference", "targetProfile": targets}],
            },
        ),
    ):
        definition = {
            "resourceType": "StructureDefinition",
            "id": id,
            "url": targets[0] if type == "Patient" else "http://example.org/of-named",
            "name": "N",
            "status": "active",
            "kind": "resource",
            "abstract": False,
            "type": type,
            "baseDefinition": base + type,
            "derivation": "constraint",
            "differential": {"element": [{"id": type, "path": type}, row]},
        }
        assert (await put(client, definition)).status_code == 201
    await put(client, patient(id="with", name=[{"family": "A"}]))
    await put(client, patient(id="without"))

    def goal(id: str) -> Json:
        return {
            "resourceType": "Goal",
            "lifecycleStatus": "active",
            "description": {"text": "To walk"},
            "subject": {"reference": f"Patient/{id}"},
        }

    path = "Goal/$validate?profile=http://example.org/of-named"
    assert faults(await validate(client, path, goal("with"))) == []
    wrong = faults(await validate(client, path, goal("without")))
    assert [issue["expression"] for issue in wrong] == [["Goal.subject"]]

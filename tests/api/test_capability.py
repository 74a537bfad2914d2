from __future__ import annotations

import asyncio

import pytest
from httpx import AsyncClient

from fhirhub.api.operations import OPERATIONS
from fhirhub.api.routes import ROUTES
from fhirhub.conformance import LOOK_SECONDS
from fhirhub.resources import definitions, guide
from fhirhub.store.index.parameters import Parameters
from tests.api.builders import issues
from tests.api.conftest import Open


async def test_the_statement_names_every_type_and_interaction(client: AsyncClient) -> None:
    statement = (await client.get("metadata")).json()

    assert statement["resourceType"] == "CapabilityStatement"
    assert statement["fhirVersion"] == "4.0.1"
    assert statement["implementation"]["url"] == "http://hub.test/fhir"
    rest = statement["rest"][0]
    assert [one["type"] for one in rest["resource"]] == list(definitions.STORED_TYPES)
    assert {one["code"] for one in rest["interaction"]} == {
        "transaction",
        "batch",
        "search-system",
        "history-system",
    }
    patient = next(one for one in rest["resource"] if one["type"] == "Patient")
    assert {one["code"] for one in patient["interaction"]} == {
        "read",
        "vread",
        "update",
        "patch",
        "delete",
        "history-instance",
        "history-type",
        "create",
        "search-type",
    }
    assert patient["versioning"] == "versioned-update"
    assert patient["conditionalCreate"] is True
    assert patient["conditionalDelete"] == "single"
    assert "Patient:general-practitioner" in patient["searchInclude"]
    assert "CarePlan:patient" in patient["searchRevInclude"]
    assert {
        "name": "everything",
        "definition": "http://hl7.org/fhir/OperationDefinition/Patient-everything",
    } in (patient["operation"])
    names = {one["name"]: one for one in patient["searchParam"]}
    assert names["birthdate"]["type"] == "date"
    assert names["birthdate"]["definition"] == "http://hl7.org/fhir/SearchParameter/individual-birthdate"


async def test_the_parameters_named_are_those_that_can_be_searched_by(client: AsyncClient) -> None:
    parameters = Parameters()
    for one in (await client.get("metadata")).json()["rest"][0]["resource"]:
        names = {parameter["name"]: parameter["type"] for parameter in one["searchParam"]}
        assert names == {code: known.kind for code, known in parameters.of(one["type"]).items()}


@pytest.mark.parametrize(
    "query",
    [
        "Patient?name:exact=a&name:contains=a&name:missing=true",
        "Patient?identifier:not=a&identifier:text=a&identifier:of-type=a|b|c&identifier:missing=true",
        "Condition?code:text=a&code:not=a&subject:identifier=a|b&subject:Patient=a&subject:missing=true",
        "ValueSet?url:below=http://a&url:above=http://a&url:missing=true",
        "Observation?date:missing=true&value-quantity:missing=true",
    ],
)
async def test_the_modifiers_named_are_supported(client: AsyncClient, query: str) -> None:
    assert (await client.get(query)).status_code == 200


async def test_the_statement_is_itself_right(client: AsyncClient) -> None:
    response = await client.get("metadata")
    checked = await client.post(
        "CapabilityStatement/$validate",
        content=response.content,
        headers={"Content-Type": "application/fhir+json"},
    )
    assert [one for one in issues(checked) if one["severity"] in ("error", "fatal")] == []


async def test_the_terminology_that_is_known_is_stated(client: AsyncClient) -> None:
    system = {
        "resourceType": "CodeSystem",
        "url": "https://zoo.example/animals",
        "version": "2",
        "status": "active",
        "content": "complete",
        "concept": [{"code": "cat"}],
    }
    await client.post("CodeSystem", json=system)
    response = await client.get("metadata?mode=terminology")
    known = {each["uri"]: each for each in response.json()["codeSystem"]}
    assert known["https://zoo.example/animals"]["version"] == [{"code": "2", "isDefault": True}]
    assert known["http://hl7.org/fhir/administrative-gender"]["version"][0]["code"] == "4.0.1"
    assert {"name": "filter"} in response.json()["expansion"]["parameter"]
    checked = await client.post(
        "TerminologyCapabilities/$validate",
        content=response.content,
        headers={"Content-Type": "application/fhir+json"},
    )
    assert [one for one in issues(checked) if one["severity"] in ("error", "fatal")] == []


async def test_modes_give_their_part(client: AsyncClient) -> None:
    normative = (await client.get("metadata?mode=normative")).json()
    terminology = (await client.get("metadata?mode=terminology")).json()
    full = (await client.get("metadata?mode=full")).json()

    assert "CarePlan" not in [one["type"] for one in normative["rest"][0]["resource"]]
    assert "Patient" in [one["type"] for one in normative["rest"][0]["resource"]]
    assert terminology["resourceType"] == "TerminologyCapabilities"
    assert full == (await client.get("metadata")).json()
    assert (await client.get("metadata?mode=some")).status_code == 400


async def test_the_profiles_that_are_known_are_supported(client: AsyncClient) -> None:
    """Those of the guide, and those that were put there."""
    url = "http://acme.nl/fhir/StructureDefinition/plan"
    profile = {
        "resourceType": "StructureDefinition",
        "id": "plan",
        "url": url,
        "name": "Plan",
        "status": "active",
        "kind": "resource",
        "abstract": False,
        "type": "CarePlan",
        "derivation": "constraint",
        "baseDefinition": "http://hl7.org/fhir/StructureDefinition/CarePlan",
        "differential": {"element": [{"id": "CarePlan.goal", "path": "CarePlan.goal", "min": 1}]},
    }
    made = await client.put(
        "StructureDefinition/plan", json=profile, headers={"Content-Type": "application/fhir+json"}
    )
    assert made.status_code == 201, made.text
    await asyncio.sleep(LOOK_SECONDS)
    stated = (await client.get("metadata")).json()["rest"][0]["resource"]
    supported = {each["type"]: each.get("supportedProfile", []) for each in stated}
    assert url in supported["CarePlan"]
    assert guide.url("StructureDefinition", "SharedCarePlan") in supported["CarePlan"]
    assert supported["Binary"] == []


async def test_the_statement_follows_the_settings(open_client: Open) -> None:
    async with open_client(
        conditional_delete="multiple", cors_origins="*", referential_integrity="no"
    ) as client:
        rest = (await client.get("metadata")).json()["rest"][0]
    assert rest["security"]["cors"] is True
    assert rest["resource"][0]["conditionalDelete"] == "multiple"
    assert "enforced" not in rest["resource"][0]["referencePolicy"]


async def test_every_route_and_operation_has_a_handler_and_a_permission() -> None:
    assert all(callable(route.handler) and len(route.permission) == 1 for route in ROUTES)
    assert all(callable(operation.run) and len(operation.permission) == 1 for operation in OPERATIONS)
    assert len({(route.method, route.path) for route in ROUTES}) == len(ROUTES)


async def test_unknown_operations_name_the_nearest(client: AsyncClient) -> None:
    for path in ("$mata", "Patient/$everythin", "Patient/a/$validat", "Observation/$last"):
        response = await client.get(path)
        assert response.status_code == 404
        assert "did you mean" in issues(response)[0]["details"]["text"]


async def test_an_operation_elsewhere_says_where_it_is(client: AsyncClient) -> None:
    response = await client.get("Observation/o/$everything")
    assert response.status_code == 404
    assert "Patient/[id]/$everything" in issues(response)[0]["details"]["text"]
    assert (await client.get("$lastn")).status_code == 404


async def test_the_statement_has_an_etag_by_which_it_need_not_be_sent_again(client: AsyncClient) -> None:
    """http.html#capabilities: an ETag header SHOULD be returned, and change with the resource."""
    whole = await client.get("metadata")
    tag = whole.headers["etag"]
    assert (await client.get("metadata")).headers["etag"] == tag
    assert (await client.get("metadata?_summary=true")).headers["etag"] != tag
    again = await client.get("metadata", headers={"If-None-Match": tag})
    assert (again.status_code, again.headers["etag"], again.content) == (304, tag, b"")
    assert (await client.get("metadata", headers={"If-None-Match": 'W/"x"'})).status_code == 200

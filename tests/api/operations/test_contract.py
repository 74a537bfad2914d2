"""Every operation is held to its OperationDefinition, in what it takes and in what it answers."""

from __future__ import annotations

from typing import Any

import pytest
from httpx import AsyncClient

from fhirhub.api.operations import OPERATIONS, Operation, contract
from fhirhub.resources.canonicals import OFFICIAL
from tests.api.builders import fhir, patient

Json = dict[str, Any]


def part(name: str, **value: Any) -> Json:
    return {"name": name, **value}


async def refused(client: AsyncClient, path: str, *parts: Json) -> list[tuple[str, str, str | None]]:
    """Code, text and place of each fault of a call that must be refused."""
    body: Json = {"resourceType": "Parameters", "parameter": list(parts)}
    response = await client.post(path, json=body, headers=fhir({}))
    assert response.status_code == 400, response.text
    return [
        (issue["code"], issue["details"]["text"], issue.get("expression", [None])[0])
        for issue in response.json()["issue"]
    ]


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda each: f"{each.types}{each.name}")
def test_every_operation_has_a_definition_that_says_where_it_is_called(operation: Operation) -> None:
    definition = OFFICIAL.find("OperationDefinition", operation.definition)
    assert definition is not None
    assert operation.name == f"${definition['code']}"
    assert operation.affects_state == definition.get("affectsState", operation.affects_state)
    levels = {level for level in ("system", "type", "instance") if definition.get(level)}
    assert set(operation.levels) - {"version"} <= levels
    assert contract.of(operation.definition).takes is not None


async def test_a_parameter_that_is_not_defined_is_named_with_the_nearest_one(client: AsyncClient) -> None:
    found = await refused(client, "ValueSet/$expand", part("ulr", valueUri="http://zoo.example/x"))
    assert found == [
        (
            "not-supported",
            "`ulr` is not a parameter of $expand; did you mean `url`?",
            "Parameters.parameter[0]",
        )
    ]


async def test_a_value_of_another_type_is_told_with_the_right_one(client: AsyncClient) -> None:
    found = await refused(
        client,
        "ValueSet/$expand",
        part("url", valueString="http://zoo.example/x"),
        part("count", valueString="3"),
        part("valueSet", resource=patient()),
    )
    assert [text for _, text, _ in found] == [
        "`url` expects valueUri; got valueString",
        "`count` expects valueInteger; got valueString",
        "`valueSet` expects ValueSet; got `Patient`",
    ]
    assert [place for *_, place in found] == [f"Parameters.parameter[{number}]" for number in range(3)]


async def test_what_is_required_is_asked_for(client: AsyncClient) -> None:
    await client.put("Patient/c1", json={**patient(), "id": "c1"}, headers=fhir({}))
    found = await refused(client, "Patient/c1/$meta-add", part("mta", valueMeta={"tag": [{"code": "x"}]}))
    assert ("required", "`meta` is required by $meta-add: valueMeta", None) in found


async def test_more_than_the_definition_allows_is_refused(client: AsyncClient) -> None:
    meta = part("meta", valueMeta={"tag": [{"code": "x"}]})
    assert await refused(client, "Patient/c1/$meta-add", meta, meta) == [
        ("invalid", "`meta` is given once; got 2", "Parameters.parameter[1]")
    ]


async def test_parts_are_held_to_the_definition_too(client: AsyncClient) -> None:
    dependency = part("dependency", part=[part("element", valueUri="http://x.example"), part("colour")])
    code = [part("code", valueCode="a"), part("system", valueUri="http://x.example")]
    found = await refused(client, "ConceptMap/$translate", *code, dependency)
    place = "Parameters.parameter[2].part[1]"
    assert [(text.partition(";")[0], at) for _, text, at in found] == [
        ("`colour` is not a parameter of `dependency` of $translate", place)
    ]


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("count=many", "`count` expects a whole number; got `many`"),
        ("activeOnly=yes", "`activeOnly` expects true or false; got `yes`"),
        ("date=soon", "`date` expects a date such as 2026-11-22; got `soon`"),
        ("valueSet=x", "`valueSet` is a ValueSet: it goes into Parameters, by POST"),
    ],
)
async def test_the_query_is_held_to_the_definition(client: AsyncClient, query: str, text: str) -> None:
    response = await client.get(f"ValueSet/$expand?url=http://zoo.example/x&{query}")
    assert response.status_code == 400
    assert [each["details"]["text"] for each in response.json()["issue"]] == [text]


async def test_a_code_outside_of_a_required_binding_is_refused(client: AsyncClient) -> None:
    found = await refused(
        client, "Patient/$validate", part("mode", valueCode="nothing"), part("resource", resource=patient())
    )
    assert [(code, text.partition("; got")[0]) for code, text, _ in found] == [
        (
            "code-invalid",
            "`mode` expects a code from http://hl7.org/fhir/ValueSet/resource-validation-mode|4.0.1",
        )
    ]


async def test_a_body_that_is_no_parameter_is_refused(client: AsyncClient) -> None:
    response = await client.post("ValueSet/$expand", json=patient(), headers=fhir({}))
    assert response.status_code == 400
    assert "The body of $expand is Parameters or ValueSet; got `Patient`" in response.text


def test_an_answer_that_is_not_as_defined_is_found() -> None:
    lookup = contract.of("http://hl7.org/fhir/OperationDefinition/CodeSystem-lookup")
    right = [part("name", valueString="A"), part("display", valueString="B")]
    lookup.check_answer({"resourceType": "Parameters", "parameter": right})
    with pytest.raises(AssertionError, match="`display` is required"):
        lookup.check_answer({"resourceType": "Parameters", "parameter": right[:1]})
    with pytest.raises(AssertionError, match="`colour` is not a parameter"):
        lookup.check_answer({"resourceType": "Parameters", "parameter": [*right, part("colour")]})
    validate = contract.of("http://hl7.org/fhir/OperationDefinition/Resource-validate")
    with pytest.raises(AssertionError, match="expects OperationOutcome; got `Patient`"):
        validate.check_answer({"resourceType": "Patient"})

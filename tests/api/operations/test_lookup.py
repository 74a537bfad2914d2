from __future__ import annotations

import asyncio

import pytest
from httpx import AsyncClient

from tests.api.builders import Json, issues, said
from tests.api.operations.terminology import ANIMALS, CODE_SYSTEM, called, out, stored


def properties(answer: Json) -> list[tuple[str, object]]:
    found = []
    for each in answer["parameter"]:
        if each["name"] == "property":
            parts = {part["name"]: part for part in each["part"]}
            value = next((v for k, v in parts.get("value", {}).items() if k.startswith("value")), None)
            found.append((parts["code"]["valueCode"], value))
    return found


async def test_everything_about_a_code_is_told(client: AsyncClient) -> None:
    await stored(client, CODE_SYSTEM)
    response = await client.get(f"CodeSystem/$lookup?system={ANIMALS}&code=cat")
    assert response.status_code == 200
    assert out(response.json()) == {"name": "Animals", "version": "2", "display": "Cat"}
    assert properties(response.json()) == [("parent", "mammal"), ("child", "tiger"), ("legs", 4)]
    designation = next(each for each in response.json()["parameter"] if each["name"] == "designation")
    assert designation["part"] == [
        {"name": "language", "valueCode": "nl"},
        {"name": "value", "valueString": "Kat"},
    ]


async def test_only_the_properties_that_are_asked_for(client: AsyncClient) -> None:
    await stored(client, CODE_SYSTEM)
    answer = (
        await client.get(f"CodeSystem/$lookup?system={ANIMALS}&code=mammal&property=definition&property=legs")
    ).json()
    assert properties(answer) == [("definition", "It gives milk.")]
    answer = (await client.get(f"CodeSystem/$lookup?system={ANIMALS}&code=cat&property=lang.nl")).json()
    assert [each["name"] for each in answer["parameter"]] == ["name", "version", "display", "designation"]


async def test_the_display_comes_in_the_language_asked(client: AsyncClient) -> None:
    await stored(client, CODE_SYSTEM)
    coding = {"system": ANIMALS, "code": "cat"}
    answer = await called(client, "CodeSystem/$lookup", coding=coding, displayLanguage="nl")
    assert out(answer)["display"] == "Kat"


async def test_codes_of_r4_are_known(client: AsyncClient) -> None:
    system = "http://terminology.hl7.org/CodeSystem/v3-ActMood"
    answer = (await client.get(f"CodeSystem/$lookup?system={system}&code=INT")).json()
    assert out(answer)["display"] == "intent"
    assert ("parent", "_ActMoodCompletionTrack") in properties(answer)
    assert ("child", "PRMS") in properties(answer)


async def test_what_is_not_known_is_not_found(client: AsyncClient) -> None:
    await stored(client, CODE_SYSTEM)
    for query in (
        f"system={ANIMALS}&code=unicorn",
        "system=https://nowhere.example/cs&code=a",
        f"system={ANIMALS}&code=cat&version=9",
        "system=http://snomed.info/sct&code=73211009",
    ):
        response = await client.get(f"CodeSystem/$lookup?{query}")
        assert (response.status_code, issues(response)[0]["code"]) == (404, "not-found"), query
    assert "known is 2" in said(await client.get(f"CodeSystem/$lookup?system={ANIMALS}&code=cat&version=9"))


@pytest.mark.parametrize(
    "query",
    ["", "code=cat", f"system={ANIMALS}", f"system={ANIMALS}&code=cat&cod=x", "coding=cat", "date=x&code=a"],
)
async def test_a_question_without_a_code_and_its_system_is_refused(client: AsyncClient, query: str) -> None:
    assert (await client.get(f"CodeSystem/$lookup?{query}")).status_code == 400


@pytest.mark.parametrize(
    ("first", "second", "outcome"),
    [
        ("mammal", "tiger", "subsumes"),
        ("tiger", "mammal", "subsumed-by"),
        ("cat", "cat", "equivalent"),
        ("cat", "whale", "not-subsumed"),
    ],
)
async def test_subsumption(client: AsyncClient, first: str, second: str, outcome: str) -> None:
    await stored(client, CODE_SYSTEM)
    query = f"codeA={first}&codeB={second}"
    response = await client.get(f"CodeSystem/$subsumes?system={ANIMALS}&{query}")
    assert out(response.json()) == {"outcome": outcome}
    response = await client.get(f"CodeSystem/animals/$subsumes?{query}")
    assert out(response.json()) == {"outcome": outcome}
    codings = {"codingA": {"system": ANIMALS, "code": first}, "codingB": {"system": ANIMALS, "code": second}}
    assert out(await called(client, "CodeSystem/$subsumes", **codings)) == {"outcome": outcome}


async def test_subsumption_of_what_is_not_known_is_refused(client: AsyncClient) -> None:
    await stored(client, CODE_SYSTEM)
    for query, status in (
        (f"system={ANIMALS}&codeA=cat&codeB=unicorn", 404),
        ("system=https://nowhere.example/cs&codeA=cat&codeB=dog", 404),
        ("codeA=cat&codeB=dog", 400),
        (f"system={ANIMALS}&codeA=cat", 400),
    ):
        assert (await client.get(f"CodeSystem/$subsumes?{query}")).status_code == status, query
    other = {"system": "http://hl7.org/fhir/administrative-gender", "code": "male"}
    codings = {
        "resourceType": "Parameters",
        "parameter": [
            {"name": "codingA", "valueCoding": other},
            {"name": "codingB", "valueCoding": {"system": ANIMALS, "code": "cat"}},
        ],
    }
    assert (await client.post("CodeSystem/$subsumes", json=codings)).status_code == 422


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_many_that_ask_at_once_are_all_answered(client: AsyncClient) -> None:
    await stored(client, CODE_SYSTEM)
    asked = (client.get(f"CodeSystem/$lookup?system={ANIMALS}&code=cat") for _ in range(12))
    assert {response.status_code for response in await asyncio.gather(*asked)} == {200}

"""`$closure`: closure tables that clients keep up as codes come."""

from __future__ import annotations

import asyncio

import httpx
import pytest
from httpx import AsyncClient

from fhirhub.terminology import closing
from tests.api.builders import Json, fhir, issues
from tests.api.operations.terminology import ANIMALS, CODE_SYSTEM, parameters, stored

ACT_MOOD = "http://terminology.hl7.org/CodeSystem/v3-ActMood"


def coding(code: str, system: str = ANIMALS) -> Json:
    return {"system": system, "code": code}


async def asked(
    client: AsyncClient, *concepts: Json, name: str = "t", version: str | None = None
) -> httpx.Response:
    body = parameters(name=name) if version is None else parameters(name=name, version=version)
    body["parameter"] += [{"name": "concept", "valueCoding": each} for each in concepts]
    return await client.post("$closure", json=body, headers=fhir({}))


async def told(
    client: AsyncClient, *codes: str, version: str | None = None
) -> tuple[str, set[tuple[str, str, str]]]:
    """Version and entries of the answer."""
    response = await asked(client, *map(coding, codes), version=version)
    assert response.status_code == 200, response.text
    answer = response.json()
    return answer["version"], entries(answer)


def entries(answer: Json) -> set[tuple[str, str, str]]:
    return {
        (element["code"], target["equivalence"], target["code"])
        for group in answer.get("group", ())
        for element in group["element"]
        for target in element["target"]
    }


async def test_a_table_grows_by_the_entries_of_each_code(client: AsyncClient) -> None:
    await stored(client, CODE_SYSTEM)
    assert await told(client) == ("0", set())
    assert await told(client, "cat") == ("1", set())
    assert await told(client, "tiger", "dodo") == ("2", {("tiger", "subsumes", "cat")})
    assert await told(client, "mammal") == (
        "3",
        {("cat", "subsumes", "mammal"), ("tiger", "subsumes", "mammal")},
    )
    assert await told(client, "tiger") == ("3", set())


async def test_a_table_gives_again_what_came_after_a_version(client: AsyncClient) -> None:
    await stored(client, CODE_SYSTEM)
    await told(client)
    await told(client, "cat", "tiger")
    await told(client, "mammal")
    last = {("cat", "subsumes", "mammal"), ("tiger", "subsumes", "mammal")}
    assert await told(client, version="1") == ("2", last)
    assert await told(client, version="0") == ("2", {("tiger", "subsumes", "cat"), *last})
    assert await told(client, version="2") == ("2", set())


async def test_a_table_is_empty_when_it_is_initialised_anew(client: AsyncClient) -> None:
    await stored(client, CODE_SYSTEM)
    await told(client)
    await told(client, "cat")
    assert await told(client) == ("0", set())
    assert await told(client, "tiger") == ("1", set())


async def test_codes_that_come_at_once_are_not_lost(client: AsyncClient) -> None:
    await stored(client, CODE_SYSTEM)
    await told(client)
    found = await asyncio.gather(*(told(client, code) for code in ("mammal", "cat", "tiger")))
    assert {version for version, _ in found} == {"1", "2", "3"}
    assert await told(client, version="0") == (
        "3",
        {("cat", "subsumes", "mammal"), ("tiger", "subsumes", "mammal"), ("tiger", "subsumes", "cat")},
    )


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_each_code_system_is_a_group_with_its_version(client: AsyncClient) -> None:
    await stored(client, CODE_SYSTEM)
    await told(client)
    given = [coding("cat"), coding("tiger"), coding("INT", ACT_MOOD), coding("PRMS", ACT_MOOD)]
    answer = (await asked(client, *given)).json()
    assert entries(answer) == {("tiger", "subsumes", "cat"), ("PRMS", "subsumes", "INT")}
    assert [group["source"] for group in answer["group"]] == [ANIMALS, ACT_MOOD]
    assert answer["group"][0]["sourceVersion"] == answer["group"][0]["targetVersion"] == "2"
    assert (answer["id"], answer["experimental"]) == ("t", True)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_two_spellings_of_a_concept_are_equal(client: AsyncClient) -> None:
    await stored(client, {**CODE_SYSTEM, "caseSensitive": False})
    await told(client)
    await told(client, "cat", "mammal")
    assert (await told(client, "CAT"))[1] == {("CAT", "equal", "cat"), ("CAT", "subsumes", "mammal")}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_another_version_of_the_code_system_asks_for_a_new_table(client: AsyncClient) -> None:
    await stored(client, CODE_SYSTEM)
    await told(client)
    await told(client, "cat")
    await stored(client, {**CODE_SYSTEM, "version": "3"})
    response = await asked(client, coding("tiger"))
    assert (response.status_code, issues(response)[0]["code"]) == (422, "business-rule")
    assert "initialised anew" in issues(response)[0]["details"]["text"]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_what_cannot_be_answered_is_refused_with_why(
    client: AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    await stored(client, CODE_SYSTEM)
    never = await asked(client, coding("cat"))
    assert (never.status_code, issues(never)[0]["code"]) == (404, "not-found")
    await told(client)
    for response, status in (
        (await asked(client, coding("unicorn")), 422),
        (await asked(client, coding("a", "https://nowhere.example/cs")), 422),
        (await asked(client, {"code": "cat"}), 400),
        (await asked(client, name="\n"), 400),
        (await asked(client, coding("cat"), version="0"), 400),
        (await asked(client, version="9"), 422),
        (await asked(client, version="x"), 400),
        (await client.get("$closure?name=t"), 405),
        (await client.post("$closure", json=parameters(), headers=fhir({})), 400),
    ):
        assert response.status_code == status, response.text
    assert await told(client, version="0") == ("0", set())
    monkeypatch.setattr(closing, "MOST_AT_ONCE", 1)
    many = await asked(client, coding("cat"), coding("tiger"))
    assert issues(many)[0]["code"] == "too-costly"


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_statements_tell_of_it(client: AsyncClient) -> None:
    stated = (await client.get("metadata")).json()
    assert "closure" in [each["name"] for each in stated["rest"][0]["operation"]]
    terminology = (await client.get("metadata?mode=terminology")).json()
    assert terminology["closure"] == {"translation": False}

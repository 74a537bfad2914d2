"""A SearchParameter of the tenant's own takes effect once everything is indexed by it."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from fhirhub import app, searchparameters

Json = dict[str, Any]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the wait for other processes: here is one."""
    monkeypatch.setattr(searchparameters, "NOTICE_SECONDS", 0.2)
    monkeypatch.setattr(searchparameters, "ANSWER_SECONDS", 0.5)
    monkeypatch.setattr(app, "REFRESH_SECONDS", 0.05)
    monkeypatch.setattr(app, "JOBS_SECONDS", 0.05)


def parameter(**more: Any) -> Json:
    return {
        "resourceType": "SearchParameter",
        "id": "nickname",
        "url": "https://hub.example/SearchParameter/nickname",
        "name": "Nickname",
        "status": "active",
        "description": "A patient's nickname",
        "code": "nickname",
        "base": ["Patient"],
        "type": "string",
        "expression": "Patient.name.where(use = 'nickname').given",
    } | more


async def found(client: httpx.AsyncClient, query: str) -> list[str]:
    answer = await client.get(query)
    assert answer.status_code == 200, answer.text
    return [entry["resource"]["id"] for entry in answer.json().get("entry", [])]


async def until_ready(client: httpx.AsyncClient, query: str) -> None:
    for _ in range(400):
        if (await client.get(query)).status_code == 200:
            return
        await asyncio.sleep(0.05)
    raise AssertionError("the parameter never became ready")


async def test_it_finds_what_was_stored_before_and_after_it(client: httpx.AsyncClient) -> None:
    def named(id: str, name: str) -> Json:
        return {"resourceType": "Patient", "id": id, "name": [{"use": "nickname", "given": [name]}]}

    await client.put("Patient/old", json=named("old", "Ciske"))
    assert (await client.get("Patient?nickname=ciske")).status_code == 400
    assert (await client.put("SearchParameter/nickname", json=parameter())).status_code == 201
    await until_ready(client, "Patient?nickname=ciske")
    await client.put("Patient/new", json=named("new", "Ciske"))
    await client.put("Patient/other", json=named("other", "Dik"))
    assert sorted(await found(client, "Patient?nickname=ciske")) == ["new", "old"]


async def test_until_it_is_ready_a_search_by_it_is_refused_with_that_reason(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(searchparameters, "NOTICE_SECONDS", 3600)
    await client.put("SearchParameter/nickname", json=parameter())
    answer = await client.get("Patient?nickname=x")
    assert answer.status_code == 400
    assert "index" in answer.json()["issue"][0]["details"]["text"]


async def test_one_that_changes_is_refused_until_it_is_indexed_anew(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    await client.put("SearchParameter/nickname", json=parameter())
    await until_ready(client, "Patient?nickname=x")
    monkeypatch.setattr(searchparameters, "NOTICE_SECONDS", 3600)
    changed = parameter(expression="Patient.name.where(use = 'old').given")
    assert (await client.put("SearchParameter/nickname", json=changed)).status_code == 200
    assert (await client.get("Patient?nickname=x")).status_code == 400


async def test_a_deleted_one_is_unknown_again(client: httpx.AsyncClient) -> None:
    await client.put("SearchParameter/nickname", json=parameter())
    await until_ready(client, "Patient?nickname=x")
    assert (await client.delete("SearchParameter/nickname")).status_code == 204
    for _ in range(100):
        if (await client.get("Patient?nickname=x")).status_code == 400:
            return
        await asyncio.sleep(0.05)
    raise AssertionError("it is still known")


@pytest.mark.parametrize(
    "wrong",
    [
        {"expression": "Patient.name.("},
        {"code": "family"},
        {"expression": None},
    ],
)
async def test_one_that_could_not_work_is_refused(client: httpx.AsyncClient, wrong: Json) -> None:
    content = {key: value for key, value in parameter(**wrong).items() if value is not None}
    answer = await client.put("SearchParameter/nickname", json=content)
    assert answer.status_code in (409, 422), answer.text
    assert answer.json()["issue"][0]["expression"]
    assert (await client.get("SearchParameter/nickname")).status_code == 404


def other(**more: Any) -> Json:
    return parameter(id="other", url="https://elsewhere.example/SearchParameter/nickname") | more


@pytest.mark.parametrize(
    ("base", "expression", "value"),
    [
        (["Patient"], "gender", "male"),
        (["Patient", "Person"], "name.use | gender", "male"),
        (["Resource"], "Resource.id", "p"),
        (["Resource"], "meta.versionId", "1"),
    ],
)
async def test_an_expression_may_read_from_its_bases_or_from_any_resource(
    client: httpx.AsyncClient, base: list[str], expression: str, value: str
) -> None:
    await client.put("Patient/p", json={"resourceType": "Patient", "id": "p", "gender": "male"})
    token = parameter(base=base, type="token", expression=expression)
    assert (await client.put("SearchParameter/nickname", json=token)).status_code == 201
    await until_ready(client, f"Patient?nickname={value}")
    assert await found(client, f"Patient?nickname={value}") == ["p"]
    assert await found(client, "Patient?nickname=none") == []


async def test_an_expression_that_reads_nothing_of_its_bases_is_refused(client: httpx.AsyncClient) -> None:
    answer = await client.put("SearchParameter/nickname", json=parameter(expression="Person.name.given"))
    assert answer.status_code == 422
    assert answer.json()["issue"][0]["expression"] == ["SearchParameter.expression"]


async def test_a_code_that_another_has_on_the_same_type_is_refused_by_its_name(
    client: httpx.AsyncClient,
) -> None:
    assert (await client.put("SearchParameter/nickname", json=parameter())).status_code == 201
    answer = await client.put("SearchParameter/other", json=other(base=["Person", "Patient"]))
    assert answer.status_code == 409, answer.text
    (issue,) = answer.json()["issue"]
    assert (issue["code"], issue["expression"]) == ("duplicate", ["SearchParameter.code"])
    assert "SearchParameter/nickname (https://hub.example/" in issue["details"]["text"]
    assert (await client.get("SearchParameter/other")).status_code == 404
    person = other(base=["Person"], expression="Person.name.given")
    assert (await client.put("SearchParameter/other", json=person)).status_code == 201
    # It is its own, so that it may be written again.
    assert (await client.put("SearchParameter/nickname", json=parameter(name="Nick"))).status_code == 200


async def test_a_code_is_free_once_the_other_is_retired_or_gone(client: httpx.AsyncClient) -> None:
    await client.put("SearchParameter/nickname", json=parameter())
    await client.put("SearchParameter/nickname", json=parameter(status="retired"))
    assert (await client.put("SearchParameter/other", json=other())).status_code == 201
    assert (await client.put("SearchParameter/nickname", json=parameter())).status_code == 409
    await client.delete("SearchParameter/other")
    assert (await client.put("SearchParameter/nickname", json=parameter())).status_code == 200


def transaction(*resources: Json) -> Json:
    return {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [
            {"resource": one, "request": {"method": "PUT", "url": f"SearchParameter/{one['id']}"}}
            for one in resources
        ],
    }


async def test_two_of_one_code_do_not_come_in_one_transaction_but_may_swap_theirs(
    client: httpx.AsyncClient,
) -> None:
    assert (await client.post("", json=transaction(parameter(), other()))).status_code == 409
    named = other(code="second")
    assert (await client.post("", json=transaction(parameter(), named))).status_code == 200
    swapped = transaction(parameter(code="second"), other())
    assert (await client.post("", json=swapped)).status_code == 200


async def test_of_two_of_one_code_written_at_once_one_is_refused(client: httpx.AsyncClient) -> None:
    answers = await asyncio.gather(
        client.put("SearchParameter/nickname", json=parameter()),
        client.put("SearchParameter/other", json=other()),
    )
    assert sorted(answer.status_code for answer in answers) == [201, 409]


@pytest.mark.parametrize("code", ["_count", "_sort", "_format", "_has", "a:b", "bad one", "a.b", "a,b", "-a"])
async def test_a_code_that_no_query_can_name_is_refused(client: httpx.AsyncClient, code: str) -> None:
    answer = await client.put("SearchParameter/nickname", json=parameter(code=code))
    assert answer.status_code == 422, answer.text
    assert answer.json()["issue"][0]["expression"] == ["SearchParameter.code"]

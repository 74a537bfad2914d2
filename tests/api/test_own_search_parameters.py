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

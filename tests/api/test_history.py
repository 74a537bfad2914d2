from __future__ import annotations

from typing import Any

import pytest
from httpx import AsyncClient

from tests.api.builders import Json, issues, observation, patient, post, put, said


async def pages(client: AsyncClient, url: str) -> list[list[Json]]:
    """The entries of every page, following `next`."""
    found = []
    next: str | None = url
    while next is not None:
        response = await client.get(next)
        assert response.status_code == 200
        found.append(response.json().get("entry", []))
        next = link(response.json(), "next")
        assert len(found) < 50
    return found


def link(bundle: Json, relation: str) -> str | None:
    return next((one["url"] for one in bundle.get("link", ()) if one["relation"] == relation), None)


async def test_history_of_an_instance_is_every_version_newest_first(client: AsyncClient) -> None:
    made = await post(client, patient(gender="male"))
    id = made.json()["id"]
    await put(client, patient(id=id, gender="female"))
    await client.delete(f"Patient/{id}")

    response = await client.get(f"Patient/{id}/_history")

    assert response.status_code == 200
    bundle = response.json()
    assert bundle["type"] == "history"
    deleted, updated, created = bundle["entry"]
    assert deleted["request"] == {"method": "DELETE", "url": f"Patient/{id}"}
    assert "resource" not in deleted
    assert deleted["response"]["status"].startswith("204")
    assert updated["request"] == {"method": "PUT", "url": f"Patient/{id}"}
    assert updated["resource"]["gender"] == "female"
    assert updated["response"]["status"].startswith("200")
    assert created["request"] == {"method": "POST", "url": "Patient"}
    assert created["response"]["status"].startswith("201")
    assert created["response"]["etag"] == 'W/"1"'
    assert created["response"]["lastModified"] == created["resource"]["meta"]["lastUpdated"]
    assert created["fullUrl"] == f"http://hub.test/fhir/Patient/{id}"


async def test_history_of_what_never_was_is_not_found(client: AsyncClient) -> None:
    assert (await client.get("Patient/nobody/_history")).status_code == 404


async def test_history_of_a_type_and_of_everything(client: AsyncClient) -> None:
    await put(client, patient(id="a"))
    await put(client, observation(id="o"))
    await put(client, patient(id="a", gender="male"))

    of_type = (await client.get("Patient/_history")).json()["entry"]
    of_all = (await client.get("_history")).json()["entry"]

    assert [one["response"]["etag"] for one in of_type] == ['W/"2"', 'W/"1"']
    assert [one["resource"]["resourceType"] for one in of_all] == ["Patient", "Observation", "Patient"]


async def test_an_empty_history_is_an_empty_bundle(client: AsyncClient) -> None:
    for path in ("_history", "Patient/_history"):
        response = await client.get(path)
        assert response.status_code == 200
        assert "entry" not in response.json()


async def test_history_comes_in_pages_that_meet(client: AsyncClient) -> None:
    for number in range(7):
        await put(client, patient(id="a", name=[{"text": str(number)}]))

    found = await pages(client, "Patient/a/_history?_count=3")

    assert [len(page) for page in found] == [3, 3, 1]
    versions = [one["resource"]["meta"]["versionId"] for page in found for one in page]
    assert versions == ["7", "6", "5", "4", "3", "2", "1"]


async def test_a_page_keeps_its_place_while_others_write(client: AsyncClient) -> None:
    for number in range(4):
        await put(client, patient(id=f"p{number}"))
    first = (await client.get("Patient/_history?_count=2")).json()
    await put(client, patient(id="new"))
    second = (await client.get(link(first, "next") or "")).json()
    ids = [one["resource"]["id"] for one in first["entry"] + second["entry"]]
    assert ids == ["p3", "p2", "p1", "p0"]


async def test_a_cursor_that_is_not_ours_is_refused(client: AsyncClient) -> None:
    for number in range(3):
        await put(client, patient(id="a", name=[{"text": str(number)}]))
    next = link((await client.get("Patient/a/_history?_count=1")).json(), "next") or ""
    changed = next[:-9] + ("0" if next[-9] != "0" else "1") + next[-8:]
    other = next.replace("Patient/a/", "Patient/")
    for url in (changed, other, f"{next}&_since=2020-01-01", "Patient/a/_history?_cursor=x"):
        response = await client.get(url)
        assert response.status_code == 400
        assert "page" in said(response)


async def test_the_total_is_told_where_it_is_known(client: AsyncClient) -> None:
    for number in range(3):
        await put(client, patient(id="a", name=[{"text": str(number)}]))
    assert (await client.get("Patient/a/_history?_count=1")).json()["total"] == 3
    assert (await client.get("Patient/a/_history?_summary=count")).json()["total"] == 3
    assert (await client.get("Patient/_history")).json()["total"] == 3


async def test_since_keeps_what_was_made_then_or_later(client: AsyncClient) -> None:
    await put(client, patient(id="a"))
    second = await put(client, patient(id="a", gender="male"))
    since = second.json()["meta"]["lastUpdated"]

    response = await client.get("Patient/a/_history", params={"_since": since})

    assert [one["resource"]["meta"]["versionId"] for one in response.json()["entry"]] == ["2"]
    assert since.replace("+", "%2B") in (link(response.json(), "self") or "")


async def test_at_finds_what_was_current_then(client: AsyncClient) -> None:
    first = await put(client, patient(id="a"))
    await put(client, patient(id="a", gender="male"))
    at = first.json()["meta"]["lastUpdated"]
    response = await client.get("Patient/a/_history", params={"_at": at})
    assert "1" in [one["resource"]["meta"]["versionId"] for one in response.json()["entry"]]
    long_ago = await client.get("Patient/a/_history?_at=1999")
    assert "entry" not in long_ago.json()


@pytest.mark.parametrize(
    "query", ["_since=soon", "_at=2020-13", "_count=x", "_count=-1", "_sinse=2020", "_summary=x"]
)
async def test_what_cannot_be_read_is_refused(client: AsyncClient, query: str) -> None:
    await put(client, patient(id="a"))
    response = await client.get(f"Patient/a/_history?{query}")
    assert response.status_code == 400
    assert issues(response)


async def test_history_shows_parts_where_asked(client: AsyncClient) -> None:
    await put(client, patient(id="a", gender="male", maritalStatus={"text": "m"}))
    entry: Any = (await client.get("Patient/a/_history?_summary=true")).json()["entry"][0]
    assert "maritalStatus" not in entry["resource"]
    counted = (await client.get("Patient/a/_history?_summary=count")).json()
    assert "entry" not in counted


async def test_history_of_what_a_list_names(client: AsyncClient) -> None:
    """A member without a version stands for all of them (http.html#history, `_list`)."""
    for id, family in (("a", "Een"), ("b", "Een"), ("a", "Twee"), ("b", "Twee"), ("c", "Een")):
        await client.put(
            f"/Patient/{id}", json={"resourceType": "Patient", "id": id, "name": [{"family": family}]}
        )
    await client.put("/Organization/o", json={"resourceType": "Organization", "id": "o", "name": "O"})
    named = ("Patient/a", "Patient/b/_history/1", "Organization/o")
    members = [{"item": {"reference": one}} for one in named]
    body = {"resourceType": "List", "id": "l", "status": "current", "mode": "working", "entry": members}
    assert (await client.put("/List/l", json=body)).status_code == 201

    async def versions(path: str) -> set[str]:
        entries = (await client.get(path)).json().get("entry", [])
        told = (one["resource"] for one in entries)
        return {f"{one['resourceType']}/{one['id']}/{one['meta']['versionId']}" for one in told}

    assert await versions("/Patient/_history?_list=l") == {"Patient/a/1", "Patient/a/2", "Patient/b/1"}
    assert "Organization/o/1" in await versions("/_history?_list=l")
    assert await versions("/Patient/b/_history?_list=l") == {"Patient/b/1"}
    assert await versions("/Patient/c/_history?_list=l") == set()
    assert await versions("/Patient/_history?_list=nobody") == set()
    assert (await client.get("/Patient/_history?_list=a b")).status_code == 400


async def test_a_page_of_nothing_tells_how_many_versions_there_are(client: AsyncClient) -> None:
    for gender in ("male", "female", "other"):
        await put(client, patient(id="a", gender=gender))
    await put(client, patient(id="b"))
    await client.delete("Patient/b")
    await post(client, observation())
    between = (await client.get("Patient/a/_history/2")).json()["meta"]["lastUpdated"]
    for url, total in (
        ("Patient/a/_history", 3),
        ("Patient/_history", 5),
        ("_history", 6),
        (f"Patient/_history?_since={between}", 4),
        ("Patient/_history?_at=2020", 0),
    ):
        for none in ("_count=0", "_summary=count"):
            bundle = (await client.get(f"{url}{'&' if '?' in url else '?'}{none}")).json()
            assert (bundle["total"], "entry" in bundle) == (total, False), url
            assert link(bundle, "next") is None


async def test_a_page_may_be_asked_for_in_another_form(client: AsyncClient) -> None:
    for gender in ("male", "female", "other"):
        await put(client, patient(id="a", gender=gender))
    next = link((await client.get("Patient/a/_history?_count=1")).json(), "next")
    assert next is not None
    for form in ("&_format=json", "&_pretty=true", "&_format=json&_format=application/fhir%2Bjson"):
        page = (await client.get(next + form)).json()
        assert [one["resource"]["gender"] for one in page["entry"]] == ["female"]
    assert (await client.get(next + "&_since=2020")).status_code == 400

from __future__ import annotations

import asyncio
import json
from urllib.parse import quote

from httpx import AsyncClient

from fhirhub import conformance
from tests.api.builders import Json, bundle, entry, fhir, patient, post, put
from tests.api.conftest import Open

SYSTEM = "http://example.org/id"


def identified(value: str, **content: object) -> Json:
    return patient(identifier=[{"system": SYSTEM, "value": value}], **content)


async def test_if_none_exist_creates_only_where_none_matches(client: AsyncClient) -> None:
    first = await post(client, identified("1"), If_None_Exist=f"identifier={SYSTEM}|1")
    again = await post(client, identified("1", gender="male"), If_None_Exist=f"identifier={SYSTEM}|1")
    assert first.status_code == 201
    assert again.status_code == 200
    assert again.json()["id"] == first.json()["id"]
    assert again.headers["etag"] == 'W/"1"'
    assert "gender" not in again.json()
    for url in (f"Patient?identifier={SYSTEM}|1", f"{client.base_url}Patient?identifier={quote(SYSTEM)}%7C1"):
        assert (await post(client, identified("1"), If_None_Exist=url)).json()["id"] == first.json()["id"]


async def test_if_none_exist_with_several_matches_is_refused(client: AsyncClient) -> None:
    await put(client, identified("1", id="a"))
    await put(client, identified("1", id="b"))
    response = await post(client, identified("1"), If_None_Exist=f"identifier={SYSTEM}|1")
    assert response.status_code == 412


async def test_criteria_that_match_everything_are_refused(client: AsyncClient) -> None:
    for criteria in ("_count=1", "_sort=_id", "?"):
        assert (await post(client, patient(), If_None_Exist=criteria)).status_code == 400
    assert (await client.put("Patient", json=patient(), headers=fhir({}))).status_code == 400
    assert (await client.delete("Patient")).status_code == 400
    assert (await client.delete("Patient?_count=5")).status_code == 400
    unknown = await client.delete("Patient?idntifier=1", headers={"Prefer": "handling=lenient"})
    assert unknown.status_code == 400


async def test_conditional_update_follows_the_matches(client: AsyncClient) -> None:
    url = f"Patient?identifier={SYSTEM}|1"
    created = await client.put(url, json=identified("1"), headers=fhir({}))
    updated = await client.put(url, json=identified("1", gender="male"), headers=fhir({}))
    other_id = await client.put(url, json=identified("1", id="other"), headers=fhir({}))
    assert created.status_code == 201
    assert updated.status_code == 200
    assert updated.json()["id"] == created.json()["id"]
    assert updated.headers["etag"] == 'W/"2"'
    assert other_id.status_code == 400

    with_id = await client.put(
        f"Patient?identifier={SYSTEM}|2", json=identified("2", id="two"), headers=fhir({})
    )
    assert with_id.status_code == 201
    assert with_id.json()["id"] == "two"

    await put(client, identified("2", id="three"))
    several = await client.put(f"Patient?identifier={SYSTEM}|2", json=identified("2"), headers=fhir({}))
    assert several.status_code == 412


async def test_conditional_patch_finds_its_resource(client: AsyncClient) -> None:
    await put(client, identified("1", id="a"))
    patch = b'[{"op":"add","path":"/gender","value":"male"}]'
    headers = {"Content-Type": "application/json-patch+json"}
    done = await client.patch(f"Patient?identifier={SYSTEM}|1", content=patch, headers=headers)
    none = await client.patch(f"Patient?identifier={SYSTEM}|9", content=patch, headers=headers)
    assert done.status_code == 200
    assert done.json()["gender"] == "male"
    assert none.status_code == 404


async def test_conditional_delete_deletes_one(client: AsyncClient) -> None:
    await put(client, identified("1", id="a"))
    await put(client, identified("2", id="b"))
    await put(client, identified("2", id="c"))
    assert (await client.delete(f"Patient?identifier={SYSTEM}|1")).status_code == 204
    assert (await client.get("Patient/a")).status_code == 410
    assert (await client.delete(f"Patient?identifier={SYSTEM}|1")).status_code == 204
    assert (await client.delete(f"Patient?identifier={SYSTEM}|2")).status_code == 412
    assert (await client.get("Patient/b")).status_code == 200


async def test_conditional_delete_of_several_is_a_setting(open_client: Open) -> None:
    async with open_client(conditional_delete="multiple") as client:
        await put(client, identified("2", id="b"))
        await put(client, identified("2", id="c"))
        response = await client.delete(
            f"Patient?identifier={SYSTEM}|2", headers={"Prefer": "return=OperationOutcome"}
        )
        assert response.status_code == 200
        assert len(response.json()["issue"]) == 2
        assert (await client.get("Patient/b")).status_code == 410


async def test_equal_conditional_creates_at_once_make_one(client: AsyncClient) -> None:
    responses = await asyncio.gather(
        *(post(client, identified("1"), If_None_Exist=f"identifier={SYSTEM}|1") for _ in range(16))
    )
    statuses = sorted(response.status_code for response in responses)
    assert statuses == [200] * 15 + [201]
    assert len({response.json()["id"] for response in responses}) == 1


async def test_an_empty_criterion_is_refused(client: AsyncClient) -> None:
    await put(client, identified("1", id="a", active=True))
    for criteria in ("active=true&identifier=", "identifier="):
        assert (await client.delete(f"Patient?{criteria}")).status_code == 400
        assert (await post(client, patient(), If_None_Exist=criteria)).status_code == 400
    assert (await client.get("Patient/a")).status_code == 200


async def test_many_conditional_patches_and_transactions_at_once_all_come_through(
    client: AsyncClient,
) -> None:
    await put(client, identified("1", id="a"))
    patching = {"Content-Type": "application/json-patch+json"}

    async def patch(n: int) -> int:
        change = json.dumps([{"op": "add", "path": "/multipleBirthInteger", "value": n}])
        return (
            await client.patch(f"Patient?identifier={SYSTEM}|1", content=change, headers=patching)
        ).status_code

    async def transact(n: int) -> int:
        asked = bundle(
            "transaction", entry("PUT", f"Patient?identifier={SYSTEM}|1", identified("1", active=n % 2 == 0))
        )
        return (await client.post("", json=asked, headers=fhir({}))).status_code

    # What validates is looked up anew each second: more wait for each other than there are connections.
    await asyncio.sleep(conformance.LOOK_SECONDS + 0.1)
    found = await asyncio.gather(*(work(n) for n in range(20) for work in (patch, transact)))
    assert set(found) == {200}

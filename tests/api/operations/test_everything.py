from __future__ import annotations

import pytest
from httpx import AsyncClient

from tests.api.builders import Json, fhir, observation, patient, put

ABOUT = {"reference": "Patient/a"}


async def stored(client: AsyncClient) -> None:
    await put(client, {"resourceType": "Practitioner", "id": "gp"})
    await put(client, patient(id="a", generalPractitioner=[{"reference": "Practitioner/gp"}]))
    await put(client, patient(id="b"))
    await put(client, observation(id="o1", subject=ABOUT, effectiveDateTime="2026-01-10"))
    await put(client, observation(id="o2", subject=ABOUT, effectiveDateTime="2026-06-10"))
    await put(client, observation(id="o3", subject=ABOUT))
    await put(client, observation(id="other", subject={"reference": "Patient/b"}))
    await put(
        client, {"resourceType": "Condition", "id": "c", "subject": ABOUT, "onsetDateTime": "2026-01-15"}
    )
    task = {"resourceType": "Task", "id": "t", "status": "requested", "intent": "order", "for": ABOUT}
    await put(client, task)


async def all_ids(client: AsyncClient, url: str) -> list[str]:
    """Type and id of every entry, page by page."""
    found: list[str] = []
    next: str | None = url
    pages = 0
    while next is not None:
        response = await client.get(next)
        assert response.status_code == 200, response.text
        bundle: Json = response.json()
        assert bundle["type"] == "searchset"
        found += [
            f"{one['resource']['resourceType']}/{one['resource']['id']}" for one in bundle.get("entry", ())
        ]
        next = next_of(bundle)
        pages += 1
        assert pages < 30
    return found


def next_of(bundle: Json) -> str | None:
    return next((one["url"] for one in bundle["link"] if one["relation"] == "next"), None)


EVERYTHING = {
    "Patient/a",
    "Observation/o1",
    "Observation/o2",
    "Observation/o3",
    "Condition/c",
    "Task/t",
    "Practitioner/gp",
}


async def test_everything_about_a_patient_and_whom_it_names(client: AsyncClient) -> None:
    await stored(client)
    found = await all_ids(client, "Patient/a/$everything")
    assert found[0] == "Patient/a"
    assert set(found) == EVERYTHING
    assert len(found) == len(EVERYTHING)


async def test_it_may_be_posted(client: AsyncClient) -> None:
    await stored(client)
    body = {"resourceType": "Parameters", "parameter": [{"name": "_type", "valueCode": "Condition"}]}
    response = await client.post("Patient/a/$everything", json=body, headers=fhir({}))
    assert [one["resource"]["id"] for one in response.json()["entry"]] == ["c"]


async def test_pages_meet(client: AsyncClient) -> None:
    await stored(client)
    found = await all_ids(client, "Patient/a/$everything?_count=2")
    assert set(found) == EVERYTHING
    about = [one for one in found if not one.startswith("Practitioner")]
    assert len(about) == len(set(about))


async def test_types_narrow(client: AsyncClient) -> None:
    await stored(client)
    found = await all_ids(client, "Patient/a/$everything?_type=Observation,Condition")
    assert set(found) == {"Observation/o1", "Observation/o2", "Observation/o3", "Condition/c"}


async def test_start_and_end_ask_for_care_in_that_time(client: AsyncClient) -> None:
    await stored(client)
    found = set(await all_ids(client, "Patient/a/$everything?start=2026-01-01&end=2026-02-01"))
    assert {"Patient/a", "Observation/o1", "Condition/c", "Observation/o3", "Task/t"} <= found
    assert "Observation/o2" not in found


async def test_since_asks_for_what_changed(client: AsyncClient) -> None:
    await stored(client)
    changed = await put(client, observation(id="o1", subject=ABOUT, effectiveDateTime="2026-01-11"))
    since = changed.json()["meta"]["lastUpdated"]
    assert await all_ids(client, f"Patient/a/$everything?_since={since}") == ["Observation/o1"]


async def test_everything_about_all_patients(client: AsyncClient) -> None:
    await stored(client)
    found = set(await all_ids(client, "Patient/$everything"))
    assert found == EVERYTHING | {"Patient/b", "Observation/other"}


async def test_what_is_about_another_patient_is_not_shown(client: AsyncClient) -> None:
    await stored(client)
    await put(client, patient(id="a", link=[{"other": {"reference": "Patient/b"}, "type": "seealso"}]))
    assert "Patient/b" not in await all_ids(client, "Patient/a/$everything")


@pytest.mark.parametrize(
    "query", ["start=soon", "_count=0", "_type=Nothing", "_cursor=x", "_cursor=999.", "strt=2020"]
)
async def test_what_cannot_be_read_is_refused(client: AsyncClient, query: str) -> None:
    await stored(client)
    assert (await client.get(f"Patient/a/$everything?{query}")).status_code == 400


async def test_an_unknown_patient_is_not_found(client: AsyncClient) -> None:
    assert (await client.get("Patient/nobody/$everything")).status_code == 404


@pytest.mark.parametrize("types", ["Practitioner", "Practitioner,Observation", "Patient,Practitioner"])
async def test_what_is_named_by_a_type_left_out_is_shown(client: AsyncClient, types: str) -> None:
    await stored(client)
    for count in (1, 50):
        found = set(await all_ids(client, f"Patient/a/$everything?_type={types}&_count={count}"))
        assert found == {one for one in EVERYTHING if one.partition("/")[0] in types.split(",")}

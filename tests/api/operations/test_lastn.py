from __future__ import annotations

import pytest
from httpx import AsyncClient

from tests.api.builders import Json, observation, patient, put

WEIGHT: Json = {"coding": [{"system": "http://loinc.org", "code": "29463-7"}]}
BODY: Json = {
    "coding": [{"system": "http://loinc.org", "code": "29463-7"}, {"system": "urn:own", "code": "weight"}]
}
PULSE: Json = {"coding": [{"system": "http://loinc.org", "code": "8867-4"}]}


async def stored(client: AsyncClient) -> None:
    await put(client, patient(id="a"))
    await put(client, patient(id="b"))
    for id, code, day in (
        ("w1", WEIGHT, "2026-01-01"),
        ("w2", BODY, "2026-01-03"),
        ("w3", WEIGHT, "2026-01-02"),
        ("p1", PULSE, "2026-01-01"),
        ("p2", PULSE, "2026-01-05"),
    ):
        await put(
            client, observation(id=id, code=code, subject={"reference": "Patient/a"}, effectiveDateTime=day)
        )
    await put(client, observation(id="x", code=PULSE, subject={"reference": "Patient/b"}))


async def ids(client: AsyncClient, query: str) -> list[str]:
    response = await client.get(f"Observation/$lastn?{query}")
    assert response.status_code == 200, response.text
    return [one["resource"]["id"] for one in response.json().get("entry", ())]


async def test_the_newest_of_each_code(client: AsyncClient) -> None:
    await stored(client)
    assert set(await ids(client, "patient=a")) == {"w2", "p2"}


async def test_max_says_how_many_of_each(client: AsyncClient) -> None:
    await stored(client)
    assert await ids(client, "subject=Patient/a&max=2&code=http://loinc.org|29463-7") == ["w2", "w3"]


async def test_without_a_patient_it_is_refused(client: AsyncClient) -> None:
    assert (await client.get("Observation/$lastn")).status_code == 400
    assert (await client.get("Observation/$lastn?patient=a&max=0")).status_code == 400
    assert (await client.get("Observation/$lastn?patient=a&cde=x")).status_code == 400


@pytest.mark.parametrize("parameter", ["_count=2", "_sort=date"])
async def test_what_lastn_does_not_have_is_refused(client: AsyncClient, parameter: str) -> None:
    refused = await client.get(f"Observation/$lastn?patient=a&{parameter}")
    assert refused.status_code == 400
    assert parameter.partition("=")[0] in refused.text

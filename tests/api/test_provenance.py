"""`X-Provenance` on what writes (https://hl7.org/fhir/R4/provenance.html#header)."""

from __future__ import annotations

import asyncio
import json
from types import SimpleNamespace
from typing import Any

import pytest
from httpx import AsyncClient

from fhirhub.api import provenance
from fhirhub.api.exchange import FhirRequest, FhirResponse
from tests.api.builders import Json, bundle, entry, fhir, observation, patient, post, put, said
from tests.api.conftest import Open

WHO: Json = {
    "resourceType": "Provenance",
    "recorded": "2026-11-22T09:00:00Z",
    "agent": [{"who": {"display": "Zuster Anna"}}],
}
HEADER = json.dumps(WHO)


async def targets(client: AsyncClient) -> list[list[str]]:
    """The targets of every Provenance, in the order in which they were made."""
    found = (await client.get("Provenance?_sort=_lastUpdated")).json().get("entry", [])
    return [[target["reference"] for target in one["resource"]["target"]] for one in found]


async def test_every_write_is_told_of_by_the_version_it_made(client: AsyncClient) -> None:
    id = (await post(client, patient(), X_Provenance=HEADER)).json()["id"]
    await put(client, patient(id=id, active=True), X_Provenance=HEADER)
    patch = [{"op": "replace", "path": "/active", "value": False}]
    response = await client.patch(
        f"Patient/{id}",
        content=json.dumps(patch),
        headers={"Content-Type": "application/json-patch+json", "X-Provenance": HEADER},
    )
    assert response.status_code == 200
    await client.put(
        f"Patient?_id={id}", json=patient(gender="female"), headers=fhir({"X-Provenance": HEADER})
    )
    assert await targets(client) == [[f"Patient/{id}/_history/{n}"] for n in (1, 2, 3, 4)]
    kept = (await client.get("Provenance")).json()["entry"][0]["resource"]
    assert kept["agent"] == WHO["agent"]


async def test_what_makes_no_version_has_no_provenance(client: AsyncClient) -> None:
    await put(client, patient(id="a", identifier=[{"value": "1"}]))
    again = await put(client, patient(id="a", identifier=[{"value": "1"}]), X_Provenance=HEADER)
    assert again.status_code == 200
    found = await post(client, patient(), X_Provenance=HEADER, If_None_Exist="identifier=1")
    assert found.status_code == 200
    assert await targets(client) == []


async def test_a_write_that_is_refused_leaves_no_provenance(client: AsyncClient) -> None:
    await put(client, patient(id="a"))
    stale = await put(client, patient(id="a", active=True), X_Provenance=HEADER, If_Match='W/"7"')
    assert stale.status_code == 412
    dangling = await post(client, observation(subject={"reference": "Patient/no"}), X_Provenance=HEADER)
    assert dangling.status_code == 422
    assert await targets(client) == []


@pytest.mark.parametrize(
    ("header", "told"),
    [
        ("{", "X-Provenance"),
        ('{"resourceType":"Patient"}', "holds a Provenance"),
        (json.dumps({**WHO, "target": [{"reference": "Patient/a"}]}), "no `target`"),
        ('{"resourceType":"Provenance","recorded":"2026"}', "X-Provenance"),
        (json.dumps({**WHO, "colour": "red"}), "X-Provenance"),
    ],
)
async def test_a_header_that_is_no_provenance_is_refused_and_nothing_written(
    client: AsyncClient, header: str, told: str
) -> None:
    response = await put(client, patient(id="a"), X_Provenance=header)
    assert response.status_code == 400
    assert told in said(response)
    assert (await client.get("Patient/a")).status_code == 404


async def test_a_delete_has_no_provenance_header(client: AsyncClient) -> None:
    await put(client, patient(id="a"))
    response = await client.delete("Patient/a", headers={"X-Provenance": HEADER})
    assert response.status_code == 400
    assert (await client.get("Patient/a")).status_code == 200


async def test_a_transaction_has_one_provenance_of_all_it_wrote(client: AsyncClient) -> None:
    await put(client, patient(id="same"))
    asked = bundle(
        "transaction",
        entry("PUT", "Patient/a", patient(id="a")),
        entry("PUT", "Patient/same", patient(id="same")),
        entry("PUT", "Observation/o", observation(id="o", subject={"reference": "Patient/a"})),
        entry("GET", "Patient/a"),
    )
    response = await client.post("", json=asked, headers=fhir({"X-Provenance": HEADER}))
    assert response.status_code == 200
    assert len(response.json()["entry"]) == 4
    assert [sorted(one) for one in await targets(client)] == [
        ["Observation/o/_history/1", "Patient/a/_history/1"]
    ]


async def test_each_write_of_a_batch_has_its_own_provenance(client: AsyncClient) -> None:
    asked = bundle(
        "batch",
        entry("PUT", "Patient/a", patient(id="a")),
        entry("PUT", "Patient/b", patient(id="b")),
        entry("GET", "Patient/none"),
    )
    response = await client.post("", json=asked, headers=fhir({"X-Provenance": HEADER}))
    assert [one["response"]["status"][:3] for one in response.json()["entry"]] == ["201", "201", "404"]
    assert sorted(await targets(client)) == [["Patient/a/_history/1"], ["Patient/b/_history/1"]]


async def test_conditional_creates_at_once_with_a_provenance_make_one_resource(open_client: Open) -> None:
    async with open_client() as client:
        made = await asyncio.gather(
            *(
                post(
                    client,
                    patient(identifier=[{"value": "x"}]),
                    X_Provenance=HEADER,
                    If_None_Exist="identifier=x",
                )
                for _ in range(8)
            )
        )
        assert sorted(one.status_code for one in made) == [200] * 7 + [201]
        assert len(await targets(client)) == 1


async def test_the_provenance_is_written_by_who_wrote_the_rest() -> None:
    asked: list[FhirRequest] = []

    async def dispatch(request: FhirRequest) -> FhirResponse:
        asked.append(request)
        return FhirResponse(201)

    who: Any = object()
    context: Any = SimpleNamespace(dispatch=dispatch)
    unit: Any = object()
    request = FhirRequest("PUT", ("Patient", "a"), "", {}, b"", "b", "default", unit, context, principal=who)
    await provenance.keep(request, unit, WHO, "p", ["Patient/a/_history/1", "Patient/a/_history/1"])
    (made,) = asked
    assert made.principal is who
    assert (made.method, made.path, made.new_id) == ("POST", ("Provenance",), "p")
    assert made.resource is not None
    assert made.resource["target"] == [{"reference": "Patient/a/_history/1"}]

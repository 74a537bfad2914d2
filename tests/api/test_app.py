from __future__ import annotations

from pathlib import Path

import httpx
import pytest
from httpx import AsyncClient

from fhirhub import settings, tenants
from fhirhub.app import create_app
from tests.api.builders import fhir, issues, patient, put
from tests.api.conftest import Open

ROOT = "http://hub.test"


async def test_the_start_page_tells_where_things_are(client: AsyncClient) -> None:
    response = await client.get(f"{ROOT}/")
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/html")
    assert "style-src 'sha256-" in response.headers["content-security-policy"]
    assert "frame-ancestors 'none'" in response.headers["content-security-policy"]
    assert response.headers["x-frame-options"] == "DENY"
    for place in ("/fhir", "/fhir/metadata", "/docs", "/healthz"):
        assert f'href="{place}"' in response.text
    assert "without sign-in" in response.text


async def test_the_start_page_warns_where_everybody_can_come_in(open_client: Open) -> None:
    async with open_client(host="0.0.0.0", allow_open=True) as client:
        assert "Everybody who reaches this address" in (await client.get(f"{ROOT}/")).text


async def test_what_watches_over_the_hub_is_answered(client: AsyncClient) -> None:
    health = await client.get(f"{ROOT}/healthz")
    assert (health.text, health.headers["x-content-type-options"]) == ("ok", "nosniff")
    assert (await client.get(f"{ROOT}/readyz")).status_code == 200
    await client.get("Patient/nobody")
    figures = (await client.get(f"{ROOT}/metrics")).text
    assert 'fhirhub_requests_total{interaction="read",status="404"}' in figures


async def test_the_other_addresses_are_described(client: AsyncClient) -> None:
    assert "/readyz" in (await client.get(f"{ROOT}/docs")).text
    paths = (await client.get(f"{ROOT}/openapi.json")).json()["paths"]
    assert {"/", "/healthz", "/readyz", "/metrics"} <= paths.keys()


async def test_an_address_that_is_none_is_not_found(client: AsyncClient) -> None:
    assert (await client.get(f"{ROOT}/nothing")).status_code == 404
    assert (await client.get(f"{ROOT}/fhirx/Patient")).status_code == 404


async def test_readiness_is_refused_while_nothing_is_open(sqlite_url: str) -> None:
    app = create_app(settings.read({}, database=sqlite_url, auth="none"))
    async with AsyncClient(transport=httpx.ASGITransport(app=app), base_url=ROOT) as client:
        assert (await client.get("/readyz")).status_code == 503
        assert (await client.get("/healthz")).status_code == 200


async def test_nothing_crosses_from_one_tenant_to_another(database_url: str, tmp_path: Path) -> None:
    chosen = settings.read({}, database=database_url, secret_file=tmp_path / "hub.secret", auth="none")
    async with tenants.open_tenants(chosen) as opened:
        await opened.add("north")
        await opened.add("south")
    app = create_app(chosen)
    async with app.running(), AsyncClient(transport=httpx.ASGITransport(app=app), base_url=ROOT) as client:
        for name, path in (("default", "/fhir"), ("north", "/north/fhir"), ("south", "/south/fhir")):
            made = await client.put(
                f"{path}/Patient/a", json=patient(id="a", name=[{"text": name}]), headers=fhir({})
            )
            assert made.status_code == 201
            assert made.headers["location"] == f"{ROOT}{path}/Patient/a/_history/1"
        for name, path in (("default", "/fhir"), ("north", "/north/fhir"), ("south", "/south/fhir")):
            assert (await client.get(f"{path}/Patient/a")).json()["name"][0]["text"] == name
            found = (await client.get(f"{path}/Patient?_total=accurate")).json()
            assert found["total"] == 1
            assert found["entry"][0]["fullUrl"] == f"{ROOT}{path}/Patient/a"
            assert len((await client.get(f"{path}/_history")).json()["entry"]) == 1
        await client.delete("/north/fhir/Patient/a")
        assert (await client.get("/south/fhir/Patient/a")).status_code == 200
        statement = (await client.get("/south/fhir/metadata")).json()
        assert statement["implementation"]["url"] == f"{ROOT}/south/fhir"


async def test_a_cursor_of_one_tenant_is_none_of_another(database_url: str, tmp_path: Path) -> None:
    chosen = settings.read({}, database=database_url, secret_file=tmp_path / "hub.secret", auth="none")
    async with tenants.open_tenants(chosen) as opened:
        await opened.add("north")
    app = create_app(chosen)
    async with app.running(), AsyncClient(transport=httpx.ASGITransport(app=app), base_url=ROOT) as client:
        for path in ("/fhir", "/north/fhir"):
            for id in ("a", "b"):
                await client.put(f"{path}/Patient/{id}", json=patient(id=id), headers=fhir({}))
        for query in ("Patient?_count=1", "Patient/_history?_count=1"):
            links = (await client.get(f"/fhir/{query}")).json()["link"]
            next = next_of(links)
            assert (await client.get(next)).status_code == 200
            crossed = await client.get(next.replace("/fhir/", "/north/fhir/"))
            assert crossed.status_code == 400
            assert issues(crossed)


def next_of(links: list[dict[str, str]]) -> str:
    return next(one["url"] for one in links if one["relation"] == "next")


@pytest.mark.parametrize("integrity", ["on", "off"])
async def test_referential_integrity_is_a_setting(open_client: Open, integrity: str) -> None:
    async with open_client(referential_integrity=integrity) as client:
        response = await put(
            client,
            {
                "resourceType": "Basic",
                "id": "b",
                "code": {"text": "x"},
                "subject": {"reference": "Patient/x"},
            },
        )
        assert (response.status_code == 201) == (integrity == "off")

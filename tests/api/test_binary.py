from __future__ import annotations

import base64

import pytest
from httpx import AsyncClient

from tests.api.builders import fhir, patient, put

PDF = b"%PDF-1.4 \x00\x01\xff"


async def stored(client: AsyncClient, **headers: str) -> str:
    made = await client.post("Binary", content=PDF, headers={"Content-Type": "application/pdf", **headers})
    assert made.status_code == 201
    id: str = made.json()["id"]
    return id


async def test_content_goes_in_and_comes_out_in_its_own_type(client: AsyncClient) -> None:
    id = await stored(client)

    for accept in ("application/pdf", "*/*", "application/*"):
        read = await client.get(f"Binary/{id}", headers={"Accept": accept})
        assert read.status_code == 200
        assert read.headers["content-type"] == "application/pdf"
        assert read.headers["etag"] == 'W/"1"'
        assert read.headers["x-content-type-options"] == "nosniff"
        assert read.content == PDF


async def test_the_resource_comes_where_fhir_is_accepted(client: AsyncClient) -> None:
    id = await stored(client)
    as_json = await client.get(f"Binary/{id}", headers={"Accept": "application/fhir+json"})
    as_xml = await client.get(f"Binary/{id}", headers={"Accept": "application/fhir+xml"})
    by_format = await client.get(f"Binary/{id}?_format=json", headers={"Accept": "*/*"})
    assert as_json.json()["contentType"] == "application/pdf"
    assert base64.b64decode(as_json.json()["data"]) == PDF
    assert "<Binary" in as_xml.text
    assert by_format.json() == as_json.json()


async def test_a_type_it_does_not_have_is_not_acceptable(client: AsyncClient) -> None:
    id = await stored(client)
    assert (await client.get(f"Binary/{id}", headers={"Accept": "image/png"})).status_code == 406


async def test_a_binary_resource_is_stored_as_it_is(client: AsyncClient) -> None:
    resource = {"resourceType": "Binary", "id": "b", "contentType": "text/plain", "data": "aGVsbG8="}
    assert (await put(client, resource)).status_code == 201
    read = await client.get("Binary/b", headers={"Accept": "text/plain"})
    assert read.content == b"hello"
    assert read.headers["content-type"] == "text/plain"


async def test_an_update_takes_content_too(client: AsyncClient) -> None:
    response = await client.put(
        "Binary/b", content=b"hello", headers={"Content-Type": "text/plain; charset=utf-8"}
    )
    assert response.status_code == 201
    read = await client.get("Binary/b", headers={"Accept": "text/plain"})
    assert read.content == b"hello"


async def test_json_and_xml_that_are_content_stay_content(client: AsyncClient) -> None:
    made = await client.post("Binary", content=b'{"a": 1.00}', headers={"Content-Type": "application/json"})
    read = await client.get(f"Binary/{made.json()['id']}", headers={"Accept": "application/json"})
    assert read.content == b'{"a": 1.00}'
    assert read.headers["content-type"] == "application/json"


async def test_the_security_context_comes_by_a_field_and_goes_by_it(client: AsyncClient) -> None:
    await put(client, patient(id="a"))
    id = await stored(client, **{"X-Security-Context": "Patient/a"})
    resource = await client.get(f"Binary/{id}", headers={"Accept": "application/fhir+json"})
    content = await client.get(f"Binary/{id}", headers={"Accept": "application/pdf"})
    assert resource.json()["securityContext"] == {"reference": "Patient/a"}
    assert content.headers["x-security-context"] == "Patient/a"


async def test_active_content_cannot_run_in_a_browser(client: AsyncClient) -> None:
    made = await client.post(
        "Binary", content=b"<script>alert(1)</script>", headers={"Content-Type": "text/html"}
    )
    read = await client.get(f"Binary/{made.json()['id']}", headers={"Accept": "text/html"})
    assert "sandbox" in read.headers["content-security-policy"]
    assert read.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("content_type", ["nothing", "a/b/c", "text/plain\x01"])
async def test_what_is_no_media_type_is_refused(client: AsyncClient, content_type: str) -> None:
    response = await client.post("Binary", content=b"x", headers={"Content-Type": content_type})
    assert response.status_code == 400


async def test_an_empty_body_is_refused(client: AsyncClient) -> None:
    response = await client.post("Binary", content=b"", headers={"Content-Type": "text/plain"})
    assert response.status_code == 400


async def test_versions_of_content_are_read_the_same_way(client: AsyncClient) -> None:
    await client.put("Binary/b", content=b"one", headers={"Content-Type": "text/plain"})
    await client.put("Binary/b", content=b"two", headers={"Content-Type": "text/plain"})
    read = await client.get("Binary/b/_history/1", headers={"Accept": "text/plain"})
    assert read.content == b"one"


async def test_other_types_take_no_content(client: AsyncClient) -> None:
    response = await client.post("Patient", content=PDF, headers={"Content-Type": "application/pdf"})
    assert response.status_code == 415


async def test_binary_in_fhir_types_is_read_as_fhir(client: AsyncClient) -> None:
    made = await client.post(
        "Binary",
        content=b'<Binary xmlns="http://hl7.org/fhir"><contentType value="text/plain"/><data value="aGk="/></Binary>',
        headers=fhir({"Content-Type": "application/fhir+xml"}),
    )
    assert made.status_code == 201
    assert made.json()["contentType"] == "text/plain"


async def test_the_content_comes_where_it_is_wanted_more_than_the_resource(client: AsyncClient) -> None:
    made = await client.post("Binary", content=b"\x89PNG", headers={"Content-Type": "image/png"})
    path = f"Binary/{made.json()['id']}"
    for accept, content_type in (
        ("image/png, application/fhir+json;q=0.5", "image/png"),
        ("image/*, application/fhir+xml;q=0.5", "image/png"),
        ("image/png;q=0.5, application/fhir+json", "application/fhir+json; charset=utf-8"),
        ("application/fhir+xml, */*;q=0.1", "application/fhir+xml; charset=utf-8"),
    ):
        response = await client.get(path, headers={"Accept": accept})
        assert response.headers["content-type"] == content_type, accept


async def test_a_part_of_a_binary_resource_is_a_part(client: AsyncClient) -> None:
    await client.put("Binary/b", content=b"text", headers={"Content-Type": "text/plain"})
    part = (await client.get("Binary/b?_elements=contentType")).json()
    assert (part["contentType"], "data" in part) == ("text/plain", False)
    assert part["meta"]["tag"][0]["code"] == "SUBSETTED"
    assert (await client.get("Binary/b?_elements=nonsense")).status_code == 400
    assert (await client.get("Binary/b?_elements=contentType", headers={"Accept": "*/*"})).content == b"text"

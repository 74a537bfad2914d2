from __future__ import annotations

import pytest
from httpx import AsyncClient

from fhirhub.api import exchange, formats
from tests.api.builders import fhir, issues, patient, post, put

XML = "application/fhir+xml; charset=utf-8"
JSON = "application/fhir+json; charset=utf-8"


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        ("application/fhir+json", JSON),
        ("application/json", JSON),
        ("text/json", JSON),
        ("application/fhir+xml", XML),
        ("application/xml", XML),
        ("text/xml", XML),
        ("*/*", JSON),
        ("application/*", JSON),
        ("", JSON),
        ("application/fhir+json;q=0.1, application/fhir+xml", XML),
        ("application/fhir+xml;q=0.1, application/fhir+json", JSON),
        ("application/fhir+json;q=0, */*", XML),
        ("image/png, application/fhir+xml;q=0.2", XML),
        ("application/fhir+json;fhirVersion=4.0", "application/fhir+json; fhirVersion=4.0; charset=utf-8"),
        ("application/fhir+xml; fhirVersion=4.0", "application/fhir+xml; fhirVersion=4.0; charset=utf-8"),
        ("application/fhir+json;fhirVersion=3.0, application/fhir+xml", XML),
        ("APPLICATION/FHIR+XML", XML),
    ],
)
async def test_accept_chooses_the_format(client: AsyncClient, accept: str, content_type: str) -> None:
    await put(client, patient(id="a"))
    response = await client.get("Patient/a", headers={"Accept": accept})
    assert response.status_code == 200
    assert response.headers["content-type"] == content_type
    assert response.content.startswith(b"<" if "xml" in content_type else b"{")


@pytest.mark.parametrize(
    "accept",
    [
        "image/png",
        "application/fhir+turtle",
        "application/fhir+json;fhirVersion=3.0",
        "application/fhir+json;q=0",
    ],
)
async def test_what_cannot_be_had_is_not_acceptable(client: AsyncClient, accept: str) -> None:
    await put(client, patient(id="a"))
    response = await client.get("Patient/a", headers={"Accept": accept})
    assert response.status_code == 406
    assert issues(response)[0]["code"] == "not-supported"


@pytest.mark.parametrize(
    ("value", "content_type"),
    [
        ("json", JSON),
        ("xml", XML),
        ("application/fhir%2Bxml", XML),
        ("application/fhir+xml", XML),
        ("application/xml", XML),
        ("text/xml", XML),
        ("text/json", JSON),
    ],
)
async def test_format_parameter_goes_before_accept(
    client: AsyncClient, value: str, content_type: str
) -> None:
    await put(client, patient(id="a"))
    for accept in ("application/fhir+json", "application/fhir+xml", "image/png"):
        response = await client.get(f"Patient/a?_format={value}", headers={"Accept": accept})
        assert response.status_code == 200
        assert response.headers["content-type"] == content_type


async def test_an_unknown_format_parameter_is_not_acceptable(client: AsyncClient) -> None:
    await put(client, patient(id="a"))
    response = await client.get("Patient/a?_format=ttl")
    assert response.status_code == 406


async def test_errors_come_in_the_format_asked(client: AsyncClient) -> None:
    response = await client.get("Patient/nobody", headers={"Accept": "application/fhir+xml"})
    assert response.status_code == 404
    assert response.headers["content-type"] == XML
    assert response.text.startswith("<?xml")
    assert "<OperationOutcome" in response.text


async def test_pretty_is_indented_and_says_the_same(client: AsyncClient) -> None:
    await put(client, patient(id="a", name=[{"family": "Jansen"}]))
    plain = await client.get("Patient/a")
    pretty = await client.get("Patient/a?_pretty=true")
    assert pretty.json() == plain.json()
    assert pretty.text.count("\n") > 5
    assert (await client.get("Patient/a?_pretty=false")).content == plain.content
    as_xml = await client.get("Patient/a?_pretty=true&_format=xml")
    assert as_xml.text.count("\n") > 5


async def test_xml_goes_in_and_json_comes_out(client: AsyncClient) -> None:
    made = await client.post(
        "Patient",
        content=b'<Patient xmlns="http://hl7.org/fhir"><active value="true"/><name><family value="Jansen"/></name>'
        b"</Patient>",
        headers={"Content-Type": "application/fhir+xml"},
    )
    assert made.status_code == 201
    assert made.json()["name"] == [{"family": "Jansen"}]
    assert made.json()["active"] is True


@pytest.mark.parametrize(
    "content_type",
    [
        "application/fhir+json",
        "application/json",
        "text/json",
        "application/fhir+json; charset=UTF-8",
        "application/fhir+json;fhirVersion=4.0",
        "Application/FHIR+JSON",
    ],
)
async def test_content_types_of_json_are_taken(client: AsyncClient, content_type: str) -> None:
    response = await client.post("Patient", json=patient(), headers={"Content-Type": content_type})
    assert response.status_code == 201


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/fhir+json; charset=latin-1",
        "application/fhir+json; fhirVersion=3.0",
        "application/fhir+turtle",
        "",
    ],
)
async def test_other_content_types_are_refused(client: AsyncClient, content_type: str) -> None:
    response = await client.post("Patient", content=b"{}", headers={"Content-Type": content_type})
    assert response.status_code == 415
    assert issues(response)[0]["code"] == "not-supported"


async def test_a_body_without_content_type_is_refused(client: AsyncClient) -> None:
    assert (await client.post("Patient", content=b"{}")).status_code == 415


@pytest.mark.parametrize(
    "content",
    [
        b"{",
        b"[]",
        b"null",
        b'"x"',
        b'{"resourceType":"Patient","active":true,"active":false}',
        b'{"resourceType":"Patient","name":[{"family":"a\\u0000b"}]}',
        b'{"resourceType":"Patient","name":[{"family":"\\ud800"}]}',
        b'{"resourceType":"Patient","name":[{"family":"\xff"}]}',
        b'{"resourceType":"Patient","extension":'
        + b'[{"url":"u","extension":' * 100
        + b"1"
        + b"}]" * 100
        + b"}",
        b'{"resourceType":"Patient","multipleBirthInteger":1e999999999}',
        b'{"resourceType":"Patient","multipleBirthInteger":' + b"9" * 10000 + b"}",
        b'{"resourceType":"Nothing"}',
        b'{"name":[]}',
        b'{"resourceType":1}',
        b'{"resourceType":["Patient"]}',
        b'{"resourceType":"Patient","id":1}',
        b"{" * 100_000,
        b"\x00",
    ],
)
async def test_broken_json_is_refused(client: AsyncClient, content: bytes) -> None:
    response = await client.post("Patient", content=content, headers=fhir({}))
    assert response.status_code == 400
    assert issues(response)
    assert "x-request-id" in response.headers


@pytest.mark.parametrize(
    "content",
    [
        b"<Patient",
        b"<Patient/>",
        b'<Patient xmlns="urn:other"/>',
        b'<!DOCTYPE Patient [<!ENTITY a "b">]><Patient xmlns="http://hl7.org/fhir"><gender value="&a;"/></Patient>',
        b'<!DOCTYPE Patient SYSTEM "file:///etc/passwd"><Patient xmlns="http://hl7.org/fhir"/>',
        b'<Patient xmlns="http://hl7.org/fhir"><nme value="x"/></Patient>',
        b"",
        b"{}",
    ],
)
async def test_broken_xml_is_refused(client: AsyncClient, content: bytes) -> None:
    response = await client.post("Patient", content=content, headers={"Content-Type": "application/fhir+xml"})
    assert response.status_code == 400
    assert issues(response)


async def test_metadata_in_xml_is_a_capability_statement(client: AsyncClient) -> None:
    response = await client.get("metadata?_format=xml")
    assert response.status_code == 200
    assert "<CapabilityStatement" in response.text[:200]


def test_an_unreadable_weight_counts_for_nothing() -> None:
    assert formats.negotiate("application/fhir+xml;q=x, application/fhir+json;q=0.5") == exchange.JSON_NAMED


async def test_browser_style_accept_gets_an_answer(client: AsyncClient) -> None:
    await post(client, patient())
    accept = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"
    assert (await client.get("Patient", headers={"Accept": accept})).status_code == 200


async def test_an_error_takes_the_form_that_format_names(client: AsyncClient) -> None:
    for path in ("Patient/nobody", "Patient?foo=1", "Nope", "Patient/a/$nope"):
        url = f"{path}{'&' if '?' in path else '?'}_format=xml"
        response = await client.get(url)
        assert 400 <= response.status_code < 500
        assert response.headers["content-type"].startswith("application/fhir+xml"), url
    refused = await client.post("Patient?_format=xml", content=b"{", headers=fhir({}))
    assert refused.status_code == 400
    assert refused.content.startswith(b"<?xml")


async def test_an_error_that_quotes_what_xml_cannot_hold_is_told_in_xml(client: AsyncClient) -> None:
    xml = {"Accept": "application/fhir+xml"}
    for path, status in (
        ("Patient?%01=1", 400),
        ("Patient?a%EF%BF%BF=1", 400),
        ("Patient?_sort=%01", 400),
        ("%01", 404),
        ("Patient/%EF%BF%BE", 404),
        ("Patient/a/_history/%01", 404),
    ):
        response = await client.get(path, headers=xml)
        assert response.status_code == status, path
        assert b"<OperationOutcome" in response.content, path
    body = '{"resourceType":"Patient","a\\u0001\\ufffe":1,"gender":"\\ufffe"}'
    refused = await client.post("Patient", content=body, headers=fhir(xml))
    assert refused.status_code == 400
    assert b"<OperationOutcome" in refused.content


async def test_what_xml_cannot_hold_is_refused_in_json_too(client: AsyncClient) -> None:
    for text in ("a\ufffeb", "\uffff", "\x01"):
        for content in ({"name": [{"family": text}]}, {"implicitRules": text}, {"language": text}):
            refused = await put(client, patient(id="odd", **content), Accept="application/fhir+xml")
            assert refused.status_code == 400, content
    assert (await client.get("Patient/odd")).status_code == 404

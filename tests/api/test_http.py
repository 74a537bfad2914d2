from __future__ import annotations

import gzip
import zlib
from collections.abc import MutableMapping
from typing import Any

import httpx
import pytest
from httpx import AsyncClient

from fhirhub.api import coding
from fhirhub.errors import FhirError
from tests.api.builders import fhir, issues, patient, post, put
from tests.api.conftest import Open

BIG = patient(id="big", name=[{"text": "x" * 3000}])


# --- where ---


@pytest.mark.parametrize(
    "path",
    [
        "nothing",
        "Patient/a/b",
        "Patient/a/_history/1/2",
        "_nothing",
        "Patient/a/_nothing",
        "Patient//a",
        "metadata/x",
    ],
)
async def test_a_path_that_is_none_is_not_found(client: AsyncClient, path: str) -> None:
    response = await client.get(path)
    assert response.status_code == 404
    assert issues(response)


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("POST", "Patient/a", {"GET", "HEAD", "PUT", "PATCH", "DELETE"}),
        ("PUT", "metadata", {"GET", "HEAD"}),
        ("DELETE", "", {"GET", "HEAD", "POST"}),
        ("DELETE", "Patient/a/_history/1", {"GET", "HEAD"}),
        ("GET", "Patient/_search", {"POST"}),
        ("TRACE", "Patient", {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"}),
        ("BREW", "Patient/a", {"GET", "HEAD", "PUT", "PATCH", "DELETE"}),
    ],
)
async def test_a_method_that_a_path_lacks_is_refused_with_those_it_has(
    client: AsyncClient, method: str, path: str, allowed: set[str]
) -> None:
    response = await client.request(method, path)
    assert response.status_code == 405
    assert set(response.headers["allow"].split(", ")) == allowed
    assert issues(response)


async def test_a_slash_at_the_end_changes_nothing(client: AsyncClient) -> None:
    await put(client, patient(id="a"))
    assert (await client.get("Patient/a/")).status_code == 200
    assert (await client.get("Patient/")).status_code == 200


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("Patient/%00", 400),
        ("Patient/a%2Fb", 404),
        ("Patient/..%2F..%2Fetc%2Fpasswd", 404),
        ("Patient/%FF", 400),
        ("Patient/%2e%2e", 404),
        ("Patient/a%0d%0aX-Injected:1", 404),
        ("Patient/a';DROP TABLE resource;--", 404),
        ("Patient/" + "x" * 5000, 404),
        ("Patient/" + "x" * 40000, 414),
        ("Patient?name=" + "x" * 40000, 414),
        ("Patient?name=%00", 400),
        ("Patient?name=%FF", 400),
        ("Patient/a/_history/%00", 400),
    ],
)
async def test_tricks_with_paths_get_an_outcome(client: AsyncClient, path: str, status: int) -> None:
    response = await client.get(path)
    assert response.status_code == status
    assert issues(response)
    assert "x-injected" not in response.headers


async def test_an_encoded_path_is_the_same_path(client: AsyncClient) -> None:
    await put(client, patient(id="a-b.c"))
    assert (await client.get("%50atient/a%2Db%2Ec")).status_code == 200


async def test_an_unknown_tenant_is_not_found(client: AsyncClient) -> None:
    for path in ("/nowhere/fhir/Patient", "/default/fhir/metadata"):
        response = await client.get(f"http://hub.test{path}")
        assert response.status_code == 404
        assert issues(response)


# --- who asks ---


async def test_a_request_id_is_given_and_given_back(client: AsyncClient) -> None:
    own = await client.get("Patient/a", headers={"X-Request-Id": "my-id.1"})
    first = await client.get("Patient/a")
    second = await client.get("Patient/a")
    assert own.headers["x-request-id"] == "my-id.1"
    assert first.headers["x-request-id"] != second.headers["x-request-id"]


@pytest.mark.parametrize("id", ["a b", "x" * 65, "<script>", "a;b", ""])
async def test_a_request_id_that_could_do_harm_is_replaced(client: AsyncClient, id: str) -> None:
    response = await client.get("Patient/a", headers={"X-Request-Id": id})
    assert response.headers["x-request-id"] not in ("", id)


async def test_the_clients_own_id_comes_back_where_the_servers_is_another(client: AsyncClient) -> None:
    """http.html#custom: X-Correlation-Id is the client's id, echoed."""

    async def told(**headers: str) -> str | None:
        told: str | None = (await client.get("metadata", headers=headers)).headers.get("x-correlation-id")
        return told

    assert await told(**{"X-Request-Id": "my id"}) == "my id"
    assert await told(**{"X-Request-Id": "my-id"}) is None
    assert await told(**{"X-Correlation-Id": "c1"}) == "c1"
    assert await told(**{"X-Correlation-Id": "x" * 300}) is None


async def test_links_begin_with_the_host_that_was_asked(client: AsyncClient) -> None:
    response = await post(client, patient())
    assert response.headers["location"].startswith("http://hub.test/fhir/Patient/")


@pytest.mark.parametrize("host", ["a b", "hub.test/evil", "hub.test?x", 'hub.test"', "hub.test:99999999"])
async def test_a_host_that_is_none_is_refused(client: AsyncClient, host: str) -> None:
    response = await client.get("Patient", headers={"Host": host})
    assert response.status_code == 400


async def test_forwarded_fields_of_strangers_are_not_believed(client: AsyncClient) -> None:
    response = await client.post(
        "Patient",
        json=patient(),
        headers=fhir(
            {"X-Forwarded-Host": "evil.test", "X-Forwarded-Proto": "https", "Forwarded": "host=evil.test"}
        ),
    )
    assert response.headers["location"].startswith("http://hub.test/fhir/")


@pytest.mark.parametrize(
    ("fields", "base"),
    [
        ({"X-Forwarded-Host": "care.test", "X-Forwarded-Proto": "https"}, "https://care.test/fhir/"),
        ({"X-Forwarded-Proto": "https"}, "https://hub.test/fhir/"),
        ({"X-Forwarded-Host": "care.test", "X-Forwarded-Port": "8443"}, "http://care.test:8443/fhir/"),
        ({"X-Forwarded-Host": "care.test", "X-Forwarded-Prefix": "/hub/"}, "http://care.test/hub/fhir/"),
        ({"Forwarded": 'for=1.2.3.4;proto=https;host="care.test:444"'}, "https://care.test:444/fhir/"),
        ({"Forwarded": "proto=https;host=first.test, host=second.test"}, "https://first.test/fhir/"),
        ({"X-Forwarded-Proto": "javascript"}, "http://hub.test/fhir/"),
    ],
)
async def test_forwarded_fields_of_trusted_proxies_make_the_base(
    open_client: Open, fields: dict[str, str], base: str
) -> None:
    async with open_client(trusted_proxies="127.0.0.0/8") as client:
        response = await client.post("Patient", json=patient(), headers=fhir(fields))
        assert response.headers["location"].startswith(base + "Patient/")


async def test_the_base_url_of_the_settings_goes_before_all(open_client: Open) -> None:
    async with open_client(base_url="https://care.test/hub", trusted_proxies="127.0.0.0/8") as client:
        response = await client.post(
            "Patient", json=patient(), headers=fhir({"X-Forwarded-Host": "other.test"})
        )
        assert response.headers["location"].startswith("https://care.test/hub/fhir/Patient/")


# --- browser apps ---


async def test_no_origin_is_let_in_unless_the_settings_say_so(client: AsyncClient) -> None:
    response = await client.get("Patient", headers={"Origin": "https://app.test"})
    assert "access-control-allow-origin" not in response.headers


async def test_a_known_origin_sees_the_answer_and_its_fields(open_client: Open) -> None:
    async with open_client(cors_origins="https://app.test") as client:
        response = await client.get("Patient", headers={"Origin": "https://app.test"})
        refused = await client.get("Patient", headers={"Origin": "https://evil.test"})
        failed = await client.get("Patient/nobody", headers={"Origin": "https://app.test"})

    assert response.headers["access-control-allow-origin"] == "https://app.test"
    exposed = response.headers["access-control-expose-headers"]
    assert all(
        name in exposed for name in ("ETag", "Location", "Content-Location", "Last-Modified", "X-Request-Id")
    )
    assert "Origin" in response.headers["vary"]
    assert "access-control-allow-origin" not in refused.headers
    assert failed.headers["access-control-allow-origin"] == "https://app.test"


async def test_a_browser_that_asks_first_is_told(open_client: Open) -> None:
    async with open_client(cors_origins="*") as client:
        response = await client.options(
            "Patient/a",
            headers={
                "Origin": "https://app.test",
                "Access-Control-Request-Method": "PUT",
                "Access-Control-Request-Headers": "if-match",
            },
        )
    assert response.status_code == 200
    assert response.headers["access-control-allow-origin"] == "*"
    assert "PUT" in response.headers["access-control-allow-methods"]
    assert "If-Match" in response.headers["access-control-allow-headers"]


async def test_options_tells_the_methods(client: AsyncClient) -> None:
    response = await client.options("Patient/a")
    assert response.status_code == 200
    assert set(response.headers["allow"].split(", ")) == {"GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"}
    assert (await client.options("nothing")).status_code == 404


# --- bodies ---


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
async def test_compressed_bodies_are_unpacked(client: AsyncClient, coding: str) -> None:
    plain = b'{"resourceType":"Patient","active":true}'
    packed = gzip.compress(plain) if coding == "gzip" else zlib.compress(plain)
    response = await client.post("Patient", content=packed, headers=fhir({"Content-Encoding": coding}))
    assert response.status_code == 201
    assert response.json()["active"] is True


async def test_deflate_without_its_frame_is_unpacked_too(client: AsyncClient) -> None:
    packer = zlib.compressobj(wbits=-15)
    packed = packer.compress(b'{"resourceType":"Patient"}') + packer.flush()
    response = await client.post("Patient", content=packed, headers=fhir({"Content-Encoding": "deflate"}))
    assert response.status_code == 201


async def test_a_body_in_an_unknown_coding_is_refused(client: AsyncClient) -> None:
    response = await client.post("Patient", content=b"x", headers=fhir({"Content-Encoding": "br"}))
    assert response.status_code == 415
    assert response.headers["accept-encoding"] == "gzip, deflate"


async def test_a_gzip_body_may_come_in_several_members(client: AsyncClient) -> None:
    """RFC 1952, 2.2: a gzip file is a series of members."""
    packed = gzip.compress(b'{"resourceType":') + gzip.compress(b'"Patient"}')
    packed_by = fhir({"Content-Encoding": "gzip"})
    assert (await client.post("Patient", content=packed, headers=packed_by)).status_code == 201
    many = gzip.compress(b"{}") + gzip.compress(b"") * coding.MEMBERS
    assert (await client.post("Patient", content=many, headers=packed_by)).status_code == 400


@pytest.mark.parametrize(
    "packed",
    [b"x", gzip.compress(b"{}")[:-4], gzip.compress(b"{}") + b"more"],
    ids=["none", "cut", "longer"],
)
async def test_a_body_that_is_not_what_its_coding_says_is_refused(client: AsyncClient, packed: bytes) -> None:
    response = await client.post("Patient", content=packed, headers=fhir({"Content-Encoding": "gzip"}))
    assert response.status_code == 400


async def test_a_body_over_the_limit_is_refused(open_client: Open) -> None:
    async with open_client(max_body_bytes=1000) as client:
        response = await client.post("Patient", json=BIG, headers=fhir({}))
        assert response.status_code == 413
        assert issues(response)[0]["code"] == "too-long"


async def test_a_body_without_declared_length_is_refused_while_it_is_read(open_client: Open) -> None:
    sent = 0

    async def endless() -> Any:
        nonlocal sent
        for _ in range(1000):
            sent += 1
            yield b" " * 1000

    async with open_client(max_body_bytes=10_000) as client:
        response = await client.post("Patient", content=endless(), headers=fhir({}))
        assert response.status_code == 413
        assert sent < 20


async def test_a_bomb_is_refused_at_the_limit(open_client: Open) -> None:
    async with open_client(max_unpacked_bytes=100_000) as client:
        bomb = gzip.compress(b" " * 10_000_000)
        response = await client.post("Patient", content=bomb, headers=fhir({"Content-Encoding": "gzip"}))
        assert response.status_code == 413


def test_unpacking_stops_at_the_limit() -> None:
    with pytest.raises(FhirError) as fault:
        coding.unpacked(gzip.compress(b" " * 1_000_000), b"gzip", 1000)
    assert fault.value.status == 413


async def test_large_answers_are_compressed_for_who_takes_it(client: AsyncClient) -> None:
    await put(client, BIG)

    gzipped = await client.get("Patient/big", headers={"Accept-Encoding": "gzip"})
    deflated = await client.get("Patient/big", headers={"Accept-Encoding": "deflate"})
    plain = await client.get("Patient/big", headers={"Accept-Encoding": "identity"})
    refused = await client.get("Patient/big", headers={"Accept-Encoding": "gzip;q=0, br"})

    assert gzipped.headers["content-encoding"] == "gzip"
    assert int(gzipped.headers["content-length"]) < 1000
    assert deflated.headers["content-encoding"] == "deflate"
    assert "content-encoding" not in plain.headers
    assert "content-encoding" not in refused.headers
    assert gzipped.json() == deflated.json() == plain.json() == refused.json()


async def test_a_client_that_leaves_while_it_sends_gets_no_answer_and_does_no_harm(
    client: AsyncClient,
) -> None:
    sent: list[Any] = []

    async def receive() -> MutableMapping[str, Any]:
        return {"type": "http.disconnect"}

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    transport = client._transport
    assert isinstance(transport, httpx.ASGITransport)
    scope = {
        "type": "http",
        "method": "POST",
        "scheme": "http",
        "path": "/fhir/Patient",
        "raw_path": b"/fhir/Patient",
        "query_string": b"",
        "headers": [(b"host", b"hub.test"), (b"content-type", b"application/fhir+json")],
    }
    await transport.app(scope, receive, send)
    assert sent == []
    assert (await client.get("metadata")).status_code == 200


async def test_repeated_fields_are_one_list(client: AsyncClient) -> None:
    await put(client, patient(id="a"))
    response = await client.get("Patient/a", headers=[("If-None-Match", 'W/"7"'), ("If-None-Match", 'W/"1"')])
    assert response.status_code == 304


# --- faults ---


async def test_a_fault_of_ours_tells_the_request_id_and_no_more(
    client: AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fhirhub.repository import Repository

    async def fail(*_: object) -> None:
        raise RuntimeError("Jansen, born 1950")

    monkeypatch.setattr(Repository, "read", fail)
    response = await client.get("Patient/a", headers={"X-Request-Id": "r1"})

    assert response.status_code == 500
    assert issues(response)[0]["code"] == "exception"
    assert "r1" in issues(response)[0]["diagnostics"]
    assert "Jansen" not in response.text
    assert "Traceback" not in response.text

"""Whatever comes in, an answer goes out: never a fault of ours, always an OperationOutcome where refused."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

from httpx import AsyncClient, Response
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.api.builders import fhir, patient, put

FUZZED = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)

SEGMENTS = st.sampled_from(
    [
        "Patient",
        "Observation",
        "a",
        "_history",
        "_search",
        "1",
        "*",
        "$meta",
        "$everything",
        "$x",
        "metadata",
        "",
    ]
) | st.text(max_size=8).map(lambda text: quote(text, safe=""))
PARAMETERS = st.sampled_from(
    [
        "_id",
        "name",
        "_count",
        "_sort",
        "_include",
        "_has:Observation:subject:code",
        "_lastUpdated",
        "_cursor",
        "_summary",
        "_elements",
        "_format",
        "_filter",
        "identifier:of-type",
        "birthdate",
        "general-practitioner.name",
        "_type",
        "_list",
        "_since",
        "_text",
    ]
) | st.text(max_size=10)
VALUES = st.sampled_from(
    [
        "",
        "a",
        "1",
        "-1",
        "ge2020",
        "|",
        "a|b|c",
        ",",
        "$",
        "\\",
        "\\,",
        "Patient/a",
        "*",
        "Patient:link",
        "🙂",
        "'",
    ]
) | st.text(max_size=12)
METHODS = st.sampled_from(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
JSON_VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "resourceType",
                    "id",
                    "meta",
                    "name",
                    "family",
                    "extension",
                    "url",
                    "entry",
                    "request",
                    "resource",
                    "method",
                    "type",
                    "contained",
                    "reference",
                    "_birthDate",
                    "fullUrl",
                    "parameter",
                    "valueString",
                ]
            )
            | st.text(max_size=5),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


def check(response: Response) -> None:
    assert response.status_code < 500, response.text
    assert response.headers["x-request-id"]
    if response.status_code >= 400 and response.request.method != "HEAD":
        kind = response.headers.get("content-type", "")
        assert "OperationOutcome" in response.text, (response.status_code, kind)
        assert "Traceback" not in response.text


@FUZZED
@given(
    method=METHODS,
    segments=st.lists(SEGMENTS, max_size=5),
    query=st.lists(st.tuples(PARAMETERS, VALUES), max_size=3),
)
async def test_any_path_and_query(
    client: AsyncClient, method: str, segments: list[str], query: list[tuple[str, str]]
) -> None:
    path = "/".join(segments)
    text = "&".join(f"{quote(name, safe=':.')}={quote(value)}" for name, value in query)
    response = await client.request(method, f"http://hub.test/fhir/{path}" + (f"?{text}" if text else ""))
    if method != "OPTIONS":
        check(response)


@FUZZED
@given(content=JSON_VALUES, type=st.sampled_from(["Patient", "Bundle", "Parameters", "CarePlan", None]))
async def test_any_json_as_a_resource(client: AsyncClient, content: Any, type: str | None) -> None:
    if type is not None and isinstance(content, dict):
        content["resourceType"] = type
    body = json.dumps(content).encode()
    for path in ("Patient", "Bundle", "Patient/$validate", "Patient/a/$meta-add"):
        check(await client.post(path, content=body, headers=fhir({})))
    check(await client.put("Patient/a", content=body, headers=fhir({})))


@FUZZED
@given(
    kind=st.sampled_from(["batch", "transaction"]),
    entries=st.lists(
        st.fixed_dictionaries(
            {},
            optional={
                "fullUrl": VALUES,
                "resource": st.just({"resourceType": "Patient", "id": "a"}) | JSON_VALUES,
                "request": st.fixed_dictionaries(
                    {},
                    optional={
                        "method": METHODS | VALUES,
                        "url": st.sampled_from(
                            ["Patient", "Patient/a", "Patient?name=a", "", "/", "x", "$meta"]
                        )
                        | VALUES,
                        "ifMatch": VALUES,
                        "ifNoneMatch": VALUES,
                        "ifNoneExist": VALUES,
                        "ifModifiedSince": VALUES,
                    },
                ),
            },
        ),
        max_size=3,
    ),
)
async def test_any_bundle(client: AsyncClient, kind: str, entries: list[Any]) -> None:
    body = {"resourceType": "Bundle", "type": kind, "entry": entries}
    response = await client.post("", json=body, headers=fhir({}))
    check(response)
    if response.status_code == 200:
        for entry in response.json().get("entry", ()):
            assert not entry["response"]["status"].startswith("5"), entry


@FUZZED
@given(
    operations=JSON_VALUES
    | st.lists(st.dictionaries(st.sampled_from(["op", "path", "value", "from"]), VALUES))
)
async def test_any_patch(client: AsyncClient, operations: Any) -> None:
    await put(client, patient(id="a", name=[{"family": "b"}]))
    for content_type in ("application/json-patch+json", "application/fhir+json"):
        response = await client.patch("Patient/a", json=operations, headers={"Content-Type": content_type})
        check(response)


@FUZZED
@given(
    fields=st.dictionaries(
        st.sampled_from(
            [
                "Accept",
                "Content-Type",
                "Content-Encoding",
                "Accept-Encoding",
                "If-Match",
                "If-None-Match",
                "If-Modified-Since",
                "If-None-Exist",
                "Prefer",
                "X-Request-Id",
                "Origin",
                "Host",
                "X-Forwarded-Host",
                "X-Security-Context",
            ]
        ),
        st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=30)
        | st.sampled_from(
            ['W/"1"', "*", "gzip", "application/fhir+xml;q=0.5", "return=minimal", ";;", ",", "="]
        ),
        max_size=5,
    )
)
async def test_any_header_fields(client: AsyncClient, fields: dict[str, str]) -> None:
    check(await client.get("Patient/a", headers=fields))
    check(await client.get("Patient", headers=fields))
    check(await client.post("Patient", content=b'{"resourceType":"Patient"}', headers=fields))
    check(await client.post("Binary", content=b"x", headers=fields))


@FUZZED
@given(body=st.binary(max_size=60), xml=st.booleans())
async def test_any_bytes(client: AsyncClient, body: bytes, xml: bool) -> None:
    content_type = "application/fhir+xml" if xml else "application/fhir+json"
    check(await client.post("Patient", content=body, headers={"Content-Type": content_type}))
    check(await client.post("", content=body, headers={"Content-Type": content_type}))
    check(
        await client.post(
            "Patient/_search", content=body, headers={"Content-Type": "application/x-www-form-urlencoded"}
        )
    )

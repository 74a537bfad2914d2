"""Small builders of what the tests send."""

from __future__ import annotations

from typing import Any

import httpx

Json = dict[str, Any]


def patient(**content: Any) -> Json:
    return {"resourceType": "Patient", **content}


def observation(**content: Any) -> Json:
    return {"resourceType": "Observation", "status": "final", "code": {"text": "weight"}, **content}


def bundle(type: str, *entries: Json) -> Json:
    return {"resourceType": "Bundle", "type": type, "entry": list(entries)}


def entry(
    method: str, url: str, resource: Json | None = None, full_url: str | None = None, **asked: Any
) -> Json:
    made: Json = {"request": {"method": method, "url": url, **asked}}
    if resource is not None:
        made["resource"] = resource
    if full_url is not None:
        made["fullUrl"] = full_url
    return made


def issues(response: httpx.Response) -> list[Json]:
    """The issues of an answer that must be an OperationOutcome."""
    outcome = response.json()
    assert outcome["resourceType"] == "OperationOutcome"
    found: list[Json] = outcome["issue"]
    return found


def said(response: httpx.Response) -> str:
    """What the first issue says."""
    text: str = issues(response)[0]["details"]["text"]
    return text


async def put(client: httpx.AsyncClient, resource: Json, **headers: str) -> httpx.Response:
    return await client.put(
        f"{resource['resourceType']}/{resource['id']}", json=resource, headers=fhir(headers)
    )


async def post(client: httpx.AsyncClient, resource: Json, **headers: str) -> httpx.Response:
    return await client.post(resource["resourceType"], json=resource, headers=fhir(headers))


def fhir(headers: dict[str, str]) -> dict[str, str]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return {"Content-Type": "application/fhir+json", **named}

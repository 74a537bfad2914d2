"""$meta: profiles, tags and security labels in use (https://hl7.org/fhir/R4/resource-operation-meta.html)."""

from __future__ import annotations

from typing import Any

from fhirhub.api.exchange import FhirRequest, FhirResponse, Json
from fhirhub.api.operations import parameters
from fhirhub.errors import too_costly
from fhirhub.repository import Stored
from fhirhub.resources import document
from fhirhub.store import request as requests

LISTS = ("profile", "security", "tag")
MAX_RESOURCES = 20_000
_PAGE = 1000


async def meta(request: FhirRequest) -> FhirResponse:
    """The meta of a version, or what a type or the whole store has in use."""
    path = request.path
    if len(path) == 3:
        return shown(await request.repository.read(path[0], path[1]))
    if len(path) == 5:
        return shown(await request.repository.vread(path[0], path[1], path[3]))
    type = path[0] if len(path) == 2 else None
    return FhirResponse(200, document.encode(_result(await _in_use(request, type))))


def shown(stored: Stored) -> FhirResponse:
    """The answer that tells the meta of a stored version."""
    resource = document.decode(stored.body or b"{}")
    body = document.encode(_result(resource.get("meta", {})))
    return FhirResponse(200, body, stored.version, stored.updated)


def _result(content: Json) -> Json:
    if not content:
        # No object of FHIR's JSON is empty, and a parameter without a value is none (inv-1).
        return {"resourceType": "Parameters"}
    return parameters.result("return", "valueMeta", content)


def key(label: Any) -> Any:
    """What makes two profiles, tags or labels the same: the canonical, or system and code."""
    return (label.get("system"), label.get("code")) if isinstance(label, dict) else label


async def _in_use(request: FhirRequest, type: str | None) -> Json:
    found: dict[str, dict[Any, Any]] = {name: {} for name in LISTS}
    seen = 0
    for name in LISTS:
        criteria = requests.parse(
            type, f"_{name}:missing=false&_count={_PAGE}", request.repository.parameters
        )
        cursor: str | None = None
        while True:
            page = await request.repository.search(criteria, cursor)
            for match in page.matches:
                for label in document.decode(match.body).get("meta", {}).get(name, ()):
                    found[name].setdefault(key(label), label)
            seen += len(page.matches)
            if page.next is None:
                break
            if seen > MAX_RESOURCES:
                raise too_costly(
                    f"More than {MAX_RESOURCES} resources carry labels; ask $meta of a type or an instance"
                )
            cursor = page.next
    return {name: list(labels.values()) for name, labels in found.items() if labels}

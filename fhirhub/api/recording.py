"""An interaction with its record in the log: durable before the answer, and where something was written in the same
transaction (RULES R25)."""

from __future__ import annotations

from collections.abc import Sequence

from fhirhub.api.exchange import FhirRequest, FhirResponse, Handler
from fhirhub.audit import recording
from fhirhub.errors import FhirError
from fhirhub.repository import Refused, Repository, Trail
from fhirhub.resources import compartments, definitions, document
from fhirhub.store.sql import Statement

UNTOLD = frozenset({"capabilities", "batch", "transaction"})
"""What has no record of its own: it tells nothing of anybody, or its entries have one each."""
ACTIONS = {"create": "C", "update": "U", "patch": "U", "delete": "D"}
_FORM = "application/x-www-form-urlencoded"


async def recorded(request: FhirRequest, handler: Handler) -> FhirResponse:
    """The answer of the handler, given only once it stands in the log what was done. Raises what the handler
    raises, once that stands there."""
    repository = request.repository
    trail, above = Trail(_named(request), request.request_id or None), repository.trail
    within = repository.is_together
    if above is None and not within:
        repository.begin(trail)
    else:
        # An entry of a Bundle; others have the same view, and tell their own.
        repository = request.repository = repository.following(trail)
    try:
        response = await handler(request)
    except Exception as fault:
        if trail.refused is None:
            trail.refused = _refused(request, trail)
        if within and above is not None:
            above.refused = trail.refused
        else:
            await _refuse(repository, trail, fault.status if isinstance(fault, FhirError) else 500)
        raise
    if trail.has_written or request.interaction in UNTOLD:
        return response
    entries = await recording.of_reads(
        repository, trail, _action(trail.interaction), _asked(request), _query(request)
    )
    if within:
        repository.log_with(entries)
    else:
        await repository.tenant.database.log(repository.tenant.number, entries)
    return response


def _action(interaction: str) -> str:
    return ACTIONS.get(interaction, "E" if interaction[0] == "$" else "R")


def _named(request: FhirRequest) -> str:
    return request.path[-1] if request.interaction == "operation" else request.interaction


def _asked(request: FhirRequest) -> tuple[str | None, str | None]:
    """Type and id that the path names."""
    path = request.path
    type = path[0] if path and definitions.is_resource_type(path[0]) else None
    id = path[1] if type and len(path) > 1 and path[1][:1] not in ("_", "$") else None
    if request.interaction == "search-compartment" and len(path) > 2:
        # What was searched, of whom the records tell each.
        return (path[2], None) if definitions.is_resource_type(path[2]) else (None, None)
    return type, id


def _query(request: FhirRequest) -> str | None:
    """What was asked besides the path, as a query."""
    query = request.query
    if request.method == "POST" and request.path[-1:] == ("_search",) and request.body:
        form = request.body.decode("utf-8", "replace")
        query = f"{query}&{form}" if query else form
    if "\0" in query or not query.isascii():
        query = query.replace("\0", "").encode("utf-8", "replace").decode()
    return query or None


def _refused(request: FhirRequest, trail: Trail) -> Refused:
    type, id = _asked(request)
    if request.interaction == "search-compartment" and request.path[0] == "Patient":
        brought = frozenset({request.path[1]})
    elif type is not None and id is not None:
        brought = frozenset()
    else:
        brought = compartments.patients(_brought(request), request.base)
    return Refused(trail.interaction, type, id, _query(request), tuple(sorted(brought)))


async def _refuse(repository: Repository, trail: Trail, status: int) -> None:
    """Log what was asked and not had, with the patients it was asked about."""
    asked = trail.refused
    assert asked is not None
    patients: Sequence[str | None] = await _about(repository, asked)
    action = _action(asked.interaction)
    entries = [
        recording.refusal(repository.access, trail, asked, action, status, patient)
        for patient in patients or [None]
    ]
    await repository.tenant.database.log(repository.tenant.number, entries)


async def _about(repository: Repository, asked: Refused) -> list[str]:
    """The patients of a refused request: those of the resource it names, whether the caller may see it or not, or
    of the one it brought. What is absent runs the same statement."""
    if asked.type is None or asked.id is None:
        return list(asked.brought)
    rows = await repository.tenant.database.fetch(
        Statement(
            "SELECT r.patient FROM resource r WHERE r.tenant = $1 AND r.type = $2 AND r.id = $3",
            (repository.tenant.number, asked.type, asked.id),
            ("int", "text", "text"),
            together=True,
        )
    )
    if asked.type == "Patient":
        return [asked.id]
    return str(rows[0][0]).split() if rows and rows[0][0] else []


def _brought(request: FhirRequest) -> dict[str, object]:
    """The resource in the body; an empty one where there is none to be read."""
    resource = request.resource
    if (
        resource is None
        and request.body
        and request.headers.get("content-type", "").partition(";")[0] != _FORM
    ):
        try:
            resource = document.parse(request.body)
        except FhirError:
            resource = None
    named = isinstance(resource, dict) and definitions.is_resource_type(str(resource.get("resourceType")))
    return resource if resource is not None and named else {"resourceType": "Basic"}

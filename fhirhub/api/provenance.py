"""`X-Provenance`: the Provenance of a write, kept in the write's own transaction
(https://hl7.org/fhir/R4/provenance.html#header)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace

from fhirhub.api.exchange import FhirRequest, Json
from fhirhub.errors import FhirError, Issue, invalid, not_supported
from fhirhub.repository import Repository, Written, new_id
from fhirhub.resources import document
from fhirhub.resources.validation import structure
from fhirhub.store.request import SearchRequest

HEADER = "x-provenance"


def asked(request: FhirRequest) -> Json:
    """The Provenance of the header, checked but for its target, which the server fills in.

    Raises FhirError (400), also for one that has a target: what the write makes cannot be known before.
    """
    try:
        resource = document.parse(request.headers[HEADER].encode("latin-1"))
    except FhirError as fault:
        raise FhirError(400, [_of_header(issue) for issue in fault.issues]) from None
    if resource.get("resourceType") != "Provenance":
        raise invalid(f"`X-Provenance` holds a Provenance in JSON; got {resource.get('resourceType')}")
    if "target" in resource:
        raise invalid(
            "`X-Provenance` has no `target`: the server names what was written", "Provenance.target"
        )
    issues = structure.validate(_with_target(resource, ["Patient/1"]))
    if any(issue.severity in ("error", "fatal") for issue in issues):
        raise FhirError(400, [_of_header(issue) for issue in issues])
    return resource


def _of_header(issue: Issue) -> Issue:
    return replace(issue, text=f"`X-Provenance`: {issue.text}")


def _with_target(resource: Json, targets: Iterable[str]) -> Json:
    return {**resource, "target": [{"reference": target} for target in targets]}


async def kept_with(
    request: FhirRequest,
    write: Callable[[Repository], Awaitable[Written]],
    criteria: SearchRequest | None = None,
) -> Written:
    """What a write makes, on criteria or without; with the header also its Provenance, or neither."""
    if HEADER not in request.headers:
        return await write(request.repository)
    resource = asked(request)
    id = new_id()

    async def work(unit: Repository) -> Written:
        written = await write(unit)
        if written.outcome in ("created", "updated"):
            await keep(request, unit, resource, id, [version_of(written)])
        return written

    locked = frozenset() if criteria is None else criteria.types_involved()
    return await request.repository.together(work, lock_types=locked)


def version_of(written: Written) -> str:
    """The reference to the version that was written."""
    stored = written.stored
    return f"{stored.type}/{stored.id}/_history/{stored.version}"


async def keep(
    request: FhirRequest, unit: Repository, resource: Json, id: str, versions: Iterable[str]
) -> None:
    """Write the Provenance of these versions, as a create of its own through the same door: who may make no
    Provenance is refused, and the write with it."""
    await request.context.dispatch(
        FhirRequest(
            "POST",
            ("Provenance",),
            "",
            {},
            b"",
            request.base,
            request.tenant,
            unit,
            request.context,
            request.request_id,
            _with_target(resource, dict.fromkeys(versions)),
            checked=True,
            inside="transaction",
            new_id=id,
            principal=request.principal,
        )
    )


def refuse(request: FhirRequest) -> None:
    """Raise for a header with an interaction that makes no version to tell of."""
    if HEADER in request.headers:
        raise not_supported("`X-Provenance` goes with a create, update, patch or transaction")

"""AuditEvent where people sign in: the log, which the hub alone writes (https://hl7.org/fhir/R4/auditevent.html)."""

from __future__ import annotations

from dataclasses import replace

from fhirhub.api import bundles, conditions, read, search
from fhirhub.api.exchange import FhirRequest, FhirResponse, Handler
from fhirhub.audit import reading, rendering, searching
from fhirhub.errors import not_found, not_supported
from fhirhub.resources import document
from fhirhub.store import request as requests
from fhirhub.store.cursor import seal, unseal
from fhirhub.store.log import Line

TYPE = "AuditEvent"


def handler(request: FhirRequest, interaction: str) -> Handler | None:
    """What answers a request for AuditEvents here; None for a request for something else."""
    path = request.path
    if interaction == "search-compartment":
        return of_compartment if path[2:3] == (TYPE,) else None
    if path[0] != TYPE:
        return None
    return _HANDLERS.get(interaction)


async def read_one(request: FhirRequest) -> FhirResponse:
    """One record of the log."""
    line = await reading.one(request.repository, request.path[1])
    if line is None or (len(request.path) > 2 and request.path[3] != "1"):
        raise not_found(f"There is no {'/'.join(request.path)}.")
    body = await _body(request, [line])
    part = read.part(request, body[0]) if request.query else body[0]
    return FhirResponse(200, part, 1, line.record.entry.recorded)


async def search_type(request: FhirRequest) -> FhirResponse:
    """One page of the log, newest first."""
    return await _search(request, [])


async def of_compartment(request: FhirRequest) -> FhirResponse:
    """The same of one patient."""
    type, id = request.path[:2]
    if type != "Patient":
        raise not_supported(
            f"The log is found by patient; {type} has no compartment of AuditEvents", status=404
        )
    return await _search(request, [("patient", f"Patient/{id}")])


async def _search(request: FhirRequest, also: list[tuple[str, str]]) -> FhirResponse:
    settings = request.context.settings
    pairs = search.parameters(request)
    asked = searching.parse(
        [*also, *(requests.pairs_of(pairs) if isinstance(pairs, str) else pairs)],
        base=request.base,
        default=settings.page_count_default,
        most=settings.page_count_max,
        lenient="prefer" in request.headers and conditions.preference(request).lenient,
    )
    used = asked.used[len(also) :]
    key, scope = request.repository.tenant.cursor_key, bundles.scope(request, asked.used)
    wanted = asked.request
    if asked.cursor is not None:
        moment, chain, number = unseal(key, scope, asked.cursor)
        wanted = replace(wanted, after=(moment, chain, number))
    found = await reading.page(request.repository, wanted, counted=asked.counted)
    lines = found.lines[: wanted.count]
    path = "/".join((request.base, *(part for part in request.path if part != "_search")))
    links = [("self", bundles.url(path, used))]
    if len(found.lines) > wanted.count > 0:
        last = lines[-1].record
        cursor = seal(key, scope, (last.entry.recorded, last.chain, last.number))
        first = [pair for pair in used if pair[0] != "_cursor"]
        links.append(("next", bundles.url(path, [*first, ("_cursor", cursor)])))
    elif found.total is None and asked.cursor is None:
        found.total = len(lines)
    entries = bundles.Entries(request.base)
    for line, body in zip(lines, await _body(request, lines), strict=True):
        entries.found(TYPE, rendering.id_of(line), body, "match")
    return FhirResponse(
        200, entries.bundle("searchset", now=request.context.now(), links=links, total=found.total)
    )


async def _body(request: FhirRequest, lines: list[Line]) -> list[bytes]:
    repository = request.repository
    names = await reading.names(repository, lines)
    view = reading.view_of(repository.access)
    return [
        document.encode(rendering.audit_event(line, names, view, repository.tenant.name)) for line in lines
    ]


async def refuse(request: FhirRequest) -> FhirResponse:
    """Nobody writes the log but the hub."""
    raise not_supported(
        "AuditEvents are made by the hub itself, for everything that happens here, and are never changed or removed; "
        "they are read and searched (docs/audit.md)",
        status=405,
        headers={"Allow": "GET, HEAD"},
    )


_HANDLERS: dict[str, Handler] = {
    "read": read_one,
    "vread": read_one,
    "search-type": search_type,
    **dict.fromkeys(("create", "update", "patch", "delete", "history-instance", "history-type"), refuse),
}
INTERACTIONS = ("read", "vread", "search-type")

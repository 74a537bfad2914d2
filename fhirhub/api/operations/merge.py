"""CarePlan/$merge: two plans of one patient made one, seen before, and undone."""

from __future__ import annotations

from fhirhub.api.exchange import FhirRequest, FhirResponse, Json
from fhirhub.api.operations import parameters
from fhirhub.careplan import merging
from fhirhub.errors import invalid, required
from fhirhub.repository import Repository
from fhirhub.resources import careplan, document


async def merge(request: FhirRequest) -> FhirResponse:
    """Parameters with the plan that stays and what people have to decide."""
    given = parameters.read(request)
    source, target = _plan(request, given, "source"), _plan(request, given, "target")
    previewing, undoing = bool(given.flag("preview")), bool(given.flag("undo"))
    if previewing and undoing:
        raise invalid("Either `preview` or `undo` is asked for, not both")
    now = request.context.now() // 1000 * 1000

    async def work(unit: Repository) -> merging.Merged:
        if undoing:
            return await merging.undo(unit, source, target, now)
        return await (merging.preview if previewing else merging.merge)(unit, source, target, now)

    made = await request.repository.together(work)
    parts: list[Json] = [{"name": "return", "resource": made.plan}]
    parts += [{"name": "conflict", "valueString": text} for text in made.conflicts]
    return FhirResponse(200, document.encode({"resourceType": "Parameters", "parameter": parts}))


def _plan(request: FhirRequest, given: parameters.Input, name: str) -> str:
    value = given.one(name)
    if value is None:
        raise required(f"`{name}` names a plan, such as CarePlan/1")
    party = careplan.party(value, request.base) if isinstance(value, dict) else None
    if party is None or not party.startswith("CarePlan/"):
        raise invalid(f"`{name}` expects a Reference to a CarePlan of this server")
    return party

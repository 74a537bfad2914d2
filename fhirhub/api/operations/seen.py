"""CarePlan/[id]/$seen: up to which version this person has seen the plan, which nothing else moves."""

from __future__ import annotations

from fhirhub.api import outcome
from fhirhub.api.exchange import FhirRequest, FhirResponse
from fhirhub.api.operations import parameters
from fhirhub.careplan import changes as plans
from fhirhub.errors import Issue, required
from fhirhub.repository import Repository


async def seen(request: FhirRequest) -> FhirResponse:
    """An OperationOutcome that says whether the mark moved."""
    given = parameters.read(request)
    version = given.text("version")
    if version is None:
        raise required("`version` names the last version shown, such as `Task/1/_history/2`")

    async def work(unit: Repository) -> bool:
        plan = await unit.read("CarePlan", request.path[1])
        return await plans.see(unit, plan, version, request.base, request.context.now())

    moved = await request.repository.together(work)
    text = f"Seen up to {version}." if moved else "What you saw later stays seen: the mark did not move."
    return FhirResponse(200, outcome.render([Issue("information", "informational", text)]))

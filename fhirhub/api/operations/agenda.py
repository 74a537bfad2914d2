"""CarePlan/[id]/$agenda: what is open in a plan, as the agenda of the next meeting."""

from __future__ import annotations

from fhirhub.api.exchange import FhirRequest, FhirResponse
from fhirhub.careplan import meetings
from fhirhub.resources import document


async def agenda(request: FhirRequest) -> FhirResponse:
    """A ConversationAgenda that is not kept: who wants to keep or change it posts it as a List."""
    plan = await request.repository.read("CarePlan", request.path[1])
    made = await meetings.agenda(request.repository, document.decode(plan.body or b""), request.context.now())
    return FhirResponse(200, document.encode(made))

"""Patient/[id]/$deregister: ends the registration with the caller's practice (RULES R5)."""

from __future__ import annotations

from fhirhub.api.exchange import FhirRequest, FhirResponse
from fhirhub.api.operations import acting
from fhirhub.careplan import registering
from fhirhub.resources import document


async def deregister(request: FhirRequest) -> FhirResponse:
    """The Patient as it now is."""
    actor = acting.provider(request)
    id = request.path[1]
    await request.repository.read("Patient", id)
    practice = actor.organization or ""
    changed = await request.repository.together(
        lambda unit: registering.deregister(unit.as_hub(), id, practice)
    )
    return FhirResponse(200, document.encode(changed))

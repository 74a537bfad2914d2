"""Patient/$open-contact: opens one patient of a covered practice during cover (RULES R11)."""

from __future__ import annotations

from fhirhub import errors
from fhirhub.api.exchange import FhirRequest, FhirResponse
from fhirhub.api.operations import acting, parameters
from fhirhub.careplan import identity, opening
from fhirhub.careplan.opening import Opened
from fhirhub.resources import document


async def open_contact(request: FhirRequest) -> FhirResponse:
    """The patient, and until when the record is open."""
    actor = acting.provider(request)
    if actor.role not in opening.COVERING:
        raise errors.forbidden("A contact during cover is opened by a doctor or nurse who covers.")
    given = parameters.read(request)
    told = identity.asked(given.values)
    reason = acting.words(acting.concept(given, "reason"))
    agreed = str(acting.required(given, "agreement"))
    done = await request.repository.together(
        lambda unit: opening.contact(unit.as_hub(), actor, told, reason, agreed)
    )
    return await shown(request, done)


async def shown(request: FhirRequest, done: Opened) -> FhirResponse:
    """The patient as the caller now sees them; the bare id where that is nothing."""
    seen = await request.repository.find("Patient", done.patient)
    if seen is None or seen.body is None:
        patient = {"resourceType": "Patient", "id": done.patient}
    else:
        patient = document.decode(seen.body)
    answer = {
        "resourceType": "Parameters",
        "parameter": [
            {"name": "patient", "resource": patient},
            {"name": "until", "valueInstant": document.instant(done.until)},
        ],
    }
    return FhirResponse(200, document.encode(answer))

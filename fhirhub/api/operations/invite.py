"""Patient/$invite: makes a relative and the one-time code by which they get an account (RULES R18)."""

from __future__ import annotations

from fhirhub import errors
from fhirhub.api.exchange import FhirRequest, FhirResponse
from fhirhub.api.operations import acting, parameters
from fhirhub.careplan import inviting
from fhirhub.resources import document


async def invite(request: FhirRequest) -> FhirResponse:
    """The RelatedPerson, the code, and until when it counts."""
    actor = acting.actor(request)
    given = parameters.read(request)
    patient = _patient(request, given.one("patient"))
    await request.repository.read("Patient", patient)
    name, relationship = acting.required(given, "name"), acting.concept(given, "relationship")
    telecom = [one for one in given.all("telecom") if isinstance(one, dict)]
    done = await request.repository.together(
        lambda unit: inviting.invite(unit.as_hub(), actor, patient, name, relationship, telecom)
    )
    answer = {
        "resourceType": "Parameters",
        "parameter": [
            {"name": "relatedPerson", "resource": done.person},
            {"name": "code", "valueString": done.code},
            {"name": "expires", "valueInstant": document.instant(done.expires)},
        ],
    }
    return FhirResponse(200, document.encode(answer))


def _patient(request: FhirRequest, named: object) -> str:
    """The id of the patient: of the address, of `patient`, or of who calls."""
    if len(request.path) == 3:
        return request.path[1]
    actor = acting.actor(request)
    if named is None and actor.person is not None and actor.person.startswith("Patient/"):
        return actor.person.removeprefix("Patient/")
    reference = named.get("reference") if isinstance(named, dict) else None
    if not isinstance(reference, str) or not reference.startswith("Patient/"):
        raise errors.required(
            "`patient` expects a reference such as Patient/x, where the address names nobody"
        )
    return reference.removeprefix("Patient/")

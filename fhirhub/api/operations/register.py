"""Patient/$register: finds or makes the patient of a BSN and records the practice (RULES R5)."""

from __future__ import annotations

from fhirhub import errors
from fhirhub.api.exchange import FhirRequest, FhirResponse
from fhirhub.api.operations import acting, parameters
from fhirhub.careplan import identity, registering
from fhirhub.resources import document


async def register(request: FhirRequest) -> FhirResponse:
    """201 made, 200 found, 202 with the Task by which the patient agrees to another practice."""
    actor = acting.provider(request)
    given = parameters.read(request)
    name = acting.required(given, "name")
    if not isinstance(name, dict) or not name.get("family"):
        raise errors.invalid("`name` expects a HumanName with a family name")
    wanted = registering.Wanted(
        identity.bsn(acting.required(given, "identifier")),
        acting.date(given, "birthDate"),
        name,
        acting.concept(given, "identityCheck"),
    )
    practice = bool(request.repository.asker.caller.firm)
    done = await request.repository.together(
        lambda unit: registering.register(unit.as_hub(), actor, wanted, practice=practice)
    )
    if done.status == 409:
        raise errors.conflict(
            "The birth date or the family name is not the one that is known of this BSN. Nothing was written; the "
            "administrator of the hub looks into it."
        )
    type, id = done.resource["resourceType"], done.resource["id"]
    location = None
    if done.status == 201:
        location = f"{type}/{id}/_history/{done.resource['meta']['versionId']}"
    return FhirResponse(
        done.status, document.encode(done.resource), location=location, made=done.status == 201
    )

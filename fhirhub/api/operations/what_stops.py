"""Patient/[id]/$what-stops: which help would stop if this party took part no more (RULES R10)."""

from __future__ import annotations

from fhirhub import errors
from fhirhub.api.exchange import FhirRequest, FhirResponse, Json
from fhirhub.api.operations import acting, parameters
from fhirhub.careplan import blocking, ending
from fhirhub.repository import Repository, now
from fhirhub.resources import document

PARTIES = ("Organization/", "Practitioner/", "PractitionerRole/", "RelatedPerson/")


async def what_stops(request: FhirRequest) -> FhirResponse:
    """Each Task that would be cancelled; nothing changes."""
    acting.actor(request)
    id = request.path[1]
    await request.repository.read("Patient", id)
    named = acting.required(parameters.read(request), "actor")
    party = named.get("reference") if isinstance(named, dict) else named
    if not isinstance(party, str) or not party.startswith(PARTIES):
        raise errors.invalid("`actor` expects a reference such as Organization/x")

    async def stops(unit: Repository) -> list[Json]:
        type, _, party_id = party.partition("/")
        if type != "RelatedPerson":  # Relatives are not for everybody to know; the directory is.
            there = await unit.as_hub().find(type, party_id)
            if there is None or there.deleted:
                raise errors.invalid(f"There is no {party}; `actor` expects a party that takes part")
        return await ending.stops(unit.as_hub(), id, party, now())

    found = await request.repository.together(stops)
    # What the caller does not see is not told.
    seen = [one for one in found if await request.repository.find("Task", one["id"]) is not None]
    told = [
        {
            "name": "task",
            "part": [
                {"name": "reference", "valueReference": {"reference": f"Task/{one['id']}"}},
                {"name": "description", "valueString": blocking.help_of(one)},
            ],
        }
        for one in seen
    ]
    return FhirResponse(
        200, document.encode({"resourceType": "Parameters", **({"parameter": told} if told else {})})
    )

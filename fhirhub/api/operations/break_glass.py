"""Patient/$break-glass: opens one patient to one person in an emergency (RULES R12)."""

from __future__ import annotations

from fhirhub import errors
from fhirhub.api.exchange import FhirRequest, FhirResponse
from fhirhub.api.operations import acting, open_contact, parameters
from fhirhub.careplan import identity, opening


async def break_glass(request: FhirRequest) -> FhirResponse:
    """The patient, and until when the record is open."""
    actor = acting.provider(request)
    if actor.role not in opening.GLASS or actor.person is None:
        raise errors.forbidden(
            "Breaking the glass is for a huisarts, hap-arts, specialist ouderengeneeskunde or wijkverpleegkundige."
        )
    if request.context.settings.break_glass == "off":
        raise errors.forbidden("Breaking the glass is switched off here (FHIRHUB_BREAK_GLASS).")
    given = parameters.read(request)
    reason = acting.concept(given, "reason")
    if not str(reason.get("text", "")).strip():
        raise errors.required("`reason` says in its text, in words, why this cannot wait")
    told = request.path[1] if len(request.path) == 3 else identity.asked(given.values)
    done = await request.repository.together(
        lambda unit: opening.break_glass(unit.as_hub(), actor, told, reason["text"])
    )
    return await open_contact.shown(request, done)

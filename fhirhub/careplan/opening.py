"""Opening one patient for a time: to who covers (RULES R11), and to who breaks the glass (R12).

Nobody, several, a block and a refusal have one answer, which is 404; each attempt is in the log.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from fhirhub import errors
from fhirhub.access import Actor
from fhirhub.auth import careteam, consent, staff
from fhirhub.careplan import ending, identity, permitting
from fhirhub.careplan.registering import called, hub_task
from fhirhub.careplan.telling import tell
from fhirhub.repository import Repository, now
from fhirhub.resources import document, hours, relations
from fhirhub.resources.relations import Kind
from fhirhub.store.request import parse

Json = dict[str, Any]

AFTER_HOURS_US = 12 * 3600 * 1_000_000
GLASS_US = 60 * 60 * 1_000_000
COVERING = frozenset(
    {
        "huisarts", "hap-arts", "specialist-ouderengeneeskunde", "wijkverpleegkundige",
        "verpleegkundig-specialist", "physician-assistant",
    }
)  # fmt: skip
"""Doctors and nurses who may cover (R11)."""
GLASS = frozenset({"huisarts", "hap-arts", "specialist-ouderengeneeskunde", "wijkverpleegkundige"})
"""Who may break the glass (R12)."""
REVIEW = "inzage-beoordelen"


class Opened(NamedTuple):
    """A patient who was opened, until when."""

    patient: str
    until: int


def nobody() -> errors.FhirError:
    """The one answer for who cannot be opened."""
    return errors.not_found("No patient can be opened with this.")


async def contact(unit: Repository, actor: Actor, told: identity.Told, reason: str, agreed: str) -> Opened:
    """Opens a patient of a covered practice to the organisation that covers it now."""
    assert actor.organization is not None
    moment = now()
    covered = await _covered(unit, actor.organization, moment)
    patient = await identity.found(unit, told)
    practice = None
    if patient is not None:
        practice = await careteam.registered_practice(unit, patient["id"], moment)
    if patient is None or practice not in covered or await _refuses(unit, patient["id"], actor, moment):
        raise nobody()
    if not await permitting.permits(unit, patient["id"], actor.organization):
        raise nobody()
    until = covered[practice] + AFTER_HOURS_US
    await careteam.open_to(unit, patient["id"], actor.organization, Kind.COVER, moment, until)
    name = await called(unit, actor.organization)
    await tell(
        unit,
        patient=patient["id"],
        to=[f"Patient/{patient['id']}", practice],
        text=f"{name} neemt waar en kan het dossier zien tot {hours.shown(until)}. Reden: {reason}. "
        f"Toestemming van de patiënt: {_AGREED[agreed]}.",
    )
    return Opened(patient["id"], until)


_AGREED = {"now": "nu gegeven", "earlier": "eerder gegeven", "unable": "kon niet gevraagd worden"}


async def break_glass(unit: Repository, actor: Actor, told: identity.Told | str, reason: str) -> Opened:
    """Opens a patient, named by id or by what is told, to one person."""
    assert actor.person is not None
    assert actor.organization is not None
    moment = now()
    patient = None
    if isinstance(told, str):
        stored = await unit.find("Patient", told)
        if stored is not None and stored.body is not None:
            patient = document.decode(stored.body)
    else:
        patient = await identity.found(unit, told)
    if patient is None or await _refuses(unit, patient["id"], actor, moment):
        raise nobody()
    if not await permitting.permits(unit, patient["id"], actor.organization):
        raise nobody()
    id, until = patient["id"], moment + GLASS_US
    await careteam.open_to(unit, id, actor.person, Kind.GLASS, moment, until)
    practice = await careteam.registered_practice(unit, id, moment)
    who = f"{await called(unit, actor.person)} ({actor.role}, {await called(unit, actor.organization)})"
    text = f"{who} heeft het dossier in nood geopend tot {hours.shown(until)}, alleen om te lezen. Reden: {reason}"
    await tell(
        unit,
        patient=id,
        to=[*await ending.told(unit, id, moment), *([practice] if practice else [])],
        text=text,
        urgent=True,
    )
    officers = await staff.in_role(unit, "privacy-officer", actor.organization)
    for owner in dict.fromkeys([*(officers[:1] or [actor.organization]), *([practice] if practice else [])]):
        await unit.create(hub_task(REVIEW, id, owner, text))
    return Opened(id, until)


async def _covered(unit: Repository, organization: str, moment: int) -> dict[str, int]:
    """The practices that this organisation covers at this moment, each with when the hours end."""
    query = [("participating-organization", organization), ("_count", "1000")]
    request = parse("OrganizationAffiliation", query, unit.parameters)
    found: dict[str, int] = {}
    for one in await unit.all_matches(request):
        assert one.body is not None
        affiliation = document.decode(one.body)
        start, until = relations.period(affiliation.get("period"))
        whom = affiliation.get("organization", {}).get("reference")
        if (
            affiliation.get("active") is False
            or not relations.is_cover(affiliation)
            or not start <= moment < until
        ):
            continue
        for service in affiliation.get("healthcareService", ()):
            ends = await _hours(unit, service.get("reference", ""), moment)
            if whom is not None and ends is not None:
                found[whom] = max(found.get(whom, 0), min(ends, until))
    return found


async def _hours(unit: Repository, service: str, moment: int) -> int | None:
    type, _, id = service.partition("/")
    stored = await unit.find(type, id) if type == "HealthcareService" else None
    if stored is None or stored.body is None:
        return None
    found = document.decode(stored.body)
    return None if found.get("active") is False else hours.end(found, moment)


async def _refuses(unit: Repository, patient: str, actor: Actor, moment: int) -> bool:
    """Whether the patient blocked or refused this person or organisation (R17)."""
    names = sorted(actor.names)
    said = await consent.answer(
        unit.transaction, unit.tenant.number, patient, names, moment, provider=actor.provider
    )
    return said == "refused"

"""What a care provider may ask about a patient whom it registered and does not treat (RULES R5): to begin a plan where
nothing of the patient existed or the patient agreed, and else to ask the registered practice.
"""

from __future__ import annotations

from fhirhub import errors
from fhirhub.auth import careteam, consent
from fhirhub.careplan import identity, parties
from fhirhub.careplan.moves import Move
from fhirhub.repository import Repository, now
from fhirhub.resources.careplan import Json
from fhirhub.resources.masking import BSN_SYSTEMS
from fhirhub.resources.relations import Kind
from fhirhub.store.sql import Statement


async def begins(unit: Repository, move: Move, moment: int) -> bool:
    """Whether a Task without a plan begins one; False where it is a question to the registered practice. Raises
    `business-rule` where it may be neither."""
    actor, patient = unit.asker.actor, move.patient
    assert actor is not None
    assert patient is not None
    if await parties.takes_part(unit, patient, moment):
        return True
    names = sorted(actor.names)
    said = await consent.answer(
        unit.transaction, unit.tenant.number, patient, names, moment, provider=actor.provider
    )
    if said == "agreed" or (said == "unknown" and not await _existed(unit, patient, moment)):
        return True
    if move.owner is not None and move.owner == await careteam.registered_practice(unit, patient, moment):
        return False
    raise errors.business_rule(
        "Others help this patient already: place the Task with the practice where the patient is registered, or let "
        "the patient agree first that your organisation takes part.",
        "Task.owner",
    )


async def named(unit: Repository, identifier: Json) -> str | None:
    """The id of the patient of a BSN whom the asker's organisation registered and may name."""
    actor = unit.asker.actor
    if actor is None or actor.organization is None or identifier.get("system") not in BSN_SYSTEMS:
        return None
    found = await identity.of_bsn(unit, [str(identifier.get("value", ""))])
    if len(found) != 1:
        return None
    patient = str(found[0]["id"])
    knows = await careteam.stands(unit, patient, actor.organization, Kind.KNOWS, now())
    return patient if knows else None


async def _existed(unit: Repository, patient: str, moment: int) -> bool:
    """Whether somebody helps the patient already, or something is recorded about them."""
    if await careteam.participants(unit.transaction, unit.tenant.number, patient, moment):
        return True
    rows = await unit.fetch(
        Statement(
            "SELECT 1 FROM reference f JOIN resource r ON r.tenant = $1 AND r.rid = f.rid AND NOT r.deleted "
            "WHERE f.tenant = $1 AND f.target_type = 'Patient' AND f.target_id = $2 "
            "AND r.type NOT IN ('Communication', 'Provenance', 'Task') LIMIT 1",
            (unit.tenant.number, patient),
            ("int", "text"),
        )
    )
    return bool(rows)

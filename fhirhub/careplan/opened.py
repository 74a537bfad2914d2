"""What is written by whom a patient was opened to for a time: who covers writes what belongs to the contact and Tasks
for the practice (RULES R11), who broke the glass reads (R12).
"""

from __future__ import annotations

from fhirhub import errors
from fhirhub.auth import careteam
from fhirhub.careplan import moves, parties
from fhirhub.repository import Effect, Repository, now
from fhirhub.resources import careplan
from fhirhub.resources.relations import Kind


class KeepToContact:
    """The rule that keeps who covers, or broke the glass, out of plan, goals and other parties' work."""

    types = frozenset({"CarePlan", "Goal", "Task"})

    async def __call__(self, unit: Repository, effect: Effect) -> None:
        actor, resource = unit.asker.actor, moves.content(effect.after)
        if effect.by_hub or actor is None or actor.organization is None or resource is None:
            return
        is_task = resource["resourceType"] == "Task"
        if is_task and effect.before is not None:
            return  # Its own states say who moves it.
        base = moves.base_of(unit)
        patient = careplan.patient_of(resource, base)
        opened = await by_which(unit, patient) if patient is not None else None
        if opened is None:
            return
        if opened == Kind.GLASS:
            raise errors.forbidden("Breaking the glass lets you read; nothing is written by it.")
        if not is_task:
            raise errors.forbidden(
                "Who covers writes what belongs to the contact, and asks the practice by a Task; plan and goals are "
                "those of who takes part."
            )
        owner = careplan.party(resource.get("owner"), base)
        practice = await careteam.registered_practice(unit, str(patient), now())
        if owner is None or practice is None or await parties.organization_of(unit, owner, now()) != practice:
            raise errors.forbidden(
                "Who covers places Tasks for the practice that it covers for"
                + (f": `owner` is `{practice}`, or somebody there." if practice else ".")
            )

    async def committed(self) -> None:
        """Nothing waits for it."""


async def by_which(unit: Repository, patient: str) -> Kind | None:
    """COVER or GLASS where the patient is open to who asked by that alone; None where they take part, registered the
    patient themselves, or have nothing of them open."""
    organization, actor, moment = unit.asker.caller.organization, unit.asker.actor, now()
    if organization is None or actor is None or await parties.takes_part(unit, patient, moment):
        return None
    if await careteam.stands(unit, patient, organization, Kind.KNOWS, moment):
        return None
    if await careteam.stands(unit, patient, organization, Kind.COVER, moment):
        return Kind.COVER
    return Kind.GLASS if await careteam.broke_the_glass(unit, patient, moment) else None

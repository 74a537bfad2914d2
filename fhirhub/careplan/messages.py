"""Messages about a plan go between those who take part in it (RULES R30; https://hl7.org/fhir/R4/communication.html)."""

from __future__ import annotations

from fhirhub import errors
from fhirhub.auth import careteam
from fhirhub.careplan import moves, parties
from fhirhub.repository import Effect, Repository, now
from fhirhub.resources import careplan


class CheckMessage:
    """The rule of who writes to whom: in the own name, to active participants, an answer to what was asked of the
    plan."""

    types = frozenset({"Communication"})

    async def __call__(self, unit: Repository, effect: Effect) -> None:
        message = moves.content(effect.after)
        if unit.asker.actor is None or effect.by_hub or effect.before is not None or message is None:
            return
        base = moves.base_of(unit)
        plan = next(
            (one for one in careplan.parties(message.get("basedOn"), base) if one.startswith("CarePlan/")),
            None,
        )
        content = await moves.read(unit, plan) if plan is not None else None
        patient = careplan.patient_of(content, base) if content is not None else None
        if plan is None or patient is None:
            return
        sender = careplan.party(message.get("sender"), base)
        if sender is None or not await careteam.acts_as(unit, sender):
            raise errors.business_rule(
                "You write in your own name: `sender` is you, your role or your organisation.",
                "Communication.sender",
            )
        for place, recipient in enumerate(careplan.parties(message.get("recipient"), base)):
            if not await _takes_part(unit, patient, recipient):
                raise errors.business_rule(
                    f"{recipient} does not take part in the care of this patient now: a message about the plan goes to "
                    "who does.",
                    f"Communication.recipient[{place}]",
                )

    async def committed(self) -> None:
        """Nothing waits for it."""


async def _takes_part(unit: Repository, patient: str, recipient: str) -> bool:
    if recipient.startswith("Patient/"):
        return recipient == f"Patient/{patient}"
    if recipient.startswith("RelatedPerson/"):
        relative = await moves.read(unit, recipient)
        return relative is not None and careplan.patient_of(relative) == patient
    return await parties.is_inside(unit, patient, recipient, now())

"""Messages about a plan go between those who take part in it (RULES R30; https://hl7.org/fhir/R4/communication.html)."""

from __future__ import annotations

from fhirhub import errors
from fhirhub.auth import careteam
from fhirhub.careplan import moves, parties
from fhirhub.repository import Effect, Repository, now
from fhirhub.resources import careplan
from fhirhub.resources.careplan import Json
from fhirhub.resources.relations import Kind


class CheckMessage:
    """The rule of who writes to whom: in the own name, to active participants, an answer to what was asked of the
    plan."""

    types = frozenset({"Communication"})

    async def __call__(self, unit: Repository, effect: Effect) -> None:
        message = moves.content(effect.after)
        if unit.asker.actor is None or effect.by_hub or message is None:
            return
        base = moves.base_of(unit)
        before = moves.content(effect.before)
        plan = next(
            (one for one in careplan.parties(message.get("basedOn"), base) if one.startswith("CarePlan/")),
            None,
        )
        content = await moves.read(unit, plan) if plan is not None else None
        patient = careplan.patient_of(content or message, base)
        if patient is None:
            return
        if plan is not None:
            await _check_sender(unit, message, before, base)
            await _check_answer(unit, message, plan, base)
        told_before = set(careplan.parties((before or {}).get("recipient"), base))
        for place, recipient in enumerate(careplan.parties(message.get("recipient"), base)):
            if recipient not in told_before and not await _takes_part(unit, patient, recipient):
                raise errors.business_rule(
                    f"{recipient} does not take part in the care of this patient now: a message about the patient goes "
                    "to who does.",
                    f"Communication.recipient[{place}]",
                )

    async def committed(self) -> None:
        """Nothing waits for it."""


async def _check_sender(unit: Repository, message: Json, before: Json | None, base: str | None) -> None:
    sender = careplan.party(message.get("sender"), base)
    if before is not None and sender == careplan.party(before.get("sender"), base):
        return
    if sender is None or not await careteam.acts_as(unit, sender):
        raise errors.business_rule(
            "You write in your own name: `sender` is you, your role or your organisation.",
            "Communication.sender",
        )


async def _check_answer(unit: Repository, message: Json, plan: str, base: str | None) -> None:
    """Raises where an answer is one to another plan's message."""
    for name in careplan.parties(message.get("inResponseTo"), base):
        asked = await moves.read(unit, name)
        if asked is None or plan not in careplan.parties(asked.get("basedOn"), base):
            raise errors.business_rule(
                f"`{name}` is no message about {plan}: an answer is about the same plan.",
                "Communication.inResponseTo",
            )


async def _takes_part(unit: Repository, patient: str, recipient: str) -> bool:
    """Whether it is the patient, an active participant, or a relative in the team, with a grant or representing."""
    if recipient.startswith("Patient/"):
        return recipient == f"Patient/{patient}"
    if recipient.startswith("RelatedPerson/"):
        kinds = (Kind.MEMBER, Kind.GRANT, Kind.REPRESENTATIVE)
        return any([await careteam.stands(unit, patient, recipient, kind, now()) for kind in kinds])
    return await parties.is_inside(unit, patient, recipient, now())

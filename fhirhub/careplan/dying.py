"""When a patient dies: what was asked is asked no more, and what was opened closes (RULES R34)."""

from __future__ import annotations

from fhirhub.auth import careteam, staff
from fhirhub.careplan import moves, telling
from fhirhub.careplan.ending import end_participation
from fhirhub.repository import Effect, Repository, now
from fhirhub.resources import careplan, consents, document
from fhirhub.resources.careplan import Json
from fhirhub.resources.relations import Kind

AFTER_DEATH = "na-overlijden"
"""The kind of Consent by which a patient says in life that a relative goes on reading."""


class EndWithDeath:
    """Cancels open Tasks and reminders, tells their owners at once, closes the patient's account, and ends what carers
    and representatives may see, unless a Consent made in life says otherwise."""

    types = frozenset({"Patient"})

    async def __call__(self, unit: Repository, effect: Effect) -> None:
        patient = moves.content(effect.after)
        if unit.asker.actor is None or patient is None or not is_dead(patient):
            return
        before = moves.content(effect.before)
        if before is not None and is_dead(before):
            return
        await _end(unit, str(patient["id"]), now())

    async def committed(self) -> None:
        """Nothing is left to do."""


def is_dead(patient: Json) -> bool:
    return patient.get("deceasedBoolean") is True or "deceasedDateTime" in patient


async def _end(unit: Repository, patient: str, moment: int) -> None:
    about, base = f"Patient/{patient}", moves.base_of(unit)
    tasks = await moves.found(unit, "Task", ("patient", about), ("status", ",".join(careplan.OPEN)))
    parties = await careteam.participants(unit.transaction, unit.tenant.number, patient, moment)
    for party in parties:
        if party.kind == Kind.MEMBER:
            await end_participation(unit, patient, party.actor, "death", moment)
    stopped: dict[str, list[str]] = {}
    for task in tasks:
        current = await moves.read(unit, f"Task/{task['id']}")
        if current is not None and current.get("status") in careplan.OPEN:
            reason = careplan.own_code("task-reason", "patient-died")
            await unit.update({**current, "status": "cancelled", "statusReason": reason})
        owner = careplan.party(task.get("owner"), base)
        if owner is None or owner == about or owner.startswith("RelatedPerson/"):
            continue
        # Of a queue those hear it who might have claimed the Task.
        is_queue = owner.startswith("HealthcareService/")
        for one in await careteam.organizations_of(unit, owner, moment) if is_queue else [owner]:
            stopped.setdefault(one, []).append(f"Task/{task['id']}")
    for request in await moves.found(
        unit, "CommunicationRequest", ("patient", about), ("status", "active,draft,on-hold")
    ):
        await unit.update({**request, "status": "revoked"})
    for owner, names in stopped.items():
        text = "De patiënt van deze taken is overleden; de taken zijn vervallen. The patient died; these tasks ended."
        await telling.tell(unit, patient=None, to=[owner], text=text, about=names, urgent=True)
    await _end_grants(unit, patient, base)
    await staff.close(unit, about)


async def _end_grants(unit: Repository, patient: str, base: str | None) -> None:
    """What relatives were allowed ends, but by what the patient said of the time after."""
    for consent in await moves.found(
        unit, "Consent", ("patient", f"Patient/{patient}"), ("status", "active")
    ):
        if any(
            careplan.has_own_code(one, "consent-kind", AFTER_DEATH) for one in consent.get("category", ())
        ):
            continue
        if any(one.permits and one.actor.startswith("RelatedPerson/") and one.subject == patient
               for one in consents.decisions(consent, base)):  # fmt: skip
            await unit.update(document.decode(document.encode({**consent, "status": "inactive"})))

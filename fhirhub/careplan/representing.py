"""Who represents a patient: of what age it ends, as whom they sign in, and how the patient objects (RULES R19)."""

from __future__ import annotations

from datetime import UTC, date, datetime

from fhirhub import errors
from fhirhub.auth import staff
from fhirhub.careplan import moves, telling
from fhirhub.repository import Effect, Repository, now
from fhirhub.resources import careplan, consents
from fhirhub.resources.careplan import Json

OBJECTION = "bezwaar-vertegenwoordiging"
CHILD, ADULT = 12, 16
"""Up to the first age parents decide; up to the second the child grants the parents; from then on nobody decides for
them by being a parent."""
PARENTS = frozenset({"PRN", "PRNFOST", "NPRN", "STPPRN", "MTH", "FTH", "NMTH", "NFTH", "ADOPTP", "ADOPTM", "ADOPTF",
                     "FTHFOST", "MTHFOST", "STPFTH", "STPMTH"})  # fmt: skip
_PARENT_WORDS = frozenset({"moeder", "vader", "ouder"})


class EndWithAge:
    """What a parent may do for a child ends by itself: what is decided for the child at twelve, what the child grants
    at sixteen. The end stands in the Consent, so that it holds at every moment without anybody's doing."""

    types = frozenset({"Consent"})

    async def __call__(self, unit: Repository, effect: Effect) -> None:
        consent = moves.content(effect.after)
        if unit.asker.actor is None or consent is None:
            return
        base = moves.base_of(unit)
        decided = [
            one
            for one in consents.decisions(consent, base)
            if one.permits and one.actor.startswith("RelatedPerson/") and "/" not in one.subject
        ]
        if not decided:
            return
        last = await _last_day(unit, consent, decided)
        if last is not None and consent.get("provision", {}).get("period", {}).get("end", "9999")[:10] > last:
            period = {**consent["provision"].get("period", {}), "end": last}
            changed = {**consent, "provision": {**consent["provision"], "period": period}}
            await unit.update(changed)
        for one in decided:
            if one.represents and one.until > now():
                await staff.also(unit, one.actor, "wettelijk-vertegenwoordiger")

    async def committed(self) -> None:
        """Nothing is left to do."""


async def _last_day(unit: Repository, consent: Json, decided: list[consents.Decision]) -> str | None:
    """The day before the birthday with which it ends; None where age ends nothing."""
    patient = await moves.read(unit, f"Patient/{decided[0].subject}")
    born = str((patient or {}).get("birthDate", ""))
    if len(born) != 10:
        return None
    made = (
        consent.get("dateTime", "")[:10] or datetime.fromtimestamp(now() / 1_000_000, UTC).date().isoformat()
    )
    if made >= _birthday(born, ADULT):
        return None
    represents = any(one.represents for one in decided)
    if not represents and not any([await _is_parent(unit, one.actor) for one in decided]):
        return None
    age = CHILD if represents and made < _birthday(born, CHILD) else ADULT
    return date.fromordinal(date.fromisoformat(_birthday(born, age)).toordinal() - 1).isoformat()


def _birthday(born: str, age: int) -> str:
    year, month, day = int(born[:4]) + age, born[5:7], born[8:10]
    try:
        return date(year, int(month), int(day)).isoformat()
    except ValueError:
        return f"{year}-03-01"


async def _is_parent(unit: Repository, person: str) -> bool:
    resource = await moves.read(unit, person) or {}
    for relationship in resource.get("relationship", ()):
        if any(code in PARENTS for _, code in careplan.codings(relationship)):
            return True
        if _PARENT_WORDS & set(str(relationship.get("text", "")).lower().split()):
            return True
    return False


class TakeObjection:
    """The patient's objection to a representation is a Task for the doctor who recorded it."""

    types = frozenset({"Task"})

    async def __call__(self, unit: Repository, effect: Effect) -> None:
        move = moves.move_of(unit, effect)
        if move is None or move.by_hub or not move.comes_to("requested"):
            return
        if OBJECTION not in careplan.task_codes(move.after):
            return
        actor = unit.asker.actor
        if actor is None or actor.person != f"Patient/{move.patient}":
            raise errors.forbidden("An objection to a representation is the patient's own.")
        focus = careplan.party(move.after.get("focus"), move.base) or ""
        consent = await moves.read(unit, focus) if focus.startswith("Consent/") else None
        if consent is None or not any(one.represents for one in consents.decisions(consent, move.base)):
            raise errors.business_rule(
                "`focus` of an objection is the Consent by which somebody represents you.", "Task.focus"
            )
        doctors = [one for one in careplan.parties(consent.get("performer"), move.base)
                   if one.startswith(("Practitioner/", "PractitionerRole/"))]  # fmt: skip
        doctors += careplan.parties(consent.get("organization"), move.base)
        if move.owner not in doctors:
            named = f"`{doctors[0]}`" if doctors else "the doctor who recorded it"
            raise errors.business_rule(
                f"An objection goes to who recorded the representation: {named}.", "Task.owner"
            )
        await telling.tell(
            unit,
            patient=move.patient,
            to=doctors[:1],
            text="De patiënt maakt bezwaar tegen de vertegenwoordiging. The patient objects to the representation.",
            about=[move.name, focus],
        )

    async def committed(self) -> None:
        """Nothing is left to do."""

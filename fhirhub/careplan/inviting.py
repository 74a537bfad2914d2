"""Inviting a relative of a patient, and taking that back (RULES R18)."""

from __future__ import annotations

from typing import Any, NamedTuple

from fhirhub import errors
from fhirhub.access import Actor
from fhirhub.auth import careteam, invitations, staff
from fhirhub.careplan import ending, moves
from fhirhub.repository import Effect, Repository, now
from fhirhub.resources import careplan, document
from fhirhub.resources.relations import Kind

Json = dict[str, Any]


class Invited(NamedTuple):
    """The RelatedPerson with the code, which is shown this once, and the microsecond until which it counts."""

    person: Json
    code: str
    expires: int


async def may_invite(unit: Repository, actor: Actor, patient: str) -> None:
    """Raises `not-found` for whom the patient is nobody, `forbidden` for who is not the patient, the representative
    or of the registered practice."""
    moment = now()
    if actor.column == "patient" and actor.person == f"Patient/{patient}":
        return
    stands = False
    if actor.column == "representative" and actor.person is not None:
        stands = await careteam.stands(unit, patient, actor.person, Kind.REPRESENTATIVE, moment)
    elif actor.column in ("doctor", "treating", "backend") and actor.organization is not None:
        stands = await careteam.registered_practice(unit, patient, moment) == actor.organization
    if stands:
        return
    raise errors.forbidden(
        "A relative is invited by the patient, the representative, or the practice where the patient is registered."
    )


async def invite(
    unit: Repository, actor: Actor, patient: str, name: Json, relationship: Json, telecom: list[Json]
) -> Invited:
    """Makes the RelatedPerson and a one-time code."""
    await may_invite(unit, actor, patient)
    written = (
        await unit.create(
            {
                "resourceType": "RelatedPerson",
                "active": True,
                "patient": {"reference": f"Patient/{patient}"},
                "relationship": [relationship],
                "name": [name],
                "telecom": telecom,
            }
        )
    ).stored
    code, expires = await invitations.make(unit, patient, f"RelatedPerson/{written.id}", now() // 1_000_000)
    assert written.body is not None
    return Invited(document.decode(written.body), code, expires * 1_000_000)


class TakeBack:
    """A RelatedPerson who is no longer active is nobody here: the code counts no more, nobody signs in as them, and
    what they took part in ends (RULES R10)."""

    types = frozenset({"RelatedPerson"})

    async def __call__(self, unit: Repository, effect: Effect) -> None:
        if unit.asker.actor is None or effect.before is None:
            return
        if effect.after.body is not None and document.decode(effect.after.body).get("active") is not False:
            return
        person = f"RelatedPerson/{effect.after.id}"
        await invitations.withdraw(unit, person)
        await staff.close(unit, person)
        before = moves.content(effect.before)
        patient = careplan.patient_of(before or {}, moves.base_of(unit))
        if patient is not None:
            await ending.end_participation(unit, patient, person, "withdrawn", now())

    async def committed(self) -> None:
        """Nothing is left to do."""

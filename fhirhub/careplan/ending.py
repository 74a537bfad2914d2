"""When a participation ends: its open Tasks are cancelled, and those whom it concerns are told (RULES R10)."""

from __future__ import annotations

from fhirhub.auth import careteam
from fhirhub.careplan import agreement, coordination, moves, parties, team, telling
from fhirhub.repository import Repository
from fhirhub.resources import careplan, document
from fhirhub.resources.careplan import Json
from fhirhub.resources.relations import Kind

_WHY = {
    "block": ("de patiënt wil het niet meer", "the patient objects"),
    "withdrawn": ("de toestemming is ingetrokken", "the agreement was withdrawn"),
    "expired": ("de toestemming is voorbij", "the agreement has ended"),
    "move": ("de patiënt is verhuisd", "the patient moved to another practice"),
    "death": ("de patiënt is overleden", "the patient died"),
}
"""By reason, as people read it in Dutch and English."""


async def end_participation(unit: Repository, patient: str, actor: str, why: str, now: int) -> None:
    """Ends at `now` what `actor` (`Organization/x` with its people, `Practitioner/x`, `PractitionerRole/x` or
    `RelatedPerson/x`) takes part in for the patient of that id, in the transaction of `unit`, the hub's own. `why` is
    `block`, `withdrawn`, `expired`, `move` or `death`. Nothing happens where it takes part in nothing."""
    patient = patient.removeprefix("Patient/")
    whose = await _all_of(unit, actor, now)
    for kind in (Kind.MEMBER, Kind.COVER, Kind.GLASS):
        await careteam.close_to(unit, patient, actor, kind, now)
    for shared in await team.plans_of(unit, patient, now):
        functions = [one for one in team.FUNCTIONS if shared.last_holder(one, now) in whose]
        for party in sorted(whose):
            shared.leave(party, now)
        if why != "death":
            for function in functions:
                await coordination.drop_out(unit, shared, function, now)
        await shared.save(unit)
    stopped = await _cancel(unit, patient, whose, "patient-died" if why == "death" else "participation-ended")
    await _tell(unit, patient, actor, stopped, why, now)


async def let_stay(unit: Repository, patient: str, party: str, now: int) -> None:
    """Lets a participation go on for as long as the agreement now lasts (RULES R16)."""
    until = await agreement.until(unit, patient, party, now)
    for shared in await team.plans_of(unit, patient, now):
        shared.stay(party, now, until)
        await shared.save(unit)


async def end_plan(unit: Repository, shared: team.Shared, now: int) -> None:
    """Ends every participation in a plan that ended, and what was still asked in it."""
    members = [one for one in shared.members(now) if not one.startswith("Patient/")]
    shared.end(now)
    if not shared.plan.get("period", {}).get("end"):
        shared.plan["period"] = {**shared.plan.get("period", {}), "end": document.instant(now)}
    await shared.save(unit)
    for task in await moves.found(
        unit, "Task", ("based-on", shared.name), ("status", ",".join(careplan.OPEN))
    ):
        await _cancel_one(unit, task, "plan-ended")
    await telling.tell(
        unit,
        patient=shared.patient,
        to=[f"Patient/{shared.patient}", *members],
        text="Het zorgplan is beëindigd. The care plan has ended.",
        about=[shared.name],
    )


async def told(unit: Repository, patient: str, now: int) -> list[str]:
    """The patient, who represents them, and the coordinators of their plans."""
    found = [f"Patient/{patient}", *await careteam.representatives(unit, patient, now)]
    for shared in await team.plans_of(unit, patient, now):
        coordinator = shared.holder(careplan.COORDINATOR, now)
        if coordinator is not None:
            found.append(coordinator)
    return list(dict.fromkeys(found))


async def _all_of(unit: Repository, actor: str, now: int) -> set[str]:
    """A party with those who take part for it: the people of an organisation who work nowhere else, and the roles of
    a person."""
    found = {actor}
    if actor.startswith("Organization/"):
        for one in await careteam.people_of(unit, actor):
            if one.startswith("PractitionerRole/") or (
                one.startswith("Practitioner/") and await careteam.organizations_of(unit, one, now) == [actor]
            ):
                found.add(one)
    elif actor.startswith("Practitioner/"):
        found.update(await careteam.roles_of_person(unit, actor))
    return found


async def _cancel(unit: Repository, patient: str, whose: set[str], reason: str) -> list[Json]:
    """Cancels the open Tasks of these owners; they."""
    stopped = await _open_of(unit, patient, whose)
    for task in stopped:
        await _cancel_one(unit, task, reason)
    return stopped


async def stops(unit: Repository, patient: str, actor: str, now: int) -> list[Json]:
    """The Tasks that would be cancelled if the participation of `actor` ended: the help that would stop."""
    return await _open_of(unit, patient, await _all_of(unit, actor, now))


async def _open_of(unit: Repository, patient: str, whose: set[str]) -> list[Json]:
    """The open Tasks about the patient of these owners."""
    base = moves.base_of(unit)
    found = await moves.found(
        unit, "Task", ("patient", f"Patient/{patient}"), ("status", ",".join(careplan.OPEN))
    )
    return [one for one in found if careplan.party(one.get("owner"), base) in whose]


async def _cancel_one(unit: Repository, task: Json, reason: str) -> None:
    now_there = await moves.read(unit, f"Task/{task['id']}")
    if now_there is not None and now_there.get("status") in careplan.OPEN:
        reasons = careplan.own_code("task-reason", reason)
        await unit.update({**now_there, "status": "cancelled", "statusReason": reasons})


async def _tell(unit: Repository, patient: str, actor: str, stopped: list[Json], why: str, now: int) -> None:
    """The patient, requesters and coordinator hear which help stopped; the ended party each Task's id and the moment
    alone."""
    if not stopped:
        return
    base, at = moves.base_of(unit), document.instant(now)
    names = set(await parties.names(unit, actor, now))
    to = [one for one in await told(unit, patient, now) if why != "death" or not one.startswith("Patient/")]
    for task in stopped:
        requester = careplan.party(task.get("requester"), base)
        if requester is not None:
            to.append(requester)
    dutch, english = _WHY[why]
    called = await parties.called(unit, actor)
    text = f"De hulp van {called} is gestopt: {dutch}. The help of {called} has stopped: {english}."
    await telling.tell(
        unit,
        patient=patient,
        to=[one for one in to if one not in names],
        text=text,
        about=[f"Task/{task['id']}" for task in stopped],
    )
    for task in stopped:
        ended = f"Task/{task['id']} is beëindigd op {at}. Task/{task['id']} ended at {at}."
        await telling.tell(unit, patient=None, to=[actor], text=ended)

"""Registration with a practice, moving to another one, and its end (RULES R5, R6).

`Patient/$register` and `$deregister` alone change `generalPractitioner`. To another practice a patient moves by
agreeing: completing the Task that `$register` places.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from fhirhub import errors
from fhirhub.access import Actor
from fhirhub.auth import careteam, consent, staff
from fhirhub.careplan import identity, team
from fhirhub.careplan.ending import end_participation
from fhirhub.careplan.telling import tell
from fhirhub.repository import Effect, Repository, now
from fhirhub.resources import careplan, document, guide
from fhirhub.resources.relations import ALWAYS, Kind
from fhirhub.store.index.string import fold
from fhirhub.store.request import parse

Json = dict[str, Any]

CONFIRM = "inschrijving-bevestigen"
"""The Task by which a patient agrees to another practice."""
CHECK_IDENTITY = "identiteit-controleren"
"""The Task by which an administrator looks into data that differ."""
HAND_OVER = "coordinatie-overdragen"
WAITING = ("requested", "received", "accepted", "in-progress", "on-hold")
AGREED = frozenset({"accepted", "in-progress", "completed"})


class Wanted(NamedTuple):
    """Whom a care provider registers."""

    bsn: str
    birth_date: str
    name: Json
    check: Json
    """How identity was checked, a CodeableConcept."""


class Registered(NamedTuple):
    """What came of it: 201 made, 200 found, 202 waits for the patient, 409 the data differ."""

    status: int
    resource: Json


async def register(unit: Repository, actor: Actor, wanted: Wanted, *, practice: bool) -> Registered:
    """Finds or makes the Patient for the actor's organisation, which registers patients or does not."""
    assert actor.organization is not None
    await identity.hold(unit, [wanted.bsn])
    found = await identity.of_bsn(unit, [wanted.bsn])
    if not found:
        return await _made(unit, actor, wanted, practice=practice)
    if len(found) > 1 or not _is_same(found[0], wanted):
        await _check_identity(unit, actor, [one["id"] for one in found])
        return Registered(409, {})
    patient = found[0]
    if not practice:
        await _know(unit, patient["id"], actor.organization)
        return Registered(200, _as_told(wanted, patient["id"]))
    if await careteam.registered_practice(unit, patient["id"], now()) == actor.organization:
        said = await consent.answer(
            unit.transaction, unit.tenant.number, patient["id"], sorted(actor.names), now(), provider=True
        )
        # Who is blocked sees nothing (R17), of what they register either.
        return Registered(200, _as_told(wanted, patient["id"]) if said == "refused" else patient)
    return Registered(202, await _ask(unit, patient["id"], actor.organization))


async def deregister(unit: Repository, patient: str, practice: str) -> Json:
    """Ends the registration with the practice where the patient is registered."""
    if await careteam.registered_practice(unit, patient, now()) != practice:
        raise errors.business_rule(
            "The patient is not registered with your practice: there is nothing to end."
        )
    changed = await _put_practice(unit, patient, None)
    await end_participation(unit, patient, practice, "move", now())
    await tell(
        unit,
        patient=patient,
        to=[f"Patient/{patient}", practice],
        text=f"De inschrijving bij {await called(unit, practice)} is beëindigd.",
    )
    return changed


class TakeOver:
    """The practice that asked becomes the patient's when the patient agrees (R5)."""

    types = frozenset({"Task"})

    async def __call__(self, unit: Repository, effect: Effect) -> None:
        if effect.by_hub or unit.asker.actor is None or effect.after.body is None:
            return
        task = document.decode(effect.after.body)
        if code_of(task) != CONFIRM or task.get("status") not in AGREED:
            return
        before = document.decode(effect.before.body) if effect.before and effect.before.body else {}
        if before.get("status") in AGREED:
            return
        patient = task["for"]["reference"].removeprefix("Patient/")
        await take_over(unit, patient, task["requester"]["reference"])
        if task["status"] != "completed":
            await unit.update({**task, "status": "completed"})

    async def committed(self) -> None:
        """Nothing is left to do."""


async def take_over(unit: Repository, patient: str, practice: str) -> None:
    """The practice replaces the one before: its participation ends, coordination and open Tasks pass by Task."""
    before = await careteam.registered_practice(unit, patient, now())
    if before == practice:
        return
    await _put_practice(unit, patient, practice)
    name = await called(unit, practice)
    whom = [f"Patient/{patient}", practice]
    if before is not None:
        whom.append(before)
        passing = await _open_tasks(unit, patient, before)
        plans = await team.plans_of(unit, patient, now())
        coordinates = any(one.holder(careplan.COORDINATOR, now()) == before for one in plans)
        await end_participation(unit, patient, before, "move", now())
        for task in passing:
            await unit.create(_passed_on(task, practice))
        if coordinates:
            await unit.create(
                hub_task(HAND_OVER, patient, practice, "Neem de coördinatie van het plan over.")
            )
    await tell(unit, patient=patient, to=whom, text=f"De vaste huisartsenpraktijk is nu {name}.")


def code_of(task: Json) -> str | None:
    """The code of a Task among the hub's own kinds."""
    system = guide.url("CodeSystem", "task")
    codings = task.get("code", {}).get("coding", ())
    return next((one.get("code") for one in codings if one.get("system") == system), None)


async def _made(unit: Repository, actor: Actor, wanted: Wanted, *, practice: bool) -> Registered:
    assert actor.organization is not None
    patient: Json = {
        "resourceType": "Patient",
        "active": True,
        "identifier": [{"system": identity.BSN, "value": wanted.bsn}],
        "name": [wanted.name],
        "birthDate": wanted.birth_date,
    }
    if practice:
        patient["generalPractitioner"] = [{"reference": actor.organization}]
    written = (await unit.create(patient)).stored
    await unit.create(
        {
            "resourceType": "Provenance",
            "target": [{"reference": f"Patient/{written.id}/_history/{written.version}"}],
            "recorded": document.instant(now()),
            "reason": [wanted.check],
            "agent": [
                {
                    "who": {"reference": actor.person or actor.organization},
                    **({"onBehalfOf": {"reference": actor.organization}} if actor.person else {}),
                }
            ],
        }
    )
    if not practice:
        await _know(unit, written.id, actor.organization)
    assert written.body is not None
    return Registered(201, document.decode(written.body))


def _is_same(patient: Json, wanted: Wanted) -> bool:
    same_family = fold(str(wanted.name.get("family", ""))) in identity.families(patient)
    return patient.get("birthDate") == wanted.birth_date and same_family


def _as_told(wanted: Wanted, id: str) -> Json:
    """The Patient with nothing in it but what was told."""
    tag = {"system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue", "code": "SUBSETTED"}
    return {
        "resourceType": "Patient",
        "id": id,
        "meta": {"tag": [tag]},
        "identifier": [{"system": identity.BSN, "value": wanted.bsn}],
        "name": [wanted.name],
        "birthDate": wanted.birth_date,
    }


async def _know(unit: Repository, patient: str, organization: str) -> None:
    """Lets the organisation name the patient in what it asks, and see nothing."""
    if not await careteam.stands(unit, patient, organization, Kind.KNOWS, now()):
        await careteam.open_to(unit, patient, organization, Kind.KNOWS, now(), ALWAYS[1])


async def _ask(unit: Repository, patient: str, practice: str) -> Json:
    """The Task by which the patient agrees; the one that waits already where there is one."""
    for task in await _tasks(unit, patient, [("requester", practice), ("status", ",".join(WAITING))]):
        if code_of(task) == CONFIRM:
            return task
    text = f"{await called(unit, practice)} wil uw vaste huisartsenpraktijk worden. Gaat u akkoord?"
    task = {
        **hub_task(CONFIRM, patient, f"Patient/{patient}", text),
        "requester": {"reference": practice},
    }
    written = (await unit.create(task)).stored
    await tell(unit, patient=patient, to=[f"Patient/{patient}"], text=text, about=[f"Task/{written.id}"])
    assert written.body is not None
    return document.decode(written.body)


async def _check_identity(unit: Repository, actor: Actor, patients: list[str]) -> None:
    """An administrator looks into it; who asked sees nothing of that."""
    owners = await staff.in_role(unit, "beheerder")
    who = " ".join(one for one in (actor.person, actor.organization) if one)
    task = hub_task(CHECK_IDENTITY, None, owners[0] if owners else None, "")
    task |= {
        "focus": {"reference": f"Patient/{patients[0]}"},
        "description": f"Inschrijving gevraagd door {who}: geboortedatum of achternaam is hier anders.",
    }
    await unit.create(task)


async def _put_practice(unit: Repository, patient: str, practice: str | None) -> Json:
    stored = await unit.read("Patient", patient)
    assert stored.body is not None
    changed = document.decode(stored.body)
    changed.pop("generalPractitioner", None)
    if practice is not None:
        changed["generalPractitioner"] = [{"reference": practice}]
    written = (await unit.update(changed)).stored
    assert written.body is not None
    return document.decode(written.body)


async def _open_tasks(unit: Repository, patient: str, owner: str) -> list[Json]:
    return await _tasks(unit, patient, [("owner", owner), ("status", ",".join(WAITING))])


async def _tasks(unit: Repository, patient: str, query: list[tuple[str, str]]) -> list[Json]:
    request = parse("Task", [("patient", patient), *query, ("_count", "1000")], unit.parameters)
    return [document.decode(one.body) for one in await unit.all_matches(request) if one.body is not None]


def _passed_on(task: Json, owner: str) -> Json:
    """The same asked of somebody else."""
    kept = ("resourceType", "intent", "priority", "code", "description", "focus", "for", "basedOn", "input",
            "requester", "reasonCode", "reasonReference", "restriction")  # fmt: skip
    made = {name: task[name] for name in kept if name in task}
    return {
        **made,
        "status": "requested",
        "authoredOn": document.instant(now()),
        "owner": {"reference": owner},
    }


def hub_task(code: str, patient: str | None, owner: str | None, text: str) -> Json:
    """A Task that a rule places, of one of the guide's codes."""
    return {
        "resourceType": "Task",
        "status": "requested",
        "intent": "order",
        "code": {"coding": [{"system": guide.url("CodeSystem", "task"), "code": code}]},
        **({"description": text} if text else {}),
        **({"for": {"reference": f"Patient/{patient}"}} if patient is not None else {}),
        "authoredOn": document.instant(now()),
        **({"owner": {"reference": owner}} if owner is not None else {}),
    }


async def called(unit: Repository, reference: str) -> str:
    """What an organisation or person is called."""
    type, _, id = reference.partition("/")
    stored = await unit.find(type, id)
    resource = document.decode(stored.body) if stored is not None and stored.body is not None else {}
    name = resource.get("name")
    if isinstance(name, str):
        return name
    first = name[0] if name else {}
    return str(
        first.get("text") or " ".join([*first.get("given", ()), first.get("family", "")]).strip() or reference
    )

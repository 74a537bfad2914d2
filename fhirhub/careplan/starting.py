"""A Task without a plan starts one: plan and team come with it, in the same transaction (RULES R7, R9)."""

from __future__ import annotations

from fhirhub import errors
from fhirhub.auth import careteam
from fhirhub.careplan import identity, knowing, moves, parties, team
from fhirhub.careplan.moves import Move
from fhirhub.careplan.workflow import PLANLESS
from fhirhub.repository import Effect, Repository, now
from fhirhub.resources import careplan, document, guide
from fhirhub.resources.careplan import Json
from fhirhub.resources.masking import BSN_SYSTEMS
from fhirhub.store import request as requests


class NamePatient:
    """The rule that gives a Task whose patient is named by BSN alone the reference too: before others look at it."""

    types = frozenset({"Task"})

    async def __call__(self, unit: Repository, effect: Effect) -> None:
        move = moves.move_of(unit, effect)
        if move is None or move.by_hub or not move.is_placing or move.patient is not None:
            return
        task = move.after
        if careplan.is_about_patient(task, move.base):
            task["for"] = {**task["for"], "reference": f"Patient/{await _meant(unit, task['for'])}"}
            await unit.amend("Task", move.id, task)

    async def committed(self) -> None:
        """Nothing waits for it."""


class StartPlan:
    """The rule that makes plan and team for the Task that starts them."""

    types = frozenset({"Task"})

    async def __call__(self, unit: Repository, effect: Effect) -> None:
        move = moves.move_of(unit, effect)
        if move is None or move.by_hub or not move.is_placing:
            return
        if not careplan.is_about_patient(move.after, move.base):
            return
        task = move.after
        if move.status == "draft" or move.is_part or task.get("basedOn"):
            return
        if careplan.task_codes(task) & PLANLESS:
            return
        await _check_starter(unit, move)
        if not await knowing.begins(unit, move, now()):
            return
        assert move.patient is not None
        assert move.requester is not None
        plan = await start(unit, move.patient, move.requester, now(), task=move.name)
        await unit.amend("Task", move.id, {**task, "basedOn": [careplan.to(plan)]})

    async def committed(self) -> None:
        """Nothing waits for it."""


async def start(unit: Repository, patient: str, starter: str, now: int, task: str | None = None) -> str:
    """Makes a plan with its team, in which the patient and the starter are; `CarePlan/x`."""
    made = await team.with_starter(unit, team.new_team(patient, now), starter, now)
    own = (await unit.create(made)).stored
    plan: Json = {
        "resourceType": "CarePlan",
        "meta": {"profile": [guide.url("StructureDefinition", "SharedCarePlan")]},
        "status": "active",
        "intent": "plan",
        "category": [
            {"coding": [{"system": careplan.SNOMED, "code": careplan.SHARED}], "text": "Gezamenlijk zorgplan"}
        ],
        "title": "Gezamenlijk zorgplan",
        "subject": careplan.to(f"Patient/{patient}"),
        "period": {"start": document.instant(now)},
        "created": document.instant(now),
        "author": careplan.to(starter),
        "careTeam": [careplan.to(f"CareTeam/{own.id}")],
    }
    if task is not None:
        plan["activity"] = [{"reference": careplan.to(task)}]
    return f"CarePlan/{(await unit.create(plan)).stored.id}"


async def _meant(unit: Repository, whom: Json) -> str:
    """The id of the patient of an identifier, whom who asked may see."""
    identifier = whom["identifier"]
    asker = unit.as_asker()
    system, value = str(identifier.get("system", "")), str(identifier.get("value", ""))
    systems = BSN_SYSTEMS if system in BSN_SYSTEMS else (system,)
    tokens = ",".join(identity.escaped(f"{one}|{value}") for one in systems)
    asked = requests.parse("Patient", [("identifier", tokens)], asker.parameters)
    found = (await asker.search(asked.only(2))).matches
    if len(found) != 1:
        known = await knowing.named(unit, identifier)
        if known is not None:
            return known
        raise errors.business_rule(
            "`for` names nobody that you may see. Give the BSN or the reference of a patient who is registered with "
            "you (`Patient/$register`), or in whose plan you take part.",
            "Task.for",
        )
    return found[0].id


async def _check_starter(unit: Repository, move: Move) -> None:
    actor = unit.asker.actor
    requester = move.requester or ""
    if actor is None or actor.organization is None or requester.startswith(parties.AT_HOME):
        raise errors.business_rule(
            "A plan is begun by an organisation of this hub; place your Task on a plan that there is: `basedOn`.",
            "Task.basedOn",
        )
    if not actor.provider:
        raise errors.business_rule("A plan is begun by a care provider.", "Task.requester")
    assert move.patient is not None
    if await careteam.broke_the_glass(unit, move.patient, now()) and not await parties.takes_part(
        unit, move.patient, now()
    ):
        raise errors.forbidden("Breaking the glass lets you read; a plan is begun by who treats the patient.")

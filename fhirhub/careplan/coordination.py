"""Exactly one coordinator, and one who is in charge: handing over is a Task (RULES R9, R30)."""

from __future__ import annotations

from fhirhub import errors
from fhirhub.auth import careteam, consent
from fhirhub.careplan import moves, parties, telling
from fhirhub.careplan.moves import Move
from fhirhub.careplan.team import Shared
from fhirhub.repository import Effect, Repository
from fhirhub.resources import careplan, document, guide
from fhirhub.resources.careplan import COORDINATOR, IN_CHARGE, Json

MOVED_BY = {"coordinatie-overdragen": COORDINATOR, "overname": IN_CHARGE, "terugverwijzing": IN_CHARGE}
"""By the code of a Task, the function that its acceptance moves to its owner."""
CHOOSING = "coordinator-kiezen"
"""The Task by which the patient is asked who is to coordinate."""


class CheckHandOver:
    """The rule that lets a function be handed over by who has it, one at a time."""

    types = frozenset({"Task"})

    async def __call__(self, unit: Repository, effect: Effect) -> None:
        move = moves.move_of(unit, effect)
        if move is None or move.by_hub or move.is_part or not move.comes_to("requested"):
            return
        plan = await moves.plan_of(unit, move.after)
        codes = careplan.task_codes(move.after) & MOVED_BY.keys()
        if not codes or plan is None or move.patient is None:
            return
        if move.owner is not None and move.owner.startswith(parties.QUEUE):
            raise errors.business_rule("A function is handed over to somebody, not to a queue.", "Task.owner")
        for code in codes:
            await _check_alone(unit, move, plan, code)

    async def committed(self) -> None:
        """Nothing waits for it."""


async def _check_alone(unit: Repository, move: Move, plan: str, code: str) -> None:
    await unit.transaction.lock_names(unit.tenant.number, [f"{code} {plan}"])
    for other in await moves.found(unit, "Task", ("based-on", plan), ("status", "requested,received,ready")):
        if other["id"] != move.id and code in careplan.task_codes(other):
            raise errors.business_rule(
                f"Task/{other['id']} hands this over already, and there is one {MOVED_BY[code]} at a time: cancel "
                "that one first.",
                "Task.code",
            )


async def accept(unit: Repository, shared: Shared, move: Move, now: int) -> list[str]:
    """Moves what an accepted Task hands over; who had it, and may have nothing left to do. Raises where who asked for
    it does not have it."""
    released: list[str] = []
    for code in sorted(careplan.task_codes(move.after) & MOVED_BY.keys()):
        function = MOVED_BY[code]
        assert move.owner is not None
        await _check_mine(unit, shared, move, function, now)
        organization = await parties.organization_of(unit, move.owner, now)
        roles = await parties.roles_of(unit, move.owner, organization)
        before = shared.give(function, move.owner, roles, now)
        if before is not None and before != move.owner:
            released.append(before)
        if function == COORDINATOR:
            await _chosen(unit, shared)
    return released


async def _check_mine(unit: Repository, shared: Shared, move: Move, function: str, now: int) -> None:
    holder = shared.holder(function, now)
    requester = move.requester or ""
    if holder is None or requester.startswith(parties.AT_HOME):
        return
    names = set(await parties.names(unit, requester, now))
    practice = await careteam.registered_practice(unit, shared.patient, now)
    if practice in names or not names.isdisjoint(await parties.names(unit, holder, now)):
        return
    raise errors.business_rule(
        f"The {function} is {holder}: they hand that over, or the patient or the registered practice does.",
        "Task.requester",
    )


async def drop_out(unit: Repository, shared: Shared, function: str, now: int) -> None:
    """Gives a function that nobody has any more to the registered practice; where that is blocked, or there is none,
    the patient is asked."""
    practice = await careteam.registered_practice(unit, shared.patient, now)
    if practice is not None and not await _is_blocked(unit, shared.patient, practice, now):
        shared.give(function, practice, await parties.roles_of(unit, practice, practice), now)
        await telling.tell(
            unit,
            patient=shared.patient,
            to=[practice],
            text=f"U bent nu {function} van dit zorgplan. You are now {function} of this care plan.",
            about=[shared.name],
        )
    elif function == COORDINATOR:
        await _ask(unit, shared, now)


async def _is_blocked(unit: Repository, patient: str, practice: str, now: int) -> bool:
    said = await consent.answer(unit, unit.tenant.number, patient, [practice], now, provider=True)
    return said == "refused"


async def _ask(unit: Repository, shared: Shared, now: int) -> None:
    """The plan says that it has no coordinator, and a Task asks the patient for one."""
    _unsay(shared)
    shared.plan.setdefault("extension", []).append({"url": _url(), "valueCode": "none"})
    if await _asking(unit, shared):
        return
    who = careplan.to(f"Patient/{shared.patient}")
    await unit.create(
        {
            "resourceType": "Task",
            "basedOn": [careplan.to(shared.name)],
            "status": "requested",
            "intent": "order",
            "code": careplan.own_code("task", CHOOSING),
            "description": "Uw zorgplan heeft geen coördinator meer. Kies wie dat wordt: vraag het die persoon met een "
            "taak `coordinatie-overdragen`. Your plan has no coordinator; choose one by a Task.",
            "for": who,
            "authoredOn": document.instant(now),
            "requester": who,
            "owner": who,
        }
    )


async def _chosen(unit: Repository, shared: Shared) -> None:
    _unsay(shared)
    for one in await _asking(unit, shared):
        await unit.update({**one, "status": "completed"})


async def _asking(unit: Repository, shared: Shared) -> list[Json]:
    found = await moves.found(
        unit, "Task", ("based-on", shared.name), ("status", "requested,accepted,in-progress,on-hold")
    )
    return [one for one in found if CHOOSING in careplan.task_codes(one)]


def _unsay(shared: Shared) -> None:
    left = [one for one in shared.plan.get("extension", ()) if one.get("url") != _url()]
    if left:
        shared.plan["extension"] = left
    else:
        shared.plan.pop("extension", None)


def _url() -> str:
    return guide.url("StructureDefinition", "plan-coordinator")

"""Who takes part follows from the work: which state of a Task makes its owner a participant, and until when
(RULES R7, R28, R30; https://hl7.org/fhir/R4/careteam.html).

| Task becomes | owner is a participant | period |
|---|---|---|
| requested, received, ready, rejected | no, unless another Task made them one | |
| accepted, in-progress, on-hold | yes | from its acceptance |
| completed, failed, cancelled | until then, unless another Task of theirs goes on | ends at that moment |

The patient always takes part. Who is coordinator or in charge stays until that is handed over, and who hands nursing
over until that is accepted. A return is a new entry.
"""

from __future__ import annotations

from fhirhub.careplan import agreement, coordination, moves, parties, team
from fhirhub.careplan.moves import Move
from fhirhub.careplan.team import Shared
from fhirhub.repository import Effect, Repository, now
from fhirhub.resources import careplan
from fhirhub.resources.careplan import Json

HAND_OVER = "overdracht"
"""The Task of a nursing hand-over: its sender stays until it is accepted (RULES R30)."""


class KeepTeam:
    """The rule that keeps team and plan up with each Task of the plan."""

    types = frozenset({"Task"})

    async def __call__(self, unit: Repository, effect: Effect) -> None:
        move = moves.move_of(unit, effect)
        if move is None or move.is_part or move.status in ("draft", "entered-in-error"):
            return
        if move.was == move.status and move.owner == move.party("owner", before=True):
            return
        plan = await moves.plan_of(unit, move.after)
        moment = now()
        shared = await team.shared(unit, plan, moment) if plan is not None else None
        if shared is None or shared.has_ended:
            return
        shared.note(move.name)
        await _follow(unit, shared, move, moment)
        await shared.save(unit)

    async def committed(self) -> None:
        """Nothing waits for it."""


async def _follow(unit: Repository, shared: Shared, move: Move, now: int) -> None:
    before = move.party("owner", before=True)
    is_on, was_on = move.status in careplan.UNDER_WAY, move.was in careplan.UNDER_WAY
    released: list[str | None] = []
    if is_on and not (was_on and before == move.owner):
        await _join(unit, shared, move, now)
        if shared.is_new:
            for function in team.FUNCTIONS:
                await coordination.drop_out(unit, shared, function, now)
        if not was_on:
            released += await coordination.accept(unit, shared, move, now)
            if HAND_OVER in careplan.task_codes(move.after):
                released += await _of_sender(unit, shared, move, now)
    if was_on and not (is_on and before == move.owner):
        released.append(before)
    if move.status == "cancelled" and HAND_OVER in careplan.task_codes(move.after):
        released += await _of_sender(unit, shared, move, now)
    for party in dict.fromkeys(released):
        if party is not None:
            await release(unit, shared, party, now)


async def _join(unit: Repository, shared: Shared, move: Move, now: int) -> None:
    owner = move.owner
    if owner is None or owner.startswith((parties.QUEUE, "Patient/")):
        return
    organization = await parties.organization_of(unit, owner, now)
    until = await agreement.until(unit, shared.patient, owner, now)
    shared.join(owner, await parties.roles_of(unit, owner, organization), now, until)


async def release(unit: Repository, shared: Shared, party: str, now: int) -> None:
    """Ends a participation for which no ground is left."""
    if party.startswith("Patient/"):
        return
    if any(
        careplan.has_function(one, function)
        for one in shared.entries(party, now)
        for function in team.FUNCTIONS
    ):
        return
    if await _has_work(unit, shared, party) or await _hands_over(unit, shared, party, now):
        return
    shared.leave(party, now)


async def _has_work(unit: Repository, shared: Shared, party: str) -> bool:
    """Whether a Task of theirs goes on in this plan."""
    found = await moves.found(
        unit,
        "Task",
        ("based-on", shared.name),
        ("owner", party),
        ("status", ",".join(careplan.UNDER_WAY)),
    )
    return any(not one.get("partOf") for one in found)


async def _hands_over(unit: Repository, shared: Shared, party: str, now: int) -> bool:
    """Whether the last nursing hand-over that they asked for has not been accepted, nor given up."""
    names = set(await parties.names(unit, party, now))
    base = moves.base_of(unit)
    asked = []
    for one in await moves.found(unit, "Task", ("based-on", shared.name)):
        requester = careplan.party(one.get("requester"), base)
        if requester is None or HAND_OVER not in careplan.task_codes(one):
            continue
        if not names.isdisjoint(await parties.names(unit, requester, now)):
            asked.append(one)
    return bool(asked) and max(asked, key=_newest).get("status") in (
        "requested",
        "received",
        "ready",
        "rejected",
    )


async def _of_sender(unit: Repository, shared: Shared, move: Move, now: int) -> list[str]:
    """The members that are of the organisation which hands nursing over."""
    names = set(await parties.names(unit, move.requester or "", now))
    return [one for one in shared.members(now) if not names.isdisjoint(await parties.names(unit, one, now))]


def _newest(task: Json) -> tuple[str, str]:
    return str(task.get("authoredOn", "")), str(task["id"])

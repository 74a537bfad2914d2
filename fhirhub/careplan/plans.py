"""What may become of a plan: who starts one has a team, and it ends once (RULES R7, R21)."""

from __future__ import annotations

from fhirhub import errors
from fhirhub.auth import careteam
from fhirhub.careplan import ending, moves, parties, team
from fhirhub.careplan.team import ENDED
from fhirhub.repository import Effect, Repository, now
from fhirhub.resources import careplan, document
from fhirhub.resources.careplan import Json


class KeepPlan:
    """The rule that gives a new plan its team, keeps its Tasks, and ends what hangs on it."""

    types = frozenset({"CarePlan"})

    async def __call__(self, unit: Repository, effect: Effect) -> None:
        actor = unit.asker.actor
        plan, before = moves.content(effect.after), moves.content(effect.before)
        if actor is None or actor.column == "hub" or effect.by_hub or plan is None:
            return
        if before is None:
            await _begin(unit, plan)
            return
        if before.get("status") in ENDED and plan.get("status") not in ENDED:
            raise errors.business_rule("A plan that ended stays ended; begin another.", "CarePlan.status")
        if before.get("careTeam", []) != plan.get("careTeam", []):
            raise errors.business_rule(
                "`careTeam` of a plan is kept by the hub: who is in it follows from Tasks.",
                "CarePlan.careTeam",
            )
        await _keep_tasks(unit, before, plan)
        if plan.get("status") in ENDED and before.get("status") not in ENDED:
            shared = await team.shared(unit, f"CarePlan/{plan['id']}", now())
            if shared is not None:
                await ending.end_plan(unit, shared, now())

    async def committed(self) -> None:
        """Nothing waits for it."""


async def _begin(unit: Repository, plan: Json) -> None:
    """A shared plan that is made without a team gets one, with who made it."""
    base = moves.base_of(unit)
    patient = careplan.patient_of(plan, base)
    codes = {code for _, code in careplan.codings(plan.get("category"))}
    if patient is None or plan.get("careTeam") or plan.get("status") in ENDED or careplan.SHARED not in codes:
        return
    author = careplan.party(plan.get("author"), base)
    asker = unit.asker
    own = [one for one in asker.caller.names if one.startswith("PractitionerRole/")]
    starter = author if await careteam.acts_as(unit, author) else None
    starter = starter or next(iter(own), None) or asker.caller.organization
    if starter is None or starter.startswith(parties.AT_HOME):
        return
    made = await team.with_starter(unit, team.new_team(patient, now()), starter, now())
    stored = (await unit.create(made)).stored
    await unit.amend("CarePlan", plan["id"], {**plan, "careTeam": [careplan.to(f"CareTeam/{stored.id}")]})


async def _keep_tasks(unit: Repository, before: Json, plan: Json) -> None:
    """Who writes a plan from an older copy takes no Task out of it."""
    base = moves.base_of(unit)

    def tasks(of: Json) -> dict[str, Json]:
        found = {
            careplan.party(one.get("reference"), base): one
            for one in of.get("activity", ())
            if one.get("reference")
        }
        return {name: one for name, one in found.items() if name is not None and name.startswith("Task/")}

    lost = [one for name, one in tasks(before).items() if name not in tasks(plan)]
    if lost:
        plan["activity"] = [*plan.get("activity", ()), *lost]
        await unit.amend("CarePlan", plan["id"], document.decode(document.encode(plan)))

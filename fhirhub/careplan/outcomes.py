"""What a Task brought, in the plan: feedback of a referral becomes an outcome of its activity
(https://hl7.org/fhir/R4/careplan-definitions.html#CarePlan.activity.outcomeReference).

The other side needs only its Task: what it writes there as output, the hub puts into the plan.
"""

from __future__ import annotations

from fhirhub.careplan import moves, team
from fhirhub.repository import Effect, Repository, now
from fhirhub.resources import careplan
from fhirhub.resources.careplan import Json

FEEDBACK, REPORT = "terugkoppeling", "verslag"


class TakeOutcome:
    """The rule that puts the feedback and reports of a Task into the outcomes of its activity."""

    types = frozenset({"Task"})

    async def __call__(self, unit: Repository, effect: Effect) -> None:
        move = moves.move_of(unit, effect)
        if move is None or move.is_part or not move.after.get("output"):
            return
        if move.before is not None and move.before.get("output") == move.after.get("output"):
            return
        plan = await moves.plan_of(unit, move.after)
        shared = await team.shared(unit, plan, now()) if plan is not None else None
        if shared is None:
            return
        for activity in shared.plan.get("activity", ()):
            if careplan.party(activity.get("reference"), moves.base_of(unit)) == move.name:
                _tell(activity, move.after)
        await shared.save(unit)

    async def committed(self) -> None:
        """Nothing waits for it."""


def _tell(activity: Json, task: Json) -> None:
    for code in (FEEDBACK, REPORT):
        for output in careplan.part(task, "output", code):
            if "valueReference" in output:
                _add(activity, "outcomeReference", output["valueReference"])
            elif "valueString" in output:
                _add(activity, "outcomeCodeableConcept", {"text": output["valueString"]})


def _add(activity: Json, name: str, outcome: Json) -> None:
    found = activity.setdefault(name, [])
    if outcome not in found:
        found.append(outcome)

"""What tells of a resource is as confidential as the resource: its Provenances follow its label (RULES R20)."""

from __future__ import annotations

from fhirhub.careplan import moves
from fhirhub.repository import Effect, Repository


class HideProvenance:
    """The rule that gives the Provenances of a resource the label that it has got."""

    types = frozenset({"CarePlan", "CareTeam", "Communication", "Consent", "Goal", "Task"}) | frozenset(
        {"Observation", "QuestionnaireResponse"}
    )

    async def __call__(self, unit: Repository, effect: Effect) -> None:
        before, after = effect.before, effect.after
        if unit.asker.actor is None or before is None or after.deleted or before.label == after.label:
            return
        for one in await moves.found(unit, "Provenance", ("target", f"{after.type}/{after.id}")):
            # Whose it is, and its label, are worked out of what it tells of.
            await unit.amend("Provenance", one["id"], one)

    async def committed(self) -> None:
        """Nothing waits for it."""

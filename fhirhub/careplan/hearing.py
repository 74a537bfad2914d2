"""A Consent that a professional writes is what they heard the patient say: it opens nothing to their own (R14)."""

from __future__ import annotations

from fhirhub.auth import writing
from fhirhub.careplan import moves, parties
from fhirhub.repository import Effect, Repository, now


class HeardByAnother:
    """The rule that refuses an agreement, or less of an objection, written by anyone of whom it lets in: the person,
    colleagues, roles, queues and the organisation."""

    types = frozenset({"Consent"})

    async def __call__(self, unit: Repository, effect: Effect) -> None:
        actor, after = unit.asker.actor, moves.content(effect.after)
        if effect.by_hub or actor is None or actor.organization is None or after is None:
            return
        for one in writing.opening(moves.content(effect.before), after):
            if one.represents or not one.actor:
                continue
            if actor.organization in await parties.names(unit, one.actor, now()):
                raise writing.lets_in_the_writer()

    async def committed(self) -> None:
        """Nothing waits for it."""

"""Simple or complex: a person chooses the segment and says why; a new choice is a new Observation, so that the earlier
ones stay (profile SegmentAssignment)."""

from __future__ import annotations

from fhirhub import errors
from fhirhub.careplan import moves
from fhirhub.repository import Effect, Repository
from fhirhub.resources import careplan

SEGMENT, REASON = "segment", "segment-reden"
_MARK = SEGMENT.encode()


class CheckSegment:
    """The rule that refuses a segment without a reason, one that no person chose, and one written over."""

    types = frozenset({"Observation"})

    async def __call__(self, unit: Repository, effect: Effect) -> None:
        actor, body = unit.asker.actor, effect.after.body
        old = effect.before.body if effect.before is not None else None
        if actor is None or body is None or _MARK not in body + (old or b""):
            return
        resource, before = moves.content(effect.after), moves.content(effect.before)
        was_one = before is not None and _is_segment(before)
        if resource is None or not (was_one or _is_segment(resource)):
            return
        if resource.get("status") == "entered-in-error":
            return
        is_other = before is not None and before.get("valueCodeableConcept") != resource.get(
            "valueCodeableConcept"
        )
        if is_other or not _is_segment(resource):
            raise errors.business_rule(
                "Another segment is another Observation, so that the history stays; an error is entered-in-error.",
                "Observation.value",
            )
        chosen = careplan.parties(resource.get("performer"), moves.base_of(unit))
        if effect.by_hub or actor.person is None or not any(one.startswith("Practitioner") for one in chosen):
            raise errors.business_rule(
                "A person chooses the segment, never a computer: `performer` is the Practitioner or PractitionerRole "
                "who did, signed in.",
                "Observation.performer",
            )
        reasons = [
            one
            for one in resource.get("component", ())
            if careplan.has_own_code(one.get("code"), "observation", REASON)
        ]
        if not any(one.get("valueCodeableConcept") for one in reasons):
            raise errors.business_rule(
                f"A segment has its reason: a `component` with the code `{REASON}` and a valueCodeableConcept.",
                "Observation.component",
            )

    async def committed(self) -> None:
        """Nothing waits for it."""


def _is_segment(observation: dict[str, object]) -> bool:
    return careplan.has_own_code(observation.get("code"), "observation", SEGMENT)

"""Goals in the patient's own words: who said it stays who said it, each accepts for themselves, and the patient says
what matters most (https://hl7.org/fhir/R4/goal.html, extension goal-acceptance)."""

from __future__ import annotations

from typing import Any

from fhirhub import errors
from fhirhub.access import Actor
from fhirhub.careplan import moves, telling
from fhirhub.repository import Effect, Repository, now
from fhirhub.resources import careplan, dimensions, document, relations
from fhirhub.resources.careplan import Json

ACCEPTANCE = "http://hl7.org/fhir/StructureDefinition/goal-acceptance"
_OF_PATIENT = ("patient", "representative")
_ANSWERS = ("extension", "priority", "lifecycleStatus", "statusDate", "note")
"""What a patient changes of a Goal that somebody else put into words."""
_GIVEN_UP = {
    "rejected": "afgewezen",
    "cancelled": "gestopt",
    "entered-in-error": "als vergissing aangemerkt",
}
_DECIDED = frozenset({"accepted", "active", "rejected", "cancelled"})


class KeepWords:
    """The rule of who writes what in a Goal."""

    types = frozenset({"Goal"})

    async def __call__(self, unit: Repository, effect: Effect) -> None:
        actor, goal = unit.asker.actor, moves.content(effect.after)
        if actor is None or actor.column == "hub" or effect.by_hub or goal is None:
            return
        before = moves.content(effect.before)
        base = moves.base_of(unit)
        patient = careplan.party(goal.get("subject"), base)
        own = {one for one in (*actor.names, patient if actor.column in _OF_PATIENT else None) if one}
        _check_category(goal)
        _check_acceptance(before or {}, goal, own, base)
        said_by = careplan.party(goal.get("expressedBy"), base)
        if before is None:
            if actor.column in _OF_PATIENT and said_by not in own:
                raise errors.business_rule(
                    f"A goal that you propose is in your words: `expressedBy` is `{patient}`.",
                    "Goal.expressedBy",
                )
            return
        _check_change(before, goal, actor, own, patient, base)
        was_said_by = careplan.party(before.get("expressedBy"), base)
        is_theirs = was_said_by is not None and was_said_by.startswith(telling.AT_HOME)
        if is_theirs and was_said_by not in own and _wish(before) != _wish(goal):
            assert was_said_by is not None
            assert patient is not None
            await _tell(unit, effect, before, goal, actor, was_said_by, patient)

    async def committed(self) -> None:
        """Nothing waits for it."""


def _check_category(goal: Json) -> None:
    for system, code in careplan.codings(goal.get("category")):
        if system == dimensions.system() and code not in dimensions.names():
            raise errors.business_rule(
                f"The dimensions are {', '.join(dimensions.names())}; got {code[:80]}.", "Goal.category"
            )


def _check_acceptance(before: Json, after: Json, own: set[str], base: str | None) -> None:
    """Each accepts for themselves; for another it can be said only that the answer is awaited."""
    old, new = _acceptances(before, base), _acceptances(after, base)
    for who in old.keys() | new.keys():
        if old.get(who) == new.get(who) or who in own:
            continue
        if who not in old and _status(new[who]) == "pending":
            continue
        raise errors.business_rule(
            f"Whether {who or 'somebody'} accepts a goal is theirs to say, in a goal-acceptance whose `individual` "
            "they are.",
            "Goal.extension",
        )


def _acceptances(goal: Json, base: str | None) -> dict[str, Json]:
    found: dict[str, Json] = {}
    for each in goal.get("extension", ()):
        if each.get("url") == ACCEPTANCE:
            parts = {part.get("url"): part for part in each.get("extension", ())}
            who = careplan.party(parts.get("individual", {}).get("valueReference"), base) or ""
            found[who] = each
    return found


def _status(acceptance: Json) -> Any:
    return next(
        (part.get("valueCode") for part in acceptance.get("extension", ()) if part.get("url") == "status"),
        None,
    )


def _check_change(
    before: Json, goal: Json, actor: Actor, own: set[str], patient: str | None, base: str | None
) -> None:
    said_by = careplan.party(before.get("expressedBy"), base)
    if "expressedBy" in before and said_by != careplan.party(goal.get("expressedBy"), base):
        raise errors.business_rule("Who expressed a goal stays who expressed it.", "Goal.expressedBy")
    if actor.column in _OF_PATIENT:
        if said_by not in own:
            changed = _rest(before) != _rest(goal)
            moved = before.get("lifecycleStatus") != goal.get("lifecycleStatus")
            if changed or (moved and goal.get("lifecycleStatus") not in _DECIDED):
                raise errors.business_rule(
                    "Of a goal that somebody else put into words you change your acceptance, its priority, and "
                    "whether it is accepted or rejected; propose one of your own in your own words.",
                    "Goal",
                )
        return
    is_patients = said_by == patient or patient in _acceptances(before, base)
    if is_patients and "priority" in before and before.get("priority") != goal.get("priority"):
        raise errors.business_rule(
            "How important a goal is, is the patient's to say once they have: ask them.", "Goal.priority"
        )


def _rest(goal: Json) -> bytes:
    """A Goal without what everybody's answers are in."""
    kept = {name: value for name, value in goal.items() if name not in (*_ANSWERS, "meta", "id", "text")}
    others = [each for each in goal.get("extension", ()) if each.get("url") != ACCEPTANCE]
    return document.canonical({**kept, "extension": others})


def _words(goal: Json) -> bytes:
    return document.canonical(goal.get("description", {}))


def _wish(goal: Json) -> tuple[bytes, bytes, object]:
    """What is theirs in a goal: the words, what it aims at and is about, and whether it is given up."""
    aims = document.canonical({name: goal[name] for name in ("category", "target") if name in goal})
    status = goal.get("lifecycleStatus")
    return _words(goal), aims, status if status in _GIVEN_UP else None


async def _tell(
    unit: Repository, effect: Effect, before: Json, goal: Json, actor: Actor, said_by: str, patient: str
) -> None:
    """What it was stays findable from the new version, and who expressed it hears of it."""
    name = f"Goal/{effect.after.id}"
    assert effect.before is not None
    who = actor.person or actor.organization or "Device/hub"
    await unit.create(
        {
            "resourceType": "Provenance",
            "target": [careplan.to(f"{name}/_history/{effect.after.version}")],
            "recorded": document.instant(now()),
            "activity": {"text": "De woorden van een ander gewijzigd"},
            "agent": [{"who": careplan.to(who)}],
            "entity": [{"role": "revision", "what": careplan.to(f"{name}/_history/{effect.before.version}")}],
        }
    )
    if "S" in (relations.label(goal) or ""):
        return  # hidden from the patient (RULES R20)
    await telling.tell(
        unit,
        patient=patient.removeprefix("Patient/"),
        to=dict.fromkeys([patient, said_by]),
        text=_told(before, goal),
        about=[name],
    )


def _told(before: Json, goal: Json) -> str:
    """What became of somebody's goal, in their own words."""
    old, new = (str(one.get("description", {}).get("text", "")).rstrip(".") for one in (before, goal))
    ended = _GIVEN_UP.get(str(goal.get("lifecycleStatus")))
    if ended is not None and before.get("lifecycleStatus") not in _GIVEN_UP:
        return f"Uw doel '{old}' is {ended}. Bent u het er niet mee eens? Zeg het, of stel het opnieuw voor."
    if _words(before) != _words(goal):
        return (
            f"Uw doel is anders opgeschreven. Eerst: {old}. Nu: {new}. Klopt dat niet? Zeg het, of zet uw eigen "
            "woorden terug."
        )
    return f"Bij uw doel '{old}' is iets veranderd: waar het over gaat, of wat u wilt halen. Klopt dat niet? Zeg het."

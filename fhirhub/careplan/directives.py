"""A conversation about the care that somebody still wants: what it decides takes the place of earlier directives, and
it is held again on a date (https://hl7.org/fhir/R4/consent.html)."""

from __future__ import annotations

from fhirhub import errors
from fhirhub.auth import careteam
from fhirhub.careplan import moves, parties, team, telling
from fhirhub.careplan.moves import Move
from fhirhub.repository import Effect, Repository, now
from fhirhub.resources import careplan, consents, document, guide, spoken
from fhirhub.resources.careplan import Json

CONVERSATION = "behandelwensen-gesprek"
DIRECTIVE, REPLACES, REVIEW = "wilsverklaring", "vervangt", "herzien-op"
"""What the Task of a conversation has as output: the directives that hold, those that it ends, and when it is held
again."""


class TakeDirectives:
    """The rule that ends the directives which a conversation replaces, and asks for the next one."""

    types = frozenset({"Task"})

    async def __call__(self, unit: Repository, effect: Effect) -> None:
        move = moves.move_of(unit, effect)
        if move is None or not move.patient or not move.comes_to("completed"):
            return
        if CONVERSATION not in careplan.task_codes(move.after):
            return
        review = _review(move.after)
        new = [await _directive(unit, move, name) for name in _named(move, DIRECTIVE)]
        if not new:
            raise errors.business_rule(
                "A conversation about treatment wishes brings what holds now: an `output` of type `wilsverklaring` "
                "that refers to each directive (Consent of scope adr or treatment), kept or new.",
                "Task.output",
            )
        ended = await _replaced(unit, move, new)
        for old, by in ended:
            url = guide.url("StructureDefinition", "superseded-by")
            link = {"url": url, "valueReference": careplan.to(f"Consent/{by}")}
            await unit.update({**old, "status": "inactive", "extension": [*old.get("extension", ()), link]})
        await _ask_again(unit, move, review)
        text = (
            f"De behandelwensen zijn opnieuw besproken; {len(ended)} eerdere afspraken zijn vervallen. "
            f"Het gesprek wordt voor {spoken.day(review, 'nl')} herhaald. The wishes for treatment were talked about; "
            f"{len(ended)} earlier directives ended. They are talked about again before {spoken.day(review, 'en')}."
        )
        members = await parties.active(unit, move.patient, now())
        await telling.tell(
            unit,
            patient=move.patient,
            to=[f"Patient/{move.patient}", *members],
            text=text,
            about=[f"Consent/{one['id']}" for one in new],
        )

    async def committed(self) -> None:
        """Nothing waits for it."""


def _review(task: Json) -> str:
    found = [str(one.get("valueDate", "")) for one in careplan.part(task, "output", REVIEW)]
    if len(found) != 1 or len(found[0]) != 10 or found[0] <= document.instant(now())[:10]:
        raise errors.business_rule(
            "A conversation about treatment wishes says when it is held again: one `output` of type `herzien-op` with "
            "a `valueDate` that is to come.",
            "Task.output",
        )
    return found[0]


def _named(move: Move, code: str) -> list[str]:
    references = [one.get("valueReference") for one in careplan.part(move.after, "output", code)]
    return careplan.parties([one for one in references if one], move.base)


async def _directive(unit: Repository, move: Move, name: str) -> Json:
    """The directive of that name. Raises where it is none of this patient's that holds."""
    found = await moves.read(unit, name) if name.startswith("Consent/") else None
    if found is None or not _holds(found) or careplan.patient_of(found, move.base) != move.patient:
        raise errors.business_rule(
            f"`{name}` is no active directive of this patient (Consent of scope adr or treatment).",
            "Task.output",
        )
    return found


def _holds(consent: Json) -> bool:
    return consent.get("status") == "active" and consents.is_treatment_limit(consent)


async def _replaced(unit: Repository, move: Move, new: list[Json]) -> list[tuple[Json, str]]:
    """Earlier directives that hold no more, each with what took its place: those about the same treatment, and those
    that the conversation names. What it says nothing about stays."""
    kept = {one["id"] for one in new}
    named = set(_named(move, REPLACES))
    found = []
    for old in await moves.found(unit, "Consent", ("patient", str(move.patient)), ("status", "active")):
        if old["id"] in kept or not consents.is_treatment_limit(old):
            continue
        same = [one for one in new if _treatments(one) & _treatments(old)]
        if same or f"Consent/{old['id']}" in named:
            found.append((old, str((same or new)[0]["id"])))
    return found


def _treatments(consent: Json) -> set[tuple[str | None, str]]:
    """The treatments that a directive is about."""
    provision = consent.get("provision", {})
    return {
        coding
        for one in (provision, *provision.get("provision", ()))
        for coding in careplan.codings(one.get("code", []))
    }


async def _ask_again(unit: Repository, move: Move, review: str) -> None:
    """The Task for the next conversation, with the coordinator of the plan, else the registered practice."""
    assert move.patient is not None
    plan = await moves.plan_of(unit, move.after)
    shared = await team.shared(unit, plan, now()) if plan is not None else None
    owner = shared.holder(careplan.COORDINATOR, now()) if shared is not None else None
    owner = owner or await careteam.registered_practice(unit, move.patient, now()) or move.owner
    assert owner is not None
    await unit.create(
        {
            "resourceType": "Task",
            **({"basedOn": [careplan.to(plan)]} if plan is not None else {}),
            "status": "requested",
            "intent": "order",
            "code": careplan.own_code("task", CONVERSATION),
            "description": "De behandelwensen opnieuw bespreken. Talk about the wishes for treatment again.",
            "focus": careplan.to(move.name),
            "for": careplan.to(f"Patient/{move.patient}"),
            "authoredOn": document.instant(now()),
            "requester": careplan.to(owner),
            "owner": careplan.to(owner),
            "restriction": {"period": {"end": review}},
        }
    )

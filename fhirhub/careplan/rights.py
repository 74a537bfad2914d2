"""The patient asks who wrote something to correct it, to add a statement or to destroy it, and hears what is decided
(RULES R35; GDPR art. 16 and 17, WGBO art. 7:454 and 7:455 BW)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from fhirhub import errors
from fhirhub.auth import careteam, staff
from fhirhub.careplan import moves, parties, programmes, telling
from fhirhub.careplan.moves import Move
from fhirhub.repository import Effect, Repository, now
from fhirhub.resources import careplan, document, relations
from fhirhub.resources.careplan import Json

MONTHS: Mapping[str, int] = {"correctie": 1, "verklaring-toevoegen": 1, "vernietiging": 3}
"""By the code of what is asked, within how many months it is decided."""
_TOLD = {
    "accepted": ("is toegewezen", "was granted"),
    "rejected": ("is afgewezen", "was refused"),
    "completed": ("is uitgevoerd", "was carried out"),
    "failed": ("kon niet worden uitgevoerd", "could not be carried out"),
}
_DUTCH = {
    "correctie": "Uw verzoek om correctie",
    "verklaring-toevoegen": "Uw verzoek om een verklaring toe te voegen",
    "vernietiging": "Uw verzoek om vernietiging",
}


DESTRUCTION, DESTROY = "vernietiging", "gegevens-vernietigen"
"""What the patient asks, and the Task by which an administrator carries it out."""


def asked(task: Json) -> str | None:
    """Which right over the record a Task is about; None where it is about none."""
    return next(iter(sorted(careplan.task_codes(task) & MONTHS.keys())), None)


class AskAuthor:
    """The rule that brings what the patient asks to the organisation that wrote it, with a date by which to decide.
    Before the rule of moves: the owner may be left to the hub."""

    types = frozenset({"Task"})

    async def __call__(self, unit: Repository, effect: Effect) -> None:
        move = moves.move_of(unit, effect)
        code = None if move is None else asked(move.after)
        if move is None or code is None or move.by_hub or not move.comes_to("requested"):
            return
        actor = unit.asker.actor
        if actor is None or actor.column not in ("patient", "representative"):
            raise errors.forbidden(f"`{code}` is asked by the patient, or by who represents them.")
        task = move.after
        if not task.get("description"):
            raise errors.business_rule(
                "`description` says what is not right, what you want to have added, or what is to go.",
                "Task.description",
            )
        author = await _author(unit, move, code)
        if move.owner is not None and author not in (
            move.owner,
            *await careteam.organizations_of(unit, move.owner, now()),
        ):
            raise errors.business_rule(
                f"This goes to the organisation that wrote it: leave `owner` out, or give `{author}`.",
                "Task.owner",
            )
        placed = document.instant(now())
        due = programmes.after(date.fromisoformat(placed[:10]), MONTHS[code]).isoformat()
        restriction = {**task.get("restriction", {}), "period": {"end": due}}
        owner = task.get("owner") or careplan.to(author)
        filled = {**task, "owner": owner, "authoredOn": placed, "restriction": restriction}
        await unit.amend("Task", move.id, filled)

    async def committed(self) -> None:
        """Nothing waits for it."""


async def _author(unit: Repository, move: Move, code: str) -> str:
    """The organisation that wrote what is asked about: the registered practice where that is nobody of an
    organisation here, or where all of the record is meant."""
    focus = careplan.party(move.after.get("focus"), move.base)
    if focus is None and code != DESTRUCTION:
        raise errors.business_rule(
            "`focus` names what is not right: a resource of your record.", "Task.focus"
        )
    resource: Json = {}
    if focus is not None:
        type, _, id = focus.partition("/")
        found = await unit.as_asker().find(type, id)
        if found is None or found.body is None or move.patient not in (found.patient or "").split():
            raise errors.business_rule("`focus` names a resource of your own record.", "Task.focus")
        resource = document.decode(found.body)
    for name in (*relations.AUTHORS, "requester"):
        values = resource.get(name)
        for one in values if isinstance(values, list) else [values]:
            party = careplan.party((one or {}).get("actor", one), move.base)
            organization = None if party is None else await parties.organization_of(unit, party, now())
            if organization is not None:
                return organization
    practice = await careteam.registered_practice(unit, move.patient or "", now())
    named = move.owner if move.owner is not None and move.owner.startswith("Organization/") else None
    if practice is None and named is None:
        raise errors.business_rule(
            "Nobody knows who wrote this: `owner` names the organisation that you ask.", "Task.owner"
        )
    return named if focus is None and named is not None else practice or str(named)


class TellDecision:
    """The rule that a refusal has its reason, and that the patient hears what is decided and done."""

    types = frozenset({"Task"})

    async def __call__(self, unit: Repository, effect: Effect) -> None:
        move = moves.move_of(unit, effect)
        code = None if move is None else asked(move.after)
        if move is None or code is None or move.status not in _TOLD or not move.patient:
            return
        if move.was == move.status:
            return
        reason = move.after.get("statusReason", {})
        why = reason.get("text") or next((one.get("display") for one in reason.get("coding", ())), None)
        if move.status in ("rejected", "failed") and not why and not move.by_hub:
            raise errors.business_rule(
                "Who refuses this says why, in words that the patient can read: `statusReason.text`.",
                "Task.statusReason",
            )
        dutch, english = _TOLD[move.status]
        text = f"{_DUTCH[code]} {dutch}. What you asked ({code}) {english}."
        to = [f"Patient/{move.patient}"]
        if move.requester is not None and move.requester not in to:
            to.append(move.requester)
        await telling.tell(
            unit,
            patient=move.patient,
            to=to,
            text=f"{text} {why}" if why else text,
            about=[move.name],
        )

    async def committed(self) -> None:
        """Nothing waits for it."""


class CarryOut:
    """The rule that a granted destruction becomes an administrator's Task, and that the patient hears when that is
    done: granting erases nothing, and nobody but an administrator can."""

    types = frozenset({"Task"})

    async def __call__(self, unit: Repository, effect: Effect) -> None:
        move = moves.move_of(unit, effect)
        if move is None or not move.patient:
            return
        if asked(move.after) == DESTRUCTION and move.comes_to("accepted"):
            await _ask_administrator(unit, move)
        elif DESTROY in careplan.task_codes(move.after) and move.comes_to("completed", "failed"):
            await _pass_on(unit, move)

    async def committed(self) -> None:
        """Nothing waits for it."""


async def _ask_administrator(unit: Repository, move: Move) -> None:
    organization = None if move.owner is None else await parties.organization_of(unit, move.owner, now())
    focus = careplan.party(move.after.get("focus"), move.base)
    administrators = await staff.in_role(unit, "beheerder", organization) or await staff.in_role(
        unit, "beheerder"
    )
    what = focus or f"wat {organization or move.owner} over Patient/{move.patient} vastlegde"
    made: Json = {
        "resourceType": "Task",
        "status": "requested",
        "intent": "order",
        "code": careplan.own_code("task", DESTROY),
        "description": f"Vernietiging is toegewezen: {what}. Voer het uit met `fhirhub erase`, op grond van "
        f"{move.name}, en sluit daarna deze taak.",
        "for": careplan.to(f"Patient/{move.patient}"),
        "authoredOn": document.instant(now()),
        "reasonReference": careplan.to(move.name),
        "restriction": move.after.get("restriction"),
        "focus": None if focus is None else careplan.to(focus),
        "owner": careplan.to(next(iter(administrators), organization or str(move.owner))),
    }
    await unit.create({name: value for name, value in made.items() if value is not None})


async def _pass_on(unit: Repository, move: Move) -> None:
    """What became of it, on the Task by which the patient asked; the rule above tells them."""
    name = careplan.party(move.after.get("reasonReference"), move.base)
    task = None if name is None else await moves.read(unit, name)
    if task is None or task.get("status") not in ("accepted", "in-progress", "on-hold"):
        return
    reason = move.after.get("statusReason")
    await unit.update({**task, "status": move.status, **({"statusReason": reason} if reason else {})})

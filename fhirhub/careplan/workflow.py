"""Which Task goes from which state to which, and who moves it (RULES R7, R22, R27-R30;
https://hl7.org/fhir/R4/task.html#statemachine).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Literal

from fhirhub import errors
from fhirhub.access import Actor
from fhirhub.auth import careteam, matrix
from fhirhub.careplan import identity, moves, parties, telling
from fhirhub.careplan.moves import Move
from fhirhub.careplan.parties import QUEUE
from fhirhub.repository import Effect, Repository, now
from fhirhub.resources import careplan
from fhirhub.resources.careplan import Json
from fhirhub.resources.masking import BSN_SYSTEMS
from fhirhub.resources.relations import ORGANIZATION_TYPE, Kind

Who = Literal["requester", "owner", "claimant"]

_REQUESTER: Mapping[str, Who] = {"cancelled": "requester"}
_BEFORE: Mapping[str, Who] = {**_REQUESTER, "entered-in-error": "requester"}

MOVES: Mapping[str, Mapping[str, Who]] = {
    "": {"draft": "requester", "requested": "requester"},
    "draft": {"requested": "requester", **_BEFORE},
    "requested": {"received": "owner", "accepted": "owner", "rejected": "owner", **_BEFORE},
    "received": {"accepted": "owner", "rejected": "owner", **_BEFORE},
    "accepted": {
        "in-progress": "owner",
        "on-hold": "owner",
        "completed": "owner",
        "failed": "owner",
        **_REQUESTER,
    },
    "in-progress": {"on-hold": "owner", "completed": "owner", "failed": "owner", **_REQUESTER},
    "on-hold": {"in-progress": "owner", "completed": "owner", "failed": "owner", **_REQUESTER},
}
"""From a status to the next, by whom; a new Task comes from ''. What is not here has ended. The owner may be a
professional, an organisation, the patient or a relative; who represents the patient moves the patient's."""
QUEUED: Mapping[str, Mapping[str, Who]] = {
    "": MOVES[""],
    "draft": MOVES["draft"],
    "requested": {"accepted": "claimant", **_BEFORE},
    "ready": {"accepted": "claimant", **_BEFORE},
}
"""The same of a Task whose owner is a queue (a HealthcareService): it becomes `ready` by itself, and who claims it
becomes its owner in the same write (RULES R27)."""
ANSWERED = frozenset({"requested", "received", "ready", "accepted", "in-progress", "on-hold"})
"""From these a sub-task, and a question of the hub itself, goes to completed when it is answered (RULES R28)."""

FIXED = ("requester", "owner", "basedOn", "partOf", "for", "intent")
"""What does not change once it is set; the owner only within an organisation (RULES R22) or by a claim (R27)."""
REQUESTERS = ("code", "focus", "priority", "reasonCode", "reasonReference")
"""What the requester alone changes, and not after acceptance: what is asked, and how urgently."""
HUBS_OWN = frozenset(
    {
        "toestemming-vragen",
        "inschrijving-bevestigen",
        "coordinator-kiezen",
        "identiteit-controleren",
        "inzage-beoordelen",
        "gegevens-vernietigen",
    }
)
"""Codes of Tasks that the hub alone makes: what becomes of them decides something."""
PLANLESS = frozenset(
    {
        *HUBS_OWN,
        "patient-inlichten",
        "meetwaarde-beoordelen",
        "bezwaar-vertegenwoordiging",
        "correctie",
        "verklaring-toevoegen",
        "vernietiging",
        "verbeterplan",
    }
)
"""Codes of Tasks that need no plan."""
OWNERS = ("Organization/", "PractitionerRole/", "Practitioner/", "Patient/", "RelatedPerson/", QUEUE)

_DOCTORS = frozenset(role for role, column in matrix.CLASSES.items() if column == "doctor")
_INDEPENDENT = _DOCTORS | {"verpleegkundig-specialist", "physician-assistant"}
_NURSES = frozenset({"wijkverpleegkundige", "verpleegkundig-specialist", "casemanager-dementie"})
COMPETENT: Mapping[str, frozenset[str]] = {
    "consult": _INDEPENDENT,
    "medebehandeling": _INDEPENDENT,
    "overname": _INDEPENDENT,
    "terugverwijzing": _INDEPENDENT,
    "behandelwensen-gesprek": _INDEPENDENT | {"poh", "casemanager-dementie"},
    "medicatiebeoordeling": _INDEPENDENT | {"apotheker"},
    "overdracht": _NURSES,
    "wijkverpleging-aan-huis": _NURSES | {"verzorgende-ig"},
}
"""By a Task's code, the roles that may take it over from a colleague (RULES R22); any professional for another."""


RESPONSIBILITY = ("consult", "medebehandeling", "overname")
"""How a Task to a specialist says where responsibility lies (RULES R30)."""
_SAID = frozenset(
    {
        *RESPONSIBILITY,
        "terugverwijzing",
        "coordinatie-overdragen",
        "overdracht",
        "mdo-voorbereiden",
        "mdo-besluit",
        "behandelwensen-gesprek",
    }
)
"""Codes that say it too, or leave it as it is."""
SPECIALIST_CARE = frozenset({"V4", "V5", "V6", "R5"})
"""The types of organisation in which specialists work: hospitals and nursing homes."""
_SPECIALISTS = frozenset({"specialist-ouderengeneeskunde"})


class CheckMove:
    """The rule that lets through what the tables say, and refuses the rest."""

    types = frozenset({"Task"})

    async def __call__(self, unit: Repository, effect: Effect) -> None:
        move = moves.move_of(unit, effect)
        if move is None or move.by_hub:
            return
        actor = unit.asker.actor
        assert actor is not None
        if move.party("owner", before=True) is None:
            move = await _with_owner(unit, move)
        if move.before is None:
            await _check_new(unit, move, actor)
            _check_table(move)
        else:
            if await _is_lost_claim(unit, move, move.before):
                raise errors.conflict(f"{move.name} was claimed by another already.", 412)
            _check_table(move)
            await _check_owner(unit, move, move.before)
            _check_fixed(move, move.before)
        if move.is_placing:
            await _check_asked(unit, move)
        await _check_who(unit, move)
        if move.before is not None:
            await _check_content(unit, move, move.before)
        await _check_parts(unit, move)
        if move.is_placing:
            await _check_place(unit, move)
        if move.comes_to("requested"):
            await _check_responsibility(unit, move)

    async def committed(self) -> None:
        """Nothing waits for it."""


# --- states ---


def _check_table(move: Move) -> None:
    """Raises for a move that is nobody's."""
    allowed = nexts(move)
    if move.was != move.status and move.status not in allowed:
        raise errors.business_rule(_refusal(move, allowed), "Task.status")


async def _check_who(unit: Repository, move: Move) -> None:
    """Raises for a move that is another's."""
    if move.was != move.status and not await _is(unit, move, nexts(move)[move.status]):
        raise _of_another(move)


def _of_another(move: Move) -> errors.FhirError:
    who = nexts(move)[move.status]
    return errors.forbidden(
        f"It is for the {_CALLED[who]} of {move.name} to bring it from `{move.was or 'new'}` to `{move.status}`."
    )


_CALLED: Mapping[Who, str] = {
    "requester": "requester",
    "owner": "owner",
    "claimant": "organisations of the queue that owns it, who become owner in the same write,",
}


def nexts(move: Move) -> Mapping[str, Who]:
    """Where the Task may go from where it was."""
    owner = move.party("owner", before=move.before is not None) or ""
    table = QUEUED if owner.startswith(QUEUE) else MOVES
    allowed = table.get(move.was, {})
    codes = careplan.task_codes(move.after)
    if (move.is_part or codes & HUBS_OWN) and move.was in ANSWERED and _is_answered(move.after):
        allowed = {**allowed, "completed": "owner"}
    return allowed


def _is_answered(task: Json) -> bool:
    return bool(task.get("output")) or bool(careplan.task_codes(task) & HUBS_OWN)


def _refusal(move: Move, allowed: Mapping[str, Who]) -> str:
    if move.before is None:
        return f"A Task begins as `draft` or `requested`; got `{move.status}`."
    if not allowed:
        return _ended(move)
    told = ", ".join(f"`{status}` (by its {who})" for status, who in allowed.items())
    owner = move.party("owner", before=True) or ""
    if owner.startswith(QUEUE) and move.was == "requested":
        told = f"`ready` (by itself, once the patient's agreement stands), {told}"
    elif move.is_part and move.was in ANSWERED and "completed" not in allowed:
        told += ", `completed` (with the answer in `output`)"
    return f"A Task that is `{move.was}` goes to {told}; not to `{move.status}`."


def _ended(move: Move) -> str:
    return f"{move.name} has ended as `{move.was}`, and what ended does not move; place another Task."


async def _is(unit: Repository, move: Move, who: Who) -> bool:
    if who == "requester":
        return await parties.owns(unit, move.patient, move.requester)
    if who == "claimant":
        return await careteam.acts_as(unit, move.party("owner", before=True))
    return await parties.owns(unit, move.patient, move.party("owner", before=True))


# --- what is fixed ---


def _check_fixed(move: Move, before: Json) -> None:
    for name in FIXED:
        if name != "owner" and before.get(name) and not _same(before, move.after, name, move.base):
            raise errors.business_rule(
                f"`{name}` of a Task does not change once it is set: give it as it was, or cancel this Task and "
                "place another.",
                f"Task.{name}",
            )
    for name in ("basedOn", "partOf"):
        if not before.get(name) and move.after.get(name) and move.was != "draft":
            raise errors.business_rule(
                f"`{name}` of a Task is set before it is placed: cancel this Task and place one that has it.",
                f"Task.{name}",
            )


def _same(before: Json, after: Json, name: str, base: str | None) -> bool:
    one, other = before.get(name), after.get(name)
    if isinstance(one, list):
        return isinstance(other, list) and _named(one, base) == _named(other, base)
    if isinstance(one, dict):
        return isinstance(other, dict) and _named([one], base) == _named([other], base)
    return bool(one == other)


def _named(values: list[Json], base: str | None) -> list[str | Json]:
    return [careplan.party(one, base) or one.get("reference") or one for one in values]


async def _check_owner(unit: Repository, move: Move, before: Json) -> None:
    """Raises where the owner changes in another way than by a claim, or to a colleague."""
    old = move.party("owner", before=True)
    new = move.owner
    if _same(before, move.after, "owner", move.base) or (old is None and move.was == "draft"):
        return
    if move.was not in careplan.OPEN:
        raise errors.business_rule(_ended(move), "Task.owner")
    if old is not None and new is not None:
        if old.startswith(QUEUE):
            if move.comes_to("accepted"):
                if not await careteam.acts_as(unit, old):
                    raise _of_another(move)
                if new in unit.asker.caller.names:
                    return
        elif await _is_taken_over(unit, move, old, new):
            return
    raise errors.business_rule(
        "`owner` of a Task does not change once it is set, but to a colleague of the same organisation who is "
        "competent for its code; and who claims a Task of a queue makes it `accepted` with themselves or their own "
        "organisation as `owner` in one write.",
        "Task.owner",
    )


async def _is_taken_over(unit: Repository, move: Move, old: str, new: str) -> bool:
    """Whether the Task goes to a colleague of the same organisation, whose role is competent for it (RULES R22)."""
    own = unit.asker.caller.organization
    moment = now()
    if own is None or own not in await careteam.organizations_of(unit, old, moment):
        return False
    if own not in await careteam.organizations_of(unit, new, moment) or new.startswith(QUEUE):
        return False
    if not new.startswith("Organization/"):
        roles = set(await parties.role_codes(unit, new, own))
        for code in careplan.task_codes(move.after):
            if code in COMPETENT and not roles & COMPETENT[code]:
                return False
    await telling.tell(
        unit,
        patient=None,
        to=[old],
        text=f"{move.name} is overgenomen door een collega. {move.name} was taken over by a colleague.",
    )
    return True


async def _is_lost_claim(unit: Repository, move: Move, before: Json) -> bool:
    """Whether who asked claims what an organisation elsewhere claimed from a queue before."""
    old, new = move.party("owner", before=True), move.owner
    if _same(before, move.after, "owner", move.base) or old is None or old.startswith(QUEUE):
        return False
    if move.was not in careplan.OPEN or new not in unit.asker.caller.names:
        return False
    own = unit.asker.caller.organization
    return own not in await careteam.organizations_of(unit, old, now()) and await _was_queued(unit, move)


async def _was_queued(unit: Repository, move: Move) -> bool:
    """Whether a queue ever owned the Task."""
    for version in range(1, int(move.after["meta"]["versionId"])):
        task = moves.content(await unit.vread("Task", move.id, str(version)))
        owner = careplan.party((task or {}).get("owner"), move.base)
        if owner is not None and owner.startswith(QUEUE):
            return True
    return False


async def _check_content(unit: Repository, move: Move, before: Json) -> None:
    """Raises where somebody changes what is another's to change."""
    changed = [name for name in REQUESTERS if before.get(name) != move.after.get(name)]
    if _reasons(before) != _reasons(move.after):
        changed.append("input")
    by_requester = await _is(unit, move, "requester")
    if changed and (not by_requester or move.was not in careplan.BEFORE_ACCEPTANCE):
        raise errors.forbidden(
            f"`{changed[0]}` of {move.name} is its requester's, and stands once the Task is accepted."
        )
    if by_requester or await _is(unit, move, "owner"):
        return
    if move.was != move.status and await _is(unit, move, nexts(move)[move.status]):
        return
    raise errors.forbidden(f"{move.name} is its requester's and its owner's to change.")


def _reasons(task: Json) -> list[Json]:
    """Why there is haste, as far as that stands in `input`."""
    return list(careplan.part(task, "input", "reden"))


# --- a new Task ---


async def _with_owner(unit: Repository, move: Move) -> Move:
    """The Task with the reference of an owner that is named by an identifier alone, such as a URA or BIG number."""
    owner = move.after.get("owner")
    if not isinstance(owner, dict) or owner.get("reference") or "identifier" not in owner:
        return move
    named = f"{owner['identifier'].get('system', '')}|{owner['identifier'].get('value', '')}"
    for type in ("Organization", "HealthcareService", "PractitionerRole", "Practitioner"):
        found = await moves.found(unit, type, ("identifier", named))
        if len(found) == 1:
            task = {**move.after, "owner": {**owner, "reference": f"{type}/{found[0]['id']}"}}
            await unit.amend("Task", move.id, task)
            return replace(move, after=task)
    return move


async def _check_new(unit: Repository, move: Move, actor: Actor) -> None:
    task = move.after
    codes = careplan.task_codes(task)
    if codes & HUBS_OWN:
        raise errors.business_rule(f"A Task `{min(codes & HUBS_OWN)}` is made by the hub alone.", "Task.code")
    if move.status not in MOVES[""]:
        return  # Told by the states.
    await _check_whom(unit, move)
    if not careplan.is_about_patient(task, move.base):
        return  # A practice's own development plan, or a note of who writes it.
    if task.get("intent") != "order":
        raise errors.business_rule(
            f"A Task that one places with another has `intent` order; got `{task.get('intent')}`.",
            "Task.intent",
        )
    if not await careteam.acts_as(unit, move.requester):
        own = actor.organization or actor.person
        raise errors.business_rule(
            f"`requester` of a Task is who places it, such as `{own}`: a person, role or organisation of this hub.",
            "Task.requester",
        )


async def _check_whom(unit: Repository, move: Move) -> None:
    """Raises where `for` names nobody of this hub, or two."""
    whom = move.after.get("for")
    if whom is None:
        return
    if careplan.party(whom, move.base) is None and ("reference" in whom or "identifier" not in whom):
        raise errors.business_rule(
            "`for` names a Patient of this hub, by reference or by the BSN (`identifier`).", "Task.for"
        )
    identifier = whom.get("identifier", {})
    if move.patient is None or identifier.get("system") not in BSN_SYSTEMS or unit.asker.without_bsn:
        return
    patient = await moves.read(unit, f"Patient/{move.patient}")
    if identifier.get("value") not in identity.bsns(patient or {}):
        raise errors.business_rule(
            "The BSN in `for` is not that of the Patient that it refers to: leave one of the two out.",
            "Task.for",
        )


async def _check_asked(unit: Repository, move: Move) -> None:
    """Raises where a Task is asked of nobody here, or of somebody who has nothing to do with the patient."""
    if not careplan.is_about_patient(move.after, move.base):
        return
    if move.status != "draft" and (move.owner is None or not move.owner.startswith(OWNERS)):
        raise errors.business_rule(
            "`owner` says who is to do it: an Organization, PractitionerRole, Practitioner, Patient or "
            "RelatedPerson of this hub, or a queue (HealthcareService).",
            "Task.owner",
        )
    another = move.patient is not None and move.owner != f"Patient/{move.patient}"
    if another and move.owner is not None and move.owner.startswith("Patient/"):
        raise errors.business_rule("A Task about one patient is not another's to do.", "Task.owner")
    if move.owner is not None and move.owner.startswith("RelatedPerson/"):
        person = await moves.read(unit, move.owner)
        if person is None or careplan.patient_of(person, move.base) != move.patient:
            raise errors.business_rule("The owner is a relative of another patient.", "Task.owner")


async def _check_place(unit: Repository, move: Move) -> None:
    """Raises where who asks may not place a Task there (RULES R7)."""
    if move.is_part or not move.after.get("basedOn"):
        return
    plan = await moves.plan_of(unit, move.after)
    content = await moves.read(unit, plan) if plan is not None else None
    if plan is None or content is None:
        raise errors.business_rule(
            "`basedOn` leads to the CarePlan of this hub that the Task is of, itself or by a ServiceRequest.",
            "Task.basedOn",
        )
    patient = careplan.patient_of(content, move.base)
    if patient is None or patient != move.patient:
        raise errors.business_rule(
            f"{plan} is another patient's: `for` and the plan's `subject` are one.", "Task.for"
        )
    if content.get("status") in ("completed", "revoked", "entered-in-error"):
        raise errors.business_rule(f"{plan} has ended; leave `basedOn` out to begin another.", "Task.basedOn")
    if not await parties.takes_part(unit, patient, now()) and not await _reports_to_practice(
        unit, move, patient
    ):
        raise errors.forbidden(
            f"Only the patient, the registered practice and active participants place a Task on {plan}, and who "
            "covers for the practice one for that practice."
        )
    if "overdracht" in careplan.task_codes(move.after) and not any(
        "valueReference" in one for one in careplan.part(move.after, "input", "document")
    ):
        raise errors.business_rule(
            "A nursing hand-over brings its document: an `input` of type `document` that refers to it.",
            "Task.input",
        )


async def _check_responsibility(unit: Repository, move: Move) -> None:
    """Raises where a Task to a specialist of another organisation leaves open where responsibility lies."""
    codes = careplan.task_codes(move.after)
    if move.patient is None or move.is_part or move.owner is None or codes & (_SAID | PLANLESS):
        return
    if move.owner.startswith((*parties.AT_HOME, QUEUE)):
        return
    organization = await parties.organization_of(unit, move.owner, now())
    if organization is None or organization == unit.asker.caller.organization:
        return
    is_specialist = bool(_SPECIALISTS.intersection(await parties.role_codes(unit, move.owner, organization)))
    content = await moves.read(unit, organization) or {}
    types = {
        code for system, code in careplan.codings(content.get("type", [])) if system == ORGANIZATION_TYPE
    }
    if is_specialist or types & SPECIALIST_CARE:
        raise errors.business_rule(
            f"What you ask of a specialist says where responsibility lies: `code` is {', '.join(RESPONSIBILITY)} (the "
            "guide's code system `task`).",
            "Task.code",
        )


async def _reports_to_practice(unit: Repository, move: Move, patient: str) -> bool:
    """Whether who covers for the practice asks something of that practice (RULES R11)."""
    organization, moment = unit.asker.caller.organization, now()
    if organization is None or move.owner is None:
        return False
    if not await careteam.stands(unit, patient, organization, Kind.COVER, moment):
        return False
    practice = await careteam.registered_practice(unit, patient, moment)
    return practice is not None and await parties.organization_of(unit, move.owner, moment) == practice


# --- sub-tasks ---


async def _check_parts(unit: Repository, move: Move) -> None:
    """Raises for a sub-task of itself, of another patient or plan, or of what is not the asker's."""
    if not move.is_part or (move.before or {}).get("partOf"):
        return
    wholes = careplan.parties(move.after["partOf"], move.base)
    if len(wholes) < len(move.after["partOf"]):
        raise errors.business_rule("`partOf` names a Task of this hub.", "Task.partOf")
    if move.before is not None:
        # Of two drafts that become part of each other at once, the later one is to see the other.
        await unit.transaction.lock_names(unit.tenant.number, ["partOf"])
    for whole in wholes:
        if await _is_below(unit, whole, move.name, move.base):
            raise errors.business_rule(
                "`partOf` goes in a circle: the Task would be part of itself.", "Task.partOf"
            )
        found = await moves.read(unit, whole)
        if found is None:
            raise errors.business_rule("`partOf` names a Task of this hub.", "Task.partOf")
        for name in ("for", "basedOn"):
            if move.after.get(name) and not _same(found, move.after, name, move.base):
                raise errors.business_rule(f"`{name}` of a sub-task is that of {whole}.", f"Task.{name}")
        patient = careplan.patient_of(found, move.base)
        involved = [careplan.party(found.get(name), move.base) for name in ("owner", "requester")]
        if not any([await parties.owns(unit, patient, one) for one in involved]) and not (
            patient is not None and await parties.takes_part(unit, patient, now())
        ):
            raise errors.forbidden(
                f"A part of {whole} is asked by its owner, its requester or a participant."
            )
        filled: Json = {}
        if not move.after.get("for") and patient is not None:
            filled["for"] = careplan.to(f"Patient/{patient}")
        if not move.after.get("basedOn") and "basedOn" in found:
            filled["basedOn"] = found["basedOn"]
        if filled:
            await unit.amend("Task", move.id, {**move.after, **filled})


async def _is_below(unit: Repository, name: str, other: str, base: str | None) -> bool:
    """Whether a Task is the other, or a part of it at any depth."""
    waiting, seen = [name], {name}
    while waiting:
        one = waiting.pop()
        if one == other:
            return True
        above = careplan.parties((await moves.read(unit, one) or {}).get("partOf"), base)
        waiting += [each for each in above if each not in seen]
        seen.update(above)
    return False

"""The team grows across organisations with the patient's agreement alone (RULES R13-R17, R27).

A Task to an organisation that does not take part waits until the patient agreed, by whichever way; the hub asks them
by a Task. In an emergency it goes on for 72 hours without.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal

from fhirhub import errors, jobs
from fhirhub.auth import careteam, consent
from fhirhub.careplan import ending, moves, parties, permitting, telling
from fhirhub.careplan.moves import Move
from fhirhub.careplan.parties import QUEUE
from fhirhub.repository import Effect, Repository, now
from fhirhub.resources import careplan, consents, document, guide
from fhirhub.resources.careplan import Json

Standing = Literal["inside", "agreed", "refused", "unknown"]
"""Whether a party takes part already, and else what the patient says about it."""

ASKING = "toestemming-vragen"
"""The code of the Task by which the patient is asked."""
WAITING = "awaiting-agreement"
REFUSED = "agreement-refused"
EMERGENCY = "spoed"
"""The kind of Consent that the hub makes in an emergency."""
EMERGENCY_US = 72 * 3600 * 1_000_000
_FAR = 1 << 61
"""Later than any moment that a date can name."""
JOB = "agreement"
"""The kind of job that looks at an agreement at the moment at which it begins or ends."""


async def standing(
    unit: Repository, patient: str, party: str, now: int, queue: str | None = None
) -> Standing:
    """How a party stands to a patient; `queue` is the HealthcareService that it claims from. A relative needs no
    agreement, and takes part against no objection."""
    if party.startswith("Patient/"):
        return "inside"
    names = await parties.names(unit, party, now)
    if party.startswith(QUEUE):
        # Which of those who may claim will do so nobody knows yet: the queue itself is asked about.
        provider = any([await careteam.is_provider(unit, one) for one in names[1:]])
        names = [party]
    else:
        organizations = [one for one in names if one.startswith("Organization/")]
        provider = any([await careteam.is_provider(unit, one) for one in organizations])
    asked = [*names, queue] if queue is not None else names
    said = await consent.answer(unit, unit.tenant.number, patient, asked, now, provider=provider)
    if said == "refused":
        return "refused"
    if not party.startswith(QUEUE) and await parties.is_inside(unit, patient, party, now):
        return "inside"
    return said


async def hold(unit: Repository, patient: str) -> None:
    """What the patient says, and who joins on it, takes turns until the end of the transaction: who reads neither sees
    the other's part otherwise, and a party that is blocked would join at the same moment."""
    await unit.transaction.lock_names(unit.tenant.number, [f"care {patient}"])


async def until(unit: Repository, patient: str, party: str, now: int) -> int | None:
    """When the agreement ends on which a party takes part; None where it has no end, or none was needed."""
    names = await parties.names(unit, party, now)
    if await careteam.registered_practice(unit, patient, now) in names:
        return None
    ends = await careteam.agreed_until(unit, patient, [*names, *await _queues(unit, names)], now)
    return ends if ends is not None and ends < _FAR else None


async def _queues(unit: Repository, names: list[str]) -> list[str]:
    """The queues from which organisations of these names claim."""
    return [
        one
        for name in names
        if name.startswith("Organization/")
        for one in sorted(await careteam.people_of(unit, name))
        if one.startswith(QUEUE)
    ]


class AskPatient:
    """The rule that lets a Task wait for the patient's agreement, and asks for it."""

    types = frozenset({"Task"})

    async def __call__(self, unit: Repository, effect: Effect) -> None:
        move = moves.move_of(unit, effect)
        if move is None or move.patient is None or move.owner is None:
            return
        if ASKING in careplan.task_codes(move.after):
            if not move.by_hub and move.comes_to("completed", "rejected"):
                await _take_answer(unit, move)
            return
        if not (move.is_part or move.after.get("basedOn")):
            return
        if move.comes_to("requested") and move.was in ("", "draft"):
            await _place(unit, move)
        elif move.comes_to("accepted") and not move.by_hub and await _accept(unit, move):
            return  # Whether they may stay is asked still.
        elif move.comes_to("received") and not move.by_hub:
            await _ask_late(unit, move)
        if move.was in careplan.BEFORE_ACCEPTANCE and move.status not in careplan.BEFORE_ACCEPTANCE:
            await _stop_asking(unit, move.name, "completed" if move.status == "accepted" else "cancelled")
        elif move.leaves(*careplan.UNDER_WAY) and is_emergency(move.after):
            await _stop_asking(unit, move.name, "cancelled")

    async def committed(self) -> None:
        """Nothing waits for it."""


async def _place(unit: Repository, move: Move) -> None:
    """A new request: it goes on, waits, or is refused."""
    assert move.patient is not None
    assert move.owner is not None
    if not move.owner.startswith(parties.AT_HOME):
        await hold(unit, move.patient)
    said = await standing(unit, move.patient, move.owner, now())
    is_queue = move.owner.startswith(QUEUE)
    if said == "refused":
        await _move(unit, move.after, "rejected", REFUSED)
    elif said == "unknown":
        hurry = is_emergency(move.after)
        if is_queue:
            await _move(unit, move.after, "ready" if hurry else "requested", None if hurry else WAITING)
        elif not hurry:
            await _move(unit, move.after, "received", WAITING)
        await _ask(unit, move)
    elif is_queue:
        await _move(unit, move.after, "ready", None)


async def _ask_late(unit: Repository, move: Move) -> None:
    """Asks the patient where nobody did, since the request was loaded or the agreement ended meanwhile."""
    assert move.patient is not None
    assert move.owner is not None
    if await standing(unit, move.patient, move.owner, now()) != "unknown" or await _asking(unit, move.name):
        return
    await _move(unit, move.after, "received", WAITING)
    await _ask(unit, move)


def is_emergency(task: Json) -> bool:
    """Whether it may be accepted before the patient agreed: `stat`, with a reason (RULES R16)."""
    reasons = [task.get("reasonCode"), task.get("reasonReference"), *careplan.part(task, "input", "reden")]
    return task.get("priority") == "stat" and any(reasons)


async def _move(unit: Repository, task: Json, status: str, reason: str | None) -> None:
    moved = {**task, "status": status}
    moved.pop("statusReason", None)
    if reason is not None:
        moved["statusReason"] = careplan.own_code("task-reason", reason)
    await unit.update(moved)


async def _ask(unit: Repository, move: Move) -> None:
    """The Task by which the patient is asked whether that party may take part."""
    assert move.owner is not None
    party = await parties.organization_of(unit, move.owner, now()) or move.owner
    if move.owner.startswith(QUEUE):
        party = move.owner
    called = await parties.called(unit, party)
    question = (
        f"Mag {called} meedoen in uw zorg en daarvoor uw gegevens zien? "
        f"May {called} take part in your care, and see your data for it?"
    )
    await unit.create(
        {
            "resourceType": "Task",
            "status": "requested",
            "intent": "order",
            "priority": move.after.get("priority", "routine"),
            "code": careplan.own_code("task", ASKING),
            "description": question,
            **({"basedOn": move.after["basedOn"]} if move.after.get("basedOn") else {}),
            "partOf": [careplan.to(move.name)],
            "focus": careplan.to(move.name),
            "for": careplan.to(f"Patient/{move.patient}"),
            "authoredOn": document.instant(now()),
            **({"requester": move.after["requester"]} if move.after.get("requester") else {}),
            "owner": careplan.to(f"Patient/{move.patient}"),
            "input": [{"type": careplan.own_code("task-part", "vraag"), "valueString": question}],
        }
    )


async def _accept(unit: Repository, move: Move) -> bool:
    """Raises where the patient has not agreed; in an emergency the hub agrees for 72 hours, and it is True."""
    assert move.patient is not None
    assert move.owner is not None
    before = move.party("owner", before=True)
    queue = before if before is not None and before.startswith(QUEUE) else None
    if queue is not None:
        # The Task of any other owner is one that a block writes too, so that one of the two begins anew.
        await hold(unit, move.patient)
    said = await standing(unit, move.patient, move.owner, now(), queue)
    if said == "inside":
        return False
    if said == "agreed":
        await _check_outside(unit, move)
        return False
    hurry = is_emergency(move.after)
    if said == "refused" or (hurry and await has_refused(unit, move.patient, move.owner)):
        raise errors.business_rule(
            "The patient does not want this organisation to take part; a new agreement by the patient opens it.",
            "Task.status",
        )
    if not hurry:
        asking = [f"Task/{one['id']}" for one in await _asking(unit, move.name)]
        raise errors.business_rule(
            "This Task awaits the patient's agreement that this organisation takes part"
            + (
                f": {', '.join(asking)} asks for it"
                if asking
                else "; bring it to `received`, and they are asked"
            )
            + ". It is there once the patient completes that Task, or a Consent (`permit`, the organisation as "
            "`actor`) is written by the patient, who represents them, or a professional of the team who heard the "
            "patient say it.",
            "Task.status",
        )
    await _check_outside(unit, move)
    await _agree_in_emergency(unit, move)
    return True


async def _check_outside(unit: Repository, move: Move) -> None:
    """Raises where a consent check outside the hub does not say yes."""
    assert move.patient is not None
    assert move.owner is not None
    if not await permitting.permits(unit, move.patient, await _organization(unit, move.owner)):
        raise errors.business_rule(
            "The consent check outside this hub does not say that this organisation may take part; without its yes "
            "nobody joins.",
            "Task.status",
        )


async def _organization(unit: Repository, party: str) -> str:
    return await parties.organization_of(unit, party, now()) or party


async def _asking(unit: Repository, task: str) -> list[Json]:
    """The open Tasks that ask the patient about a Task."""
    found = await moves.found(unit, "Task", ("part-of", task))
    return [
        one
        for one in found
        if ASKING in careplan.task_codes(one)
        and one.get("status") in ("requested", "accepted", "in-progress")
    ]


async def _stop_asking(unit: Repository, task: str, status: str) -> None:
    for one in await _asking(unit, task):
        await unit.update({**one, "status": status})


# --- the patient's answer ---


async def _take_answer(unit: Repository, move: Move) -> None:
    """Writes the Consent of a completed Task of the patient; a refusal rejects what waits (RULES R14, R15)."""
    about = careplan.party(move.after.get("focus"), move.base)
    task = await moves.read(unit, about) if about is not None else None
    owner = careplan.party((task or {}).get("owner"), move.base)
    if task is None or owner is None or move.patient is None:
        return
    party = owner if owner.startswith(QUEUE) else await _organization(unit, owner)
    actor = unit.asker.actor
    performer = (actor.person if actor is not None else None) or f"Patient/{move.patient}"
    agrees = move.status == "completed" and not any(
        one.get("valueBoolean") is False for one in careplan.part(move.after, "output", "antwoord")
    )
    made = permit(move.patient, party, performer, now())
    if agrees:
        await unit.create(made)
        return
    await unit.create({**made, "status": "rejected"})
    if task.get("status") in careplan.BEFORE_ACCEPTANCE:
        await _move(unit, task, "rejected", REFUSED)
        return
    for one in await moves.found(
        unit, "Consent", ("patient", f"Patient/{move.patient}"), ("status", "active")
    ):
        if _is_of_emergency(one) and party in _actors(one):
            await unit.update({**one, "status": "inactive"})
    await ending.end_participation(unit, move.patient, party, "withdrawn", now())


def permit(patient: str, party: str, performer: str, now: int, until: int | None = None) -> Json:
    """The patient's agreement that a party takes part, as a TeamConsent."""
    reference = careplan.to(party)
    if party.startswith(QUEUE):
        url = guide.url("StructureDefinition", "consent-queue")
        reference = {"extension": [{"url": url, "valueReference": reference}], "display": "Wachtrij"}
    period = {"start": document.instant(now)}
    if until is not None:
        period["end"] = document.instant(until - 1000)
    kind = "deelname" if until is None else EMERGENCY
    return {
        "resourceType": "Consent",
        "meta": {"profile": [guide.url("StructureDefinition", "TeamConsent")]},
        "status": "active",
        "scope": {"coding": [{"system": consents.SCOPES, "code": "patient-privacy"}]},
        "category": [
            {"coding": [{"system": "http://loinc.org", "code": "59284-0"}]},
            careplan.own_code("consent-kind", kind),
        ],
        "patient": careplan.to(f"Patient/{patient}"),
        "dateTime": document.instant(now),
        "performer": [careplan.to(performer)],
        "policy": [{"uri": "https://wetten.overheid.nl/BWBR0023864"}],
        "verification": [
            {
                "verified": True,
                **({"verifiedWith": careplan.to(performer)} if performer.startswith(parties.AT_HOME) else {}),
                "verificationDate": document.instant(now),
            }
        ],
        "provision": {
            "type": "permit",
            "period": period,
            "actor": [{"role": _RECIPIENT, "reference": reference}],
        },
    }


_RECIPIENT: Json = {
    "coding": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ParticipationType", "code": "IRCP"}]
}


async def has_refused(unit: Repository, patient: str, party: str) -> bool:
    """Whether the last the patient said about a party, asked by a Task, was no: a Consent of status `rejected`, which
    decides no access, without an agreement after it."""
    names = {party, *await parties.names(unit, party, now())}
    last = ""
    for one in await moves.found(unit, "Consent", ("patient", f"Patient/{patient}"), ("status", "rejected")):
        if names & _actors(one):
            last = max(last, str(one.get("dateTime", "")))
    if not last:
        return False
    for one in await moves.found(unit, "Consent", ("patient", f"Patient/{patient}"), ("status", "active")):
        if names & _actors(one) and str(one.get("dateTime", "")) >= last:
            return False
    return True


def _is_of_emergency(resource: Json) -> bool:
    return any(careplan.has_own_code(one, "consent-kind", EMERGENCY) for one in resource.get("category", ()))


def _actors(resource: Json) -> set[str]:
    """Whom a Consent is about, whether it stands or not."""
    return {one.actor for one in consents.decisions({**resource, "status": "active"})}


async def _agree_in_emergency(unit: Repository, move: Move) -> None:
    """Agreement for 72 hours, made by the hub and told (RULES R16)."""
    assert move.patient is not None
    assert move.owner is not None
    moment = now()
    party = await _organization(unit, move.owner)
    performer = move.requester or party
    await unit.create(permit(move.patient, party, performer, moment, moment + EMERGENCY_US))
    called = await parties.called(unit, party)
    text = (
        f"Spoed: {called} doet mee zonder dat de patiënt is gevraagd, voor hoogstens 72 uur. "
        f"Emergency: {called} takes part unasked, for 72 hours at most."
    )
    who = await ending.told(unit, move.patient, moment)
    await telling.tell(unit, patient=move.patient, to=who, text=text, about=[move.name], urgent=True)


# --- Consents ---


class TakeNote:
    """The rule that lets what waits go on when the patient agrees, and ends what stands on an agreement that is gone
    or is objected to."""

    types = frozenset({"Consent"})

    async def __call__(self, unit: Repository, effect: Effect) -> None:
        actor = unit.asker.actor
        if actor is None:
            return
        base = moves.base_of(unit)
        before, after = moves.content(effect.before), moves.content(effect.after)
        was = set(consents.decisions(before, base)) if before is not None else set()
        stands = set(consents.decisions(after, base)) if after is not None else set()
        moment = now()
        for patient in sorted({one.subject for one in was ^ stands if "/" not in one.subject}):
            gone = {one.actor for one in was - stands if _is_of_joining(one) and one.permits}
            given = {one.actor for one in stands - was if _is_of_joining(one) and one.permits}
            await look(unit, patient, gone, moment, "withdrawn", given)
            if given and not _is_of_emergency(after or {}):
                await _take_as_answer(unit, patient, given, moment)
            await _plan_ahead(unit, patient, stands - was, moment)

    async def committed(self) -> None:
        """Nothing waits for it."""


async def _take_as_answer(unit: Repository, patient: str, given: Collection[str], now: int) -> None:
    """Completes what asks the patient whether somebody may stay whom they agreed to by themselves."""
    base = moves.base_of(unit)
    query = (("patient", f"Patient/{patient}"), ("code", ASKING), ("status", "requested"))
    for one in await moves.found(unit, "Task", *query):
        about = careplan.party(one.get("focus"), base)
        task = await moves.read(unit, about) if about is not None else None
        owner = careplan.party((task or {}).get("owner"), base)
        if owner is None or {"", *await parties.names(unit, owner, now)}.isdisjoint(given):
            continue
        if await _said(unit, patient, owner, now) == "agreed":
            await unit.update({**one, "status": "completed"})


def _is_of_joining(one: consents.Decision) -> bool:
    """Whether a decision is about taking part: for reading, of everything. A relative takes part by no agreement, and
    not against an objection."""
    is_grant = one.permits and one.actor.startswith("RelatedPerson/")
    return not one.type and one.reads and not one.represents and not is_grant


async def _plan_ahead(unit: Repository, patient: str, decided: set[consents.Decision], now: int) -> None:
    """Look again when what was decided begins or ends."""
    for one in decided:
        if not _is_of_joining(one):
            continue
        for moment in (one.start, one.until):
            if now < moment < _FAR:
                content = {"patient": patient, "actor": one.actor}
                await jobs.enqueue(
                    unit.transaction, unit.tenant.number, JOB, content, (moment - now) / 1_000_000
                )


async def look_again(repository: Repository, content: Json) -> None:
    """The job: something that was agreed or objected to began, or ended, just now."""
    await repository.together(
        lambda unit: look(unit.as_hub(), content["patient"], {content["actor"]}, now(), "expired")
    )


async def look(
    unit: Repository, patient: str, gone: set[str], now: int, why: str, given: Collection[str] = ()
) -> None:
    """Brings Tasks and participations in line with what the patient says now. `gone` are those whom an agreement that
    is no more named ('' for one that named nobody), `given` those whom a new one names."""
    base = moves.base_of(unit)
    await hold(unit, patient)
    for task in await moves.found(
        unit, "Task", ("patient", f"Patient/{patient}"), ("status", "requested,received")
    ):
        owner = careplan.party(task.get("owner"), base)
        if owner is None or not careplan.has_own_code(task.get("statusReason"), "task-reason", WAITING):
            continue
        said = await standing(unit, patient, owner, now)
        if said == "refused":
            await _move(unit, task, "rejected", REFUSED)
        elif said != "unknown":
            await _move(unit, task, "ready" if owner.startswith(QUEUE) else task["status"], None)
            await _stop_asking(unit, f"Task/{task['id']}", "completed")
    practice = await careteam.registered_practice(unit, patient, now)
    for party in await _parties(unit, patient, gone, now):
        said = await _said(unit, patient, party, now)
        if said == "refused":
            await ending.end_participation(unit, patient, party, "block", now)
        elif party.startswith(parties.AT_HOME):
            continue
        elif said == "unknown" and party != practice:
            names = await parties.names(unit, party, now)
            if not gone.isdisjoint({*names, *await _queues(unit, names)}) or (
                "" in gone and not await _began(unit, patient, party)
            ):
                await ending.end_participation(unit, patient, party, why, now)
        elif said == "agreed" and not {"", *await parties.names(unit, party, now)}.isdisjoint(given):
            await ending.let_stay(unit, patient, party, now)


async def _parties(unit: Repository, patient: str, gone: set[str], now: int) -> list[str]:
    """Who takes part, has open Tasks, or did by an agreement that is gone; organisations before their people."""
    base = moves.base_of(unit)
    found = {one for one in gone if one and not one.startswith(QUEUE)}
    found.update(await parties.active(unit, patient, now))
    for task in await moves.found(
        unit, "Task", ("patient", f"Patient/{patient}"), ("status", ",".join(careplan.OPEN))
    ):
        owner = careplan.party(task.get("owner"), base)
        if owner is not None and not owner.startswith(QUEUE):
            found.add(owner)
    return sorted(one for one in found if not one.startswith("Patient/"))


async def _said(unit: Repository, patient: str, party: str, now: int) -> consent.Answer:
    names = await parties.names(unit, party, now)
    provider = any(
        [await careteam.is_provider(unit, one) for one in names if one.startswith("Organization/")]
    )
    queues = await _queues(unit, names)
    return await consent.answer(unit, unit.tenant.number, patient, [*names, *queues], now, provider=provider)


async def _began(unit: Repository, patient: str, party: str) -> bool:
    """Whether a party, or somebody of it, began a plan of the patient: that needed no agreement (RULES R7)."""
    base = moves.base_of(unit)
    for plan in await moves.found(unit, "CarePlan", ("subject", f"Patient/{patient}")):
        author = careplan.party(plan.get("author"), base)
        if author is not None and not {author, *await parties.names(unit, author, now())}.isdisjoint(
            await parties.names(unit, party, now())
        ):
            return True
    return False

"""The multidisciplinary meeting: what is open in a plan as its agenda, and what a decision has
(https://hl7.org/fhir/R4/list.html, https://hl7.org/fhir/R4/task.html)."""

from __future__ import annotations

from collections.abc import Iterator

from fhirhub import errors
from fhirhub.careplan import moves, programmes
from fhirhub.repository import Effect, Repository
from fhirhub.resources import careplan, document, guide, primitives, relations, spoken
from fhirhub.resources.careplan import Json

DAY_US = 86_400 * 1_000_000
STILL_DAYS = 90
"""After so long a goal that nobody said anything about counts as one without progress."""
EXPIRING_DAYS = 60
"""So long before it ends an agreement is to be talked about."""
_NO_PROGRESS = frozenset({"no-change", "no-progress", "worsening", "not-achieved", "not-attainable"})
DECISION, DEVIATION = "mdo-besluit", "meetwaarde-beoordelen"
AGENDA = "agenda"


class CheckDecision:
    """The rule that a decision of a meeting has an owner, a date and the meeting. That a meeting invites the patient
    follows from whose it is: one without the patient among its participants is nobody's to write."""

    types = frozenset({"Task"})

    async def __call__(self, unit: Repository, effect: Effect) -> None:
        task = moves.content(effect.after)
        if unit.asker.actor is not None and not effect.by_hub and task is not None:
            _check_decision(task)

    async def committed(self) -> None:
        """Nothing waits for it."""


def _check_decision(task: Json) -> None:
    if DECISION not in careplan.task_codes(task) or task.get("status") in ("draft", "entered-in-error"):
        return
    has_date = "end" in task.get("restriction", {}).get("period", {})
    for name, there, right in (
        ("owner", "owner" in task, "`owner` says who does it"),
        ("restriction", has_date, "`restriction.period.end` says by when"),
        ("reasonReference", "reasonReference" in task, "`reasonReference` names the meeting (Appointment)"),
    ):
        if not there:
            text = f"A decision of a meeting is a Task with owner and date: {right}."
            raise errors.business_rule(text, f"Task.{name}")


async def agenda(repository: Repository, plan: Json, now: int) -> Json:
    """What is open in a plan, as far as the caller sees it, in the order in which it is talked about: what people put
    on their list, then what contradicts, questions, deviations, tasks, goals, agreements."""
    base = moves.base_of(repository)
    patient = careplan.patient_of(plan, base)
    entries: list[Json] = []
    if patient is not None:
        lists = await moves.found(
            repository, "List", ("subject", f"Patient/{patient}"), ("status", "current")
        )
        for one in lists:
            if careplan.has_own_code(one.get("code"), "document-type", AGENDA):
                entries += [entry for entry in one.get("entry", ()) if not entry.get("deleted")]
    entries += [_entry("Te beslissen", text) for text in programmes.conflicts(plan)]
    name = f"CarePlan/{plan['id']}"
    entries += _unanswered(await moves.found(repository, "Communication", ("based-on", name)))
    tasks = await moves.found(repository, "Task", ("based-on", name), ("status", ",".join(careplan.OPEN)))
    entries += sorted(_tasks(tasks, now), key=lambda entry: _ORDER.index(entry["flag"]["text"]))
    for party in careplan.parties(plan.get("goal"), base):
        goal = await moves.read(repository, party)
        why = None if goal is None else _of_goal(goal, now)
        if goal is not None and why is not None:
            entries.append(_entry(why, programmes.words(goal), party))
    if patient is not None:
        entries += _expiring(
            await moves.found(repository, "Consent", ("patient", patient), ("status", "active")), now
        )
    made: Json = {
        "resourceType": "List",
        "meta": {"profile": [guide.url("StructureDefinition", "ConversationAgenda")]},
        "status": "current",
        "mode": "working",
        "title": f"Agenda: {plan.get('title', 'zorgplan')}",
        "code": careplan.own_code("document-type", AGENDA),
        "subject": plan.get("subject"),
        "date": document.instant(now),
        "note": await _invited(repository, plan, now),
        "entry": entries,
    }
    return {key: value for key, value in made.items() if value not in (None, [])}


async def _invited(repository: Repository, plan: Json, now: int) -> list[Json]:
    """Who is to be there: the patient, and who takes part in the plan now, carers too."""
    base = moves.base_of(repository)
    teams = [one for one in plan.get("contained", ()) if one.get("resourceType") == "CareTeam"]
    for party in careplan.parties(plan.get("careTeam"), base):
        teams += filter(None, [await moves.read(repository, party)])
    members = [
        plan.get("subject", {}),
        *(one.get("member", {}) for team in teams for one in careplan.active(team, now)),
    ]
    named: dict[str, str] = {}
    for one in members:
        reference = careplan.party(one, base)
        if reference is not None:
            named.setdefault(
                reference, f"{one['display']} ({reference})" if one.get("display") else reference
            )
    return [{"text": f"Uit te nodigen (to invite): {', '.join(named.values())}"}] if named else []


_ORDER = ("Afwijkende meting", "Spoed", "Over de datum", "Nog niet aangenomen")


def _entry(why: str, text: str, reference: str | None = None) -> Json:
    item: Json = {"display": text[:500] or why}
    if reference is not None:
        item["reference"] = reference
    return {"flag": {"text": why}, "item": item}


def _tasks(tasks: list[Json], now: int) -> Iterator[Json]:
    for task in tasks:
        due = relations.period(task.get("restriction", {}).get("period"))[1]
        code = next((one.get("display") for one in task.get("code", {}).get("coding", ())), None)
        text = task.get("description") or task.get("code", {}).get("text") or code or "Taak"
        name = f"Task/{task['id']}"
        if DEVIATION in careplan.task_codes(task):
            yield _entry("Afwijkende meting", text, name)
        elif task.get("priority") in ("urgent", "asap", "stat"):
            yield _entry("Spoed", text, name)
        elif due <= now:
            yield _entry("Over de datum", text, name)
        elif task["status"] in ("requested", "received", "ready"):
            yield _entry("Nog niet aangenomen", text, name)


def _of_goal(goal: Json, now: int) -> str | None:
    if goal["lifecycleStatus"] == "proposed":
        return "Doel om aan te nemen"
    if goal["lifecycleStatus"] not in ("accepted", "active", "on-hold"):
        return None
    reached = {code for _, code in careplan.codings(goal.get("achievementStatus"))}
    if reached & _NO_PROGRESS:
        return "Doel zonder voortgang"
    since = goal.get("statusDate") or goal.get("startDate")
    if not reached and since and primitives.date_range(since)[0] < now - STILL_DAYS * DAY_US:
        return "Doel zonder voortgang"
    return None


def _unanswered(messages: list[Json]) -> Iterator[Json]:
    url = guide.url("StructureDefinition", "answer-by")
    answered = {party for one in messages for party in careplan.parties(one.get("inResponseTo"))}
    for one in messages:
        name = f"Communication/{one['id']}"
        wished = any(extension.get("url") == url for extension in one.get("extension", ()))
        if wished and name not in answered and one.get("status") != "entered-in-error":
            text = next(
                (part["contentString"] for part in one.get("payload", ()) if "contentString" in part), ""
            )
            yield _entry("Vraag zonder antwoord", text or "Bericht", name)


def _expiring(consents: list[Json], now: int) -> Iterator[Json]:
    for one in consents:
        until = relations.period(one.get("provision", {}).get("period"))[1]
        if now < until < now + EXPIRING_DAYS * DAY_US:
            day = spoken.day(document.instant(until), "nl")
            yield _entry("Afspraak die afloopt", f"Toestemming tot {day}", f"Consent/{one['id']}")

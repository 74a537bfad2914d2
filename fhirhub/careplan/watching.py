"""Home measurements are watched under an accepted Task alone, and who sends one learns whether somebody looks
(RULES R32).

A Task `thuismeten` says who watches (owner), when (`uren`), between which bands (`grens-gewoon`, `grens-spoed`), and
what the patient hears when a value is urgent (`tekst-spoed`). What lies outside becomes one open Task
`meetwaarde-beoordelen` of the owner. This judges values of a person and is a medical-device function:
docs/intended-use.md says what switching it on asks. It is off unless the settings switch it on.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from fhirhub import errors, jobs
from fhirhub.auth import careteam
from fhirhub.careplan import moves, parties, telling
from fhirhub.repository import Effect, Repository, now
from fhirhub.resources import careplan, document, guide, measurements, primitives, spoken
from fhirhub.resources.careplan import Json
from fhirhub.resources.measurements import Grade, Reading

WATCH, REVIEW = "thuismeten", "meetwaarde-beoordelen"
JOB = "home-watch"
"""The kind of job that looks whether a review was accepted in time."""
ZONE = ZoneInfo("Europe/Amsterdam")
"""In which the hours of a Task are."""
_BANDS = ("grens-gewoon", "grens-spoed", "uren", "tekst-spoed")
_WAITING = ("requested", "received")
_WATCHING = ("accepted", "in-progress")
_ROUTINE_SECONDS = 86_400
_OLD_US = 2 * 86_400 * 1_000_000
_MARK = b"/StructureDefinition/watching"
OLD = "A system sent an old value: it is kept, and nobody is asked to look at it."
NOBODY = (
    "Nobody watches this value: call the practice or the out-of-hours post if you have complaints. "
    "Niemand kijkt naar deze waarde: bel de praktijk of huisartsenpost bij klachten."
)


class Watch:
    """The rule that looks at each home measurement when it comes in."""

    types = frozenset({"Observation"})

    async def __call__(self, unit: Repository, effect: Effect) -> None:
        actor, body = unit.asker.actor, effect.after.body
        if actor is None or body is None:
            return
        if b'"performer"' not in body and _MARK not in body:
            return
        observation = document.decode(body)
        before = moves.content(effect.before)
        if not measurements.is_home(observation):
            said_before = measurements.notice(before) if before is not None else None
            if _MARK in body and measurements.notice(observation) != said_before:
                await unit.amend("Observation", effect.after.id, measurements.without_notice(observation))
            return
        found = list(measurements.readings(observation))
        for reading in found:
            fault = measurements.fault(reading)
            if fault is not None:
                raise errors.error(422, "value", fault, reading.place)
        if before is not None and _same(found, before):
            said = measurements.notice(before)
            if said != measurements.notice(observation):
                raise errors.business_rule(
                    "What the hub said of a measurement stays.", "Observation.extension"
                )
            return
        is_history = actor.column == "backend" and _is_old(observation)
        verdict = Verdict("not-watched", OLD) if is_history else await _judge(unit, observation, found)
        await unit.amend(
            "Observation",
            effect.after.id,
            measurements.with_notice(observation, verdict.state, verdict.text, verdict.task),
        )
        if effect.by_hub and verdict.state == "urgent":
            # It came with answers to a questionnaire, whose own answer does not say it.
            base = moves.base_of(unit)
            await telling.tell(
                unit,
                patient=careplan.patient_of(observation, base),
                to=careplan.parties(observation.get("performer"), base),
                text=verdict.text,
                about=[f"Observation/{effect.after.id}"],
                urgent=True,
            )

    async def committed(self) -> None:
        """Nothing waits for it."""


class Verdict(NamedTuple):
    """What the answer says."""

    state: str
    text: str
    task: str | None = None


class KeepBands:
    """The rule that bands and hours are a professional's to set, complete before somebody accepts to watch."""

    types = frozenset({"Task"})

    async def __call__(self, unit: Repository, effect: Effect) -> None:
        move = moves.move_of(unit, effect)
        if move is None or move.by_hub or WATCH not in careplan.task_codes(move.after):
            return
        if move.owner is None or move.owner.startswith(parties.AT_HOME):
            return
        actor = unit.asker.actor
        assert actor is not None
        is_set = _settings(move.after) != (_settings(move.before) if move.before is not None else [])
        if is_set and actor.column not in ("doctor", "treating", "backend"):
            raise errors.business_rule(
                "Bands, hours and the text for urgent values are set by a professional.", "Task.input"
            )
        if move.comes_to("accepted") or (is_set and move.status in _WATCHING):
            _refuse_incomplete(move.after)

    async def committed(self) -> None:
        """Nothing waits for it."""


def _settings(task: Json) -> list[Json]:
    return [one for part in _BANDS for one in careplan.part(task, "input", part)]


def _refuse_incomplete(task: Json) -> None:
    routine, urgent = (measurements.bands(task, name) for name in _BANDS[:2])
    fault = None
    if not routine or routine.keys() != urgent.keys():
        fault = (
            "a routine and an urgent band (`grens-gewoon`, `grens-spoed`) for each measurement: `type` has the part's "
            "code and the LOINC code, `valueRange` the limits"
        )
    elif not any(one.get("valueTiming") for one in careplan.part(task, "input", "uren")):
        fault = "the hours in which somebody looks: `uren` with a Timing (dayOfWeek, timeOfDay, duration)"
    elif not any(one.get("valueString") for one in careplan.part(task, "input", "tekst-spoed")):
        fault = "whom the patient calls when a value is urgent: `tekst-spoed`"
    if fault is not None:
        raise errors.business_rule(f"Who accepts to watch home measurements needs {fault}.", "Task.input")


def _is_old(observation: Json) -> bool:
    """Whether it was measured too long ago to act on, as in a record that a system hands over."""
    try:
        measured = primitives.date_range(str(observation.get("effectiveDateTime")))[1]
    except ValueError:
        return False
    return now() - measured > _OLD_US


def _same(found: list[Reading], before: Json) -> bool:
    return [one.quantity for one in measurements.readings(before)] == [one.quantity for one in found]


async def _judge(unit: Repository, observation: Json, found: list[Reading]) -> Verdict:
    patient = careplan.patient_of(observation, moves.base_of(unit))
    if not unit.tenant.home_watch or patient is None:
        return Verdict("not-watched", NOBODY)
    graded = await _graded(unit, patient, found)
    if not graded:
        return Verdict("not-watched", NOBODY)
    worst: Grade = "urgent" if any(one == "urgent" for _, one in graded) else "routine"
    if all(one == "inside" for _, one in graded):
        worst = "inside"
    task = next(task for task, one in graded if one == worst)
    name = f"Task/{task['id']}"
    local = datetime.now(UTC).astimezone(ZONE)
    for one, grade in _worst_of_each(graded):
        if grade != "inside":
            await _review(unit, patient, one, observation, grade)
    if worst == "urgent":
        return Verdict("urgent", _urgent_text([one for one, grade in graded if grade == "urgent"]), name)
    told = await _goals_missed(unit, patient, found)
    if not measurements.is_watched(task, local):
        later = measurements.next_watch(task, local)
        if later is None:
            return Verdict("outside-hours", NOBODY + told, name)
        at, on = later.strftime("%Y-%m-%d %H:%M"), spoken.moment(later, "nl")
        text = f"Nobody watches now; somebody looks from {at}. Nu kijkt niemand; er kijkt weer iemand vanaf {on}."
        return Verdict("outside-hours", text + told, name)
    if worst == "routine":
        text = "Outside the usual band: who watches will look at it. Buiten de gewone grens: er wordt naar gekeken."
        return Verdict("deviation", text + told, name)
    return Verdict("watched", "Within the bands. Binnen de grenzen." + told, name)


async def _graded(unit: Repository, patient: str, found: list[Reading]) -> list[tuple[Json, Grade]]:
    """How the readings lie to the bands of each accepted Task that watches their codes."""
    code = f"{guide.url('CodeSystem', 'task')}|{WATCH}"
    query = (("patient", f"Patient/{patient}"), ("status", ",".join(_WATCHING)), ("code", code))
    graded = []
    for task in await moves.found(unit, "Task", *query):
        owner = careplan.party(task.get("owner"), moves.base_of(unit))
        if owner is None or owner.startswith(parties.AT_HOME):
            continue
        grades = [one for reading in found if (one := measurements.grade(reading, task)) is not None]
        graded += [(task, one) for one in grades]
    return graded


def _worst_of_each(graded: list[tuple[Json, Grade]]) -> list[tuple[Json, Grade]]:
    """Each Task once: every one who watches looks at what lies outside their own bands."""
    found: dict[str, tuple[Json, Grade]] = {}
    for task, grade in graded:
        known = found.get(str(task["id"]))
        if known is None or _ORDER.index(grade) > _ORDER.index(known[1]):
            found[str(task["id"])] = (task, grade)
    return list(found.values())


_ORDER: tuple[Grade, ...] = ("inside", "routine", "urgent")


def _urgent_text(tasks: list[Json]) -> str:
    """Whom to call now, as each practice says it."""
    texts = [
        str(one.get("valueString", ""))
        for task in tasks
        for one in careplan.part(task, "input", "tekst-spoed")
    ]
    return " ".join(dict.fromkeys(texts))


async def _goals_missed(unit: Repository, patient: str, found: list[Reading]) -> str:
    goals = await moves.found(
        unit,
        "Goal",
        ("patient", f"Patient/{patient}"),
        ("lifecycle-status", "active,accepted,planned,on-hold"),
    )
    missed = {
        str(goal["id"]): str(goal.get("description", {}).get("text", ""))
        for reading in found
        for goal in measurements.missed(reading, goals)
    }
    return "".join(f" Not yet at the target of Goal/{id}." for id in missed)


async def _review(unit: Repository, patient: str, task: Json, observation: Json, grade: Grade) -> None:
    """Puts the measurement into the open review of this Task, or makes one; tells the owner of what is new or
    worse, not of each repetition."""
    name = f"Task/{task['id']}"
    await unit.transaction.lock_names(unit.tenant.number, [f"{REVIEW} {name}"])
    opened = await moves.found(
        unit, "Task", ("part-of", name), ("status", ",".join(careplan.OPEN)), ("code", _review_code())
    )
    measured = {
        "type": careplan.own_code("task-part", "meting"),
        "valueReference": careplan.to(f"Observation/{observation['id']}"),
    }
    is_urgent = grade == "urgent"
    if not opened:
        made = await unit.create(_new_review(patient, task, observation, measured, urgent=is_urgent))
        review = document.decode(made.stored.body or b"{}")
    else:
        review = {**opened[0], "input": [*opened[0].get("input", ()), measured]}
        if is_urgent:
            review["priority"] = "urgent"
            review.pop("statusReason", None)
        await unit.update(review)
        if not is_urgent:
            return
    owner = careplan.party(task.get("owner"), moves.base_of(unit))
    assert owner is not None
    await telling.tell(
        unit,
        patient=patient,
        to=[owner],
        text="Een thuismeting is dringend buiten de grens."
        if is_urgent
        else "Een thuismeting is buiten de grens.",
        about=[f"Task/{review['id']}", f"Observation/{observation['id']}"],
        urgent=is_urgent,
    )
    if review["status"] in _WAITING:
        delay = unit.tenant.home_watch_accept_seconds if is_urgent else _ROUTINE_SECONDS
        content = {"task": review["id"]}
        await jobs.enqueue(unit.transaction, unit.tenant.number, JOB, content, delay)


def _review_code() -> str:
    return f"{guide.url('CodeSystem', 'task')}|{REVIEW}"


def _new_review(patient: str, task: Json, observation: Json, measured: Json, *, urgent: bool) -> Json:
    made: Json = {
        "resourceType": "Task",
        "meta": {"profile": [guide.url("StructureDefinition", "HomeReviewTask")]},
        "partOf": [careplan.to(f"Task/{task['id']}")],
        "status": "requested",
        "intent": "order",
        "priority": "urgent" if urgent else "routine",
        "code": careplan.own_code("task", REVIEW),
        "description": "Een thuis gemeten waarde ligt buiten een grens.",
        "focus": careplan.to(f"Observation/{observation['id']}"),
        "for": careplan.to(f"Patient/{patient}"),
        "authoredOn": document.instant(now()),
        "owner": task["owner"],
        "input": [measured],
    }
    if task.get("basedOn"):
        made["basedOn"] = task["basedOn"]
    return made


async def look_again(repository: Repository, content: Json) -> None:
    """The job: a review that nobody accepted in time goes to the owner's organisation and the coordinator."""

    async def work(unit: Repository) -> None:
        hub = unit.as_hub()
        stored = await hub.find("Task", str(content["task"]))
        task = moves.content(stored)
        if task is None or task.get("status") not in _WAITING:
            return
        if careplan.has_own_code(task.get("statusReason"), "task-reason", "not-accepted-in-time"):
            return
        moment, base = now(), moves.base_of(hub)
        patient, owner = careplan.patient_of(task, base), careplan.party(task.get("owner"), base)
        if patient is None or owner is None:
            return
        told = [one for one in await careteam.organizations_of(hub, owner, moment) if one != owner]
        told += await _coordinators(hub, patient, moment)
        await hub.update({**task, "statusReason": careplan.own_code("task-reason", "not-accepted-in-time")})
        await telling.tell(
            hub,
            patient=patient,
            to=told or [owner],
            text="Een thuismeting buiten de grens is niet op tijd opgepakt.",
            about=[f"Task/{task['id']}"],
            urgent=task.get("priority") == "urgent",
        )

    await repository.together(work)


async def _coordinators(unit: Repository, patient: str, moment: int) -> list[str]:
    """Who coordinates the patient's plans; the registered practice where nobody does."""
    found = [
        holder
        for team in await moves.found(unit, "CareTeam", ("patient", f"Patient/{patient}"))
        if (holder := careplan.holder(team, careplan.COORDINATOR, moment, moves.base_of(unit))) is not None
    ]
    practice = await careteam.registered_practice(unit, patient, moment)
    return found or ([practice] if practice is not None else [])

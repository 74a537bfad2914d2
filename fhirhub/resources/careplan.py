"""Typed reading and building of the resources of shared care: CarePlan, CareTeam, Task and Consent
(https://hl7.org/fhir/R4/careplan.html, https://hl7.org/fhir/R4/careteam.html, https://hl7.org/fhir/R4/task.html).

Pure functions over JSON. Moments are microseconds since 1970 UTC; a party is a relative reference such as
`Organization/x`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from fhirhub.resources import document, guide, references, relations

Json = dict[str, Any]

SNOMED = "http://snomed.info/sct"
SHARED = "135411000146103"
"""SNOMED CT: Multidisciplinary care regime, the category of a shared plan (https://decor.nictiz.nl)."""
TREATING, PATIENT, CARER, RELATIVE = "405623001", "116154003", "407542009", "125677006"
CASE_MANAGER = "768832004"
"""The SNOMED CT code by which other Dutch guides name the coordinator."""
COORDINATOR, IN_CHARGE = "coordinator", "regiebehandelaar"
"""Codes of the guide's CodeSystem `team-function`: each is with one member at a time (RULES R9, R30)."""
_DISPLAYS = {
    TREATING: ("Assigned practitioner", "Behandelaar"),
    PATIENT: ("Patient", "Patiënt"),
    CARER: ("Informal carer", "Mantelzorger"),
    RELATIVE: ("Relative", "Naaste"),
    COORDINATOR: ("Coördinator", None),
    IN_CHARGE: ("Regiebehandelaar", None),
}

# --- elements ---


def to(party: str) -> Json:
    """A Reference to it."""
    return {"reference": party}


def party(value: Json | None, base: str | None = None) -> str | None:
    """`Type/id` of a local Reference; None for any other."""
    text = value.get("reference") if isinstance(value, dict) else None
    if not isinstance(text, str):
        return None
    target = references.parse(text, base)
    return f"{target.type}/{target.id}" if target.is_local else None


def parties(values: Iterable[Json] | None, base: str | None = None) -> list[str]:
    """`Type/id` of each local Reference, in order."""
    found = (party(value, base) for value in values or ())
    return [one for one in found if one is not None]


def codings(concept: Any) -> Iterator[tuple[str | None, str]]:
    """System and code of each coding of a CodeableConcept, or of several."""
    for one in concept if isinstance(concept, list) else [concept]:
        for coding in (one or {}).get("coding", ()):
            if isinstance(coding.get("code"), str):
                yield coding.get("system"), coding["code"]


def own_code(system: str, code: str) -> Json:
    """A CodeableConcept of one of the guide's own code systems, by the system's id, such as `task`."""
    return {"coding": [{"system": guide.url("CodeSystem", system), "code": code}]}


def has_own_code(concept: Any, system: str, code: str) -> bool:
    """Whether a CodeableConcept has that code of the guide's code system."""
    return any(found == (guide.url("CodeSystem", system), code) for found in codings(concept))


# --- Task ---

OPEN = ("draft", "requested", "received", "ready", "accepted", "in-progress", "on-hold")
"""Statuses of a Task that has not ended."""
UNDER_WAY = ("accepted", "in-progress", "on-hold")
"""Statuses in which a Task makes its owner a participant."""
BEFORE_ACCEPTANCE = ("draft", "requested", "received", "ready")


def task_codes(task: Json) -> frozenset[str]:
    """The Task's codes of the guide's code system of tasks."""
    system = guide.url("CodeSystem", "task")
    return frozenset(code for of, code in codings(task.get("code")) if of == system)


def part(task: Json, name: str, code: str) -> Iterator[Json]:
    """What a Task has as `input` or `output` (`name`) of that code of the guide's code system `task-part`."""
    for one in task.get(name, ()):
        if has_own_code(one.get("type"), "task-part", code):
            yield one


def patient_of(resource: Json, base: str | None = None) -> str | None:
    """The id of the Patient that a Task, CarePlan, CareTeam or Consent is about."""
    value = resource.get("for") or resource.get("subject") or resource.get("patient")
    found = party(value, base)
    return found.removeprefix("Patient/") if found is not None and found.startswith("Patient/") else None


def is_about_patient(task: Json, base: str | None = None) -> bool:
    """Whether a Task is for a Patient, whom it may name by an identifier alone."""
    whom = task.get("for")
    if not isinstance(whom, dict):
        return False
    found = party(whom, base)
    return found.startswith("Patient/") if found is not None else "identifier" in whom


# --- CareTeam ---


def is_active(participant: Json, now: int) -> bool:
    """Whether the start is past, and the end absent or to come (RULES R7)."""
    period = participant.get("period", {})
    if not period.get("start"):
        return False
    start, until = relations.period(period)
    return start <= now < until


def active(team: Json, now: int) -> list[Json]:
    """The participants that are active; none where the team itself has ended."""
    if team.get("status", "active") in ("proposed", "inactive", "entered-in-error"):
        return []
    return [one for one in team.get("participant", ()) if is_active(one, now)]


def has_function(participant: Json, function: str) -> bool:
    """Whether a participant is COORDINATOR, or IN_CHARGE."""
    return any(
        code == function or (function == COORDINATOR and code == CASE_MANAGER and system == SNOMED)
        for system, code in codings(participant.get("role"))
    )


def holder(team: Json, function: str, now: int, base: str | None = None) -> str | None:
    """The active participant that has a function, None where nobody has."""
    for one in active(team, now):
        if has_function(one, function):
            return party(one.get("member"), base)
    return None


def role(code: str) -> Json:
    """A role of a participant: a SNOMED CT code named here, a function, or a role of the hub."""
    english, text = _DISPLAYS.get(code, (None, None))
    if code in (COORDINATOR, IN_CHARGE):
        concept = own_code("team-function", code)
    elif code.isdigit():
        concept = {"coding": [{"system": SNOMED, "code": code}]}
    else:
        concept = own_code("role", code)
    if english is not None:
        concept["coding"][0]["display"] = english
    return concept if text is None else {**concept, "text": text}


def participant(member: str, roles: Iterable[Json], start: int) -> Json:
    """An entry of a CareTeam that begins at that moment."""
    return {"role": list(roles), "member": to(member), "period": {"start": document.instant(start)}}


def ended(participant: Json, now: int) -> Json:
    """The entry, over from that moment on: an end covers the millisecond that it names."""
    period = participant.get("period", {})
    end = (
        max(now - 1000, relations.period({"start": period["start"]})[0])
        if period.get("start")
        else now - 1000
    )
    return {**participant, "period": {**period, "end": document.instant(end)}}


def begins(participant: Json, now: int) -> bool:
    """Whether the entry begins at that very moment."""
    return bool(participant.get("period", {}).get("start") == document.instant(now))

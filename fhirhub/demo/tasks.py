"""Who does what: the Tasks of the plan, in every state.

https://hl7.org/fhir/R4/task.html
"""

from __future__ import annotations

from typing import Any

from fhirhub.demo import questionnaires, templates
from fhirhub.demo.calendar import day, moment
from fhirhub.demo.person import Person
from fhirhub.demo.templates import LOINC, UCUM, coded, meta, reference, without
from fhirhub.demo.typed import CANONICAL
from fhirhub.demo.words import ERRANDS, TASKS

Json = dict[str, Any]

TASK_CODE = f"{CANONICAL}/CodeSystem/task"
# Task status and how often, in percent; https://hl7.org/fhir/R4/valueset-task-status.html
_STATES = (
    ("requested", 20), ("received", 8), ("accepted", 14), ("in-progress", 22), ("on-hold", 4),
    ("completed", 22), ("rejected", 4), ("cancelled", 4), ("failed", 2),
)  # fmt: skip
_EACH_STATE = tuple(status for status, percent in _STATES for _ in range(percent))
TAKING_PART = frozenset({"accepted", "in-progress", "on-hold"})
_TOOK_PART = frozenset({"completed", "failed"})
_NO_CAPACITY = coded(f"{CANONICAL}/CodeSystem/task-reason", "no-capacity", "Geen plaats", "Nu geen plaats")
_NOT_NEEDED = coded(f"{CANONICAL}/CodeSystem/task-reason", "not-needed", "Niet meer nodig")
_HOURS = coded(f"{CANONICAL}/CodeSystem/task-part", "uren", "Uren")
_URGENT_TEXT = coded(f"{CANONICAL}/CodeSystem/task-part", "tekst-spoed", "Tekst bij spoed")
_LIMITS = (
    coded(f"{CANONICAL}/CodeSystem/task-part", "grens-gewoon", "Gewone grens"),
    coded(f"{CANONICAL}/CodeSystem/task-part", "grens-spoed", "Spoedgrens"),
)
_CALL = (
    "Bel nu de praktijk; 's avonds, 's nachts en in het weekend de huisartsenpost. Bel bij levensgevaar 112."
)
_BANDS: dict[str, tuple[tuple[str, str, str, tuple[int, int], tuple[int, int]], ...]] = {
    "pressure": (("8480-6", "Systolic blood pressure", "mm[Hg]", (105, 160), (85, 190)),),
    "saturation": (
        ("59408-5", "Oxygen saturation in Arterial blood by Pulse oximetry", "%", (90, 100), (85, 100)),
    ),
    "glucose": (
        (
            "14743-9",
            "Glucose [Moles/volume] in Capillary blood by Glucometer",
            "mmol/L",
            (4, 12),
            (3, 20),
        ),
    ),
}
"""By measure: LOINC code, display, unit, the routine and the urgent band; of an invented person."""
_QUESTIONNAIRE = coded(f"{CANONICAL}/CodeSystem/task-part", "vragenlijst", "Vragenlijst")


def tasks(person: Person) -> list[Json]:
    """Errands of the plan, and the watching of home measurements where the problems ask for it."""
    draw = person.draw
    errands = [errand for errand in ERRANDS if errand.owner != "carer" or person.carers]
    made = []
    for index, errand in enumerate(draw.some(errands, 3 + draw.below(5)), 1):
        status = draw.one(_EACH_STATE)
        asked = draw.between(1, person.started - 1)
        moved = asked if status == "requested" else draw.below(asked)
        owner = person.party(errand.owner)
        requester = person.gp if errand.owner in ("specialist", "poh") else person.poh
        task = {
            **templates.task(),
            "id": person.id("taak", index),
            "meta": meta(),
            "basedOn": [reference(person.plan)],
            "status": status,
            "statusReason": _NO_CAPACITY if status == "rejected" else _NOT_NEEDED,
            "priority": "urgent" if draw.chance(errand.urgent_percent) else "routine",
            "code": coded(TASK_CODE, errand.code, TASKS[errand.code]),
            "description": errand.description,
            "focus": reference(person.plan),
            "for": reference(person.reference),
            "authoredOn": moment(asked, 8 + draw.below(9), draw.below(60)),
            "lastModified": moment(moved, 17 + draw.below(5), draw.below(60)),
            "requester": reference(requester, person.place.names[requester]),
            "owner": reference(owner),
            "restriction": {"period": {"end": day(asked - 14 - draw.below(30))}},
        }
        if status in TAKING_PART or status in _TOOK_PART:
            period = {"start": moment(min(asked, moved + 2), 12)}
            if status in _TOOK_PART:
                period["end"] = moment(moved, 16)
            task["executionPeriod"] = period
        else:
            del task["executionPeriod"]
        if status not in ("rejected", "cancelled", "failed"):
            del task["statusReason"]
        if errand.code == "vragenlijst":
            task["input"] = [{"type": _QUESTIONNAIRE, "valueCanonical": questionnaires.HEALTH}]
        else:
            del task["input"]
        made.append(task)
    bands = [band for measure in person.measures() for band in _BANDS.get(measure, ())]
    if bands:
        made.append(_watching(person, bands))
    return made


def _watching(person: Person, bands: list[tuple[str, str, str, tuple[int, int], tuple[int, int]]]) -> Json:
    """The accepted Task by which the practice nurse watches what is measured at home."""
    began = moment(person.started - 1, 10)
    inputs: list[Json] = []
    for loinc, display, unit, *limits in bands:
        for part, (low, high) in zip(_LIMITS, limits, strict=True):
            type = {"coding": [*part["coding"], {"system": LOINC, "code": loinc, "display": display}]}
            of = {"unit": unit, "system": UCUM, "code": unit}
            range = {"low": {"value": low, **of}, "high": {"value": high, **of}}
            inputs.append({"type": type, "valueRange": range})
    hours = {
        "dayOfWeek": ["mon", "tue", "wed", "thu", "fri"],
        "timeOfDay": ["08:00:00"],
        "duration": 9,
        "durationUnit": "h",
    }
    inputs.append({"type": _HOURS, "valueTiming": {"repeat": hours}})
    inputs.append({"type": _URGENT_TEXT, "valueString": _CALL})
    task = {
        **templates.task(),
        "id": person.id("bewaking"),
        "meta": meta(),
        "basedOn": [reference(person.plan)],
        "status": "accepted",
        "priority": "routine",
        "code": coded(TASK_CODE, "thuismeten", TASKS["thuismeten"]),
        "description": "Thuismetingen bekijken op werkdagen.",
        "focus": reference(person.plan),
        "for": reference(person.reference),
        "authoredOn": began,
        "lastModified": began,
        "requester": reference(person.gp, person.place.names[person.gp]),
        "owner": reference(person.poh),
        "executionPeriod": {"start": began},
        "input": inputs,
    }
    return without(task, "statusReason", "restriction")

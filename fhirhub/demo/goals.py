"""What the patient wants to reach, in the six dimensions, some of it measured at home.

https://hl7.org/fhir/R4/goal.html
"""

from __future__ import annotations

from typing import Any

from fhirhub.demo import questionnaires, templates
from fhirhub.demo.calendar import day
from fhirhub.demo.person import Person
from fhirhub.demo.templates import HL7, LOINC, UCUM, coded, meta, reference
from fhirhub.demo.words import AIMS

Json = dict[str, Any]

_MEASURES: dict[str, tuple[Json, int, int]] = {
    "pressure": (coded(LOINC, "8480-6", "Systolic blood pressure", "Bovendruk"), 110, 140),
    "weight": (coded(LOINC, "29463-7", "Body weight", "Lichaamsgewicht"), 60, 95),
    "glucose": (
        coded(LOINC, "14743-9", "Glucose [Moles/volume] in Capillary blood by Glucometer", "Glucose"),
        4,
        8,
    ),
    "saturation": (
        coded(LOINC, "59408-5", "Oxygen saturation in Arterial blood by Pulse oximetry", "Saturatie"),
        90,
        100,
    ),
}
_UNITS = {"pressure": "mm[Hg]", "weight": "kg", "glucose": "mmol/L", "saturation": "%"}
_HIGH = coded(f"{HL7}/goal-priority", "high-priority", "High Priority", "Hoog")
_MEDIUM = coded(f"{HL7}/goal-priority", "medium-priority", "Medium Priority", "Gemiddeld")
_LOW = coded(f"{HL7}/goal-priority", "low-priority", "Low Priority", "Laag")


def goals(person: Person) -> list[Json]:
    """Goals held against home measurements, and wishes in plain words."""
    draw = person.draw
    fitting = person.measures()
    held = [aim for aim in AIMS if aim.measure in fitting]
    wishes = [aim for aim in AIMS if aim.measure is None and (aim.who != "carer" or person.carers)]
    made = []
    for index, aim in enumerate([*draw.some(held, 2), *draw.some(wishes, 2 + draw.below(3))], 1):
        id = person.id("doel", index)
        person.goals.append((f"Goal/{id}", aim))
        reached = draw.chance(15)
        goal = {
            **templates.goal(),
            "id": id,
            "meta": meta(),
            "lifecycleStatus": "completed"
            if reached
            else draw.one(("active", "active", "active", "proposed", "accepted")),
            "achievementStatus": (
                coded(f"{HL7}/goal-achievement", "achieved", "Achieved", "Bereikt")
                if reached
                else coded(f"{HL7}/goal-achievement", "in-progress", "In Progress", "Bezig")
            ),
            "category": [questionnaires.dimension(aim.dimension)],
            "priority": draw.one((_HIGH, _MEDIUM, _LOW)),
            "description": {"text": aim.text},
            "subject": person.subject(),
            "startDate": day(person.started - draw.below(40)),
            "statusDate": day(draw.below(50)),
            "expressedBy": person.subject() if aim.by_patient and person.speaks else reference(person.poh),
            "addresses": [reference(person.diseases[0][0])],
        }
        if aim.measure:
            measure, low, high = _MEASURES[aim.measure]
            unit = {"unit": _UNITS[aim.measure], "system": UCUM, "code": _UNITS[aim.measure]}
            goal["target"] = [
                {
                    "measure": measure,
                    "detailRange": {"low": {"value": low, **unit}, "high": {"value": high, **unit}},
                    "dueDate": day(-90),
                }
            ]
        else:
            goal["target"] = [{"dueDate": day(-30 - draw.below(120))}]
        if goal["lifecycleStatus"] == "proposed":
            # Nobody agreed to it yet, so nobody is on the way.
            del goal["achievementStatus"]
        made.append(goal)
    return made

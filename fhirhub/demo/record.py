"""What the huisarts has on record: problems, allergies, medication.

https://hl7.org/fhir/R4/condition.html, https://hl7.org/fhir/R4/allergyintolerance.html,
https://hl7.org/fhir/R4/medicationstatement.html
"""

from __future__ import annotations

from typing import Any

from fhirhub.demo import templates
from fhirhub.demo.calendar import TODAY, day
from fhirhub.demo.person import Person
from fhirhub.demo.templates import SNOMED, coded, meta, reference
from fhirhub.demo.words import ALLERGIES, DISEASES

Json = dict[str, Any]


def conditions(person: Person) -> list[Json]:
    """Two problems or more, in ICPC-1 and SNOMED CT."""
    draw = person.draw
    found = [disease for disease in DISEASES if draw.chance(disease.share_percent)]
    if len(found) < 2:
        found = draw.some(DISEASES, 2)
    made = []
    for index, disease in enumerate(found, 1):
        id = person.id("probleem", index)
        person.diseases.append((f"Condition/{id}", disease))
        years = 1 + draw.below(15)
        made.append(
            {
                **templates.condition(),
                "id": id,
                "meta": meta(),
                "code": {
                    "coding": [
                        {
                            "system": "http://hl7.org/fhir/sid/icpc-1-nl",
                            "code": disease.icpc,
                            "display": disease.icpc_name,
                        },
                        {"system": SNOMED, "code": disease.snomed, "display": disease.snomed_name},
                    ],
                    "text": disease.icpc_name,
                },
                "subject": person.subject(),
                "onsetDateTime": str(TODAY.year - years),
                "recordedDate": day(365 * years - draw.below(300)),
                "recorder": reference(person.gp),
            }
        )
    return made


def allergies(person: Person) -> list[Json]:
    """At most one allergy, with its reaction."""
    draw = person.draw
    made = []
    found = draw.some(ALLERGIES, 1) if draw.chance(40) else []
    for index, (code, display, dutch, category, reaction, reaction_display, reaction_dutch) in enumerate(
        found, 1
    ):
        made.append(
            {
                **templates.allergy(),
                "id": person.id("allergie", index),
                "meta": meta(),
                "category": [category],
                "criticality": draw.one(("low", "high")),
                "code": coded(SNOMED, code, display, dutch),
                "patient": person.subject(),
                "recordedDate": day(400 + draw.below(3000)),
                "recorder": reference(person.gp),
                "reaction": [
                    {
                        "manifestation": [coded(SNOMED, reaction, reaction_display, reaction_dutch)],
                        "severity": draw.one(("mild", "moderate", "severe")),
                    }
                ],
            }
        )
    return made


def medications(person: Person) -> list[Json]:
    """What the problems are treated with, some of it stopped."""
    draw = person.draw
    made: list[Json] = []
    seen = set()
    for condition, disease in person.diseases:
        for medicine in disease.medicines:
            if medicine.atc in seen:
                continue
            seen.add(medicine.atc)
            stopped = draw.chance(12)
            period = {"start": day(200 + draw.below(1500))}
            if stopped:
                period["end"] = day(draw.below(180))
            made.append(
                {
                    **templates.medication(),
                    "id": person.id("medicatie", len(made) + 1),
                    "meta": meta(),
                    "status": "stopped" if stopped else "active",
                    "medicationCodeableConcept": coded(
                        "http://www.whocc.no/atc", medicine.atc, medicine.name
                    ),
                    "subject": person.subject(),
                    "effectivePeriod": period,
                    "dateAsserted": day(draw.below(180)),
                    "informationSource": reference(person.gp),
                    "reasonReference": [reference(condition)],
                    "dosage": [
                        {
                            "text": medicine.text,
                            "timing": {
                                "repeat": {
                                    "frequency": medicine.times_a_day,
                                    "period": 1,
                                    "periodUnit": "d",
                                }
                            },
                            "doseAndRate": [
                                {"doseQuantity": {"value": medicine.dose, "unit": medicine.unit}}
                            ],
                        }
                    ],
                }
            )
    return made

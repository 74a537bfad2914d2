"""What was asked and measured: answers with their scores, and months of home measurements.

https://hl7.org/fhir/R4/observation.html, https://hl7.org/fhir/R4/questionnaireresponse.html
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from fhirhub.demo import questionnaires, templates
from fhirhub.demo.calendar import moment
from fhirhub.demo.person import Person
from fhirhub.demo.templates import UCUM, coded, meta, reference, without
from fhirhub.demo.typed import CANONICAL
from fhirhub.demo.words import DIMENSIONS

Json = dict[str, Any]


def responses(person: Person) -> list[Json]:
    """Conversations over the past year with a score for each dimension, and the strain of the carer."""
    draw = person.draw
    made: list[Json] = []
    level = {code: 4 + draw.below(4) for code, _ in DIMENSIONS}
    count = 1 + draw.below(3)
    for index in range(count, 0, -1):  # the oldest first
        asked = (index - 1) * 150 + draw.below(100)
        when = moment(asked, 19, draw.below(60))
        marks: dict[str, list[int | None]] = {
            code: [
                None if draw.chance(6) else max(0, min(10, level[code] + draw.between(-3, 3)))
                for _ in range(7)
            ]
            for code, _ in DIMENSIONS
        }
        id = person.id("gesprek", count - index + 1)
        wish = draw.one([aim.text for _, aim in person.goals])
        made.append(
            {
                **templates.response(),
                "id": id,
                "meta": meta(),
                "basedOn": [reference(person.plan)],
                "questionnaire": questionnaires.HEALTH,
                "subject": person.subject(),
                "authored": when,
                "author": reference(person.reference),
                "source": reference(person.reference),
                "item": questionnaires.answered(
                    marks, {"goed": "Mijn familie en mijn huis.", "werken": wish, "wens": wish}
                ),
            }
        )
        for code, _ in DIMENSIONS:
            points = questionnaires.score(marks[code])
            if points is None:
                continue
            made.append(
                {
                    **templates.dimension_score(),
                    "id": f"{code}-{person.n}-{count - index + 1}",
                    "meta": meta(),
                    "code": questionnaires.dimension(code),
                    "subject": person.subject(),
                    "effectiveDateTime": when,
                    "performer": [reference(person.reference)],
                    "valueQuantity": {
                        "value": points,
                        "unit": "punten",
                        "system": UCUM,
                        "code": "{score}",
                    },
                    "method": coded(f"{CANONICAL}/CodeSystem/score-source", "self", "Zelf"),
                    "derivedFrom": [reference(f"QuestionnaireResponse/{id}")],
                }
            )
    if person.carers and draw.chance(45):
        carer, name = person.carers[0]
        own = {
            **templates.response(),
            "id": person.id("belasting"),
            "meta": meta(),
            "questionnaire": questionnaires.CARER_STRAIN,
            "subject": reference(carer, name),
            "authored": moment(draw.below(200), 21),
            "author": reference(carer),
            "source": reference(carer),
            "item": questionnaires.answered_strain([draw.chance(40) for _ in questionnaires.STRAIN]),
        }
        made.append(without(own, "basedOn"))
    return made


def measurements(person: Person) -> list[Json]:
    """Weekly readings at home of what the problems ask for."""
    makers = {
        "pressure": _pressures,
        "weight": _weights,
        "saturation": _saturations,
        "glucose": _glucoses,
    }
    return [
        made for measure in person.measures() for made in makers[measure](person, 8 + person.draw.below(18))
    ]


def _measured(person: Person, template: Json, kind: str, week: int, weeks: int) -> Json:
    return {
        **template,
        "id": person.id(kind, week),
        "meta": meta(),
        "basedOn": [reference(person.plan)],
        "subject": reference(person.reference),
        "effectiveDateTime": moment((weeks - week) * 7 + person.n % 7, 8, person.draw.below(60)),
        "performer": [reference(person.reference)],
    }


def _pressures(person: Person, weeks: int) -> list[Json]:
    draw = person.draw
    template = templates.blood_pressure()
    systolic, diastolic = template["component"]
    upper, lower = draw.between(125, 165), draw.between(70, 92)
    made = []
    for week in range(1, weeks + 1):
        reading = _measured(person, template, "bloeddruk", week, weeks)
        reading["component"] = [
            {
                **systolic,
                "valueQuantity": {**systolic["valueQuantity"], "value": upper + draw.between(-9, 9)},
            },
            {
                **diastolic,
                "valueQuantity": {**diastolic["valueQuantity"], "value": lower + draw.between(-6, 6)},
            },
        ]
        made.append(reading)
    return made


def _weights(person: Person, weeks: int) -> list[Json]:
    return _series(person, templates.weight(), "gewicht", weeks, person.draw.between(580, 980), 6)


def _saturations(person: Person, weeks: int) -> list[Json]:
    base = person.draw.between(900, 960) // 10 * 10
    made = _series(person, templates.saturation(), "saturatie", weeks, base, 20)
    for reading in made:
        reading["valueQuantity"]["value"] = int(reading["valueQuantity"]["value"])
    return made


def _glucoses(person: Person, weeks: int) -> list[Json]:
    return _series(person, templates.glucose(), "glucose", weeks, person.draw.between(55, 105), 14)


def _series(person: Person, template: Json, kind: str, weeks: int, tenths: int, swing: int) -> list[Json]:
    """Weekly readings to one decimal around a level that wanders."""
    made = []
    for week in range(1, weeks + 1):
        reading = _measured(person, template, kind, week, weeks)
        value = Decimal(tenths + person.draw.between(-swing, swing)).scaleb(-1)
        reading["valueQuantity"] = {**template["valueQuantity"], "value": value}
        tenths += person.draw.between(-1, 1)
        made.append(reading)
    return made

"""Whether somebody's care is simple or complex, and the meeting that was held about their plan.

Drawn from sequences of their own, so that nothing else about a person depends on it.
https://hl7.org/fhir/R4/observation.html, https://hl7.org/fhir/R4/appointment.html
"""

from __future__ import annotations

from typing import Any

from fhirhub.demo import templates
from fhirhub.demo.calendar import day, moment
from fhirhub.demo.draw import Draw
from fhirhub.demo.person import Person
from fhirhub.demo.templates import coded, meta, reference
from fhirhub.demo.typed import CANONICAL

Json = dict[str, Any]

_REASONS = (
    ("meer-aandoeningen", "Meer aandoeningen"),
    ("kwetsbaarheid", "Kwetsbaarheid"),
    ("veel-hulpverleners", "Veel hulpverleners"),
)
_STABLE = (("stabiel", "Stabiel"),)


def segment(person: Person) -> Json:
    """The segment that their doctor chose when the plan began."""
    draw = Draw("segment", person.n)
    code = "complex" if draw.chance(64) else "eenvoudig"
    return {
        "resourceType": "Observation",
        "id": person.id("segment"),
        "meta": meta(),
        "status": "final",
        "code": own("observation", "segment", "Segment"),
        "subject": person.subject(),
        "focus": [reference(person.plan)],
        "effectiveDateTime": day(person.started),
        "performer": [reference(person.gp, person.place.names[person.gp])],
        "valueCodeableConcept": own("plan-segment", code, code.capitalize()),
        "component": [
            {
                "code": own("observation", "segment-reden", "Reden van het segment"),
                "valueCodeableConcept": own("segment-reason", *reason),
            }
            for reason in draw.some(_REASONS if code == "complex" else _STABLE, 2)
        ],
    }


def meetings(person: Person) -> list[Json]:
    """A meeting with the patient and a carer, where there was one."""
    draw = Draw("meeting", person.n)
    if not draw.chance(50):
        return []
    ago = draw.between(25, min(person.started - 1, 300))
    return [meeting(person, ago, "overleg", [reference(person.plan)])]


def meeting(person: Person, ago: int, id: str, about: list[Json]) -> Json:
    """A meeting that was held so many days ago, with the patient and a carer."""
    there = [person.reference, *(carer for carer, _ in person.carers[:1]), person.gp, person.nurse]
    return {
        **templates.appointment(),
        "id": person.id(id),
        "meta": meta(),
        "status": "fulfilled",
        "serviceType": [own("document-type", "mdo", "Multidisciplinair overleg")],
        "description": "Overleg over het zorgplan",
        "supportingInformation": about,
        "start": moment(ago, 13),
        "end": moment(ago, 13, 45),
        "minutesDuration": 45,
        "participant": [
            {
                "actor": reference(one, person.place.names.get(one)),
                "required": "required",
                "status": "accepted",
            }
            for one in there
        ],
    }


def own(system: str, code: str, display: str) -> Json:
    """A concept of the guide."""
    return coded(f"{CANONICAL}/CodeSystem/{system}", code, display, display)

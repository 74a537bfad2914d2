"""What those in the plan said to each other, and when they met.

https://hl7.org/fhir/R4/communication.html, https://hl7.org/fhir/R4/appointment.html
"""

from __future__ import annotations

from typing import Any

from fhirhub.demo import templates
from fhirhub.demo.calendar import moment
from fhirhub.demo.person import Person
from fhirhub.demo.templates import meta, reference
from fhirhub.demo.words import MESSAGES, VISITS

Json = dict[str, Any]


def communications(person: Person) -> list[Json]:
    """Messages about the plan."""
    draw = person.draw
    fitting = [message for message in MESSAGES if person.carers or "carer" not in message[:2]]
    made = []
    for index, (sender, recipient, text) in enumerate(draw.some(fitting, 1 + draw.below(4)), 1):
        sent = draw.below(90)
        made.append(
            {
                **templates.communication(),
                "id": person.id("bericht", index),
                "meta": meta(),
                "basedOn": [reference(person.plan)],
                "subject": person.subject(),
                "about": [reference(person.plan)],
                "sent": moment(sent, 9 + draw.below(8), draw.below(60)),
                "received": moment(sent, 18, draw.below(60)),
                "recipient": [reference(person.human(recipient))],
                "sender": reference(person.human(sender)),
                "payload": [{"contentString": text}],
            }
        )
    return made


def appointments(person: Person) -> list[Json]:
    """Visits of the past weeks and the weeks to come."""
    draw = person.draw
    made = []
    for index, (text, with_whom, minutes) in enumerate(draw.some(VISITS, 1 + draw.below(3)), 1):
        days_ago = draw.between(-40, 60)
        hour, minute = 8 + draw.below(8), draw.one((0, 10, 15))
        past = days_ago > 0
        visitor = person.human(with_whom)
        made.append(
            {
                **templates.appointment(),
                "id": person.id("afspraak", index),
                "meta": meta(),
                "status": draw.one(("fulfilled", "fulfilled", "noshow")) if past else "booked",
                "description": text,
                "start": moment(days_ago, hour, minute),
                "end": moment(days_ago, hour, minute + minutes)
                if minute + minutes < 60
                else moment(days_ago, hour + 1, minute + minutes - 60),
                "minutesDuration": minutes,
                "participant": [
                    {"actor": person.subject(), "required": "required", "status": "accepted"},
                    {
                        "actor": reference(visitor, person.place.names.get(visitor)),
                        "required": "required",
                        "status": "accepted",
                    },
                ],
            }
        )
    return made

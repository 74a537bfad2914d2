"""All about one patient of the demo region, in the order in which it is loaded."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fhirhub.demo import (
    complexity,
    consents,
    contact,
    goals,
    observations,
    people,
    plans,
    record,
    stories,
    tasks,
)
from fhirhub.demo.person import Person
from fhirhub.demo.region import Neighbourhood

Json = dict[str, Any]


def bsns() -> Iterator[str]:
    """Numbers that keep the BSN's eleven test, from 9990xxxxx on: a range that is given to nobody."""
    for digits in range(99_900_000, 100_000_000):
        text = str(digits)
        last = sum((9 - place) * int(digit) for place, digit in enumerate(text)) % 11
        if last < 10:
            yield f"{text}{last}"


def build(number: int, bsn: str, place: Neighbourhood) -> list[Json]:
    """All about one patient; references point backward, or from the plan to the tasks that follow it."""
    person = Person(number, bsn, place)
    made = [people.patient(person)]
    made += people.related_people(person)
    made += record.conditions(person)
    made += record.allergies(person)
    made += record.medications(person)
    made += goals.goals(person)
    person.tasks = [*tasks.tasks(person), *stories.tasks(person)]
    made += stories.before_plan(person)
    made.append(plans.team(person))
    made.append(stories.woven(person, plans.care_plan(person)))
    made += person.tasks
    made += plans.other_plans(person)
    made += consents.consents(person)
    made += observations.responses(person)
    made += observations.measurements(person)
    made += contact.communications(person)
    made += contact.appointments(person)
    made.append(complexity.segment(person))
    made += complexity.meetings(person)
    made += stories.after_plan(person)
    return made

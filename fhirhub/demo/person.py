"""One patient of the demo region while their resources are made: who they are, who helps them, what was made so far.

Every choice is drawn from one sequence, so the order in which resources are made is part of the person.
"""

from __future__ import annotations

from typing import Any

from fhirhub.demo.draw import Draw
from fhirhub.demo.region import Neighbourhood
from fhirhub.demo.templates import reference
from fhirhub.demo.words import ENDINGS, MEN, PREFIXES, STEMS, WOMEN, Aim, Disease

Json = dict[str, Any]


class Person:
    """Who a patient is, and what later resources need of earlier ones."""

    def __init__(self, number: int, bsn: str, place: Neighbourhood) -> None:
        self.n = number
        self.bsn = bsn
        self.place = place
        self.draw = draw = Draw("patient", number)
        self.reference = f"Patient/patient-{number}"
        self.plan = f"CarePlan/plan-{number}"
        self.woman = draw.chance(57)
        self.age = 55 + draw.below(22) + draw.below(22)
        self.prefix = draw.one(PREFIXES)
        self.family = draw.one(STEMS) + draw.one(ENDINGS)
        self.given = draw.one(WOMEN if self.woman else MEN)
        self.full_family = f"{self.prefix} {self.family}".strip()
        self.name = f"{self.given} {self.full_family}"
        self.practice = place.organizations["huisarts"]
        self.gp = draw.one(place.people["huisarts"])
        self.poh = draw.one(place.people["poh"])
        self.nurse = draw.one(place.people["wijkverpleging"])
        self.started = 60 + draw.below(400)  # days ago that the plan began
        self.speaks = Draw("words", number).chance(65)  # sets goals in own words
        self.carers: list[tuple[str, str]] = []
        self.diseases: list[tuple[str, Disease]] = []
        self.goals: list[tuple[str, Aim]] = []
        self.tasks: list[Json] = []
        self.parties = {
            "patient": self.reference,
            "poh": self.poh,
            "huisarts": self.gp,
            "wijkverpleging": place.organizations["wijkverpleging"],
            "specialist": place.organizations["specialist"],
            "welzijn": place.organizations["welzijn"],
        }

    def id(self, kind: str, index: int | None = None) -> str:
        return f"{kind}-{self.n}" if index is None else f"{kind}-{self.n}-{index}"

    def subject(self) -> Json:
        return reference(self.reference, self.name)

    def party(self, key: str) -> str:
        """Who answers to that name in this plan; the practice nurse where there is no carer."""
        return self.parties.get(key, self.poh)

    def human(self, key: str) -> str:
        """The human being behind a party, as sender or visitor."""
        people = {"wijkverpleging": self.nurse, "specialist": None, "welzijn": None}
        if key in people:
            return people[key] or self.place.people[key][self.n % 2]
        return self.party(key)

    def measures(self) -> list[str]:
        """The home measurements that this person's conditions ask for."""
        return list(dict.fromkeys(measure for _, disease in self.diseases for measure in disease.measures))

"""One patient of the demo region: the person, those around them, the shared plan, months of measurements.

https://hl7.org/fhir/R4/careplan.html, https://hl7.org/fhir/R4/careteam.html, https://hl7.org/fhir/R4/task.html
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from fhirhub.demo import questionnaires, templates
from fhirhub.demo.calendar import TODAY, day, moment
from fhirhub.demo.draw import Draw
from fhirhub.demo.region import NAMING, Neighbourhood
from fhirhub.demo.templates import HL7, LOINC, SNOMED, UCUM, coded
from fhirhub.demo.typed import CANONICAL, TAG
from fhirhub.demo.words import (
    AIMS,
    ALLERGIES,
    DIMENSIONS,
    DISEASES,
    ENDINGS,
    ERRANDS,
    MEN,
    MESSAGES,
    PREFIXES,
    RELATIONS,
    STEMS,
    STREETS,
    TASKS,
    TOWNS,
    VISITS,
    WOMEN,
    Aim,
    Disease,
)

Json = dict[str, Any]

TASK_CODE = f"{CANONICAL}/CodeSystem/task"
_OWN_PREFIX = "http://hl7.org/fhir/StructureDefinition/humanname-own-prefix"
_OWN_NAME = "http://hl7.org/fhir/StructureDefinition/humanname-own-name"
_QUALIFIER = "http://hl7.org/fhir/StructureDefinition/iso21090-EN-qualifier"
_POSTCODE_LETTERS = "BCDEGHJKLMNPRSTVWXZ"

# Task status and how often, in percent; https://hl7.org/fhir/R4/valueset-task-status.html
_STATES = (
    ("requested", 20), ("received", 8), ("accepted", 14), ("in-progress", 22), ("on-hold", 4),
    ("completed", 22), ("rejected", 4), ("cancelled", 4), ("failed", 2),
)  # fmt: skip
_EACH_STATE = tuple(status for status, percent in _STATES for _ in range(percent))
_TAKING_PART = frozenset({"accepted", "in-progress", "on-hold"})
_TOOK_PART = frozenset({"completed", "failed"})

_COORDINATOR = coded(SNOMED, "768832004", "Case manager", "Coördinator")
_TREATING = coded(SNOMED, "405623001", "Assigned practitioner", "Behandelaar")
_CARER = coded(SNOMED, "407542009", "Informal carer", "Mantelzorger")
_PATIENT = coded(SNOMED, "116154003", "Patient", "Patiënt")
_WELFARE = coded(f"{CANONICAL}/CodeSystem/role", "welzijn", "Welzijnswerker")
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
_OWN_PLAN = coded(SNOMED, "734163000", "Care plan", "Zorgplan")
_NURSING_PLAN = coded(SNOMED, "9632001", "Nursing procedure", "Verpleegkundig plan")
_REPRESENTATIVE = {
    "coding": [
        {"system": f"{HL7}/v3-RoleCode", "code": "RESPRSN", "display": "responsible party"},
        {"system": SNOMED, "code": "310391000146105", "display": "Legal representative"},
    ],
    "text": "Wettelijk vertegenwoordiger",
}

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


def bsns() -> Iterator[str]:
    """Numbers that keep the BSN's eleven test, from 9990xxxxx on: a range that is given to nobody."""
    for digits in range(99_900_000, 100_000_000):
        text = str(digits)
        last = sum((9 - place) * int(digit) for place, digit in enumerate(text)) % 11
        if last < 10:
            yield f"{text}{last}"


def build(number: int, bsn: str, place: Neighbourhood) -> list[Json]:
    """All about one patient; references point backward, or from the plan to the tasks that follow it."""
    return _Person(number, bsn, place).resources()


def _meta() -> Json:
    return {"tag": [TAG]}


def _reference(to: str, display: str | None = None) -> Json:
    return {"reference": to, "display": display} if display else {"reference": to}


def _without(resource: Json, *keys: str) -> Json:
    for key in keys:
        del resource[key]
    return resource


class _Person:
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
        return _reference(self.reference, self.name)

    def party(self, key: str) -> str:
        """Who answers to that name in this plan; the practice nurse where there is no carer."""
        return self.parties.get(key, self.poh)

    def person(self, key: str) -> str:
        """The human being behind a party, as sender or visitor."""
        people = {"wijkverpleging": self.nurse, "specialist": None, "welzijn": None}
        if key in people:
            return people[key] or self.place.people[key][self.n % 2]
        return self.party(key)

    def resources(self) -> list[Json]:
        made = [self.patient()]
        made += self.related_people()
        made += self.conditions()
        made += self.allergies()
        made += self.medications()
        made += self.goals_()
        self.tasks = self.tasks_()
        made.append(self.team())
        made.append(self.care_plan())
        made += self.tasks
        made += self.other_plans()
        made += self.consents()
        made += self.responses()
        made += self.measurements()
        made += self.communications()
        made += self.appointments()
        return made

    # the person and those around them

    def patient(self) -> Json:
        draw = self.draw
        name: Json = {"use": "official", "text": self.name, "family": self.full_family}
        if self.prefix:
            name["_family"] = {
                "extension": [
                    {"url": _OWN_PREFIX, "valueString": self.prefix},
                    {"url": _OWN_NAME, "valueString": self.family},
                ]
            }
        name["given"] = [self.given, f"{self.given[0]}."]
        name["_given"] = [
            {"extension": [{"url": _QUALIFIER, "valueCode": "BR"}]},
            {"extension": [{"url": _QUALIFIER, "valueCode": "IN"}]},
        ]
        postcode = f"{1000 + draw.below(9000)} {draw.one(_POSTCODE_LETTERS)}{draw.one(_POSTCODE_LETTERS)}"
        made = {
            **templates.patient(),
            "id": self.id("patient"),
            "meta": _meta(),
            "identifier": [{"system": f"{NAMING}/bsn", "value": self.bsn}],
            "name": [name],
            "telecom": [{"system": "phone", "value": f"+31600{self.n:06}", "use": "mobile"}],
            "gender": "female" if self.woman else "male",
            "birthDate": f"{TODAY.year - self.age}-{1 + draw.below(12):02}-{1 + draw.below(28):02}",
            "address": [
                {
                    "use": "home",
                    "type": "both",
                    "line": [f"{draw.one(STREETS)} {1 + draw.below(180)}"],
                    "city": draw.one(TOWNS),
                    "postalCode": postcode,
                    "country": "NL",
                }
            ],
            "generalPractitioner": [_reference(self.practice, self.place.names[self.practice])],
            "managingOrganization": _reference(self.practice),
        }
        if draw.chance(45):
            made["maritalStatus"] = coded(f"{HL7}/v3-MaritalStatus", "W", "Widowed", "Weduwe of weduwnaar")
        return made

    def related_people(self) -> list[Json]:
        draw = self.draw
        made = []
        count = 0 if draw.chance(12) else 1 if draw.chance(65) else 2
        for index, (code, display, dutch, gender) in enumerate(draw.some(RELATIONS, count), 1):
            given = draw.one(WOMEN if gender == "female" else MEN)
            id = self.id("naaste", index)
            name = f"{given} {self.full_family}"
            self.carers.append((f"RelatedPerson/{id}", name))
            made.append(
                {
                    **templates.related_person(),
                    "id": id,
                    "meta": _meta(),
                    "patient": self.subject(),
                    "relationship": [_CARER, coded(f"{HL7}/v3-RoleCode", code, display, dutch)],
                    "name": [{"text": name, "family": self.full_family, "given": [given]}],
                    "telecom": [{"system": "phone", "value": f"+3161{index}{self.n:06}", "use": "mobile"}],
                    "gender": gender,
                }
            )
        if self.carers:
            self.parties["carer"] = self.carers[0][0]
        return made

    # the record

    def conditions(self) -> list[Json]:
        draw = self.draw
        found = [disease for disease in DISEASES if draw.chance(disease.share_percent)]
        if len(found) < 2:
            found = draw.some(DISEASES, 2)
        made = []
        for index, disease in enumerate(found, 1):
            id = self.id("probleem", index)
            self.diseases.append((f"Condition/{id}", disease))
            years = 1 + draw.below(15)
            made.append(
                {
                    **templates.condition(),
                    "id": id,
                    "meta": _meta(),
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
                    "subject": self.subject(),
                    "onsetDateTime": str(TODAY.year - years),
                    "recordedDate": day(365 * years - draw.below(300)),
                    "recorder": _reference(self.gp),
                }
            )
        return made

    def allergies(self) -> list[Json]:
        draw = self.draw
        made = []
        found = draw.some(ALLERGIES, 1) if draw.chance(40) else []
        for index, (code, display, dutch, category, reaction, reaction_display, reaction_dutch) in enumerate(
            found, 1
        ):
            made.append(
                {
                    **templates.allergy(),
                    "id": self.id("allergie", index),
                    "meta": _meta(),
                    "category": [category],
                    "criticality": draw.one(("low", "high")),
                    "code": coded(SNOMED, code, display, dutch),
                    "patient": self.subject(),
                    "recordedDate": day(400 + draw.below(3000)),
                    "recorder": _reference(self.gp),
                    "reaction": [
                        {
                            "manifestation": [coded(SNOMED, reaction, reaction_display, reaction_dutch)],
                            "severity": draw.one(("mild", "moderate", "severe")),
                        }
                    ],
                }
            )
        return made

    def medications(self) -> list[Json]:
        draw = self.draw
        made: list[Json] = []
        seen = set()
        for condition, disease in self.diseases:
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
                        "id": self.id("medicatie", len(made) + 1),
                        "meta": _meta(),
                        "status": "stopped" if stopped else "active",
                        "medicationCodeableConcept": coded(
                            "http://www.whocc.no/atc", medicine.atc, medicine.name
                        ),
                        "subject": self.subject(),
                        "effectivePeriod": period,
                        "dateAsserted": day(draw.below(180)),
                        "informationSource": _reference(self.gp),
                        "reasonReference": [_reference(condition)],
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

    # the plan

    def measures(self) -> list[str]:
        """The home measurements that this person's conditions ask for."""
        return list(dict.fromkeys(measure for _, disease in self.diseases for measure in disease.measures))

    def goals_(self) -> list[Json]:
        draw = self.draw
        fitting = self.measures()
        held = [aim for aim in AIMS if aim.measure in fitting]
        wishes = [aim for aim in AIMS if aim.measure is None and (aim.who != "carer" or self.carers)]
        made = []
        for index, aim in enumerate([*draw.some(held, 2), *draw.some(wishes, 2 + draw.below(3))], 1):
            id = self.id("doel", index)
            self.goals.append((f"Goal/{id}", aim))
            reached = draw.chance(15)
            goal = {
                **templates.goal(),
                "id": id,
                "meta": _meta(),
                "lifecycleStatus": "completed"
                if reached
                else draw.one(("active", "active", "active", "proposed", "accepted")),
                "achievementStatus": (
                    coded(f"{HL7}/goal-achievement", "achieved", "Achieved", "Bereikt")
                    if reached
                    else coded(f"{HL7}/goal-achievement", "in-progress", "In Progress", "Bezig")
                ),
                "category": [self.dimension(aim.dimension)],
                "priority": draw.one((_HIGH, _MEDIUM, _LOW)),
                "description": {"text": aim.text},
                "subject": self.subject(),
                "startDate": day(self.started - draw.below(40)),
                "statusDate": day(draw.below(50)),
                "expressedBy": self.subject() if aim.by_patient else _reference(self.poh),
                "addresses": [_reference(self.diseases[0][0])],
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
            made.append(goal)
        return made

    def dimension(self, code: str) -> Json:
        return coded(questionnaires.DIMENSION_SYSTEM, code, dict(DIMENSIONS)[code])

    def tasks_(self) -> list[Json]:
        draw = self.draw
        errands = [errand for errand in ERRANDS if errand.owner != "carer" or self.carers]
        made = []
        for index, errand in enumerate(draw.some(errands, 3 + draw.below(5)), 1):
            status = draw.one(_EACH_STATE)
            asked = draw.between(1, self.started - 1)
            moved = asked if status == "requested" else draw.below(asked)
            owner = self.party(errand.owner)
            requester = self.gp if errand.owner in ("specialist", "poh") else self.poh
            task = {
                **templates.task(),
                "id": self.id("taak", index),
                "meta": _meta(),
                "basedOn": [_reference(self.plan)],
                "status": status,
                "statusReason": _NO_CAPACITY if status == "rejected" else _NOT_NEEDED,
                "priority": "urgent" if draw.chance(errand.urgent_percent) else "routine",
                "code": coded(TASK_CODE, errand.code, TASKS[errand.code]),
                "description": errand.description,
                "focus": _reference(self.plan),
                "for": _reference(self.reference),
                "authoredOn": moment(asked, 8 + draw.below(9), draw.below(60)),
                "lastModified": moment(moved, 17 + draw.below(5), draw.below(60)),
                "requester": _reference(requester, self.place.names[requester]),
                "owner": _reference(owner),
                "restriction": {"period": {"end": day(asked - 14 - draw.below(30))}},
            }
            if status in _TAKING_PART or status in _TOOK_PART:
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
        bands = [band for measure in self.measures() for band in _BANDS.get(measure, ())]
        if bands:
            made.append(self.watching(bands))
        return made

    def watching(self, bands: list[tuple[str, str, str, tuple[int, int], tuple[int, int]]]) -> Json:
        """The accepted Task by which the practice nurse watches what is measured at home."""
        began = moment(self.started - 1, 10)
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
            "id": self.id("bewaking"),
            "meta": _meta(),
            "basedOn": [_reference(self.plan)],
            "status": "accepted",
            "priority": "routine",
            "code": coded(TASK_CODE, "thuismeten", TASKS["thuismeten"]),
            "description": "Thuismetingen bekijken op werkdagen.",
            "focus": _reference(self.plan),
            "for": _reference(self.reference),
            "authoredOn": began,
            "lastModified": began,
            "requester": _reference(self.gp, self.place.names[self.gp]),
            "owner": _reference(self.poh),
            "executionPeriod": {"start": began},
            "input": inputs,
        }
        return _without(task, "statusReason", "restriction")

    def team(self) -> Json:
        """Participants by the work: who accepted a task takes part, from then until it ends."""
        start = day(self.started)
        participants: list[Json] = [
            {"role": [_PATIENT], "member": self.subject(), "period": {"start": start}},
            {
                "role": [_COORDINATOR],
                "member": _reference(self.poh, self.place.names[self.poh]),
                "period": {"start": start},
            },
            {
                "role": [_TREATING],
                "member": _reference(self.gp, self.place.names[self.gp]),
                "period": {"start": start},
            },
        ]
        roles = {
            self.parties["wijkverpleging"]: _TREATING,
            self.parties["specialist"]: _TREATING,
            self.parties["welzijn"]: _WELFARE,
            self.parties.get("carer", ""): _CARER,
        }
        working: dict[str, Json] = {}
        for task in self.tasks:
            owner = task["owner"]["reference"]
            period = task.get("executionPeriod")
            if owner not in roles or period is None:
                continue
            known = working.get(owner)
            if known is None:
                working[owner] = dict(period)
            else:
                known["start"] = min(known["start"], period["start"])
                if "end" in known and "end" in period:
                    known["end"] = max(known["end"], period["end"])
                else:
                    known.pop("end", None)
        for owner, period in working.items():
            participants.append(
                {
                    "role": [roles[owner]],
                    "member": _reference(owner, self.place.names.get(owner)),
                    "period": period,
                }
            )
        return {
            **templates.care_team(),
            "id": self.id("team"),
            "meta": _meta(),
            "name": f"Zorgteam van {self.name}",
            "subject": self.subject(),
            "period": {"start": start},
            "participant": participants,
            "managingOrganization": [_reference(self.practice)],
        }

    def care_plan(self) -> Json:
        draw = self.draw
        status = draw.one(("active",) * 17 + ("on-hold", "completed", "draft"))
        activities: list[Json] = []
        for goal, aim in self.goals:
            performer = self.party(aim.who)
            activities.append(
                {
                    "detail": {
                        "kind": "Task",
                        "code": {"text": aim.activity.partition(",")[0]},
                        "goal": [_reference(goal)],
                        "status": draw.one(("not-started", "in-progress", "in-progress", "completed")),
                        "scheduledTiming": {
                            "repeat": {"frequency": 1 + draw.below(3), "period": 1, "periodUnit": "wk"}
                        },
                        "performer": [_reference(performer)],
                        "description": aim.activity,
                    }
                }
            )
        activities += [{"reference": _reference(f"Task/{task['id']}")} for task in self.tasks]
        problems = ", ".join(disease.icpc_name for _, disease in self.diseases)
        return {
            **templates.care_plan(),
            "id": self.id("plan"),
            "meta": _meta(),
            "text": {
                "status": "generated",
                "div": '<div xmlns="http://www.w3.org/1999/xhtml"><p>Gezamenlijk zorgplan van '
                f"{self.name}</p><p>{problems}</p></div>",
            },
            "status": status,
            "title": f"Zorgplan van {self.name}",
            "description": f"Samen gemaakt met {self.given}. Aandachtspunten: {problems}.",
            "subject": self.subject(),
            "period": {"start": day(self.started), "end": day(5)}
            if status == "completed"
            else {"start": day(self.started)},
            "created": day(self.started),
            "author": _reference(self.poh, self.place.names[self.poh]),
            "contributor": [_reference(self.gp), _reference(self.reference)],
            "careTeam": [_reference(f"CareTeam/{self.id('team')}")],
            "addresses": [_reference(condition, disease.icpc_name) for condition, disease in self.diseases],
            "goal": [_reference(goal) for goal, _ in self.goals],
            "activity": activities,
            "note": [
                {
                    "authorReference": _reference(_practitioner(self.poh)),
                    "time": moment(draw.below(60), 15),
                    "text": "Bij het laatste gesprek doorgenomen; de doelen staan nog.",
                }
            ],
        }

    def other_plans(self) -> list[Json]:
        """A plan of before, and the district nurses' own plan where they work."""
        draw = self.draw
        made = []
        plain = _without({**templates.care_plan()}, "text", "contributor", "note", "goal", "careTeam")
        if draw.chance(35):
            made.append(
                {
                    **plain,
                    "id": self.id("plan-eerder"),
                    "meta": _meta(),
                    "category": [_OWN_PLAN],
                    "status": draw.one(("completed", "revoked")),
                    "title": f"Eerder zorgplan van {self.name}",
                    "description": "Vervangen door het gezamenlijke zorgplan.",
                    "subject": self.subject(),
                    "period": {"start": day(self.started + 300), "end": day(self.started)},
                    "created": day(self.started + 300),
                    "author": _reference(self.gp),
                    "addresses": [_reference(self.diseases[0][0])],
                    "activity": [
                        {
                            "detail": {
                                "status": "completed",
                                "description": "Controles volgens het ketenprogramma",
                            }
                        }
                    ],
                }
            )
        nursing = self.parties["wijkverpleging"]
        if any(
            task["owner"]["reference"] == nursing and task["status"] in _TAKING_PART for task in self.tasks
        ):
            made.append(
                {
                    **plain,
                    "id": self.id("verpleegplan"),
                    "meta": _meta(),
                    "category": [_NURSING_PLAN],
                    "title": f"Verpleegkundig plan van {self.name}",
                    "description": "Persoonlijke verzorging en toezicht op medicatie.",
                    "subject": self.subject(),
                    "period": {"start": day(self.started // 2)},
                    "created": day(self.started // 2),
                    "author": _reference(self.nurse),
                    "addresses": [_reference(condition) for condition, _ in self.diseases],
                    "activity": [
                        {
                            "detail": {
                                "status": "in-progress",
                                "scheduledTiming": {
                                    "repeat": {"frequency": 3, "period": 1, "periodUnit": "wk"}
                                },
                                "performer": [_reference(nursing)],
                                "description": "Hulp bij douchen en aankleden",
                            }
                        }
                    ],
                }
            )
        return made

    # agreement

    def consents(self) -> list[Json]:
        draw = self.draw
        made: list[Json] = []
        joined = {
            task["owner"]["reference"]
            for task in self.tasks
            if "executionPeriod" in task and task["owner"]["reference"].startswith("Organization/")
        }
        for organization in sorted(joined):
            made.append(self.consent(len(made) + 1, "permit", organization, self.started))
        for carer, _ in self.carers:
            if draw.chance(80):
                grant = self.consent(len(made) + 1, "permit", carer, draw.below(self.started))
                provision = grant["provision"]
                provision["class"] = [
                    {"system": "http://hl7.org/fhir/resource-types", "code": type}
                    for type in draw.one(
                        (("CarePlan", "Goal", "Task"), ("CarePlan", "Task", "Appointment", "Observation"))
                    )
                ]
                if draw.chance(40):
                    provision["action"].append(
                        coded(f"{HL7}/consentaction", "collect", "Collect", "Toevoegen")
                    )
                made.append(grant)
        if draw.chance(6):
            blocked = self.place.organizations["welzijn"]
            if blocked not in joined:
                made.append(self.consent(len(made) + 1, "deny", blocked, draw.below(self.started)))
        if self.carers and any(disease.icpc == "P70" for _, disease in self.diseases):
            made.append(self.representation(len(made) + 1))
        if self.age > 78 and draw.chance(50):
            made.append(self.treatment_limit(len(made) + 1))
        if draw.chance(20):
            made.append(self.research(len(made) + 1))
        return made

    def consent(self, index: int, decision: str, actor: str, days_ago: int) -> Json:
        when = moment(days_ago, 10, self.draw.below(60))
        template = templates.consent()
        role = template["provision"]["actor"][0]["role"]
        provision: Json = {
            "type": decision,
            "period": {"start": day(days_ago)},
            "actor": [{"role": role, "reference": _reference(actor, self.place.names.get(actor))}],
        }
        if decision == "permit":
            provision["action"] = list(template["provision"]["action"])
        return {
            **template,
            "id": self.id("toestemming", index),
            "meta": _meta(),
            "patient": self.subject(),
            "dateTime": when,
            "performer": [_reference(self.reference)],
            "organization": [_reference(self.practice)],
            "verification": [
                {"verified": True, "verifiedWith": _reference(self.reference), "verificationDate": when}
            ],
            "provision": provision,
        }

    def representation(self, index: int) -> Json:
        """The carer decides where the patient cannot; the huisarts records it, for at most a year."""
        made = self.consent(index, "permit", self.carers[0][0], self.draw.below(200))
        made["performer"] = [_reference(self.gp)]
        made["verification"] = [{"verified": True, "verificationDate": made["dateTime"]}]
        provision = made["provision"]
        provision["period"]["end"] = day(-160)
        provision["actor"][0]["role"] = _REPRESENTATIVE
        del provision["action"]
        return made

    def treatment_limit(self, index: int) -> Json:
        made = self.consent(index, "deny", self.gp, self.draw.below(300))
        made["scope"] = coded(f"{HL7}/consentscope", "adr", "Advanced Care Directive", "Behandelgrens")
        made["category"] = [
            coded(f"{HL7}/consentcategorycodes", "acd", "Advance Directive", "Wilsverklaring")
        ]
        made["provision"] = {
            "type": "deny",
            "code": [coded(SNOMED, "89666000", "Cardiopulmonary resuscitation", "Reanimeren")],
        }
        made["policy"] = [{"uri": templates.TREATMENT_LAW}]
        return made

    def research(self, index: int) -> Json:
        made = self.consent(index, "permit", self.place.organizations["care-group"], self.draw.below(300))
        made["scope"] = coded(f"{HL7}/consentscope", "research", "Research", "Onderzoek")
        return made

    # what was asked, measured and said

    def responses(self) -> list[Json]:
        draw = self.draw
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
            id = self.id("gesprek", count - index + 1)
            wish = draw.one([aim.text for _, aim in self.goals])
            made.append(
                {
                    **templates.response(),
                    "id": id,
                    "meta": _meta(),
                    "basedOn": [_reference(self.plan)],
                    "questionnaire": questionnaires.HEALTH,
                    "subject": self.subject(),
                    "authored": when,
                    "author": _reference(self.reference),
                    "source": _reference(self.reference),
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
                        "id": f"{code}-{self.n}-{count - index + 1}",
                        "meta": _meta(),
                        "code": self.dimension(code),
                        "subject": self.subject(),
                        "effectiveDateTime": when,
                        "performer": [_reference(self.reference)],
                        "valueQuantity": {
                            "value": points,
                            "unit": "punten",
                            "system": UCUM,
                            "code": "{score}",
                        },
                        "method": coded(f"{CANONICAL}/CodeSystem/score-source", "self", "Zelf"),
                        "derivedFrom": [_reference(f"QuestionnaireResponse/{id}")],
                    }
                )
        if self.carers and draw.chance(45):
            carer, name = self.carers[0]
            own = {
                **templates.response(),
                "id": self.id("belasting"),
                "meta": _meta(),
                "questionnaire": questionnaires.CARER_STRAIN,
                "subject": _reference(carer, name),
                "authored": moment(draw.below(200), 21),
                "author": _reference(carer),
                "source": _reference(carer),
                "item": questionnaires.answered_strain([draw.chance(40) for _ in questionnaires.STRAIN]),
            }
            made.append(_without(own, "basedOn"))
        return made

    def measurements(self) -> list[Json]:
        makers = {
            "pressure": self.pressures,
            "weight": self.weights,
            "saturation": self.saturations,
            "glucose": self.glucoses,
        }
        return [made for measure in self.measures() for made in makers[measure](8 + self.draw.below(18))]

    def measured(self, template: Json, kind: str, week: int, weeks: int) -> Json:
        return {
            **template,
            "id": self.id(kind, week),
            "meta": _meta(),
            "basedOn": [_reference(self.plan)],
            "subject": _reference(self.reference),
            "effectiveDateTime": moment((weeks - week) * 7 + self.n % 7, 8, self.draw.below(60)),
            "performer": [_reference(self.reference)],
        }

    def pressures(self, weeks: int) -> list[Json]:
        draw = self.draw
        template = templates.blood_pressure()
        systolic, diastolic = template["component"]
        upper, lower = draw.between(125, 165), draw.between(70, 92)
        made = []
        for week in range(1, weeks + 1):
            reading = self.measured(template, "bloeddruk", week, weeks)
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

    def weights(self, weeks: int) -> list[Json]:
        return self.series(templates.weight(), "gewicht", weeks, self.draw.between(580, 980), 6)

    def saturations(self, weeks: int) -> list[Json]:
        base = self.draw.between(900, 960) // 10 * 10
        made = self.series(templates.saturation(), "saturatie", weeks, base, 20)
        for reading in made:
            reading["valueQuantity"]["value"] = int(reading["valueQuantity"]["value"])
        return made

    def glucoses(self, weeks: int) -> list[Json]:
        return self.series(templates.glucose(), "glucose", weeks, self.draw.between(55, 105), 14)

    def series(self, template: Json, kind: str, weeks: int, tenths: int, swing: int) -> list[Json]:
        """Weekly readings to one decimal around a level that wanders."""
        made = []
        for week in range(1, weeks + 1):
            reading = self.measured(template, kind, week, weeks)
            value = Decimal(tenths + self.draw.between(-swing, swing)).scaleb(-1)
            reading["valueQuantity"] = {**template["valueQuantity"], "value": value}
            tenths += self.draw.between(-1, 1)
            made.append(reading)
        return made

    def communications(self) -> list[Json]:
        draw = self.draw
        fitting = [message for message in MESSAGES if self.carers or "carer" not in message[:2]]
        made = []
        for index, (sender, recipient, text) in enumerate(draw.some(fitting, 1 + draw.below(4)), 1):
            sent = draw.below(90)
            made.append(
                {
                    **templates.communication(),
                    "id": self.id("bericht", index),
                    "meta": _meta(),
                    "basedOn": [_reference(self.plan)],
                    "subject": self.subject(),
                    "about": [_reference(self.plan)],
                    "sent": moment(sent, 9 + draw.below(8), draw.below(60)),
                    "received": moment(sent, 18, draw.below(60)),
                    "recipient": [_reference(self.person(recipient))],
                    "sender": _reference(self.person(sender)),
                    "payload": [{"contentString": text}],
                }
            )
        return made

    def appointments(self) -> list[Json]:
        draw = self.draw
        made = []
        for index, (text, with_whom, minutes) in enumerate(draw.some(VISITS, 1 + draw.below(3)), 1):
            days_ago = draw.between(-40, 60)
            hour, minute = 8 + draw.below(8), draw.one((0, 10, 15))
            past = days_ago > 0
            visitor = self.person(with_whom)
            made.append(
                {
                    **templates.appointment(),
                    "id": self.id("afspraak", index),
                    "meta": _meta(),
                    "status": draw.one(("fulfilled", "fulfilled", "noshow")) if past else "booked",
                    "description": text,
                    "start": moment(days_ago, hour, minute),
                    "end": moment(days_ago, hour, minute + minutes)
                    if minute + minutes < 60
                    else moment(days_ago, hour + 1, minute + minutes - 60),
                    "minutesDuration": minutes,
                    "participant": [
                        {"actor": self.subject(), "required": "required", "status": "accepted"},
                        {
                            "actor": _reference(visitor, self.place.names.get(visitor)),
                            "required": "required",
                            "status": "accepted",
                        },
                    ],
                }
            )
        return made


_HIGH = coded(f"{HL7}/goal-priority", "high-priority", "High Priority", "Hoog")
_MEDIUM = coded(f"{HL7}/goal-priority", "medium-priority", "Medium Priority", "Gemiddeld")
_LOW = coded(f"{HL7}/goal-priority", "low-priority", "Low Priority", "Laag")


def _practitioner(role: str) -> str:
    """The Practitioner of a PractitionerRole of this region."""
    return role.replace("PractitionerRole/rol-", "Practitioner/")

"""The shared plan and its team, and the plans beside it.

https://hl7.org/fhir/R4/careplan.html, https://hl7.org/fhir/R4/careteam.html
"""

from __future__ import annotations

from typing import Any

from fhirhub.demo import templates
from fhirhub.demo.calendar import day, moment
from fhirhub.demo.people import CARER
from fhirhub.demo.person import Person
from fhirhub.demo.tasks import TAKING_PART
from fhirhub.demo.templates import SNOMED, coded, meta, reference, without
from fhirhub.demo.typed import CANONICAL

Json = dict[str, Any]

_COORDINATOR = coded(SNOMED, "768832004", "Case manager", "Coördinator")
_TREATING = coded(SNOMED, "405623001", "Assigned practitioner", "Behandelaar")
_PATIENT = coded(SNOMED, "116154003", "Patient", "Patiënt")
_WELFARE = coded(f"{CANONICAL}/CodeSystem/role", "welzijn", "Welzijnswerker")
_OWN_PLAN = coded(SNOMED, "734163000", "Care plan", "Zorgplan")
_NURSING_PLAN = coded(SNOMED, "9632001", "Nursing procedure", "Verpleegkundig plan")


def team(person: Person) -> Json:
    """Participants by the work: who accepted a task takes part, from then until it ends."""
    start = day(person.started)
    participants: list[Json] = [
        {"role": [_PATIENT], "member": person.subject(), "period": {"start": start}},
        {
            "role": [_COORDINATOR],
            "member": reference(person.poh, person.place.names[person.poh]),
            "period": {"start": start},
        },
        {
            "role": [_TREATING],
            "member": reference(person.gp, person.place.names[person.gp]),
            "period": {"start": start},
        },
    ]
    roles = {
        person.parties["wijkverpleging"]: _TREATING,
        person.parties["specialist"]: _TREATING,
        person.parties["welzijn"]: _WELFARE,
        person.parties.get("carer", ""): CARER,
    }
    working: dict[str, Json] = {}
    for task in person.tasks:
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
                "member": reference(owner, person.place.names.get(owner)),
                "period": period,
            }
        )
    return {
        **templates.care_team(),
        "id": person.id("team"),
        "meta": meta(),
        "name": f"Zorgteam van {person.name}",
        "subject": person.subject(),
        "period": {"start": start},
        "participant": participants,
        "managingOrganization": [reference(person.practice)],
    }


def care_plan(person: Person) -> Json:
    """The shared plan: its problems, goals, activities and Tasks."""
    draw = person.draw
    status = draw.one(("active",) * 17 + ("on-hold", "completed", "draft"))
    activities: list[Json] = []
    open_period = (one for one in team(person)["participant"] if "end" not in one["period"])
    members = {one["member"]["reference"] for one in open_period}
    for goal, aim in person.goals:
        performer = person.party(aim.who)
        state = draw.one(("not-started", "in-progress", "in-progress", "completed"))
        draw.below(3)  # keeps what is drawn after it as it was
        detail: Json = {
            "kind": "Task",
            "code": {"text": aim.activity.partition(",")[0]},
            "goal": [reference(goal)],
            "status": state if performer in members else "not-started",
            "performer": [reference(performer)],
            "description": aim.activity,
        }
        if aim.timing is not None:
            frequency, period, unit = aim.timing
            repeat = {"frequency": frequency, "period": period, "periodUnit": unit}
            detail["scheduledTiming"] = {"repeat": repeat}
        activities.append({"detail": detail})
    activities += [{"reference": reference(f"Task/{task['id']}")} for task in person.tasks]
    problems = ", ".join(disease.icpc_name for _, disease in person.diseases)
    return {
        **templates.care_plan(),
        "id": person.id("plan"),
        "meta": meta(),
        "text": {
            "status": "generated",
            "div": '<div xmlns="http://www.w3.org/1999/xhtml"><p>Gezamenlijk zorgplan van '
            f"{person.name}</p><p>{problems}</p></div>",
        },
        "status": status,
        "title": f"Zorgplan van {person.name}",
        "description": f"Samen gemaakt met {person.given}. Aandachtspunten: {problems}.",
        "subject": person.subject(),
        "period": {"start": day(person.started), "end": day(5)}
        if status == "completed"
        else {"start": day(person.started)},
        "created": day(person.started),
        "author": reference(person.poh, person.place.names[person.poh]),
        "contributor": [reference(person.gp), reference(person.reference)],
        "careTeam": [reference(f"CareTeam/{person.id('team')}")],
        "addresses": [reference(condition, disease.icpc_name) for condition, disease in person.diseases],
        "goal": [reference(goal) for goal, _ in person.goals],
        "activity": activities,
        "note": [
            {
                "authorReference": reference(_practitioner(person.poh)),
                "time": moment(draw.below(60), 15),
                "text": "Bij het laatste gesprek doorgenomen; de doelen staan nog.",
            }
        ],
    }


def other_plans(person: Person) -> list[Json]:
    """A plan of before, and the district nurses' own plan where they work."""
    draw = person.draw
    made = []
    plain = without({**templates.care_plan()}, "text", "contributor", "note", "goal", "careTeam")
    if draw.chance(35):
        made.append(
            {
                **plain,
                "id": person.id("plan-eerder"),
                "meta": meta(),
                "category": [_OWN_PLAN],
                "status": draw.one(("completed", "revoked")),
                "title": f"Eerder zorgplan van {person.name}",
                "description": "Vervangen door het gezamenlijke zorgplan.",
                "subject": person.subject(),
                "period": {"start": day(person.started + 300), "end": day(person.started)},
                "created": day(person.started + 300),
                "author": reference(person.gp),
                "addresses": [reference(person.diseases[0][0])],
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
    nursing = person.parties["wijkverpleging"]
    if any(task["owner"]["reference"] == nursing and task["status"] in TAKING_PART for task in person.tasks):
        made.append(
            {
                **plain,
                "id": person.id("verpleegplan"),
                "meta": meta(),
                "category": [_NURSING_PLAN],
                "title": f"Verpleegkundig plan van {person.name}",
                "description": "Persoonlijke verzorging en toezicht op medicatie.",
                "subject": person.subject(),
                "period": {"start": day(person.started // 2)},
                "created": day(person.started // 2),
                "author": reference(person.nurse),
                "addresses": [reference(condition) for condition, _ in person.diseases],
                "activity": [
                    {
                        "detail": {
                            "status": "in-progress",
                            "scheduledTiming": {"repeat": {"frequency": 3, "period": 1, "periodUnit": "wk"}},
                            "performer": [reference(nursing)],
                            "description": "Hulp bij douchen en aankleden",
                        }
                    }
                ],
            }
        )
    return made


def _practitioner(role: str) -> str:
    """The Practitioner of a PractitionerRole of this region."""
    return role.replace("PractitionerRole/rol-", "Practitioner/")

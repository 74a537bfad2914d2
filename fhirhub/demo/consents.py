"""What the patient agreed to, refused and wished for later.

https://hl7.org/fhir/R4/consent.html
"""

from __future__ import annotations

from typing import Any

from fhirhub.demo import templates
from fhirhub.demo.calendar import day, moment
from fhirhub.demo.person import Person
from fhirhub.demo.templates import HL7, SNOMED, coded, meta, reference

Json = dict[str, Any]

_REPRESENTATIVE = {
    "coding": [
        {"system": f"{HL7}/v3-RoleCode", "code": "RESPRSN", "display": "responsible party"},
        {"system": SNOMED, "code": "310391000146105", "display": "Legal representative"},
    ],
    "text": "Wettelijk vertegenwoordiger",
}


def consents(person: Person) -> list[Json]:
    """Agreements with who joined, grants to carers; at times a block, a representative, a limit, a yes to research."""
    draw = person.draw
    made: list[Json] = []
    joined = {
        task["owner"]["reference"]
        for task in person.tasks
        if "executionPeriod" in task and task["owner"]["reference"].startswith("Organization/")
    }
    for organization in sorted(joined):
        made.append(consent(person, len(made) + 1, "permit", organization, person.started))
    for carer, _ in person.carers:
        if draw.chance(80):
            grant = consent(person, len(made) + 1, "permit", carer, draw.below(person.started))
            provision = grant["provision"]
            provision["class"] = [
                {"system": "http://hl7.org/fhir/resource-types", "code": type}
                for type in draw.one(
                    (("CarePlan", "Goal", "Task"), ("CarePlan", "Task", "Appointment", "Observation"))
                )
            ]
            if draw.chance(40):
                provision["action"].append(coded(f"{HL7}/consentaction", "collect", "Collect", "Toevoegen"))
            made.append(grant)
    if draw.chance(6):
        blocked = person.place.organizations["welzijn"]
        if blocked not in joined:
            made.append(consent(person, len(made) + 1, "deny", blocked, draw.below(person.started)))
    if person.carers and any(disease.icpc == "P70" for _, disease in person.diseases):
        made.append(_representation(person, len(made) + 1))
    if person.age > 78 and draw.chance(50):
        made.append(_treatment_limit(person, len(made) + 1))
    if draw.chance(20):
        made.append(research(person, len(made) + 1))
    return made


def consent(person: Person, index: int, decision: str, actor: str, days_ago: int) -> Json:
    """What the patient decided about one actor."""
    when = moment(days_ago, 10, person.draw.below(60))
    template = templates.consent()
    role = template["provision"]["actor"][0]["role"]
    provision: Json = {
        "type": decision,
        "period": {"start": day(days_ago)},
        "actor": [{"role": role, "reference": reference(actor, person.place.names.get(actor))}],
    }
    if decision == "permit":
        provision["action"] = list(template["provision"]["action"])
    return {
        **template,
        "id": person.id("toestemming", index),
        "meta": meta(),
        "patient": person.subject(),
        "dateTime": when,
        "performer": [reference(person.reference)],
        "organization": [reference(person.practice)],
        "verification": [
            {"verified": True, "verifiedWith": reference(person.reference), "verificationDate": when}
        ],
        "provision": provision,
    }


def _representation(person: Person, index: int) -> Json:
    """The carer decides where the patient cannot; the huisarts records it, for at most a year."""
    made = consent(person, index, "permit", person.carers[0][0], person.draw.below(200))
    made["performer"] = [reference(person.gp)]
    made["verification"] = [{"verified": True, "verificationDate": made["dateTime"]}]
    provision = made["provision"]
    provision["period"]["end"] = day(-160)
    provision["actor"][0]["role"] = _REPRESENTATIVE
    provision["action"] = [
        *provision["action"],
        coded(f"{HL7}/consentaction", "correct", "Access and Correct", "Inzien en wijzigen"),
    ]
    return made


def _treatment_limit(person: Person, index: int) -> Json:
    made = consent(person, index, "deny", person.gp, person.draw.below(300))
    made["scope"] = coded(f"{HL7}/consentscope", "adr", "Advanced Care Directive", "Behandelgrens")
    made["category"] = [coded(f"{HL7}/consentcategorycodes", "acd", "Advance Directive", "Wilsverklaring")]
    made["provision"] = {
        "type": "deny",
        "code": [coded(SNOMED, "89666000", "Cardiopulmonary resuscitation", "Reanimeren")],
    }
    made["policy"] = [{"uri": templates.TREATMENT_LAW}]
    return made


def research(person: Person, index: int) -> Json:
    """A yes to research by the care group."""
    made = consent(person, index, "permit", person.place.organizations["care-group"], person.draw.below(300))
    made["scope"] = coded(f"{HL7}/consentscope", "research", "Research", "Onderzoek")
    return made

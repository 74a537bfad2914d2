"""What is written around one patient: resources in few words, with the codes of the guide."""

from __future__ import annotations

from typing import Any

from fhirhub.resources import guide
from fhirhub.resources.masking import BSN_SYSTEMS
from fhirhub.resources.relations import ORGANIZATION_TYPE

Json = dict[str, Any]

SHARED: Json = {
    "coding": [{"system": "http://snomed.info/sct", "code": "135411000146103"}],
    "text": "Gezamenlijk zorgplan",
}
SINCE = "2026-01-05"
BSN = BSN_SYSTEMS[0]
ANNA_BSN = "999911120"
PATIENT = "Patient/anna"
PLAN = "CarePlan/plan"


def to(reference: str, **more: Any) -> Json:
    return {"reference": reference, **more}


ANNA, MIA, JAN, PRACTICE = map(
    to, (PATIENT, "RelatedPerson/mia", "Practitioner/jan", "Organization/praktijk")
)


def code(system: str, code: str) -> Json:
    """A concept of the guide."""
    return {"coding": [{"system": guide.url("CodeSystem", system), "code": code}]}


def parameters(**values: Any) -> Json:
    """Parameters of values by name; a list is a parameter for each."""
    parts = []
    for name, value in values.items():
        for one in value if isinstance(value, list) else [value]:
            kind = "valueBoolean" if isinstance(one, bool) else "valueString"
            kind = {"start": "valueDate", "canonical": "valueCanonical"}.get(name, kind)
            if isinstance(one, dict):
                kind = "valueReference" if "reference" in one else "resource"
            parts.append({"name": name, kind: one})
    return {"resourceType": "Parameters", "parameter": parts}


# -- Who there is -----------------------------------------------------------------------------------


def anna(**also: Any) -> Json:
    return {
        "resourceType": "Patient",
        "id": "anna",
        "identifier": [{"system": BSN, "value": ANNA_BSN}],
        "name": [{"family": "Voorbeeldstra", "given": ["Anna"]}],
        "birthDate": "1941-03-02",
        "telecom": [{"system": "phone", "value": "+31612345678"}],
        "address": [{"line": ["Proeflaan 12"], "postalCode": "1234 BC", "city": "Voorbeeldstad"}],
        "generalPractitioner": [PRACTICE],
        **also,
    }


def organization(id: str, code: str | None) -> Json:
    made: Json = {"resourceType": "Organization", "id": id, "active": True, "name": f"Organisatie {id}"}
    if code is not None:
        made["type"] = [{"coding": [{"system": ORGANIZATION_TYPE, "code": code}]}]
    return made


def works(person: str, at: str, role: str) -> list[Json]:
    return [
        {"resourceType": "Practitioner", "id": person, "name": [{"text": person}]},
        {
            "resourceType": "PractitionerRole",
            "id": f"rol-{person}",
            "active": True,
            "practitioner": to(f"Practitioner/{person}"),
            "organization": to(f"Organization/{at}"),
            "code": [code("role", role)],
        },
    ]


def queue(id: str, at: str) -> Json:
    return {
        "resourceType": "HealthcareService",
        "id": id,
        "active": True,
        "providedBy": to(f"Organization/{at}"),
        "name": "Regionale wachtrij",
    }


# -- What they share --------------------------------------------------------------------------------


def member(reference: str, role: Json, **period: str) -> Json:
    return {"member": to(reference), "role": [role], "period": {"start": SINCE, **period}}


def team(*members: Json, id: str = "team", subject: str = "Patient/anna") -> Json:
    patient = {"coding": [{"system": "http://snomed.info/sct", "code": "116154003"}]}
    return {
        "resourceType": "CareTeam",
        "id": id,
        "status": "active",
        "subject": to(subject),
        "participant": [member(subject, patient), *members],
    }


def plan(id: str = "plan", **more: Any) -> Json:
    return {
        "resourceType": "CarePlan",
        "id": id,
        "status": "active",
        "intent": "plan",
        "category": [SHARED],
        "title": "Zorgplan van Anna",
        "subject": ANNA,
        "careTeam": [to("CareTeam/team")],
        **more,
    }


def goal(id: str, words: str = "Weer naar de winkel lopen", **more: Any) -> Json:
    return {
        "resourceType": "Goal",
        "id": id,
        "lifecycleStatus": "active",
        "category": [code("positive-health-dimension", "lichaamsfuncties")],
        "description": {"text": words},
        "subject": ANNA,
        **more,
    }


def task(id: str, **more: Any) -> Json:
    return {
        "resourceType": "Task",
        "id": id,
        "basedOn": [to("CarePlan/plan")],
        "status": "requested",
        "intent": "order",
        "code": code("task", "consult"),
        "for": ANNA,
        "authoredOn": "2026-02-09T14:00:00+01:00",
        "requester": to("PractitionerRole/rol-jan"),
        "owner": to("Organization/thuiszorg"),
        **more,
    }


def message(sender: str, *recipients: str, **more: Any) -> Json:
    return {
        "resourceType": "Communication",
        "basedOn": [to("CarePlan/plan")],
        "status": "completed",
        "subject": ANNA,
        "sent": "2026-02-12T11:40:00+01:00",
        "sender": to(sender),
        "recipient": [to(one) for one in recipients],
        "payload": [{"contentString": "De enkels zijn dikker dan vorige week."}],
        **more,
    }


LOINC, UCUM = "http://loinc.org", "http://unitsofmeasure.org"


def kg(value: Any, unit: str = "kg") -> Json:
    return {"value": value, "unit": unit, "system": UCUM, "code": unit}


def weight(value: Any, unit: str = "kg", **more: Any) -> Json:
    """What Anna weighed at home."""
    category = {"system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "vital-signs"}
    return {
        "resourceType": "Observation",
        "status": "final",
        "category": [{"coding": [category]}],
        "code": {"coding": [{"system": LOINC, "code": "29463-7"}]},
        "subject": ANNA,
        "performer": [ANNA],
        "effectiveDateTime": "2026-11-22T08:00:00+01:00",
        "valueQuantity": kg(value, unit),
        **more,
    }


def meeting(plan: str, *who: str) -> Json:
    """A multidisciplinary meeting about a plan, to which these are invited."""
    return {
        "resourceType": "Appointment",
        "status": "booked",
        "serviceType": [code("document-type", "mdo")],
        "start": "2026-12-03T13:00:00+01:00",
        "end": "2026-12-03T13:45:00+01:00",
        "supportingInformation": [to(plan)],
        "participant": [{"actor": to(one), "status": "needs-action"} for one in who],
    }


def consent(decision: str, actor: str, **provision: Any) -> Json:
    role = {"text": "IRCP"}
    reference = to(actor)
    if actor.startswith("HealthcareService/"):
        url = "https://fhirhub.example/fhir/StructureDefinition/consent-queue"
        reference = {"extension": [{"url": url, "valueReference": to(actor)}], "display": "Wachtrij"}
    return {
        "resourceType": "Consent",
        "status": "active",
        "scope": {
            "coding": [
                {
                    "system": "http://terminology.hl7.org/CodeSystem/consentscope",
                    "code": "patient-privacy",
                }
            ]
        },
        "category": [{"coding": [{"system": "http://loinc.org", "code": "59284-0"}]}],
        "patient": ANNA,
        "dateTime": "2026-01-01",
        "performer": [ANNA],
        "policy": [{"uri": "https://wetten.overheid.nl/BWBR0023864"}],
        "provision": {"type": decision, "actor": [{"role": role, "reference": reference}], **provision},
    }


def codes(resources: list[Json]) -> list[str]:
    """The codes of Tasks."""
    return sorted(one["code"]["coding"][0]["code"] for one in resources)

"""Blocking a party: the Consent that says it, and which help will stop (RULES R10, R17)."""

from __future__ import annotations

from fhirhub.resources import careplan, consents, document
from fhirhub.resources.careplan import Json

KIND = "blokkade"


def block(patient: str, party: str, now: int) -> Json:
    """The Consent by which the patient of that id blocks an Organization or Practitioner from now on."""
    return {
        "resourceType": "Consent",
        "status": "active",
        "scope": {"coding": [{"system": consents.SCOPES, "code": "patient-privacy"}]},
        "category": [
            {
                "coding": [
                    {"system": "http://loinc.org", "code": "59284-0"},
                    *careplan.own_code("consent-kind", KIND)["coding"],
                ]
            }
        ],
        "patient": careplan.to(f"Patient/{patient}"),
        "dateTime": document.instant(now),
        "performer": [careplan.to(f"Patient/{patient}")],
        "policy": [{"uri": "https://wetten.overheid.nl/BWBR0023864"}],
        "provision": {
            "type": "deny",
            "period": {"start": document.instant(now)},
            "actor": [{"role": _RECIPIENT, "reference": careplan.to(party)}],
        },
    }


_RECIPIENT: Json = {
    "coding": [
        {
            "system": "http://terminology.hl7.org/CodeSystem/v3-ParticipationType",
            "code": "IRCP",
            "display": "information recipient",
        }
    ]
}


def help_of(task: Json) -> str:
    """What a Task does for the patient, as people read it."""
    concept = task.get("code", {})
    coded = next((one.get("display") or one.get("code") for one in concept.get("coding", ())), None)
    return str(task.get("description") or concept.get("text") or coded or f"Task/{task['id']}")

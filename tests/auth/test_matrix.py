"""R21: what the cells of the matrix give is really given, to each role, over HTTP with tokens of sign-in."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from fhirhub.auth import matrix
from fhirhub.auth.roles import ROLES
from tests import minimal
from tests.auth.builders import Hub, Json
from tests.careplan import people
from tests.careplan.neighbourhood import Neighbourhood, settle
from tests.careplan.people import Person
from tests.careplan.resources import ANNA, code, to

PRIVACY = {
    "coding": [{"system": "http://terminology.hl7.org/CodeSystem/consentscope", "code": "patient-privacy"}]
}
COVER = code("affiliation", "waarneming")
WHO: dict[str | None, tuple[str, str | None]] = {
    "patient": ("Patient/anna", None),
    "mantelzorger": ("RelatedPerson/mia", None),
    "wettelijk-vertegenwoordiger": ("RelatedPerson/mia", None),
    "welzijn": ("Practitioner/sam", "welzijn"),
    None: ("Organization/praktijk", "praktijk"),
}
"""By role, as whom it signs in; the others work at the practice where Anna is registered."""


def permit(id: str, role: Json, **also: Any) -> Json:
    actor = {"role": role, "reference": to("RelatedPerson/mia")}
    return {
        "resourceType": "Consent", "id": id, "status": "active", "scope": PRIVACY, "category": [{"text": "x"}],
        "patient": ANNA, "dateTime": "2026-11-01", "provision": {"type": "permit", "actor": [actor], **also},
    }  # fmt: skip


REPRESENTS = permit("vertegenwoordiging", {"coding": [{"code": "310391000146105"}]})
GRANTS = permit(
    "inzage",
    {"text": "x"},
    action=[
        {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/consentaction", "code": code}]}
        for code in ("access", "collect")
    ],
)


async def signed_in(there: Neighbourhood, role: str | None) -> Person:
    """Somebody in this role, or a backend of the practice."""
    if role is None:
        await there.hub.backend()
        return Person(there.hub, await there.hub.backend_token(scope="system/*.cruds"))
    user, at = WHO.get(role, ("Practitioner/jan", "praktijk"))
    await people.account(there.hub, "iemand", user, at, role)
    scope = "user/*.cruds" if at else "patient/*.cruds"
    patient = "anna" if role in ("mantelzorger", "wettelijk-vertegenwoordiger") else None
    return await people.person(there.hub, "iemand", role=role, scope=scope, patient=patient)


ROWS = (
    "RelatedPerson", "CarePlan", "CareTeam", "Goal", "Task", "Consent", "QuestionnaireResponse", "Observation",
    "Communication", "List", "Subscription", "Provenance", "OrganizationAffiliation",
    # of the directory and the definitions
    "Endpoint", "HealthcareService", "Location", "Organization", "Practitioner", "PractitionerRole", "Schedule", "Slot",
    "ActivityDefinition", "PlanDefinition", "Questionnaire", "ValueSet",
    # of what else is about a patient
    "AllergyIntolerance", "Appointment", "Condition", "DiagnosticReport", "DocumentReference", "Flag", "Immunization",
    "MedicationRequest", "MedicationStatement", "Procedure", "ServiceRequest",
)  # fmt: skip
"""Types of every row of the matrix but Patient, which nobody creates so (R5), and those that nobody writes."""


def written(type: str, role: str | None, me: str) -> Json:
    """The smallest resource of the type that `me` may write, about Anna where it is about anybody: in the own name,
    which R21 asks of who deletes it and of what patients and relatives write."""
    mine = to(me)
    somebody = to("Practitioner/jan") if me.startswith("Organization/") else mine
    concept = {"text": "x"}
    match type:
        case "Task":
            kinds = {"beheerder": "identiteit-controleren", "privacy-officer": "inzage-beoordelen"}
            told = {"code": code("task", kinds[role])} if role in kinds else {}
            placed = (
                {"status": "requested", "requester": to("Organization/praktijk")}
                if told
                else {"status": "draft"}
            )
            also: Json = {"intent": "order", "for": ANNA, "requester": mine, "owner": mine, **told, **placed}
        case "Consent":
            also = {"policy": [{"uri": "urn:x:y"}], "patient": ANNA, "performer": [mine], "status": "active"}
            if role == "mantelzorger":  # R18: about the own answers alone
                answers = {"system": "http://hl7.org/fhir/resource-types", "code": "QuestionnaireResponse"}
                whom = {"role": concept, "reference": to("Organization/praktijk")}
                also |= {
                    "scope": PRIVACY,
                    "provision": {"type": "permit", "class": [answers], "actor": [whom]},
                }
        case "Goal":
            also = {"expressedBy": somebody}
        case "QuestionnaireResponse":
            also = {"subject": ANNA, "author": mine}
        case "Observation":
            also = {"performer": [mine]}
        case "Communication":
            also = {"subject": ANNA, "sender": mine}
        case "List":
            also = {"source": somebody} if role != "wettelijk-vertegenwoordiger" else {}
        case "Subscription":
            also = {"criteria": "Observation?subject=Patient/anna", "status": "requested",
                    "channel": {"type": "websocket", "payload": "application/fhir+json"}}  # fmt: skip
        case "Provenance":
            also = {"target": [ANNA], "agent": [{"who": mine}]}
        case "OrganizationAffiliation":  # R11: cover is written by who is covered
            also = {"code": [COVER], "organization": to("Organization/praktijk"),
                    "participatingOrganization": to("Organization/tweede")}  # fmt: skip
        case "Endpoint":
            also = {"managingOrganization": to("Organization/praktijk")}
        case "Organization":
            also = {"name": "x"}
        case "Schedule":
            also = {"actor": [to("HealthcareService/wachtrij")]}
        case "Slot":
            also = {"schedule": to("Schedule/agenda")}
        case "AllergyIntolerance" | "Condition":
            system = f"http://terminology.hl7.org/CodeSystem/{type.lower()}-clinical"
            active = {"coding": [{"system": system, "code": "active"}]}
            also = {"clinicalStatus": active, "recorder": somebody}
        case "Appointment":
            also = {"status": "proposed", "participant": [{"actor": ANNA, "status": "needs-action"}]}
        case "DiagnosticReport":
            also = {"performer": [mine]}
        case "Immunization" | "Procedure":
            also = {"performer": [{"actor": mine}]}
        case "DocumentReference":
            also = {"author": [mine]}
        case "Flag":
            also = {"author": mine}
        case "MedicationRequest" | "ServiceRequest":
            also = {"requester": mine}
        case "MedicationStatement":
            also = {"informationSource": mine}
        case _:
            also = {}
    return minimal.resource(type, "Patient/anna", **also)


UNDELETED = {
    "Appointment": "it names nobody as who wrote it",
    **dict.fromkeys(
        ("AllergyIntolerance", "Condition", "Goal", "List"), "it names people alone, so is no backend's own"
    ),
}
"""R21: deleted is the own, so not what cannot say that it is."""


@pytest.mark.parametrize("role", [*ROLES, None])
async def test_r21_a_role_writes_what_its_cells_give_where_it_has_the_relation(
    hub: Hub, role: str | None
) -> None:
    also = REPRESENTS if role == "wettelijk-vertegenwoordiger" else GRANTS
    agenda = {"resourceType": "Schedule", "id": "agenda", "actor": [to("HealthcareService/wachtrij")]}
    there = await settle(hub, also, agenda)
    asker = await signed_in(there, role)
    me = WHO.get(role, ("Practitioner/jan", None))[0]
    row = matrix.cells(role)
    wrong = []

    async def gives(letter: str, type: str, answer: httpx.Response, status: int) -> None:
        if answer.status_code != status:
            wrong.append((letter, type, answer.status_code, answer.text[-230:]))

    for type in ROWS:
        letters = set(row.get(type, "")) & set("cud")
        if not letters:
            continue
        sample = written(type, role, me)
        if "c" in letters:
            answer = await asker.create(sample)
            await gives("c", type, answer, 201)
            if answer.status_code != 201:
                continue
            stored = answer.json()
        else:
            stored = {**sample, "id": "geladen"}
            await there.put(stored)
        if "u" in letters:
            stored.get("meta", {}).pop("tag", None)
            await gives("u", type, await asker.update({**stored, "language": "nl"}), 200)
        if "d" in letters and (type not in UNDELETED or (role is not None and type != "Appointment")):
            await gives("d", type, await asker.ask("DELETE", f"{type}/{stored['id']}"), 204)
    if "u" in row.get("Patient", ""):
        anna = await asker.get("Patient/anna")
        await gives("u", "Patient", await asker.update({**anna, "language": "nl"}), 200)
    assert not wrong, wrong

"""One typed example of each kind of resource that a patient has many of, to be filled in with plain values.

The typed classes check names, types and cardinalities once; building each resource with them would cost
a millisecond apiece and would turn decimals into floats. What never changes is shared between resources.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from fhir.resources.R4B.allergyintolerance import AllergyIntolerance
from fhir.resources.R4B.appointment import Appointment
from fhir.resources.R4B.careplan import CarePlan
from fhir.resources.R4B.careteam import CareTeam
from fhir.resources.R4B.communication import Communication
from fhir.resources.R4B.condition import Condition
from fhir.resources.R4B.consent import Consent
from fhir.resources.R4B.goal import Goal
from fhir.resources.R4B.medicationstatement import MedicationStatement
from fhir.resources.R4B.observation import Observation
from fhir.resources.R4B.patient import Patient
from fhir.resources.R4B.questionnaireresponse import QuestionnaireResponse
from fhir.resources.R4B.relatedperson import RelatedPerson
from fhir.resources.R4B.task import Task

from fhirhub.demo.typed import META, TAG, typed

Json = dict[str, Any]

SNOMED = "http://snomed.info/sct"
LOINC = "http://loinc.org"
UCUM = "http://unitsofmeasure.org"
HL7 = "http://terminology.hl7.org/CodeSystem"

# The Dutch law on consent to share medical records: Wet aanvullende bepalingen verwerking persoonsgegevens in de zorg.
SHARING_LAW = "https://wetten.overheid.nl/BWBR0023864"
# The law on medical treatment, in book 7 of the civil code: Wet op de geneeskundige behandelingsovereenkomst.
TREATMENT_LAW = "https://wetten.overheid.nl/BWBR0005290"

_ANYONE: Json = {"reference": "Patient/x"}
_WHEN = "2026-01-05T08:00:00+01:00"
_SHARED_PLAN = {
    "coding": [{"system": SNOMED, "code": "135411000146103", "display": "Multidisciplinary care regime"}],
    "text": "Gezamenlijk zorgplan",
}


def coded(system: str, code: str, display: str, text: str | None = None) -> Json:
    """A CodeableConcept of one coding."""
    return {"coding": [{"system": system, "code": code, "display": display}], "text": text or display}


def meta() -> Json:
    """The `meta` of a resource that may be changed by itself."""
    return {"tag": [TAG]}


def reference(to: str, display: str | None = None) -> Json:
    """A Reference such as `Patient/x`, with the name of who or what it is where that is known."""
    return {"reference": to, "display": display} if display else {"reference": to}


def without(resource: Json, *keys: str) -> Json:
    """The resource, rid of those elements."""
    for key in keys:
        del resource[key]
    return resource


@cache
def patient() -> Json:
    return typed(
        Patient,
        id="x",
        meta=META,
        identifier=[{"system": "http://fhir.nl/fhir/NamingSystem/bsn", "value": "999000007"}],
        active=True,
        name=[
            {
                "use": "official",
                "text": "x",
                "family": "x",
                "given": ["x"],
            }
        ],
        telecom=[{"system": "phone", "value": "x", "use": "mobile"}],
        gender="female",
        birthDate="1940-01-01",
        address=[
            {
                "use": "home",
                "type": "both",
                "line": ["x"],
                "city": "x",
                "postalCode": "x",
                "country": "NL",
            }
        ],
        maritalStatus=coded(f"{HL7}/v3-MaritalStatus", "M", "Married", "Gehuwd"),
        communication=[
            {
                "language": {
                    "coding": [
                        {"system": "urn:ietf:bcp:47", "code": "nl", "display": "Dutch"},
                        # As nl-core names it: ISO 639-1.
                        {"system": "urn:oid:1.0.639.1", "code": "nl", "display": "Dutch"},
                    ],
                    "text": "Nederlands",
                },
                "preferred": True,
            }
        ],
        generalPractitioner=[{"reference": "Organization/x"}],
        managingOrganization={"reference": "Organization/x"},
    )


@cache
def related_person() -> Json:
    return typed(
        RelatedPerson,
        id="x",
        meta=META,
        active=True,
        patient=_ANYONE,
        relationship=[coded(SNOMED, "407542009", "Informal carer", "Mantelzorger")],
        name=[{"text": "x", "family": "x", "given": ["x"]}],
        telecom=[{"system": "phone", "value": "x", "use": "mobile"}],
        gender="female",
    )


@cache
def condition() -> Json:
    return typed(
        Condition,
        id="x",
        meta=META,
        clinicalStatus=coded(f"{HL7}/condition-clinical", "active", "Active", "Actief"),
        # nl-core asks for the SNOMED CT code beside R4's.
        verificationStatus={
            "coding": [
                {"system": f"{HL7}/condition-ver-status", "code": "confirmed", "display": "Confirmed"},
                {"system": SNOMED, "code": "410605003", "display": "Confirmed present"},
            ],
            "text": "Bevestigd",
        },
        category=[coded(f"{HL7}/condition-category", "problem-list-item", "Problem List Item", "Episode")],
        code={"coding": [{"system": SNOMED, "code": "x"}], "text": "x"},
        subject=_ANYONE,
        onsetDateTime="2020",
        recordedDate="2020-01-01",
        recorder=_ANYONE,
    )


@cache
def allergy() -> Json:
    return typed(
        AllergyIntolerance,
        id="x",
        meta=META,
        clinicalStatus=coded(f"{HL7}/allergyintolerance-clinical", "active", "Active", "Actief"),
        verificationStatus=coded(
            f"{HL7}/allergyintolerance-verification", "confirmed", "Confirmed", "Bevestigd"
        ),
        type="allergy",
        category=["medication"],
        criticality="high",
        code=coded(SNOMED, "x", "x"),
        patient=_ANYONE,
        recordedDate="2020-01-01",
        recorder=_ANYONE,
        reaction=[{"manifestation": [coded(SNOMED, "x", "x")], "severity": "moderate"}],
    )


@cache
def medication() -> Json:
    return typed(
        MedicationStatement,
        id="x",
        meta=META,
        status="active",
        medicationCodeableConcept=coded("http://www.whocc.no/atc", "x", "x"),
        subject=_ANYONE,
        effectivePeriod={"start": "2020-01-01"},
        dateAsserted="2026-01-01",
        informationSource=_ANYONE,
        reasonReference=[{"reference": "Condition/x"}],
        dosage=[
            {
                "text": "x",
                "timing": {"repeat": {"frequency": 1, "period": 1, "periodUnit": "d"}},
                "doseAndRate": [{"doseQuantity": {"value": 1, "unit": "tablet"}}],
            }
        ],
    )


@cache
def consent() -> Json:
    return typed(
        Consent,
        id="x",
        meta=META,
        status="active",
        scope=coded(f"{HL7}/consentscope", "patient-privacy", "Privacy Consent", "Privacy"),
        category=[coded(LOINC, "59284-0", "Patient Consent", "Toestemming van de patiënt")],
        patient=_ANYONE,
        dateTime=_WHEN,
        performer=[_ANYONE],
        organization=[{"reference": "Organization/x"}],
        policy=[{"uri": SHARING_LAW}],
        verification=[{"verified": True, "verifiedWith": _ANYONE, "verificationDate": _WHEN}],
        provision={
            "type": "permit",
            "period": {"start": "2026-01-01"},
            "actor": [
                {
                    "role": coded(
                        f"{HL7}/v3-ParticipationType", "IRCP", "information recipient", "Ontvanger"
                    ),
                    "reference": _ANYONE,
                }
            ],
            "action": [coded(f"{HL7}/consentaction", "access", "Access", "Inzien")],
            "class": [{"system": "http://hl7.org/fhir/resource-types", "code": "CarePlan"}],
        },
    )


@cache
def goal() -> Json:
    return typed(
        Goal,
        id="x",
        meta=META,
        lifecycleStatus="active",
        achievementStatus=coded(f"{HL7}/goal-achievement", "in-progress", "In Progress", "Bezig"),
        category=[coded("urn:x", "x", "x")],
        priority=coded(f"{HL7}/goal-priority", "high-priority", "High Priority", "Hoog"),
        description={"text": "x"},
        subject=_ANYONE,
        startDate="2026-01-01",
        target=[
            {
                "measure": coded(LOINC, "x", "x"),
                "detailRange": {"low": {"value": 1, "unit": "x", "system": UCUM, "code": "x"}},
                "dueDate": "2026-01-01",
            }
        ],
        statusDate="2026-01-01",
        expressedBy=_ANYONE,
        addresses=[{"reference": "Condition/x"}],
    )


@cache
def care_team() -> Json:
    return typed(
        CareTeam,
        id="x",
        meta=META,
        status="active",
        category=[coded(LOINC, "LA28865-6", "Longitudinal care-coordination focused care team", "Zorgteam")],
        name="x",
        subject=_ANYONE,
        period={"start": "2026-01-01"},
        participant=[
            {
                "role": [coded(SNOMED, "116154003", "Patient", "Patiënt")],
                "member": _ANYONE,
                "period": {"start": "2026-01-01"},
            }
        ],
        managingOrganization=[{"reference": "Organization/x"}],
    )


@cache
def care_plan() -> Json:
    return typed(
        CarePlan,
        id="x",
        meta=META,
        text={"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml">x</div>'},
        status="active",
        intent="plan",
        category=[_SHARED_PLAN],
        title="x",
        description="x",
        subject=_ANYONE,
        period={"start": "2026-01-01"},
        created="2026-01-01",
        author={"reference": "PractitionerRole/x"},
        contributor=[{"reference": "PractitionerRole/x"}],
        careTeam=[{"reference": "CareTeam/x"}],
        addresses=[{"reference": "Condition/x"}],
        goal=[{"reference": "Goal/x"}],
        activity=[
            {
                "detail": {
                    "kind": "Task",
                    "code": {"text": "x"},
                    "goal": [{"reference": "Goal/x"}],
                    "status": "in-progress",
                    "scheduledTiming": {"repeat": {"frequency": 1, "period": 1, "periodUnit": "wk"}},
                    "performer": [_ANYONE],
                    "description": "x",
                }
            },
            {"reference": {"reference": "Task/x"}},
        ],
        note=[{"authorReference": {"reference": "Practitioner/x"}, "time": _WHEN, "text": "x"}],
    )


@cache
def task() -> Json:
    return typed(
        Task,
        id="x",
        meta=META,
        basedOn=[{"reference": "CarePlan/x"}],
        status="requested",
        statusReason={"text": "x"},
        intent="order",
        priority="routine",
        code=coded("urn:x", "x", "x"),
        description="x",
        focus={"reference": "CarePlan/x"},
        for_fhir=_ANYONE,
        executionPeriod={"start": _WHEN},
        authoredOn=_WHEN,
        lastModified=_WHEN,
        requester={"reference": "PractitionerRole/x"},
        owner={"reference": "Organization/x"},
        restriction={"period": {"end": "2026-01-01"}},
        input=[{"type": {"text": "Vragenlijst"}, "valueCanonical": "urn:x"}],
    )


@cache
def response() -> Json:
    return typed(
        QuestionnaireResponse,
        id="x",
        meta=META,
        basedOn=[{"reference": "CarePlan/x"}],
        questionnaire="urn:x",
        status="completed",
        subject=_ANYONE,
        authored=_WHEN,
        author=_ANYONE,
        source=_ANYONE,
        item=[{"linkId": "x", "text": "x", "answer": [{"valueInteger": 1}]}],
    )


@cache
def communication() -> Json:
    return typed(
        Communication,
        id="x",
        meta=META,
        basedOn=[{"reference": "CarePlan/x"}],
        status="completed",
        category=[coded(f"{HL7}/communication-category", "notification", "Notification", "Bericht")],
        priority="routine",
        subject=_ANYONE,
        about=[{"reference": "CarePlan/x"}],
        sent=_WHEN,
        received=_WHEN,
        recipient=[_ANYONE],
        sender=_ANYONE,
        payload=[{"contentString": "x"}],
    )


@cache
def appointment() -> Json:
    return typed(
        Appointment,
        id="x",
        meta=META,
        status="booked",
        appointmentType=coded(f"{HL7}/v2-0276", "FOLLOWUP", "A follow up visit from a previous appointment"),
        description="x",
        start=_WHEN,
        end=_WHEN,
        minutesDuration=30,
        participant=[{"actor": _ANYONE, "required": "required", "status": "accepted"}],
    )


def _home_measurement(code: Json, **value: Any) -> Json:
    return typed(
        Observation,
        id="x",
        meta=META,
        basedOn=[{"reference": "CarePlan/x"}],
        status="final",
        category=[coded(f"{HL7}/observation-category", "vital-signs", "Vital Signs", "Vitale functies")],
        code=code,
        subject=_ANYONE,
        effectiveDateTime=_WHEN,
        performer=[_ANYONE],
        **value,
    )


def _quantity(unit: str) -> Json:
    return {"value": 1, "unit": unit, "system": UCUM, "code": unit}


@cache
def blood_pressure() -> Json:
    return _home_measurement(
        coded(LOINC, "85354-9", "Blood pressure panel with all children optional", "Bloeddruk"),
        component=[
            {
                "code": coded(LOINC, "8480-6", "Systolic blood pressure", "Bovendruk"),
                "valueQuantity": _quantity("mm[Hg]"),
            },
            {
                "code": coded(LOINC, "8462-4", "Diastolic blood pressure", "Onderdruk"),
                "valueQuantity": _quantity("mm[Hg]"),
            },
        ],
    )


@cache
def weight() -> Json:
    return _home_measurement(
        coded(LOINC, "29463-7", "Body weight", "Lichaamsgewicht"), valueQuantity=_quantity("kg")
    )


@cache
def saturation() -> Json:
    code = coded(LOINC, "2708-6", "Oxygen saturation in Arterial blood", "Zuurstofsaturatie")
    pulse_oximetry = {
        "system": LOINC,
        "code": "59408-5",
        "display": "Oxygen saturation in Arterial blood by Pulse oximetry",
    }
    return _home_measurement(
        {"coding": [*code["coding"], pulse_oximetry], "text": code["text"]}, valueQuantity=_quantity("%")
    )


@cache
def glucose() -> Json:
    made = _home_measurement(
        coded(
            LOINC,
            "14743-9",
            "Glucose [Moles/volume] in Capillary blood by Glucometer",
            "Nuchtere glucose, vingerprik",
        ),
        valueQuantity=_quantity("mmol/L"),
    )
    made["category"] = [coded(f"{HL7}/observation-category", "laboratory", "Laboratory", "Laboratorium")]
    return made


@cache
def dimension_score() -> Json:
    return typed(
        Observation,
        id="x",
        meta=META,
        status="final",
        category=[coded(f"{HL7}/observation-category", "survey", "Survey", "Vragenlijst")],
        code=coded("urn:x", "x", "x"),
        subject=_ANYONE,
        effectiveDateTime=_WHEN,
        performer=[_ANYONE],
        valueQuantity={"value": 1, "unit": "punten", "system": UCUM, "code": "{score}"},
        derivedFrom=[{"reference": "QuestionnaireResponse/x"}],
    )

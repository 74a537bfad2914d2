"""Examples of the guide, each with one fault that its profile forbids."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

from fhirhub.resources import guide

Json = dict[str, Any]


def _without(name: str) -> Callable[[Json], None]:
    def change(resource: Json) -> None:
        del resource[name]

    return change


def _with(**changed: Any) -> Callable[[Json], None]:
    def change(resource: Json) -> None:
        resource.update(changed)

    return change


def _coded(system: str, code: str) -> Json:
    return {"coding": [{"system": guide.url("CodeSystem", system), "code": code}]}


def _no_patient(team: Json) -> None:
    del team["participant"][0]


def _two_coordinators(team: Json) -> None:
    team["participant"].append(
        {**team["participant"][1], "member": {"reference": "PractitionerRole/another"}}
    )


def _two_responsible(team: Json) -> None:
    team["participant"].append(
        {**team["participant"][2], "member": {"reference": "PractitionerRole/another"}}
    )


def _no_start(team: Json) -> None:
    team["participant"][3]["period"] = {"end": "2026-03-01"}


def _too_high(score: Json) -> None:
    score["valueQuantity"]["value"] = 11


def _two_decimals(score: Json) -> None:
    score["valueQuantity"]["value"] = 6.25


def _mark_of_eleven(response: Json) -> None:
    response["item"][0]["answer"][0]["valueInteger"] = 11


def _may_delete(grant: Json) -> None:
    system = "http://terminology.hl7.org/CodeSystem/consentaction"
    grant["provision"]["action"] = [{"coding": [{"system": system, "code": "correct"}]}]


def _of(type: str, id: str) -> Callable[[Json], None]:
    def change(consent: Json) -> None:
        consent["provision"]["actor"][0]["reference"] = {"reference": f"{type}/{id}"}

    return change


def _no_end(consent: Json) -> None:
    del consent["provision"]["period"]["end"]


def _no_words(record: Json) -> None:
    del record["purposeOfEvent"][0]["text"]


def _section_left_out(composition: Json) -> None:
    del composition["section"][0]


def _patient_left_out(meeting: Json) -> None:
    del meeting["participant"][0]


def _no_date(decision: Json) -> None:
    del decision["restriction"]


def _no_reason(segment: Json) -> None:
    del segment["component"]


FAULTS: tuple[tuple[str, str, str, Callable[[Json], None]], ...] = (
    ("plan-without-team", "CarePlan", "voorbeeld-plan", _without("careTeam")),
    ("plan-of-another-category", "CarePlan", "voorbeeld-plan", _with(category=[{"text": "Plan"}])),
    ("plan-of-a-group", "CarePlan", "voorbeeld-plan", _with(subject={"reference": "Group/x"})),
    ("plan-that-is-a-proposal", "CarePlan", "voorbeeld-plan", _with(intent="proposal")),
    ("team-without-patient", "CareTeam", "voorbeeld-team", _no_patient),
    ("team-with-two-coordinators", "CareTeam", "voorbeeld-team", _two_coordinators),
    ("team-with-two-responsible", "CareTeam", "voorbeeld-team", _two_responsible),
    ("team-member-since-never", "CareTeam", "voorbeeld-team", _no_start),
    ("goal-without-dimension", "Goal", "voorbeeld-doel", _with(category=[{"text": "Lopen"}])),
    (
        "goal-of-an-unknown-dimension",
        "Goal",
        "voorbeeld-doel",
        _with(category=[_coded("positive-health-dimension", "geluk")]),
    ),
    ("task-without-owner", "Task", "voorbeeld-taak", _without("owner")),
    ("task-without-code", "Task", "voorbeeld-taak", _without("code")),
    ("task-that-is-a-plan", "Task", "voorbeeld-taak", _with(intent="plan")),
    ("sub-task-of-nothing", "Task", "voorbeeld-deeltaak", _without("partOf")),
    ("questionnaire-task-without-questionnaire", "Task", "voorbeeld-deeltaak", _without("input")),
    ("referral-with-a-code-of-care", "Task", "voorbeeld-verwijstaak", _with(code=_coded("task", "consult"))),
    ("referral-without-input", "Task", "voorbeeld-verwijstaak", _without("input")),
    ("decision-without-date", "Task", "voorbeeld-besluit", _no_date),
    ("score-of-eleven", "Observation", "voorbeeld-score", _too_high),
    ("score-of-two-decimals", "Observation", "voorbeeld-score", _two_decimals),
    ("score-of-no-answers", "Observation", "voorbeeld-score", _without("derivedFrom")),
    ("score-of-no-dimension", "Observation", "voorbeeld-score", _with(code={"text": "Welzijn"})),
    ("measurement-by-nobody", "Observation", "voorbeeld-gewicht", _without("performer")),
    ("segment-by-a-device", "Observation", "voorbeeld-segment", _with(performer=[{"reference": "Device/x"}])),
    ("segment-without-reason", "Observation", "voorbeeld-segment", _no_reason),
    ("response-with-a-mark-of-eleven", "QuestionnaireResponse", "voorbeeld-antwoorden", _mark_of_eleven),
    ("response-by-nobody", "QuestionnaireResponse", "voorbeeld-antwoorden", _without("source")),
    (
        "strain-of-a-patient",
        "QuestionnaireResponse",
        "voorbeeld-belasting",
        _with(subject={"reference": "Patient/voorbeeld-patient"}),
    ),
    ("grant-to-correct", "Consent", "voorbeeld-inzage", _may_delete),
    ("grant-to-an-organisation", "Consent", "voorbeeld-inzage", _of("Organization", "x")),
    ("agreement-for-a-carer", "Consent", "voorbeeld-deelname", _of("RelatedPerson", "x")),
    ("representation-without-end", "Consent", "voorbeeld-vertegenwoordiging", _no_end),
    ("break-glass-without-words", "AuditEvent", "voorbeeld-noodinzage", _no_words),
    ("break-glass-without-end", "AuditEvent", "voorbeeld-noodinzage", _without("period")),
    ("meeting-without-patient", "Appointment", "voorbeeld-overleg", _patient_left_out),
    ("crisis-summary-without-a-section", "Composition", "voorbeeld-crisis", _section_left_out),
    ("minutes-without-those-present", "Composition", "voorbeeld-verslag", _section_left_out),
    ("message-to-nobody", "Communication", "voorbeeld-bericht", _without("recipient")),
)
"""A name for the fault, the example it is made in, and how."""


def faulty() -> Iterator[tuple[str, Json]]:
    """Each fault by name, with the resource that has it."""
    examples = {(each["resourceType"], each["id"]): each for each in guide.examples()}
    for name, type, id, change in FAULTS:
        resource = copy.deepcopy(examples[type, id])
        change(resource)
        yield name, resource

"""Which profile of the guide a resource of the demo region keeps to."""

from __future__ import annotations

from typing import Any

from fhirhub.resources import guide

Json = dict[str, Any]

_ALWAYS = {
    "CareTeam": "SharedCareTeam",
    "Task": "PlanTask",
    "Communication": "PlanMessage",
    "Composition": "MeetingMinutes",
    "List": "ConversationAgenda",
}
_SHARED_PLAN = "135411000146103"


def profile_of(resource: Json) -> str | None:
    """Its canonical, None for what the guide has no profile for."""
    name = _name(resource)
    return guide.url("StructureDefinition", name) if name else None


def _name(resource: Json) -> str | None:
    type = resource["resourceType"]
    if type == "CarePlan":
        return "SharedCarePlan" if _SHARED_PLAN in _codes(resource["category"]) else None
    if type == "Goal":
        # A practice has goals of its own, of no dimension.
        return "DimensionGoal" if resource["subject"]["reference"].startswith("Patient/") else None
    if type == "QuestionnaireResponse":
        of_carer = resource["subject"]["reference"].startswith("RelatedPerson/")
        return "CarerStrainResponse" if of_carer else "PositiveHealthResponse"
    if type == "Observation" and "segment" in _codes([resource["code"]]):
        return "SegmentAssignment"
    if type == "OrganizationAffiliation":
        return "Cover" if "waarneming" in _codes(resource["code"]) else None
    if type == "Appointment":
        return "CareMeeting" if "mdo" in _codes(resource.get("serviceType", [])) else None
    if type == "Observation":
        return "DimensionScore" if "survey" in _codes(resource["category"]) else "HomeMeasurement"
    if type == "Consent":
        return _of_consent(resource)
    return _ALWAYS.get(type)


def _of_consent(consent: Json) -> str | None:
    if "patient-privacy" not in _codes([consent["scope"]]):
        return None
    provision = consent["provision"]
    (actor,) = provision["actor"]
    if provision["type"] == "deny":
        return "ConsentBlock"
    if actor["reference"]["reference"].startswith("Organization/"):
        return "TeamConsent"
    return "RepresentationConsent" if "RESPRSN" in _codes([actor["role"]]) else "CareGiverGrant"


def _codes(concepts: list[Json]) -> set[str]:
    return {coding["code"] for concept in concepts for coding in concept.get("coding", [])}

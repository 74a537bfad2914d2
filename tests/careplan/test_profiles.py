"""What the hub writes itself keeps to the profiles of its guide."""

from __future__ import annotations

import pytest

from fhirhub.resources import guide
from fhirhub.resources.validation.validator import Validator
from tests.auth.builders import Hub, Json
from tests.careplan.neighbourhood import Neighbourhood, settle
from tests.careplan.resources import code, consent, queue

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def faults(resource: Json, profile: str) -> list[str]:
    found = Validator().validate(resource, {guide.url("StructureDefinition", profile): None})
    return [f"{each.expression}: {each.text}" for each in found if each.severity in ("error", "fatal")]


async def test_plans_teams_agreements_and_tasks_keep_to_their_profiles(hub: Hub) -> None:
    await settle(hub, queue("wachtrij-2", "andere"))
    here = Neighbourhood(hub)
    hurry: Json = {"priority": "stat", "reasonCode": {"text": "Kan niet wachten"}}
    task = await here.place("jan", "Organization/thuiszorg", code=code("task", "overname"), **hurry)
    await here.move("wil", task, "accepted")
    await here.place("jan", "HealthcareService/wachtrij-2", basedOn=task["basedOn"])
    await here.place("jan", "Organization/welzijn", basedOn=task["basedOn"])
    asked = await here.find("Task", "code=toestemming-vragen&status=requested")
    for question, answer in zip(asked, ("completed", "completed", "rejected"), strict=True):
        await here.move("anna", question, answer)
    await (await here.as_("anna")).post("Consent", consent("deny", "Organization/praktijk"))
    for type, profile in (
        ("CarePlan", "SharedCarePlan"),
        ("CareTeam", "SharedCareTeam"),
        ("Consent", "TeamConsent"),
        ("Task", "PlanTask"),
    ):
        found = await here.find(type)
        assert found
        for resource in found:
            own = resource.get("provision", {}).get("type") == "deny" or "patient-inlichten" in str(resource)
            assert own or faults(resource, profile) == [], resource

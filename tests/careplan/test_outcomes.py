"""What a referral brought joins the plan's outcomes; who was asked needs only the own Task."""

from __future__ import annotations

from fhirhub.resources import guide
from fhirhub.resources.validation.validator import Validator
from tests.auth.builders import Hub, Json, write
from tests.careplan.neighbourhood import settle_with_plan
from tests.careplan.people import person, stored
from tests.careplan.resources import ANNA, PLAN, code, plan, task, to


async def test_feedback_of_welfare_becomes_an_outcome_of_the_plan(hub: Hub) -> None:
    await settle_with_plan(hub)
    referral = task(
        "verwijzing",
        status="in-progress",
        owner=to("Organization/welzijn"),
        code=code("task", "welzijn-op-recept"),
    )
    await write(
        hub,
        referral,
        plan(activity=[{"reference": to("Task/verwijzing")}], author=to("PractitionerRole/rol-els")),
    )
    sam = await person(hub, "sam")
    assert (await sam.ask("GET", PLAN)).status_code == 404
    own = await sam.get("Task/verwijzing")
    said = {
        "type": code("task-part", "terugkoppeling"),
        "valueString": "Gaat elke dinsdag naar de handwerkgroep.",
    }
    await sam.put({**own, "status": "completed", "output": [said]})
    kept = await stored(hub, "CarePlan", "plan")
    (activity,) = kept["activity"]
    assert activity["outcomeCodeableConcept"] == [{"text": "Gaat elke dinsdag naar de handwerkgroep."}]
    assert faults(kept) == []
    els = await person(hub, "els")
    assert (await els.get(PLAN))["activity"] == kept["activity"]
    assert (await els.get("Task/verwijzing"))["for"] == ANNA


def faults(resource: Json) -> list[str]:
    found = Validator().validate(resource, {guide.url("StructureDefinition", "SharedCarePlan"): None})
    return [f"{one.expression}: {one.text}" for one in found if one.severity in ("error", "fatal")]

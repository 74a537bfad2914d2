"""The patient asks for correction, an added statement or destruction, and hears what is decided (R35)."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest_asyncio

from fhirhub.careplan import programmes
from fhirhub.resources import guide
from fhirhub.resources.validation.validator import Validator
from tests.auth.builders import Hub, Json, write
from tests.careplan.neighbourhood import settle_with_plan
from tests.careplan.people import person, stored
from tests.careplan.resources import ANNA, code, to


@pytest_asyncio.fixture
async def people(hub: Hub) -> Hub:
    """Anna's record with a value that district nursing measured, and one that nobody here did."""
    await settle_with_plan(hub)
    for id, performer in (("wond", [to("PractitionerRole/rol-wil")]), ("oud", [])):
        measured: Json = {
            "resourceType": "Observation",
            "id": id,
            "status": "final",
            "code": {"text": "Wond"},
            "subject": ANNA,
        }
        await write(hub, {**measured, "performer": performer} if performer else measured)
    return hub


def request(kind: str = "correctie", **more: object) -> Json:
    return {
        "resourceType": "Task",
        "status": "requested",
        "intent": "order",
        "code": code("task", kind),
        "description": "Anna: dit klopt niet.",
        "focus": to("Observation/wond"),
        "for": ANNA,
        "requester": ANNA,
        **more,
    }


async def test_it_goes_to_who_wrote_it_with_a_date(people: Hub) -> None:
    anna = await person(people, "anna")
    today = datetime.now(UTC).date()
    for kind, months in (("correctie", 1), ("verklaring-toevoegen", 1), ("vernietiging", 3)):
        made = await anna.post("Task", request(kind))
        assert made["owner"] == to("Organization/thuiszorg")
        assert made["restriction"]["period"]["end"] == programmes.after(today, months).isoformat()
        profile = guide.url("StructureDefinition", "RecordRightTask")
        issues = Validator().validate(made, {profile: None})
        assert [one for one in issues if one.severity in ("error", "fatal")] == []
    unknown = await anna.post("Task", request(focus=to("Observation/oud")))
    assert unknown["owner"] == to("Organization/praktijk")
    whole = request("vernietiging")
    del whole["focus"]
    assert (await anna.post("Task", {**whole, "owner": to("Organization/thuiszorg")}))["owner"] == to(
        "Organization/thuiszorg"
    )


async def test_a_refusal_has_a_reason_and_the_patient_hears_it(people: Hub) -> None:
    anna, wil = await person(people, "anna"), await person(people, "wil")
    made = await anna.post("Task", request("vernietiging"))
    seen = await wil.get(f"Task/{made['id']}")
    await wil.put({**seen, "status": "rejected"}, 422)
    why = "Een ander heeft hier nog belang bij."
    await wil.put({**seen, "status": "rejected", "statusReason": {"text": why}})
    said = (await anna.get("Communication?recipient=Patient/anna"))["entry"]
    assert any(why in one["resource"]["payload"][0]["contentString"] for one in said)


async def test_granting_and_carrying_out_are_told(people: Hub) -> None:
    anna, wil = await person(people, "anna"), await person(people, "wil")
    made = await anna.post("Task", request())
    for status in ("accepted", "completed"):
        await wil.put({**await wil.get(f"Task/{made['id']}"), "status": status})
    said = (await anna.get("Communication?recipient=Patient/anna"))["entry"]
    texts = [one["resource"]["payload"][0]["contentString"] for one in said]
    assert any("toegewezen" in one for one in texts)
    assert any("uitgevoerd" in one for one in texts)
    assert len((await stored(people, "CareTeam", "team"))["participant"]) == 3


async def test_a_granted_destruction_is_carried_out_by_an_administrator(people: Hub) -> None:
    anna, wil, beheer = [await person(people, name) for name in ("anna", "wil", "beheer")]
    made = await anna.post("Task", request("vernietiging"))
    assert "entry" not in await beheer.get("Task?code=gegevens-vernietigen")
    await wil.put({**await wil.get(f"Task/{made['id']}"), "status": "accepted"})
    (found,) = (await beheer.get("Task?code=gegevens-vernietigen"))["entry"]
    todo = found["resource"]
    assert (todo["owner"], todo["focus"]) == (to("Practitioner/beheer"), to("Observation/wond"))
    assert todo["restriction"]["period"]["end"] == made["restriction"]["period"]["end"]
    assert "display" not in todo["for"]
    await beheer.put({**todo, "status": "completed"})
    assert (await anna.get(f"Task/{made['id']}"))["status"] == "completed"
    said = (await anna.get("Communication?recipient=Patient/anna"))["entry"]
    assert any("uitgevoerd" in one["resource"]["payload"][0]["contentString"] for one in said)


async def test_what_is_late_is_found(people: Hub) -> None:
    anna, wil = await person(people, "anna"), await person(people, "wil")
    made = await anna.post("Task", request())
    open_ = "status=requested,received,accepted,in-progress,on-hold"
    query = f"Task?code=correctie,verklaring-toevoegen,vernietiging&{open_}&authored-on=lt"
    assert "entry" not in await wil.get(f"{query}2026-01-01")
    assert (await wil.get(f"{query}2126-01-01"))["entry"][0]["resource"]["id"] == made["id"]


async def test_what_is_asked_wrongly_is_told(people: Hub) -> None:
    anna, jan, mia = [await person(people, name) for name in ("anna", "jan", "mia")]
    await jan.post("Task", request(requester=to("PractitionerRole/rol-jan")), 403)
    await anna.post("Task", request(owner=to("Organization/andere")), 422)
    await anna.post("Task", request(focus=to("Organization/andere")), 422)
    await anna.post("Task", request(description=None) | {"description": ""}, 400)
    bare = request()
    del bare["focus"]
    await anna.post("Task", bare, 422)
    assert (await mia.ask("POST", "Task", request(requester=to("RelatedPerson/mia")))).status_code in (
        403,
        422,
    )

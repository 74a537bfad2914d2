"""The team follows from the work: a Task starts a plan, and who accepts one takes part (RULES R7, R9)."""

from __future__ import annotations

import pytest_asyncio

from fhirhub.resources.masking import BSN_SYSTEMS
from tests.auth.builders import Hub
from tests.careplan.neighbourhood import Neighbourhood, settle
from tests.careplan.resources import ANNA, BSN, PATIENT, to

JAN, ELS, WIL = (f"PractitionerRole/rol-{name}" for name in ("jan", "els", "wil"))
NURSING, OTHERS = "Organization/thuiszorg", "Organization/andere"


@pytest_asyncio.fixture
async def here(hub: Hub) -> Neighbourhood:
    await settle(hub)
    return Neighbourhood(hub)


async def test_a_task_without_a_plan_starts_plan_and_team(here: Neighbourhood) -> None:
    task = await here.place("jan", NURSING)
    plan = await here.read(task["basedOn"][0]["reference"])
    assert plan["subject"] == ANNA
    assert plan["author"] == to(JAN)
    assert plan["activity"] == [{"reference": to(f"Task/{task['id']}")}]
    assert plan["category"][0]["coding"][0]["code"] == "135411000146103"
    team = await here.read(plan["careTeam"][0]["reference"])
    assert [one["member"]["reference"] for one in team["participant"]] == [PATIENT, JAN]
    roles = [coding["code"] for role in team["participant"][1]["role"] for coding in role["coding"]]
    assert roles == ["huisarts", "coordinator", "regiebehandelaar"]
    jan = await here.as_("jan")
    assert (await jan.get(f"Task/{task['id']}"))["basedOn"] == task["basedOn"]
    assert await jan.get(task["basedOn"][0]["reference"]) == plan


async def test_the_patient_of_a_task_that_starts_a_plan_may_be_named_by_bsn_alone(
    here: Neighbourhood,
) -> None:
    whom = {"type": "Patient", "identifier": {"system": BSN, "value": "999911120"}}
    task = await here.place("jan", NURSING, for_=whom)
    assert task["for"] == {**whom, "reference": PATIENT}
    assert task["basedOn"]
    for value in ("999911132", "123456782"):
        unknown = {"identifier": {"system": BSN, "value": value}}
        refused = await here.place("jan", NURSING, 422, for_=unknown)
        assert refused["issue"][0]["code"] == "business-rule"
    by_oid = {"identifier": {"system": BSN_SYSTEMS[1], "value": "999911120"}}
    assert (await here.place("jan", NURSING, basedOn=task["basedOn"], for_=by_oid))["for"][
        "reference"
    ] == PATIENT
    own = await here.place("anna", JAN, basedOn=task["basedOn"], for_=whom)
    assert own["for"]["reference"] == PATIENT
    # To Wil Anna is as somebody who does not exist.
    refused = await here.place("wil", NURSING, 422, for_=whom)
    assert refused["issue"][0]["expression"] == ["Task.for"]


async def test_who_accepts_takes_part_until_it_is_done_and_returns_by_a_new_entry(
    here: Neighbourhood,
) -> None:
    await here.agree(NURSING)
    task = await here.place("jan", NURSING)
    plan = task["basedOn"][0]["reference"]
    assert NURSING not in await here.members(plan)
    accepted = await here.move("wil", task, "accepted")
    assert await here.members(plan) == [PATIENT, JAN, NURSING]
    assert (await (await here.as_("wil")).get(plan))["id"]
    await here.move("wil", accepted, "in-progress")
    await here.move("wil", accepted, "completed")
    assert await here.members(plan) == [PATIENT, JAN]
    again = await here.place("jan", NURSING, basedOn=[to(plan)])
    await here.move("wil", again, "accepted")
    assert await here.members(plan, active=False) == [PATIENT, JAN, NURSING, NURSING]
    assert await here.members(plan) == [PATIENT, JAN, NURSING]
    activities = [one["reference"]["reference"] for one in (await here.read(plan))["activity"]]
    assert activities == [f"Task/{task['id']}", f"Task/{again['id']}"]


async def test_another_task_keeps_who_completes_one(here: Neighbourhood) -> None:
    await here.agree(NURSING)
    first = await here.place("jan", NURSING)
    plan = first["basedOn"][0]["reference"]
    second = await here.place("jan", NURSING, basedOn=[to(plan)])
    await here.move("wil", first, "accepted")
    await here.move("wil", second, "accepted")
    await here.move("wil", first, "completed")
    assert NURSING in await here.members(plan)
    # One that was never accepted keeps nobody.
    await here.place("jan", NURSING, basedOn=[to(plan)])
    await here.move("jan", second, "cancelled")
    assert NURSING not in await here.members(plan)


async def test_a_draft_changes_nothing(here: Neighbourhood) -> None:
    task = await here.place("jan", NURSING, draft=True)
    assert "basedOn" not in task
    assert await here.find("CarePlan") == []
    assert await here.find("Communication") == []
    # Asked at last, it starts plan and team as one that was asked at once.
    asked = await here.move("jan", task, "requested")
    assert asked["status"] == "received"
    plan = asked["basedOn"][0]["reference"]
    assert await here.members(plan) == [PATIENT, JAN]
    assert (await here.read(plan))["activity"] == [{"reference": to(f"Task/{task['id']}")}]

"""A practice's own development plan: for who works there, and never mixed with what is about patients."""

from __future__ import annotations

import pytest_asyncio

from tests.auth.builders import Hub, Json
from tests.careplan.neighbourhood import settle_with_plan
from tests.careplan.people import person
from tests.careplan.resources import ANNA, PLAN, code, task, to

PRACTICE = to("Organization/praktijk")


@pytest_asyncio.fixture
async def people(hub: Hub) -> Hub:
    await settle_with_plan(hub)
    return hub


def aim(**more: object) -> Json:
    return {
        "resourceType": "Goal",
        "lifecycleStatus": "active",
        "description": {"text": "Elke week tijd voor gesprekken"},
        "subject": PRACTICE,
        **more,
    }


def work(**more: object) -> Json:
    return {
        "resourceType": "Task",
        "status": "requested",
        "intent": "order",
        "code": code("task", "verbeterplan"),
        "description": "Een uur per week vrijhouden",
        "for": PRACTICE,
        "requester": to("PractitionerRole/rol-jan"),
        "owner": to("PractitionerRole/rol-els"),
        **more,
    }


async def test_who_works_there_keeps_it_and_nobody_else_sees_it(people: Hub) -> None:
    jan, els, wil, anna = [await person(people, name) for name in ("jan", "els", "wil", "anna")]
    made = await jan.post("Goal", aim())
    task = await jan.post("Task", work(focus=to(f"Goal/{made['id']}")))
    assert "basedOn" not in task
    await els.put({**await els.get(f"Task/{task['id']}"), "status": "accepted"})
    assert (await els.get("Goal?subject=Organization/praktijk"))["entry"][0]["resource"]["id"] == made["id"]
    for other in (wil, anna):
        await other.get(f"Goal/{made['id']}", 404)
        await other.get(f"Task/{task['id']}", 404)
        assert "entry" not in await other.get("Task?code=verbeterplan")


async def test_nothing_of_patients_is_in_it(people: Hub) -> None:
    jan = await person(people, "jan")
    bsn = {"identifier": {"system": "http://fhir.nl/fhir/NamingSystem/bsn", "value": "999911120"}}
    await jan.post("Goal", aim(note=[{"authorReference": ANNA, "text": "x"}]), 422)
    await jan.post("Task", work(focus=to(PLAN)), 422)
    await jan.post("Task", work(basedOn=[to(PLAN)]), 422)
    await jan.post("Task", work(reasonReference=bsn), 422)
    await jan.post("Task", work(owner=to("Organization/thuiszorg")), 422)
    await jan.post("Goal", aim(subject=to("Organization/thuiszorg")), 403)


async def test_no_plan_or_search_of_a_patient_has_it(people: Hub) -> None:
    jan, els = await person(people, "jan"), await person(people, "els")
    made = await jan.post("Goal", aim())
    plan = await els.get(PLAN)
    await els.put({**plan, "goal": [to(f"Goal/{made['id']}")]}, 422)
    await els.post(
        "Task",
        {**task("x", requester=to("PractitionerRole/rol-els")), "focus": to(f"Goal/{made['id']}")},
        422,
    )
    found = (await jan.get("Goal?patient=Patient/anna")).get("entry", [])
    found += (await jan.get("Patient/anna/$everything"))["entry"]
    assert made["id"] not in [one["resource"]["id"] for one in found]

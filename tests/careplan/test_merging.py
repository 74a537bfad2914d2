"""Two plans of one patient made one: seen before, told what contradicts, and undone."""

from __future__ import annotations

import pytest_asyncio

from fhirhub.resources import guide
from fhirhub.resources.validation.validator import Validator
from tests.auth.builders import Hub, Json, write
from tests.careplan.neighbourhood import settle_with_plan
from tests.careplan.people import person, stored
from tests.careplan.resources import PLAN, code, goal, member, parameters, plan, task, team, to

OTHER = "CarePlan/ander"
BOTH = {"source": to(OTHER), "target": to(PLAN)}


def pressure(id: str, below: int) -> Json:
    measure = {"coding": [{"system": "http://loinc.org", "code": "8480-6"}]}
    quantity = {
        "value": below,
        "comparator": "<",
        "unit": "mm[Hg]",
        "system": "http://unitsofmeasure.org",
        "code": "mm[Hg]",
    }
    return goal(id, f"Bovendruk onder {below}", target=[{"measure": measure, "detailQuantity": quantity}])


@pytest_asyncio.fixture
async def people(hub: Hub) -> Hub:
    """A second plan of Anna's, with a goal that contradicts one of the first, a Task and another coordinator."""
    await settle_with_plan(hub)
    coordinator = code("team-function", "coordinator")
    await write(
        hub,
        pressure("lager", 140),
        pressure("hoger", 150),
        plan(goal=[to("Goal/lager")], author=to("PractitionerRole/rol-els")),
        team(
            member("PractitionerRole/rol-jan", coordinator),
            member("Organization/andere", {"text": "Behandelaar"}),
            id="team-ander",
        ),
        task("elders", status="accepted", owner=to("Organization/andere"), basedOn=[]),
        plan(
            "ander",
            careTeam=[to("CareTeam/team-ander")],
            goal=[to("Goal/hoger")],
            activity=[{"reference": to("Task/elders")}],
        ),
        task("elders", status="accepted", owner=to("Organization/andere"), basedOn=[to(OTHER)]),
    )
    els = await person(hub, "els")
    for name, programme in ((PLAN, "diabetes-type-2"), (OTHER, "copd")):
        await els.post(f"PlanDefinition/{programme}/$apply", parameters(plan=name, start="2026-03-01"))
    return hub


def conflicts(answer: Json) -> list[str]:
    return [one["valueString"] for one in answer["parameter"] if one["name"] == "conflict"]


def faults(resource: Json) -> list[str]:
    found = Validator().validate(resource, {guide.url("StructureDefinition", "SharedCarePlan"): None})
    return [f"{one.expression}: {one.text}" for one in found if one.severity in ("error", "fatal")]


async def everything(hub: Hub) -> list[Json]:
    names = ("CarePlan/plan", OTHER, "CareTeam/team", "CareTeam/team-ander", "Task/elders")
    return [await stored(hub, *name.split("/")) for name in names]


async def test_a_preview_tells_all_and_writes_nothing(people: Hub) -> None:
    before = await everything(people)
    els = await person(people, "els")
    seen = await els.post("CarePlan/$merge", parameters(**BOTH, preview=True))
    assert await everything(people) == before
    made = await els.post("CarePlan/$merge", parameters(**BOTH))
    assert conflicts(made) == conflicts(seen)
    told = " ".join(conflicts(made))
    assert "welk van de twee geldt" in told
    assert "blijft coördinator" in told
    assert "elke 3" in told


async def test_merging_leaves_one_plan_with_the_goals_visits_tasks_and_people_of_both(people: Hub) -> None:
    els = await person(people, "els")
    await els.post("CarePlan/$merge", parameters(**BOTH))
    one, other, members, ended, moved = await everything(people)
    assert one["goal"] == [to("Goal/lager"), to("Goal/hoger")]
    visits = [each["detail"]["code"]["text"] for each in one["activity"] if "detail" in each]
    assert sorted(visits) == sorted(set(visits))
    assert {"reference": to("Task/elders")} in one["activity"]
    assert one["replaces"] == [to(OTHER)]
    assert (other["status"], ended["status"]) == ("completed", "inactive")
    assert moved["basedOn"] == [to(PLAN)]
    active = [each["member"]["reference"] for each in members["participant"] if "end" not in each["period"]]
    assert {"PractitionerRole/rol-jan", "Organization/andere"} <= set(active)
    functions = [str(each["role"]).count("team-function") for each in members["participant"]]
    assert sum(functions) == 1
    assert faults(one) == []
    assert faults(other) == []


async def test_a_merge_is_undone_but_for_what_was_done_since(people: Hub) -> None:
    before = await everything(people)
    els = await person(people, "els")
    await els.post("CarePlan/$merge", parameters(**BOTH))
    since = await stored(people, "CarePlan", "plan")
    await els.put({**since, "title": "Nieuwe naam", "goal": [*since["goal"], to("Goal/later")]}, 422)
    await write(people, goal("later", "Iets van later"))
    await els.put({**since, "title": "Nieuwe naam", "goal": [*since["goal"], to("Goal/later")]})
    await els.post("CarePlan/$merge", parameters(**BOTH, undo=True))
    one, other, members, revived, moved = await everything(people)
    assert (one["title"], one["goal"]) == ("Nieuwe naam", [to("Goal/lager"), to("Goal/later")])
    assert one["activity"] == before[0]["activity"]
    assert {key: value for key, value in other.items() if key != "meta"} == {
        key: value for key, value in before[1].items() if key != "meta"
    }
    assert moved["basedOn"] == [to(OTHER)]
    assert (revived["status"], revived.get("period")) == ("active", None)
    now_there = {
        each["member"]["reference"] for each in revived["participant"] if "end" not in each["period"]
    }
    assert {"PractitionerRole/rol-jan", "Organization/andere", "Patient/anna"} <= now_there
    left = {each["member"]["reference"] for each in members["participant"] if "end" in each["period"]}
    assert left == {"PractitionerRole/rol-jan", "Organization/andere"}
    await els.post("CarePlan/$merge", parameters(**BOTH, undo=True), 422)


async def test_plans_that_may_not_be_merged_are_refused_and_nothing_is_half_done(people: Hub) -> None:
    before = await everything(people)
    await write(
        people,
        team(member("Organization/praktijk", {"text": "x"}), id="team-bert", subject="Patient/bert"),
    )
    els, anna = await person(people, "els"), await person(people, "anna")
    for source, target, status in (
        (OTHER, OTHER, 422),
        (OTHER, "CarePlan/plan-bert", 422),
        (OTHER, "CarePlan/none", 404),
        ("Goal/lager", PLAN, 400),
    ):
        body = parameters(source=to(source), target=to(target))
        await els.post("CarePlan/$merge", body, status)
    await anna.post("CarePlan/$merge", parameters(**BOTH), 403)
    await (await person(people, "sam")).post("CarePlan/$merge", parameters(**BOTH), 404)
    assert await everything(people) == before
    await els.post("CarePlan/$merge", parameters(**BOTH))
    await els.post("CarePlan/$merge", parameters(**BOTH), 422)

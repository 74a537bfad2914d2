"""Programmes into one plan: one visit where three ask for it, and what contradicts is left to people."""

from __future__ import annotations

from datetime import date
from itertools import permutations

import pytest
import pytest_asyncio

from fhirhub.careplan import programmes
from fhirhub.resources import guide
from fhirhub.resources.validation.validator import Validator
from tests.auth.builders import Hub, Json
from tests.careplan.neighbourhood import settle_with_plan
from tests.careplan.people import person, stored
from tests.careplan.resources import PLAN, parameters, plan, to

OURS = ("diabetes-type-2", "copd", "atriumfibrilleren", "hart-en-vaatrisico", "kwetsbare-ouderen")
START = date(2026, 3, 1)


def programme(id: str) -> Json:
    found = programmes.find(id)
    assert found is not None
    return found


def together(*ids: str, into: Json | None = None) -> Json:
    made = into or plan()
    for id in ids:
        made = programmes.applied(made, programme(id), START, None)
    return made


def visits(made: Json, code: str) -> list[Json]:
    details = [one["detail"] for one in made["activity"]]
    return [one for one in details if one["code"]["coding"][0]["code"] == code]


def asks(detail: Json) -> list[str]:
    return [one.partition("|")[0].rpartition("/")[2] for one in detail["instantiatesCanonical"]]


def test_three_programmes_make_one_yearly_visit_of_all_that_they_ask() -> None:
    made = together("diabetes-type-2", "copd", "hart-en-vaatrisico")
    (visit,) = visits(made, "jaarcontrole")
    assert asks(visit) == ["diabetes-type-2", "copd", "hart-en-vaatrisico"]
    parts = [one for one in visit["extension"] if one["url"].endswith("/programme-part")]
    names = [part["extension"][0]["valueCodeableConcept"]["coding"][0]["code"] for part in parts]
    assert len(names) == len(set(names))
    assert {"voeten", "ziektelast", "cholesterol"} <= set(names)
    (smoking,) = (part for part, name in zip(parts, names, strict=True) if name == "roken")
    assert [one["url"] for one in smoking["extension"]].count("programme") == 3
    assert visit["scheduledTiming"]["event"] == ["2026-03-01"]


def test_visits_have_the_dates_of_a_year() -> None:
    (visit,) = visits(together("diabetes-type-2"), "tussencontrole")
    assert visit["scheduledTiming"]["event"] == ["2026-03-01", "2026-06-01", "2026-09-01", "2026-12-01"]
    assert programmes.after(date(2026, 1, 31), 1) == date(2026, 2, 28)


@pytest.mark.parametrize("order", list(permutations(("diabetes-type-2", "copd", "atriumfibrilleren"))))
def test_what_programmes_contradict_each_other_in_is_told_in_any_order(order: tuple[str, ...]) -> None:
    made = together(*order)
    told = list(programmes.conflicts(made))
    assert any("Tussencontrole" in one and "elke 3" in one and "elke 6" in one for one in told)
    assert any("Wie doet het bezoek?" in one for one in told)
    (visit,) = visits(made, "tussencontrole")
    assert programmes.months(visit) == 3


def test_applying_again_changes_nothing() -> None:
    once = together(*OURS)
    assert together(*OURS, into=once) == once


def test_what_people_made_of_an_activity_stays_as_they_left_it() -> None:
    made = together("copd")
    (visit,) = visits(made, "griepprik")
    visit["status"] = "cancelled"
    (yearly,) = visits(made, "jaarcontrole")
    yearly["scheduledTiming"]["event"] = ["2026-05-04"]
    assert together("copd", into=made) == made
    both = together("diabetes-type-2", into=made)
    assert visits(both, "jaarcontrole")[0]["scheduledTiming"]["event"] == ["2026-05-04"]
    # Another programme asks for what this one is no longer to give.
    assert [one["status"] for one in visits(both, "griepprik")] == ["cancelled", "not-started"]


def test_targets_that_differ_contradict_and_equal_ones_are_one() -> None:
    (pressure,) = programmes.goals(programme("diabetes-type-2"), "anna")
    (same,) = programmes.goals(programme("hart-en-vaatrisico"), "anna")
    (other,) = programmes.goals(programme("kwetsbare-ouderen"), "anna")
    assert programmes.contradicts(pressure, same) is False
    assert programmes.contradicts(pressure, other) is True
    assert programmes.contradicts(pressure, {"description": {"text": "x"}}) is None


# --- over HTTP ---


@pytest_asyncio.fixture
async def people(hub: Hub) -> Hub:
    await settle_with_plan(hub)
    return hub


def faults(resource: Json, profile: str) -> list[str]:
    found = Validator().validate(resource, {guide.url("StructureDefinition", profile): None})
    return [f"{one.expression}: {one.text}" for one in found if one.severity in ("error", "fatal")]


async def test_every_programme_goes_into_the_plan_and_keeps_to_its_profile(people: Hub) -> None:
    els = await person(people, "els")
    for id in OURS:
        body = parameters(plan=PLAN, subject="Patient/anna", start="2026-03-01")
        made = await els.post(f"PlanDefinition/{id}/$apply", body)
    assert faults(made, "SharedCarePlan") == []
    assert made == await els.get(PLAN)
    goals = [await stored(people, *one["reference"].split("/")) for one in made["goal"]]
    assert [faults(goal, "DimensionGoal") for goal in goals] == [[]]
    assert goals[0]["lifecycleStatus"] == "proposed"
    assert any("welk van de twee" in one for one in programmes.conflicts(made))
    version = made["meta"]["versionId"]
    again = await els.post("PlanDefinition/copd/$apply", parameters(plan=PLAN))
    assert again["meta"]["versionId"] == version


async def test_without_a_plan_the_answer_is_a_proposal_that_is_not_kept(people: Hub) -> None:
    els = await person(people, "els")
    body = parameters(
        canonical=guide.url("PlanDefinition", "diabetes-type-2"),
        subject="Patient/anna",
        practitioner="Practitioner/els",
    )
    made = await els.post("PlanDefinition/$apply", body)
    assert (made["status"], made["intent"], "id" in made) == ("draft", "proposal", False)
    assert made["activity"][0]["detail"]["performer"] == [to("Practitioner/els")]
    assert made["contained"][0]["resourceType"] == "Goal"
    assert (await els.get("CarePlan?subject=Patient/anna&_summary=count"))["total"] == 1


async def test_a_programme_is_applied_by_who_may_change_the_plan_to_its_own_patient_alone(
    people: Hub,
) -> None:
    els = await person(people, "els")
    await els.post("PlanDefinition/copd/$apply", parameters(plan=PLAN, subject="Patient/bert"), 422)
    await els.post("PlanDefinition/copd/$apply", parameters(plan="CarePlan/plan-bert"), 404)
    await els.post("PlanDefinition/copd/$apply", parameters(subject="Patient/bert"), 404)
    await els.post("PlanDefinition/copd/$apply", parameters(), 400)
    await els.post("PlanDefinition/none/$apply", parameters(plan=PLAN), 404)
    anna = await person(people, "anna")
    await anna.post("PlanDefinition/copd/$apply", parameters(plan=PLAN), 403)
    assert "activity" not in await stored(people, "CarePlan", "plan")

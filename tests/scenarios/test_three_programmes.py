"""Three programmes in one plan: a visit that all three ask for is one visit, and people decide what contradicts."""

from __future__ import annotations

from collections import Counter

from tests.auth.builders import Json
from tests.careplan.neighbourhood import Neighbourhood
from tests.careplan.resources import ANNA, PATIENT, parameters
from tests.scenarios.telling import found

PROGRAMMES = ("diabetes-type-2", "copd", "hart-en-vaatrisico")


async def test_three_programmes_into_one_plan(street: Neighbourhood) -> None:
    plan = await jan_starts_a_plan_and_says_what_anna_has(street)
    await els_applies_three_programmes(street, plan)
    await one_yearly_visit_does_what_all_three_ask(street, plan)
    await what_contradicts_is_on_the_agenda_and_els_decides(street, plan)
    await applying_again_changes_nothing(street, plan)
    await anna_accepts_the_aim_that_matters_to_her(street, plan)


async def jan_starts_a_plan_and_says_what_anna_has(street: Neighbourhood) -> str:
    plan = await street.plan("jan")
    jan = await street.as_("jan")
    for icpc, name in (("T90.02", "Diabetes mellitus type 2"), ("R95", "COPD")):
        condition: Json = {
            "resourceType": "Condition",
            "clinicalStatus": {
                "coding": [
                    {"system": "http://terminology.hl7.org/CodeSystem/condition-clinical", "code": "active"}
                ]
            },
            "code": {"coding": [{"system": "http://hl7.org/fhir/sid/icpc-1-nl", "code": icpc}], "text": name},
            "subject": ANNA,
        }
        await jan.post("Condition", condition)
    return plan


async def els_applies_three_programmes(street: Neighbourhood, plan: str) -> None:
    els = await street.as_("els")
    for programme in PROGRAMMES:
        body = parameters(plan=plan, subject=PATIENT, start="2026-12-01")
        await els.post(f"PlanDefinition/{programme}/$apply", body)


async def one_yearly_visit_does_what_all_three_ask(street: Neighbourhood, plan: str) -> None:
    read = await (await street.as_("anna")).get(plan)
    details = [one["detail"] for one in read["activity"] if "detail" in one]
    assert max(Counter(one["code"]["coding"][0]["code"] for one in details).values()) == 1
    (visit,) = [one for one in details if one["code"]["coding"][0]["code"] == "jaarcontrole"]
    asked_by = [one.partition("|")[0].rpartition("/")[2] for one in visit["instantiatesCanonical"]]
    assert asked_by == list(PROGRAMMES)
    assert visit["scheduledTiming"]["event"][0] == "2026-12-01"
    assert [one for one in read["activity"] if "reference" in one], "the Task that began the plan is there"


async def what_contradicts_is_on_the_agenda_and_els_decides(street: Neighbourhood, plan: str) -> None:
    els = await street.as_("els")
    assert await open_questions(street, plan)
    decided = await els.get(plan)
    for holder in (decided, *(one["detail"] for one in decided["activity"] if "detail" in one)):
        kept = [one for one in holder.pop("extension", ()) if not one["url"].endswith("/to-decide")]
        if kept:
            holder["extension"] = kept
    await els.put(decided)
    assert not await open_questions(street, plan)


async def open_questions(street: Neighbourhood, plan: str) -> list[Json]:
    agenda = await (await street.as_("els")).get(f"{plan}/$agenda")
    return [one for one in agenda.get("entry", ()) if one.get("flag", {}).get("text") == "Te beslissen"]


async def applying_again_changes_nothing(street: Neighbourhood, plan: str) -> None:
    els = await street.as_("els")
    before = await els.get(plan)
    for programme in PROGRAMMES:
        again = await els.post(f"PlanDefinition/{programme}/$apply", parameters(plan=plan))
        assert again["meta"]["versionId"] == before["meta"]["versionId"]


async def anna_accepts_the_aim_that_matters_to_her(street: Neighbourhood, plan: str) -> None:
    anna = await street.as_("anna")
    goals = await found(anna, f"Goal?patient={PATIENT}")
    assert goals
    assert {one["lifecycleStatus"] for one in goals} == {"proposed"}
    status = {
        "url": "status",
        "valueCode": "agree",
    }
    acceptance = {
        "url": "http://hl7.org/fhir/StructureDefinition/goal-acceptance",
        "extension": [{"url": "individual", "valueReference": ANNA}, status],
    }
    chosen = goals[0]
    chosen["extension"] = [*chosen.get("extension", ()), acceptance]
    priority = {"system": "http://terminology.hl7.org/CodeSystem/goal-priority", "code": "high-priority"}
    accepted = await anna.put({**chosen, "lifecycleStatus": "accepted", "priority": {"coding": [priority]}})
    seen = await (await street.as_("els")).get(f"Goal/{accepted['id']}")
    assert seen["lifecycleStatus"] == "accepted"
    assert seen["priority"]["coding"] == [priority]

"""A referral to welfare that is refused and one that is accepted: who is asked sees that request and nothing else, and
what it brought stands in the plan."""

from __future__ import annotations

from tests.auth.builders import Json
from tests.careplan.neighbourhood import Neighbourhood
from tests.careplan.people import Person
from tests.careplan.resources import ANNA, PATIENT, code, to
from tests.scenarios.telling import code_of, found, newcomer, sees

WELFARE, OTHER = "Organization/welzijn", "Organization/buurthuis"


async def test_a_referral_to_welfare_refused_and_one_accepted(street: Neighbourhood) -> None:
    kim = await newcomer(street.hub, "kim", "buurthuis", "welzijn")
    plan = await street.plan("jan")
    first = await jan_refers_anna_and_she_agrees(street, plan, WELFARE)
    await welfare_has_no_place_and_says_why(street, plan, first)
    second = await jan_refers_anna_and_she_agrees(street, plan, OTHER)
    await before_acceptance_kim_knows_what_is_asked_and_not_of_whom(kim, second)
    await after_acceptance_kim_knows_how_to_reach_anna_and_nothing_of_her_health(street, kim, plan, second)
    await kim_tells_how_it_went(kim, second)
    await the_plan_has_what_it_brought(street, plan, first, second)
    await kim_is_no_member_any_more(street, kim, plan)


async def jan_refers_anna_and_she_agrees(street: Neighbourhood, plan: str, owner: str) -> Json:
    asked = {
        "type": code("task-part", "vraag"),
        "valueString": "Mevrouw komt weinig buiten. Wat is er in de buurt?",
    }
    referral = await street.place(
        "jan", owner, basedOn=[to(plan)], code=code("task", "welzijn-op-recept"), input=[asked]
    )
    assert referral["status"] == "received"
    anna = await street.as_("anna")
    (question,) = [
        one
        for one in await found(anna, f"Task?owner={PATIENT}&status=requested")
        if code_of(one) == "toestemming-vragen"
    ]
    await street.move("anna", question, "completed")
    return referral


async def welfare_has_no_place_and_says_why(street: Neighbourhood, plan: str, referral: Json) -> None:
    full = {"text": "Tot maart is er geen plek."}
    refused = await street.move("sam", referral, "rejected", statusReason=full)
    assert refused["status"] == "rejected"
    jan = await street.as_("jan")
    assert (await jan.get(f"Task/{referral['id']}"))["statusReason"] == full
    assert WELFARE not in await street.members(plan, active=False)
    assert not await sees(await street.as_("sam"), plan)


async def before_acceptance_kim_knows_what_is_asked_and_not_of_whom(kim: Person, referral: Json) -> None:
    (own,) = await found(kim, f"Task?owner={OTHER}")
    assert own["id"] == referral["id"]
    assert own["for"] == ANNA
    assert "weinig buiten" in str(own["input"])
    assert not await sees(kim, PATIENT)


async def after_acceptance_kim_knows_how_to_reach_anna_and_nothing_of_her_health(
    street: Neighbourhood, kim: Person, plan: str, referral: Json
) -> None:
    jan = await street.as_("jan")
    condition = await jan.post(
        "Condition", {"resourceType": "Condition", "code": {"text": "COPD"}, "subject": ANNA}
    )
    own = await kim.get(f"Task/{referral['id']}")
    own["meta"].pop("tag", None)
    await kim.put({**own, "status": "accepted"})
    anna = await kim.get(PATIENT)
    assert anna["telecom"]
    assert anna["address"]
    assert "identifier" not in anna
    assert "birthDate" not in anna
    for path in (plan, f"Condition/{condition['id']}"):
        assert not await sees(kim, path)
    assert OTHER in await street.members(plan)


async def kim_tells_how_it_went(kim: Person, referral: Json) -> None:
    said = {
        "type": code("task-part", "terugkoppeling"),
        "valueString": "Gaat elke dinsdag naar de handwerkgroep.",
    }
    own = await kim.get(f"Task/{referral['id']}")
    await kim.put({**own, "status": "completed", "output": [said]})


async def the_plan_has_what_it_brought(street: Neighbourhood, plan: str, first: Json, second: Json) -> None:
    read = await (await street.as_("anna")).get(plan)
    outcomes = {one["reference"]["reference"]: one.get("outcomeCodeableConcept") for one in read["activity"]}
    assert outcomes[f"Task/{second['id']}"] == [{"text": "Gaat elke dinsdag naar de handwerkgroep."}]
    assert outcomes[f"Task/{first['id']}"] is None


async def kim_is_no_member_any_more(street: Neighbourhood, kim: Person, plan: str) -> None:
    assert OTHER not in await street.members(plan)
    assert OTHER in await street.members(plan, active=False)
    assert not await sees(kim, PATIENT)

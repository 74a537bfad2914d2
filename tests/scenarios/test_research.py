"""A research opt-in, given and withdrawn: it is on record with its history, and opens nothing to anybody (R13)."""

from __future__ import annotations

from typing import Any

from tests.auth.builders import Json
from tests.careplan.neighbourhood import Neighbourhood
from tests.careplan.people import Person
from tests.careplan.resources import PATIENT, code, consent, to
from tests.scenarios.telling import found, newcomer, sees

CARE_GROUP = "Organization/zorggroep"
SCOPE = "http://terminology.hl7.org/CodeSystem/consentscope"


async def test_a_research_opt_in_given_and_withdrawn(street: Neighbourhood) -> None:
    researcher = await newcomer(street.hub, "rosa", "zorggroep", "analist")
    plan = await street.plan("jan")
    paths = (PATIENT, plan)
    await nothing_is_open_to_the_researcher(researcher, paths)
    given = await anna_says_yes_to_research(street)
    await nothing_is_open_to_the_researcher(researcher, (*paths, f"Consent/{given['id']}"))
    await it_is_no_agreement_that_the_care_group_joins_her_care(street, plan)
    await the_practice_finds_that_she_said_yes(street, given)
    await anna_takes_it_back(street, given)
    await the_practice_finds_it_no_more_and_both_answers_stay_in_the_history(street, given)
    await nothing_is_open_to_the_researcher(researcher, (*paths, f"Consent/{given['id']}"))
    await her_care_goes_on_as_it_was(street, plan)


def opt_in(**more: Any) -> Json:
    scope = {"coding": [{"system": SCOPE, "code": "research"}]}
    return {**consent("permit", CARE_GROUP), "scope": scope, **more}


async def nothing_is_open_to_the_researcher(researcher: Person, paths: tuple[str, ...]) -> None:
    for path in paths:
        assert not await sees(researcher, path), path
    for search in ("Patient?_id=anna", f"CarePlan?subject={PATIENT}", f"Consent?patient={PATIENT}"):
        answer = await researcher.ask("GET", search)
        assert answer.status_code == 403 or "entry" not in answer.json(), answer.text


async def anna_says_yes_to_research(street: Neighbourhood) -> Json:
    return await (await street.as_("anna")).post("Consent", opt_in())


async def it_is_no_agreement_that_the_care_group_joins_her_care(street: Neighbourhood, plan: str) -> None:
    task = await street.place("jan", CARE_GROUP, basedOn=[to(plan)], code=code("task", "consult"))
    assert task["status"] == "received"
    assert task["statusReason"]["coding"][0]["code"] == "awaiting-agreement"
    await street.move("jan", task, "cancelled")


async def the_practice_finds_that_she_said_yes(street: Neighbourhood, given: Json) -> None:
    assert [one["id"] for one in await said_yes(street)] == [given["id"]]


async def said_yes(street: Neighbourhood) -> list[Json]:
    """As an export would ask: who agrees now."""
    return await found(
        await street.as_("jan"), f"Consent?scope={SCOPE}|research&status=active&patient={PATIENT}"
    )


async def anna_takes_it_back(street: Neighbourhood, given: Json) -> None:
    await (await street.as_("anna")).put({**given, "status": "inactive"})


async def the_practice_finds_it_no_more_and_both_answers_stay_in_the_history(
    street: Neighbourhood, given: Json
) -> None:
    assert await said_yes(street) == []
    versions = await found(await street.as_("anna"), f"Consent/{given['id']}/_history")
    assert [one["status"] for one in versions] == ["inactive", "active"]
    assert all(one["meta"]["lastUpdated"] for one in versions)


async def her_care_goes_on_as_it_was(street: Neighbourhood, plan: str) -> None:
    assert "PractitionerRole/rol-jan" in await street.members(plan)
    assert await sees(await street.as_("jan"), plan)

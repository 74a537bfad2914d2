"""Goals in the patient's words: nobody rewrites them unseen, and each accepts for themselves."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, NamedTuple

import pytest_asyncio

from fhirhub.careplan.goals import ACCEPTANCE
from fhirhub.resources import dimensions
from tests.auth.builders import Hub, Json
from tests.careplan.neighbourhood import settle
from tests.careplan.people import Person, all_stored, person
from tests.careplan.resources import ANNA, JAN


class Two(NamedTuple):
    hub: Hub
    anna: Person
    jan: Person


@pytest_asyncio.fixture
async def two(hub: Hub) -> AsyncIterator[Two]:
    await settle(hub)
    yield Two(hub, await person(hub, "anna"), await person(hub, "jan"))


def goal(**more: Any) -> Json:
    code = {"system": dimensions.system(), "code": "meedoen"}
    return {
        "resourceType": "Goal",
        "lifecycleStatus": "proposed",
        "category": [{"coding": [code]}],
        "description": {"text": "Weer naar het koor"},
        "subject": ANNA,
        **more,
    }


def acceptance(who: Json, status: str = "agree") -> Json:
    parts = [{"url": "individual", "valueReference": who}, {"url": "status", "valueCode": status}]
    return {"url": ACCEPTANCE, "extension": parts}


def important(code: str) -> Json:
    system = "http://terminology.hl7.org/CodeSystem/goal-priority"
    return {"coding": [{"system": system, "code": f"{code}-priority"}]}


def refused(answer: Any, where: str) -> bool:
    issue = answer.json()["issue"][0]
    return (answer.status_code, issue["code"], issue["expression"]) == (422, "business-rule", [where])


async def made(by: Person, resource: Json) -> Json:
    answer = await by.create(resource)
    assert answer.status_code == 201, answer.text
    found: Json = answer.json()
    return found


async def test_the_patient_proposes_in_their_own_words_and_name(two: Two) -> None:
    assert refused(await two.anna.create(goal()), "Goal.expressedBy")
    assert refused(await two.anna.create(goal(expressedBy=JAN)), "Goal.expressedBy")
    await made(two.anna, goal(expressedBy=ANNA))


async def test_a_professional_who_rewords_leaves_the_old_words_findable_and_the_patient_is_told(
    two: Two,
) -> None:
    own = await made(two.anna, goal(expressedBy=ANNA))
    other = {**own, "description": {"text": "Sociale participatie vergroten"}}
    answer = await two.jan.update(other)
    assert answer.status_code == 200, answer.text
    (origin,) = [each for each in await all_stored(two.hub, "Provenance") if "entity" in each]
    assert origin["target"] == [{"reference": f"Goal/{own['id']}/_history/2"}]
    assert origin["entity"] == [{"role": "revision", "what": {"reference": f"Goal/{own['id']}/_history/1"}}]
    assert origin["agent"][0]["who"] == JAN
    (told,) = await all_stored(two.hub, "Communication", "recipient=Patient/anna")
    assert "Weer naar het koor" in told["payload"][0]["contentString"]
    before = await two.anna.read(f"Goal/{own['id']}/_history/1")
    assert before.json()["description"] == {"text": "Weer naar het koor"}


async def test_a_professional_who_gives_a_goal_up_or_changes_its_aim_does_not_do_so_silently(
    two: Two,
) -> None:
    own = await made(two.anna, goal(expressedBy=ANNA))
    for change, words in (
        ({"target": [{"dueDate": "2027-01-01"}]}, "iets veranderd"),
        ({"lifecycleStatus": "rejected"}, "afgewezen"),
    ):
        own = (await two.jan.update({**own, **change})).json()
        told = await all_stored(two.hub, "Communication", "recipient=Patient/anna")
        assert any(words in one["payload"][0]["contentString"] for one in told)
    assert len(told) == 2


async def test_what_does_not_touch_the_words_tells_nobody(two: Two) -> None:
    own = await made(two.anna, goal(expressedBy=ANNA))
    assert (await two.jan.update({**own, "startDate": "2026-12-01"})).status_code == 200
    assert await all_stored(two.hub, "Communication") == []


async def test_who_said_it_stays_who_said_it(two: Two) -> None:
    own = await made(two.anna, goal(expressedBy=ANNA))
    assert refused(await two.jan.update({**own, "expressedBy": JAN}), "Goal.expressedBy")


async def test_each_accepts_for_themselves(two: Two) -> None:
    asked = await made(
        two.jan, goal(expressedBy=JAN, extension=[acceptance(JAN), acceptance(ANNA, "pending")])
    )
    forged = {**asked, "extension": [acceptance(JAN), acceptance(ANNA)]}
    assert refused(await two.jan.update(forged), "Goal.extension")
    agreed = await two.anna.update({**forged, "lifecycleStatus": "accepted"})
    assert agreed.status_code == 200, agreed.text
    declined = {**agreed.json(), "extension": [acceptance(JAN, "disagree"), acceptance(ANNA)]}
    assert refused(await two.anna.update(declined), "Goal.extension")


async def test_the_patient_answers_and_orders_what_others_put_into_words_and_leaves_the_words(
    two: Two,
) -> None:
    asked = await made(two.jan, goal(expressedBy=JAN))
    assert refused(await two.anna.update({**asked, "description": {"text": "Iets anders"}}), "Goal")
    ordered = {**asked, "priority": important("high"), "extension": [acceptance(ANNA, "disagree")]}
    answer = await two.anna.update({**ordered, "lifecycleStatus": "rejected"})
    assert answer.status_code == 200, answer.text
    other = {**answer.json(), "priority": important("low")}
    assert refused(await two.jan.update(other), "Goal.priority")


async def test_a_category_among_the_dimensions_is_one_of_the_six(two: Two) -> None:
    wrong = [{"coding": [{"system": dimensions.system(), "code": "geluk"}]}]
    assert (await two.jan.create(goal(category=wrong))).status_code == 422

"""Every change of a plan, goal, team or task tells who made it, and on whose behalf."""

from __future__ import annotations

import json

import pytest

from fhirhub.resources import dimensions
from tests.audit.watching import Watched
from tests.auth.builders import Json
from tests.careplan.people import all_stored


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """What is told is the same on both."""
    return sqlite_url


def goal(**also: object) -> Json:
    return {
        "resourceType": "Goal",
        "lifecycleStatus": "proposed",
        "description": {"text": "Weer zelf boodschappen doen"},
        "subject": {"reference": "Patient/anna"},
        **also,
    }


async def told(there: Watched, of: str) -> list[Json]:
    every = await all_stored(there.hub, "Provenance")
    return [one for one in every if of in {target["reference"] for target in one["target"]}]


async def test_a_goal_of_a_doctor_tells_the_doctor_and_the_practice(there: Watched) -> None:
    made = (await there.jan.create(goal())).json()
    (one,) = await told(there, f"Goal/{made['id']}/_history/1")
    assert one["activity"]["coding"][0]["code"] == "CREATE"
    (agent,) = one["agent"]
    assert (agent["who"], agent["onBehalfOf"]) == (
        {"reference": "Practitioner/jan"},
        {"reference": "Organization/praktijk"},
    )


async def test_messages_and_scores_tell_it_each_in_one_of_their_own(there: Watched) -> None:
    of = {"reference": "Patient/anna"}
    score = {
        "resourceType": "Observation",
        "status": "final",
        "code": {"coding": [{"system": dimensions.system(), "code": "meedoen"}]},
        "subject": of,
        "performer": [of],
        "valueQuantity": {"value": 6},
    }
    weight = {**score, "code": {"text": "Gewicht"}}
    message = {
        "resourceType": "Communication",
        "status": "completed",
        "subject": of,
        "sender": of,
        "recipient": [{"reference": "Practitioner/jan"}],
        "payload": [{"contentString": "Ik kom wat later"}],
    }
    entries = [
        {"resource": one, "request": {"method": "POST", "url": one["resourceType"]}}
        for one in (score, weight, message, goal(expressedBy=of))
    ]
    answer = await there.anna.ask(
        "POST", "", {"resourceType": "Bundle", "type": "transaction", "entry": entries}
    )
    assert answer.status_code == 200, answer.text
    made = ["/".join(entry["response"]["location"].split("/")[-4:]) for entry in answer.json()["entry"]]
    tellers = [[one["id"] for one in await told(there, version)] for version in made]
    assert [len(ids) for ids in tellers] == [1, 0, 1, 1]
    assert len({ids[0] for ids in tellers if ids}) == 3


async def test_every_version_has_its_own(there: Watched) -> None:
    made = (await there.anna.create(goal(expressedBy={"reference": "Patient/anna"}))).json()
    await there.anna.update({**made, "lifecycleStatus": "active"})
    (one,) = await told(there, f"Goal/{made['id']}/_history/2")
    assert one["activity"]["coding"][0]["code"] == "UPDATE"
    assert one["agent"][0]["who"] == {"reference": "Patient/anna"}


async def test_one_that_came_with_the_write_is_enough(there: Watched) -> None:
    own = {
        "resourceType": "Provenance",
        "recorded": "2026-11-22T12:00:00Z",
        "agent": [{"who": {"reference": "Practitioner/jan"}}],
    }
    made = (await there.jan.create(goal(), X_Provenance=json.dumps(own))).json()
    (one,) = await told(there, f"Goal/{made['id']}/_history/1")
    assert "activity" not in one


async def test_a_goal_can_be_deleted_though_its_provenance_stays(there: Watched) -> None:
    made = (await there.jan.create(goal(expressedBy={"reference": "Practitioner/jan"}))).json()
    answer = await there.jan.ask("DELETE", f"Goal/{made['id']}")
    assert answer.status_code == 204, answer.text
    assert len(await told(there, f"Goal/{made['id']}/_history/1")) == 1


async def test_what_follows_by_rule_is_told_as_the_hubs(there: Watched) -> None:
    task = {
        "resourceType": "Task",
        "status": "requested",
        "intent": "order",
        "for": {"reference": "Patient/anna"},
        "requester": {"reference": "Organization/praktijk"},
        "owner": {"reference": "Organization/thuiszorg"},
    }
    answer = await there.jan.create(task)
    assert answer.status_code == 201, answer.text
    plans = await all_stored(there.hub, "CarePlan")
    (one,) = await told(there, f"CarePlan/{plans[0]['id']}/_history/1")
    assert one["agent"][0]["who"] == {"display": "fhirhub"}
    assert one["agent"][1]["who"] == {"reference": "Practitioner/jan"}
    log = (await there.anna.read("Patient/anna/$access-log")).text
    assert (
        "de hub (automatisch) voegde toe: uw zorgplan. Reden: een regel van het plan, na wat jan, huisarts,"
        in log
    )

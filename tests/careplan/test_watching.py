"""R32: home measurements are watched under an accepted Task alone, and the answer says so."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from fhirhub.access import HUB
from fhirhub.careplan import watching
from fhirhub.repository import Repository
from fhirhub.resources import careplan, guide
from fhirhub.resources.validation.validator import Validator
from tests.auth.builders import Hub, Json, write
from tests.auth.conftest import Open
from tests.careplan.neighbourhood import settle
from tests.careplan.people import Person, all_stored, person
from tests.careplan.resources import ANNA, JAN, LOINC, PRACTICE, UCUM, kg, weight

CALL = "Bel nu 112."
ALWAYS = {"repeat": {"timeOfDay": ["00:00:00"], "duration": 24, "durationUnit": "h"}}


@pytest_asyncio.fixture
async def watched(open_hub: Open) -> AsyncIterator[Hub]:
    async with open_hub(home_watch=True) as hub:
        await settle(hub)
        yield hub


def part(code: str, **value: Any) -> Json:
    type = careplan.own_code("task-part", code)
    if "valueRange" in value:
        type["coding"].append({"system": LOINC, "code": "29463-7"})
    return {"type": type, **value}


def inputs(timing: Json = ALWAYS) -> list[Json]:
    return [
        part("grens-gewoon", valueRange={"low": kg(70), "high": kg(75)}),
        part("grens-spoed", valueRange={"low": kg(60), "high": kg(80)}),
        part("uren", valueTiming=timing),
        part("tekst-spoed", valueString=CALL),
    ]


async def monitored(hub: Hub, timing: Json = ALWAYS) -> str:
    """A Task by which the practice's doctor watches Anna's weight; its name."""
    jan = await person(hub, "jan")
    asked = {
        "resourceType": "Task",
        "status": "requested",
        "intent": "order",
        "code": careplan.own_code("task", "thuismeten"),
        "for": ANNA,
        "requester": JAN,
        "owner": PRACTICE,
        "input": inputs(timing),
    }
    answer = await jan.create(asked)
    assert answer.status_code == 201, answer.text
    accepted = await jan.update({**answer.json(), "status": "accepted"})
    assert accepted.status_code == 200, accepted.text
    return f"Task/{accepted.json()['id']}"


def state(observation: Json) -> str:
    for each in observation["extension"]:
        if each["url"].endswith("/watching"):
            return str(next(one["valueCode"] for one in each["extension"] if one["url"] == "state"))
    raise AssertionError("nothing is said")


async def sent(anna: Person, value: Any, **more: Any) -> tuple[str, str]:
    """The state and the warning of the answer to a measurement."""
    answer = await anna.create(weight(value, **more))
    assert answer.status_code == 201, answer.text
    return state(answer.json()), answer.headers["warning"]


async def reviews(hub: Hub) -> list[Json]:
    return [
        each
        for each in await all_stored(hub, "Task")
        if careplan.task_codes(each) == {"meetwaarde-beoordelen"}
    ]


async def messages(hub: Hub, *to: str) -> list[Json]:
    found = await all_stored(hub, "Communication")
    return [each for each in found if each["recipient"][0]["reference"] in to]


async def test_without_an_accepted_task_the_answer_says_that_nobody_watches(watched: Hub) -> None:
    anna = await person(watched, "anna")
    said, warning = await sent(anna, 90)
    assert said == "not-watched"
    assert "Nobody watches this value: call the practice or the out-of-hours post" in warning
    outcome = await anna.create(weight(91), Prefer="return=OperationOutcome")
    assert any("Nobody watches" in each["details"]["text"] for each in outcome.json()["issue"])
    minimal = await anna.create(weight(92), Prefer="return=minimal")
    assert "Nobody watches" in minimal.headers["warning"]
    assert await reviews(watched) == []


async def test_a_value_that_the_hub_does_not_know_is_not_passed_over_in_silence(watched: Hub) -> None:
    anna = await person(watched, "anna")
    glucose = {"coding": [{"system": LOINC, "code": "15074-8"}]}
    assert (await sent(anna, 1.2, unit="mmol/L", code=glucose))[0] == "not-watched"


@pytest.mark.parametrize("kind", ["transaction", "batch"])
@pytest.mark.parametrize("prefer", [None, "return=representation", "return=OperationOutcome"])
async def test_each_entry_of_a_bundle_says_how_its_measurement_stands(
    watched: Hub, kind: str, prefer: str | None
) -> None:
    await monitored(watched)
    anna = await person(watched, "anna")
    entries = [
        {"request": {"method": "POST", "url": "Observation"}, "resource": weight(value)} for value in (72, 85)
    ]
    asked = {"resourceType": "Bundle", "type": kind, "entry": entries}
    answer = await anna.ask("POST", "", asked, **({} if prefer is None else {"Prefer": prefer}))
    assert answer.status_code == 200, answer.text
    within, urgent = answer.json()["entry"]
    for entry, text in ((within, "Within the bands"), (urgent, CALL)):
        issues = entry["response"]["outcome"]["issue"]
        assert any(text in one["details"]["text"] for one in issues), entry
    if prefer == "return=representation":
        assert [state(one["resource"]) for one in (within, urgent)] == ["watched", "urgent"]


async def test_a_value_out_of_answers_is_watched_too_and_the_patient_hears_whom_to_call(watched: Hub) -> None:
    await monitored(watched)
    sdc = "http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-questionnaire-"
    in_kg = {"system": UCUM, "code": "kg"}
    form = {
        "resourceType": "Questionnaire",
        "id": "form",
        "url": "https://example.nl/form",
        "version": "1",
        "status": "active",
        "extension": [
            {"url": guide.url("StructureDefinition", "extract-on-completion"), "valueBoolean": True},
            {"url": f"{sdc}observationExtract", "valueBoolean": True},
        ],
        "item": [
            {
                "linkId": "w",
                "type": "decimal",
                "code": weight(1)["code"]["coding"],
                "extension": [
                    {
                        "url": "http://hl7.org/fhir/StructureDefinition/questionnaire-unit",
                        "valueCoding": in_kg,
                    }
                ],
            }
        ],
    }
    await write(watched, form)
    answers = {
        "resourceType": "QuestionnaireResponse",
        "questionnaire": "https://example.nl/form|1",
        "status": "completed",
        "subject": ANNA,
        "authored": "2026-11-22T10:00:00Z",
        "author": ANNA,
        "source": ANNA,
        "item": [{"linkId": "w", "answer": [{"valueDecimal": 85}]}],
    }
    answer = await (await person(watched, "anna")).create(answers)
    assert answer.status_code == 201, answer.text
    (review,) = await reviews(watched)
    assert review["priority"] == "urgent"
    (told,) = [one for one in await messages(watched, "Patient/anna") if one["priority"] == "urgent"]
    assert told["payload"][0]["contentString"] == CALL


async def test_everyone_who_watches_a_value_gets_what_lies_outside_their_bands(watched: Hub) -> None:
    names = {await monitored(watched), await monitored(watched)}
    await sent(await person(watched, "anna"), 85)
    assert {one["partOf"][0]["reference"] for one in await reviews(watched)} == names


async def test_where_it_is_not_switched_on_nobody_watches(hub: Hub) -> None:
    await settle(hub)
    await monitored(hub)
    assert (await sent(await person(hub, "anna"), 90))[0] == "not-watched"
    assert await reviews(hub) == []


async def test_what_lies_within_the_bands_makes_no_task(watched: Hub) -> None:
    await monitored(watched)
    assert (await sent(await person(watched, "anna"), 72))[0] == "watched"
    assert await reviews(watched) == []


async def test_repeated_routine_deviations_join_the_open_task_and_tell_once(watched: Hub) -> None:
    name = await monitored(watched)
    anna = await person(watched, "anna")
    before = len(await messages(watched, "Organization/praktijk"))
    for value in (76, 77, 69):
        assert (await sent(anna, value))[0] == "deviation"
    (review,) = await reviews(watched)
    assert review["partOf"] == [{"reference": name}]
    assert review["owner"] == PRACTICE
    assert (review["priority"], len(review["input"])) == ("routine", 3)
    assert len(await messages(watched, "Organization/praktijk")) == before + 1
    assert [each for each in Validator().validate(review) if each.severity == "error"] == []


async def test_deviations_that_arrive_at_once_are_one_open_task(watched: Hub) -> None:
    await monitored(watched)
    anna = await person(watched, "anna")
    answers = await asyncio.gather(*(anna.create(weight(value)) for value in (76, 77, 78, 85, 86)))
    assert {answer.status_code for answer in answers} == {201}
    (review,) = await reviews(watched)
    assert (review["priority"], len(review["input"])) == ("urgent", 5)


async def test_an_urgent_value_raises_the_open_task_tells_again_and_says_whom_to_call(watched: Hub) -> None:
    await monitored(watched)
    anna = await person(watched, "anna")
    await sent(anna, 76)
    before = len(await messages(watched, "Organization/praktijk"))
    said, warning = await sent(anna, 85)
    assert (said, CALL in warning) == ("urgent", True)
    (review,) = await reviews(watched)
    assert (review["priority"], len(review["input"])) == ("urgent", 2)
    told = await messages(watched, "Organization/praktijk")
    assert len(told) == before + 1
    assert any(each["priority"] == "urgent" for each in told)


async def test_a_value_in_another_unit_of_the_kind_is_held_against_the_same_band(watched: Hub) -> None:
    await monitored(watched)
    anna = await person(watched, "anna")
    assert (await sent(anna, 72500, unit="g"))[0] == "watched"
    assert (await sent(anna, 85000, unit="g"))[0] == "urgent"


@pytest.mark.parametrize(("value", "unit"), [(72, "mm[Hg]"), (7200, "kg"), (72, "stuks"), (-3, "kg")])
async def test_what_cannot_be_is_refused(watched: Hub, value: int, unit: str) -> None:
    refused = await (await person(watched, "anna")).create(weight(value, unit=unit))
    assert (refused.status_code, refused.json()["issue"][0]["code"]) in (
        (422, "value"),
        (422, "code-invalid"),
    )
    assert await all_stored(watched, "Observation") == []


async def test_outside_the_hours_the_answer_says_so_and_never_hides_what_is_urgent(watched: Hub) -> None:
    never = {
        "repeat": {"dayOfWeek": ["mon"], "timeOfDay": ["03:00:00"], "duration": 1, "durationUnit": "min"}
    }
    await monitored(watched, never)
    anna = await person(watched, "anna")
    said, warning = await sent(anna, 72)
    assert (said, "Nobody watches now" in warning) == ("outside-hours", True)
    assert (await sent(anna, 85))[0] == "urgent"


async def test_a_review_not_accepted_in_time_goes_to_organisation_and_coordinator(watched: Hub) -> None:
    await monitored(watched)
    await sent(await person(watched, "anna"), 85)
    (review,) = await reviews(watched)
    before = len(await all_stored(watched, "Communication"))
    repository = Repository(watched.realm.tenant, HUB)
    await watching.look_again(repository, {"task": review["id"]})
    (late,) = await reviews(watched)
    assert careplan.has_own_code(late["statusReason"], "task-reason", "not-accepted-in-time")
    assert len(await all_stored(watched, "Communication")) > before
    after = len(await all_stored(watched, "Communication"))
    await watching.look_again(repository, {"task": review["id"]})
    assert len(await all_stored(watched, "Communication")) == after


async def test_bands_are_set_by_a_professional_and_complete_before_acceptance(watched: Hub) -> None:
    anna, jan = await person(watched, "anna"), await person(watched, "jan")
    asked: Json = {
        "resourceType": "Task",
        "status": "requested",
        "intent": "order",
        "code": careplan.own_code("task", "thuismeten"),
        "for": ANNA,
        "owner": PRACTICE,
    }
    refused = await anna.create({**asked, "requester": ANNA, "input": inputs()})
    assert (refused.status_code, refused.json()["issue"][0]["code"]) == (422, "business-rule")
    made = await jan.create({**asked, "requester": JAN, "input": inputs()[:2]})
    assert made.status_code == 201, made.text
    early = await jan.update({**made.json(), "status": "accepted"})
    assert (early.status_code, "uren" in early.text) == (422, True)
    full = await jan.put({**made.json(), "input": inputs(), "status": "accepted"})
    await jan.put({**full, "input": inputs()[:2]}, 422)


async def test_what_the_hub_said_is_not_written_by_others(watched: Hub) -> None:
    await monitored(watched)
    anna = await person(watched, "anna")
    kept = (await anna.create(weight(85))).json()
    forged = json.loads(json.dumps(kept).replace(CALL, "Niets aan de hand."))
    assert (await anna.update(forged)).status_code == 422
    again = await anna.update({**kept, "note": [{"text": "Na het ontbijt."}]})
    assert again.status_code == 200, again.text
    assert len(await reviews(watched)) == 1


async def test_a_system_that_hands_over_old_values_asks_nobody_to_look(watched: Hub) -> None:
    await monitored(watched)
    await watched.backend()
    system = Person(watched, await watched.backend_token(scope="system/*.cruds"))
    assert (await sent(system, 90, effectiveDateTime="2020-01-01"))[0] == "not-watched"
    assert await reviews(watched) == []
    assert (await sent(system, 90, effectiveDateTime="2099-01-01"))[0] == "urgent"


async def test_what_is_stored_keeps_to_the_profiles_of_the_guide(watched: Hub) -> None:
    name = await monitored(watched)
    anna = await person(watched, "anna")
    kept = (await anna.create(weight(85))).json()
    task = (await (await person(watched, "jan")).read(name)).json()
    for resource, profile in ((kept, "HomeMeasurement"), (task, "HomeMonitoringTask")):
        found = Validator().validate(resource, [guide.url("StructureDefinition", profile)])
        assert [each for each in found if each.severity == "error"] == []
    wrong = await anna.update({**kept, "status": "entered-in-error"})
    assert state(wrong.json()) == "urgent"


async def test_a_goal_whose_target_is_missed_is_named(watched: Hub) -> None:
    await monitored(watched)
    jan = await person(watched, "jan")
    target = {
        "measure": {"coding": [{"system": LOINC, "code": "29463-7"}]},
        "detailQuantity": {**kg(71), "comparator": "<"},
    }
    goal = await jan.create(
        {
            "resourceType": "Goal",
            "lifecycleStatus": "active",
            "description": {"text": "Lichter worden"},
            "subject": ANNA,
            "target": [target],
        }
    )
    assert goal.status_code == 201, goal.text
    _, warning = await sent(await person(watched, "anna"), 72)
    assert f"Goal/{goal.json()['id']}" in warning

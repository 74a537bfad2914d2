"""Answers to questionnaires: drafts that hold, what is applied on completion, and the agenda."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest_asyncio

from fhirhub.resources import careplan, dimensions, guide
from fhirhub.resources.validation.validator import Validator
from tests.auth.builders import Hub, Json, write
from tests.auth.conftest import Open
from tests.careplan.neighbourhood import settle
from tests.careplan.people import Person, all_stored, person
from tests.careplan.resources import ANNA, JAN

URL = "https://example.nl/form"
SDC = "http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-questionnaire-"


@pytest_asyncio.fixture
async def anna(hub: Hub) -> AsyncIterator[Person]:
    await settle(hub)
    yield await person(hub, "anna")


def form(*items: Json, **more: Any) -> Json:
    return {
        "resourceType": "Questionnaire",
        "id": "form",
        "url": URL,
        "version": "1",
        "status": "active",
        "item": list(items) or [{"linkId": "q", "type": "string", "required": True}],
        **more,
    }


def response(*items: Json, **more: Any) -> Json:
    return {
        "resourceType": "QuestionnaireResponse",
        "questionnaire": f"{URL}|1",
        "status": "in-progress",
        "subject": ANNA,
        "authored": "2026-11-22T10:00:00Z",
        "author": ANNA,
        "source": ANNA,
        "item": list(items) or [{"linkId": "q", "answer": [{"valueString": "x"}]}],
        **more,
    }


async def made(by: Person, resource: Json) -> Json:
    answer = await by.create(resource)
    assert answer.status_code == 201, answer.text
    found: Json = answer.json()
    return found


def refused(answer: Any) -> str:
    assert answer.status_code == 422, answer.text
    issue = answer.json()["issue"][0]
    assert issue["code"] == "business-rule"
    return str(issue["details"]["text"])


async def test_a_draft_may_be_incomplete_and_what_is_completed_may_not(hub: Hub, anna: Person) -> None:
    await write(hub, form())
    empty = response()
    del empty["item"]
    draft = await made(anna, empty)
    lacking = await anna.update({**draft, "status": "completed"})
    assert lacking.status_code == 422
    wrong = {**draft, "status": "completed", "item": [{"linkId": "q", "answer": [{"valueInteger": 3}]}]}
    assert (await anna.update(wrong)).status_code == 422
    assert (await anna.update({**response(), "id": draft["id"], "status": "completed"})).status_code == 200


async def test_a_draft_of_a_questionnaire_that_changed_is_refused_with_the_new_version(
    hub: Hub, anna: Person
) -> None:
    await write(hub, form())
    draft = await made(anna, response())
    await write(hub, form(version="2"))
    assert "version 2" in refused(await anna.update({**draft, "status": "completed"}))
    assert "version 2" in refused(await anna.create(response(status="completed")))
    assert (await anna.update({**draft, "status": "stopped"})).status_code == 200


async def test_a_draft_is_refused_where_its_version_was_rewritten_in_place(hub: Hub, anna: Person) -> None:
    await write(hub, form())
    draft = await made(anna, response())
    await write(hub, form({"linkId": "q", "type": "string", "maxLength": 3}))
    assert "changed" in refused(await anna.update({**draft, "status": "completed"}))


async def test_a_draft_keeps_its_questionnaire(hub: Hub, anna: Person) -> None:
    await write(hub, form(), form(id="other", url="https://example.nl/other"))
    draft = await made(anna, response())
    refused(await anna.update({**draft, "questionnaire": "https://example.nl/other|1"}))


async def test_a_draft_too_old_is_refused(open_hub: Open) -> None:
    async with open_hub(draft_days=0) as hub:
        await settle(hub)
        anna = await person(hub, "anna")
        await write(hub, form())
        draft = await made(anna, response())
        await asyncio.sleep(0.002)
        assert "days ago" in refused(await anna.update({**draft, "status": "completed"}))
        expiry = {"value": 2, "system": "http://unitsofmeasure.org", "code": "d"}
        url = guide.url("StructureDefinition", "draft-expiry")
        own = {"extension": [{"url": url, "valueDuration": expiry}]}
        await write(hub, form(id="longer", url="https://example.nl/longer", **own))
        longer = await made(anna, response(questionnaire="https://example.nl/longer|1"))
        assert (await anna.update({**longer, "status": "completed"})).status_code == 200


def extracting(template: Json) -> Json:
    parts = [{"url": "template", "valueReference": {"reference": "#t"}}]
    return form(
        contained=[template],
        extension=[
            {"url": guide.url("StructureDefinition", "extract-on-completion"), "valueBoolean": True},
            {"url": SDC + "templateExtract", "extension": parts},
        ],
    )


def shown(expression: str) -> Json:
    return {"extension": [{"url": SDC + "templateExtractValue", "valueString": expression}]}


WISH: Json = {
    "resourceType": "Goal",
    "id": "t",
    "lifecycleStatus": "proposed",
    "description": {"_text": shown("item.where(linkId = 'q').answer.value")},
    "subject": {"_reference": shown("%resource.subject.reference")},
    "expressedBy": {"_reference": shown("%resource.source.reference")},
}


async def test_what_the_questionnaire_asks_is_written_on_completion_in_the_same_transaction(
    hub: Hub, anna: Person
) -> None:
    await write(hub, extracting(WISH))
    draft = await made(anna, response())
    assert await all_stored(hub, "Goal") == []
    assert (await anna.update({**draft, "status": "completed"})).status_code == 200
    (goal,) = await all_stored(hub, "Goal")
    assert (goal["description"], goal["expressedBy"]) == ({"text": "x"}, ANNA)


async def test_what_the_author_may_not_write_or_is_about_another_is_refused_with_the_response(
    hub: Hub, anna: Person
) -> None:
    condition = {"resourceType": "Condition", "id": "t", "subject": WISH["subject"], "code": {"text": "Iets"}}
    for number, template in enumerate((condition, {**WISH, "subject": {"reference": "Patient/bert"}})):
        url = f"https://example.nl/form{number}"
        await write(hub, {**extracting(template), "id": f"form{number}", "url": url})
        answer = await anna.create(response(status="completed", questionnaire=f"{url}|1"))
        assert answer.status_code in (403, 422), answer.text
    assert await all_stored(hub, "QuestionnaireResponse") == []
    assert await all_stored(hub, "Goal") == []


async def test_a_task_before_a_visit_is_done_when_the_patient_answers(hub: Hub, anna: Person) -> None:
    await write(hub, form())
    jan = await person(hub, "jan")
    asked = {
        "resourceType": "Task",
        "status": "requested",
        "intent": "order",
        "code": careplan.own_code("task", "vragenlijst"),
        "for": ANNA,
        "requester": JAN,
        "owner": ANNA,
        "restriction": {"period": {"end": "2026-12-01"}},
        "input": [{"type": careplan.own_code("task-part", "vragenlijst"), "valueCanonical": f"{URL}|1"}],
    }
    task = await made(jan, asked)
    draft = await made(anna, response())
    assert (await jan.read(f"Task/{task['id']}")).json()["status"] == "requested"
    assert (await anna.update({**draft, "status": "completed"})).status_code == 200
    done = (await jan.read(f"Task/{task['id']}")).json()
    assert done["status"] == "completed"
    assert done["output"][0]["valueReference"] == {"reference": f"QuestionnaireResponse/{draft['id']}"}


# The agenda

CARDS = guide.url("Questionnaire", "vraagkaarten") + "|0.1.0"
SUBJECTS = guide.url("Questionnaire", "gespreksagenda") + "|0.1.0"


def agenda(*subjects: str) -> Json:
    return {
        "resourceType": "List",
        "status": "current",
        "mode": "working",
        "title": "Gesprek",
        "code": {"coding": [{"system": guide.url("CodeSystem", "document-type"), "code": "agenda"}]},
        "subject": ANNA,
        "entry": [{"item": {"display": one}} for one in subjects],
    }


def shown_entries(found: Json) -> list[tuple[str, str]]:
    return [
        (
            entry["item"]["display"],
            next(
                e["valueReference"]["reference"] for e in entry["extension"] if e["url"].endswith("added-by")
            ),
        )
        for entry in found["entry"]
    ]


def add(subject: str) -> Json:
    part = [
        {"name": "type", "valueCode": "add"},
        {"name": "path", "valueString": "List"},
        {"name": "name", "valueString": "entry"},
        {"name": "value", "part": [{"name": "item", "valueReference": {"display": subject}}]},
    ]
    return {"resourceType": "Parameters", "parameter": [{"name": "operation", "part": part}]}


async def test_both_sides_put_subjects_on_one_agenda_at_once_and_none_is_lost(hub: Hub, anna: Person) -> None:
    jan = await person(hub, "jan")
    kept = await made(anna, agenda("Slapen"))
    answers = await asyncio.gather(
        *(
            who.ask("PATCH", f"List/{kept['id']}", add(f"{name} {number}"))
            for number in range(3)
            for who, name in ((anna, "A"), (jan, "J"))
        )
    )
    assert {answer.status_code for answer in answers} == {200}
    (now,) = await all_stored(hub, "List")
    entries = dict(shown_entries(now))
    assert len(entries) == 7
    assert entries["A 1"] == "Patient/anna"
    assert entries["J 1"] == "Practitioner/jan"
    assert [
        each
        for each in Validator().validate(now, [guide.url("StructureDefinition", "ConversationAgenda")])
        if each.severity == "error"
    ] == []


async def test_a_subject_is_taken_off_by_who_put_it_there_and_the_patient_orders(
    hub: Hub, anna: Person
) -> None:
    jan = await person(hub, "jan")
    kept = await made(anna, agenda("Slapen", "Pijn"))
    with_both = (
        await jan.update({**kept, "entry": [*kept["entry"], {"item": {"display": "Medicijnen"}}]})
    ).json()
    sleep, pain, pills = with_both["entry"]
    refused(await jan.update({**with_both, "entry": [sleep, pills]}))
    refused(await anna.update({**with_both, "entry": [sleep, pain]}))
    refused(await jan.update({**with_both, "entry": [pain, sleep, pills]}))
    other = {name: value for name, value in with_both.items() if name not in ("entry", "meta")}
    refused(await jan.update({**other, "code": {"text": "Boodschappen"}}))
    ordered = await anna.update({**with_both, "entry": [pills, pain, sleep]})
    assert ordered.status_code == 200, ordered.text
    assert shown_entries(ordered.json())[0] == ("Medicijnen", "Practitioner/jan")


async def test_chosen_cards_and_subjects_come_onto_the_agenda(hub: Hub, anna: Person) -> None:
    cards = [
        {
            "linkId": "zingeving",
            "item": [
                {"linkId": "zingeving.1", "answer": [{"valueBoolean": True}]},
                {"linkId": "zingeving.2", "answer": [{"valueBoolean": False}]},
            ],
        },
        {"linkId": "eigen", "item": [{"linkId": "eigen.kaart", "answer": [{"valueString": "Mijn fiets"}]}]},
    ]
    await made(anna, response(*cards, questionnaire=CARDS, status="completed"))
    jan = await person(hub, "jan")
    where = {"system": dimensions.system(), "code": "meedoen"}
    subject = {
        "linkId": "onderwerp",
        "item": [
            {"linkId": "onderwerp.wat", "answer": [{"valueString": "Dagbesteding"}]},
            {"linkId": "onderwerp.dimensie", "answer": [{"valueCoding": where}]},
        ],
    }
    await made(jan, response(subject, questionnaire=SUBJECTS, status="completed", author=JAN, source=JAN))
    (found,) = await all_stored(hub, "List")
    assert shown_entries(found) == [
        ("Wat mij gaande houdt", "Patient/anna"),
        ("Mijn fiets", "Patient/anna"),
        ("Dagbesteding", "Practitioner/jan"),
    ]
    assert [each for each in Validator().validate(found) if each.severity == "error"] == []

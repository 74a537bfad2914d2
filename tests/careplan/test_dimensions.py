"""R31: scores follow from answers, and the spider shows them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from xml.etree import ElementTree

import pytest
import pytest_asyncio

from fhirhub.resources import dimensions, guide
from fhirhub.resources.validation.validator import Validator
from tests.auth.builders import Hub, Json, write
from tests.careplan.neighbourhood import settle
from tests.careplan.people import Person, all_stored, person
from tests.careplan.resources import ANNA, JAN, MIA

LONG = guide.url("Questionnaire", "positieve-gezondheid") + "|0.1.0"
SHORT = guide.url("Questionnaire", "positieve-gezondheid-kort") + "|0.1.0"


def answers(of: dict[str, list[int | None]], **more: object) -> Json:
    """A response to the long questionnaire; None is a question that was skipped."""
    groups = [
        {
            "linkId": code,
            "item": [
                {"linkId": f"{code}.{number}", "answer": [{"valueInteger": mark}]}
                for number, mark in enumerate(marks, 1)
                if mark is not None
            ],
        }
        for code, marks in of.items()
    ]
    made: Json = {
        "resourceType": "QuestionnaireResponse",
        "questionnaire": LONG,
        "status": "completed",
        "subject": ANNA,
        "authored": "2026-11-20T10:00:00+01:00",
        "author": ANNA,
        "source": ANNA,
        "item": groups,
        **more,
    }
    return {name: value for name, value in made.items() if value is not None}


def short(of: dict[str, int], **more: object) -> Json:
    items = [
        {"linkId": code, "answer": [{"valueInteger": mark}]}
        for code in dimensions.names()
        if (mark := of.get(code)) is not None
    ]
    return answers({}, questionnaire=SHORT, item=items, **more)


@pytest_asyncio.fixture
async def anna(hub: Hub) -> AsyncIterator[Person]:
    await settle(hub)
    yield await person(hub, "anna")


async def scores(hub: Hub) -> dict[str, tuple[str, str, str]]:
    """By dimension: the value, status and version of its score."""
    return {
        each["code"]["coding"][0]["code"]: (
            str(each["valueQuantity"]["value"]),
            each["status"],
            each["meta"]["versionId"],
        )
        for each in await all_stored(hub, "Observation", "category=survey")
    }


async def done(answer: object, status: int = 201) -> Json:
    assert getattr(answer, "status_code") == status, getattr(answer, "text")  # noqa: B009
    found: Json = getattr(answer, "json")()  # noqa: B009
    return found


async def test_a_completed_response_makes_a_score_for_each_dimension_that_has_one(
    hub: Hub, anna: Person
) -> None:
    given = answers(
        {"lichaamsfuncties": [6, 6, 6, 7, None, None, None], "meedoen": [8, 8, 8, None, None, None, None]}
    )
    response = await done(await anna.create(given))
    assert await scores(hub) == {"lichaamsfuncties": ("6.3", "final", "1")}
    (score,) = await all_stored(hub, "Observation")
    assert score["derivedFrom"] == [{"reference": f"QuestionnaireResponse/{response['id']}"}]
    assert score["performer"] == [ANNA]
    assert score["method"]["coding"][0]["code"] == "self"
    assert score["effectiveDateTime"] == given["authored"]
    faults = [each for each in Validator().validate(score) if each.severity == "error"]
    assert faults == []


async def test_in_the_short_version_the_mark_is_the_score(hub: Hub, anna: Person) -> None:
    await done(await anna.create(short({"zingeving": 7, "meedoen": 3})))
    assert await scores(hub) == {"zingeving": ("7", "final", "1"), "meedoen": ("3", "final", "1")}


async def test_a_draft_has_no_scores_until_it_is_completed(hub: Hub, anna: Person) -> None:
    draft = await done(await anna.create(short({"zingeving": 7}, status="in-progress")))
    assert await scores(hub) == {}
    await done(await anna.update({**draft, "status": "completed"}), 200)
    assert await scores(hub) == {"zingeving": ("7", "final", "1")}


async def test_a_correction_makes_versions_that_are_corrected_and_takes_back_what_is_no_score(
    hub: Hub, anna: Person
) -> None:
    response = await done(await anna.create(short({"zingeving": 7, "meedoen": 3, "kwaliteit-van-leven": 5})))
    items = short({"zingeving": 8, "kwaliteit-van-leven": 5})["item"]
    amended = await done(await anna.update({**response, "status": "amended", "item": items}), 200)
    assert await scores(hub) == {
        "zingeving": ("8", "corrected", "2"),
        "meedoen": ("3", "entered-in-error", "2"),
        "kwaliteit-van-leven": ("5", "final", "1"),
    }
    again = {**amended, "item": short({"zingeving": 8, "kwaliteit-van-leven": 5, "meedoen": 4})["item"]}
    await done(await anna.update(again), 200)
    assert (await scores(hub))["meedoen"] == ("4", "corrected", "3")
    gone = {**again, "status": "entered-in-error"}
    await done(await anna.update(gone), 200)
    assert {status for _, status, _ in (await scores(hub)).values()} == {"entered-in-error"}


async def test_a_mark_out_of_range_is_refused_with_all_else(hub: Hub, anna: Person) -> None:
    refused = await anna.create(short({"zingeving": 7, "meedoen": 11}))
    assert refused.status_code == 422
    assert "11" in refused.text
    assert await all_stored(hub, "QuestionnaireResponse") == []
    assert await scores(hub) == {}


async def test_who_may_not_see_the_answers_does_not_see_the_scores(hub: Hub, anna: Person) -> None:
    label = {"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "R"}
    jan = await person(hub, "jan")
    given = short({"zingeving": 7}, author=JAN, source=JAN, meta={"security": [label]})
    await done(await jan.create(given))
    els = await person(hub, "els")
    assert (await els.read("Patient/anna/$spider")).json() == {"resourceType": "Parameters"}
    assert len((await jan.read("Patient/anna/$spider")).json()["parameter"]) == 1


async def test_a_licensed_questionnaire_is_scored_by_its_codes(hub: Hub, anna: Person) -> None:
    """Its items carry the dimension, each question by itself; a number may stand at an answer to choose."""
    ordinal = "http://hl7.org/fhir/StructureDefinition/ordinalValue"
    code = [{"system": dimensions.system(), "code": "meedoen"}]
    options = [
        {"valueCoding": {"code": f"c{value}", "extension": [{"url": ordinal, "valueDecimal": value}]}}
        for value in (2, 5)
    ]
    await write(
        hub,
        {
            "resourceType": "Questionnaire",
            "id": "licensed",
            "url": "https://licensed.example/q",
            "version": "3",
            "status": "active",
            "item": [
                {"linkId": "a", "type": "choice", "code": code, "answerOption": options},
                {"linkId": "b", "type": "integer", "code": code},
            ],
        },
    )
    items = [
        {"linkId": "a", "answer": [{"valueCoding": {"code": "c2"}}]},
        {"linkId": "b", "answer": [{"valueInteger": 7}]},
    ]
    await done(await anna.create(answers({}, questionnaire="https://licensed.example/q|3", item=items)))
    assert await scores(hub) == {"meedoen": ("4.5", "final", "1")}


async def test_a_score_changes_with_its_answers_alone(hub: Hub, anna: Person) -> None:
    await done(await anna.create(short({"zingeving": 7})))
    (score,) = await all_stored(hub, "Observation")
    score["valueQuantity"]["value"] = 9
    refused = await anna.update(score)
    assert (refused.status_code, refused.json()["issue"][0]["code"]) == (422, "business-rule")
    fresh = {**score, "valueQuantity": {**score["valueQuantity"], "value": 12}}
    refused = await anna.create(fresh)
    assert (refused.status_code, refused.json()["issue"][0]["code"]) == (422, "business-rule")


async def all_three(hub: Hub, anna: Person) -> None:
    await done(await anna.create(short({"zingeving": 7, "meedoen": 3})))
    await done(await anna.create(short({"zingeving": 5}, authored="2026-01-05")))
    jan = await person(hub, "jan")
    await done(await jan.create(short({"zingeving": 6}, author=JAN, source=JAN, authored="2026-11-21")))
    await done(await jan.create(short({"meedoen": 2}, author=JAN, source=MIA, authored="2026-11-22")))


def read(series: Json) -> Json:
    found: Json = {"points": {}}
    for part in series["part"]:
        if part["name"] == "point":
            parts = {one["name"]: one for one in part["part"]}
            found["points"][parts["dimension"]["valueCode"]] = parts["value"]["valueDecimal"]
        else:
            found[part["name"]] = next(value for key, value in part.items() if key != "name")
    return found


async def test_a_score_of_answers_is_nobody_s_to_make_end_or_delete(hub: Hub, anna: Person) -> None:
    jan = await person(hub, "jan")
    await done(await anna.create(short({"meedoen": 3})))
    (score,) = await all_stored(hub, "Observation")
    made = {name: value for name, value in score.items() if name not in ("id", "meta")}
    for code in ("meedoen", "zingeving"):
        made["code"] = {"coding": [{**score["code"]["coding"][0], "code": code}]}
        forged = await jan.create({**made, "valueQuantity": {**score["valueQuantity"], "value": 9}})
        assert (forged.status_code, forged.json()["issue"][0]["code"]) == (422, "business-rule")
    for ask in (
        anna.update({**score, "status": "entered-in-error"}),
        anna.ask("DELETE", f"Observation/{score['id']}"),
    ):
        assert (await ask).status_code in (403, 422)
    assert await all_stored(hub, "Observation") == [score]


async def test_spider_gives_series_by_source_and_response_the_newest_first(hub: Hub, anna: Person) -> None:
    await all_three(hub, anna)
    answer = await done(await anna.read("Patient/anna/$spider"), 200)
    found = [read(each) for each in answer["parameter"]]
    assert [(each["source"], each["date"][:10], each["points"]) for each in found] == [
        ("carer", "2026-11-22", {"meedoen": 2}),
        ("professional", "2026-11-21", {"zingeving": 6}),
        ("self", "2026-11-20", {"zingeving": 7, "meedoen": 3}),
        ("self", "2026-01-05", {"zingeving": 5}),
    ]
    assert all(each["response"]["reference"].startswith("QuestionnaireResponse/") for each in found)
    assert Validator().validate(answer) == []
    later = await done(await anna.read("Patient/anna/$spider?start=2026-11-21"), 200)
    assert len(later["parameter"]) == 2


async def test_spider_of_who_may_not_be_seen_is_not_found(hub: Hub, anna: Person) -> None:
    assert (await anna.read("Patient/bert/$spider")).status_code == 404
    assert (await anna.read("Patient/nobody/$spider")).status_code == 404


@pytest.mark.parametrize(
    ("language", "word", "number"), [("nl", "Zorgverlener", "6,3"), ("en;q=0.9", "Professional", "6.3")]
)
async def test_spider_draws_what_can_be_read_without_seeing_it(
    hub: Hub, anna: Person, language: str, word: str, number: str
) -> None:
    await all_three(hub, anna)
    await done(await anna.create(answers({"lichaamsfuncties": [6, 6, 6, 7, None, None, None]})))
    answer = await anna.read("Patient/anna/$spider", Accept="image/svg+xml", Accept_Language=language)
    assert answer.headers["content-type"].startswith("image/svg+xml")
    drawing = ElementTree.fromstring(answer.text)
    name = "{http://www.w3.org/2000/svg}"
    assert drawing.get("role") == "img"
    assert drawing.find(f"{name}title") is not None
    described = drawing.find(f"{name}desc")
    assert described is not None
    assert described.text is not None
    assert word in described.text
    assert number in described.text
    rows = [each for each in drawing.iter(f"{name}g") if each.get("role") == "row"]
    assert len(rows) == 6
    assert len(list(drawing.iter(f"{name}polygon"))) > 5


async def test_spider_without_scores_is_empty(hub: Hub, anna: Person) -> None:
    assert (await anna.read("Patient/anna/$spider")).json() == {"resourceType": "Parameters"}
    assert "nog geen scores" in (await anna.read("Patient/anna/$spider", Accept="image/svg+xml")).text


async def test_another_operation_is_not_had_as_a_picture(anna: Person) -> None:
    assert (await anna.read("Patient/anna/$everything", Accept="image/svg+xml")).status_code == 406

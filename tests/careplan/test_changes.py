"""What changed in a plan, for each who may see it, and how far they have seen it."""

from __future__ import annotations

import asyncio
import json

import pytest_asyncio

from fhirhub.resources import guide
from fhirhub.store.erasing import erase_patient
from fhirhub.store.sql import Statement
from tests.auth.builders import Hub, Json, write
from tests.careplan.neighbourhood import settle_with_plan
from tests.careplan.people import person, stored
from tests.careplan.resources import code, goal, message, parameters, plan, task, to

PLAN = "CarePlan/plan"


@pytest_asyncio.fixture
async def people(hub: Hub) -> Hub:
    await settle_with_plan(hub)
    return hub


def listed(bundle: Json) -> list[str]:
    """The versions of a history, such as `Task/1/2`; a Provenance by what it tells of."""
    assert bundle["type"] == "history"
    found = []
    for entry in bundle.get("entry", ()):
        type, id = entry["fullUrl"].split("/")[-2:]
        if type == "Provenance":
            found.append("by " + entry["resource"]["target"][0]["reference"].replace("/_history/", "/"))
        else:
            found.append(f"{type}/{id}/{entry['response']['etag'][3:-1]}")
    return found


def link(bundle: Json, relation: str) -> str | None:
    return next((one["url"] for one in bundle["link"] if one["relation"] == relation), None)


def score(id: str, dimension: str = "meedoen", whose: str = "Patient/anna") -> Json:
    return {
        "resourceType": "Observation",
        "id": id,
        "status": "final",
        "code": code("positive-health-dimension", dimension),
        "subject": to(whose),
    }


async def fill(hub: Hub) -> None:
    consent = {
        "resourceType": "Consent",
        "id": "agreed",
        "status": "active",
        "scope": {
            "coding": [
                {"system": "http://terminology.hl7.org/CodeSystem/consentscope", "code": "patient-privacy"}
            ]
        },
        "category": [{"text": "x"}],
        "patient": to("Patient/anna"),
        "provision": {
            "type": "permit",
            "actor": [{"role": {"text": "x"}, "reference": to("Organization/thuiszorg")}],
        },
    }
    await write(
        hub,
        goal("doel"),
        goal("van-een-ander-plan"),
        task("taak"),
        plan(goal=[to("Goal/doel")], author=to("PractitionerRole/rol-els")),
        score("score"),
        {**score("gewicht"), "code": {"text": "gewicht"}},
        score("van-bert", whose="Patient/bert"),
        {**message("PractitionerRole/rol-jan", "Patient/anna"), "id": "bericht"},
        without(message("PractitionerRole/rol-jan", "Patient/anna", id="los"), "basedOn"),
        without(
            message("PractitionerRole/rol-jan", "Patient/anna", id="erover", about=[to(PLAN)]), "basedOn"
        ),
        consent,
        task("elders", basedOn=[to("CarePlan/plan-bert")], **{"for": to("Patient/bert")}),
    )


def without(resource: Json, name: str) -> Json:
    return {key: value for key, value in resource.items() if key != name}


ALL = [
    "Consent/agreed/1",
    "Communication/erover/1",
    "Communication/bericht/1",
    "Observation/score/1",
    "CarePlan/plan/2",
    "Task/taak/1",
    "Goal/doel/1",
    "CarePlan/plan/1",
    "CareTeam/team/1",
]


async def test_the_timeline_has_the_plan_and_what_belongs_to_it_newest_first(people: Hub) -> None:
    await fill(people)
    for name in ("jan", "wil", "anna"):
        bundle = await (await person(people, name)).get(f"{PLAN}/$changes")
        assert listed(bundle) == ALL
        assert bundle["total"] == len(ALL)
        moments = [entry["response"]["lastModified"] for entry in bundle["entry"]]
        assert moments == sorted(moments, reverse=True)


async def test_who_may_not_see_the_plan_gets_what_an_unknown_one_gets(people: Hub) -> None:
    await fill(people)
    for name in ("ine", "sam", "mia"):
        asking = await person(people, name)
        hidden = await asking.ask("GET", f"{PLAN}/$changes")
        unknown = await asking.ask("GET", "CarePlan/none/$changes")
        assert (hidden.status_code, unknown.status_code) == (404, 404)
        assert hidden.text.replace("plan", "none") == unknown.text.replace("plan", "none")
        assert (await asking.ask("POST", f"{PLAN}/$seen", parameters(version="1"))).status_code == 404


async def test_what_is_hidden_from_one_is_in_the_timeline_of_another(people: Hub) -> None:
    await fill(people)
    hidden = {
        "security": [{"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "R"}]
    }
    await write(people, {**goal("doel", "Geheim"), "meta": hidden})
    whole = listed(await (await person(people, "jan")).get(f"{PLAN}/$changes"))
    assert whole == ["Goal/doel/2", *ALL]
    part = listed(await (await person(people, "wil")).get(f"{PLAN}/$changes"))
    assert part == [one for one in ALL if one != "Goal/doel/1"]


async def test_pages_of_the_timeline_are_the_whole_in_order(people: Hub) -> None:
    await fill(people)
    wil = await person(people, "wil")
    found: list[str] = []
    next: str | None = f"{PLAN}/$changes?_count=2"
    while next is not None:
        bundle = await wil.get(next.removeprefix("http://hub.test/fhir/"))
        assert len(listed(bundle)) <= 2
        found += listed(bundle)
        next = link(bundle, "next")
    assert found == ALL


async def test_since_a_moment_only_what_was_made_then_or_later(people: Hub) -> None:
    await fill(people)
    jan = await person(people, "jan")
    bundle = await jan.get(f"{PLAN}/$changes")
    moment = next(
        entry["response"]["lastModified"] for entry in bundle["entry"] if "/Task/" in entry["fullUrl"]
    )
    assert listed(await jan.get(f"{PLAN}/$changes?since={moment}"))[-1] == "Task/taak/1"
    assert listed(await jan.get(f"{PLAN}/$changes?since=2999-01-01")) == []
    answer = await jan.ask("GET", f"{PLAN}/$changes?since=gisteren")
    assert answer.status_code == 400
    assert "last-seen" in answer.text


async def test_each_version_comes_with_its_provenance(people: Hub) -> None:
    await fill(people)
    wil = await person(people, "wil")
    who = {"agent": [{"who": to("Practitioner/wil")}], "recorded": "2026-02-01T00:00:00Z"}
    provenance = json.dumps({"resourceType": "Provenance", **who})
    changed = {**goal("doel"), "lifecycleStatus": "on-hold"}
    answer = await wil.ask("PUT", "Goal/doel", changed, **{"X-Provenance": provenance})
    assert answer.status_code == 200
    told = listed(await wil.get(f"{PLAN}/$changes?_count=1"))
    assert set(told) == {"Goal/doel/2", "by Goal/doel/2"}
    everything = listed(await wil.get(f"{PLAN}/$changes"))
    assert everything.count("by Goal/doel/2") == 1


async def test_only_seen_moves_the_mark_of_a_person_and_of_no_other(people: Hub) -> None:
    await fill(people)
    jan, els = await person(people, "jan"), await person(people, "els")
    new = f"{PLAN}/$changes?since=last-seen"
    assert listed(await jan.get(new)) == ALL
    assert listed(await jan.get(new)) == ALL
    await jan.post(f"{PLAN}/$seen", parameters(version="Observation/score/_history/1"))
    assert listed(await jan.get(new)) == ALL[:3]
    assert listed(await els.get(new)) == ALL
    await jan.post(f"{PLAN}/$seen", parameters(version="Consent/agreed/_history/1"))
    assert listed(await jan.get(new)) == []
    outcome = await jan.post(f"{PLAN}/$seen", parameters(version="2"))
    assert "did not move" in outcome["issue"][0]["details"]["text"]
    assert listed(await jan.get(new)) == []
    await write(people, goal("doel", "Iets anders"))
    assert listed(await jan.get(new)) == ["Goal/doel/2"]


async def test_of_several_marks_at_once_the_latest_stays(people: Hub) -> None:
    await fill(people)
    jan = await person(people, "jan")
    versions = [one[::-1].replace("/", "/yrotsih_/", 1)[::-1] for one in ALL]
    await asyncio.gather(
        *(jan.post(f"{PLAN}/$seen", parameters(version=one)) for one in [*versions, *reversed(versions)])
    )
    assert listed(await jan.get(f"{PLAN}/$changes?since=last-seen")) == []


async def test_the_plans_version_stands_for_all_that_was_written_with_it(people: Hub) -> None:
    els = await person(people, "els")
    entries = [
        {
            "resource": changed,
            "request": {"method": "PUT", "url": f"{changed['resourceType']}/{changed['id']}"},
        }
        for changed in (
            {**plan(author=to("PractitionerRole/rol-els")), "title": "Nieuw"},
            {**await stored(people, "CareTeam", "team"), "name": "Team"},
        )
    ]
    await els.post("", {"resourceType": "Bundle", "type": "transaction", "entry": entries}, 200)
    await els.post(f"{PLAN}/$seen", parameters(version='W/"2"'))
    assert listed(await els.get(f"{PLAN}/$changes?since=last-seen")) == []


async def test_a_version_that_is_not_in_the_timeline_is_no_mark(people: Hub) -> None:
    await fill(people)
    jan = await person(people, "jan")
    for version, status in (
        ("Observation/gewicht/_history/1", 400),
        ("Goal/doel/_history/9", 404),
        ("Task/elders/_history/1", 400),
        ("CarePlan/plan-bert/_history/1", 404),
        ("Goal/doel", 400),
        ("vandaag", 400),
    ):
        await jan.post(f"{PLAN}/$seen", parameters(version=version), status)
    assert (await jan.ask("GET", f"{PLAN}/$seen?version=1")).status_code == 405
    assert listed(await jan.get(f"{PLAN}/$changes?since=last-seen")) == ALL


async def test_what_a_person_has_seen_of_what_was_said_to_them_has_their_read_receipt(people: Hub) -> None:
    await fill(people)
    anna = await person(people, "anna")
    await anna.post(f"{PLAN}/$seen", parameters(version="Consent/agreed/_history/1"))
    read = await stored(people, "Communication", "bericht")
    (receipt,) = read["extension"]
    assert receipt["url"] == guide.url("StructureDefinition", "read-receipt")
    assert receipt["extension"][0]["valueReference"] == to("Patient/anna")
    assert read["received"] == receipt["extension"][1]["valueInstant"]
    assert listed(await anna.get(f"{PLAN}/$changes?since=last-seen")) == []
    jan = await person(people, "jan")
    newest = listed(await jan.get(f"{PLAN}/$changes"))[:3]
    assert set(newest) > {"Communication/bericht/2", "Communication/erover/2"}
    assert any(one.startswith("by Communication/") for one in newest)
    await jan.post(f"{PLAN}/$seen", parameters(version="Communication/bericht/_history/2"))
    assert len((await stored(people, "Communication", "bericht"))["extension"]) == 1


async def test_erasing_a_patient_erases_who_had_seen_their_plan(people: Hub) -> None:
    await fill(people)
    jan = await person(people, "jan")
    await jan.post(f"{PLAN}/$seen", parameters(version="1"))
    database, number = people.realm.tenant.database, people.realm.tenant.number
    asked = Statement("SELECT person FROM seen WHERE tenant = $1", (number,), ("int",))
    assert [row[0] for row in await database.fetch(asked)] == ["Practitioner/jan"]
    await erase_patient(database, number, "anna", "test", 0)
    assert await database.fetch(asked) == []

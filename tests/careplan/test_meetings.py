"""The agenda of what is open, decisions with owner and date, messages between members, and who chooses a segment."""

from __future__ import annotations

from typing import Any

import pytest_asyncio

from fhirhub.resources import guide
from fhirhub.resources.validation.validator import Validator
from tests.auth.builders import Hub, Json, write
from tests.careplan.neighbourhood import settle_with_plan
from tests.careplan.people import person, stored
from tests.careplan.resources import ANNA, PLAN, code, goal, meeting, message, parameters, plan, task, to

DECIDED = "urn:uuid:5a1e4e0c-27b4-4dca-b4a5-0c8b1e0f7a11"
ANSWER_BY = {
    "url": guide.url("StructureDefinition", "answer-by"),
    "valueDateTime": "2026-02-13T17:00:00+01:00",
}


@pytest_asyncio.fixture
async def people(hub: Hub) -> Hub:
    await settle_with_plan(hub)
    return hub


def faults(resource: Json, profile: str) -> list[str]:
    found = Validator().validate(resource, {guide.url("StructureDefinition", profile): None})
    return [f"{one.expression}: {one.text}" for one in found if one.severity in ("error", "fatal")]


def topics(made: Json) -> list[tuple[str | None, str | None]]:
    return [(one.get("flag", {}).get("text"), one["item"].get("reference")) for one in made.get("entry", ())]


async def test_the_agenda_has_what_is_open_and_nothing_of_what_is_done(people: Hub) -> None:
    late = {"period": {"end": "2026-02-01"}}
    await write(
        people,
        {
            "resourceType": "List",
            "id": "onderwerpen",
            "status": "current",
            "mode": "working",
            "code": code("document-type", "agenda"),
            "subject": ANNA,
            "entry": [{"item": {"display": "Wie komt er in de vakantie?"}}],
        },
        task("gevraagd"),
        task("te-laat", status="accepted", restriction=late),
        task("klaar", status="completed", restriction=late),
        goal("stil", startDate="2025-01-01"),
        goal("bereikt", achievementStatus={"coding": [{"code": "achieved"}]}, startDate="2025-01-01"),
        plan(goal=[to("Goal/stil"), to("Goal/bereikt")], author=to("PractitionerRole/rol-els")),
        {
            **message("PractitionerRole/rol-els", "Organization/thuiszorg", extension=[ANSWER_BY]),
            "id": "vraag",
        },
        {
            **message("PractitionerRole/rol-els", "Organization/thuiszorg", extension=[ANSWER_BY]),
            "id": "beantwoord",
        },
        {
            **message("Organization/thuiszorg", "PractitionerRole/rol-els"),
            "id": "antwoord",
            "inResponseTo": [to("Communication/beantwoord")],
        },
    )
    wil = await person(people, "wil")
    made = await wil.get(f"{PLAN}/$agenda")
    assert topics(made) == [
        (None, None),
        ("Vraag zonder antwoord", "Communication/vraag"),
        ("Over de datum", "Task/te-laat"),
        ("Nog niet aangenomen", "Task/gevraagd"),
        ("Doel zonder voortgang", "Goal/stil"),
    ]
    assert faults(made, "ConversationAgenda") == []
    assert (await (await person(people, "sam")).ask("GET", f"{PLAN}/$agenda")).status_code == 404


async def test_the_agenda_has_what_programmes_leave_to_people(people: Hub) -> None:
    els = await person(people, "els")
    for programme in ("diabetes-type-2", "copd"):
        await els.post(f"PlanDefinition/{programme}/$apply", parameters(plan=PLAN))
    assert ("Te beslissen", None) in topics(await els.get(f"{PLAN}/$agenda"))


async def test_the_agenda_says_who_is_to_be_invited(people: Hub) -> None:
    made = await (await person(people, "els")).get(f"{PLAN}/$agenda")
    assert made["note"] == [
        {"text": "Uit te nodigen (to invite): Patient/anna, PractitionerRole/rol-els, Organization/thuiszorg"}
    ]
    assert faults(made, "ConversationAgenda") == []


async def test_a_meeting_invites_the_patient(people: Hub) -> None:
    els = await person(people, "els")
    planned = meeting(PLAN, "Patient/anna", "RelatedPerson/mia")
    made = await els.post("Appointment", planned)
    assert faults(made, "CareMeeting") == []
    without = {**planned, "participant": [{"actor": to("PractitionerRole/rol-els"), "status": "accepted"}]}
    refused = await els.post("Appointment", without, 403)
    assert "participant.actor" in refused["issue"][0]["details"]["text"]


async def test_minutes_and_decisions_with_owner_and_date_are_written_together_or_not(people: Hub) -> None:
    els = await person(people, "els")
    await write(people, {**meeting(PLAN, "Patient/anna"), "id": "overleg", "status": "fulfilled"})
    decision = task("besluit", code=code("task", "mdo-besluit"), requester=to("PractitionerRole/rol-els"))
    decision |= {"description": "Elke dag komen in mei.", "reasonReference": to("Appointment/overleg")}
    del decision["id"]

    def told(name: str, text: str, **more: Any) -> Json:
        div = f'<div xmlns="http://www.w3.org/1999/xhtml"><p>{text}</p></div>'
        narrative = {"status": "generated", "div": div}
        return {"title": name, "code": code("document-section", name), "text": narrative, **more}

    minutes: Json = {
        "resourceType": "Composition",
        "status": "final",
        "type": code("document-type", "mdo-verslag"),
        "subject": ANNA,
        "date": "2026-03-03",
        "author": [to("PractitionerRole/rol-els")],
        "title": "Verslag",
        "event": [{"detail": [to("Appointment/overleg")]}],
        "section": [
            told("aanwezig", "Anna en Els."),
            told("besproken", "De vakantie."),
            told(
                "besluiten",
                "Elke dag komen.",
                entry=[{"reference": "urn:uuid:5a1e4e0c-27b4-4dca-b4a5-0c8b1e0f7a11"}],
            ),
        ],
    }

    def bundle(task: Json) -> Json:
        entries = [
            {
                "fullUrl": DECIDED,
                "resource": task,
                "request": {"method": "POST", "url": "Task"},
            },
            {"resource": minutes, "request": {"method": "POST", "url": "Composition"}},
        ]
        return {"resourceType": "Bundle", "type": "transaction", "entry": entries}

    await els.post("", bundle(decision), 422)
    assert (await els.get("Composition?subject=Patient/anna&_summary=count"))["total"] == 0
    await els.post("", bundle({**decision, "restriction": {"period": {"end": "2026-05-01"}}}), 200)
    (written,) = (await els.get("Composition?subject=Patient/anna"))["entry"]
    assert faults(written["resource"], "MeetingMinutes") == []
    (decided,) = (await els.get("Task?based-on=CarePlan/plan&code=mdo-besluit"))["entry"]
    assert faults(decided["resource"], "MeetingDecision") == []


async def test_a_message_goes_to_who_takes_part_in_the_own_name(people: Hub) -> None:
    els = await person(people, "els")
    made = await els.post(
        "Communication", message("PractitionerRole/rol-els", "Organization/thuiszorg", extension=[ANSWER_BY])
    )
    assert faults(made, "PlanMessage") == []
    await els.post("Communication", message("PractitionerRole/rol-els", "Organization/andere"), 422)
    await els.post("Communication", message("Organization/thuiszorg", "Patient/anna"), 422)
    await els.post("Communication", message("PractitionerRole/rol-els", "RelatedPerson/mia"), 422)
    without_plan = message("PractitionerRole/rol-els", "Organization/andere")
    del without_plan["basedOn"]
    await els.post("Communication", without_plan, 422)
    answer = message(
        "Organization/thuiszorg", "PractitionerRole/rol-els", inResponseTo=[to(f"Communication/{made['id']}")]
    )
    wil = await person(people, "wil")
    elsewhere = {**message("Organization/thuiszorg", "PractitionerRole/rol-els"), "id": "elders"}
    await write(people, {**elsewhere, "basedOn": [to("CarePlan/plan-bert")]})
    await wil.post("Communication", {**answer, "inResponseTo": [to("Communication/elders")]}, 422)
    await wil.post("Communication", answer)
    assert ("Vraag zonder antwoord", f"Communication/{made['id']}") not in topics(
        await els.get(f"{PLAN}/$agenda")
    )


def segment(**more: Any) -> Json:
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": code("observation", "segment"),
        "subject": ANNA,
        "focus": [to(PLAN)],
        "effectiveDateTime": "2026-02-02",
        "performer": [to("PractitionerRole/rol-jan")],
        "valueCodeableConcept": code("plan-segment", "complex"),
        "component": [
            {
                "code": code("observation", "segment-reden"),
                "valueCodeableConcept": code("segment-reason", "meer-aandoeningen"),
            }
        ],
        **more,
    }


async def test_a_person_chooses_the_segment_with_a_reason_and_earlier_choices_stay(people: Hub) -> None:
    jan = await person(people, "jan")
    made = await jan.post("Observation", segment())
    assert faults(made, "SegmentAssignment") == []
    await jan.post("Observation", segment(component=[]) | {"component": [{"code": {"text": "x"}}]}, 422)
    await jan.post("Observation", segment(performer=[to("Organization/praktijk")]), 422)
    await jan.put({**made, "valueCodeableConcept": code("plan-segment", "eenvoudig")}, 422)
    await jan.put({**made, "code": {"text": "Iets anders"}}, 422)
    await jan.post("Observation", segment(valueCodeableConcept=code("plan-segment", "eenvoudig")))
    kept = await stored(people, "Observation", made["id"])
    assert kept["valueCodeableConcept"] == code("plan-segment", "complex")

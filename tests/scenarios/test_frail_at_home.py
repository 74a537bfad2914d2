"""A frail person at home: from the first conversation to a meeting, and a doctor who comes at night."""

from __future__ import annotations

from typing import Any

from fhirhub.resources import guide
from tests.auth.builders import Json, write
from tests.careplan.neighbourhood import Neighbourhood
from tests.careplan.people import Person
from tests.careplan.resources import ANNA, BSN, PATIENT, code, meeting, to
from tests.scenarios.telling import code_of, found, newcomer, sees

PRACTICE, NURSING, POST = "Organization/praktijk", "Organization/thuiszorg", "Organization/post"
SHORT = guide.url("Questionnaire", "positieve-gezondheid-kort") + "|0.1.0"
WORDS = "Zelf weer naar de markt kunnen"


async def test_a_frail_person_at_home_from_first_conversation_to_a_night_visit(street: Neighbourhood) -> None:
    post = await newcomer(street.hub, "hanna", "post", "hap-arts")
    plan = await jan_starts_a_plan_with_els(street)
    await els_asks_anna_some_questions_before_the_visit(street, plan)
    await anna_answers_at_home_and_her_web_is_drawn(street)
    goal = await anna_says_in_her_own_words_what_she_wants(street)
    await els_puts_it_into_the_plan_and_cannot_change_annas_words_unseen(street, plan, goal)
    await district_nursing_is_asked_and_anna_agrees(street, plan)
    await subjects_come_on_the_agenda(street, plan)
    meeting = await els_invites_anna_and_her_daughter_to_a_meeting(street, plan)
    decided = await minutes_and_a_decision_with_owner_and_date_are_written_together(street, plan, meeting)
    await wil_takes_the_decision_on_her(street, decided)
    await jan_writes_how_to_get_in_and_what_was_agreed(street)
    await the_practice_says_which_post_covers(street)
    await the_doctor_of_the_post_sees_nothing_until_anna_calls(post, plan)
    await at_night_the_doctor_opens_annas_record_and_reads_the_summary(post, plan)
    await the_doctor_reports_and_asks_the_practice_to_look_in(post, plan)
    await in_the_morning_anna_and_the_practice_know_of_it(street)


async def jan_starts_a_plan_with_els(street: Neighbourhood) -> str:
    plan = await street.plan("jan", description="Een gesprek over hoe het thuis gaat.")
    assert await street.members(plan) == [PATIENT, "PractitionerRole/rol-jan"]
    return plan


async def els_asks_anna_some_questions_before_the_visit(street: Neighbourhood, plan: str) -> None:
    visit = {"period": {"end": "2026-12-01"}}
    asked = {"type": code("task-part", "vragenlijst"), "valueCanonical": SHORT}
    await street.place(
        "els", PATIENT, code=code("task", "vragenlijst"), basedOn=[to(plan)], input=[asked], restriction=visit
    )


async def anna_answers_at_home_and_her_web_is_drawn(street: Neighbourhood) -> None:
    anna = await street.as_("anna")
    (task,) = [
        one
        for one in await found(anna, f"Task?owner={PATIENT}&status=requested")
        if code_of(one) == "vragenlijst"
    ]
    marks = {"lichaamsfuncties": 4, "zingeving": 7, "meedoen": 3, "dagelijks-functioneren": 5}
    answers: Json = {
        "resourceType": "QuestionnaireResponse",
        "status": "completed",
        "questionnaire": task["input"][0]["valueCanonical"],
        "authored": "2026-11-22T10:00:00+01:00",
        **dict.fromkeys(("subject", "author", "source"), ANNA),
        "item": [{"linkId": name, "answer": [{"valueInteger": mark}]} for name, mark in marks.items()],
    }
    response = await anna.post("QuestionnaireResponse", answers)
    done = await (await street.as_("els")).get(f"Task/{task['id']}")
    assert done["status"] == "completed"
    assert done["output"][0]["valueReference"]["reference"] == f"QuestionnaireResponse/{response['id']}"
    web = await (await street.as_("els")).get("Patient/anna/$spider")
    (series,) = [one["part"] for one in web["parameter"] if one["name"] == "series"]
    assert {"name": "source", "valueCode": "self"} in series
    assert len([one for one in series if one["name"] == "point"]) == len(marks)
    picture = await anna.ask("GET", "Patient/anna/$spider", Accept="image/svg+xml")
    assert picture.headers["content-type"].startswith("image/svg+xml")


async def anna_says_in_her_own_words_what_she_wants(street: Neighbourhood) -> Json:
    wanted: Json = {
        "resourceType": "Goal",
        "lifecycleStatus": "proposed",
        "category": [code("positive-health-dimension", "meedoen")],
        "description": {"text": WORDS},
        "subject": ANNA,
        "expressedBy": ANNA,
        "startDate": "2026-11-22",
    }
    return await (await street.as_("anna")).post("Goal", wanted)


async def els_puts_it_into_the_plan_and_cannot_change_annas_words_unseen(
    street: Neighbourhood, plan: str, goal: Json
) -> None:
    els, anna = await street.as_("els"), await street.as_("anna")
    read = await els.get(plan)
    await els.put({**read, "goal": [to(f"Goal/{goal['id']}")]})
    now_there = await els.get(f"Goal/{goal['id']}")
    await els.put({**now_there, "description": {"text": "Mobiliteit verbeteren"}})
    told = await found(anna, f"Communication?recipient={PATIENT}")
    (about,) = [one for one in told if WORDS in one["payload"][0]["contentString"]]
    assert "Mobiliteit verbeteren" in about["payload"][0]["contentString"]
    versions = await found(anna, f"Goal/{goal['id']}/_history")
    assert versions[-1]["description"]["text"] == WORDS
    mine = await anna.get(f"Goal/{goal['id']}")
    restored = await anna.put({**mine, "description": {"text": WORDS}})
    assert restored["expressedBy"] == ANNA


async def district_nursing_is_asked_and_anna_agrees(street: Neighbourhood, plan: str) -> None:
    anna, wil = await street.as_("anna"), await street.as_("wil")
    task = await street.place(
        "els", NURSING, basedOn=[to(plan)], description="Elke ochtend hulp bij het wassen."
    )
    assert task["status"] == "received"
    assert not await sees(wil, plan)
    await street.move("wil", task, "accepted", 422)
    (question,) = [
        one
        for one in await found(anna, f"Task?owner={PATIENT}&status=requested")
        if code_of(one) == "toestemming-vragen"
    ]
    await street.move("anna", question, "completed")
    await street.move("wil", task, "accepted")
    assert await sees(wil, plan)
    assert NURSING in await street.members(plan)


async def subjects_come_on_the_agenda(street: Neighbourhood, plan: str) -> None:
    anna, wil = await street.as_("anna"), await street.as_("wil")
    agenda: Json = {
        "resourceType": "List",
        "status": "current",
        "mode": "working",
        "code": code("document-type", "agenda"),
        "subject": ANNA,
        "entry": [{"item": {"display": "Wie komt er met kerst?"}}],
    }
    made = await anna.post("List", agenda)
    more = {
        "resourceType": "Parameters",
        "parameter": [
            {
                "name": "operation",
                "part": [
                    {"name": "type", "valueCode": "add"},
                    {"name": "path", "valueString": "List"},
                    {"name": "name", "valueString": "entry"},
                    {
                        "name": "value",
                        "part": [{"name": "item", "valueReference": {"display": "De enkels zijn dikker"}}],
                    },
                ],
            }
        ],
    }
    answer = await wil.ask("PATCH", f"List/{made['id']}", more)
    assert answer.status_code == 200, answer.text
    open_now = await wil.get(f"{plan}/$agenda")
    shown = [one["item"].get("display") for one in open_now["entry"]]
    assert shown[:2] == ["Wie komt er met kerst?", "De enkels zijn dikker"]


async def els_invites_anna_and_her_daughter_to_a_meeting(street: Neighbourhood, plan: str) -> str:
    who = (PATIENT, "RelatedPerson/mia", "PractitionerRole/rol-els", "PractitionerRole/rol-wil")
    planned = meeting(plan, *who)
    els = await street.as_("els")
    made = await els.post("Appointment", planned)
    await els.post("Appointment", {**planned, "participant": planned["participant"][2:]}, 403)
    for name in ("anna", "wil"):
        assert await sees(await street.as_(name), f"Appointment/{made['id']}")
    return f"Appointment/{made['id']}"


async def minutes_and_a_decision_with_owner_and_date_are_written_together(
    street: Neighbourhood, plan: str, meeting: str
) -> Json:
    els = await street.as_("els")
    decision: Json = {
        "resourceType": "Task",
        "status": "requested",
        "intent": "order",
        "code": code("task", "mdo-besluit"),
        "description": "Wil loopt elke dinsdag met Anna naar de markt.",
        "basedOn": [to(plan)],
        "for": ANNA,
        "requester": to("PractitionerRole/rol-els"),
        "owner": to(NURSING),
        "reasonReference": to(meeting),
        "restriction": {"period": {"end": "2026-12-15"}},
    }
    new = "urn:uuid:5a1e4e0c-27b4-4dca-b4a5-0c8b1e0f7a11"
    minutes: Json = {
        "resourceType": "Composition",
        "status": "final",
        "type": code("document-type", "mdo-verslag"),
        "subject": ANNA,
        "date": "2026-12-03",
        "author": [to("PractitionerRole/rol-els")],
        "title": "Verslag",
        "event": [{"detail": [to(meeting)]}],
        "section": [
            section("aanwezig", "Anna, Mia, Els en Wil."),
            section("besproken", "De markt, en kerst."),
            section("besluiten", "Elke dinsdag naar de markt.", entry=[to(new)]),
        ],
    }
    without = {name: value for name, value in decision.items() if name != "restriction"}
    await els.post("", transaction((new, without), (None, minutes)), 422)
    await els.post("", transaction((new, decision), (None, minutes)), 200)
    (decided,) = await found(els, f"Task?based-on={plan}&code=mdo-besluit")
    return decided


def section(name: str, text: str, **more: Any) -> Json:
    div = f'<div xmlns="http://www.w3.org/1999/xhtml"><p>{text}</p></div>'
    narrative = {"status": "generated", "div": div}
    return {"title": name, "code": code("document-section", name), "text": narrative, **more}


def transaction(*entries: tuple[str | None, Json]) -> Json:
    made = []
    for url, resource in entries:
        entry = {"resource": resource, "request": {"method": "POST", "url": resource["resourceType"]}}
        made.append({"fullUrl": url, **entry} if url else entry)
    return {"resourceType": "Bundle", "type": "transaction", "entry": made}


async def wil_takes_the_decision_on_her(street: Neighbourhood, decided: Json) -> None:
    await street.move("wil", decided, "accepted")
    (own,) = await found(await street.as_("anna"), f"Task?owner={NURSING}&code=mdo-besluit")
    assert own["status"] == "accepted"


async def jan_writes_how_to_get_in_and_what_was_agreed(street: Neighbourhood) -> None:
    summary: Json = {
        "resourceType": "Composition",
        "status": "final",
        "date": "2026-12-04",
        "title": "Crisissamenvatting",
        "type": code("document-type", "crisissamenvatting"),
        "subject": ANNA,
        "author": [to("PractitionerRole/rol-jan")],
        "section": [section("toegang", "De sleutel ligt bij nummer 14.")],
    }
    await (await street.as_("jan")).post("Composition", summary)


async def the_practice_says_which_post_covers(street: Neighbourhood) -> None:
    hours: Json = {
        "resourceType": "HealthcareService",
        "id": "dienst",
        "providedBy": to(POST),
        "availableTime": [{"allDay": True}],
    }
    await write(street.hub, hours)
    cover: Json = {
        "resourceType": "OrganizationAffiliation",
        "active": True,
        "organization": to(PRACTICE),
        "participatingOrganization": to(POST),
        "code": [code("affiliation", "waarneming")],
        "healthcareService": [to("HealthcareService/dienst")],
    }
    await (await street.as_("jan")).post("OrganizationAffiliation", cover)


async def the_doctor_of_the_post_sees_nothing_until_anna_calls(post: Person, plan: str) -> None:
    for path in (PATIENT, plan, f"{PATIENT}/$crisis-summary"):
        assert not await sees(post, path), path


async def at_night_the_doctor_opens_annas_record_and_reads_the_summary(post: Person, plan: str) -> None:
    asked: list[Json] = [
        {"name": "identifier", "valueIdentifier": {"system": BSN, "value": "999911120"}},
        {"name": "reason", "valueCodeableConcept": {"text": "Benauwd, belt de post"}},
        {"name": "agreement", "valueCode": "now"},
    ]
    opened = await post.post("Patient/$open-contact", {"resourceType": "Parameters", "parameter": asked})
    assert {one["name"] for one in opened["parameter"]} >= {"patient", "until"}
    summary = await post.get(f"{PATIENT}/$crisis-summary")
    composition = summary["entry"][0]["resource"]
    assert len(composition["section"]) == 10
    assert "De sleutel ligt bij nummer 14." in str(composition)
    page = await post.ask("GET", f"{PATIENT}/$crisis-summary", Accept="application/pdf")
    assert page.content.startswith(b"%PDF")
    assert await sees(post, plan)


async def the_doctor_reports_and_asks_the_practice_to_look_in(post: Person, plan: str) -> None:
    report: Json = {
        "resourceType": "DocumentReference",
        "status": "current",
        "subject": ANNA,
        "content": [
            {"attachment": {"title": "Waarneembericht", "data": "QmVuYXV3ZC4=", "contentType": "text/plain"}}
        ],
    }
    await post.post("DocumentReference", report)
    ask: Json = {
        "resourceType": "Task",
        "status": "requested",
        "intent": "order",
        "code": code("task", "zorgvraag"),
        "description": "Wilt u vandaag langsgaan?",
        "basedOn": [to(plan)],
        "for": ANNA,
        "requester": to(POST),
        "owner": to(PRACTICE),
    }
    await post.post("Task", {**ask, "owner": to(NURSING)}, 403)
    await post.post("Task", ask)


async def in_the_morning_anna_and_the_practice_know_of_it(street: Neighbourhood) -> None:
    anna, jan = await street.as_("anna"), await street.as_("jan")
    for by, party in ((anna, PATIENT), (jan, PRACTICE)):
        told = [
            one["payload"][0]["contentString"] for one in await found(by, f"Communication?recipient={party}")
        ]
        assert [one for one in told if "Benauwd" in one], told
    (asked,) = await found(jan, f"Task?owner={PRACTICE}&requester={POST}")
    assert asked["description"] == "Wilt u vandaag langsgaan?"
    assert await found(jan, f"DocumentReference?patient={PATIENT}")
    assert "crisissamenvatting" in str(await anna.get("Patient/anna/$access-log"))

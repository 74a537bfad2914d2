"""The team grows across organisations with the patient's agreement alone (RULES R10, R13-R17)."""

from __future__ import annotations

from typing import Any

import pytest
import pytest_asyncio

from fhirhub.access import HUB
from fhirhub.auth import accounts
from fhirhub.careplan import agreement, ending
from fhirhub.repository import Repository, now
from fhirhub.resources import relations
from fhirhub.store.sql import Statement
from tests.auth.builders import Hub, Json, write
from tests.careplan.neighbourhood import Neighbourhood, asked, settle
from tests.careplan.people import person
from tests.careplan.resources import ANNA, PATIENT, code, consent, to

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

JAN, ELS, WIL = (f"PractitionerRole/rol-{name}" for name in ("jan", "els", "wil"))
NURSING, OTHERS, WELFARE = "Organization/thuiszorg", "Organization/andere", "Organization/welzijn"


@pytest_asyncio.fixture
async def here(hub: Hub) -> Neighbourhood:
    await settle(hub)
    return Neighbourhood(hub)


async def questions(here: Neighbourhood, *statuses: str) -> list[Json]:
    system = "https://fhirhub.example/fhir/CodeSystem/task"
    found = await here.find("Task", f"code={system}|toestemming-vragen")
    return [one for one in found if not statuses or one["status"] in statuses]


def reason(task: Json) -> str | None:
    found = task.get("statusReason")
    return None if found is None else str(found["coding"][0]["code"])


async def waiting(here: Neighbourhood, owner: str = NURSING, **more: Any) -> Json:
    task = await here.place("jan", owner, **more)
    assert (task["status"], reason(task)) == ("received", "awaiting-agreement")
    return task


async def test_a_task_across_organisations_waits_until_the_patient_agreed(here: Neighbourhood) -> None:
    task = await waiting(here)
    refused = await here.move("wil", task, "accepted", 422)
    assert refused["issue"][0]["code"] == "business-rule"
    (question,) = await questions(here)
    assert f"Task/{question['id']}" in refused["issue"][0]["details"]["text"]
    assert (question["owner"], question["focus"]) == (ANNA, to(f"Task/{task['id']}"))
    await here.move("anna", question, "completed")
    (made,) = await here.find("Consent", "status=active")
    assert made["provision"]["actor"][0]["reference"] == to(NURSING)
    assert made["performer"] == [ANNA]
    (told,) = await here.find("Provenance", f"target=Consent/{made['id']}")
    assert [one["who"] for one in told["agent"]] == [{"display": "fhirhub"}, ANNA]
    seen = await here.read(f"Task/{task['id']}")
    assert (seen["status"], reason(seen)) == ("received", None)
    await here.move("wil", task, "accepted")
    assert NURSING in await here.members(task["basedOn"][0]["reference"])


async def test_a_refusal_rejects_what_waits(here: Neighbourhood) -> None:
    task = await waiting(here)
    (question,) = await questions(here)
    await here.move("anna", question, "rejected")
    seen = await here.read(f"Task/{task['id']}")
    assert (seen["status"], reason(seen)) == ("rejected", "agreement-refused")
    assert await here.find("Consent", "status=active") == []
    # It is on record, and the owner reads why the Task stopped.
    assert (await here.find("Consent", "status=rejected"))[0]["provision"]["type"] == "permit"
    assert (await (await here.as_("wil")).get(f"Task/{task['id']}"))["status"] == "rejected"


async def test_what_the_patient_writes_completes_the_question(here: Neighbourhood) -> None:
    task = await waiting(here)
    await here.agree(NURSING)
    assert [one["status"] for one in await questions(here)] == ["completed"]
    await here.move("wil", task, "accepted")


async def test_what_a_professional_heard_completes_the_question(here: Neighbourhood) -> None:
    await waiting(here)
    heard = {**consent("permit", NURSING), "verification": [{"verified": True, "verifiedWith": ANNA}]}
    await (await here.as_("jan")).post("Consent", heard)
    assert [one["status"] for one in await questions(here)] == ["completed"]


async def test_what_was_loaded_counts_when_the_task_is_accepted(here: Neighbourhood) -> None:
    task = await waiting(here)
    await write(here.hub, {**consent("permit", NURSING), "id": "geladen"})
    await here.move("wil", task, "accepted")
    assert [one["status"] for one in await questions(here)] == ["completed"]


async def test_who_represents_the_patient_answers_in_their_own_name(here: Neighbourhood) -> None:
    role = {"coding": [{"system": "http://snomed.info/sct", "code": "310391000146105"}]}
    standing = consent("permit", "RelatedPerson/mia", period={"end": "2027-01-01"})
    standing["provision"]["actor"][0]["role"] = role
    standing["dateTime"] = "2026-11-01"
    await write(here.hub, {**standing, "id": "vertegenwoordiging"})
    wanted = {"username": "vera", "password": "geheim", "fhirUser": "RelatedPerson/mia"}
    await accounts.add(here.hub.realm, accounts.wanted({**wanted, "role": "wettelijk-vertegenwoordiger"}))
    task = await waiting(here)
    (question,) = await questions(here)
    vera = await person(here.hub, "vera", scope="patient/*.cruds", patient="anna")
    seen = await vera.get(f"Task/{question['id']}")
    await vera.put({**seen, "status": "completed"})
    (made,) = [
        one for one in await here.find("Consent", "status=active") if one["id"] != "vertegenwoordiging"
    ]
    assert made["performer"] == [to("RelatedPerson/mia")]
    await here.move("wil", task, "accepted")


async def test_an_agreement_that_names_nobody_covers_care_providers_only(here: Neighbourhood) -> None:
    everybody = consent("permit", NURSING)
    del everybody["provision"]["actor"]
    await (await here.as_("anna")).post("Consent", everybody)
    task = await here.place("jan", NURSING)
    assert task["status"] == "requested"
    await waiting(here, WELFARE, basedOn=task["basedOn"])


async def test_a_treatment_directive_decides_nothing(here: Neighbourhood) -> None:
    directive = consent("permit", NURSING)
    directive["scope"]["coding"][0]["code"] = "treatment"
    await write(here.hub, {**directive, "id": "wens"})
    await waiting(here)


async def test_within_an_organisation_that_takes_part_nobody_is_asked(here: Neighbourhood) -> None:
    task = await here.place("jan", ELS)
    assert task["status"] == "requested"
    await here.agree(NURSING)
    first = await here.place("jan", NURSING, basedOn=task["basedOn"])
    await here.move("wil", first, "accepted")
    assert (await here.place("wil", WIL, basedOn=task["basedOn"]))["status"] == "requested"
    assert await questions(here) == []


async def test_a_part_for_a_third_organisation_needs_agreement_too(here: Neighbourhood) -> None:
    await here.agree(NURSING)
    task = await here.place("jan", NURSING)
    part = await here.place("wil", OTHERS, for_=None, partOf=[to(f"Task/{task['id']}")])
    assert (part["status"], reason(part)) == ("received", "awaiting-agreement")
    assert (part["for"], part["basedOn"]) == (ANNA, task["basedOn"])
    assert (await here.move("ine", part, "accepted", 422))["issue"][0]["code"] == "business-rule"


async def test_in_an_emergency_the_hub_agrees_for_72_hours(here: Neighbourhood) -> None:
    hurry: Json = {"priority": "stat", "reasonCode": {"text": "Kan niet wachten"}}
    task = await here.place("jan", NURSING, **hurry)
    assert task["status"] == "requested"
    before = now()
    await here.move("wil", task, "accepted")
    (made,) = await here.find("Consent", "status=active")
    assert made["category"][1]["coding"][0]["code"] == "spoed"
    plan = task["basedOn"][0]["reference"]
    team = await here.read((await here.read(plan))["careTeam"][0]["reference"])
    (entry,) = [one for one in team["participant"] if one["member"] == to(NURSING)]
    until = relations.period(entry["period"])[1]
    assert 0 <= until - before - agreement.EMERGENCY_US < 60_000_000
    for who in (PATIENT, JAN):
        assert any("Spoed" in one["payload"][0]["contentString"] for one in await heard(here, who))
    # An agreement of the patient's own, by the Task that asks for it or another way, lets them stay.
    assert len(await questions(here, "requested")) == 1
    await here.agree(NURSING)
    assert NURSING in await here.members(plan)
    assert [one["status"] for one in await questions(here)] == ["completed"]
    team = await here.team(plan)
    assert all("end" not in one["period"] for one in team["participant"])


async def test_who_came_in_an_emergency_goes_when_the_patient_says_no(here: Neighbourhood) -> None:
    hurry: Json = {"priority": "stat", "reasonCode": {"text": "Kan niet wachten"}}
    task = await here.place("jan", NURSING, **hurry)
    await here.move("wil", task, "accepted")
    (question,) = await questions(here, "requested")
    await here.move("anna", question, "rejected")
    assert NURSING not in await here.members(task["basedOn"][0]["reference"])
    assert (await here.read(f"Task/{task['id']}"))["status"] == "cancelled"
    again = await here.place("jan", NURSING, basedOn=task["basedOn"], **hurry)
    await here.move("wil", again, "accepted", 422)


async def heard(here: Neighbourhood, who: str) -> list[Json]:
    return await here.find("Communication", f"recipient={who}")


async def test_after_72_hours_without_agreement_it_ends_by_itself(here: Neighbourhood) -> None:
    hurry: Json = {"priority": "stat", "reasonCode": {"text": "Kan niet wachten"}}
    task = await here.place("jan", NURSING, **hurry)
    await here.move("wil", task, "accepted")
    hub = Repository(here.hub.realm.tenant, HUB)
    rows = await here.hub.realm.tenant.database.fetch(
        Statement("SELECT kind, due FROM job WHERE kind = $1", (agreement.JOB,), ("text",))
    )
    (due,) = [int(row[1]) for row in rows]
    assert abs(due - now() - agreement.EMERGENCY_US) < 60_000_000
    later = due + 1_000_000
    await hub.together(lambda unit: agreement.look(unit.as_hub(), "anna", {NURSING}, later, "expired"))
    seen = await here.read(f"Task/{task['id']}")
    assert (seen["status"], reason(seen)) == ("cancelled", "participation-ended")
    assert [one["status"] for one in await questions(here)] == ["cancelled"]
    (message,) = await heard(here, NURSING)
    text = message["payload"][0]["contentString"]
    assert f"Task/{task['id']}" in text
    assert "subject" not in message


async def test_for_a_request_that_was_loaded_the_patient_is_asked_once_it_is_received(
    here: Neighbourhood,
) -> None:
    plan = (await here.place("jan", ELS))["basedOn"]
    await write(here.hub, {**asked("jan", NURSING, basedOn=plan), "id": "geladen"})
    refused = await here.move("wil", {"id": "geladen"}, "accepted", 422)
    assert "`received`" in refused["issue"][0]["details"]["text"]
    received = await here.move("wil", {"id": "geladen"}, "received")
    assert reason(received) == "awaiting-agreement"
    (question,) = await questions(here)
    await here.move("anna", question, "completed")
    await here.move("wil", received, "accepted")


async def test_an_emergency_without_a_reason_waits_and_its_owner_adds_none(here: Neighbourhood) -> None:
    task = await waiting(here, priority="stat")
    own = {"type": code("task-part", "reden"), "valueString": "Haast"}
    for status in ("received", "accepted"):
        refused = await here.move("wil", task, status, 403, input=[own])
        assert "requester" in refused["issue"][0]["details"]["text"]
    await here.move("jan", task, "received", input=[own])
    assert (await here.move("wil", task, "accepted"))["status"] == "accepted"


async def test_an_emergency_passes_no_block_and_no_refusal(here: Neighbourhood) -> None:
    hurry: Json = {"priority": "stat", "reasonCode": {"text": "Kan niet wachten"}}
    first = await waiting(here)
    (question,) = await questions(here)
    await here.move("anna", question, "rejected")
    again = await here.place("jan", NURSING, basedOn=first["basedOn"], **hurry)
    assert (await here.move("wil", again, "accepted", 422))["issue"][0]["code"] == "business-rule"
    await (await here.as_("anna")).post("Consent", consent("deny", OTHERS))
    blocked = await here.place("jan", OTHERS, basedOn=first["basedOn"], **hurry)
    assert (blocked["status"], reason(blocked)) == ("rejected", "agreement-refused")


async def test_a_block_ends_everything_at_once(here: Neighbourhood) -> None:
    await here.agree(NURSING)
    task = await here.place("jan", NURSING)
    plan = task["basedOn"][0]["reference"]
    await here.move("wil", task, "accepted")
    wil = await here.as_("wil")
    await wil.get(plan)
    await (await here.as_("anna")).post("Consent", consent("deny", NURSING))
    assert await here.members(plan) == [PATIENT, JAN]
    seen = await here.read(f"Task/{task['id']}")
    assert (seen["status"], reason(seen)) == ("cancelled", "participation-ended")
    for name in (plan, f"Task/{task['id']}", PATIENT):
        await wil.get(name, 404)
    for who in (PATIENT, JAN):
        (message,) = [one for one in await heard(here, who) if one.get("about")]
        assert message["about"] == [to(f"Task/{task['id']}")]
        assert "gestopt" in message["payload"][0]["contentString"]
    (message,) = await heard(here, NURSING)
    assert set(message) <= {
        "resourceType", "id", "meta", "status", "category", "priority", "sent", "sender", "recipient", "payload"
    }  # fmt: skip
    own = (await wil.get(f"Communication?recipient={NURSING}")).get("entry", [])
    assert [entry["resource"]["id"] for entry in own] == [message["id"]]


async def test_a_blocked_person_ends_and_their_organisation_stays(here: Neighbourhood) -> None:
    await here.agree(NURSING)
    task = await here.place("jan", WIL)
    plan = task["basedOn"][0]["reference"]
    await here.move("wil", task, "accepted")
    other = await here.place("jan", NURSING, basedOn=task["basedOn"])
    await here.move("wim", other, "accepted")
    await (await here.as_("anna")).post("Consent", consent("deny", "Practitioner/wil"))
    assert await here.members(plan) == [PATIENT, JAN, NURSING]
    assert (await here.read(f"Task/{other['id']}"))["status"] == "accepted"
    await (await here.as_("wil")).get(plan, 404)
    await (await here.as_("wim")).get(plan)


async def test_an_agreement_withdrawn_ends_who_joined_by_it(here: Neighbourhood) -> None:
    anna = await here.as_("anna")
    given = await anna.post("Consent", consent("permit", NURSING))
    task = await here.place("jan", NURSING)
    plan = task["basedOn"][0]["reference"]
    await here.move("wil", task, "accepted")
    await anna.put({**given, "status": "inactive"})
    assert await here.members(plan) == [PATIENT, JAN]
    assert (await here.read(f"Task/{task['id']}"))["status"] == "cancelled"


async def test_an_agreement_with_an_end_ends_the_participation_then(here: Neighbourhood) -> None:
    await (await here.as_("anna")).post("Consent", consent("permit", NURSING, period={"end": "2999-01-01"}))
    task = await here.place("jan", NURSING)
    await here.move("wil", task, "accepted")
    plan = await here.read(task["basedOn"][0]["reference"])
    team = await here.read(plan["careTeam"][0]["reference"])
    (entry,) = [one for one in team["participant"] if one["member"] == to(NURSING)]
    assert entry["period"]["end"].startswith("2999-01-01T23:59:59")


async def test_an_end_of_participation_of_nobody_does_nothing(here: Neighbourhood) -> None:
    hub = Repository(here.hub.realm.tenant, HUB)
    await here.place("jan", ELS)
    before = len(await here.find("Communication"))
    await hub.together(lambda unit: ending.end_participation(unit.as_hub(), "anna", OTHERS, "block", now()))
    assert len(await here.find("Communication")) == before


async def test_a_request_names_nobody_to_who_does_not_know_the_patient(here: Neighbourhood) -> None:
    jan = await here.as_("jan")
    for text, what in (
        ("Graag hulp voor mevrouw Voorbeeldstra", "name"),
        ("Anna wil naar huis", "name"),
        ("BSN 9999.11.120", "BSN"),
        ("geboren 2-3-1941", "birth date"),
        ("geb. 1941-03-02", "birth date"),
        ("bel 06-12345678", "phone number"),
        ("woont Proeflaan 12", "address"),
        ("1234bc", "address"),
    ):
        refused = await jan.post("Task", asked("jan", OTHERS, description=text), 422)
        assert what in refused["issue"][0]["details"]["text"], text
        assert refused["issue"][0]["expression"] == ["Task.description"]
    inside = {"type": code("task-part", "vraag"), "valueString": "Voor Anna Voorbeeldstra"}
    refused = await jan.post("Task", asked("jan", OTHERS, input=[inside]), 422)
    assert refused["issue"][0]["expression"] == ["Task.input[0].valueString"]
    letter = {"contentType": "text/plain", "data": "Vm9vciBtZXZyb3V3IFZvb3JiZWVsZHN0cmE="}
    for more, where in (
        ({"requester": to(JAN, display="Namens Voorbeeldstra")}, "requester.display"),
        ({"owner": to(OTHERS, display="Voor Voorbeeldstra")}, "owner.display"),
        ({"meta": {"tag": [{"code": "x", "display": "Voorbeeldstra"}]}}, "meta.tag[0].display"),
        ({"input": [{"type": inside["type"], "valueAttachment": letter}]}, "input[0].valueAttachment.data"),
    ):
        refused = await jan.post("Task", asked("jan", OTHERS) | more, 422)
        assert refused["issue"][0]["expression"] == [f"Task.{where}"]
    plan = (await here.place("jan", ELS))["basedOn"]
    own = {"requester": to(PATIENT, display="Anna Voorbeeldstra"), "basedOn": plan}
    await (await here.as_("anna")).post("Task", asked("anna", OTHERS) | own, 422)
    # Who is called as the patient is may say so.
    await here.put({**await here.read(OTHERS), "name": "Thuiszorg Voorbeeldstra"})
    named = asked("jan", OTHERS) | {"owner": to(OTHERS, display="Thuiszorg Voorbeeldstra")}
    assert (await jan.post("Task", named))["id"]
    triage = [
        {"type": code("task-part", "geboortejaar"), "valueInteger": 1941},
        {"type": code("task-part", "geslacht"), "valueCode": "female"},
        {"type": code("task-part", "postcode4"), "valueString": "1234"},
        {"type": code("task-part", "vraag"), "valueString": "Hulp bij douchen, tweemaal per week"},
    ]
    task = await here.place("jan", OTHERS, input=triage)
    seen = await (await here.as_("ine")).get(f"Task/{task['id']}")
    assert seen["input"] == triage
    # Who takes part knows whom it is about.
    assert (await here.place("jan", ELS, description="Anna bellen"))["status"] == "requested"


async def test_welfare_reads_its_task_and_after_acceptance_whom_to_call(here: Neighbourhood) -> None:
    await here.agree(WELFARE)
    task = await here.place("jan", WELFARE, code=code("task", "welzijn-op-recept"))
    sam = await here.as_("sam")
    assert (await sam.get(f"Task/{task['id']}"))["for"] == ANNA
    await sam.get(PATIENT, 404)
    await here.move("sam", task, "accepted")
    seen = await sam.get(PATIENT)
    assert seen["telecom"]
    assert "birthDate" not in seen
    plan = task["basedOn"][0]["reference"]
    await sam.get(plan, 404)
    assert WELFARE in await here.members(plan)

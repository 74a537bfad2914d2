"""Which Task goes from which state to which, and who moves it (RULES R7, R22, R27-R29)."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import pytest_asyncio

from fhirhub import searchparameters
from fhirhub.resources import guide
from tests.auth.builders import Hub, Json, write
from tests.careplan.neighbourhood import Neighbourhood, asked, settle
from tests.careplan.resources import ANNA, BSN, PATIENT, code, organization, to

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

JAN, ELS, WIL = (f"PractitionerRole/rol-{name}" for name in ("jan", "els", "wil"))
NURSING, OTHERS = "Organization/thuiszorg", "Organization/andere"


@pytest_asyncio.fixture
async def here(hub: Hub) -> Neighbourhood:
    await settle(hub)
    made = Neighbourhood(hub)
    await made.agree(NURSING)
    return made


def told(outcome: Json) -> tuple[str, str]:
    issue = outcome["issue"][0]
    return issue["code"], issue["details"]["text"]


def affiliated(to_it: str) -> Json:
    return {
        "resourceType": "OrganizationAffiliation",
        "id": "ook",
        "organization": to(NURSING),
        "participatingOrganization": to(to_it),
        "healthcareService": [to("HealthcareService/wachtrij")],
    }


async def test_the_owner_goes_through_the_states_and_no_further(here: Neighbourhood) -> None:
    task = await here.place("jan", NURSING)
    for status in ("received", "accepted", "on-hold", "in-progress", "on-hold", "completed"):
        task = await here.move("wil", task, status)
        assert task["status"] == status
    for status in ("in-progress", "cancelled", "entered-in-error"):
        found, text = told(await here.move("jan", task, status, 422))
        assert found == "business-rule"
        assert "has ended as `completed`" in text
    refused = await here.move("wil", task, "completed", 422, owner=to(WIL))
    assert refused["issue"][0]["expression"] == ["Task.owner"]


async def test_a_refused_move_names_the_states_that_would_be_right(here: Neighbourhood) -> None:
    task = await here.place("jan", NURSING)
    found, text = told(await here.move("wil", task, "in-progress", 422))
    assert found == "business-rule"
    assert all(f"`{status}`" in text for status in ("received", "accepted", "rejected", "cancelled"))
    accepted = await here.move("wil", task, "accepted")
    _, text = told(await here.move("jan", accepted, "entered-in-error", 422))
    assert "entered-in-error" not in text.partition("; not to")[0]


async def test_a_move_of_another_person_is_forbidden(here: Neighbourhood) -> None:
    task = await here.place("jan", NURSING)
    assert told(await here.move("jan", task, "accepted", 403))[0] == "forbidden"
    assert told(await here.move("wil", task, "cancelled", 403))[0] == "forbidden"
    # Els is of the requester's practice: rights are the organisation's.
    assert (await here.move("els", task, "cancelled"))["status"] == "cancelled"


async def test_a_task_begins_as_draft_or_requested(here: Neighbourhood) -> None:
    jan = await here.as_("jan")
    refused = await jan.post("Task", {**asked("jan", NURSING), "status": "accepted"}, 422)
    assert "`draft` or `requested`" in told(refused)[1]


@pytest.mark.parametrize(
    ("element", "value"),
    [
        ("requester", to(ELS)),
        ("owner", to(OTHERS)),
        ("basedOn", []),
        ("partOf", [to("Task/other")]),
        ("for", to("Patient/bert")),
        ("intent", "plan"),
    ],
)
async def test_what_is_fixed_does_not_change(here: Neighbourhood, element: str, value: Any) -> None:
    await here.agree(OTHERS)
    other = await here.place("jan", NURSING)
    await here.as_("jan")
    if element == "partOf":
        task = await here.place("jan", NURSING, basedOn=other["basedOn"], partOf=[to(f"Task/{other['id']}")])
        value = [to(f"Task/{(await here.place('jan', NURSING))['id']}")]
    else:
        task = other
    changed = {**task, element: value}
    if not value:
        del changed[element]
    refused = await (await here.as_("jan")).put(changed, 422)
    assert refused["issue"][0]["code"] == "business-rule"
    if element != "for":  # Whom a resource is about no write changes, whatever its type.
        assert refused["issue"][0]["expression"] == [f"Task.{element}"]


@pytest.mark.parametrize("owner", [None, {"display": "Iemand"}, {"identifier": {"value": "1"}}])
async def test_a_draft_is_asked_of_somebody_here_alone(here: Neighbourhood, owner: Json | None) -> None:
    jan = await here.as_("jan")
    content = asked("jan", NURSING, status="draft") | {"owner": owner}
    drafted = await jan.post("Task", {name: value for name, value in content.items() if value is not None})
    refused = await jan.put({**drafted, "status": "requested"}, 422)
    assert refused["issue"][0]["expression"] == ["Task.owner"]
    # Whom it is asked of may be told with it, by their own number too.
    ura = {"system": "http://fhir.nl/fhir/NamingSystem/ura", "value": "90091000"}
    await write(here.hub, {**await here.read(NURSING), "identifier": [ura]})
    made = await jan.put({**drafted, "status": "requested", "owner": {"identifier": ura}})
    assert made["owner"] == {"identifier": ura, "reference": NURSING}
    assert made["basedOn"]


async def test_a_draft_is_placed_where_its_requester_may_place_one(here: Neighbourhood) -> None:
    plan = (await here.place("jan", NURSING))["basedOn"]
    ended = await here.place("jan", NURSING, basedOn=plan)
    await here.move("wil", ended, "accepted")
    drafted = await here.place("wil", WIL, draft=True)
    await here.move("wil", ended, "completed")
    refused = await here.move("wil", drafted, "requested", 403, basedOn=plan)
    assert told(refused)[0] == "forbidden"


@pytest.mark.parametrize(
    "whom",
    [
        to("https://elders.example/fhir/Patient/anna"),
        {"display": "Anna"},
        to(PATIENT, identifier={"system": BSN, "value": "999900109"}),
    ],
)
async def test_whom_a_task_is_for_is_one_patient_of_this_hub(here: Neighbourhood, whom: Json) -> None:
    refused = await here.place("jan", NURSING, 422, for_=whom)
    assert refused["issue"][0]["expression"] == ["Task.for"]
    assert await here.find("Task") == []


async def test_another_server_is_referred_to_where_its_host_is_listed(
    here: Neighbourhood, monkeypatch: pytest.MonkeyPatch
) -> None:
    focus = to("https://elders.example/fhir/Condition/1")
    refused = await here.place("jan", NURSING, 422, focus=focus)
    assert refused["issue"][0]["expression"] == ["Task.focus"]
    assert "FHIRHUB_FETCH_ALLOW" in told(refused)[1]
    monkeypatch.setattr(here.hub.realm.tenant, "fetch_allow", ("elders.example",))
    task = await here.place("jan", NURSING, focus=focus)
    monkeypatch.undo()
    # What stands there already stays.
    await here.move("wil", task, "accepted")


async def test_who_sees_a_task_in_part_changes_nothing_they_were_not_shown(here: Neighbourhood) -> None:
    whom = to(PATIENT, display="Anna Voorbeeldstra", identifier={"system": BSN, "value": "999911120"})
    task = await here.place("jan", OTHERS, for_=whom)
    ine = await here.as_("ine")
    seen = await ine.get(f"Task/{task['id']}")
    assert seen["for"] == ANNA
    answer = await ine.put({**seen, "for": to(PATIENT, display="Iemand"), "note": [{"text": "Gezien"}]})
    assert answer["for"] == ANNA
    assert (await here.read(f"Task/{task['id']}"))["for"] == whom
    del seen["for"]
    assert told(await ine.put(seen, 422))[0] == "business-rule"


async def test_a_write_of_any_kind_changes_nothing_in_lists_that_was_not_shown(here: Neighbourhood) -> None:
    bsn = {"system": BSN, "value": "999911120"}
    await here.agree("Organization/welzijn")
    task = await here.place("jan", "Organization/welzijn")
    await here.move("sam", task, "accepted")
    path = f"Task/{task['id']}"
    whole = {
        **await here.read(path),
        "input": [
            {"type": {"text": "wie"}, "valueIdentifier": bsn},
            {"type": {"text": "wat"}, "valueString": "x"},
        ],
        "note": [{"text": "Een", "authorReference": to(PATIENT, identifier=bsn)}],
    }
    await write(here.hub, whole)
    sam = await here.as_("sam")

    async def by_put(note: Json) -> int:
        seen = await sam.get(path)
        return (await sam.update({**seen, "note": [*seen["note"], note]})).status_code

    async def by_transaction(note: Json) -> int:
        seen = await sam.get(path)
        new = {**seen, "note": [note, *seen["note"]]}
        entry = {"resource": new, "request": {"method": "PUT", "url": path}}
        bundle = {"resourceType": "Bundle", "type": "transaction", "entry": [entry]}
        return (await sam.ask("POST", "", bundle)).status_code

    async def by_json_patch(note: Json) -> int:
        operation = [{"op": "add", "path": "/note/0", "value": note}]
        kind = {"Content-Type": "application/json-patch+json"}
        return (await sam.ask("PATCH", path, operation, **kind)).status_code

    async def by_fhirpath(note: Json) -> int:
        parts = [
            {"name": "type", "valueCode": "add"},
            {"name": "path", "valueString": "Task"},
            {"name": "name", "valueString": "note"},
            {"name": "value", "valueAnnotation": note},
        ]
        operation = {"name": "operation", "part": parts}
        return (
            await sam.ask("PATCH", path, {"resourceType": "Parameters", "parameter": [operation]})
        ).status_code

    for way in (by_put, by_transaction, by_json_patch, by_fhirpath):
        assert await way({"text": way.__name__}) == 200, way
        assert "999911120" not in (await sam.read(path)).text
        found = await here.read(path)
        assert found["input"] == whole["input"]
        assert [one for one in found["note"] if "authorReference" in one] == whole["note"]
    assert len(found["note"]) == 5


async def test_the_owner_changes_neither_what_is_asked_nor_how_urgently(here: Neighbourhood) -> None:
    task = await here.place("jan", NURSING)
    wil = await here.as_("wil")
    seen = await wil.get(f"Task/{task['id']}")
    seen["meta"].pop("tag", None)
    assert told(await wil.put({**seen, "priority": "stat"}, 403))[0] == "forbidden"
    assert told(await wil.put({**seen, "code": code("task", "overname")}, 403))[0] == "forbidden"
    assert (await wil.put({**seen, "note": [{"text": "Morgen"}]}))["note"]


async def test_who_is_no_party_of_a_task_changes_nothing_of_it(here: Neighbourhood) -> None:
    await here.agree(OTHERS)
    task = await here.place("jan", NURSING)
    other = await here.place("jan", OTHERS, basedOn=task["basedOn"])
    await here.move("wil", task, "accepted")
    wil = await here.as_("wil")
    seen = await wil.get(f"Task/{other['id']}")
    assert told(await wil.put({**seen, "note": [{"text": "Ik ook"}]}, 403))[0] == "forbidden"


async def test_the_requester_is_who_places_it(here: Neighbourhood) -> None:
    jan = await here.as_("jan")
    for wrong in (WIL, "Organization/andere", None):
        refused = await jan.post("Task", asked("jan", NURSING, requester=to(wrong) if wrong else None), 422)
        assert refused["issue"][0]["expression"] == ["Task.requester"]
    elsewhere = asked("jan", NURSING, requester=to("https://elders.example/fhir/Organization/1"))
    assert told(await jan.post("Task", elsewhere, 422))[0] == "business-rule"
    assert (await jan.post("Task", asked("jan", NURSING, requester=to("Organization/praktijk"))))["id"]


async def test_an_owner_may_be_named_by_the_own_number_alone(here: Neighbourhood) -> None:
    ura = {"system": "http://fhir.nl/fhir/NamingSystem/ura", "value": "90091000"}
    await write(here.hub, {**await here.read(NURSING), "identifier": [ura]})
    task = await (await here.as_("jan")).post("Task", {**asked("jan", NURSING), "owner": {"identifier": ura}})
    assert task["owner"] == {"identifier": ura, "reference": NURSING}
    unknown = {"identifier": {**ura, "value": "1"}}
    refused = await (await here.as_("jan")).post("Task", {**asked("jan", NURSING), "owner": unknown}, 422)
    assert refused["issue"][0]["expression"] == ["Task.owner"]


async def test_a_task_for_somebody_unknown_or_unseen_is_refused_alike(here: Neighbourhood) -> None:
    wil = await here.as_("wil")
    answers = [
        await wil.post("Task", asked("wil", NURSING, for_=to(whom)), 422)
        for whom in (PATIENT, "Patient/niemand")
    ]
    assert told(answers[0])[0] == told(answers[1])[0] == "not-found"
    assert await here.find("CarePlan") == []


async def test_only_participants_place_a_task_on_a_plan(here: Neighbourhood) -> None:
    task = await here.place("jan", NURSING)
    accepted = await here.move("wil", task, "accepted")
    further = await here.place("wil", JAN, basedOn=task["basedOn"])
    assert further["status"] == "requested"
    assert (await here.place("anna", JAN, basedOn=task["basedOn"]))["id"]
    await here.move("wil", accepted, "completed")
    # She reads it still, and asks nothing any more (R8).
    await (await here.as_("wil")).get(task["basedOn"][0]["reference"])
    assert told(await here.place("wil", JAN, 422, basedOn=task["basedOn"]))[0] in ("not-found", "forbidden")


async def test_the_patient_begins_no_plan(here: Neighbourhood) -> None:
    refused = await here.place("anna", JAN, 422)
    assert refused["issue"][0]["expression"] == ["Task.basedOn"]


async def test_what_the_hub_alone_asks_nobody_forges(here: Neighbourhood) -> None:
    refused = await here.place("jan", PATIENT, 422, code=code("task", "toestemming-vragen"))
    assert refused["issue"][0]["expression"] == ["Task.code"]


async def test_a_task_of_a_queue_is_ready_by_itself_and_claimed_once(here: Neighbourhood) -> None:
    task = await here.place("jan", "HealthcareService/wachtrij")
    assert task["status"] == "requested"
    await here.agree("HealthcareService/wachtrij")
    assert (await here.read(f"Task/{task['id']}"))["status"] == "ready"
    for status in ("rejected", "in-progress", "completed"):
        found, text = told(await here.move("wil", task, status, 422))
        assert found == "business-rule"
        assert "`accepted`" in text
    # An owner that is not who claims, or without acceptance, is none.
    assert told(await here.move("wil", task, "accepted", 422, owner=to(OTHERS)))[0] == "business-rule"
    assert told(await here.move("wil", task, "ready", 422, owner=to(NURSING)))[0] == "business-rule"
    triaged = await here.move("wil", task, "ready", businessStatus=code("triage-urgency", "vandaag"))
    assert triaged["businessStatus"]
    claimed = await here.move("wil", task, "accepted", owner=to(WIL))
    assert claimed["owner"] == to(WIL)
    plan = task["basedOn"][0]["reference"]
    assert await here.members(plan) == [PATIENT, JAN, WIL]


async def test_a_claim_that_came_too_late_is_told_so(here: Neighbourhood) -> None:
    await here.agree("HealthcareService/wachtrij", OTHERS)
    await write(here.hub, affiliated(OTHERS))
    task = await here.place("jan", "HealthcareService/wachtrij")
    assert task["status"] == "ready"
    wil, ine = await here.as_("wil"), await here.as_("ine")
    seen = await wil.get(f"Task/{task['id']}")
    seen["meta"].pop("tag", None)
    version = {"If-Match": f'W/"{seen["meta"]["versionId"]}"'}
    claim = {**seen, "status": "accepted"}
    path = f"Task/{task['id']}"
    assert (await wil.ask("PUT", path, {**claim, "owner": to(WIL)}, **version)).status_code == 200
    late = await ine.ask("PUT", path, {**claim, "owner": to(OTHERS)}, **version)
    assert late.status_code == 412
    # Who takes part sees whose it is now, and is told the same without If-Match.
    own = await here.place("jan", OTHERS, basedOn=task["basedOn"])
    await here.move("ine", own, "accepted")
    late = await ine.ask("PUT", path, {**claim, "owner": to(OTHERS)})
    assert late.status_code == 412
    assert told(late.json())[0] == "conflict"


async def test_who_is_affiliated_to_a_queue_claims_from_it_and_nobody_else(here: Neighbourhood) -> None:
    await here.agree("HealthcareService/wachtrij")
    task = await here.place("jan", "HealthcareService/wachtrij")
    ine = await here.as_("ine")
    await ine.get(f"Task/{task['id']}", 404)
    await write(here.hub, affiliated(OTHERS))
    seen = await ine.get(f"Task/{task['id']}")
    assert seen["for"] == ANNA
    claimed = await here.move("ine", task, "accepted", owner=to(OTHERS))
    assert claimed["owner"] == to(OTHERS)


async def test_a_competent_colleague_takes_a_task_over_and_the_old_owner_is_told(here: Neighbourhood) -> None:
    task = await here.place("jan", WIL, code=code("task", "wijkverpleging-aan-huis"))
    accepted = await here.move("wil", task, "accepted")
    plan = task["basedOn"][0]["reference"]
    wim = "PractitionerRole/rol-wim"
    # Not to somebody elsewhere, nor to who may not do it.
    assert told(await here.move("wim", accepted, "accepted", 422, owner=to(OTHERS)))[0] == "business-rule"
    moved = await here.move("wim", accepted, "accepted", owner=to(wim))
    assert moved["owner"] == to(wim)
    assert await here.members(plan) == [PATIENT, JAN, wim]
    (message,) = await here.find("Communication", f"recipient={WIL}")
    assert f"Task/{task['id']}" in message["payload"][0]["contentString"]
    assert "subject" not in message
    own = await here.place("jan", JAN, code=code("task", "overname"), basedOn=task["basedOn"])
    assert told(await here.move("jan", own, "requested", 422, owner=to(ELS)))[0] == "business-rule"


async def test_triage_and_what_is_overdue_are_found_by_search(
    here: Neighbourhood, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(searchparameters, "NOTICE_SECONDS", 0.0)
    monkeypatch.setattr(searchparameters, "ANSWER_SECONDS", 0.0)
    await here.agree("HealthcareService/wachtrij")
    urgent = code("triage-urgency", "direct")
    late: Json = {"businessStatus": urgent, "restriction": {"period": {"end": "2026-01-02"}}}
    task = await here.place("jan", "HealthcareService/wachtrij", **late)
    later: Json = {"basedOn": task["basedOn"], "restriction": {"period": {"end": "2999-01-01"}}}
    await here.place("jan", "HealthcareService/wachtrij", **later)
    due = guide.find("SearchParameter", guide.url("SearchParameter", "Task-due"))
    assert due is not None
    await write(here.hub, {**due, "status": "active"})
    # Before acceptance the claimant finds by what R4 itself searches; who asked finds by all.
    for name, query in (("wil", "business-status=direct"), ("jan", "due=lt2026-11-22")):
        asker = await here.as_(name)
        for _ in range(200):
            answer = await asker.ask("GET", f"Task?owner=HealthcareService/wachtrij&status=ready&{query}")
            if answer.status_code == 200:
                break
            await asyncio.sleep(0.05)
        assert [entry["resource"]["id"] for entry in answer.json()["entry"]] == [task["id"]]


async def test_a_task_part_of_itself_is_refused(here: Neighbourhood) -> None:
    plan = (await here.place("jan", NURSING))["basedOn"]
    entries = []
    for own, other in (("1", "2"), ("2", "1")):
        urn = "urn:uuid:00000000-0000-4000-8000-00000000000"
        resource = {**asked("jan", JAN), "basedOn": plan, "partOf": [to(f"{urn}{other}")]}
        request = {"method": "POST", "url": "Task"}
        entries.append({"fullUrl": f"{urn}{own}", "resource": resource, "request": request})
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
    refused = await (await here.as_("jan")).ask("POST", "", bundle)
    assert refused.status_code == 422, refused.text
    assert "circle" in told(refused.json())[1]


async def test_a_task_becomes_no_part_and_none_of_a_plan_once_it_is_placed(here: Neighbourhood) -> None:
    whole = await here.place("jan", NURSING)
    part = await here.place("wil", JAN, for_=None, partOf=[to(f"Task/{whole['id']}")])
    jan = await here.as_("jan")
    for of in (part, await here.place("jan", NURSING, basedOn=whole["basedOn"])):
        refused = await jan.put({**whole, "partOf": [to(f"Task/{of['id']}")]}, 422)
        assert refused["issue"][0]["expression"] == ["Task.partOf"]
    drafts = [await here.place("jan", JAN, draft=True)]
    drafts.append(await here.place("jan", JAN, draft=True, partOf=[to(f"Task/{drafts[0]['id']}")]))
    refused = await jan.put({**drafts[0], "partOf": [to(f"Task/{drafts[1]['id']}")]}, 422)
    assert "circle" in told(refused)[1]
    refused = await here.place("jan", JAN, 422, partOf=[to("https://elders.example/fhir/Task/1")])
    assert refused["issue"][0]["expression"] == ["Task.partOf"]


async def test_a_bundle_is_answered_with_what_the_rules_made_of_it(here: Neighbourhood) -> None:
    request = {"method": "POST", "url": "Task"}
    bundle = {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [{"resource": asked("jan", OTHERS), "request": request}],
    }
    answer = (await (await here.as_("jan")).ask("POST", "", bundle, Prefer="return=representation")).json()
    entry = answer["entry"][0]
    assert entry["resource"]["basedOn"]
    assert entry["resource"]["status"] == "received"
    assert entry["response"]["etag"] == f'W/"{entry["resource"]["meta"]["versionId"]}"'


async def test_without_sign_in_the_hub_is_a_plain_server(here: Neighbourhood) -> None:
    await write(here.hub, {**asked("jan", NURSING), "id": "los", "status": "completed"})
    await write(here.hub, {**asked("jan", NURSING), "id": "los", "status": "requested"})
    assert "basedOn" not in await here.read("Task/los")


async def test_a_task_to_a_specialist_says_where_responsibility_lies(here: Neighbourhood) -> None:
    shared = (await here.place("jan", ELS))["basedOn"]
    for owner in ("Organization/verpleeghuis", "PractitionerRole/rol-sol"):
        refused = await here.place("jan", owner, 422, basedOn=shared)
        assert "medebehandeling" in told(refused)[1]
    for kind in ("consult", "medebehandeling", "overname"):
        await here.place("jan", "Organization/verpleeghuis", code=code("task", kind), basedOn=shared)


async def test_a_requester_may_be_named_by_its_number(here: Neighbourhood) -> None:
    ura = {"system": "http://fhir.nl/fhir/NamingSystem/ura", "value": "90000101"}
    await write(here.hub, {**organization("praktijk", "Z3"), "identifier": [ura]})
    made = await here.place("jan", ELS, requester={"identifier": ura})
    assert made["requester"] == {"identifier": ura, "reference": "Organization/praktijk"}
    next_one = await here.place("jan", ELS, requester={"identifier": ura}, basedOn=made["basedOn"])
    found = await (await here.as_("jan")).get("Task?requester=Organization/praktijk")
    assert {made["id"], next_one["id"]} <= {entry["resource"]["id"] for entry in found["entry"]}
    await here.place("jan", ELS, 422, requester={"identifier": {**ura, "value": "90000999"}})

"""One coordinator and one who is in charge; handing over is a Task; a plan ends once (RULES R6, R9, R21, R30)."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable

import pytest
import pytest_asyncio

from fhirhub.access import HUB
from fhirhub.careplan import agreement
from fhirhub.repository import Repository, now
from fhirhub.resources.careplan import active, has_function
from tests.auth.builders import Hub, Json, write
from tests.careplan.neighbourhood import Neighbourhood, asked, settle
from tests.careplan.resources import ANNA, MIA, PATIENT, code, consent, plan, team, to

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

JAN, ELS, WIL = (f"PractitionerRole/rol-{name}" for name in ("jan", "els", "wil"))
NURSING, OTHERS, HOME = "Organization/thuiszorg", "Organization/andere", "Organization/verpleeghuis"
PRACTICE = "Organization/praktijk"
COORDINATION = code("task", "coordinatie-overdragen")


@pytest_asyncio.fixture
async def here(hub: Hub) -> Neighbourhood:
    await settle(hub)
    made = Neighbourhood(hub)
    await made.agree(NURSING, OTHERS, HOME)
    return made


async def holders(here: Neighbourhood, plan: str, function: str) -> list[str]:
    """Who has a function now."""
    team = await here.team(plan)
    return [one["member"]["reference"] for one in active(team, now()) if has_function(one, function)]


async def in_one(here: Neighbourhood) -> str:
    """A plan that contains its team, in which the practice has both functions."""
    functions = [code("team-function", one) for one in ("coordinator", "regiebehandelaar")]
    practice = {"member": to(PRACTICE), "role": functions, "period": {"start": "2026-01-05"}}
    inside: Json = {**team(practice), "id": "team"}
    await here.put(plan("in-een", careTeam=[to("#team")], contained=[inside], author=to(PRACTICE)))
    return "CarePlan/in-een"


async def test_who_starts_a_plan_coordinates_until_another_accepts_it(here: Neighbourhood) -> None:
    first = await here.place("jan", NURSING, code=COORDINATION)
    plan = first["basedOn"][0]["reference"]
    assert await holders(here, plan, "coordinator") == [JAN]
    accepted = await here.move("wil", first, "accepted")
    assert await holders(here, plan, "coordinator") == [NURSING]
    # The doctor is still in charge, and so still there; who coordinates stays once the Task is done.
    await here.move("wil", accepted, "completed")
    assert await here.members(plan) == [PATIENT, JAN, NURSING]
    assert await holders(here, plan, "coordinator") == [NURSING]


async def test_two_coordinators_are_refused(here: Neighbourhood) -> None:
    first = await here.place("jan", NURSING, code=COORDINATION)
    refused = await here.place("jan", OTHERS, 422, code=COORDINATION, basedOn=first["basedOn"])
    assert refused["issue"][0]["code"] == "business-rule"
    jan = await here.as_("jan")
    shared = await here.read(first["basedOn"][0]["reference"])
    own = await jan.get(shared["careTeam"][0]["reference"])
    own["participant"].append({**own["participant"][1], "member": to(NURSING)})
    refused = await jan.put(own, 422)
    assert refused["issue"][0]["expression"] == ["CareTeam.participant"]


async def test_coordination_is_handed_over_by_who_has_it(here: Neighbourhood) -> None:
    task = await here.place("jan", NURSING)
    await here.move("wil", task, "accepted")
    grab = await here.place("wil", WIL, code=COORDINATION, basedOn=task["basedOn"])
    refused = await here.move("wil", grab, "accepted", 422)
    assert refused["issue"][0]["expression"] == ["Task.requester"]
    await here.move("wil", grab, "cancelled")
    own = await here.place("anna", NURSING, code=COORDINATION, basedOn=task["basedOn"])
    await here.move("wil", own, "accepted")
    assert await holders(here, task["basedOn"][0]["reference"], "coordinator") == [NURSING]


async def blocked(here: Neighbourhood, plan: str, monkeypatch: pytest.MonkeyPatch) -> None:
    first = await here.place("jan", NURSING, code=COORDINATION, basedOn=[to(plan)])
    await here.move("wil", first, "accepted")
    await (await here.as_("anna")).post("Consent", consent("deny", NURSING))


async def blocked_in_person(here: Neighbourhood, plan: str, monkeypatch: pytest.MonkeyPatch) -> None:
    first = await here.place("jan", WIL, code=COORDINATION, basedOn=[to(plan)])
    await here.move("wil", first, "accepted")
    await (await here.as_("anna")).post("Consent", consent("deny", "Practitioner/wil"))


async def withdrawn(here: Neighbourhood, plan: str, monkeypatch: pytest.MonkeyPatch) -> None:
    first = await here.place("jan", NURSING, code=COORDINATION, basedOn=[to(plan)])
    await here.move("wil", first, "accepted")
    for given in await here.find("Consent", f"actor={NURSING}"):
        await (await here.as_("anna")).put({**given, "status": "inactive"})


async def past_an_emergency(here: Neighbourhood, plan: str, monkeypatch: pytest.MonkeyPatch) -> None:
    hurry: Json = {"priority": "stat", "reasonCode": {"text": "Kan niet wachten"}}
    task = await here.place("jan", "Organization/post", basedOn=[to(plan)], **hurry)
    await here.move("hap", task, "accepted")
    first = await here.place("jan", "Organization/post", code=COORDINATION, basedOn=[to(plan)])
    await here.move("hap", first, "accepted")
    assert await holders(here, plan, "coordinator") == ["Organization/post"]
    # Their entry ends by itself after 72 hours; what is then due looks again.
    later, clock = agreement.EMERGENCY_US * 1000 + 1_000_000_000, time.time_ns
    monkeypatch.setattr(time, "time_ns", lambda: clock() + later)
    assert await holders(here, plan, "coordinator") == []
    due = {"patient": "anna", "actor": "Organization/post"}
    await agreement.look_again(Repository(here.hub.realm.tenant, HUB), due)


async def a_relative_blocked(here: Neighbourhood, plan: str, monkeypatch: pytest.MonkeyPatch) -> None:
    first = await here.place("jan", MIA["reference"], code=COORDINATION, basedOn=[to(plan)])
    await here.move("mia", first, "accepted")
    await (await here.as_("anna")).post("Consent", consent("deny", MIA["reference"]))


async def a_relative_dismissed(here: Neighbourhood, plan: str, monkeypatch: pytest.MonkeyPatch) -> None:
    first = await here.place("jan", MIA["reference"], code=COORDINATION, basedOn=[to(plan)])
    await here.move("mia", first, "accepted")
    mia = await here.read(MIA["reference"])
    await (await here.as_("anna")).put({**mia, "active": False})


@pytest.mark.parametrize("contained", [False, True], ids=["", "in the plan"])
@pytest.mark.parametrize(
    "drops_out",
    [blocked, blocked_in_person, withdrawn, past_an_emergency, a_relative_blocked, a_relative_dismissed],
)
async def test_a_coordinator_who_drops_out_is_followed_by_the_practice(
    here: Neighbourhood,
    drops_out: Callable[[Neighbourhood, str, pytest.MonkeyPatch], Awaitable[None]],
    contained: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plan = await in_one(here) if contained else await here.plan()
    await drops_out(here, plan, monkeypatch)
    assert await holders(here, plan, "coordinator") == [PRACTICE]
    assert sorted(await here.members(plan)) == sorted({PATIENT, PRACTICE, *([] if contained else [JAN])})
    messages = await here.find("Communication", f"recipient={PRACTICE}")
    assert any("coordinator" in one["payload"][0]["contentString"] for one in messages)


async def test_who_is_blocked_takes_no_part_by_a_task_either(here: Neighbourhood) -> None:
    await (await here.as_("anna")).post("Consent", consent("deny", MIA["reference"]))
    assert (await here.place("jan", MIA["reference"]))["status"] == "rejected"


async def test_where_the_practice_is_blocked_the_patient_chooses(here: Neighbourhood) -> None:
    task = await here.place("jan", NURSING)
    plan = task["basedOn"][0]["reference"]
    await here.move("wil", task, "accepted")
    await (await here.as_("anna")).post("Consent", consent("deny", PRACTICE))
    assert await holders(here, plan, "coordinator") == []
    said = (await here.read(plan))["extension"]
    assert said[0]["valueCode"] == "none"
    chosen = f"code={code('task', 'coordinator-kiezen')['coding'][0]['code']}"
    (question,) = await here.find("Task", chosen)
    assert question["owner"] == ANNA
    hand = await here.place("anna", NURSING, code=COORDINATION, basedOn=[to(plan)])
    await here.move("wil", hand, "accepted")
    assert await holders(here, plan, "coordinator") == [NURSING]
    assert "extension" not in await here.read(plan)
    assert (await here.read(f"Task/{question['id']}"))["status"] == "completed"


async def test_who_is_in_charge_changes_by_an_accepted_transfer_and_its_return_alone(
    here: Neighbourhood,
) -> None:
    shared = (await here.place("jan", ELS))["basedOn"]
    plan = shared[0]["reference"]
    for kind in ("consult", "medebehandeling"):
        task = await here.place("jan", HOME, code=code("task", kind), basedOn=shared)
        await here.move("sol", task, "accepted")
        assert await holders(here, plan, "regiebehandelaar") == [JAN]
    transfer = await here.place("jan", HOME, code=code("task", "overname"), basedOn=shared)
    assert await holders(here, plan, "regiebehandelaar") == [JAN]
    await here.move("sol", transfer, "accepted")
    assert await holders(here, plan, "regiebehandelaar") == [HOME]
    back = await here.place("sol", JAN, code=code("task", "terugverwijzing"), basedOn=shared)
    await here.move("jan", back, "accepted")
    assert await holders(here, plan, "regiebehandelaar") == [JAN]
    assert await holders(here, plan, "coordinator") == [JAN]


async def test_nursing_is_handed_over_before_the_sender_leaves(here: Neighbourhood) -> None:
    task = await here.place("jan", NURSING)
    shared, plan = task["basedOn"], task["basedOn"][0]["reference"]
    accepted = await here.move("wil", task, "accepted")
    over: Json = {"code": code("task", "overdracht"), "basedOn": shared}
    refused = await here.place("wil", OTHERS, 422, **over)
    assert refused["issue"][0]["expression"] == ["Task.input"]
    wil = await here.as_("wil")
    document = await wil.post(
        "DocumentReference",
        {
            "resourceType": "DocumentReference",
            "status": "current",
            "subject": ANNA,
            "content": [{"attachment": {"title": "Overdracht"}}],
        },
    )
    brought = {
        "type": code("task-part", "document"),
        "valueReference": to(f"DocumentReference/{document['id']}"),
    }
    handing = await here.place("wil", OTHERS, input=[brought], **over)
    await here.move("wil", accepted, "completed")
    assert NURSING in await here.members(plan)
    await here.move("ine", handing, "accepted")
    members = await here.members(plan)
    assert NURSING not in members
    assert OTHERS in members


async def test_a_plan_that_ends_ends_all_that_hangs_on_it(here: Neighbourhood) -> None:
    task = await here.place("jan", NURSING)
    await here.move("wil", task, "accepted")
    open = await here.place("jan", OTHERS, basedOn=task["basedOn"])
    jan = await here.as_("jan")
    shared = await jan.get(task["basedOn"][0]["reference"])
    ended = await jan.put({**shared, "status": "completed"})
    assert ended["period"]["end"]
    team = await here.read(shared["careTeam"][0]["reference"])
    assert team["status"] == "inactive"
    assert all("end" in one["period"] for one in team["participant"])
    for one in (task, open):
        found = await here.read(f"Task/{one['id']}")
        assert found["status"] == "cancelled"
        assert found["statusReason"]["coding"][0]["code"] == "plan-ended"
    refused = await jan.put({**ended, "status": "active"}, 422)
    assert refused["issue"][0]["expression"] == ["CarePlan.status"]
    assert (await here.place("jan", OTHERS, 422, basedOn=task["basedOn"]))["issue"][0][
        "code"
    ] == "business-rule"
    answer = await jan.ask("DELETE", task["basedOn"][0]["reference"])
    assert answer.status_code == 403


async def test_a_plan_made_by_itself_has_a_team_with_who_made_it(here: Neighbourhood) -> None:
    jan = await here.as_("jan")
    content = plan(author=to(JAN))
    for name in ("id", "careTeam"):
        del content[name]
    made = await jan.post("CarePlan", content)
    assert await here.members(f"CarePlan/{made['id']}") == [PATIENT, JAN]
    refused = await jan.put({**made, "careTeam": []} | {"careTeam": [to("CareTeam/x")]}, 422)
    assert refused["issue"][0]["code"] in ("business-rule", "not-found")


async def test_who_writes_a_plan_from_an_old_copy_takes_no_task_out_of_it(here: Neighbourhood) -> None:
    task = await here.place("jan", ELS)
    jan = await here.as_("jan")
    shared = await jan.get(task["basedOn"][0]["reference"])
    further = await here.place("jan", NURSING, basedOn=task["basedOn"])
    written = await jan.put({**shared, "title": "Ons plan"})
    named = [one["reference"]["reference"] for one in written["activity"]]
    assert named == [f"Task/{task['id']}", f"Task/{further['id']}"]


async def test_a_team_that_a_plan_contains_is_kept_up_in_place(here: Neighbourhood) -> None:
    shared = await in_one(here)
    task = await here.place("jan", NURSING, basedOn=[to(shared)])
    await here.move("wil", task, "accepted")
    assert await here.members(shared) == [PATIENT, PRACTICE, NURSING]
    assert (await (await here.as_("wil")).get(shared))["id"] == "in-een"
    await here.move("wil", task, "completed")
    assert await here.members(shared) == [PATIENT, PRACTICE]
    again = await here.place("jan", NURSING, basedOn=[to(shared)], code=COORDINATION)
    await here.move("wil", again, "accepted")
    assert await here.members(shared, active=False) == [PATIENT, PRACTICE, NURSING, PRACTICE, NURSING]
    assert await holders(here, shared, "coordinator") == [NURSING]
    jan = await here.as_("jan")
    ended = await jan.put({**await jan.get(shared), "status": "completed"})
    assert ended["careTeam"] == [to("#team")]
    assert ended["contained"][0]["status"] == "inactive"
    assert await here.members(shared) == []
    assert await here.find("CareTeam") == []


async def test_a_plan_without_a_team_gets_one_that_the_practice_coordinates(here: Neighbourhood) -> None:
    content = plan("kaal", category=[{"text": "Verpleegkundig plan"}])
    del content["careTeam"]
    await write(here.hub, content)
    task = await here.place("jan", NURSING, basedOn=[to("CarePlan/kaal")])
    assert "careTeam" not in await here.read("CarePlan/kaal")
    await here.move("wil", task, "accepted")
    assert await here.members("CarePlan/kaal") == [PATIENT, NURSING, PRACTICE]
    assert await holders(here, "CarePlan/kaal", "coordinator") == [PRACTICE]


async def test_members_are_persons_relatives_and_organisations_without_a_number(here: Neighbourhood) -> None:
    await here.agree("Organization/welzijn")
    task = await here.place("jan", "RelatedPerson/mia", code=code("task", "boodschappen"))
    plan = task["basedOn"][0]["reference"]
    await here.move("mia", task, "accepted")
    for name, owner in (("wil", WIL), ("sam", "Organization/welzijn"), ("ine", "Practitioner/ine")):
        further = await here.place("jan", owner, basedOn=task["basedOn"])
        await here.move(name, further, "accepted")
    assert await here.members(plan) == [
        PATIENT, JAN, "RelatedPerson/mia", WIL, "Organization/welzijn", "Practitioner/ine"
    ]  # fmt: skip
    own = await here.place("jan", PATIENT, basedOn=task["basedOn"])
    await here.move("anna", own, "accepted")
    assert (await here.members(plan)).count(PATIENT) == 1


async def test_the_practice_where_a_patient_is_registered_stays_as_it_is(here: Neighbourhood) -> None:
    jan = await here.as_("jan")
    anna = await jan.get(PATIENT)
    written = await jan.put({**anna, "generalPractitioner": [to(NURSING)], "language": "nl"})
    assert written["generalPractitioner"] == [to(PRACTICE)]
    # It stands like a participant without being one: Els places a Task on a plan that she is not in.
    plan = (await here.place("jan", JAN))["basedOn"]
    assert (await here.place("els", JAN, basedOn=plan))["status"] == "requested"


async def test_a_part_never_changes_the_team_and_its_answer_is_its_output(here: Neighbourhood) -> None:
    await write(
        here.hub,
        {
            "resourceType": "Questionnaire",
            "id": "vragen",
            "url": "https://voorbeeld.example/Questionnaire/vragen",
            "status": "active",
        },
    )
    task = await here.place("jan", OTHERS)
    plan = task["basedOn"][0]["reference"]
    wanted = {
        "type": code("task-part", "vragenlijst"),
        "valueCanonical": "https://voorbeeld.example/Questionnaire/vragen",
    }
    ine = await here.as_("ine")
    seen = await ine.get(f"Task/{task['id']}")
    part = await ine.post(
        "Task",
        asked(
            "ine", PATIENT, partOf=[to(f"Task/{task['id']}")], for_=seen["for"], basedOn=seen["basedOn"],
            code=code("task", "vragenlijst"), input=[wanted],
        ),
        201,
    )  # fmt: skip
    refused = await here.move("anna", part, "completed", 422)
    assert "output" in refused["issue"][0]["details"]["text"]
    anna = await here.as_("anna")
    response = {
        "resourceType": "QuestionnaireResponse",
        "questionnaire": wanted["valueCanonical"],
        "status": "completed",
        "subject": ANNA,
        "source": ANNA,
    }
    answered = await anna.post("QuestionnaireResponse", response)
    done = await ine.get(f"Task/{part['id']}")
    assert done["status"] == "completed"
    reference = done["output"][0]["valueReference"]["reference"]
    assert reference == f"QuestionnaireResponse/{answered['id']}"
    assert (await ine.get(reference))["id"] == answered["id"]
    await ine.get(PATIENT, 404)
    assert await here.members(plan, active=False) == [PATIENT, JAN]
    await here.move("ine", task, "accepted")


async def test_r21_who_does_not_see_a_shared_plan_deletes_nothing_and_is_answered_as_if_it_were_not_there(
    there: Neighbourhood,
) -> None:
    plan = await there.plan()
    await there.agree("Organization/thuiszorg")
    for name in ("beheer", "sam", "ine", "wil", "anna"):
        answers = [await there.ask(name, "DELETE", path) for path in (plan, "CarePlan/er-niet")]
        if name != "anna":
            assert [one.status_code for one in answers] == [answers[0].status_code] * 2, name
            assert [one.text.replace(plan, "CarePlan/er-niet") for one in answers] == [answers[1].text] * 2, (
                name
            )
        else:
            assert answers[0].status_code == 403
        assert (await there.read(plan))["status"] == "active"

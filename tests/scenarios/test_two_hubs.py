"""Two hubs share one plan over FHIR and notifications alone: it lives where it began; the other reads it, answers
there and says since when its view is stale while home is down. Databases, keys and organisations are each hub's own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from fhirhub.auth import accounts, clients, scopes, tokens, trial
from fhirhub.auth.realm import Issuer
from fhirhub.peers import rows
from fhirhub.peers.matching import BIG, URA
from fhirhub.peers.viewing import address
from fhirhub.subscriptions import managed
from tests import hub as processes
from tests.auth.builders import Hub, Json, bearer, new_app, write
from tests.careplan.neighbourhood import asked, register_app
from tests.careplan.resources import ANNA, BSN, PATIENT, code, consent, organization, queue, to, weight, works

SETTINGS = {"FHIRHUB_FETCH_ALLOW": "127.0.0.1", "FHIRHUB_CHECK_ANSWERS": "true"}
NURSING_URA, JAN_BIG, WIL_BIG, SAM_BIG = "00000022", "19012345601", "49012345602", "09012345603"


@dataclass
class Person:
    """Somebody with a token of one of the hubs."""

    base: str
    token: str

    async def ask(self, method: str, path: str, body: Json | None = None) -> httpx.Response:
        headers = {"Content-Type": "application/fhir+json", **bearer(self.token)}
        async with httpx.AsyncClient(timeout=60) as client:
            return await client.request(method, f"{self.base}/{path}", json=body, headers=headers)

    async def get(self, path: str) -> Json:
        answer = await self.ask("GET", path)
        assert answer.status_code == 200, answer.text
        found: Json = answer.json()
        return found

    async def post(self, path: str, body: Json, status: int = 201) -> Json:
        answer = await self.ask("POST", path, body)
        assert answer.status_code == status, answer.text
        found: Json = answer.json()
        return found


@dataclass
class Region:
    """Both hubs, and their people."""

    home: processes.Hub
    guest: processes.Hub
    people: dict[str, Person]

    async def elsewhere(self, query: str = "") -> Json:
        return await self.people["wil"].get(f"CarePlan/$elsewhere{query}")

    async def until(self, type: str, name: str, wanted: Any) -> Json:
        """What wil sees of that type at her own hub, once an element is so."""
        async with asyncio.timeout(60):
            while True:
                for one in shown(await self.elsewhere(), type):
                    if one.get(name) == wanted:
                        return one
                await asyncio.sleep(0.05)


@pytest.mark.parametrize("where", ["home on sqlite", "home on postgresql"])
async def test_two_hubs_share_one_plan(
    where: str, sqlite_url: str, postgresql_url: str, tmp_path: Path
) -> None:
    urls = [sqlite_url, postgresql_url] if "sqlite" in where else [postgresql_url, sqlite_url]
    async with two_hubs(urls[0], urls[1], tmp_path) as region:
        await home_notifies_the_other_hub(region)
        plan, task = await jan_asks_district_nursing_which_works_at_the_other_hub(region)
        await wil_reads_the_task_at_her_own_hub(region, task)
        await she_accepts_there_and_home_knows_who_did(region, plan, task)
        await she_reports_there_what_came_of_it(region, task)
        await she_answers_what_jan_asks_of_her_there(region, plan, task)
        await what_is_for_doctors_is_read_there_in_the_name_of_each(region)
        await she_claims_a_task_of_her_queue_there(region, plan)
        await a_goal_at_home_reaches_her(region)
        await members_are_told_by_their_numbers(region)
        await nothing_of_it_can_be_written_at_her_hub(region, plan)
        await who_works_elsewhere_sees_nothing_of_it(region)
        await while_home_is_down_her_view_is_stale_and_says_since_when(region, task)
        await when_home_is_back_she_can_answer_again(region, task)


async def home_notifies_the_other_hub(region: Region) -> None:
    """The hub of district nursing gave its Subscription at home the header that it knows home by."""
    async with asyncio.timeout(90):
        while True:
            told = await region.people["system"].get("Subscription?_count=5")
            (own,) = [entry["resource"] for entry in told["entry"]]
            if own["status"] == "active":
                break
            await asyncio.sleep(0.1)
    assert own["id"] == managed.id_of("Organization/thuiszorg")
    assert own["channel"]["endpoint"].startswith(region.guest.base.removesuffix("/fhir"))
    async with httpx.AsyncClient() as client:
        forged = await client.post(own["channel"]["endpoint"], json={}, headers=bearer("guessed"))
    assert forged.status_code == 401


async def jan_asks_district_nursing_which_works_at_the_other_hub(region: Region) -> tuple[str, str]:
    jan, anna = region.people["jan"], region.people["anna"]
    await anna.post("Consent", consent("permit", "Organization/thuiszorg"))
    made = await jan.post("Task", asked("jan", "Organization/thuiszorg", description="Elke ochtend wassen."))
    return made["basedOn"][0]["reference"], made["id"]


async def wil_reads_the_task_at_her_own_hub(region: Region, task: str) -> None:
    found = await region.until("Task", "id", task)
    assert found["status"] == "requested"
    assert found["meta"]["source"] == f"{region.home.base}/Task/{task}"


async def she_accepts_there_and_home_knows_who_did(region: Region, plan: str, task: str) -> None:
    answer = await region.people["wil"].post(
        "Task/$answer-elsewhere", answering(region, task, "accepted"), 200
    )
    assert answer["status"] == "accepted"
    jan = region.people["jan"]
    assert (await jan.get(f"Task/{task}"))["status"] == "accepted"
    team = (await jan.get(plan))["careTeam"][0]["reference"]
    assert "Organization/thuiszorg" in [
        one["member"]["reference"] for one in (await jan.get(team))["participant"]
    ]
    found = await jan.get(f"Provenance?target=Task/{task}&_sort=-recorded&_count=1")
    agents = [one["who"]["reference"] for one in found["entry"][0]["resource"]["agent"]]
    assert "Practitioner/wil" in agents
    await region.until("CarePlan", "id", plan.removeprefix("CarePlan/"))


async def she_reports_there_what_came_of_it(region: Region, task: str) -> None:
    about = to(f"{region.home.base}/{PATIENT}")
    weighed = weight(61, subject=about, performer=[to("Practitioner/w-17")])
    report = answering(region, task, "in-progress")
    report["parameter"] += [
        {"name": "note", "valueString": "Zij at weinig."},
        {
            "name": "output",
            "part": [
                {"name": "type", "valueCodeableConcept": weighed["code"]},
                {"name": "resource", "resource": weighed},
            ],
        },
    ]
    wil, jan = region.people["wil"], region.people["jan"]
    answer = await wil.post("Task/$answer-elsewhere", report, 200)
    told = answer["output"][0]["valueReference"]["reference"].removeprefix(f"{region.home.base}/")
    written = await jan.get(told)
    assert written["performer"] == [{"reference": "Practitioner/wil"}]
    assert (await jan.get(f"Task/{task}"))["note"][-1]["text"] == "Zij at weinig."
    # What home cannot know is not sent there, and nothing is half done.
    weighed["performer"] = [{"reference": "PractitionerRole/rol-w-17"}]
    refused = await wil.post("Task/$answer-elsewhere", report, 422)
    assert refused["issue"][0]["expression"] == ["Observation.performer[0].reference"]
    weighed["performer"], report["parameter"][1]["valueCode"] = (
        [{"reference": "Practitioner/w-17"}],
        "requested",
    )
    await wil.post("Task/$answer-elsewhere", report, 422)
    assert (await jan.get("Observation?_summary=count"))["total"] == 1


async def she_answers_what_jan_asks_of_her_there(region: Region, plan: str, task: str) -> None:
    wil, jan = region.people["wil"], region.people["jan"]
    questions = "https://voorbeeld.example/Questionnaire/vragen"
    sub_task = await jan.post(
        "Task",
        asked(
            "jan",
            "Organization/thuiszorg",
            basedOn=[to(plan)],
            partOf=[to(f"Task/{task}")],
            input=[{"type": code("task-part", "vragenlijst"), "valueCanonical": questions}],
        ),
    )
    await region.until("Task", "id", sub_task["id"])
    answers = {
        "resourceType": "QuestionnaireResponse",
        "status": "completed",
        "questionnaire": questions,
        "subject": {"reference": f"{region.home.base}/{PATIENT}"},
        "author": {"reference": "Practitioner/w-17"},
        "authored": "2026-11-22T10:00:00Z",
        "item": [{"linkId": "1", "answer": [{"valueString": "Om de dag"}]}],
    }
    given = answering(region, sub_task["id"], "")
    given["parameter"][1:] = [{"name": "resource", "resource": answers}]
    answer = await wil.post("Task/$answer-elsewhere", given, 200)
    assert answer["status"] == "completed"
    assert "QuestionnaireResponse/" in answer["output"][0]["valueReference"]["reference"]


async def what_is_for_doctors_is_read_there_in_the_name_of_each(region: Region) -> None:
    label = {"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "R"}
    secret = await region.people["jan"].post(
        "Goal",
        {
            "resourceType": "Goal",
            "meta": {"security": [label]},
            "lifecycleStatus": "active",
            "description": {"text": "Minder drinken"},
            "category": [code("positive-health-dimension", "lichaamsfuncties")],
            "subject": ANNA,
        },
    )
    seen = {
        name: [one["id"] for one in shown(await region.people[name].get("CarePlan/$elsewhere"), "Goal")]
        for name in ("sam", "wil")
    }
    assert seen == {"sam": [secret["id"]], "wil": []}


async def she_claims_a_task_of_her_queue_there(region: Region, plan: str) -> None:
    wil, jan = region.people["wil"], region.people["jan"]
    await region.people["anna"].post("Consent", consent("permit", "HealthcareService/wachtrij"))
    waiting = await jan.post("Task", asked("jan", "HealthcareService/wachtrij", basedOn=[to(plan)]))
    await region.until("Task", "id", waiting["id"])
    answer = await wil.post("Task/$answer-elsewhere", answering(region, waiting["id"], "accepted"), 200)
    assert answer["owner"]["reference"] == f"{region.home.base}/Organization/thuiszorg"
    again = await wil.post("Task/$answer-elsewhere", answering(region, waiting["id"], "accepted"), 200)
    assert again["status"] == "accepted"


async def a_goal_at_home_reaches_her(region: Region) -> None:
    words = {"text": "Weer naar de winkel lopen"}
    await region.people["anna"].post(
        "Goal",
        {
            "resourceType": "Goal",
            "lifecycleStatus": "proposed",
            "description": words,
            "category": [code("positive-health-dimension", "meedoen")],
            "subject": ANNA,
            "expressedBy": ANNA,
        },
    )
    goal = await region.until("Goal", "description", words)
    assert goal["subject"]["reference"] == f"{region.home.base}/{PATIENT}"
    found = await region.elsewhere(f"?patient={BSN}|999911120")
    assert {one["id"] for one in shown(found, "Patient")} == {"anna"}
    assert shown(await region.elsewhere(f"?patient={BSN}|999911132"), "Goal") == []


async def members_are_told_by_their_numbers(region: Region) -> None:
    (team,) = shown(await region.elsewhere(), "CareTeam")
    members = {one["member"]["reference"]: one["member"].get("identifier") for one in team["participant"]}
    nursing = members[f"{region.home.base}/Organization/thuiszorg"]
    assert nursing == {"system": URA, "value": NURSING_URA}
    assert {"system": BIG, "value": JAN_BIG} in members.values()


async def nothing_of_it_can_be_written_at_her_hub(region: Region, plan: str) -> None:
    wil = region.people["wil"]
    assert (await wil.get("CarePlan")).get("entry", []) == []
    assert (await wil.ask("GET", plan)).status_code == 404
    kept = shown(await region.elsewhere(), "CarePlan")[0]
    for method, body in (("PUT", kept), ("DELETE", None)):
        refused = await wil.ask(method, plan, body)
        assert refused.status_code == 422
        told = refused.json()["issue"][0]["details"]["text"]
        assert told.startswith(f"{plan} lives at {region.home.base}/{plan}: ")
    ine = region.people["ine"]
    assert "lives at" not in (await ine.ask("PUT", plan, kept)).text


async def who_works_elsewhere_sees_nothing_of_it(region: Region) -> None:
    assert "entry" not in await region.people["ine"].get("CarePlan/$elsewhere")


async def while_home_is_down_her_view_is_stale_and_says_since_when(region: Region, task: str) -> None:
    before = await region.elsewhere()
    assert outcome(before)["severity"] == "information"
    await asyncio.to_thread(region.home.kill)
    async with asyncio.timeout(60):
        while outcome(await region.elsewhere())["severity"] == "information":
            await asyncio.sleep(0.1)
    answer = await region.people["wil"].ask("GET", "CarePlan/$elsewhere")
    assert answer.headers["Warning"].startswith("110 ")
    assert "is stale since 20" in outcome(answer.json())["details"]["text"]
    assert task in [one["id"] for one in shown(answer.json(), "Task")]
    tried = await region.people["wil"].ask(
        "POST", "Task/$answer-elsewhere", answering(region, task, "in-progress")
    )
    assert (tried.status_code, tried.json()["issue"][0]["code"]) == (503, "transient")


async def when_home_is_back_she_can_answer_again(region: Region, task: str) -> None:
    await asyncio.to_thread(region.home.start)
    async with asyncio.timeout(60):
        while outcome(await region.elsewhere())["severity"] == "warning":
            await asyncio.sleep(0.1)
    wil = region.people["wil"]
    assert (await wil.post("Task/$answer-elsewhere", answering(region, task, "on-hold"), 200))["status"] == (
        "on-hold"
    )
    assert (await region.people["jan"].get(f"Task/{task}"))["status"] == "on-hold"
    refused = await wil.post("Task/$answer-elsewhere", answering(region, task, "requested"), 422)
    assert refused["issue"][0]["code"] == "business-rule"
    for elsewhere in (f"{task}/../../Patient/anna", f"{task}?_format=xml"):
        asked_of = answering(region, elsewhere, "completed")
        assert (await wil.ask("POST", "Task/$answer-elsewhere", asked_of)).status_code == 404


def answering(region: Region, task: str, status: str) -> Json:
    return {
        "resourceType": "Parameters",
        "parameter": [
            {"name": "task", "valueUri": f"{region.home.base}/Task/{task}"},
            {"name": "status", "valueCode": status},
        ],
    }


def shown(bundle: Json, type: str) -> list[Json]:
    found = [entry["resource"] for entry in bundle.get("entry", ())]
    return [one for one in found if one["resourceType"] == type]


def outcome(bundle: Json) -> Json:
    """What is said of how new the view is."""
    (found,) = shown(bundle, "OperationOutcome")
    issue: Json = found["issue"][0]
    return issue


# --- what stands before it begins ---


@asynccontextmanager
async def two_hubs(home_url: str, guest_url: str, folder: Path) -> AsyncIterator[Region]:
    """Both as processes of their own."""
    folders = {name: folder / name for name in ("home", "guest")}
    for one in folders.values():
        one.mkdir()
    home = processes.Hub(home_url, folders["home"], 1, SETTINGS, "smart")
    guest = processes.Hub(guest_url, folders["guest"], 1, SETTINGS, "smart")
    people = await settle_guest(guest_url, folders["guest"], guest, home)
    people |= await settle_home(home_url, folders["home"], home, guest)
    try:
        for served in (home, guest):
            await asyncio.to_thread(served.start)
        yield Region(home, guest, people)
    finally:
        for served in (home, guest):
            await asyncio.to_thread(served.stop)


@asynccontextmanager
async def opened(url: str, folder: Path, process: processes.Hub) -> AsyncIterator[Hub]:
    """The same hub in this process, before it is served."""
    app = new_app(url, folder, fetch_allow="127.0.0.1", port=process.port)
    async with app.running(), httpx.AsyncClient() as client:
        assert app.smart is not None
        realm = await app.smart.realm("default")
        assert realm is not None
        yield Hub(app, client, realm)


async def settle_home(url: str, folder: Path, home: processes.Hub, guest: processes.Hub) -> dict[str, Person]:
    async with opened(url, folder, home) as hub:
        await write(
            hub,
            organization("praktijk", "Z3"),
            numbered(organization("thuiszorg", "T2"), URA, NURSING_URA),
            queue("wachtrij", "thuiszorg"),
            *numbered_worker("jan", "praktijk", "huisarts", JAN_BIG),
            *numbered_worker("wil", "thuiszorg", "wijkverpleegkundige", WIL_BIG),
            *numbered_worker("sam", "thuiszorg", "specialist-ouderengeneeskunde", SAM_BIG),
            {
                "resourceType": "Patient",
                "id": "anna",
                "identifier": [{"system": BSN, "value": "999911120"}],
                "name": [{"family": "Voorbeeldstra", "given": ["Anna"]}],
                "birthDate": "1941-03-02",
                "generalPractitioner": [to("Organization/praktijk")],
            },
            {
                "resourceType": "Endpoint",
                "id": "hub-van-thuiszorg",
                "status": "active",
                "connectionType": {"system": managed.CONNECTION_TYPE, "code": "hl7-fhir-rest"},
                "managingOrganization": to("Organization/thuiszorg"),
                "payloadType": [{"text": "any"}],
                "address": f"http://127.0.0.1:{guest.port}/peers/thuis",
            },
        )
        await hub.register(
            client_id="hub-b",
            client_name="De hub van wijk west",
            grant_types=["client_credentials"],
            token_endpoint_auth_method="private_key_jwt",
            organization="Organization/thuiszorg",
            scope="system/*.cruds user/*.cruds",
            jwks_uri=f"http://127.0.0.1:{guest.port}/auth/jwks",
        )
        await hub.backend(client_id="beheer", organization="Organization/thuiszorg")
        who: dict[str, tuple[str, str | None, str]] = {
            "anna": (PATIENT, None, "patient"),
            "jan": ("Practitioner/jan", "praktijk", "huisarts"),
        }
        people = await signed_in(hub, home.base, who)
        issuer = Issuer(hub.realm, home.base)
        client = await clients.find(hub.realm, "beheer")
        assert client is not None
        token, _ = await tokens.for_backend(issuer, client, scopes.parse("system/*.rs"), None)
        return {**people, "system": Person(home.base, token)}


async def settle_guest(
    url: str, folder: Path, guest: processes.Hub, home: processes.Hub
) -> dict[str, Person]:
    async with opened(url, folder, guest) as hub:
        await write(
            hub,
            numbered(organization("wijk-west", "T2"), URA, NURSING_URA),
            organization("andere", "T2"),
            *numbered_worker("w-17", "wijk-west", "wijkverpleegkundige", WIL_BIG),
            *numbered_worker("arts", "wijk-west", "specialist-ouderengeneeskunde", SAM_BIG),
            *works("ine", "andere", "wijkverpleegkundige"),
        )
        peer = rows.new("thuis", home.base, "hub-b", "Organization/wijk-west")
        assert await rows.add(hub.realm.database, hub.realm.number, peer)
        assert address(hub.realm.tenant, "thuis") == f"http://127.0.0.1:{guest.port}/peers/thuis"
        role = "wijkverpleegkundige"
        who: dict[str, tuple[str, str | None, str]] = {
            "wil": ("Practitioner/w-17", "wijk-west", role),
            "sam": ("Practitioner/arts", "wijk-west", "specialist-ouderengeneeskunde"),
            "ine": ("Practitioner/ine", "andere", role),
        }
        return await signed_in(hub, guest.base, who)


async def signed_in(hub: Hub, base: str, people: dict[str, tuple[str, str | None, str]]) -> dict[str, Person]:
    await register_app(hub)
    found = {}
    for name, (user, at, role) in people.items():
        given = {"username": name, "password": "geheim", "fhirUser": user, "role": role}
        if at is not None:
            given["organization"] = f"Organization/{at}"
        await accounts.add(hub.realm, accounts.wanted(given))
        scope = "patient/*.cruds" if at is None else "user/*.cruds"
        issuer = Issuer(hub.realm, base)
        token = await trial.token(issuer, client="app", user=name, role=None, scope=scope, patient=None)
        found[name] = Person(base, token)
    return found


def numbered(resource: Json, system: str, value: str) -> Json:
    return {**resource, "identifier": [{"system": system, "value": value}]}


def numbered_worker(person: str, at: str, role: str, big: str) -> list[Json]:
    who, place = works(person, at, role)
    return [numbered(who, BIG, big), place]

"""Anna, her shared plan and who works on it, each with a token of their own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import httpx

from fhirhub.access import EVERYTHING
from fhirhub.auth import accounts, trial
from fhirhub.auth.realm import Issuer
from fhirhub.repository import Repository
from fhirhub.resources import document, guide
from fhirhub.resources.relations import ORGANIZATION_TYPE
from tests.auth.builders import BASE, Hub, Json, bearer, write

SHARED: Json = {
    "coding": [{"system": "http://snomed.info/sct", "code": "135411000146103"}],
    "text": "Gezamenlijk zorgplan",
}
SINCE = "2026-01-05"
ANNA = {"reference": "Patient/anna"}
PLAN = "CarePlan/plan"


def to(reference: str, **more: Any) -> Json:
    return {"reference": reference, **more}


def code(system: str, code: str) -> Json:
    """A concept of the guide."""
    return {"coding": [{"system": guide.url("CodeSystem", system), "code": code}]}


@dataclass
class Person:
    """One of them, calling the hub over HTTP."""

    http: httpx.AsyncClient
    token: str

    async def ask(self, method: str, path: str, body: Json | None = None, **headers: str) -> httpx.Response:
        told = {"Content-Type": "application/fhir+json", **bearer(self.token), **headers}
        return await self.http.request(method, f"{BASE}/{path}", json=body, headers=told)

    async def get(self, path: str, status: int = 200) -> Json:
        return _body(await self.ask("GET", path), status)

    async def post(self, path: str, body: Json, status: int | None = None, **headers: str) -> Json:
        wanted = status or (200 if "$" in path else 201)
        return _body(await self.ask("POST", path, body, **headers), wanted)

    async def put(self, resource: Json, status: int = 200) -> Json:
        path = f"{resource['resourceType']}/{resource['id']}"
        return _body(await self.ask("PUT", path, resource), status)


def _body(answer: httpx.Response, status: int) -> Json:
    assert answer.status_code == status, answer.text
    body: Json = answer.json()
    return body


def parameters(**values: Any) -> Json:
    """Parameters of values by name; a list is a parameter for each."""
    parts = []
    for name, value in values.items():
        for one in value if isinstance(value, list) else [value]:
            kind = "valueBoolean" if isinstance(one, bool) else "valueString"
            kind = {"start": "valueDate", "canonical": "valueCanonical"}.get(name, kind)
            if isinstance(one, dict):
                kind = "valueReference" if "reference" in one else "resource"
            parts.append({"name": name, kind: one})
    return {"resourceType": "Parameters", "parameter": parts}


async def person(hub: Hub, username: str, role: str | None = None, **given: Any) -> Person:
    """Somebody with an account, signed in with the app."""
    asked: Json = {"client": "app", "user": username, "role": role, "scope": None, "patient": None, **given}
    return Person(hub.http, await trial.token(Issuer(hub.realm, BASE), **asked))


async def stored(hub: Hub, type: str, id: str) -> Json:
    """What the store holds, whoever may see it."""
    body = (await Repository(hub.realm.tenant, EVERYTHING).read(type, id)).body
    assert body is not None
    return document.decode(body)


def organization(id: str, code: str | None) -> Json:
    made: Json = {"resourceType": "Organization", "id": id, "active": True, "name": id}
    if code is not None:
        made["type"] = [{"coding": [{"system": ORGANIZATION_TYPE, "code": code}]}]
    return made


def works(person: str, at: str, role: str) -> list[Json]:
    return [
        {"resourceType": "Practitioner", "id": person, "name": [{"text": person}]},
        {
            "resourceType": "PractitionerRole",
            "id": f"rol-{person}",
            "active": True,
            "practitioner": to(f"Practitioner/{person}"),
            "organization": to(f"Organization/{at}"),
            "code": [code("role", role)],
        },
    ]


def member(reference: str, role: Json, **period: str) -> Json:
    return {"member": to(reference), "role": [role], "period": {"start": SINCE, **period}}


def team(*members: Json, id: str = "team", subject: str = "Patient/anna") -> Json:
    patient = {"coding": [{"system": "http://snomed.info/sct", "code": "116154003"}]}
    return {
        "resourceType": "CareTeam",
        "id": id,
        "status": "active",
        "subject": to(subject),
        "participant": [member(subject, patient), *members],
    }


def plan(id: str = "plan", **more: Any) -> Json:
    return {
        "resourceType": "CarePlan",
        "id": id,
        "status": "active",
        "intent": "plan",
        "category": [SHARED],
        "title": "Zorgplan van Anna",
        "subject": ANNA,
        "careTeam": [to("CareTeam/team")],
        **more,
    }


def goal(id: str, words: str = "Weer naar de winkel lopen", **more: Any) -> Json:
    return {
        "resourceType": "Goal",
        "id": id,
        "lifecycleStatus": "active",
        "category": [code("positive-health-dimension", "lichaamsfuncties")],
        "description": {"text": words},
        "subject": ANNA,
        **more,
    }


def task(id: str, **more: Any) -> Json:
    return {
        "resourceType": "Task",
        "id": id,
        "basedOn": [to("CarePlan/plan")],
        "status": "requested",
        "intent": "order",
        "code": code("task", "consult"),
        "for": ANNA,
        "authoredOn": "2026-02-09T14:00:00+01:00",
        "requester": to("PractitionerRole/rol-jan"),
        "owner": to("Organization/thuiszorg"),
        **more,
    }


def message(sender: str, *recipients: str, **more: Any) -> Json:
    return {
        "resourceType": "Communication",
        "basedOn": [to("CarePlan/plan")],
        "status": "completed",
        "subject": ANNA,
        "sent": "2026-02-12T11:40:00+01:00",
        "sender": to(sender),
        "recipient": [to(one) for one in recipients],
        "payload": [{"contentString": "De enkels zijn dikker dan vorige week."}],
        **more,
    }


async def region(hub: Hub) -> None:
    """Anna's plan, with jan (her doctor), els (practice nurse), wil (district nurse) and anna in the team; mia, her
    daughter; sam of welfare, who is not in it; and bert with a plan that none of them sees."""
    coordinator = code("team-function", "coordinator")
    treating = {"coding": [{"system": "http://snomed.info/sct", "code": "405623001"}]}
    await write(
        hub,
        organization("praktijk", "Z3"),
        organization("thuiszorg", "T2"),
        organization("andere", "T2"),
        organization("welzijn", None),
        *works("jan", "praktijk", "huisarts"),
        *works("els", "praktijk", "poh"),
        *works("wil", "thuiszorg", "wijkverpleegkundige"),
        *works("sam", "welzijn", "welzijn"),
        *works("ine", "andere", "wijkverpleegkundige"),
        {
            "resourceType": "Patient",
            "id": "anna",
            "name": [{"family": "Voorbeeldstra", "given": ["Anna"]}],
            "birthDate": "1941-03-02",
            "generalPractitioner": [to("Organization/praktijk")],
        },
        {"resourceType": "Patient", "id": "bert", "name": [{"family": "Elders"}]},
        {"resourceType": "RelatedPerson", "id": "mia", "patient": ANNA, "name": [{"text": "Mia"}]},
        team(member("PractitionerRole/rol-els", coordinator), member("Organization/thuiszorg", treating)),
        plan(author=to("PractitionerRole/rol-els")),
        team(id="team-bert", subject="Patient/bert"),
        plan("plan-bert", subject=to("Patient/bert"), careTeam=[to("CareTeam/team-bert")]),
    )
    for name, user, at, role in (
        ("anna", "Patient/anna", None, "patient"),
        ("mia", "RelatedPerson/mia", None, "mantelzorger"),
        ("jan", "Practitioner/jan", "praktijk", "huisarts"),
        ("els", "Practitioner/els", "praktijk", "poh"),
        ("wil", "Practitioner/wil", "thuiszorg", "wijkverpleegkundige"),
        ("ine", "Practitioner/ine", "andere", "wijkverpleegkundige"),
        ("sam", "Practitioner/sam", "welzijn", "welzijn"),
    ):
        asked = {"username": name, "password": "geheim", "fhirUser": user, "role": role}
        if at is not None:
            asked["organization"] = f"Organization/{at}"
        await accounts.add(hub.realm, accounts.wanted(asked))
    await hub.register(
        client_id="app",
        client_name="Dagboek",
        redirect_uris=["https://app.example/done"],
        token_endpoint_auth_method="none",
        grant_types=["authorization_code", "refresh_token"],
        scope="launch launch/patient openid fhirUser patient/*.cruds user/*.cruds",
    )

"""A neighbourhood around Anna, who has no plan yet: people with tokens of their own, and the Tasks they place.

Jan (doctor) and Els (practice nurse) work at the practice where she is registered; Wil and Wim are district nurses, Ine
one elsewhere; Sol is an elderly-care physician; Sam is of welfare, whose organisation has no number of care; Mia is
her daughter.
"""

from __future__ import annotations

from typing import Any

from fhirhub.access import EVERYTHING
from fhirhub.auth import accounts
from fhirhub.repository import Repository
from fhirhub.resources import document
from fhirhub.store import request as requests
from tests.auth.builders import Hub, Json, write
from tests.careplan.planning import Person, code, organization, person, to, works

BSN = "http://fhir.nl/fhir/NamingSystem/bsn"
ANNA = "Patient/anna"
PEOPLE = {
    "anna": (ANNA, None, "patient"),
    "mia": ("RelatedPerson/mia", None, "mantelzorger"),
    "jan": ("Practitioner/jan", "praktijk", "huisarts"),
    "els": ("Practitioner/els", "praktijk", "poh"),
    "wil": ("Practitioner/wil", "thuiszorg", "wijkverpleegkundige"),
    "wim": ("Practitioner/wim", "thuiszorg", "wijkverpleegkundige"),
    "ine": ("Practitioner/ine", "andere", "wijkverpleegkundige"),
    "sol": ("Practitioner/sol", "verpleeghuis", "specialist-ouderengeneeskunde"),
    "sam": ("Practitioner/sam", "welzijn", "welzijn"),
}


async def settle(hub: Hub, *also: Json) -> None:
    """Write the neighbourhood, its accounts and the app they sign in with."""
    own = [
        works(name, at, role)
        for name, (user, at, role) in PEOPLE.items()
        if user.startswith("Practitioner/") and at is not None
    ]
    await write(
        hub,
        organization("praktijk", "Z3"),
        organization("thuiszorg", "T2"),
        organization("andere", "T2"),
        organization("verpleeghuis", "R5"),
        organization("welzijn", None),
        *(resource for each in own for resource in each),
        {
            "resourceType": "Patient",
            "id": "anna",
            "identifier": [{"system": BSN, "value": "999911120"}],
            "name": [{"family": "Voorbeeldstra", "given": ["Anna"]}],
            "birthDate": "1941-03-02",
            "telecom": [{"system": "phone", "value": "+31612345678"}],
            "address": [{"line": ["Proeflaan 12"], "postalCode": "1234 BC", "city": "Voorbeeldstad"}],
            "generalPractitioner": [to("Organization/praktijk")],
        },
        {"resourceType": "Patient", "id": "bert", "name": [{"family": "Elders"}]},
        {"resourceType": "RelatedPerson", "id": "mia", "patient": to(ANNA), "name": [{"text": "Mia"}]},
        queue("wachtrij", "thuiszorg"),
        *also,
    )
    for name, (user, at, role) in PEOPLE.items():
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


def queue(id: str, at: str) -> Json:
    return {
        "resourceType": "HealthcareService",
        "id": id,
        "active": True,
        "providedBy": to(f"Organization/{at}"),
        "name": "Regionale wachtrij",
    }


class Neighbourhood:
    """The hub with these people signed in, each once."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self._people: dict[str, Person] = {}

    async def as_(self, name: str) -> Person:
        if name not in self._people:
            scope = "user/*.cruds" if PEOPLE[name][0].startswith("Practitioner/") else "patient/*.cruds"
            patient = "anna" if name == "mia" else None
            self._people[name] = await person(self.hub, name, scope=scope, patient=patient)
        return self._people[name]

    async def place(
        self, by: str, owner: str, status: int = 201, *, draft: bool = False, **more: Any
    ) -> Json:
        """A Task that `by` asks of `owner`, as it is answered; without a plan it starts one."""
        if draft:
            more["status"] = "draft"
        return await (await self.as_(by)).post("Task", asked(by, owner, **more), status)

    async def move(self, by: str, task: Json, to_status: str, status: int = 200, **more: Any) -> Json:
        """The newest version of the Task as `by` sees it, brought to that state."""
        asker = await self.as_(by)
        current = await asker.get(f"Task/{task['id']}")
        current.get("meta", {}).pop("tag", None)
        return await asker.put({**current, "status": to_status, **more}, status)

    async def agree(self, *organizations: str) -> None:
        """Anna agrees that these take part."""
        anna = await self.as_("anna")
        for one in organizations:
            await anna.post("Consent", consent("permit", one))

    async def plan(self, by: str = "jan", **more: Any) -> str:
        """The plan that `by` starts with a Task for a colleague."""
        made = await self.place(
            by, "PractitionerRole/rol-els" if by == "jan" else "PractitionerRole/rol-jan", **more
        )
        return str(made["basedOn"][0]["reference"])

    async def read(self, name: str) -> Json:
        """What the store holds, whoever may see it."""
        type, _, id = name.partition("/")
        body = (await Repository(self.hub.realm.tenant, EVERYTHING).read(type, id)).body
        assert body is not None
        return document.decode(body)

    async def find(self, type: str, query: str = "") -> list[Json]:
        whole = Repository(self.hub.realm.tenant, EVERYTHING)
        found = await whole.all_matches(requests.parse(type, query, whole.parameters))
        return [document.decode(one.body) for one in found if one.body is not None]

    async def members(self, plan: str, *, active: bool = True) -> list[str]:
        """Who is in the team of a plan: now, or ever, in order of the entries."""
        team = (await self.read(plan))["careTeam"][0]["reference"]
        entries = (await self.read(team))["participant"]
        return [
            one["member"]["reference"] for one in entries if not active or "end" not in one.get("period", {})
        ]


def asked(by: str, owner: str, **more: Any) -> Json:
    requester = PEOPLE[by][0] if PEOPLE[by][1] is None else f"PractitionerRole/rol-{by}"
    made: Json = {
        "resourceType": "Task",
        "status": "requested",
        "intent": "order",
        "code": code("task", "zorgvraag"),
        "for": to(ANNA),
        "requester": to(requester),
        "owner": to(owner),
    }
    for name, value in more.items():
        made[name.rstrip("_")] = value
    return {name: value for name, value in made.items() if value is not None}


def consent(decision: str, actor: str, **provision: Any) -> Json:
    role = {"text": "IRCP"}
    reference = to(actor)
    if actor.startswith("HealthcareService/"):
        url = "https://fhirhub.example/fhir/StructureDefinition/consent-queue"
        reference = {"extension": [{"url": url, "valueReference": to(actor)}], "display": "Wachtrij"}
    return {
        "resourceType": "Consent",
        "status": "active",
        "scope": {
            "coding": [
                {
                    "system": "http://terminology.hl7.org/CodeSystem/consentscope",
                    "code": "patient-privacy",
                }
            ]
        },
        "category": [{"coding": [{"system": "http://loinc.org", "code": "59284-0"}]}],
        "patient": to(ANNA),
        "dateTime": "2026-01-01",
        "performer": [to(ANNA)],
        "policy": [{"uri": "https://wetten.overheid.nl/BWBR0023864"}],
        "provision": {"type": decision, "actor": [{"role": role, "reference": reference}], **provision},
    }

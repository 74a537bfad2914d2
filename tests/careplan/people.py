"""People with tokens of their own around one patient: Anna, her carer Mia, the doctor Jan and the practice nurse Els of
the practice where she is registered, and Piet, a district nurse."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import httpx

from fhirhub.access import EVERYTHING
from fhirhub.auth import accounts, trial
from fhirhub.auth.realm import Issuer
from fhirhub.repository import Repository
from fhirhub.resources import document
from fhirhub.store import request as requests
from tests.auth.builders import BASE, Hub, Json, bearer, patient, write

TYPE = "http://nictiz.nl/fhir/NamingSystem/organization-type"
ANNA, MIA = {"reference": "Patient/anna"}, {"reference": "RelatedPerson/mia"}
JAN, ELS, PIET = ({"reference": f"Practitioner/{name}"} for name in ("jan", "els", "piet"))
PRACTICE, NURSING = {"reference": "Organization/praktijk"}, {"reference": "Organization/thuiszorg"}


ACCOUNTS = {
    "anna": ("Patient/anna", "patient", None),
    "bert": ("Patient/bert", "patient", None),
    "mia": ("RelatedPerson/mia", "mantelzorger", None),
    "jan": ("Practitioner/jan", "huisarts", "Organization/praktijk"),
    "els": ("Practitioner/els", "poh", "Organization/praktijk"),
    "piet": ("Practitioner/piet", "wijkverpleegkundige", "Organization/thuiszorg"),
}


@dataclass
class Person:
    """Somebody who signed in with an app."""

    hub: Hub
    token: str

    async def ask(self, method: str, path: str, content: Any = None, **headers: str) -> httpx.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        kind = {"Content-Type": "application/fhir+json"} if content is not None else {}
        body = None if content is None else document.encode(content)
        return await self.hub.http.request(
            method, f"{BASE}/{path}", content=body, headers={**kind, **named, **bearer(self.token)}
        )

    async def get(self, path: str, **headers: str) -> httpx.Response:
        return await self.ask("GET", path, **headers)

    async def post(self, resource: Json, **headers: str) -> httpx.Response:
        return await self.ask("POST", resource["resourceType"], resource, **headers)

    async def put(self, resource: Json, **headers: str) -> httpx.Response:
        return await self.ask("PUT", f"{resource['resourceType']}/{resource['id']}", resource, **headers)


def organization(id: str, code: str) -> Json:
    type = [{"coding": [{"system": TYPE, "code": code}]}]
    return {"resourceType": "Organization", "id": id, "name": id, "type": type}


def works(person: str, organization: str) -> Json:
    return {
        "resourceType": "PractitionerRole",
        "id": f"{person}-{organization}",
        "practitioner": {"reference": f"Practitioner/{person}"},
        "organization": {"reference": f"Organization/{organization}"},
    }


async def settle(hub: Hub) -> None:
    """Write the people, and register the app by which they sign in."""
    await write(
        hub,
        organization("praktijk", "Z3"),
        organization("thuiszorg", "T2"),
        *(
            {"resourceType": "Practitioner", "id": id, "name": [{"text": id}]}
            for id in ("jan", "els", "piet")
        ),
        works("jan", "praktijk"),
        works("els", "praktijk"),
        works("piet", "thuiszorg"),
        patient("anna", "Anna", generalPractitioner=[PRACTICE]),
        patient("bert", "Bert", generalPractitioner=[PRACTICE]),
        {"resourceType": "RelatedPerson", "id": "mia", "patient": ANNA, "name": [{"text": "Mia"}]},
    )
    await hub.register(
        client_id="app",
        client_name="Dagboek",
        redirect_uris=["https://app.example/done"],
        token_endpoint_auth_method="none",
        grant_types=["authorization_code", "refresh_token"],
        scope="openid fhirUser launch/patient patient/*.cruds user/*.cruds",
    )


async def person(hub: Hub, name: str, patient: str | None = None, scope: str | None = None) -> Person:
    """That person, signed in."""
    if await accounts.by_username(hub.realm, name) is None:
        user, role, organization = ACCOUNTS[name]
        asked: Json = {"username": name, "password": "geheim", "fhirUser": user, "role": role}
        if organization is not None:
            asked["organization"] = organization
        await accounts.add(hub.realm, accounts.wanted(asked))
    issuer = Issuer(hub.realm, BASE)
    scope = scope or ("patient/*.cruds" if name in ("anna", "bert", "mia") else "user/*.cruds")
    context = patient or ("anna" if name == "mia" else None)
    return Person(
        hub,
        await trial.token(issuer, client="app", user=name, role=None, scope=scope, patient=context),
    )


async def stored(hub: Hub, type: str, query: str = "") -> list[Json]:
    """What there is, as the hub itself finds it."""
    whole = Repository(hub.realm.tenant, EVERYTHING)
    found = await whole.all_matches(requests.parse(type, query, whole.parameters))
    return [document.decode(each.body) for each in found if each.body]

"""A neighbourhood with a token for each of its people: two practices, a post that covers, district nursing, welfare."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx

from fhirhub.access import EVERYTHING
from fhirhub.auth import accounts, trial
from fhirhub.auth.realm import Issuer
from fhirhub.repository import Repository
from fhirhub.resources import document
from fhirhub.resources.masking import BSN_SYSTEMS
from fhirhub.store.request import parse
from tests.auth.builders import BACKEND, BASE, Hub, Json, bearer, write

TYPE = "http://nictiz.nl/fhir/NamingSystem/organization-type"
CAST = {
    "anna": ("Patient/anna", "patient", None),
    "mia": ("RelatedPerson/mia", "mantelzorger", None),
    "huisarts": ("Practitioner/huisarts", "huisarts", "Organization/praktijk"),
    "poh": ("Practitioner/poh", "poh", "Organization/praktijk"),
    "tweede": ("Practitioner/tweede", "huisarts", "Organization/tweede"),
    "hap": ("Practitioner/hap", "hap-arts", "Organization/post"),
    "wijk": ("Practitioner/wijk", "wijkverpleegkundige", "Organization/thuiszorg"),
    "specialist": ("Practitioner/specialist", "specialist-ouderengeneeskunde", "Organization/verpleeghuis"),
    "welzijn": ("Practitioner/welzijn", "welzijn", "Organization/welzijn"),
    "beheer": ("Practitioner/beheer", "beheerder", "Organization/praktijk"),
    "privacy": ("Practitioner/privacy", "privacy-officer", "Organization/post"),
}
ANNA_BSN = "999900006"


def to(reference: str) -> Json:
    return {"reference": reference}


def organization(id: str, code: str | None) -> Json:
    type = [{"coding": [{"system": TYPE, "code": code}]}] if code else []
    return {
        "resourceType": "Organization",
        "id": id,
        "name": f"Organisatie {id}",
        **({"type": type} if type else {}),
    }


def anna(**also: Any) -> Json:
    return {
        "resourceType": "Patient",
        "id": "anna",
        "identifier": [{"system": BSN_SYSTEMS[0], "value": ANNA_BSN}],
        "name": [{"family": "Voorbeeldstra", "given": ["Anna"]}],
        "birthDate": "1941-03-12",
        "address": [{"postalCode": "1234 BC"}],
        "generalPractitioner": [to("Organization/praktijk")],
        **also,
    }


def directory() -> Iterator[Json]:
    for id, code in (
        ("praktijk", "Z3"), ("tweede", "Z3"), ("post", "N6"), ("thuiszorg", "T2"), ("verpleeghuis", "R5"),
        ("welzijn", None),
    ):  # fmt: skip
        yield organization(id, code)
    for name, (user, role, place) in CAST.items():
        if place is None:
            continue
        yield {"resourceType": "Practitioner", "id": name, "name": [{"text": f"Mens {name}"}]}
        yield {
            "resourceType": "PractitionerRole",
            "id": f"{name}-daar",
            "practitioner": to(user),
            "organization": to(place),
            "code": [{"text": role}],
        }


@dataclass
class Neighbourhood:
    """The hub with its people, each with an account."""

    hub: Hub
    tokens: dict[str, str] = field(default_factory=dict)

    @property
    def whole(self) -> Repository:
        return Repository(self.hub.realm.tenant, EVERYTHING)

    async def put(self, *resources: Json) -> None:
        await write(self.hub, *resources)

    async def account(self, name: str, user: str, role: str, place: str | None) -> None:
        asked = {
            "username": name,
            "password": "geheim",
            "fhirUser": user,
            "role": role,
            "organization": place,
        }
        await accounts.add(self.hub.realm, accounts.wanted(asked))

    async def token(self, name: str) -> str:
        if name not in self.tokens:
            user, _, _ = CAST.get(name, ("", "", None))
            context = user.startswith("RelatedPerson/")
            self.tokens[name] = await trial.token(
                Issuer(self.hub.realm, BASE), client="app", user=name, role=None, scope="user/*.cruds",
                patient="anna" if context else None,
            )  # fmt: skip
        return self.tokens[name]

    async def ask(self, name: str, method: str, path: str, content: Any = None) -> httpx.Response:
        headers = bearer(await self.token(name))
        body = None if content is None else document.encode(content)
        if body is not None:
            headers["Content-Type"] = "application/fhir+json"
        return await self.hub.http.request(method, f"{BASE}/{path}", content=body, headers=headers)

    async def call(self, name: str, path: str, *values: Json) -> httpx.Response:
        """Calls an operation with these parameters, each with its name."""
        given = {"parameter": list(values)} if values else {}
        return await self.ask(name, "POST", path, {"resourceType": "Parameters", **given})

    async def sees(self, name: str, path: str) -> bool:
        answer = await self.ask(name, "GET", path)
        assert answer.status_code in (200, 404), answer.text
        return answer.status_code == 200

    async def stored(self, type: str, query: str = "") -> list[Json]:
        """What there is, as the hub finds it."""
        page = await self.whole.search(parse(type, query, self.whole.parameters))
        return [document.decode(match.body) for match in page.matches]

    async def told(self, recipient: str) -> list[str]:
        """What this party was told."""
        found = await self.stored("Communication", f"recipient={recipient}&_sort=sent")
        return [one["payload"][0]["contentString"] for one in found]


async def settle(hub: Hub) -> Neighbourhood:
    made = Neighbourhood(hub)
    await made.put(
        *directory(), anna(),
        {"resourceType": "RelatedPerson", "id": "mia", "patient": to("Patient/anna"), "name": [{"text": "Mia"}]},
    )  # fmt: skip
    for name, (user, role, place) in CAST.items():
        await made.account(name, user, role, place)
    await hub.register(
        client_id="app", client_name="Dagboek", redirect_uris=["https://app.example/done"],
        token_endpoint_auth_method="none", grant_types=["authorization_code", "refresh_token"],
        scope="openid fhirUser launch/patient offline_access patient/*.cruds user/*.cruds",
    )  # fmt: skip
    await hub.backend(**{**BACKEND, "organization": "Organization/praktijk"})
    return made


def codes(resources: list[Json]) -> list[str]:
    """The codes of Tasks."""
    return sorted(one["code"]["coding"][0]["code"] for one in resources)

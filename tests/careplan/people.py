"""Who there is around one patient, and each of them with a token of their own.

Jan (doctor) and Els (practice nurse) work at the practice where Anna is registered; Wil and Wim are district nurses,
Ine one elsewhere; Sol is an elderly-care physician; Sam is of welfare, whose organisation has no number of care; Mia
is Anna's daughter. Further off are another practice and a post that covers for it at night.
"""

from __future__ import annotations

import functools
import uuid
from dataclasses import dataclass
from typing import Any

import httpx

from fhirhub.access import EVERYTHING
from fhirhub.auth import accounts, passwords, trial
from fhirhub.auth.realm import Issuer
from fhirhub.repository import Repository
from fhirhub.resources import document
from fhirhub.store import request as requests
from fhirhub.store.database import Transaction
from tests.auth.builders import BASE, Hub, Json, bearer
from tests.careplan.resources import PATIENT

ORGANIZATIONS = {
    "praktijk": "Z3",
    "tweede": "Z3",
    "post": "N6",
    "thuiszorg": "T2",
    "andere": "T2",
    "verpleeghuis": "R5",
    "welzijn": None,
}
"""Each with the code of its type."""
CAST = {
    "anna": (PATIENT, None, "patient"),
    "mia": ("RelatedPerson/mia", None, "mantelzorger"),
    "bert": ("Patient/bert", None, "patient"),
    "jan": ("Practitioner/jan", "praktijk", "huisarts"),
    "els": ("Practitioner/els", "praktijk", "poh"),
    "wil": ("Practitioner/wil", "thuiszorg", "wijkverpleegkundige"),
    "wim": ("Practitioner/wim", "thuiszorg", "wijkverpleegkundige"),
    "ine": ("Practitioner/ine", "andere", "wijkverpleegkundige"),
    "sol": ("Practitioner/sol", "verpleeghuis", "specialist-ouderengeneeskunde"),
    "sam": ("Practitioner/sam", "welzijn", "welzijn"),
    "tweede": ("Practitioner/tweede", "tweede", "huisarts"),
    "hap": ("Practitioner/hap", "post", "hap-arts"),
    "beheer": ("Practitioner/beheer", "praktijk", "beheerder"),
    "privacy": ("Practitioner/privacy", "post", "privacy-officer"),
}
"""Each with who they are in FHIR, where they work, and their role."""
PASSWORD = "geheim"


@dataclass
class Person:
    """Somebody who signed in with an app. `ask`, `read`, `create` and `update` give the answer as it is; `get`, `post`
    and `put` what was answered with the status that is expected."""

    hub: Hub
    token: str

    async def ask(self, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        told = {name.replace("_", "-"): value for name, value in headers.items()}
        kind = {"Content-Type": "application/fhir+json"} if body is not None else {}
        content = None if body is None else document.encode(body)
        return await self.hub.http.request(
            method, f"{BASE}/{path}", content=content, headers={**kind, **bearer(self.token), **told}
        )

    async def read(self, path: str, **headers: str) -> httpx.Response:
        return await self.ask("GET", path, **headers)

    async def create(self, resource: Json, **headers: str) -> httpx.Response:
        return await self.ask("POST", resource["resourceType"], resource, **headers)

    async def update(self, resource: Json, **headers: str) -> httpx.Response:
        return await self.ask("PUT", f"{resource['resourceType']}/{resource['id']}", resource, **headers)

    async def get(self, path: str, status: int = 200) -> Json:
        return _body(await self.read(path), status)

    async def post(self, path: str, body: Json, status: int | None = None, **headers: str) -> Json:
        return _body(await self.ask("POST", path, body, **headers), status or (200 if "$" in path else 201))

    async def put(self, resource: Json, status: int = 200) -> Json:
        return _body(await self.update(resource), status)


def _body(answer: httpx.Response, status: int) -> Json:
    assert answer.status_code == status, answer.text
    body: Json = answer.json()
    return body


async def person(
    hub: Hub, name: str, *, role: str | None = None, scope: str | None = None, patient: str | None = None
) -> Person:
    """Somebody with an account, signed in with the app."""
    _, at, _ = CAST.get(name, ("", "", ""))
    token = await trial.token(
        Issuer(hub.realm, BASE),
        client="app",
        user=name,
        role=role,
        scope=scope or ("patient/*.cruds" if at is None else "user/*.cruds"),
        patient=patient or ("anna" if name == "mia" else None),
    )
    return Person(hub, token)


async def account(hub: Hub, name: str, user: str, at: str | None, role: str) -> None:
    """Make an account, or give one that exists another role."""
    asked: Json = {"username": name, "fhirUser": user, "role": role}
    wanted = accounts.wanted(asked | ({} if at is None else {"organization": f"Organization/{at}"}))

    async def work(unit: Transaction) -> None:
        await unit.execute(accounts.inserting(hub.realm, str(uuid.uuid4()), name, _hashed()))
        found = hub.realm.statement("SELECT id FROM auth_account WHERE tenant = $1 AND username = $2", name)
        ((id,),) = await unit.fetch(found)
        await accounts.put_standing(hub.realm, unit, str(id), wanted)

    await hub.realm.database.transaction(work)


@functools.cache
def _hashed() -> str:
    """Made slowly on purpose, so once for all of them."""
    return passwords.hashed(PASSWORD)


async def stored(hub: Hub, type: str, id: str) -> Json:
    """What the store holds, whoever may see it."""
    body = (await Repository(hub.realm.tenant, EVERYTHING).read(type, id)).body
    assert body is not None
    return document.decode(body)


async def all_stored(hub: Hub, type: str, query: str = "") -> list[Json]:
    """What the store finds, whoever may see it."""
    whole = Repository(hub.realm.tenant, EVERYTHING)
    found = await whole.all_matches(requests.parse(type, query, whole.parameters))
    return [document.decode(each.body) for each in found if each.body]

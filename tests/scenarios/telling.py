"""What the people of a story do alike: come to work here, find what is there for them."""

from __future__ import annotations

from fhirhub.auth import accounts
from tests.auth.builders import Hub, Json, write
from tests.careplan.people import Person, person
from tests.careplan.resources import organization, works

TYPES = {"huisarts": "Z3", "hap-arts": "N6", "wijkverpleegkundige": "T2"}


async def newcomer(hub: Hub, name: str, at: str, role: str) -> Person:
    """Somebody who works there in that role, signed in; the organisation is made with them."""
    await write(hub, organization(at, TYPES.get(role)), *works(name, at, role))
    user = {"username": name, "password": "geheim", "fhirUser": f"Practitioner/{name}", "role": role}
    await accounts.add(hub.realm, accounts.wanted(user | {"organization": f"Organization/{at}"}))
    return await person(hub, name, scope="user/*.cruds")


async def found(by: Person, query: str) -> list[Json]:
    """What this search finds for them."""
    return [entry["resource"] for entry in (await by.get(query)).get("entry", ())]


async def sees(by: Person, path: str) -> bool:
    answer = await by.ask("GET", path)
    assert answer.status_code in (200, 403, 404), answer.text
    return answer.status_code == 200


def code_of(task: Json) -> str:
    return str(task["code"]["coding"][0]["code"])

"""The demo's accounts and app made, for somebody of each role in the region."""

from __future__ import annotations

from typing import Any

from fhirhub.auth import accounts, clients
from fhirhub.auth.realm import Realm
from fhirhub.auth.roles import ROLES
from fhirhub.demo.accounts import APP, CLIENT, password
from fhirhub.repository import Repository
from fhirhub.resources import document
from fhirhub.store.request import parse

Json = dict[str, Any]

REPRESENTATIVE = "310391000146105"


async def add(realm: Realm, whole: Repository) -> None:
    """Make the accounts whose people are in the region, and the app; once. `whole` is the region as the
    administrator sees it."""
    if await clients.find(realm, CLIENT) is not None:
        return
    for role, fhir_user, organization in await people(whole):
        if await accounts.by_username(realm, role) is None:
            asked = {
                "username": role,
                "password": password(realm.secret, realm.name),
                "fhirUser": fhir_user,
                "role": role,
            }
            await accounts.add(realm, accounts.wanted(asked | {"organization": organization}))
    await clients.register(realm, APP)


async def people(whole: Repository) -> list[tuple[str, str, str | None]]:
    """For each role somebody who has it: role, person, organisation."""
    found: list[tuple[str, str, str | None]] = []
    for role, told in ROLES.items():
        if told.has_organization:
            query = [("role", role), ("_sort", "_id"), ("_count", "1")]
            for works in await _search(whole, "PractitionerRole", query):
                found.append((role, works["practitioner"]["reference"], works["organization"]["reference"]))
    return found + await _relatives(whole)


async def _relatives(whole: Repository) -> list[tuple[str, str, str | None]]:
    """A patient whose carer may see something, that carer, and a representative."""
    chosen: dict[str, str] = {}
    query = [("status", "active"), ("scope", "patient-privacy"), ("_sort", "_id"), ("_count", "1000")]
    for consent in await _search(whole, "Consent", query):
        for actor in consent["provision"].get("actor", ()):
            person = actor["reference"]["reference"]
            if consent["provision"]["type"] != "permit" or not person.startswith("RelatedPerson/"):
                continue
            codes = {coding["code"] for coding in actor["role"]["coding"]}
            if REPRESENTATIVE in codes:
                chosen.setdefault("wettelijk-vertegenwoordiger", person)
            elif "mantelzorger" not in chosen:
                chosen |= {"mantelzorger": person, "patient": consent["patient"]["reference"]}
    if "patient" not in chosen:
        for patient in await _search(whole, "Patient", [("_sort", "_id"), ("_count", "1")]):
            chosen["patient"] = f"Patient/{patient['id']}"
    return [(role, person, None) for role, person in sorted(chosen.items())]


async def _search(whole: Repository, type: str, query: list[tuple[str, str]]) -> list[Json]:
    found = await whole.search(parse(type, query, whole.parameters))
    return [document.decode(match.body) for match in found.matches]

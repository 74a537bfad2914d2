"""Who a person is in FHIR and whose patient's data they can open, for the choices at sign-in."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from fhirhub.access import EVERYTHING, Access
from fhirhub.auth.accounts import Standing
from fhirhub.auth.jose import Json
from fhirhub.auth.principal import Principal
from fhirhub.auth.realm import Realm
from fhirhub.auth.roles import SUPERVISORS
from fhirhub.auth.scopes import Scope
from fhirhub.repository import Repository, Tenant
from fhirhub.resources import document
from fhirhub.store.request import parse

Opens = Callable[[Tenant, Principal], Awaitable[Access]]
"""What a caller may see and do in a tenant."""

MOST_SHOWN = 20
MOST_DOCTORS = 100
SHARED_PLAN = "http://snomed.info/sct|135411000146103,http://snomed.info/sct|734163000"
"""The categories of plans that are shared; a NursingIntervention of nl-core is a CarePlan too, and none."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A patient to choose."""

    id: str
    name: str
    birth_date: str | None


async def as_seen_by(
    realm: Realm,
    opens: Opens,
    account: str,
    standing: Standing,
    acr: str,
    types: tuple[str, ...],
    patient: str | None,
    letters: str = "rs",
) -> Repository:
    """The store as this person sees it, before any app asks; with other letters, as they write it too."""
    principal = Principal(
        kind="person",
        tenant=realm.name,
        client_id="",
        token_id="",
        scopes=tuple(Scope("user", type, letters) for type in types),
        account=account,
        fhir_user=standing.fhir_user,
        organization=standing.organization,
        role=standing.role,
        responsible=standing.responsible,
        patient=patient,
        acr=acr,
        expires=realm.now + 60,
    )
    return Repository(realm.tenant, await opens(realm.tenant, principal))


async def own_patient(realm: Realm, standing: Standing) -> str | None:
    """The id of the Patient that a patient is, or that a RelatedPerson belongs to; None for others."""
    type, _, id = standing.fhir_user.partition("/")
    if type == "Patient":
        return id
    if type != "RelatedPerson":
        return None
    found = await Repository(realm.tenant, EVERYTHING).find(type, id)
    if found is None or found.body is None:
        return None
    reference = str(document.decode(found.body).get("patient", {}).get("reference", ""))
    return reference.removeprefix("Patient/") if reference.startswith("Patient/") else None


async def patients(seen: Repository, text: str) -> list[Choice]:
    """Patients whose names hold these words, of those that can be seen."""
    query = [("name", word) for word in text.replace(",", " ").split()[:5]]
    search = parse("Patient", [*query, ("_sort", "family"), ("_count", str(MOST_SHOWN))], seen.parameters)
    found = await seen.search(search)
    return [_choice(document.decode(match.body)) for match in found.matches]


async def patient(seen: Repository, id: str) -> Choice | None:
    """The patient of that id, where they can be seen."""
    found = await seen.find("Patient", id)
    return None if found is None or found.body is None else _choice(document.decode(found.body))


async def shared_plan(seen: Repository, patient: str) -> list[Json]:
    """The patient's shared CarePlan as `fhirContext` tells of it: the one that was changed last."""
    query = [("subject", f"Patient/{patient}"), ("category", SHARED_PLAN), ("status", "active,on-hold"),
             ("_sort", "-_lastUpdated"), ("_count", "1")]  # fmt: skip
    found = await seen.search(parse("CarePlan", query, seen.parameters))
    return [{"reference": f"CarePlan/{match.id}"} for match in found.matches]


async def supervisors(realm: Realm, organization: str) -> dict[str, str]:
    """The doctors who work at this organisation now, by reference, with their names (RULES R24)."""
    whole = Repository(realm.tenant, EVERYTHING)
    codes = ",".join(f"{system}|{code}" for system, code in SUPERVISORS)
    query = [
        ("organization", organization),
        ("active", "true"),
        ("role", codes),
        ("_count", str(MOST_DOCTORS)),
    ]
    found = await whole.search(parse("PractitionerRole", query, realm.tenant.parameters))
    roles = [document.decode(match.body) for match in found.matches]
    references = [str(role.get("practitioner", {}).get("reference", "")) for role in roles]
    return await names(realm, sorted(one for one in references if one.startswith("Practitioner/")))


async def encounter_is_seen(seen: Repository, id: str) -> bool:
    found = await seen.find("Encounter", id)
    return found is not None and found.body is not None


async def names(realm: Realm, references: list[str]) -> dict[str, str]:
    """How these people and organisations are called."""
    whole = Repository(realm.tenant, EVERYTHING)
    called = {}
    for reference in dict.fromkeys(references):
        called[reference] = await _name(whole, reference)
    return called


async def _name(whole: Repository, reference: str) -> str:
    """The name of a resource, of a PractitionerRole that of its person with where they work; the reference where there
    is none."""
    type, _, id = reference.partition("/")
    found = await whole.find(type, id)
    if found is None or found.body is None:
        return reference
    resource = document.decode(found.body)
    if type != "PractitionerRole":
        return _called(resource)
    parts = [resource.get(name, {}).get("reference") for name in ("practitioner", "organization")]
    names = [await _name(whole, part) for part in parts if part and not part.startswith("PractitionerRole/")]
    return ", ".join(names) or reference


def _choice(resource: Json) -> Choice:
    return Choice(str(resource["id"]), _called(resource), resource.get("birthDate"))


def _called(resource: Json) -> str:
    """A person's or organisation's name; their id where there is none."""
    name: Any = resource.get("name")
    if isinstance(name, str):
        return name
    for one in name or ():
        whole = one.get("text") or " ".join(filter(None, [*one.get("given", ()), one.get("family")]))
        if whole:
            return str(whole)
    return str(resource.get("id", ""))

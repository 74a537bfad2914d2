"""Whether an account that an administrator makes is of somebody here: the person and the organisation are there, and
the directory knows the one at the other, in that role (RULES R22)."""

from __future__ import annotations

from typing import Any

from fhirhub.access import EVERYTHING
from fhirhub.auth.accounts import AccountError, Wanted
from fhirhub.auth.realm import Realm
from fhirhub.auth.roles import OF_THE_HUB, of_codes
from fhirhub.repository import Repository
from fhirhub.resources import document
from fhirhub.store.request import parse

Json = dict[str, Any]


async def check(realm: Realm, wanted: Wanted) -> str | None:
    """What the directory should say besides, where it says nothing of where the person works. Raises AccountError,
    with what would be right, where the account fits nobody."""
    whole = Repository(realm.tenant, EVERYTHING)
    person = await _here(whole, "fhirUser", wanted.fhir_user)
    if person.get("active") is False:
        raise AccountError(f"`fhirUser` expects somebody who is active; {wanted.fhir_user} is not")
    if wanted.responsible is not None:
        await _here(whole, "responsible", wanted.responsible)
    if wanted.organization is None:
        return None
    await _here(whole, "organization", wanted.organization)
    return await _works_there(whole, wanted, wanted.organization)


async def is_here(realm: Realm, reference: str) -> bool:
    """Whether there is such a resource."""
    type, _, id = reference.partition("/")
    found = await Repository(realm.tenant, EVERYTHING).find(type, id)
    return found is not None and found.body is not None


async def _here(whole: Repository, name: str, reference: str) -> Json:
    type, _, id = reference.partition("/")
    found = await whole.find(type, id)
    if found is None or found.body is None:
        raise AccountError(
            f"`{name}` expects a {type} that is here, and there is no {reference}: load it first (`fhirhub load`)"
        )
    return document.decode(found.body)


async def _works_there(whole: Repository, wanted: Wanted, organization: str) -> str | None:
    query = [("practitioner", wanted.fhir_user), ("active:not", "false"), ("_count", "200")]
    found = (await whole.search(parse("PractitionerRole", query, whole.parameters))).matches
    works = [document.decode(match.body) for match in found]
    places = {place for role in works if (place := role.get("organization", {}).get("reference"))}
    if not places:
        return (
            f"no active PractitionerRole says that {wanted.fhir_user} works at {organization}: load one, so that "
            "teams and Tasks know them there"
        )
    if organization not in places:
        raise AccountError(
            f"`organization` expects one where {wanted.fhir_user} has an active PractitionerRole: {_listed(places)} "
            f"and not {organization}"
        )
    here = [role for role in works if role.get("organization", {}).get("reference") == organization]
    roles = {role for one in here for role in of_codes(one)}
    if roles and wanted.role not in roles | OF_THE_HUB:
        raise AccountError(
            f"`role` expects what {wanted.fhir_user} is at {organization} by their PractitionerRole: "
            f"{_listed(roles)} and not {wanted.role}"
        )
    return None


def _listed(names: set[str]) -> str:
    return " or ".join(sorted(names))

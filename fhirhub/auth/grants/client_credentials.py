"""A backend gets a token for itself, or for a person of its organisation (RULES R24)
(https://hl7.org/fhir/smart-app-launch/STU2.2/backend-services.html)."""

from __future__ import annotations

import re

from fhirhub.access import EVERYTHING
from fhirhub.auth import granular, scopes, tokens
from fhirhub.auth.client_authentication import Authenticated
from fhirhub.auth.exchange import Request
from fhirhub.auth.faults import invalid_client, invalid_request, invalid_scope
from fhirhub.auth.jose import Json
from fhirhub.auth.realm import Realm
from fhirhub.auth.roles import ROLES, of_codes
from fhirhub.auth.tokens import Person
from fhirhub.repository import Repository
from fhirhub.resources import document, relations
from fhirhub.store.request import parse

_PRACTITIONER = re.compile(r"Practitioner/[A-Za-z0-9.-]{1,64}")
_PURPOSE = re.compile(r"[A-Z]{1,20}")


async def answer(request: Request, form: dict[str, str], by: Authenticated) -> Json:
    """`scope` names `system/` scopes, or `user/` scopes where the backend acts for a person."""
    if "scope" not in form:
        raise invalid_scope("`scope` is missing: it names what is asked for, such as system/Patient.rs")
    person = await _person(request.realm, by)
    asked = scopes.parse(form["scope"])
    level: scopes.Level = "system" if person is None else "user"
    granted = scopes.narrowed(scopes.of_levels(asked, [level]), _bound(by, level))
    granted = granular.searchable(granted, request.realm.tenant.parameters)
    # `launch` lets the backend of an EHR register launches.
    if not granted.resources and "launch" not in granted:
        raise invalid_scope(f"`scope` expects {level}/ scopes that this client is registered for")
    token, lifetime = await tokens.for_backend(request.issuer, by.client, granted, person)
    return {"access_token": token, "token_type": "Bearer", "expires_in": lifetime, "scope": str(granted)}


def _bound(by: Authenticated, level: scopes.Level) -> scopes.Scopes:
    """What the client is registered for; a person it acts for may do no more than it may itself."""
    registered = by.client.scopes
    words = tuple(word for word in registered.words if word == "launch")
    of_level = tuple(one for one in registered.resources if one.level == level)
    return scopes.Scopes(of_level, words)


async def _person(realm: Realm, by: Authenticated) -> Person | None:
    """The person whom the assertion names, where it names one: `acts_for` with fhirUser, role and purpose."""
    told = by.assertion.get("acts_for")
    if told is None:
        return None
    if not isinstance(told, dict):
        raise invalid_request("`acts_for` expects an object with fhirUser, role and purpose")
    fhir_user, role, purpose = (str(told.get(name, "")) for name in ("fhirUser", "role", "purpose"))
    if not _PRACTITIONER.fullmatch(fhir_user) or not _PURPOSE.fullmatch(purpose):
        raise invalid_request(
            "`acts_for` expects fhirUser such as Practitioner/x and a purpose such as TREAT"
        )
    if role not in ROLES or not ROLES[role].has_organization:
        raise invalid_request("`acts_for` expects a role of a professional, such as huisarts")
    if not await _works_there(realm, fhir_user, role, str(by.client.organization)):
        raise invalid_client(
            f"{fhir_user} has no active PractitionerRole with the code {role} in the organisation of this client"
        )
    return Person(fhir_user, role, purpose)


async def _works_there(realm: Realm, practitioner: str, role: str, organization: str) -> bool:
    """Whether the directory says so: a backend has the access of its people, and makes none of them more."""
    query = [
        ("practitioner", practitioner),
        ("organization", organization),
        ("active", "true"),
        ("_count", "50"),
    ]
    search = parse("PractitionerRole", query, realm.tenant.parameters)
    found = await Repository(realm.tenant, EVERYTHING).search(search)
    roles = [document.decode(match.body) for match in found.matches]
    return any(role in of_codes(one) and _holds(one, realm.now * 1_000_000) for one in roles)


def _holds(works: Json, moment: int) -> bool:
    start, until = relations.period(works.get("period"))
    return start <= moment < until

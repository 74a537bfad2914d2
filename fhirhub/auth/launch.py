"""Launches: the context an EHR hands to an app, by a value that works once, for its app and person, for five
minutes (https://hl7.org/fhir/smart-app-launch/STU2.2/app-launch.html#launch-app-ehr-launch)."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass, field
from typing import Any
from urllib.parse import urlencode

from fhirhub.auth import accounts, clients
from fhirhub.auth.accounts import Account
from fhirhub.auth.clients import Client
from fhirhub.auth.faults import OAuthError, invalid_request
from fhirhub.auth.jose import Json
from fhirhub.auth.realm import Issuer, Realm
from fhirhub.auth.unguessable import hashed, new_token

SECONDS = 300
_ID = re.compile(r"[A-Za-z0-9.-]{1,64}")
_REFERENCE = re.compile(r"[A-Z][A-Za-z]+/[A-Za-z0-9.-]{1,64}")


@dataclass(frozen=True, slots=True)
class Launch:
    """What a launch value stands for. Patient and encounter are logical ids."""

    client: str
    account: str
    patient: str | None = None
    encounter: str | None = None
    fhir_context: list[Json] = field(default_factory=list)
    intent: str | None = None
    need_patient_banner: bool = False


async def prepare(realm: Realm, asked: Any, organization: str | None = None) -> tuple[Client, str]:
    """Register the context that `asked` describes; gives the app and the launch value.

    `organization` bounds for whom: people of an EHR's own organisation. Raises OAuthError `invalid_request`.
    """
    if not isinstance(asked, dict):
        raise invalid_request("a launch is a JSON object with client_id, user, patient")
    client = await clients.find(realm, str(asked.get("client_id", "")))
    if client is None or not client.may_use("authorization_code"):
        raise invalid_request("`client_id` expects the id of a registered app that people sign in with")
    account = await _account(realm, str(asked.get("user", "")), organization)
    launch = Launch(
        client.id,
        account.id,
        _id(asked, "patient", "Patient"),
        _id(asked, "encounter", "Encounter"),
        _context(asked.get("fhirContext")),
        _text(asked, "intent"),
        asked.get("need_patient_banner") is True,
    )
    value = new_token()
    await realm.change(
        "INSERT INTO auth_launch (tenant, id, content, expires, used) VALUES ($1, $2, $3, $4, NULL)",
        hashed(value),
        json.dumps(asdict(launch)),
        realm.now + SECONDS,
    )
    return client, value


async def find(realm: Realm, value: str, client: Client) -> Launch:
    """The launch that this value stands for, not used yet. Raises OAuthError `invalid_request`."""
    rows = await realm.rows(
        "SELECT content FROM auth_launch WHERE tenant = $1 AND id = $2 AND expires > $3 AND used IS NULL",
        hashed(value),
        realm.now,
    )
    launch = Launch(**json.loads(rows[0][0])) if rows else None
    if launch is None or launch.client != client.id:
        raise invalid_request(
            "`launch` is not, or no longer, a launch of this app; start it anew from the EHR"
        )
    return launch


async def use(realm: Realm, value: str) -> bool:
    """Spend the value; whether it could still be used."""
    sql = "UPDATE auth_launch SET used = $3 WHERE tenant = $1 AND id = $2 AND expires > $3 AND used IS NULL"
    return await realm.change(sql, hashed(value), realm.now) == 1


def address(issuer: Issuer, client: Client, value: str) -> str:
    """Where the EHR sends the browser: the app's launch address. Raises OAuthError where it has none."""
    if client.launch_uri is None:
        raise invalid_request(f"the app {client.id} has no `launch_uri`")
    mark = "&" if "?" in client.launch_uri else "?"
    return client.launch_uri + mark + urlencode({"iss": issuer.base, "launch": value})


async def _account(realm: Realm, user: str, organization: str | None) -> Account:
    """The account of a user name or of a reference to the person."""
    by_name = await accounts.by_username(realm, user)
    found = [by_name] if by_name else await accounts.by_fhir_user(realm, user)
    found = [
        one
        for one in found
        if not one.disabled
        and (organization is None or any(standing.organization == organization for standing in one.standings))
    ]
    if len(found) != 1:
        raise invalid_request(
            "`user` expects the user name, or the Practitioner, of one account that may launch"
        )
    return found[0]


def _id(asked: Json, name: str, type: str) -> str | None:
    value = asked.get(name)
    if value is None:
        return None
    id = str(value).removeprefix(type + "/")
    if not isinstance(value, str) or not _ID.fullmatch(id):
        raise invalid_request(f"`{name}` expects the id of a {type}")
    return id


def _text(asked: Json, name: str) -> str | None:
    value = asked.get(name)
    if value is not None and (not isinstance(value, str) or len(value) > 200):
        raise invalid_request(f"`{name}` expects a text")
    return value


def _context(asked: Any) -> list[Json]:
    if asked is None:
        return []
    if not isinstance(asked, list) or len(asked) > 20:
        raise invalid_request("`fhirContext` expects a list of objects with a `reference`")
    for one in asked:
        reference = one.get("reference") if isinstance(one, dict) else None
        if not isinstance(reference, str) or not _REFERENCE.fullmatch(reference):
            raise invalid_request("`fhirContext` expects objects with a `reference` such as CarePlan/x")
        if reference.startswith(("Patient/", "Encounter/")):
            raise _in_context_already()
    return asked


def _in_context_already() -> OAuthError:
    return invalid_request("`fhirContext` has no Patient or Encounter: those are `patient` and `encounter`")

"""Grants: what a person let an app do, from the consent until it ends; every token of the app comes of one.

A refresh token works once and is followed by another; one that is used again ends the whole grant, since then two
hold it (RFC 9700, 4.14.2).
"""

from __future__ import annotations

import json
import uuid
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from fhirhub.auth import scopes
from fhirhub.auth.faults import invalid_grant
from fhirhub.auth.jose import Json
from fhirhub.auth.realm import Realm
from fhirhub.auth.scopes import Scopes
from fhirhub.auth.unguessable import hashed, new_token

CODE_SECONDS = 60
DAY_SECONDS = 24 * 3600


@dataclass(frozen=True, slots=True)
class Grant:
    """What was let, by whom, to whom. `scope` is as it was granted; moments are seconds since 1970 UTC."""

    id: str
    client: str
    account: str
    scope: str
    fhir_user: str
    organization: str | None
    role: str
    responsible: str | None
    acr: str
    signed_in: int
    created: int
    expires: int
    lasting: Literal["offline", "online"] | None = None
    session: str | None = None
    """The session that a grant with `online_access` ends with."""
    patient: str | None = None
    encounter: str | None = None
    fhir_context: list[Json] = field(default_factory=list)
    intent: str | None = None
    need_patient_banner: bool = False

    @property
    def scopes(self) -> Scopes:
        return scopes.parse(self.scope)


@dataclass(frozen=True, slots=True)
class Code:
    """What a code is bound to."""

    redirect_uri: str
    challenge: str
    nonce: str | None


def lasting_of(words: tuple[str, ...]) -> Literal["offline", "online"] | None:
    """For how long a grant with these scopes gives refresh tokens."""
    if "offline_access" in words:
        return "offline"
    return "online" if "online_access" in words else None


def new(realm: Realm, **told: Any) -> Grant:
    """A grant of this moment, not stored yet; it lasts as its scopes say."""
    lasting = lasting_of(scopes.parse(told["scope"]).words)
    expires = realm.now + realm.settings.session_hours * 3600
    if lasting == "offline":
        expires = realm.now + realm.settings.refresh_token_days * DAY_SECONDS
    return Grant(id=str(uuid.uuid4()), created=realm.now, expires=expires, lasting=lasting, **told)


async def store(realm: Realm, grant: Grant) -> None:
    await realm.change(
        "INSERT INTO auth_grant (tenant, id, client, account, content, created, expires, revoked) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7, NULL)",
        grant.id,
        grant.client,
        grant.account,
        json.dumps(asdict(grant)),
        grant.created,
        grant.expires,
    )


async def replace_consent(realm: Realm, grant: Grant) -> None:
    """Store the grant. It takes the place of earlier ones that were only the memory of the same consent: no
    token of theirs lives any more."""
    for other in await of_account(realm, grant.account, grant.client):
        tokens_until = other.created + CODE_SECONDS + realm.settings.access_token_seconds
        is_memory = other.lasting is None and tokens_until < realm.now
        same = (other.fhir_user, other.organization, other.role, other.patient) == (
            grant.fhir_user,
            grant.organization,
            grant.role,
            grant.patient,
        )
        if is_memory and same and set(other.scope.split()) <= set(grant.scope.split()):
            await realm.change("DELETE FROM auth_grant WHERE tenant = $1 AND id = $2", other.id)
    await store(realm, grant)


async def find(realm: Realm, id: str) -> Grant | None:
    """The grant, where it stands."""
    rows = await realm.rows(
        "SELECT content FROM auth_grant WHERE tenant = $1 AND id = $2 AND revoked IS NULL AND expires > $3",
        id,
        realm.now,
    )
    return Grant(**json.loads(rows[0][0])) if rows else None


async def of_account(realm: Realm, account: str, client: str | None = None) -> list[Grant]:
    """What this person granted and stands, newest first; to one client, or to all."""
    rows = await realm.rows(
        "SELECT content FROM auth_grant WHERE tenant = $1 AND account = $2 AND revoked IS NULL "
        "AND expires > $3 ORDER BY created DESC, id",
        account,
        realm.now,
    )
    found = [Grant(**json.loads(row[0])) for row in rows]
    return [grant for grant in found if client is None or grant.client == client]


async def revoke(realm: Realm, id: str) -> None:
    """End the grant: its refresh tokens and, at once, its access tokens."""
    await realm.change(
        "UPDATE auth_grant SET revoked = $3 WHERE tenant = $1 AND id = $2 AND revoked IS NULL", id, realm.now
    )
    await realm.revocations.revoke([f"grant {id}"], realm.now + realm.settings.access_token_seconds + 1)


async def new_code(realm: Realm, grant: Grant, code: Code) -> str:
    """A code for the grant; it works once, for CODE_SECONDS."""
    value = new_token()
    await realm.change(
        "INSERT INTO auth_code (tenant, id, family, content, expires, used) VALUES ($1, $2, $3, $4, $5, NULL)",
        hashed(value),
        grant.id,
        json.dumps(asdict(code)),
        realm.now + CODE_SECONDS,
    )
    return value


async def peek_code(realm: Realm, value: str) -> tuple[Grant, Code]:
    """What the code stands for, without spending it. Raises `invalid_grant`; for a code that was spent
    before, all that came of it is revoked (RFC 6749, 4.1.2)."""
    rows = await realm.rows(
        "SELECT family, content, expires, used FROM auth_code WHERE tenant = $1 AND id = $2", hashed(value)
    )
    if not rows:
        raise invalid_grant("the code is not known")
    family, content, expires, used = rows[0]
    if used is not None:
        await revoke(realm, str(family))
        raise invalid_grant("the code was used before; what came of it is revoked")
    grant = await find(realm, str(family))
    if grant is None or int(expires) <= realm.now:
        raise invalid_grant("the code is expired")
    return grant, Code(**json.loads(content))


async def spend_code(realm: Realm, value: str, grant: Grant) -> None:
    """Spend the code. Raises `invalid_grant` where somebody was first."""
    sql = "UPDATE auth_code SET used = $3 WHERE tenant = $1 AND id = $2 AND used IS NULL"
    if await realm.change(sql, hashed(value), realm.now) != 1:
        await revoke(realm, grant.id)
        raise invalid_grant("the code was used before; what came of it is revoked")


async def new_refresh_token(realm: Realm, grant: Grant) -> str:
    """A refresh token of the grant, as long as that lasts."""
    value = new_token()
    await realm.change(
        "INSERT INTO auth_refresh (tenant, id, family, created, expires, used) VALUES ($1, $2, $3, $4, $5, NULL)",
        hashed(value),
        grant.id,
        realm.now,
        grant.expires,
    )
    return value


async def of_refresh_token(realm: Realm, value: str) -> tuple[str, bool] | None:
    """The id of the grant that a refresh token is of, and whether it was used; None for one not known."""
    rows = await realm.rows(
        "SELECT family, used FROM auth_refresh WHERE tenant = $1 AND id = $2 AND expires > $3",
        hashed(value),
        realm.now,
    )
    return (str(rows[0][0]), rows[0][1] is not None) if rows else None


async def spend_refresh_token(realm: Realm, value: str, client: str) -> Grant:
    """Spend the refresh token of this client; gives its grant. Raises `invalid_grant`, and ends the grant
    where the token was spent before."""
    found = await of_refresh_token(realm, value)
    grant = await find(realm, found[0]) if found else None
    if found is None or grant is None or grant.client != client:
        raise invalid_grant("the refresh token is not known, or no longer")
    sql = "UPDATE auth_refresh SET used = $3 WHERE tenant = $1 AND id = $2 AND used IS NULL"
    if found[1] or await realm.change(sql, hashed(value), realm.now) != 1:
        await revoke(realm, grant.id)
        raise invalid_grant("the refresh token was used before; all that came of this sign-in is revoked")
    return grant


async def forget(realm: Realm) -> None:
    """Drop what expired, some time after it did."""
    before = realm.now - DAY_SECONDS
    for table in ("auth_code", "auth_refresh", "auth_launch", "auth_assertion", "auth_session", "auth_grant"):
        await realm.change(f"DELETE FROM {table} WHERE tenant = $1 AND expires < $2", before)
    await realm.change("DELETE FROM auth_attempt WHERE tenant = $1 AND until < $2", before)
    await realm.revocations.forget()

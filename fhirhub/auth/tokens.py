"""Access tokens and id_tokens: made of a grant or for a backend, and read back as a Principal
(RFC 9068; https://openid.net/specs/openid-connect-core-1_0.html#IDToken).

An access token says all that a Principal is, so a request costs no question to the database: what was verified is
kept by the token's hash, and a mark tells when something was revoked.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass

from fhirhub.auth import jose, scopes
from fhirhub.auth.clients import Client
from fhirhub.auth.jose import Json, TokenError
from fhirhub.auth.keys import ACCESS, IDENTITY
from fhirhub.auth.permits import Grant
from fhirhub.auth.principal import Principal
from fhirhub.auth.realm import Issuer, Realm
from fhirhub.auth.scopes import Scopes

TYPE = "at+jwt"
MOST_KNOWN = 20_000
"""How many verified tokens a worker keeps."""
BACKEND_SECONDS = 300
"""How long the token of a backend lives at most (SMART, backend services)."""


@dataclass(frozen=True, slots=True)
class Verified:
    """A token that was found to be right, for this base, until it expires or is revoked."""

    principal: Principal
    scopes: Scopes
    base: str
    names: tuple[str, ...]
    """Under which it can be revoked."""
    issued: int
    subject: str
    grant: str | None


@dataclass(frozen=True, slots=True)
class Person:
    """For whom a backend acts (RULES R24)."""

    fhir_user: str
    role: str
    purpose: str


async def for_grant(issuer: Issuer, grant: Grant, granted: Scopes) -> tuple[str, int]:
    """An access token of the grant, and how many seconds it lives."""
    lifetime = min(issuer.realm.settings.access_token_seconds, max(1, grant.expires - issuer.realm.now))
    own = {
        "sub": grant.account,
        "client_id": grant.client,
        "scope": str(granted),
        "grant": grant.id,
        "fhirUser": grant.fhir_user,
        "organization": grant.organization,
        "role": grant.role,
        "responsible": grant.responsible,
        "patient": grant.patient,
        "encounter": grant.encounter,
        "acr": grant.acr,
        "auth_time": grant.signed_in,
    }
    return await _signed(issuer, own, lifetime), lifetime


async def for_backend(
    issuer: Issuer, client: Client, granted: Scopes, person: Person | None
) -> tuple[str, int]:
    """An access token of a backend, for itself or for a person of its organisation."""
    lifetime = min(issuer.realm.settings.access_token_seconds, BACKEND_SECONDS)
    own: Json = {
        "sub": client.id,
        "client_id": client.id,
        "scope": str(granted),
        "organization": client.organization,
    }
    if person is not None:
        own |= {"fhirUser": person.fhir_user, "role": person.role, "purpose": person.purpose}
    return await _signed(issuer, own, lifetime), lifetime


async def _signed(issuer: Issuer, own: Json, lifetime: int) -> str:
    now = issuer.realm.now
    told = {
        "iss": issuer.url,
        "aud": issuer.base,
        "iat": now,
        "exp": now + lifetime,
        "jti": secrets.token_urlsafe(16),
    }
    claims = told | {name: value for name, value in own.items() if value is not None}
    return jose.sign(claims, await issuer.realm.keys.signing(ACCESS), TYPE)


async def identity(issuer: Issuer, grant: Grant, nonce: str | None, access_token: str) -> str:
    """The id_token: who signed in, when and how."""
    now = issuer.realm.now
    claims: Json = {
        "iss": issuer.url,
        "sub": grant.account,
        "aud": grant.client,
        "iat": now,
        "exp": now + issuer.realm.settings.access_token_seconds,
        "auth_time": grant.signed_in,
        "acr": grant.acr,
        "at_hash": _half_hash(access_token),
    }
    claims |= who(issuer, grant.scopes, grant.fhir_user)
    if nonce is not None:
        claims["nonce"] = nonce
    return jose.sign(claims, await issuer.realm.keys.signing(IDENTITY))


def who(issuer: Issuer, granted: Scopes, fhir_user: str | None) -> Json:
    """The claims that say which resource the person is."""
    if fhir_user is None or not ("fhirUser" in granted or "profile" in granted):
        return {}
    return {"fhirUser": f"{issuer.base}/{fhir_user}", "profile": f"{issuer.base}/{fhir_user}"}


def _half_hash(token: str) -> str:
    """`at_hash`: the left half of the token's hash (OpenID Connect Core, 3.1.3.6)."""
    return jose.encoded(hashlib.sha256(token.encode()).digest()[:16])


class Bearers:
    """The tokens that a worker verified for one realm."""

    def __init__(self, realm: Realm) -> None:
        self._realm = realm
        self._known: dict[bytes, Verified] = {}

    def known(self, token: str, base: str) -> Verified | None:
        """What is known of the token, where nothing has to be asked for that; some microseconds."""
        if not self._realm.revocations.current:
            return None
        found = self._known.get(_key(token))
        if found is None or found.base != base or found.principal.expires <= self._realm.clock():
            return None
        return None if self._realm.revocations.any_of(found.names) else found

    async def verify(self, issuer: Issuer, token: str) -> Verified:
        """What the token says, where it is one of this issuer, for this base, and stands. Raises TokenError."""
        realm = self._realm
        if not realm.revocations.current:
            await realm.revocations.look()
        found = self._known.get(_key(token))
        if found is None or found.base != issuer.base:
            found = await self._read(issuer, token)
            if len(self._known) >= MOST_KNOWN:
                self._drop_expired()
            self._known[_key(token)] = found
        if found.principal.expires <= realm.clock():
            raise TokenError("the token is expired")
        if realm.revocations.any_of(found.names):
            raise TokenError("the token is revoked")
        return found

    async def _read(self, issuer: Issuer, token: str) -> Verified:
        realm = self._realm
        keys = await realm.keys.verifying(ACCESS)
        if jose.header(token).get("kid") not in [key.kid for key in keys]:
            await realm.keys.reread()
            keys = await realm.keys.verifying(ACCESS)
        claims = jose.verify(
            token,
            keys,
            issuer=issuer.url,
            audience=[issuer.base],
            now=realm.clock(),
            types=frozenset({TYPE}),
        )
        return _verified(realm, issuer.base, claims)

    def _drop_expired(self) -> None:
        now = self._realm.clock()
        self._known = {key: one for key, one in self._known.items() if one.principal.expires > now}
        if len(self._known) >= MOST_KNOWN:
            self._known.clear()


def _verified(realm: Realm, base: str, claims: Json) -> Verified:
    told = scopes.parse(claims["scope"])
    grant: str | None = claims.get("grant")
    is_backend = grant is None and "fhirUser" not in claims
    principal = Principal(
        kind="backend" if is_backend else "person",
        tenant=realm.name,
        client_id=claims["client_id"],
        token_id=claims["jti"],
        scopes=scopes.with_self(told, claims.get("fhirUser")),
        account=claims["sub"] if grant is not None else None,
        fhir_user=claims.get("fhirUser"),
        organization=claims.get("organization"),
        role=claims.get("role"),
        responsible=claims.get("responsible"),
        purpose=claims.get("purpose"),
        patient=claims.get("patient"),
        encounter=claims.get("encounter"),
        acr=claims.get("acr"),
        expires=int(claims["exp"]),
    )
    names = [principal.token_id, f"client {principal.client_id}"]
    if grant is not None:
        names += [f"grant {grant}", f"account {claims['sub']}"]
    return Verified(principal, told, base, tuple(names), int(claims["iat"]), claims["sub"], grant)


def _key(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()

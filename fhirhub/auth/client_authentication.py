"""Who a client proves to be at the token endpoint and its neighbours: by nothing but its id, by a secret, or by
an assertion it signed (RFC 6749, 2.3; RFC 7523;
https://hl7.org/fhir/smart-app-launch/STU2.2/client-confidential-asymmetric.html)."""

from __future__ import annotations

import base64
import binascii
import json
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_plus

from fhirhub import fetching
from fhirhub.auth import clients, jose, permits
from fhirhub.auth.clients import Client
from fhirhub.auth.exchange import Request
from fhirhub.auth.faults import invalid_client, invalid_grant, invalid_request
from fhirhub.auth.jose import CLIENT_ALGORITHMS, Json, TokenError, VerifyingKey
from fhirhub.auth.limits import Limits
from fhirhub.auth.realm import Realm

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ASSERTION_SECONDS = 300
KEYS_SECONDS = 300.0
"""How long keys fetched from a `jwks_uri` are used before they are fetched again."""
NEW_KEY_SECONDS = 10.0
"""How soon they are fetched again for a key that is not among them."""


@dataclass(frozen=True, slots=True)
class Authenticated:
    """A client, and what its assertion said where it signed one."""

    client: Client
    assertion: Json


@dataclass(frozen=True, slots=True)
class _Fetched:
    keys: tuple[VerifyingKey, ...]
    moment: float


class ClientAuthentication:
    """Authenticates the clients of every realm of this process."""

    def __init__(self) -> None:
        self._fetched: dict[str, _Fetched] = {}

    async def authenticate(
        self, request: Request, form: dict[str, str], *, confidential: bool = False
    ) -> Authenticated:
        """The client that sent this request, by the one method it is registered with.

        `confidential` refuses clients that only tell their id. Raises OAuthError `invalid_client`.
        """
        basic = _basic(request)
        used_header = basic is not None
        ways = [
            used_header,
            "client_secret" in form,
            "client_assertion" in form or "client_assertion_type" in form,
        ]
        if sum(ways) > 1:
            raise invalid_request("a client authenticates in one way, not in several")
        if "client_secret" in form:
            raise invalid_client(
                "a client sends its secret in the header Authorization: Basic, not in the body"
            )
        if ways[2]:
            return await self._by_assertion(request, form)
        id = basic[0] if basic else form.get("client_id") or await _holder(request.realm, form)
        if id is None:
            raise invalid_client("the client does not say who it is", challenge=True)
        if basic and form.get("client_id", id) != id:
            raise invalid_request("`client_id` differs from that in the header Authorization")
        limits = Limits(request.realm)
        await limits.check_client(id, request.source)
        client = await clients.find(request.realm, id)
        method = "client_secret_basic" if basic else "none"
        if client is None or client.method != method or (basic and not client.has_secret(basic[1])):
            if basic:
                await limits.count_client(id, request.source)
            raise invalid_client(
                "the client is not known, or does not prove who it is", challenge=used_header
            )
        if confidential and not client.is_confidential:
            raise invalid_client("this is for clients that prove who they are", challenge=True)
        return Authenticated(client, {})

    async def _by_assertion(self, request: Request, form: dict[str, str]) -> Authenticated:
        realm = request.realm
        if form.get("client_assertion_type") != ASSERTION_TYPE:
            raise invalid_client(f"`client_assertion_type` expects {ASSERTION_TYPE}")
        token = form.get("client_assertion", "")
        try:
            told = jose.claims_unverified(token)
            id = told.get("sub")
            if not isinstance(id, str) or told.get("iss") != id or form.get("client_id", id) != id:
                raise TokenError("the assertion's `iss` and `sub` expect the client_id, both")
            client = await clients.find(realm, id)
            if client is None or client.method != "private_key_jwt":
                raise TokenError("the client is not known, or is not registered with `private_key_jwt`")
            head = jose.header(token)
            if head.get("jku", client.metadata.get("jwks_uri")) != client.metadata.get("jwks_uri"):
                raise TokenError("the assertion's `jku` expects the `jwks_uri` that the client registered")
            claims = jose.verify(
                token,
                await self._keys(client, realm.settings.fetch_allow, head.get("kid")),
                issuer=id,
                audience=[request.issuer.at("token"), request.issuer.url, request.issuer.at(request.path)],
                now=realm.clock(),
                max_seconds=ASSERTION_SECONDS,
            )
        except TokenError as fault:
            raise invalid_client(f"the assertion is not taken: {fault}") from None
        await self._spend(request, client, claims)
        return Authenticated(client, claims)

    async def _keys(self, client: Client, allowed: tuple[str, ...], kid: Any) -> tuple[VerifyingKey, ...]:
        """The client's keys: those it was registered with, or those it publishes."""
        if "jwks" in client.metadata:
            return jose.verifying_keys(client.metadata["jwks"], CLIENT_ALGORITHMS)
        uri = str(client.metadata["jwks_uri"])
        known = self._fetched.get(uri)
        if known is not None:
            age = time.monotonic() - known.moment
            has = any(key.kid == kid for key in known.keys)
            if age < (KEYS_SECONDS if has else NEW_KEY_SECONDS):
                return known.keys
        try:
            answer = await fetching.fetch(uri, allowed)
            if answer.status != 200:
                raise TokenError(f"`jwks_uri` answered with status {answer.status}")
            keys = jose.verifying_keys(json.loads(answer.body), CLIENT_ALGORITHMS)
        except fetching.FetchError as fault:
            raise TokenError(f"`jwks_uri` could not be fetched: {fault}") from None
        except (ValueError, RecursionError) as fault:
            text = str(fault) if isinstance(fault, TokenError) else "`jwks_uri` did not answer with JSON"
            raise TokenError(text) from None
        if len(self._fetched) > 1000:
            self._fetched.clear()
        self._fetched[uri] = _Fetched(keys, time.monotonic())
        return keys

    async def _spend(self, request: Request, client: Client, claims: Json) -> None:
        """Take note of the assertion's `jti`, which counts once."""
        jti = claims.get("jti")
        if not isinstance(jti, str) or not 1 <= len(jti) <= 400:
            raise invalid_client("the assertion has no `jti`")
        new = await request.realm.change(
            "INSERT INTO auth_assertion (tenant, client, jti, expires) VALUES ($1, $2, $3, $4) "
            "ON CONFLICT DO NOTHING",
            client.id,
            jti,
            int(claims["exp"]) + 1,
        )
        if new == 0:
            raise invalid_client("the assertion's `jti` was used before")


async def _holder(realm: Realm, form: dict[str, str]) -> str | None:
    """The client whose refresh token this is: a public client need not say who it is when it refreshes (RFC 6749,
    6 and 3.2.1), and the SMART project's JavaScript client does not. Raises `invalid_grant`."""
    if form.get("grant_type") != "refresh_token" or "refresh_token" not in form:
        return None
    found = await permits.of_refresh_token(realm, form["refresh_token"])
    grant = await permits.find(realm, found[0]) if found else None
    if grant is None:
        raise invalid_grant("the refresh token is not known, or no longer")
    return grant.client


def _basic(request: Request) -> tuple[str, str] | None:
    """Id and secret from the header (RFC 6749, 2.3.1: both form-encoded). Raises `invalid_client`."""
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    if not scheme:
        return None
    if scheme.lower() != "basic":
        raise invalid_client("the header Authorization expects Basic here", challenge=True)
    try:
        id, colon, secret = base64.b64decode(value.strip(), validate=True).decode().partition(":")
    except (ValueError, binascii.Error):
        raise invalid_client("the header Authorization is not Basic", challenge=True) from None
    if not colon:
        raise invalid_client("the header Authorization is not Basic", challenge=True)
    return unquote_plus(id), unquote_plus(secret)

"""Clients: the apps and backends that are registered, in the words of RFC 7591
(https://www.rfc-editor.org/rfc/rfc7591)."""

from __future__ import annotations

import hmac
import ipaddress
import json
import re
import uuid
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from fhirhub.auth import jose, scopes
from fhirhub.auth.faults import OAuthError
from fhirhub.auth.jose import CLIENT_ALGORITHMS, Json, TokenError
from fhirhub.auth.realm import Realm
from fhirhub.auth.scopes import Scopes
from fhirhub.auth.unguessable import hashed, new_token
from fhirhub.store.database import Database
from fhirhub.store.sql import Statement

METHODS = ("none", "client_secret_basic", "private_key_jwt")
GRANT_TYPES = ("authorization_code", "refresh_token", "client_credentials")
USUAL_SCOPE = "openid fhirUser profile launch launch/patient online_access offline_access patient/*.rs"
"""What an app may ask for that registers without `scope`."""

_TEXTS = ("client_name", "client_uri", "logo_uri", "tos_uri", "policy_uri", "software_id", "software_version")
_KNOWN = frozenset(
    {
        "client_id", "redirect_uris", "grant_types", "response_types", "token_endpoint_auth_method", "scope",
        "jwks", "jwks_uri", "contacts", "launch_uri", "organization", "resource_server", *_TEXTS,
    }
)  # fmt: skip
_ID = re.compile(r"[A-Za-z0-9._~:/@-]{1,200}")
_ORGANIZATION = re.compile(r"Organization/[A-Za-z0-9.-]{1,64}")
_SCHEME = re.compile(r"[a-z][a-z0-9+-]*(\.[a-z0-9+-]+)+")
_NEVER = frozenset({"javascript", "data", "file", "vbscript", "about", "blob"})


@dataclass(frozen=True, slots=True)
class Client:
    """One registered client. `metadata` is what was registered, without the secret."""

    id: str
    metadata: Json
    secret_hash: str | None

    @property
    def name(self) -> str:
        return str(self.metadata.get("client_name") or self.id)

    @property
    def method(self) -> str:
        return str(self.metadata["token_endpoint_auth_method"])

    @property
    def is_confidential(self) -> bool:
        return self.method != "none"

    @property
    def redirect_uris(self) -> tuple[str, ...]:
        return tuple(self.metadata.get("redirect_uris", ()))

    @property
    def scopes(self) -> Scopes:
        return scopes.parse(self.metadata["scope"])

    @property
    def organization(self) -> str | None:
        return self.metadata.get("organization")

    @property
    def launch_uri(self) -> str | None:
        return self.metadata.get("launch_uri")

    @property
    def is_resource_server(self) -> bool:
        """Whether it may ask about the tokens of others (RFC 7662)."""
        return bool(self.metadata.get("resource_server"))

    def may_use(self, grant_type: str) -> bool:
        return grant_type in self.metadata["grant_types"]

    def has_secret(self, secret: str) -> bool:
        return self.secret_hash is not None and hmac.compare_digest(self.secret_hash, hashed(secret))


async def find(realm: Realm, id: str) -> Client | None:
    """The client of that id; None where there is none."""
    rows = await realm.rows("SELECT id, metadata, secret FROM auth_client WHERE tenant = $1 AND id = $2", id)
    return _client(rows[0]) if rows else None


async def every(realm: Realm) -> list[Client]:
    """All clients, oldest first."""
    sql = "SELECT id, metadata, secret FROM auth_client WHERE tenant = $1 ORDER BY created, id"
    return [_client(row) for row in await realm.rows(sql)]


async def origins(database: Database) -> frozenset[str]:
    """Where the apps of all tenants live that keep no secret, so may be in a browser."""
    rows = await database.fetch(Statement("SELECT metadata FROM auth_client"))
    found = set()
    for row in rows:
        metadata = json.loads(row[0])
        if metadata["token_endpoint_auth_method"] == "none":
            for uri in metadata.get("redirect_uris", ()):
                parts = urlsplit(uri)
                found.add(f"{parts.scheme}://{parts.netloc}")
    return frozenset(found)


async def register(realm: Realm, asked: Any, *, by_itself: bool = False) -> Json:
    """Register a client; gives what was registered, with the secret where it has one, this once.

    `by_itself` says that the client registers itself (`/auth/register`): it cannot name its id, nor what it
    cannot decide. Raises OAuthError with a code of RFC 7591.
    """
    metadata = checked(asked, allowed_hosts=realm.settings.fetch_allow, by_itself=by_itself)
    metadata.setdefault("client_id", str(uuid.uuid4()))
    secret = new_token() if metadata["token_endpoint_auth_method"] == "client_secret_basic" else None
    made = await realm.change(
        "INSERT INTO auth_client (tenant, id, metadata, secret, created) VALUES ($1, $2, $3, $4, $5) "
        "ON CONFLICT DO NOTHING",
        metadata["client_id"],
        json.dumps(metadata),
        None if secret is None else hashed(secret),
        realm.now,
    )
    if made == 0:
        raise _wrong(
            f"there is a client `{metadata['client_id']}` already; remove it first, or leave the id out"
        )
    answer: Json = {**metadata, "client_id_issued_at": realm.now}
    if secret is not None:
        # 0: the secret does not expire (RFC 7591, 3.2.1).
        answer |= {"client_secret": secret, "client_secret_expires_at": 0}
    return answer


async def remove(realm: Realm, id: str) -> bool:
    """Remove a client with all that was granted to it, at once; whether there was one."""
    gone = await realm.change("DELETE FROM auth_client WHERE tenant = $1 AND id = $2", id)
    await realm.change(
        "UPDATE auth_grant SET revoked = $3 WHERE tenant = $1 AND client = $2 AND revoked IS NULL",
        id,
        realm.now,
    )
    await realm.revocations.revoke([f"client {id}"], realm.now + realm.settings.access_token_seconds + 1)
    return gone > 0


def _client(row: Any) -> Client:
    return Client(row[0], json.loads(row[1]), row[2])


def checked(asked: Any, *, allowed_hosts: tuple[str, ...] = (), by_itself: bool = False) -> Json:
    """The metadata as it is registered, defaults filled in. Raises OAuthError with a code of RFC 7591."""
    if not isinstance(asked, dict):
        raise _wrong("the metadata of a client is a JSON object")
    # What is not known is left out, as RFC 7591 (2) has it.
    metadata: Json = {name: value for name, value in asked.items() if name in _KNOWN and value is not None}
    if by_itself:
        for name in ("client_id", "organization", "resource_server"):
            metadata.pop(name, None)
    _check_texts(metadata)
    method = metadata.setdefault("token_endpoint_auth_method", "client_secret_basic")
    if method not in METHODS:
        raise _wrong(f"`token_endpoint_auth_method` expects one of {', '.join(METHODS)}; got `{method}`")
    grant_types = metadata.setdefault("grant_types", ["authorization_code"])
    if (
        not isinstance(grant_types, list)
        or not grant_types
        or not set(map(str, grant_types)) <= set(GRANT_TYPES)
    ):
        raise _wrong(f"`grant_types` expects a list of {', '.join(GRANT_TYPES)}")
    _check_redirects(metadata, allowed_hosts)
    _check_keys(metadata, allowed_hosts)
    _check_scope(metadata, by_itself)
    if metadata.get("resource_server") not in (None, True, False):
        raise _wrong("`resource_server` expects true or false")
    launch = metadata.get("launch_uri")
    if launch is not None and not _is_web(launch, allowed_hosts):
        raise _wrong("`launch_uri` expects an https address")
    return metadata


def _check_texts(metadata: Json) -> None:
    for name in (*_TEXTS, "client_id", "launch_uri", "jwks_uri", "scope", "organization"):
        value = metadata.get(name)
        if value is not None and (not isinstance(value, str) or not value or len(value) > 4000):
            raise _wrong(f"`{name}` expects a text")
    if "client_id" in metadata and not _ID.fullmatch(metadata["client_id"]):
        raise _wrong("`client_id` expects at most 200 letters, digits and ._~:/@-")
    contacts = metadata.get("contacts", [])
    if not isinstance(contacts, list) or not all(isinstance(one, str) for one in contacts):
        raise _wrong("`contacts` expects a list of texts")


def _check_redirects(metadata: Json, allowed_hosts: tuple[str, ...]) -> None:
    uses_code = "authorization_code" in metadata["grant_types"]
    if "refresh_token" in metadata["grant_types"] and not uses_code:
        raise _wrong("`refresh_token` goes with `authorization_code`; a backend asks for a new token instead")
    types = metadata.setdefault("response_types", ["code"] if uses_code else [])
    if types != (["code"] if uses_code else []):
        raise _wrong('`response_types` expects ["code"] with `authorization_code`, and [] without')
    uris = metadata.get("redirect_uris", [])
    if not isinstance(uris, list) or not all(isinstance(uri, str) for uri in uris) or len(uris) > 50:
        raise _wrong("`redirect_uris` expects a list of addresses", "invalid_redirect_uri")
    if uses_code and not uris:
        raise _wrong("`redirect_uris` is needed with `authorization_code`", "invalid_redirect_uri")
    for uri in uris:
        if not _is_redirect(uri, allowed_hosts):
            raise _wrong(
                f"`{uri}` cannot be a redirect URI: that is an https address, http on this machine, or a private "
                "scheme with a dot such as nl.example.app:/done; without a fragment",
                "invalid_redirect_uri",
            )


def _check_keys(metadata: Json, allowed_hosts: tuple[str, ...]) -> None:
    asymmetric = metadata["token_endpoint_auth_method"] == "private_key_jwt"
    given = [name for name in ("jwks", "jwks_uri") if name in metadata]
    if asymmetric and len(given) != 1:
        raise _wrong("`private_key_jwt` expects either `jwks` or `jwks_uri`")
    if "jwks" in metadata:
        try:
            jose.verifying_keys(metadata["jwks"], CLIENT_ALGORITHMS)
        except TokenError as fault:
            raise _wrong(f"`jwks`: {fault}") from None
    if "jwks_uri" in metadata and not _is_web(metadata["jwks_uri"], allowed_hosts):
        raise _wrong("`jwks_uri` expects an https address")
    if "client_credentials" in metadata["grant_types"]:
        if not asymmetric:
            raise _wrong("`client_credentials` is for clients that authenticate by `private_key_jwt`")
        organization = metadata.get("organization")
        if organization is None or not _ORGANIZATION.fullmatch(organization):
            raise _wrong(
                "a backend (`client_credentials`) expects `organization`, such as Organization/praktijk-1"
            )


def _check_scope(metadata: Json, by_itself: bool) -> None:
    asked = scopes.parse(metadata.setdefault("scope", USUAL_SCOPE))
    if by_itself:
        # A client that nobody looked at cannot have itself let in everywhere.
        asked = scopes.of_levels(asked, ("patient", "user"))
        metadata["scope"] = str(asked)
    if asked.unknown and not by_itself:
        raise _wrong(f"`{asked.unknown[0]}` is not a scope; one is such as patient/Observation.rs")
    if not asked:
        raise _wrong("`scope` expects at least one scope, such as patient/CarePlan.rs")


def _is_web(uri: str, allowed_hosts: tuple[str, ...]) -> bool:
    """Whether it is an https address, or http on this machine or a host that the settings allow."""
    try:
        parts = urlsplit(uri)
        host = parts.hostname
        _ = parts.port
    except ValueError:
        return False
    if not host or parts.fragment or "#" in uri or parts.username is not None or not _is_clean(uri):
        return False
    if parts.scheme == "https":
        return True
    return parts.scheme == "http" and (_is_loopback(host) or is_allowed(parts.netloc, host, allowed_hosts))


def is_allowed(netloc: str, host: str, allowed_hosts: tuple[str, ...]) -> bool:
    """Whether `host` or `host:port` is named in the list."""
    return host.lower() in allowed_hosts or netloc.lower() in allowed_hosts


def _is_redirect(uri: str, allowed_hosts: tuple[str, ...]) -> bool:
    if _is_web(uri, allowed_hosts):
        return True
    scheme, colon, rest = uri.partition(":")
    # A private scheme is a domain name of the app's maker, turned round (RFC 8252, 7.1).
    return bool(
        colon
        and rest
        and _SCHEME.fullmatch(scheme)
        and scheme not in _NEVER
        and "#" not in uri
        and _is_clean(uri)
    )


def _is_clean(uri: str) -> bool:
    return (
        len(uri) <= 2000 and all("!" <= letter <= "~" for letter in uri) and "*" not in urlsplit(uri).netloc
    )


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _wrong(text: str, code: str = "invalid_client_metadata") -> OAuthError:
    return OAuthError(code, text)

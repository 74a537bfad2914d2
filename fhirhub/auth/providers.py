"""OpenID providers by which people sign in, such as brokers of DigiD and UZI: asked with PKCE and a nonce, believed
for a signed id_token with an acr that the settings name, and mapped to who their people are in FHIR
(https://openid.net/specs/openid-connect-core-1_0.html#CodeFlowAuth).

`FHIRHUB_OPENID_PROVIDERS` names a JSON file with a list of them (docs/smart.md).
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus, urlencode

from fhirhub import fetching
from fhirhub.access import EVERYTHING
from fhirhub.auth import accounts, jose
from fhirhub.auth.accounts import Account, Wanted
from fhirhub.auth.jose import PROVIDER_ALGORITHMS, Json, TokenError, VerifyingKey
from fhirhub.auth.realm import Realm
from fhirhub.auth.roles import ROLES
from fhirhub.repository import Repository
from fhirhub.resources import document
from fhirhub.settings import Refusal
from fhirhub.store.request import parse

KNOWN_SECONDS = 300.0
"""How long a provider's documents are used before they are fetched again."""
_NAME = re.compile(r"[a-z0-9-]{1,40}")
MOST_PEOPLE = 50
"""For how many patients a relative can act."""


class ProviderError(Exception):
    """The provider did not say who signed in; the text says why, without what it answered."""


@dataclass(frozen=True, slots=True)
class Mapped:
    """Where a FHIR reference comes from: a claim that holds it, or one that holds an identifier of this system."""

    claim: str
    system: str | None = None


@dataclass(frozen=True, slots=True)
class Provider:
    """One provider as the file tells of it."""

    name: str
    title: str
    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    scope: str
    acr: frozenset[str]
    """The values of `acr` that count as a second factor; one of them is asked for and must come."""
    person: Mapped
    organization: Mapped | None
    role: str | None
    """The role of all its people, where no claim tells it."""
    role_claim: str | None
    roles: Mapping[str, str]
    """What the claim's values mean, such as `01.015` a huisarts; it may hold several."""


@dataclass(frozen=True, slots=True)
class _Documents:
    configuration: Json
    keys: tuple[VerifyingKey, ...]
    moment: float


_documents: dict[str, _Documents] = {}


def read(path: Path | None) -> tuple[Provider, ...]:
    """The providers that the file names. Raises Refusal where it cannot be read so."""
    if path is None:
        return ()
    try:
        told = json.loads(path.read_text())
        if not isinstance(told, list):
            raise ValueError("it is no list")
        providers = tuple(_provider(one) for one in told)
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as fault:
        raise Refusal(f"{path} expects a list of OpenID providers as docs/smart.md says: {fault!r}") from None
    if len({one.name for one in providers}) != len(providers):
        raise Refusal(f"{path}: every provider has a name of its own")
    return providers


def _provider(told: Json) -> Provider:
    name = told["name"]
    if not _NAME.fullmatch(name):
        raise ValueError(f"`name` expects small letters, digits and -; got `{name}`")
    roles, role = told.get("roles", {}), told.get("role")
    for one in [*roles.values(), *([role] if role else [])]:
        if one not in ROLES:
            raise ValueError(f"`{one}` is not a role; there are {', '.join(ROLES)}")
    if (role is None) == ("role_claim" not in told):
        raise ValueError("a provider has either `role` or `role_claim` with `roles`")
    organization = told.get("organization")
    return Provider(
        name,
        str(told.get("title", name)),
        str(told["issuer"]),
        str(told["client_id"]),
        str(told["client_secret"]),
        str(told.get("scope", "openid")),
        frozenset(map(str, told["acr"])),
        Mapped(**told["person"]),
        None if organization is None else Mapped(**organization),
        role,
        told.get("role_claim"),
        roles,
    )


async def address(
    realm: Realm, provider: Provider, redirect_uri: str, state: str, nonce: str, verifier: str
) -> str:
    """Where the person is sent to sign in. Raises ProviderError."""
    documents = await _known(realm, provider)
    challenge = jose.encoded(hashlib.sha256(verifier.encode()).digest())
    asked = {
        "response_type": "code",
        "client_id": provider.client_id,
        "redirect_uri": redirect_uri,
        "scope": provider.scope,
        "state": state,
        "nonce": nonce,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
        "acr_values": " ".join(sorted(provider.acr)),
    }
    endpoint = str(documents.configuration["authorization_endpoint"])
    return endpoint + ("&" if "?" in endpoint else "?") + urlencode(asked)


async def signed_in(
    realm: Realm, provider: Provider, redirect_uri: str, code: str, nonce: str, verifier: str
) -> tuple[Account, str]:
    """The account of who signed in there, and how. Raises ProviderError."""
    documents = await _known(realm, provider)
    tokens = await _ask(
        realm,
        str(documents.configuration["token_endpoint"]),
        provider,
        {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": verifier,
        },
    )
    claims = await _identity(realm, provider, documents, str(tokens.get("id_token", "")))
    if claims.get("nonce") != nonce:
        raise ProviderError("its id_token answers another question")
    acr = claims.get("acr")
    if acr not in provider.acr:
        raise ProviderError(
            f"it did not sign the person in strongly enough; it expects {sorted(provider.acr)}"
        )
    wanted = await _who(realm, provider, claims)
    account = await accounts.known_by_provider(realm, wanted[0].username, wanted)
    if account.disabled:
        raise ProviderError("the account is closed")
    return account, str(acr)


async def _identity(realm: Realm, provider: Provider, documents: _Documents, token: str) -> Json:
    """The claims of its id_token (OpenID Connect Core, 3.1.3.7)."""
    try:
        if jose.header(token).get("kid") not in [key.kid for key in documents.keys]:
            documents = await _known(realm, provider, anew=True)
        claims = jose.verify(
            token,
            documents.keys,
            issuer=provider.issuer,
            audience=[provider.client_id],
            now=realm.clock(),
        )
    except TokenError as fault:
        raise ProviderError(f"its id_token is not taken: {fault}") from None
    several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
    if claims.get("azp", provider.client_id) != provider.client_id or (several and "azp" not in claims):
        raise ProviderError("its id_token is for another party")
    if not isinstance(claims.get("sub"), str) or "iat" not in claims:
        raise ProviderError("its id_token does not say who, or when")
    return claims


async def _who(realm: Realm, provider: Provider, claims: Json) -> list[Wanted]:
    """All that the claims say the person is. Raises ProviderError where that is nobody here."""
    username = f"{provider.name}:{hashlib.sha256(str(claims['sub']).encode()).hexdigest()[:32]}"
    found: list[Wanted] = []
    fault = ProviderError("its person has no role here")
    for role in _roles(provider, claims):
        try:
            found += await _acting(realm, provider, claims, username, role)
        except ProviderError as lacking:
            fault = lacking
    if not found:
        raise fault
    return found


def _roles(provider: Provider, claims: Json) -> list[str]:
    """The roles that the person has there, each once; a claim may tell several."""
    if provider.role is not None:
        return [provider.role]
    told = claims.get(provider.role_claim or "")
    values = told if isinstance(told, list) else [told]
    return list(dict.fromkeys(provider.roles[one] for one in map(str, values) if one in provider.roles))


async def _acting(realm: Realm, provider: Provider, claims: Json, username: str, role: str) -> list[Wanted]:
    """As whom the person acts in this role: of a relative, for each patient. Raises ProviderError."""
    people = await _references(realm, claims, provider.person, ROLES[role].person)
    if len(people) > 1 and ROLES[role].person != "RelatedPerson":
        raise ProviderError(f"there is more than one {ROLES[role].person} here for its person")
    organization = None
    if ROLES[role].has_organization:
        if provider.organization is None:
            raise ProviderError("it does not tell for which organisation the person works")
        places = await _references(realm, claims, provider.organization, "Organization")
        if len(places) > 1:
            raise ProviderError("there is more than one Organization here for its person")
        organization = places[0]
    asked = {"username": username, "organization": organization, "role": role}
    try:
        return [accounts.wanted({**asked, "fhirUser": person}) for person in people]
    except Refusal as fault:
        raise ProviderError(str(fault)) from None


async def _references(realm: Realm, claims: Json, mapped: Mapped, type: str) -> list[str]:
    """The resources that a claim points to, at least one; none that is not active, and nobody who died."""
    value = claims.get(mapped.claim)
    if not isinstance(value, str) or not value or "|" in value or "," in value:
        raise ProviderError(f"it does not tell `{mapped.claim}`")
    whole = Repository(realm.tenant, EVERYTHING)
    if mapped.system is None:
        id = value.rpartition("/")[2]
        found = await whole.find(type, id)
        if not value.endswith(f"{type}/{id}") or found is None or found.deleted:
            raise ProviderError(f"there is no {type} here for its person")
        bodies = [found.body]
    else:
        query = [("identifier", f"{mapped.system}|{value}"), ("_count", str(MOST_PEOPLE))]
        matches = (await whole.search(parse(type, query, realm.tenant.parameters))).matches
        bodies = [match.body for match in matches]
    resources = [document.decode(body) for body in bodies if body is not None]
    standing = [f"{type}/{one['id']}" for one in resources if _takes_part(one)]
    if not standing:
        raise ProviderError(f"there is no {type} here for its person")
    return standing


def _takes_part(resource: Json) -> bool:
    return (
        resource.get("active") is not False
        and "deceasedDateTime" not in resource
        and resource.get("deceasedBoolean") is not True
    )


async def _known(realm: Realm, provider: Provider, anew: bool = False) -> _Documents:
    """What the provider publishes of itself."""
    known = _documents.get(provider.issuer)
    if known is not None and not anew and time.monotonic() - known.moment < KNOWN_SECONDS:
        return known
    configuration = await _get(realm, provider.issuer.rstrip("/") + "/.well-known/openid-configuration")
    if configuration.get("issuer") != provider.issuer:
        raise ProviderError("it says that it is another")
    for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
        if not isinstance(configuration.get(name), str):
            raise ProviderError(f"its configuration lacks `{name}`")
    try:
        keys = jose.verifying_keys(await _get(realm, configuration["jwks_uri"]), PROVIDER_ALGORITHMS)
    except TokenError as fault:
        raise ProviderError(f"its keys are not taken: {fault}") from None
    found = _documents[provider.issuer] = _Documents(configuration, keys, time.monotonic())
    return found


async def _get(realm: Realm, url: str) -> Json:
    return await _fetched(url, realm.settings.fetch_allow)


async def _ask(realm: Realm, url: str, provider: Provider, form: dict[str, str]) -> Json:
    secret = f"{quote_plus(provider.client_id)}:{quote_plus(provider.client_secret)}"
    headers = {
        "Authorization": "Basic " + base64.b64encode(secret.encode()).decode(),
        "Content-Type": "application/x-www-form-urlencoded",
    }
    return await _fetched(
        url, realm.settings.fetch_allow, method="POST", headers=headers, body=urlencode(form).encode()
    )


async def _fetched(url: str, allowed: tuple[str, ...], **also: Any) -> Json:
    try:
        answer = await fetching.fetch(url, allowed, **also)
        told = json.loads(answer.body)
    except fetching.FetchError as fault:
        raise ProviderError(f"it cannot be asked: {fault}") from None
    except (ValueError, RecursionError):
        raise ProviderError("it did not answer with JSON") from None
    if answer.status != 200 or not isinstance(told, dict):
        raise ProviderError(f"it answered with status {answer.status}")
    return told

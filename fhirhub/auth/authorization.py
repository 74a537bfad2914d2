"""`/auth/authorize`: what an app asks a person for, checked in the order of two visible tables
(RFC 6749, 4.1.1; https://hl7.org/fhir/smart-app-launch/STU2.2/app-launch.html#obtain-authorization-code).

Until PROOFS hold, nothing is known of where an answer may go: a fault is told on a page. After that, a fault of
CHECKS goes to the app by redirect, as its RFC says.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from urllib.parse import urlencode

from fhirhub.auth import clients, granular, launch, scopes
from fhirhub.auth.clients import Client
from fhirhub.auth.exchange import pairs
from fhirhub.auth.faults import OAuthError, invalid_request, invalid_scope, unauthorized_client
from fhirhub.auth.launch import Launch
from fhirhub.auth.realm import Issuer
from fhirhub.auth.scopes import Scopes

PROMPTS = frozenset({"none", "login", "consent", "select_account"})
LONGEST_PARAMETER = 8000
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")


class Unproven(Exception):
    """The request cannot be answered to the app: where to is not proven. The text is for a page."""


class Refused(Exception):
    """The request is refused, and the app is told so at `address`."""

    def __init__(self, address: str, fault: OAuthError) -> None:
        super().__init__(str(fault))
        self.address = address
        self.fault = fault


@dataclass(slots=True)
class Asked:
    """An authorization request, filled in by the checks."""

    issuer: Issuer
    raw: str
    given: dict[str, str]
    client: Client = field(init=False)
    redirect_uri: str = ""
    scopes: Scopes = field(default_factory=Scopes)
    """What is asked and the client is registered for."""
    launch: Launch | None = None
    prompt: frozenset[str] = frozenset()
    max_age: int | None = None

    @property
    def state(self) -> str | None:
        return self.given.get("state")

    @property
    def nonce(self) -> str | None:
        return self.given.get("nonce")

    @property
    def wants_patient(self) -> bool:
        """Whether the app works on one patient."""
        levels = {scope.level for scope in self.scopes.resources}
        return "launch/patient" in self.scopes or "patient" in levels

    def answer(self, **told: str | None) -> str:
        """The redirect URI with an answer: a code, or an error (RFC 6749, 4.1.2; RFC 9207)."""
        fields = {**told, "state": self.state, "iss": self.issuer.url}
        query = urlencode({name: value for name, value in fields.items() if value is not None})
        return self.redirect_uri + ("&" if "?" in self.redirect_uri else "?") + query

    def refusal(self, fault: OAuthError) -> Refused:
        """The fault as an answer to the app."""
        return Refused(self.answer(error=fault.code, error_description=fault.description), fault)


async def read(issuer: Issuer, raw: str) -> Asked:
    """The request that these parameters make. Raises Unproven or Refused."""
    try:
        found = pairs(raw)
    except OAuthError as fault:
        raise Unproven(fault.description) from None
    given = {name: value for name, value in reversed(found) if value != ""}
    asked = Asked(issuer, raw, given)
    names = [name for name, _ in found]
    for name in ("client_id", "redirect_uri"):
        if names.count(name) > 1:
            raise Unproven(f"{name} stands twice")
    for proof in PROOFS:
        await proof(asked)
    try:
        twins = sorted({name for name in names if names.count(name) > 1})
        if twins:
            raise invalid_request(f"`{twins[0]}` stands twice")
        for check in CHECKS:
            await check(asked)
    except OAuthError as fault:
        raise asked.refusal(fault) from None
    return asked


async def _client(asked: Asked) -> None:
    """The client is registered."""
    client = await clients.find(asked.issuer.realm, asked.given.get("client_id", ""))
    if client is None:
        raise Unproven("client_id is not the id of an app that is registered here")
    asked.client = client


async def _redirect_uri(asked: Asked) -> None:
    """The redirect URI is one of the client's, letter by letter (RFC 9700, 4.1.3)."""
    uri = asked.given.get("redirect_uri")
    if uri is None:
        raise Unproven("redirect_uri is missing")
    if uri not in asked.client.redirect_uris:
        raise Unproven("redirect_uri is not one that the app is registered with")
    asked.redirect_uri = uri


async def _size(asked: Asked) -> None:
    """No parameter is longer than anybody needs."""
    for name, value in asked.given.items():
        if len(value) > LONGEST_PARAMETER:
            raise invalid_request(f"`{name[:40]}` is too long")


async def _response_type(asked: Asked) -> None:
    """A code, in the query; no other way of answering."""
    kind = asked.given.get("response_type")
    if kind is None:
        raise invalid_request("`response_type` is missing: it expects code")
    if kind != "code":
        raise OAuthError("unsupported_response_type", "`response_type` expects code")
    if asked.given.get("response_mode", "query") != "query":
        raise invalid_request("`response_mode` expects query")


async def _objects(asked: Asked) -> None:
    """No request object (OpenID Connect Core, 6)."""
    for name, code in (("request", "request_not_supported"), ("request_uri", "request_uri_not_supported")):
        if name in asked.given:
            raise OAuthError(code, f"`{name}` is not taken here")


async def _grant_type(asked: Asked) -> None:
    """The client is one that people sign in with."""
    if not asked.client.may_use("authorization_code"):
        raise unauthorized_client("this client is not registered for `authorization_code`")


async def _state(asked: Asked) -> None:
    """There is a state, by which the app knows its own request again."""
    if asked.state is None:
        raise invalid_request("`state` is missing")


async def _challenge(asked: Asked) -> None:
    """PKCE with S256, for every client (RFC 7636)."""
    challenge = asked.given.get("code_challenge")
    if challenge is None:
        raise invalid_request("`code_challenge` is missing (PKCE)")
    if asked.given.get("code_challenge_method") != "S256":
        raise invalid_request("`code_challenge_method` expects S256")
    if not _CHALLENGE.fullmatch(challenge):
        raise invalid_request("`code_challenge` expects 43 letters, digits, - and _")


async def _aud(asked: Asked) -> None:
    """The app means this FHIR server: a token is not sent to another that only looks like it."""
    aud = asked.given.get("aud") or asked.given.get("resource")
    if aud is None:
        raise invalid_request("`aud` is missing: it expects " + asked.issuer.base)
    if aud.rstrip("/") != asked.issuer.base:
        raise invalid_request("`aud` expects " + asked.issuer.base)


async def _scope(asked: Asked) -> None:
    """Something of what is asked can be had by this client; what is no scope is passed over."""
    if "scope" not in asked.given:
        raise invalid_scope("`scope` is missing")
    wanted = scopes.of_levels(scopes.parse(asked.given["scope"]), ("patient", "user"))
    found = scopes.narrowed(wanted, asked.client.scopes)
    found = granular.searchable(found, asked.issuer.realm.tenant.parameters)
    if not asked.client.may_use("refresh_token"):
        words = tuple(word for word in found.words if word not in scopes.LASTING)
        found = Scopes(found.resources, words)
    if not found:
        raise invalid_scope("`scope` names nothing that this app is registered for")
    asked.scopes = found


async def _launch(asked: Asked) -> None:
    """The value of `launch` is one of this app's; without one there is no scope `launch` to be granted."""
    value = asked.given.get("launch")
    if value is None:
        words = tuple(word for word in asked.scopes.words if word != "launch")
        asked.scopes = Scopes(asked.scopes.resources, words)
        if not asked.scopes:
            raise invalid_request("the scope launch expects the parameter launch that the EHR gave")
        return
    if "launch" not in asked.scopes:
        raise invalid_request("the parameter launch expects the scope launch")
    asked.launch = await launch.find(asked.issuer.realm, value, asked.client)


async def _prompt(asked: Asked) -> None:
    """How the person is to be asked (OpenID Connect Core, 3.1.2.1)."""
    asked.prompt = frozenset(asked.given.get("prompt", "").split())
    if not asked.prompt <= PROMPTS:
        raise invalid_request("`prompt` expects none, login or consent")
    if "none" in asked.prompt and len(asked.prompt) > 1:
        raise invalid_request("`prompt` expects none alone")
    age = asked.given.get("max_age")
    if age is not None:
        if not (age.isascii() and age.isdigit() and len(age) < 10):
            raise invalid_request("`max_age` expects a number of seconds")
        asked.max_age = int(age)


Check = Callable[[Asked], Awaitable[None]]
PROOFS: tuple[Check, ...] = (_client, _redirect_uri)
"""What must hold before anything is sent to the app."""
CHECKS: tuple[Check, ...] = (
    _size,
    _response_type,
    _objects,
    _grant_type,
    _state,
    _challenge,
    _aud,
    _scope,
    _launch,
    _prompt,
)
"""What must hold before a person is asked."""

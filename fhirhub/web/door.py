"""The door of the authorization server: ASGI on one side, Request and Response on the other."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

from fhirhub import logs
from fhirhub.api.address import Bases
from fhirhub.auth import endpoints, events
from fhirhub.auth.endpoints import Server
from fhirhub.auth.exchange import Request, Response, as_error
from fhirhub.auth.faults import OAuthError
from fhirhub.auth.limits import Rate
from fhirhub.auth.realm import Issuer, Realm
from fhirhub.errors import FhirError
from fhirhub.web import account, consenting, granted, inviting, launching, sign_in, signing, team, visit
from fhirhub.web.flow import Ways

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

TEXT = "text/plain; charset=utf-8"
MAX_BODY_BYTES = 128 * 1024
BODY_SECONDS = 30.0
GUESSABLE = frozenset({"sign-in", "second-factor", "password", "invitation", "invitation-account"})
SIGN_IN_COST = 10
SECURED = (("X-Content-Type-Options", "nosniff"), ("Referrer-Policy", "no-referrer"))


async def _style(request: Request, ways: Ways) -> Response:
    return visit.style()


PAGES: Mapping[str, Mapping[str, Callable[[Request, Ways], Awaitable[Response]]]] = {
    "authorize": {"GET": signing.authorize, "POST": signing.authorize},
    "sign-in": {"GET": signing.alone, "POST": signing.form(sign_in.take_password)},
    "provider": {"GET": sign_in.to_provider},
    "callback": {"GET": signing.from_provider},
    "second-factor": {"POST": signing.form(sign_in.take_code)},
    "standing": {"POST": signing.form(launching.take_standing)},
    "patient": {"POST": signing.form(launching.take_patient)},
    "consent": {"POST": signing.form(consenting.take_consent)},
    "language": {"POST": signing.form(signing.take_language)},
    "granted": {"GET": signing.alone, "POST": signing.form(granted.withdraw)},
    "invitation": {"GET": inviting.ask_code, "POST": signing.form(inviting.take_code)},
    "invitation-account": {"GET": inviting.ask_code, "POST": signing.form(inviting.take_account)},
    "team": {"GET": team.show, "POST": signing.form(team.take)},
    "account": {"GET": account.show},
    "password": {"GET": account.show, "POST": signing.form(account.take_new_password)},
    "sessions": {"GET": account.show, "POST": signing.form(account.end_elsewhere)},
    "sign-out": {"GET": signing.alone, "POST": signing.form(sign_in.sign_out)},
    "style.css": {"GET": _style},
}
"""The pages for people, by path behind `/auth/` and method."""

_DOCUMENTS = "smart-configuration|openid-configuration|oauth-authorization-server"
_PATHS = (
    # An endpoint of a tenant's issuer, or a page for its people.
    re.compile(r"(?:/(?P<tenant>[a-z][a-z0-9-]*))?/auth/(?P<path>.+)"),
    # What apps look up at the FHIR base, and at the root for the default tenant.
    re.compile(rf"(?:/(?P<tenant>[a-z][a-z0-9-]*))?/fhir/(?P<path>\.well-known/(?:{_DOCUMENTS}))"),
    re.compile(rf"(?P<tenant>)/(?P<path>\.well-known/(?:{_DOCUMENTS}))"),
    # Where RFC 8414 (3.1) looks for an issuer that has a path.
    re.compile(rf"/(?P<path>\.well-known/(?:{_DOCUMENTS}))(?:/(?P<tenant>[a-z][a-z0-9-]*))?/auth"),
)


class AuthDoor:
    """The authorization servers of all tenants as an ASGI application.

    `realm` gives the one of a tenant, None for a tenant that is unknown; `ways` is what the pages share.
    """

    def __init__(
        self, bases: Bases, server: Server, realm: Callable[[str], Awaitable[Realm | None]], ways: Ways
    ) -> None:
        self._bases = bases
        self._server = server
        self._realm = realm
        self._ways = ways
        self._rate = Rate(bases.settings.auth_requests_per_minute)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            response = await self._answer(scope, receive)
        except OAuthError as fault:
            response = as_error(fault)
        except FhirError as fault:
            response = as_error(OAuthError("invalid_request", str(fault), fault.status))
        except Exception as fault:
            logs.error("A request to the authorization server failed", fault)
            response = as_error(OAuthError("server_error", "the hub could not do this", 500))
        body = response.body
        headers = [("content-length", str(len(body))), *response.headers, *SECURED]
        if body:
            headers.insert(0, ("content-type", response.content_type))
        lines = [(name.lower().encode(), value.encode("latin-1", "replace")) for name, value in headers]
        await send({"type": "http.response.start", "status": response.status, "headers": lines})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})

    async def _answer(self, scope: Scope, receive: Receive) -> Response:
        found = next((one for form in _PATHS if (one := form.fullmatch(scope["path"]))), None)
        name = (found["tenant"] or "default") if found else ""
        if found is None or scope["path"].startswith("/default/"):
            return _nothing()
        realm = await self._realm(name)
        if realm is None:
            return _nothing()
        raw: dict[bytes, bytes] = {}
        for field, value in scope["headers"]:
            raw[field] = (
                raw[field] + (b"; " if field == b"cookie" else b", ") + value if field in raw else value
            )
        source = self._bases.source(scope, raw)
        if scope["method"] == "POST":
            self._rate.take(source, SIGN_IN_COST if found["path"] in GUESSABLE else 1)
        issuer = Issuer(realm, self._bases.of(scope, raw, name))
        request = Request(
            "GET" if scope["method"] == "HEAD" else scope["method"],
            found["path"],
            scope["query_string"].decode("latin-1"),
            {field.decode("latin-1"): value.decode("latin-1") for field, value in raw.items()},
            await _body(raw, receive),
            issuer,
            source,
        )
        try:
            return await self._page(request)
        finally:
            await events.record(request)

    async def _page(self, request: Request) -> Response:
        by_method = PAGES.get(request.path)
        if by_method is None:
            return await endpoints.answer(self._server, request) or _nothing()
        page = by_method.get(request.method)
        if page is None:
            allowed = [("Allow", ", ".join(by_method))]
            return Response(405, b"This page is not asked so.", TEXT, allowed)
        return await page(request, self._ways)


def _nothing() -> Response:
    return Response(404, b"Nothing is here.", TEXT)


async def _body(raw: dict[bytes, bytes], receive: Receive) -> bytes:
    """The whole body. Raises OAuthError where it is too long or does not come."""
    if raw.get(b"content-encoding", b"identity") != b"identity":
        raise OAuthError("invalid_request", "the body expects no Content-Encoding", 415)
    parts: list[bytes] = []
    more = True
    while more:
        try:
            async with asyncio.timeout(BODY_SECONDS):
                message = await receive()
        except TimeoutError:
            raise OAuthError("invalid_request", "the rest of the body did not come", 408) from None
        if message["type"] == "http.disconnect":
            raise OAuthError("invalid_request", "the body did not come", 400)
        parts.append(message.get("body", b""))
        if sum(map(len, parts)) > MAX_BODY_BYTES:
            raise OAuthError("invalid_request", f"the body is longer than {MAX_BODY_BYTES} bytes", 413)
        more = message.get("more_body", False)
    return b"".join(parts)

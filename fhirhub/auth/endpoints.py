"""ENDPOINTS: what apps and backends call of the authorization server; what people see is in `web`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from fhirhub.auth import accounts, clients, discovery, events, introspection, launch, tokens
from fhirhub.auth.client_authentication import ClientAuthentication
from fhirhub.auth.events import Event
from fhirhub.auth.exchange import Request, Response, as_error, as_json
from fhirhub.auth.faults import OAuthError
from fhirhub.auth.jose import Json, TokenError
from fhirhub.auth.realm import Realm
from fhirhub.auth.token import token as answer_token
from fhirhub.auth.tokens import Bearers, Verified

OPEN = {"Access-Control-Allow-Origin": "*"}
"""Any web app may read the answer: no cookie has a part in it."""
CACHED = {"Cache-Control": "public, max-age=30"}
"""Half as long as a new key is published before it signs."""


class Server:
    """What the endpoints of this process share."""

    def __init__(self) -> None:
        self.authentication = ClientAuthentication()
        self._bearers: dict[str, Bearers] = {}

    def bearers(self, realm: Realm) -> Bearers:
        """The tokens verified for this realm."""
        found = self._bearers.get(realm.name)
        if found is None:
            found = self._bearers[realm.name] = Bearers(realm)
        return found


async def answer(server: Server, request: Request) -> Response | None:
    """The answer of an endpoint; None for a path that is none."""
    by_method = ENDPOINTS.get(request.path)
    if by_method is None or (request.path == "register" and not request.realm.settings.registration):
        return None
    endpoint = by_method.get(request.method)
    if request.method == "OPTIONS":
        response = Response(204, headers=[("Access-Control-Max-Age", "3600")])
        response.headers.append(("Access-Control-Allow-Methods", ", ".join(by_method)))
        response.headers.append(("Access-Control-Allow-Headers", "Authorization, Content-Type, Accept"))
    elif endpoint is None:
        response = as_json(OAuthError("invalid_request", "the method is not one of this address").body, 405)
        response.headers.append(("Allow", ", ".join(by_method)))
    else:
        try:
            response = await endpoint(server, request)
        except OAuthError as fault:
            response = as_error(fault)
    response.headers += OPEN.items()
    return response


async def _token(server: Server, request: Request) -> Response:
    return await answer_token(request, server.authentication)


async def _introspect(server: Server, request: Request) -> Response:
    return await introspection.introspect(request, server.authentication, server.bearers(request.realm))


async def _revoke(server: Server, request: Request) -> Response:
    return await introspection.revoke(request, server.authentication, server.bearers(request.realm))


async def _jwks(server: Server, request: Request) -> Response:
    response = as_json({"keys": await request.realm.keys.published()})
    response.headers = list(CACHED.items())
    return response


async def _register(server: Server, request: Request) -> Response:
    """Dynamic registration (RFC 7591, 3), where whoever runs the hub opened it."""
    registered = await clients.register(request.realm, request.json(), by_itself=True)
    events.tell(request, Event("registered", client=registered["client_id"]))
    return as_json(registered, 201)


async def _userinfo(server: Server, request: Request) -> Response:
    """Who signed in (OpenID Connect Core, 5.3)."""
    verified = await bearer(server, request)
    if "openid" not in verified.scopes or verified.principal.account is None:
        raise insufficient("openid")
    told: Json = {"sub": verified.subject}
    told |= tokens.who(request.issuer, verified.scopes, verified.principal.fhir_user)
    account = await accounts.by_id(request.realm, verified.principal.account)
    if account is not None and "profile" in verified.scopes:
        told["preferred_username"] = account.username
    return as_json(told)


async def _launch(server: Server, request: Request) -> Response:
    """The backend of an EHR registers a launch for a person of its organisation, and gets what it hands to the
    app."""
    verified = await bearer(server, request)
    if "launch" not in verified.scopes or verified.principal.kind != "backend":
        raise insufficient("launch")
    client, value = await launch.prepare(request.realm, request.json(), verified.principal.organization)
    events.tell(request, Event("launch", client=client.id))
    told: Json = {"launch": value, "iss": request.issuer.base, "expires_in": launch.SECONDS}
    if client.launch_uri is not None:
        told["launch_url"] = launch.address(request.issuer, client, value)
    return as_json(told, 201)


async def _smart_configuration(server: Server, request: Request) -> Response:
    return _document(discovery.smart_configuration(request.issuer))


async def _openid_configuration(server: Server, request: Request) -> Response:
    return _document(discovery.openid_configuration(request.issuer))


async def _style(server: Server, request: Request) -> Response:
    """Colours for apps (`smart_style_url`)."""
    return _document(
        {
            "color_background": "#ffffff",
            "color_error": "#b3261e",
            "color_highlight": "#0b5394",
            "color_modal_backdrop": "#00000080",
            "color_success": "#1b6e3c",
            "color_text": "#1b1f24",
            "dim_border_radius": "4px",
            "dim_font_size": "16px",
            "dim_spacing_size": "16px",
            "font_family_body": "system-ui, sans-serif",
            "font_family_heading": "system-ui, sans-serif",
        }
    )


def _document(value: Json) -> Response:
    response = as_json(value)
    response.headers = list(CACHED.items())
    return response


async def bearer(server: Server, request: Request) -> Verified:
    """The caller's access token. Raises OAuthError `invalid_token` (RFC 6750, 3.1)."""
    token = request.bearer
    if token is None:
        raise OAuthError(
            "invalid_token", "an access token is needed", 401, {"WWW-Authenticate": 'Bearer realm="fhirhub"'}
        )
    try:
        return await server.bearers(request.realm).verify(request.issuer, token)
    except TokenError as fault:
        error = OAuthError("invalid_token", str(fault), 401)
        error.headers["WWW-Authenticate"] = challenge("invalid_token", error.description)
        raise error from None


def insufficient(scope: str) -> OAuthError:
    """403: the token lacks this scope."""
    error = OAuthError("insufficient_scope", f"this takes the scope {scope}", 403)
    error.headers["WWW-Authenticate"] = challenge("insufficient_scope", error.description, scope)
    return error


def challenge(code: str, description: str, scope: str | None = None) -> str:
    """The header `WWW-Authenticate` (RFC 6750, 3)."""
    also = f', scope="{scope}"' if scope else ""
    return f'Bearer realm="fhirhub", error="{code}", error_description="{description}"{also}'


Endpoint = Callable[[Server, Request], Awaitable[Response]]
ENDPOINTS: Mapping[str, Mapping[str, Endpoint]] = {
    "token": {"POST": _token},
    "introspect": {"POST": _introspect},
    "revoke": {"POST": _revoke},
    "jwks": {"GET": _jwks},
    "register": {"POST": _register},
    "userinfo": {"GET": _userinfo, "POST": _userinfo},
    "launch": {"POST": _launch},
    "style.json": {"GET": _style},
    ".well-known/smart-configuration": {"GET": _smart_configuration},
    ".well-known/openid-configuration": {"GET": _openid_configuration},
    ".well-known/oauth-authorization-server": {"GET": _openid_configuration},
}

"""`/auth/token`: an authenticated client gets tokens by one of GRANTS (RFC 6749, 3.2)."""

from __future__ import annotations

from fhirhub.auth import events
from fhirhub.auth.client_authentication import Authenticated, ClientAuthentication
from fhirhub.auth.events import Event
from fhirhub.auth.exchange import Request, Response, as_json
from fhirhub.auth.faults import OAuthError, invalid_request, unauthorized_client
from fhirhub.auth.grants import GRANTS


async def token(request: Request, authentication: ClientAuthentication) -> Response:
    """Tokens, or OAuthError."""
    form = request.fields()
    try:
        by = await _authenticated(request, authentication, form)
        answer = await GRANTS[form["grant_type"]](request, form, by)
    except OAuthError as fault:
        events.tell(request, Event("token-refused", outcome=fault.code))
        raise
    events.tell(request, Event("token", client=by.client.id, outcome=form["grant_type"]))
    return as_json(answer)


async def _authenticated(
    request: Request, authentication: ClientAuthentication, form: dict[str, str]
) -> Authenticated:
    """The client, which may use the grant that it names."""
    grant_type = form.get("grant_type")
    if grant_type is None:
        raise invalid_request("`grant_type` is missing")
    if grant_type not in GRANTS:
        raise OAuthError("unsupported_grant_type", f"`grant_type` expects one of {', '.join(GRANTS)}")
    by = await authentication.authenticate(request, form)
    if not by.client.may_use(grant_type):
        raise unauthorized_client(f"this client is not registered for `{grant_type}`")
    return by

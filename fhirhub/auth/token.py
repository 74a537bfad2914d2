"""`/auth/token`: an authenticated client gets tokens by one of GRANTS (RFC 6749, 3.2)."""

from __future__ import annotations

from fhirhub.auth.client_authentication import ClientAuthentication
from fhirhub.auth.exchange import Request, Response, as_json
from fhirhub.auth.faults import OAuthError, invalid_request, unauthorized_client
from fhirhub.auth.grants import GRANTS


async def token(request: Request, authentication: ClientAuthentication) -> Response:
    """Tokens, or OAuthError."""
    form = request.fields()
    grant_type = form.get("grant_type")
    if grant_type is None:
        raise invalid_request("`grant_type` is missing")
    if grant_type not in GRANTS:
        raise OAuthError("unsupported_grant_type", f"`grant_type` expects one of {', '.join(GRANTS)}")
    by = await authentication.authenticate(request, form)
    if not by.client.may_use(grant_type):
        raise unauthorized_client(f"this client is not registered for `{grant_type}`")
    return as_json(await GRANTS[grant_type](request, form, by))

"""`/auth/introspect` and `/auth/revoke`: what a token is worth, and its end (RFC 7662, RFC 7009)."""

from __future__ import annotations

from fhirhub.auth import events, permits
from fhirhub.auth.answers import context
from fhirhub.auth.client_authentication import ClientAuthentication
from fhirhub.auth.clients import Client
from fhirhub.auth.events import Event
from fhirhub.auth.exchange import NEVER_STORED, Request, Response, as_json
from fhirhub.auth.faults import invalid_request
from fhirhub.auth.jose import Json, TokenError
from fhirhub.auth.permits import Grant
from fhirhub.auth.tokens import Bearers, Verified

INACTIVE: Json = {"active": False}


async def introspect(request: Request, authentication: ClientAuthentication, bearers: Bearers) -> Response:
    """What a client that proves who it is may know of its own tokens, and a resource server of all."""
    form = request.fields()
    by = await authentication.authenticate(request, form, confidential=True)
    token = form.get("token")
    if token is None:
        raise invalid_request("`token` is missing")
    return as_json(await _told(request, by.client, bearers, token))


async def _told(request: Request, client: Client, bearers: Bearers, token: str) -> Json:
    try:
        verified = await bearers.verify(request.issuer, token)
    except TokenError:
        return await _told_of_refresh_token(request, client, token)
    principal = verified.principal
    if principal.client_id != client.id and not client.is_resource_server:
        return INACTIVE
    told: Json = {
        "active": True,
        "scope": str(verified.scopes),
        "client_id": principal.client_id,
        "token_type": "Bearer",
        "exp": principal.expires,
        "iat": verified.issued,
        "sub": verified.subject,
        "aud": verified.base,
        "iss": request.issuer.url,
        "jti": principal.token_id,
    }
    if principal.fhir_user is not None:
        told["fhirUser"] = f"{request.issuer.base}/{principal.fhir_user}"
    grant = await permits.find(request.realm, verified.grant) if verified.grant else None
    return told | (context(request.issuer, grant) if grant else {})


async def _told_of_refresh_token(request: Request, client: Client, token: str) -> Json:
    grant = await _of_refresh_token(request, token)
    if grant is None or (grant.client != client.id and not client.is_resource_server):
        return INACTIVE
    return {
        "active": True,
        "scope": grant.scope,
        "client_id": grant.client,
        "exp": grant.expires,
        "iat": grant.created,
        "sub": grant.account,
        "iss": request.issuer.url,
        **context(request.issuer, grant),
    }


async def _of_refresh_token(request: Request, token: str) -> Grant | None:
    found = await permits.of_refresh_token(request.realm, token)
    if found is None or found[1]:
        return None
    return await permits.find(request.realm, found[0])


async def revoke(request: Request, authentication: ClientAuthentication, bearers: Bearers) -> Response:
    """End a token of the client: an access token alone, a refresh token with all that came of its grant.
    A token that is not known, or another's, is answered the same (RFC 7009, 2.2)."""
    form = request.fields()
    by = await authentication.authenticate(request, form)
    token = form.get("token")
    if token is None:
        raise invalid_request("`token` is missing")
    found = await permits.of_refresh_token(request.realm, token)
    grant = await permits.find(request.realm, found[0]) if found else None
    if grant is not None and grant.client == by.client.id:
        await permits.revoke(request.realm, grant.id)
        events.tell(request, Event("revoked", client=grant.client, account=grant.account))
    elif found is None:
        await _revoke_access_token(request, by.client, bearers, token)
    return Response(200, headers=list(NEVER_STORED.items()))


async def _revoke_access_token(request: Request, client: Client, bearers: Bearers, token: str) -> None:
    try:
        verified: Verified = await bearers.verify(request.issuer, token)
    except TokenError:
        return
    if verified.principal.client_id == client.id:
        await request.realm.revocations.revoke([verified.principal.token_id], verified.principal.expires + 1)
        events.tell(request, Event("revoked", client=client.id, account=verified.principal.account))

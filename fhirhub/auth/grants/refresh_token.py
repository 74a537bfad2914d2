"""A refresh token becomes a new access token and the next refresh token (RFC 6749, 6)."""

from __future__ import annotations

from fhirhub.auth import accounts, answers, permits, scopes, sessions
from fhirhub.auth.client_authentication import Authenticated
from fhirhub.auth.exchange import Request
from fhirhub.auth.faults import invalid_grant, invalid_request, invalid_scope
from fhirhub.auth.jose import Json
from fhirhub.auth.scopes import Scopes


async def answer(request: Request, form: dict[str, str], by: Authenticated) -> Json:
    """`scope` may ask for less than was granted, not for more."""
    realm = request.realm
    value = form.get("refresh_token")
    if value is None:
        raise invalid_request("`refresh_token` is missing")
    found = await permits.of_refresh_token(realm, value)
    grant = await permits.find(realm, found[0]) if found else None
    asked = None if grant is None else _asked(form, grant.scopes)
    grant = await permits.spend_refresh_token(realm, value, by.client.id)
    account = await accounts.by_id(realm, grant.account)
    if (
        account is None
        or account.disabled
        or not account.stands_as(grant.fhir_user, grant.organization, grant.role)
    ):
        await permits.revoke(realm, grant.id)
        raise invalid_grant("the account is closed, or is no longer who it was")
    if grant.lasting == "online" and not await sessions.stands(realm, grant.session):
        await permits.revoke(realm, grant.id)
        raise invalid_grant("the person signed out, and the app has no `offline_access`")
    return await answers.of_grant(request.issuer, grant, asked or grant.scopes)


def _asked(form: dict[str, str], granted: Scopes) -> Scopes:
    if "scope" not in form:
        return granted
    asked = scopes.parse(form["scope"])
    less = scopes.narrowed(asked, granted)
    if asked.unknown or not less or str(less) != str(asked):
        raise invalid_scope("`scope` expects only what was granted: " + str(granted))
    return less

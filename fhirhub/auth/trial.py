"""An access token for trying, as if a person had signed in with an app and allowed it: made on the hub's own machine
by who administers it, for `curl` and scripts."""

from __future__ import annotations

from fhirhub.auth import accounts, clients, permits, scopes, tokens
from fhirhub.auth.faults import OAuthError, invalid_request
from fhirhub.auth.realm import Issuer


async def token(
    issuer: Issuer, *, client: str, user: str, role: str | None, scope: str | None, patient: str | None
) -> str:
    """The token. Without `scope` it has all that the app may ask for, without `role` the person acts in the first
    of the account's roles; `patient` is the logical id of the patient in context. Raises OAuthError with what would
    be right."""
    realm = issuer.realm
    app = await clients.find(realm, client)
    if app is None or not app.may_use("authorization_code"):
        raise invalid_request(
            f"there is no app {client} that people sign in with; `clients list` has them, "
            "and `serve --demo` with sign-in makes the demo's"
        )
    account = await accounts.by_username(realm, user)
    if account is None or account.disabled:
        raise invalid_request(f"there is no account {user} that can sign in; `users list` has them")
    standing = next((one for one in account.standings if role in (None, one.role)), None)
    if standing is None:
        raise invalid_request(
            f"{user} does not act as {role} but as " + ", ".join(one.role for one in account.standings)
        )
    if patient is None and standing.fhir_user.startswith("Patient/"):
        patient = standing.fhir_user.removeprefix("Patient/")
    asked = scopes.of_levels(app.scopes, ("patient", "user")) if scope is None else scopes.parse(scope)
    granted = scopes.narrowed(asked, app.scopes)
    if not granted:
        raise OAuthError("invalid_scope", f"{client} may ask for: {app.scopes}")
    grant = permits.new(
        realm,
        client=app.id,
        account=account.id,
        scope=str(granted),
        fhir_user=standing.fhir_user,
        organization=standing.organization,
        role=standing.role,
        responsible=standing.responsible,
        acr="trial",
        signed_in=realm.now,
        patient=patient,
    )
    await permits.store(realm, grant)
    signed, _ = await tokens.for_grant(issuer, grant, granted)
    return signed

"""Signing in: a password and its second factor, or an OpenID provider that vouches for the person; and signing out
(RULES R23)."""

from __future__ import annotations

import io
from dataclasses import replace

from markupsafe import Markup

from fhirhub import logs
from fhirhub.auth import accounts, events, providers, sessions, totp
from fhirhub.auth.accounts import Account
from fhirhub.auth.events import Event
from fhirhub.auth.exchange import Request, Response, single
from fhirhub.auth.faults import OAuthError
from fhirhub.auth.limits import Limits
from fhirhub.auth.providers import ProviderError
from fhirhub.auth.unguessable import new_token
from fhirhub.web import visit as visiting
from fhirhub.web.flow import Flow, Ways
from fhirhub.web.visit import StalePage

SECOND_FACTOR_SECONDS = 300
"""How long the second factor may come after the password."""
HUB = "fhirhub"


async def step(flow: Flow) -> Response | None:
    """Somebody is signed in, lately enough, and is who the app was started for."""
    session, asked = flow.session, flow.asked
    again = False
    if session is not None and asked is not None and not flow.progress.has_signed_in:
        age = flow.visit.request.realm.now - session.signed_in
        again = "login" in asked.prompt or (asked.max_age is not None and age >= asked.max_age)
    meant = asked.launch.account if asked is not None and asked.launch is not None else None
    if session is not None and meant is not None and session.account.id != meant:
        flow.fault = flow.fault or flow.say("wrong_person")
        again = True
    if session is not None and not again:
        return None
    return flow.interact("login_required", lambda: sign_in_page(flow))


def sign_in_page(flow: Flow, username: str = "", status: int = 200) -> Response:
    """Where a person signs in."""
    if not username and flow.asked is not None:
        username = flow.asked.given.get("login_hint", "")[:200]
    return flow.page("sign_in.html", status, app=flow.app, username=username, providers=flow.ways.providers)


async def take_password(flow: Flow, fields: dict[str, str], chosen: list[str]) -> Response | None:
    """The password is right, or who guesses has to wait."""
    realm = flow.visit.request.realm
    username, password = fields.get("username", "").strip(), fields.get("password", "")
    account = await accounts.by_username(realm, username)
    device = account is not None and flow.visit.known_device(account.id)
    limits, source = Limits(realm), flow.visit.request.source
    try:
        await limits.check_sign_in(username, source, device, is_password=True)
    except OAuthError as fault:
        return wait(flow, fault, username)
    if not await accounts.is_password(realm, account, password):
        await limits.count_sign_in(username, source, device)
        flow.tell_failure(account, "password")
        flow.fault = flow.say("wrong_password")
        return sign_in_page(flow, username, 401)
    assert account is not None
    await limits.forget_sign_in(username, source, device)
    if not realm.settings.needs_second_factor:
        await signed_in(flow, account, "pwd")
        return None
    flow.progress = replace(flow.progress, account=account.id, password_given=realm.now)
    return second_factor_page(flow, account)


def wait(flow: Flow, fault: OAuthError, username: str) -> Response:
    seconds = int(fault.headers["Retry-After"])
    flow.fault = flow.say("wait", minutes=-(-seconds // 60))
    response = sign_in_page(flow, username, 429)
    response.headers.append(("Retry-After", str(seconds)))
    return response


def second_factor_page(flow: Flow, account: Account, status: int = 200) -> Response:
    """Asks for a code; who has no second factor yet sets one up."""
    if account.totp is not None:
        return flow.page("second_factor.html", status, square="", key="")
    if flow.progress.enrolling is None:
        flow.progress = replace(flow.progress, enrolling=totp.new_secret().hex())
    assert flow.progress.enrolling is not None
    import segno  # it draws this alone

    secret = bytes.fromhex(flow.progress.enrolling)
    drawn = io.BytesIO()
    square = segno.make(totp.address(secret, account.username, HUB), error="m")
    square.save(drawn, kind="svg", xmldecl=False, scale=4, svgclass=None, lineclass=None)
    return flow.page(
        "second_factor.html", status, square=Markup(drawn.getvalue().decode()), key=totp.shown(secret)
    )


async def take_code(flow: Flow, fields: dict[str, str], chosen: list[str]) -> Response | None:
    """The second factor is right, a few minutes after the password."""
    realm, progress = flow.visit.request.realm, flow.progress
    if progress.account is None or progress.password_given + SECOND_FACTOR_SECONDS < realm.now:
        raise StalePage
    account = await accounts.by_id(realm, progress.account)
    if account is None or account.disabled:
        raise StalePage
    limits, source = Limits(realm), flow.visit.request.source
    name, device = f"second factor of {account.id}", flow.visit.known_device(account.id)
    try:
        await limits.check_sign_in(name, source, device)
    except OAuthError as fault:
        return wait(flow, fault, account.username)
    if account.totp is None and progress.enrolling is None:
        raise StalePage
    enrols = account.totp is None
    secret = account.totp if account.totp is not None else bytes.fromhex(progress.enrolling or "")
    if not await accounts.take_code(realm, account, secret, fields.get("code", ""), enrol=enrols):
        await limits.count_sign_in(name, source, device)
        flow.tell_failure(account, "second-factor")
        flow.fault = flow.say("wrong_code")
        return second_factor_page(flow, account, 401)
    await limits.forget_sign_in(name, source, device)
    await signed_in(flow, account, "pwd+otp")
    return None


async def signed_in(flow: Flow, account: Account, acr: str) -> None:
    """The person is who they say: a new session."""
    realm = flow.visit.request.realm
    if flow.session is not None:
        await sessions.end(realm, flow.session)
    flow.visit.keep("session", await sessions.begin(realm, account, acr))
    flow.visit.remember_device(account.id)
    flow.session = await flow.visit.session()
    events.tell(flow.visit.request, Event("signed-in", account=account.id, outcome=acr))
    flow.progress = replace(flow.progress, account=None, enrolling=None, has_signed_in=True)


async def to_provider(request: Request, ways: Ways) -> Response:
    """`/auth/provider`: to the OpenID provider that the person chose."""
    visit = visiting.of(request)
    try:
        fields = single(request.query)
        progress = visit.progress(fields.get("progress", ""))
    except (StalePage, OAuthError):
        return visit.stopped("stale")
    provider = next((one for one in ways.providers if one.name == fields.get("name")), None)
    if provider is None:
        return visit.stopped("stale")
    away = {"name": provider.name, "state": new_token(), "nonce": new_token(), "verifier": new_token()}
    visit.keep("away", visit.sealed(replace(progress, away=away)), visiting.PROGRESS_SECONDS)
    back = request.issuer.at("callback")
    try:
        address = await providers.address(
            request.realm, provider, back, away["state"], away["nonce"], away["verifier"]
        )
    except ProviderError as fault:
        logs.warning("An OpenID provider cannot be asked", provider=provider.name, reason=str(fault))
        return visit.stopped("provider_failed", status=502, provider=provider.title)
    return visit.redirect(address)


async def take_provider(flow: Flow, away: dict[str, str], fields: dict[str, str]) -> Response | None:
    """The provider that the person was sent `away` to vouches for them."""
    provider = next((one for one in flow.ways.providers if one.name == away["name"]), None)
    if provider is None:
        raise StalePage
    try:
        if "code" not in fields or fields.get("iss", provider.issuer) != provider.issuer:
            raise ProviderError("it did not sign the person in")
        account, acr = await providers.signed_in(
            flow.visit.request.realm,
            provider,
            flow.visit.issuer.at("callback"),
            fields["code"],
            away["nonce"],
            away["verifier"],
        )
    except ProviderError as fault:
        logs.warning("A sign-in by an OpenID provider failed", provider=provider.name, reason=str(fault))
        flow.tell_failure(None, provider.name)
        flow.fault = flow.say("provider_failed", provider=provider.title)
        return sign_in_page(flow, status=401)
    await signed_in(flow, account, acr)
    return None


async def sign_out(flow: Flow, fields: dict[str, str], chosen: list[str]) -> Response:
    """The session ends, in this browser."""
    if flow.session is not None:
        await sessions.end(flow.visit.request.realm, flow.session)
        flow.tell("signed-out")
    flow.visit.keep("session", "")
    flow.visit.keep("responsible", "")
    title = flow.say("signed_out")
    return flow.visit.page("stopped.html", title=title, text="", detail="", fault="")

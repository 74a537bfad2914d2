"""A person's own account: another password, and where they are signed in
(OWASP ASVS 5.0: 6.2.2, 6.2.3, 7.4.3, 7.5.2)."""

from __future__ import annotations

from fhirhub.auth import accounts, sessions
from fhirhub.auth.exchange import Request, Response
from fhirhub.auth.faults import OAuthError
from fhirhub.auth.limits import Limits
from fhirhub.web import sign_in, wording
from fhirhub.web import visit as visiting
from fhirhub.web.flow import Flow, Ways


async def show(request: Request, ways: Ways) -> Response:
    """`/auth/account`, for who is signed in."""
    visit = visiting.of(request)
    return await _page(Flow(visit, ways, visit.begin("", "account"), None, await visit.session()))


async def take_new_password(flow: Flow, fields: dict[str, str], chosen: list[str]) -> Response:
    """The password is another from now on, where the present one is given; elsewhere the person is signed out."""
    realm, session = flow.visit.request.realm, flow.session
    if session is None:
        return await _page(flow)
    limits, source = Limits(realm), flow.visit.request.source
    name, device = f"password of {session.account.id}", flow.visit.known_device(session.account.id)
    try:
        await limits.check_sign_in(name, source, device)
    except OAuthError as fault:
        flow.fault = flow.say("wait", minutes=-(-int(fault.headers["Retry-After"]) // 60))
        return await _page(flow, 429)
    if not await accounts.is_password(realm, session.account, fields.get("password", "")):
        await limits.count_sign_in(name, source, device)
        flow.fault = flow.say("wrong_present_password")
        return await _page(flow, 401)
    await limits.forget_sign_in(name, source, device)
    why = accounts.fault_of_password(fields.get("new-password", ""), session.account.username)
    if why is not None:
        flow.fault = flow.say(f"password_{why}", shortest=accounts.SHORTEST_PASSWORD)
        return await _page(flow, 400)
    await accounts.change_password(realm, session.account, fields["new-password"])
    await sessions.end_others(realm, session)
    flow.tell("password-changed")
    flow.fault = flow.say("password_changed")
    return await _page(flow)


async def end_elsewhere(flow: Flow, fields: dict[str, str], chosen: list[str]) -> Response:
    """Sign out everywhere but here."""
    if flow.session is not None:
        await sessions.end_others(flow.visit.request.realm, flow.session)
        flow.tell("signed-out", outcome="elsewhere")
        flow.fault = flow.say("ended_elsewhere")
    return await _page(flow)


async def _page(flow: Flow, status: int = 200) -> Response:
    if flow.session is None:
        return sign_in.sign_in_page(flow)
    realm = flow.visit.request.realm
    found = await sessions.of_account(realm, flow.session.account)
    return flow.page(
        "account.html",
        status,
        name=flow.session.account.username,
        has_password=flow.session.account.password is not None,
        sessions=[
            {
                "since": wording.day(one.signed_in),
                "until": wording.day(one.expires),
                "last": wording.day(sessions.last(realm, one.signed_in)),
                "here": one.id == flow.session.id,
            }
            for one in found
        ],
    )

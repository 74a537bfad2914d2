"""The pages by which who was invited gets an account: the code with the patient's birth date, then user name and
password (RULES R18, R23)."""

from __future__ import annotations

import re
from dataclasses import replace

from fhirhub.access import EVERYTHING
from fhirhub.auth import enrolment, people
from fhirhub.auth.accounts import SHORTEST_PASSWORD, AccountError
from fhirhub.auth.enrolment import Invitation, UsedError
from fhirhub.auth.exchange import Request, Response, single
from fhirhub.auth.faults import OAuthError
from fhirhub.auth.limits import Limits
from fhirhub.auth.unguessable import hashed
from fhirhub.careplan import telling
from fhirhub.repository import Repository
from fhirhub.web import sign_in
from fhirhub.web import visit as visiting
from fhirhub.web.flow import Flow, Ways
from fhirhub.web.visit import StalePage

_DUTCH_DATE = re.compile(r"(\d{1,2})-(\d{1,2})-(\d{4})")


async def ask_code(request: Request, ways: Ways) -> Response:
    """`/auth/invitation`: the page that asks for a code."""
    visit = visiting.of(request)
    try:
        sealed = single(request.query).get("progress", "")
        progress = visit.progress(sealed) if sealed else visit.begin("", "invitation")
    except (StalePage, OAuthError):
        return visit.stopped("stale")
    return Flow(visit, ways, progress, None, None).page("invitation.html")


async def take_code(flow: Flow, fields: dict[str, str], chosen: list[str]) -> Response:
    """The code and the birth date belong together; whoever guesses has to wait."""
    realm, source = flow.visit.request.realm, flow.visit.request.source
    code, limits = fields.get("code", ""), Limits(realm)
    name = f"invitation {hashed(code)}"
    try:
        await limits.check_sign_in(name, source, False)
    except OAuthError as fault:
        return sign_in.wait(flow, fault, "")
    invitation = await enrolment.find(realm, code, _date(fields.get("born", "")))
    if invitation is None:
        await limits.count_sign_in(name, source, False)
        flow.tell_failure(None, "invitation")
        flow.fault = flow.say("wrong_invitation")
        return flow.page("invitation.html", 401)
    flow.progress = replace(flow.progress, invitation=invitation.id)
    return await _account_page(flow, invitation)


async def _account_page(
    flow: Flow, invitation: Invitation, username: str = "", status: int = 200
) -> Response:
    patient = f"Patient/{invitation.patient}"
    called = await people.names(flow.visit.request.realm, [invitation.person, patient])
    return flow.page(
        "invitation_account.html",
        status,
        name=called[invitation.person],
        patient=called[patient],
        username=username,
        shortest=SHORTEST_PASSWORD,
    )


async def take_account(flow: Flow, fields: dict[str, str], chosen: list[str]) -> Response | None:
    """The account, and on with the way as after a password."""
    realm, source, limits = (
        flow.visit.request.realm,
        flow.visit.request.source,
        Limits(flow.visit.request.realm),
    )
    invitation = await enrolment.by_id(realm, flow.progress.invitation or "")
    if invitation is None:
        raise StalePage
    username, password = fields.get("username", "").strip(), fields.get("password", "")
    try:
        await limits.check_sign_in(username, source, False)
    except OAuthError as fault:
        return sign_in.wait(flow, fault, username)
    try:
        account = await enrolment.accept(realm, invitation, username, password)
    except UsedError:
        raise StalePage from None
    except AccountError as fault:
        await limits.count_sign_in(username, source, False)
        key = "account_taken" if str(fault) == "taken" else "account_wrong"
        flow.fault = flow.say(key, shortest=SHORTEST_PASSWORD)
        return await _account_page(flow, invitation, username, 400)
    await _tell(flow, invitation)
    flow.progress = replace(flow.progress, invitation=None, page="granted")
    if not realm.settings.needs_second_factor:
        await sign_in.signed_in(flow, account, "pwd")
        return None
    flow.progress = replace(flow.progress, account=account.id, password_given=realm.now)
    return sign_in.second_factor_page(flow, account)


async def _tell(flow: Flow, invitation: Invitation) -> None:
    """The patient hears that somebody came."""
    realm = flow.visit.request.realm
    called = await people.names(realm, [invitation.person])
    text = f"{called[invitation.person]} heeft de uitnodiging gebruikt en kan nu inloggen."
    to = [f"Patient/{invitation.patient}"]
    await Repository(realm.tenant, EVERYTHING).together(
        lambda unit: telling.tell(unit.as_hub(), patient=invitation.patient, to=to, text=text)
    )


def _date(text: str) -> str:
    """A date as FHIR writes it, also where it was typed the Dutch way."""
    found = _DUTCH_DATE.fullmatch(text.strip().replace("/", "-"))
    return f"{found[3]}-{int(found[2]):02}-{int(found[1]):02}" if found else text.strip()

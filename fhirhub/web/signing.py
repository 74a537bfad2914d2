"""The way of a person from an app's request to its answer: sign in, say as whom, choose the patient, consent
(https://hl7.org/fhir/smart-app-launch/STU2.2/app-launch.html).

STEPS are asked in their order at every form that comes in: the first that lacks something shows its page, and when
none does, the app has its answer.
"""

from __future__ import annotations

import hmac
import io
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from markupsafe import Markup

from fhirhub import logs
from fhirhub.auth import (
    accounts,
    authorization,
    clients,
    events,
    launch,
    people,
    permits,
    providers,
    scopes,
    sessions,
    totp,
)
from fhirhub.auth.accounts import Account
from fhirhub.auth.authorization import Asked, Refused, Unproven
from fhirhub.auth.events import Event
from fhirhub.auth.exchange import Request, Response, pairs, single
from fhirhub.auth.faults import OAuthError, access_denied, invalid_request
from fhirhub.auth.limits import Limits
from fhirhub.auth.people import Opens
from fhirhub.auth.permits import Code, Grant
from fhirhub.auth.providers import Provider, ProviderError
from fhirhub.auth.roles import SUPERVISED
from fhirhub.auth.scopes import Scopes
from fhirhub.auth.sessions import Session
from fhirhub.auth.unguessable import new_token
from fhirhub.repository import Repository
from fhirhub.web import visit as visiting
from fhirhub.web import wording
from fhirhub.web.visit import Progress, StalePage, Visit

SECOND_FACTOR_SECONDS = 300
"""How long the second factor may come after the password."""
HUB = "fhirhub"
MOST_NAMED = 10
"""Patients named beside an app that works on many."""


@dataclass(slots=True)
class Ways:
    """What the pages of a process share: what a person may see, and by whom they may sign in."""

    opens: Opens
    providers: tuple[Provider, ...] = ()


@dataclass(slots=True)
class Flow:
    """One person on the way. `asked` is None on the way to the page of what was granted."""

    visit: Visit
    ways: Ways
    progress: Progress
    asked: Asked | None
    session: Session | None
    fault: str = ""
    find: str = ""

    def say(self, key: str, **told: object) -> str:
        return wording.text(self.visit.language, key, **told)

    def page(self, template: str, status: int = 200, **told: Any) -> Response:
        leads_to = self.asked.redirect_uri if self.asked else ""
        return self.visit.page(
            template, progress=self.progress, status=status, leads_to=leads_to, fault=self.fault, **told
        )

    def interact(self, code: str, show: Callable[[], Response]) -> Response:
        """The page, or an error where the app asked that the person be left alone."""
        if self.asked is not None and "none" in self.asked.prompt:
            raise self.asked.refusal(
                OAuthError(code, "the person would have to be asked, and prompt is none")
            )
        return show()

    @property
    def app(self) -> str:
        return self.asked.client.name if self.asked else ""

    async def seen(self) -> Repository:
        """The store as the person sees it."""
        assert self.session is not None
        assert self.session.standing is not None
        return await people.as_seen_by(
            self.visit.request.realm,
            self.ways.opens,
            self.session.account.id,
            self.session.standing,
            self.session.acr,
            ("Patient", "CarePlan", "Encounter"),
            self.progress.patient,
        )


Step = Callable[[Flow], Awaitable[Response | None]]


async def _sign_in(flow: Flow) -> Response | None:
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


async def _standing(flow: Flow) -> Response | None:
    """The person said as whom they work, where they are more than one (RULES R22)."""
    assert flow.session is not None
    assert flow.asked is not None
    standings = flow.session.account.standings
    if not standings:
        return flow.interact("access_denied", lambda: flow.visit.stopped("no_standing", status=403))
    anew = "select_account" in flow.asked.prompt and len(standings) > 1 and not flow.progress.has_chosen
    if flow.session.standing is not None and not anew:
        return None
    references = [one.organization or one.fhir_user for one in standings]
    called = await people.names(flow.visit.request.realm, references)
    shown = [
        {"id": one.id, "text": f"{wording.role(flow.visit.language, one.role)}, {called[reference]}"}
        for one, reference in zip(standings, references, strict=True)
    ]
    return flow.interact("account_selection_required", lambda: flow.page("standing.html", standings=shown))


async def _patient(flow: Flow) -> Response | None:
    """There is a patient, where the app works on one, and the person may see them."""
    assert flow.asked is not None
    assert flow.session is not None
    assert flow.session.standing is not None
    asked, started_for = flow.asked, flow.asked.launch.patient if flow.asked.launch else None
    own = await people.own_patient(flow.visit.request.realm, flow.session.standing)
    wanted = started_for or (own if asked.wants_patient else None)
    if wanted is not None:
        flow.progress = replace(flow.progress, patient=wanted)
        if wanted != own and await people.patient(await flow.seen(), wanted) is None:
            raise asked.refusal(access_denied("the person may not see the patient of this launch"))
        return None
    if not asked.wants_patient:
        return None
    if flow.session.standing.fhir_user.startswith("RelatedPerson/"):
        return flow.interact("access_denied", lambda: flow.visit.stopped("no_standing", status=403))
    seen = await flow.seen()
    chosen = flow.progress.patient
    if chosen is not None and await people.patient(seen, chosen) is not None:
        return None
    flow.progress = replace(flow.progress, patient=None)
    found = await people.patients(seen, flow.find)
    response = flow.interact(
        "interaction_required",
        lambda: flow.page("patient.html", app=flow.app, patients=found, find=flow.find),
    )
    await events.looked(seen, [one.id for one in found], flow.find)
    return response


async def _consent(flow: Flow) -> Response | None:
    """The person said what of it they let. This step always ends the way, so it is the last."""
    assert flow.asked is not None
    assert flow.session is not None
    assert flow.session.standing is not None
    asked, session, standing = flow.asked, flow.session, flow.session.standing
    realm = flow.visit.request.realm
    if "none" in asked.prompt:
        for grant in await permits.of_account(realm, session.account.id, asked.client.id):
            same = (grant.fhir_user, grant.organization, grant.role) == (
                standing.fhir_user,
                standing.organization,
                standing.role,
            )
            covers = str(scopes.narrowed(asked.scopes, grant.scopes)) == str(asked.scopes)
            if same and covers and grant.patient == flow.progress.patient:
                return await grant_and_answer(flow, asked.scopes, grant.responsible)
        raise asked.refusal(
            OAuthError("consent_required", "the person has not consented, and prompt is none")
        )
    called = await people.names(realm, [standing.fhir_user])
    name = f"{called[standing.fhir_user]} ({wording.role(flow.visit.language, standing.role)})"
    patient = await _shown(await flow.seen(), flow.progress.patient)
    is_professional = standing.organization is not None
    settings = realm.settings
    lasting = permits.lasting_of(asked.scopes.words)
    return flow.page(
        "consent.html",
        app=flow.app,
        question=flow.say("consent_professional" if is_professional else "consent", app=flow.app),
        name=name,
        patient=patient,
        supervisors=await _supervisors(flow),
        responsible=flow.visit.cookies.get("responsible") or standing.responsible,
        scopes=_offered(flow.visit.language, asked.scopes),
        how_long=wording.how_long(
            flow.visit.language,
            lasting,
            settings.refresh_token_days,
            settings.session_hours,
            settings.access_token_seconds,
        ),
        granted_address=flow.visit.issuer.at("granted"),
    )


async def _shown(seen: Repository, patient: str | None) -> str:
    """How a page calls this patient; empty where the person does not see them. The look is in the log."""
    found = await people.patient(seen, patient) if patient is not None else None
    if found is None:
        return ""
    await events.looked(seen, [found.id])
    return found.name


STEPS: tuple[Step, ...] = (_sign_in, _standing, _patient, _consent)


async def _supervisors(flow: Flow) -> dict[str, str]:
    """Under whose responsibility the person can work today, where they work under somebody's (RULES R24)."""
    assert flow.session is not None
    standing = flow.session.standing
    if standing is None or standing.role not in SUPERVISED or standing.organization is None:
        return {}
    return await people.supervisors(flow.visit.request.realm, standing.organization)


def _offered(language: wording.Language, asked: Scopes) -> list[dict[str, str]]:
    """The scopes a person can take away, each with what it means."""
    told = [{"value": str(one), "text": wording.scope(language, one)} for one in asked.resources]
    return told + [{"value": word, "text": wording.text(language, word)} for word in _choosable(asked)]


def _choosable(asked: Scopes) -> list[str]:
    """The words of a request that are a person's to give; a launch goes with it as it is."""
    return [word for word in asked.words if word not in scopes.LAUNCH]


async def grant_and_answer(flow: Flow, granted: Scopes, responsible: str | None = None) -> Response:
    """Grant these scopes, and send the person back to the app with a code. `responsible` is for the day."""
    asked, session = flow.asked, flow.session
    assert asked is not None
    assert session is not None
    assert session.standing is not None
    realm, standing, started = flow.visit.request.realm, session.standing, asked.launch
    if "launch" in asked.given and not await launch.use(realm, asked.given["launch"]):
        raise asked.refusal(invalid_request("`launch` was used before; start the app anew from the EHR"))
    patient = flow.progress.patient
    context = list(started.fhir_context) if started else []
    if patient is not None and not context:
        context = await people.shared_plan(await flow.seen(), patient)
    encounter = started.encounter if started else None
    if encounter is not None and not await people.encounter_is_seen(await flow.seen(), encounter):
        encounter = None
    if encounter is None:
        words = tuple(word for word in granted.words if word != "launch/encounter")
        granted = replace(granted, words=words)
    grant = permits.new(
        realm,
        client=asked.client.id,
        account=session.account.id,
        scope=str(granted),
        fhir_user=standing.fhir_user,
        organization=standing.organization,
        role=standing.role,
        responsible=responsible or standing.responsible,
        acr=session.acr,
        signed_in=session.signed_in,
        session=session.id,
        patient=patient,
        encounter=encounter,
        fhir_context=context,
        intent=started.intent if started else None,
        need_patient_banner=started.need_patient_banner if started else True,
    )
    await permits.replace_consent(realm, grant)
    events.tell(flow.visit.request, _told(session, "granted", grant.client))
    code = await permits.new_code(
        realm, grant, Code(asked.redirect_uri, asked.given["code_challenge"], asked.nonce)
    )
    return flow.visit.redirect(asked.answer(code=code))


def _told(session: Session, kind: events.Kind, client: str | None = None) -> Event:
    """An event of this person."""
    role = session.standing.role if session.standing else None
    return Event(kind, client=client, account=session.account.id, role=role)


def tell_failure(flow: Flow, account: Account | None, outcome: str) -> None:
    """A sign-in failed; `outcome` says at what."""
    events.tell(
        flow.visit.request, Event("sign-in-failed", account=account.id if account else None, outcome=outcome)
    )


async def go_on(flow: Flow) -> Response:
    """The page of the first step that lacks something, or the answer."""
    if flow.asked is None:
        return await _sign_in(flow) or await _granted_page(flow)
    for step in STEPS:
        response = await step(flow)
        if response is not None:
            return response
    raise AssertionError("the last step always answers")


# -- What forms and links ask ------------------------------------------------------------------------


async def authorize(request: Request, ways: Ways) -> Response:
    """`/auth/authorize`, by GET or POST."""
    raw = request.query if request.method == "GET" else request.body.decode("latin-1")
    visit = visiting.of(request)
    try:
        asked = await authorization.read(request.issuer, raw)
        visit = visiting.of(request, asked.given.get("ui_locales", ""))
        flow = Flow(visit, ways, visit.begin(raw), asked, await visit.session())
        return await go_on(flow)
    except Unproven as fault:
        return visit.stopped("unproven", str(fault))
    except Refused as refused:
        return visit.redirect(refused.address)


async def granted(request: Request, ways: Ways) -> Response:
    """`/auth/granted`: what a person let apps do."""
    visit = visiting.of(request)
    return await go_on(Flow(visit, ways, visit.begin(""), None, await visit.session()))


Answer = Callable[[Flow, dict[str, str], list[str]], Awaitable[Response]]


def form(answer: Answer) -> Callable[[Request, Ways], Awaitable[Response]]:
    """What answers a form of these pages: it is this browser's, and its request still stands."""

    async def answered(request: Request, ways: Ways) -> Response:
        visit = visiting.of(request)
        try:
            _check_origin(request)
            fields, chosen = _fields(request)
            progress = visit.progress(fields.get("progress", ""))
            asked = None
            if progress.request:
                asked = await authorization.read(request.issuer, progress.request)
            return await answer(Flow(visit, ways, progress, asked, await visit.session()), fields, chosen)
        except (StalePage, Unproven):
            return visit.stopped("stale")
        except Refused as refused:
            return visit.redirect(refused.address)

    return answered


def _check_origin(request: Request) -> None:
    """A form comes from a page of this hub (its own proof is in `progress`; this is the browser's)."""
    origin = request.headers.get("origin")
    scheme, _, rest = request.issuer.root.partition("://")
    own = f"{scheme}://{rest.partition('/')[0]}"
    if origin not in (None, "null", own):
        raise StalePage
    if request.headers.get("sec-fetch-site") == "cross-site":
        raise StalePage


def _fields(request: Request) -> tuple[dict[str, str], list[str]]:
    """The fields of a form, and of the one that may stand often, `scope`, all values."""
    try:
        found = pairs(request.body)
        rest = "&".join(
            part for part in request.body.decode("ascii").split("&") if not part.startswith("scope=")
        )
        return single(rest), [value for name, value in found if name == "scope"]
    except (OAuthError, UnicodeDecodeError):
        raise StalePage from None


async def take_password(flow: Flow, fields: dict[str, str], chosen: list[str]) -> Response:
    realm = flow.visit.request.realm
    username, password = fields.get("username", "").strip(), fields.get("password", "")
    account = await accounts.by_username(realm, username)
    device = account is not None and flow.visit.known_device(account.id)
    limits, source = Limits(realm), flow.visit.request.source
    try:
        await limits.check_sign_in(username, source, device)
    except OAuthError as fault:
        return wait(flow, fault, username)
    if not await accounts.is_password(realm, account, password):
        await limits.count_sign_in(username, source, device)
        tell_failure(flow, account, "password")
        flow.fault = flow.say("wrong_password")
        return sign_in_page(flow, username, 401)
    assert account is not None
    await limits.forget_sign_in(username, source, device)
    if not realm.settings.needs_second_factor:
        return await signed_in(flow, account, "pwd")
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


async def take_code(flow: Flow, fields: dict[str, str], chosen: list[str]) -> Response:
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
        tell_failure(flow, account, "second-factor")
        flow.fault = flow.say("wrong_code")
        return second_factor_page(flow, account, 401)
    await limits.forget_sign_in(name, source, device)
    return await signed_in(flow, account, "pwd+otp")


async def signed_in(flow: Flow, account: Account, acr: str) -> Response:
    """The person is who they say: a new session, and on with the way."""
    realm = flow.visit.request.realm
    if flow.session is not None:
        await sessions.end(realm, flow.session)
    flow.visit.keep("session", await sessions.begin(realm, account, acr))
    flow.visit.remember_device(account.id)
    flow.session = await flow.visit.session()
    events.tell(flow.visit.request, Event("signed-in", account=account.id, outcome=acr))
    flow.progress = replace(flow.progress, account=None, enrolling=None, has_signed_in=True)
    return await go_on(flow)


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


async def from_provider(request: Request, ways: Ways) -> Response:
    """`/auth/callback`: back from the OpenID provider."""
    visit = visiting.of(request)
    try:
        progress = visit.progress(visit.cookies.get("away", ""))
        fields = single(request.query)
        away = progress.away
        if away is None or not hmac.compare_digest(fields.get("state", "").encode(), away["state"].encode()):
            raise StalePage
        asked = None
        if progress.request:
            asked = await authorization.read(request.issuer, progress.request)
        visit.keep("away", "")
        progress = replace(progress, away=None)
        flow = Flow(visit, ways, progress, asked, await visit.session())
        return await _back(flow, away, fields)
    except (StalePage, Unproven, OAuthError):
        return visit.stopped("stale")
    except Refused as refused:
        return visit.redirect(refused.address)


async def _back(flow: Flow, away: dict[str, str], fields: dict[str, str]) -> Response:
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
        tell_failure(flow, None, provider.name)
        flow.fault = flow.say("provider_failed", provider=provider.title)
        return sign_in_page(flow, status=401)
    return await signed_in(flow, account, acr)


async def take_standing(flow: Flow, fields: dict[str, str], chosen: list[str]) -> Response:
    if flow.session is None:
        return await go_on(flow)
    standing = flow.session.account.standing(fields.get("standing"))
    if standing is None:
        flow.fault = flow.say("choose_one")
        return await go_on(flow)
    await sessions.choose(flow.visit.request.realm, flow.session, standing)
    flow.session = replace(flow.session, standing=standing)
    flow.progress = replace(flow.progress, has_chosen=True, patient=None)
    return await go_on(flow)


async def take_patient(flow: Flow, fields: dict[str, str], chosen: list[str]) -> Response:
    flow.find = fields.get("find", "")[:100]
    flow.progress = replace(flow.progress, patient=fields.get("patient"))
    return await go_on(flow)


async def take_consent(flow: Flow, fields: dict[str, str], chosen: list[str]) -> Response:
    """Allowed or declined; what was taken away is not granted."""
    if flow.asked is None:
        raise StalePage
    for step in STEPS[:-1]:
        if fields.get("decision") != "allow":
            break
        response = await step(flow)
        if response is not None:
            return response
    wanted = flow.asked.scopes
    kept = Scopes(
        tuple(one for one in wanted.resources if str(one) in chosen),
        tuple(word for word in wanted.words if word in scopes.LAUNCH or word in chosen),
    )
    if fields.get("decision") != "allow" or not (kept.resources or _choosable(kept)):
        if flow.session is not None:
            events.tell(flow.visit.request, _told(flow.session, "declined", flow.asked.client.id))
        raise flow.asked.refusal(access_denied("the person did not allow it"))
    responsible = fields.get("responsible")
    if responsible is None or responsible not in await _supervisors(flow):
        return await grant_and_answer(flow, kept)
    flow.visit.keep("responsible", responsible)
    return await grant_and_answer(flow, kept, responsible)


async def take_language(flow: Flow, fields: dict[str, str], chosen: list[str]) -> Response:
    language = "en" if fields.get("language") == "en" else "nl"
    flow.visit.keep("language", language, visiting.YEAR_SECONDS)
    flow.visit.language = "en" if language == "en" else "nl"
    return await go_on(flow)


async def withdraw(flow: Flow, fields: dict[str, str], chosen: list[str]) -> Response:
    """All that the person let this app do ends."""
    client = fields.get("withdraw")
    if flow.session is not None and client is not None:
        realm = flow.visit.request.realm
        for grant in await permits.of_account(realm, flow.session.account.id, client):
            await permits.revoke(realm, grant.id)
            flow.fault = flow.say("withdrawn")
        if flow.fault:
            events.tell(flow.visit.request, _told(flow.session, "withdrawn", client))
    return await go_on(flow)


async def _granted_page(flow: Flow) -> Response:
    """What the person let each app do, however often it asked."""
    assert flow.session is not None
    realm = flow.visit.request.realm
    by_client: dict[str, list[Grant]] = {}
    for grant in await permits.of_account(realm, flow.session.account.id):
        by_client.setdefault(grant.client, []).append(grant)
    shown = []
    for id, grants in by_client.items():
        client = await clients.find(realm, id)
        patients = {one.patient: one for one in grants if one.patient}
        called = [await _patient_of(flow, one) for one in list(patients.values())[:MOST_NAMED]]
        lines = (line for one in grants for line in wording.granted(flow.visit.language, one))
        shown.append(
            {
                "id": id,
                "app": client.name if client else id,
                "since": day(min(one.created for one in grants)),
                "until": day(max(one.expires for one in grants)),
                "patient": ", ".join(
                    [*filter(None, called), *(["..."] if len(patients) > MOST_NAMED else [])]
                ),
                "lines": list(dict.fromkeys(lines)),
            }
        )
    return flow.page("granted.html", grants=shown, name=flow.session.account.username)


async def _patient_of(flow: Flow, grant: Grant) -> str:
    """How the patient of a grant is called, where who granted it still sees them."""
    session = flow.session
    assert session is not None
    for standing in session.account.standings:
        if (standing.fhir_user, standing.organization, standing.role) == (
            grant.fhir_user,
            grant.organization,
            grant.role,
        ):
            seen = await people.as_seen_by(
                flow.visit.request.realm, flow.ways.opens, session.account.id, standing, session.acr,
                ("Patient",), grant.patient,
            )  # fmt: skip
            return await _shown(seen, grant.patient)
    return ""


def day(moment: int) -> str:
    """A moment as pages show it."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d %H:%M UTC")


async def sign_out(flow: Flow, fields: dict[str, str], chosen: list[str]) -> Response:
    if flow.session is not None:
        await sessions.end(flow.visit.request.realm, flow.session)
        events.tell(flow.visit.request, _told(flow.session, "signed-out"))
    flow.visit.keep("session", "")
    flow.visit.keep("responsible", "")
    title = flow.say("signed_out")
    return flow.visit.page("stopped.html", title=title, text="", detail="", fault="")


async def style(request: Request, ways: Ways) -> Response:
    return visiting.style()

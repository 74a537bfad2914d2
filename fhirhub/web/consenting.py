"""Consent: what of it an app may do, under whose responsibility, and the code that the app gets for it
(https://hl7.org/fhir/smart-app-launch/STU2.2/app-launch.html#obtain-authorization-code)."""

from __future__ import annotations

from dataclasses import replace

from fhirhub.auth import launch, people, permits, scopes
from fhirhub.auth.exchange import Response
from fhirhub.auth.faults import OAuthError, access_denied, invalid_request
from fhirhub.auth.permits import Code
from fhirhub.auth.roles import SUPERVISED
from fhirhub.auth.scopes import Scopes
from fhirhub.web import launching, sign_in, wording
from fhirhub.web.flow import Flow
from fhirhub.web.visit import StalePage


async def step(flow: Flow) -> Response | None:
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
    patient = await launching.shown(await flow.seen(), flow.progress.patient)
    is_own = standing.fhir_user.startswith("Patient/")
    settings = realm.settings
    lasting = permits.lasting_of(asked.scopes.words)
    return flow.page(
        "consent.html",
        app=flow.app,
        question=flow.say("consent" if is_own else "consent_professional", app=flow.app),
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


async def take_consent(flow: Flow, fields: dict[str, str], chosen: list[str]) -> Response:
    """Allowed or declined; what was taken away is not granted."""
    if flow.asked is None:
        raise StalePage
    if fields.get("decision") == "allow":
        for before in (sign_in.step, launching.standing, launching.patient):
            response = await before(flow)
            if response is not None:
                return response
    wanted = flow.asked.scopes
    kept = Scopes(
        tuple(one for one in wanted.resources if str(one) in chosen),
        tuple(word for word in wanted.words if word in scopes.LAUNCH or word in chosen),
    )
    took_all_away = _is_choice(wanted) and not _is_choice(kept)
    if fields.get("decision") != "allow" or took_all_away:
        if flow.session is not None:
            flow.tell("declined", flow.asked.client.id)
        raise flow.asked.refusal(access_denied("the person did not allow it"))
    responsible = fields.get("responsible")
    if responsible is None or responsible not in await _supervisors(flow):
        return await grant_and_answer(flow, kept)
    flow.visit.keep("responsible", responsible)
    return await grant_and_answer(flow, kept, responsible)


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
    flow.tell("granted", grant.client)
    code = await permits.new_code(
        realm, grant, Code(asked.redirect_uri, asked.given["code_challenge"], asked.nonce)
    )
    return flow.visit.redirect(asked.answer(code=code))


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


def _is_choice(asked: Scopes) -> bool:
    """Whether there is anything in it that a person can take away."""
    return bool(asked.resources or _choosable(asked))


def _choosable(asked: Scopes) -> list[str]:
    """The words of a request that are a person's to give; a launch goes with it as it is."""
    return [word for word in asked.words if word not in scopes.LAUNCH]

"""Say as whom, and choose the patient: what an app works with, beside what the EHR that started it told
(https://hl7.org/fhir/smart-app-launch/STU2.2/scopes-and-launch-context.html)."""

from __future__ import annotations

from dataclasses import replace

from fhirhub.auth import events, people, sessions
from fhirhub.auth.exchange import Response
from fhirhub.auth.faults import access_denied
from fhirhub.repository import Repository
from fhirhub.web import wording
from fhirhub.web.flow import Flow


async def standing(flow: Flow) -> Response | None:
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


async def patient(flow: Flow) -> Response | None:
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


async def take_standing(flow: Flow, fields: dict[str, str], chosen: list[str]) -> None:
    """As whom the person said that they are here."""
    if flow.session is None:
        return
    taken = flow.session.account.standing(fields.get("standing"))
    if taken is None:
        flow.fault = flow.say("choose_one")
        return
    await sessions.choose(flow.visit.request.realm, flow.session, taken)
    flow.session = replace(flow.session, standing=taken)
    flow.progress = replace(flow.progress, has_chosen=True, patient=None)


async def take_patient(flow: Flow, fields: dict[str, str], chosen: list[str]) -> None:
    """The patient that the person chose, or the words by which they look for one."""
    flow.find = fields.get("find", "")[:100]
    flow.progress = replace(flow.progress, patient=fields.get("patient"))


async def shown(seen: Repository, patient: str | None) -> str:
    """How a page calls this patient; empty where the person does not see them. The look is in the log."""
    found = await people.patient(seen, patient) if patient is not None else None
    if found is None:
        return ""
    await events.looked(seen, [found.id])
    return found.name

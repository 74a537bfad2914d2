"""The page where a person sees and withdraws what they let apps do."""

from __future__ import annotations

from fhirhub.auth import clients, people, permits
from fhirhub.auth.exchange import Response
from fhirhub.auth.permits import Grant
from fhirhub.errors import FhirError
from fhirhub.web import launching, wording
from fhirhub.web.flow import Flow

MOST_NAMED = 10
"""Patients named beside an app that works on many."""


async def page(flow: Flow) -> Response:
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
                "since": wording.day(min(one.created for one in grants)),
                "until": wording.day(max(one.expires for one in grants)),
                "patient": ", ".join(
                    [*filter(None, called), *(["..."] if len(patients) > MOST_NAMED else [])]
                ),
                "lines": list(dict.fromkeys(lines)),
            }
        )
    return flow.page("granted.html", grants=shown, name=flow.session.account.username)


async def withdraw(flow: Flow, fields: dict[str, str], chosen: list[str]) -> None:
    """All that the person let this app do ends."""
    client = fields.get("withdraw")
    if flow.session is not None and client is not None:
        realm = flow.visit.request.realm
        for grant in await permits.of_account(realm, flow.session.account.id, client):
            await permits.revoke(realm, grant.id)
            flow.fault = flow.say("withdrawn")
        if flow.fault:
            flow.tell("withdrawn", client)


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
            try:
                seen = await people.as_seen_by(
                    flow.visit.request.realm, flow.ways.opens, session.account.id, standing, session.acr,
                    ("Patient",), grant.patient,
                )  # fmt: skip
            except FhirError:
                return ""
            return await launching.shown(seen, grant.patient)
    return ""

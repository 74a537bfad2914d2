"""The page on which a patient sees who can look, withdraws what relatives may, and blocks a party, told before which
help will stop (RULES R10, R13, R17, R18)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fhirhub.access import EVERYTHING
from fhirhub.auth import careteam, people
from fhirhub.auth.exchange import Request, Response
from fhirhub.careplan import blocking, ending, moves
from fhirhub.errors import FhirError
from fhirhub.repository import Repository, now
from fhirhub.resources import consents, hours
from fhirhub.resources.relations import ALWAYS, Kind
from fhirhub.web import sign_in
from fhirhub.web import visit as visiting
from fhirhub.web.flow import Flow, Ways

Json = dict[str, Any]

KINDS = {Kind.PRACTICE: "practice", Kind.MEMBER: "member", Kind.COVER: "cover"}


async def show(request: Request, ways: Ways) -> Response:
    """`/auth/team`: who can look."""
    visit = visiting.of(request)
    return await _page(Flow(visit, ways, visit.begin("", "team"), None, await visit.session()))


async def take(flow: Flow, fields: dict[str, str], chosen: list[str]) -> Response:
    """Something is withdrawn; a block is asked about first."""
    patient = _patient(flow)
    if patient is None:
        return await _page(flow)
    if "block" in fields:
        return await _confirm(flow, patient, fields["block"])
    try:
        if "confirm" in fields:
            await _block(flow, patient, fields["confirm"])
            flow.fault = flow.say("team_changed")
        elif "withdraw" in fields:
            await _withdraw(flow, fields["withdraw"])
            flow.fault = flow.say("team_changed")
    except FhirError as refused:
        flow.fault = str(refused)
    return await _page(flow)


def _patient(flow: Flow) -> str | None:
    """The id of the patient who signed in."""
    if flow.session is None:
        return None
    standings = flow.session.account.standings
    found = next((one.fhir_user for one in standings if one.role == "patient"), None)
    return found.removeprefix("Patient/") if found is not None else None


def _whole(flow: Flow) -> Repository:
    return Repository(flow.visit.request.realm.tenant, EVERYTHING)


async def _as_patient(flow: Flow) -> Repository:
    """The store as the patient reads and writes it."""
    session = flow.session
    assert session is not None
    standing = next(one for one in session.account.standings if one.role == "patient")
    types = ("Consent", "Patient", "RelatedPerson", "Organization", "Practitioner", "PractitionerRole")
    return await people.as_seen_by(
        flow.visit.request.realm,
        flow.ways.opens,
        session.account.id,
        standing,
        session.acr,
        types,
        None,
        "crus",
    )


async def _page(flow: Flow) -> Response:
    if flow.session is None:
        return sign_in.sign_in_page(flow)
    patient = _patient(flow)
    if patient is None:
        return flow.visit.stopped("team_not_yours", status=403)
    realm, moment = flow.visit.request.realm, now()
    members = await _whole(flow).together(
        lambda unit: careteam.participants(unit.transaction, unit.tenant.number, patient, moment)
    )
    granted = await _granted(flow, patient)
    names = [one.actor for one in members] + [str(one["party"]) for one in granted]
    called = await people.names(realm, [f"Patient/{patient}", *names])
    shown: dict[str, Json] = {}
    for one in members:
        party = await _to_block(flow, one.actor)
        row = shown.setdefault(party or one.actor, {"party": party, "names": [], "kinds": []})
        told = flow.say(f"team_{KINDS[one.kind]}")
        if one.until < ALWAYS[1]:
            told += f". {flow.say('team_until', until=hours.shown(one.until))}"
        for known, new in ((row["names"], called[one.actor]), (row["kinds"], told)):
            if new not in known:
                known.append(new)
    relatives = [{**one, "name": called[str(one["party"])]} for one in granted]
    return flow.page(
        "team.html",
        patient=called[f"Patient/{patient}"],
        members=list(shown.values()),
        grants=[one for one in relatives if one["permits"]],
        blocks=[one for one in relatives if not one["permits"]],
    )


async def _to_block(flow: Flow, actor: str) -> str | None:
    """Whom an objection against this party names: an organisation or a person (RULES R17); None for a relative."""
    if actor.startswith("PractitionerRole/"):
        return await _whole(flow).together(lambda unit: careteam.person_of(unit, actor))
    return actor if actor.startswith(("Organization/", "Practitioner/")) else None


async def _granted(flow: Flow, patient: str) -> list[Json]:
    """What Consents of the patient let relatives do, and whom they keep out."""
    seen = await _as_patient(flow)
    found = await moves.found(seen, "Consent", ("patient", f"Patient/{patient}"), ("status", "active"))
    return [one for consent in found for one in _decided(flow, consent)]


def _decided(flow: Flow, consent: Json) -> Iterator[Json]:
    told: set[str] = set()
    for one in consents.decisions(consent):
        relative = one.actor.startswith("RelatedPerson/")
        if (
            not one.actor
            or one.actor in told
            or (one.permits and not relative)
            or not one.start <= now() < one.until
        ):
            continue
        told.add(one.actor)
        what = "team_represents" if one.represents else "team_collects" if one.collects else "team_reads"
        until = hours.shown(one.until) if one.until < ALWAYS[1] else ""
        yield {
            "id": consent["id"],
            "party": one.actor,
            "permits": one.permits,
            "what": flow.say(what),
            "until": until,
        }


async def _confirm(flow: Flow, patient: str, party: str) -> Response:
    """Which help will stop, before it does (R10)."""
    tasks = await _whole(flow).together(lambda unit: ending.stops(unit.as_hub(), patient, party, now()))
    called = await people.names(flow.visit.request.realm, [party])
    return flow.page(
        "team_confirm.html", name=called[party], party=party, stops=[blocking.help_of(task) for task in tasks]
    )


async def _block(flow: Flow, patient: str, party: str) -> None:
    seen = await _as_patient(flow)
    await seen.create(blocking.block(patient, party, now()))


async def _withdraw(flow: Flow, id: str) -> None:
    seen = await _as_patient(flow)
    await seen.patch("Consent", id, lambda consent: {**consent, "status": "inactive"})

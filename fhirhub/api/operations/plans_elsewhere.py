"""CarePlan/$elsewhere: the plans at other hubs in which the caller's organisation takes part, as these last showed them
(docs/two-hubs.md). They are read here and changed there."""

from __future__ import annotations

import contextlib
from dataclasses import replace

from fhirhub import errors
from fhirhub.access import EVERYTHING, Actor
from fhirhub.api import bundles, outcome
from fhirhub.api.exchange import FhirRequest, FhirResponse, Json
from fhirhub.api.operations import acting, parameters
from fhirhub.careplan import identity
from fhirhub.errors import Issue
from fhirhub.peers.home import Unreachable
from fhirhub.peers.rows import Kept
from fhirhub.peers.viewing import Peers, View
from fhirhub.repository import Repository, Tenant
from fhirhub.resources import document

ABOUT = ("subject", "for", "patient")


def peers_of(request: FhirRequest) -> Peers:
    """Raises `business-rule` where nobody signs in."""
    if request.context.peers is None:
        raise errors.business_rule(
            f"`{request.path[-1]}` is had with sign-in alone: serve with `--auth smart`."
        )
    return request.context.peers


async def elsewhere(request: FhirRequest) -> FhirResponse:
    """A searchset of what the peers of the caller's organisation showed; with `patient` what is about them alone."""
    actor = acting.provider(request)
    peers, repository = peers_of(request), request.repository
    asked = parameters.read(request).text("patient")
    entries, issues = bundles.Entries(request.base), list[Issue]()
    patients: set[str] = set()
    assert actor.organization is not None
    for view in await peers.views(repository.tenant, actor.organization):
        issues.append(_standing(view))
        shown, fault = await _with_labelled(peers, repository.tenant, view, actor)
        issues += fault
        for kept, resource in _asked(shown, asked):
            entries.elsewhere(view.address(kept), kept.body)
            if kept.type == "Patient":
                patients.update(identity.bsns(resource))
    if issues:
        entries.remark(outcome.render(issues))
    await _note(repository, patients)
    stale = [one for one in issues if one.severity == "warning"]
    # RFC 9111 took `Warning` out of use, and nothing in its place says that an answer is stale.
    headers = {"Warning": '110 - "Response is Stale"'} if stale else None
    now = request.context.now()
    return FhirResponse(200, entries.bundle("searchset", now=now, links=()), headers=headers)


async def _with_labelled(peers: Peers, tenant: Tenant, view: View, actor: Actor) -> tuple[View, list[Issue]]:
    """The view with what home shows to this doctor besides, and what is to be said of it."""
    if actor.column != "doctor":
        return view, []
    if view.peer.failed is None:
        with contextlib.suppress(Unreachable):
            labelled = await peers.labelled(tenant, view.peer, actor)
            return replace(view, kept=(*view.kept, *labelled)), []
    text = f"What {view.peer.base} shows to doctors alone is not kept here, and cannot be read there now."
    return view, [Issue("warning", "incomplete", text)]


def _standing(view: View) -> Issue:
    """How new a view is."""
    peer = view.peer
    if not peer.seen:
        text = f"{peer.base} was not read yet{f': {peer.fault}' if peer.fault else ''}."
        return Issue("warning", "incomplete", text)
    seen = document.instant(peer.seen)
    if peer.failed is None:
        return Issue("information", "informational", f"This is how it stood at {peer.base} at {seen}.")
    return Issue(
        "warning",
        "transient",
        f"The view of {peer.base} is stale since {seen}: it cannot be asked ({peer.fault}). What changed there since "
        "is not shown, and nothing can be changed there now.",
    )


def _asked(view: View, patient: str | None) -> list[tuple[Kept, Json]]:
    """What is kept and asked for: all, or what is about a patient, by address or `system|value`."""
    read = [(kept, document.decode(kept.body)) for kept in view.kept]
    if patient is None:
        return read
    system, _, value = patient.rpartition("|")
    meant = {
        view.address(kept)
        for kept, resource in read
        if kept.type == "Patient"
        and (
            view.address(kept) == patient
            or any(
                (one.get("system"), one.get("value")) == (system, value)
                for one in resource.get("identifier", ())
            )
        )
    }
    return [
        (kept, resource)
        for kept, resource in read
        if view.address(kept) in meant
        or any((resource.get(name) or {}).get("reference") in meant for name in ABOUT)
    ]


async def _note(repository: Repository, numbers: set[str]) -> None:
    """Has the log tell of whom something was shown, as far as this hub knows them."""
    if repository.trail is None or not numbers:
        return
    known = await identity.of_bsn(Repository(repository.tenant, EVERYTHING), numbers)
    repository.trail.owners += [(one["id"], None) for one in known]

"""Patient/$access-log: who saw or changed what of a patient, in which role, when, and why they could, in plain words
(the guide's OperationDefinition Patient-access-log, RULES R20, R24)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from fhirhub.api import audit_log, bundles, formats
from fhirhub.api.exchange import FhirRequest, FhirResponse
from fhirhub.api.operations import parameters
from fhirhub.audit import reading, rendering, wording
from fhirhub.audit.wording import Words
from fhirhub.auth import permission
from fhirhub.auth.roles import ROLES
from fhirhub.errors import forbidden
from fhirhub.resources import document
from fhirhub.store.cursor import seal, unseal
from fhirhub.store.log import Clause, Line, LogRequest, Term

ROLE_NAMES = {name: (role.dutch, role.english) for name, role in ROLES.items()}


async def access_log(request: FhirRequest) -> FhirResponse:
    """A Bundle of AuditEvents, the newest first, each with its text in the language asked for."""
    given = parameters.read(request)
    repository, patient = request.repository, request.path[1]
    await _admit(request, patient)
    settings = request.context.settings
    count = given.number("_count", 1, settings.page_count_max) or settings.page_count_default
    groups: list[list[Clause]] = [[[Term("patient", "=", patient)]]]
    start, end = given.moment("start"), given.moment("end")
    if start is not None:
        groups.append([[Term("recorded", ">=", start[0], "bigint")]])
    if end is not None:
        groups.append([[Term("recorded", "<", end[1], "bigint")]])
    asked = LogRequest(groups, count)
    used = [(name, str(value)) for name, value in given.values]
    key, scope = repository.tenant.cursor_key, bundles.scope(request, used)
    cursor = given.text("_cursor")
    if cursor is not None:
        moment, chain, number = unseal(key, scope, cursor)
        asked = replace(asked, after=(moment, chain, number))
    found = await reading.page(repository, asked)
    lines = found.lines[:count]
    path = "/".join((request.base, *request.path))
    links = [("self", bundles.url(path, used))]
    if len(found.lines) > count:
        last = lines[-1].record
        behind = seal(key, scope, (last.entry.recorded, last.chain, last.number))
        first = [pair for pair in used if pair[0] != "_cursor"]
        links.append(("next", bundles.url(path, [*first, ("_cursor", behind)])))
    entries = bundles.Entries(request.base)
    for event in await told(request, lines):
        entries.found(audit_log.TYPE, event["id"], document.encode(event), "match")
    return FhirResponse(200, entries.bundle("searchset", now=request.context.now(), links=links))


async def told(request: FhirRequest, lines: list[Line]) -> list[dict[str, Any]]:
    """The lines as AuditEvents, each with its text in the language asked for."""
    repository = request.repository
    language = formats.language(request.headers.get("accept-language", ""))
    names = await reading.names(repository, lines)
    actor, view = repository.access.actor, reading.view_of(repository.access)
    words = Words(names, ROLE_NAMES, language, to_patient=actor is None or actor.column == "patient")
    found = []
    for line in lines:
        event = rendering.audit_event(line, names, view, repository.tenant.name)
        event["text"] = wording.narrative(wording.told(line, words, view), language)
        found.append(event)
    return found


async def _admit(request: FhirRequest, patient: str) -> None:
    """Raises `forbidden` for who reads no log, and `not-found` for a patient whom they do not see."""
    access, principal = request.repository.access, request.principal
    if principal is None:
        return
    permission.require(principal, "s", audit_log.TYPE)
    if "s" not in access.letters_of(audit_log.TYPE):
        raise forbidden(
            "The log is read by the patient, their representative, and the privacy officer of an organisation whose "
            "users are in it."
        )
    if access.actor is not None and access.actor.column != "officer":
        await request.repository.read("Patient", patient)

"""AuditEvent/$review: of what the own organisation's users did, a sample drawn at random and what stands out (the
guide's OperationDefinition AuditEvent-review, RULES R24)."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from fhirhub.access import EVERYTHING
from fhirhub.api import audit_log, bundles, formats
from fhirhub.api.exchange import FhirRequest, FhirResponse
from fhirhub.api.operations import access_log, parameters
from fhirhub.audit import reading, reviewing
from fhirhub.audit.reviewing import Outlier
from fhirhub.auth import careteam, permission, staff
from fhirhub.errors import forbidden
from fhirhub.repository import Repository
from fhirhub.resources import document
from fhirhub.store.index.string import fold
from fhirhub.store.log import Clause, LogRequest, Looks, Term
from fhirhub.store.request import parse

Json = dict[str, Any]
Range = tuple[int, int]

DAYS = 30
SAMPLE = 20
AT_ONCE = 200


async def review(request: FhirRequest) -> FhirResponse:
    """Parameters with `sample`, a Bundle, and an `outlier` for each thing that stands out."""
    given = parameters.read(request)
    _admit(request)
    repository, settings = request.repository, request.context.settings
    now = request.context.now()
    start, end = given.moment("start"), given.moment("end")
    until = now if end is None else end[1]
    since = until - DAYS * 86_400 * 1_000_000 if start is None else start[0]
    count = given.number("sample", 0, settings.page_count_max)
    asked = LogRequest(_within(since, until), SAMPLE if count is None else count)
    lines = await reading.sample(repository, asked)
    found = await reading.looks(repository, asked)
    people = await _people(repository, found)
    names, colleagues = await _acquaintances(repository, found, people)
    usual = reviewing.bands(
        settings.review_hours, settings.review_shift_roles, settings.review_patients, settings.review_refusals
    )
    outliers = reviewing.outliers(found, names, colleagues, usual)
    if repository.trail is not None:
        repository.trail.owners += {(patient, None) for one in outliers for patient in one.patients}
    entries = bundles.Entries(request.base)
    for event in await access_log.told(request, lines):
        entries.found(audit_log.TYPE, event["id"], document.encode(event), "match")
    sample = document.decode(entries.bundle("searchset", now=now, links=[]))
    language = 0 if formats.language(request.headers.get("accept-language", "")) == "nl" else 1
    called = {reference: reading.name_of(resource) for reference, resource in people.items()}
    parts = [{"name": "sample", "resource": sample}]
    parts += [_told(one, called, language, since, until) for one in outliers]
    return FhirResponse(200, document.encode({"resourceType": "Parameters", "parameter": parts}))


def _admit(request: FhirRequest) -> None:
    access, principal = request.repository.access, request.principal
    if principal is None:
        return
    permission.require(principal, "s", audit_log.TYPE)
    if access.actor is None or access.actor.column != "officer":
        raise forbidden("The log of an organisation's users is reviewed by its privacy officer.")


def _within(since: int, until: int) -> list[list[Clause]]:
    return [[[Term("recorded", ">=", since, "bigint"), Term("recorded", "<", until, "bigint")]]]


async def _people(repository: Repository, found: list[Looks]) -> dict[str, Json]:
    """The Practitioners who are in the log or work at the organisation."""
    whole, actor = Repository(repository.tenant, EVERYTHING), repository.access.actor
    names = {one.person for one in found}
    if actor is not None and actor.organization is not None:
        organization = actor.organization
        names |= await whole.together(lambda unit: careteam.people_of(unit, organization))
    return await _read(whole, "Practitioner", names)


async def _acquaintances(
    repository: Repository, found: list[Looks], people: dict[str, Json]
) -> tuple[dict[str, frozenset[str]], dict[str, str]]:
    """The family names of people and patients in the log, and which of the patients works at the organisation."""
    whole, actor = Repository(repository.tenant, EVERYTHING), repository.access.actor
    colleagues: dict[str, str] = {}
    if actor is not None and actor.organization is not None:
        organization = actor.organization
        colleagues = await whole.together(lambda unit: staff.patients_among(unit, organization))
    patients = await _read(whole, "Patient", {f"Patient/{one.patient}" for one in found if one.patient})
    names = {reference: _families(resource) for reference, resource in {**people, **patients}.items()}
    born: dict[str, list[str]] = {}
    for reference, resource in people.items():
        if resource.get("birthDate"):
            born.setdefault(resource["birthDate"], []).append(reference)
    for reference, resource in patients.items():
        for person in born.get(resource.get("birthDate", ""), ()):
            if names[reference] & names[person]:
                colleagues.setdefault(reference, person)
    return names, colleagues


async def _read(whole: Repository, type: str, references: set[str]) -> dict[str, Json]:
    ids = sorted(one.partition("/")[2] for one in references if one.startswith(f"{type}/"))
    found = {}
    for start in range(0, len(ids), AT_ONCE):
        query = [("_id", ",".join(ids[start : start + AT_ONCE])), ("_count", str(AT_ONCE))]
        for match in await whole.all_matches(parse(type, query, whole.parameters)):
            if match.body is not None:
                found[f"{type}/{match.id}"] = document.decode(match.body)
    return found


def _families(resource: Json) -> frozenset[str]:
    """The parts of the family names; of a name in one text its last word."""
    parts: set[str] = set()
    for name in resource.get("name", ()):
        text = name.get("family") or " ".join(str(name.get("text", "")).split()[-1:])
        parts |= reviewing.family(fold(str(text).replace("-", " ").replace("'", " ")))
    return frozenset(parts)


def _told(one: Outlier, called: dict[str, str], language: int, since: int, until: int) -> Json:
    who = called.get(one.person) or one.person
    role = access_log.ROLE_NAMES.get(one.role, (one.role, one.role))[language]
    what = reviewing.described(one, language)
    period = [("date", f"ge{document.instant(since)}"), ("date", f"lt{document.instant(until)}")]
    lines = [("agent", one.person), *([("patient", one.patients[0])] if len(one.patients) == 1 else [])]
    return {
        "name": "outlier",
        "part": [
            {"name": "kind", "valueCode": one.kind},
            {"name": "agent", "valueReference": {"reference": one.person, "display": who}},
            {"name": "count", "valueInteger": one.often},
            {"name": "description", "valueString": f"{who}, {role}, {what}."},
            *(
                {"name": "patient", "valueReference": {"reference": f"Patient/{each}"}}
                for each in one.patients
            ),
            {"name": "lines", "valueUri": f"{audit_log.TYPE}?{urlencode([*lines, *period])}"},
        ],
    }

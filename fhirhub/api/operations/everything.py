"""$everything: all that is about a patient, and whom and what it names
(https://hl7.org/fhir/R4/patient-operation-everything.html).

What is about a patient is told by `resources/compartments.py`. The answer is that of some searches one after
the other; a cursor is the number of the search and the cursor of its page.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from fhirhub.api import bundles
from fhirhub.api.exchange import FhirRequest, FhirResponse
from fhirhub.api.operations import parameters
from fhirhub.errors import invalid
from fhirhub.resources import compartments, definitions, document, references
from fhirhub.store import request as requests
from fhirhub.store.cursor import seal, unseal
from fhirhub.store.index.parameters import Parameters
from fhirhub.store.search import Match

_CARE_DATES = (
    "date",
    "onset-date",
    "period",
    "effective-time",
    "occurrence",
    "authored",
    "authoredon",
    "authored-on",
    "whenhandedover",
    "started",
    "sent",
    "start-date",
    "servicedate",
    "billable-period",
    "created",
)
"""Search parameters for when care was given, the first that a type has counts."""
_TOGETHER = 100
"""Resources fetched by one search."""

Key = tuple[str, str]
Pairs = list[tuple[str, str]]


class Part(NamedTuple):
    """One search of the answer: in the patient's compartment or not, of one type or of those of `_type`."""

    type: str | None
    pairs: Pairs
    compartment: tuple[str, str] | None = None
    shown: bool = True
    """False for what `_type` leaves out: only what it names may be part of the answer."""


async def everything(request: FhirRequest) -> FhirResponse:
    """One page of everything about this patient, or about all patients."""
    id = request.path[1] if len(request.path) == 3 else None
    given = parameters.read(request)
    types = _types(given.lists("_type"))
    since = given.moment("_since")
    settings = request.context.settings
    count = given.number("_count", 1, settings.page_count_max) or settings.page_count_max
    known = request.repository.parameters
    parts = list(_parts(known, id, types, given))
    if types - definitions.compartment("Patient").keys():
        others = frozenset(type for type, _ in subjects(known)) - types
        parts += [part._replace(shown=False) for part in _parts(known, id, others, given)]
    key = request.repository.tenant.cursor_key
    scope = bundles.scope(request, [(name, str(value)) for name, value in given.values])
    given_cursor = given.text("_cursor")
    position, cursor = (0, None) if given_cursor is None else unseal(key, scope, given_cursor)
    if id is not None:
        await request.repository.read("Patient", id)
    found: dict[Key, Match] = {}
    named: set[Key] = set()
    unseen = 0
    while position < len(parts) and len(found) < count and unseen < settings.page_count_max:
        part = parts[position]
        wanted_now = count - len(found) if part.shown else settings.page_count_max
        asked = requests.parse(
            part.type,
            [*part.pairs, ("_count", str(wanted_now))],
            known,
            compartment=part.compartment,
            base=request.base,
        )
        page = await request.repository.search(asked, cursor)
        for match in page.matches:
            resource = document.decode(match.body)
            about = compartments.patients(resource, request.base)
            if about if id is None else id in about:
                if part.shown:
                    found[match.type, match.id] = match
                else:
                    unseen += 1
                named.update(_named(references.walk(resource), request.base))
        cursor = page.next
        if cursor is None:
            position += 1
    entries = bundles.Entries(request.base)
    for match in found.values():
        entries.found(match.type, match.id, match.body, "match")
    wanted = [key for key in named - found.keys() if not types or key[0] in types]
    for match in await _supporting(request, wanted, since):
        entries.found(match.type, match.id, match.body, "include")
    more = seal(key, scope, (position, cursor)) if position < len(parts) else None
    links = _links(request, given, more)
    return FhirResponse(200, entries.bundle("searchset", now=request.context.now(), links=links))


def _types(names: list[str]) -> frozenset[str]:
    for name in names:
        if not definitions.is_resource_type(name):
            raise invalid(f"`_type` expects resource types; `{name}` is none")
    return frozenset(names)


def _parts(
    known: Parameters, id: str | None, types: frozenset[str], given: parameters.Input
) -> Iterator[Part]:
    """The searches whose results together are the answer, the patient's own first."""
    since: Pairs = []
    if given.moment("_since") is not None:
        since = [("_lastUpdated", f"ge{given.text('_since')}")]
    limits = [
        f"{prefix}{given.text(name)}"
        for name, prefix in (("start", "ge"), ("end", "le"))
        if given.moment(name) is not None
    ]
    asked = [(type, code) for type, code in subjects(known) if not types or type in types]
    if id is not None and not limits:
        yield from _of_one(id, asked, since)
        return
    for type, code in asked:
        if type == "Patient":
            criteria = [("_id", id)] if id is not None else []
        elif id is not None:
            criteria = [(code, f"Patient/{id}")]
        else:
            criteria = [(f"{code}:missing", "false")]
        criteria += since
        date = _care_date(type) if limits else None
        if date is None:
            yield Part(type, criteria)
        else:
            yield Part(type, [*criteria, *((date, limit) for limit in limits)])
            yield Part(type, [*criteria, (f"{date}:missing", "true")])


def _of_one(id: str, asked: list[tuple[str, str]], since: Pairs) -> Iterator[Part]:
    """The patient, R4's Patient compartment, and the types outside of it that can be about a patient."""
    members = definitions.compartment("Patient")
    inside = {type for type, _ in asked if type in members and type != "Patient"}
    outside = {type for type, _ in asked if type not in members and type != "Patient"}
    if any(type == "Patient" for type, _ in asked):
        yield Part("Patient", [("_id", id), *since])
    if inside:
        yield Part(None, [("_type", ",".join(sorted(inside))), *since], ("Patient", id))
    if outside:
        yield Part(None, [("_type", ",".join(sorted(outside))), ("patient", f"Patient/{id}"), *since])


def subjects(parameters: Parameters) -> tuple[tuple[str, str], ...]:
    """Every type that can be about a patient, with the search parameters that say about whom; Patient first."""
    known = parameters.cache.get("subjects")
    if known is None:
        known = parameters.cache["subjects"] = tuple(_subjects(parameters))
    return known


def _subjects(parameters: Parameters) -> Iterator[tuple[str, str]]:
    yield "Patient", "_id"
    for type in definitions.RESOURCE_TYPES:
        of_type = parameters.of(type) if type != "Patient" else {}
        read: set[int] = set()
        for code in (*compartments.ABOUT, *compartments.WITHOUT_SUBJECT.get(type, ())):
            parameter = of_type.get(code)
            if parameter is None or parameter.kind != "reference" or read.issuperset(parameter.keys):
                continue
            if not parameter.targets or "Patient" in parameter.targets:
                read.update(parameter.keys)
                yield type, code


def _care_date(type: str) -> str | None:
    codes = definitions.search_parameters(type)
    return next((code for code in _CARE_DATES if code in codes and codes[code].type == "date"), None)


def _named(links: Iterable[references.Link], base: str) -> Iterator[Key]:
    """The resources of this server that are named: by a Reference, or as an attachment's Binary."""
    for link in links:
        if link.kind in ("reference", "url"):
            target = references.parse(link.text, base)
            if target.is_local and target.type and target.id:
                yield target.type, target.id


async def _supporting(
    request: FhirRequest, wanted: Iterable[Key], since: tuple[int, int] | None
) -> list[Match]:
    """Those of the resources named that are not about any patient: what is, is a match where it belongs."""
    by_type: dict[str, list[str]] = {}
    for type, id in sorted(wanted):
        by_type.setdefault(type, []).append(id)
    found = []
    for type, ids in by_type.items():
        for start in range(0, len(ids), _TOGETHER):
            some = ",".join(ids[start : start + _TOGETHER])
            pairs = [("_id", some), ("_count", str(_TOGETHER))]
            asked = requests.parse(type, pairs, request.repository.parameters, base=request.base)
            page = await request.repository.search(asked)
            found += [match for match in page.matches if since is None or match.updated >= since[0]]
    return [one for one in found if not compartments.patients(document.decode(one.body), request.base)]


def _links(request: FhirRequest, given: parameters.Input, more: str | None) -> Pairs:
    url = "/".join((request.base, *request.path))
    used = [(name, str(value)) for name, value in given.values if name != "_cursor"]
    cursor = given.text("_cursor")
    here = used if cursor is None else [*used, ("_cursor", cursor)]
    links = [("self", bundles.url(url, here))]
    if more is not None:
        links.append(("next", bundles.url(url, [*used, ("_cursor", more)])))
    return links

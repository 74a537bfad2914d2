"""$everything: all that is about a patient, and whom and what it names
(https://hl7.org/fhir/R4/patient-operation-everything.html).

What is about a patient is told by `resources/compartments.py`. The answer goes through the types one after
the other; a cursor is the number of the type and the cursor of its search.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import urlencode

from fhirhub.api import bundles
from fhirhub.api.exchange import FhirRequest, FhirResponse
from fhirhub.api.operations import parameters
from fhirhub.errors import invalid
from fhirhub.resources import compartments, definitions, document
from fhirhub.store import request as requests
from fhirhub.store.index.parameters import Parameters
from fhirhub.store.search import Match

_PARAMETERS = ("start", "end", "_since", "_type", "_count", "_cursor")
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


class Part(NamedTuple):
    """One search of the answer."""

    type: str
    query: str


async def everything(request: FhirRequest) -> FhirResponse:
    """One page of everything about this patient, or about all patients."""
    id = request.path[1] if len(request.path) == 3 else None
    given = parameters.read(request)
    given.only(_PARAMETERS)
    if id is not None:
        await request.repository.read("Patient", id)
    settings = request.context.settings
    count = given.number("_count", 1, settings.page_count_max) or settings.page_count_max
    types = _types(given.lists("_type"))
    since = given.moment("_since")
    parts = _parts(request.repository.parameters, id, types, given)
    position, cursor = _position(given.text("_cursor"), len(parts))
    found: dict[tuple[str, str], Match] = {}
    included: dict[tuple[str, str], Match] = {}
    while position < len(parts) and len(found) < count:
        part = parts[position]
        query = f"{part.query}&_count={count - len(found)}&_include=*"
        asked = requests.parse(part.type, query, request.repository.parameters, base=request.base)
        page = await request.repository.search(asked, cursor)
        for match in page.matches:
            if id is None or part.type not in compartments.WITHOUT_SUBJECT or _is_about(match, id):
                found.setdefault((match.type, match.id), match)
        for match in page.includes:
            included.setdefault((match.type, match.id), match)
        cursor = page.next
        if cursor is None:
            position += 1
    for key in found:
        included.pop(key, None)
    entries = [bundles.found(request.base, one.type, one.id, one.body, "match") for one in found.values()]
    entries += [
        bundles.found(request.base, one.type, one.id, one.body, "include")
        for one in included.values()
        if _is_support(one, types, since)
    ]
    more = f"{position}.{cursor or ''}" if position < len(parts) else None
    body = bundles.bundle("searchset", entries, now=request.context.now(), links=_links(request, given, more))
    return FhirResponse(200, body)


def _types(names: list[str]) -> frozenset[str]:
    for name in names:
        if not definitions.is_resource_type(name):
            raise invalid(f"`_type` expects resource types; `{name}` is none")
    return frozenset(names)


def _parts(known: Parameters, id: str | None, types: frozenset[str], given: parameters.Input) -> list[Part]:
    """The searches whose results together are the answer, the patient's own first."""
    since, limits = [], []
    if given.text("_since") is not None:
        given.moment("_since")
        since.append(("_lastUpdated", f"ge{given.text('_since')}"))
    for name, prefix in (("start", "ge"), ("end", "le")):
        if given.moment(name) is not None:
            limits.append(f"{prefix}{given.text(name)}")
    parts = []
    for type, code in subjects(known):
        if types and type not in types:
            continue
        if type == "Patient":
            criteria = [("_id", id)] if id is not None else []
        elif id is not None:
            criteria = [(code, f"Patient/{id}")]
        else:
            criteria = [(f"{code}:missing", "false")]
        date = _care_date(type)
        criteria += since
        if not limits or date is None:
            parts.append(Part(type, urlencode(criteria)))
        else:
            parts.append(Part(type, urlencode([*criteria, *((date, limit) for limit in limits)])))
            parts.append(Part(type, urlencode([*criteria, (f"{date}:missing", "true")])))
    return parts


def subjects(parameters: Parameters) -> tuple[tuple[str, str], ...]:
    """Every type that can be about a patient, with the search parameters that say about whom; Patient first."""
    known = parameters.cache.get("subjects")
    if known is None:
        known = parameters.cache["subjects"] = tuple(_subjects(parameters))
    return known  # type: ignore[no-any-return]


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


def _position(cursor: str | None, parts: int) -> tuple[int, str | None]:
    if cursor is None:
        return 0, None
    number, _, inner = cursor.partition(".")
    if not number.isascii() or not number.isdigit() or len(number) > 4 or int(number) >= parts:
        raise invalid("`_cursor` is not one of this operation; follow the `next` link as it is")
    return int(number), inner or None


def _is_support(match: Match, types: frozenset[str], since: tuple[int, int] | None) -> bool:
    """Whether an included resource belongs to the answer: one about a patient is a match where it does."""
    if types and match.type not in types:
        return False
    if since is not None and match.updated < since[0]:
        return False
    return not compartments.patients(document.decode(match.body))


def _is_about(match: Match, id: str) -> bool:
    return id in compartments.patients(document.decode(match.body))


def _links(request: FhirRequest, given: parameters.Input, more: str | None) -> list[tuple[str, str]]:
    url = "/".join((request.base, *request.path))
    used = [(name, str(value)) for name, value in given.values if name != "_cursor"]
    cursor = given.text("_cursor")
    here = used if cursor is None else [*used, ("_cursor", cursor)]
    links = [("self", bundles.url(url, here))]
    if more is not None:
        links.append(("next", bundles.url(url, [*used, ("_cursor", more)])))
    return links

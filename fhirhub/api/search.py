"""search on a type, a compartment and the system (https://hl7.org/fhir/R4/http.html#search)."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, quote

from fhirhub.api import bundles, conditions, formats, outcome, read
from fhirhub.api.exchange import FhirRequest, FhirResponse
from fhirhub.errors import invalid, not_supported, too_long
from fhirhub.resources import definitions, document, subset
from fhirhub.store import request as requests
from fhirhub.store.request import SearchRequest
from fhirhub.store.search import Found
from fhirhub.terminology import searching

MAX_FORM_BYTES = 256 * 1024
MAX_FIELDS = 1000


async def search(request: FhirRequest) -> FhirResponse:
    """The Bundle of one page of matches."""
    path = request.path
    if request.method == "POST" and path[-1] == "_search":
        path = path[:-1] if len(path) != 3 else (*path[:-1], "*")  # The pages that follow are asked by GET.
    compartment = None
    type: str | None = None
    if len(path) == 1:
        type = path[0]
    elif len(path) > 1:
        compartment = (path[0], path[1])
        if path[0] not in definitions.COMPARTMENTS:
            raise not_supported(
                f"{path[0]} has no compartment; there are {', '.join(definitions.COMPARTMENTS)}", status=404
            )
        if len(path) > 2 and path[2] != "*":
            type = path[2]
    pairs = parameters(request)
    lenient = "prefer" in request.headers and conditions.preference(request).lenient
    code_sets = None
    if not isinstance(pairs, str) or ":" in pairs or "%3" in pairs or "_filter" in pairs:
        pairs = requests.pairs_of(pairs) if isinstance(pairs, str) else pairs
        of_terminology = requests.of_terminology(pairs)
        if of_terminology:
            library = request.repository.tenant.library
            code_sets = await searching.code_sets(library, request.base, of_terminology)
    asked = requests.parse(
        type,
        pairs,
        request.repository.parameters,
        lenient=lenient,
        compartment=compartment,
        base=request.base,
        code_sets=code_sets,
    )
    if asked.elements and not lenient:
        read.refuse_unknown_elements(asked.types or definitions.RESOURCE_TYPES, asked.elements)
    _refuse_doubled(asked)
    limit(request, asked)
    found = await request.repository.search(asked, asked.cursor)
    return FhirResponse(200, page(request, "/".join(path), asked, found))


_IN_A_QUERY = "%!$&'()*+,-./:;=?@_~"
_NOT_IN_A_URL = re.compile(r"[^A-Za-z0-9%!$&'()*+,\-./:;=?@_~]").search
_ONCE = frozenset({"_count", "_cursor", "_summary", "_total"})


def _refuse_doubled(asked: SearchRequest) -> None:
    """Raise invalid for a parameter about the answer that is given twice, or for a `_sort` by nothing."""
    last = dict(asked.used)
    if len(last) != len(asked.used):
        names = [name for name, _ in asked.used]
        for name in _ONCE.intersection(names):
            if names.count(name) > 1:
                raise invalid(f"`{name}` is given once; got {names.count(name)}")
    if not asked.sort and "_sort" in last:
        raise invalid("`_sort` expects search parameters to sort by, such as `-date,_id`")


def limit(request: FhirRequest, asked: SearchRequest) -> None:
    """Keep the page within the settings."""
    settings = request.context.settings
    if asked.count is None:
        asked.count = settings.page_count_default
    elif asked.count > settings.page_count_max:
        asked.count = settings.page_count_max


def parameters(request: FhirRequest) -> str | list[tuple[str, str]]:
    """The parameters of the query and, for a POST, of the form in the body."""
    if request.method == "GET":
        return request.query
    pairs = parse_qsl(request.query, keep_blank_values=True)
    content_type = formats.media_type(request.headers.get("content-type", ""))
    if request.body:
        if content_type.name != formats.FORM:
            raise not_supported(
                f"A search by POST sends {formats.FORM}; got `{content_type.name}`", status=415
            )
        formats.check_charset(content_type)
        if len(request.body) > MAX_FORM_BYTES:
            raise too_long(f"The form is longer than {MAX_FORM_BYTES} bytes")
        try:
            form = request.body.decode()
            given = parse_qsl(form, keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS)
        except UnicodeDecodeError:
            raise invalid("The form is not UTF-8") from None
        except ValueError:
            raise invalid(f"The form has more than {MAX_FIELDS} parameters") from None
        if any("\0" in name or "\0" in value for name, value in given):
            raise invalid("The form holds a NUL character")
        pairs += given
        formats.take(request, given)
    return pairs


def page(request: FhirRequest, path: str, asked: SearchRequest, found: Found) -> bytes:
    """The Bundle of what was found, with links that hold exactly what was used."""
    base = request.base
    url = f"{base}/{path}" if path else base
    query = request.query
    links: list[tuple[str, str]]
    if request.method == "GET" and asked.cursor is None and len(asked.used) == query.count("&") + 1:
        # Everything asked was used: the query stands as it came, written as a URL has it.
        if _NOT_IN_A_URL(query):
            query = quote(query, safe=_IN_A_QUERY)
        links = [("self", f"{url}?{query}")]
        if found.next is not None:
            links.append(("next", f"{url}?{query}&_cursor={found.next}"))
    else:
        used = [*asked.used, *_form(query)]
        links = [("self", bundles.url(url, used))]
        first = [pair for pair in used if pair[0] != "_cursor"]
        if found.next is not None:
            links.append(("next", bundles.url(url, [*first, ("_cursor", found.next)])))
        if asked.cursor is not None:
            links.append(("first", bundles.url(url, first)))
    entries = bundles.Entries(base)
    whole = asked.summary == "false" and not asked.elements
    for match in found.matches:
        entries.found(match.type, match.id, match.body if whole else _part(asked, match.body), "match")
    for match in found.includes:
        # Elements are named of the type searched; an include comes whole.
        part = match.body if whole or asked.elements else _part(asked, match.body)
        entries.found(match.type, match.id, part, "include")
    issues = [*asked.issues, *found.issues] if asked.issues or found.issues else None
    if issues:
        entries.remark(outcome.render(issues))
    return entries.bundle("searchset", now=request.context.now(), links=links, total=found.total)


def _form(query: str) -> list[tuple[str, str]]:
    """The form that the URL asks of the answer: whoever cannot say it otherwise wants it of each page."""
    if "_format" not in query and "_pretty" not in query:
        return []
    return [pair for pair in parse_qsl(query) if pair[0] in ("_format", "_pretty")]


def _part(asked: SearchRequest, body: bytes) -> bytes:
    resource = document.decode(body)
    if asked.elements:
        return document.encode(subset.elements(resource, asked.elements))
    return document.encode(subset.summary(resource, asked.summary))

"""read and vread (https://hl7.org/fhir/R4/http.html#read)."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from urllib.parse import parse_qsl

from fhirhub.api import binary, conditions
from fhirhub.api.exchange import FhirRequest, FhirResponse
from fhirhub.errors import FhirError, invalid
from fhirhub.repository import Stored
from fhirhub.resources import definitions, document, subset

_ALWAYS = ("_format", "_pretty")
_PARAMETERS = ("_summary", "_elements", *_ALWAYS)
SUMMARIES = ("true", "text", "data", "count", "false")


async def read(request: FhirRequest) -> FhirResponse:
    """The current version of a resource."""
    type, id = request.path
    return answer(request, await request.repository.read(type, id))


async def vread(request: FhirRequest) -> FhirResponse:
    """One version of a resource."""
    type, id, _, version = request.path
    return answer(request, await request.repository.vread(type, id, version))


def answer(request: FhirRequest, stored: Stored) -> FhirResponse:
    """The answer that shows a stored version, or says that the client has it."""
    headers = request.headers
    if ("if-none-match" in headers or "if-modified-since" in headers) and conditions.unmodified(
        headers, stored.version, stored.updated
    ):
        return conditions.not_modified(stored.version, stored.updated)
    if stored.type == "Binary" and request.inside is None and not _names_format(request):
        shown = binary.content(request, stored)
        if shown.content_type is not None:
            return shown
    body = stored.body
    assert body is not None, "a read shows what is not deleted"
    if request.query:
        body = part(request, body)
    return FhirResponse(200, body, stored.version, stored.updated)


def _names_format(request: FhirRequest) -> bool:
    """Whether `_format` names a form of FHIR, which wins over what `Accept` says of a Binary's own type."""
    return request.format.named and "_format" in request.query


def part(request: FhirRequest, body: bytes, also: tuple[str, ...] = ()) -> bytes:
    """The resource, or of it what `_summary` or `_elements` ask; `also` are further parameters that the
    interaction has. Raises invalid."""
    summary, elements = None, None
    for name, value in parse_qsl(request.query, keep_blank_values=True):
        if name == "_summary":
            if value not in SUMMARIES or value == "count":
                raise invalid(f"`_summary` of a read expects true, text, data or false; got `{value}`")
            summary = value if value != "false" else None
        elif name == "_elements":
            elements = [element.strip() for element in value.split(",") if element.strip()]
        elif name not in _PARAMETERS and name not in also and not conditions.preference(request).lenient:
            raise unknown_parameter(name, (*also, *_PARAMETERS))
    if elements:
        resource = document.decode(body)
        refuse_unknown_elements((resource["resourceType"],), elements)
        return document.encode(subset.elements(resource, elements))
    if summary:
        return document.encode(subset.summary(document.decode(body), summary))
    return body


def refuse_unknown_elements(types: tuple[str, ...], elements: Sequence[str]) -> None:
    """Raise invalid for a name in `_elements` that is no element of these types."""
    for name in subset.unknown(types, tuple(elements)):
        known = {name for type in types for name in definitions.structure(type).properties}
        near = difflib.get_close_matches(name[:64], known, 1)
        also = f"; did you mean `{near[0]}`?" if near else ""
        of = types[0] if len(types) == 1 else "the types searched"
        raise invalid(f"`_elements` names `{name[:80]}`, which is no element of {of}{also}")


def refuse_unknown(request: FhirRequest) -> None:
    """Raise invalid for a parameter that a write does not have."""
    for name, _ in parse_qsl(request.query, keep_blank_values=True):
        if name not in _ALWAYS and not conditions.preference(request).lenient:
            raise unknown_parameter(name, _ALWAYS)


def unknown_parameter(name: str, known: tuple[str, ...]) -> FhirError:
    """The refusal of a parameter that the interaction does not have, with the nearest one that it has."""
    near = difflib.get_close_matches(name, known, 1)
    also = f"; did you mean `{near[0]}`?" if near else f"; it has {', '.join(known)}"
    return invalid(f"`{name}` is not a parameter of this interaction{also}")

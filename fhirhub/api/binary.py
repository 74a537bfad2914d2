"""Binary in its own content type, both ways (https://hl7.org/fhir/R4/binary.html#rest)."""

from __future__ import annotations

import base64
import binascii

from fhirhub.api import formats
from fhirhub.api.exchange import FhirRequest, FhirResponse, Json
from fhirhub.errors import invalid, not_supported, required
from fhirhub.repository import Stored
from fhirhub.resources import document, notations

_NAMED = (formats.FHIR_JSON, formats.FHIR_XML, "application/json+fhir", "application/xml+fhir")


def is_content(content_type: str | None) -> bool:
    """Whether a body of this type is a Binary's content, not a Binary resource."""
    if not content_type:
        return False
    return formats.media_type(content_type).name not in _NAMED


def of_content(request: FhirRequest, id: str | None) -> Json:
    """The Binary of a body in its own type; `X-Security-Context` becomes its securityContext."""
    content_type = request.headers["content-type"].strip()
    if not notations.is_media_type(content_type):
        raise invalid(f"`Content-Type` expects a media type such as application/pdf; got `{content_type}`")
    if formats.media_type(content_type).kind == "json" and b'"Binary"' in request.body:
        carried = document.parse(request.body)
        if carried.get("resourceType") == "Binary":
            return carried
    resource: Json = {"resourceType": "Binary"}
    if id is not None:
        resource["id"] = id
    resource["contentType"] = content_type
    context = request.headers.get("x-security-context")
    if context:
        resource["securityContext"] = {"reference": context.strip()}
    if not request.body:
        raise required("The body is empty; it should hold the content of the Binary")
    resource["data"] = base64.b64encode(request.body).decode()
    return resource


def content(request: FhirRequest, stored: Stored) -> FhirResponse:
    """The content of a stored Binary in its own type, or the resource where that is what is accepted."""
    resource = document.decode(stored.body or b"{}")
    own = str(resource.get("contentType", "application/octet-stream"))
    accept = request.headers.get("accept")
    shown = FhirResponse(200, stored.body, stored.version, stored.updated)
    if accept is not None and _prefers_resource(accept, own):
        return shown
    if accept is not None and not _weight(accept, own):
        if formats.negotiate(accept) is not None:
            return shown
        raise not_supported(
            f"This Binary is {own}; it is also had as {formats.FHIR_JSON} and {formats.FHIR_XML}", status=406
        )
    if not notations.is_media_type(own):
        return shown
    try:
        shown.body = base64.b64decode(resource.get("data", ""))
    except (binascii.Error, ValueError):
        return shown
    shown.content_type = own
    shown.headers = {"Content-Security-Policy": "default-src 'none'; sandbox"}
    context = resource.get("securityContext", {}).get("reference")
    if isinstance(context, str) and context.isprintable() and context.isascii():
        shown.headers["X-Security-Context"] = context
    return shown


def _prefers_resource(accept: str, content_type: str) -> bool:
    """Whether a form of FHIR is named, and wanted no less than the content."""
    named = max((weight for member, weight in _members(accept) if member.name in _NAMED), default=0.0)
    return named > 0.0 and named >= _weight(accept, content_type)


def _weight(accept: str, content_type: str) -> float:
    """How much the content is wanted: what names its type most exactly tells (RFC 9110, 12.5.1)."""
    name = formats.media_type(content_type).name
    for wanted in (name, name.partition("/")[0] + "/*", "*/*"):
        weights = [weight for member, weight in _members(accept) if member.name == wanted]
        if weights:
            return max(weights)
    return 0.0


def _members(accept: str) -> tuple[tuple[formats.MediaType, float], ...]:
    return formats.accepted(accept[: formats.LONGEST_HEADER])

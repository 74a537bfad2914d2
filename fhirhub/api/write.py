"""create, update, patch and delete, with and without conditions (https://hl7.org/fhir/R4/http.html#create)."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from fhirhub.api import (
    binary,
    conditional_references,
    conditions,
    formats,
    outcome,
    provenance,
    read,
    validation,
)
from fhirhub.api.exchange import FhirRequest, FhirResponse, Json
from fhirhub.errors import FhirError, Issue, informational, invalid, not_supported, required
from fhirhub.repository import Stored, Written
from fhirhub.resources import document, measurements, xml
from fhirhub.resources import patch as patches
from fhirhub.resources.validation import positions, structure
from fhirhub.store import request as requests
from fhirhub.store.request import SearchRequest


async def create(request: FhirRequest) -> FhirResponse:
    """A new resource under an id of the server's choosing; with `If-None-Exist` only where none matches."""
    if request.query:
        read.refuse_unknown(request)
    resource = content(request, request.path[0])
    await validation.check(request, resource)
    header = request.headers.get("if-none-exist")
    criteria = None if header is None else conditional(request, request.path[0], header)
    written = await provenance.kept_with(
        request,
        lambda unit: unit.create(resource, id=request.new_id, if_none_exist=criteria),
        criteria,
    )
    return answer(request, written)


async def update(request: FhirRequest) -> FhirResponse:
    """A new version under this id, or the first one."""
    if request.query:
        read.refuse_unknown(request)
    type, id = request.path
    resource = content(request, type, id)
    await validation.check(request, resource)
    expected = await conditions.expected(request, type, id)
    only_new = conditions.only_new(request)
    written = await provenance.kept_with(
        request, lambda unit: unit.update(resource, if_match=expected, if_none_match=only_new)
    )
    return answer(request, written)


async def update_where(request: FhirRequest) -> FhirResponse:
    """A new version of the one resource that matches, or a new resource."""
    type = request.path[0]
    criteria = conditional(request, type, request.query)
    resource = content(request, type)
    await validation.check(request, resource)
    expected = conditions.if_match(request)
    written = await provenance.kept_with(
        request, lambda unit: unit.update_where(criteria, resource, if_match=expected), criteria
    )
    return answer(request, written)


async def patch(request: FhirRequest) -> FhirResponse:
    """A new version made by changing the current one."""
    if request.query:
        read.refuse_unknown(request)
    type, id = request.path
    changed, check = change(request), await validation.check_of(request)
    expected = await conditions.expected(request, type, id)
    written = await provenance.kept_with(
        request, lambda unit: unit.patch(type, id, changed, if_match=expected, check=check)
    )
    return answer(request, written)


async def patch_where(request: FhirRequest) -> FhirResponse:
    """A new version made by changing the one resource that matches."""
    criteria = conditional(request, request.path[0], request.query)
    changed, check = change(request), await validation.check_of(request)
    expected = conditions.if_match(request)
    written = await provenance.kept_with(
        request,
        lambda unit: unit.patch_where(criteria, changed, if_match=expected, check=check),
        criteria,
    )
    return answer(request, written)


async def delete(request: FhirRequest) -> FhirResponse:
    """Gone from now on, its versions kept. What is not there, or no longer, is no fault."""
    provenance.refuse(request)
    if request.query:
        read.refuse_unknown(request)
    type, id = request.path
    written = await request.repository.delete(type, id, if_match=await conditions.expected(request, type, id))
    return _deleted(request, [] if written is None else [written])


async def delete_where(request: FhirRequest) -> FhirResponse:
    """What matches is gone: one resource, or more where the settings allow it."""
    provenance.refuse(request)
    written = await request.repository.delete_where(
        conditional(request, request.path[0], request.query),
        multiple=request.context.settings.conditional_delete == "multiple",
    )
    return _deleted(request, written)


def conditional(request: FhirRequest, type: str, criteria: str) -> SearchRequest:
    """The criteria of a conditional interaction, alone or as the URL of a search of the type. Raises where there are
    none: that would match everything."""
    criteria = criteria.strip().removeprefix(f"{request.base}/").removeprefix(type).removeprefix("?")
    parsed = requests.parse(type, criteria, request.repository.parameters, base=request.base)
    if parsed.issues:
        # What an ignored parameter would have left out must not be written.
        raise invalid(f"{parsed.issues[0].text.removesuffix(' and was ignored.')}; give it a value")
    if not parsed.has_criteria:
        raise required(
            f"A conditional interaction on {type} needs search criteria such as `identifier=system|value`"
        )
    return parsed


def content(request: FhirRequest, type: str, id: str | None = None) -> Json:
    """The resource that a create or update brings, checked. With `id`, the one in the URL."""
    resource = request.resource
    if resource is None:
        resource = _body(request, type, id)
    got = resource.get("resourceType")
    if got != type:
        is_now = f"the body is a {got}" if got is not None else "the body does not say its `resourceType`"
        raise invalid(f"The URL names {type}, {is_now}", "resourceType")
    if id is not None and resource.get("id") != id:
        own = resource.get("id")
        if own is None:
            raise invalid(f"The body of an update carries its id: `{id}`, as in the URL", f"{type}.id")
        raise invalid(f"The body's id `{own}` should be `{id}`, as in the URL", f"{type}.id")
    if not request.checked:
        faults = structure.validate(resource)
        if faults:
            refuse_faults(positions.placed(faults, request.body) if request.resource is None else faults)
        if conditional_references.may_hold(request.body):
            conditional_references.refuse(resource)
    return resource


def refuse_faults(issues: Sequence[Issue], status: int = 400) -> None:
    """Raise what is wrong with a resource: 400 for basic rules, as
    https://hl7.org/fhir/R4/http.html#rejecting-updates says."""
    if issues and any(issue.severity in ("error", "fatal") for issue in issues):
        raise FhirError(status, issues)


def _body(request: FhirRequest, type: str, id: str | None) -> Json:
    content_type = request.headers.get("content-type")
    if type == "Binary" and binary.is_content(content_type):
        return binary.of_content(request, id)
    return parse(request.body, formats.body_kind(content_type))


def parse(body: bytes, kind: str) -> Json:
    """The resource in a JSON or XML body. Raises FhirError (400)."""
    if not body:
        raise required("The body is empty; it should hold a resource")
    if kind == "json":
        return document.parse(body)
    resource, faults = parse_with_faults(body, kind)
    if faults:
        refuse_faults(positions.placed(faults, body))
    return resource


def parse_with_faults(body: bytes, kind: str) -> tuple[Json, list[Issue]]:
    """The resource in a body as far as it can be read; where XML could not be read as a whole, with all its
    faults, those of its structure too. Raises FhirError (400) for what is no JSON or XML."""
    if not body:
        raise required("The body is empty; it should hold a resource")
    if kind == "json":
        return document.parse(body), []
    found = xml.read(body)
    if not found.issues:
        return found.resource, []
    rest = structure.validate(found.resource)
    return found.resource, [
        *found.issues,
        *(issue for issue in rest if not _follows(issue.expression or "", found.lost)),
    ]


def beside(faults: Sequence[Issue], found: Iterable[Issue]) -> list[Issue]:
    """Of what a validation found in a resource with faults of reading, what does not stand at such a fault or around
    it: what is missing there may be there in a form that could not be read."""
    places = [each.expression or "" for each in faults]
    return [
        issue
        for issue in found
        if issue.expression is not None
        and not any(
            f"{place}.".startswith((f"{issue.expression}.", f"{issue.expression}[")) for place in places
        )
    ]


def _follows(place: str, lost: Iterable[str]) -> bool:
    """Whether a fault at this place comes only from what could not be read at it or below."""
    below = (f"{place}.", f"{place}[")
    return "." in place and any(each == place or each.startswith(below) for each in lost)


def change(request: FhirRequest) -> Callable[[Json], Json]:
    """The change that a patch describes, as a function from the old content to the new."""
    if request.resource is not None:
        apply = _carried_patch(request.resource)
    else:
        content_type = request.headers.get("content-type")
        if formats.media_type(content_type or "").name == formats.JSON_PATCH:
            apply = _json_patch(request.body)
        else:
            try:
                kind = formats.body_kind(content_type)
            except FhirError as error:
                wanted = f"A patch is {formats.JSON_PATCH}, or Parameters as {formats.FHIR_JSON} or XML"
                issues = [replace(issue, text=f"{wanted}; got `{content_type}`") for issue in error.issues]
                raise FhirError(error.status, issues, {"Accept-Patch": ACCEPT_PATCH}) from None
            apply = _parameters_patch(parse(request.body, kind))

    def changed(resource: Json) -> Json:
        type, id = resource["resourceType"], resource.get("id")
        result = apply(resource)
        if result.get("resourceType") != type or result.get("id") != id:
            raise invalid("A patch cannot change the resource's type or id", f"{type}.id", status=422)
        refuse_faults(structure.validate(result), status=422)
        return result

    return changed


ACCEPT_PATCH = ", ".join((formats.JSON_PATCH, formats.FHIR_JSON, formats.FHIR_XML))


def _carried_patch(resource: Json) -> Callable[[Json], Json]:
    """The patch that an entry of a Bundle carries: Parameters, or a JSON Patch in a Binary."""
    if resource.get("resourceType") == "Parameters":
        return _parameters_patch(resource)
    carried = str(resource.get("contentType", ""))
    if resource.get("resourceType") != "Binary" or formats.media_type(carried).name != formats.JSON_PATCH:
        raise not_supported(
            f"A PATCH entry carries Parameters, or a Binary with contentType {formats.JSON_PATCH}", status=415
        )
    try:
        return _json_patch(base64.b64decode(resource.get("data", ""), validate=False))
    except (binascii.Error, ValueError):
        raise invalid("`Binary.data` is not base64", "Binary.data") from None


def _json_patch(body: bytes) -> Callable[[Json], Json]:
    wrapped = document.parse(b'{"patch":' + body + b"}")
    operations = wrapped.get("patch")
    if len(wrapped) != 1 or not isinstance(operations, list):
        raise invalid('A JSON Patch is an array of operations such as {"op": "replace", ...}')
    return lambda resource: patches.json_patch(resource, operations)


def _parameters_patch(parameters: Json) -> Callable[[Json], Json]:
    if parameters.get("resourceType") != "Parameters":
        got = parameters.get("resourceType", "no `resourceType`")
        raise invalid(f"A FHIRPath Patch is a Parameters resource; got {got}")
    refuse_faults(structure.validate(parameters))
    return lambda resource: patches.fhirpath_patch(resource, parameters)


_STATUS = {"created": 201, "updated": 200, "unchanged": 200, "deleted": 200}
_DONE = {
    "created": "Created",
    "updated": "Updated",
    "unchanged": "Nothing changed: the content is that of this version",
    "deleted": "Deleted",
}


def answer(request: FhirRequest, written: Written) -> FhirResponse:
    """The answer to a write, with as much of the resource as `Prefer` asks."""
    stored = written.stored
    told = notice_of(stored)
    wanted = "representation"
    if "prefer" in request.headers:
        wanted = conditions.preference(request).returns or "representation"
    body = said = None
    beside = [Issue("warning", "informational", told, "Observation")] if told else []
    if wanted == "OperationOutcome":
        body = said = outcome.render([informational(_done(written)), *beside, *request.said])
    elif beside and request.inside is not None:
        # An entry has no header of its own.
        said = outcome.render(beside)
    if wanted == "representation":
        body = stored.body
    return FhirResponse(
        _STATUS[written.outcome],
        body,
        stored.version,
        stored.updated,
        provenance.version_of(written),
        headers={"Warning": _warning(told)} if told else None,
        made=written.outcome in ("created", "updated"),
        outcome=said,
    )


_NOTICE = b"/StructureDefinition/watching"


def notice_of(stored: Stored) -> str | None:
    """What the hub says of a home measurement: whether somebody watches, and what to do now (RULES R32)."""
    if stored.body is None or stored.type != "Observation" or _NOTICE not in stored.body:
        return None
    return measurements.notice(document.decode(stored.body))


def _warning(text: str) -> str:
    """A header that any app sees, whatever it asked to have returned (RFC 7234, 5.5)."""
    quoted = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'299 fhirhub "{quoted}"'


def _done(written: Written) -> str:
    stored = written.stored
    return f"{_DONE[written.outcome]}: {stored.type}/{stored.id}, version {stored.version}"


def _deleted(request: FhirRequest, written: Sequence[Written]) -> FhirResponse:
    version = written[0].stored.version if len(written) == 1 else None
    updated = written[0].stored.updated if len(written) == 1 else None
    if conditions.preference(request).returns != "OperationOutcome":
        return FhirResponse(204, None, version, updated)
    issues = [informational(_done(one)) for one in written] or [informational("There was nothing to delete")]
    said = outcome.render(issues)
    return FhirResponse(200, said, version, updated, outcome=said)

"""$validate: every fault of a resource, nothing written (https://hl7.org/fhir/R4/resource-operation-validate.html)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from fhirhub.api import outcome, validation, write
from fhirhub.api.exchange import FhirRequest, FhirResponse, Json
from fhirhub.api.operations import parameters
from fhirhub.api.validation import Subject
from fhirhub.errors import Issue, informational, invalid, required
from fhirhub.resources import document
from fhirhub.resources.validation import positions

_MODES = ("create", "update", "delete", "profile")


async def validate(request: FhirRequest) -> FhirResponse:
    """An OperationOutcome with all issues, 200 whatever they say."""
    type = request.path[0]
    id = request.path[1] if len(request.path) == 3 else None
    unread: list[Issue] = []
    given = parameters.read(request, unread)
    mode = given.text("mode")
    profile = given.text("profile")
    profiles = () if profile is None else (_canonical(profile),)
    _refuse_call(type, id, mode, profiles)
    resource = given.resource if given.resource is not None else given.one("resource")
    if resource is not None and not isinstance(resource, dict):
        raise invalid("`resource` expects a resource")
    if id is not None and mode == "delete":
        issues = await _why_kept(request, type, id)
    elif resource is not None:
        issues = _placed(await _issues(request, resource, profiles, mode, unread), request, given.at)
    elif id is not None:
        stored = await request.repository.read(type, id)
        issues = await _issues(request, document.decode(stored.body or b"{}"), profiles, mode, [])
    else:
        raise required("The body should hold the resource, or Parameters with `resource`")
    if not any(issue.severity in ("error", "fatal") for issue in issues):
        issues = [*issues, informational(f"No faults found in this {type}")]
    return FhirResponse(200, outcome.render(issues))


def _canonical(given: str) -> str:
    if not given.strip():
        raise invalid("`profile` expects the canonical URL of a profile")
    return given.strip()


def _refuse_call(type: str, id: str | None, mode: str | None, profiles: tuple[str, ...]) -> None:
    if mode is not None and mode not in _MODES:
        raise invalid(f"`mode` expects one of {', '.join(_MODES)}; got `{mode}`")
    if mode in ("update", "delete") and id is None:
        raise invalid(f"`mode` {mode} is asked of an instance: {type}/[id]/$validate")
    if mode == "profile" and not profiles:
        raise required("`mode` profile asks for `profile`, the canonical URL of a profile")


async def _why_kept(request: FhirRequest, type: str, id: str) -> list[Issue]:
    """What speaks against deleting it."""
    stored = await request.repository.read(type, id)
    fault = await request.repository.why_kept(stored)
    return [] if fault is None else [Issue("error", "conflict", fault)]


async def _issues(
    request: FhirRequest, resource: Json, profiles: tuple[str, ...], mode: str | None, unread: list[Issue]
) -> list[Issue]:
    """What is wrong with the resource; `unread` has what could not be read of its XML."""
    type = request.path[0]
    got = resource.get("resourceType")
    if got != type:
        return [Issue("error", "invalid", f"The URL names {type}, the resource is a {got}", "resourceType")]
    asked = (*profiles, *validation.profiles_of(request, type))
    if unread:
        faults = [parameters.within_resource(issue, type) for issue in unread]
        besides = write.beside(faults, await validation.issues(request, Subject(resource, asked)))
        rest = "What stands around these faults was not checked: first the XML must be right"
        return [*faults, *besides, Issue("information", "incomplete", rest)]
    found = [
        *_of_id(resource, request.path, mode),
        *await validation.issues(request, Subject(resource, asked)),
    ]
    if mode in ("create", "update") and not any(issue.severity in ("error", "fatal") for issue in found):
        id = request.path[1] if len(request.path) == 3 else request.repository.new_id()
        found += await request.repository.why_refused(resource, id)
    return found


def _of_id(resource: Json, path: tuple[str, ...], mode: str | None) -> list[Issue]:
    type, own = path[0], resource.get("id")
    if mode == "create" and own is not None:
        text = f"On create the server chooses the id; `{own}` would be left aside"
        return [Issue("information", "informational", text, f"{type}.id")]
    if len(path) == 3 and own != path[1] and mode != "create":
        text = f"The id should be `{path[1]}`, as in the URL" + (f"; got `{own}`" if own else "")
        return [Issue("error", "invalid", text, f"{type}.id")]
    return []


def _placed(issues: Iterable[Issue], request: FhirRequest, at: str | None) -> list[Issue]:
    """The issues with line and column in the body; `at` is where in it the resource stands."""
    given = list(issues)
    if at is None:
        return positions.placed(given, request.body)
    type = request.path[0]
    inside = [
        replace(issue, expression=at + (issue.expression or "").removeprefix(type))
        if (issue.expression or "").startswith(type)
        else issue
        for issue in given
    ]
    found = positions.placed(inside, request.body)
    return [
        replace(issue, line=place.line, column=place.column)
        for issue, place in zip(given, found, strict=True)
    ]

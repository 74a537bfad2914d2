"""$validate: every fault of a resource, nothing written (https://hl7.org/fhir/R4/resource-operation-validate.html)."""

from __future__ import annotations

from fhirhub.api import outcome
from fhirhub.api.exchange import FhirRequest, FhirResponse, Json
from fhirhub.api.operations import parameters
from fhirhub.errors import Issue, informational, invalid, required
from fhirhub.resources import document
from fhirhub.resources.validation import structure

_PARAMETERS = ("resource", "mode", "profile")
_MODES = ("create", "update", "delete", "profile")
_BASE = "http://hl7.org/fhir/StructureDefinition/"


async def validate(request: FhirRequest) -> FhirResponse:
    """An OperationOutcome with all issues, 200 whatever they say."""
    type = request.path[0]
    id = request.path[1] if len(request.path) == 3 else None
    unread: list[Issue] = []
    given = parameters.read(request, unread)
    given.only(_PARAMETERS)
    mode = given.text("mode")
    if mode is not None and mode not in _MODES:
        raise invalid(f"`mode` expects one of {', '.join(_MODES)}; got `{mode}`")
    if mode in ("update", "delete") and id is None:
        raise invalid(f"`mode` {mode} is asked of an instance: {type}/[id]/$validate")
    resource = given.resource if given.resource is not None else given.one("resource")
    if resource is not None and not isinstance(resource, dict):
        raise invalid("`resource` expects a resource")
    issues: list[Issue] = []
    if id is not None and (resource is None or mode == "delete"):
        stored = await request.repository.read(type, id)
        resource = document.decode(stored.body or b"{}")
        if mode == "delete" and (fault := await request.repository.why_kept(stored)) is not None:
            issues.append(Issue("error", "conflict", fault))
    if resource is None:
        raise required("The body should hold the resource, or Parameters with `resource`")
    issues += _faults(type, id, mode, resource, unread)
    profile = given.text("profile")
    if profile is not None and profile != _BASE + type:
        text = f"The profile `{profile}` is not known here, so it was not checked"
        issues.append(Issue("warning", "not-supported", text))
    if not issues:
        issues.append(informational(f"No faults found in this {type}"))
    return FhirResponse(200, outcome.render(issues))


def _faults(type: str, id: str | None, mode: str | None, resource: Json, unread: list[Issue]) -> list[Issue]:
    """What is wrong with the resource; `unread` has it already where its XML could not be read as a whole."""
    got = resource.get("resourceType")
    if got != type:
        return [Issue("error", "invalid", f"The URL names {type}, the resource is a {got}", "resourceType")]
    issues = [parameters.within_resource(issue, type) for issue in unread] or structure.validate(resource)
    own = resource.get("id")
    if mode == "create" and own is not None:
        text = f"On create the server chooses the id; `{own}` would be left aside"
        issues = [*issues, Issue("information", "informational", text, f"{type}.id")]
    elif id is not None and own != id and mode != "create":
        text = f"The id should be `{id}`, as in the URL" + (f"; got `{own}`" if own else "")
        issues = [*issues, Issue("error", "invalid", text, f"{type}.id")]
    return issues

"""One interaction from request to response: match, run."""

from __future__ import annotations

from functools import partial

from fhirhub.api import audit_log, living_elsewhere, operations, recording, routes
from fhirhub.api.exchange import FhirRequest, FhirResponse
from fhirhub.auth import permission


async def dispatch(request: FhirRequest) -> FhirResponse:
    """The answer to a request, from HTTP or from a Bundle. Raises FhirError."""
    route = routes.match(request.method, request.path)
    request.interaction = route.interaction
    if request.repository.tenant.recorder is None:
        return await _answer(request, route)
    return await recording.recorded(request, partial(_answer, route=route))


async def _answer(request: FhirRequest, route: routes.Route) -> FhirResponse:
    if request.principal is not None:
        _check_scopes(request, route)
        if "AuditEvent" in request.path:
            handler = audit_log.handler(request, route.interaction)
            if handler is not None:
                return await handler(request)
        if route.interaction in living_elsewhere.WRITES and request.context.peers is not None:
            return await living_elsewhere.written(request, route.handler)
    return await route.handler(request)


def _check_scopes(request: FhirRequest, route: routes.Route) -> None:
    """Raises `forbidden` where no scope of the caller lets this interaction through."""
    assert request.principal is not None
    letter, path = route.permission, request.path
    if route.interaction == "operation":
        letter = operations.find(path).permission
    if letter == "-":
        return
    type = path[0] if path and path[0][:1].isupper() else None
    if route.interaction == "search-compartment":
        type = path[2] if len(path) > 2 and path[2][:1].isupper() else None
    permission.require(request.principal, letter, type)

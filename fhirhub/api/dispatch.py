"""One interaction from request to response: match, run."""

from __future__ import annotations

from fhirhub.api import routes
from fhirhub.api.exchange import FhirRequest, FhirResponse


async def dispatch(request: FhirRequest) -> FhirResponse:
    """The answer to a request, from HTTP or from a Bundle. Raises FhirError."""
    route = routes.match(request.method, request.path)
    request.interaction = route.interaction
    return await route.handler(request)

"""What lives at another hub is changed there: who tries to write it here is told where (docs/two-hubs.md)."""

from __future__ import annotations

from fhirhub import errors
from fhirhub.api.exchange import FhirRequest, FhirResponse, Handler
from fhirhub.errors import FhirError

WRITES = frozenset({"update", "patch", "delete"})
_REFUSED = frozenset({403, 404, 422})


async def written(request: FhirRequest, handler: Handler) -> FhirResponse:
    """The answer of a write of one resource. Raises `business-rule` for one that the caller is shown from elsewhere."""
    if request.interaction == "delete":
        # What is not here is gone already, and the answer would say so.
        await _refuse(request)
    try:
        return await handler(request)
    except FhirError as fault:
        if fault.status in _REFUSED:
            await _refuse(request)
        raise


async def _refuse(request: FhirRequest) -> None:
    actor, peers = request.repository.asker.actor, request.context.peers
    if peers is None or actor is None or not actor.provider or actor.organization is None:
        return
    if len(request.path) < 2:
        return  # By criteria one writes what is found here.
    type, id = request.path[:2]
    address = await peers.address_of(request.repository.tenant, actor.organization, type, id)
    if address is None or await request.repository.find(type, id) is not None:
        return
    raise errors.business_rule(
        f"{type}/{id} lives at {address}: it is read here by `CarePlan/$elsewhere` and changed there, a Task by "
        "`Task/$answer-elsewhere`.",
        type,
    )

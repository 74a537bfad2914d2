"""Task/$answer-elsewhere: brings a Task that lives at another hub into another state there (docs/two-hubs.md).

The change is made at home, with this hub's own backend token and in the name of who asks; nothing is kept of it here
but what home shows then.
"""

from __future__ import annotations

import re

from fhirhub import errors
from fhirhub.api.exchange import FhirRequest, FhirResponse, Json
from fhirhub.api.operations import acting, parameters
from fhirhub.api.operations.plans_elsewhere import peers_of
from fhirhub.resources import document

_ID = re.compile(r"[A-Za-z0-9.-]{1,64}")


async def answer(request: FhirRequest) -> FhirResponse:
    """The Task as it is at home then."""
    actor, peers = acting.provider(request), peers_of(request)
    given, tenant = parameters.read(request), request.repository.tenant
    address = str(acting.required(given, "task"))
    assert actor.organization is not None
    base, _, id = address.rpartition("/Task/")
    for peer in await peers.of(tenant, actor.organization):
        if base == peer.base and _ID.fullmatch(id):
            change: Json = {"status": acting.required(given, "status")}
            reason = given.text("reason")
            if reason is not None:
                change["statusReason"] = {"text": reason}
            task = await peers.answer(tenant, peer, id, actor, change)
            return FhirResponse(200, document.encode(task))
    raise errors.not_found(
        f"`{address}` is no Task at a hub where your organisation takes part. `CarePlan/$elsewhere` gives their "
        "addresses."
    )

"""Task/$answer-elsewhere: brings a Task that lives at another hub into another state there, with its outputs and what
belongs to them (docs/two-hubs.md).

The change is made at home, with this hub's own backend token and in the name of who asks; nothing is kept of it here
but what home shows then.
"""

from __future__ import annotations

import re

from fhirhub import errors
from fhirhub.api.exchange import FhirRequest, FhirResponse, Json
from fhirhub.api.operations import acting, parameters
from fhirhub.api.operations.parameters import Input
from fhirhub.api.operations.plans_elsewhere import peers_of
from fhirhub.peers.answering import Answer, Output
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
            task = await peers.answer(tenant, peer, id, actor, _answer(given))
            return FhirResponse(200, document.encode(task))
    raise errors.not_found(
        f"`{address}` is no Task at a hub where your organisation takes part. `CarePlan/$elsewhere` gives their "
        "addresses."
    )


def _answer(given: Input) -> Answer:
    """What is to become of the Task. Raises `required` where nothing is."""
    change: Json = {}
    status, business_status, reason = given.text("status"), given.one("businessStatus"), given.text("reason")
    if status is not None:
        change["status"] = status
    if business_status is not None:
        change["businessStatus"] = business_status
    if reason is not None:
        change["statusReason"] = {"text": reason}
    outputs = tuple(_output(parts) for parts in given.all("output"))
    answer = Answer(change, given.text("note"), outputs, tuple(given.all("resource")))
    if not (answer.is_of_task or answer.resources):
        raise errors.required(
            "Say what becomes of the Task: `status`, `output`, `resource` or another of them."
        )
    return answer


def _output(parts: list[Json]) -> Output:
    """An output: of a type, with a text or a resource."""
    told = {part["name"]: part for part in parts}
    text = told.get("text", {}).get("valueString")
    resource = told.get("resource", {}).get("resource")
    if (text is None) == (resource is None):
        raise errors.invalid("`output` has either a `text` or a `resource`")
    return Output(told["type"]["valueCodeableConcept"], text, resource)

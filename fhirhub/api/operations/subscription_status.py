"""$status: how Subscriptions stand
(http://hl7.org/fhir/uv/subscriptions-backport/OperationDefinition/backport-subscription-status)."""

from __future__ import annotations

from fhirhub.api import bundles
from fhirhub.api.exchange import FhirRequest, FhirResponse, Json
from fhirhub.api.operations import parameters
from fhirhub.errors import invalid
from fhirhub.resources import document
from fhirhub.store import request as requests
from fhirhub.subscriptions import notification, queue, topics

STATUSES = ("requested", "active", "error", "off")


async def status(request: FhirRequest) -> FhirResponse:
    """A searchset of the status of this Subscription, of those named, or of all that the caller sees."""
    given = parameters.read(request)
    wanted = given.lists("status")
    for code in wanted:
        if code not in STATUSES:
            raise invalid(f"`status` expects one of {', '.join(STATUSES)}; got `{code}`")
    if len(request.path) == 3:
        stored = await request.repository.read("Subscription", request.path[1])
        found = [document.decode(stored.body or b"{}")]
    else:
        found = await _of(request, given.lists("id"), wanted)
    tenant = request.repository.tenant
    states = await queue.find_many(tenant.database, tenant.number, [one["id"] for one in found])
    entries = bundles.Entries(request.base)
    for resource in found:
        state = states.get(resource["id"]) or queue.new(resource["id"], resource["status"], 0)
        told = notification.status(topic_of(resource), state, request.base, "query-status")
        entries.status(told["id"], document.encode(told))
    body = entries.bundle("searchset", now=request.context.now(), total=len(found))
    return FhirResponse(200, body)


async def _of(request: FhirRequest, ids: list[str], statuses: list[str]) -> list[Json]:
    pairs = [("_count", "1000")]
    if ids:
        pairs.append(("_id", ",".join(ids)))
    if statuses:
        pairs.append(("status", ",".join(statuses)))
    asked = requests.parse("Subscription", pairs, request.repository.parameters)
    matches = await request.repository.all_matches(asked)
    return [document.decode(one.body) for one in matches if one.body is not None]


def topic_of(resource: Json) -> str | None:
    """The id of the topic that a Subscription is about."""
    topic = topics.find(str(resource.get("criteria", "")))
    return None if topic is None else topic.id

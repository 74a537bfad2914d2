"""$events: the events of a Subscription again, by their numbers, for who missed them or polls
(http://hl7.org/fhir/uv/subscriptions-backport/OperationDefinition/backport-subscription-events)."""

from __future__ import annotations

from fhirhub.api.exchange import FhirRequest, FhirResponse, Json
from fhirhub.api.operations import parameters
from fhirhub.api.operations.subscription_status import topic_of
from fhirhub.errors import invalid
from fhirhub.resources import document
from fhirhub.subscriptions import notification, queue, reading
from fhirhub.subscriptions.reading import Content


async def events(request: FhirRequest) -> FhirResponse:
    """A notification with these events, oldest first, each as the caller may see it now; at most as many as a page
    has. Whose last number is below that of the status asks on from there."""
    given = parameters.read(request)
    id = request.path[1]
    stored = await request.repository.read("Subscription", id)
    resource = document.decode(stored.body or b"{}")
    tenant = request.repository.tenant
    if await queue.lacks_numbers(tenant.database, tenant.number, id):
        await queue.number(tenant.database, tenant.number, [id])
    state = await queue.find(tenant.database, tenant.number, id) or queue.new(id, resource["status"], 0)
    since = given.number("eventsSinceNumber", 0, queue.NEVER) or 1
    until = given.number("eventsUntilNumber", 0, queue.NEVER)
    last = state.numbered if until is None else min(until, state.numbered)
    most = request.context.settings.page_count_max
    found = await queue.after(tenant.database, tenant.number, id, since - 1, last, most)
    content = _content(given.text("content"), resource)
    shown = await notification.shown(request.repository, found, content)
    topic = None if content == "empty" else topic_of(resource)
    status = notification.status(topic, state, request.base, "query-event", events=shown)
    body = notification.bundle(status, request.base, id, request.context.now(), shown)
    return FhirResponse(200, body)


def _content(asked: str | None, resource: Json) -> Content:
    """How much is shown: as asked, else as the Subscription says."""
    if asked is None:
        found = reading.extension_values(resource["channel"].get("_payload"), reading.CONTENT)
        asked = str(found[0]) if found else "id-only"
    if asked not in reading.CONTENTS:
        raise invalid(f"`content` expects one of {', '.join(reading.CONTENTS)}; got `{asked}`")
    return asked

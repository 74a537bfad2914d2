"""What goes out: a history Bundle that begins with how the Subscription stands
(https://hl7.org/fhir/uv/subscriptions-backport/STU1.1/notifications.html)."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any, NamedTuple

from fhirhub.errors import FhirError
from fhirhub.fetching import NO_HOST
from fhirhub.repository import Repository, Stored
from fhirhub.resources import document
from fhirhub.subscriptions import topics
from fhirhub.subscriptions.channels.notice import ANSWERED
from fhirhub.subscriptions.queue import Event, State
from fhirhub.subscriptions.reading import BACKPORT, Content

Json = dict[str, Any]

STATUS_PROFILE = BACKPORT + "backport-subscription-status-r4"
PROFILE = BACKPORT + "backport-subscription-notification-r4"
ERRORS = "http://terminology.hl7.org/CodeSystem/subscription-error"
_STATUS_OF = {"POST": "201", "PUT": "200", "DELETE": "204"}


class Shown(NamedTuple):
    """An event as its receiver may see it: not at all, that it is there, or with its content."""

    event: Event
    is_seen: bool
    body: bytes | None = None
    current: Stored | None = None
    """The resource as it is now."""


async def shown(seen: Repository, events: Sequence[Event], content: Content) -> list[Shown]:
    """The events as who sees this store may see them now."""
    if content == "empty":
        return [Shown(event, False) for event in events]
    keys = {(event.type, event.id) for event in events if event.type and not event.bare}
    current = {(one.type, one.id): one for one in await seen.find_many(sorted(keys))}
    return [await _shown(seen, event, content, current.get((event.type, event.id))) for event in events]


async def _shown(seen: Repository, event: Event, content: Content, current: Stored | None) -> Shown:
    if event.bare:
        return Shown(event, True)
    if current is None:
        return Shown(event, False)
    if content == "id-only" or event.method == "DELETE":
        return Shown(event, True, None, current)
    if current.version == event.version:
        return Shown(event, True, current.body, current)
    try:
        version = await seen.vread(event.type, event.id, str(event.version))
        return Shown(event, True, version.body, current)
    except FhirError:
        # That version was never theirs to see, or is erased: the resource is all the same.
        return Shown(event, False)


def status(
    topic: str | None,
    state: State,
    base: str,
    kind: str,
    *,
    code: str | None = None,
    count: int | None = None,
    events: Sequence[Shown] = (),
) -> Json:
    """The Parameters that say how a Subscription stands; `topic` is its topic's id, None where that is not told;
    `kind` is the type of notification, `count` the number of the last event that is told of."""
    parameters: list[Json] = [
        {"name": "subscription", "valueReference": {"reference": f"{base}/Subscription/{state.id}"}},
        {"name": "status", "valueCode": code or state.status},
        {"name": "type", "valueCode": kind},
        {
            "name": "events-since-subscription-start",
            "valueString": str(state.numbered if count is None else count),
        },
    ]
    if topic is not None:
        parameters.insert(1, {"name": "topic", "valueCanonical": topics.url(topic)})
    parameters += [_event(one, base) for one in events]
    if state.fault is not None and kind == "query-status":
        coding = {"system": ERRORS, "code": _error(state.fault)}
        parameters.append(
            {"name": "error", "valueCodeableConcept": {"coding": [coding], "text": state.fault}}
        )
    return {
        "resourceType": "Parameters",
        "id": str(uuid.uuid4()),
        "meta": {"profile": [STATUS_PROFILE]},
        "parameter": parameters,
    }


def _error(fault: str) -> str:
    """The code of what went wrong; the text says what the receiver answered."""
    if fault.startswith(NO_HOST):
        return "dns-resolution-error"
    return "error-response" if fault.startswith(ANSWERED) else "no-response"


def _event(shown: Shown, base: str) -> Json:
    event = shown.event
    parts: list[Json] = [
        {"name": "event-number", "valueString": str(event.number)},
        {"name": "timestamp", "valueInstant": document.instant(event.moment)},
    ]
    if shown.is_seen:
        reference = {"reference": f"{base}/{event.type}/{event.id}", "type": event.type}
        parts.append({"name": "focus", "valueReference": reference})
        if event.topic is not None:
            parts.append({"name": "topic", "valueCanonical": topics.url(event.topic)})
    return {"name": "notification-event", "part": parts}


def bundle(told: Json, base: str, subscription: str, now: int, events: Sequence[Shown] = ()) -> bytes:
    """The whole notification."""
    head = {
        "resourceType": "Bundle",
        "id": str(uuid.uuid4()),
        "meta": {"profile": [PROFILE]},
        "type": "history",
        "timestamp": document.instant(now),
    }
    first = {
        "fullUrl": f"urn:uuid:{told['id']}",
        "resource": told,
        "request": {"method": "GET", "url": f"{base}/Subscription/{subscription}/$status"},
        "response": {"status": "200"},
    }
    entries = [document.encode(first), *(_entry(one, base) for one in events if one.is_seen)]
    return document.encode(head)[:-1] + b',"entry":[' + b",".join(entries) + b"]}"


def _entry(shown: Shown, base: str) -> bytes:
    event = shown.event
    where = f"{event.type}/{event.id}"
    method = "GET" if event.bare else event.method
    response: Json = {"status": _STATUS_OF.get(method, "200")}
    if not event.bare:
        response |= {"etag": f'W/"{event.version}"', "lastModified": document.instant(event.moment)}
    url = event.type if method == "POST" else where
    entry = document.encode(
        {
            "fullUrl": f"{base}/{where}",
            "request": {"method": method, "url": url},
            "response": response,
        }
    )
    if shown.body is None:
        return entry
    return entry[:-1] + b',"resource":' + shown.body + b"}"

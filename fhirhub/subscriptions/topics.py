"""TOPICS: the events a Subscription can be about (Backport guide, "Subscription Topics in R4": a canonical URL for
each, in the CapabilityStatement and as Basic)."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from fhirhub.access import HUB
from fhirhub.repository import Repository, Tenant
from fhirhub.resources import document, guide

Json = dict[str, Any]

CROSS_VERSION = "http://hl7.org/fhir/5.0/StructureDefinition/extension-SubscriptionTopic."
"""Elements of R5's SubscriptionTopic as extensions (https://hl7.org/fhir/versions.html#extensions)."""
LISTED = "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/capabilitystatement-subscriptiontopic-canonical"
"""The extension by which the CapabilityStatement names them."""
SNOMED = "http://snomed.info/sct"
SHARED_PLANS = frozenset({"135411000146103", "734163000"})
"""Categories of plans that are shared; others of nl-core that are CarePlans too, are none."""


class Topic(NamedTuple):
    """One line of TOPICS; `types` are the resource types whose writes can be its events."""

    id: str
    types: frozenset[str]
    title: str
    dutch: str
    description: str


TOPICS: tuple[Topic, ...] = (
    Topic(
        "plan-changed",
        frozenset({"CarePlan"}),
        "Plan changed",
        "Plan gewijzigd",
        "A shared care plan was made, changed or deleted.",
    ),
    Topic(
        "team-changed",
        frozenset({"CareTeam"}),
        "Team changed",
        "Team gewijzigd",
        "A care team was made, changed or deleted: somebody joined or left.",
    ),
    Topic(
        "task-changed",
        frozenset({"Task"}),
        "Task changed",
        "Taak gewijzigd",
        "A task was placed, changed or deleted; one in draft is nobody's business yet.",
    ),
    Topic(
        "goal-changed",
        frozenset({"Goal"}),
        "Goal changed",
        "Doel gewijzigd",
        "A goal was made, changed or deleted.",
    ),
    Topic(
        "message-for-you",
        frozenset({"Communication"}),
        "Message for you",
        "Bericht voor u",
        "A message was sent to the receiver of the notification.",
    ),
    Topic(
        "shared-care",
        frozenset({"CarePlan", "CareTeam", "Task", "Goal", "Communication"}),
        "Shared care",
        "Gezamenlijke zorg",
        "All of the other topics: what an organisation of a plan is to know.",
    ),
)

MESSAGE, SHARED_CARE = "message-for-you", "shared-care"
_BY_ID: Mapping[str, Topic] = {topic.id: topic for topic in TOPICS}
_OF_TYPE: Mapping[str, str] = {type: topic.id for topic in TOPICS[:-1] for type in topic.types}
MANAGED_TYPES = _BY_ID[SHARED_CARE].types


def url(id: str) -> str:
    """The canonical URL of a topic."""
    return guide.url("SubscriptionTopic", id)


def find(canonical: str) -> Topic | None:
    """The topic of a canonical URL, with or without version."""
    return _by_url().get(canonical.partition("|")[0])


@functools.cache
def _by_url() -> Mapping[str, Topic]:
    return {url(topic.id): topic for topic in TOPICS}


def of(type: str) -> str:
    """The one topic, but for the one of all, that writes of this type are events of."""
    return _OF_TYPE[type]


def is_event(type: str, before: Json | None, after: Json | None) -> bool:
    """Whether the step from one content to the other is an event of the type's topic."""
    told = [one for one in (before, after) if one is not None]
    if type == "CarePlan":
        return any(_is_shared(one) for one in told)
    if type == "Task":
        return any(one.get("status") != "draft" for one in told)
    if type == "Communication":
        return any(one.get("status") not in ("preparation", "entered-in-error") for one in told)
    return bool(told)


def _is_shared(plan: Json) -> bool:
    return any(
        coding.get("code") in SHARED_PLANS and coding.get("system") == SNOMED
        for category in plan.get("category", ())
        for coding in category.get("coding", ())
    )


def basics() -> Iterator[Json]:
    """The topics as Basic, each under the id `topic-` and its own."""
    for topic in TOPICS:
        yield {
            "resourceType": "Basic",
            "id": basic_id(topic),
            "extension": [
                _extension("url", "valueUri", url(topic.id)),
                _extension("title", "valueString", topic.title),
                _extension("status", "valueCode", "active"),
                _extension("description", "valueMarkdown", topic.description),
                *(_trigger(type, topic) for type in sorted(topic.types)),
            ],
            "code": {
                "coding": [{"system": "http://hl7.org/fhir/fhir-types", "code": "SubscriptionTopic"}],
                "text": topic.title,
            },
        }


def basic_id(topic: Topic) -> str:
    return f"topic-{topic.id}"


async def keep(tenant: Tenant) -> None:
    """Brings the topics as Basic to what they are now."""
    if await _are_kept(tenant):
        return

    async def work(unit: Repository) -> None:
        for basic in basics():
            await unit.update(basic)

    await Repository(tenant, HUB).together(work)


async def _are_kept(tenant: Tenant) -> bool:
    """Whether each is there as it is here: at most starts nothing is written."""
    repository = Repository(tenant, HUB)
    for basic in basics():
        found = await repository.find("Basic", basic["id"])
        if found is None or found.body is None:
            return False
        kept = {name: value for name, value in document.decode(found.body).items() if name != "meta"}
        if kept != basic:
            return False
    return True


def _extension(name: str, key: str, value: Any) -> Json:
    return {"url": CROSS_VERSION + name, key: value}


def _trigger(type: str, topic: Topic) -> Json:
    return {
        "url": CROSS_VERSION + "resourceTrigger",
        "extension": [
            {"url": "description", "valueMarkdown": topic.description},
            {"url": "resource", "valueUri": f"http://hl7.org/fhir/StructureDefinition/{type}"},
            *({"url": "supportedInteraction", "valueCode": code} for code in ("create", "update", "delete")),
        ],
    }

"""A Subscription as it asks to be: topic or criteria, channel, payload, read and checked
(https://hl7.org/fhir/uv/subscriptions-backport/STU1.1/StructureDefinition-backport-subscription.html)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from fhirhub import fetching
from fhirhub.errors import FhirError, error
from fhirhub.resources import definitions, guide, primitives
from fhirhub.store import request as requests
from fhirhub.store.index.parameters import Parameters
from fhirhub.subscriptions import topics

Json = dict[str, Any]
Content = Literal["empty", "id-only", "full-resource"]

BACKPORT = "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/"
FILTER, CHANNEL_TYPE, CONTENT = (
    BACKPORT + name
    for name in ("backport-filter-criteria", "backport-channel-type", "backport-payload-content")
)
HEARTBEAT, TIMEOUT, MAX_COUNT = (
    BACKPORT + name for name in ("backport-heartbeat-period", "backport-timeout", "backport-max-count")
)
CONTENTS: tuple[Content, ...] = ("empty", "id-only", "full-resource")
CHANNELS = ("rest-hook", "websocket", "email")
"""The codes of R4 that are served; `sms` and `message` are not."""
LIST = "list"
"""The channel of a message list: nothing is sent, `$events` is asked."""
MIMES = {
    "application/fhir+json": "json",
    "application/json": "json",
    "application/fhir+xml": "xml",
    "application/xml": "xml",
}
MAIL_MIMES = ("text/plain", "text/html")
TIMEOUT_SECONDS, LONGEST_SECONDS = 10, 60
AT_MOST = 50
"""Events in one notification, where the Subscription names no smaller number."""
SHORTEST_HEARTBEAT = 1
MOST_FILTERS = 20
FOREVER = 1 << 62

_HEADER = re.compile(r"([A-Za-z0-9!#$%&'*+.^_`|~-]+):[ \t]*([\x20-\x7e\t\xa0-\xff]*)")
_OWN_HEADERS = frozenset(
    {"host", "content-length", "content-type", "transfer-encoding", "connection", "upgrade", "te", "trailer"}
)
_MAIL = re.compile(r"mailto:[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*")
_ABOUT_THE_ANSWER = frozenset(
    {
        "_sort", "_count", "_include", "_revinclude", "_summary", "_elements", "_total", "_contained",
        "_containedType", "_cursor", "_format", "_pretty", "_query", "_type",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Criteria:
    """What a resource of this type must match: names and values of a search."""

    type: str
    pairs: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a Subscription asks for. Without `topic` it is R4's own, by one of `criteria`; with it those narrow
    the topic's events, all of one type together."""

    topic: str | None
    criteria: tuple[Criteria, ...]
    channel: str
    endpoint: str | None
    headers: tuple[tuple[str, str], ...]
    mime: str
    content: Content
    heartbeat: int | None
    timeout: int
    max_count: int
    end: int

    @property
    def types(self) -> frozenset[str]:
        """The resource types whose writes can be its events."""
        if self.topic is None:
            return frozenset(one.type for one in self.criteria)
        found = topics.find(topics.url(self.topic))
        return frozenset() if found is None else found.types

    @property
    def told_topic(self) -> str | None:
        """The topic that notifications name: with `empty` content they name none
        (the guide's comment on SubscriptionStatus.topic)."""
        return None if self.content == "empty" else self.topic

    @property
    def is_ping(self) -> bool:
        """Whether nothing is sent but that there is something: R4's own, without a payload
        (https://hl7.org/fhir/R4/subscription.html#channels)."""
        return not self.mime

    @property
    def is_xml(self) -> bool:
        return MIMES.get(self.mime.partition(";")[0].strip()) == "xml"


def read(resource: Json, parameters: Parameters, allowed: tuple[str, ...], *, mail: bool = True) -> Wanted:
    """What it asks for. `allowed` are the private hosts that may be reached; `mail` says that email can be sent.
    Raises FhirError 422 that names the element that cannot be."""
    channel = resource.get("channel") or {}
    kind = _channel(channel, mail=mail)
    topic, criteria = _criteria(resource, parameters)
    mime, content = _payload(channel, kind, has_topic=topic is not None)
    return Wanted(
        topic,
        criteria,
        kind,
        _endpoint(channel, kind, allowed),
        tuple(_headers(channel, kind)),
        mime,
        content,
        _number(channel, HEARTBEAT, "valueUnsignedInt", SHORTEST_HEARTBEAT, 10**9) or None,
        _number(channel, TIMEOUT, "valueUnsignedInt", 1, LONGEST_SECONDS) or TIMEOUT_SECONDS,
        _number(channel, MAX_COUNT, "valuePositiveInt", 1, AT_MOST) or AT_MOST,
        _end(resource),
    )


def refused(text: str, where: str, code: str = "invalid") -> FhirError:
    return error(422, code, text, f"Subscription.{where}")


def extension_values(element: Json | None, url: str) -> list[Any]:
    """The values of these extensions."""
    return [
        value
        for one in (element or {}).get("extension", ())
        if one.get("url") == url
        for key, value in one.items()
        if key.startswith("value")
    ]


# --- topic and criteria ---


def _criteria(resource: Json, parameters: Parameters) -> tuple[str | None, tuple[Criteria, ...]]:
    text = str(resource.get("criteria", "")).strip()
    filters = extension_values(resource.get("_criteria"), FILTER)
    topic = topics.find(text)
    if topic is None and re.match(r"[A-Za-z][A-Za-z0-9+.-]*:", text):
        known = ", ".join(topics.url(one.id) for one in topics.TOPICS)
        raise refused(
            f"`{text[:200]}` is not a topic of this server; it has {known}", "criteria", "not-supported"
        )
    if topic is None:
        if filters:
            raise refused(
                "Filters narrow a topic; criteria of R4 say all themselves, such as `Observation?code=...`.",
                "criteria.extension",
            )
        return None, (_of_type(text, parameters),)
    if len(filters) > MOST_FILTERS:
        raise refused(f"A Subscription has at most {MOST_FILTERS} filters.", "criteria.extension")
    found = [one for each in filters for one in _filter(str(each), topic, parameters)]
    return topic.id, tuple(found)


def _of_type(text: str, parameters: Parameters, where: str = "criteria") -> Criteria:
    type, _, query = text.partition("?")
    if type not in definitions.STORED_TYPES:
        raise refused(
            f"Criteria are a search such as `Observation?code=http://loinc.org|8480-6`, or the URL of a topic; got "
            f"`{text[:200]}`",
            where,
        )
    if type == "Subscription":
        raise refused("Nobody is notified of Subscriptions themselves.", where, "not-supported")
    pairs = tuple(requests.pairs_of(query))
    _check(type, pairs, parameters, where)
    return Criteria(type, pairs)


def _filter(text: str, topic: topics.Topic, parameters: Parameters) -> Iterator[Criteria]:
    """`[parameter]=[value]`, `[type].[parameter]=[value]`, or, as in the guide's examples, `[type]?...`."""
    where = "criteria.extension"
    head = text.partition("=")[0]
    if "?" in head:
        found = _of_type(text, parameters, where)
        _hold_type(found.type, topic, where)
        yield found
        return
    type, dot, rest = text.partition(".")
    types = sorted(topic.types)
    if dot and definitions.is_resource_type(type):
        _hold_type(type, topic, where)
        types, text = [type], rest
    pairs = tuple(requests.pairs_of(text))
    if not pairs:
        raise refused(f"A filter is `[parameter]=[value]`; got `{text[:200]}`", where)
    for each in types:
        _check(each, pairs, parameters, where)
        yield Criteria(each, pairs)


def _hold_type(type: str, topic: topics.Topic, where: str) -> None:
    if type not in topic.types:
        raise refused(f"The topic is about {', '.join(sorted(topic.types))}; the filter names {type}.", where)


def _check(type: str, pairs: tuple[tuple[str, str], ...], parameters: Parameters, where: str) -> None:
    for name, _ in pairs:
        code = name.partition(":")[0]
        if code in _ABOUT_THE_ANSWER:
            raise refused(f"`{code}` is about the answer to a search; leave it out of criteria.", where)
    try:
        requests.parse(type, list(pairs), parameters)
    except FhirError as fault:
        raise refused(f"{fault.issues[0].text}", where, fault.issues[0].code) from None


# --- channel ---


def _channel(channel: Json, *, mail: bool) -> str:
    kind = str(channel.get("type", ""))
    custom = extension_values(channel.get("_type"), CHANNEL_TYPE)
    if custom:
        coding = custom[0] if isinstance(custom[0], dict) else {}
        if (coding.get("system"), coding.get("code")) == (list_system(), LIST):
            return LIST
        raise refused(
            f"The channel `{coding.get('code')}` is not known here.", "channel.type", "not-supported"
        )
    if kind not in CHANNELS:
        raise refused(
            f"The channel is one of {', '.join(CHANNELS)}; got `{kind}`", "channel.type", "not-supported"
        )
    if kind == "email" and not mail:
        raise refused(
            "This server sends no email: FHIRHUB_SMTP_SERVER is not set.", "channel.type", "not-supported"
        )
    return kind


def list_system() -> str:
    """The code system of the message list as a channel."""
    return guide.url("CodeSystem", "subscription-channel")


def _endpoint(channel: Json, kind: str, allowed: tuple[str, ...]) -> str | None:
    where = "channel.endpoint"
    text = channel.get("endpoint")
    if kind in ("websocket", LIST):
        return None
    if not text:
        wanted = "the https address" if kind == "rest-hook" else "a `mailto:` address"
        raise refused(f"The channel {kind} needs an `endpoint`: {wanted} to send to.", where, "required")
    if kind == "email":
        if not _MAIL.fullmatch(str(text)):
            raise refused(f"An email goes to one address such as `mailto:a@example.nl`; got `{text}`", where)
        return str(text)
    fault = fetching.refusal(str(text), allowed)
    if fault is not None:
        raise refused(f"`{text}` cannot be notified: {fault}.", where)
    return str(text)


def _headers(channel: Json, kind: str) -> Iterator[tuple[str, str]]:
    for number, line in enumerate(channel.get("header", ())):
        where = f"channel.header[{number}]"
        found = _HEADER.fullmatch(str(line))
        if found is None:
            raise refused(
                "A header is a name, a colon and a value, such as `Authorization: Bearer x`.", where
            )
        if kind != "rest-hook":
            raise refused(f"Headers are sent with rest-hook alone; the channel is {kind}.", where)
        if found[1].lower() in _OWN_HEADERS:
            raise refused(f"The header `{found[1]}` is the server's own to send.", where)
        yield found[1], found[2].strip()


def _payload(channel: Json, kind: str, *, has_topic: bool) -> tuple[str, Content]:
    found = extension_values(channel.get("_payload"), CONTENT)
    if not (has_topic or found or channel.get("payload")) and kind in ("rest-hook", "websocket"):
        return "", "empty"
    mime = str(channel.get("payload") or ("text/plain" if kind == "email" else "application/fhir+json"))
    name, *rest = [part.strip().lower() for part in mime.split(";")]
    known = MAIL_MIMES if kind == "email" else tuple(MIMES)
    if name not in known:
        raise refused(f"The payload of {kind} is one of {', '.join(known)}; got `{mime}`", "channel.payload")
    for part in rest:
        key, _, value = part.partition("=")
        if key == "fhirversion" and value.strip('"') not in ("4.0", "4.0.1"):
            raise refused("Notifications are FHIR 4.0.", "channel.payload", "not-supported")
        if key == "attach":
            raise refused(
                "An email carries one line and a link, and nothing attached.",
                "channel.payload",
                "not-supported",
            )
    content = found[0] if found else "id-only"
    if content not in CONTENTS:
        raise refused(
            f"The content is one of {', '.join(CONTENTS)}; got `{content}`", "channel.payload.extension"
        )
    return mime, content


def _number(channel: Json, url: str, key: str, least: int, most: int) -> int:
    name = url.rpartition("/")[2]
    found = [one for one in channel.get("extension", ()) if one.get("url") == url]
    if not found:
        return 0
    value = found[0].get(key)
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value:
        raise refused(f"`{name}` is a `{key}` of at least {least}; got `{value}`", "channel.extension")
    return min(value, most)


def _end(resource: Json) -> int:
    text = resource.get("end")
    return FOREVER if not text else primitives.date_range(str(text))[0]

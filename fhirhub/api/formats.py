"""Which representation an answer takes and a body has: `Accept`, `_format`, `Content-Type`
(https://hl7.org/fhir/R4/http.html#mime-type)."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Literal, NamedTuple

from fhirhub.api.exchange import JSON, JSON_NAMED, XML, XML_NAMED, FhirRequest, Format
from fhirhub.errors import FhirError, not_supported

FHIR_JSON = "application/fhir+json"
FHIR_XML = "application/fhir+xml"
JSON_PATCH = "application/json-patch+json"
FORM = "application/x-www-form-urlencoded"

_KINDS: dict[str, Literal["json", "xml"]] = {
    FHIR_JSON: "json",
    "application/json+fhir": "json",
    "application/json": "json",
    "text/json": "json",
    FHIR_XML: "xml",
    "application/xml+fhir": "xml",
    "application/xml": "xml",
    "text/xml": "xml",
}
_SHORT: dict[str, Literal["json", "xml"]] = {"json": "json", "xml": "xml"}
_VERSIONS = ("4.0", "4.0.1")


class MediaType(NamedTuple):
    """A media type, in lower case, with its parameters."""

    name: str
    parameters: dict[str, str]

    @property
    def kind(self) -> Literal["json", "xml"] | None:
        """The form of FHIR that it names."""
        return _KINDS.get(self.name)


def media_type(text: str) -> MediaType:
    """A `Content-Type`, or one member of `Accept`."""
    name, *parts = text.split(";")
    parameters = {}
    for part in parts:
        key, _, value = part.partition("=")
        parameters[key.strip().lower()] = value.strip().strip('"')
    return MediaType(name.strip().lower(), parameters)


LONGEST_HEADER = 1000
"""Characters of a header that are looked at: no client has more to say, and what is kept stays small."""


@functools.lru_cache(maxsize=256)
def accepted(header: str) -> tuple[tuple[MediaType, float], ...]:
    """The members of an `Accept` header with their weights, the most wanted first; those of weight 0 last."""
    members = []
    for position, text in enumerate(header.split(",")):
        if not text.strip():
            continue
        member = media_type(text)
        try:
            weight = min(max(float(member.parameters.pop("q", "1")), 0.0), 1.0)
        except ValueError:
            weight = 0.0
        precise = 0 if member.name == "*/*" else 1 if member.name.endswith("/*") else 2
        members.append((-weight, -precise, position, member))
    members.sort(key=lambda entry: entry[:3])
    return tuple((member, -weight) for weight, _, _, member in members)


def negotiate(accept: str) -> Format | None:
    """The format that an `Accept` header asks for; None where it takes no form of FHIR that we have."""
    return _negotiate(accept if len(accept) <= LONGEST_HEADER else accept[:LONGEST_HEADER])


@functools.lru_cache(maxsize=256)
def _negotiate(accept: str) -> Format | None:
    members = accepted(accept)
    refused = {member.kind for member, weight in members if weight == 0.0}
    named_any = False
    for member, weight in members:
        named_any = True
        if weight == 0.0:
            continue
        kind = member.kind
        if kind is None:
            if member.name in ("*/*", "application/*", "text/*"):
                for format in (JSON, XML):
                    if format.kind not in refused:
                        return format
            continue
        version = member.parameters.get("fhirversion")
        if version is not None and version not in _VERSIONS:
            continue
        return _named(kind, member, version)
    return None if named_any else JSON


def _named(kind: Literal["json", "xml"], member: MediaType, version: str | None) -> Format:
    format = JSON_NAMED if kind == "json" else XML_NAMED
    if "fhir" not in member.name:
        format = replace(format, named=False)
    if version is None:
        return format
    plain = FHIR_JSON if kind == "json" else FHIR_XML
    return replace(format, content_type=f"{plain}; fhirVersion={version}; charset=utf-8".encode())


def chosen(accept: str, media_types: Sequence[str]) -> str | None:
    """The one of these media types that an `Accept` header wants before any form of FHIR; None where FHIR is."""
    for member, weight in accepted(accept[:LONGEST_HEADER]):
        if weight > 0.0 and member.name in media_types:
            return member.name
        if weight > 0.0 and (member.kind is not None or member.name in ("*/*", "application/*", "text/*")):
            return None
    return None


def language(accept_language: str) -> Literal["nl", "en"]:
    """The language of what people read: the first of ours that `Accept-Language` names, else Dutch."""
    for member, weight in accepted(accept_language[:LONGEST_HEADER]):
        if weight > 0.0 and member.name[:2] in ("nl", "en"):
            return "nl" if member.name[:2] == "nl" else "en"
    return "nl"


def of_parameter(value: str) -> Format:
    """The format that `_format` names, which wins over `Accept`. Raises not_supported (406)."""
    return _of_parameter(value[:LONGEST_HEADER])


@functools.lru_cache(maxsize=256)
def _of_parameter(value: str) -> Format:
    member = media_type(value.replace(" ", "+"))
    kind = _SHORT.get(member.name) or member.kind
    version = member.parameters.get("fhirversion")
    if kind is None or (version is not None and version not in _VERSIONS):
        raise not_supported(
            f"`_format` expects json, xml, {FHIR_JSON} or {FHIR_XML}; got `{value}`", status=406
        )
    return replace(_named(kind, member, version), named=True)


def take(request: FhirRequest, pairs: Iterable[tuple[str, str]]) -> bool:
    """Take `_format` and `_pretty` from parameters; whether `_format` was there."""
    named = False
    for name, value in pairs:
        if name == "_format" and value:
            request.format = of_parameter(value)
            named = True
        elif name == "_pretty":
            request.pretty = value in ("true", "")
    return named


def not_acceptable(accept: str) -> FhirError:
    """The refusal of an `Accept` header that takes nothing we have."""
    return not_supported(
        f"This server answers in {FHIR_JSON} and {FHIR_XML}, FHIR version 4.0; `Accept` was `{accept}`",
        status=406,
    )


def body_kind(content_type: str | None) -> Literal["json", "xml"]:
    """The form of FHIR that a body has. Raises not_supported (415)."""
    if content_type == FHIR_JSON:
        return "json"
    return _body_kind(None if content_type is None else content_type[:LONGEST_HEADER])


@functools.lru_cache(maxsize=256)
def _body_kind(content_type: str | None) -> Literal["json", "xml"]:
    if not content_type:
        raise not_supported(f"The body needs a `Content-Type`: {FHIR_JSON} or {FHIR_XML}", status=415)
    member = media_type(content_type)
    kind = member.kind
    if kind is None:
        raise not_supported(
            f"The body's `Content-Type` should be {FHIR_JSON} or {FHIR_XML}; got `{member.name}`", status=415
        )
    check_charset(member)
    version = member.parameters.get("fhirversion")
    if version is not None and version not in _VERSIONS:
        raise not_supported(f"This server takes FHIR version 4.0; got fhirVersion={version}", status=415)
    return kind


def check_charset(member: MediaType) -> None:
    """Raise not_supported (415) for an encoding other than UTF-8: FHIR has no other."""
    charset = member.parameters.get("charset", "utf-8").lower()
    if charset not in ("utf-8", "utf8", "us-ascii"):
        raise not_supported(f"FHIR content is encoded in UTF-8; got charset={charset}", status=415)

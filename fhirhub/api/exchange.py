"""A request and a response as plain data, so that HTTP and Bundle entries go through one door."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fhirhub.repository import Repository

Json = dict[str, Any]


@dataclass(slots=True)
class FhirRequest:
    """One interaction asked for.

    `path` holds the segments behind the base, percent-decoded: `("CarePlan", "1", "_history", "2")`.
    `query` is the raw query string, undecoded. `headers` has lower-case names. `body` is the raw body
    after decompression; `resource` the parsed one where somebody (a Bundle entry) has parsed it already.
    `base` is the public base URL without a slash at the end: `http://127.0.0.1:8000/fhir`.
    """

    method: str
    path: tuple[str, ...]
    query: str
    headers: Mapping[str, str]
    body: bytes
    base: str
    tenant: str
    repository: Repository
    request_id: str = ""
    resource: Json | None = None
    inside: str | None = None
    """`batch` or `transaction` for an entry of a Bundle."""


@dataclass(slots=True)
class FhirResponse:
    """One answer. `body` is FHIR JSON as bytes (made into XML at the door where asked), or other
    content when `content_type` says so. `location` is relative to the base: `CarePlan/1/_history/1`."""

    status: int
    body: bytes | None = None
    version: int | None = None
    updated: int | None = None
    """Microseconds since 1970 UTC."""
    location: str | None = None
    content_type: str | None = None
    headers: dict[str, str] = field(default_factory=dict)

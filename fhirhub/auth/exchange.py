"""A request to the authorization server and its answer as plain data, without a web framework."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from fhirhub.auth.faults import OAuthError, invalid_request
from fhirhub.auth.realm import Issuer, Realm

MAX_FIELDS = 200
NEVER_STORED = {"Cache-Control": "no-store", "Pragma": "no-cache"}


@dataclass(frozen=True, slots=True)
class Request:
    """One request. `headers` have lower-case names; `source` is the address it came from."""

    method: str
    path: str
    """Behind `/auth/`, such as `token`."""
    query: str
    headers: Mapping[str, str]
    body: bytes
    issuer: Issuer
    source: str
    told: list[Any] = field(default_factory=list)
    """What happened, to be kept in the log before the answer (`events.py`)."""

    @property
    def realm(self) -> Realm:
        return self.issuer.realm

    def fields(self) -> dict[str, str]:
        """The fields of a form body. Raises `invalid_request` for another type, or a field that stands twice."""
        kind = self.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "application/x-www-form-urlencoded":
            raise invalid_request("the body expects Content-Type application/x-www-form-urlencoded")
        return single(self.body)

    def json(self) -> Any:
        """The JSON body. Raises `invalid_request`."""
        kind = self.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "application/json":
            raise invalid_request("the body expects Content-Type application/json")
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            raise invalid_request("the body is not JSON") from None

    @property
    def bearer(self) -> str | None:
        """The access token in the header `Authorization` (RFC 6750, 2.1)."""
        scheme, _, token = self.headers.get("authorization", "").partition(" ")
        return token.strip() if scheme.lower() == "bearer" and token.strip() else None


def pairs(raw: bytes | str) -> list[tuple[str, str]]:
    """The fields of a form or query, in order. Raises `invalid_request` for what is none."""
    try:
        text = raw.decode("ascii") if isinstance(raw, bytes) else raw
        found = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS)
    except (UnicodeError, ValueError):
        raise invalid_request("the parameters are not application/x-www-form-urlencoded in UTF-8") from None
    if any("\0" in name or "\0" in value for name, value in found):
        raise invalid_request("a parameter holds a NUL character")
    return found


def single(raw: bytes | str) -> dict[str, str]:
    """The fields by name; an empty one is as none (RFC 6749, 3.1). Raises `invalid_request` for one that
    stands twice."""
    found: dict[str, str] = {}
    for name, value in pairs(raw):
        if name in found:
            raise invalid_request(f"`{name}` stands twice")
        found[name] = value
    return {name: value for name, value in found.items() if value != ""}


@dataclass(slots=True)
class Response:
    """One answer."""

    status: int
    body: bytes = b""
    content_type: str = "application/json"
    headers: list[tuple[str, str]] = field(default_factory=list)


def as_json(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """JSON that nobody stores on the way (RFC 6749, 5.1)."""
    return Response(
        status, json.dumps(value).encode(), headers=[*NEVER_STORED.items(), *(headers or {}).items()]
    )


def as_error(fault: OAuthError) -> Response:
    """An error as JSON (RFC 6749, 5.2)."""
    return as_json(fault.body, fault.status, fault.headers)

"""Bundles of search results and versions, spliced from stored bytes (https://hl7.org/fhir/R4/bundle.html)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from urllib.parse import quote, urlencode

import msgspec

from fhirhub.api.exchange import FhirRequest
from fhirhub.resources import document

_encode = msgspec.json.encode
_SAFE = ":,/$*"


def bundle(
    kind: str,
    entries: Iterable[bytes],
    *,
    now: int,
    links: Iterable[tuple[str, str]] = (),
    total: int | None = None,
) -> bytes:
    """The Bundle of these entries, each a JSON object as bytes. `links` are relation and URL."""
    parts = [
        f'{{"resourceType":"Bundle","meta":{{"lastUpdated":"{document.instant(now)}"}},"type":"{kind}"'.encode()
    ]
    if total is not None:
        parts.append(b',"total":%d' % total)
    written = b",".join(
        [b'{"relation":"%s","url":%s}' % (relation.encode(), _encode(url)) for relation, url in links]
    )
    if written:
        parts.append(b',"link":[' + written + b"]")
    joined = b",".join(entries)
    if joined:
        parts.append(b',"entry":[' + joined + b"]")
    parts.append(b"}")
    return b"".join(parts)


def found(base: str, type: str, id: str, body: bytes, mode: str) -> bytes:
    """The entry of one search result; `mode` is match, include or outcome."""
    head = f'{{"fullUrl":"{base}/{type}/{id}","resource":'.encode()
    return head + body + _MODES[mode]


def remark(outcome: bytes) -> bytes:
    """The entry of an OperationOutcome about a search."""
    return b'{"resource":' + outcome + _MODES["outcome"]


def url(path: str, parameters: Sequence[tuple[str, str]]) -> str:
    """A link with these parameters, encoded."""
    return f"{path}?{urlencode(parameters, safe=_SAFE, quote_via=quote)}" if parameters else path


def scope(request: FhirRequest, used: Sequence[tuple[str, str]]) -> str:
    """Who asked what, but for the page: what a cursor is tied to. The same in every process."""
    asked = [pair for pair in used if pair[0] not in ("_cursor", "_count")]
    rules = sorted(
        repr([None if part is None else sorted(part) for part in (rule.types, rule.patients, rule.ids)])
        for rule in request.repository.access.rules
    )
    return repr((request.tenant, request.path, asked, rules))


_MODES = {
    "match": b',"search":{"mode":"match"}}',
    "include": b',"search":{"mode":"include"}}',
    "outcome": b',"search":{"mode":"outcome"}}',
}

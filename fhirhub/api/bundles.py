"""Bundles of search results and versions, spliced from stored bytes (https://hl7.org/fhir/R4/bundle.html)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal
from urllib.parse import quote, urlencode

import msgspec

from fhirhub.api.exchange import FhirRequest
from fhirhub.repository import Stored
from fhirhub.resources import document

_encode = msgspec.json.encode
_SAFE = ":,/$*"


class Entries:
    """The entries of a Bundle to be: pieces of JSON, copied once when all are there."""

    __slots__ = ("_base", "_pieces")

    def __init__(self, base: str) -> None:
        self._base = base
        self._pieces: list[bytes] = []

    def found(self, type: str, id: str, body: bytes, mode: Literal["match", "include"]) -> None:
        """One search result."""
        pieces = self._pieces
        comma = "," if pieces else ""
        pieces.append(f'{comma}{{"fullUrl":"{self._base}/{type}/{id}","resource":'.encode())
        pieces.append(body)
        pieces.append(_MODES[mode])

    def elsewhere(self, address: str, body: bytes) -> None:
        """A resource that lives at another base."""
        comma = "," if self._pieces else ""
        self._pieces += (f'{comma}{{"fullUrl":"{address}","resource":'.encode(), body, _MODES["match"])

    def status(self, id: str, body: bytes) -> None:
        """Something that is worked out as it is asked for, and has no address."""
        comma = "," if self._pieces else ""
        self._pieces += (f'{comma}{{"fullUrl":"urn:uuid:{id}","resource":'.encode(), body, _MODES["match"])

    def remark(self, outcome: bytes) -> None:
        """An OperationOutcome about a search."""
        self._pieces += (b',{"resource":' if self._pieces else b'{"resource":', outcome, _MODES["outcome"])

    def version(self, stored: Stored, body: bytes | None) -> None:
        """One version of a history; `body` is what is shown of it."""
        where = f"{stored.type}/{stored.id}"
        method = stored.method
        made = method == "POST" or (method == "PUT" and (stored.version == 1 or stored.revives))
        status = "204 No Content" if stored.deleted else "201 Created" if made else "200 OK"
        comma = "," if self._pieces else ""
        self._pieces.append(f'{comma}{{"fullUrl":"{self._base}/{where}",'.encode())
        if body is not None:
            self._pieces += (b'"resource":', body, b",")
        asked = stored.type if method == "POST" else where
        self._pieces.append(
            f'"request":{{"method":"{method}","url":"{asked}"}},"response":{{"status":"{status}",'
            f'"etag":"W/\\"{stored.version}\\"","lastModified":"{document.instant(stored.updated)}"}}}}'.encode()
        )

    def bundle(
        self, kind: str, *, now: int, links: Iterable[tuple[str, str]] = (), total: int | None = None
    ) -> bytes:
        """The whole Bundle; `links` are relation and URL."""
        head = f'{{"resourceType":"Bundle","meta":{{"lastUpdated":"{document.instant(now)}"}},"type":"{kind}"'
        if total is not None:
            head += f',"total":{total}'
        written = ",".join(
            [f'{{"relation":"{relation}","url":{_encode(url).decode()}}}' for relation, url in links]
        )
        if written:
            head += f',"link":[{written}]'
        if not self._pieces:
            return f"{head}}}".encode()
        return b"".join([f'{head},"entry":['.encode(), *self._pieces, b"]}"])


def url(path: str, parameters: Sequence[tuple[str, str]]) -> str:
    """A link with these parameters, encoded."""
    return f"{path}?{urlencode(parameters, safe=_SAFE, quote_via=quote)}" if parameters else path


def scope(request: FhirRequest, used: Sequence[tuple[str, str]]) -> str:
    """Who asked what, but for the page and the form of the answer: what a cursor is tied to. The same in every
    process."""
    asked = [pair for pair in used if pair[0] not in ("_cursor", "_count", "_format", "_pretty")]
    return repr((request.tenant, request.path, asked, request.repository.access.digest))


_MODES = {
    "match": b',"search":{"mode":"match"}}',
    "include": b',"search":{"mode":"include"}}',
    "outcome": b',"search":{"mode":"outcome"}}',
}

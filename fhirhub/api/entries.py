"""The entries of a batch or transaction: each as a request, each answer as an entry
(https://hl7.org/fhir/R4/bundle.html#Bundle.entry.request)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Literal
from urllib.parse import unquote_to_bytes, urlsplit

from fhirhub import metrics
from fhirhub.api import conditions, formats, outcome, write
from fhirhub.api.exchange import JSON_NAMED, FhirRequest, FhirResponse, Json
from fhirhub.errors import Dangling, FhirError, Issue, invalid, required
from fhirhub.repository import Repository
from fhirhub.resources import definitions, document, primitives
from fhirhub.resources.validation import structure

_RANKS = {"DELETE": 0, "POST": 1, "PUT": 2, "PATCH": 2, "GET": 3, "HEAD": 3}


@dataclass(slots=True)
class Entry:
    """One entry of a Bundle, as it is asked for."""

    index: int
    method: str
    url: str
    path: tuple[str, ...]
    query: str
    headers: dict[str, str]
    full_url: str | None
    resource: Json | None
    new_id: str | None = None
    """The id that a resource it makes will have."""
    method_now: str = ""
    """The method of the plain interaction that a conditional one turned out to be."""
    target: tuple[str, str] | None = None
    """Type and id that a conditional interaction turned out to mean."""
    twin: Entry | None = None
    """An earlier entry with the same `ifNoneExist`: they make one resource."""
    matched: bool = False
    """Whether `ifNoneExist` found a resource, so that nothing is made."""
    checked: bool = False
    said: Sequence[Issue] = ()
    """What validation found in its resource that does not stand in the way of writing it."""
    response: FhirResponse | None = None
    refused: FhirError | None = None
    """Why an entry of a batch is refused, as the response says."""
    rank: int = field(init=False)
    """Its place in the order of https://hl7.org/fhir/R4/http.html#trules: an operation may read what was
    written, and a search by POST reads."""

    def __post_init__(self) -> None:
        is_read = self.method == "POST" and self.path and self.path[-1][:1] in ("$", "_")
        self.rank = 3 if is_read else _RANKS[self.method]

    def refuse(self, fault: FhirError) -> None:
        """Answer an entry of a batch by why it is refused."""
        self.refused = outcome.within(fault, self.where)
        self.response = FhirResponse(fault.status, outcome=outcome.render(self.refused.issues))

    @property
    def where(self) -> str:
        return f"Bundle.entry[{self.index}]"

    @property
    def creates(self) -> bool:
        return self.method == "POST" and self.rank == 1 and bool(self.path)

    @property
    def makes(self) -> bool:
        """Whether it may make a resource whose id the server chooses."""
        return self.creates or (self.method == "PUT" and len(self.path) == 1)

    @property
    def names_one(self) -> bool:
        """Whether its URL names one resource."""
        return len(self.path) == 2 and self.path[1][:1] not in ("_", "$")

    @property
    def written(self) -> tuple[str, str] | None:
        """Type and id of what it writes; None where it writes nothing, or what is not known yet."""
        if self.rank == 3 or self.twin is not None or self.matched:
            return None
        if len(self.path) == 2:
            return self.path[0], self.path[1]
        if self.target is not None:
            return self.target
        if self.creates and self.new_id is not None and "if-none-exist" not in self.headers:
            return self.path[0], self.new_id
        return None

    @property
    def conditional(self) -> str | None:
        """The criteria of a conditional interaction, None where it is none."""
        if self.creates:
            return self.headers.get("if-none-exist")
        if self.method in ("PUT", "PATCH", "DELETE") and len(self.path) == 1:
            return self.query
        return None


def bundle_of(request: FhirRequest, faults: list[Issue] | None = None) -> Json:
    """The Bundle in the body. With `faults`, what is wrong in the XML of a batch is added there and not raised.
    Raises invalid for another resource."""
    kind = formats.body_kind(request.headers.get("content-type"))
    resource, found = write.parse_with_faults(request.body, kind)
    if faults is None or resource.get("type") != "batch":
        write.refuse_faults(found)
    else:
        faults += found
    type = resource.get("resourceType")
    if type != "Bundle":
        rest = (
            f"POST a {type} to `{type}`" if type is not None else "the body does not say its `resourceType`"
        )
        raise invalid(f"A POST to the base brings a Bundle; {rest}", "resourceType")
    return resource


def read(request: FhirRequest, resource: Json) -> list[Entry]:
    """The entries, each checked for its form. The resources inside are checked one by one later."""
    write.refuse_faults(_form(resource))
    return [_entry(request, index, entry) for index, entry in enumerate(resource.get("entry", []))]


def read_each(request: FhirRequest, resource: Json, faults: Sequence[Issue]) -> list[Entry]:
    """The same for a batch: an entry whose form is wrong is answered with that, and the others go on.

    `faults` are those of the Bundle where they are known already.
    """
    found = faults or _form(resource)
    by_entry: dict[int, list[Issue]] = {}
    for issue in found:
        place = _PLACE.match(issue.expression or "")
        if place is None:
            write.refuse_faults(found)
        else:
            by_entry.setdefault(int(place[1]), []).append(issue)
    entries = []
    for index, entry in enumerate(resource.get("entry", [])):
        try:
            write.refuse_faults(by_entry.get(index, ()))
            entries.append(_entry(request, index, entry))
        except FhirError as fault:
            entry = Entry(index, "GET", "", (), "", {}, None, None)
            entry.refuse(fault)
            entries.append(entry)
    return entries


_PLACE = re.compile(r"Bundle\.entry\[(\d+)\]")


def _form(resource: Json) -> list[Issue]:
    """What is wrong with a Bundle but for the resources in it."""
    entries = resource.get("entry", [])
    shell = dict(resource)
    if isinstance(entries, list) and entries:
        shell["entry"] = [_without_resource(entry) for entry in entries]
    return structure.validate(shell)


def _without_resource(entry: Any) -> Any:
    if not isinstance(entry, dict):
        return entry
    return {key: value for key, value in entry.items() if key != "resource"} or entry


def _entry(request: FhirRequest, index: int, entry: Json) -> Entry:
    where = f"Bundle.entry[{index}]"
    asked = entry.get("request")
    if asked is None:
        raise required("Every entry of a batch or transaction has a `request`", f"{where}.request")
    method, url = asked["method"], asked["url"]
    path, query = _target(url, request.base, f"{where}.request.url")
    resource = entry.get("resource")
    if resource is not None and not isinstance(resource, dict):
        raise invalid("A resource is an object", f"{where}.resource")
    return Entry(
        index, method, url, path, query, _headers(request, asked, where), entry.get("fullUrl"), resource
    )


def _target(url: str, base: str, where: str) -> tuple[tuple[str, ...], str]:
    """Path and query of an entry's URL, relative to the base or below it."""
    if url.startswith(base):
        url = url[len(base) :]
    elif urlsplit(url).scheme:
        raise invalid(f"`{url}` is not an address of this server, which is at {base}", where)
    path, _, query = url.partition("#")[0].partition("?")
    try:
        parts = [unquote_to_bytes(part).decode() for part in path.strip("/").split("/")]
        decoded = unquote_to_bytes(query).decode()
    except UnicodeDecodeError:
        raise invalid("The URL is not UTF-8", where) from None
    if "\0" in decoded or any("\0" in part for part in parts):
        raise invalid("The URL holds a NUL character", where)
    return () if parts == [""] else tuple(parts), query


def _headers(request: FhirRequest, asked: Json, where: str) -> dict[str, str]:
    """What stands in header fields when the same is asked over HTTP."""
    headers = {"prefer": request.headers.get("prefer") or "return=minimal"}
    if "return=" not in headers["prefer"].lower():
        headers["prefer"] += ", return=minimal"
    for key, name in (
        ("ifNoneMatch", "if-none-match"),
        ("ifMatch", "if-match"),
        ("ifNoneExist", "if-none-exist"),
    ):
        if key in asked:
            headers[name] = asked[key]
    if "ifModifiedSince" in asked:
        try:
            moment = primitives.date_range(asked["ifModifiedSince"])[0]
        except ValueError:
            raise invalid(
                f"`ifModifiedSince` expects an instant; got `{asked['ifModifiedSince']}`",
                f"{where}.request.ifModifiedSince",
            ) from None
        headers["if-modified-since"] = conditions.http_date(moment).decode()
    return headers


@contextmanager
def faults_at(entry: Entry) -> Iterator[None]:
    """Faults inside are told as faults of this entry. References to nothing may be those of an earlier one, and
    are told when all is done."""
    try:
        yield
    except Dangling:
        raise
    except FhirError as fault:
        raise outcome.within(fault, entry.where) from None


class Answers:
    """What batches and transactions have in common: entries as requests, answers as entries."""

    kind: Literal["batch", "transaction"]

    def __init__(self, request: FhirRequest, entries: list[Entry]) -> None:
        self.request = request
        self.entries = entries

    def asked(self, entry: Entry, repository: Repository) -> FhirRequest:
        """An entry as the request that would ask the same over HTTP."""
        request = self.request
        method = entry.method_now or entry.method
        return FhirRequest(
            "GET" if method == "HEAD" else method,
            entry.path,
            "" if entry.method_now else entry.query,
            entry.headers,
            b"",
            request.base,
            request.tenant,
            repository,
            request.context,
            request.request_id,
            entry.resource,
            checked=entry.checked,
            inside=self.kind,
            new_id=entry.new_id,
            format=JSON_NAMED,
            said=entry.said,
            principal=request.principal,
        )

    async def answer(self, entry: Entry, repository: Repository) -> FhirResponse:
        """The answer to one entry, through the same door as any request."""
        asked = self.asked(entry, repository)
        if entry.method in ("POST", "PUT", "PATCH") and entry.rank < 3 and entry.resource is None:
            raise required(f"A {entry.method} needs a resource", f"{entry.where}.resource")
        response = await self.request.context.dispatch(asked)
        metrics.ENTRIES.inc(asked.interaction)
        if entry.method == "HEAD":
            response.body = None
        return response

    def bundle(self) -> FhirResponse:
        """The Bundle of all answers, in the order of the entries."""
        written = b",".join(self.written(entry) for entry in self.entries)
        body = b'{"resourceType":"Bundle","type":"%s-response"' % self.kind.encode()
        if written:
            body += b',"entry":[' + written + b"]"
        return FhirResponse(200, body + b"}")

    def written(self, entry: Entry) -> bytes:
        """The entry that tells an answer."""
        response = entry.response
        assert response is not None
        parts = []
        is_outcome = response.body is not None and response.body is response.outcome
        if response.body is not None and not is_outcome:
            if response.location is not None:
                where = response.location.partition("/_history/")[0]
                parts.append(f'"fullUrl":"{self.request.base}/{where}"'.encode())
            elif _names_resource(entry.path):
                parts.append(f'"fullUrl":"{self.request.base}/{entry.path[0]}/{entry.path[1]}"'.encode())
            parts.append(b'"resource":' + response.body)
        said = [f'"status":"{response.status} {HTTPStatus(response.status).phrase}"'.encode()]
        if response.location is not None:
            said.append(f'"location":"{response.location}"'.encode())
        if response.version is not None:
            said.append(b'"etag":"W/\\"%d\\""' % response.version)
        if response.updated is not None:
            said.append(f'"lastModified":"{document.instant(response.updated)}"'.encode())
        if response.outcome is not None:
            said.append(b'"outcome":' + response.outcome)
        parts.append(b'"response":{' + b",".join(said) + b"}")
        return b"{" + b",".join(parts) + b"}"


def _names_resource(path: tuple[str, ...]) -> bool:
    """Whether what is read there is a resource of that address: no operation, and no search."""
    if len(path) not in (2, 4) or not definitions.is_resource_type(path[0]) or path[1][:1] in ("_", "$"):
        return False
    return len(path) == 2 or path[2] == "_history"

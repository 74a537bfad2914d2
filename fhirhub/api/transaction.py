"""batch and transaction (https://hl7.org/fhir/R4/http.html#transaction)."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any, Literal
from urllib.parse import unquote_to_bytes, urlsplit

from fhirhub import metrics
from fhirhub.api import conditions, formats, outcome, write
from fhirhub.api.exchange import JSON_NAMED, FhirRequest, FhirResponse, Json
from fhirhub.errors import (
    FhirError,
    conflict,
    invalid,
    multiple_matches,
    not_found,
    not_supported,
    required,
)
from fhirhub.repository import Repository, Stored, Written, new_id
from fhirhub.resources import definitions, document, primitives, references
from fhirhub.resources.validation import structure
from fhirhub.store.request import SearchRequest

LANES = 16
"""Entries of a batch that run side by side."""
BREATH = 25
"""After so many entries others get their turn."""

_RANKS = {"DELETE": 0, "POST": 1, "PUT": 2, "PATCH": 2, "GET": 3, "HEAD": 3}
_REST_URL = re.compile(r"(?P<root>https?://.+/)(?P<local>[A-Z][A-Za-z]+/[A-Za-z0-9\-.]{1,64})")
_CONDITIONAL_BYTES = re.compile(rb"""reference["']?\s*(?::|value\s*=)\s*["'][^"'/]*(?:\?|\\u|&)""")
"""How the text of a conditional reference begins in JSON or XML, escaped or not."""
_CONDITIONAL = re.compile(r"(?P<type>[A-Z][A-Za-z]+)\?(?P<query>.+)", re.DOTALL)


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
    response: FhirResponse | None = None

    @property
    def where(self) -> str:
        return f"Bundle.entry[{self.index}]"

    @property
    def rank(self) -> int:
        """Its place in the order of https://hl7.org/fhir/R4/http.html#trules: an operation may read what was
        written, and a search by POST reads."""
        if self.method == "POST" and self.path and self.path[-1][:1] in ("$", "_"):
            return 3
        return _RANKS[self.method]

    @property
    def creates(self) -> bool:
        return self.method == "POST" and self.rank == 1

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


async def bundle(request: FhirRequest) -> FhirResponse:
    """The Bundle of answers to a Bundle of requests."""
    if request.inside is not None:
        raise not_supported(f"A Bundle cannot stand inside a {request.inside}")
    resource = _parsed(request)
    if resource.get("resourceType") != "Bundle":
        type = resource.get("resourceType")
        raise invalid(f"A POST to the base brings a Bundle; POST a {type} to `{type}`", "resourceType")
    entries = _entries(request, resource)
    match resource.get("type"):
        case "batch":
            request.interaction = "batch"
            return await _Batch(request, entries).run()
        case "transaction":
            request.interaction = "transaction"
            return await _Transaction(request, entries).run()
        case other:
            raise invalid(
                f"A POST to the base brings a Bundle of type batch or transaction; got {other}. "
                "POST to `Bundle` to store it",
                "Bundle.type",
            )


def _parsed(request: FhirRequest) -> Json:
    return write.parse(request.body, formats.body_kind(request.headers.get("content-type")))


def _entries(request: FhirRequest, resource: Json) -> list[Entry]:
    """The entries, each checked for its form. The resources inside are checked one by one later."""
    entries = resource.get("entry", [])
    shell = dict(resource)
    if isinstance(entries, list) and entries:
        shell["entry"] = [_without_resource(entry) for entry in entries]
    write.refuse_faults(structure.validate(shell))
    return [_entry(request, index, entry) for index, entry in enumerate(entries)]


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


class _Answers:
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
            elif len(entry.path) in (2, 4) and definitions.is_resource_type(entry.path[0]):
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


class _Batch(_Answers):
    """Each entry on its own: what one does, another does not see or suffer."""

    kind = "batch"

    async def run(self) -> FhirResponse:
        for rank in range(4):
            # Entries on one URL keep their order; others run side by side, so that what waits for the
            # database waits together.
            lanes: dict[Any, list[Entry]] = {}
            for entry in self.entries:
                if entry.rank == rank:
                    lanes.setdefault(entry.index if entry.creates else entry.path, []).append(entry)
            waiting = iter(lanes.values())
            workers = min(LANES, len(lanes))
            await asyncio.gather(*(self._work(waiting) for _ in range(workers)))
        return self.bundle()

    async def _work(self, lanes: Iterator[list[Entry]]) -> None:
        for lane in lanes:
            for entry in lane:
                await self._one(entry)
            await asyncio.sleep(0)

    async def _one(self, entry: Entry) -> None:
        try:
            entry.response = await self.answer(entry, self.request.repository)
        except FhirError as fault:
            told = outcome.within(fault, entry.where)
            entry.response = FhirResponse(fault.status, outcome=outcome.render(told.issues))


class _Transaction(_Answers):
    """All entries or none, in the order of https://hl7.org/fhir/R4/http.html#trules."""

    kind = "transaction"

    def __init__(self, request: FhirRequest, entries: list[Entry]) -> None:
        super().__init__(request, entries)
        # Ids are chosen once, since the whole may run again.
        self.new_ids = [new_id() if entry.makes else None for entry in entries]
        self.runs = 0
        self.prepared = False
        self._begin(entries)

    def _begin(self, entries: list[Entry]) -> None:
        self.entries, self.prepared = entries, False
        self.settled: list[tuple[Entry, SearchRequest]] = []
        for entry, id in zip(entries, self.new_ids, strict=True):
            entry.new_id = id

    async def run(self) -> FhirResponse:
        locked: set[str] = set()
        for entry in self.entries:
            if entry.conditional is not None:
                with _at(entry):
                    locked.update(self._criteria(entry.path[0], entry.conditional).types_involved())
        self._refuse_overlaps()
        if not locked:
            # Links are known before the database is asked: what takes time is done before its transaction.
            await self._prepare(yielding=True)
        await self.request.repository.together(self._run, lock_types=locked, keys=len(self.entries))
        return self.bundle()

    async def _run(self, unit: Repository) -> None:
        if self.runs:
            self._begin(_entries(self.request, _parsed(self.request)))
        self.runs += 1
        await unit.foresee((entry.path[0], entry.path[1]) for entry in self.entries if entry.names_one)
        for entry in self._ranked(0):
            await self._delete(unit, entry)
        same: dict[tuple[str, str], Entry] = {}
        for entry in self.entries:
            if entry.conditional is not None and entry.rank:
                with _at(entry):
                    await self._settle(unit, entry, same)
        self._refuse_overlaps()
        if not self.prepared:
            await self._prepare(yielding=False)
        await self._write(unit, [*self._ranked(1), *self._ranked(2)])
        await self._refuse_new_matches(unit)
        for entry in self._ranked(3):
            with _at(entry):
                entry.response = await self.answer(entry, unit)

    def _ranked(self, rank: int) -> list[Entry]:
        return [entry for entry in self.entries if entry.rank == rank]

    def _criteria(self, type: str, query: str) -> SearchRequest:
        return write.conditional(self.request, type, query)

    async def _delete(self, unit: Repository, entry: Entry) -> None:
        with _at(entry):
            single = self.request.context.settings.conditional_delete == "single"
            if entry.conditional is not None and single:
                match = await _match(unit, self._criteria(entry.path[0], entry.conditional))
                if match is None:
                    entry.response = FhirResponse(204)
                    return
                entry.path, entry.query = (match.type, match.id), ""
            entry.response = await self.answer(entry, unit)

    async def _settle(self, unit: Repository, entry: Entry, same: dict[tuple[str, str], Entry]) -> None:
        """Look which resource a conditional interaction means, and make it a plain one."""
        type, criteria = entry.path[0], entry.conditional or ""
        first = same.setdefault((type, criteria), entry)
        if first is not entry:
            if not (entry.creates and first.creates):
                raise invalid(f"{first.where} has the same criteria; a transaction names each resource once")
            entry.twin, entry.target = first, first.target
            return
        asked = self._criteria(type, criteria)
        match = await _match(unit, asked)
        if entry.creates:
            entry.headers.pop("if-none-exist")
            if match is not None:
                entry.target, entry.matched = (type, match.id), True
                entry.response = write.answer(self.asked(entry, unit), Written(match, "unchanged"))
            else:
                entry.target = (type, entry.new_id or "")
            return
        self.settled.append((entry, asked))
        own = None if entry.resource is None or entry.method == "PATCH" else entry.resource.get("id")
        if match is None:
            if entry.method == "PATCH":
                raise not_found("Nothing matches the criteria of this patch")
            if own is None:
                entry.method_now, entry.target = "POST", (type, entry.new_id or "")
                return
            found = await unit.find(type, own)
            if found is not None:
                raise conflict(f"Nothing matches the criteria, and {type}/{own} exists already")
        elif own is not None and own != match.id:
            raise invalid(f"The match is {type}/{match.id}, the resource says id `{own}`", f"{type}.id")
        id = str(own) if match is None else match.id
        if entry.resource is not None and entry.method == "PUT":
            entry.resource["id"] = id
        entry.path, entry.query, entry.target = (type, id), "", (type, id)

    async def _refuse_new_matches(self, unit: Repository) -> None:
        """A conditional PUT or PATCH comes after POST (trules), so it would mean what a POST here made."""
        made = {entry.written for entry in self.entries if entry.creates and entry.written is not None}
        types = {type for type, _ in made}
        for entry, criteria in self.settled:
            if types.isdisjoint(criteria.types_involved()):
                continue
            with _at(entry):
                page = await unit.search(criteria.only(2))
                if any((match.type, match.id) in made for match in page.matches):
                    raise multiple_matches("The criteria match what another entry of this transaction makes")

    def _refuse_overlaps(self) -> None:
        """No resource is named by two entries that write (trules)."""
        seen: dict[tuple[str, str], Entry] = {}
        urls: dict[str, Entry] = {}
        for entry in self.entries:
            if entry.rank == 3:
                continue
            if entry.full_url is not None and entry.resource is not None:
                other = urls.setdefault(entry.full_url, entry)
                if other is not entry:
                    raise invalid(
                        f"`{entry.full_url}` is the fullUrl of {other.where} too", f"{entry.where}.fullUrl"
                    )
            target = entry.written
            if target is not None and seen.setdefault(target, entry) is not entry:
                raise invalid(
                    f"{target[0]}/{target[1]} is written by {seen[target].where} too; a transaction "
                    "names each resource once",
                    entry.where,
                )

    async def _prepare(self, *, yielding: bool) -> None:
        """Replace links to what the Bundle makes, then check every resource, all faults at once."""
        everywhere, by_root = self._links()
        linked = _may_link(self.request.body, everywhere)
        issues = []
        for number, entry in enumerate(self.entries):
            resource = entry.resource
            if resource is None or entry.rank == 3:
                continue
            if linked:
                near = by_root.get(_root(entry.full_url) or "")
                references.rewrite(resource, {**everywhere, **near} if near else everywhere)
            if entry.method != "PATCH" and entry.response is None:
                issues += outcome.moved(structure.validate(resource), entry.where)
                entry.checked = True
            if yielding and number % BREATH == BREATH - 1:
                await asyncio.sleep(0)
        write.refuse_faults(issues)
        self.prepared = True

    def _links(self) -> tuple[dict[str, str], dict[str, dict[str, str]]]:
        """What takes the place of each fullUrl; and, by the root of RESTful ones, of a relative link in an
        entry of that root (https://hl7.org/fhir/R4/bundle.html#references)."""
        everywhere: dict[str, str] = {}
        by_root: dict[str, dict[str, str]] = {}
        for entry in self.entries:
            target = entry.target or entry.written
            if entry.full_url is None or target is None or entry.method == "DELETE":
                continue
            text = "/".join(target)
            everywhere[entry.full_url] = text
            found = _REST_URL.fullmatch(entry.full_url)
            if found is not None and found["local"] != text:
                by_root.setdefault(found["root"], {})[found["local"]] = text
        return everywhere, by_root

    async def _write(self, unit: Repository, entries: list[Entry]) -> None:
        """POST, PUT and PATCH."""
        twins = [entry for entry in entries if entry.twin is not None]
        entries = [entry for entry in entries if entry.twin is None]
        if _CONDITIONAL_BYTES.search(self.request.body) is None:
            for entry in entries:
                await self._write_one(unit, entry)
        else:
            await self._write_and_resolve(unit, entries)
        for entry in twins:
            first = entry.twin.response if entry.twin is not None else None
            assert first is not None, "the first of equal conditional creates was answered"
            entry.response = replace(first, status=200)

    async def _write_and_resolve(self, unit: Repository, entries: list[Entry]) -> None:
        """The same, and conditional references against the resulting state.

        What holds such references is written last where that state cannot change by it, and otherwise twice:
        as it came, then with the references found.
        """
        waiting = [(entry, list(_conditional_references(entry))) for entry in entries]
        held = [(entry, holders) for entry, holders in waiting if holders]
        types: set[str] = set()
        criteria: dict[str, SearchRequest] = {}
        for entry, holders in held:
            with _at(entry):
                for holder in holders:
                    text = holder["reference"]
                    if text not in criteria:
                        type, _, query = text.partition("?")
                        criteria[text] = self._criteria(type, query)
                        types.update(criteria[text].types_involved())
        twice = any(entry.path[0] in types for entry, _ in held)
        for entry, holders in waiting:
            if not holders or twice:
                await self._write_one(unit, entry)
        found: dict[str, str] = {}
        for entry, holders in held:
            with _at(entry):
                for holder in holders:
                    text = holder["reference"]
                    if text not in found:
                        found[text] = await _referred(unit, text, criteria[text])
                    holder["reference"] = found[text]
            if entry.written is None or entry.resource is None:
                continue
            write.refuse_faults(outcome.moved(structure.validate(entry.resource), entry.where))
            if not twice:
                await self._write_one(unit, entry)
            else:
                with _at(entry):
                    stored = await unit.amend(*entry.written, entry.resource)
                if entry.response is not None and entry.response.body is not None:
                    entry.response.body = stored.body

    async def _write_one(self, unit: Repository, entry: Entry) -> None:
        if entry.response is None:
            with _at(entry):
                entry.response = await self.answer(entry, unit)


@contextmanager
def _at(entry: Entry) -> Iterator[None]:
    """Faults inside are told as faults of this entry."""
    try:
        yield
    except FhirError as fault:
        raise outcome.within(fault, entry.where) from None


async def _match(unit: Repository, criteria: SearchRequest) -> Stored | None:
    """The one resource that matches, None where none does."""
    page = await unit.search(criteria.only(2))
    if len(page.matches) > 1:
        raise multiple_matches("The criteria match more than one resource; make them narrower")
    if not page.matches:
        return None
    found = page.matches[0]
    return Stored(found.rid, found.type, found.id, found.version, found.updated, False, "PUT", found.body)


async def _referred(unit: Repository, text: str, criteria: SearchRequest) -> str:
    """The reference that a conditional one stands for."""
    try:
        match = await _match(unit, criteria)
    except FhirError as fault:
        if fault.issues[0].code != "multiple-matches":
            raise
        raise multiple_matches(f"The conditional reference `{text}` matches more than one resource") from None
    if match is None:
        raise invalid(f"The conditional reference `{text}` matches nothing")
    return f"{match.type}/{match.id}"


def _may_link(body: bytes, links: Mapping[str, str]) -> bool:
    """Whether a Bundle may hold links to its full URLs, besides these themselves."""
    if not all(link.startswith("urn:") for link in links) or b"\\u00" in body:
        return bool(links)
    return body.count(b"urn:") > len(links)


def _conditional_references(entry: Entry) -> Iterator[Json]:
    """The References of an entry whose target is given by search criteria."""
    if entry.resource is None or entry.method == "PATCH" or entry.response is not None:
        return
    stack: list[Any] = [entry.resource]
    while stack:
        value = stack.pop()
        if isinstance(value, list):
            stack += value
        elif isinstance(value, dict):
            text = value.get("reference")
            if isinstance(text, str) and "?" in text:
                found = _CONDITIONAL.fullmatch(text)
                if found is not None and definitions.is_resource_type(found["type"]):
                    yield value
            stack += [inner for inner in value.values() if isinstance(inner, dict | list)]


def _root(full_url: str | None) -> str | None:
    found = _REST_URL.fullmatch(full_url) if full_url else None
    return found["root"] if found else None

"""What a Bundle asks of its entries together: their URLs, and that a document or message holds together.

https://hl7.org/fhir/R4/bundle.html#references, https://hl7.org/fhir/R4/documents.html#content
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, NamedTuple

from fhirhub.resources import definitions, references
from fhirhub.resources.fhirpath import Item
from fhirhub.resources.fhirpath.item import member
from fhirhub.resources.validation.examination import Examination, Scope

Json = dict[str, Any]

_entries = member("entry")
_resource = member("resource")
_restful = re.compile(r"https?://[^?#\s]+/([A-Z][A-Za-z]+)/([A-Za-z0-9\-.]{1,64})").fullmatch
_ASKED = ("document", "message")
_WITH_IDS = ("document", "message", "searchset", "history", "collection")
_WITHOUT_URLS = ("transaction", "transaction-response", "batch", "batch-response")
_PAGES = ("first", "previous", "next", "last")

# The references of a Composition or MessageHeader that its Bundle answers for.
_ANSWERED = {
    "Composition": re.compile(
        r"Composition\.(?:subject|author\[\d+\]|encounter|custodian|attester\[\d+\]\.party"
        r"|event\[\d+\]\.detail\[\d+\]"
        r"|(?:section\[\d+\]\.)+(?:author\[\d+\]|focus|entry\[\d+\]))\.reference"
    ).fullmatch,
    "MessageHeader": re.compile(r"MessageHeader\.focus\[\d+\]\.reference").fullmatch,
}


def check(examination: Examination, scope: Scope, item: Item) -> None:
    """Tell what is wrong with the entries as a whole."""
    type = str(item.value.get("type"))
    entries = [entry for entry in _entries((item,)) if isinstance(entry.value, dict)]
    _check_relations(examination, item, type)
    for entry in entries:
        _check_url(examination, entry, type)
    if type == "searchset":
        _check_matches(examination, item, entries)
    if type in _ASKED and entries:
        _Links(examination, entries, type).check(item)


def _check_relations(examination: Examination, item: Item, type: str) -> None:
    """Pages are of searches and histories; each relation is there once (bundle-definitions.html#Bundle.link)."""
    links = item.value.get("link")
    seen: set[str] = set()
    for position, link in enumerate(links if isinstance(links, list) else ()):
        relation = link.get("relation") if isinstance(link, dict) else None
        if not isinstance(relation, str):
            continue
        below = f".link[{position}].relation"
        if relation in _PAGES and type not in ("searchset", "history"):
            text = f"A {type} has no pages, so no link {relation}"
            examination.tell("error", "invalid", text, item, below=below)
        elif relation in seen and relation in ("self", *_PAGES):
            examination.tell("error", "invalid", f"The link {relation} is there once", item, below=below)
        seen.add(relation)


def _check_url(examination: Examination, entry: Item, type: str) -> None:
    """A RESTful fullUrl ends in the type and id of its resource; a match of a search has an id."""
    resource, url = entry.value.get("resource"), entry.value.get("fullUrl")
    if not isinstance(resource, dict):
        return
    name, id = resource.get("resourceType"), resource.get("id")
    is_named = url is not None or "_fullUrl" in entry.value or name == "OperationOutcome"
    if type not in _WITHOUT_URLS and not is_named:
        text = f"Each entry of a {type} has a fullUrl, which says what resource it is"
        examination.tell("error", "required", text, entry, below=".fullUrl")
    match = _restful(url) if isinstance(url, str) else None
    if match is not None and definitions.is_resource_type(match[1]):
        if (match[1], match[2]) != (name, id if id is not None else match[2]):
            end = f"{name}/{id}" if id is not None else f"{name}/ and an id"
            text = f"The fullUrl of this resource ends in {end}; got `{str(url)[:200]}`"
            examination.tell("error", "invalid", text, entry, below=".fullUrl")
    elif isinstance(url, str) and url.startswith("urn:uuid:") and not _is_uuid(url):
        text = f"urn:uuid: is followed by a UUID; got `{url[:80]}`"
        examination.tell("error", "value", text, entry, below=".fullUrl")
    if match is not None and id is None and type in _WITH_IDS:
        text = f"The fullUrl names a resource of a server, so the resource has an id: {match[2]}"
        examination.tell("error", "invalid", text, entry, below=".resource.id")
    elif type == "searchset" and id is None and name != "OperationOutcome":
        examination.tell("error", "invalid", "What a search finds has an id", entry, below=".resource.id")


_is_uuid = re.compile(r"urn:uuid:[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}").fullmatch
_searched = re.compile(r"(?:^|/)([A-Z][A-Za-z]+)(?:/_search)?/?(?:\?|$)").search


def _check_matches(examination: Examination, item: Item, entries: list[Item]) -> None:
    """What a search found is of the type that it was for (https://hl7.org/fhir/R4/search.html#entries)."""
    links = item.value.get("link")
    urls = [
        str(link.get("url"))
        for link in (links if isinstance(links, list) else ())
        if isinstance(link, dict) and link.get("relation") == "self"
    ]
    found = _searched(urls[0]) if urls else None
    type = found[1] if found is not None and definitions.is_resource_type(found[1]) else None
    for entry in entries:
        resource, search = entry.value.get("resource"), entry.value.get("search")
        mode = search.get("mode") if isinstance(search, dict) else None
        if not isinstance(resource, dict):
            text = "Each entry of a searchset has a resource"
            examination.tell("error", "required", text, entry, below=".resource")
            continue
        name = resource.get("resourceType")
        if mode == "outcome" and name != "OperationOutcome":
            text = f"An entry of the mode outcome is an OperationOutcome; got a {name}"
            examination.tell("error", "invalid", text, entry, below=".resource")
        elif mode == "match" and type is not None and name != type:
            text = f"The search was for {type}; got a {name} as a match"
            examination.tell("error", "invalid", text, entry, below=".resource")


class _Reference(NamedTuple):
    path: str
    text: str


class _Entry(NamedTuple):
    item: Item
    resource: Item
    url: str | None
    references: list[_Reference]


class _Links:
    """The links between the entries of a document or message."""

    def __init__(self, examination: Examination, entries: list[Item], type: str) -> None:
        self.examination = examination
        self.type = type
        self.entries: list[_Entry] = []
        self.by_url: dict[str, list[int]] = {}
        self.by_id: dict[tuple[str, str], list[int]] = {}
        for entry in entries:
            resource = next(iter(_resource((entry,))), None)
            if resource is None or not definitions.is_resource_type(resource.type):
                continue
            url = entry.value.get("fullUrl")
            found = [
                _Reference(link.path, link.text)
                for link in references.walk(resource.value)
                if link.kind == "reference" and not link.text.startswith("#")
            ]
            position = len(self.entries)
            self.entries.append(_Entry(entry, resource, url if isinstance(url, str) else None, found))
            self.by_id.setdefault((resource.type, str(resource.value.get("id"))), []).append(position)
            if isinstance(url, str):
                self.by_url.setdefault(url, []).append(position)
                version = (resource.value.get("meta") or {}).get("versionId")
                if version is not None:
                    self.by_url.setdefault(f"{url}/_history/{version}", []).append(position)

    def check(self, item: Item) -> None:
        targets: list[list[int]] = []
        for position, entry in enumerate(self.entries):
            answered = _ANSWERED.get(entry.resource.type) if position == 0 else None
            found: list[int] = []
            for reference in entry.references:
                self.examination.spend()
                target = self.target(
                    entry, reference, answered is not None and bool(answered(reference.path))
                )
                if target is not None:
                    found.append(target)
            targets.append(found)
        self.check_reached(item, targets)

    def target(self, entry: _Entry, reference: _Reference, must_be_there: bool) -> int | None:
        """The position of the entry that the reference leads to; tells where it misses it."""
        wanted = references.parse(reference.text)
        base = references.parse(entry.url or "").base
        url = reference.text.partition("#")[0]
        absolute = f"{base}/{url}" if wanted.is_local and base else url
        found = self.by_url.get(absolute)
        if found is None and absolute.count("/_history/"):
            found = self.by_url.get(absolute.partition("/_history/")[0]) if not wanted.version else None
        if found is not None:
            if len(found) > 1:
                text = f"{reference.text[:200]} is the fullUrl of {len(found)} entries here"
                self.tell(entry, reference, text)
                return None
            return found[0]
        others = self.by_id.get((wanted.type or "", wanted.id or ""), []) if wanted.is_local else []
        if others:
            if any(self.entries[other].url is None for other in others):
                return others[0]
            text = (
                f"{reference.text[:200]} is none of the fullUrls here; an entry has the type and id, but "
                "another fullUrl"
            )
            self.tell(entry, reference, text)
            return others[0]
        if must_be_there and not self.is_definition(wanted):
            text = f"{reference.text[:200]} must be in the {self.type}: there is no entry with that fullUrl"
            self.tell(entry, reference, text)
        return None

    def is_definition(self, wanted: references.Target) -> bool:
        """Whether it names a definition, which is known by its URL wherever it is."""
        if wanted.base is None or wanted.type is None:
            return False
        return "url" in definitions.structure(wanted.type).properties

    def tell(self, entry: _Entry, reference: _Reference, text: str) -> None:
        below = reference.path.removeprefix(entry.resource.type)
        self.examination.tell("error", "not-found", text, entry.resource, below=below)

    def check_reached(self, item: Item, targets: list[list[int]]) -> None:
        """All entries are reached from the first, by links forward or backward."""
        if not self.entries:
            return
        reached: set[int] = set()
        _follow(reached, [0], targets)
        links = item.value.get("link")
        sheets = {
            str(link.get("url"))
            for link in (links if isinstance(links, list) else ())
            if isinstance(link, dict) and link.get("relation") == "stylesheet"
        }
        for position, entry in enumerate(self.entries):
            if f"{entry.resource.type}/{entry.resource.value.get('id')}" in sheets:
                reached.add(position)
        grows = True
        while grows:
            grows = False
            for position, found in enumerate(targets):
                if position not in reached and not reached.isdisjoint(found):
                    _follow(reached, [position], targets)
                    grows = True
        for position, entry in enumerate(self.entries):
            if position not in reached:
                first = self.entries[0].resource.type
                text = f"This entry is not linked to the {first} of the {self.type}, directly or by others"
                is_document = self.type == "document"
                self.examination.tell("error" if is_document else "warning", "invalid", text, entry.item)


def _follow(reached: set[int], pending: Iterable[int], targets: list[list[int]]) -> None:
    waiting = list(pending)
    while waiting:
        position = waiting.pop()
        if position not in reached:
            reached.add(position)
            waiting += targets[position]

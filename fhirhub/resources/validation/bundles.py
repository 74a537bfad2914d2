"""What a Bundle asks of its entries together: their URLs, and that a document or message holds together.

https://hl7.org/fhir/R4/bundle.html#references
"""

from __future__ import annotations

import re
from typing import Any

from fhirhub.resources import definitions, references
from fhirhub.resources.fhirpath import Item
from fhirhub.resources.fhirpath.item import member
from fhirhub.resources.validation.examination import Examination

Json = dict[str, Any]

_entries = member("entry")
_restful = re.compile(r"https?://[^?#\s]+/([A-Z][A-Za-z]+)/([A-Za-z0-9\-.]{1,64})").fullmatch
_ASKED = ("document", "message")
_WITH_IDS = ("document", "message", "searchset", "history", "collection")


def check(examination: Examination, item: Item) -> None:
    """Tell what is wrong with the entries as a whole."""
    type = item.value.get("type")
    entries = [entry for entry in _entries((item,)) if isinstance(entry.value, dict)]
    for entry in entries:
        _check_url(examination, entry, str(type))
    if type in _ASKED and entries:
        _check_links(examination, entries)


def _check_url(examination: Examination, entry: Item, type: str) -> None:
    """A RESTful fullUrl ends in the type and id of its resource; a match of a search has an id."""
    resource, url = entry.value.get("resource"), entry.value.get("fullUrl")
    if not isinstance(resource, dict):
        return
    name, id = resource.get("resourceType"), resource.get("id")
    match = _restful(url) if isinstance(url, str) else None
    if match is not None and definitions.is_resource_type(match[1]) and id is not None:
        if (match[1], match[2]) != (name, id):
            text = f"The fullUrl of this resource ends in {name}/{id}; got `{str(url)[:200]}`"
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


def _check_links(examination: Examination, entries: list[Item]) -> None:
    """The first entry's references lead to entries, by the rules for fullUrls."""
    urls = {str(entry.value["fullUrl"]) for entry in entries if "fullUrl" in entry.value}
    resources = {
        (resource.get("resourceType"), resource.get("id"))
        for entry in entries
        if isinstance(resource := entry.value.get("resource"), dict)
    }
    first = entries[0]
    resource = next(iter(member("resource")((first,))), None)
    if resource is None:
        return
    base = references.parse(str(first.value.get("fullUrl") or "")).base
    for path, _, _, text, kind in references.walk(resource.value):
        if kind != "reference" or text.startswith("#"):
            continue
        target = references.parse(text)
        absolute = f"{base}/{target.url}" if target.is_local and base else target.url
        if absolute in urls or (target.type, target.id) not in resources:
            continue
        own = (target.type, target.id)
        if any(_has_no_url(entry, own) for entry in entries):
            continue
        told = f"{text[:200]} is none of the fullUrls here; an entry has the type and id, but another fullUrl"
        examination.tell("error", "not-found", told, resource, below=path.removeprefix(resource.type))


def _has_no_url(entry: Item, identity: tuple[str | None, str | None]) -> bool:
    resource = entry.value.get("resource")
    return (
        "fullUrl" not in entry.value
        and isinstance(resource, dict)
        and (resource.get("resourceType"), resource.get("id")) == identity
    )

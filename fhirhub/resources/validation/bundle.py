"""The rules of a Bundle for each of its types (https://hl7.org/fhir/R4/bundle.html#invs)."""

from __future__ import annotations

import re
from typing import Any

from fhirhub.resources.validation.faults import Fault

_WITH_REQUEST = frozenset({"batch", "transaction", "history"})
_WITH_RESPONSE = frozenset({"batch-response", "transaction-response", "history"})
_is_absolute = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:").match
_FIRST = {"document": ("Composition", "bdl-11"), "message": ("MessageHeader", "bdl-12")}


def check(bundle: dict[str, Any]) -> list[Fault] | None:
    """The faults of a Bundle beyond those of its elements by themselves: bdl-1 to bdl-12."""
    type = bundle.get("type")
    entries = bundle.get("entry", [])
    if not isinstance(type, str) or not isinstance(entries, list):
        return None
    faults: list[Fault] = []
    if "total" in bundle and type not in ("searchset", "history"):
        text = f"A total is only for a searchset or history; the type is {type}"
        faults.append(Fault(".total", "invariant", text, "bdl-1"))
    if type == "document":
        faults += _document(bundle)
    seen: set[tuple[str, str]] = set()
    for position, entry in enumerate(entries):
        if not isinstance(entry, dict):
            continue
        path = f".entry[{position}]"
        _check_entry(entry, type, path, faults)
        url = entry.get("fullUrl")
        if isinstance(url, str) and type != "history":
            identity = (url, _version(entry))
            if identity in seen:
                text = f"Another entry has the fullUrl {url} and the same meta.versionId; each needs its own"
                faults.append(Fault(f"{path}.fullUrl", "invariant", text, "bdl-7"))
            seen.add(identity)
    if type in _FIRST:
        name, key = _FIRST[type]
        first = entries[0].get("resource") if entries and isinstance(entries[0], dict) else None
        if not isinstance(first, dict) or first.get("resourceType") != name:
            text = f"The first entry of a {type} must have a {name}"
            faults.append(Fault(".entry[0].resource" if entries else ".entry", "invariant", text, key))
    return faults or None


def _check_entry(entry: dict[str, Any], type: str, path: str, faults: list[Fault]) -> None:
    if "search" in entry and type != "searchset":
        text = f"search is only for entries of a searchset; the type is {type}"
        faults.append(Fault(f"{path}.search", "invariant", text, "bdl-2"))
    for name, types, key in (("request", _WITH_REQUEST, "bdl-3"), ("response", _WITH_RESPONSE, "bdl-4")):
        if name in entry and type not in types:
            text = f"{name} is only for entries of {', '.join(sorted(types))}; the type is {type}"
            faults.append(Fault(f"{path}.{name}", "invariant", text, key))
        elif name not in entry and type in types:
            faults.append(Fault(f"{path}.{name}", "invariant", f"Each entry of a {type} needs a {name}", key))
    if not ("resource" in entry or "request" in entry or "response" in entry):
        faults.append(Fault(path, "invariant", "An entry needs a resource, a request or a response", "bdl-5"))
    url = entry.get("fullUrl")
    if isinstance(url, str) and not _is_absolute(url):
        text = f"A fullUrl is an absolute URL or urn:uuid:...; got `{url[:80]}`"
        faults.append(Fault(f"{path}.fullUrl", "value", text))
    if isinstance(url, str) and "/_history/" in url:
        text = "A fullUrl names a resource, not a version of it: leave out /_history/..."
        faults.append(Fault(f"{path}.fullUrl", "invariant", text, "bdl-8"))


def _document(bundle: dict[str, Any]) -> list[Fault]:
    faults = []
    identifier = bundle.get("identifier")
    if not isinstance(identifier, dict) or not identifier.get("system") or not identifier.get("value"):
        text = "A document needs an identifier with system and value"
        faults.append(Fault(".identifier", "invariant", text, "bdl-9"))
    if "timestamp" not in bundle:
        faults.append(Fault(".timestamp", "invariant", "A document needs a timestamp", "bdl-10"))
    return faults


def _version(entry: dict[str, Any]) -> str:
    resource = entry.get("resource")
    meta = resource.get("meta") if isinstance(resource, dict) else None
    return str(meta.get("versionId", "")) if isinstance(meta, dict) else ""

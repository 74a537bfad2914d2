"""The rules of contained resources (https://hl7.org/fhir/R4/references.html#contained)."""

from __future__ import annotations

import re
from typing import Any

from fhirhub.resources import document
from fhirhub.resources.validation.faults import Fault


def types(resource: dict[str, Any]) -> dict[str, str]:
    """The types of its contained resources, by id."""
    items = resource.get("contained")
    found = {}
    if isinstance(items, list):
        for item in items:
            if isinstance(item, dict) and isinstance(item.get("id"), str):
                name = item.get("resourceType")
                found[item["id"]] = name if isinstance(name, str) else ""
    return found


def check(resource: dict[str, Any]) -> list[Fault]:
    """The faults of its `contained` beyond those of each contained resource by itself: dom-2 to dom-5."""
    items = resource.get("contained")
    if not isinstance(items, list):
        return []
    faults = []
    seen: set[str] = set()
    links = _links(resource)
    for position, item in enumerate(items):
        if not isinstance(item, dict):
            continue
        path = f".contained[{position}]"
        if "contained" in item:
            text = "A contained resource may not contain others: contain them in the outer resource"
            faults.append(Fault(f"{path}.contained", "invariant", text, "dom-2"))
        meta = item.get("meta")
        if isinstance(meta, dict):
            for name, key in (("versionId", "dom-4"), ("lastUpdated", "dom-4"), ("security", "dom-5")):
                if name in meta:
                    text = f"A contained resource may not have meta.{name}: it has no life of its own"
                    faults.append(Fault(f"{path}.meta.{name}", "invariant", text, key))
        id = item.get("id")
        if id is None:
            text = "A contained resource needs an id, so that the resource can refer to it as #id"
            faults.append(Fault(f"{path}.id", "required", text, "dom-3"))
        elif isinstance(id, str):
            if id in seen:
                text = f"Another contained resource has the id {id} already; each needs its own"
                faults.append(Fault(f"{path}.id", "invariant", text))
            elif id.encode() not in links and b"" not in _links(item):
                text = f"Nothing in the resource refers to #{id}; a contained resource must be referred to"
                faults.append(Fault(path, "invariant", text, "dom-3"))
            seen.add(id)
    return faults


def _links(resource: dict[str, Any]) -> set[bytes]:
    """What follows the # of strings that begin with it: of references, and of canonicals and URIs as well."""
    return set(_local_link(document.encode(resource)))


_local_link = re.compile(rb'"#([^"]*)').findall

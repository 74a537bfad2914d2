"""A part of a resource: `_summary` and `_elements` (https://hl7.org/fhir/R4/search.html#summary).

What was left out is told by the tag SUBSETTED, so that nobody takes the part for the whole and writes it back.
Elements of a minimum above zero stay, and so do what changes the meaning of all else: implicitRules and
modifierExtension.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from typing import Any, Literal

from fhirhub.resources import definitions
from fhirhub.resources.definitions import Element

Json = dict[str, Any]
Mode = Literal["true", "text", "data", "count", "false"]

SUBSETTED = {
    "system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue",
    "code": "SUBSETTED",
    "display": "Resource encoded in summary mode",
}

_ALWAYS = frozenset(("id", "meta", "implicitRules", "modifierExtension"))


def summary(resource: Json, mode: str) -> Json:
    """The part of a resource that the mode of `_summary` asks for; itself for `false`.

    `true` gives the elements marked as summary, also within those that are no data types; `text` the narrative;
    `data` all but the narrative.
    """
    match mode:
        case "true":
            return _tagged(_summarised(resource, resource["resourceType"]))
        case "text":
            return _tagged(_of_keys(resource, _text_keys(resource["resourceType"])))
        case "data":
            return _tagged({key: value for key, value in resource.items() if key not in ("text", "_text")})
    return resource


def elements(resource: Json, names: Iterable[str]) -> Json:
    """The resource with its top-level elements of those names, `name` or `Patient.name`, and the mandatory ones."""
    return _tagged(_of_keys(resource, _element_keys(resource["resourceType"], frozenset(names))))


@functools.lru_cache(1024)
def unknown(types: tuple[str, ...], names: tuple[str, ...]) -> tuple[str, ...]:
    """Those names that `elements` would find in none of the types."""
    return tuple(name for name in names if not any(_has(type, name) for type in types))


def _has(type: str, name: str) -> bool:
    own = name.removeprefix(type + ".").partition(".")[0]
    properties = definitions.structure(type).properties
    return (
        own == "resourceType"
        or own in properties
        or any(property.element.name == own for property in properties.values())
    )


def _tagged(part: Json) -> Json:
    """The part with the tag in its meta; a part shares no meta with the whole."""
    meta = dict(part.get("meta") or {})
    tags = meta.get("tag") or []
    if not any(
        tag.get("code") == SUBSETTED["code"] and tag.get("system") == SUBSETTED["system"] for tag in tags
    ):
        meta["tag"] = [*tags, SUBSETTED]
    if "meta" in part:
        return part | {"meta": meta}
    head = {key: part.pop(key) for key in ("resourceType", "id") if key in part}
    return head | {"meta": meta} | part


def _of_keys(resource: Json, keys: frozenset[str]) -> Json:
    return {key: value for key, value in resource.items() if key in keys}


def _summarised(node: Json, type: str) -> Json:
    keys = _summary_keys(type)
    found = {}
    for key, value in node.items():
        if key in keys:
            inner = keys[key]
            if inner is None:
                found[key] = value
            elif isinstance(value, list):
                found[key] = [_summarised(each, inner) for each in value]
            else:
                found[key] = _summarised(value, inner)
    return found


@functools.cache
def _summary_keys(type: str) -> Mapping[str, str | None]:
    """The keys of a type's summary; with the type to look into where it is no data type."""
    is_resource = "." not in type
    keys: dict[str, str | None] = {"resourceType": None}
    for key, property in definitions.structure(type).properties.items():
        element = property.element
        inherited = element.name in ("id", "extension") and not is_resource
        if element.summary or inherited or _must_stay(element):
            keys[key] = property.type if "." in property.type else None
            keys["_" + key] = None
    return keys


@functools.cache
def _text_keys(type: str) -> frozenset[str]:
    return _element_keys(type, frozenset(("text",)))


@functools.lru_cache(1024)
def _element_keys(type: str, names: frozenset[str]) -> frozenset[str]:
    wanted = {name.removeprefix(type + ".").partition(".")[0] for name in names}
    keys = {"resourceType"}
    for key, property in definitions.structure(type).properties.items():
        if property.element.name in wanted or key in wanted or _must_stay(property.element):
            keys |= {key, "_" + key}
    return frozenset(keys)


def _must_stay(element: Element) -> bool:
    return element.min > 0 or element.name in _ALWAYS

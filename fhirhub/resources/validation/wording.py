"""How faults are put into words: what is wrong, and what would be right."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any

from fhirhub.resources import definitions
from fhirhub.resources.definitions import Element
from fhirhub.resources.validation.faults import Fault


def step(key: str) -> str:
    """A property that no type defines, as a step of a FHIRPath."""
    return f".{key}" if key.isidentifier() and len(key) <= 80 else f".`{key[:80]}`"


def unknown_type(name: Any) -> Fault:
    if name is None:
        return Fault("", "required", "resourceType is required: the name of an R4 resource type")
    if not isinstance(name, str):
        return Fault(".resourceType", "structure", "resourceType expects the name of an R4 resource type")
    text = f"`{name[:80]}` is no R4 resource type{nearest(name, definitions.RESOURCE_TYPES)}"
    return Fault(".resourceType", "structure", text)


def misfit(value: Any, path: str, text: str) -> Fault:
    """A value that its primitive type does not have: another kind of JSON value, or another format."""
    if isinstance(value, list):
        return Fault("", "structure", f"{path} is one value, not a list")
    if isinstance(value, dict):
        return Fault("", "structure", f"{path} {text}")
    return Fault("", "value", f"{path} {text}")


def not_one_object(value: Any, name: str) -> Fault:
    kind = "a list" if isinstance(value, list) else "null" if value is None else "a simple value"
    return Fault("", "structure", f"Expects one object ({name}); got {kind}")


def not_a_list(value: Any, element: Element) -> Fault:
    if isinstance(value, list):
        return Fault("", "structure", f"{element.path} is an empty list; leave it out where it has no items")
    return Fault("", "structure", f"{element.path} may be there several times, so it is a list, even of one")


def listed(names: Iterable[str], most: int = 20) -> str:
    shown = sorted(names)
    return ", ".join(shown[:most]) + (f" and {len(shown) - most} more" if len(shown) > most else "")


def nearest(name: str, names: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, names, 1) if len(name) <= 64 else []
    return f"; did you mean `{near[0]}`?" if near else ""

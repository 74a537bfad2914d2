"""Conditional references: a Reference whose target is given by search criteria, which a transaction alone may
hold (https://hl7.org/fhir/R4/http.html#trules)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from fhirhub.api.exchange import Json
from fhirhub.errors import invalid
from fhirhub.resources import definitions

_BYTES = re.compile(rb"""reference["']?\s*(?::|value\s*=)\s*["'][^"'/]*(?:\?|\\u|&)""")
"""How the text of one begins in JSON or XML, escaped or not."""
_TEXT = re.compile(r"(?P<type>[A-Z][A-Za-z]+)\?.+", re.DOTALL)


def may_hold(body: bytes) -> bool:
    """Whether a body may hold conditional references; quick, and wrong only where it says yes."""
    return _BYTES.search(body) is not None


def found_in(resource: Json) -> Iterator[Json]:
    """The References of a resource whose target is given by criteria, in no order."""
    stack: list[Any] = [resource]
    while stack:
        value = stack.pop()
        if isinstance(value, list):
            stack += value
        elif isinstance(value, dict):
            text = value.get("reference")
            if isinstance(text, str) and "?" in text:
                found = _TEXT.fullmatch(text)
                if found is not None and definitions.is_resource_type(found["type"]):
                    yield value
            stack += [inner for inner in value.values() if isinstance(inner, dict | list)]


def refuse(resource: Json) -> None:
    """Raise invalid where a resource that is no entry of a transaction holds one."""
    for holder in found_in(resource):
        raise invalid(
            f"`{holder['reference']}` gives search criteria in the place of a reference; only an entry of a "
            "transaction may do so"
        )

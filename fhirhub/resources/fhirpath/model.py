"""The definitions as a path sees them: what a name leads to from a type (https://hl7.org/fhir/R4/fhirpath.html)."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import NamedTuple

from fhirhub.resources import definitions


class Property(NamedTuple):
    """One way from a type by a name: a choice element has one for each of its types."""

    key: str
    """In JSON: `valueQuantity`."""
    name: str
    """In a path: `value`."""
    type: str
    many: bool
    primitive: bool
    shadow: str
    """The key of a primitive's id and extensions: `_valueString`."""


@functools.cache
def members(type: str) -> Mapping[str, tuple[Property, ...]]:
    """By name, what can be reached from a type in one step; KeyError for an unknown type."""
    found: dict[str, tuple[Property, ...]] = {}
    for key, given in definitions.structure(type).properties.items():
        element = given.element
        made = Property(key, element.name, given.type, element.max != 1, is_primitive(given.type), "_" + key)
        found[element.name] = (*found.get(element.name, ()), made)
    return found


@functools.cache
def properties(type: str) -> Mapping[str, Property]:
    """By JSON key, with those that begin with `_`; empty for an unknown type."""
    try:
        found = {each.key: each for ways in members(type).values() for each in ways}
    except KeyError:
        return {}
    return found | {each.shadow: each for each in found.values() if each.primitive}


@functools.cache
def is_primitive(type: str) -> bool:
    """Whether a value of the type is a JSON string, number or boolean."""
    try:
        return type == "xhtml" or definitions.structure(type).kind == "primitive-type"
    except KeyError:
        return False


@functools.cache
def is_type(name: str) -> bool:
    """Whether FHIR has a type of that name, `CarePlan.activity` included."""
    try:
        definitions.structure(name)
    except KeyError:
        return False
    return True


@functools.cache
def is_a(type: str, of: str) -> bool:
    """Whether the type is that type or derives from it."""
    if type == of:
        return True
    return is_type(type) and definitions.is_subtype(type, of)


SYSTEM_TYPES = frozenset(
    "System." + name
    for name in ("Any", "Boolean", "String", "Integer", "Decimal", "Date", "DateTime", "Time", "Quantity")
)

_KINDS = {
    **{name: name for name in ("boolean", "decimal", "date", "time", "integer", "string")},
    **dict.fromkeys(("positiveInt", "unsignedInt"), "integer"),
    **dict.fromkeys(("dateTime", "instant"), "datetime"),
    **dict.fromkeys(
        ("code", "id", "markdown", "uri", "url", "canonical", "oid", "uuid", "base64Binary", "xhtml"),
        "string",
    ),
    **{name: name.removeprefix("System.").lower() for name in SYSTEM_TYPES},
}


@functools.cache
def kind(type: str) -> str:
    """The System type that a type converts to by itself, in lower case; '' where none.

    https://hl7.org/fhir/R4/fhirpath.html#types
    """
    found = _KINDS.get(type)
    if found is None:
        found = "quantity" if is_a(type, "Quantity") else ""
    return found


def type_specifier(name: str) -> str | None:
    """The type that `is`, `as` and `ofType` name; None if there is none of that name.

    A name without namespace is FHIR's before System's (https://hl7.org/fhirpath/N1/#models).
    """
    if name.startswith("System."):
        return name
    bare = name.removeprefix("FHIR.")
    if is_type(bare):
        return bare
    return "System." + name if "System." + name in SYSTEM_TYPES else None


def conforms(type: str, specifier: str) -> bool:
    """Whether an item of the type is of the specified one."""
    return is_a(type, specifier) or (specifier == "System.Any")

"""Whether a Reference can be what its element allows (https://hl7.org/fhir/R4/references.html)."""

from __future__ import annotations

import re
from typing import Any

from fhirhub.resources import definitions
from fhirhub.resources.definitions import Element
from fhirhub.resources.validation.faults import Check, Fault, Faults, Scope

_ID = r"[A-Za-z0-9\-.]{1,64}"
_is_id_or_version = re.compile(rf"{_ID}(?:/_history/{_ID})?").fullmatch
_relative = re.compile(rf"([^/?#]+)/({_ID})(?:/_history/{_ID})?").fullmatch
_restful = re.compile(rf"https?://.+/([A-Za-z]+)/{_ID}(?:/_history/{_ID})?").fullmatch
_conditional = re.compile(r"([A-Za-z]+)\?.+").fullmatch
_has_scheme = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:").match
_ALL = frozenset(definitions.RESOURCE_TYPES)
_DEFINITION = "http://hl7.org/fhir/StructureDefinition/"


def check_of(whole: Check, element: Element) -> Check:
    """A Reference at that element; what most are, Type/id perhaps with a display, is seen at once."""
    targets = frozenset(element.targets)
    usual = targets or _ALL

    def check(value: Any, scope: Scope) -> Faults:
        if value.__class__ is dict:
            literal = value.get("reference")
            if literal.__class__ is str:
                type, _, id = literal.partition("/")
                if type in usual and _is_id_or_version(id):
                    size = len(value)
                    if size == 1:
                        return None
                    if size == 2:
                        display = value.get("display")
                        if display.__class__ is str and display.isprintable() and 0 < len(display) < 1000:
                            return None
        faults = whole(value, scope)
        return _target_faults(value, element.path, targets, scope) if faults is None else faults

    return check


def _target_faults(reference: dict[str, Any], path: str, targets: frozenset[str], scope: Scope) -> Faults:
    """The faults of the target of a Reference whose own elements are right.

    `targets` are the allowed types, empty for any. A reference is Type/id, an absolute URL, urn:, #id of a contained
    resource, # from a contained resource to the one around it, or a search such as Patient?identifier=1 (the
    conditional reference of a transaction).
    """
    literal = reference.get("reference")
    found: str | None = None
    if literal is not None:
        found, fault = _target(literal, scope)
        if fault is not None:
            key = "ref-1" if literal.startswith("#") else None
            return [Fault(".reference", "value", f"{path} {fault}", key)]
        if found is not None and targets and found not in targets:
            return [Fault(".reference", "value", f"{path} {_not_allowed(found, targets)}")]
    stated = reference.get("type")
    if stated is None:
        return None
    fault = _type_fault(stated.removeprefix(_DEFINITION), found, targets)
    return None if fault is None else [Fault(".type", "value", f"{path} {fault}")]


def _target(literal: str, scope: Scope) -> tuple[str | None, str | None]:
    """The type that a reference points to as far as it says, or what is wrong with the reference."""
    if literal.startswith("#"):
        id = literal[1:]
        if id and id not in scope.contained:
            return None, f"points to #{id}, but no contained resource has the id {id}"
        if not id and not scope.is_contained:
            return None, "points to #, the resource around a contained one, which this is not"
        return scope.contained.get(id), None
    if match := _relative(literal) or _conditional(literal):
        name = match.group(1)
        if name not in _ALL:
            return None, f"points to {name}, which is no R4 resource type"
        return name, None
    if _has_scheme(literal):
        match = _restful(literal)
        return (match.group(1) if match and match.group(1) in _ALL else None), None
    forms = "Type/id, an absolute URL, urn:uuid:..., urn:oid:... or #id of a contained resource"
    return None, f"expects {forms}; got `{literal[:80]}`"


def _type_fault(stated: str, found: str | None, targets: frozenset[str]) -> str | None:
    if stated not in _ALL:
        # Absolute URLs are for references in logical models (references-definitions.html#Reference.type).
        return f"expects the name of an R4 resource type; got `{stated[:80]}`"
    if targets and stated not in targets:
        return _not_allowed(stated, targets)
    if found is not None and found != stated:
        return f"says {stated}, but the reference points to a resource of the type {found}"
    return None


def _not_allowed(found: str, targets: frozenset[str]) -> str:
    return f"may refer to {' or '.join(sorted(targets))}; got a reference to {found}"

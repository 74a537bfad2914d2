"""Whether a resource has the structure that R4 defines for its type (https://hl7.org/fhir/R4/json.html).

Each type is compiled from `definitions`, property by property when one is first met, into a table of small
checks. A check returns nothing for what is right, so that a right resource costs one pass. A fault carries
its path from where it was found, and each level on the way out puts its own name in front.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from fhirhub.errors import Issue
from fhirhub.resources import definitions, primitives
from fhirhub.resources.definitions import Element, Property, Structure
from fhirhub.resources.validation import bundle, codings, contained, references, values, wording
from fhirhub.resources.validation.faults import MAX_FAULTS, Check, Fault, Faults, Scope, below


def validate(resource: Any, expected_type: str | None = None) -> list[Issue]:
    """Every fault of the structure, each with its FHIRPath; none if the resource is right.

    `resource` is as `document.parse` gives it. `expected_type` is the type that the request is about.
    """
    name = resource.get("resourceType") if type(resource) is dict else None
    root = name if isinstance(name, str) and definitions.is_resource_type(name) else "Resource"
    try:
        faults = _check_resource(resource) or []
    except RecursionError:
        return [Issue("error", "structure", "Elements nest too deep to be checked", root)]
    if expected_type is not None and name != expected_type and root == name:
        text = f"The request is about {expected_type}; the resource is of the type {name}"
        faults.insert(0, Fault(".resourceType", "invalid", text))
    issues = [
        Issue("error", fault.code, fault.text, root + fault.path, key=fault.key)
        for fault in faults[:MAX_FAULTS]
    ]
    if len(faults) > MAX_FAULTS:
        text = f"Only the first {MAX_FAULTS} faults are listed"
        issues.append(Issue("information", "informational", text))
    return issues


_NOTHING_CONTAINED: Mapping[str, str] = {}

# Codes of faults that only an array's sibling can judge (https://hl7.org/fhir/R4/json.html#primitive).
_IS_NULL = "null"
_IS_SIBLING = "sibling"


class Table(dict[str, Check]):
    """The checks of one structure by JSON property, made when first asked for."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.structure = definitions.structure(name)
        elements = self.structure.elements
        self.is_resource = self.structure.kind == "resource"
        self.needs_more_than_id = self.structure.kind == "complex-type"
        self.required = frozenset(each.name for each in elements if each.min > 0 and not each.choice)
        self.choices = [(each, _keys(self.structure, each)) for each in elements if each.choice]
        self.required_choices = [keys for each, keys in self.choices if each.min > 0]
        # With no more properties than this, no choice can be there twice.
        self.few = len(self.required) + 1 if self.choices else 1_000_000
        self.rule = _RULES.get(name)
        self.check = _object_check(self)

    def __missing__(self, key: str) -> Check:
        properties = self.structure.properties
        if key in properties and properties[key].element.max != 0:
            check = _property_check(properties[key])
        elif key[:1] == "_" and key[1:] in properties and _may_have_sibling(properties[key[1:]]):
            check = _sibling_check(properties[key[1:]])
        elif key == "resourceType" and self.is_resource:
            check = _same(self.structure.name)
        else:
            return _unknown(self.structure, key)  # not kept: there are endless names
        self[key] = check
        return check

    def is_suspect(self, value: dict[str, Any]) -> bool:
        """Whether the properties, each right by itself, need a look together."""
        size = len(value)
        if size < 2 and (not size or ("id" in value and self.needs_more_than_id)):
            return True
        if size > self.few:
            names = value.keys()
            for _, keys in self.choices:
                if len(names & keys) > 1:
                    return True
        for keys in self.required_choices:
            if keys.isdisjoint(value):
                return True
        return self.rule is not None and self.rule(value) is not None

    def settle(self, value: dict[str, Any], found: list[tuple[str, list[Fault]]]) -> Faults:
        """The faults of the properties put into place, and those of the properties together."""
        faults: list[Fault] = []
        for key, items in found:
            faults += self.placed(key, items, value)
        if not value or (len(value) == 1 and "id" in value and self.needs_more_than_id):
            text = "An element has a value or other elements; leave it out where it has none"
            faults.append(Fault("", "structure", text, "ele-1"))
        for element in self.structure.elements:
            name = element.name
            if name in self.required and name not in value and f"_{name}" not in value:
                faults.append(Fault(f".{name}", "required", f"{element.path} is required"))
        for element, keys in self.choices:
            present = {key.removeprefix("_") for key in value} & keys
            if len(present) > 1:
                text = f"{element.path}[x] may be there once, in one type; got {wording.listed(present)}"
                faults.append(Fault(f".{element.name}", "structure", text))
            elif not present and element.min > 0:
                text = f"{element.path}[x] is required: one of {wording.listed(keys)}"
                faults.append(Fault(f".{element.name}", "required", text))
        if self.rule is not None:
            faults += self.rule(value) or ()
        return faults or None

    def placed(self, key: str, items: list[Fault], value: dict[str, Any]) -> Iterable[Fault]:
        """The faults of one property, with its name in front; pairs of `x` and `_x` judged together."""
        base = key.removeprefix("_")
        found = self.structure.properties.get(base)
        path = f".{found.element.name}" if found else wording.step(key)
        sibling = value.get(f"_{base}")
        for fault in items:
            if fault.code == _IS_NULL:
                if not _has_extension(sibling, int(fault.path[1:-1])):
                    text = f"null stands only where `_{base}` has an extension at the same place"
                    yield Fault(path + fault.path, "structure", text)
            elif fault.code == _IS_SIBLING:
                yield from _unpaired(path, base, value.get(base), sibling)
            else:
                yield Fault(path + fault.path, fault.code, fault.text, fault.key)


def _object_check(checks: Table) -> Check:
    """An object by its table; here each nanosecond counts, so that what is looked up once is a local name."""
    required = checks.required
    is_simple = not checks.choices and checks.rule is None
    is_suspect, settle = checks.is_suspect, checks.settle

    def check(value: Any, scope: Scope) -> Faults:
        if value.__class__ is not dict:
            return [wording.not_one_object(value, checks.structure.name)]
        found: list[tuple[str, list[Fault]]] | None = None
        for key, item in value.items():
            faults = checks[key](item, scope)
            if faults is not None:
                if found is None:
                    found = []
                found.append((key, faults))
                if len(found) > MAX_FAULTS:
                    break
        if found is None and value.keys() >= required:
            if is_simple and (len(value) > 1 or (value and "id" not in value)):
                return None
            if not is_suspect(value):
                return None
        return settle(value, found or [])

    return check


def _keys(structure: Structure, element: Element) -> frozenset[str]:
    return frozenset(key for key, found in structure.properties.items() if found.element is element)


@functools.cache
def table(name: str) -> Table:
    """The checks of the structure of that name, such as `CarePlan` or `CarePlan.activity`."""
    return Table(name)


def _check_resource(value: Any, outer: Scope | None = None) -> Faults:
    """A resource at the root, or in an entry or parameter of another, which then is no part of its scope."""
    if type(value) is not dict:
        return [wording.not_one_object(value, "a resource")]
    name = value.get("resourceType")
    if not isinstance(name, str) or not definitions.is_resource_type(name):
        return [wording.unknown_type(name)]
    if "contained" not in value:
        return table(name).check(value, Scope(_NOTHING_CONTAINED))
    faults = table(name).check(value, Scope(contained.types(value))) or []
    faults += contained.check(value)
    return faults or None


def _check_contained(value: Any, outer: Scope) -> Faults:
    """A contained resource: it refers to its siblings, and its elements have ids of their own."""
    if type(value) is not dict:
        return [wording.not_one_object(value, "a resource")]
    name = value.get("resourceType")
    if not isinstance(name, str) or not definitions.is_resource_type(name):
        return [wording.unknown_type(name)]
    return table(name).check(value, Scope(outer.contained, is_contained=True))


def _property_check(property: Property) -> Check:
    element = property.element
    if property.type in primitives.CHECKS:
        one = values.check_of(property)
        return one if element.max == 1 else _every_primitive(one, element)
    one = _complex_check(property)
    return one if element.max == 1 else _every(one, element)


def _complex_check(property: Property) -> Check:
    """An object, with what its element asks beyond its type."""
    element, name = property.element, property.type
    if name == "Resource":
        return _check_contained if element.name == "contained" else _check_resource
    check = table(name).check
    if name == "Reference":
        return references.check_of(check, element)
    if "SimpleQuantity" in element.profiles and name == "Quantity":
        return _simple_quantity_check(check, element.path)
    if name == "Coding":
        check = codings.check_of(check)
    if element.binding is not None:
        return codings.bound(check, element, name)
    return check


def _simple_quantity_check(whole: Check, path: str) -> Check:
    def check(value: Any, scope: Scope) -> Faults:
        faults = whole(value, scope)
        if type(value) is dict and "comparator" in value:
            text = f"{path} is a SimpleQuantity, which has no comparator"
            return [*(faults or ()), Fault(".comparator", "structure", text, "sqty-1")]
        return faults

    return check


def _every(one: Check, element: Element) -> Check:
    """An array of objects."""

    def check(value: Any, scope: Scope) -> Faults:
        if type(value) is not list or not value:
            inner = one(value, scope) if type(value) is dict else None
            return [wording.not_a_list(value, element), *(inner or ())]
        found: Faults = None
        for position, item in enumerate(value):
            faults = one(item, scope)
            if faults is not None:
                found = found or []
                found += below(f"[{position}]", faults)
                if len(found) > MAX_FAULTS:
                    break
        return found

    return check


def _every_primitive(one: Check, element: Element) -> Check:
    """An array of primitive values, where null may stand for a value that has only an extension."""

    def check(value: Any, scope: Scope) -> Faults:
        if type(value) is not list or not value:
            return [wording.not_a_list(value, element)]
        found: list[Fault] = []
        for position, item in enumerate(value):
            if item is None:
                found.append(Fault(f"[{position}]", _IS_NULL, ""))
            elif faults := one(item, scope):
                found += below(f"[{position}]", faults)
            if len(found) > MAX_FAULTS:
                break
        return found or None

    return check


def _may_have_sibling(property: Property) -> bool:
    """Whether `_x` may stand beside it: primitives other than those that XML writes as attributes."""
    element = property.element
    return property.type in primitives.CHECKS and element.name != "id" and element.path != "Extension.url"


def _sibling_check(property: Property) -> Check:
    """`_x`: the id and extensions of a primitive value; its pairing with the values is judged after."""
    one = table(property.type).check
    many = property.element.max != 1

    def check(value: Any, scope: Scope) -> Faults:
        marker = Fault("", _IS_SIBLING, "")
        if not many:
            return [marker, *(one(value, scope) or ())]
        if type(value) is not list or not value:
            return [wording.not_a_list(value, property.element)]
        found = [marker]
        for position, item in enumerate(value):
            if item is not None:
                found += below(f"[{position}]", one(item, scope) or ())
        return found

    return check


def _has_extension(siblings: Any, position: int) -> bool:
    if not isinstance(siblings, list) or position >= len(siblings):
        return False
    return isinstance(siblings[position], dict) and "extension" in siblings[position]


def _unpaired(path: str, key: str, values: Any, siblings: Any) -> Iterable[Fault]:
    """The faults of `x` and `_x` as a pair."""
    if isinstance(siblings, dict):
        if values is None and "extension" not in siblings:
            yield Fault(path, "structure", f"`_{key}` needs an extension where `{key}` has no value")
    elif isinstance(siblings, list):
        if isinstance(values, list) and len(values) != len(siblings):
            lengths = f"{len(values)} and {len(siblings)}"
            text = f"`{key}` and `_{key}` must be of the same length, filled up with null; got {lengths}"
            yield Fault(path, "structure", text)
        elif values is None:
            for position in range(len(siblings)):
                if not _has_extension(siblings, position):
                    text = f"`_{key}` needs an extension where `{key}` has no value"
                    yield Fault(f"{path}[{position}]", "structure", text)


def _same(name: str) -> Check:
    def check(value: Any, scope: Scope) -> Faults:
        return None if value == name else [Fault("", "invalid", f"resourceType must be {name} here")]

    return check


def _unknown(structure: Structure, key: str) -> Check:
    def check(value: Any, scope: Scope) -> Faults:
        properties = structure.properties
        base = key.removeprefix("_")
        keys = [
            name for name, each in properties.items() if each.element.choice and each.element.name == base
        ]
        if base in properties and properties[base].element.max == 0:
            text = f"{structure.name}.{base} may not be there"
        elif base in properties:
            text = f"{structure.name} takes no `{key}`: `{base}` is no primitive that may have extensions"
        elif keys:
            text = f"{structure.name}.{base}[x] is written with its type: {wording.listed(keys)}"
        else:
            text = f"{structure.name} has no element `{key[:80]}`{wording.nearest(key, properties)}"
        return [Fault("", "structure", text)]

    return check


def _extension(extension: dict[str, Any]) -> Faults:
    """ext-1: a value or extensions, beside url and id."""
    has_extensions = "extension" in extension
    has_value = len(extension) - has_extensions - ("url" in extension) - ("id" in extension) > 0
    if has_value != has_extensions:
        return None
    text = "An extension has a value or extensions; got " + ("both" if has_value else "neither")
    return [Fault("", "invariant", text, "ext-1")]


_RULES: dict[str, Callable[[dict[str, Any]], Faults]] = {"Bundle": bundle.check, "Extension": _extension}

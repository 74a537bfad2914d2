"""The walk through a resource by its types: invariants, bindings, extensions (https://hl7.org/fhir/R4/validation.html).

What the structural check has found is not looked for again. Each type is compiled when first met into the
few properties at which there is anything to do.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

from fhirhub.resources import definitions
from fhirhub.resources.fhirpath import Item
from fhirhub.resources.fhirpath.model import Property, members
from fhirhub.resources.validation import codes, datatypes, invariants, slicing
from fhirhub.resources.validation.codes import Binding
from fhirhub.resources.validation.examination import Examination, Scope

Json = dict[str, Any]
Extend = Callable[[Examination, Scope, Item], None]
"""What judges an extension: given by `extensions`, which stands above this."""


class Step(NamedTuple):
    """What is to be done at one property."""

    property: Property
    plan: Plan | None
    rules: tuple[invariants.Rule, ...]
    binding: Binding | None
    own: datatypes.Own | None = None


class Plan:
    """What is to be done at an element of one type: rules of its own, then steps by JSON key."""

    def __init__(self, name: str) -> None:
        self.name = name
        root = name.partition(".")[0]
        self._rules = invariants.of_type(root)
        self.rules = self._rules.get(name, ())
        self.steps: dict[str, Step | None] = {}
        self.ways = {way.key: way for ways in members(name).values() for way in ways}

    def step(self, key: str) -> Step | None:
        """The step at that key, made when first asked for; None where there is nothing to do."""
        property = self.ways.get(key)
        made = None if property is None else self._step(property)
        if property is not None or key[:1] == "_":
            self.steps[key] = made
        return made

    def _step(self, property: Property) -> Step | None:
        path = f"{self.name}.{property.name}"
        rules = () if property.type.startswith(self.name + ".") else self._rules.get(path, ())
        binding = codes.binding_of(path)
        if property.primitive:
            is_coded = binding is not None and binding.strength != "required" and property.type == "code"
            # The systems of codings and identifiers are looked at with these.
            own = _uri if property.type in _URIS and property.name != "system" else None
            if rules or is_coded or own:
                return Step(property, None, rules, binding if is_coded else None, own)
            return None
        return Step(property, plan(property.type), rules, binding, datatypes.OWN.get(property.type))


_URIS = frozenset({"uri", "url", "canonical"})


def _uri(examination: Examination, scope: Scope, item: Item) -> None:
    datatypes.check_uri(examination, item)


@functools.cache
def plan(name: str) -> Plan:
    """The plan of the structure of that name."""
    return Plan(name)


def walk(examination: Examination, scope: Scope, item: Item, extend: Extend) -> None:
    """Look at an element and all below it, without the resources that it holds."""
    examination.spend()
    at = plan(item.type)
    if at.rules:
        invariants.check(examination, scope, item, at.rules)
    steps = at.steps
    for key, value in item.value.items():
        try:
            step = steps[key]
        except KeyError:
            step = at.step(key)
        if step is None:
            if key[:1] == "_":
                _walk_siblings(examination, scope, item, key, value, extend)
            continue
        if step.property.type == "Resource":
            continue
        if value.__class__ is list:
            for position, each in enumerate(value):
                _look(
                    examination,
                    scope,
                    Item(each, step.property.type, None, item, step.property, position),
                    step,
                    extend,
                )
        else:
            _look(
                examination, scope, Item(value, step.property.type, None, item, step.property), step, extend
            )


def _look(examination: Examination, scope: Scope, item: Item, step: Step, extend: Extend) -> None:
    if step.rules:
        invariants.check(examination, scope, item, step.rules)
    if step.plan is None:
        if step.binding is not None and isinstance(item.value, str):
            codes.check(examination, item, step.binding)
        if step.own is not None:
            step.own(examination, scope, item)
        return
    if item.value.__class__ is not dict:
        return
    if step.own is not None:
        step.own(examination, scope, item)
    type = item.type
    if type == "Extension":
        extend(examination, scope, item)
    elif type in codes.CODED:
        codes.check(examination, item, step.binding)
    elif type == "Reference" and scope.item.parent is not None:
        _look_behind(examination, scope, item)
    walk(examination, scope, item, extend)


def _look_behind(examination: Examination, scope: Scope, item: Item) -> None:
    """A reference within a Bundle leads to a resource of the type that it says, and that its element allows."""
    target, _ = slicing.resolve(examination, scope, item)
    parent, property = item.parent, item.property
    if target is None or parent is None or property is None:
        return
    stated = slicing.stated_type(item)
    if stated is not None and stated != target.type:
        text = f"The reference says {stated}; what has that fullUrl in the Bundle is a {target.type}"
        examination.tell("error", "value", text, item, below=".reference")
        return
    allowed = definitions.structure(parent.type).properties[property.key].element.targets
    if allowed and target.type not in allowed:
        text = f"{parent.type}.{property.name} may refer to {' or '.join(allowed)}; this is a {target.type}"
        examination.tell("error", "value", text, item, below=".reference")


def _walk_siblings(
    examination: Examination, scope: Scope, item: Item, key: str, value: Any, extend: Extend
) -> None:
    """The extensions of primitive values."""
    property = plan(item.type).ways.get(key[1:])
    if property is None:
        return
    siblings = value if isinstance(value, list) else [value]
    values = item.value.get(key[1:])
    for position, sibling in enumerate(siblings):
        if not isinstance(sibling, dict):
            continue
        found = values[position] if isinstance(values, list) and position < len(values) else None
        found = values if not isinstance(values, list) else found
        at = position if isinstance(value, list) else -1
        primitive = Item(found, property.type, sibling, item, property, at)
        if found is None and property.type == "code":
            _check_absent_code(examination, item, primitive)
        for number, extension in enumerate(sibling.get("extension", ())):
            if isinstance(extension, dict):
                child = Item(extension, "Extension", None, primitive, _EXTENSION, number)
                extend(examination, scope, child)
                walk(examination, scope, child, extend)


def _check_absent_code(examination: Examination, parent: Item, item: Item) -> None:
    """A required binding asks for a code, whatever extensions say (terminologies.html#required)."""
    assert item.property is not None
    bound = codes.binding_of(f"{parent.type}.{item.property.name}")
    if bound is not None and bound.strength == "required":
        text = f"A code from {bound.value_set} is required; there is none"
        examination.tell("error", "code-invalid", text, item)


_EXTENSION = members("Element")["extension"][0]


# Where resources stand within others; all other types have `contained` alone.
_WITHIN = {
    "Bundle": ("entry",),
    "Bundle.entry": ("resource", "response"),
    "Bundle.entry.response": ("outcome",),
    "Parameters": ("parameter",),
    "Parameters.parameter": ("resource", "part"),
}


def resources(item: Item) -> list[Item]:
    """The resources that a resource holds: contained, in entries, in parameters."""
    found: list[Item] = []
    pending = [item]
    while pending:
        parent = pending.pop(0)
        ways = members(parent.type)
        for name in _WITHIN.get(parent.type, ("contained",)):
            for way in ways.get(name, ()):
                value = parent.value.get(way.key)
                for position, each in enumerate(value if isinstance(value, list) else [value]):
                    if not isinstance(each, dict):
                        continue
                    index = position if isinstance(value, list) else -1
                    if way.type != "Resource":
                        pending.append(Item(each, way.type, None, parent, way, index))
                    elif definitions.is_resource_type(each.get("resourceType")):
                        found.append(Item(each, str(each["resourceType"]), None, parent, way, index))
    return found

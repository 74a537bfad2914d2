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


Quiet = Callable[[Any, Examination], bool]
"""Whether a value, as it stands in JSON, is seen at once to have nothing to be told."""


class Step(NamedTuple):
    """What is to be done at one property. `quiet` is None where there is always something to do."""

    property: Property
    plan: Plan | None
    rules: tuple[invariants.Rule, ...]
    binding: Binding | None
    own: datatypes.Own | None
    quiet: Quiet | None


class Plan:
    """What is to be done at an element of one type: rules of its own, then steps by JSON key."""

    def __init__(self, name: str) -> None:
        self.name = name
        root = name.partition(".")[0]
        self._rules = invariants.of_type(root)
        self.rules = self._rules.get(name, ())
        self.asked = [
            (invariants.ASKED_BY[rule.key], rule.holds)
            for rule in self.rules
            if rule.holds is not None and rule.key in invariants.ASKED_BY
        ]
        self.steps: dict[str, Step | None] = {}
        self.checks: dict[str, _Check | None] = {}
        self.ways = {way.key: way for ways in members(name).values() for way in ways}
        asked = {name for name, _ in self.asked}
        self.free = frozenset(
            key
            for key, way in self.ways.items()
            if way.primitive and key not in asked and self._step(way) is None
        )
        """Primitive properties at which there is nothing to do."""
        self.quiet = _quiet_of(self)

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
            is_uri = property.type in _URIS and (property.name != "system" or self.name not in _WITH_SYSTEM)
            if not (rules or is_coded or is_uri):
                return None
            quiet: Quiet | None = _is_usual_uri if is_uri and not rules else None
            own = _uri if is_uri else None
            return Step(property, None, rules, binding if is_coded else None, own, quiet)
        type = datatypes.OWN.get(property.type)
        below = plan(property.type)
        quiet = _quiet(property.type, below, rules, binding, type)
        return Step(property, below, rules, binding, None if type is None else type.check, quiet)

    def check_of(self, key: str) -> _Check | None:
        """What is to be seen at a property that is not free; None where there is nothing."""
        asked = tuple(each for name, each in self.asked if name == key)
        found: _Check | None = None
        if key in self.ways or key[:1] == "_":
            step = self.steps[key] if key in self.steps else self.step(key)
            if step is not None:
                found = asked, step.quiet or _never
            elif key[:1] == "_":
                found = asked, _never
            elif asked:
                found = asked, _always
        self.checks[key] = found
        return found


_Check = tuple[tuple[invariants.Holds, ...], Quiet]
"""Rules of the element that holds the property, and what sees the value."""


def _quiet_of(plan: Plan) -> Quiet | None:
    """Sees an element of the type; what is looked up once is a local name, as this is where the time goes."""
    rules, free, checks, check_of = plan.rules, plan.free, plan.checks, plan.check_of
    if not _have_holds(rules):
        return None
    always = tuple(each.holds for each in rules if each.holds and each.key not in invariants.ASKED_BY)

    def quiet(value: Any, examination: Examination) -> bool:
        if value.__class__ is not dict:
            return False
        for holds in always:
            if not holds(value):
                return False
        for key, child in value.items():
            if key in free:
                continue
            try:
                check = checks[key]
            except KeyError:
                check = check_of(key)
            if check is None:
                continue
            for holds in check[0]:
                if not holds(value):
                    return False
            look = check[1]
            if child.__class__ is list:
                for each in child:
                    if not look(each, examination):
                        return False
            elif not look(child, examination):
                return False
        return True

    return quiet


def _have_holds(rules: tuple[invariants.Rule, ...]) -> bool:
    return all(rule.holds is not None for rule in rules)


def _always(value: Any, examination: Examination) -> bool:
    return True


def _never(value: Any, examination: Examination) -> bool:
    return False


def _is_usual_uri(value: Any, examination: Examination) -> bool:
    return datatypes.is_usual_uri(value)


def _quiet(
    type: str,
    below: Plan,
    rules: tuple[invariants.Rule, ...],
    binding: Binding | None,
    own: datatypes.Type | None,
) -> Quiet | None:
    """What sees a value of that type at one property."""
    if type in ("Extension", "Resource") or not _have_holds(rules + below.rules):
        return None
    is_own = None if own is None else own.is_quiet
    at_property = tuple(rule.holds for rule in rules if rule.holds is not None)
    if type in codes.CODED:
        holds = at_property + tuple(rule.holds for rule in below.rules if rule.holds is not None)

        def quiet_coded(value: Any, examination: Examination) -> bool:
            if value.__class__ is not dict:
                return False
            for each in holds:
                if not each(value):
                    return False
            if is_own is not None and not is_own(value):
                return False
            known = codes.key(value, binding)
            return known is not None and known in examination.quiet

        return quiet_coded
    whole = below.quiet
    assert whole is not None
    if not at_property and is_own is None:
        return whole

    def quiet(value: Any, examination: Examination) -> bool:
        if value.__class__ is not dict:
            return False
        for each in at_property:
            if not each(value):
                return False
        if is_own is not None and not is_own(value):
            return False
        return whole(value, examination)

    return quiet


_URIS = frozenset({"uri", "url", "canonical"})
_WITH_SYSTEM = codes.CODED | {"Identifier"}


def _uri(examination: Examination, scope: Scope, item: Item) -> None:
    datatypes.check_uri(examination, item)


@functools.cache
def plan(name: str) -> Plan:
    """The plan of the structure of that name."""
    return Plan(name)


def walk(examination: Examination, scope: Scope, item: Item, extend: Extend) -> None:
    """Look at an element and all below it, without the resources that it holds.

    What is seen to be quiet in its JSON is passed over; items are made only on the way to the rest.
    """
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
        property = step.property
        if property.type == "Resource":
            continue
        # References within a Bundle lead to resources that have to be looked at.
        quiet = None if scope.is_bundled else step.quiet
        if value.__class__ is list:
            for position, each in enumerate(value):
                if quiet is not None and quiet(each, examination):
                    if position & 63 == 0:
                        examination.spend()
                    continue
                inner = Item(each, property.type, None, item, property, position)
                _look(examination, scope, inner, step, extend)
        elif quiet is None or not quiet(value, examination):
            _look(examination, scope, Item(value, property.type, None, item, property), step, extend)


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
    elif type == "Reference" and scope.is_bundled:
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

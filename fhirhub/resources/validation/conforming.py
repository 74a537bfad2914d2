"""The check of elements against what profiles ask of them (https://hl7.org/fhir/R4/profiling.html).

What R4's own types ask is checked by `elements`, so that no fault is told twice.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from fhirhub.resources import document, primitives
from fhirhub.resources.canonicals import type_of
from fhirhub.resources.fhirpath import FhirpathError, Item, regex
from fhirhub.resources.fhirpath.model import is_a
from fhirhub.resources.validation import amounts, codes, invariants, markup, patterns, slicing, wording
from fhirhub.resources.validation.examination import DEEPEST, Examination, Scope
from fhirhub.resources.validation.profiles import Node, Profile, Profiles

Json = dict[str, Any]

_ABSTRACT = frozenset({"Element", "BackboneElement", "Resource", "DomainResource"})


class Check:
    """The check of items against profiles, in one examination."""

    def __init__(self, examination: Examination, profiles: Profiles) -> None:
        self.examination = examination
        self.profiles = profiles

    def profile(self, scope: Scope, item: Item, profile: Profile) -> None:
        """Tell every fault of an item against a profile of its type."""
        examination = self.examination
        if not is_a(item.type, profile.type) and profile.type != "Resource":
            text = f"The profile {profile.url} is one of {profile.type}; got a {item.type}"
            examination.tell("error", "structure", text, item, profile=profile.url)
            return
        if examination.depth >= DEEPEST:
            return
        examination.depth += 1
        try:
            self._one(scope, item, profile.root)
        finally:
            examination.depth -= 1

    def conforms(self, scope: Scope, item: Item, canonical: str) -> bool | None:
        """Whether the item has no error against the profile; None where the profile is unknown."""
        official = type_of(canonical)
        if official is not None:
            return is_a(item.type, official)
        node = self.profiles.node(canonical)
        if node is None:
            return None
        found = node.profile
        if node is found.root and not is_a(item.type, found.type) and found.type != "Resource":
            return False
        key = (id(item.value), canonical)
        examination = self.examination
        if key in examination.seen:
            result = examination.seen[key]
            return True if result is None else result  # while it is asked, it is taken to conform
        examination.seen[key] = None
        kept, examination.issues = examination.issues, []
        try:
            if node is found.root:
                self.profile(scope, item, found)
            else:
                self._one(scope, item, node)
            result = not any(issue.severity == "error" for issue in examination.issues)
        finally:
            examination.issues = kept
        examination.seen[key] = result
        return result

    def _children(self, scope: Scope, item: Item, node: Node) -> None:
        for child in node.children:
            self._all(scope, item, child.follow((item,)), child)

    def _all(self, scope: Scope, parent: Item, items: list[Item], node: Node, untold: int = 0) -> None:
        """The items of one element or slice: their number, each of them, and its slices.

        `untold` counts others that may be in the slice.
        """
        self.examination.spend()
        if items or not self._is_told_by_slices(node):
            self._count(parent, items, node, untold)
        for item in items:
            self._one(scope, item, node)
        if node.slicing is not None and node.slices:
            self._slices(scope, parent, items, node)

    def _is_told_by_slices(self, node: Node) -> bool:
        """Whether the slices say of an absent element all that it would say."""
        if node.slicing is None or not node.slicing.can_tell(node):
            return False
        return sum(each.min for each in node.slices) >= node.min

    def _count(self, parent: Item, items: list[Item], node: Node, untold: int) -> None:
        number = len(items)
        if number + untold < node.min:
            wanted = "is required" if node.min == 1 else f"is required {node.min} times"
            text = f"{node.label} {wanted} by {node.profile.title}; got {number or 'none'}"
            self._tell("required", text, parent, node, below=f".{node.name}")
        elif node.max is not None and number > node.max:
            allowed = f"is allowed {node.max} times" if node.max else "is not allowed"
            text = f"{node.label} {allowed} by {node.profile.title}; got {number}"
            at = items[node.max]
            self._tell("structure", text, at, node)

    def _tell(self, code: str, text: str, item: Item, node: Node, below: str = "") -> None:
        self.examination.tell("error", code, text, item, below=below, profile=node.profile.url)

    def _one(self, scope: Scope, item: Item, node: Node) -> None:
        self.examination.spend()
        value = item.value
        if node.types and not self._is_of(item, node):
            text = f"{node.label} expects {wording.listed(node.types)}; got {item.type}"
            self._tell("structure", text, item, node)
            return
        if node.fixed is not None and not patterns.is_fixed(value, node.fixed):
            self._tell("value", f"{node.label} must be {_shown(node.fixed)}; got {_shown(value)}", item, node)
        if node.pattern is not None and not patterns.has_pattern(value, node.pattern):
            text = f"{node.label} must have {_shown(node.pattern)}; got {_shown(value)}"
            self._tell("value", text, item, node)
        if node.low is not None or node.high is not None:
            self._bounds(item, node)
        if node.max_length is not None and isinstance(value, str) and len(value) > node.max_length:
            text = f"{node.label} has at most {node.max_length} characters; got {len(value)}"
            self._tell("too-long", text, item, node)
        if node.min_length and isinstance(value, str) and len(value) < node.min_length:
            text = f"{node.label} has at least {node.min_length} characters; got {len(value)}"
            self._tell("value", text, item, node)
        if node.form is not None or node.decimals is not None:
            self._form(item, node)
        if value is None and item.sibling is not None:
            self._absent(item, node)
        if (
            node.binding is not None
            and (isinstance(value, str) or item.type in codes.CODED)
            and value is not None
        ):
            codes.check_bound(self.examination, item, node.binding)
        for bound in node.more_bindings:
            codes.check_bound(self.examination, item, bound)
        if node.narrative is not None and item.type == "Narrative":
            markup.check_control(self.examination, scope, item, node.narrative, node.profile.url)
        if node.rules:
            invariants.check(self.examination, scope, item, node.rules)
        if node.type_profiles:
            self._type_profiles(scope, item, node)
        if node.targets and item.type == "Reference":
            self._target(scope, item, node)
        if node.children and (
            isinstance(value, dict) or item.sibling is not None or node.is_incomplete_alone
        ):
            self._children(slicing.inner(scope, item), item, node)

    def _form(self, item: Item, node: Node) -> None:
        """What the extensions regex and maxDecimalPlaces ask."""
        value = item.value
        if node.form is not None and isinstance(value, str):
            try:
                fits = regex.compile(f"^(?:{node.form})$").search(value) is not None
            except FhirpathError:
                fits = True  # what cannot be read forbids nothing
            if not fits:
                text = f"{node.label} has the form `{node.form[:200]}`; got {_shown(value)}"
                self._tell("value", text, item, node)
        number = value.get("value") if isinstance(value, dict) else value
        if isinstance(number, Decimal) and isinstance(node.decimals, int):
            places = -int(number.as_tuple().exponent)
            if places > node.decimals:
                text = f"{node.label} has at most {node.decimals} decimal places; got {number}"
                self._tell("value", text, item, node)

    def _absent(self, item: Item, node: Node) -> None:
        """A primitive that has extensions in the place of a value."""
        given = {each.get("url") for each in (item.sibling or {}).get("extension", ())}
        bound = node.binding
        if node.must_have_value:
            self._tell("required", f"{node.label} must have a value", item, node)
        elif bound is not None and bound.strength == "required" and item.type == "code":
            # Extensions do not stand for the code (https://hl7.org/fhir/R4/terminologies.html#required).
            text = f"A code from {bound.value_set} is required; there is none"
            self._tell("code-invalid", text, item, node)
        if node.instead and not node.must_have_value and not given & node.instead:
            text = f"{node.label} has a value, or the extension {wording.listed(node.instead)}"
            self._tell("required", text, item, node)

    def _is_of(self, item: Item, node: Node) -> bool:
        if "." in item.type or (not node.is_choice and item.type in ("Resource",)):
            return True
        if item.property is None or item.property.type == "Resource":
            return any(is_a(item.type, each) for each in node.types) if item.property is not None else True
        if not node.is_choice and node.slice_name is None:
            return True
        # A choice names its type: markdown is no string there, though it is derived from it.
        return item.type in node.types or any(
            each in _ABSTRACT and is_a(item.type, each) for each in node.types
        )

    def _bounds(self, item: Item, node: Node) -> None:
        for bound, sign, word in ((node.low, 1, "least"), (node.high, -1, "most")):
            order = None if bound is None else _order(item, bound)
            if order is not None and order * sign < 0:
                text = f"{node.label} is at {word} {_shown(bound)}; got {_shown(item.value)}"
                self._tell("value", text, item, node)

    def _type_profiles(self, scope: Scope, item: Item, node: Node) -> None:
        wanted = [
            each for type, found in node.type_profiles.items() for each in found if is_a(item.type, type)
        ]
        if not wanted or any(is_a(item.type, type_of(each) or "") for each in wanted):
            return
        if item.type == "Extension" and isinstance(item.value, dict):
            urls = {each.partition("|")[0] for each in wanted}
            if item.value.get("url") in urls or node.slice_name is not None:
                return  # an extension is checked against its definition wherever it is met
        inner = slicing.inner(scope, item)
        if len(wanted) > 1 or type_of(wanted[0]) is not None:
            if not any(self.conforms(inner, item, each) is not False for each in wanted):
                text = f"{node.label} must conform to one of {wording.listed(wanted)}; got a {item.type}"
                self._tell("structure", text, item, node)
            return
        found = self.profiles.node(wanted[0])
        if found is None:
            self._unknown(wanted[0], item, node)
        elif found is found.profile.root:
            self.profile(inner, item, found.profile)
        else:
            self._one(inner, item, found)

    def _unknown(self, canonical: str, item: Item, node: Node) -> None:
        fault = self.profiles.faults.get(canonical)
        text = f"{node.label} must conform to {canonical}, which is not known here"
        if fault is not None:
            text = f"{node.label} must conform to {canonical}, which could not be read: {fault}"
        self.examination.tell("error", "not-found", text, item, profile=node.profile.url)

    def _target(self, scope: Scope, item: Item, node: Node) -> None:
        """A reference against the profiles that its target may have, and how it may be reached."""
        targets = node.targets
        if not isinstance(item.value, dict):
            return
        resolved, way = slicing.resolve(self.examination, scope, item)
        if node.aggregation and way is not None and way not in node.aggregation:
            text = f"{node.label} must be {wording.listed(node.aggregation)}; the reference is {way}"
            self._tell("value", text, item, node)
        type = resolved.type if resolved is not None else slicing.stated_type(item)
        if type is None:
            return
        if resolved is not None:
            for each in targets:
                if type_of(each) is None and self.profiles.get(each) is None:
                    text = f"{node.label} may refer to {each}, which is not known here"
                    self.examination.tell("error", "not-found", text, item, profile=node.profile.url)
        fitting = [each for each in targets if self._fits(type, each)]
        if not fitting:
            names = [type_of(each) or each for each in targets]
            text = f"{node.label} may refer to {wording.listed(names)}; got a reference to {type}"
            self._tell("structure", text, item, node)
            return
        if resolved is None or any(type_of(each) is not None for each in fitting):
            return
        inner = Scope(resolved, scope.root if way == "contained" else None)
        if self.examination.depth >= DEEPEST:
            return
        if not any(self.conforms(inner, resolved, each) is not False for each in fitting):
            text = f"{node.label} refers to a {type} that does not conform to {wording.listed(fitting)}"
            self._tell("structure", text, item, node)

    def _fits(self, type: str, canonical: str) -> bool:
        official = type_of(canonical)
        if official is not None:
            return is_a(type, official)
        found = self.profiles.canonicals.find("StructureDefinition", canonical)
        return found is None or is_a(type, str(found.get("type")))

    # Slices

    def _slices(self, scope: Scope, parent: Item, items: list[Item], node: Node) -> None:
        sliced = node.slicing
        assert sliced is not None
        if not sliced.can_tell(node):
            return
        members_of: dict[int, list[Item]] = {position: [] for position in range(len(node.slices))}
        last, seen_open, untold = -1, False, 0
        for item in items:
            position = sliced.find(self, scope, item, node)
            if position == slicing.UNTOLD:
                untold += 1
                continue
            if position is None:
                if sliced.rules == "closed":
                    text = f"{node.label} is closed: this is none of {wording.listed(_names(node))}"
                    self._tell("structure", text, item, node)
                seen_open = True
                continue
            other = sliced.another(self, scope, item, position)
            if other is not None:
                names = f"{node.slices[position].slice_name} and {node.slices[other].slice_name}"
                text = f"{node.label}: an item is in one slice; this is in {names}"
                self._tell("structure", text, item, node)
            if sliced.rules == "openAtEnd" and seen_open:
                text = f"{node.label}: what is in no slice stands at the end"
                self._tell("structure", text, item, node)
            if sliced.ordered and position < last:
                text = f"{node.label}: the slices stand in the order {', '.join(_names(node))}"
                self._tell("structure", text, item, node)
            last = max(last, position)
            members_of[position].append(item)
        for position, found in members_of.items():
            self._all(scope, parent, found, node.slices[position], untold)


def _names(node: Node) -> list[str]:
    return [str(each.slice_name) for each in node.slices]


def _shown(value: Any) -> str:
    if isinstance(value, dict | list):
        text = document.encode(value).decode()
        return text if len(text) <= 200 else f"{text[:200]}..."
    return f"`{str(value)[:80]}`"


def _order(item: Item, bound: Any) -> int | None:
    """Where the value stands: below (-1), at (0) or above (1) the bound; None where that cannot be told."""
    value = item.value
    if isinstance(value, dict) and isinstance(bound, dict):
        return amounts.order(value, bound)
    if isinstance(value, int | Decimal) and isinstance(bound, int | float | Decimal):
        one, other = Decimal(value), Decimal(str(bound))
        return (one > other) - (one < other)
    if isinstance(value, str) and isinstance(bound, str):
        if item.type == "time":
            return (value > bound) - (value < bound)
        try:
            low, high = primitives.date_range(value)
            least, most = primitives.date_range(bound)
        except ValueError:
            return None
        return -1 if high <= least else 1 if low >= most else 0
    return None

"""Profiles, compiled from the snapshots of StructureDefinitions (https://hl7.org/fhir/R4/profiling.html).

A profile becomes a tree of `Node`s, one for each element and slice, of which only those stay that ask more
than R4's own types do. What types ask is checked by `elements`, so that no fault is told twice.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from fhirhub.resources.canonicals import CORE, OFFICIAL, Canonicals, type_of
from fhirhub.resources.fhirpath import FhirpathError, Item
from fhirhub.resources.fhirpath.item import member
from fhirhub.resources.validation import codes, invariants, markup, slicing, snapshots

Json = dict[str, Any]
Rows = Sequence[Json]


# The vital signs profiles of R4 bind components of every kind, codes among them, to units of the vital signs
# alone; no validator holds on to it, and R5 has it no more.
_BOUND_WRONGLY = ("Observation.component.value[x]", "http://hl7.org/fhir/ValueSet/ucum-vitals-common|4.0.1")


_IMPOSE = f"{CORE}structuredefinition-imposeProfile"

# What a definition that nobody has validated may have wrong.
_KINDS = {
    "id": str,
    "path": str,
    "sliceName": str,
    "min": int,
    "max": str,
    "maxLength": int,
    "binding": dict,
    "slicing": dict,
    "type": list,
    "constraint": list,
    "base": dict,
    "extension": list,
}


class Node:
    """What a profile asks of one element, or of one slice of it.

    `type` is the type of the parent that the element belongs to, '' for the root. `asks` says whether there
    is anything to check here or below that R4's own types do not ask already.
    """

    def __init__(self, row: Json, parent: str, profile: Profile) -> None:
        for key, kind in _KINDS.items():
            if key in row and (not isinstance(row[key], kind) or row[key] is True):
                raise TypeError(f"{row.get('path')} has a wrong {key}")
        self.row = row
        self.profile = profile
        self.path: str = row["path"]
        name = self.path.rpartition(".")[2]
        self.is_choice = name.endswith("[x]")
        self.name = name.removesuffix("[x]")
        self.slice_name: str | None = row.get("sliceName")
        self.min: int = row.get("min", 0)
        self.max: int | None = None if row.get("max", "*") == "*" else int(row["max"])
        self.types: tuple[str, ...] = tuple(type_code(each) for each in row.get("type", ()))
        self.children: list[Node] = []
        self.slices: list[Node] = []
        self.slicing: slicing.Slicing | None = None
        self.asks = False
        self.fixed = _value(row, "fixed")
        self.pattern = _value(row, "pattern")
        self.low, self.high = _value(row, "minValue"), _value(row, "maxValue")
        self.max_length: int | None = row.get("maxLength")
        self.min_length = _min_length(row)
        self.form = next((found for each in (row, *row.get("type", ())) if (found := _form(each))), None)
        self.decimals = _extended(row, f"{CORE}maxDecimalPlaces")
        self.must_have_value = any(_of_r5(row, "mustHaveValue"))
        self.instead = frozenset(map(str, _of_r5(row, "valueAlternatives")))
        self.narrative = markup.control(row)
        self.binding = codes.binding(row["binding"], profile.url) if "binding" in row else None
        if self.binding is not None and (self.path, self.binding.value_set) == _BOUND_WRONGLY:
            self.binding = None
        self.more_bindings = tuple(codes.additional(row.get("binding", {}), profile.url))
        self.rules = tuple(_rules(row, profile))
        self.type_profiles = {
            type_code(each): tuple(_profiles(each)) for each in row.get("type", ()) if "profile" in each
        }
        self.targets: tuple[str, ...] = tuple(
            target for each in row.get("type", ()) for target in each.get("targetProfile", ())
        )
        self.aggregation = frozenset(
            mode for each in row.get("type", ()) for mode in each.get("aggregation", ())
        )
        self.follow: Callable[[Sequence[Item]], list[Item]] = _follow(self.name)

    @functools.cached_property
    def is_incomplete_alone(self) -> bool:
        """Whether a value of it, without anything below, lacks something, such as an extension."""
        return any(each.min > 0 for child in self.children for each in (child, *child.slices))

    @property
    def label(self) -> str:
        return self.path if self.slice_name is None else f"{self.path}:{self.slice_name}"


class Profile:
    """A StructureDefinition made ready: its tree, and what it is a profile of."""

    def __init__(self, definition: Json, rows: Rows) -> None:
        self.url: str = definition["url"]
        self.version: str | None = definition.get("version")
        self.type: str = definition["type"]
        self.title: str = definition.get("title") or definition.get("name") or self.url
        self.definition = definition
        self.nodes: dict[str, Node] = {}
        self.root = _tree(rows, self)
        _settle(self.root, self)
        self.is_modifier = bool(rows[0].get("isModifier"))
        self.imposed = tuple(
            str(_value(each, "value"))
            for each in definition.get("extension", ())
            if each.get("url") == _IMPOSE
        )
        """Other profiles to which must conform what conforms to this."""
        self.supported = tuple(_supported(rows))
        """The elements right below the root that must be supported, without those that must be there."""


def _supported(rows: Rows) -> Iterator[str]:
    for row in rows[1:]:
        is_own = row["path"].count(".") == 1 and "sliceName" not in row
        if is_own and row.get("mustSupport") is True and row.get("min", 0) == 0 and row.get("max") != "0":
            yield row["path"].partition(".")[2]


def type_code(given: Json) -> str:
    """The name of the type that an ElementDefinition.type is."""
    code = str(given.get("code", ""))
    if code.startswith("http://hl7.org/fhirpath/System."):
        for each in given.get("extension", ()):
            if str(each.get("url", "")).endswith("structuredefinition-fhir-type"):
                return str(each.get("valueUrl") or each.get("valueUri"))
        return "string"
    return code.removeprefix(CORE)


def _profiles(given: Json) -> Iterator[str]:
    """The profiles of a type; one that means an element of a profile has its id as fragment."""
    marks = given.get("_profile") or ()
    for position, canonical in enumerate(given["profile"]):
        mark = marks[position] if position < len(marks) else None
        ids = [each.get("valueString") for each in (mark or {}).get("extension", ())]
        yield f"{canonical}#{ids[0]}" if ids and ids[0] else canonical


def _value(row: Json, prefix: str) -> Any:
    for key, value in row.items():
        if key.startswith(prefix) and key[len(prefix) : len(prefix) + 1].isupper():
            return value
    return None


def _extended(row: Json, url: str) -> Any:
    """The value of an extension of an ElementDefinition; None where it has none."""
    found = (each for each in row.get("extension", ()) if each.get("url") == url)
    return next((_value(each, "value") for each in found), None)


def _min_length(row: Json) -> int:
    return int(_extended(row, f"{CORE}minLength") or 0)


def _form(row: Json) -> str | None:
    """The regular expression that values match; types of R4's own have theirs checked already."""
    found = _extended(row, f"{CORE}regex")
    return found if isinstance(found, str) and "code" not in row else None


def _of_r5(row: Json, name: str) -> list[Any]:
    """What an ElementDefinition has of R5's, by extension (https://hl7.org/fhir/R5/elementdefinition.html)."""
    url = f"http://hl7.org/fhir/5.0/StructureDefinition/extension-ElementDefinition.{name}"
    return [_value(each, "value") for each in row.get("extension", ()) if each.get("url") == url]


def _rules(row: Json, profile: Profile) -> list[invariants.Rule]:
    found = []
    for constraint in row.get("constraint", ()):
        if invariants.is_official(constraint.get("key", ""), constraint.get("expression", "")):
            continue
        made = invariants.rule(constraint, profile.url)
        if made is not None:
            found.append(made)
    return found


@functools.cache
def _follow(name: str) -> Callable[[Sequence[Item]], list[Item]]:
    follow = member(name)
    return lambda items: list(follow(items))


# From rows to a tree


def _tree(rows: Rows, profile: Profile) -> Node:
    root = Node(rows[0], "", profile)
    profile.nodes[str(rows[0].get("id") or rows[0]["path"])] = root
    # The nodes that are open at each depth of the path: what follows belongs to the last of its parent's path.
    open_nodes: list[Node] = [root]
    for row in rows[1:]:
        depth = row["path"].count(".")
        del open_nodes[depth:]
        if len(open_nodes) < depth:
            continue
        parent = open_nodes[-1]
        node = Node(row, "", profile)
        profile.nodes[str(row.get("id") or row["path"])] = node
        slice_name = node.slice_name
        base = _base_of_slice(parent, node) if slice_name else None
        if base is not None:
            base.slices.append(node)
        else:
            parent.children.append(node)
        open_nodes.append(node)
    return root


def _base_of_slice(parent: Node, node: Node) -> Node | None:
    """The element that is sliced; for `a/b`, the slice `a` of it."""
    for sibling in reversed(parent.children):
        if sibling.name != node.name and not (sibling.is_choice and node.name.startswith(sibling.name)):
            continue
        if sibling.slice_name is not None and sibling.name == node.name and not sibling.slices:
            return None
        found = sibling
        name = str(node.slice_name)
        for _ in range(name.count("/")):
            inner = [each for each in found.slices if name.startswith(f"{each.slice_name}/")]
            if not inner:
                break
            found = inner[-1]
        return found
    return None


def _settle(node: Node, profile: Profile) -> None:
    """Decide below and then here what asks more than the types do."""
    for child in (*node.children, *node.slices):
        _settle(child, profile)
    given = node.row.get("slicing")
    if given is not None or node.slices:
        node.slicing = slicing.compile(given or {}, node)
    node.children = [child for child in node.children if child.asks]
    node.asks = bool(
        node.children
        or node.slices
        or node.rules
        or node.more_bindings
        or node.fixed is not None
        or node.pattern is not None
        or node.low is not None
        or node.high is not None
        or node.max_length is not None
        or node.min_length > 0
        or node.form is not None
        or node.decimals is not None
        or node.must_have_value
        or node.instead
        or node.narrative is not None
        or node.slice_name is not None
        or _has_profiles(node)
        or _differs(node)
    )


def _has_profiles(node: Node) -> bool:
    return (
        any(type_of(each) != type for type, found in node.type_profiles.items() for each in found)
        or any(type_of(each) is None for each in node.targets)
        or bool(node.aggregation)
    )


def _differs(node: Node) -> bool:
    """Whether cardinality, types or binding are narrower than where the element was defined."""
    base = node.row.get("base") or {}
    if "." not in node.path:
        return False
    if node.min > base.get("min", 0) or str(node.row.get("max", "*")) != base.get("max", "*"):
        return True
    own = _own(base.get("path", ""))
    if own is None:
        return True
    if node.types and set(node.types) != {type_code(each) for each in own.get("type", ())}:
        return True
    if node.targets:
        stated = {target for each in own.get("type", ()) for target in each.get("targetProfile", ())}
        if set(node.targets) != stated:
            return True
    if node.binding is not None:
        official = codes.binding(own["binding"]) if "binding" in own else None
        if official is None or (official.strength, official.value_set) != (
            node.binding.strength,
            node.binding.value_set,
        ):
            return node.binding.strength in ("required", "extensible") or node.binding.max is not None
        node.binding = None
    return False


def _own(path: str) -> Json | None:
    """The row of R4's own definition for the path at which an element was defined."""
    return _official_rows(path.partition(".")[0]).get(path)


@functools.cache
def _official_rows(type: str) -> dict[str, Json]:
    definition = OFFICIAL.find("StructureDefinition", CORE + type)
    if definition is None:
        return {}
    return {row["path"]: row for row in definition["snapshot"]["element"]}


class Profiles:
    """The profiles of a set of canonicals, each compiled when first asked for."""

    def __init__(self, canonicals: Canonicals) -> None:
        self.canonicals = canonicals
        self._compiled: dict[str, Profile | None] = {}
        self.faults: dict[str, str] = {}

    def get(self, canonical: str) -> Profile | None:
        """The profile; None where it is unknown, or cannot be made ready (`faults` then says why)."""
        if canonical not in self._compiled:
            self._compiled[canonical] = None  # for what refers to itself while it is made
            self._compiled[canonical] = self._compile(canonical)
        return self._compiled[canonical]

    def node(self, canonical: str) -> Node | None:
        """The root of a profile, or the element in it whose id is the fragment; None where unknown."""
        url, _, id = canonical.partition("#")
        profile = self.get(url)
        if profile is None:
            return None
        return profile.nodes.get(id) if id else profile.root

    def _compile(self, canonical: str) -> Profile | None:
        definition = self.canonicals.find("StructureDefinition", canonical)
        if definition is None:
            return None
        try:
            return Profile(definition, snapshots.rows(definition, self.canonicals))
        except (
            snapshots.SnapshotError,
            FhirpathError,
            AttributeError,
            KeyError,
            TypeError,
            ValueError,
            IndexError,
        ) as fault:
            self.faults[canonical] = str(fault)
            return None

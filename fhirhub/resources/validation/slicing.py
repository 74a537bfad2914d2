"""Which slice of an element an item is in (https://hl7.org/fhir/R4/profiling.html#discriminator)."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

from fhirhub.resources import references
from fhirhub.resources.canonicals import CORE, type_of
from fhirhub.resources.definitions import is_resource_type
from fhirhub.resources.fhirpath import Item
from fhirhub.resources.fhirpath.item import member, of_resource
from fhirhub.resources.fhirpath.model import is_a
from fhirhub.resources.validation import codes, patterns
from fhirhub.resources.validation.examination import Examination, Scope

if TYPE_CHECKING:
    from fhirhub.resources.validation.conforming import Check
    from fhirhub.resources.validation.profiles import Node

Json = dict[str, Any]


class Wanted(NamedTuple):
    """A part of a fixed value or pattern above, or a type of what a reference points to."""

    kind: str
    value: Any


Test = Callable[["Check", Scope, Item], "bool | None"]
"""Whether an item is in a slice by one discriminator; None where what could tell is not known here."""


UNTOLD = -1


class Slicing:
    """How an element is sliced. `rules` is open, closed or openAtEnd."""

    def __init__(self, rules: str, ordered: bool, discriminators: tuple[tuple[str, str], ...]) -> None:
        self.rules = rules
        self.ordered = ordered
        self.discriminators = discriminators
        self._tests: list[list[Test]] | None = None

    def can_tell(self, node: Node) -> bool:
        """Whether there is anything to tell slices by."""
        return bool(self.discriminators)

    def find(self, check: Check, scope: Scope, item: Item, node: Node) -> int | None:
        """The position of the first slice that the item is in; UNTOLD where it may be in one, else None."""
        if self._tests is None:
            self._tests = [
                [
                    test
                    for kind, path in self.discriminators
                    if (test := _test(kind, path, each, check)) is not None
                ]
                for each in node.slices
            ]
        may_be = False
        for position, tests in enumerate(self._tests):
            results = []
            for test in tests:
                result = test(check, scope, item)
                results.append(result)
                if result is False:
                    break
            if False not in results:
                if results and None not in results:
                    return position
                may_be = True
        return UNTOLD if may_be else None

    def another(self, check: Check, scope: Scope, item: Item, first: int) -> int | None:
        """The position of another slice that the item is in as well; None where it is in no other."""
        for position, tests in enumerate((self._tests or [])[first + 1 :], first + 1):
            told = tests and len(tests) == len(self.discriminators)
            if told and all(test(check, scope, item) for test in tests):
                return position
        return None


def compile(given: Json, node: Node) -> Slicing:
    """The slicing of an element; extensions and choices have theirs without being told."""
    discriminators = tuple(
        (str(each.get("type")), str(each.get("path"))) for each in given.get("discriminator", ())
    )
    if not discriminators and node.name in ("extension", "modifierExtension"):
        discriminators = (("value", "url"),)
    elif not discriminators and node.is_choice:
        discriminators = (("type", "$this"),)
    return Slicing(str(given.get("rules", "open")), bool(given.get("ordered")), discriminators)


_STEP = re.compile(r"\$this|[A-Za-z_]\w*(?:\(\s*(?:'[^']*'|[\w.]*)\s*\))?")


@functools.cache
def _steps(path: str) -> tuple[str, ...]:
    return tuple(step for step in _STEP.findall(path) if step != "$this")


def _argument(step: str) -> str:
    return step.partition("(")[2].rstrip(") ").strip(" '")


# What a slice says at the path


def _criteria(slice: Node, path: str, check: Check) -> list[Any]:
    found: list[Any] = [slice]
    for step in _steps(path):
        found = [each for criterion in found for each in _next(criterion, step, check)]
    return found


def _next(criterion: Any, step: str, check: Check) -> Iterable[Any]:
    if isinstance(criterion, Wanted):
        if criterion.kind != "type" and isinstance(criterion.value, dict) and step in criterion.value:
            inner = criterion.value[step]
            for each in inner if isinstance(inner, list) else (inner,):
                yield Wanted(criterion.kind, each)
        return
    node: Node = criterion
    if step == "resolve()":
        for target in node.targets:
            yield from _of_target(target, check)
        for each in node.slices:
            yield from _next(each, step, check)
        return
    if step.startswith(("ofType(", "as(")):
        type = _argument(step)
        if not node.types or type in node.types:
            yield node
        yield from (each for each in node.slices if type in each.types)
        return
    if step.startswith("extension("):
        yield from _extension_slices(node, _argument(step))
        return
    is_there = False
    for kind in ("fixed", "pattern"):
        value = getattr(node, kind)
        if isinstance(value, dict) and step in value:
            is_there = True
            yield from _next(Wanted(kind, value), step, check)
    for child in node.children:
        if child.name == step or (
            child.name.startswith(step)
            and child.name[len(step) :] in {t[:1].upper() + t[1:] for t in child.types}
        ):
            is_there = True
            telling = [slice for slice in child.slices if tells(slice)]
            if not child.is_choice or not telling:
                yield child
            yield from telling if child.is_choice else child.slices
    if not is_there:
        for root in _roots(node, check):
            yield from _next(root, step, check)


def _extension_slices(node: Node, url: str) -> Iterable[Node]:
    pending = [slice for child in node.children if child.name == "extension" for slice in child.slices]
    while pending:
        each = pending.pop(0)
        profiles = {found.partition("|")[0] for part in each.type_profiles.values() for found in part}
        if each.slices:
            pending += each.slices
        elif url in profiles or each.slice_name == url:
            yield each


def _roots(node: Node, check: Check) -> Iterable[Node]:
    """The roots of the profiles of its type."""
    for profiles in node.type_profiles.values():
        for canonical in profiles:
            found = check.profiles.node(canonical)
            if found is not None and found is not node:
                yield found


def _of_target(target: str, check: Check) -> Iterable[Any]:
    official = type_of(target)
    if official is not None:
        yield Wanted("type", official)
        return
    profile = check.profiles.get(target)
    if profile is not None:
        yield profile.root


# What an item has at the path


def _items(check: Check, scope: Scope, item: Item, path: str) -> list[Item]:
    found = [item]
    for step in _steps(path):
        if step == "resolve()":
            resolved = [resolve(check.examination, scope, each)[0] for each in found]
            found = [each for each in resolved if each is not None]
        elif step.startswith(("ofType(", "as(")):
            type = _argument(step)
            found = [each for each in found if is_a(each.type, type)]
        elif step.startswith("extension("):
            url = _argument(step)
            found = [each for each in member("extension")(found) if each.value.get("url") == url]
        else:
            found = list(member(step)(found))
    return found


def _test(kind: str, path: str, slice: Node, check: Check) -> Test | None:
    """The test of one discriminator; None where the slice says nothing there."""
    criteria = _criteria(slice, path, check)
    if kind == "exists":
        return _exists(path, criteria)
    if kind == "type":
        return _of_type(path, slice, criteria)
    if kind == "profile":
        return _conforming(path, slice, criteria)
    if path == "url" and slice.name in ("extension", "modifierExtension"):
        urls = frozenset(
            each.partition("|")[0] for found in slice.type_profiles.values() for each in found
        ) or frozenset(
            each.fixed if not isinstance(each, Wanted) else each.value
            for each in criteria
            if isinstance(each, Wanted) or each.fixed is not None
        )
        return lambda check, scope, item: item.value.get("url") in urls
    return _having(path, criteria)


def _having(path: str, criteria: list[Any]) -> Test | None:
    telling = [each for each in criteria if isinstance(each, Wanted) or tells(each)]

    if not telling:
        return None

    def test(check: Check, scope: Scope, item: Item) -> bool | None:
        found = _items(check, scope, item, path)
        if not found and "resolve()" in path:
            return _unless_other(check, scope, item, path, {"Resource"})
        return _any(_satisfies(check, scope, each, criterion) for criterion in telling for each in found)

    return test


def _exists(path: str, criteria: list[Any]) -> Test | None:
    must = any(not isinstance(each, Wanted) and each.min > 0 for each in criteria)
    may_not = any(not isinstance(each, Wanted) and each.max == 0 for each in criteria)

    if not must and not may_not:
        return None

    def test(check: Check, scope: Scope, item: Item) -> bool | None:
        return bool(_items(check, scope, item, path)) == must

    return test


def _of_type(path: str, slice: Node, criteria: list[Any]) -> Test | None:
    types: set[str] = set()
    for each in criteria:
        if isinstance(each, Wanted):
            types.add(str(each.value))
        elif each.types:
            types.update(each.types)
        elif each is each.profile.root:
            types.add(each.profile.type)

    if not types:
        return None

    def test(check: Check, scope: Scope, item: Item) -> bool | None:
        found = {each.type for each in _items(check, scope, item, path)}
        if not found and "resolve()" in path:
            return _unless_other(check, scope, item, path, types)
        return any(is_a(each, type) for each in found for type in types)

    return test


def _conforming(path: str, slice: Node, criteria: list[Any]) -> Test | None:
    wanted: set[str] = set()
    for each in criteria:
        if isinstance(each, Wanted):
            wanted.add(CORE + str(each.value))
        elif each is each.profile.root:
            wanted.add(each.profile.url)
        else:
            wanted.update(found for profiles in each.type_profiles.values() for found in profiles)
            if not each.type_profiles:
                wanted.update(CORE + type for type in each.types if type != "Resource")

    if not wanted:
        return None

    def test(check: Check, scope: Scope, item: Item) -> bool | None:
        found = _items(check, scope, item, path)
        if not found and "resolve()" in path:
            types = {_type_of_profile(check, each) or "Resource" for each in wanted}
            return _unless_other(check, scope, item, path, types)
        return any(check.conforms(inner(scope, one), one, each) is True for one in found for each in wanted)

    return test


def _type_of_profile(check: Check, canonical: str) -> str | None:
    official = type_of(canonical)
    if official is not None:
        return official
    profile = check.profiles.get(canonical)
    return profile.type if profile is not None else None


def _unless_other(check: Check, scope: Scope, item: Item, path: str, types: set[str]) -> bool | None:
    """Of a reference that leads to nothing known: not told, or False where it names another type."""
    holder, _, rest = path.partition("resolve()")
    for each in _items(check, scope, item, holder.rstrip(".")):
        stated = stated_type(each)
        if rest or stated is None or any(is_a(stated, type) for type in types):
            return None
    return False


def inner(scope: Scope, item: Item) -> Scope:
    """The scope of an item: another one where it is another resource."""
    if is_resource_type(item.type) and item.value is not scope.item.value:
        is_contained = item.property is not None and item.property.name == "contained"
        return Scope(item, item.parent if is_contained else None)
    return scope


# Values against what a slice says


def tells(node: Node) -> bool:
    """Whether the node says what a value there must be."""
    if node.fixed is not None or node.pattern is not None:
        return True
    if node.binding is not None and node.binding.strength == "required":
        return True
    return any(tells(child) or child.max == 0 or child.min > 0 for child in node.children) or any(
        tells(each) for each in node.slices if each.min > 0
    )


def _satisfies(check: Check, scope: Scope, item: Item, criterion: Any) -> bool | None:
    """Whether the item has what the slice says; None where only an unknown value set could tell."""
    if isinstance(criterion, Wanted):
        if criterion.kind == "fixed":
            return patterns.is_fixed(item.value, criterion.value)
        return patterns.has_pattern(item.value, criterion.value)
    node: Node = criterion
    check.examination.spend()
    if node.fixed is not None and not patterns.is_fixed(item.value, node.fixed):
        return False
    if node.pattern is not None and not patterns.has_pattern(item.value, node.pattern):
        return False
    results = [_is_bound(check, item, node)]
    for child in node.children if isinstance(item.value, dict) else ():
        found = child.follow((item,))
        if (child.max == 0 and found) or len(found) < child.min:
            return False
        needed = [child] if found and tells(child) else []
        needed += [slice for slice in child.slices if slice.min > 0 and tells(slice)]
        results += [_any(_satisfies(check, scope, each, one) for each in found) for one in needed]
        if results[-1] is False:
            return False
    return False if False in results else None if None in results else True


def _is_bound(check: Check, item: Item, node: Node) -> bool | None:
    """Whether the item is in the value set, where that is all that the node says."""
    if node.binding is None or node.binding.strength != "required":
        return True
    if node.fixed is not None or node.pattern is not None:
        return True
    is_coded = item.type in codes.CODED or isinstance(item.value, str)
    return check.examination.is_member(item, node.binding.value_set) if is_coded else True


def _any(results: Iterable[bool | None]) -> bool | None:
    found = list(results)
    return True if True in found else None if None in found else False


# References


def resolve(examination: Examination, scope: Scope, item: Item) -> tuple[Item | None, str | None]:
    """What a reference points to, and by which way: contained, bundled or referenced.

    The way is None for a reference that names nothing, such as one by identifier.
    """
    value = item.value
    text = value.get("reference") if isinstance(value, dict) else value
    if not isinstance(text, str) or not text:
        return None, None
    if text.startswith("#"):
        return _in_container(scope, text[1:]), "contained"
    found = _in_bundle(examination, item, text)
    if found is not None:
        return found, "bundled"
    resource = examination.resolve(text) if examination.resolve is not None else None
    if resource is not None:
        return of_resource(resource), "referenced"
    return None, None if text.startswith("urn:") else "referenced"


_contained = member("contained")
_entries = member("entry")
_resources = member("resource")


def _in_container(scope: Scope, id: str) -> Item | None:
    if not id:
        return scope.root
    return next((each for each in _contained((scope.root,)) if each.value.get("id") == id), None)


def _in_bundle(examination: Examination, item: Item, text: str) -> Item | None:
    """By fullUrl; a relative reference is completed by its own entry's (bundle.html#references)."""
    entry = bundle = None
    at: Item | None = item
    while at is not None:
        if at.type == "Bundle.entry":
            entry = at
        elif at.type == "Bundle":
            bundle = at
        at = at.parent
    if bundle is None or entry is None:
        return None
    known = examination.bundles.get(id(bundle.value))
    if known is None:
        known = examination.bundles[id(bundle.value)] = _by_url(bundle)
    wanted = references.parse(text)
    base = references.parse(str(entry.value.get("fullUrl") or "")).base
    url = f"{base}/{wanted.url}" if wanted.is_local and base else wanted.url
    if wanted.is_local and base is None and str(entry.value.get("fullUrl")).startswith("urn:uuid:"):
        url = f"urn:uuid:{wanted.id}"  # what a relative reference of an entry without a server may mean
    for resource in known.get(url) or known.get(wanted.url) or ():
        version = (resource.value.get("meta") or {}).get("versionId")
        if wanted.version in (None, version):
            return resource
    return None


def _by_url(bundle: Item) -> dict[str, list[Item]]:
    """The resources of a Bundle by fullUrl, by type and id where they have none."""
    found: dict[str, list[Item]] = {}
    for entry in _entries((bundle,)):
        for resource in _resources((entry,)):
            url = entry.value.get("fullUrl") or f"{resource.type}/{resource.value.get('id')}"
            found.setdefault(str(url), []).append(resource)
    return found


def stated_type(item: Item) -> str | None:
    """The type of a reference's target, as far as the reference says."""
    value = item.value
    if not isinstance(value, dict):
        return None
    stated = value.get("type")
    if isinstance(stated, str) and is_resource_type(stated.removeprefix(CORE)):
        return stated.removeprefix(CORE)
    text = value.get("reference")
    return references.parse(text).type if isinstance(text, str) else None

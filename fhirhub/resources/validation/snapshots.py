"""Snapshots made from differentials (https://hl7.org/fhir/R4/profiling.html#snapshot).

The snapshot of the base becomes a tree of elements and slices; each element of the differential finds its
place in it, opening types, profiles and contentReferences on the way, and lays its constraints over what is
there. Read out in order, the tree is the snapshot.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from fhirhub.resources.canonicals import CORE, Canonicals

Json = dict[str, Any]
Rows = Sequence[Json]
Steps = list[tuple[str, str | None]]
"""Names and slices, from the root."""

DEEPEST = 30
MOST_ROWS = 20_000


def fault(definition: Json, canonicals: Canonicals) -> str | None:
    """Why no snapshot can be made from its differential; None where one can, or its base is not known."""
    base = canonicals.find("StructureDefinition", str(definition.get("baseDefinition", "")))
    if base is None or definition.get("derivation") != "constraint" or "differential" not in definition:
        return None
    try:
        _generate(definition, canonicals, 0)
    except SnapshotError as found:
        return str(found)
    except (AttributeError, KeyError, TypeError):
        return None  # its structure is wrong, and that is told already
    return None


class SnapshotError(Exception):
    """A differential that does not fit its base, or a base that is not known."""


def rows(definition: Json, canonicals: Canonicals, depth: int = 0) -> Rows:
    """The elements of the snapshot: as given, or else made from the differential."""
    given = definition.get("snapshot", {}).get("element")
    if given:
        return list(given)
    made = _kept(canonicals).get(definition["url"])
    if made is not None and made[0] is definition:
        return made[1]
    if depth > DEEPEST:
        raise SnapshotError(f"{definition.get('url')} is derived from itself, or too often")
    found = _generate(definition, canonicals, depth)
    _kept(canonicals)[definition["url"]] = (definition, found)
    return found


def _kept(canonicals: Canonicals) -> dict[str, tuple[Json, Rows]]:
    """The snapshots made so far: what many profiles derive from is made once."""
    return canonicals.snapshots


def _generate(definition: Json, canonicals: Canonicals, depth: int) -> Rows:
    url = definition.get("baseDefinition", "")
    base = canonicals.find("StructureDefinition", url)
    if base is None:
        raise SnapshotError(f"{definition.get('url')} is derived from {url}, which is not known here")
    tree = _Tree(_whole(base, rows(base, canonicals, depth + 1)), canonicals, depth)
    given = [row for row in definition.get("differential", {}).get("element", ()) if "path" in row]
    laid = [(row, tree.steps(row)) for row in given]
    for row, steps in laid:
        tree.apply(row, steps)
    tree.finish(laid)
    found = list(tree.root.rows("", ""))
    if len(found) > MOST_ROWS:
        raise SnapshotError(f"The snapshot of {definition.get('url')} has more than {MOST_ROWS} elements")
    return found


def _whole(definition: Json, given: Rows) -> Rows:
    """The rows with contentReferences that say which definition they are of."""
    return [
        {**row, "contentReference": f"{CORE}{definition['type']}{row['contentReference']}"}
        if str(row.get("contentReference", "")).startswith("#")
        else row
        for row in given
    ]


class _Element:
    """An element or a slice in the tree. `children` are elements, `slices` the slices of this one.

    `row` is what the differential makes of `base`, from which new slices begin.
    """

    __slots__ = ("base", "children", "name", "row", "slice_name", "slices")

    def __init__(self, name: str, row: Json, slice_name: str | None = None) -> None:
        self.name = name
        self.row = row
        self.base = row
        self.slice_name = slice_name
        self.children: list[_Element] = []
        self.slices: list[_Element] = []

    def rows(self, path: str, id: str) -> Iterator[Json]:
        """This, what is below it, and its slices, in the order of a snapshot."""
        own_path = f"{path}.{self.name}" if path else self.name
        own_id = f"{id}.{self.name}" if id else self.name
        if self.slice_name is not None:
            own_id += f":{self.slice_name}"
        yield {**self.row, "id": own_id, "path": own_path}
        for child in self.children:
            yield from child.rows(own_path, own_id)
        for slice in self.slices:
            yield from slice.rows(path, id)

    def copy(self) -> _Element:
        made = _Element(self.name, dict(self.row), self.slice_name)
        made.children = [child.copy() for child in self.children]
        made.slices = [slice.copy() for slice in self.slices]
        return made


def _tree_of(given: Iterable[Json]) -> _Element:
    """The tree of a snapshot's rows."""
    found = iter(given)
    first = next(found)
    root = _Element(first["path"], dict(first))
    opened = [root]
    for row in found:
        depth = row["path"].count(".")
        del opened[depth:]
        if len(opened) != depth:
            raise SnapshotError(f"{row['path']} stands under nothing")
        made = _Element(row["path"].rpartition(".")[2], dict(row), row.get("sliceName"))
        parent = opened[-1]
        sliced = _sliced(parent, made) if made.slice_name is not None else None
        (parent.children if sliced is None else sliced.slices).append(made)
        opened.append(made)
    return root


def _sliced(parent: _Element, slice: _Element) -> _Element | None:
    """The element that the slice is one of; for `a/b` the slice `a`."""
    for child in reversed(parent.children):
        if child.name == slice.name:
            name = str(slice.slice_name)
            while inner := [each for each in child.slices if name.startswith(f"{each.slice_name}/")]:
                child = inner[-1]
            return child
    return None


class _Tree:
    def __init__(self, base: Rows, canonicals: Canonicals, depth: int) -> None:
        self.root = _tree_of(base)
        self.base = _tree_of(base)
        self.canonicals = canonicals
        self.depth = depth
        self.opened: dict[str, Steps] = {}

    def steps(self, row: Json) -> Steps:
        """The names and slices on the way to the element: by its id, or by what was opened before it."""
        path = row["path"]
        steps = _by_id(row)
        if steps is None:
            parent, _, name = path.rpartition(".")
            steps = [*self.opened.get(parent, [(each, None) for each in parent.split(".")])] if parent else []
            steps.append((name, row.get("sliceName")))
        for other in [each for each in self.opened if each == path or each.startswith(path + ".")]:
            del self.opened[other]
        self.opened[path] = steps
        return steps

    def apply(self, row: Json, steps: Steps) -> None:
        """Lay one element of the differential over the tree."""
        at = self.root
        for name, slice_name in steps[1:]:
            at = self.step(at, name, slice_name)
        self.merge(at, row)

    def finish(self, laid: Sequence[tuple[Json, Steps]]) -> None:
        """What follows from the whole of a differential for choices that it slices by type."""
        stated = {_id(steps) for _, steps in laid if steps[-1][1] is None}
        slices: dict[str, list[tuple[Json, Steps]]] = {}
        for row, steps in laid:
            if steps[-1][1] is not None and row["path"].endswith("[x]"):
                slices.setdefault(_id([*steps[:-1], (steps[-1][0], None)]), []).append((row, steps))
        for id, found in slices.items():
            row, steps = found[0]
            element = self.at([*steps[:-1], (steps[-1][0], None)])
            if len(found) == 1 and "min" not in row and element.base.get("min") == 1:
                self.at(steps).row["min"] = 1
            if id not in stated and all(len(row.get("type", ())) == 1 for row, _ in found):
                # Slices alone, without the element that they are slices of, leave no other type.
                element.row["type"] = [{"code": row["type"][0]["code"]} for row, _ in found]
                element.row["slicing"] = {**element.row.get("slicing", {}), "rules": "closed"}

    def at(self, steps: Steps) -> _Element:
        """What stands at the end of those steps."""
        found = self.root
        for name, slice_name in steps[1:]:
            found = self.step(found, name, slice_name)
        return found

    def step(self, parent: _Element, name: str, slice_name: str | None) -> _Element:
        if not parent.children:
            self.open(parent)
        child = _child(parent, name)
        if child is None:
            raise SnapshotError(f"{parent.row.get('path')} has no element {name}")
        if child.name != name and slice_name is None:
            slice_name = name  # valueQuantity for value[x]
        if slice_name is None:
            return child
        found = child
        for part in _parts(slice_name):
            inner = next((each for each in found.slices if each.slice_name == part), None)
            found = inner if inner is not None else self.slice(found, part)
        return found

    def slice(self, element: _Element, name: str) -> _Element:
        """A new slice of the element: at first it asks what the element asks, but need not be there."""
        row = {key: value for key, value in element.base.items() if key not in ("slicing", "sliceName")}
        row["min"] = 0
        row["sliceName"] = name
        made = _Element(element.name, row, name)
        if element.name.endswith("[x]"):
            made.row["max"] = "1" if element.row.get("max") != "0" else "0"
            prefix = element.name.removesuffix("[x]")
            types = [each for each in row.get("type", ()) if prefix + _capital(each["code"]) == name]
            if types:
                row["type"] = types
            if "slicing" not in element.row:
                element.row["slicing"] = {
                    "discriminator": [{"type": "type", "path": "$this"}],
                    "ordered": False,
                    "rules": "open",
                }
        elif element.name in ("extension", "modifierExtension") and "slicing" not in element.row:
            element.row["slicing"] = {
                "discriminator": [{"type": "value", "path": "url"}],
                "ordered": False,
                "rules": "open",
            }
        element.slices.append(made)
        return made

    def open(self, element: _Element) -> None:
        """Give an element the children of its type, its profile, or what it refers to."""
        reference = element.row.get("contentReference")
        if isinstance(reference, str):
            found = self.find(reference.partition("#")[2])
            element.children = [child.copy() for child in found.children]
            element.row.pop("contentReference")
            element.row["type"] = found.row.get("type", [])
            return
        sliced = self.sliced_from(element)
        if sliced is not None and sliced.children:
            element.children = [child.copy() for child in sliced.children]
            return
        source = _tree_of(self.type_rows(element))
        element.children = source.children

    def sliced_from(self, slice: _Element) -> _Element | None:
        """The element that has this as a slice, whose children the slice shares at first."""
        if slice.slice_name is None or any("profile" in each for each in slice.row.get("type", ())):
            return None
        pending = [self.root]
        while pending:
            element = pending.pop()
            if any(each is slice for each in element.slices):
                return element
            pending += element.children + element.slices
        return None

    def type_rows(self, element: _Element) -> Rows:
        types = element.row.get("type", [])
        canonical = CORE + "Element"
        if len({each["code"] for each in types}) == 1:
            profiles = [each for given in types for each in given.get("profile", ())]
            code = types[0]["code"]
            if len(profiles) == 1 and "#" not in profiles[0]:
                found = self.canonicals.find("StructureDefinition", profiles[0])
                is_of_type = found is not None and found.get("type") in (code, CORE + code)
                is_resource = code == "Resource" and "_profile" not in types[0]
                if found is not None and (is_of_type or is_resource) and self.depth < DEEPEST:
                    return rows(found, self.canonicals, self.depth + 1)
            canonical = code if "/" in code and "fhirpath" not in code else CORE + code
            if "fhirpath/System." in code:
                canonical = CORE + "Element"
        definition = self.canonicals.find("StructureDefinition", canonical)
        if definition is None:
            raise SnapshotError(
                f"{element.row.get('path')} has the type {canonical}, which is not known here"
            )
        return rows(definition, self.canonicals, self.depth + 1)

    def find(self, id: str) -> _Element:
        """The element of the base with that id, as contentReferences name it."""
        at = self.base
        for name in id.split(".")[1:]:
            child = _child(at, name)
            if child is None:
                raise SnapshotError(f"There is no element {id}")
            at = child
        return at

    def merge(self, element: _Element, row: Json) -> None:
        """Lay the constraints of a differential's element over what is there."""
        element.row = into = dict(element.row)
        self.take_profile(element, row)
        for key, value in row.items():
            if key in ("id", "path", "sliceName", "constraint", "base"):
                continue
            if key.startswith(("fixed", "pattern", "minValue", "maxValue")):
                for other in [each for each in into if each.startswith(_prefix(key))]:
                    del into[other]
            if key == "binding":
                value = {**into.get("binding", {}), **value} if "valueSet" not in value else value
            into[key] = value
        if "constraint" in row:
            keys = {each.get("key") for each in row["constraint"]}
            kept = [each for each in into.get("constraint", ()) if each.get("key") not in keys]
            into["constraint"] = [*kept, *row["constraint"]]
        if "binding" in into and into.get("type") and not any(map(_is_bindable, into["type"])):
            del into["binding"]

    def take_profile(self, element: _Element, row: Json) -> None:
        """Where a differential sets a profile on a type, its root stands behind what is said here."""
        types = row.get("type", ())
        profiles = [each for given in types for each in given.get("profile", ())]
        if len(types) != 1 or len(profiles) != 1 or types[0]["code"] != "Extension":
            return
        found = self.canonicals.find("StructureDefinition", profiles[0])
        if found is None or self.depth >= DEEPEST:
            return
        first = rows(found, self.canonicals, self.depth + 1)[0]
        into = element.row
        for key in ("min", "max", "isModifier"):
            if key in first:
                into[key] = first[key]
        keys = {each.get("key") for each in into.get("constraint", ())}
        more = [each for each in first.get("constraint", ()) if each.get("key") not in keys]
        if more:
            into["constraint"] = [*into.get("constraint", ()), *more]


_BINDABLE = frozenset({"code", "Coding", "CodeableConcept", "Quantity", "string", "uri", "Extension"})


def _is_bindable(type: Json) -> bool:
    return type.get("code") in _BINDABLE


def _id(steps: Steps) -> str:
    return ".".join(name if slice is None else f"{name}:{slice}" for name, slice in steps)


def _by_id(row: Json) -> Steps | None:
    """The steps that its id tells; None where it has none that fits its path."""
    path = row["path"].split(".")
    id = row.get("id")
    parts = id.split(".") if isinstance(id, str) else []
    if len(parts) != len(path) or any(
        not part.partition(":")[0].startswith(name.removesuffix("[x]"))
        for part, name in zip(parts, path, strict=True)
    ):
        return None
    found: Steps = [(part.partition(":")[0], part.partition(":")[2] or None) for part in parts]
    return [*found[:-1], (found[-1][0], row.get("sliceName") or found[-1][1])]


def _parts(slice_name: str) -> Iterator[str]:
    """`a/b/c` is a slice of `a/b`, which is a slice of `a`."""
    at = -1
    while (at := slice_name.find("/", at + 1)) >= 0:
        yield slice_name[:at]
    yield slice_name


def _child(parent: _Element, name: str) -> _Element | None:
    for child in parent.children:
        if child.name == name:
            return child
    for child in parent.children:
        if child.name.endswith("[x]"):
            prefix = child.name.removesuffix("[x]")
            types = {_capital(each["code"]) for each in child.row.get("type", ())}
            if name == prefix or (name.startswith(prefix) and name.removeprefix(prefix) in types):
                return child
    return None


def _capital(name: str) -> str:
    return name[:1].upper() + name[1:]


def _prefix(key: str) -> str:
    return next(each for each in ("fixed", "pattern", "minValue", "maxValue") if key.startswith(each))

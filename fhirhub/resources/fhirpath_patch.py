"""The operations of FHIRPath Patch (https://hl7.org/fhir/R4/fhirpatch.html)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from fhirhub import errors
from fhirhub.errors import FhirError
from fhirhub.resources import fhirpath
from fhirhub.resources.fhirpath import Environment, Expression, FhirpathError, Item
from fhirhub.resources.fhirpath.compiler import compile_node
from fhirhub.resources.fhirpath.environment import MOST_STEPS
from fhirhub.resources.fhirpath.item import of_resource
from fhirhub.resources.fhirpath.model import Property, is_a, is_primitive, kind, members
from fhirhub.resources.fhirpath.parser import parse
from fhirhub.resources.fhirpath.tree import Member, Node, Step
from fhirhub.resources.json_patch import copied

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Given:
    """The value of an operation: JSON of a `type` with what stands beside a primitive, or `parts` of one."""

    type: str = ""
    json: Any = None
    sibling: Json | None = None
    parts: Sequence[Json] | None = None


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a value stands or will stand: under a property of an object, at an index where it repeats."""

    parent: Item
    property: Property
    index: int = -1


class FhirpathPatch:
    """A resource in the making; each operation finds its places in what the ones before have left."""

    def __init__(self, resource: Json) -> None:
        self.resource = resource
        self.emptied: dict[int, Any] = {}
        self.steps = MOST_STEPS
        self.at = ""
        self.name = ""

    def apply(self, at: str, operation: Json) -> None:
        self.at = at
        if operation.get("name") != "operation":
            raise self.bad("A FHIRPath Patch consists of parameters named `operation`")
        parts: dict[str, Json] = {}
        for part in operation.get("part") or []:
            if part.get("name") in parts:
                raise self.bad(f"There are two parts `{part.get('name')}`")
            parts[str(part.get("name"))] = part
        self.name = self.text(parts, "type")
        run = _CHANGES.get(self.name)
        if run is None:
            raise self.bad(f"`{self.name}` is no type of operation; there are {', '.join(_CHANGES)}")
        run(self, parts)

    # The operations

    def add(self, parts: dict[str, Json]) -> None:
        """Append to a repeating element, or fill one that is absent."""
        path, name = self.text(parts, "path"), self.text(parts, "name")
        parent = self.one(path)
        property, value = self.fitted(parent.type, name, self.given(parts))
        target = self.holder(parent)
        if property.many:
            self.insert_at(target, property, len(self.listed(target, property)), value)
            return
        if any(
            other.key in target or other.shadow in target for other in members(parent.type)[property.name]
        ):
            raise self.misfit(f"`{path}` has `{name}` already, and it does not repeat; use `replace`")
        self.set(target, property, value)

    def insert(self, parts: dict[str, Json]) -> None:
        place, size = self.list_at(self.text(parts, "path"))
        index = self.number(parts, "index")
        if not 0 <= index <= size:
            raise self.misfit(f"`index` is {index}; the list has {size} items")
        property, value = self.fitted(place.parent.type, place.property.name, self.given(parts))
        self.insert_at(place.parent.value, property, index, value)

    def delete(self, parts: dict[str, Json]) -> None:
        """Nothing to delete is no error."""
        path = self.text(parts, "path")
        found = self.find(path)
        if len(found) > 1:
            raise self.misfit(f"`{path}` finds {len(found)} elements; name a single one")
        if found:
            self.remove(self.place(path, found[0]))

    def replace(self, parts: dict[str, Json]) -> None:
        path = self.text(parts, "path")
        place = self.place(path, self.one(path))
        property, value = self.fitted(place.parent.type, place.property.name, self.given(parts))
        holder = self.holder(place.parent)
        if place.index < 0:
            self.put_in_place(holder, place.property, property, value)
            return
        listed = self.listed(holder, property)
        listed[place.index] = value.json
        self.align(holder, property, len(listed), place.index, value.sibling)

    def move(self, parts: dict[str, Json]) -> None:
        place, size = self.list_at(self.text(parts, "path"))
        source, destination = self.number(parts, "source"), self.number(parts, "destination")
        for name, index in (("source", source), ("destination", destination)):
            if not 0 <= index < size:
                raise self.misfit(f"`{name}` is {index}; the list has {size} items")
        for key in (place.property.key, place.property.shadow):
            listed = place.parent.value.get(key)
            if isinstance(listed, list):
                listed += [None] * (size - len(listed))
                listed.insert(destination, listed.pop(source))

    # Where

    def find(self, path: str, node: Node | None = None) -> list[Item]:
        """What the path, or a node of its tree, finds."""
        env = Environment(self.resource, steps=self.steps)
        try:
            expression = Expression(path, compile_node(node)) if node else fhirpath.compile(path)
            found = expression(self.resource, env)
        except FhirpathError as fault:
            raise errors.invalid(f"{self.what()}: {fault.text}", self.at) from None
        self.steps = env.steps
        return found

    def one(self, path: str, node: Node | None = None) -> Item:
        found = self.find(path, node)
        if len(found) != 1:
            below = " has a parent that" if node else ""
            raise self.misfit(f"`{path}`{below} finds {len(found) or 'no'} elements; name a single one")
        item = found[0]
        if (item.parent is None or item.property is None) and item.value is not self.resource:
            raise self.misfit(f"`{path}` finds what is computed, and no element within the resource")
        return item

    def place(self, path: str, item: Item) -> _Place:
        if item.parent is None or item.property is None:
            raise self.misfit(f"`{path}` is no element within the resource")
        return _Place(item.parent, item.property, item.index)

    def list_at(self, path: str) -> tuple[_Place, int]:
        """The repeating element that the path names, which may still be empty, and its size."""
        try:
            tree = parse(path)
        except FhirpathError as fault:
            raise errors.invalid(f"{self.what()}: {fault.text}", self.at) from None
        match tree:
            case Step(left, Member(name)):
                parent = self.one(path, left)
            case Member(name):
                parent = of_resource(self.resource)
            case _:
                raise self.misfit(f"`{path}` is no path to a list, such as `Patient.name`")
        properties = members(parent.type).get(name) if isinstance(parent.value, dict) else None
        if not properties or not properties[0].many:
            raise self.misfit(f"`{path}` is no element that repeats")
        return _Place(parent, properties[0]), len(self.listed(parent.value, properties[0]))

    def holder(self, parent: Item) -> Json:
        """The object in which the children of an element stand: its own, or what is beside a primitive."""
        found: Json = parent.value if isinstance(parent.value, dict) else self.sibling_of(parent)
        return found

    def sibling_of(self, primitive: Item) -> Json:
        """What stands beside a primitive in the resource, made where there is nothing yet."""
        if primitive.parent is None or primitive.property is None:
            raise self.misfit("A computed value has no children")
        if primitive.sibling is not None:
            return primitive.sibling
        sibling: Json = {}
        if primitive.index < 0:
            self.holder(primitive.parent)[primitive.property.shadow] = sibling
        else:
            holder = self.holder(primitive.parent)
            size = len(self.listed(holder, primitive.property))
            self.align(holder, primitive.property, size, primitive.index, sibling)
        primitive.sibling = sibling
        return sibling

    # What

    def given(self, parts: dict[str, Json]) -> _Given:
        part = parts.get("value")
        if part is None:
            raise self.bad("The part `value` is missing")
        return self.value_of(part)

    def value_of(self, part: Json) -> _Given:
        if "part" in part:
            return _Given(parts=part["part"])
        if "resource" in part:
            return _Given("Resource", part["resource"])
        for property in members("Parameters.parameter")["value"]:
            if property.key in part or property.shadow in part:
                return _Given(
                    property.type, copied(part.get(property.key)), copied(part.get(property.shadow))
                )
        raise self.bad(f"The part `{part.get('name')}` has neither a value nor parts")

    def fitted(self, type: str, name: str, value: _Given) -> tuple[Property, _Given]:
        """The property of the type that takes the value under that name, and the value in its form."""
        properties = members(type).get(name)
        if not properties:
            raise self.misfit(f"{type} has no element `{name}`")
        if value.parts is not None:
            if len(properties) > 1 or properties[0].primitive:
                raise self.misfit(f"`{name}` takes a value of a type, not parts")
            built = self.built(properties[0].type, value.parts)
            return properties[0], _Given(properties[0].type, built)
        for property in properties:
            if property.type == value.type or (len(properties) == 1 and _takes(property.type, value)):
                return property, value
        wanted = " or ".join(property.type for property in properties)
        raise self.misfit(f"`{name}` of {type} takes {wanted}; got {value.type}")

    def built(self, type: str, parts: Sequence[Json]) -> Json:
        """An object of the type out of parts named as its elements."""
        made: Json = {}
        for part in parts:
            name = str(part.get("name"))
            property, value = self.fitted(type, name, self.value_of(part))
            if property.many:
                self.insert_at(made, property, len(self.listed(made, property)), value)
            elif property.key in made or property.shadow in made:
                raise self.bad(f"There are two parts `{name}`, which does not repeat")
            else:
                self.set(made, property, value)
        return made

    def text(self, parts: dict[str, Json], name: str) -> str:
        part = parts.get(name) or {}
        found = next((part[key] for key in ("valueString", "valueCode", "valueId") if key in part), None)
        if not isinstance(found, str) or not found:
            raise self.bad(f"The part `{name}` is missing")
        return found

    def number(self, parts: dict[str, Json], name: str) -> int:
        part = parts.get(name) or {}
        keys = ("valueInteger", "valueUnsignedInt", "valuePositiveInt")
        found = next((part[key] for key in keys if key in part), None)
        if not isinstance(found, int) or isinstance(found, bool):
            raise self.bad(f"The part `{name}`, an integer, is missing")
        return found

    # How

    def set(self, holder: Json, property: Property, value: _Given) -> None:
        if value.json is not None:
            holder[property.key] = value.json
        if value.sibling is not None:
            holder[property.shadow] = value.sibling

    def put_in_place(self, holder: Json, old: Property, new: Property, value: _Given) -> None:
        """Set a value where another stood, in the order of the object."""
        before = list(holder.items())
        holder.clear()
        for key, each in before:
            if key not in (old.key, old.shadow):
                holder[key] = each
            elif new.key not in holder and new.shadow not in holder:
                self.set(holder, new, value)

    def listed(self, holder: Json, property: Property) -> list[Any]:
        """The list under the key, or a copy of nothing; as long as what stands beside primitives."""
        listed = holder.get(property.key)
        shadows = holder.get(property.shadow) if property.primitive else None
        found: list[Any] = listed if isinstance(listed, list) else []
        if isinstance(shadows, list) and len(shadows) > len(found):
            found += [None] * (len(shadows) - len(found))
            holder[property.key] = found
        return found

    def insert_at(self, holder: Json, property: Property, index: int, value: _Given) -> None:
        listed = self.listed(holder, property)
        listed.insert(index, value.json)
        holder[property.key] = listed
        shadows = holder.get(property.shadow) if property.primitive else None
        if isinstance(shadows, list):
            shadows.insert(index, value.sibling)
        elif value.sibling is not None:
            self.align(holder, property, len(listed), index, value.sibling)

    def align(self, holder: Json, property: Property, size: int, index: int, sibling: Json | None) -> None:
        """Set what stands beside a repeating primitive."""
        shadows = holder.get(property.shadow)
        if not isinstance(shadows, list):
            if sibling is None:
                return
            shadows = holder[property.shadow] = []
        shadows += [None] * (size - len(shadows))
        shadows[index] = sibling
        if all(each is None for each in shadows):
            del holder[property.shadow]

    def remove(self, place: _Place) -> None:
        holder = self.holder(place.parent)
        for key in (place.property.key, place.property.shadow):
            value = holder.get(key)
            if place.index < 0:
                holder.pop(key, None)
            elif isinstance(value, list) and place.index < len(value):
                del value[place.index]
                self.emptied[id(value)] = value
        self.emptied[id(holder)] = holder

    def what(self) -> str:
        return f"Operation `{self.name}`" if self.name else "The FHIRPath Patch"

    def bad(self, text: str) -> FhirError:
        return errors.invalid(f"{self.what()}: {text}.", self.at)

    def misfit(self, text: str) -> FhirError:
        return errors.processing(f"{self.what()}: {text}.", self.at)


_CHANGES: dict[str, Callable[[FhirpathPatch, dict[str, Json]], None]] = {
    "add": FhirpathPatch.add,
    "insert": FhirpathPatch.insert,
    "delete": FhirpathPatch.delete,
    "replace": FhirpathPatch.replace,
    "move": FhirpathPatch.move,
}


def _takes(type: str, value: _Given) -> bool:
    """Whether an element of the one type can hold the value: primitives go by their form in JSON."""
    if is_a(value.type, type) or is_a(type, value.type):
        return True
    return is_primitive(type) and is_primitive(value.type) and _form(type) == _form(value.type)


def _form(type: str) -> str:
    return {"boolean": "boolean", "integer": "number", "decimal": "number"}.get(kind(type), "string")

"""An item of a collection: a value that knows its type and where it stands."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from fhirhub.resources.fhirpath.model import Property, is_primitive, members, properties

Json = dict[str, Any]


class Item:
    """A value in a collection.

    `value` is JSON as it stands in the resource, or for a type of the System namespace a Python value (bool,
    str, int, Decimal, Temporal, Amount). `type` is a FHIR type (`CarePlan.activity`, `dateTime`) or a System
    type (`System.Boolean`). `sibling` is what stands beside a primitive under its name with `_`: its id and
    extensions; a primitive with a sibling alone has the value None. `parent`, `property` and `index` say
    where the item was found; `index` is -1 where the element does not repeat. `below` keeps the children once
    they were asked for.
    """

    __slots__ = ("below", "index", "parent", "property", "sibling", "type", "value")

    def __init__(
        self,
        value: Any,
        type: str,
        sibling: Json | None = None,
        parent: Item | None = None,
        property: Property | None = None,
        index: int = -1,
    ) -> None:
        self.value = value
        self.type = type
        self.sibling = sibling
        self.parent = parent
        self.property = property
        self.index = index
        self.below: list[Item] | None = None

    @property
    def path(self) -> str | None:
        """Where it stands, such as `CarePlan.activity[0].detail.status`; None for a computed value."""
        if self.parent is None or self.property is None:
            return None if self.type.startswith("System.") else self.type
        at = f"[{self.index}]" if self.index >= 0 else ""
        return f"{self.parent.path}.{self.property.name}{at}"

    def __repr__(self) -> str:
        return f"Item({self.value!r}, {self.type!r})"


Items = Sequence[Item]

NONE: Items = ()
TRUE: Items = (Item(True, "System.Boolean"),)
FALSE: Items = (Item(False, "System.Boolean"),)


def boolean(value: bool | None) -> Items:
    """The collection of that truth value; empty for None."""
    return NONE if value is None else TRUE if value else FALSE


def string(value: str) -> Items:
    return (Item(value, "System.String"),)


def integer(value: int) -> Items:
    return (Item(value, "System.Integer"),)


def of_resource(resource: Json) -> Item:
    """The item of a whole resource."""
    return Item(resource, _type_of(resource))


_FEW = 3


def member(name: str) -> Callable[[Items], Items]:
    """A function from items to what stands under that name in each, in order."""
    ways: dict[str, tuple[Property, ...]] = {}
    # Of a choice of many types, such as the value of an extension, by each key that it may stand under.
    many: dict[str, dict[str, Property]] = {}

    def follow(items: Items) -> Items:
        found: list[Item] = []
        for item in items:
            type = item.type
            way = ways.get(type)
            if way is None:
                way = ways[type] = _reach(type, name)
                if len(way) > _FEW:
                    many[type] = {key: each for each in way for key in (each.key, each.shadow)}
            value = item.value
            source = value if value.__class__ is dict else item.sibling
            if source is None:
                continue
            if len(way) > _FEW:
                by_key = many[type]
                way = tuple(dict.fromkeys(by_key[key] for key in source if key in by_key))
            for property in way:
                _collect(item, source, property, found)
        return found

    return follow


def children(item: Item) -> Sequence[Item]:
    """Every child, in the order of the JSON."""
    found = item.below
    if found is None:
        value = item.value
        source = value if value.__class__ is dict else item.sibling
        found = item.below = [] if source is None else _children(item, source)
    return found


def _children(item: Item, source: Json) -> list[Item]:
    found: list[Item] = []
    known = properties(item.type)
    for key, value in source.items():
        property = known.get(key)
        if property is None:
            continue
        _, _, type, many, primitive, shadow = property
        if primitive and shadow in source:
            if key != shadow or property.key not in source:
                _collect(item, source, property, found)
        elif type == "Resource":
            _collect(item, source, property, found)
        elif not many:
            found.append(Item(value, type, None, item, property))
        elif value.__class__ is list:
            for index, each in enumerate(value):
                if each is not None:
                    found.append(Item(each, type, None, item, property, index))
    return found


_TYPE_INFO = {
    name: (Property(name, name, "System.String", False, False, ""),) for name in ("namespace", "name")
}
"""What `type()` tells."""


def _reach(type: str, name: str) -> tuple[Property, ...]:
    if type == "System.TypeInfo":
        return _TYPE_INFO.get(name, ())
    try:
        return members(type).get(name, ())
    except KeyError:
        return ()


def _collect(item: Item, source: Json, property: Property, found: list[Item]) -> None:
    key, _, type, many, primitive, shadow = property
    value = source.get(key)
    sibling = source.get(shadow) if primitive else None
    if many:
        if sibling.__class__ is list:
            _collect_pairs(item, value if value.__class__ is list else [], sibling or [], property, found)
        elif value.__class__ is list:
            for index, each in enumerate(value):
                if each is not None:
                    each_type = _type_of(each) if type == "Resource" else type
                    found.append(Item(each, each_type, None, item, property, index))
    elif sibling.__class__ is dict:
        found.append(Item(value, type, sibling, item, property))
    elif value is not None:
        found.append(Item(value, _type_of(value) if type == "Resource" else type, None, item, property))


def _collect_pairs(
    item: Item, values: list[Any], siblings: list[Any], property: Property, found: list[Item]
) -> None:
    """A repeating primitive of which some have extensions (https://hl7.org/fhir/R4/json.html#primitive)."""
    for index in range(max(len(values), len(siblings))):
        value = values[index] if index < len(values) else None
        sibling = siblings[index] if index < len(siblings) else None
        if value is not None or sibling is not None:
            found.append(Item(value, property.type, sibling, item, property, index))


def _type_of(resource: Any) -> str:
    type = resource.get("resourceType") if isinstance(resource, dict) else None
    return type if isinstance(type, str) else "Resource"


def has_value(item: Item) -> bool:
    """Whether it is a primitive with a value (https://hl7.org/fhir/R4/fhirpath.html#functions)."""
    return item.value is not None and (item.type.startswith("System.") or is_primitive(item.type))

"""Of which type (https://hl7.org/fhirpath/N1/#types)."""

from __future__ import annotations

from fhirhub.resources.fhirpath.environment import Environment
from fhirhub.resources.fhirpath.item import NONE, Item, Items, boolean
from fhirhub.resources.fhirpath.model import conforms
from fhirhub.resources.fhirpath.values import single


def is_(items: Items, type: str) -> Items:
    item = single(items, "`is`")
    return NONE if item is None else boolean(conforms(item.type, type))


def of_type(items: Items, type: str) -> Items:
    """Those of the type or one derived from it; `as` does the same, as R4's invariants expect."""
    if len(items) == 1:
        return items if conforms(items[0].type, type) else NONE
    return [item for item in items if conforms(item.type, type)]


def type_(items: Items, env: Environment) -> Items:
    """For each item, its `namespace` and `name`."""
    return [Item(_described(item.type), "System.TypeInfo") for item in items]


def _described(type: str) -> dict[str, str]:
    if type.startswith("System."):
        return {"namespace": "System", "name": type.removeprefix("System.")}
    return {"namespace": "FHIR", "name": type if "." not in type else "BackboneElement"}

"""Down the tree (https://hl7.org/fhirpath/N1/#tree-navigation)."""

from __future__ import annotations

from fhirhub.resources.fhirpath.environment import Environment
from fhirhub.resources.fhirpath.item import Item, Items
from fhirhub.resources.fhirpath.item import children as children_of


def children(items: Items, env: Environment) -> Items:
    found = [child for item in items for child in children_of(item)]
    env.spend(len(found))
    return found


def descendants(items: Items, env: Environment) -> Items:
    """Every item below, parents before children."""
    found: list[Item] = []
    waiting = [child for item in reversed(items) for child in reversed(children_of(item))]
    while waiting:
        item = waiting.pop()
        found.append(item)
        waiting += reversed(children_of(item))
    env.spend(len(found))
    return found

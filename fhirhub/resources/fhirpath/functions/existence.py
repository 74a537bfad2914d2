"""Is there anything, and is it so (https://hl7.org/fhirpath/N1/#existence)."""

from __future__ import annotations

from fhirhub.resources.fhirpath.environment import Environment
from fhirhub.resources.fhirpath.faults import FhirpathError
from fhirhub.resources.fhirpath.functions.filtering import where
from fhirhub.resources.fhirpath.item import FALSE, NONE, TRUE, Item, Items, boolean, integer
from fhirhub.resources.fhirpath.model import kind
from fhirhub.resources.fhirpath.operators import Evaluate
from fhirhub.resources.fhirpath.values import fingerprint, truth


def empty(items: Items, env: Environment) -> Items:
    return FALSE if items else TRUE


def exists(items: Items, env: Environment, criterion: Evaluate | None = None) -> Items:
    if criterion is not None:
        items = where(items, env, criterion)
    return TRUE if items else FALSE


def not_(items: Items, env: Environment) -> Items:
    value = truth(items)
    return NONE if value is None else FALSE if value else TRUE


def all_(items: Items, env: Environment, criterion: Evaluate) -> Items:
    this, index = env.this, env.index
    result = TRUE
    for number, item in enumerate(items):
        env.spend(1)
        env.this, env.index = (item,), number
        if not truth(criterion(env.this, env)):
            result = FALSE
            break
    env.this, env.index = this, index
    return result


def all_true(items: Items, env: Environment) -> Items:
    return boolean(all(_boolean(item) for item in items))


def any_true(items: Items, env: Environment) -> Items:
    return boolean(any(_boolean(item) for item in items))


def all_false(items: Items, env: Environment) -> Items:
    return boolean(not any(_boolean(item) for item in items))


def any_false(items: Items, env: Environment) -> Items:
    return boolean(not all(_boolean(item) for item in items))


def _boolean(item: Item) -> bool:
    if kind(item.type) != "boolean":
        raise FhirpathError(f"A collection of booleans is needed; it has a {item.type}.")
    return item.value is True


def subset_of(items: Items, env: Environment, other: Evaluate) -> Items:
    return boolean(_prints(items, env) <= _prints(other(env.this, env), env))


def superset_of(items: Items, env: Environment, other: Evaluate) -> Items:
    return boolean(_prints(items, env) >= _prints(other(env.this, env), env))


def _prints(items: Items, env: Environment) -> set[object]:
    env.spend(len(items))
    return {fingerprint(item) for item in items}


def count(items: Items, env: Environment) -> Items:
    return integer(len(items))


def distinct(items: Items, env: Environment) -> Items:
    if len(items) < 2:
        return items
    env.spend(len(items))
    found: dict[object, Item] = {}
    for item in items:
        found.setdefault(fingerprint(item), item)
    return tuple(found.values())


def is_distinct(items: Items, env: Environment) -> Items:
    return boolean(len(items) < 2 or len(distinct(items, env)) == len(items))

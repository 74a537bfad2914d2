"""A part of a collection, or two of them together (https://hl7.org/fhirpath/N1/#subsetting)."""

from __future__ import annotations

from fhirhub.resources.fhirpath import operators
from fhirhub.resources.fhirpath.environment import Environment
from fhirhub.resources.fhirpath.faults import FhirpathError
from fhirhub.resources.fhirpath.functions.existence import distinct
from fhirhub.resources.fhirpath.item import NONE, Items
from fhirhub.resources.fhirpath.operators import Evaluate
from fhirhub.resources.fhirpath.values import fingerprint, integer_of


def single(items: Items, env: Environment) -> Items:
    if len(items) > 1:
        raise FhirpathError(f"`single()` takes at most one item; the collection has {len(items)}.")
    return items


def first(items: Items, env: Environment) -> Items:
    return items[:1]


def last(items: Items, env: Environment) -> Items:
    return items[-1:]


def tail(items: Items, env: Environment) -> Items:
    return items[1:]


def skip(items: Items, env: Environment, number: Evaluate) -> Items:
    return items[max(0, _number(number, env, "skip")) :]


def take(items: Items, env: Environment, number: Evaluate) -> Items:
    return items[: max(0, _number(number, env, "take"))]


def _number(number: Evaluate, env: Environment, name: str) -> int:
    found = integer_of(number(env.this, env), f"`{name}()`")
    if found is None:
        raise FhirpathError(f"`{name}()` takes a number.")
    return found


def intersect(items: Items, env: Environment, other: Evaluate) -> Items:
    """In both, each once."""
    others = {fingerprint(item) for item in other(env.this, env)}
    env.spend(len(items) + len(others))
    return distinct([item for item in items if fingerprint(item) in others], env)


def exclude(items: Items, env: Environment, other: Evaluate) -> Items:
    """Not in the other; duplicates stay."""
    others = {fingerprint(item) for item in other(env.this, env)}
    env.spend(len(items) + len(others))
    return [item for item in items if fingerprint(item) not in others]


def union(items: Items, env: Environment, other: Evaluate) -> Items:
    return operators.union(items, other(env.this, env), env)


def combine(items: Items, env: Environment, other: Evaluate) -> Items:
    """Both; duplicates stay."""
    others = other(env.this, env)
    env.spend(len(items) + len(others))
    return (*items, *others)


def at(items: Items, index: int | None) -> Items:
    """`items[index]`"""
    return items[index : index + 1] if index is not None and index >= 0 else NONE

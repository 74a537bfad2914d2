"""Which of them, and what of each (https://hl7.org/fhirpath/N1/#filtering-and-projection)."""

from __future__ import annotations

from collections.abc import Iterator

from fhirhub.resources.fhirpath.environment import Environment
from fhirhub.resources.fhirpath.item import Item, Items
from fhirhub.resources.fhirpath.operators import Evaluate
from fhirhub.resources.fhirpath.values import fingerprint, truth


def where(items: Items, env: Environment, criterion: Evaluate) -> Items:
    return [item for item, result in _each(items, env, criterion) if truth(result)] if items else items


def select(items: Items, env: Environment, projection: Evaluate) -> Items:
    return [found for _, result in _each(items, env, projection) for found in result] if items else items


def repeat(items: Items, env: Environment, projection: Evaluate) -> Items:
    """What the projection finds, and what it finds in that, each once."""
    seen: set[object] = set()
    found: list[Item] = []
    fresh = items
    while fresh:
        results, fresh = select(fresh, env, projection), []
        for item in results:
            mark = fingerprint(item)
            if mark not in seen:
                seen.add(mark)
                fresh.append(item)
        found += fresh
    return found


def aggregate(items: Items, env: Environment, step: Evaluate, start: Evaluate | None = None) -> Items:
    total = env.total
    env.total = start(env.this, env) if start is not None else ()
    for _, result in _each(items, env, step):
        env.total = result
    result, env.total = env.total, total
    return result


def _each(items: Items, env: Environment, evaluate: Evaluate) -> Iterator[tuple[Item, Items]]:
    """Each item with what is found in it, `$this` and `$index` being set."""
    this, index = env.this, env.index
    for number, item in enumerate(items):
        focus = (item,)
        env.this, env.index = focus, number
        result = evaluate(focus, env)
        env.spend(1 + len(result))
        yield item, result
    env.this, env.index = this, index

"""FHIRPath, compiled to functions and typed by the definitions (https://hl7.org/fhir/R4/fhirpath.html).

The whole of FHIRPath N1 (https://hl7.org/fhirpath/N1/) with R4's additions: `lexer` and `parser` make a
`tree`, `compiler` makes closures of it, `operators` and `functions` do the work on `item`s. `select` is the
short way for search parameters.
"""

from __future__ import annotations

import functools
from typing import Any

from fhirhub.resources.fhirpath.compiler import evaluator
from fhirhub.resources.fhirpath.environment import Environment
from fhirhub.resources.fhirpath.faults import FhirpathError
from fhirhub.resources.fhirpath.item import Item, Json, of_resource
from fhirhub.resources.fhirpath.operators import Evaluate
from fhirhub.resources.fhirpath.select import Select, Selected, select
from fhirhub.resources.fhirpath.values import truth

__all__ = [
    "Environment",
    "Expression",
    "FhirpathError",
    "Item",
    "Select",
    "Selected",
    "compile",
    "evaluate",
    "select",
]


class Expression:
    """A compiled expression; call it with a resource or an item and get the items it finds."""

    __slots__ = ("_evaluate", "text")

    def __init__(self, text: str, evaluate: Evaluate) -> None:
        self.text = text
        self._evaluate = evaluate

    def __call__(self, focus: Json | Item, environment: Environment | None = None) -> list[Item]:
        """What the expression finds; FhirpathError where it has no result.

        The environment says what surrounds the focus; without one the focus is the whole resource.
        """
        return list(self._run(focus, environment))

    def holds(self, focus: Json | Item, environment: Environment | None = None) -> bool | None:
        """Whether it is true of the focus, as invariants ask; None where the result is empty."""
        return truth(self._run(focus, environment))

    def _run(self, focus: Json | Item, environment: Environment | None) -> Any:
        item = focus if isinstance(focus, Item) else of_resource(focus)
        env = Environment(item) if environment is None else environment
        env.context = env.this = (item,)
        env.index = 0
        try:
            return self._evaluate(env.context, env)
        except RecursionError:
            raise FhirpathError("The expression or the content nests too deeply.", "too-costly") from None


@functools.lru_cache(4096)
def compile(expression: str) -> Expression:
    """The expression, read once; FhirpathError says what in it cannot be read or does not exist."""
    return Expression(expression, evaluator(expression))


def evaluate(expression: str, focus: Json | Item, **surroundings: Any) -> list[Item]:
    """What an expression finds in a resource; `surroundings` are those of `Environment`.

    Without a `resource` the focus is the resource itself.
    """
    item = focus if isinstance(focus, Item) else of_resource(focus)
    return compile(expression)(item, Environment(surroundings.pop("resource", item), **surroundings))

"""Which concepts of one code system are meant: what a value set says of a system, as a tree.

Evaluated in memory for code systems that are listed, written as SQL for those that lie in the database
(https://hl7.org/fhir/R4/valueset.html#compositions).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Union

from fhirhub import errors
from fhirhub.resources.fhirpath import FhirpathError, regex

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Every:
    """All concepts."""


@dataclass(frozen=True, slots=True)
class Codes:
    """Those of these codes."""

    codes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Under:
    """What the code subsumes; with `itself` the code too."""

    code: str
    itself: bool


@dataclass(frozen=True, slots=True)
class Over:
    """What subsumes the code; with `itself` the code too."""

    code: str
    itself: bool = True


@dataclass(frozen=True, slots=True)
class Having:
    """Those with a property that is one of the values, or with any where there are none."""

    property: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Matching:
    """Those with a property, or a code or display, that matches the pattern as a whole."""

    property: str
    pattern: str


@dataclass(frozen=True, slots=True)
class Related:
    """Those with a property whose value is the code of one of these."""

    property: str
    node: Expression


@dataclass(frozen=True, slots=True)
class Not:
    node: Expression


@dataclass(frozen=True, slots=True)
class All:
    nodes: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Some:
    nodes: tuple[Expression, ...]


Expression = Union[Every, Codes, Under, Over, Having, Matching, Related, Not, All, Some]  # noqa: UP007
EVERY = Every()
NOTHING = Some(())
ACTIVE = Not(Having("inactive", ("true",)))
HIERARCHY = frozenset({"concept", "code"})


def both(nodes: Iterable[Expression]) -> Expression:
    """What all of them mean."""
    found: list[Expression] = []
    for node in nodes:
        if isinstance(node, All):
            found += node.nodes
        elif not isinstance(node, Every):
            found.append(node)
    return found[0] if len(found) == 1 else All(tuple(found)) if found else EVERY


def either(nodes: Iterable[Expression]) -> Expression:
    """What one of them means at least."""
    found: list[Expression] = []
    for node in nodes:
        if isinstance(node, Some):
            found += node.nodes
        else:
            found.append(node)
    return found[0] if len(found) == 1 else Some(tuple(found))


def of_filter(given: Json, system: str) -> Expression:
    """A filter of a value set. Raises FhirError for one that means nothing.

    https://hl7.org/fhir/R4/valueset-filter-operator.html
    """
    name, operator, value = str(given.get("property")), given.get("op"), str(given.get("value", ""))
    match operator:
        case "is-a":
            return Under(value, itself=True)
        case "descendent-of":
            return Under(value, itself=False)
        case "is-not-a":
            return Not(Under(value, itself=True))
        case "generalizes":
            return Over(value)
        case "=":
            return _equal(name, (value,))
        case "in":
            return _equal(name, _listed(value))
        case "not-in":
            return Not(_equal(name, _listed(value)))
        case "exists":
            there = Having(name, ())
            return there if value == "true" else Not(there)
        case "regex":
            compiled(value)
            return Matching(name, value)
    raise errors.not_supported(
        f"The filter `{name} {operator} {value}` on {system} is not one of R4: =, is-a, descendent-of, "
        "is-not-a, regex, in, not-in, generalizes, exists",
        422,
    )


def _listed(value: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in value.split(",") if part.strip())


def _equal(name: str, values: tuple[str, ...]) -> Expression:
    if name in HIERARCHY:
        return Codes(values)
    return Having(name, values)


def compiled(pattern: str) -> Callable[[str], bool]:
    """The test of a pattern on a whole text; ends in time linear in the text, whatever the pattern."""
    try:
        found = regex.compile(f"^(?:{pattern})$")
    except FhirpathError as fault:
        raise errors.invalid(f"A filter by regex: {fault}", status=422) from None
    return lambda text: found.search(text) is not None


def told(node: Expression, code: str) -> bool | None:
    """Whether the code is meant, as far as it can be told without the code system."""
    match node:
        case Codes(codes):
            return code in codes
        case Under(other, itself) | Over(other, itself):
            return True if itself and code == other else None
        case Not(inner):
            found = told(inner, code)
            return None if found is None else not found
        case All(nodes):
            return _together([told(each, code) for each in nodes], decisive=False)
        case Some(nodes):
            return _together([told(each, code) for each in nodes], decisive=True)
    return None


def _together(results: Sequence[bool | None], *, decisive: bool) -> bool | None:
    if decisive in results:
        return decisive
    return None if None in results else not decisive


def listed_in(node: Expression) -> dict[str, None] | None:
    """The codes that the expression itself lists, in order, where it means no others; else None."""
    match node:
        case Codes(codes):
            return dict.fromkeys(codes)
        case All(nodes):
            for each in nodes:
                found = listed_in(each)
                if found is not None:
                    return found
            return None
        case Some(nodes):
            together: dict[str, None] = {}
            for each in nodes:
                found = listed_in(each)
                if found is None:
                    return None
                together |= found
            return together
    return None

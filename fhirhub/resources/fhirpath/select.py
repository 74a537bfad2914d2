"""The values of a search parameter, by its expression, as fast as Python reads dictionaries.

The definitions say at compile time which JSON property each step of a path is, so nothing but property
look-ups remains (https://hl7.org/fhir/R4/searchparameter-definitions.html#SearchParameter.expression).
What is no plain path runs on the whole engine.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from fhirhub.resources import references
from fhirhub.resources.fhirpath.compiler import compile_node
from fhirhub.resources.fhirpath.environment import Environment
from fhirhub.resources.fhirpath.faults import FhirpathError
from fhirhub.resources.fhirpath.item import Item
from fhirhub.resources.fhirpath.model import is_a, is_type, members
from fhirhub.resources.fhirpath.parser import parse
from fhirhub.resources.fhirpath.tree import Binary, Call, Literal, Member, Node, Step, TypeTest, Variable

Json = dict[str, Any]
Selected = list[tuple[str, Any]]
"""Pairs of a FHIR type name and the value as it stands in JSON."""
Select = Callable[..., Selected]
"""Called with a value, and with the resource that holds it where that is another one."""

_Visit = Callable[[Any, Json, Selected], None]
_Wrap = Callable[[_Visit], _Visit]
_Test = Callable[[Any, Json], bool]


MOST_STEPS = 20_000
"""Items that one expression may look at in one resource, as every write waits for it."""


@functools.lru_cache(8192)
def select(expression: str, type: str) -> Select:
    """A function from a value of the type to the pairs of type and value that the expression finds in it.

    `type` is a resource type, a data type or an element such as `Observation.component`. Branches of a union
    that begin at another type find nothing. FhirpathError where the type has no such element.
    """
    ways: list[_Way] = []
    visits: list[_Visit] = []
    for branch in _branches(parse(expression)):
        try:
            found = _ways(branch, _Way(type))
        except _NotPlain:
            visits.append(_by_engine(branch, type))
        else:
            ways.extend(found)
    visits += [way.visit() for way in ways]
    match ways if len(visits) == 1 else ():
        case [_Way(kind, ((str(key), bool(many)),))]:
            return _one_step(kind, key, many)
        case [_Way(kind, ((str(outer), True), (str(key), False)))] if kind != "Resource":
            return _in_each(kind, outer, key)
        case [_Way(kind, ((str(outer), True), (str(inner), False), (str(key), False)))] if kind != "Resource":
            return _deep_in_each(kind, outer, inner, key)
    return _all(tuple(visits))


@dataclass(frozen=True, slots=True)
class _Way:
    """A path so far: the type it has reached, and its steps.

    A step is a JSON key with whether it repeats, or a wrapper around the visit of what comes after.
    """

    type: str
    steps: tuple[tuple[str, bool] | _Wrap, ...] = ()

    def then(self, type: str, step: tuple[str, bool] | _Wrap) -> _Way:
        return _Way(type, (*self.steps, step))

    def visit(self) -> _Visit:
        visit = _emit_resource if self.type == "Resource" else _emit(self.type)
        for step in reversed(self.steps):
            if isinstance(step, tuple):
                key, many = step
                step = _each(key) if many else _one(key)
            visit = step(visit)
        return visit


class _NotPlain(Exception):
    """The engine is needed."""


def _branches(node: Node) -> list[Node]:
    if isinstance(node, Binary) and node.operator == "|":
        return _branches(node.left) + _branches(node.right)
    return [node]


def _ways(node: Node, way: _Way) -> list[_Way]:
    """Every way that the node leads on; none where it belongs to another type."""
    match node:
        case Step(left, right):
            return [last for first in _ways(left, way) for last in _ways(right, first)]
        case Binary("|", left, right):
            return _ways(left, way) + _ways(right, way)
        case Member(name) if name[:1].isupper():
            return _at_type(name, way)
        case Member(name):
            return _member(name, way)
        case Variable("resource" | "rootResource"):
            return [way.then(way.type.partition(".")[0], _from_root)]
        case TypeTest("as", left, type):
            return [found for found in _ways(left, way) if _is(found.type, type)]
        case Call("as" | "ofType", (argument,)):
            return [way] if _is(way.type, _type_name(argument)) else []
        case Call("where", (criterion,)):
            return [way.then(way.type, _if(_test(criterion, way.type)))]
        case Call("extension", (Literal("string", url),)):
            return [way.then("Extension", ("extension", True)).then("Extension", _if(_has("url", url)))]
        case _:
            raise _NotPlain


def _at_type(name: str, way: _Way) -> list[_Way]:
    if is_a(way.type, name):
        return [way]
    if way.type == "Resource" or not is_type(name):
        raise _NotPlain
    return []


def _member(name: str, way: _Way) -> list[_Way]:
    if way.type == "Resource":
        raise _NotPlain
    found = members(way.type).get(name)
    if not found:
        raise FhirpathError(f"{way.type} has no element `{name}`.")
    return [way.then(property.type, (property.key, property.many)) for property in found]


def _is(type: str, name: str) -> bool:
    """Leniently as to case: R4 has `value.as(DateTime)`."""
    name = name.removeprefix("FHIR.")
    return is_a(type, name) or type.lower() == name.lower()


def _type_name(node: Node) -> str:
    match node:
        case Member(name):
            return name
        case Step(Member(space), Member(name)):
            return f"{space}.{name}"
    raise _NotPlain


# Steps


def _one(key: str) -> _Wrap:
    def wrap(following: _Visit) -> _Visit:
        def visit(value: Any, root: Json, found: Selected) -> None:
            child = value.get(key)
            if child is not None:
                following(child, root, found)

        return visit

    return wrap


def _each(key: str) -> _Wrap:
    def wrap(following: _Visit) -> _Visit:
        def visit(value: Any, root: Json, found: Selected) -> None:
            for child in value.get(key) or ():
                if child is not None:
                    following(child, root, found)

        return visit

    return wrap


def _if(test: _Test) -> _Wrap:
    def wrap(following: _Visit) -> _Visit:
        def visit(value: Any, root: Json, found: Selected) -> None:
            if test(value, root):
                following(value, root, found)

        return visit

    return wrap


def _from_root(following: _Visit) -> _Visit:
    def visit(value: Any, root: Json, found: Selected) -> None:
        following(root, root, found)

    return visit


def _emit(type: str) -> _Visit:
    def visit(value: Any, root: Json, found: Selected) -> None:
        found.append((type, value))

    return visit


def _emit_resource(value: Any, root: Json, found: Selected) -> None:
    found.append((value["resourceType"], value))


# Whole selections


def _one_step(type: str, key: str, many: bool) -> Select:
    if type == "Resource":
        return _all((_Way(type, ((key, many),)).visit(),))
    if many:

        def each(value: Json, root: Json | None = None) -> Selected:
            children = value.get(key)
            return [(type, child) for child in children if child is not None] if children else []

        return each

    def one(value: Json, root: Json | None = None) -> Selected:
        child = value.get(key)
        return [] if child is None else [(type, child)]

    return one


def _in_each(type: str, outer: str, key: str) -> Select:
    """Such as `activity.reference`."""

    def each(value: Json, root: Json | None = None) -> Selected:
        children = value.get(outer)
        if not children:
            return []
        return [
            (type, found) for child in children if child is not None and (found := child.get(key)) is not None
        ]

    return each


def _deep_in_each(type: str, outer: str, inner: str, key: str) -> Select:
    """Such as `activity.detail.code`."""

    def each(value: Json, root: Json | None = None) -> Selected:
        children = value.get(outer)
        if not children:
            return []
        return [
            (type, found)
            for child in children
            if child is not None
            and (part := child.get(inner)) is not None
            and (found := part.get(key)) is not None
        ]

    return each


def _all(visits: tuple[_Visit, ...]) -> Select:
    def selection(value: Any, root: Json | None = None) -> Selected:
        found: Selected = []
        for visit in visits:
            visit(value, value if root is None else root, found)
        return found

    return selection


# Criteria of `where`


def _test(node: Node, type: str) -> _Test:
    match node:
        case TypeTest("is", Call("resolve", ()), target) if type == "Reference":
            return _points_to(target.removeprefix("FHIR."))
        case Binary("=", Member(name), Literal("string", value)):
            match members(type).get(name):
                case (property,) if property.primitive and not property.many:
                    return _has(property.key, value)
        case Binary("and", left, right):
            return _both(_test(left, type), _test(right, type))
        case Step(Call("extension", (Literal("string", url),)), Call("exists", ())):
            return _has_extension(url)
    raise _NotPlain


def _has(key: str, value: object) -> _Test:
    return lambda node, root: node.get(key) == value


def _both(one: _Test, other: _Test) -> _Test:
    return lambda node, root: one(node, root) and other(node, root)


def _has_extension(url: object) -> _Test:
    return lambda node, root: any(each.get("url") == url for each in node.get("extension") or ())


def _points_to(type: str) -> _Test:
    """Judged without a store, by what the reference says of itself.

    A logical reference that does not tell its type passes, so that `patient:identifier` finds it.
    """
    relative = type + "/"

    def test(reference: Any, root: Json) -> bool:
        text = reference.get("reference")
        if text is not None and text.startswith(relative):
            return True
        told = references.target_type(reference, root)
        return told == type or (told is None and text is None and "identifier" in reference)

    return test


def _by_engine(node: Node, type: str) -> _Visit:
    """What is no plain path; a result of the System namespace counts as FHIR's primitive of that name.

    Where there is no result for this content there is nothing to find it by, which is no reason to refuse it.
    """
    evaluate = compile_node(node)

    def visit(value: Any, root: Json, found: Selected) -> None:
        item = Item(value, type)
        env = Environment(item if value is root else root, steps=MOST_STEPS)
        env.context = env.this = (item,)
        with suppress(FhirpathError):
            found.extend((_fhir_type(each.type), each.value) for each in evaluate(env.context, env))

    return visit


def _fhir_type(type: str) -> str:
    bare = type.removeprefix("System.")
    return bare if bare == type or bare == "Quantity" else bare[0].lower() + bare[1:]

"""Tree to functions: each node becomes a closure from the focus to its result."""

from __future__ import annotations

import functools
from collections.abc import Callable
from difflib import get_close_matches
from typing import Any

from fhirhub.resources.fhirpath import temporal
from fhirhub.resources.fhirpath.environment import Environment
from fhirhub.resources.fhirpath.faults import FhirpathError
from fhirhub.resources.fhirpath.functions import FUNCTIONS
from fhirhub.resources.fhirpath.functions.subsetting import at
from fhirhub.resources.fhirpath.functions.types import is_, of_type
from fhirhub.resources.fhirpath.item import FALSE, NONE, TRUE, Item, Items, integer, member, string
from fhirhub.resources.fhirpath.model import is_a, is_type, type_specifier
from fhirhub.resources.fhirpath.operators import LOGIC, OPERATORS, Evaluate, negated, posited
from fhirhub.resources.fhirpath.parser import parse
from fhirhub.resources.fhirpath.quantity import UCUM, Amount
from fhirhub.resources.fhirpath.tree import (
    Binary,
    Call,
    Empty,
    Index,
    Literal,
    Member,
    Node,
    QuantityLiteral,
    Sign,
    Special,
    Step,
    TypeTest,
    Variable,
)
from fhirhub.resources.fhirpath.values import integer_of


@functools.lru_cache(4096)
def evaluator(expression: str) -> Evaluate:
    """The expression as a function; FhirpathError where it cannot be read or names what does not exist."""
    return compile_node(parse(expression))


def compile_node(node: Node) -> Evaluate:
    match node:
        case Step(left, right):
            return _step(compile_node(left), right)
        case Member(name):
            return _head(name)
        case Call(name, arguments):
            return _call(None, name, arguments)
        case Literal() | QuantityLiteral() | Empty():
            constant = _constant(node)
            return lambda focus, env: constant
        case Special(name):
            return _SPECIALS[name]
        case Variable(name):
            return _variable(name)
        case Index(left, index):
            return _index(compile_node(left), compile_node(index))
        case Sign(operator, operand):
            return _sign(operator, compile_node(operand))
        case TypeTest(operator, left, type):
            return _type_test(operator, compile_node(left), _specifier(type))
        case Binary(operator, left, right):
            evaluate = _binary(operator, compile_node(left), compile_node(right))
            return _folded(evaluate) if _is_constant(node) else evaluate


# Paths


def _head(name: str) -> Evaluate:
    """A name that nothing stands before: a child's, or the focus itself by its type."""
    follow = member(name)
    if not is_type(name) or name[:1].islower():
        return lambda focus, env: follow(focus)

    def run(focus: Items, env: Environment) -> Items:
        return [item for item in focus if is_a(item.type, name)] or follow(focus)

    return run


def _step(left: Evaluate, right: Member | Call | Special) -> Evaluate:
    match right:
        case Member(name):
            follow = member(name)
            return lambda focus, env: follow(left(focus, env))
        case Call(name, arguments):
            return _call(left, name, arguments)
        case Special(name):
            raise FhirpathError(f"`{name}` stands at the head of a path, not after a dot.")


def _index(left: Evaluate, index: Evaluate) -> Evaluate:
    def run(focus: Items, env: Environment) -> Items:
        return at(left(focus, env), integer_of(index(env.this, env), "An index"))

    return run


# Functions


def _call(left: Evaluate | None, name: str, arguments: tuple[Node, ...]) -> Evaluate:
    if name in ("is", "as", "ofType"):
        return _type_call(left, name, arguments)
    known = FUNCTIONS.get(name)
    if known is None:
        near = get_close_matches(name, FUNCTIONS, 1)
        raise FhirpathError(
            f"There is no function `{name}()`." + (f" Did you mean `{near[0]}()`?" if near else "")
        )
    function, least, most = known
    if not least <= len(arguments) <= most:
        wanted = str(least) if least == most else f"{least} to {most}"
        raise FhirpathError(f"`{name}()` takes {wanted} arguments; got {len(arguments)}.")
    return _applied(left, function, tuple(compile_node(argument) for argument in arguments))


def _applied(
    left: Evaluate | None, function: Callable[..., Items], arguments: tuple[Evaluate, ...]
) -> Evaluate:
    """One closure for each of the frequent shapes: this is where most of the time goes."""
    if left is None:
        return lambda focus, env: function(focus, env, *arguments)
    match arguments:
        case ():
            return lambda focus, env: function(left(focus, env), env)
        case (argument,):
            return lambda focus, env: function(left(focus, env), env, argument)
    return lambda focus, env: function(left(focus, env), env, *arguments)


def _type_call(left: Evaluate | None, name: str, arguments: tuple[Node, ...]) -> Evaluate:
    if len(arguments) != 1:
        raise FhirpathError(f"`{name}()` takes one type; got {len(arguments)} arguments.")
    return _type_test(name, left or (lambda focus, env: focus), _specifier(_type_name(arguments[0])))


def _type_name(node: Node) -> str:
    match node:
        case Member(name):
            return name
        case Step(Member(space), Member(name)):
            return f"{space}.{name}"
    raise FhirpathError("`is`, `as` and `ofType` take the name of a type, such as `Quantity`.")


def _specifier(name: str) -> str:
    found = type_specifier(name)
    if found is None:
        raise FhirpathError(f"There is no type `{name}`.")
    return found


def _type_test(operator: str, left: Evaluate, type: str) -> Evaluate:
    if operator == "is":
        return lambda focus, env: is_(left(focus, env), type)
    return lambda focus, env: of_type(left(focus, env), type)


# Operators


def _binary(operator: str, left: Evaluate, right: Evaluate) -> Evaluate:
    logic = LOGIC.get(operator)
    if logic is not None:
        return logic(left, right)
    apply = OPERATORS[operator]
    return lambda focus, env: apply(left(focus, env), right(focus, env), env)


def _is_constant(node: Node) -> bool:
    match node:
        case Literal() | QuantityLiteral() | Empty():
            return True
        case Binary(_, left, right):
            return _is_constant(left) and _is_constant(right)
    return False


def _folded(evaluate: Evaluate) -> Evaluate:
    """What needs nothing from the focus, evaluated now; an error waits until it is asked for."""
    try:
        result = evaluate(NONE, Environment())
    except FhirpathError:
        return evaluate
    return lambda focus, env: result


def _sign(operator: str, operand: Evaluate) -> Evaluate:
    apply = negated if operator == "-" else posited
    return lambda focus, env: apply(operand(focus, env))


# Constants and variables


def _constant(node: Literal | QuantityLiteral | Empty) -> Items:
    match node:
        case Empty():
            return NONE
        case QuantityLiteral(value, unit, calendar):
            return (Item(Amount(value, unit, calendar), "System.Quantity"),)
        case Literal("boolean", value):
            return TRUE if value else FALSE
        case Literal("date" | "datetime" | "time" as kind, value):
            moment = temporal.parse(str(value), kind)
            if moment is None:
                raise FhirpathError(f"`@{'T' if kind == 'time' else ''}{value}` is no {kind}.")
            return (Item(moment, _TEMPORAL_TYPES[kind]),)
        case Literal(kind, value):
            return (Item(value, f"System.{kind.capitalize()}"),)


_TEMPORAL_TYPES = {"date": "System.Date", "datetime": "System.DateTime", "time": "System.Time"}

_SPECIALS: dict[str, Evaluate] = {
    "$this": lambda focus, env: env.this,
    "$index": lambda focus, env: integer(env.index),
    "$total": lambda focus, env: env.total,
}

_FIXED = {"ucum": UCUM, "sct": "http://snomed.info/sct", "loinc": "http://loinc.org"}

_SURROUNDINGS: dict[str, Evaluate] = {
    "context": lambda focus, env: env.context,
    "resource": lambda focus, env: (env.resource,) if env.resource is not None else NONE,
    "rootResource": lambda focus, env: (env.root,) if env.root is not None else NONE,
}


def _variable(name: str) -> Evaluate:
    if name in _FIXED:
        fixed = string(_FIXED[name])
        return lambda focus, env: fixed
    if name in _SURROUNDINGS:
        return _SURROUNDINGS[name]
    for prefix, place in (
        ("vs-", "http://hl7.org/fhir/ValueSet/"),
        ("ext-", "http://hl7.org/fhir/StructureDefinition/"),
    ):
        if name.startswith(prefix):
            url = string(place + name.removeprefix(prefix))
            return lambda focus, env: url

    def run(focus: Items, env: Environment) -> Items:
        if name not in env.variables:
            raise FhirpathError(f"There is no variable `%{name}`.")
        return _given(env.variables[name])

    return run


def _given(value: Any) -> Items:
    """A variable's value: items, a resource, a string, number or boolean, or None."""
    match value:
        case None:
            return NONE
        case bool():
            return TRUE if value else FALSE
        case str():
            return string(value)
        case int():
            return integer(value)
        case dict():
            return (Item(value, value.get("resourceType", "Element")),)
        case Item():
            return (value,)
        case list() | tuple():
            return value
    return (Item(value, "System.Decimal"),)

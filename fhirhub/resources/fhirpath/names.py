"""Whether the names in an expression can exist, by the types that its parts have.

https://hl7.org/fhirpath/N1/#type-safety-and-strict-evaluation
"""

from __future__ import annotations

from collections.abc import Iterable

from fhirhub.resources.fhirpath.faults import FhirpathError
from fhirhub.resources.fhirpath.model import is_a, is_type, members, type_specifier
from fhirhub.resources.fhirpath.parser import parse
from fhirhub.resources.fhirpath.tree import (
    Binary,
    Call,
    Index,
    Literal,
    Member,
    Node,
    Sign,
    Special,
    Step,
    TypeTest,
    Variable,
    parts,
)

Types = frozenset[str] | None
"""The types that a part may have; None where that cannot be told."""

# What may be any of many types.
_OPEN = frozenset({"Resource", "DomainResource", "Element", "BackboneElement"})
_KEEP = frozenset({"where", "first", "last", "tail", "skip", "take", "single", "distinct", "trace"})
_WITH_FOCUS = frozenset({"where", "select", "all", "exists", "repeat", "iif", "any"})


def check(expression: str, types: Iterable[str] | None, resource: str | None = None) -> None:
    """FhirpathError for a name that none of the types has at its place.

    `types` are those of the focus, `resource` is the type of `%resource`; None where not known. Names are not
    looked at where the type before them cannot be told.
    """
    focus = None if types is None else frozenset(types)
    _of(parse(expression), focus, focus, None if resource is None else frozenset({resource}))


def _of(node: Node, focus: Types, this: Types, resource: Types) -> Types:
    match node:
        case Member(name):
            if name[:1].isupper() and is_type(name):
                return frozenset({name})
            return _children(focus, name)
        case Special("$this"):
            return this
        case Variable("resource" | "rootResource"):
            return resource
        case Step(left, Member(name)):
            return _children(_of(left, focus, this, resource), name)
        case Step(left, Call(name, arguments)):
            return _call(name, arguments, _of(left, focus, this, resource), this, resource)
        case Call(name, arguments):
            return _call(name, arguments, focus, this, resource)
        case Index(left, _):
            return _of(left, focus, this, resource)
        case TypeTest("as", left, type):
            _of(left, focus, this, resource)
            return _specified(type)
        case Binary("|", left, right):
            one, other = _of(left, focus, this, resource), _of(right, focus, this, resource)
            return None if one is None or other is None else one | other
        case Binary() | Sign() | TypeTest():
            for part in parts(node):
                _of(part, focus, this, resource)
    return None


def _call(name: str, arguments: tuple[Node, ...], before: Types, this: Types, resource: Types) -> Types:
    if name in ("is", "as", "ofType"):
        match arguments:
            case (Member(type),):
                return _specified(type) if name != "is" else None
            case (Step(Member(_), Member(type)),):
                return _specified(type) if name != "is" else None
        return None
    found: Types = None
    for argument in arguments:
        if name in _WITH_FOCUS:
            found = _of(argument, before, before, resource)
        else:
            _of(argument, this, this, resource)
    if name == "select":
        return found
    if name == "extension" and arguments and isinstance(arguments[0], Literal):
        return frozenset({"Extension"})
    return before if name in _KEEP else None


def _specified(type: str) -> Types:
    found = type_specifier(type)
    return None if found is None or found.startswith("System.") else frozenset({found})


def _children(types: Types, name: str) -> Types:
    if types is None:
        return None
    found: set[str] = set()
    for type in types:
        if type in _OPEN or type.startswith("System.") or not is_type(type.partition(".")[0]):
            return None
        if name == "value" and not type[:1].isupper():
            return None  # the value of a primitive, by itself
        try:
            ways = members(type).get(name, ())
        except KeyError:
            return None
        found.update(way.type for way in ways)
    if not found:
        told = ", ".join(sorted(types))
        raise FhirpathError(f"{told} has no element `{name}`.")
    return None if any(is_a("Resource", each) for each in found) else frozenset(found)

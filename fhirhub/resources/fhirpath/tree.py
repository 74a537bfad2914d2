"""What an expression says, as a tree (https://hl7.org/fhirpath/N1/#formal-specifications)."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Literal:
    """A constant: a boolean, string, integer, decimal, or the text of a date, datetime or time."""

    kind: str
    value: bool | str | int | Decimal


@dataclass(frozen=True, slots=True)
class QuantityLiteral:
    value: Decimal
    unit: str
    """A UCUM code, or a calendar duration in the singular."""
    calendar: bool


@dataclass(frozen=True, slots=True)
class Empty:
    """`{}`"""


@dataclass(frozen=True, slots=True)
class Variable:
    """`%name`"""

    name: str


@dataclass(frozen=True, slots=True)
class Special:
    """`$this`, `$index` or `$total`"""

    name: str


@dataclass(frozen=True, slots=True)
class Member:
    """A name; at the head of a path it may be a type's."""

    name: str


@dataclass(frozen=True, slots=True)
class Call:
    name: str
    arguments: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Step:
    """`left.right`"""

    left: Node
    right: Member | Call | Special


@dataclass(frozen=True, slots=True)
class Index:
    """`left[index]`"""

    left: Node
    index: Node


@dataclass(frozen=True, slots=True)
class Sign:
    """`-operand` or `+operand`"""

    operator: str
    operand: Node


@dataclass(frozen=True, slots=True)
class Binary:
    operator: str
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class TypeTest:
    """`left is type` or `left as type`"""

    operator: str
    left: Node
    type: str


Node = (
    Literal
    | QuantityLiteral
    | Empty
    | Variable
    | Special
    | Member
    | Call
    | Step
    | Index
    | Sign
    | Binary
    | TypeTest
)


def parts(node: Node) -> tuple[Node, ...]:
    """The nodes right below."""
    match node:
        case Call(_, arguments):
            return arguments
        case Step(left, right) | Index(left, right) | Binary(_, left, right):
            return (left, right)
        case Sign(_, operand) | TypeTest(_, operand, _):
            return (operand,)
    return ()


def depth(node: Node) -> int:
    """How many nodes stand below each other."""
    levels, level = 0, [node]
    while level:
        levels, level = levels + 1, [part for each in level for part in parts(each)]
    return levels

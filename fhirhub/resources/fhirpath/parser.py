"""Text to tree, by precedence (https://hl7.org/fhirpath/N1/#operator-precedence)."""

from __future__ import annotations

import functools
from decimal import Decimal

from fhirhub.resources.fhirpath.faults import FhirpathError
from fhirhub.resources.fhirpath.lexer import Token, tokens
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
    depth,
)

DEEPEST_NESTING = 60
DEEPEST_TREE = 250
"""A chain of operators or steps makes a tree that is deep to the left."""

LONGEST_NUMBER = 100

BINDING = {
    "implies": 1,
    "or": 2,
    "xor": 2,
    "and": 3,
    "in": 4,
    "contains": 4,
    "=": 5,
    "~": 5,
    "!=": 5,
    "!~": 5,
    "is": 6,
    "as": 6,
    "<": 7,
    ">": 7,
    "<=": 7,
    ">=": 7,
    "|": 8,
    "+": 9,
    "-": 9,
    "&": 9,
    "*": 10,
    "/": 10,
    "div": 10,
    "mod": 10,
}
"""How tightly each binary operator binds; all associate to the left."""

CALENDAR_UNITS = {
    **{unit: unit for unit in ("year", "month", "week", "day", "hour", "minute", "second", "millisecond")},
    **{
        unit + "s": unit
        for unit in ("year", "month", "week", "day", "hour", "minute", "second", "millisecond")
    },
}

_NAME_ALSO = {"as", "contains", "in", "is"}
"""Operators that the grammar allows as names."""


@functools.lru_cache(4096)
def parse(expression: str) -> Node:
    """The tree of an expression; FhirpathError says where it cannot be read."""
    return _Parser(expression).whole()


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = tokens(text)
        self.at = 0
        self.depth = 0

    @property
    def token(self) -> Token:
        return self.tokens[self.at]

    def whole(self) -> Node:
        node = self.expression(0)
        if self.token.kind != "end":
            raise self.unexpected("an operator or the end")
        if depth(node) > DEEPEST_TREE:
            raise FhirpathError(
                f"The expression chains more than {DEEPEST_TREE} operators or steps.", "too-costly"
            )
        return node

    def expression(self, binding: int) -> Node:
        """What stands here, with every operator that binds more tightly than `binding`."""
        self.depth += 1
        if self.depth > DEEPEST_NESTING:
            raise FhirpathError(f"The expression nests more than {DEEPEST_NESTING} deep.", "too-costly")
        left = self.signed()
        while (tightness := self.operator()) > binding:
            operator = self.take().text
            if operator in ("is", "as"):
                left = TypeTest(operator, left, self.type_name())
            else:
                left = Binary(operator, left, self.expression(tightness))
        self.depth -= 1
        return left

    def operator(self) -> int:
        token = self.token
        return BINDING.get(token.text, 0) if token.kind in ("name", "symbol") else 0

    def signed(self) -> Node:
        signs = []
        while self.token.kind == "symbol" and self.token.text in ("+", "-"):
            signs.append(self.take().text)
        if len(signs) > DEEPEST_NESTING:
            raise FhirpathError(f"The expression nests more than {DEEPEST_NESTING} deep.", "too-costly")
        node = self.path()
        for sign in reversed(signs):
            node = Sign(sign, node)
        return node

    def path(self) -> Node:
        node = self.term()
        while self.token.kind == "symbol":
            if self.token.text == ".":
                self.take()
                node = Step(node, self.invocation())
            elif self.token.text == "[":
                self.take()
                node = Index(node, self.expression(0))
                self.expect("]")
            else:
                break
        return node

    def term(self) -> Node:
        token = self.token
        match token.kind:
            case "symbol" if token.text == "(":
                self.take()
                node = self.expression(0)
                self.expect(")")
                return node
            case "symbol" if token.text == "{":
                self.take()
                self.expect("}")
                return Empty()
            case "symbol" if token.text == "%":
                self.take()
                if self.token.kind not in ("name", "quoted", "string"):
                    raise self.unexpected("the name of a variable")
                return Variable(self.take().text)
            case "number":
                return self.number()
            case "string":
                return Literal("string", self.take().text)
            case "date" | "datetime":
                return Literal(token.kind, self.take().text[1:])
            case "time":
                return Literal(token.kind, self.take().text[2:])
            case "name" if token.text in ("true", "false"):
                return Literal("boolean", self.take().text == "true")
            case _:
                return self.invocation()

    def number(self) -> Node:
        text = self.take().text
        if len(text) > LONGEST_NUMBER:
            raise FhirpathError(
                f"A number has {len(text)} digits; at most {LONGEST_NUMBER} are read.", "too-long"
            )
        unit = self.token
        if unit.kind == "string":
            return QuantityLiteral(Decimal(text), self.take().text, calendar=False)
        if unit.kind == "name" and unit.text in CALENDAR_UNITS:
            return QuantityLiteral(Decimal(text), CALENDAR_UNITS[self.take().text], calendar=True)
        return Literal("decimal", Decimal(text)) if "." in text else Literal("integer", int(text))

    def invocation(self) -> Member | Call | Special:
        if self.token.kind == "special":
            return Special(self.take().text)
        name = self.name()
        if not (self.token.kind == "symbol" and self.token.text == "("):
            return Member(name)
        self.take()
        arguments: list[Node] = []
        if not self.closes():
            arguments.append(self.expression(0))
            while self.token.text == "," and self.token.kind == "symbol":
                self.take()
                arguments.append(self.expression(0))
        self.expect(")")
        return Call(name, tuple(arguments))

    def closes(self) -> bool:
        return self.token.kind == "symbol" and self.token.text == ")"

    def name(self) -> str:
        token = self.token
        if token.kind == "quoted" or (
            token.kind == "name" and (token.text not in BINDING or token.text in _NAME_ALSO)
        ):
            return self.take().text
        raise self.unexpected("a name")

    def type_name(self) -> str:
        """A type as `System.String`, `FHIR.Patient` or `Patient`."""
        name = self.name()
        while self.token.kind == "symbol" and self.token.text == ".":
            self.take()
            name += "." + self.name()
        return name

    def take(self) -> Token:
        token = self.token
        self.at += 1
        return token

    def expect(self, text: str) -> None:
        if self.token.kind != "symbol" or self.token.text != text:
            raise self.unexpected(f"`{text}`")
        self.take()

    def unexpected(self, hoped: str) -> FhirpathError:
        found = f"`{self.token.text}`" if self.token.kind != "end" else "the end"
        return FhirpathError(
            f"The expression `{_short(self.text)}` has {found} at character {self.token.start + 1}; "
            f"expected {hoped}."
        )


def _short(text: str) -> str:
    return text if len(text) <= 120 else text[:117] + "..."

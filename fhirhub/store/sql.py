"""A SQL statement as plain data, written once for both databases.

Placeholders are `$1`, `$2` ... and every value is bound, so that a `$` in the text is always a placeholder
and the text alone is the statement's shape: equal text means a prepared statement that can be used again,
and statements of one shape can be answered together (`store/database.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["text", "int", "bigint", "double", "bool", "bytea", "text[]", "int[]", "bigint[]"]


@dataclass(frozen=True, slots=True)
class Statement:
    """SQL text with its values. `together` says that it may join a group of its shape: its cost is bounded
    by its shape whatever the values, and it binds no arrays."""

    sql: str
    values: tuple[Any, ...] = ()
    kinds: tuple[Kind, ...] = ()
    together: bool = False


class Binder:
    """Collects values while a statement is written."""

    def __init__(self) -> None:
        self.values: list[Any] = []
        self.kinds: list[Kind] = []

    def bind(self, value: Any, kind: Kind = "text") -> str:
        """The placeholder of this value."""
        self.values.append(value)
        self.kinds.append(kind)
        return f"${len(self.values)}"

    def statement(self, sql: str, together: bool = False) -> Statement:
        return Statement(sql, tuple(self.values), tuple(self.kinds), together)


class Dialect:
    """The few words in which the two databases differ."""

    name: Literal["sqlite", "postgresql"]

    def any_of(self, column: str, placeholder: str) -> str:
        """The condition that a column equals one of the elements of an array bound as `text[]` or `bigint[]`."""
        raise NotImplementedError


class SqliteDialect(Dialect):
    name = "sqlite"

    def any_of(self, column: str, placeholder: str) -> str:
        return f"{column} IN (SELECT value FROM json_each({placeholder}))"


class PostgresqlDialect(Dialect):
    name = "postgresql"

    def any_of(self, column: str, placeholder: str) -> str:
        return f"{column} = ANY({placeholder})"


Row = Sequence[Any]

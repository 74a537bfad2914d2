"""A condition on the rows of one index table: SQL over an alias with a place for every value."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

from fhirhub.errors import FhirError, not_supported
from fhirhub.store.index.parameters import Parameter
from fhirhub.store.sql import Kind


class Comparison(NamedTuple):
    """`{t}` in `sql` is the row's alias and each `?` the place of one of `values`; equal texts have equal
    shape. `rank` overrides that of the Way where the value makes it more or less selective."""

    sql: str
    values: tuple[Any, ...]
    kinds: tuple[Kind, ...]
    rank: float | None = None


@dataclass(frozen=True, slots=True)
class Way:
    """A parameter with a modifier: which rows are looked at, and how a value becomes a Comparison.

    `read` raises ValueError with what it expects; `negated` asks for resources without a matching row.
    `rank` says how well such a condition narrows a search: 1 an identifier ... 11 a status.
    """

    table: str
    keys: tuple[int, ...]
    read: Callable[[str], Comparison]
    rank: float = 8
    negated: bool = False
    also: str = ""
    """A further condition on every row, without values."""
    raw: bool = False
    """`read` takes the value with its escapes, as it has separators of its own."""


def refuse(parameter: Parameter, modifier: str, known: Iterable[str]) -> FhirError:
    """The error for a modifier that this parameter does not have; names those it has."""
    if parameter.kind in ("composite", "special"):
        return not_supported(f"Parameter `{parameter.code}` has no modifiers; got `:{modifier}`.")
    names = ", ".join(f"`:{name}`" for name in known if name)
    said = f"`:{modifier}`" if modifier else "a search without modifier"
    has = f"it has {names} and `:missing`" if names else "it has `:missing` only"
    return not_supported(f"Parameter `{parameter.code}` ({parameter.kind}) does not support {said}; {has}.")


def split(text: str, separator: str) -> list[str]:
    """The parts between unescaped separators, escapes kept."""
    if "\\" not in text:
        return text.split(separator)
    parts, part, escaped = [], "", False
    for letter in text:
        if letter == separator and not escaped:
            parts.append(part)
            part = ""
            continue
        part += letter
        escaped = letter == "\\" and not escaped
    parts.append(part)
    return parts


def unescape(text: str) -> str:
    """The text without its escapes; ValueError for a backslash that escapes nothing.

    https://hl7.org/fhir/R4/search.html#escaping
    """
    if "\\" not in text:
        return text
    plain, escaped = "", False
    for letter in text:
        if escaped:
            if letter not in "\\,|$":
                raise ValueError("has a backslash that escapes nothing; write `\\\\` for a backslash")
            plain += letter
            escaped = False
        elif letter == "\\":
            escaped = True
        else:
            plain += letter
    if escaped:
        raise ValueError("ends in a backslash; write `\\\\` for a backslash")
    return plain

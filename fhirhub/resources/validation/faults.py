"""What a check is: of one JSON value, in the scope of its resource, with the faults that it finds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple


class Fault(NamedTuple):
    """`path` is what follows the checked element in FHIRPath, such as `.coding[0].code`, or empty.

    `code` is an IssueType; `text` says what would be right; `key` is the invariant where there is one.
    """

    path: str
    code: str
    text: str
    key: str | None = None


class Scope:
    """One resource on the way through: the types of the contained resources in its reach, by id, whether it is
    itself contained, and the ids that its elements have had."""

    __slots__ = ("contained", "ids", "is_contained")

    def __init__(self, contained: Mapping[str, str], is_contained: bool = False) -> None:
        self.contained = contained
        self.is_contained = is_contained
        self.ids: set[str] = set()


Faults = list[Fault] | None
Check = Callable[[Any, Scope], Faults]
"""None where all is well, which costs nothing to look at."""

MAX_FAULTS = 200
"""How many faults are told: enough to mend a resource, too few to make a flood of the answer."""


def below(path: str, faults: Iterable[Fault]) -> list[Fault]:
    """The same faults, seen from an element further out."""
    return [Fault(path + fault.path, fault.code, fault.text, fault.key) for fault in faults]

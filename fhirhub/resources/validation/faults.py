"""What a check finds: a fault and where it is, relative to what was checked."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple


class Fault(NamedTuple):
    """`path` is what follows the checked element in FHIRPath, such as `.coding[0].code`, or empty.

    `code` is an IssueType; `text` says what would be right; `key` is the invariant where there is one.
    """

    path: str
    code: str
    text: str
    key: str | None = None


def below(path: str, faults: Iterable[Fault]) -> list[Fault]:
    """The same faults, seen from an element further out."""
    return [Fault(path + fault.path, fault.code, fault.text, fault.key) for fault in faults]

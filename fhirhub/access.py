"""What a caller may see and do, as pure data: a set of Rules, combined with `|` (union) and `&` (both).

An Access without rules sees nothing. `store/visible.py` turns an Access into a condition inside every
SELECT; no handler ever holds an unfiltered store.
"""

from __future__ import annotations

from dataclasses import dataclass

EVERY_TYPE: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Rule:
    """Resources that may be seen: those that meet every condition stated here.

    `types` names resource types, empty for every type. `patients` are logical ids of the patients the
    resource must be about (RULES R1), None where that does not matter; an empty set matches nothing.
    `ids` are logical ids of the resources themselves, None where that does not matter.
    """

    types: frozenset[str] = EVERY_TYPE
    patients: frozenset[str] | None = None
    ids: frozenset[str] | None = None

    @property
    def unlimited(self) -> bool:
        return not self.types and self.patients is None and self.ids is None

    def both(self, other: Rule) -> Rule | None:
        """The rule of what both rules let through; None where that is nothing."""
        types = self.types & other.types if self.types and other.types else self.types | other.types
        if self.types and other.types and not types:
            return None
        return Rule(types, _meet(self.patients, other.patients), _meet(self.ids, other.ids))


def _meet(one: frozenset[str] | None, other: frozenset[str] | None) -> frozenset[str] | None:
    if one is None:
        return other
    return one if other is None else one & other


@dataclass(frozen=True, slots=True)
class Access:
    """The union of its rules."""

    rules: frozenset[Rule] = frozenset()

    @property
    def unlimited(self) -> bool:
        return any(rule.unlimited for rule in self.rules)

    def __or__(self, other: Access) -> Access:
        return Access(self.rules | other.rules)

    def __and__(self, other: Access) -> Access:
        met = (one.both(two) for one in self.rules for two in other.rules)
        return Access(frozenset(rule for rule in met if rule is not None))


NOTHING = Access()
EVERYTHING = Access(frozenset({Rule()}))

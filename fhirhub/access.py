"""What a caller may see and do, as pure data: a set of Rules, combined with `|` (union) and `&` (both).

An Access without rules sees nothing. `store/visible.py` turns an Access into a condition inside every
SELECT; no handler ever holds an unfiltered store.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any

EVERY_TYPE: frozenset[str] = frozenset()
LETTERS = "cruds"
"""Create, read, update, delete, search."""
NAMING = "n"
"""The letter of what may be referred to in a write, and not be seen."""
FOREVER = 1 << 62


@dataclass(frozen=True, slots=True)
class Related:
    """To every patient that the resource is about, the caller stands in one of these relations (the numbers of
    `resources/relations.py`): now, or, with `ended`, until at most so many microseconds ago. `typed`: in one
    that covers the resource's type."""

    kinds: tuple[int, ...]
    typed: bool = False
    ended: int | None = None


@dataclass(frozen=True, slots=True)
class Unblocked:
    """No patient that the resource is about objects to this caller (RULES R13, R17); with `writing`, not to what
    the caller adds either."""

    writing: bool = False


@dataclass(frozen=True, slots=True)
class Labelled:
    """The resource has no label, or one of these sets of labels (RULES R20)."""

    seen: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Held:
    """The caller, or their organisation, holds this one resource in one of these ways."""

    kinds: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Nobodys:
    """The resource is about nobody."""


@dataclass(frozen=True, slots=True)
class Matching:
    """The resource meets search criteria (a granular scope): a node of the search with its values."""

    node: Any
    values: tuple[Any, ...]
    kinds: tuple[Any, ...]


Condition = Related | Unblocked | Labelled | Held | Nobodys | Matching


@dataclass(frozen=True, slots=True)
class Rule:
    """Resources that may be seen: those that meet every condition stated here.

    `types` names resource types, empty for every type. `patients` are logical ids of the patients the
    resource must be about (RULES R1), or other owners (`RelatedPerson/x`), None where that does not matter; an
    empty set matches nothing. `ids` are logical ids of the resources themselves, None where that does not
    matter. `letters` are what may be done. `masked`: seen by this rule, a resource is not whole (a Task's
    `for` is a bare reference, of a Patient there are name, phone and address).
    """

    types: frozenset[str] = EVERY_TYPE
    patients: frozenset[str] | None = None
    ids: frozenset[str] | None = None
    where: frozenset[Condition] = frozenset()
    letters: str = LETTERS
    masked: bool = False

    @property
    def unlimited(self) -> bool:
        return not self.types and self.patients is None and self.ids is None and not self.where

    def both(self, other: Rule) -> Rule | None:
        """The rule of what both rules let through; None where that is nothing."""
        types = self.types & other.types if self.types and other.types else self.types | other.types
        if self.types and other.types and not types:
            return None
        letters = "".join(letter for letter in self.letters if letter in other.letters)
        if not letters:
            return None
        return Rule(
            types,
            _meet(self.patients, other.patients),
            _meet(self.ids, other.ids),
            self.where | other.where,
            letters,
            self.masked or other.masked,
        )


def _meet(one: frozenset[str] | None, other: frozenset[str] | None) -> frozenset[str] | None:
    if one is None:
        return other
    return one if other is None else one & other


@dataclass(frozen=True, slots=True)
class Caller:
    """The names under which relations and holdings know a caller, such as `Practitioner/x`."""

    names: tuple[str, ...] = ()
    """The person, the roles in which they act, their organisation and its services."""
    organization: str | None = None
    firm: tuple[str, ...] = ()
    """Where the organisation registers patients: it, and those who work there and at no other such one (R6)."""
    provider: bool = False
    """Whether the organisation is a care provider (RULES R4)."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts, and for whom, as the token tells it: what the rules of a write and the log ask. References are
    relative, such as `Practitioner/x`. A backend has no person and no role, unless it acts for one."""

    column: str
    """The column of the roles' matrix: `doctor`, `treating`, `backend`, `welfare`, `analyst`, `administrator`,
    `officer`, `patient`, `carer` or `representative`; `hub` for work that fell due; empty for an unknown role."""
    role: str | None = None
    person: str | None = None
    organization: str | None = None
    is_doctor: bool = False
    provider: bool = False
    """Whether the organisation is a care provider (RULES R4)."""
    client: str | None = None
    account: str | None = None
    token: str | None = None
    """The `jti` of the access token."""
    responsible: str | None = None
    """`Practitioner/x` under whose responsibility the person works (RULES R24)."""
    purpose: str | None = None
    """Why a backend acts for this person (RULES R24)."""
    directory: bool = False
    """Whether it is a backend that a setting lets write the directory (RULES R21)."""
    scopes: tuple[str, ...] = ()
    """What the token lets through, as it is written."""
    patient: str | None = None
    """The logical id of the Patient in the launch context."""
    also: tuple[str, ...] = ()
    """The PractitionerRoles that are the person, and the services of the organisation."""

    @property
    def names(self) -> frozenset[str]:
        return frozenset(name for name in (self.person, self.organization, *self.also) if name)


@dataclass(frozen=True, slots=True)
class Access:
    """The union of its rules. `without_bsn`: no identifier that is a BSN exists for this caller (RULES R3)."""

    rules: frozenset[Rule] = frozenset()
    caller: Caller = Caller()
    without_bsn: bool = False
    guard: Callable[[str, Any, Any], None] | None = field(default=None, compare=False, repr=False)
    """Looks at a write by its letter, the content before and the content to come (None where there is none):
    raises FhirError to refuse it, and puts back into the latter what this caller's writes keep."""
    own_ids: bool = False
    """Whether what is unknown may be created by PUT under an id of the caller's own choosing."""
    actor: Actor | None = field(default=None, compare=False, repr=False)
    """Who this is; None where nobody signs in, and for the hub itself."""
    kept: dict[Any, Any] = field(default_factory=dict, compare=False, repr=False)
    """For what is worked out of it once (`store/visible.py`)."""

    @property
    def unlimited(self) -> bool:
        found: bool | None = self.kept.get("unlimited")
        if found is None:
            whole = any(rule.unlimited and not rule.masked for rule in self.rules)
            found = self.kept["unlimited"] = whole and not self.without_bsn
        return found

    @property
    def masked_types(self) -> frozenset[str]:
        """The types of which something is seen in part."""
        found: frozenset[str] | None = self.kept.get("masked")
        if found is None:
            masked = frozenset(type for rule in self.rules if rule.masked for type in rule.types)
            found = self.kept["masked"] = masked
        return found

    def to(self, letter: str) -> Access:
        """What may be done by this letter."""
        found: Access | None = self.kept.get(letter)
        if found is None:
            # Rules that differ in other letters alone are one.
            rules = merged(replace(rule, letters=letter) for rule in self.rules if letter in rule.letters)
            found = self.kept[letter] = replace(self, rules=rules, kept={})
        return found

    def letters_of(self, type: str) -> str:
        """What may be done on some resources of the type."""
        found = {
            letter for rule in self.rules if not rule.types or type in rule.types for letter in rule.letters
        }
        return "".join(letter for letter in LETTERS if letter in found)

    @property
    def digest(self) -> str:
        """The same for the same access in every process, whatever the moment."""
        found: str | None = self.kept.get("digest")
        if found is None:
            told = repr((sorted(_told(rule) for rule in self.rules), self.caller, self.without_bsn))
            found = self.kept["digest"] = hashlib.sha256(told.encode("utf-8", "surrogatepass")).hexdigest()
        return found

    def __or__(self, other: Access) -> Access:
        return self._with(other, merged(self.rules | other.rules))

    def __and__(self, other: Access) -> Access:
        met = (one.both(two) for one in self.rules for two in other.rules)
        return self._with(other, merged(rule for rule in met if rule is not None))

    def _with(self, other: Access, rules: frozenset[Rule]) -> Access:
        caller = other.caller if self.caller == Caller() else self.caller
        return replace(
            self,
            rules=rules,
            caller=caller,
            without_bsn=self.without_bsn or other.without_bsn,
            guard=self.guard or other.guard,
            own_ids=self.own_ids or other.own_ids,
            actor=self.actor or other.actor,
            kept={},
        )


def merged(rules: Iterable[Rule]) -> frozenset[Rule]:
    """The same rules with those made one that differ in nothing but the types they name."""
    by_rest: dict[Rule, set[str] | None] = {}
    for rule in rules:
        rest = replace(rule, types=EVERY_TYPE)
        known = by_rest.setdefault(rest, set())
        if not rule.types or known is None:
            by_rest[rest] = None
        else:
            known.update(rule.types)
    return frozenset(replace(rest, types=frozenset(types or ())) for rest, types in by_rest.items())


def _told(rule: Rule) -> str:
    sets = [None if part is None else sorted(part) for part in (rule.types, rule.patients, rule.ids)]
    return repr((sets, sorted(map(repr, rule.where)), rule.letters, rule.masked))


NOTHING = Access()
EVERYTHING = Access(frozenset({Rule()}))
HUB = Access(frozenset({Rule()}), actor=Actor("hub"))
"""The hub itself, doing what fell due."""

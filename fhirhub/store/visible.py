"""What a caller may see, as a condition inside every SELECT (RULES R2).

With an unlimited Access there is no condition; an Access without rules sees nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from fhirhub.access import Access
from fhirhub.store.sql import Dialect, Kind

_RuleShape = tuple[tuple[str, ...], str, str]


@dataclass(frozen=True, slots=True)
class Visible:
    """An Access apart from its values: `shape` is part of a statement's shape, `values` are bound once."""

    shape: tuple[_RuleShape, ...] | None
    """None for unlimited; per rule its types, and how patients and ids are asked for."""
    values: tuple[Any, ...] = ()
    kinds: tuple[Kind, ...] = ()

    @property
    def unlimited(self) -> bool:
        return self.shape is None

    @property
    def together(self) -> bool:
        """Whether no value is an array, so that statements may be answered together."""
        return not any(kind.endswith("[]") for kind in self.kinds)

    def condition(self, alias: str, first: int, dialect: Dialect) -> str:
        """SQL over the alias of a `resource` row, its values bound from `$first` on; '' for unlimited."""
        if self.shape is None:
            return ""
        if not self.shape:
            return "1 = 0"
        parts = []
        place = first
        for types, patients, ids in self.shape:
            terms = []
            if types:
                terms.append(_types(alias, types))
            if patients == "none" or ids == "none":
                terms.append("1 = 0")
            if patients == "one":
                terms.append(f"{alias}.patient = ${place}")
            elif patients == "many":
                terms.append(_all_of(alias, f"${place}", dialect))
            place += patients in ("one", "many")
            if ids == "one":
                terms.append(f"{alias}.id = ${place}")
            elif ids == "many":
                terms.append(dialect.any_of(f"{alias}.id", f"${place}"))
            place += ids in ("one", "many")
            parts.append("(" + " AND ".join(terms) + ")" if terms else "1 = 1")
        return "(" + " OR ".join(parts) + ")"


EVERYTHING = Visible(None)


def visible(access: Access) -> Visible:
    """The condition of an Access."""
    if access.unlimited:
        return EVERYTHING
    shape: list[_RuleShape] = []
    values: list[Any] = []
    kinds: list[Kind] = []
    for rule in sorted(access.rules, key=repr):
        forms = []
        for wanted in (rule.patients, rule.ids):
            form = _form(wanted)
            forms.append(form)
            if form == "one" and wanted is not None:
                values.append(next(iter(wanted)))
                kinds.append("text")
            elif form == "many" and wanted is not None:
                values.append(sorted(wanted))
                kinds.append("text[]")
        shape.append((tuple(sorted(rule.types)), forms[0], forms[1]))
    return Visible(tuple(shape), tuple(values), tuple(kinds))


def _form(wanted: frozenset[str] | None) -> str:
    if wanted is None:
        return "any"
    return "none" if not wanted else "one" if len(wanted) == 1 else "many"


def _types(alias: str, types: Iterable[str]) -> str:
    names = ", ".join(f"'{name}'" for name in types if name.isalpha())
    return f"{alias}.type IN ({names})"


def _all_of(alias: str, placeholder: str, dialect: Dialect) -> str:
    """What is about several patients, kept as their ids with spaces between, needs all of them."""
    one = dialect.any_of(f"{alias}.patient", placeholder)
    if dialect.name == "postgresql":
        several = f"string_to_array({alias}.patient, ' ') <@ {placeholder}"
    else:
        several = (
            "NOT EXISTS (SELECT 1 FROM json_each('[\"' || replace("
            f"{alias}.patient, ' ', '\",\"') || '\"]') about "
            f"WHERE about.value NOT IN (SELECT value FROM json_each({placeholder})))"
        )
    return f"({one} OR ({alias}.patient LIKE '% %' AND {several}))"

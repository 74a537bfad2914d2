"""What a caller may see, as a condition inside every SELECT (RULES R2).

With an unlimited Access there is no condition; an Access without rules sees nothing. Relations and holdings are
looked up for each row at the moment of the statement, so nothing that ended a moment ago still opens anything.

Who is asking stands in the text as slots (`$@person`), so that equal rules are one statement's shape; `bind`
numbers those that a finished statement has, and `given` tells their values.
"""

from __future__ import annotations

import functools
import re
import time
from collections.abc import Sequence
from typing import Any

from fhirhub.access import Access, Condition, Held, Labelled, Matching, Nobodys, Related, Rule, Unblocked
from fhirhub.resources.masking import BSN_SYSTEMS, CONTACT_PARAMETERS, MASKED_BYTE
from fhirhub.resources.relations import Kind, acting
from fhirhub.store.conditions import Writer
from fhirhub.store.index.parameters import Parameters, key_of, system_of
from fhirhub.store.sql import Dialect, PostgresqlDialect, SqliteDialect
from fhirhub.store.sql import Kind as ValueKind

_SLOT = re.compile(r"\$@(\w+)")
_REGISTERING = "Z3"
"""The type of the organisations at which patients are registered (R6)."""
_PLACES = 1000
"""Where the numbered places begin that stand for the values of search criteria while they are written."""


class Visible:
    """An Access apart from its values: `shape` is part of a statement's shape, values are bound once."""

    __slots__ = ("_values", "shape")

    def __init__(self, shape: Shape | None, values: dict[str, tuple[Any, ValueKind]]) -> None:
        self.shape = shape
        """None for unlimited. Equal to itself alone, and the same for equal rules."""
        self._values = values

    @property
    def unlimited(self) -> bool:
        return self.shape is None

    def condition(self, alias: str, types: Sequence[str] = ()) -> str:
        """SQL over the alias of a `resource` row; '' for unlimited. `types` are those that it can be of."""
        return "" if self.shape is None else self.shape.condition(alias, types)

    def body(self, alias: str, types: Sequence[str] = (), also: str | None = None) -> str:
        """SQL of the body, which begins with MASKED_BYTE where it, or the row of `also`, is not seen whole."""
        return f"{alias}.body" if self.shape is None else self.shape.body(alias, types, also)

    def shown(self, table: str, alias: str, keys: Sequence[int], types: Sequence[str] = ()) -> list[str]:
        """The conditions that an index row under one of these keys is of what the caller sees of its resource,
        which is of one of these types."""
        return [] if self.shape is None else self.shape.shown(table, alias, keys, types)

    def bind(self, sql: str, first: int) -> tuple[str, tuple[str, ...]]:
        """The statement with its slots numbered from `$first` on, and which these are."""
        if self.shape is None:
            return sql, ()
        names: dict[str, int] = {}
        numbered = _SLOT.sub(lambda found: f"${names.setdefault(found[1], first + len(names))}", sql)
        return numbered, tuple(names)

    def given(self, names: Sequence[str]) -> tuple[tuple[Any, ...], tuple[ValueKind, ...]]:
        """The values of slots at this moment."""
        values: list[Any] = []
        kinds: list[ValueKind] = []
        for name in names:
            if name == "now":
                values.append(time.time_ns() // 1000)
                kinds.append("bigint")
            else:
                value, kind = self._values[name]
                values.append(value)
                kinds.append(kind)
        return tuple(values), tuple(kinds)


EVERYTHING = Visible(None, {})


def visible(access: Access, dialect: Dialect) -> Visible:
    """The condition of an Access."""
    if access.unlimited:
        return EVERYTHING
    key = ("visible", dialect.name)
    found: Visible | None = access.kept.get(key)
    if found is None:
        found = access.kept[key] = _compiled(access, dialect)
    return found


def _compiled(access: Access, dialect: Dialect) -> Visible:
    caller = access.caller
    values: dict[str, tuple[Any, ValueKind]] = {}
    if caller.person is not None:
        values["person"] = (caller.person, "text")
    if caller.organization is not None:
        values["organization"] = (caller.organization, "text")
    if caller.person is not None and caller.organization is not None:
        values["acting"] = (acting(caller.person, caller.organization), "text")
    forms = []
    for number, rule in enumerate(sorted(access.rules, key=_order)):
        where: list[Condition] = []
        for condition in sorted(rule.where, key=repr):
            if isinstance(condition, Matching):
                for place, (value, kind) in enumerate(zip(condition.values, condition.kinds, strict=True)):
                    values[f"m{number}_{len(where)}_{place}"] = (value, kind)
                condition = Matching(condition.node, (), condition.kinds)
            where.append(condition)
        patients = _form(rule.patients, f"p{number}", values)
        ids = _form(rule.ids, f"i{number}", values)
        forms.append((tuple(sorted(rule.types)), patients, ids, tuple(where), rule.masked))
    known = frozenset(values) & {"person", "organization", "acting"}
    return Visible(_shape(dialect.name, tuple(forms), known, caller.provider, access.without_bsn), values)


def _order(rule: Rule) -> tuple[int, list[str], str, list[str], list[str]]:
    """What is answered without a look-up comes first."""
    look_ups = sum(isinstance(condition, Related | Held | Matching) for condition in rule.where)
    return (
        look_ups,
        sorted(map(repr, rule.where)),
        f"{rule.masked}{rule.letters}",
        sorted(rule.types),
        [*sorted(rule.patients or ()), "/", *sorted(rule.ids or ())],
    )


def _form(wanted: frozenset[str] | None, slot: str, values: dict[str, tuple[Any, ValueKind]]) -> str:
    """How these names are asked for: `any`, `none`, `one` or `many`."""
    if wanted is None:
        return "any"
    if len(wanted) == 1:
        values[slot] = (next(iter(wanted)), "text")
        return "one"
    if wanted:
        values[slot] = (sorted(wanted), "text[]")
        return "many"
    return "none"


_RuleForm = tuple[tuple[str, ...], str, str, tuple[Condition, ...], bool]


@functools.lru_cache(4096)
def _shape(
    dialect: str, rules: tuple[_RuleForm, ...], known: frozenset[str], provider: bool, without_bsn: bool
) -> Shape:
    return Shape(dialect, rules, known, provider, without_bsn)


class Shape:
    """The rules of an Access without its values, and the SQL of them."""

    def __init__(
        self,
        dialect: str,
        rules: tuple[_RuleForm, ...],
        known: frozenset[str],
        provider: bool,
        without_bsn: bool,
    ) -> None:
        self.dialect = dialect
        self.rules = rules
        self.known = known
        self.provider = provider
        self.without_bsn = without_bsn
        self.masked = tuple(sorted({type for rule in rules if rule[4] for type in rule[0]}))
        """Types of which resources may be seen in part."""

    # --- resources ---

    def condition(self, alias: str, types: Sequence[str]) -> str:
        return self._any(alias, types, whole=False)

    def _any(self, alias: str, types: Sequence[str], *, whole: bool) -> str:
        parts = []
        for number, rule in enumerate(self.rules):
            of = rule[0]
            if (whole and rule[4]) or (types and of and not set(of) & set(types)):
                continue
            terms = self._terms(alias, number, rule, all_named=bool(types) and set(types) <= set(of))
            if not terms:
                return "1 = 1"
            parts.append("(" + " AND ".join(terms) + ")")
        return "(" + " OR ".join(dict.fromkeys(parts)) + ")" if parts else "1 = 0"

    def _terms(self, alias: str, number: int, rule: _RuleForm, *, all_named: bool) -> list[str]:
        types, patients, ids, where, _ = rule
        terms = []
        if types and not all_named:
            names = ", ".join(f"'{name}'" for name in types if name.isalpha())
            terms.append(f"{alias}.type IN ({names})")
        if patients == "none" or ids == "none":
            terms.append("1 = 0")
        if patients == "one":
            terms.append(f"{alias}.patient = $@p{number}")
        elif patients == "many":
            terms.append(self._all_of(alias, f"$@p{number}"))
        if ids == "one":
            terms.append(f"{alias}.id = $@i{number}")
        elif ids == "many":
            terms.append(self._any_of(f"{alias}.id", f"$@i{number}"))
        of_patient = []
        for place, condition in enumerate(where):
            match condition:
                case Nobodys():
                    terms.append(f"{alias}.patient IS NULL")
                case Labelled(seen):
                    also = "".join(f" OR {alias}.label = '{label}'" for label in seen if label.isalpha())
                    terms.append(f"({alias}.label IS NULL{also})" if also else f"{alias}.label IS NULL")
                case Held(kinds):
                    terms.append(self._held(alias, kinds))
                case Matching(node, _, value_kinds):
                    terms.append(self._matching(alias, node, f"m{number}_{place}", len(value_kinds)))
                case _:
                    of_patient.append(condition)
        if of_patient:
            terms.append(self._of_each(alias, of_patient))
        return terms

    def _of_each(self, alias: str, conditions: Sequence[Condition]) -> str:
        """What is about several patients, kept as their ids with spaces between, needs it of all of them."""

        def of(subject: str) -> str:
            return " AND ".join(self._of_one(subject, alias, condition) for condition in conditions)

        if self.dialect == "postgresql":
            each = f"unnest(string_to_array({alias}.patient, ' ')) AS each_of(subject)"
        else:
            each = (
                "(SELECT value AS subject FROM json_each('[\"' || replace("
                f"{alias}.patient, ' ', '\",\"') || '\"]')) AS each_of"
            )
        return (
            f"CASE WHEN {alias}.patient LIKE '% %' THEN NOT EXISTS (SELECT 1 FROM {each} "
            f"WHERE NOT ({of('each_of.subject')})) ELSE {of(f'{alias}.patient')} END"
        )

    def _of_one(self, subject: str, alias: str, condition: Condition) -> str:
        if isinstance(condition, Related):
            return self._related(subject, alias, condition)
        assert isinstance(condition, Unblocked)
        return f"NOT {self._denied(subject, alias, condition.writing)}"

    # --- relations ---

    def _related(self, subject: str, alias: str, condition: Related) -> str:
        parts = []
        kinds = condition.kinds
        if Kind.PRACTICE in kinds and "organization" in self.known:
            parts.append(f"(x.kind = {int(Kind.PRACTICE)} AND {self._practice('x')})")
            kinds = tuple(kind for kind in kinds if kind != Kind.PRACTICE)
        if kinds:
            parts.append(f"({_among('x.kind', kinds)} AND {self._mine('x')})")
        if condition.ended is None:
            when = _now("x")
        else:
            when = f"x.until <= $@now AND x.start <= $@now AND x.until > $@now - {condition.ended}"
        where = [
            "x.tenant = $1",
            f"x.subject = {subject}",
            _among("x.kind", condition.kinds),
            when,
            *([f"x.type IN ('', {alias}.type)"] if condition.typed else []),
            "(" + " OR ".join(parts) + ")" if parts else "1 = 0",
        ]
        return self._exists("relation", "a", "x", where)

    def _mine(self, x: str) -> str:
        """The actor of a relation is the caller: the person, the role they act in, their organisation or one of
        its services."""
        found = []
        names = [f"$@{name}" for name in ("person", "organization") if name in self.known]
        if names:
            found.append(f"{x}.actor IN ({', '.join(names)})")
        if "acting" in self.known:
            found.append(self._by_name(x, "PractitionerRole", "$@acting", Kind.IS))
        if "organization" in self.known:
            found.append(self._by_name(x, "HealthcareService", "$@organization", Kind.BELONGS))
        return "(" + " OR ".join(found) + ")" if found else "1 = 0"

    def _by_name(self, x: str, type: str, subject: str, kind: Kind) -> str:
        where = [
            "b.tenant = $1",
            f"b.subject = {subject}",
            f"b.kind = {int(kind)}",
            f"b.actor = {x}.actor",
            _now("b"),
        ]
        return f"({x}.actor LIKE '{type}/%' AND {self._exists('relation', 'a', 'b', where)})"

    def _practice(self, x: str) -> str:
        """The actor is the caller's organisation, or somebody who works there and at no other practice."""
        working = [
            "w.tenant = $1",
            "w.subject = $@organization",
            f"w.kind IN ({int(Kind.WORKS)}, {int(Kind.BELONGS)})",
            f"w.actor = {x}.actor",
            _now("w"),
        ]
        elsewhere = [
            "e.tenant = $1",
            f"e.actor = {x}.actor",
            f"e.kind = {int(Kind.WORKS)}",
            "e.subject <> $@organization",
            _now("e"),
            self._exists(
                "relation",
                "a",
                "k",
                [
                    "k.tenant = $1",
                    "k.subject = e.subject",
                    f"k.kind = {int(Kind.TYPE)}",
                    f"k.type = '{_REGISTERING}'",
                ],
            ),
        ]
        return (
            f"({x}.actor = $@organization OR ({x}.actor LIKE 'Practitioner%' "
            f"AND {self._exists('relation', 'a', 'w', working)} "
            f"AND NOT {self._exists('relation', 'c', 'e', elsewhere)}))"
        )

    def _denied(self, subject: str, alias: str, writing: bool) -> str:
        """An objection that no more specific agreement outweighs (R13)."""
        kinds = (Kind.DENY, Kind.DENY_WRITING) if writing else (Kind.DENY,)
        anybody = "p.actor = '' OR " if self.provider else ""
        permitted = [
            "p.tenant = $1",
            f"p.subject = {subject}",
            f"p.kind = {int(Kind.PERMIT)}",
            f"p.type IN ('', {alias}.type)",
            _now("p"),
            "p.weight > d.weight",
            f"({anybody}{self._mine('p')})",
        ]
        where = [
            "d.tenant = $1",
            f"d.subject = {subject}",
            _among("d.kind", kinds),
            f"d.type IN ('', {alias}.type)",
            _now("d"),
            f"(d.actor = '' OR {self._mine('d')})",
            f"NOT {self._exists('relation', 'a', 'p', permitted)}",
        ]
        return self._exists("relation", "a", "d", where)

    def _held(self, alias: str, kinds: tuple[int, ...]) -> str:
        """Rights on a Task are those of its owner's and requester's organisation (R22), a queue's of those who
        belong to it (R27)."""
        ours = [self._mine("h")]
        if "organization" in self.known:
            ours.append(self._by_name("h", "PractitionerRole", "$@organization", Kind.BELONGS))
        where = [
            "h.tenant = $1",
            f"h.target_id = {alias}.id",
            f"h.target_type = {alias}.type",
            _among("h.kind", kinds),
            f"({' OR '.join(ours)})",
        ]
        return self._exists("holding", "a", "h", where)

    def _matching(self, alias: str, node: Any, slot: str, count: int) -> str:
        text = Writer(_dialect(self.dialect), EVERYTHING).probe(node, _PLACES, f"{alias}.rid")
        for place in range(count):
            text = re.sub(rf"\${_PLACES + place}\b", f"$@{slot}_{place}", text)
        return text

    def _exists(self, table: str, index: str, alias: str, where: Sequence[str]) -> str:
        hint = f" INDEXED BY {table}_{index}" if self.dialect == "sqlite" else ""
        return f"EXISTS (SELECT 1 FROM {table} {alias}{hint} WHERE {' AND '.join(where)} LIMIT 1 OFFSET 0)"

    # --- explicit names ---

    def _any_of(self, column: str, placeholder: str) -> str:
        return _dialect(self.dialect).any_of(column, placeholder)

    def _all_of(self, alias: str, placeholder: str) -> str:
        one = self._any_of(f"{alias}.patient", placeholder)
        if self.dialect == "postgresql":
            several = f"string_to_array({alias}.patient, ' ') <@ {placeholder}"
        else:
            several = (
                "NOT EXISTS (SELECT 1 FROM json_each('[\"' || replace("
                f"{alias}.patient, ' ', '\",\"') || '\"]') about "
                f"WHERE about.value NOT IN (SELECT value FROM json_each({placeholder})))"
            )
        return f"({one} OR ({alias}.patient LIKE '% %' AND {several}))"

    # --- what is seen in part ---

    def _masked(self, types: Sequence[str]) -> list[str]:
        return [type for type in self.masked if not types or type in types]

    def _whole(self, alias: str, masked: Sequence[str]) -> str:
        names = ", ".join(f"'{type}'" for type in masked)
        return f"({alias}.type NOT IN ({names}) OR {self._any(alias, masked, whole=True)})"

    def body(self, alias: str, types: Sequence[str], also: str | None) -> str:
        masked = self._masked(types)
        if not masked:
            return f"{alias}.body"
        if self.dialect == "postgresql":
            marked = f"'\\x{MASKED_BYTE.hex()}'::bytea || {alias}.body"
        else:
            marked = f"CAST('{MASKED_BYTE.decode()}' || {alias}.body AS BLOB)"
        whole = " AND ".join(self._whole(one, masked) for one in (alias, also) if one is not None)
        return f"CASE WHEN {whole} THEN {alias}.body ELSE {marked} END"

    def shown(self, table: str, alias: str, keys: Sequence[int], types: Sequence[str]) -> list[str]:
        found = []
        if self.without_bsn and table == "token":
            found.append(f"{alias}.system NOT IN ({', '.join(map(str, _BSN))})")
        masked = [type for type in self._masked(types) if not _shown_keys(type).issuperset(keys)]
        if masked:
            where = ["w.tenant = $1", f"w.rid = {alias}.rid", self._whole("w", masked)]
            found.append(f"EXISTS (SELECT 1 FROM resource w WHERE {' AND '.join(where)} LIMIT 1 OFFSET 0)")
        return found


_BSN = tuple(system_of(system) for system in BSN_SYSTEMS)


@functools.cache
def _shown_keys(type: str) -> frozenset[int]:
    """The keys of R4's own parameters whose rows are shown of a resource of the type that is seen in part."""
    keys: set[int] = set()
    for code, parameter in Parameters().of(type).items():
        if type == "Task" and code not in ("_content", "_text"):
            keys.update(parameter.keys)
            for suffix in ("text", "of-type", "identifier"):
                if code not in ("subject", "patient"):
                    keys.update(parameter.kindred(suffix))
        elif type == "Patient" and code in CONTACT_PARAMETERS:
            keys.update(parameter.keys)
    if type == "Task":
        keys.add(key_of("Task:*reference"))
    return frozenset(keys)


def _among(column: str, values: Sequence[int]) -> str:
    if len(values) == 1:
        return f"{column} = {int(values[0])}"
    return f"{column} IN ({', '.join(str(int(value)) for value in values)})"


def _now(x: str) -> str:
    return f"{x}.start <= $@now AND {x}.until > $@now"


def _dialect(name: str) -> Dialect:
    return PostgresqlDialect() if name == "postgresql" else SqliteDialect()

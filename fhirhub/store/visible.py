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
from fhirhub.resources import definitions
from fhirhub.resources.compartments import ABOUT, WITHOUT_SUBJECT
from fhirhub.resources.masking import BSN_SYSTEMS, CONTACT_PARAMETERS, MASKED_BYTE
from fhirhub.resources.relations import Hold, Kind
from fhirhub.store.conditions import Writer
from fhirhub.store.index.parameters import Parameters, key_of, system_of
from fhirhub.store.sql import Dialect, PostgresqlDialect, SqliteDialect
from fhirhub.store.sql import Kind as ValueKind

_SLOT = re.compile(r"\$@(\w+)")
LABELS = ("R", "RS", "RSV", "RV", "S", "SV", "V")
"""Every set of labels that a resource can have."""
IN_PART, WHOLE = 1, 2
"""How a resource may be seen."""
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

    def grade(self, alias: str, types: Sequence[str]) -> tuple[str, str] | None:
        """SQL of a resource's grade, WHOLE or IN_PART, and the condition on it; it may be seen where both are met. None
        where nothing of these types is ever seen in part. One look at each row says so whether it is seen and how."""
        return None if self.shape is None else self.shape.grade(alias, types)

    def graded(self, alias: str, grade: str) -> str:
        """The body of a resource of that grade, as `body` gives it."""
        assert self.shape is not None
        return self.shape.marked(alias, f"{grade} = {WHOLE}")

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
    values: dict[str, tuple[Any, ValueKind]] = {
        "me": (_listed(caller.names), "text"),
        "firm": (_listed(caller.firm), "text"),
        "organization": (caller.organization or "", "text"),
    }
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
    at_work = caller.organization is not None
    return Visible(_shape(dialect.name, tuple(forms), at_work, caller.provider, access.without_bsn), values)


def _listed(names: Sequence[str]) -> str:
    """Names as one text, so that many callers' statements can be answered together: each with a space behind."""
    return "".join(f"{name} " for name in names)


def _order(rule: Rule) -> tuple[int, list[str], str, list[str], list[str]]:
    """What is answered without a look-up comes first, then the relations that are most often there."""
    first = 0
    for condition in rule.where:
        if isinstance(condition, Held | Matching):
            first += 3
        elif isinstance(condition, Related):
            first += 1 if condition.ended is None else 4
    return (
        first,
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
_Way = tuple[list[str], list[Condition]]
"""What a rule asks of the resource, and of the patient that it is about."""
_Ways = dict[tuple[Condition, ...], list[_Way]]
"""The rules by what they ask in common."""


@functools.lru_cache(4096)
def _shape(
    dialect: str, rules: tuple[_RuleForm, ...], at_work: bool, provider: bool, without_bsn: bool
) -> Shape:
    return Shape(dialect, rules, at_work, provider, without_bsn)


class Shape:
    """The rules of an Access without its values, and the SQL of them."""

    def __init__(
        self, dialect: str, rules: tuple[_RuleForm, ...], at_work: bool, provider: bool, without_bsn: bool
    ) -> None:
        self.dialect = dialect
        self.rules = rules
        self.at_work = at_work
        self.provider = provider
        self.without_bsn = without_bsn
        self.masked = tuple(sorted({type for rule in rules if rule[4] for type in rule[0]}))
        """Types of which resources may be seen in part."""

    # --- resources ---

    def condition(self, alias: str, types: Sequence[str]) -> str:
        return self._any(alias, types, whole=False)

    def _any(self, alias: str, types: Sequence[str], *, whole: bool) -> str:
        masked = (False,) if whole else (False, True)
        free, of_one = self._sorted_out(alias, types, masked)
        if "" in free:
            return "1 = 1"
        if of_one:
            free.append(self._of_each(alias, types, of_one))
        return "(" + " OR ".join(dict.fromkeys(free)) + ")" if free else "1 = 0"

    def _sorted_out(
        self, alias: str, types: Sequence[str], masked: tuple[bool, ...]
    ) -> tuple[list[str], _Ways]:
        """The rules that are met without a look at the patients ('' is always met), and the others."""
        free: list[str] = []
        of_one: _Ways = {}
        for number, rule in enumerate(self.rules):
            of = rule[0]
            if rule[4] not in masked or (types and of and not set(of) & set(types)):
                continue
            terms, related = self._terms(alias, number, rule, all_named=bool(types) and set(types) <= set(of))
            if not any(isinstance(one, Related | Unblocked) for one in related):
                terms += [self._holding(alias, [([], one)]) for one in related if isinstance(one, Held)]
                free.append(" AND ".join(terms))
                continue
            common = tuple(condition for condition in related if isinstance(condition, Unblocked))
            rest: list[Condition] = [one for one in related if not isinstance(one, Unblocked)]
            of_one.setdefault(common, []).append((terms, rest))
        return free, of_one

    def _terms(
        self, alias: str, number: int, rule: _RuleForm, *, all_named: bool
    ) -> tuple[list[str], list[Condition]]:
        """What a rule asks of the resource, and what of each patient that it is about."""
        types, patients, ids, where, _ = rule
        terms = []
        if types and not all_named:
            terms.append(_of_types(alias, types))
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
        of_patient: list[Condition] = []
        for place, condition in enumerate(where):
            match condition:
                case Nobodys():
                    terms.append(f"{alias}.patient IS NULL")
                case Labelled(seen) if len(seen) == len(LABELS):
                    pass
                case Labelled(seen):
                    named = ", ".join(f"'{label}'" for label in seen if label in LABELS)
                    also = f" OR {alias}.label IN ({named})" if named else ""
                    terms.append(f"({alias}.label IS NULL{also})")
                case Matching(node, _, value_kinds):
                    terms.append(self._matching(alias, node, f"m{number}_{place}", len(value_kinds)))
                case _:
                    if condition == Held((Hold.AUTHOR,)):
                        # Only what is labelled has a row of its author: most has not, and needs no look-up.
                        terms.append(f"{alias}.label IS NOT NULL")
                    of_patient.append(condition)
        return terms, of_patient

    def _of_each(self, alias: str, types: Sequence[str], rules: _Ways) -> str:
        """What is about several patients, kept as their ids with spaces between, is seen by who may see all."""

        def of(subject: str) -> str:
            parts = []
            for common, alternatives in rules.items():
                ways = self._ways(subject, alias, alternatives)
                any_way = ways[0] if len(ways) == 1 else f"({' OR '.join(ways)})"
                always = [
                    self._unblocked(subject, alias, one.writing)
                    for one in common
                    if isinstance(one, Unblocked)
                ]
                parts.append(" AND ".join([*([any_way] if all(ways) else []), *always]))
            return " OR ".join(parts)

        if types and all(map(_is_about_one, types)):
            return of(f"{alias}.patient")
        # Nobody's is as somebody's whom nobody knows.
        patients = f"COALESCE({alias}.patient, '-')"
        if self.dialect == "postgresql":
            each = f"unnest(string_to_array({patients}, ' ')) AS xs(subject)"
        else:
            listed = f"'[\"' || replace({patients}, ' ', '\",\"') || '\"]'"
            each = f"(SELECT value AS subject FROM json_each({listed})) AS xs"
        return f"NOT EXISTS (SELECT 1 FROM {each} WHERE NOT ({of('xs.subject')}))"

    def _ways(self, subject: str, alias: str, alternatives: Sequence[_Way]) -> list[str]:
        """The alternatives as SQL; those that need one relation, or one holding, by one look-up together."""
        found: list[str] = []
        relations: list[tuple[list[str], Related]] = []
        holdings: list[tuple[list[str], Held]] = []
        for terms, conditions in alternatives:
            match conditions:
                case [Related() as one]:
                    relations.append((terms, one))
                case [Held() as one]:
                    holdings.append((terms, one))
                case _:
                    each = [
                        self._relation(subject, alias, [([], one)])
                        if isinstance(one, Related)
                        else self._holding(alias, [([], one)])
                        for one in conditions
                        if isinstance(one, Related | Held)
                    ]
                    found.append(" AND ".join([*terms, *each]))
        if holdings:
            found.insert(0, self._holding(alias, holdings))
        if relations:
            found.insert(0, self._relation(subject, alias, relations))
        return list(dict.fromkeys(found))

    # --- relations ---

    def _relation(self, subject: str, alias: str, ways: Sequence[tuple[list[str], Related]]) -> str:
        """A relation of one of these kinds, with what else each asks."""
        every = sorted({kind for _, condition in ways for kind in condition.kinds})
        parts = []
        for terms, condition in ways:
            when = "xr.until > $@now"
            if condition.ended is not None:
                when = f"xr.until <= $@now AND xr.until > $@now - {condition.ended}"
            kinds = list(condition.kinds)
            who = self._mine("xr")
            if Kind.PRACTICE in kinds:
                firm = f"xr.kind = {int(Kind.PRACTICE)} AND {self._among('$@firm', 'xr')}"
                rest = [kind for kind in kinds if kind != Kind.PRACTICE]
                who = f"({firm} OR {_among('xr.kind', rest)} AND {who})" if rest else firm
            elif sorted(kinds) != every:
                who = f"{_among('xr.kind', kinds)} AND {who}"
            typed = [f"xr.type IN ('', {alias}.type)"] if condition.typed else []
            parts.append(" AND ".join([when, *typed, *terms, who]))
        where = [
            "xr.tenant = $1",
            f"xr.subject = {subject}",
            _among("xr.kind", every),
            "xr.start <= $@now",
            parts[0] if len(parts) == 1 else f"({' OR '.join(dict.fromkeys(parts))})",
        ]
        return self._exists("relation", "xr", where)

    def _mine(self, x: str) -> str:
        """The actor of a row, which has one, is the caller."""
        return self._among("$@me", x)

    def _among(self, names: str, x: str) -> str:
        find = "strpos" if self.dialect == "postgresql" else "instr"
        return f"{find}({names}, {x}.actor || ' ') > 0"

    def _unblocked(self, subject: str, alias: str, writing: bool) -> str:
        """No objection that no more specific agreement outweighs (R13): the weight of an objection is odd, and one
        more than that of an agreement as specific."""
        kinds = [Kind.DENY, Kind.PERMIT, *([Kind.DENY_WRITING] if writing else [])]
        anybody = "xd.actor = ''" if self.provider else f"xd.actor = '' AND xd.kind <> {int(Kind.PERMIT)}"
        # Few object at all: whether anybody does is asked first.
        objections = [kind for kind in kinds if kind != Kind.PERMIT]
        nobody = self._exists(
            "relation", "xo", ["xo.tenant = $1", f"xo.subject = {subject}", _among("xo.kind", objections)]
        )
        return (
            f"(NOT {nobody} OR COALESCE((SELECT max(xd.weight) FROM {self._hinted('relation', 'xd')} "
            f"WHERE xd.tenant = $1 AND xd.subject = {subject} "
            f"AND {_among('xd.kind', kinds)} AND {_now('xd')} AND xd.type IN ('', {alias}.type) "
            f"AND ({anybody} OR xd.actor <> '' AND {self._mine('xd')})), 0) % 2 = 0)"
        )

    def _holding(self, alias: str, ways: Sequence[tuple[list[str], Held]]) -> str:
        """A holding of one of these kinds."""
        return self._exists("holding", "xh", self._held(alias, ways))

    def _held(self, alias: str, ways: Sequence[tuple[list[str], Held]]) -> list[str]:
        """The conditions on a holding. Rights on a Task are those of its owner's and requester's organisation
        (R22), a queue's of those who belong to it (R27)."""
        who = self._mine("xh")
        if self.at_work:
            colleague = [
                "xb.tenant = $1",
                "xb.subject = $@organization",
                f"xb.kind = {int(Kind.BELONGS)}",
                "xb.actor = xh.actor",
                _now("xb"),
            ]
            # Roles and services alone belong to an organisation: of the others none is looked up.
            may = "(xh.actor < 'I' OR xh.actor > 'PractitionerR')"
            who = f"({who} OR {may} AND {self._exists('relation', 'xb', colleague)})"
        every = sorted({kind for _, condition in ways for kind in condition.kinds})
        by_terms: dict[tuple[str, ...], set[int]] = {}
        for terms, condition in ways:
            by_terms.setdefault(tuple(terms), set()).update(condition.kinds)
        parts = [
            " AND ".join([*([] if sorted(kinds) == every else [_among("xh.kind", sorted(kinds))]), *terms])
            for terms, kinds in by_terms.items()
        ]
        also = [] if not all(parts) else [f"({' OR '.join(parts)})"]
        return [
            "xh.tenant = $1",
            f"xh.target_id = {alias}.id",
            f"xh.target_type = {alias}.type",
            _among("xh.kind", every),
            *also,
            who,
        ]

    def _matching(self, alias: str, node: Any, slot: str, count: int) -> str:
        text = Writer(_dialect(self.dialect), EVERYTHING).probe(node, _PLACES, f"{alias}.rid")
        for place in range(count):
            text = re.sub(rf"\${_PLACES + place}\b", f"$@{slot}_{place}", text)
        return text

    def _exists(self, table: str, alias: str, where: Sequence[str]) -> str:
        # The fence keeps it a probe on PostgreSQL (`conditions.py`); SQLite would only count by it.
        fence = " LIMIT 1 OFFSET 0" if self.dialect == "postgresql" else ""
        return f"EXISTS (SELECT 1 FROM {self._hinted(table, alias)} WHERE {' AND '.join(where)}{fence})"

    def _hinted(self, table: str, alias: str) -> str:
        return f"{table} {alias} INDEXED BY {table}_a" if self.dialect == "sqlite" else f"{table} {alias}"

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

    def _whole(self, alias: str, masked: Sequence[str], types: Sequence[str]) -> str:
        """The resource, which may be seen, may be seen whole."""
        parts = []
        if not (types and set(types) <= set(masked)):
            names = ", ".join(f"'{type}'" for type in masked)
            parts.append(f"{alias}.type NOT IN ({names})")
        held = {
            kind
            for rule in self.rules
            if rule[4] and set(rule[0]) & set(masked)
            for condition in rule[3]
            if isinstance(condition, Held)
            for kind in condition.kinds
        }
        if held:
            # What is not held in part is seen by another rule: that is one look-up, and mostly the only one.
            parts.append(f"NOT {self._holding(alias, [([], Held(tuple(sorted(held))))])}")
        parts.append(self._any(alias, masked, whole=True))
        return f"({' OR '.join(parts)})"

    def body(self, alias: str, types: Sequence[str], also: str | None) -> str:
        masked = self._masked(types)
        if not masked:
            return f"{alias}.body"
        return self.marked(
            alias, " AND ".join(self._whole(one, masked, types) for one in (alias, also) if one is not None)
        )

    def marked(self, alias: str, whole: str) -> str:
        """The body, with the mark before it unless that is met."""
        if self.dialect == "postgresql":
            marked = f"'\\x{MASKED_BYTE.hex()}'::bytea || {alias}.body"
        else:
            marked = f"CAST('{MASKED_BYTE.decode()}' || {alias}.body AS BLOB)"
        return f"CASE WHEN {whole} THEN {alias}.body ELSE {marked} END"

    def grade(self, alias: str, types: Sequence[str]) -> tuple[str, str] | None:
        if not types or not set(types) <= set(self.masked):
            return None
        free, wholly = self._sorted_out(alias, types, (False,))
        free_in_part, in_part = self._sorted_out(alias, types, (True,))
        held_in_part = [way for ways in in_part.values() for way in _by_holding(ways)]
        if (
            "" in free
            or free_in_part
            or [held_in_part] != list(in_part.values())
            or not wholly.keys() <= in_part.keys()
            or not all(map(_is_about_one, types))
        ):
            whole = self._any(alias, types, whole=True)
            return f"CASE WHEN {whole} THEN {WHOLE} ELSE {IN_PART} END", self._any(alias, types, whole=False)
        ((common, _),) = in_part.items()
        ways = wholly.get(common, [])
        held = _by_holding(ways)
        others = self._ways(f"{alias}.patient", alias, [way for way in ways if way not in held])
        any_way = [" AND ".join([_among("xh.kind", one.kinds), *terms]) for terms, (one,) in held]
        holdings = self._held(alias, [(terms, condition) for terms, (condition,) in held + held_in_part])
        best = f"CASE WHEN {' OR '.join(any_way) or '1 = 0'} THEN {WHOLE} ELSE {IN_PART} END"
        most = f"(SELECT max({best}) FROM {self._hinted('holding', 'xh')} WHERE {' AND '.join(holdings)})"
        at_once = " OR ".join([*free, *others])
        value = f"CASE WHEN {at_once} THEN {WHOLE} ELSE {most} END" if at_once else most
        always = " AND ".join(
            self._unblocked(f"{alias}.patient", alias, one.writing)
            for one in common
            if isinstance(one, Unblocked)
        )
        return value, f"({' OR '.join([*free, always])})"

    def shown(self, table: str, alias: str, keys: Sequence[int], types: Sequence[str]) -> list[str]:
        found = []
        if self.without_bsn and table == "token":
            found.append(f"{alias}.system NOT IN ({', '.join(map(str, _BSN))})")
        masked = [type for type in self._masked(types) if not _shown_keys(type).issuperset(keys)]
        if masked:
            where = ["w.tenant = $1", f"w.rid = {alias}.rid", self._whole("w", masked, types)]
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


def _of_types(alias: str, types: Sequence[str]) -> str:
    """The type is one of these, told by the shorter list."""
    others = [type for type in definitions.RESOURCE_TYPES if type not in types]
    word, named = ("IN", types) if len(types) <= len(others) else ("NOT IN", others)
    names = ", ".join(f"'{name}'" for name in named if name.isalpha())
    return f"{alias}.type {word} ({names})" if named else "1 = 1"


def _among(column: str, values: Sequence[int]) -> str:
    numbers = sorted(int(value) for value in values)
    if len(numbers) == 1:
        return f"{column} = {numbers[0]}"
    within = f"{column} BETWEEN {numbers[0]} AND {numbers[-1]}"
    if numbers == list(range(numbers[0], numbers[-1] + 1)):
        return within
    # By a list SQLite makes a table of it for each statement, which takes longer than the look-ups.
    return f"{within} AND ({' OR '.join(f'{column} = {number}' for number in numbers)})"


@functools.cache
def _is_about_one(type: str) -> bool:
    """Whether a resource of the type is about one patient at most."""
    if type in WITHOUT_SUBJECT:
        return False
    found = [
        parameter
        for code, parameter in Parameters().of(type).items()
        if code in ABOUT
        and parameter.kind == "reference"
        and (not parameter.targets or "Patient" in parameter.targets)
    ]
    return all(parameter.single for parameter in found) and len({one.names for one in found}) < 2


def _by_holding(ways: Sequence[_Way]) -> list[tuple[list[str], list[Held]]]:
    """Those of the ways that one holding opens."""
    return [
        (terms, [one])
        for terms, conditions in ways
        if len(conditions) == 1 and isinstance(one := conditions[0], Held)
    ]


def _now(x: str) -> str:
    return f"{x}.start <= $@now AND {x}.until > $@now"


def _dialect(name: str) -> Dialect:
    return PostgresqlDialect() if name == "postgresql" else SqliteDialect()

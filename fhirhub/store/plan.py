"""The SELECT of a search, written once for each shape.

An inner SELECT finds the row keys of one page, beginning with the criterion that narrows most, the others as
probes on its rows; bodies are joined for the page alone. The text fixes the plan: nested index look-ups in the
order written, on both databases (CROSS JOIN keeps it on SQLite, `join_collapse_limit = 1` on PostgreSQL).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from fhirhub.store.conditions import (
    Column,
    Has,
    Leaf,
    Node,
    Source,
    Writer,
    exists,
    in_keys,
    in_names,
    places,
    rank,
)
from fhirhub.store.including import RESOURCE, joins
from fhirhub.store.index import ABSENT
from fhirhub.store.index.date import SINGLE
from fhirhub.store.request import Include, SortKey
from fhirhub.store.sql import Dialect, Kind
from fhirhub.store.visible import Visible

_BOUNDED = 3
"""Criteria of this rank and better find few resources whatever their values."""


_DATED: tuple[Kind, ...] = ("bigint", "bigint")
_BY_STRING: tuple[Kind, ...] = ("text",)


class Shape(NamedTuple):
    """What a statement's text depends on."""

    types: tuple[str, ...]
    nodes: tuple[Node, ...]
    sort: tuple[SortKey, ...]
    listed: tuple[int, ...] | None
    """Where the only sort rule is the main date of the only type: keys of tokens that are kept in its order."""
    joins: tuple[Include, ...]
    limit: int
    position: tuple[bool, ...] | None
    """Of the position to go on from: which sort values are absent."""
    tied: bool
    """Whether what has the sort values of the position is asked for, by id, and not what comes after them."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A statement's text and what it expects and gives.

    `order` are the kinds of the values that order the rows, `columns` where they stand in a row. Rows may have
    equal values where there are `ties`: those columns put them in order. `tail` are the values of what is left
    to a second statement, since it has no sort value.
    """

    sql: str
    bounded: bool
    order: tuple[Kind, ...]
    columns: tuple[int, ...]
    ties: tuple[int, ...] = ()
    tail: tuple[int | None, ...] | None = None
    slots: tuple[str, ...] = ()
    """What of the caller is bound last (`visible.py`)."""


def count(shape: Shape, dialect: Dialect, visible: Visible) -> tuple[str, tuple[str, ...]]:
    """The statement that counts all matches, and its slots."""
    planner = _Planner(shape, dialect, visible)
    return visible.bind(f"SELECT count(*) FROM ({planner.all_rids()}) c", planner.after)


def page(shape: Shape, dialect: Dialect, visible: Visible) -> Plan:
    """The statement of one page, one match more than the limit, and with its includes."""
    return _Planner(shape, dialect, visible).page()


_KINDS: dict[str, Kind] = {
    "token": "text",
    "string": "text",
    "uri": "text",
    "reference": "text",
    "date": "bigint",
    "number": "double",
    "quantity": "double",
}
_VALUES = {
    "token": ("code", "{k}.code <> ''"),
    "string": ("value", "{k}.exact IS NOT NULL"),
    "uri": ("value", ""),
    "date": ("low", ""),
    "number": ("low", ""),
    "quantity": ("canonical_low", ""),
}


def sort_kind(key: SortKey) -> Kind:
    if key.code == "_id":
        return "text"
    return "bigint" if key.code == "_lastUpdated" else _KINDS[key.parameters[0].kind]


class _Planner:
    def __init__(self, shape: Shape, dialect: Dialect, visible: Visible) -> None:
        self.shape = shape
        self.first = 2
        self.after = self.first + sum(map(places, shape.nodes))
        """Where the values of the position begin; behind them, the slots."""
        self.writer = Writer(dialect, visible)
        self.visible = visible
        ranks = [found for node in shape.nodes if (found := rank(node)) is not None]
        self.best = min(ranks, default=None)

    def page(self) -> Plan:
        shape = self.shape
        if not shape.sort:
            date = self._own_date()
            if date is not None:
                return self._dated(date, descending=self._looks_back())
            if self._text() is not None:
                return self._by_text()
            has = self._referred_to()
            if has is not None:
                return self._by_source(*has)
            return self._by_rid() if self.best is not None else self._by_id()
        if len(shape.sort) == 1:
            key = shape.sort[0]
            if key.code == "_lastUpdated" and (self.best is None or self.best >= 9):
                return self._by_updated(key.descending)
            if key.code == "_id" and self.best is None and len(shape.types) == 1:
                return self._by_id(key.descending)
            listed = self._listed()
            if listed is not None:
                return self._in_list(listed, key.descending)
            parameter = key.parameters[0]
            if (
                parameter.kind == "date"
                and len(key.parameters) == 1
                and parameter.single
                and parameter.stored
                and key.code != "_lastUpdated"
                and (self.best is None or self.best >= 10 or self._own_date() == parameter.keys)
            ):
                return self._dated(parameter.keys, key.descending)
            if (
                parameter.kind == "string"
                and len(key.parameters) == len(parameter.names) == 1
                and (self.best is None or self.best >= 10)
            ):
                return self._along_strings(parameter.keys, key.descending)
        return self._sorted()

    # --- which resources ---

    def matching(self, *, seen: bool = True) -> Source:
        """All matches, perhaps more than once; `seen` says that what the caller does not see is left out here."""
        shape = self.shape
        if self.best is None:
            source = self._all_of_type()
            where = self._probes(source.rid, range(len(shape.nodes)))
            return Source(source.tables, source.where + where, source.rid, unique=True)
        source = self.writer.matching(shape.nodes, self.first, shape.types)
        if seen:
            source.where += self.writer.seen_rid(source.rid, shape.types)
        return source

    def all_rids(self, *, seen: bool = True) -> str:
        source = self.matching(seen=seen)
        distinct = "" if source.unique else "DISTINCT "
        return f"SELECT {distinct}{source.rid} AS rid FROM {source.tables} {_where(source.where)}"

    def _all_of_type(self) -> Source:
        where = ["o.tenant = $1", "NOT o.deleted"]
        if self.shape.types:
            where.append(f"o.type {in_names(self.shape.types)}")
        return Source(
            self.writer.by("id", "resource", "o"),
            where + self.writer.seen("o", self.shape.types),
            "o.rid",
            unique=True,
        )

    def _probes(self, rid: str, which: Sequence[int]) -> list[str]:
        found, at = [], self.first
        for place, node in enumerate(self.shape.nodes):
            if place in which:
                found.append(self.writer.probe(node, at, rid, self.shape.types))
            at += places(node)
        return found

    def _starts(self) -> list[int]:
        starts, at = [], self.first
        for node in self.shape.nodes:
            starts.append(at)
            at += places(node)
        return starts

    # --- in which order ---

    def _by_rid(self) -> Plan:
        source = self.matching()
        if self.shape.position is not None:
            source.where.append(f"{source.rid} > ${self.after}")
        distinct = "" if source.unique else "DISTINCT "
        inner = f"SELECT {distinct}{source.rid} AS rid FROM {source.tables} {_where(source.where)}"
        first = next(node for node in self.shape.nodes if rank(node) == self.best)
        if not _is_in_order(first):
            inner = f"SELECT f.rid FROM ({inner}{self.writer.fence()}) f"
        inner += f" ORDER BY rid LIMIT {self.shape.limit + 1}"
        alone = len(self.shape.nodes) == 1 and _is_in_order(first)
        return self._finish(inner, (), "m.rid", ("bigint",), self._is_bounded() or alone)

    def _text(self) -> int | None:
        """The criterion on the start of a string with which the search begins, if it does."""
        for place, node in enumerate(self.shape.nodes):
            if (
                isinstance(node, Leaf)
                and node.table == "string"
                and node.rank == self.best
                and len(node.keys) == len(node.tests) == 1
                and node.tests[0].startswith("{t}.value >= ?")
            ):
                return place
        return None

    def _by_text(self) -> Plan:
        """In the order of the index of strings, so that a page ends where its limit is met. A resource with
        several strings that match comes by its first."""
        place = self._text()
        assert place is not None
        node, first = self.shape.nodes[place], self._starts()[place]
        assert isinstance(node, Leaf)
        source = self.writer.source(node, first, self.shape.types)
        alias = source.rid.removesuffix(".rid")
        others = [n for n in range(len(self.shape.nodes)) if n != place]
        earlier = [
            "e.tenant = $1",
            f"e.rid = {alias}.rid",
            *self.writer.rows(node, "e", first, self.shape.types),
            f"e.value < {alias}.value",
        ]
        where = [
            *source.where,
            *self._probes(source.rid, others),
            *self.writer.seen_rid(source.rid, self.shape.types),
            f"NOT {exists(self.writer.by('b', 'string', 'e'), earlier)}",
        ]
        if self.shape.position is not None:
            where.append(f"({alias}.value, {alias}.rid) > (${self.after}, ${self.after + 1})")
        inner = (
            f"SELECT DISTINCT {alias}.value AS k1, {alias}.rid AS rid FROM {source.tables} {_where(where)} "
            f"ORDER BY k1, rid LIMIT {self.shape.limit + 1}"
        )
        return self._finish(inner, ("k1",), "m.k1, m.rid", ("text", "bigint"), not others)

    def _referred_to(self) -> tuple[int, Has, Leaf] | None:
        """The `_has` with which the search begins, where its own criterion is one that many may meet."""
        if self.best is None or self.best <= 7:
            return None
        for place, node in enumerate(self.shape.nodes):
            if isinstance(node, Has) and node.single and not node.canonical and rank(node) == self.best:
                inner = node.node
                if isinstance(inner, Leaf) and _is_in_order(inner):
                    return place, node, inner
        return None

    def _by_source(self, place: int, node: Has, inner: Leaf) -> Plan:
        """In the order of the resources that refer here, so that a page ends where its limit is met. What
        several refer to comes by the first of them."""
        first = self._starts()[place]
        source = self.writer.source(node, first, self.shape.types)
        rows, link, own = (part.split(" ")[1] for part in source.tables.split(" CROSS JOIN "))
        earlier = [
            "e.tenant = $1",
            f"e.target_id = {link}.target_id",
            f"e.param {in_keys(node.keys)}",
            f"e.target_type = {link}.target_type",
            # No bare column: SQLite would look up `f` by this range.
            f"e.rid + 0 < {rows}.rid",
            "f.tenant = $1",
            "f.rid = e.rid",
            *self.visible.shown("reference", "e", node.keys, (node.source,)),
            *self.writer.rows(inner, "f", first, (node.source,)),
            *self.writer.seen_rid("e.rid", (node.source,)),
        ]
        tables = f"{self.writer.by('a', 'reference', 'e')} CROSS JOIN {self.writer.by('a', inner.table, 'f')}"
        where = [
            *source.where,
            *self._probes(source.rid, [n for n in range(len(self.shape.nodes)) if n != place]),
            *self.writer.seen_rid(source.rid, self.shape.types),
            f"NOT {exists(tables, earlier)}",
        ]
        if inner.table == "token" and "system" not in inner.tests[0]:
            twin = [
                "e.tenant = $1",
                f"e.param {in_keys(inner.keys)}",
                f"e.code = {rows}.code",
                f"e.rid = {rows}.rid",
                f"e.system < {rows}.system",
            ]
            where.append(f"NOT {exists('token e', twin)}")
        if self.shape.position is not None:
            where.append(f"{rows}.rid > ${self.after} AND {own}.rid <> ${self.after + 1}")
        found = (
            f"SELECT {rows}.rid AS k1, {own}.rid AS rid FROM {source.tables} {_where(where)} "
            f"ORDER BY {rows}.rid LIMIT {self.shape.limit + 1}"
        )
        return self._finish(found, ("k1",), "m.k1", ("bigint", "bigint"), False)

    def _by_id(self, descending: bool = False) -> Plan:
        source = self.matching()
        many = len(self.shape.types) != 1
        way, sign = (" DESC", "<") if descending else ("", ">")
        if self.shape.position is not None:
            if many:
                source.where.append(f"(o.type, o.id) {sign} (${self.after}, ${self.after + 1})")
            else:
                source.where.append(f"o.id {sign} ${self.after}")
        order = f"o.type{way}, o.id{way}" if many else f"o.id{way}"
        inner = (
            f"SELECT o.rid AS rid, o.type AS k1, o.id AS k2 FROM {source.tables} {_where(source.where)} "
            f"ORDER BY {order} LIMIT {self.shape.limit + 1}"
        )
        keys = ("k1", "k2") if many else ("k2",)
        kinds: tuple[Kind, ...] = ("text", "text") if many else ("text",)
        ordered = ", ".join(f"m.{key}{way}" for key in keys)
        return self._finish(inner, keys, ordered, kinds, not self.shape.nodes)

    def _by_updated(self, descending: bool) -> Plan:
        source = self._all_of_type()
        starts = self._starts()
        for place, node in enumerate(self.shape.nodes):
            if isinstance(node, Column):
                source.where += self.writer.columns(node, "o", starts[place])
            else:
                source.where.append(self.writer.probe(node, starts[place], "o.rid", self.shape.types))
        way, sign = (" DESC", "<") if descending else ("", ">")
        table = self.writer.by("updated", "resource", "o")
        if self.shape.tied:
            where = [*source.where, f"o.updated = ${self.after}"]
            return self._by_ties(table, where, "o.rid", ("o.updated",), ("bigint",))
        if self.shape.position is not None:
            source.where.append(f"o.updated {sign} ${self.after}")
        inner = (
            f"SELECT o.rid AS rid, o.updated AS k1 FROM {table} {_where(source.where)} "
            f"ORDER BY o.updated{way}, o.rid{way} LIMIT {self.shape.limit + 1}"
        )
        bounded = not self.shape.nodes and len(self.shape.types) == 1
        return self._finish(inner, ("k1",), f"m.k1{way}, m.rid{way}", ("bigint",), bounded, ties=True)

    def _listed(self) -> int | None:
        """The criterion whose rows are kept in the order of the main date, if the search begins with it."""
        if self.shape.listed is None or self.best is None:
            return None
        tokens = self.shape.listed
        for place, node in enumerate(self.shape.nodes):
            if isinstance(node, Leaf) and node.rank == self.best and len(node.keys) == len(node.tests) == 1:
                code = node.table == "token" and node.keys[0] in tokens
                if code and node.tests[0].startswith("{t}.code = ?"):
                    return place
                if (
                    node.table == "reference"
                    and node.rank == 5
                    and node.tests[0].startswith("{t}.target_id = ?")
                ):
                    return place
        return None

    def _in_list(self, place: int, descending: bool) -> Plan:
        node = self.shape.nodes[place]
        assert isinstance(node, Leaf)
        source = self.writer.source(node, self._starts()[place], self.shape.types)
        alias = source.rid.removesuffix(".rid")
        tables = self.writer.by("c", node.table, alias)
        others = [n for n in range(len(self.shape.nodes)) if n != place]
        where = [*source.where, *self._probes(source.rid, others), f"{alias}.at IS NOT NULL"]
        grade = None if self.shape.tied else self.visible.grade("r", self.shape.types)
        if grade is None:
            where += self.writer.seen_rid(source.rid, self.shape.types)
        way, sign = (" DESC", "<") if descending else ("", ">")
        if self.shape.tied:
            where.append(f"{alias}.at = ${self.after}")
            return self._by_ties(*self._with_row(tables, where, alias), (f"{alias}.at",), ("bigint",))
        if not descending:
            where.append(f"{alias}.at > {ABSENT}")
        if self.shape.position is not None:
            where.append(f"{alias}.at {sign} ${self.after}")
        order = f"ORDER BY k1{way}, rid{way}"
        limit = f"LIMIT {self.shape.limit + 1}"
        found = f"SELECT DISTINCT {alias}.at AS k1, {alias}.rid AS rid FROM {tables} {_where(where)} {order}"
        if grade is not None:
            # How each may be seen is looked up once, row after row until the page is full.
            value, seen = grade
            step = self.writer.in_order()
            found = (
                f"SELECT {RESOURCE}, z.k1, {value} AS grade FROM ({found}{step}) z CROSS JOIN resource r "
                f"WHERE r.tenant = $1 AND r.rid = z.rid AND {seen}"
            )
            # PostgreSQL knows so that they are in order; SQLite would sort them once more, and for that look at all.
            order = order if self.writer.dialect.name == "postgresql" else ""
            found = f"SELECT * FROM ({found} {order}{step}) y WHERE y.grade > 0 {order}"
        bounded = not others or self._is_bounded()
        tail = None if descending else (ABSENT,)
        return self._finish(
            f"{found} {limit}",
            ("k1",),
            f"m.k1{way}, m.rid{way}",
            ("bigint",),
            bounded,
            ties=True,
            tail=tail,
            graded=grade is not None,
        )

    def _own_date(self) -> tuple[int, ...] | None:
        """The keys of a date that repeats in no resource, where the search begins with a range of it."""
        if self.best != 9:
            return None
        for node in self.shape.nodes:
            if isinstance(node, Leaf) and node.table == "date" and node.rank == 9 and len(node.keys) == 1:
                return node.keys if node.also == SINGLE else None
        return None

    def _along_strings(self, keys: tuple[int, ...], descending: bool) -> Plan:
        """Along the index of strings; a resource comes by its first, those without any in a second statement."""
        if self.shape.tied and self._is_absent():
            return self._without(keys, "string", _BY_STRING)
        way, sign = (" DESC", "<") if descending else ("", ">")
        earlier = [
            "e.tenant = $1",
            "e.rid = d.rid",
            f"e.param {in_keys(keys)}",
            "e.exact IS NOT NULL",
            f"e.value {'>' if descending else '<'} d.value",
        ]
        where = [
            "d.tenant = $1",
            f"d.param {in_keys(keys)}",
            "d.exact IS NOT NULL",
            f"NOT {exists(self.writer.by('b', 'string', 'e'), earlier)}",
            *self.visible.shown("string", "d", keys, self.shape.types),
            *self._probes("d.rid", range(len(self.shape.nodes))),
            *self.writer.seen_rid("d.rid", self.shape.types),
        ]
        table = self.writer.by("a", "string", "d")
        if self.shape.tied:
            where.append(f"d.value = ${self.after}")
            return self._by_ties(*self._with_row(table, where, "d"), ("d.value",), _BY_STRING)
        if self.shape.position is not None:
            where.append(f"d.value {sign} ${self.after}")
        inner = (
            f"SELECT DISTINCT d.value AS k1, d.rid AS rid FROM {table} {_where(where)} "
            f"ORDER BY k1{way}, rid{way} LIMIT {self.shape.limit + 1}"
        )
        bounded = not self.shape.nodes
        order = f"m.k1{way}, m.rid{way}"
        return self._finish(inner, ("k1",), order, _BY_STRING, bounded, ties=True, tail=(None,))

    def _looks_back(self) -> bool:
        """Whether the range of the date is open above, so that its matches stand at the index's end."""
        return any(
            isinstance(node, Leaf)
            and node.rank == 9
            and node.tests[0].startswith(("{t}.high >", "{t}.low >"))
            for node in self.shape.nodes
        )

    def _dated(self, keys: tuple[int, ...], descending: bool) -> Plan:
        """Along the index of a date that repeats in no resource; those without it come in a second statement."""
        if self.shape.tied and self._is_absent():
            return self._without(keys, "date", _DATED)
        where = ["d.tenant = $1", f"d.param {in_keys(keys)}"]
        starts = self._starts()
        required = False
        for place, node in enumerate(self.shape.nodes):
            if isinstance(node, Leaf) and node.table == "date" and node.keys == keys:
                where += self.writer.rows(node, "d", starts[place], self.shape.types)[1:]
                required = True
            else:
                where.append(self.writer.probe(node, starts[place], "d.rid", self.shape.types))
        where += self.visible.shown("date", "d", keys, self.shape.types)
        where += self.writer.seen_rid("d.rid", self.shape.types)
        way, sign = (" DESC", "<") if descending else ("", ">")
        table = self.writer.by("a", "date", "d")
        if self.shape.tied:
            where += [f"d.low = ${self.after}", f"d.high = ${self.after + 1}"]
            return self._by_ties(*self._with_row(table, where, "d"), ("d.low", "d.high"), _DATED)
        if self.shape.position is not None:
            where.append(f"(d.low, d.high) {sign} (${self.after}, ${self.after + 1})")
        inner = (
            f"SELECT d.low AS k1, d.high AS k2, d.rid AS rid FROM {table} {_where(where)} "
            f"ORDER BY d.low{way}, d.high{way}, d.rid{way} LIMIT {self.shape.limit + 1}"
        )
        order = f"m.k1{way}, m.k2{way}, m.rid{way}"
        return self._finish(
            inner,
            ("k1", "k2"),
            order,
            _DATED,
            not self.shape.nodes,
            ties=True,
            tail=None if required else (None, None),
        )

    def _is_absent(self) -> bool:
        return self.shape.position is not None and all(self.shape.position)

    def _without(self, keys: tuple[int, ...], table: str, kinds: tuple[Kind, ...]) -> Plan:
        """Matches without a row under these keys."""
        source = self.matching()
        lacking = ["d.tenant = $1", f"d.rid = {source.rid}", f"d.param {in_keys(keys)}"]
        lacking += self.visible.shown(table, "d", keys, self.shape.types)
        source.where.append(f"NOT {exists(self.writer.by('b', table, 'd'), lacking)}")
        absent = ("NULL",) * len(kinds)
        if self.best is None:
            return self._by_ties(source.tables, source.where, "o.rid", absent, kinds)
        distinct = "" if source.unique else "DISTINCT "
        found = (
            f"(SELECT {distinct}{source.rid} AS rid FROM {source.tables} {_where(source.where)}"
            f"{self.writer.fence()}) f"
        )
        return self._by_ties(*self._with_row(found, [], "f"), absent, kinds)

    def _sorted(self) -> Plan:
        keys = tuple(f"k{n}" for n in range(1, len(self.shape.sort) + 1))
        selected = ", ".join(
            f"{self._sort_value(key, 'x.rid')} AS {name}"
            for key, name in zip(self.shape.sort, keys, strict=True)
        )
        # To look at who may see a row costs more than to sort it: of few matches, only those of the page are.
        late = self._is_bounded() and not self.shape.tied and not self.visible.unlimited
        found = f"SELECT x.rid, {selected} FROM ({self.all_rids(seen=not late)}) x"
        kinds = tuple(sort_kind(key) for key in self.shape.sort)
        if self.shape.tied:
            equal = self._equal([f"z.{key}" for key in keys])
            return self._by_ties(
                *self._with_row(f"({found}) z", equal, "z"), tuple(f"z.{key}" for key in keys), kinds
            )
        if self.shape.position is not None:
            found = f"SELECT * FROM ({found}) z WHERE {self._beyond(keys)}"
        order = [
            f"{name}{' DESC' if key.descending else ''} NULLS LAST"
            for key, name in zip(self.shape.sort, keys, strict=True)
        ]
        by = f"ORDER BY {', '.join(order)}, rid"
        if late:
            seen = " AND ".join(self.writer.seen_rid("f.rid", self.shape.types))
            found = f"SELECT f.* FROM ({found} {by}{self.writer.in_order()}) f WHERE {seen}"
            # SQLite would sort once more, and for that look at every row.
            by = by if self.writer.dialect.name == "postgresql" else ""
        inner = f"{found} {by} LIMIT {self.shape.limit + 1}"
        ordered = ", ".join(f"m.{part}" for part in order)
        return self._finish(inner, keys, f"{ordered}, m.rid", kinds, self._is_bounded(), ties=True)

    def _bound(self) -> list[str | None]:
        """Where each sort value of the position is bound; None for those that are absent."""
        assert self.shape.position is not None
        found: list[str | None] = []
        place = self.after
        for absent in self.shape.position:
            found.append(None if absent else f"${place}")
            place += not absent
        return found

    def _slots(self) -> int:
        """Where what is bound of the caller begins."""
        bound = [] if self.shape.position is None else [place for place in self._bound() if place is not None]
        return self.after + len(bound) + (len(self._tie_columns()) if self.shape.tied else 0)

    def _equal(self, keys: Sequence[str]) -> list[str]:
        return [
            f"{key} IS NULL" if value is None else f"{key} = {value}"
            for key, value in zip(keys, self._bound(), strict=True)
        ]

    def _beyond(self, keys: Sequence[str]) -> str:
        """What comes after the position: a later first value, or an equal one and so on."""
        condition = "1 = 0"
        for name, value, key in reversed(list(zip(keys, self._bound(), self.shape.sort, strict=True))):
            if value is None:
                condition = f"({name} IS NULL AND {condition})"
                continue
            sign = "<" if key.descending else ">"
            condition = f"({name} {sign} {value} OR {name} IS NULL OR ({name} = {value} AND {condition}))"
        return condition

    # --- ties end in the logical id ---

    def _tie_columns(self) -> tuple[str, ...]:
        """Ids are unique in a type only."""
        return ("id",) if len(self.shape.types) == 1 else ("id", "type")

    def _with_row(self, tables: str, where: Sequence[str], alias: str) -> tuple[str, list[str], str]:
        """The same with the row `o` of the resource, which has its id."""
        own = ["o.tenant = $1", f"o.rid = {alias}.rid"]
        return f"{tables} CROSS JOIN resource o", [*where, *own], f"{alias}.rid"

    def _by_ties(
        self, tables: str, where: list[str], rid: str, values: tuple[str, ...], kinds: tuple[Kind, ...]
    ) -> Plan:
        """Rows that all have the same sort values, by id from that of the position on."""
        columns = [f"o.{name}" for name in self._tie_columns()]
        after = self.after + sum(value is not None for value in self._bound())
        places = [f"${after + number}" for number in range(len(columns))]
        names = tuple(f"k{n}" for n in range(1, len(values) + 1))
        selected = [f"{value} AS {name}" for value, name in zip(values, names, strict=True)]
        selected += [f"{column} AS {column.replace('.', '_')}" for column in columns]
        later = f"({', '.join(columns)}) > ({', '.join(places)})"
        inner = (
            f"SELECT DISTINCT {rid} AS rid, {', '.join(selected)} FROM {tables} {_where([*where, later])} "
            f"ORDER BY {', '.join(columns)} LIMIT {self.shape.limit + 1}"
        )
        order = ", ".join(f"m.{column.replace('.', '_')}" for column in columns)
        return self._finish(inner, names, order, kinds, False, ties=True)

    def _sort_value(self, key: SortKey, rid: str) -> str:
        if key.code in ("_id", "_lastUpdated"):
            column = "id" if key.code == "_id" else "updated"
            return f"(SELECT k.{column} FROM resource k WHERE k.tenant = $1 AND k.rid = {rid})"
        kind = key.parameters[0].kind
        rows = tuple(dict.fromkeys(one for parameter in key.parameters for one in parameter.keys))
        where = ["k.tenant = $1", f"k.rid = {rid}", f"k.param {in_keys(rows)}"]
        where += self.visible.shown(kind, "k", rows, self.shape.types)
        if kind == "reference":
            value = "k.target_type || '/' || k.target_id"
            where.append("k.target_id <> ''")
            only = {parameter.only_type for parameter in key.parameters}
            if len(only) == 1 and None not in only:
                where.append(f"k.target_type = '{only.pop()}'")
        else:
            column, also = _VALUES[kind]
            # Not the bare column: the least of all resources, in an index by value, is not wanted.
            value = f"k.{column} || ''" if _KINDS[kind] == "text" else f"k.{column} + 0"
            if also:
                where.append(also.replace("{k}", "k"))
        best = "max" if key.descending else "min"
        return f"(SELECT {best}({value}) FROM {self.writer.by('b', kind, 'k')} WHERE {' AND '.join(where)})"

    # --- the whole statement ---

    def _is_bounded(self) -> bool:
        return self.best is not None and self.best <= _BOUNDED

    def _finish(
        self,
        inner: str,
        keys: tuple[str, ...],
        order: str,
        kinds: tuple[Kind, ...],
        bounded: bool,
        *,
        ties: bool = False,
        tail: tuple[int | None, ...] | None = None,
        graded: bool = False,
    ) -> Plan:
        """`graded`: the inner SELECT gives the resource itself, and how it may be seen."""
        # Where nothing else puts rows in order, what is named last in `kinds` is the row key.
        places = tuple(_WIDTH + n for n in range(len(keys))) + (0,) * (len(kinds) - len(keys))
        tied = tuple(_PLACES[name] for name in self._tie_columns()) if ties else ()
        if graded:
            resource = RESOURCE.replace("r.", "m.").replace("m.body", self.visible.graded("m", "m.grade"))
            # With a condition of its own SQLite does not make one of both SELECTs, and sort all that it could give.
            joined = "WHERE m.grade > 0 "
        else:
            resource = RESOURCE.replace("r.body", self.visible.body("r", self.shape.types))
            joined = "CROSS JOIN resource r WHERE r.tenant = $1 AND r.rid = m.rid "
        columns = resource + "".join(f", m.{key}" for key in keys)
        if not self.shape.joins:
            sql = f"SELECT {columns} FROM ({inner}) m {joined}"
            if not graded or self.writer.dialect.name == "postgresql":
                sql += f"ORDER BY {order}"
            sql, slots = self.visible.bind(sql, self._slots())
            return Plan(sql, bounded, kinds, places, tied, tail, slots)
        absent = "".join(", NULL" for _ in keys)
        # The rows of `page` stand in its order; what comes of them is put back into it afterwards.
        given = f"(SELECT m.rid FROM page m ORDER BY {order} LIMIT {self.shape.limit})"
        parts = joins(self.writer, self.shape.joins, given, absent)
        columns = resource + ", NULL AS link" + "".join(f", m.{key}" for key in keys)
        sql = (
            f"WITH page AS ({inner}) SELECT 0 AS kind, {columns} FROM (SELECT * FROM page m ORDER BY {order}) m "
            f"{joined}UNION ALL " + " UNION ALL ".join(parts)
        )
        sql, slots = self.visible.bind(sql, self._slots())
        return Plan(sql, bounded, kinds, places, tied, tail, slots)


def _is_in_order(node: Node) -> bool:
    """Whether the index gives its rows in the order of their keys, so that a page ends where its limit is met."""
    if not isinstance(node, Leaf) or len(node.keys) != 1 or len(node.tests) != 1 or node.also:
        return False
    first = {"token": "{t}.code = ?", "uri": "{t}.value = ?", "reference": "{t}.target_id = ?"}
    return node.tests[0].startswith(first.get(node.table, "-"))


_WIDTH = len(RESOURCE.split(","))
"""Columns of a row that are of the resource itself."""
_PLACES = {"type": 1, "id": 2}
"""Where these stand in a row."""


def _where(conditions: Sequence[str]) -> str:
    return f"WHERE {' AND '.join(conditions)}" if conditions else ""

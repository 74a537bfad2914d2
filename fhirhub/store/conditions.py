"""What a search asks for, as a tree without its values, and that tree as SQL.

A node says which rows of which table it needs; the values that it compares with are kept beside the tree, in the
order in which its places stand. Equal trees are one statement's shape (https://hl7.org/fhir/R4/search.html).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Union

from fhirhub.store.index.comparison import Comparison
from fhirhub.store.index.date import SINGLE
from fhirhub.store.sql import Dialect, Kind

if TYPE_CHECKING:
    from fhirhub.store.visible import Visible


class Leaf(NamedTuple):
    """Resources with a row of `table` under one of `keys` that meets one of `tests` (any row if there is none)."""

    table: str
    keys: tuple[int, ...]
    tests: tuple[str, ...]
    also: str
    rank: float
    tag: Literal["leaf"] = "leaf"


class Column(NamedTuple):
    """Resources whose own columns meet one of `tests`."""

    types: tuple[str, ...]
    tests: tuple[str, ...]
    rank: float
    tag: Literal["column"] = "column"


class Not(NamedTuple):
    node: Node
    tag: Literal["not"] = "not"


class All(NamedTuple):
    nodes: tuple[Node, ...]
    tag: Literal["all"] = "all"


class Either(NamedTuple):
    nodes: tuple[Node, ...]
    tag: Literal["either"] = "either"


class Canonical(NamedTuple):
    """Where the rows of a reference are canonicals: keys of the `url` and of the `version` that they point to
    (https://hl7.org/fhir/R4/references.html#canonical)."""

    urls: tuple[int, ...]
    versions: tuple[int, ...]


class Chain(NamedTuple):
    """Resources that refer, by a row under `keys`, to a resource of `types` that meets `node`; or that contain
    one for which the resource itself meets `contained`, with the same values."""

    keys: tuple[int, ...]
    also: str
    types: tuple[str, ...]
    node: Node
    contained: Node | None
    canonical: Canonical | None = None
    tag: Literal["chain"] = "chain"


class Has(NamedTuple):
    """Resources of `types` to which a resource of type `source` that meets `node` refers by a row under `keys`."""

    source: str
    keys: tuple[int, ...]
    types: tuple[str, ...]
    node: Node
    single: bool
    """Whether a resource has at most one such reference."""
    canonical: Canonical | None = None
    tag: Literal["has"] = "has"


class Hierarchy(NamedTuple):
    """Resources that refer to a resource of `type` or to one above or below it, by the rows under `parents`."""

    keys: tuple[int, ...]
    type: str
    parents: tuple[int, ...]
    below: bool
    tag: Literal["hierarchy"] = "hierarchy"


class Coded(NamedTuple):
    """Resources with a code under one of `keys` that is of a set: of the concepts in the database that meet
    `condition`, or of those that are listed where there is no `edition`."""

    keys: tuple[int, ...]
    edition: int | None
    condition: str
    tag: Literal["coded"] = "coded"


Node = Union[Leaf, Column, Not, All, Either, Chain, Has, Hierarchy, Coded]  # noqa: UP007


def types_in(node: Node) -> frozenset[str]:
    """The resource types other than those searched whose resources decide whether one matches."""
    match node:
        case Not():
            return types_in(node.node)
        case All() | Either():
            return frozenset().union(*(types_in(inner) for inner in node.nodes))
        case Chain():
            return frozenset(node.types) | types_in(node.node)
        case Has():
            return frozenset({node.source, *node.types}) | types_in(node.node)
        case Hierarchy():
            return frozenset({node.type})
        case _:
            return frozenset()


@dataclass(slots=True)
class Bound:
    """A node with its values."""

    node: Node
    values: tuple[Any, ...] = ()
    kinds: tuple[Kind, ...] = ()


def leaf(
    table: str, keys: tuple[int, ...], comparisons: Sequence[Comparison], also: str, rank: float
) -> Bound:
    """Resources with a row that meets one of the comparisons. Raises ValueError where there is none."""
    if not comparisons:
        raise ValueError("expects a value; got commas alone")
    if len(comparisons) == 1:
        sql, values, kinds, own = comparisons[0]
        return Bound(Leaf(table, keys, (sql,), also, rank if own is None else own), values, kinds)
    if len(comparisons) > MANY and {one.sql for one in comparisons} <= _ONE_EACH:
        test = comparisons[0].sql.removesuffix(" = ?") + ANY_OF
        return Bound(
            Leaf(table, keys, (test,), also, rank), ([one.values[0] for one in comparisons],), ("text[]",)
        )
    ranks = [rank if one.rank is None else one.rank for one in comparisons]
    return Bound(
        Leaf(table, keys, tuple(one.sql for one in comparisons), also, max(ranks)),
        tuple(value for one in comparisons for value in one.values),
        tuple(kind for one in comparisons for kind in one.kinds),
    )


def both(bounds: Sequence[Bound]) -> Bound:
    """Resources that meet all."""
    return bounds[0] if len(bounds) == 1 else _joined(All, bounds)


def either(bounds: Sequence[Bound]) -> Bound:
    """Resources that meet one at least."""
    return bounds[0] if len(bounds) == 1 else _joined(Either, bounds)


def _joined(join: type[All] | type[Either], bounds: Sequence[Bound]) -> Bound:
    return Bound(
        join(tuple(bound.node for bound in bounds)),
        tuple(value for bound in bounds for value in bound.values),
        tuple(kind for bound in bounds for kind in bound.kinds),
    )


def negated(bound: Bound) -> Bound:
    """Resources that do not meet it."""
    return Bound(Not(bound.node), bound.values, bound.kinds)


NOTHING = Bound(Either(()))
"""What no resource meets."""


def is_positive(node: Node) -> bool:
    """Whether a resource meets it by having something rather than by lacking it."""
    match node:
        case Not():
            return False
        case All(nodes) | Either(nodes):
            return all(map(is_positive, nodes))
        case Chain() | Has():
            return is_positive(node.node)
    return True


def places(node: Node) -> int:
    """How many values the node compares with."""
    match node:
        case Leaf() | Column():
            return sum(test.count("?") for test in node.tests)
        case Not(inner):
            return places(inner)
        case All(nodes) | Either(nodes):
            return sum(map(places, nodes))
        case Chain() | Has():
            return places(node.node)
        case Hierarchy():
            return 1
        case Coded():
            return node.condition.count("?") + (3 if node.edition is None else 2)
    raise AssertionError(node)


COMMON = 11
"""Criteria of this rank and worse, such as a gender, are met by so many resources that to follow all of them
costs more than to look at one resource of the type searched after another."""


def rank(node: Node) -> float | None:
    """How well the node narrows a search, 0 best; None where it cannot be what a search begins with."""
    match node:
        case Leaf() | Column():
            return node.rank
        case Not():
            return None
        case All(nodes):
            ranks = [found for each in nodes if (found := rank(each)) is not None]
            return min(ranks, default=None)
        case Either(nodes):
            all_ranks = [rank(each) for each in nodes]
            known = [found for found in all_ranks if found is not None]
            return max(known) + 0.5 if known and len(known) == len(all_ranks) else None
        case Chain() | Has():
            inner = rank(node.node)
            if inner is None or (isinstance(node, Chain) and inner >= COMMON):
                return None
            return max(inner + 1.5, 2.5)
        case Hierarchy():
            return 6
        case Coded():
            return 7.5 if node.edition is None else 9.5
    raise AssertionError(node)


Types = tuple[str, ...]


@dataclass(slots=True)
class Source:
    """Where rids come from: the text behind FROM, the conditions, and the rid's expression."""

    tables: str
    where: list[str]
    rid: str
    unique: bool = False

    def rids(self) -> str:
        """The SELECT of its row keys."""
        where = f" WHERE {' AND '.join(self.where)}" if self.where else ""
        return f"SELECT {self.rid} AS rid FROM {self.tables}{where}"


class Writer:
    """Writes nodes as SQL; `visible` guards every resource that plays a part. `types` are the types that the
    resources asked about can be of, empty where that is not known."""

    def __init__(self, dialect: Dialect, visible: Visible) -> None:
        self.dialect = dialect
        self.visible = visible
        self._aliases = 0

    def alias(self, letter: str) -> str:
        self._aliases += 1
        return f"{letter}{self._aliases}"

    def by(self, index: str, table: str, alias: str) -> str:
        """The table as FROM names it, looked up by that index where SQLite would otherwise guess."""
        hint = f" INDEXED BY {table}_{index}" if self.dialect.name == "sqlite" else ""
        return f"{table} {alias}{hint}"

    def fence(self) -> str:
        """Ends a sub-SELECT so that PostgreSQL plans it for itself, whatever order and limit come after."""
        return " OFFSET 0" if self.dialect.name == "postgresql" else ""

    def in_order(self) -> str:
        """Ends a sub-SELECT that puts rows in order, so that they are asked for one after the other, as they come."""
        return " OFFSET 0" if self.dialect.name == "postgresql" else " LIMIT -1"

    def seen(self, alias: str, types: Types = ()) -> list[str]:
        """The condition that the caller may see the resource of that alias."""
        condition = self.visible.condition(alias, types)
        return [condition] if condition else []

    def seen_rid(self, rid: str, types: Types = ()) -> list[str]:
        """The same for a row key."""
        if self.visible.unlimited:
            return []
        alias = self.alias("v")
        where = " AND ".join([f"{alias}.tenant = $1", f"{alias}.rid = {rid}", *self.seen(alias, types)])
        return [exists(f"resource {alias}", [where])]

    # --- as a probe ---

    def probe(self, node: Node, first: int, rid: str, types: Types = ()) -> str:
        """The condition that the resource of that row key meets the node; its values stand from `$first` on."""
        match node:
            case Leaf():
                alias = self.alias("p")
                where = [
                    f"{alias}.tenant = $1",
                    f"{alias}.rid = {rid}",
                    *self.rows(node, alias, first, types),
                ]
                exact = all(_by_value(node.table, test) for test in node.tests) and node.tests
                table = f"{node.table} {alias}" if exact else self.by("b", node.table, alias)
                return exists(table, where)
            case Column():
                alias = self.alias("r")
                where = [f"{alias}.tenant = $1", f"{alias}.rid = {rid}", *self.columns(node, alias, first)]
                return exists(f"resource {alias}", where)
            case Not(inner):
                return f"NOT {self.probe(inner, first, rid, types)}"
            case All(nodes) | Either(nodes):
                if not nodes:
                    return "1 = 1" if isinstance(node, All) else "1 = 0"
                parts = []
                for each in nodes:
                    parts.append(self.probe(each, first, rid, types))
                    first += places(each)
                return "(" + (" AND " if isinstance(node, All) else " OR ").join(parts) + ")"
            case Chain():
                return self._chain_probe(node, first, rid, types)
            case Has():
                return self._has_probe(node, first, rid, types)
            case Hierarchy():
                alias = self.alias("p")
                where = [f"{alias}.tenant = $1", f"{alias}.rid = {rid}"]
                where += self._hierarchy(node, alias, first, types)
                return exists(self.by("b", "reference", alias), where)
            case Coded():
                alias = self.alias("p")
                where = [f"{alias}.tenant = $1", f"{alias}.rid = {rid}"]
                where += self._coded(node, alias, first, types, each=True)
                return exists(self.by("b", "token", alias), where)
        raise AssertionError(node)

    def _chain_probe(self, node: Chain, first: int, rid: str, types: Types) -> str:
        link, target = self.alias("s"), self.alias("r")
        tables = self.by("b", "reference", link)
        if node.canonical is None:
            joined = [f"{target}.type = {link}.target_type", f"{target}.id = {link}.target_id"]
            tables += f" CROSS JOIN {self.by('id', 'resource', target)}"
        else:
            named = self.alias("u")
            joined = [*self.named(node.canonical, link, named), f"{target}.rid = {named}.rid"]
            tables += f" CROSS JOIN {self.by('a', 'uri', named)} CROSS JOIN resource {target}"
        where = [
            f"{link}.tenant = $1",
            f"{link}.rid = {rid}",
            f"{link}.param {in_keys(node.keys)}",
            *([node.also.replace("{t}", link)] if node.also else []),
            *self.visible.shown("reference", link, node.keys, types),
            f"{target}.tenant = $1",
            *joined,
            f"{target}.type {in_names(node.types)}",
            f"NOT {target}.deleted",
            *self.seen(target, node.types),
            self.probe(node.node, first, f"{target}.rid", node.types),
        ]
        found = exists(tables, where)
        if node.contained is None:
            return found
        return f"({found} OR {self.probe(node.contained, first, rid, types)})"

    def named(self, canonical: Canonical, link: str, named: str) -> list[str]:
        """The condition that the row `named` of a URL is what the canonical of the row `link` points to, in the
        version it says if it says one."""
        version = self.alias("n")
        versioned = [
            f"{version}.tenant = $1",
            f"{version}.rid = {named}.rid",
            f"{version}.param {in_keys(canonical.versions)}",
            f"{version}.code = lower({link}.target_version)",
        ]
        return [
            f"{link}.target_type = ''",
            f"{named}.tenant = $1",
            f"{named}.param {in_keys(canonical.urls)}",
            f"{named}.value = {link}.target_id",
            f"({link}.target_version IS NULL OR {exists(f'token {version}', versioned)})",
        ]

    def _has_probe(self, node: Has, first: int, rid: str, types: Types) -> str:
        own, link = self.alias("r"), self.alias("s")
        tables = f"resource {own}"
        if node.canonical is None:
            joined = [f"{link}.target_id = {own}.id", f"{link}.target_type = {own}.type"]
        else:
            named = self.alias("u")
            joined = [f"{named}.rid = {own}.rid", *self.named(node.canonical, link, named)]
            tables += f" CROSS JOIN {self.by('b', 'uri', named)}"
        where = [
            f"{own}.tenant = $1",
            f"{own}.rid = {rid}",
            f"{own}.type {in_names(node.types)}",
            f"{link}.tenant = $1",
            f"{link}.param {in_keys(node.keys)}",
            *joined,
            *self.visible.shown("reference", link, node.keys, (node.source,)),
            *self.seen_rid(f"{link}.rid", (node.source,)),
            self.probe(node.node, first, f"{link}.rid", (node.source,)),
        ]
        return exists(f"{tables} CROSS JOIN {self.by('a', 'reference', link)}", where)

    # --- as what a search begins with ---

    def source(self, node: Node, first: int, types: Types = ()) -> Source:
        """Where the row keys of the resources that meet the node come from, perhaps more than once."""
        match node:
            case Leaf():
                alias = self.alias("t")
                where = [f"{alias}.tenant = $1", *self.rows(node, alias, first, types)]
                return Source(self.by("a", node.table, alias), where, f"{alias}.rid")
            case Column():
                alias = self.alias("r")
                where = [
                    f"{alias}.tenant = $1",
                    *([f"{alias}.type {in_names(node.types)}"] if node.types else []),
                    *self.columns(node, alias, first),
                ]
                return Source(f"resource {alias}", where, f"{alias}.rid", unique=True)
            case Either(nodes):
                parts = []
                for each in nodes:
                    parts.append(self.source(each, first, types).rids())
                    first += places(each)
                alias = self.alias("u")
                return Source(f"({' UNION ALL '.join(parts)}) {alias}", [], f"{alias}.rid")
            case All():
                return self.matching(node.nodes, first, types)
            case Chain():
                return self._chain_source(node, first, types)
            case Has():
                return self._has_source(node, first, types)
            case Hierarchy():
                alias = self.alias("t")
                where = [f"{alias}.tenant = $1", *self._hierarchy(node, alias, first, types)]
                return Source(self.by("a", "reference", alias), where, f"{alias}.rid")
            case Coded():
                alias = self.alias("t")
                where = [f"{alias}.tenant = $1", *self._coded(node, alias, first, types, each=False)]
                return Source(self.by("a", "token", alias), where, f"{alias}.rid")
        raise AssertionError(node)

    def matching(self, nodes: Sequence[Node], first: int, types: Types = ()) -> Source:
        """Where the resources that meet all nodes come from: the most selective one, the others as probes."""
        starts, best, at = [], None, first
        for place, each in enumerate(nodes):
            starts.append(at)
            at += places(each)
            found = rank(each)
            if found is not None and (best is None or found < best[0]):
                best = (found, place)
        assert best is not None
        source = self.source(nodes[best[1]], starts[best[1]], types)
        for place, each in enumerate(nodes):
            if place != best[1]:
                source.where.append(self.probe(each, starts[place], source.rid, types))
        return source

    def _chain_source(self, node: Chain, first: int, types: Types) -> Source:
        inner = self.source(node.node, first, node.types)
        target, link = self.alias("r"), self.alias("s")
        tables = f"{inner.tables} CROSS JOIN resource {target}"
        if node.canonical is None:
            joined = [f"{link}.target_id = {target}.id", f"{link}.target_type = {target}.type"]
        else:
            named = self.alias("u")
            joined = [f"{named}.rid = {target}.rid", *self.named(node.canonical, link, named)]
            tables += f" CROSS JOIN {self.by('b', 'uri', named)}"
        tables += f" CROSS JOIN {self.by('a', 'reference', link)}"
        where = [
            *inner.where,
            f"{target}.tenant = $1",
            f"{target}.rid = {inner.rid}",
            f"{target}.type {in_names(node.types)}",
            f"NOT {target}.deleted",
            *self.seen(target, node.types),
            f"{link}.tenant = $1",
            f"{link}.param {in_keys(node.keys)}",
            *joined,
            *([node.also.replace("{t}", link)] if node.also else []),
            *self.visible.shown("reference", link, node.keys, types),
        ]
        if node.contained is None:
            return Source(tables, where, f"{link}.rid")
        outside = Source(tables, where, f"{link}.rid").rids()
        within = self.source(node.contained, first, types).rids()
        alias = self.alias("u")
        return Source(f"({outside} UNION ALL {within}) {alias}", [], f"{alias}.rid")

    def _has_source(self, node: Has, first: int, types: Types) -> Source:
        inner = self.source(node.node, first, (node.source,))
        link, own = self.alias("s"), self.alias("r")
        tables = f"{inner.tables} CROSS JOIN {self.by('b', 'reference', link)}"
        if node.canonical is None:
            joined = [
                f"{link}.target_type {in_names(node.types)}",
                f"{own}.type = {link}.target_type",
                f"{own}.id = {link}.target_id",
            ]
            tables += f" CROSS JOIN {self.by('id', 'resource', own)}"
        else:
            named = self.alias("u")
            joined = [
                *self.named(node.canonical, link, named),
                f"{own}.rid = {named}.rid",
                f"{own}.type {in_names(node.types)}",
            ]
            tables += f" CROSS JOIN {self.by('a', 'uri', named)} CROSS JOIN resource {own}"
        where = [
            *inner.where,
            *self.seen_rid(inner.rid, (node.source,)),
            f"{link}.tenant = $1",
            f"{link}.rid = {inner.rid}",
            f"{link}.param {in_keys(node.keys)}",
            *self.visible.shown("reference", link, node.keys, (node.source,)),
            f"{own}.tenant = $1",
            *joined,
            f"NOT {own}.deleted",
        ]
        return Source(tables, where, f"{own}.rid")

    def _hierarchy(self, node: Hierarchy, alias: str, first: int, types: Types) -> list[str]:
        tree, link, kin = self.alias("h"), self.alias("l"), self.alias("k")
        if node.below:
            step = (
                f"SELECT {kin}.id FROM {tree} CROSS JOIN reference {link} CROSS JOIN resource {kin} WHERE "
                f"{link}.tenant = $1 AND {link}.target_id = {tree}.id AND {link}.param {in_keys(node.parents)} "
                f"AND {link}.target_type = '{node.type}' AND {kin}.tenant = $1 AND {kin}.rid = {link}.rid"
            )
        else:
            step = (
                f"SELECT {link}.target_id FROM {tree} CROSS JOIN resource {kin} CROSS JOIN reference {link} WHERE "
                f"{kin}.tenant = $1 AND {kin}.type = '{node.type}' AND {kin}.id = {tree}.id "
                f"AND {link}.tenant = $1 AND {link}.rid = {kin}.rid AND {link}.param {in_keys(node.parents)} "
                f"AND {link}.target_type = '{node.type}'"
            )
        guard = "".join(f" AND {condition}" for condition in self.seen(kin, (node.type,)))
        recursive = (
            f"WITH RECURSIVE {tree}(id) AS (SELECT CAST(${first} AS TEXT) UNION {step}{guard}) "
            f"SELECT id FROM {tree}"
        )
        if self.dialect.name == "postgresql":
            recursive = recursive.replace("AS TEXT)", 'AS TEXT) COLLATE "C"', 1)
        return [
            f"{alias}.param {in_keys(node.keys)}",
            f"{alias}.target_type = '{node.type}'",
            f"{alias}.target_id IN ({recursive})",
            *self.visible.shown("reference", alias, node.keys, types),
        ]

    def _coded(self, node: Coded, alias: str, first: int, types: Types, *, each: bool) -> list[str]:
        """`each` asks the concept of every row; else the codes in use, few whatever the code system's size, are
        asked once."""
        found = [
            f"{alias}.param {in_keys(node.keys)}",
            *self.visible.shown("token", alias, node.keys, types),
        ]
        if node.edition is None:
            found.append(self.dialect.any_of(f"{alias}.code", f"${first}"))
            return [*found, f"{alias}.system IN (${first + 1}, ${first + 2})"]
        concept = self.alias("c")
        pieces = node.condition.replace("{c}", concept).split("?")
        condition = pieces[0]
        for piece in pieces[1:]:
            condition += f"${first}{piece}"
            first += 1
        known = f"{concept}.tenant = 0 AND {concept}.edition = {node.edition:d}"
        if each:
            found.append(
                exists(
                    self.by("code", "concept", concept), [known, f"{concept}.code = {alias}.code", condition]
                )
            )
        else:
            used = self.alias("d")
            codes = " UNION ALL ".join(self._codes_in_use(key) for key in node.keys)
            chosen = (
                f"SELECT {used}.code FROM ({codes}) {used} CROSS JOIN {self.by('code', 'concept', concept)} "
                f"WHERE {known} AND {concept}.code = {used}.code AND {condition}"
            )
            is_postgresql = self.dialect.name == "postgresql"
            found.append(f"{alias}.code {f'= ANY(ARRAY({chosen}))' if is_postgresql else f'IN ({chosen})'}")
        return [*found, f"{alias}.system IN (${first}, ${first + 1})"]

    def _codes_in_use(self, key: int) -> str:
        """Every code under that key once, by a step from each to the next in the index."""
        name, row = self.alias("w"), self.alias("x")
        rows = f"FROM token {row} WHERE {row}.tenant = $1 AND {row}.param = {key}"
        return (
            f"SELECT * FROM (WITH RECURSIVE {name}(code) AS (SELECT (SELECT min({row}.code) {rows}) UNION ALL "
            f"SELECT (SELECT min({row}.code) {rows} AND {row}.code > {name}.code) FROM {name} "
            f"WHERE {name}.code IS NOT NULL) SELECT code FROM {name} WHERE code IS NOT NULL) {self.alias('y')}"
        )

    def rows(self, node: Leaf, alias: str, first: int, types: Types) -> list[str]:
        found = [f"{alias}.param {in_keys(node.keys)}"]
        if not self.visible.unlimited:
            found += self.visible.shown(node.table, alias, node.keys, types)
        if node.also and node.also != SINGLE:
            found.append(node.also.replace("{t}", alias))
        return found + self._tests(node.tests, alias, first)

    def columns(self, node: Column, alias: str, first: int) -> list[str]:
        return [f"NOT {alias}.deleted", *self._tests(node.tests, alias, first)]

    def _tests(self, tests: tuple[str, ...], alias: str, first: int) -> list[str]:
        if not tests:
            return []
        column = tests[0].partition(" ")[0].replace("{t}", alias)
        if tests[0].endswith(ANY_OF):
            return [self.dialect.any_of(column, f"${first}")]
        if len(tests) > 1 and len(set(tests)) == 1 and tests[0] in _ONE_EACH:
            return [f"{column} IN ({', '.join(f'${first + n}' for n in range(len(tests)))})"]
        made = []
        for test in tests:
            pieces = test.replace("{t}", alias).split("?")
            sql = pieces[0]
            for piece in pieces[1:]:
                sql += f"${first}{piece}"
                first += 1
            made.append(sql)
        return [made[0] if len(made) == 1 else "(" + " OR ".join(f"({one})" for one in made) + ")"]


def exists(tables: str, where: Sequence[str]) -> str:
    """The probe. With OFFSET PostgreSQL keeps it a probe of single rows and makes no join of it."""
    return f"EXISTS (SELECT 1 FROM {tables} WHERE {' AND '.join(where)} LIMIT 1 OFFSET 0)"


_BY_VALUE = {"token": "{t}.code ", "uri": "{t}.value = ", "reference": "{t}.target_id "}


def _by_value(table: str, test: str) -> bool:
    """Whether an index by value finds what the test asks for at once."""
    return test.startswith(_BY_VALUE.get(table, "-")) and "LIKE" not in test


_ONE_EACH = frozenset({"{t}.code = ?", "{t}.id = ?", "{t}.value = ?", "{t}.target_id = ?"})
ANY_OF = " = ANY ?"
MANY = 8
"""More values than this are bound as one array."""


def in_keys(keys: Sequence[int]) -> str:
    return f"= {keys[0]}" if len(keys) == 1 else f"IN ({', '.join(map(str, keys))})"


def in_names(names: Sequence[str]) -> str:
    if len(names) == 1:
        return f"= '{names[0]}'"
    return f"IN ({', '.join(repr(name) for name in names)})"

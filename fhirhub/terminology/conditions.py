"""Which concepts of a stored code system are meant, written as SQL.

Concepts are numbered so that what one subsumes lies in few intervals: `is-a` is a comparison of numbers,
whatever the size (Agrawal, Borgida and Jagadish 1989).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fhirhub.store.sql import Dialect, Kind, Statement
from fhirhub.terminology.expressions import (
    All,
    Codes,
    Every,
    Expression,
    Having,
    Not,
    Over,
    Some,
    Under,
)

_FEW = 8
"""Intervals that are written out; more are looked up."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Part of a statement: SQL with `?` for each value, and `{c}` where a concept's alias belongs."""

    sql: str
    values: tuple[Any, ...] = ()
    kinds: tuple[Kind, ...] = ()

    def on(self, alias: str) -> Piece:
        """The same of the concept of that alias."""
        return Piece(self.sql.replace("{c}", alias), self.values, self.kinds)

    def with_values(self, values: tuple[Any, ...], kinds: tuple[Kind, ...]) -> Piece:
        """The same with the values of places that have none yet."""
        return Piece(self.sql, values, kinds)

    def statement(self) -> Statement:
        """The whole, with its places numbered."""
        parts = self.sql.split("?")
        sql = parts[0] + "".join(f"${number}{part}" for number, part in enumerate(parts[1:], 1))
        return Statement(sql, self.values, self.kinds)


NOTHING = Piece("1 = 0")
EVERYTHING = Piece("1 = 1")


def join(text: str, *pieces: Piece) -> Piece:
    """The text with a piece at each `%s`."""
    return Piece(
        text % tuple(piece.sql for piece in pieces),
        tuple(value for piece in pieces for value in piece.values),
        tuple(kind for piece in pieces for kind in piece.kinds),
    )


def concepts_by_code(dialect: Dialect, alias: str) -> str:
    """The concepts as FROM names them; SQLite has no statistics that tell it how few have one code."""
    return f"concept {alias}" + (" INDEXED BY concept_code" if dialect.name == "sqlite" else "")


@dataclass(frozen=True, slots=True)
class Driver:
    """What a search for concepts begins with: a SELECT of numbers `n`, or the condition on the intervals `i` of
    one concept. `rest` is what is left to be tested."""

    source: Piece
    rest: Piece
    cost: int
    is_of_intervals: bool = False


@dataclass(frozen=True, slots=True)
class Resolved:
    test: Piece
    driver: Driver | None


@dataclass(frozen=True, slots=True)
class Writer:
    """Writes expressions whose codes are known by number."""

    dialect: Dialect
    edition: int
    numbers: Mapping[str, int]
    intervals: Mapping[int, list[tuple[int, int]]]
    above: Mapping[int, list[int]]

    def of(self, alias: str) -> str:
        return f"{alias}.tenant = 0 AND {alias}.edition = {self.edition:d}"

    def test(self, node: Expression) -> Piece:
        match node:
            case Every():
                return EVERYTHING
            case Codes(codes):
                if not codes:
                    return NOTHING
                if len(codes) == 1:
                    return Piece("{c}.code = ?", codes, ("text",))
                return Piece(self.dialect.any_of("{c}.code", "?"), (list(codes),), ("text[]",))
            case Under(code, itself):
                return self._under(code, itself)
            case Over(code, itself):
                number = self.numbers.get(code)
                if number is None:
                    return NOTHING
                found = [*self.above[number], *([number] if itself else [])]
                return Piece(self.dialect.any_of("{c}.n", "?"), (found,), ("bigint[]",))
            case Having(name, values):
                return self._having(name, values)
            case Not(inner):
                return join("NOT (%s)", self.test(inner))
            case All(nodes):
                return all_of([self.test(each) for each in nodes])
            case Some(nodes):
                tests = [self.test(each) for each in nodes]
                return join(f"({' OR '.join(['%s'] * len(tests))})", *tests) if tests else NOTHING
        raise AssertionError(node)

    def _under(self, code: str, itself: bool) -> Piece:
        number = self.numbers.get(code)
        if number is None:
            return NOTHING
        found = self.intervals[number]
        if len(found) <= _FEW:
            ranges = " OR ".join("({c}.n >= ? AND {c}.n <= ?)" for _ in found)
            bounds = tuple(bound for interval in found for bound in interval)
            within = Piece(f"({ranges})", bounds, tuple("int" for _ in bounds))
        else:
            within = Piece(
                f"COALESCE((SELECT i.high FROM concept_interval i WHERE {self.of('i')} AND i.n = ? "
                "AND i.low <= {c}.n ORDER BY i.low DESC LIMIT 1), -1) >= {c}.n",
                (number,),
                ("int",),
            )
        return within if itself else join("%s AND %s", within, Piece("{c}.n <> ?", (number,), ("int",)))

    def _having(self, name: str, values: tuple[str, ...]) -> Piece:
        if name in _COLUMN_OF:
            column = _COLUMN_OF[name]
            wanted = set(values) or {"true", "false"}
            if wanted >= {"true", "false"}:
                return EVERYTHING
            return Piece(column if "true" in wanted else f"NOT {column}") if wanted & _BOOLEANS else NOTHING
        if name == "display":
            return (
                any_of([Piece("{c}.display = ?", (value,), ("text",)) for value in values])
                if values
                else Piece("{c}.display IS NOT NULL")
            )
        if name in ("parent", "subsumedBy", "child"):
            return self._related(values, down=name != "child")
        if not values:
            return Piece(
                f"{{c}}.n IN (SELECT p.n FROM concept_property p WHERE {self.of('p')} AND p.property = ?)",
                (name,),
                ("text",),
            )
        return any_of(
            [
                Piece(
                    f"EXISTS (SELECT 1 FROM concept_property p WHERE {self.of('p')} AND p.property = ? "
                    "AND p.value = ? AND p.n = {c}.n)",
                    (name, value),
                    ("text", "text"),
                )
                for value in values
            ]
        )

    def _related(self, values: tuple[str, ...], *, down: bool) -> Piece:
        own, other = ("child", "parent") if down else ("parent", "child")
        if not values:
            return Piece(f"EXISTS (SELECT 1 FROM concept_edge e WHERE {self.of('e')} AND e.{own} = {{c}}.n)")
        known = [self.numbers[value] for value in values if value in self.numbers]
        return any_of(
            [
                Piece(
                    f"EXISTS (SELECT 1 FROM concept_edge e WHERE {self.of('e')} AND e.{other} = ? "
                    f"AND e.{own} = {{c}}.n)",
                    (number,),
                    ("int",),
                )
                for number in known
            ]
        )

    # --- what to begin with ---

    def driver(self, node: Expression) -> Driver | None:
        """What finds the concepts without looking at every one; None where nothing does."""
        match node:
            case Codes() | Over():
                test = self.test(node).on("x")
                table = concepts_by_code(self.dialect, "x") if isinstance(node, Codes) else "concept x"
                source = join(f"SELECT x.n FROM {table} WHERE {self.of('x')} AND %s", test)
                return Driver(source, EVERYTHING, 0)
            case Having(name, values) if values:
                return self._property_driver(name, values)
            case Under(code, itself):
                number = self.numbers.get(code)
                if number is None:
                    return Driver(Piece("SELECT 0 AS n WHERE 1 = 0"), EVERYTHING, 0)
                rest = EVERYTHING if itself else Piece("{c}.n <> ?", (number,), ("int",))
                return Driver(Piece("i.n = ?", (number,), ("int",)), rest, 5, is_of_intervals=True)
            case All(nodes):
                return self._best(nodes)
            case Some(nodes) if nodes:
                return self._several(nodes)
        return None

    def _property_driver(self, name: str, values: tuple[str, ...]) -> Driver | None:
        if name in _COLUMN_OF or name == "display":
            return None
        if name in ("parent", "subsumedBy", "child"):
            own, other = ("parent", "child") if name == "child" else ("child", "parent")
            known = [self.numbers[value] for value in values if value in self.numbers]
            source = Piece(
                f"SELECT x.{own} AS n FROM concept_edge x WHERE {self.of('x')} AND "
                + self.dialect.any_of(f"x.{other}", "?"),
                (known,),
                ("bigint[]",),
            )
            return Driver(source, EVERYTHING, 1)
        source = Piece(
            f"SELECT x.n FROM concept_property x WHERE {self.of('x')} AND x.property = ? AND "
            + self.dialect.any_of("x.value", "?"),
            (name, list(values)),
            ("text", "text[]"),
        )
        return Driver(source, EVERYTHING, 3)

    def _best(self, nodes: tuple[Expression, ...]) -> Driver | None:
        best: tuple[Driver, int] | None = None
        for place, each in enumerate(nodes):
            found = self.driver(each)
            if found is not None and (best is None or found.cost < best[0].cost):
                best = (found, place)
        if best is None:
            return None
        driver, chosen = best
        rest = [driver.rest, *(self.test(each) for place, each in enumerate(nodes) if place != chosen)]
        return Driver(driver.source, all_of(rest), driver.cost, driver.is_of_intervals)

    def _several(self, nodes: tuple[Expression, ...]) -> Driver | None:
        """One after another; None where one of them would have to look at every concept."""
        sources = []
        for each in nodes:
            found = self.driver(each)
            if found is None:
                return None
            if found.is_of_intervals:
                sources.append(
                    join(
                        f"SELECT x.n FROM concept_interval i CROSS JOIN concept x WHERE {self.of('i')} AND %s "
                        f"AND {self.of('x')} AND x.n >= i.low AND x.n <= i.high AND %s",
                        found.source,
                        found.rest.on("x"),
                    )
                )
            else:
                sources.append(
                    join(
                        f"SELECT x.n FROM (%s) y CROSS JOIN concept x WHERE {self.of('x')} AND x.n = y.n AND %s",
                        found.source,
                        found.rest.on("x"),
                    )
                )
        return Driver(join(" UNION ".join(["%s"] * len(sources)), *sources), EVERYTHING, 6)


_COLUMN_OF = {"inactive": "NOT {c}.active", "notSelectable": "{c}.abstract", "abstract": "{c}.abstract"}
_BOOLEANS = {"true", "false"}


def all_of(tests: Sequence[Piece]) -> Piece:
    asked = [test for test in tests if test != EVERYTHING]
    return join(" AND ".join(["%s"] * len(asked)), *asked) if asked else EVERYTHING


def any_of(tests: Sequence[Piece]) -> Piece:
    return join(f"({' OR '.join(['%s'] * len(tests))})", *tests) if tests else NOTHING


def _nodes(node: Expression) -> Iterable[Expression]:
    yield node
    match node:
        case Not(inner):
            yield from _nodes(inner)
        case All(nodes) | Some(nodes):
            for each in nodes:
                yield from _nodes(each)


def codes_in(node: Expression) -> list[str]:
    """The codes whose numbers are needed."""
    found: list[str] = []
    for each in _nodes(node):
        match each:
            case Under(code, _) | Over(code, _):
                found.append(code)
            case Having("parent" | "subsumedBy" | "child", values):
                found += values
    return found


def under_in(node: Expression) -> set[str]:
    return {each.code for each in _nodes(node) if isinstance(each, Under)}


def over_in(node: Expression) -> set[str]:
    return {each.code for each in _nodes(node) if isinstance(each, Over)}

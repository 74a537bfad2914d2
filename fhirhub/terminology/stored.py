"""Code systems that lie in the database: looked up, searched and expanded there."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from fhirhub import errors
from fhirhub.store.database import Database
from fhirhub.store.index.string import escaped
from fhirhub.store.sql import Row
from fhirhub.terminology.concepts import Concept
from fhirhub.terminology.conditions import (
    Piece,
    Resolved,
    Writer,
    all_of,
    codes_in,
    concepts_by_code,
    join,
    over_in,
    under_in,
)
from fhirhub.terminology.expressions import (
    HIERARCHY,
    All,
    Every,
    Expression,
    Having,
    Matching,
    Not,
    Related,
    Some,
    Under,
    compiled,
)
from fhirhub.terminology.rows import COLUMNS, START, WORD, concept_of
from fhirhub.terminology.systems import Page

Json = dict[str, Any]

_LAST = "\U0010ffff"
_COUNTED = 1_000
"""Matches of words are counted up to this number."""
_COUNTED_WITHOUT = 100_000
"""Other matches are."""
_MOST_VALUES = 5_000
_MOST_RELATED = 50_000
_HIERARCHIES = 500
"""Of as many concepts it is kept what they subsume."""


class StoredSystem:
    """A code system in the database; `edition` is the number under which it lies there."""

    is_complete = True

    def __init__(self, database: Database, edition: int, concepts: int, description: Json) -> None:
        self.edition = edition
        self.size = concepts
        self.url = str(description["url"])
        self.version: str | None = description.get("version")
        self.name = str(description.get("name") or self.url)
        self.language: str | None = description.get("language")
        self.description = description
        self.is_complete = description.get("content", "complete") == "complete"
        self._database = database
        # What is looked up of an edition never changes.
        self._totals: OrderedDict[tuple[Any, ...], int | None] = OrderedDict()
        self._intervals: OrderedDict[int, list[tuple[int, int]]] = OrderedDict()

    async def get(self, codes: Iterable[str]) -> Mapping[str, Concept]:
        wanted = list(dict.fromkeys(codes))
        if not wanted:
            return {}
        piece = join(
            f"SELECT {COLUMNS} FROM {self._by_code('c')} WHERE %s AND %s",
            self._of("c"),
            self._codes(wanted).on("c"),
        )
        rows = await self._database.fetch(piece.statement())
        return {str(row[1]): concept_of(row) for row in rows}

    async def children(self, code: str) -> Sequence[Concept]:
        numbers = await self._numbers([code])
        if code not in numbers:
            return []
        piece = join(
            f"SELECT {COLUMNS} FROM concept_edge e CROSS JOIN concept c WHERE %s AND e.parent = ? AND %s "
            "AND c.n = e.child ORDER BY c.n LIMIT 1000",
            self._of("e"),
            self._of("c"),
        )
        asked = Piece(piece.sql, (numbers[code],), ("int",))
        return [concept_of(row) for row in await self._database.fetch(asked.statement())]

    async def meeting(self, node: Expression, codes: Sequence[str]) -> frozenset[str]:
        test = await self.test(node)
        piece = join(
            f"SELECT c.code FROM {self._by_code('c')} WHERE %s AND %s AND %s",
            self._of("c"),
            self._codes(list(codes)).on("c"),
            test.on("c"),
        )
        return frozenset(str(row[0]) for row in await self._database.fetch(piece.statement()))

    async def page(
        self,
        node: Expression,
        words: Sequence[str],
        *,
        active_only: bool,
        offset: int,
        count: int,
        listed: Sequence[str] | None = None,
    ) -> Page:
        if not words and not active_only and listed is None:
            numbered = await self._numbered(node)
            if numbered is not None:
                return await self._page_of(numbered, offset, count)
        resolved = await self._resolved(node)
        total = await self._total(node, resolved, tuple(words), active_only)
        if count == 0 or (total is not None and offset >= total):
            return Page([], total)
        if listed is not None and not words and len(listed) <= _MOST_VALUES:
            return await self._listed(resolved, listed, active_only, offset, count, total)
        found = self._found(resolved, words, active_only)
        order = "ORDER BY m.length, m.n" if words else "ORDER BY m.n"
        whole = join(
            f"SELECT {COLUMNS} FROM (%s) m CROSS JOIN concept c WHERE %s AND c.n = m.n {order}",
            Piece(f"{found.sql} LIMIT {count:d} OFFSET {offset:d}", found.values, found.kinds),
            self._of("c"),
        )
        rows = await self._database.fetch(whole.statement())
        return Page([concept_of(row) for row in rows], total)

    async def _numbered(self, node: Expression) -> list[tuple[int, int]] | None:
        """The intervals of the numbers that are meant, where the expression is nothing but a hierarchy or all;
        then a page is worked out and nothing is searched for."""
        match node:
            case Every():
                return [(1, self.size)]
            case Under(code, itself):
                number = (await self._numbers([code])).get(code)
                if number is None:
                    return []
                found = await self._intervals_of(number)
                if itself:
                    return found
                # It has the first number of its own tree.
                cut = [
                    part
                    for low, high in found
                    for part in (
                        [(low, number - 1), (number + 1, high)] if low <= number <= high else [(low, high)]
                    )
                ]
                return [(low, high) for low, high in cut if low <= high]
        return None

    async def _page_of(self, intervals: Sequence[tuple[int, int]], offset: int, count: int) -> Page:
        total = sum(high - low + 1 for low, high in intervals)
        rows = await self._numbered_rows(COLUMNS, _cut(intervals, offset, count))
        return Page([concept_of(row) for row in rows], total)

    async def _numbered_rows(self, columns: str, numbers: list[int]) -> list[Row]:
        if not numbers:
            return []
        piece = join(
            f"SELECT {columns} FROM concept c WHERE %s AND %s ORDER BY c.n",
            self._of("c"),
            Piece(self._database.dialect.any_of("c.n", "?"), (numbers,), ("bigint[]",)),
        )
        return await self._database.fetch(piece.statement())

    async def _intervals_of(self, number: int) -> list[tuple[int, int]]:
        """What the concept of that number subsumes, itself too."""
        found = self._intervals.get(number)
        if found is None:
            piece = join(
                "SELECT i.low, i.high FROM concept_interval i WHERE %s AND i.n = ? ORDER BY i.low",
                self._of("i"),
            ).with_values((number,), ("int",))
            rows = await self._database.fetch(piece.statement())
            found = self._intervals[number] = [(int(row[0]), int(row[1])) for row in rows]
            if len(self._intervals) > _HIERARCHIES:
                self._intervals.popitem(last=False)
        else:
            self._intervals.move_to_end(number)
        return found

    async def _listed(
        self,
        resolved: Resolved,
        listed: Sequence[str],
        active_only: bool,
        offset: int,
        count: int,
        total: int | None,
    ) -> Page:
        """Codes that a value set lists, in its order."""
        piece = join(
            f"SELECT {COLUMNS} FROM {self._by_code('c')} WHERE %s AND %s AND %s%s",
            self._of("c"),
            self._codes(list(listed)).on("c"),
            resolved.test.on("c"),
            Piece(" AND c.active" if active_only else ""),
        )
        by_code = {row[1]: concept_of(row) for row in await self._database.fetch(piece.statement())}
        found = [by_code[code] for code in dict.fromkeys(listed) if code in by_code]
        return Page(found[offset : offset + count], total)

    async def _total(
        self, node: Expression, resolved: Resolved, words: tuple[str, ...], active_only: bool
    ) -> int | None:
        """How many there are, None where counting them would take long; an edition never changes."""
        if isinstance(node, Every) and not words and not active_only:
            return self.size
        key = (node, words, active_only)
        if key in self._totals:
            self._totals.move_to_end(key)
            return self._totals[key]
        most = (_COUNTED if words else _COUNTED_WITHOUT) + 1
        found = self._found(resolved, words, active_only, is_counted=True)
        inner = Piece(f"{found.sql} LIMIT {most:d}", found.values, found.kinds)
        rows = await self._database.fetch(join("SELECT count(*) FROM (%s) x", inner).statement())
        total = int(rows[0][0])
        self._totals[key] = total if total < most else None
        if len(self._totals) > 1000:
            self._totals.popitem(last=False)
        return self._totals[key]

    # --- statements ---

    def _of(self, alias: str) -> Piece:
        return Piece(f"{alias}.tenant = 0 AND {alias}.edition = {self.edition:d}")

    def _by_code(self, alias: str) -> str:
        """The concepts as FROM names them, where they are looked up by code."""
        return concepts_by_code(self._database.dialect, alias)

    def _codes(self, codes: Sequence[str]) -> Piece:
        if len(codes) == 1:
            return Piece("{c}.code = ?", (codes[0],), ("text",))
        return Piece(self._database.dialect.any_of("{c}.code", "?"), (list(codes),), ("text[]",))

    async def _numbers(self, codes: Iterable[str]) -> dict[str, int]:
        wanted = list(dict.fromkeys(codes))
        if not wanted:
            return {}
        piece = join(
            f"SELECT c.code, c.n FROM {self._by_code('c')} WHERE %s AND %s",
            self._of("c"),
            self._codes(wanted).on("c"),
        )
        return {str(row[0]): int(row[1]) for row in await self._database.fetch(piece.statement())}

    async def test(self, node: Expression) -> Piece:
        """The condition that the concept of alias `{c}` is meant."""
        return (await self._resolved(node)).test

    async def few(self, node: Expression, at_most: int) -> list[str] | None:
        """The codes that are meant, None where there are more than that."""
        numbered = await self._numbered(node)
        if numbered is not None:
            if sum(high - low + 1 for low, high in numbered) > at_most:
                return None
            rows = await self._numbered_rows("c.code", _cut(numbered, 0, at_most))
            return [str(row[0]) for row in rows]
        found = self._found(await self._resolved(node), (), False)
        whole = join(
            "SELECT c.code FROM (%s) m CROSS JOIN concept c WHERE %s AND c.n = m.n",
            Piece(f"{found.sql} LIMIT {at_most + 1:d}", found.values, found.kinds),
            self._of("c"),
        )
        rows = await self._database.fetch(whole.statement())
        return None if len(rows) > at_most else [str(row[0]) for row in rows]

    def _found(
        self, resolved: Resolved, words: Sequence[str], active_only: bool, *, is_counted: bool = False
    ) -> Piece:
        """The numbers of the concepts in order, with words their lengths before, without bounds."""
        tests = [resolved.test]
        if active_only:
            tests.append(Piece("{c}.active"))
        if words:
            return self._worded(tests, words, is_counted)
        order = "" if is_counted else " ORDER BY c.n"
        driver = resolved.driver
        if driver is not None and driver.is_of_intervals:
            tests[0] = driver.rest
            return join(
                "SELECT c.n FROM concept_interval i CROSS JOIN concept c WHERE %s AND %s AND %s "
                f"AND c.n >= i.low AND c.n <= i.high AND %s{order}",
                self._of("i"),
                driver.source,
                self._of("c"),
                all_of(tests).on("c"),
            )
        if driver is not None:
            tests[0] = driver.rest
            return join(
                f"SELECT c.n FROM (SELECT DISTINCT s.n FROM (%s) s) s CROSS JOIN concept c WHERE %s "
                f"AND c.n = s.n AND %s{order}",
                driver.source,
                self._of("c"),
                all_of(tests).on("c"),
            )
        return join(f"SELECT c.n FROM concept c WHERE %s AND %s{order}", self._of("c"), all_of(tests).on("c"))

    def _worded(self, tests: list[Piece], words: Sequence[str], is_counted: bool) -> Piece:
        """Those with words that begin so, the shortest displays first."""
        first = max(words, key=len)
        tests += [
            Piece("{c}.words LIKE ? ESCAPE '\\'", (f"% {escaped(word[:WORD])}%",), ("text",))
            for word in words
            if word != first
        ]
        word = first[:WORD]
        if len(word) < START:
            range_ = Piece("w.start >= ? AND w.start < ?", (word, word + _LAST), ("text", "text"))
        elif len(word) == START:
            range_ = Piece("w.start = ?", (word,), ("text",))
        else:
            range_ = Piece(
                "w.start = ? AND w.word >= ? AND w.word < ?",
                (word[:START], word, word + _LAST),
                ("text", "text", "text"),
            )
        test = all_of(tests)
        # What asks for no more than numbers is asked of the words themselves.
        alone = all(
            f"{{c}}.{column}" not in test.sql for column in ("code", "display", "active", "abstract", "words")
        )
        tables = "concept_word w" if alone else "concept_word w CROSS JOIN concept c"
        linked = Piece("") if alone else join(" AND %s AND c.n = w.n", self._of("c"))
        inner = join(
            f"SELECT DISTINCT w.length, w.n FROM {tables} WHERE %s AND %s%s AND %s",
            self._of("w"),
            range_,
            linked,
            test.on("w" if alone else "c"),
        )
        if is_counted:
            return inner
        return Piece(f"{inner.sql} ORDER BY w.length, w.n", inner.values, inner.kinds)

    async def _resolved(self, node: Expression) -> Resolved:
        node = await self._spelled_out(node)
        numbers = await self._numbers(codes_in(node))
        under = {numbers[code] for code in under_in(node) if code in numbers}
        intervals = {number: await self._intervals_of(number) for number in under}
        above: dict[int, list[int]] = {}
        for code in over_in(node):
            if code in numbers:
                above[numbers[code]] = await self._above(numbers[code])
        writer = Writer(self._database.dialect, self.edition, numbers, intervals, above)
        return Resolved(writer.test(node), writer.driver(node))

    async def _above(self, number: int) -> list[int]:
        """The numbers of all that subsume this one."""
        sql = (
            "WITH RECURSIVE up(n) AS (SELECT e.parent FROM concept_edge e WHERE %s AND e.child = ? UNION "
            "SELECT e.parent FROM up u CROSS JOIN concept_edge e WHERE %s AND e.child = u.n) SELECT n FROM up"
        )
        piece = join(sql, self._of("e"), self._of("e")).with_values((number,), ("int",))
        return [int(row[0]) for row in await self._database.fetch(piece.statement())]

    async def _spelled_out(self, node: Expression) -> Expression:
        """The same with the values that match a pattern instead of the pattern."""
        match node:
            case Matching(name, pattern):
                return await self._values_like(name, pattern)
            case Related(name, inner):
                values = await self._values_of(name, "an expression about them", _MOST_RELATED)
                return _with(name, await self.meeting(inner, values))
            case Not(inner):
                return Not(await self._spelled_out(inner))
            case All(nodes):
                return All(tuple([await self._spelled_out(each) for each in nodes]))
            case Some(nodes):
                return Some(tuple([await self._spelled_out(each) for each in nodes]))
        return node

    async def _values_like(self, name: str, pattern: str) -> Expression:
        if name in HIERARCHY or name in ("display", "designation"):
            raise errors.too_costly(
                f"A pattern on `{name}` is not tried on every concept of {self.url}, which has "
                f"{self.size:,}; filter by words, a hierarchy or a property"
            )
        test = compiled(pattern)
        values = await self._values_of(name, "a pattern", _MOST_VALUES)
        return _with(name, [value for value in values if test(value)])

    async def _values_of(self, name: str, use: str, most: int) -> list[str]:
        """The values that a property has. Raises `too-costly` where there are too many for this use."""
        piece = join(
            f"SELECT DISTINCT p.value FROM concept_property p WHERE %s AND p.property = ? LIMIT {most + 1}",
            self._of("p"),
        ).with_values((name,), ("text",))
        rows = await self._database.fetch(piece.statement())
        if len(rows) > most:
            raise errors.too_costly(f"`{name}` has more than {most:,} values, too many for {use}")
        return [str(row[0]) for row in rows]


def _with(name: str, values: Iterable[str]) -> Expression:
    """Those with one of these values, of which there may be none."""
    found = tuple(sorted(values))
    return Having(name, found) if found else Some(())


def _cut(intervals: Sequence[tuple[int, int]], offset: int, count: int) -> list[int]:
    """The numbers of one page."""
    numbers: list[int] = []
    for low, high in intervals:
        size = high - low + 1
        if offset >= size:
            offset -= size
            continue
        numbers += range(low + offset, min(high + 1, low + offset + count - len(numbers)))
        offset = 0
        if len(numbers) >= count:
            break
    return numbers

"""A code system written into the database, found only when it is whole."""

from __future__ import annotations

import json
from array import array
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from fhirhub import errors
from fhirhub.store.database import Database, Transaction
from fhirhub.store.sql import Statement
from fhirhub.terminology.concepts import Concept, text_of, value_of
from fhirhub.terminology.loading import hierarchy
from fhirhub.terminology.loading.source import CannotLoad, Source
from fhirhub.terminology.rows import START, detail_of, words_of

Json = dict[str, Any]

TABLES: dict[str, tuple[str, ...]] = {
    "concept": ("tenant", "edition", "n", "code", "display", "active", "abstract", "words", "detail"),
    "concept_edge": ("tenant", "edition", "parent", "child"),
    "concept_interval": ("tenant", "edition", "n", "low", "high"),
    "concept_property": ("tenant", "edition", "property", "value", "n"),
    "concept_word": ("tenant", "edition", "start", "length", "n", "word"),
}
_KEYS = {
    "concept": "n",
    "concept_edge": "parent, child",
    "concept_interval": "n, low",
    "concept_property": "property, value, n",
    "concept_word": "start, length, n, word",
}
BATCH = 10_000
_ROWS = 200_000
"""Rows that are put in order before they are written: what is written in order is written once."""
_LONGEST_VALUE = 500


class Listed(NamedTuple):
    """A code system that a tenant has loaded."""

    edition: int
    url: str
    version: str
    concepts: int
    loaded: int


async def load(
    database: Database, tenant: int, source: Source, moment: int, progress: Callable[[int], object]
) -> tuple[Listed, bool]:
    """Load a code system for a tenant; whether it had to be, since another tenant may have the same loaded.

    `progress` is told of concepts as they are written. Raises CannotLoad.
    """
    url, version = str(source.description["url"]), str(source.description.get("version", ""))
    await forget_unfinished(database, url, version)
    known = await _find(database, url, version)
    if known is not None:
        await _use(database, tenant, known.edition)
        return known, False
    codes: dict[str, int] = {}
    above: list[Sequence[str]] = []
    for code, parents in source.codes():
        if codes.setdefault(code, len(codes)) == len(above):
            above.append(parents)
    if not codes:
        raise CannotLoad(f"{url} has no concepts")
    places = [
        array("l", dict.fromkeys(codes[parent] for parent in parents if parent in codes and parent != code))
        for code, parents in zip(codes, above, strict=True)
    ]
    above.clear()
    numbering = hierarchy.number(places)
    edition = await _begin(database, source.description, moment)
    await _write_hierarchy(database, edition, places, numbering)
    count = 0
    rows = _Rows(database, edition, source.searched)
    seen = bytearray(len(codes))
    for concept in source.concepts():
        position = codes.get(concept.code)
        if position is None or seen[position]:
            continue
        seen[position] = 1
        rows.add(concept, numbering.numbers[position])
        count += 1
        if count % BATCH == 0:
            await rows.write(_ROWS)
            progress(BATCH)
    await rows.write(0)
    progress(count % BATCH)
    await database.learn(list(TABLES))
    await _end(database, edition, count)
    await _use(database, tenant, edition)
    return Listed(edition, url, version, count, moment), True


async def listed(database: Database, tenant: int) -> list[Listed]:
    """The code systems that a tenant has loaded."""
    rows = await database.fetch(
        Statement(
            "SELECT s.edition, s.url, s.version, s.concepts, s.loaded FROM code_system_use u "
            "CROSS JOIN code_system s WHERE u.tenant = $1 AND s.tenant = 0 AND s.edition = u.edition "
            "AND s.state = 'ready' ORDER BY s.url, s.version",
            (tenant,),
            ("int",),
        )
    )
    return [Listed(*row) for row in rows]


async def remove(database: Database, tenant: int, edition: int, progress: Callable[[int], object]) -> bool:
    """Take a code system from a tenant; whether its rows went too, as no other tenant has it."""
    await database.execute(
        Statement(
            "DELETE FROM code_system_use WHERE tenant = $1 AND edition = $2",
            (tenant, edition),
            ("int", "int"),
        )
    )
    rows = await database.fetch(
        Statement("SELECT 1 FROM code_system_use WHERE edition = $1 LIMIT 1", (edition,), ("int",))
    )
    if rows:
        return False
    await _set_state(database, edition, "going")
    await _delete(database, edition, progress)
    return True


async def forget_unfinished(database: Database, url: str, version: str) -> None:
    """Remove what a removal that was broken off has left, and a load of this code system."""
    rows = await database.fetch(
        Statement(
            "SELECT edition FROM code_system WHERE tenant = 0 AND (state = 'going' OR (state = 'loading' "
            "AND url = $1 AND version = $2))",
            (url, version),
            ("text", "text"),
        )
    )
    for row in rows:
        await _set_state(database, int(row[0]), "going")
        await _delete(database, int(row[0]), lambda count: None)


async def _find(database: Database, url: str, version: str) -> Listed | None:
    rows = await database.fetch(
        Statement(
            "SELECT edition, url, version, concepts, loaded FROM code_system WHERE tenant = 0 AND url = $1 "
            "AND version = $2 AND state = 'ready'",
            (url, version),
            ("text", "text"),
        )
    )
    return Listed(*rows[0]) if rows else None


async def _use(database: Database, tenant: int, edition: int) -> None:
    await database.execute(
        Statement(
            "INSERT INTO code_system_use (tenant, edition) VALUES ($1, $2) ON CONFLICT DO NOTHING",
            (tenant, edition),
            ("int", "int"),
        )
    )


async def _begin(database: Database, description: Json, moment: int) -> int:
    """Take a number for a code system that is not to be seen yet."""

    async def work(unit: Transaction) -> int:
        rows = await unit.fetch(
            Statement("SELECT COALESCE(MAX(edition), 0) + 1 FROM code_system WHERE tenant = 0")
        )
        edition = int(rows[0][0])
        await unit.execute(
            Statement(
                "INSERT INTO code_system (tenant, edition, url, version, state, loaded, concepts, description) "
                "VALUES (0, $1, $2, $3, 'loading', $4, 0, $5)",
                (
                    edition,
                    str(description["url"]),
                    str(description.get("version", "")),
                    moment,
                    json.dumps(description, ensure_ascii=False),
                ),
                ("int", "text", "text", "bigint", "text"),
            )
        )
        return edition

    return await database.transaction(work)


async def _end(database: Database, edition: int, count: int) -> None:
    done = await database.execute(
        Statement(
            "UPDATE code_system SET state = 'ready', concepts = $2 WHERE tenant = 0 AND edition = $1 "
            "AND state = 'loading'",
            (edition, count),
            ("int", "int"),
        )
    )
    if not done:
        raise errors.conflict("The code system was removed while it was loaded")


async def _set_state(database: Database, edition: int, state: str) -> None:
    await database.execute(
        Statement(
            "UPDATE code_system SET state = $2 WHERE tenant = 0 AND edition = $1",
            (edition, state),
            ("int", "text"),
        )
    )


async def _write_hierarchy(
    database: Database, edition: int, places: Sequence[Iterable[int]], numbering: hierarchy.Numbering
) -> None:
    numbers = numbering.numbers
    edges: list[tuple[int, ...]] = []
    intervals: list[tuple[int, ...]] = []
    for position, above in enumerate(places):
        edges += [(0, edition, numbers[parent], numbers[position]) for parent in above]
        own = numbers[position]
        intervals += [(0, edition, own, low, high) for low, high in numbering.intervals(position)]
        if len(edges) > 4 * BATCH or len(intervals) > 4 * BATCH:
            await database.fill("concept_edge", TABLES["concept_edge"], edges)
            await database.fill("concept_interval", TABLES["concept_interval"], intervals)
            edges, intervals = [], []
    await database.fill("concept_edge", TABLES["concept_edge"], edges)
    await database.fill("concept_interval", TABLES["concept_interval"], intervals)


class _Rows:
    """Rows of concepts that wait until there are enough of them."""

    def __init__(self, database: Database, edition: int, searched: frozenset[str]) -> None:
        self._database = database
        self._edition = edition
        self._searched = searched
        self._waiting: dict[str, list[tuple[Any, ...]]] = {
            table: [] for table in ("concept", "concept_property", "concept_word")
        }

    def add(self, concept: Concept, n: int) -> None:
        edition = self._edition
        found = words_of(concept)
        self._waiting["concept"].append(
            (
                0, edition, n, concept.code, concept.display, not concept.inactive, concept.abstract,
                " " + " ".join(found), detail_of(concept),
            )
        )  # fmt: skip
        length = len(concept.display or concept.code)
        self._waiting["concept_word"] += [(0, edition, word[:START], length, n, word) for word in found]
        properties = {
            (0, edition, name, text_of(value_of(each))[:_LONGEST_VALUE], n)
            for each in concept.properties
            if (name := str(each.get("code"))) != "inactive"
            and (name in self._searched or not self._searched)
        }
        self._waiting["concept_property"] += properties

    async def write(self, most: int) -> None:
        """Write what waits in tables with more rows than that; concepts, which are large, sooner."""
        for table, rows in self._waiting.items():
            if len(rows) > (most // 20 if table == "concept" else most):
                rows.sort()
                await self._database.fill(table, TABLES[table], rows)
                self._waiting[table] = []


async def _delete(database: Database, edition: int, progress: Callable[[int], object]) -> None:
    """Remove the rows of an edition in parts, none of which takes long."""
    for table, key in _KEYS.items():
        statement = Statement(
            f"DELETE FROM {table} WHERE tenant = 0 AND edition = $1 AND ({key}) IN (SELECT {key} FROM {table} "
            f"WHERE tenant = 0 AND edition = $1 LIMIT {4 * BATCH})",
            (edition,),
            ("int",),
        )
        while gone := await database.execute(statement):
            progress(gone)
    await database.execute(
        Statement("DELETE FROM code_system WHERE tenant = 0 AND edition = $1", (edition,), ("int",))
    )

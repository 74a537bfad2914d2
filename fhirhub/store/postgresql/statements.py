"""The statements that write resources, their versions and what they are found by."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import asyncpg
import msgspec

from fhirhub.store.database import Change, Key, Verdict
from fhirhub.store.index import TABLES

MEMBERS = 64
"""So many are answered or written by one statement at most."""
CASTS = {
    "text": "text",
    "int": "int4",
    "bigint": "int8",
    "double": "float8",
    "bool": "bool",
    "bytea": "bytea",
}
"""By kind of a value, its type."""

_HEAD = (
    "rid", "type", "id", "version", "updated", "method", "patient", "write_id", "label", "expected", "body"
)  # fmt: skip
_HEAD_KINDS = ("int8", "text", "text", "int4", "int8", "text", "text", "text", "text", "int4")
_STORED = "rid, type, id, version, updated, deleted, method, patient, write_id, body, label"


async def apply(
    connection: asyncpg.Connection[Any],
    tenant: int,
    changes: Sequence[Change],
    own: frozenset[Key] = frozenset(),
    *,
    strict: bool,
) -> list[Verdict]:
    """Writes changes of one kind (all new, or none) by one statement. What they refer to in `own` need not be there
    yet."""
    new = changes[0].expected == 0
    referred: set[Key] = set().union(*[change.targets for change in changes])
    if strict and new:
        referred.difference_update([(change.type, change.id) for change in changes])
    targets = sorted(referred - own if own else referred)
    tables = tuple(table for table in TABLES if any(change.rows.get(table) for change in changes))
    values: list[Any] = [
        array([c.rid for c in changes]),
        array([c.type for c in changes]),
        array([c.id for c in changes]),
        array([c.version for c in changes]),
        array([c.updated for c in changes]),
        array([c.method for c in changes]),
        array([c.patient for c in changes]),
        array([c.write_id for c in changes]),
        array([c.label for c in changes]),
        array([c.expected for c in changes]),
        [c.body for c in changes],
        array([target[0] for target in targets]),
        array([target[1] for target in targets]),
        len(targets),
    ]
    for table in tables:
        values += columns(changes, table)
    row = await connection.fetchrow(writing(new, strict, tables), tenant, *values)
    assert row is not None
    if row[0] != len(targets):
        return [Verdict.MISSING for _ in changes]
    made = set(row[1])
    return [Verdict.DONE if change.rid in made else Verdict.CONFLICT for change in changes]


@lru_cache(maxsize=2000)
def writing(new: bool, strict: bool, tables: tuple[str, ...]) -> str:
    """The one statement that writes a group of changes: heads, superseded versions and index rows.

    All new resources (`new`) or all versions of existing ones. Its row says how many targets were found and
    which rids were written. `strict` leaves out what picks the written among the refused: the transaction
    around it is rolled back when any was refused.
    """
    heads = ", ".join(f"${n}::text::{kind}[]" for n, kind in enumerate(_HEAD_KINDS, 2))
    heads += f", ${1 + len(_HEAD)}::bytea[]"
    first = 2 + len(_HEAD)
    parts = [
        f"m AS MATERIALIZED (SELECT * FROM unnest({heads}) AS m({', '.join(_HEAD)}))",
        # LATERAL with a row lock is never turned round: each target is probed by its key, in key order.
        f"locked AS (SELECT 1 FROM unnest(${first}::text::text[], ${first + 1}::text::text[]) AS w(type, id) "
        "CROSS JOIN LATERAL (SELECT 1 FROM resource r WHERE r.tenant = $1 AND r.type = w.type "
        "AND r.id = w.id AND NOT r.deleted FOR KEY SHARE) AS l)",
        "found AS MATERIALIZED (SELECT count(*) AS n FROM locked)",
    ]
    written = "ANY(ARRAY(SELECT rid FROM made))"
    complete = f"(SELECT n FROM found) = ${first + 2}::int8"
    first += 3
    if new:
        parts.append(
            f"made AS (INSERT INTO resource (tenant, {_STORED}) "
            "SELECT $1, m.rid, m.type, m.id, m.version, m.updated, m.body IS NULL, m.method, m.patient, "
            f"m.write_id, m.body, m.label FROM m WHERE {complete} "
            "ON CONFLICT (tenant, type, id) DO NOTHING RETURNING rid)"
        )
    else:
        parts += [
            "held AS MATERIALIZED (SELECT h.rid FROM (SELECT * FROM m ORDER BY rid) AS m CROSS JOIN LATERAL "
            "(SELECT r.rid FROM resource r WHERE r.tenant = $1 AND r.rid = m.rid AND r.version = m.expected "
            f"FOR NO KEY UPDATE) AS h WHERE {complete})",
            "made AS (UPDATE resource r SET version = m.version, updated = m.updated, "
            "deleted = m.body IS NULL, method = m.method, patient = m.patient, write_id = m.write_id, "
            "body = m.body, label = m.label FROM m WHERE r.tenant = $1 AND r.rid = ANY(ARRAY(SELECT rid FROM held)) "
            "AND r.rid = m.rid AND r.version = m.expected RETURNING r.rid)",
            # Reads the row as it was before this statement: the version that is superseded.
            "kept AS (INSERT INTO version (tenant, rid, type, id, version, updated, until, deleted, method, "
            "patient, write_id, body, label) SELECT $1, r.rid, r.type, r.id, r.version, r.updated, m.updated, "
            "r.deleted, r.method, r.patient, r.write_id, r.body, r.label FROM resource r JOIN m ON m.rid = r.rid "
            f"WHERE r.tenant = $1 AND r.rid = {written})",
        ]
        parts += [
            f"d_{table} AS (DELETE FROM {table} x WHERE x.tenant = $1 AND x.rid = {written})"
            for table in TABLES
        ]
    for table in tables:
        only = "" if strict else f" WHERE i.rid = {written}"
        parts.append(f"i_{table} AS (INSERT INTO {table} SELECT $1, i.* FROM {unnest(table, first)}{only})")
        first += 1 + len(TABLES[table].columns)
    return f"WITH {', '.join(parts)} SELECT (SELECT n FROM found), ARRAY(SELECT rid FROM made)"


def unnest(table: str, first: int) -> str:
    kinds = ["int8", *(CASTS[column.kind] for column in TABLES[table].columns)]
    arrays = ", ".join(f"${first + n}::text::{kind}[]" for n, kind in enumerate(kinds))
    names = ", ".join(("rid", *(column.name for column in TABLES[table].columns)))
    return f"unnest({arrays}) AS i({names})"


def columns(changes: Sequence[Change], table: str) -> list[str]:
    """The arrays of a table's rows: rid, then each column."""
    rids: list[int] = []
    rows: list[tuple[Any, ...]] = []
    for change in changes:
        found = change.rows.get(table)
        if found:
            rids += [change.rid] * len(found)
            rows += found
    return [
        array(rids),
        *(
            (_numbers if column.kind == "double" else array)(values)
            for column, values in zip(TABLES[table].columns, zip(*rows, strict=True), strict=True)
        ),
    ]


def array(values: Sequence[Any]) -> str:
    """The values as PostgreSQL writes an array
    (https://www.postgresql.org/docs/15/arrays.html#ARRAYS-INPUT).

    It is JSON in braces, but for control characters and infinite numbers. Written as a whole it costs a
    tenth of what the driver takes to pack the elements one by one.
    """
    text = _encode(values)[1:-1].decode()
    if "\\" in text:
        text = ",".join(["NULL" if v is None else f'"{_escape(_ESCAPED, v)}"' for v in values])
    return f"{{{text}}}"


def _numbers(values: Sequence[float | None]) -> str:
    """The same for floating-point numbers, of which JSON has no infinite ones."""
    return f"{{{','.join(['NULL' if v is None else str(v) for v in values])}}}"


_encode = msgspec.json.Encoder().encode
_escape = re.compile(r'["\\]').sub
_ESCAPED = r"\\\g<0>"

"""What PostgreSQL's planner believes of tables that are still empty.

Without statistics all indexes of a fresh table seem equally good, and a plan made then serves until the first
ANALYZE: a read by id through the wrong index costs milliseconds. So new tables are filled with rows of a likely
shape, analysed, and emptied again; what was learned stays until autovacuum learns the real thing
(https://www.postgresql.org/docs/15/planner-stats.html).
"""

from __future__ import annotations

from collections.abc import Iterator

from fhirhub.store import index

_ROWS = 5000
_HEADS = {
    "resource": "0, n, 'Type' || n % 60, 'id' || n, 1, n, false, 'PUT', 'p' || n % 500, 'w' || n, 'body'::bytea",
    "version": "0, n, 'Type' || n % 60, 'id' || n, 1, n, n, false, 'PUT', 'p' || n % 500, 'w' || n, 'body'::bytea",
}
_VALUES = {
    "param": "n % 397",
    "code": "'c' || n % 1501",
    "target_id": "'p' || n % 997",
    "target_type": "'Type' || n % 7",
    "text1": "'c' || n % 1501",
    "canonical": "'u' || n % 5",
}
_KINDS = {"int": "n", "bigint": "n", "double": "n", "text": "'v' || n"}


def seed() -> Iterator[str]:
    """The statements that do it; only for tables that were just made."""
    series = f"FROM generate_series(1, {_ROWS}) AS n"
    for table, values in _HEADS.items():
        yield f"INSERT INTO {table} SELECT {values} {series}"
    for table, described in index.TABLES.items():
        columns = ", ".join(_VALUES.get(c.name, _KINDS.get(c.kind, "NULL")) for c in described.columns)
        yield f"INSERT INTO {table} SELECT 0, n / 6, {columns} {series}"
    for table in (*_HEADS, *index.TABLES):
        yield f"ANALYZE {table}"
        yield f"TRUNCATE {table}"

"""Every version of every resource: read, vread and history as statements
(https://hl7.org/fhir/R4/http.html#history).

The current version stands in `resource`, superseded ones in `version`. A caller sees an old version only where
the newest is visible to them too.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from fhirhub.access import Access
from fhirhub.resources import compartments, references, relations
from fhirhub.store.database import Reader
from fhirhub.store.sql import Binder, Dialect, Kind, Row, Statement
from fhirhub.store.visible import Visible, visible


class Stored(NamedTuple):
    """One version of a resource. `updated` is in microseconds since 1970 UTC; a deletion has no body."""

    rid: int
    type: str
    id: str
    version: int
    updated: int
    deleted: bool
    method: str
    body: bytes | None
    patient: str | None = None
    """Whose it is (`resources/relations.py`)."""
    label: str | None = None
    revives: bool = False
    """In a history: whether the version before it is a deletion."""


COLUMNS = ("rid", "type", "id", "version", "updated", "deleted", "method", "body", "patient", "label")
_BODY = COLUMNS.index("body")


def _columns(alias: str, body: str | None = None) -> str:
    """The columns of a version; `body` in place of the body as it is."""
    names = [f"{alias}.{name}" for name in COLUMNS]
    if body is not None:
        names[_BODY] = f"{body} AS body"
    return ", ".join(names)


def _old(seen: Visible, types: tuple[str, ...]) -> tuple[str, str]:
    """The condition that the superseded version, `v`, may be seen and the body as it may: both as that of the
    newest, `r`, too."""
    return f"{seen.condition('r', types)} AND {seen.condition('v', types)}", seen.body("v", types, "r")


def stored(row: Row) -> Stored:
    return Stored(*row[: len(COLUMNS)])


_READ = f"SELECT {_columns('r')} FROM resource r WHERE r.tenant = $1 AND r.type = $2 AND r.id = $3"

_READ_MANY = (
    f"SELECT {_columns('r')} FROM unnest($2::text[], $3::text[]) AS k(type, id) JOIN resource r "
    "ON r.tenant = $1 AND r.type = k.type AND r.id = k.id"
)
"""On PostgreSQL, where each question more is a way there and back."""


def read(tenant: int, access: Access, type: str, id: str, dialect: Dialect) -> Statement:
    """The current version, deleted or not."""
    if access.unlimited:
        return Statement(_READ, (tenant, type, id), ("int", "text", "text"), together=True)
    key = ("read", type, dialect.name)
    found: _Reading | None = access.kept.get(key)
    if found is None:
        found = access.kept[key] = _reading(visible(access, dialect), type)
    now = found.now
    values = found.values
    if now is not None:
        values = (*values[:now], time.time_ns() // 1000, *values[now + 1 :])
    return Statement(found.sql, (tenant, type, id, *values), found.kinds, found.together)


class _Reading(NamedTuple):
    """How one caller reads resources of one type, but for tenant, type, id and moment."""

    sql: str
    values: tuple[Any, ...]
    kinds: tuple[Kind, ...]
    now: int | None
    """Which of the values is the moment."""
    together: bool


def _reading(seen: Visible, type: str) -> _Reading:
    name = (seen.shape, type)
    found = _reads.get(name)
    if found is None:
        if len(_reads) > 5000:
            _reads.clear()
        columns = _columns("r", seen.body("r", (type,)))
        where = f"r.tenant = $1 AND r.type = $2 AND r.id = $3 AND {seen.condition('r', (type,))}"
        found = _reads[name] = seen.bind(f"SELECT {columns} FROM resource r WHERE {where}", 4)
    sql, slots = found
    values, kinds = seen.given(slots)
    together = not any(kind[-1] == "]" for kind in kinds)
    now = slots.index("now") if "now" in slots else None
    return _Reading(sql, values, ("int", "text", "text", *kinds), now, together)


_reads: dict[Any, tuple[str, tuple[str, ...]]] = {}
"""By shape of access and type, the statement that reads one resource."""


def _bound(binder: Binder, seen: Visible, sql: str) -> Statement:
    """The statement with what it takes of the caller behind what is bound already."""
    sql, slots = seen.bind(sql, len(binder.values) + 1)
    values, kinds = seen.given(slots)
    return Statement(sql, (*binder.values, *values), (*binder.kinds, *kinds))


async def read_many(
    reader: Reader, tenant: int, access: Access, keys: Sequence[tuple[str, str]]
) -> list[Stored]:
    """The current versions of many resources, deletions included, in no order."""
    if access.unlimited and reader.dialect.name == "postgresql":
        each = dict.fromkeys(keys)
        rows = await reader.fetch(
            Statement(
                _READ_MANY,
                (tenant, [type for type, _ in each], [id for _, id in each]),
                ("int", "text[]", "text[]"),
            )
        )
        return [stored(row) for row in rows]
    by_type: dict[str, list[str]] = {}
    for type, id in keys:
        by_type.setdefault(type, []).append(id)
    found = []
    for type, ids in by_type.items():
        binder = Binder()
        binder.bind(tenant, "int")
        where = (
            f"r.type = {binder.bind(type)} AND {reader.dialect.any_of('r.id', binder.bind(ids, 'text[]'))}"
        )
        seen = visible(access, reader.dialect)
        columns = _columns("r", seen.body("r", (type,)))
        condition = "" if seen.unlimited else f" AND {seen.condition('r', (type,))}"
        sql = f"SELECT {columns} FROM resource r WHERE r.tenant = $1 AND {where}{condition}"
        rows = await reader.fetch(_bound(binder, seen, sql))
        found += [stored(row) for row in rows]
    return found


def vread(tenant: int, access: Access, type: str, id: str, version: int, dialect: Dialect) -> Statement:
    """One version by its number."""
    binder = Binder()
    binder.bind(tenant, "int")
    binder.bind(type)
    binder.bind(id)
    number = binder.bind(version, "int")
    seen = visible(access, dialect)
    current = old = "1 = 1"
    body, old_body = "r.body", "v.body"
    if not seen.unlimited:
        current, body = seen.condition("r", (type,)), seen.body("r", (type,))
        old, old_body = _old(seen, (type,))
    sql = (
        f"SELECT {_columns('r', body)} FROM resource r WHERE r.tenant = $1 AND r.type = $2 AND r.id = $3 "
        f"AND r.version = {number} AND {current} UNION ALL "
        f"SELECT {_columns('v', old_body)} FROM resource r JOIN version v ON v.tenant = $1 AND v.rid = r.rid "
        f"AND v.version = {number} WHERE r.tenant = $1 AND r.type = $2 AND r.id = $3 AND {old}"
    )
    return _bound(binder, seen, sql)


@dataclass(frozen=True, slots=True)
class HistoryRequest:
    """Which versions are asked for, newest first.

    `since` keeps versions made at that moment or later; `at` those current at some moment of a half-open
    range; both in microseconds. `before` is the place after which a page begins: (updated, rid, version).
    """

    type: str | None = None
    id: str | None = None
    since: int | None = None
    at: tuple[int, int] | None = None
    before: tuple[int, int, int] | None = None
    count: int = 50
    listed: tuple[tuple[str, str, str | None], ...] | None = None
    """Only what these name: type, id and, where one version is meant, its number."""

    def types(self, present: Sequence[str]) -> list[str]:
        """Of the types there are, those in which something can be found."""
        asked = [self.type] if self.type else present
        return [t for t in asked if self.listed is None or any(t == type for type, _, _ in self.listed)]


def _part(
    seen: Visible, request: HistoryRequest, type: str, binder: Binder, dialect: Dialect, superseded: bool
) -> tuple[str, str | None]:
    """FROM and WHERE of the versions of a type, current or superseded; and what is shown of a body."""
    alias = "v" if superseded else "r"
    # An instance is found by its id, and its versions by its key; a type by its versions' moments.
    by = "r" if request.id is not None else alias
    where = [f"{by}.tenant = $1", f"{by}.type = {binder.bind(type)}"]
    if not superseded:
        source = "resource r"
    elif request.id is not None:
        source = "resource r JOIN version v ON v.tenant = $1 AND v.rid = r.rid"
    else:
        source = "version v JOIN resource r ON r.tenant = $1 AND r.rid = v.rid"
    if request.id is not None:
        where.append(f"r.id = {binder.bind(request.id)}")
    if request.since is not None:
        where.append(f"{alias}.updated >= {binder.bind(request.since, 'bigint')}")
    if request.listed is not None:
        whole = [id for named, id, version in request.listed if named == type and version is None]
        single = [f"{id}/{version}" for named, id, version in request.listed if named == type and version]
        every = dialect.any_of("r.id", binder.bind(whole, "text[]"))
        one = dialect.any_of(f"r.id || '/' || CAST({alias}.version AS text)", binder.bind(single, "text[]"))
        where.append(f"({every} OR {one})")
    if request.at is not None:
        where.append(f"{alias}.updated < {binder.bind(request.at[1], 'bigint')}")
        if superseded:
            where.append(f"v.until > {binder.bind(request.at[0], 'bigint')}")
    if request.before is not None:
        place = ", ".join(binder.bind(part, "bigint") for part in request.before)
        where.append(f"({alias}.updated, {alias}.rid, {alias}.version) < ({place})")
    body = None
    if not seen.unlimited:
        condition, body = seen.condition("r", (type,)), seen.body("r", (type,))
        if superseded:
            condition, body = _old(seen, (type,))
        where.append(condition)
    return f"FROM {source} WHERE {' AND '.join(where)}", body


def _newest(
    seen: Visible, request: HistoryRequest, type: str, binder: Binder, dialect: Dialect, superseded: bool
) -> str:
    alias = "v" if superseded else "r"
    found, body = _part(seen, request, type, binder, dialect, superseded)
    return (
        f"SELECT {_columns(alias, body)} {found} "
        f"ORDER BY {alias}.updated DESC, {alias}.rid DESC, {alias}.version DESC "
        f"LIMIT {binder.bind(request.count + 1, 'bigint')}"
    )


async def history(reader: Reader, tenant: int, access: Access, request: HistoryRequest) -> list[Stored]:
    """At most `count + 1` versions, newest first: one more than asked tells that there is a next page."""
    types = request.types([] if request.type else await types_present(reader, tenant))
    if not types:
        return []
    binder = Binder()
    binder.bind(tenant, "int")
    seen = visible(access, reader.dialect)
    parts = [
        f"SELECT * FROM ({_newest(seen, request, type, binder, reader.dialect, superseded)}) AS {name}"
        for number, type in enumerate(types)
        for superseded, name in ((False, f"c{number}"), (True, f"s{number}"))
    ]
    sql = (
        f"SELECT n.*, EXISTS (SELECT 1 FROM version d WHERE d.tenant = $1 AND d.rid = n.rid "
        f"AND d.version = n.version - 1 AND d.deleted) FROM (SELECT * FROM ({' UNION ALL '.join(parts)}) AS h "
        f"ORDER BY updated DESC, rid DESC, version DESC LIMIT {binder.bind(request.count + 1, 'bigint')}) AS n "
        "ORDER BY n.updated DESC, n.rid DESC, n.version DESC"
    )
    rows = await reader.fetch(_bound(binder, seen, sql))
    return [stored(row)._replace(revives=bool(row[-1])) for row in rows]


async def history_total(reader: Reader, tenant: int, access: Access, request: HistoryRequest) -> int:
    """How many versions there are, on all pages together."""
    types = request.types([] if request.type else await types_present(reader, tenant))
    if not types:
        return 0
    binder = Binder()
    binder.bind(tenant, "int")
    seen = visible(access, reader.dialect)
    parts = [
        f"(SELECT count(*) {_part(seen, request, type, binder, reader.dialect, superseded)[0]})"
        for type in types
        for superseded in (False, True)
    ]
    rows = await reader.fetch(_bound(binder, seen, f"SELECT {' + '.join(parts)}"))
    return int(rows[0][0])


async def followed(
    reader: Reader, tenant: int, resource: dict[str, Any], base: str | None
) -> tuple[str | None, str | None]:
    """Whose a Provenance is, and its label: those of all its targets (RULES R1 knows it by the Patient alone)."""
    patients, labels = set(compartments.patients(resource, base)), set(relations.label(resource) or "")
    by_type: dict[str, list[str]] = {}
    for reference in resource.get("target", ()):
        target = references.parse(str(reference.get("reference", "")), base)
        if target.is_local and target.type and target.id:
            by_type.setdefault(target.type, []).append(target.id)
    for type, ids in by_type.items():
        binder = Binder()
        binder.bind(tenant, "int")
        where = (
            f"r.type = {binder.bind(type)} AND {reader.dialect.any_of('r.id', binder.bind(ids, 'text[]'))}"
        )
        for owner, label in await reader.fetch(
            binder.statement(f"SELECT r.patient, r.label FROM resource r WHERE r.tenant = $1 AND {where}")
        ):
            patients.update((owner or "").split())
            labels.update(label or "")
    return " ".join(sorted(patients)) or None, "".join(sorted(labels)) or None


async def types_present(reader: Reader, tenant: int) -> list[str]:
    """The resource types of which anything was ever stored, found by skipping through the index."""
    rows = await reader.fetch(
        Statement(
            "WITH RECURSIVE present(type) AS (SELECT (SELECT min(type) FROM resource WHERE tenant = $1) "
            "UNION ALL SELECT (SELECT min(r.type) FROM resource r WHERE r.tenant = $1 AND r.type > p.type) "
            "FROM present p WHERE p.type IS NOT NULL) SELECT type FROM present WHERE type IS NOT NULL",
            (tenant,),
            ("int",),
        )
    )
    return [row[0] for row in rows]


async def referrers(
    reader: Reader, tenant: int, key: tuple[int, str, str], access: Access, limit: int = 5
) -> list[tuple[str, str]]:
    """Who of what may be seen refers to this resource (rid, type, id), other than itself: type and id. A Provenance
    tells of it, also when it is gone, and is left out."""
    seen = visible(access, reader.dialect)
    shown = [] if seen.unlimited else [seen.condition("r"), *seen.shown("reference", "f", ())]
    sql, slots = seen.bind(
        "SELECT DISTINCT r.type, r.id FROM reference f JOIN resource r ON r.tenant = $1 "
        "AND r.rid = f.rid WHERE f.tenant = $1 AND f.target_id = $2 AND f.target_type = $3 "
        f"AND f.rid <> $4 AND r.type <> 'Provenance'{''.join(f' AND {one}' for one in shown)} LIMIT $5",
        6,
    )
    own, own_kinds = seen.given(slots)
    rid, type, id = key
    rows: list[Any] = await reader.fetch(
        Statement(
            sql,
            (tenant, id, type, rid, limit, *own),
            ("int", "text", "text", "bigint", "bigint", *own_kinds),
        )
    )
    return [(row[0], row[1]) for row in rows]

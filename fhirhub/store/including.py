"""`_include` and `_revinclude` as SQL: the resources that those found point to, or that point to them.

https://hl7.org/fhir/R4/search.html#include
"""

from __future__ import annotations

from collections.abc import Sequence

from fhirhub.store.conditions import Canonical, Writer, in_keys, in_names
from fhirhub.store.request import Include
from fhirhub.store.sql import Dialect
from fhirhub.store.visible import Visible

RESOURCE = "r.rid, r.type, r.id, r.version, r.updated, r.body, r.patient, r.label"
INCLUDED_AT_MOST = 2000
"""Resources that one page includes, at most."""


def included(includes: Sequence[Include], dialect: Dialect, visible: Visible) -> str:
    """The statement of what the resources of the row keys in `$2` include; slots are not yet bound."""
    writer = Writer(dialect, visible)
    given = f"(SELECT g.rid FROM resource g WHERE g.tenant = $1 AND {dialect.any_of('g.rid', '$2')})"
    return " UNION ALL ".join(joins(writer, includes, given, ""))


def old_version(dialect: Dialect, visible: Visible) -> str:
    """The statement of one version, `$3`, of the resource of row key `$2`; slots are not yet bound. The resource
    itself may be seen, as it was found."""
    writer = Writer(dialect, visible)
    where = ["v.tenant = $1", "v.rid = $2", "v.version = $3", "NOT v.deleted", *writer.seen("v")]
    columns = RESOURCE.replace("r.", "v.").replace("v.body", visible.body("v"))
    return f"SELECT {columns} FROM version v WHERE {' AND '.join(where)}"


def joins(writer: Writer, includes: Sequence[Include], given: str, absent: str) -> list[str]:
    """One SELECT for all references forwards, one for those backwards, and the same for canonicals."""
    found = []
    forward = [join for join in includes if not join.reverse and join.keys]
    if forward:
        found.append(_forward(writer, forward, given, absent))
    backward = [join for join in includes if join.reverse and join.keys]
    if backward:
        found.append(_backward(writer, backward, given, absent))
    for reverse in (False, True):
        canonical = [join for join in includes if join.canonical and join.reverse == reverse]
        if canonical:
            found.append(_canonical(writer, canonical, given, absent, reverse))
    return found


def _forward(writer: Writer, joins: Sequence[Include], given: str, absent: str) -> str:
    links = (
        f"SELECT DISTINCT s.target_type, s.target_id, s.target_version FROM {given} g "
        f"CROSS JOIN {writer.by('b', 'reference', 's')} WHERE s.tenant = $1 AND s.rid = g.rid "
        f"AND {_linked(writer, joins)} AND s.target_id <> ''"
    )
    tables = f"CROSS JOIN {writer.by('id', 'resource', 'r')}"
    on = "r.type = l.target_type AND r.id = l.target_id AND NOT r.deleted"
    return _bounded(writer, links, "l.target_version" + absent, tables, on, _reach(joins))


def _backward(writer: Writer, joins: Sequence[Include], given: str, absent: str) -> str:
    links = (
        f"SELECT DISTINCT s.rid FROM {given} g CROSS JOIN resource o "
        f"CROSS JOIN {writer.by('a', 'reference', 's')} "
        f"WHERE o.tenant = $1 AND o.rid = g.rid AND s.tenant = $1 AND s.target_id = o.id "
        f"AND {_linked(writer, joins)} AND s.target_type = o.type"
    )
    on = "r.rid = l.rid"
    return _bounded(writer, links, "NULL" + absent, "CROSS JOIN resource r", on, _sources(joins))


def _reach(joins: Sequence[Include]) -> tuple[str, ...]:
    """The types that the joins may bring; empty for any."""
    if not all(join.reach for join in joins):
        return ()
    return tuple(dict.fromkeys(type for join in joins for type in join.reach))


def _canonical(writer: Writer, joins: Sequence[Include], given: str, absent: str, reverse: bool) -> str:
    keys = tuple(dict.fromkeys(key for join in joins for key in join.canonical))
    urls = tuple(dict.fromkeys(key for join in joins for key in join.urls))
    versions = tuple(dict.fromkeys(key for join in joins for key in join.versions))
    where = [
        "s.tenant = $1",
        f"s.param {in_keys(keys)}",
        *writer.named(Canonical(urls, versions), "s", "u"),
        *writer.visible.shown("reference", "s", keys, _sources(joins)),
    ]
    if reverse:
        tables = f"{writer.by('b', 'uri', 'u')} CROSS JOIN {writer.by('a', 'reference', 's')}"
        own, other = "s", "u"
    else:
        tables = f"{writer.by('b', 'reference', 's')} CROSS JOIN {writer.by('a', 'uri', 'u')}"
        own, other = "u", "s"
    links = (
        f"SELECT DISTINCT {own}.rid FROM {given} g CROSS JOIN {tables} "
        f"WHERE {other}.rid = g.rid AND {' AND '.join(where)}"
    )
    types = _sources(joins) if reverse else _reach(joins)
    on = "r.rid = l.rid AND NOT r.deleted"
    return _bounded(writer, links, "NULL" + absent, "CROSS JOIN resource r", on, types)


def _sources(joins: Sequence[Include]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(type for join in joins for type in join.sources))


def _bounded(writer: Writer, links: str, more: str, tables: str, on: str, types: tuple[str, ...]) -> str:
    """The resources behind the links, one more than may be included; only what may be seen counts."""
    most = f" LIMIT {INCLUDED_AT_MOST + 1}"
    if writer.visible.unlimited:
        return f"SELECT 1, {RESOURCE}, {more} FROM ({links}{most}) l {tables} WHERE r.tenant = $1 AND {on}"
    seen = " AND ".join([*([f"r.type {in_names(types)}"] if types else []), *writer.seen("r", types)])
    own, *rest = more.split(", ")
    body = f"{writer.visible.body('r', types)} AS body"
    columns = f"{RESOURCE.replace('r.body', body)}, {own} AS link"
    return (
        f"SELECT 1, i.*{''.join(f', {each}' for each in rest)} FROM (SELECT {columns} FROM ({links}) l {tables} "
        f"WHERE r.tenant = $1 AND {on} AND {seen}{most}) i"
    )


def _linked(writer: Writer, joins: Sequence[Include]) -> str:
    """The references that one of the joins follows."""
    by_targets: dict[tuple[str, ...], dict[int, None]] = {}
    for join in joins:
        by_targets.setdefault(join.targets, {}).update(dict.fromkeys(join.keys))
    parts = []
    for targets, keys in by_targets.items():
        part = f"s.param {in_keys(tuple(keys))}"
        parts.append(f"({part} AND s.target_type {in_names(targets)})" if targets else part)
    linked = parts[0] if len(parts) == 1 else f"({' OR '.join(parts)})"
    every = [key for join in joins for key in join.keys]
    return " AND ".join([linked, *writer.visible.shown("reference", "s", every, _sources(joins))])

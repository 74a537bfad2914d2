"""The timeline of a care plan: the versions of the plan and of what belongs to it, newest first.

To a plan belong its care team and goals, the Tasks and messages that name it, and its patient's dimension scores and
consents. Access is a condition on every version, and on the newest of each as well (RULES R2).
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from fhirhub.access import Access
from fhirhub.resources import guide
from fhirhub.store.database import Reader
from fhirhub.store.index.parameters import key_of, system_of
from fhirhub.store.sql import Binder, Dialect, Statement
from fhirhub.store.versions import COLUMNS, Stored
from fhirhub.store.visible import Visible, visible

TYPES = ("CarePlan", "CareTeam", "Goal", "Task", "Observation", "Communication", "Consent")
_GROUPS = (("CarePlan", "CareTeam", "Goal", "Task", "Observation", "Consent"), ("Communication",))
"""A message can be about several patients, which is a longer condition than the rest need."""
_FOREVER = 1 << 62

Place = tuple[int, int, int]
"""Where a version stands in the timeline: updated, rid, version."""


@dataclass(frozen=True, slots=True)
class TimelineRequest:
    """Which part of a plan's timeline is asked for. `rid` is the plan's row key, `patient` the id of whom it is about,
    empty where that is nobody of this server.

    `since` keeps versions made at that moment or later, `after` those later than a place, `before` those earlier
    than one; `types` are those of TYPES that are wanted.
    """

    rid: int
    plan: str
    patient: str
    since: int | None = None
    after: Place | None = None
    before: Place | None = None
    count: int = 50
    types: tuple[str, ...] = TYPES


class Moment(NamedTuple):
    """A version in a timeline."""

    stored: Stored
    until: int
    """When it was superseded, in microseconds since 1970 UTC."""
    write_id: str
    """The same for all that one transaction wrote."""

    @property
    def place(self) -> Place:
        return self.stored.updated, self.stored.rid, self.stored.version


async def timeline(reader: Reader, tenant: int, access: Access, request: TimelineRequest) -> list[Moment]:
    """At most `count + 1` versions, newest first: one more than asked tells that there is a next page."""
    rows = await reader.fetch(statement(reader, tenant, access, request))
    width = len(COLUMNS)
    return [
        Moment(Stored(*row[:width])._replace(revives=bool(row[width + 2])), row[width], row[width + 1])
        for row in rows
    ]


def statement(reader: Reader, tenant: int, access: Access, request: TimelineRequest) -> Statement:
    """The SELECT of a part of a timeline."""
    binder = Binder()
    binder.bind(tenant, "int")
    seen = visible(access, reader.dialect)
    parts = " UNION ".join(_parts(reader.dialect, binder, request))
    branches = [
        f"SELECT * FROM ({_versions(seen, binder, request, types, superseded)}) AS b{number}{int(superseded)}"
        for number, group in enumerate(_GROUPS)
        if (types := tuple(type for type in group if type in request.types))
        for superseded in (False, True)
    ]
    most = binder.bind(request.count + 1, "bigint")
    sql = (
        f"WITH part(rid) AS ({parts}) SELECT n.*, EXISTS (SELECT 1 FROM version d WHERE d.tenant = $1 "
        "AND d.rid = n.rid AND d.version = n.version - 1 AND d.deleted) FROM (SELECT * FROM "
        f"({' UNION ALL '.join(branches)}) AS h ORDER BY updated DESC, rid DESC, version DESC LIMIT {most}) AS n "
        "ORDER BY n.updated DESC, n.rid DESC, n.version DESC"
    )
    sql, slots = seen.bind(sql, len(binder.values) + 1)
    values, kinds = seen.given(slots)
    return Statement(sql, (*binder.values, *values), (*binder.kinds, *kinds))


def _parts(dialect: Dialect, binder: Binder, request: TimelineRequest) -> list[str]:
    """The SELECTs of the row keys of what belongs to the plan."""

    def by(index: str) -> str:
        """The references, looked up by that index where SQLite would otherwise guess."""
        return "reference s" + (f" INDEXED BY reference_{index}" if dialect.name == "sqlite" else "")

    rid = binder.bind(request.rid, "bigint")
    found = [f"SELECT r.rid FROM resource r WHERE r.tenant = $1 AND r.rid = {rid}"]
    named = [type for type in ("CareTeam", "Goal", "Task") if type in request.types]
    if named:
        found.append(
            f"SELECT t.rid FROM {by('b')} CROSS JOIN resource t WHERE s.tenant = $1 "
            f"AND s.rid = {rid} AND s.param IN ({_keys(*_FORWARD)}) AND s.target_type IN ({_texts(named)}) "
            "AND t.tenant = $1 AND t.type = s.target_type AND t.id = s.target_id"
        )
    back = [name for name in _BACKWARD if name.partition(":")[0] in request.types]
    if back:
        found.append(
            f"SELECT s.rid FROM {by('a')} WHERE s.tenant = $1 AND s.target_id = {binder.bind(request.plan)} "
            f"AND s.param IN ({_keys(*back)}) AND s.target_type = 'CarePlan'"
        )
    of_patient = ""
    if {"Observation", "Consent"} & set(request.types):
        of_patient = f"s.target_id = {binder.bind(request.patient)} AND s.target_type = 'Patient'"
    if "Observation" in request.types:
        system, codes = _dimensions()
        found.append(
            f"SELECT s.rid FROM {by('a')} CROSS JOIN token k WHERE s.tenant = $1 "
            f"AND {of_patient} AND s.param IN ({_keys('Observation:subject')}) "
            f"AND k.tenant = $1 AND k.rid = s.rid AND k.param = {key_of('Observation:code')} "
            f"AND k.code IN ({_texts(codes)}) AND k.system = {system}"
        )
    if "Consent" in request.types:
        found.append(
            f"SELECT s.rid FROM {by('a')} WHERE s.tenant = $1 AND {of_patient} "
            f"AND s.param = {key_of('Consent:patient')}"
        )
    return found


_FORWARD = ("CarePlan:care-team", "CarePlan:goal", "CarePlan:activity-reference", "CarePlan:*reference")
_BACKWARD = ("Task:based-on", "Communication:based-on", "Communication:*reference")


def _versions(
    seen: Visible, binder: Binder, request: TimelineRequest, types: tuple[str, ...], superseded: bool
) -> str:
    alias = "v" if superseded else "r"
    source = "part p CROSS JOIN resource r"
    where = ["r.tenant = $1", "r.rid = p.rid", f"r.type IN ({_texts(types)})"]
    until = str(_FOREVER)
    if superseded:
        source += " CROSS JOIN version v"
        where += ["v.tenant = $1", "v.rid = r.rid"]
        until = "v.until"
    if request.since is not None:
        where.append(f"{alias}.updated >= {binder.bind(request.since, 'bigint')}")
    for place, sign in ((request.after, ">"), (request.before, "<")):
        if place is not None:
            bound = ", ".join(binder.bind(part, "bigint") for part in place)
            where.append(f"({alias}.updated, {alias}.rid, {alias}.version) {sign} ({bound})")
    body = f"{alias}.body"
    if not seen.unlimited:
        where.append(seen.condition("r", types))
        body = seen.body(alias, types, "r" if superseded else None)
        if superseded:
            where.append(seen.condition("v", types))
    columns = ", ".join(f"{alias}.{name}" for name in COLUMNS[:-1])
    return (
        f"SELECT {columns}, {body} AS body, {until} AS until, {alias}.write_id FROM {source} "
        f"WHERE {' AND '.join(where)} ORDER BY {alias}.updated DESC, {alias}.rid DESC, {alias}.version DESC "
        f"LIMIT {binder.bind(request.count + 1, 'bigint')}"
    )


async def provenance(reader: Reader, tenant: int, access: Access, moments: Sequence[Moment]) -> list[Stored]:
    """The Provenances of these versions: that name them, or their resource while they were the newest."""
    if not moments:
        return []
    binder = Binder()
    binder.bind(tenant, "int")
    ids = binder.bind(sorted({one.stored.id for one in moments}), "text[]")
    names = binder.bind(
        [f"{one.stored.type}/{one.stored.id}/{one.stored.version}" for one in moments], "text[]"
    )
    first = binder.bind(min(one.stored.updated for one in moments), "bigint")
    seen = visible(access, reader.dialect)
    where = [
        "s.tenant = $1",
        reader.dialect.any_of("s.target_id", ids),
        f"s.param = {key_of('Provenance:target')}",
        "r.tenant = $1",
        "r.rid = s.rid",
        f"({reader.dialect.any_of(_VERSION, names)} OR s.target_version IS NULL AND r.updated >= {first})",
    ]
    if not seen.unlimited:
        where.append(seen.condition("r", ("Provenance",)))
    columns = ", ".join(f"r.{name}" for name in COLUMNS[:-1])
    body = seen.body("r", ("Provenance",))
    hint = " INDEXED BY reference_a" if reader.dialect.name == "sqlite" else ""
    sql, slots = seen.bind(
        f"SELECT DISTINCT s.target_type, s.target_id, s.target_version, {columns}, {body} AS body "
        f"FROM reference s{hint} CROSS JOIN resource r WHERE {' AND '.join(where)}",
        len(binder.values) + 1,
    )
    values, kinds = seen.given(slots)
    rows = await reader.fetch(Statement(sql, (*binder.values, *values), (*binder.kinds, *kinds)))
    by_name: dict[tuple[str, str], list[Moment]] = {}
    for one in moments:
        by_name.setdefault((one.stored.type, one.stored.id), []).append(one)
    found: dict[int, Stored] = {}
    for type, id, version, *rest in rows:
        stored = Stored(*rest)
        for one in by_name.get((type, id), ()):
            current = one.stored.updated <= stored.updated < one.until
            if str(one.stored.version) == version or (version is None and current):
                found[stored.rid] = stored
    return list(found.values())


_VERSION = "s.target_type || '/' || s.target_id || '/' || s.target_version"


@functools.cache
def _dimensions() -> tuple[int, tuple[str, ...]]:
    """The system of the dimensions' codes, as the index keeps it, and the codes."""
    url = guide.url("CodeSystem", "positive-health-dimension")
    found = guide.find("CodeSystem", url)
    assert found is not None
    return system_of(url), tuple(str(concept["code"]) for concept in found["concept"])


def _keys(*names: str) -> str:
    return ", ".join(str(key_of(name)) for name in names)


def _texts(values: Sequence[str]) -> str:
    return ", ".join(f"'{value}'" for value in values)

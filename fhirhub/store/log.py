"""Reading the log: its records as one caller may see them, found by columns (RULES R24).

A record is as a resource about its patient, so the condition of `store/visible.py` decides; to a privacy officer it
is as one about the organisation whose user acted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from fhirhub.access import Access
from fhirhub.store import chain
from fhirhub.store.chain import Recorded, recorded
from fhirhub.store.database import Reader
from fhirhub.store.sql import Binder, Kind, Statement
from fhirhub.store.visible import visible

Operator = Literal["=", "<>", "<", "<=", ">", ">=", "in", "like", "null"]


class Term(NamedTuple):
    """One condition on a column; `in` takes a list."""

    column: str
    operator: Operator
    value: Any
    kind: Kind = "text"


Clause = Sequence[Term]
"""Terms of which all hold."""


@dataclass(frozen=True, slots=True)
class LogRequest:
    """What is asked of the log: of each group of clauses one holds."""

    groups: Sequence[Sequence[Clause]] = ()
    count: int = 50
    ascending: bool = False
    after: tuple[int, int, int] | None = None
    """The moment, chain and number of the record after which a page begins."""


class Line(NamedTuple):
    """A record, and whether what it is of is hidden from the patient."""

    record: Recorded
    hidden: bool


@dataclass(slots=True)
class Page:
    """Lines in order; one more than asked tells that there is a next page."""

    lines: list[Line] = field(default_factory=list)
    total: int | None = None


async def page(
    reader: Reader, tenant: int, access: Access, asked: LogRequest, *, counted: bool = False
) -> Page:
    """The lines that this caller may see and the request asks for; with `counted` also how many there are."""
    binder = Binder()
    where = _where(reader, tenant, access, asked, binder)
    source = _source(access)
    found = Page()
    if counted:
        statement = _bound(reader, access, f"SELECT COUNT(*) FROM {source} WHERE {where}", binder)
        found.total = int((await reader.fetch(statement))[0][0])
    if asked.count == 0:
        return found
    if asked.after is not None:
        place = ", ".join(binder.bind(part, "bigint") for part in asked.after)
        where += f" AND (r.recorded, r.chain, r.number) {'>' if asked.ascending else '<'} ({place})"
    order = "ASC" if asked.ascending else "DESC"
    columns = ", ".join(map(_column, ("chain", "number", *chain.COLUMNS)))
    sql = (
        f"SELECT {columns}, {_HIDDEN} FROM {source} WHERE {where} "
        f"ORDER BY r.recorded {order}, r.chain {order}, r.number {order} "
        f"LIMIT {binder.bind(asked.count + 1, 'bigint')}"
    )
    for row in await reader.fetch(_bound(reader, access, sql, binder)):
        found.lines.append(Line(recorded(int(row[0]), row[1:-1]), bool(row[-1])))
    return found


async def sample(reader: Reader, tenant: int, access: Access, asked: LogRequest) -> list[Line]:
    """Lines of people that the caller may see and the request asks for, as many as it says, drawn at random."""
    binder = Binder()
    where = f"{_where(reader, tenant, access, asked, binder)} AND r.person IS NOT NULL"
    columns = ", ".join(map(_column, ("chain", "number", *chain.COLUMNS)))
    sql = (
        f"SELECT {columns}, {_HIDDEN} FROM {_source(access)} WHERE {where} ORDER BY random() "
        f"LIMIT {binder.bind(asked.count, 'bigint')}"
    )
    rows = await reader.fetch(_bound(reader, access, sql, binder))
    return [Line(recorded(int(row[0]), row[1:-1]), bool(row[-1])) for row in rows]


class Looks(NamedTuple):
    """How often somebody did something to one patient's data within one hour, and how it went."""

    person: str
    role: str
    patient: str | None
    hour: int
    """Hours since 1970 UTC."""
    done: int
    refused: int
    in_emergency: int
    """By breaking the glass."""


async def looks(reader: Reader, tenant: int, access: Access, asked: LogRequest) -> list[Looks]:
    """What people did, of what the caller may see and the request asks for, counted."""
    binder = Binder()
    where = f"{_where(reader, tenant, access, asked, binder)} AND r.person IS NOT NULL"
    key = f"r.person, r.role, {_column('patient')}, r.recorded / 3600000000"
    counts = ", ".join(
        f"SUM(CASE WHEN {told} THEN 1 ELSE 0 END)"
        for told in ("r.outcome = '0'", "r.rule = 'refused'", "r.rule = 'break-glass'")
    )
    sql = f"SELECT {key}, {counts} FROM {_source(access)} WHERE {where} GROUP BY {key} ORDER BY {key}"
    rows = await reader.fetch(_bound(reader, access, sql, binder))
    return [Looks(str(row[0]), str(row[1] or ""), row[2], *map(int, row[3:])) for row in rows]


_RENAMED = {"patient": "log_patient", "type": "log_type", "label": "log_label"}
"""Columns of the log whose names mean those of a resource in the condition of what may be seen."""


def _column(name: str) -> str:
    return f"r.{_RENAMED.get(name, name)}"


def _source(access: Access) -> str:
    """The log as resources: `patient` is whose a record is to this caller. No label hides a line as a whole."""
    officer = access.actor is not None and access.actor.column == "officer"
    columns = [f"a.{name} AS {_RENAMED.get(name, name)}" for name in ("chain", "number", *chain.COLUMNS)]
    whose = "a.organization" if officer else "a.patient"
    return (
        f"(SELECT a.tenant, {', '.join(columns)}, {whose} AS patient, 'AuditEvent' AS type, NULL AS label, "
        "0 AS rid, '' AS id FROM audit a) AS r"
    )


_HIDDEN = (
    "(COALESCE(r.log_label, '') LIKE '%S%' OR EXISTS (SELECT 1 FROM resource h WHERE h.tenant = r.tenant "
    "AND h.type = r.log_type AND h.id = r.target AND h.label LIKE '%S%'))"
)
"""That what a line is of is hidden from the patient, then or now (R20)."""


def _bound(reader: Reader, access: Access, sql: str, binder: Binder) -> Statement:
    seen = visible(access, reader.dialect)
    sql, slots = seen.bind(sql, len(binder.values) + 1)
    values, kinds = seen.given(slots)
    return Statement(sql, (*binder.values, *values), (*binder.kinds, *kinds))


def _where(reader: Reader, tenant: int, access: Access, asked: LogRequest, binder: Binder) -> str:
    seen = visible(access, reader.dialect)
    terms = [f"r.tenant = {binder.bind(tenant, 'int')}"]
    if not seen.unlimited:
        terms.append(seen.condition("r", ("AuditEvent",)))
    veiled = access.actor is not None and access.actor.column in VEILED
    for group in asked.groups:
        clauses = [_clause(reader, clause, binder, veiled=veiled) for clause in group]
        terms.append(f"({' OR '.join(clauses)})" if clauses else "1 = 0")
    return " AND ".join(terms)


VEILED = frozenset({"patient", "representative", "carer"})
"""Columns of the matrix to whom a line hides what it is of."""
_OF_CONTENT = frozenset({"type", "target", "version"})


def _clause(reader: Reader, clause: Clause, binder: Binder, *, veiled: bool) -> str:
    terms = [_term(reader, term, binder) for term in clause]
    if veiled and any(term.column in _OF_CONTENT for term in clause):
        terms.append(f"NOT {_HIDDEN}")
    return f"({' AND '.join(terms)})"


def _term(reader: Reader, term: Term, binder: Binder) -> str:
    column = _column(term.column)
    if term.operator == "null":
        return f"{column} IS NULL"
    if term.operator == "in":
        return reader.dialect.any_of(column, binder.bind(term.value, "text[]"))
    return f"{column} {term.operator.upper()} {binder.bind(term.value, term.kind)}"

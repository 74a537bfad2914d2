"""The right to be forgotten: every version and index row of a patient goes, and that it happened stays.

https://eur-lex.europa.eu/eli/reg/2016/679/oj (article 17)
"""

from __future__ import annotations

import fcntl
import os
import re
import sqlite3
from collections.abc import Sequence, Set
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from fhirhub.store import tables
from fhirhub.store.chain import Entry
from fhirhub.store.database import Database, Transaction
from fhirhub.store.sql import Binder, Statement

AT_ONCE = 500
_OF_RESOURCES = tuple(
    name for name in tables.OF_TENANT if "rid" in tables.RESOURCE.metadata.tables[name].columns
)
"""Every table that has rows of a resource."""
_NAMED = re.compile(r"[A-Z][A-Za-z]+/[A-Za-z0-9\-.]{1,64}")


@dataclass(frozen=True, slots=True)
class Erased:
    """How many resources went, and those that refer to the patient and are about others too (`Group/1`)."""

    resources: int
    left: tuple[str, ...]


async def erase_patient(
    database: Database,
    tenant: int,
    patient: str,
    ground: str,
    moment: int,
    entries: Sequence[Entry] = (),
) -> Erased:
    """Erase the Patient, every resource that is about that patient alone, and earlier versions that were. The log
    stays, with bare references and without queries; `entries` are added to it.

    All of it goes in one transaction with the record of it; `moment` is in microseconds since 1970 UTC.
    Nothing is recorded where there was nothing.
    """

    async def work(unit: Transaction) -> Erased:
        await unit.execute(_overwrite(unit))
        found = await unit.fetch(_about(tenant, patient))
        await unit.lock_rows(tenant, [(str(type), str(id)) for _, type, id in found])
        rids = sorted({int(row[0]) for row in found})
        for start in range(0, len(rids), AT_ONCE):
            await _erase(unit, tenant, rids[start : start + AT_ONCE])
        await _erase_versions(unit, tenant, patient)
        await _erase_relations(unit, tenant, patient)
        gone = {f"{type}/{id}" for _, type, id in found}
        await _erase_notifications(unit, tenant, gone)
        await _erase_jobs(unit, tenant, gone)
        await _erase_accounts(unit, tenant, gone)
        await _erase_grants(unit, tenant, patient)
        await _erase_queries(unit, tenant, patient)
        if rids and entries:
            await unit.log(tenant, entries)
        if rids:
            await unit.execute(_record(tenant, patient, ground, moment, len(rids)))
        left = await unit.fetch(_referring(tenant, patient))
        return Erased(len(rids), tuple(f"{type}/{id}" for type, id in left))

    return await database.transaction(work)


def _overwrite(unit: Transaction) -> Statement:
    """Have SQLite fill what it frees with zeros; PostgreSQL's vacuum sees to it there."""
    sqlite = unit.dialect.name == "sqlite"
    return Statement("PRAGMA secure_delete = ON" if sqlite else "SELECT 1")


def _about(tenant: int, patient: str) -> Statement:
    """Row keys of the Patient and of what is about that patient alone, deletions by their last content."""
    return Statement(
        "SELECT r.rid, r.type, r.id FROM resource r WHERE r.tenant = $1 AND (r.patient = $2 "
        "OR r.type = 'Patient' AND r.id = $2 OR r.type = 'Subscription' AND r.patient = 'Patient/' || $2 "
        "OR r.deleted AND EXISTS (SELECT 1 FROM version v WHERE v.tenant = $1 AND v.rid = r.rid "
        "AND v.version = r.version - 1 AND v.patient = $2)) ORDER BY r.type, r.id",
        (tenant, patient),
        ("int", "text"),
    )


async def _erase(unit: Transaction, tenant: int, rids: Sequence[int]) -> None:
    for table in _OF_RESOURCES:
        binder = Binder()
        where = f"tenant = {binder.bind(tenant, 'int')}"
        where += f" AND {unit.dialect.any_of('rid', binder.bind(list(rids), 'bigint[]'))}"
        await unit.execute(binder.statement(f"DELETE FROM {table} WHERE {where}"))


async def _erase_versions(unit: Transaction, tenant: int, patient: str) -> None:
    """Earlier versions about this patient of resources that are now about somebody else."""
    await unit.execute(
        Statement(
            "DELETE FROM version WHERE tenant = $1 AND patient = $2", (tenant, patient), ("int", "text")
        )
    )


async def _erase_notifications(unit: Transaction, tenant: int, gone: Set[str]) -> None:
    """What was to be told of what is gone goes out empty, so that its number is not missed; the Subscriptions of who
    is gone end."""
    for one in sorted(gone):
        type, _, id = one.partition("/")
        if type == "Subscription":
            for table, column in (("subscription_event", "subscription"), ("subscription", "id")):
                sql = f"DELETE FROM {table} WHERE tenant = $1 AND {column} = $2"
                await unit.execute(Statement(sql, (tenant, id), ("int", "text")))
            continue
        await unit.execute(
            Statement(
                "UPDATE subscription_event SET type = '', id = '', key = 'erased/' || moment || '/' || version || '/' "
                "|| COALESCE(number, 0) || substr(key, 1, 36) WHERE tenant = $1 AND type = $2 AND id = $3",
                (tenant, type, id),
                ("int", "text", "text"),
            )
        )


async def _erase_jobs(unit: Transaction, tenant: int, gone: Set[str]) -> None:
    """Work that was to be done for what is gone."""
    jobs = await unit.fetch(Statement("SELECT id, content FROM job WHERE tenant = $1", (tenant,), ("int",)))
    for id, content in jobs:
        if not gone.isdisjoint(_NAMED.findall(content)):
            await unit.execute(
                Statement("DELETE FROM job WHERE tenant = $1 AND id = $2", (tenant, id), ("int", "text"))
            )


async def _erase_accounts(unit: Transaction, tenant: int, gone: Set[str]) -> None:
    """The accounts of the patient and of relatives who are nobody else here."""
    people = sorted(one for one in gone if one.startswith(("Patient/", "RelatedPerson/")))
    binder = Binder()
    of_them = f"tenant = {binder.bind(tenant, 'int')} AND "
    of_them += unit.dialect.any_of("fhir_user", binder.bind(people, "text[]"))
    accounts = await unit.fetch(binder.statement(f"SELECT DISTINCT account FROM auth_role WHERE {of_them}"))
    await unit.execute(binder.statement(f"DELETE FROM auth_role WHERE {of_them}"))
    for (account,) in accounts:
        own = (tenant, account)
        left = "SELECT 1 FROM auth_role WHERE tenant = $1 AND account = $2"
        if not await unit.fetch(Statement(left, own, ("int", "text"))):
            for table, column in (
                ("auth_session", "account"),
                ("auth_grant", "account"),
                ("auth_account", "id"),
            ):
                sql = f"DELETE FROM {table} WHERE tenant = $1 AND {column} = $2"
                await unit.execute(Statement(sql, own, ("int", "text")))


async def _erase_grants(unit: Transaction, tenant: int, patient: str) -> None:
    """What was granted, or was to be started, on this patient, and who was invited."""
    sql = "DELETE FROM auth_invitation WHERE tenant = $1 AND patient = $2"
    await unit.execute(Statement(sql, (tenant, patient), ("int", "text")))
    named = f'%"patient": "{patient}"%'
    for table in ("auth_grant", "auth_launch"):
        sql = f"DELETE FROM {table} WHERE tenant = $1 AND content LIKE $2"
        await unit.execute(Statement(sql, (tenant, named), ("int", "text")))


async def _erase_queries(unit: Transaction, tenant: int, patient: str) -> None:
    """What was asked when this patient was seen: it may name them. The record keeps the query's MAC (`chain.py`)."""
    sql = "UPDATE audit SET query = NULL WHERE tenant = $1 AND patient = $2 AND query IS NOT NULL"
    await unit.execute(Statement(sql, (tenant, patient), ("int", "text")))


def sweep(path: Path) -> bool:
    """Leave nothing of what was erased in an SQLite file or beside it: what was written there before, and
    written over since, goes too. Takes as long as the file is large, and writers wait.

    False where somebody still reads what was, so that the write-ahead log could not be emptied; the last to
    close the database does that.
    """
    turn = os.open(f"{path}-turn", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(turn, fcntl.LOCK_EX)
        with closing(sqlite3.connect(path, isolation_level=None, timeout=60)) as connection:
            connection.execute("PRAGMA secure_delete = ON").fetchone()
            connection.execute("VACUUM")
            connection.execute("PRAGMA busy_timeout = 2000").fetchone()
            return not connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
    finally:
        os.close(turn)


async def _erase_relations(unit: Transaction, tenant: int, patient: str) -> None:
    """What was opened for a time, and follows from no resource."""
    await unit.execute(
        Statement(
            "DELETE FROM relation WHERE tenant = $1 AND subject = $2", (tenant, patient), ("int", "text")
        )
    )


def _record(tenant: int, patient: str, ground: str, moment: int, resources: int) -> Statement:
    return Statement(
        "INSERT INTO erasure (tenant, id, subject, ground, erased, resources) VALUES ($1, $2, $3, $4, $5, $6)",
        (tenant, os.urandom(12).hex(), f"Patient/{patient}", ground, moment, resources),
        ("int", "text", "text", "text", "bigint", "bigint"),
    )


def _referring(tenant: int, patient: str) -> Statement:
    return Statement(
        "SELECT DISTINCT r.type, r.id FROM reference f JOIN resource r ON r.tenant = $1 AND r.rid = f.rid "
        "WHERE f.tenant = $1 AND f.target_type = 'Patient' AND f.target_id = $2 ORDER BY r.type, r.id",
        (tenant, patient),
        ("int", "text"),
    )

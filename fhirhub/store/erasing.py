"""The right to be forgotten: every version and index row of a patient goes, and that it happened stays.

https://eur-lex.europa.eu/eli/reg/2016/679/oj (article 17)
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

from fhirhub.store.database import Database, Transaction
from fhirhub.store.index import TABLES
from fhirhub.store.sql import Binder, Statement

AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Erased:
    """How many resources went, and those that refer to the patient and are about others too (`Group/1`)."""

    resources: int
    left: tuple[str, ...]


async def erase_patient(database: Database, tenant: int, patient: str, ground: str, moment: int) -> Erased:
    """Erase the Patient, every resource that is about that patient alone, and earlier versions that were.

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
        "OR r.type = 'Patient' AND r.id = $2 "
        "OR r.deleted AND EXISTS (SELECT 1 FROM version v WHERE v.tenant = $1 AND v.rid = r.rid "
        "AND v.version = r.version - 1 AND v.patient = $2)) ORDER BY r.type, r.id",
        (tenant, patient),
        ("int", "text"),
    )


async def _erase(unit: Transaction, tenant: int, rids: Sequence[int]) -> None:
    for table in (*TABLES, "version", "resource"):
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

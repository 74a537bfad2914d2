"""The right to be forgotten: every version and index row goes of a patient, an organisation or one resource, and that
it happened stays (RULES R35).

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
from typing import Literal, NamedTuple

from fhirhub.resources import document
from fhirhub.resources.relations import Kind
from fhirhub.store import logfile, tables
from fhirhub.store.chain import Entry
from fhirhub.store.database import Database, Reader, Transaction
from fhirhub.store.sql import Binder, Row, Statement

AT_ONCE = 500
_OF_RESOURCES = tuple(
    name for name in tables.OF_TENANT if "rid" in tables.RESOURCE.metadata.tables[name].columns
)
"""Every table that has rows of a resource."""
_NAMED = re.compile(r"[A-Z][A-Za-z]+/[A-Za-z0-9\-.]{1,64}")


Subject = Literal["patient", "organization", "resource"]


class Erasure(NamedTuple):
    """What is to be erased, why, and by whose decision. `subject` is `Type/id`, `moment` in microseconds since 1970."""

    id: str
    kind: Subject
    subject: str
    ground: str
    decider: str
    moment: int


def decided(kind: Subject, subject: str, ground: str, decider: str, moment: int) -> Erasure:
    """An erasure of this moment."""
    return Erasure(os.urandom(12).hex(), kind, subject, ground, decider, moment)


@dataclass(frozen=True, slots=True)
class Erased:
    """How many resources went, and those that still refer to what went (`Group/1`)."""

    resources: int
    left: tuple[str, ...]


async def erase_patient(
    database: Database, tenant: int, patient: str, ground: str, moment: int, entries: Sequence[Entry] = ()
) -> Erased:
    """`erase` of a Patient with all that is about them."""
    asked = decided("patient", f"Patient/{patient}", ground, "", moment)
    return await erase(database, tenant, asked, entries)


async def erase(
    database: Database, tenant: int, asked: Erasure, entries: Sequence[Entry] = (), *, again: bool = False
) -> Erased:
    """Erase every version and index row of one resource; of a Patient with what is about that patient alone, and
    earlier versions that were; of an Organization with its own entries in the directory, its accounts and clients.
    The log stays, with bare references and without queries; `entries` are added to it.

    All of it goes in one transaction with the record of it. Nothing is recorded where there was nothing, but `again`,
    after a restore: then it is that it was done.
    """
    type, _, id = asked.subject.partition("/")

    async def work(unit: Transaction) -> Erased:
        await unit.execute(_overwrite(unit))
        await unit.spread(tenant)
        found = await _concerned(unit, tenant, asked.kind, type, id)
        await unit.lock_rows(tenant, [(str(type), str(id)) for _, type, id in found])
        rids = sorted({int(row[0]) for row in found})
        for start in range(0, len(rids), AT_ONCE):
            await _erase(unit, tenant, rids[start : start + AT_ONCE])
        gone = {f"{type}/{id}" for _, type, id in found}
        if asked.kind == "patient":
            await _erase_versions(unit, tenant, id)
            await _erase_relations(unit, tenant, id)
            await _erase_grants(unit, tenant, id)
            await _erase_queries(unit, tenant, id)
        elif asked.kind == "organization":
            await _erase_access_of(unit, tenant, asked.subject)
        await _erase_notifications(unit, tenant, gone)
        await _erase_jobs(unit, tenant, gone)
        await _erase_accounts(unit, tenant, gone)
        await _erase_queries_for(unit, tenant, gone)
        if rids and entries:
            await unit.log(tenant, entries)
        if rids or again:
            await unit.execute(_record(tenant, asked, len(rids)))
        left = await unit.fetch(_referring(tenant, type, id))
        return Erased(len(rids), tuple(f"{type}/{id}" for type, id in left))

    erased = await database.transaction(work)
    # What was spread in there goes out of where it waited.
    await database.spread(tenant)
    return erased


async def concerns_any(database: Reader, tenant: int, asked: Erasure) -> bool:
    """Whether there is anything to erase."""
    type, _, id = asked.subject.partition("/")
    return bool(await _concerned(database, tenant, asked.kind, type, id))


async def recorded(database: Reader, tenant: int) -> list[Erasure]:
    """The erasures that this database knows of."""
    rows = await database.fetch(
        Statement(
            "SELECT id, kind, subject, ground, decider, erased FROM erasure WHERE tenant = $1 ORDER BY erased, id",
            (tenant,),
            ("int",),
        )
    )
    return [
        Erasure(str(id), kind, str(subject), str(ground), str(decider), int(moment))
        for id, kind, subject, ground, decider, moment in rows
    ]


async def _concerned(unit: Reader, tenant: int, kind: Subject, type: str, id: str) -> Sequence[Row]:
    """Row key, type and id of everything that goes."""
    if kind == "patient":
        return await unit.fetch(_about(tenant, id))
    one = Statement(
        "SELECT r.rid, r.type, r.id FROM resource r WHERE r.tenant = $1 AND r.type = $2 AND r.id = $3",
        (tenant, type, id),
        ("int", "text", "text"),
    )
    if kind == "resource":
        return await unit.fetch(one)
    return [*await unit.fetch(one), *await _of_organization(unit, tenant, f"{type}/{id}")]


OF_ORGANIZATION = {
    "Endpoint": "managingOrganization",
    "HealthcareService": "providedBy",
    "Location": "managingOrganization",
    "PractitionerRole": "organization",
}
"""What is an organisation's in the directory, and the element that says whose it is."""


async def _of_organization(unit: Reader, tenant: int, organization: str) -> list[Row]:
    """What is the organisation's own: its entries in the directory, its affiliations, what is about it, and those of
    its people who work nowhere else; deletions by their last content."""
    types = [*OF_ORGANIZATION, "OrganizationAffiliation"]
    binder = Binder()
    where = f"r.tenant = {binder.bind(tenant, 'int')} AND "
    where += unit.dialect.any_of("r.type", binder.bind(types, "text[]"))
    rows = await unit.fetch(
        binder.statement(
            "SELECT r.rid, r.type, r.id, COALESCE(r.body, (SELECT v.body FROM version v WHERE v.tenant = $1 "
            f"AND v.rid = r.rid AND v.version = r.version - 1)) FROM resource r WHERE {where} ORDER BY r.type, r.id"
        )
    )
    own: list[Row] = []
    at: dict[str, set[bool]] = {}
    for rid, type, id, body in rows:
        content = document.decode(bytes(body)) if body is not None else {}
        names = (
            [OF_ORGANIZATION[type]]
            if type in OF_ORGANIZATION
            else ["organization", "participatingOrganization"]
        )
        is_own = organization in {content.get(name, {}).get("reference") for name in names}
        if is_own:
            own.append((rid, type, id))
        if type == "PractitionerRole":
            at.setdefault(content.get("practitioner", {}).get("reference", ""), set()).add(is_own)
    people = sorted(one.partition("/")[2] for one, here in at.items() if here == {True})
    binder = Binder()
    where = f"r.tenant = {binder.bind(tenant, 'int')} AND "
    of_people = unit.dialect.any_of("r.id", binder.bind(people, "text[]"))
    also = await unit.fetch(
        binder.statement(
            f"SELECT r.rid, r.type, r.id FROM resource r WHERE {where} (r.type = 'Practitioner' AND {of_people} "
            f"OR r.patient = {binder.bind(organization)}) ORDER BY r.type, r.id"
        )
    )
    return [*own, *also]


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
    """The accounts of the patient, relatives and professionals who are nobody else here."""
    people = sorted(one for one in gone if one.startswith(("Patient/", "Practitioner/", "RelatedPerson/")))
    binder = Binder()
    of_them = f"tenant = {binder.bind(tenant, 'int')} AND "
    of_them += unit.dialect.any_of("fhir_user", binder.bind(people, "text[]"))
    await _erase_roles(unit, tenant, binder, of_them)


async def _erase_roles(unit: Transaction, tenant: int, binder: Binder, where: str) -> None:
    """These roles of accounts, and the accounts that have none left."""
    accounts = await unit.fetch(binder.statement(f"SELECT DISTINCT account FROM auth_role WHERE {where}"))
    await unit.execute(binder.statement(f"DELETE FROM auth_role WHERE {where}"))
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


async def _erase_access_of(unit: Transaction, tenant: int, organization: str) -> None:
    """The roles of accounts at an organisation, its backends, and what was granted in its name."""
    binder = Binder()
    where = f"tenant = {binder.bind(tenant, 'int')} AND organization = {binder.bind(organization)}"
    await _erase_roles(unit, tenant, binder, where)
    sql = "DELETE FROM relation WHERE tenant = $1 AND actor = $2 AND kind IN "
    sql += f"({int(Kind.GLASS)}, {int(Kind.COVER)}, {int(Kind.KNOWS)})"
    await unit.execute(Statement(sql, (tenant, organization), ("int", "text")))
    named = f'"organization": "{organization}"'
    for table, column in (("auth_client", "metadata"), ("auth_grant", "content")):
        # SQLite's LIKE takes no notice of case, in which ids may differ.
        sql = f"DELETE FROM {table} WHERE tenant = $1 AND replace({column}, $2, '') <> {column}"
        await unit.execute(Statement(sql, (tenant, named), ("int", "text")))


async def _erase_grants(unit: Transaction, tenant: int, patient: str) -> None:
    """What was granted, or was to be started, on this patient, and who was invited."""
    sql = "DELETE FROM auth_invitation WHERE tenant = $1 AND patient = $2"
    await unit.execute(Statement(sql, (tenant, patient), ("int", "text")))
    named = f'"patient": "{patient}"'
    for table in ("auth_grant", "auth_launch"):
        sql = f"DELETE FROM {table} WHERE tenant = $1 AND replace(content, $2, '') <> content"
        await unit.execute(Statement(sql, (tenant, named), ("int", "text")))


async def _erase_queries(unit: Transaction, tenant: int, patient: str) -> None:
    """What was asked when this patient was seen: it may name them. The record keeps the query's MAC (`chain.py`)."""
    sql = "UPDATE audit SET query = NULL WHERE tenant = $1 AND patient = $2 AND query IS NOT NULL"
    await unit.execute(Statement(sql, (tenant, patient), ("int", "text")))


async def _erase_queries_for(unit: Transaction, tenant: int, gone: Set[str]) -> None:
    """What was asked when one of these resources was asked for."""
    for one in sorted(gone):
        type, _, id = one.partition("/")
        sql = "UPDATE audit SET query = NULL WHERE tenant = $1 AND type = $2 AND target = $3 AND query IS NOT NULL"
        await unit.execute(Statement(sql, (tenant, type, id), ("int", "text", "text")))


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
            logfile.remove_left(str(path), logfile.heads_of(connection))
            connection.execute("VACUUM")
            connection.execute("PRAGMA busy_timeout = 2000").fetchone()
            is_read = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
    finally:
        os.close(turn)
    return not is_read and not any(logfile.read(one).packs for one in logfile.paths(str(path)))


async def _erase_relations(unit: Transaction, tenant: int, patient: str) -> None:
    """What was opened for a time, and follows from no resource."""
    await unit.execute(
        Statement(
            "DELETE FROM relation WHERE tenant = $1 AND subject = $2", (tenant, patient), ("int", "text")
        )
    )


def _record(tenant: int, asked: Erasure, resources: int) -> Statement:
    return Statement(
        "INSERT INTO erasure (tenant, id, kind, subject, ground, decider, erased, resources) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        (tenant, asked.id, asked.kind, asked.subject, asked.ground, asked.decider, asked.moment, resources),
        ("int", "text", "text", "text", "text", "text", "bigint", "bigint"),
    )


def _referring(tenant: int, type: str, id: str) -> Statement:
    return Statement(
        "SELECT DISTINCT r.type, r.id FROM reference f JOIN resource r ON r.tenant = $1 AND r.rid = f.rid "
        "WHERE f.tenant = $1 AND f.target_type = $2 AND f.target_id = $3 ORDER BY r.type, r.id",
        (tenant, type, id),
        ("int", "text", "text"),
    )

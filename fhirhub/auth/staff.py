"""Who can sign in here, and in which role: asked where a rule has to reach a person."""

from __future__ import annotations

import json
import time

from fhirhub.repository import Repository
from fhirhub.store.sql import Kind, Statement

REVOKED_SECONDS = 24 * 3600
"""How long a revoked grant is remembered: no access token lives longer."""


async def has_account(unit: Repository, person: str) -> bool:
    """Whether this person, such as `Patient/x`, can sign in."""
    rows = await unit.fetch(
        Statement(
            "SELECT 1 FROM auth_role a JOIN auth_account c ON c.tenant = $1 AND c.id = a.account "
            "WHERE a.tenant = $1 AND a.fhir_user = $2 AND NOT c.disabled LIMIT 1",
            (unit.tenant.number, person),
            ("int", "text"),
        )
    )
    return bool(rows)


async def in_role(unit: Repository, role: str, organization: str | None = None) -> list[str]:
    """The people who can sign in in this role, at this organisation or anywhere, in order of their names."""
    rows = await unit.fetch(
        Statement(
            "SELECT DISTINCT a.fhir_user FROM auth_role a JOIN auth_account c ON c.tenant = $1 "
            "AND c.id = a.account WHERE a.tenant = $1 AND a.role = $2 AND ($3 = '' OR a.organization = $3) "
            "AND NOT c.disabled ORDER BY a.fhir_user",
            (unit.tenant.number, role, organization or ""),
            ("int", "text", "text"),
        )
    )
    return [str(row[0]) for row in rows]


async def patients_among(unit: Repository, organization: str) -> dict[str, str]:
    """The Patients who sign in with the account by which they work at this organisation, each with who they are
    there."""
    rows = await unit.fetch(
        Statement(
            "SELECT p.fhir_user, w.fhir_user FROM auth_role p JOIN auth_role w ON w.tenant = $1 "
            "AND w.account = p.account AND w.organization = $2 WHERE p.tenant = $1 AND p.role = 'patient'",
            (unit.tenant.number, organization),
            ("int", "text"),
        )
    )
    return {str(patient): str(person) for patient, person in rows}


async def also(unit: Repository, person: str, role: str) -> None:
    """Lets who signs in as this person act in this role too; they choose at sign-in (RULES R22)."""
    tenant = unit.tenant.number
    rows = await unit.fetch(
        Statement(
            "SELECT account, id, fhir_user, role FROM auth_role WHERE tenant = $1 AND account IN "
            "(SELECT o.account FROM auth_role o WHERE o.tenant = $1 AND o.fhir_user = $2)",
            (tenant, person),
            ("int", "text"),
        )
    )
    taken: dict[str, list[int]] = {}
    for account, id, _, _ in rows:
        taken.setdefault(str(account), []).append(int(id))
    for account, ids in taken.items():
        if not any((str(of), user, has) == (account, person, role) for of, _, user, has in rows):
            await _change(
                unit, "INSERT INTO auth_role (tenant, account, id, fhir_user, organization, role, responsible) "
                "VALUES ($1, $2, $3, $4, NULL, $5, NULL)", account, f"{max(ids) + 1:03}", person, role,
            )  # fmt: skip


async def close(unit: Repository, person: str) -> None:
    """Nobody signs in as this person any more, and what apps may do for them ends. An account that is somebody else
    too stays, without this person."""
    tenant = unit.tenant.number
    rows = await unit.fetch(
        Statement(
            "SELECT a.account, (SELECT COUNT(*) FROM auth_role o WHERE o.tenant = $1 AND o.account = a.account "
            "AND o.fhir_user <> $2) FROM auth_role a WHERE a.tenant = $1 AND a.fhir_user = $2",
            (tenant, person),
            ("int", "text"),
        )
    )
    for account, others in dict(rows).items():
        await _end_grants(unit, str(account), person)
        await _change(unit, "DELETE FROM auth_session WHERE tenant = $1 AND account = $2", account)
        if others:
            sql = "DELETE FROM auth_role WHERE tenant = $1 AND account = $2 AND fhir_user = $3"
            await _change(unit, sql, account, person)
        else:
            await _change(
                unit, "UPDATE auth_account SET disabled = NOT disabled WHERE tenant = $1 AND id = $2 AND NOT disabled",
                account,
            )  # fmt: skip


async def _end_grants(unit: Repository, account: str, person: str) -> None:
    """Refresh tokens end at once, access tokens as soon as the workers hear of it, within a second."""
    now = time.time_ns() // 1_000_000_000
    grants = await unit.fetch(
        Statement(
            "SELECT id, content FROM auth_grant WHERE tenant = $1 AND account = $2 AND revoked IS NULL",
            (unit.tenant.number, account),
            ("int", "text"),
        )
    )
    for id, content in grants:
        if json.loads(content).get("fhir_user") != person:
            continue
        statement = "UPDATE auth_grant SET revoked = $3 WHERE tenant = $1 AND id = $2"
        values = (unit.tenant.number, str(id), now)
        await unit.transaction.execute(Statement(statement, values, ("int", "text", "bigint")))
        statement = (
            "INSERT INTO auth_revoked (tenant, what, expires) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING"
        )
        values = (unit.tenant.number, f"grant {id}", now + REVOKED_SECONDS)
        await unit.transaction.execute(Statement(statement, values, ("int", "text", "bigint")))


async def _change(unit: Repository, sql: str, *values: str) -> None:
    kinds: list[Kind] = ["int"]
    kinds += ["text" for _ in values]
    given = (unit.tenant.number, *map(str, values))
    await unit.transaction.execute(Statement(sql, given, tuple(kinds)))

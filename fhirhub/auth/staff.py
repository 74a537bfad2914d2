"""Who can sign in here, and in which role: asked where a rule has to reach a person."""

from __future__ import annotations

from fhirhub.repository import Repository
from fhirhub.store.sql import Statement


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

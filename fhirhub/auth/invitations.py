"""Invitations: the one-time code by which a relative of a patient gets an account (RULES R18). Codes are stored
hashed; they have 80 bits, so a plain hash cannot be searched through."""

from __future__ import annotations

import secrets

from fhirhub.auth.unguessable import hashed
from fhirhub.repository import Repository
from fhirhub.store.sql import Statement

LIFETIME_SECONDS = 14 * 24 * 3600
ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
"""Letters and digits that nobody takes for one another."""
GROUPS, GROUP = 4, 4


async def make(unit: Repository, patient: str, person: str, now: int) -> tuple[str, int]:
    """A new code for this person and the second until which it counts; an older one of theirs counts no more."""
    await withdraw(unit, person)
    letters = [secrets.choice(ALPHABET) for _ in range(GROUPS * GROUP)]
    code = "-".join("".join(letters[at : at + GROUP]) for at in range(0, len(letters), GROUP))
    expires = now + LIFETIME_SECONDS
    await unit.transaction.execute(
        Statement(
            "INSERT INTO auth_invitation (tenant, id, person, patient, created, expires) "
            "VALUES ($1, $2, $3, $4, $5, $6)",
            (unit.tenant.number, stored(code), person, patient, now, expires),
            ("int", "text", "text", "text", "bigint", "bigint"),
        )
    )
    return code, expires


async def withdraw(unit: Repository, person: str) -> int:
    """The codes of this person that wait count no more; how many there were."""
    return await unit.transaction.execute(
        Statement(
            "DELETE FROM auth_invitation WHERE tenant = $1 AND person = $2 AND used IS NULL",
            (unit.tenant.number, person),
            ("int", "text"),
        )
    )


async def waiting(unit: Repository, patient: str, now: int) -> dict[str, int]:
    """The people invited by or for this patient who have not come yet, each with when the code ends."""
    rows = await unit.fetch(
        Statement(
            "SELECT person, expires FROM auth_invitation WHERE tenant = $1 AND patient = $2 AND used IS NULL "
            "AND expires > $3 ORDER BY person",
            (unit.tenant.number, patient, now),
            ("int", "text", "bigint"),
        )
    )
    return {str(person): int(expires) for person, expires in rows}


def stored(code: str) -> str:
    """How a code is stored, however it was typed."""
    return hashed("".join(letter for letter in code.upper() if letter in ALPHABET))

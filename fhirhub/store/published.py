"""What figures of measures were told, so that those told later are held against them (RULES R36).

A figure is known by its name, which measures share that count the same; of each moment the sums that follow from what
was told are kept as JSON. Nothing of patients stands in it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from fhirhub.store.database import Reader, Transaction
from fhirhub.store.sql import Statement

NEAR_US = 366 * 86_400 * 1_000_000
"""So far from one another in time figures are held against each other."""


async def near(reader: Reader, tenant: int, figure: str, at: int) -> list[tuple[bool, str]]:
    """What was told of a figure around that moment, and whether at that very moment."""
    rows = await reader.fetch(
        Statement(
            "SELECT p.at, p.content FROM published p WHERE p.tenant = $1 AND p.figure = $2 AND p.at >= $3 "
            "AND p.at <= $4 ORDER BY p.at, p.digest",
            (tenant, figure, at - NEAR_US, at + NEAR_US),
            ("int", "text", "bigint", "bigint"),
        )
    )
    return [(int(row[0]) == at, str(row[1])) for row in rows]


async def keep(transaction: Transaction, tenant: int, at: int, told: Iterable[tuple[str, str]]) -> None:
    """Keeps what is told at that moment, each figure with its content, once."""
    for figure, content in told:
        digest = hashlib.sha256(content.encode()).hexdigest()
        await transaction.execute(
            Statement(
                "INSERT INTO published (tenant, figure, at, digest, content) VALUES ($1, $2, $3, $4, $5) "
                "ON CONFLICT (tenant, figure, at, digest) DO NOTHING",
                (tenant, figure, at, digest, content),
                ("int", "text", "bigint", "text", "text"),
            )
        )

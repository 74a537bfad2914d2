"""What is known of each peer, and what is kept of what it showed: the statements of these tables."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, Protocol

from fhirhub.store.database import Database, Reader, Transaction
from fhirhub.store.sql import Kind, Row, Statement

TOGETHER = 50


class Writer(Reader, Protocol):
    """A database, or a transaction under way."""

    async def execute(self, statement: Statement) -> int: ...


class Peer(NamedTuple):
    """Another hub, as `organization` of this one is known there under `client`. `place` is that organisation there;
    `mark` says how far the view is, `seen` when it was last found to be right, `filled` when it was read whole,
    `looked` when that was last tried (microseconds since 1970 UTC). `failed` is since when the peer could not be
    asked, and `fault` why."""

    name: str
    base: str
    client: str
    organization: str
    place: str | None
    mark: str
    seen: int
    filled: int
    looked: int
    failed: int | None
    fault: str | None


class Kept(NamedTuple):
    """A resource as the peer showed it."""

    type: str
    id: str
    body: bytes


_KINDS: tuple[Kind, ...] = (
    "text", "text", "text", "text", "text", "text", "bigint", "bigint", "bigint", "bigint", "text",
)  # fmt: skip
_PEER = ", ".join(f"p.{name}" for name in Peer._fields)


def new(name: str, base: str, client: str, organization: str) -> Peer:
    return Peer(name, base, client, organization, None, "", 0, 0, 0, None, None)


async def add(database: Database, tenant: int, peer: Peer) -> bool:
    """Whether there was none of that name."""
    places = ", ".join(f"${number}" for number in range(1, len(peer) + 2))
    return bool(
        await database.execute(
            Statement(
                f"INSERT INTO peer (tenant, {', '.join(Peer._fields)}) VALUES ({places}) ON CONFLICT DO NOTHING",
                (tenant, *peer),
                ("int", *_KINDS),
            )
        )
    )


async def remove(database: Database, tenant: int, name: str) -> bool:
    """The peer is gone, and with it what was kept of it; whether there was one."""

    async def work(unit: Transaction) -> int:
        await _drop(unit, tenant, name)
        sql = "DELETE FROM peer WHERE tenant = $1 AND name = $2"
        return await unit.execute(Statement(sql, (tenant, name), ("int", "text")))

    return bool(await database.transaction(work))


async def every(reader: Reader, tenant: int) -> list[Peer]:
    rows = await reader.fetch(
        Statement(f"SELECT {_PEER} FROM peer p WHERE p.tenant = $1 ORDER BY p.name", (tenant,), ("int",))
    )
    return [Peer(*row) for row in rows]


async def find(reader: Reader, tenant: int, name: str) -> Peer | None:
    rows = await reader.fetch(
        Statement(
            f"SELECT {_PEER} FROM peer p WHERE p.tenant = $1 AND p.name = $2", (tenant, name), ("int", "text")
        )
    )
    return Peer(*rows[0]) if rows else None


async def base_of(reader: Reader, tenant: int, organization: str, type: str, id: str) -> str | None:
    """The base of the peer of this organisation that showed that resource."""
    rows = await reader.fetch(
        Statement(
            "SELECT p.base FROM peer p JOIN peer_view v ON v.tenant = $1 AND v.peer = p.name AND v.type = $3 "
            "AND v.id = $4 WHERE p.tenant = $1 AND p.organization = $2 ORDER BY p.name LIMIT 1",
            (tenant, organization, type, id),
            ("int", "text", "text", "text"),
        )
    )
    return str(rows[0][0]) if rows else None


async def take(database: Database, tenant: int, name: str, now: int, before: int) -> bool:
    """Whether it is this process that looks now: nobody has since that moment."""
    return bool(
        await database.execute(
            Statement(
                "UPDATE peer SET looked = $3 WHERE tenant = $1 AND name = $2 AND looked < $4",
                (tenant, name, now, before),
                ("int", "text", "bigint", "bigint"),
            )
        )
    )


async def is_right(database: Database, tenant: int, name: str, now: int) -> None:
    """The view is as the peer shows it now."""
    await database.execute(
        Statement(
            "UPDATE peer SET seen = $3, failed = NULL, fault = NULL WHERE tenant = $1 AND name = $2 AND seen < $3",
            (tenant, name, now),
            ("int", "text", "bigint"),
        )
    )


async def has_failed(database: Database, tenant: int, name: str, now: int, fault: str) -> None:
    """The peer cannot be asked; since the first time that this was so after it could."""
    await database.execute(
        Statement(
            "UPDATE peer SET failed = COALESCE(failed, $3), fault = $4 WHERE tenant = $1 AND name = $2",
            (tenant, name, now, fault[:500]),
            ("int", "text", "bigint", "text"),
        )
    )


async def empty(database: Database, tenant: int, name: str) -> None:
    """Nothing is kept of the peer any more; when it was last found to be right stays."""

    async def work(unit: Transaction) -> None:
        await _drop(unit, tenant, name)
        sql = "UPDATE peer SET place = NULL, mark = '', filled = 0 WHERE tenant = $1 AND name = $2"
        await unit.execute(Statement(sql, (tenant, name), ("int", "text")))

    await database.transaction(work)


async def fill(
    database: Database,
    tenant: int,
    peer: Peer,
    place: str | None,
    mark: str,
    moment: int,
    kept: Iterable[Kept],
) -> None:
    """Keeps what the peer showed at that moment in the place of all that was kept, unless that is newer."""
    resources = list(kept)

    async def work(unit: Transaction) -> None:
        held = await unit.execute(
            Statement(
                "UPDATE peer SET place = $3, mark = $4, filled = $5, seen = $5, failed = NULL, fault = NULL "
                "WHERE tenant = $1 AND name = $2 AND filled < $5",
                (tenant, peer.name, place, mark, moment),
                ("int", "text", "text", "text", "bigint"),
            )
        )
        if not held:
            return
        await _drop(unit, tenant, peer.name)
        for start in range(0, len(resources), TOGETHER):
            await unit.execute(_inserting(tenant, peer.name, resources[start : start + TOGETHER]))

    await database.transaction(work)


def _inserting(tenant: int, name: str, resources: list[Kept]) -> Statement:
    values: list[object] = [tenant, name]
    kinds: list[Kind] = ["int", "text"]
    rows = []
    for one in resources:
        first = len(values) + 1
        rows.append(f"($1, $2, ${first}, ${first + 1}, ${first + 2})")
        values += one
        kinds += ["text", "text", "bytea"]
    sql = f"INSERT INTO peer_view (tenant, peer, type, id, body) VALUES {', '.join(rows)}"
    return Statement(sql, tuple(values), tuple(kinds))


async def _drop(unit: Transaction, tenant: int, name: str) -> None:
    sql = "DELETE FROM peer_view WHERE tenant = $1 AND peer = $2"
    await unit.execute(Statement(sql, (tenant, name), ("int", "text")))


async def view(reader: Reader, tenant: int, name: str) -> list[Kept]:
    """All that is kept, by type and id."""
    rows: list[Row] = await reader.fetch(
        Statement(
            "SELECT v.type, v.id, v.body FROM peer_view v WHERE v.tenant = $1 AND v.peer = $2 ORDER BY v.type, v.id",
            (tenant, name),
            ("int", "text"),
        )
    )
    return [Kept(row[0], row[1], bytes(row[2])) for row in rows]

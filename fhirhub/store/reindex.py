"""Index rows made anew from what is stored: after a new search parameter, or a change of how values are kept."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable

from fhirhub.access import EVERYTHING
from fhirhub.resources import document, relations
from fhirhub.store import versions
from fhirhub.store.database import Change, Database, Transaction
from fhirhub.store.index import extract
from fhirhub.store.index.parameters import Parameters
from fhirhub.store.sql import Statement

BATCH = 200
KIND = "reindex"
"""The kind of the jobs that do it; one that names no parameter does all, and a migration put it there."""
WAITS = (
    "What was stored before is indexed anew in the background while the hub serves; until that is done a search may "
    "miss some of it. `fhirhub reindex` does it at once."
)


async def reindex(
    database: Database,
    tenant: int,
    parameters: Parameters,
    types: Iterable[str] | None = None,
    progress: Callable[[int], None] = lambda count: None,
    base: str | None = None,
) -> int:
    """Replaces the index rows of every current resource of these types (all, where None); how many.

    Others may write meanwhile: each batch is locked, and what they write is indexed by themselves.
    `progress` is told the size of each batch that is done; `base` is the hub's own address, whose absolute
    references are local.
    """
    done = 0
    for type in await versions.types_present(database, tenant) if types is None else types:
        last = ""
        while True:
            rows = await database.fetch(
                Statement(
                    "SELECT r.id FROM resource r WHERE r.tenant = $1 AND r.type = $2 AND r.id > $3 "
                    "ORDER BY r.id LIMIT $4",
                    (tenant, type, last, BATCH),
                    ("int", "text", "text", "bigint"),
                )
            )
            if not rows:
                break
            ids = [str(row[0]) for row in rows]
            last = ids[-1]
            await database.transaction(_batch(tenant, parameters, type, ids, base))
            done += len(ids)
            progress(len(ids))
    if types is None:
        of_all = Statement(f"DELETE FROM job WHERE tenant = $1 AND {_OF_ALL}", (tenant,), ("int",))
        await database.execute(of_all)
    return done


_OF_ALL = f"kind = '{KIND}' AND content = '{{}}'"


async def waits(database: Database, tenants: Iterable[int]) -> bool:
    """Whether the index of one of the tenants is still to be made anew."""
    for tenant in tenants:
        of_all = Statement(f"SELECT 1 FROM job WHERE tenant = $1 AND {_OF_ALL} LIMIT 1", (tenant,), ("int",))
        if await database.fetch(of_all):
            return True
    return False


def _batch(
    tenant: int, parameters: Parameters, type: str, ids: list[str], base: str | None
) -> Callable[[Transaction], Awaitable[None]]:
    async def work(unit: Transaction) -> None:
        keys = [(type, id) for id in ids]
        await unit.lock_rows(tenant, keys)
        for one in await versions.read_many(unit, tenant, EVERYTHING, keys):
            if one.body is None:
                continue
            resource = document.decode(one.body)
            owners, label = relations.owners(resource, base), relations.label(resource)
            if type == "Provenance":
                owners, label = await versions.followed(unit, tenant, resource, base)
            await unit.amend(
                tenant,
                Change(
                    rid=one.rid,
                    type=type,
                    id=one.id,
                    expected=one.version,
                    version=one.version,
                    updated=one.updated,
                    method=one.method,
                    write_id="",
                    body=one.body,
                    patient=owners,
                    label=label,
                    rows=extract.rows(resource, parameters, base),
                ),
            )

    return work

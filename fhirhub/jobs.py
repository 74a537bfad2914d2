"""The durable queue: work put there in a transaction is done after its commit, once, by whoever comes to it.

A claim moves the job's due time into the future; whoever works on it keeps moving it. A worker that dies stops
doing so, and the job falls due again.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from fhirhub import logs
from fhirhub.store.sql import Row, Statement

LEASE_SECONDS = 30


class Writer(Protocol):
    """A database, or a transaction under way."""

    async def fetch(self, statement: Statement) -> list[Row]: ...

    async def execute(self, statement: Statement) -> int: ...


@dataclass(frozen=True, slots=True)
class Job:
    """A claimed job."""

    tenant: int
    id: str
    kind: str
    content: dict[str, Any]
    tries: int


def _now() -> int:
    return time.time_ns() // 1000


async def enqueue(
    writer: Writer, tenant: int, kind: str, content: dict[str, Any], delay_seconds: float = 0.0
) -> None:
    """Puts a job into the queue, as part of the writer's transaction."""
    due = _now() + int(delay_seconds * 1_000_000)
    await writer.execute(
        Statement(
            "INSERT INTO job (tenant, id, kind, content, due, tries) VALUES ($1, $2, $3, $4, $5, 0)",
            (tenant, os.urandom(12).hex(), kind, json.dumps(content), due),
            ("int", "text", "text", "text", "bigint"),
        )
    )


async def claim(writer: Writer, tenant: int) -> Job | None:
    """The job that is due longest, for LEASE_SECONDS; None where nothing is due."""
    now = _now()
    rows = await writer.fetch(
        Statement(
            "SELECT id FROM job WHERE tenant = $1 AND due <= $2 ORDER BY due LIMIT 1",
            (tenant, now),
            ("int", "bigint"),
        )
    )
    if not rows:
        return None
    taken = await writer.execute(
        Statement(
            "UPDATE job SET due = $3, tries = tries + 1 WHERE tenant = $1 AND id = $2 AND due <= $4",
            (tenant, rows[0][0], now + LEASE_SECONDS * 1_000_000, now),
            ("int", "text", "bigint", "bigint"),
        )
    )
    if taken == 0:
        return None
    rows = await writer.fetch(
        Statement(
            "SELECT id, kind, content, tries FROM job WHERE tenant = $1 AND id = $2",
            (tenant, rows[0][0]),
            ("int", "text"),
        )
    )
    return Job(tenant, rows[0][0], rows[0][1], json.loads(rows[0][2]), rows[0][3]) if rows else None


async def keep(writer: Writer, job: Job) -> None:
    """Says that the job is still being worked on."""
    await writer.execute(
        Statement(
            "UPDATE job SET due = $3 WHERE tenant = $1 AND id = $2",
            (job.tenant, job.id, _now() + LEASE_SECONDS * 1_000_000),
            ("int", "text", "bigint"),
        )
    )


async def finish(writer: Writer, job: Job) -> None:
    """Takes a job that is done out of the queue."""
    await writer.execute(
        Statement("DELETE FROM job WHERE tenant = $1 AND id = $2", (job.tenant, job.id), ("int", "text"))
    )


async def retry(writer: Writer, job: Job, fault: str) -> None:
    """Puts a job that failed back, later each time: a second, two, four ... an hour at most."""
    delay = min(2 ** (job.tries - 1), 3600)
    await writer.execute(
        Statement(
            "UPDATE job SET due = $3, fault = $4 WHERE tenant = $1 AND id = $2",
            (job.tenant, job.id, _now() + delay * 1_000_000, fault[:500]),
            ("int", "text", "bigint", "text"),
        )
    )


async def work_off(
    writer: Writer, tenant: int, handlers: Mapping[str, Callable[[Job], Awaitable[None]]]
) -> int:
    """Does every job that is due, one after the other; how many were done. A job whose handler raises is
    put back with the fault, and logged without its content."""
    done = 0
    while (job := await claim(writer, tenant)) is not None:
        keeper = asyncio.get_running_loop().create_task(_keep_claimed(writer, job))
        try:
            await handlers[job.kind](job)
        except Exception as failure:
            logs.warning("A job failed", kind=job.kind, job=job.id, fault=type(failure).__name__)
            await retry(writer, job, type(failure).__name__)
        else:
            await finish(writer, job)
            done += 1
        finally:
            keeper.cancel()
    return done


async def _keep_claimed(writer: Writer, job: Job) -> None:
    while True:
        await asyncio.sleep(LEASE_SECONDS / 3)
        await keep(writer, job)

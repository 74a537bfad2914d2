"""Single writes: those that wait together are written together, each durable when it is answered."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from asyncpg.exceptions import PostgresError, QueryCanceledError

from fhirhub import errors
from fhirhub.store.database import Change, Key, Verdict
from fhirhub.store.postgresql import statements
from fhirhub.store.postgresql.connections import AGAIN, LOST, TRIES, Connections
from fhirhub.store.postgresql.statements import MEMBERS
from fhirhub.store.turn import Turn

STANDBY_SECONDS = 3.0
"""How long a write that was found waits for the standby to have it."""


class Writes:
    """What writes one change by itself."""

    def __init__(
        self,
        connections: Connections,
        start: Callable[[Coroutine[Any, Any, None]], None],
        grouping: bool,
        turn: Turn | None,
        patience_seconds: float,
    ) -> None:
        self._connections = connections
        self._start = start
        self._grouping = grouping
        self._turn = turn
        self._patience_seconds = patience_seconds
        self._writers: dict[tuple[int, bool], Writers] = {}

    @property
    def waiting(self) -> int:
        """How many wait."""
        return sum(len(writers.waiting) for writers in self._writers.values())

    async def apply(self, tenant: int, change: Change) -> Verdict:
        key = (tenant, change.expected == 0)
        writers = self._writers.get(key)
        if writers is None:
            writers = self._writers[key] = Writers(tenant, change.expected == 0)
        future: asyncio.Future[Verdict] = asyncio.get_running_loop().create_future()
        writers.waiting.append((change, future))
        if not writers.busy:
            writers.busy = True
            self._start(self._drain_writers(writers))
        # A client that leaves cancels its wait, never the write, which stands in the queue by itself.
        return await future

    async def _drain_writers(self, writers: Writers) -> None:
        try:
            while writers.waiting:
                members: list[tuple[Change, asyncio.Future[Verdict]]] = []
                try:
                    async with self._taken(writers):
                        # Taken now, and not before: others may have come while this worker waited.
                        members = writers.take(MEMBERS if self._grouping else 1)
                        verdicts = await self._apply_group(writers.tenant, [change for change, _ in members])
                except Exception as failure:
                    members = members or writers.take(MEMBERS)
                    # Alone again only after a refusal, which certainly rolled back.
                    if len(members) == 1 or not isinstance(failure, PostgresError):
                        for _, future in members:
                            if not future.done():
                                future.set_exception(failure)
                        continue
                    verdicts = []
                    for change, future in members:
                        try:
                            verdict = (await self._apply_group(writers.tenant, [change]))[0]
                        except Exception as own:
                            if not future.done():
                                future.set_exception(own)
                        else:
                            if not future.done():
                                future.set_result(verdict)
                    continue
                for (_, future), verdict in zip(members, verdicts, strict=True):
                    if not future.done():
                        future.set_result(verdict)
        finally:
            writers.busy = False

    def _taken(self, writers: Writers) -> contextlib.AbstractAsyncContextManager[None]:
        if self._turn is None:
            return contextlib.nullcontext()
        return self._turn.taken(2 * writers.tenant + writers.new)

    async def _apply_group(self, tenant: int, changes: list[Change]) -> list[Verdict]:
        """One autocommit statement for all; alone again those of a group that as a whole was refused."""
        done: set[int] = set()
        left = changes
        verdicts: dict[int, Verdict] = {}
        backend: Any = None
        for attempt in range(TRIES):
            try:
                async with self._connections.one() as connection:
                    backend = self._connections.backends[connection]
                    found = await statements.apply(connection, tenant, left, strict=False)
                verdicts = {change.rid: verdict for change, verdict in zip(left, found, strict=True)}
                break
            except AGAIN:
                await asyncio.sleep(random.random() * 0.01 * 2 ** min(attempt, 5))
            except QueryCanceledError:
                raise errors.transient("The write waited too long for others; try again.") from None
            except LOST:
                # The answer was lost, not necessarily the write: nothing runs again before that is known.
                done |= await self.find_written(tenant, left, backend)
                left = [change for change in left if change.rid not in done]
                if not left:
                    break
        else:
            raise errors.transient("Others kept writing the same resources; try again.")
        if len(left) > 1 and Verdict.MISSING in verdicts.values():
            for change in left:
                verdicts[change.rid] = (await self._apply_group(tenant, [change]))[0]
        return [Verdict.DONE if change.rid in done else verdicts[change.rid] for change in changes]

    async def find_written(self, tenant: int, changes: Sequence[Change], backend: Any) -> set[int]:
        """After a lost answer: the row keys of those changes that are in the database.

        The server process that had the statement may be at it still; it is ended first, so that what is not
        there now will not come later. Raises `transient` where it cannot be known in time.
        """
        loop = asyncio.get_running_loop()
        end = loop.time() + self._patience_seconds
        while True:
            try:
                return await self._look_up(tenant, changes, backend)
            except LOST:
                if loop.time() > end:
                    break
                await asyncio.sleep(0.1)
        raise errors.transient("The database was lost, and with it the outcome of this write.")

    async def _look_up(self, tenant: int, changes: Sequence[Change], backend: Any) -> set[int]:
        async with self._connections.one() as connection:
            if backend is not None:
                await connection.execute(
                    "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
                    "WHERE pid = $1 AND backend_start = $2",
                    *backend,
                )
            rows = await connection.fetch(
                "SELECT k.rid FROM unnest($2::int8[], $3::text[]) AS k(rid, write_id) WHERE EXISTS "
                "(SELECT 1 FROM resource r WHERE r.tenant = $1 AND r.rid = k.rid AND r.write_id = k.write_id) "
                "OR EXISTS (SELECT 1 FROM version v WHERE v.tenant = $1 AND v.rid = k.rid "
                "AND v.write_id = k.write_id)",
                tenant,
                [change.rid for change in changes],
                [change.write_id for change in changes],
            )
            if rows:
                # It is there; whether it is where a synchronous standby has it too, only a commit of one's
                # own tells, which waits for all before it.
                await connection.execute(
                    "SELECT pg_logical_emit_message(true, 'fhirhub', '')", timeout=STANDBY_SECONDS
                )
        return {row[0] for row in rows}


class Writers:
    """Writes of one tenant that wait: new resources, or versions of existing ones."""

    __slots__ = ("busy", "new", "tenant", "waiting")

    def __init__(self, tenant: int, new: bool) -> None:
        self.tenant = tenant
        self.new = new
        self.waiting: list[tuple[Change, asyncio.Future[Verdict]]] = []
        self.busy = False

    def take(self, most: int) -> list[tuple[Change, asyncio.Future[Verdict]]]:
        """The next group: at most one member for a resource, the rest keeps waiting."""
        taken: list[tuple[Change, asyncio.Future[Verdict]]] = []
        left: list[tuple[Change, asyncio.Future[Verdict]]] = []
        keys: set[Key] = set()
        for member in self.waiting:
            key = (member[0].type, member[0].id)
            if key in keys or len(taken) == most:
                left.append(member)
            else:
                keys.add(key)
                taken.append(member)
        self.waiting = left
        return taken

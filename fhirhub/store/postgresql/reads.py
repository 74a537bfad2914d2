"""Statements that read: those of one shape that wait together are answered together.

A group changes nothing but speed: its key is the statement's text and the tenant; every member brings its own values
in its own row, and gets its own rows back by its ordinal.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Coroutine, Sequence
from functools import lru_cache
from typing import Any

from asyncpg.exceptions import PostgresError, QueryCanceledError

from fhirhub import errors, metrics
from fhirhub.store.database import too_costly
from fhirhub.store.postgresql.connections import LOST, Connections
from fhirhub.store.postgresql.statements import CASTS, MEMBERS
from fhirhub.store.sql import Row, Statement


class Reads:
    """What reads outside a transaction."""

    def __init__(
        self, connections: Connections, start: Callable[[Coroutine[Any, Any, None]], None], grouping: bool
    ) -> None:
        self._connections = connections
        self._start = start
        self._grouping = grouping
        self._lanes: dict[tuple[str, int], Lane] = {}

    @property
    def waiting(self) -> int:
        """How many wait."""
        return sum(len(lane.waiting) for lane in self._lanes.values())

    async def fetch(self, statement: Statement) -> list[Row]:
        if not statement.together or not self._grouping:
            return await self._fetch_alone(statement)
        key = (statement.sql, statement.values[0])
        lane = self._lanes.get(key)
        if lane is None:
            if len(self._lanes) > 1000:
                self._lanes = {k: known for k, known in self._lanes.items() if known.busy}
            lane = self._lanes[key] = Lane(statement.sql, statement.kinds)
        future: asyncio.Future[list[Row]] = asyncio.get_running_loop().create_future()
        lane.waiting.append((statement, future))
        if not lane.busy:
            lane.busy = True
            self._start(self._drain(lane))
        return await future

    async def _fetch_alone(self, statement: Statement) -> list[Row]:
        for last in (False, True):
            try:
                async with self._connections.one() as connection:
                    return await connection.fetch(statement.sql, *statement.values)
            except QueryCanceledError:
                raise too_costly() from None
            except LOST as failure:
                if last:
                    raise errors.transient(
                        "The database was lost while it was asked; try again."
                    ) from failure
        raise AssertionError

    async def _drain(self, lane: Lane) -> None:
        try:
            while lane.waiting:
                members, lane.waiting = lane.waiting[:MEMBERS], lane.waiting[MEMBERS:]
                await self._answer(lane, members)
        finally:
            lane.busy = False

    async def _answer(self, lane: Lane, members: list[tuple[Statement, asyncio.Future[list[Row]]]]) -> None:
        if len(members) == 1:
            await self._answer_alone(*members[0])
            return
        columns = list(zip(*(statement.values for statement, _ in members), strict=True))
        try:
            async with self._connections.one() as connection:
                rows = await connection.fetch(lane.grouped, columns[0][0], *columns[1:])
        except (errors.FhirError, *LOST, PostgresError):
            # Whatever it was, reading again is safe: only the member at fault gets the error.
            for statement, future in members:
                await self._answer_alone(statement, future)
            return
        metrics.GROUPS.inc()
        metrics.GROUPED.inc(by=len(members))
        answers: list[list[Row]] = [[] for _ in members]
        for row in rows:
            answers[row[-1] - 1].append(row)
        for (_, future), answer in zip(members, answers, strict=True):
            if not future.done():
                future.set_result(answer)

    async def _answer_alone(self, statement: Statement, future: asyncio.Future[list[Row]]) -> None:
        if future.done():
            return
        try:
            rows = await self._fetch_alone(statement)
        except Exception as failure:
            if not future.done():
                future.set_exception(failure)
        else:
            if not future.done():
                future.set_result(rows)


class Lane:
    """The queue of one statement shape of one tenant."""

    __slots__ = ("busy", "grouped", "sql", "waiting")

    def __init__(self, sql: str, kinds: Sequence[str]) -> None:
        self.sql = sql
        self.grouped = grouped(sql, tuple(kinds))
        self.waiting: list[tuple[Statement, asyncio.Future[list[Row]]]] = []
        self.busy = False


@lru_cache(maxsize=2000)
def grouped(sql: str, kinds: tuple[str, ...]) -> str:
    """The statement that answers many members at once, from the one that answers one.

    `$1`, the tenant, stays a scalar; `$2`... become columns of the members' rows.
    """
    arrays = ", ".join(f"${n}::{CASTS[kind]}[]" for n, kind in enumerate(kinds[1:], 2))
    names = ", ".join(f"p{n}" for n in range(2, len(kinds) + 1))
    inner = re.sub(r"\$(\d+)", lambda found: "$1" if found[1] == "1" else f"k.p{found[1]}", sql)
    return (
        f"SELECT s.*, k.ord FROM unnest({arrays}) WITH ORDINALITY AS k({names}, ord) "
        f"CROSS JOIN LATERAL ({inner}) AS s"
    )

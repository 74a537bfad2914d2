"""The journal: records of the log as they were answered for, packed, many in a row.

A record is on disk before its answer goes out. To write it as the row by which it is found, with its indexes, costs
more than most reads do; so those that wait together go there as one row, behind the end of their chain, and are
spread into rows of their own when it is quiet. Who looks into the log has them spread first.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from fhirhub.store.chain import COLUMNS, Entry, Links
from fhirhub.store.sql import Kind, Statement

if TYPE_CHECKING:
    from fhirhub.store.database import Reader

QUIET_SECONDS = 5.0
"""How long nothing was logged when records are spread."""
LATEST_SECONDS = 60.0
"""How long they wait for that at most."""
MOST = 50_000
"""How many wait at most."""
AT_ONCE = 4000
"""Records that are spread in one transaction, but for what stands in one row."""
LOOKS = 256
"""Rows of the journal that are looked at for one transaction."""

ADDED = "INSERT INTO audit_journal (tenant, chain, number, records, content) VALUES ($1, $2, $3, $4, $5)"
"""Adds records: tenant, chain, the number of the first, how many, and themselves."""
REMOVED = "DELETE FROM audit_journal WHERE tenant = $1 AND chain = $2 AND number BETWEEN $3 AND $4"
_PLACES = (
    "SELECT chain, number, records FROM audit_journal WHERE tenant = $1 AND (chain, number) > ($2, $3) "
    f"ORDER BY chain, number LIMIT {LOOKS}"
)
_CONTENTS = (
    "SELECT chain, number, content FROM audit_journal WHERE tenant = $1 AND (chain, number) > ($2, $3) "
    "ORDER BY chain, number LIMIT $4"
)
ROW = ("tenant", "chain", "number", *COLUMNS)
"""The columns of a record's own row."""

Sealed = tuple[Entry, bytes | None, bytes]
"""A record with the MACs of its query and of itself."""
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(tuple[list[Sealed], bytes]).decode


Place = tuple[int, int]
"""Chain and number of the first record of a row."""


class Part(NamedTuple):
    """What is spread at once."""

    rows: list[tuple[Any, ...]]
    """Of the records, each with the values of ROW."""
    removed: list[tuple[int, int, int, int]]
    """What goes out of the journal for it: tenant, chain, from the row of that number to that of this."""
    end: Place
    """The last that was looked at."""


def packed(entries: Sequence[Entry], links: Links) -> bytes:
    """The records with what seals them, and where the chain ends with them."""
    return _encode((list(zip(entries, links.query_macs, links.macs, strict=True)), links.seal))


def unpacked(content: bytes) -> tuple[list[Sealed], bytes]:
    """The same again, the records and the seal; nothing where somebody made it unreadable."""
    try:
        return _decode(content)
    except msgspec.DecodeError:
        return [], b""


async def parts(reader: Reader, tenant: int) -> AsyncIterator[Part]:
    """What is to be spread, part by part, each to be spread before the next is asked for. What cannot be read stays
    where it is, for `audit verify` to name."""
    end: Place = (0, 0)
    while True:
        places = await reader.fetch(Statement(_PLACES, (tenant, *end), ("int", "int", "bigint")))
        if not places:
            return
        size = records = 0
        while size < len(places) and records < AT_ONCE:
            records += places[size][2]
            size += 1
        kinds: tuple[Kind, ...] = ("int", "int", "bigint", "bigint")
        found = await reader.fetch(Statement(_CONTENTS, (tenant, *end, size), kinds))
        part = _part(tenant, [(int(row[0]), int(row[1]), bytes(row[2])) for row in found], end)
        if part.rows:
            yield part
        end = part.end


def _part(tenant: int, found: Sequence[tuple[int, int, bytes]], end: Place) -> Part:
    rows: list[tuple[Any, ...]] = []
    removed: list[tuple[int, int, int, int]] = []
    follows = False
    for chain, number, content in found:
        end = (chain, number)
        records, _ = unpacked(content)
        if not records:
            follows = False
            continue
        rows.extend(
            (tenant, chain, at, *entry, query_mac, mac)
            for at, (entry, query_mac, mac) in enumerate(records, number)
        )
        if follows and removed[-1][1] == chain:
            removed[-1] = (*removed[-1][:3], number)
        else:
            removed.append((tenant, chain, number, number))
        follows = True
    return Part(rows, removed, end)


class Spreading:
    """When what this process added to the journal is spread."""

    def __init__(
        self, spread: Callable[[int], Awaitable[None]], start: Callable[[Awaitable[None]], None]
    ) -> None:
        self._spread = spread
        self._start = start
        self._added: dict[int, int] = {}
        self._first = self._last = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._busy = False

    def added(self, tenant: int, records: int) -> None:
        """Notes that so many records of the tenant went into the journal."""
        self._last = time.monotonic()
        if not self._added:
            self._first = self._last
        self._added[tenant] = self._added.get(tenant, 0) + records
        if self._timer is None and not self._busy:
            self._wait()
        elif self._added[tenant] > MOST and not self._busy:
            self._begin()

    def _wait(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(QUIET_SECONDS, self._look)

    def _look(self) -> None:
        now = time.monotonic()
        if now - self._last >= QUIET_SECONDS or now - self._first >= LATEST_SECONDS:
            self._begin()
        else:
            self._wait()

    def _begin(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._busy = True
        self._start(self._work())

    async def _work(self) -> None:
        try:
            tenants, self._added = list(self._added), {}
            for tenant in tenants:
                # What cannot be spread now stays where it is, and is spread with what comes.
                with contextlib.suppress(Exception):
                    await self._spread(tenant)
        finally:
            self._busy = False
            if self._added:
                self._wait()

    async def close(self) -> None:
        """Spreads the rest. Nothing may be added any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._added:
            await self._work()

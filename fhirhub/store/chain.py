"""The rows of the log, and what chains them: a record that was changed, removed or put in is found (RULES R25).

Every connection that writes has a chain of its own, so that transactions never wait for each other: its records are
numbered, the MAC of each covers the one before, and its head says, under the hub's secret, how many there are. The
chains are numbered and chained likewise; chain 0 is their head. A query stands in its record by a MAC of its own, so
that erasing what names a person leaves the chain whole.
"""

from __future__ import annotations

import asyncio
import hmac
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence, Sized
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from fhirhub.store.sql import Row, Statement

if TYPE_CHECKING:
    from fhirhub.store.database import Reader

MAC_BYTES = 16
REGISTER = 0
"""The number of the chain that counts the others."""
AT_ONCE = 5000
LOOK_SECONDS = 0.001
"""How often it is looked whether more records came meanwhile."""
GATHER_SECONDS = 0.004
"""How long records wait at most for others, where the last ones were written together."""
_encode = msgspec.json.Encoder().encode


class Entry(NamedTuple):
    """One record of the log before it has its place: who did what to whose data, when and why they could.

    References are relative, such as `Practitioner/x`; `patient` is a logical id. `facts` are bits of NEN 7513's
    results (`Fact`). `detail` holds, as a form, what
    nobody searches by.
    """

    recorded: int
    """Microseconds since 1970 UTC."""
    interaction: str
    """A code of R4's interactions, an operation such as `$everything`, or an event such as `signed-in`."""
    action: str
    """C, R, U, D or E."""
    outcome: str
    """0, 4, 8 or 12, as AuditEvent has it."""
    patient: str | None = None
    type: str | None = None
    target: str | None = None
    """The logical id of the resource of that type."""
    version: int | None = None
    label: str | None = None
    """Its labels then (RULES R20)."""
    person: str | None = None
    role: str | None = None
    organization: str | None = None
    client: str | None = None
    responsible: str | None = None
    rule: str | None = None
    """Why they could, or why not."""
    facts: int = 0
    request: str | None = None
    """The request's id."""
    detail: str | None = None
    query: str | None = None


class Recorded(NamedTuple):
    """A record as it stands in the log."""

    chain: int
    number: int
    entry: Entry
    query_mac: bytes | None
    mac: bytes


COLUMNS = (*Entry._fields, "query_mac", "mac")
KINDS = {"recorded": "bigint", "version": "int", "facts": "int", "query_mac": "bytea", "mac": "bytea"}
"""Of those columns that are no text."""
REQUIRED = frozenset({"recorded", "interaction", "action", "outcome", "facts", "mac"})


@dataclass(slots=True)
class Chain:
    """A chain that this process writes: where its end is."""

    tenant: int
    number: int
    last: int
    mac: bytes


class Links(NamedTuple):
    """Records with their places, and the chain behind them."""

    chain: Chain
    first: int
    macs: list[bytes]
    query_macs: list[bytes | None]
    seal: bytes


async def gathered(waiting: Sized, before: int) -> None:
    """Once those who had their answer together, so many, have asked again; or after a moment. Two groups that take
    turns, each half as large, would commit twice as often. Who is alone does not wait."""
    end = time.monotonic() + GATHER_SECONDS
    while before > 1 and len(waiting) < before and time.monotonic() < end:  # noqa: ASYNC110 - for a moment
        await asyncio.sleep(LOOK_SECONDS)


class Sealer:
    """Seals records under the hub's secret. Without a key nothing can be logged."""

    def __init__(self) -> None:
        self.key = b""

    def _mac(self, *parts: bytes) -> bytes:
        assert self.key, "the log has no key: the hub's secret was not opened"
        return hmac.digest(self.key, b"".join(parts), "sha256")[:MAC_BYTES]

    def link(self, chain: Chain, entries: Sequence[Entry]) -> Links:
        """The records behind the end of the chain."""
        mac, number = chain.mac, chain.last
        macs: list[bytes] = []
        query_macs: list[bytes | None] = []
        for entry in entries:
            number += 1
            query = self.of_query(entry.query)
            mac = self.of_record(chain.tenant, chain.number, number, entry, query, mac)
            macs.append(mac)
            query_macs.append(query)
        ended = Chain(chain.tenant, chain.number, number, mac)
        return Links(ended, chain.last + 1, macs, query_macs, self.of_head(ended))

    def of_query(self, query: str | None) -> bytes | None:
        return None if query is None else self._mac(b"query", query.encode())

    def of_record(
        self, tenant: int, chain: int, number: int, entry: Entry, query: bytes | None, before: bytes
    ) -> bytes:
        """The MAC of a record that follows another."""
        return self._mac(before, query or b"", _encode((tenant, chain, number, *entry[:-1])))

    def of_head(self, chain: Chain) -> bytes:
        """The seal of where a chain ends."""
        return self._mac(b"head", _encode((chain.tenant, chain.number, chain.last)), chain.mac)

    def of_birth(self, tenant: int, chain: int, opened: int, before: bytes) -> bytes:
        """What a chain begins with: it follows the beginning of the chain before it."""
        return self._mac(b"birth", _encode((tenant, chain, opened)), before)


# --- opening a chain: the statements, for whoever holds a transaction ---

REGISTERED = (
    "INSERT INTO audit_chain (tenant, chain, opened, birth, number, mac, seal) "
    "VALUES ($1, 0, $2, $3, 0, $3, $3) ON CONFLICT (tenant, chain) DO NOTHING"
)
"""Makes the register where there is none: tenant, moment, its birth."""
LOCKED = "UPDATE audit_chain SET number = number + 1 WHERE tenant = $1 AND chain = 0 RETURNING number, mac"
"""Takes the next chain's number; the row is held until the end of the transaction."""
COUNTED = "UPDATE audit_chain SET mac = $2, seal = $3 WHERE tenant = $1 AND chain = 0"
OPENED = "INSERT INTO audit_chain (tenant, chain, opened, birth, number, mac, seal) VALUES ($1, $2, $3, $4, 0, $4, $5)"
ENDED = "UPDATE audit_chain SET number = $3, mac = $4, seal = $5 WHERE tenant = $1 AND chain = $2"
"""Moves the head of a chain: tenant, chain, number, MAC, seal."""


# --- verifying ---


class Fault(NamedTuple):
    """What is wrong with the log, and where: `3-17` is record 17 of chain 3."""

    place: str
    text: str


@dataclass(slots=True)
class Verdict:
    """What a walk over a tenant's log found."""

    records: int = 0
    chains: int = 0
    queries_erased: int = 0
    faults: list[Fault] = field(default_factory=list)
    heads: dict[int, tuple[int, bytes]] = field(default_factory=dict)
    """Where each chain ends."""


_HEADS = Statement(
    "SELECT chain, opened, birth, number, mac, seal FROM audit_chain WHERE tenant = $1 ORDER BY chain"
)


async def count(reader: Reader, tenant: int) -> int:
    """How many records there should be."""
    rows = await reader.fetch(
        Statement(
            "SELECT COALESCE(SUM(number), 0) FROM audit_chain WHERE tenant = $1 AND chain > 0",
            (tenant,),
            ("int",),
        )
    )
    return int(rows[0][0])


async def verify(
    reader: Reader, tenant: int, sealer: Sealer, progress: Callable[[int], None] = lambda count: None
) -> Verdict:
    """Walks every chain of a tenant, while others may write; `progress` is told of records."""
    found = Verdict()
    heads = [tuple(row) for row in await _heads(reader, tenant)]
    _check_register(tenant, sealer, heads, found)
    known = {int(row[0]) for row in heads}
    for chain, _, birth, *_ in heads:
        if chain != REGISTER:
            await _walk(reader, sealer, Chain(tenant, int(chain), 0, bytes(birth)), found, progress)
            found.chains += 1
    fresh = {int(row[0]) for row in await _heads(reader, tenant)}
    async for chain in _chains_of_records(reader, tenant):
        if chain not in known | fresh:
            found.faults.append(
                Fault(str(chain), f"chain {chain} has records, and no head: the head was removed")
            )
    return found


async def compare(reader: Reader, tenant: int, known: Mapping[int, tuple[int, bytes]]) -> list[Fault]:
    """What is lacking of where each chain was known to be: its last record then, with its MAC."""
    faults = []
    for chain, (last, mac) in sorted(known.items()):
        rows = await reader.fetch(
            Statement(
                "SELECT mac FROM audit WHERE tenant = $1 AND chain = $2 AND number = $3",
                (tenant, chain, last),
                ("int", "int", "bigint"),
            )
        )
        if last and (not rows or bytes(rows[0][0]) != mac):
            text = f"record {last} of chain {chain} is not the one that was there when the heads were kept"
            faults.append(Fault(f"{chain}-{last}", text))
    return faults


async def _heads(reader: Reader, tenant: int) -> Sequence[Row]:
    return await reader.fetch(Statement(_HEADS.sql, (tenant,), ("int",)))


def _check_register(tenant: int, sealer: Sealer, heads: Sequence[Row], found: Verdict) -> None:
    """That every chain that was ever opened is there, and begins as it did."""
    chains = {int(row[0]): row for row in heads}
    register = chains.pop(REGISTER, None)
    if register is None:
        if chains:
            found.faults.append(Fault("0", "the register of chains is missing: it was removed"))
        return
    _, opened, birth, number, mac, seal = register
    end = Chain(tenant, REGISTER, int(number), bytes(mac))
    before = sealer.of_birth(tenant, REGISTER, int(opened), b"")
    if before != bytes(birth) or not hmac.compare_digest(sealer.of_head(end), bytes(seal)):
        found.faults.append(Fault("0", "the register of chains was changed"))
        return
    for chain in range(1, max([end.last, *chains]) + 1):
        row = chains.get(chain)
        if row is None:
            found.faults.append(Fault(str(chain), f"chain {chain} is missing as a whole: it was removed"))
            return
        before = sealer.of_birth(tenant, chain, int(row[1]), before)
        if before != bytes(row[2]):
            text = f"the beginning of chain {chain} was changed, or the chain was put in"
            found.faults.append(Fault(str(chain), text))
            return
        if chain == end.last and before != end.mac:
            found.faults.append(Fault("0", "the register of chains ends with another chain"))


async def _walk(
    reader: Reader, sealer: Sealer, chain: Chain, found: Verdict, progress: Callable[[int], None]
) -> None:
    """One chain from its beginning to its head; the first fault of it is told."""
    while True:
        rows = await reader.fetch(
            Statement(
                f"SELECT number, {', '.join(COLUMNS)} FROM audit WHERE tenant = $1 AND chain = $2 AND number > $3 "
                f"ORDER BY number LIMIT {AT_ONCE}",
                (chain.tenant, chain.number, chain.last),
                ("int", "int", "bigint"),
            )
        )
        for row in rows:
            fault = _follow(sealer, chain, recorded(chain.number, row), found)
            if fault is not None:
                found.faults.append(Fault(f"{chain.number}-{chain.last + 1}", fault))
                progress(len(rows))
                return
        progress(len(rows))
        found.records += len(rows)
        if len(rows) == AT_ONCE:
            continue
        # Records and head are committed together, and the head is read later: it can only be ahead.
        head = await _head(reader, sealer, chain)
        if head is None:
            text = f"the head of chain {chain.number} was changed or removed"
            found.faults.append(Fault(str(chain.number), text))
            return
        if head.last <= chain.last or not rows:
            break
    found.heads[chain.number] = (chain.last, chain.mac)
    fault = _check_head(chain, head)
    if fault is not None:
        found.faults.append(Fault(f"{chain.number}-{min(chain.last, head.last) + 1}", fault))


def _follow(sealer: Sealer, chain: Chain, record: Recorded, found: Verdict) -> str | None:
    """Moves the chain on to this record; what is wrong with it."""
    wanted = chain.last + 1
    if record.number > wanted:
        return f"record {wanted} of chain {chain.number} is missing: the next one there is {record.number}"
    query = record.entry.query
    if query is not None and sealer.of_query(query) != record.query_mac:
        return f"record {wanted} of chain {chain.number} was changed: its query is another"
    mac = sealer.of_record(chain.tenant, chain.number, wanted, record.entry, record.query_mac, chain.mac)
    if not hmac.compare_digest(mac, record.mac):
        return f"record {wanted} of chain {chain.number} was changed or put in, or what stood before it was removed"
    found.queries_erased += query is None and record.query_mac is not None
    chain.last, chain.mac = wanted, mac
    return None


def _check_head(chain: Chain, head: Chain) -> str | None:
    if head.last > chain.last:
        return f"the last {head.last - chain.last} records of chain {chain.number} are missing"
    if head.last < chain.last:
        return f"records of chain {chain.number} were put in behind its head, which is at {head.last}"
    return None if head.mac == chain.mac else f"the head of chain {chain.number} is of another record"


async def _head(reader: Reader, sealer: Sealer, chain: Chain) -> Chain | None:
    """Where the chain ends now; None where its head is gone, or not one that the hub made."""
    rows = await reader.fetch(
        Statement(
            "SELECT number, mac, seal FROM audit_chain WHERE tenant = $1 AND chain = $2",
            (chain.tenant, chain.number),
            ("int", "int"),
        )
    )
    if not rows:
        return None
    head = Chain(chain.tenant, chain.number, int(rows[0][0]), bytes(rows[0][1]))
    return head if hmac.compare_digest(sealer.of_head(head), bytes(rows[0][2])) else None


async def _chains_of_records(reader: Reader, tenant: int) -> AsyncIterator[int]:
    """The chains of which there are records, found by skipping through the key."""
    last = -1
    while True:
        rows = await reader.fetch(
            Statement(
                "SELECT MIN(chain) FROM audit WHERE tenant = $1 AND chain > $2",
                (tenant, last),
                ("int", "int"),
            )
        )
        if not rows or rows[0][0] is None:
            return
        last = int(rows[0][0])
        yield last


def recorded(chain: int, row: Row) -> Recorded:
    """A record from its number and COLUMNS."""
    *values, query_mac, mac = row[1:]
    return Recorded(
        chain,
        int(row[0]),
        Entry(*values),
        None if query_mac is None else bytes(query_mac),
        bytes(mac),
    )

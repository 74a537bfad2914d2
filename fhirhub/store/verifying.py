"""Walking the log: whether every record is there as it was answered for, and none besides (RULES R25)."""

from __future__ import annotations

import hmac
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from fhirhub.store import journal
from fhirhub.store.chain import COLUMNS, REGISTER, Chain, Recorded, Sealer, recorded
from fhirhub.store.database import Database, Reader
from fhirhub.store.sql import Row, Statement

AT_ONCE = 5000


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
    reader: Database, tenant: int, sealer: Sealer, progress: Callable[[int], None] = lambda count: None
) -> Verdict:
    """Walks every chain of a tenant, while others may write; `progress` is told of records."""
    await reader.collect()
    found = Verdict()
    heads = [tuple(row) for row in await _heads(reader, tenant)]
    _check_register(tenant, sealer, heads, found)
    known = {int(row[0]) for row in heads}
    for chain, _, birth, *_ in heads:
        if chain != REGISTER:
            await _walk(reader, sealer, Chain(tenant, int(chain), 0, bytes(birth)), found, progress)
            found.chains += 1
    there = [
        chain
        for table in ("audit", "audit_journal")
        async for chain in _chains_of_records(reader, tenant, table)
    ]
    fresh = {int(row[0]) for row in await _heads(reader, tenant)}
    for chain in dict.fromkeys(there):
        if chain not in known | fresh:
            text = f"chain {chain} has records, and no head: the head was removed"
            found.faults.append(Fault(str(chain), text))
    return found


async def compare(reader: Database, tenant: int, known: Mapping[int, tuple[int, bytes]]) -> list[Fault]:
    """What is lacking of where each chain was known to be: its last record then, with its MAC."""
    await reader.collect()
    faults = []
    for chain, (last, mac) in sorted(known.items()):
        before = Chain(tenant, chain, last - 1, b"")
        found = (
            await _rows(reader, before, 1)
            or await _journaled(reader, before)
            or await _rows(reader, before, 1)
        )
        if last and (not found or found[0].number != last or found[0].mac != mac):
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
    packs: set[int] = set()
    head: Chain | None = None
    while True:
        began = chain.last
        fault = await _advance(reader, sealer, chain, found, packs)
        progress(chain.last - began)
        if fault is not None:
            found.faults.append(fault)
            return
        if chain.last > began:
            continue
        # Records and head are committed together. What the head counts and nobody finds afterwards is missing.
        before, head = head, await _head(reader, sealer, chain)
        if head is None:
            text = f"the head of chain {chain.number} was changed or removed"
            found.faults.append(Fault(str(chain.number), text))
            return
        if head.last <= chain.last or (before is not None and before.last == head.last):
            break
    found.heads[chain.number] = (chain.last, chain.mac)
    wrong = _check_head(chain, head)
    if wrong is not None:
        found.faults.append(Fault(f"{chain.number}-{min(chain.last, head.last) + 1}", wrong))
        return
    for number in await _put_in(reader, sealer, chain, packs):
        text = f"records of chain {chain.number} were put into the journal"
        found.faults.append(Fault(f"{chain.number}-{number}", text))


async def _advance(
    reader: Reader, sealer: Sealer, chain: Chain, found: Verdict, packs: set[int]
) -> Fault | None:
    """Moves the chain on by the records that stand next, in rows of their own or packed in the journal; nothing
    comes back into the journal. What is wrong with one of them."""
    rows = await _rows(reader, chain)
    if not rows or rows[0].number != chain.last + 1:
        packed = await _journaled(reader, chain)
        if packed:
            if rows and rows[0].number <= packed[-1].number:
                text = f"record {rows[0].number} of chain {chain.number} was put in"
                return Fault(f"{chain.number}-{rows[0].number}", text)
            packs.add(packed[0].number)
            rows = packed
        elif packed is not None:
            text = f"record {chain.last + 1} of chain {chain.number} was changed: it cannot be read"
            return Fault(f"{chain.number}-{chain.last + 1}", text)
        else:
            rows = await _rows(reader, chain)  # It was spread meanwhile, or is not there.
    began = chain.last
    for record in rows:
        if record.number != chain.last + 1 and chain.last > began:
            break  # What is between may be in the journal.
        fault = _follow(sealer, chain, record, found)
        if fault is not None:
            return Fault(f"{chain.number}-{chain.last + 1}", fault)
    return None


async def _rows(reader: Reader, chain: Chain, most: int = AT_ONCE) -> list[Recorded]:
    """The records behind the end of the chain that have rows of their own."""
    rows = await reader.fetch(
        Statement(
            f"SELECT number, {', '.join(COLUMNS)} FROM audit WHERE tenant = $1 AND chain = $2 AND number > $3 "
            "ORDER BY number LIMIT $4",
            (chain.tenant, chain.number, chain.last, most),
            ("int", "int", "bigint", "bigint"),
        )
    )
    return [recorded(chain.number, row) for row in rows]


async def _journaled(reader: Reader, chain: Chain) -> list[Recorded] | None:
    """The records of which the first stands next that are packed in the journal; none where they cannot be read."""
    rows = await reader.fetch(
        Statement(
            "SELECT content FROM audit_journal WHERE tenant = $1 AND chain = $2 AND number = $3",
            (chain.tenant, chain.number, chain.last + 1),
            ("int", "int", "bigint"),
        )
    )
    if not rows:
        return None
    return [
        Recorded(chain.number, number, *record)
        for number, record in enumerate(journal.unpacked(bytes(rows[0][0]))[0], chain.last + 1)
    ]


async def _put_in(reader: Reader, sealer: Sealer, chain: Chain, packs: set[int]) -> list[int]:
    """The numbers of what stands in the journal, and was not found there by its place in the chain."""
    rows = await reader.fetch(
        Statement(
            "SELECT number FROM audit_journal WHERE tenant = $1 AND chain = $2 ORDER BY number",
            (chain.tenant, chain.number),
            ("int", "int"),
        )
    )
    head = await _head(reader, sealer, chain)
    last = chain.last if head is None else head.last
    return [int(row[0]) for row in rows if row[0] not in packs and not chain.last < row[0] <= last]


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
    found.records += 1
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


async def _chains_of_records(reader: Reader, tenant: int, table: str) -> AsyncIterator[int]:
    """The chains of which there are records in that table, found by skipping through the key."""
    last = -1
    while True:
        rows = await reader.fetch(
            Statement(
                f"SELECT MIN(chain) FROM {table} WHERE tenant = $1 AND chain > $2",
                (tenant, last),
                ("int", "int"),
            )
        )
        if not rows or rows[0][0] is None:
            return
        last = int(rows[0][0])
        yield last

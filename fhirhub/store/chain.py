"""The rows of the log, and what chains them: a record that was changed, removed or put in is found (RULES R25).

Every connection that writes has a chain of its own, so that transactions never wait for each other: its records are
numbered, the MAC of each covers the one before, and its head says, under the hub's secret, how many there are. The
chains are numbered and chained likewise; chain 0 is their head. A query stands in its record by a MAC of its own, so
that erasing what names a person leaves the chain whole.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import msgspec

from fhirhub.store.sql import Row

MAC_BYTES = 16
REGISTER = 0
"""The number of the chain that counts the others."""
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


class Sealer:
    """Seals records under the hub's secret. Without a key nothing can be logged."""

    def __init__(self) -> None:
        self._inner: Any = None
        self._outer: Any = None

    def take(self, key: bytes) -> None:
        """Seals under this key from now on, of 64 bytes at most."""
        # HMAC by its definition (RFC 2104), both halves begun once: a call of the library costs twice as much.
        block = key.ljust(hashlib.sha256().block_size, b"\0")
        self._inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in block))
        self._outer = hashlib.sha256(bytes(byte ^ 0x5C for byte in block))

    def _mac(self, *parts: bytes) -> bytes:
        assert self._inner is not None, "the log has no key: the hub's secret was not opened"
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(b"".join(parts))
        outer.update(inner.digest())
        return bytes(outer.digest()[:MAC_BYTES])

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

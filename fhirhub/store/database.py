"""The port to the database: what the store asks of it, whichever it is.

A `Database` answers single statements and single writes, grouping those that wait together, and runs
transactions. `store/sqlite.py` and `store/postgresql/` alone know one from the other.
"""

from __future__ import annotations

import enum
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from fhirhub import errors
from fhirhub.store.chain import Chain, Entry, Sealer
from fhirhub.store.sql import Dialect, Row, Statement

T = TypeVar("T")
Key = tuple[str, str]
"""Type and logical id of a resource."""


def take_keys(tenant: int, count: int) -> Statement:
    """Takes `count` row keys and gives the first."""
    return Statement(
        "INSERT INTO row_key AS k (tenant, next) VALUES ($1, 1 + $2) "
        "ON CONFLICT (tenant) DO UPDATE SET next = k.next + $2 RETURNING next - $2",
        (tenant, count),
        ("int", "bigint"),
    )


class Verdict(enum.Enum):
    """What became of a Change."""

    DONE = "done"
    CONFLICT = "conflict"
    """The version expected is not the current one (or the id exists, where none was expected)."""
    MISSING = "missing"
    """Something it refers to does not exist."""


@dataclass(slots=True)
class Change:
    """The write of one version of one resource, with the index rows that find it.

    `expected` is the version that must be current, 0 where the id must be unused. A deletion has no body.
    `rows` are index rows by table, without tenant and rid. `targets` are the local resources that must exist.
    `patient` are the logical ids of whom it is about, with spaces between, or another owner (`RelatedPerson/x`);
    `label` its labels of restricted access (`resources/relations.py`); of a deletion, both are those of what was
    there. `write_id` is chosen once, before the first try, so that an unknown outcome can be looked up.
    """

    rid: int
    type: str
    id: str
    expected: int
    version: int
    updated: int
    method: str
    write_id: str
    body: bytes | None
    patient: str | None = None
    label: str | None = None
    rows: dict[str, list[tuple[Any, ...]]] = field(default_factory=dict)
    targets: frozenset[Key] = frozenset()


class Reader(Protocol):
    """Something that answers a SELECT."""

    @property
    def dialect(self) -> Dialect:
        """Of the database that answers."""
        ...

    async def fetch(self, statement: Statement) -> list[Row]:
        """All rows. Raises FhirError `too-costly` past the statement timeout."""
        ...


class Transaction(Reader, Protocol):
    """A database transaction under way. What it reads includes what it wrote."""

    async def execute(self, statement: Statement) -> int:
        """Runs a statement that writes; the number of rows it touched."""
        ...

    async def apply(
        self, tenant: int, changes: Sequence[Change], own: frozenset[Key] = frozenset()
    ) -> list[Verdict]:
        """Writes the changes, all of different resources; a verdict other than DONE wrote nothing of it. `own` is
        what this transaction makes besides: it need not be there yet."""
        ...

    def ahead(
        self, tenant: int, changes: Sequence[Change], own: frozenset[Key]
    ) -> Awaitable[list[Verdict]] | None:
        """The same for new resources, begun while the caller goes on with what comes next; None, and nothing is
        begun, where one does not gain by that."""
        ...

    async def amend(self, tenant: int, change: Change) -> None:
        """Replaces body and index rows of the version that this transaction wrote."""
        ...

    async def log(self, tenant: int, entries: Sequence[Entry]) -> None:
        """Adds records to the log."""
        ...

    async def spread(self, tenant: int) -> None:
        """Gives each record of the log that was committed the row by which it is found (`store/journal.py`)."""
        ...

    async def open_chain(self, tenant: int) -> Chain:
        """A new chain of the tenant's log, which a file goes on with (`store/logfile.py`)."""
        ...

    async def lock_names(self, tenant: int, names: Iterable[str]) -> None:
        """Holds these names until the end; taken in order, before anything is read."""
        ...

    async def lock_rows(self, tenant: int, keys: Iterable[Key]) -> None:
        """Holds these resources against any reference to them (a delete is coming), in key order."""
        ...


class Listening(Protocol):
    """Listens to what other processes call."""

    is_open: bool
    """Whether calls are heard now."""

    async def close(self) -> None: ...


class Database(Protocol):
    """One database, for any number of tenants."""

    dialect: Dialect
    sealer: Sealer
    """Seals the records of the log."""

    @property
    def goes_ahead(self) -> bool:
        """Whether a transaction that began now would write while its work goes on."""
        ...

    async def searching(self) -> Reader:
        """Where a search that begins now is answered: it sees all that was committed before."""
        ...

    async def fetch(self, statement: Statement) -> list[Row]: ...

    async def execute(self, statement: Statement) -> int: ...

    async def apply(self, tenant: int, change: Change) -> Verdict:
        """Writes one change by itself; durable when this returns."""
        ...

    async def log(self, tenant: int, entries: Sequence[Entry]) -> None:
        """Adds records to the log, with those of others who wait; durable when this returns."""
        ...

    async def spread(self, tenant: int) -> None:
        """Gives each record of the log the row by which it is found (`store/journal.py`)."""
        ...

    async def collect(self) -> None:
        """Brings into the database what of the log waits beside it."""
        ...

    async def transaction(self, work: Callable[[Transaction], Awaitable[T]], logging: int | None = None) -> T:
        """Runs `work` in one transaction and commits; again after a deadlock. Raises what `work` raises,
        with nothing written. `logging` is the tenant whose log it will add to."""
        ...

    async def fill(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """Puts many new rows into a table, all or none."""
        ...

    async def learn(self, tables: Sequence[str]) -> None:
        """Makes the database take note of what these tables hold, after many rows came or went."""
        ...

    async def take_keys(self, tenant: int, count: int) -> int:
        """The first of `count` fresh row keys."""
        ...

    async def durability(self) -> dict[str, str]:
        """The settings that decide what survives a crash, as read from a live connection."""
        ...

    async def call(self, text: str) -> None:
        """Tells it to every process that listens; a call may be lost. Nothing where a database cannot do that."""
        ...

    def listen(self, heard: Callable[[str], None]) -> Listening | None:
        """From now on, until it is closed, `heard` is given what is called, and '' when calls may have been lost;
        None where a database cannot do that."""
        ...

    async def measure(self) -> None:
        """Tells the metrics how it stands now."""
        ...

    async def close(self) -> None: ...


def too_costly() -> errors.FhirError:
    """What a statement gets that ran past its time."""
    return errors.too_costly(
        "The search took longer than this server allows. Narrow it: name a patient, an identifier or a "
        "shorter period, or ask for fewer includes."
    )

"""The file beside an SQLite database in which records of the log wait that no write brings along.

Who reads must not write where others read: every commit makes each reader look anew at the pages it knows, which
costs more than the read. So what was read goes, packed (`store/journal.py`), into a small file of its own, whose
commit is also a smaller one; what was written is logged in the transaction of the write. The chains in this file
begin in the database, and their records go there when they are spread.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
import threading
import time
from collections.abc import Iterable, Sequence

from fhirhub.store import journal
from fhirhub.store.chain import Chain, Entry, Sealer

SUFFIX = "-log"
SHORT_SECONDS = 0.002
"""A commit that takes longer is not waited for in the event loop."""

_TABLES = (
    "CREATE TABLE IF NOT EXISTS audit_journal (tenant INTEGER NOT NULL, chain INTEGER NOT NULL, number INTEGER NOT "
    "NULL, records INTEGER NOT NULL, content BLOB NOT NULL, PRIMARY KEY (tenant, chain, number)) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS audit_head (tenant INTEGER NOT NULL, chain INTEGER NOT NULL, birth BLOB NOT NULL, "
    "number INTEGER NOT NULL, mac BLOB NOT NULL, seal BLOB NOT NULL, PRIMARY KEY (tenant, chain)) WITHOUT ROWID",
)
_JOURNAL = (
    "CREATE TEMP VIEW audit_journal AS SELECT tenant, chain, number, records, content FROM main.audit_journal "
    "UNION ALL SELECT j.tenant, j.chain, j.number, j.records, j.content FROM beside.audit_journal j"
)
"""The journal as a whole."""
_CHAINS = (
    "CREATE TEMP VIEW audit_chain AS SELECT c.tenant, c.chain, c.opened, c.birth, "
    "CASE WHEN h.number > c.number THEN h.number ELSE c.number END AS number, "
    "CASE WHEN h.number > c.number THEN h.mac ELSE c.mac END AS mac, "
    "CASE WHEN h.number > c.number THEN h.seal ELSE c.seal END AS seal "
    "FROM main.audit_chain c LEFT JOIN beside.audit_head h ON h.tenant = c.tenant AND h.chain = c.chain"
)
"""Where each chain ends."""
_FOREIGN = (
    "FROM beside.{table} WHERE NOT EXISTS (SELECT 1 FROM beside.audit_head h JOIN main.audit_chain c "
    "ON c.tenant = h.tenant AND c.chain = h.chain AND c.birth = h.birth "
    "WHERE h.tenant = {table}.tenant AND h.chain = {table}.chain)"
)
"""What belongs to another database that had this name before."""
_HEAD = (
    "INSERT INTO audit_head (tenant, chain, birth, number, mac, seal) VALUES (?, ?, ?, ?, ?, ?) "
    "ON CONFLICT (tenant, chain) DO UPDATE SET number = excluded.number, mac = excluded.mac, seal = excluded.seal"
)


def path_of(database: str) -> str:
    """Where the file of this database is."""
    return f"{database}{SUFFIX}"


def attach(connection: sqlite3.Connection, database: str, *, write: bool) -> None:
    """Lets a connection to the database see what waits in the file; who writes chains, as they are in the database."""
    connection.execute("ATTACH ? AS beside", (path_of(database),))
    connection.execute("PRAGMA beside.mmap_size = 0").fetchone()
    connection.execute(_JOURNAL)
    if not write:
        connection.execute(_CHAINS)


def forget_others(connection: sqlite3.Connection) -> None:
    """Removes what belongs to a database that had this name before; of a connection that may write."""
    for table in ("audit_journal", "audit_head"):
        foreign = _FOREIGN.format(table=table)
        if connection.execute(f"SELECT 1 {foreign} LIMIT 1").fetchone():
            connection.execute(f"DELETE {foreign}")


class LogFile:
    """The file as one process writes it."""

    def __init__(self, database: str, sealer: Sealer) -> None:
        self._connection = sqlite3.connect(
            path_of(database), isolation_level=None, check_same_thread=False, timeout=30
        )
        self._connection.execute("PRAGMA journal_mode = WAL").fetchone()
        self._connection.execute("PRAGMA synchronous = FULL")
        self._connection.execute("PRAGMA secure_delete = ON").fetchone()
        for sql in _TABLES:
            self._connection.execute(sql)
        self._turn = os.open(f"{path_of(database)}-turn", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._alone = threading.Lock()
        """Of the threads of this process: the lock on the file is the process's, whichever of them asks."""
        self._sealer = sealer
        self._chains: dict[int, Chain] = {}
        self._births: dict[int, bytes] = {}
        self.is_slow = False
        """Whether the last commit took long."""

    def has_chain(self, tenant: int) -> bool:
        return tenant in self._chains

    def begin(self, chain: Chain) -> None:
        """A chain of a tenant, which begins in the database, goes on here."""
        self._chains[chain.tenant] = chain
        self._births[chain.tenant] = chain.mac

    def append(self, members: Iterable[tuple[int, Sequence[Entry]]], *, wait: bool) -> bool:
        """Puts records of tenants on disk; False where somebody else is at it, and no `wait`."""
        if not self._alone.acquire(blocking=wait):
            return False
        try:
            fcntl.flock(self._turn, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            try:
                self._append(members)
            finally:
                fcntl.flock(self._turn, fcntl.LOCK_UN)
        except BlockingIOError:
            return False
        finally:
            self._alone.release()
        return True

    def _append(self, members: Iterable[tuple[int, Sequence[Entry]]]) -> None:
        began = time.monotonic()
        logged: dict[int, list[Entry]] = {}
        for tenant, entries in members:
            logged.setdefault(tenant, []).extend(entries)
        ends: dict[int, Chain] = {}
        connection = self._connection
        connection.execute("BEGIN IMMEDIATE")
        try:
            for tenant, entries in logged.items():
                links = self._sealer.link(self._chains[tenant], entries)
                end = ends[tenant] = links.chain
                content = journal.packed(entries, links)
                connection.execute(_ADDED, (tenant, end.number, links.first, len(entries), content))
                birth = self._births[tenant]
                connection.execute(_HEAD, (tenant, end.number, birth, end.last, end.mac, links.seal))
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        self._chains |= ends
        self.is_slow = time.monotonic() - began > SHORT_SECONDS

    def remove(self, part: journal.Part) -> None:
        """Takes out what has its rows in the database now."""
        with self._alone:
            fcntl.flock(self._turn, fcntl.LOCK_EX)
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                for one in part.removed:
                    self._connection.execute(_REMOVED, one)
                self._connection.execute("COMMIT")
            finally:
                fcntl.flock(self._turn, fcntl.LOCK_UN)

    def close(self) -> None:
        self._connection.close()
        os.close(self._turn)


_ADDED = "INSERT INTO audit_journal (tenant, chain, number, records, content) VALUES (?, ?, ?, ?, ?)"
_REMOVED = "DELETE FROM audit_journal WHERE tenant = ? AND chain = ? AND number BETWEEN ? AND ?"

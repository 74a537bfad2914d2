"""The files in which records of the log wait that no write brings along: beside an SQLite database, and on the disk of
a host whose operator chose so (`FHIRHUB_AUDIT_FOLDER`) where the database is PostgreSQL.

On SQLite who reads must not write where others read: every commit makes each reader look anew at the pages it knows,
which costs more than the read. So what was read goes, packed (`store/journal.py`), behind the end of a file of the
process's own, which is as long as it needs to be already: one short write and nothing of the file system's own to bring
to disk. What was written is logged in the transaction of the write. The chains of these files begin in the database,
and their records are brought there before they are spread, and before anybody looks whether they are sound. Each
process has two files that take turns: one is emptied while the other is written. What is left of a process that is gone
is brought there by whoever is next.
"""

from __future__ import annotations

import asyncio
import fcntl
import glob
import os
import secrets
import sqlite3
import struct
import threading
import time
import zlib
from collections.abc import Awaitable, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import msgspec

from fhirhub import errors
from fhirhub.store import journal
from fhirhub.store.chain import Chain, Entry, Sealer
from fhirhub.store.gathering import Gathering, Told

SUFFIX = "-log"
MEMBERS = 128
"""Requests whose records are written together, at the most."""
SHORT_SECONDS = 0.002
"""A write that takes longer is not waited for in the event loop."""
CHUNK_BYTES = 1 << 20
"""By how much a file grows, in zeros that are on disk before a record is."""

_NOISE_BYTES = 6
"""In the name of a file."""
_MAGIC = b"fhl1"
_HEAD = struct.Struct(">4sII")
"""Before each pack: what it begins with, how long it is, and its checksum. Zeros follow the last one."""
_encode = msgspec.msgpack.Encoder().encode


class Pack(NamedTuple):
    """Records that were written together, of one tenant."""

    tenant: int
    chain: int
    number: int
    """Of the first of them."""
    records: int
    birth: bytes
    """What their chain begins with: a database that had this name before has other ones."""
    content: bytes


_decode = msgspec.msgpack.Decoder(Pack).decode
Heads = dict[tuple[int, int], tuple[bytes, int]]
"""By tenant and chain, what it begins with and how many of its records are in the database."""


class Found(NamedTuple):
    """What is in a file."""

    packs: list[Pack]
    is_broken: bool
    """Whether something before the last pack cannot be read: nothing that a lost machine leaves."""


def unwritable() -> errors.FhirError:
    """What a caller gets whose record could not be put on disk."""
    return errors.no_store("The log of who saw what could not be written: its disk has no room, or fails.")


def paths(database: str) -> list[Path]:
    """The files beside this database, whoever made them."""
    named = f"{glob.escape(database)}{SUFFIX}-{'[0-9a-f]' * 2 * _NOISE_BYTES}"
    return [Path(found) for found in sorted(glob.glob(named))]


def read(path: Path) -> Found:
    """The packs in a file. At the end one may be under way, or one that was when the machine stopped."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return Found([], False)
    packs: list[Pack] = []
    place, passed, is_broken = 0, False, False
    while (begins := content.find(_MAGIC, place)) >= 0 and begins + _HEAD.size <= len(content):
        passed = passed or (begins != place and any(content[place:begins].lstrip(b"\0")))
        _, length, check = _HEAD.unpack_from(content, begins)
        pack = _pack(content[begins + _HEAD.size : begins + _HEAD.size + length], length, check)
        if pack is None:
            passed, place = True, begins + 1
            continue
        is_broken |= passed
        passed = False
        packs.append(pack)
        place = begins + _HEAD.size + length
    return Found(packs, is_broken)


def _pack(content: bytes, length: int, check: int) -> Pack | None:
    if len(content) != length or zlib.crc32(content) != check:
        return None
    try:
        return _decode(content)
    except msgspec.DecodeError:
        return None


def heads_of(connection: sqlite3.Connection) -> Heads:
    """How far the chains are in the database."""
    rows = connection.execute("SELECT tenant, chain, birth, number FROM audit_chain")
    return {(row[0], row[1]): (row[2], row[3]) for row in rows}


def packs_of(database: str) -> list[Pack]:
    """What is in the files, in order."""
    return sorted((pack for path in paths(database) for pack in read(path).packs), key=lambda pack: pack[:3])


def missing(packs: Iterable[Pack], heads: Heads) -> list[Pack]:
    """Those that are of this database, and not in it."""
    return [pack for pack in packs if _knows(heads, pack) and not _has(heads, pack)]


def ends(pack: Pack) -> tuple[int, int, int, bytes, bytes] | None:
    """Where the chain ends with it: tenant, chain, number, MAC, seal; None where it cannot be read."""
    records, seal = journal.unpacked(pack.content)
    if not records:
        return None
    return pack.tenant, pack.chain, pack.number + len(records) - 1, records[-1][2], seal


def _knows(heads: Heads, pack: Pack) -> bool:
    return heads.get(pack[:2], (b"", 0))[0] == pack.birth


def _has(heads: Heads, pack: Pack) -> bool:
    return _knows(heads, pack) and pack.number <= heads[pack[:2]][1]


def remove_left(database: str, heads: Heads, *, others: bool = True) -> None:
    """Remove the files of processes that are gone, once the database has what is in them. One in which something
    cannot be read stays, for whoever wants to know what happened to it; without `others` one of another database too.
    """
    for path in paths(database):
        try:
            handle = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            continue
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            found = read(path)
            done = all(_has(heads, pack) or (others and not _knows(heads, pack)) for pack in found.packs)
            if done and not found.is_broken:
                path.unlink(missing_ok=True)
        except BlockingIOError:
            pass  # Its process lives.
        finally:
            os.close(handle)


class _File:
    """One of the two files of a process. Who holds its lock lives."""

    def __init__(self, database: str) -> None:
        self.path = Path(f"{database}{SUFFIX}-{secrets.token_hex(_NOISE_BYTES)}")
        # It gets its name once it is locked: without, others would take it for one of a process that is gone.
        draft = self.path.with_name(f"{self.path.name}.new")
        self._handle = os.open(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._handle, fcntl.LOCK_EX)
        self._size = 0
        self.end = 0
        self._grow()
        os.fsync(self._handle)
        draft.rename(self.path)
        folder = os.open(self.path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def append(self, content: bytes) -> None:
        """Put this on disk, behind what is there."""
        while self.end + len(content) > self._size:
            self._grow()
        _write(self._handle, content, self.end)
        os.fdatasync(self._handle)
        self.end += len(content)

    def _grow(self) -> None:
        _write(self._handle, bytes(CHUNK_BYTES), self._size)
        self._size += CHUNK_BYTES

    def empty(self) -> None:
        """Leave nothing of what was in it."""
        zeros = bytes(CHUNK_BYTES)
        for place in range(0, self.end, CHUNK_BYTES):
            _write(self._handle, zeros[: self.end - place], place)
        os.fdatasync(self._handle)
        self.end = 0

    def close(self) -> None:
        """From now on its process is as good as gone."""
        if self.end == 0:
            self.path.unlink(missing_ok=True)
        os.close(self._handle)


def _write(handle: int, content: bytes, place: int) -> None:
    view = memoryview(content)
    while view:
        written = os.pwrite(handle, view, place)
        view, place = view[written:], place + written


class LogFile:
    """What one process writes beside a database."""

    def __init__(self, database: str, sealer: Sealer) -> None:
        self._database = database
        self._sealer = sealer
        self._chains: dict[int, Chain] = {}
        self._births: dict[int, bytes] = {}
        self._writing: _File | None = None
        self._other: _File | None = None
        """What is to be emptied, or is empty."""
        self._lock = threading.Lock()
        self.is_slow = False
        """Whether the last write took long."""

    def has_chain(self, tenant: int) -> bool:
        return tenant in self._chains

    def begin(self, chain: Chain) -> None:
        """A chain of a tenant, which begins in the database, goes on here."""
        self._chains[chain.tenant] = chain
        self._births[chain.tenant] = chain.mac

    def append(self, members: Iterable[tuple[int, Sequence[Entry]]]) -> None:
        """Puts records of tenants on disk. After a failure other files and other chains follow: what of these is on
        disk then nobody knows, and rather a record stands there twice than not at all."""
        began = time.monotonic()
        with self._lock:
            self._append(members)
        self.is_slow = time.monotonic() - began > SHORT_SECONDS

    def _append(self, members: Iterable[tuple[int, Sequence[Entry]]]) -> None:
        logged: dict[int, list[Entry]] = {}
        for tenant, entries in members:
            logged.setdefault(tenant, []).extend(entries)
        ends: dict[int, Chain] = {}
        content = b""
        for tenant, entries in logged.items():
            links = self._sealer.link(self._chains[tenant], entries)
            ends[tenant] = links.chain
            packed = journal.packed(entries, links)
            place = (tenant, links.chain.number, links.first, len(entries))
            pack = _encode(Pack(*place, self._births[tenant], packed))
            content += _HEAD.pack(_MAGIC, len(pack), zlib.crc32(pack)) + pack
        try:
            if self._writing is None:
                self._writing = _File(self._database)
            self._writing.append(content)
        except BaseException:
            self._abandon()
            raise
        self._chains |= ends

    def turn(self) -> None:
        """Goes on in the other file, where that is empty, so that this one can be emptied."""
        with self._lock:
            if (
                self._writing is not None
                and self._writing.end
                and (self._other is None or not self._other.end)
            ):
                self._writing, self._other = self._other, self._writing

    def collected(self, heads: Heads) -> None:
        """Empties the file that is not written, once the database has what is in it."""
        other = self._other
        if other is not None and other.end and all(_has(heads, pack) for pack in read(other.path).packs):
            other.empty()

    def _abandon(self) -> None:
        for file in (self._writing, self._other):
            if file is not None:
                file.close()
        self._writing = self._other = None
        self._chains.clear()
        self._births.clear()

    def close(self) -> None:
        with self._lock:
            self._abandon()


class Telling:
    """The file of a process, and who waits for it. `open_chain` begins a chain in the database, `added` is told of what
    stands in the file, `meant` what a fault means to a caller."""

    def __init__(
        self,
        file: LogFile,
        open_chain: Callable[[int], Awaitable[Chain]],
        start: Callable[[Awaitable[None]], None],
        added: Callable[[int, int], None],
        meant: Callable[[Exception], Exception],
    ) -> None:
        self._file = file
        self._open_chain = open_chain
        self._added = added
        self._meant = meant
        self._gathering = Gathering(self._tell, start, MEMBERS)
        self._thread = ThreadPoolExecutor(1, "fhirhub-log")

    def add(self, tenant: int, entries: Sequence[Entry]) -> asyncio.Future[None]:
        """Done once these are on disk."""
        return self._gathering.add(tenant, entries)

    async def _tell(self, members: list[Told]) -> None:
        """One each after a failure, which has left nothing that counts."""
        failure = await self._append(members)
        for one in members:
            own = failure and (await self._append([one]) if len(members) > 1 else failure)
            if own is None:
                one.done()
            else:
                one.fail(own)

    async def _append(self, members: Sequence[Told]) -> Exception | None:
        """Why the records could not be put on disk."""
        told = [(tenant, entries) for tenant, entries, _ in members]
        try:
            for tenant, _ in told:
                if not self._file.has_chain(tenant):
                    self._file.begin(await self._open_chain(tenant))
            # A short wait for the disk costs the event loop less than waking a thread, and being woken by it.
            if self._file.is_slow:
                await asyncio.get_running_loop().run_in_executor(self._thread, self._file.append, told)
            else:
                self._file.append(told)
        except Exception as failure:
            return self._meant(failure)
        for tenant, entries in told:
            self._added(tenant, len(entries))
        return None

    async def collected(self, heads: Heads) -> None:
        """Empties the file that is not written, where the database has what is in it."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._file.collected, heads)

    def close(self) -> None:
        self._thread.shutdown()
        self._file.close()

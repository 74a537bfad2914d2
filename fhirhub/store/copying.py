"""Backup and restore of an SQLite database, by SQLite's own online copy (https://www.sqlite.org/backup.html)."""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from fhirhub.settings import Refusal
from fhirhub.store import logfile
from fhirhub.store.sql import Statement
from fhirhub.store.sqlite import SqliteDatabase, in_use

WAIT_SECONDS = 60
PAGES_AT_ONCE = 2000


class CannotCopy(Refusal):
    """A backup or restore that cannot be; the text says why and what would be right."""


def backup(database: Path, file: Path, tenant: str) -> None:
    """Write the database as it is at this moment, while others read and write it. The file has its name only
    when it is whole and on disk. Raises CannotCopy, also where that tenant is not in it."""
    if not database.exists():
        raise CannotCopy(f"there is no database {database}")
    if file.exists():
        raise CannotCopy(f"{file} is there already: a backup does not replace another")
    with closing(_open(database)) as source:
        _check_tenant(source, database, tenant)
    draft = file.with_name(file.name + ".part")
    os.close(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))
    with closing(_open(database)) as source, closing(sqlite3.connect(draft)) as target:
        source.backup(target, pages=PAGES_AT_ONCE)
        target.execute("PRAGMA journal_mode = DELETE")
    _sync(draft)
    draft.rename(file)
    _sync(file.parent)


async def gather(database: Path) -> None:
    """Bring into the database what waits beside it, so that a copy has it too."""
    opened = SqliteDatabase(str(database))
    try:
        rows = await opened.fetch(Statement("SELECT DISTINCT tenant FROM audit_chain"))
        for (tenant,) in rows:
            await opened.spread(int(tenant))
    finally:
        await opened.close()


def restore(file: Path, database: Path, tenant: str, *, overwrite: bool = False) -> None:
    """Make the database what the backup holds, in one transaction. Raises CannotCopy where the file is no
    whole backup or lacks that tenant, or the database holds something and `overwrite` does not say that it may go."""
    if not file.exists():
        raise CannotCopy(f"there is no file {file}")
    with closing(_open(file)) as source:
        _check(source, file)
        _check_tenant(source, file, tenant)
        if database.exists() and not overwrite and _holds_something(database):
            raise CannotCopy(
                f"{database} holds resources, which would be lost: --overwrite says that they may"
            )
        database.parent.mkdir(parents=True, exist_ok=True)
        with _alone(database), closing(sqlite3.connect(database, timeout=WAIT_SECONDS)) as target:
            target.execute("PRAGMA synchronous = FULL")
            try:
                source.backup(target)
                target.execute("PRAGMA journal_mode = WAL")
            except sqlite3.OperationalError as fault:
                raise CannotCopy(f"{database} is in use ({fault}): stop the hub first") from None
            for one in logfile.paths(str(database)):
                one.unlink(missing_ok=True)


@contextmanager
def _alone(database: Path) -> Iterator[None]:
    """While nobody else has the database open. Raises CannotCopy where somebody has."""
    held = in_use(str(database))
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise CannotCopy(f"{database} is in use: stop the hub that serves it first") from None
    finally:
        os.close(held)


def _open(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=WAIT_SECONDS)


def _check(source: sqlite3.Connection, file: Path) -> None:
    try:
        sound = source.execute("PRAGMA quick_check(1)").fetchone()[0] == "ok"
        tables = {row[0] for row in source.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    except sqlite3.DatabaseError:
        raise CannotCopy(f"{file} is no SQLite database") from None
    if not sound:
        raise CannotCopy(f"{file} is damaged")
    if not {"resource", "version", "instance"} <= tables:
        raise CannotCopy(f"{file} is not the database of a hub")


def _check_tenant(source: sqlite3.Connection, file: Path, tenant: str) -> None:
    try:
        names = [str(row[0]) for row in source.execute("SELECT name FROM tenant ORDER BY tenant")]
    except sqlite3.DatabaseError:
        raise CannotCopy(f"{file} is not the database of a hub") from None
    # The default one is made where it is lacking.
    if tenant not in (*names, "default"):
        raise CannotCopy(
            f"{file} has no tenant {tenant}; it has {', '.join(names)}. A copy is of the whole "
            "database, every tenant: name one of them, or leave --tenant out"
        )


def _holds_something(database: Path) -> bool:
    with closing(_open(database)) as connection:
        try:
            return connection.execute("SELECT 1 FROM resource LIMIT 1").fetchone() is not None
        except sqlite3.DatabaseError:
            return True


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

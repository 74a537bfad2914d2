"""Opening a database by its URL, and bringing its tables up to date."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from fhirhub.settings import Refusal
from fhirhub.store.database import Database
from fhirhub.store.turn import Turn

if TYPE_CHECKING:
    from sqlalchemy import Connection

T = TypeVar("T")

HEAD = "0015"
"""The newest migration; a test holds it against the files."""


def open_database(
    url: str,
    *,
    connections: int = 8,
    statement_timeout_ms: int = 10_000,
    grouping: bool = True,
    read_url: str | None = None,
    turn: Turn | None = None,
    log_folder: Path | None = None,
) -> Database:
    """The database at `sqlite:///absolute/path.db` or `postgresql://user@host:port/name`, whose tables
    are there (`migrate`). Of several hosts (`host:port,host:port`) the one that takes writes is used.
    `read_url` is a streaming replica for searches; of several workers each writes when it is its `turn`.
    `log_folder` is where, beside a PostgreSQL, what was read is logged first."""
    if url.startswith("sqlite:"):
        from fhirhub.store.sqlite import SqliteDatabase

        return SqliteDatabase(sqlite_path(url), statement_timeout_ms)
    from fhirhub.store.postgresql.database import PostgresqlDatabase

    primary = PostgresqlDatabase(
        url,
        connections,
        statement_timeout_ms=statement_timeout_ms,
        grouping=grouping,
        turn=turn,
        log_path=None if log_folder is None else str(log_folder / "hub"),
    )
    if read_url is None:
        return primary
    from fhirhub.store.replica import Replicated

    return Replicated(
        primary,
        PostgresqlDatabase(
            read_url,
            connections,
            statement_timeout_ms=statement_timeout_ms,
            patience_seconds=0.5,
            grouping=grouping,
        ),
    )


def sqlite_path(url: str) -> str:
    """The file of `sqlite:///absolute/path.db`."""
    return str(Path(url.removeprefix("sqlite://")))


def migrate(url: str) -> bool:
    """Makes the tables, or brings those of an earlier version up to date; whether anything was to be done.

    Several processes may call it at once: the first does it, the others wait.
    """
    if url.startswith("sqlite:"):
        path = Path(sqlite_path(url))
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with closing(sqlite3.connect(path)) as connection:
                connection.execute("PRAGMA schema_version").fetchone()
        except (OSError, sqlite3.DatabaseError) as fault:
            raise Refusal(f"{path} cannot be opened as a database: {fault}") from None
        if _sqlite_revision(path) == HEAD:
            return False
    return run_sync(url, _upgrade)


def run_sync(url: str, work: Callable[[Connection], T]) -> T:
    """Runs administrative work on a SQLAlchemy connection in a transaction of its own."""
    if url.startswith("sqlite:"):
        from sqlalchemy import create_engine, event

        engine = create_engine(
            f"sqlite:///{sqlite_path(url)}", connect_args={"timeout": 60, "isolation_level": None}
        )

        @event.listens_for(engine, "begin")
        def _begin(connection: Connection) -> None:
            # The driver's own begin comes too late for DDL (SQLAlchemy's note on pysqlite transactions).
            connection.exec_driver_sql("BEGIN IMMEDIATE")

        try:
            with engine.begin() as connection:
                return work(connection)
        finally:
            engine.dispose()

    from sqlalchemy.ext.asyncio import create_async_engine

    async def connect() -> Any:
        import asyncpg
        from asyncpg.connect_utils import SessionAttribute

        several = "," in urlsplit(url).netloc
        wanted = SessionAttribute.read_write if several else SessionAttribute.any
        return await asyncpg.connect(url, target_session_attrs=wanted)

    async def run() -> T:
        target = create_async_engine("postgresql+asyncpg://", async_creator=connect)
        try:
            async with target.begin() as connection:
                return await connection.run_sync(work)
        finally:
            await target.dispose()

    return asyncio.run(run())


def _sqlite_revision(path: Path) -> str | None:
    """The migration this file is at, read without loading a library: a second start is to be quick."""
    if not path.exists():
        return None
    connection = sqlite3.connect(path)
    try:
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    except sqlite3.OperationalError:
        return None
    finally:
        connection.close()
    return None if row is None else str(row[0])


def _upgrade(connection: Connection) -> bool:
    from alembic import command
    from alembic.runtime.migration import MigrationContext
    from sqlmodel import SQLModel

    from fhirhub.store import statistics, tables

    assert tables.RESOURCE.metadata is SQLModel.metadata
    postgresql = connection.dialect.name == "postgresql"
    if postgresql:
        connection.exec_driver_sql("SELECT pg_advisory_xact_lock(7267241)")
    before = MigrationContext.configure(connection).get_current_revision()
    if before == HEAD:
        return postgresql and _distribute(connection)
    command.upgrade(alembic_config(connection), "head")
    if postgresql and before is None:
        for statement in statistics.seed():
            connection.exec_driver_sql(statement)
    if postgresql:
        _distribute(connection)
    return True


def _distribute(connection: Connection) -> bool:
    """Spreads what is not spread yet, where the Citus extension is: the tables of a new migration, or all of
    those that were made before the extension. Whether anything was to be done."""
    if connection.exec_driver_sql("SELECT 1 FROM pg_extension WHERE extname = 'citus'").first() is None:
        return False
    spread = connection.exec_driver_sql("SELECT table_name::text FROM citus_tables")
    statements = list(distribution(frozenset(str(row[0]) for row in spread)))
    for statement in statements:
        connection.exec_driver_sql(statement)
    return bool(statements)


def distribution(spread: frozenset[str] = frozenset()) -> Iterator[str]:
    """The statements that spread the tables over the nodes of a Citus cluster, but those that are spread
    already: each tenant's rows together on one node, what is common on all
    (https://docs.citusdata.com/en/stable/develop/api_udf.html)."""
    from fhirhub.store import tables

    for table in tables.COMMON:
        if table not in spread:
            yield f"SELECT create_reference_table('{table}')"
    first = tables.OF_TENANT[0]
    for table in tables.OF_TENANT:
        if table not in spread:
            beside = "none" if table == first else first
            yield f"SELECT create_distributed_table('{table}', 'tenant', colocate_with => '{beside}')"


def alembic_config(connection: Connection) -> Any:
    """Alembic's configuration of this store's migrations on this connection."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", "fhirhub.store:migrations")
    config.attributes["connection"] = connection
    return config

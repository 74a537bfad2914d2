"""Opening a database by its URL, and bringing its tables up to date."""

from __future__ import annotations

from pathlib import Path

from fhirhub.store.database import Database


def open_database(
    url: str,
    *,
    connections: int = 8,
    statement_timeout_ms: int = 10_000,
    grouping: bool = True,
) -> Database:
    """The database at `sqlite:///absolute/path.db` or `postgresql://user@host:port/name`, whose tables
    are there (`migrate`)."""
    if url.startswith("sqlite:"):
        from fhirhub.store.sqlite import SqliteDatabase

        return SqliteDatabase(sqlite_path(url), statement_timeout_ms)
    from fhirhub.store.postgresql import PostgresqlDatabase

    return PostgresqlDatabase(
        url, connections, statement_timeout_ms=statement_timeout_ms, grouping=grouping
    )


def sqlite_path(url: str) -> str:
    """The file of `sqlite:///absolute/path.db`."""
    return str(Path(url.removeprefix("sqlite://")))


def migrate(url: str) -> None:
    """Makes the tables, or brings those of an earlier version up to date."""
    from sqlalchemy import create_engine
    from sqlmodel import SQLModel

    from fhirhub.store import statistics, tables

    assert tables.RESOURCE is not None
    if url.startswith("sqlite:"):
        Path(sqlite_path(url)).parent.mkdir(parents=True, exist_ok=True)
        engine = create_engine(f"sqlite:///{sqlite_path(url)}")
        with engine.begin() as connection:
            SQLModel.metadata.create_all(connection)
        engine.dispose()
        return
    import asyncio

    from sqlalchemy.ext.asyncio import create_async_engine

    async def make() -> None:
        target = create_async_engine(url.replace("postgresql://", "postgresql+asyncpg://", 1))
        async with target.begin() as connection:
            await connection.run_sync(SQLModel.metadata.create_all)
            for statement in statistics.seed():
                await connection.exec_driver_sql(statement)
        await target.dispose()

    asyncio.run(make())

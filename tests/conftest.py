"""What every test can have: a database of its own on SQLite and on PostgreSQL."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio

from fhirhub.store import tables
from fhirhub.store.database import Database
from fhirhub.store.opening import migrate, open_database
from tests.postgres import PostgresServer, postgres_server

_EMPTY = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()
      AND usename = current_user AND backend_type = 'client backend' AND pid <> pg_backend_pid();
    DO $$ DECLARE one regclass; BEGIN
      FOR one IN SELECT oid FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
        AND relname <> 'alembic_version' LOOP EXECUTE 'DELETE FROM ' || one; END LOOP;
    END $$
"""


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL cluster for this run, with a database `template_hub` that has the tables. What survives a
    crash is tested on clusters of their own: this one need not wait for the disk."""
    with postgres_server({"fsync": "off"}) as server:
        migrate(server.create_database("template_hub"))
        yield server


@pytest.fixture
def own_postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL cluster of the test's own, to do harm to, with an empty database `hub`."""
    with postgres_server() as server:
        migrate(server.create_database("hub"))
        yield server


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sqlite") / "template.db"
    migrate(f"sqlite://{path}")
    return path


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    """An empty SQLite database with the tables."""
    shutil.copy(sqlite_template, tmp_path / "hub.db")
    return f"sqlite://{tmp_path / 'hub.db'}"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--citus-url",
        metavar="URL",
        help="run what can run there on this database, which has the Citus extension, and nothing else",
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """With --citus-url: only what needs one PostgreSQL, and none of its own to do harm to."""
    if config.getoption("--citus-url"):
        away = [item for item in items if not _runs_on_one_postgresql(item)]
        config.hook.pytest_deselected(items=away)
        items[:] = [item for item in items if _runs_on_one_postgresql(item)]


def _runs_on_one_postgresql(item: pytest.Item) -> bool:
    fixtures = getattr(item, "fixturenames", ())
    if {"postgres", "own_postgres", "sqlite_url"} & set(fixtures):
        return False
    callspec = getattr(item, "callspec", None)
    chosen = callspec.params.get("database_url") if callspec else None
    return chosen == "postgresql" or (chosen is None and "postgresql_url" in fixtures)


@pytest.fixture(scope="session")
def _postgresql_hub(request: pytest.FixtureRequest) -> str:
    given = request.config.getoption("--citus-url")
    if given:
        migrate(given)
        asyncio.run(_hold_distributed(given))
        return str(given)
    server: PostgresServer = request.getfixturevalue("postgres")
    return server.create_database("hub", "template_hub")


async def _hold_distributed(url: str) -> None:
    """Fail unless every table of a tenant is spread by tenant, all together, and every other is everywhere."""
    connection = await asyncpg.connect(url)
    try:
        rows = await connection.fetch(
            "SELECT table_name::text, citus_table_type, distribution_column, colocation_id FROM citus_tables"
        )
    finally:
        await connection.close()
    found = {row[0]: tuple(row)[1:] for row in rows}
    kinds = {name: kind for name, (kind, _, _) in found.items()}
    assert kinds == {
        **dict.fromkeys(tables.COMMON, "reference"),
        **dict.fromkeys(tables.OF_TENANT, "distributed"),
    }
    assert len({found[name] for name in tables.OF_TENANT}) == 1
    assert found[tables.OF_TENANT[0]][1] == "tenant"


@pytest.fixture
def postgresql_url(_postgresql_hub: str) -> str:
    """An empty PostgreSQL database with the tables: the one of this run, emptied."""
    asyncio.run(_empty(_postgresql_hub))
    return _postgresql_hub


async def _empty(url: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(_EMPTY)
    finally:
        await connection.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """An empty database with the tables, once on each."""
    return str(request.getfixturevalue(f"{request.param}_url"))


@pytest_asyncio.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    opened = open_database(database_url)
    yield opened
    await opened.close()

"""What every test can have: a database of its own on SQLite and on PostgreSQL."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from fhirhub.store.database import Database
from fhirhub.store.opening import migrate, open_database
from tests.postgres import PostgresServer, postgres_server

_EMPTY = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'hub' AND pid <> pg_backend_pid();
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


@pytest.fixture(scope="session")
def _postgresql_hub(postgres: PostgresServer) -> str:
    return postgres.create_database("hub", "template_hub")


@pytest.fixture
def postgresql_url(postgres: PostgresServer, _postgresql_hub: str) -> str:
    """An empty PostgreSQL database with the tables: the one of this run, emptied."""
    postgres.execute(_EMPTY, "hub")
    return _postgresql_hub


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """An empty database with the tables, once on each."""
    return str(request.getfixturevalue(f"{request.param}_url"))


@pytest_asyncio.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    opened = open_database(database_url)
    yield opened
    await opened.close()

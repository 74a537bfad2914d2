"""The migrations make the tables that the code means, on both databases."""

from __future__ import annotations

from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, text
from sqlmodel import SQLModel

from fhirhub.settings import Refusal
from fhirhub.store import opening, tables
from tests.postgres import PostgresServer


def test_the_head_named_in_code_is_the_newest_migration(sqlite_url: str) -> None:
    def head(connection: Connection) -> str | None:
        return ScriptDirectory.from_config(opening.alembic_config(connection)).get_current_head()

    assert opening.run_sync(sqlite_url, head) == opening.HEAD


def test_migrations_make_exactly_the_tables_of_the_code(database_url: str) -> None:
    def differences(connection: Connection) -> list[object]:
        return list(compare_metadata(MigrationContext.configure(connection), SQLModel.metadata))

    assert tables.INDEXES
    assert opening.run_sync(database_url, differences) == []


def test_a_database_that_is_up_to_date_is_left_alone(database_url: str) -> None:
    assert opening.migrate(database_url) is False


def test_every_key_contains_the_tenant(database_url: str) -> None:
    def keys(connection: Connection) -> list[tuple[str, list[str | None]]]:
        found: list[tuple[str, list[str | None]]] = []
        inspector = inspect(connection)
        for table in inspector.get_table_names():
            if table == "alembic_version":
                continue
            primary = inspector.get_pk_constraint(table)["constrained_columns"]
            if primary:
                found.append((table, list(primary)))
            found += [(table, i["column_names"]) for i in inspector.get_indexes(table)]
            found += [(table, list(u["column_names"])) for u in inspector.get_unique_constraints(table)]
            found += [(table, list(f["constrained_columns"])) for f in inspector.get_foreign_keys(table)]
        return found

    known = opening.run_sync(database_url, keys)
    assert len(known) > 30
    assert [(table, columns) for table, columns in known if columns[0] != "tenant"] == []


def test_fresh_postgresql_tables_have_statistics(postgresql_url: str) -> None:
    def analysed(connection: Connection) -> set[str]:
        rows = connection.execute(text("SELECT DISTINCT tablename FROM pg_stats WHERE schemaname = 'public'"))
        return {str(row[0]) for row in rows}

    assert {"resource", "version", "token", "reference"} <= opening.run_sync(postgresql_url, analysed)


def test_a_new_file_is_made_with_its_folder(tmp_path: Path) -> None:
    assert opening.migrate(f"sqlite://{tmp_path}/new/hub.db") is True


def test_every_table_is_either_common_or_spread_by_tenant() -> None:
    assert set(tables.COMMON) | set(tables.OF_TENANT) == set(SQLModel.metadata.tables)
    assert len(list(opening.distribution())) == len(SQLModel.metadata.tables)


def test_a_file_that_cannot_be_made_is_told_in_a_sentence() -> None:
    with pytest.raises(Refusal, match="cannot be opened"):
        opening.migrate("sqlite:////proc/no/hub.db")


_FAKE_CITUS = """
    CREATE TABLE pg_extension AS SELECT 'citus'::name AS extname;
    CREATE TABLE spread (number serial, table_name regclass, beside text);
    CREATE VIEW citus_tables AS SELECT table_name FROM spread;
    CREATE FUNCTION create_reference_table(name regclass) RETURNS void LANGUAGE sql AS
      $$ INSERT INTO spread (table_name, beside) VALUES (name, 'everywhere') $$;
    CREATE FUNCTION create_distributed_table(name regclass, by text, colocate_with text) RETURNS void
      LANGUAGE sql AS $$ INSERT INTO spread (table_name, beside) VALUES (name, colocate_with) $$;
    ALTER DATABASE spread SET search_path = public, pg_catalog
"""
"""What `migrate` sees of the extension, where it cannot be had: it is found before the real catalogue."""


def test_migrate_spreads_what_is_not_spread_yet(postgres: PostgresServer) -> None:
    url = postgres.create_database("spread", "template_hub")
    try:
        assert opening.migrate(url) is False
        for statement in _FAKE_CITUS.split(";\n"):
            postgres.execute(statement, "spread")

        assert opening.migrate(url) is True, "the tables were there before the extension"
        rows = postgres.execute("SELECT table_name || ' ' || beside FROM spread ORDER BY number", "spread")
        first = tables.OF_TENANT[0]
        assert rows.split("\n") == [
            *(f"{name} everywhere" for name in tables.COMMON),
            f"{first} none",
            *(f"{name} {first}" for name in tables.OF_TENANT[1:]),
        ]
        assert opening.migrate(url) is False, "all of them are spread"

        postgres.execute("DELETE FROM spread WHERE table_name = 'job'::regclass", "spread")
        assert opening.migrate(url) is True, "one is new"
        count = "SELECT count(*), count(DISTINCT table_name) FROM spread"
        assert postgres.execute(count, "spread") == "|".join([str(len(rows.split("\n")))] * 2)
    finally:
        postgres.drop_database("spread")

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

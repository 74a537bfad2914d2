"""A hub goes on with the data of an earlier version."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from alembic import command
from sqlalchemy import Connection, inspect, text

from fhirhub import settings
from fhirhub.app import Application, create_app
from fhirhub.store import opening, reindex
from fhirhub.store.sql import Statement
from tests.postgres import PostgresServer

Rows = dict[str, list[dict[str, Any]]]


@pytest.fixture
def earlier_url(request: pytest.FixtureRequest, database_url: str, tmp_path: Path) -> Iterator[str]:
    """A second database of the same kind, without tables."""
    if database_url.startswith("sqlite:"):
        yield f"sqlite://{tmp_path / 'earlier.db'}"
        return
    postgres: PostgresServer = request.getfixturevalue("postgres")
    yield postgres.create_database("earlier")
    postgres.drop_database("earlier")


def _app(url: str, tmp_path: Path) -> Application:
    return create_app(settings.read({}, database=url, secret_file=tmp_path / "hub.secret", auth="none"))


def _client(app: Application) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://hub.test/fhir")


async def _filled(url: str, tmp_path: Path) -> None:
    app = _app(url, tmp_path)
    async with app.running(), _client(app) as client:
        for version in ("Jansen", "Visser"):
            await client.put(
                "Patient/p", json={"resourceType": "Patient", "id": "p", "name": [{"family": version}]}
            )
        plan = {
            "resourceType": "CarePlan", "id": "c", "status": "active", "intent": "plan",
            "subject": {"reference": "Patient/p"}, "period": {"start": "2026-01"},
        }  # fmt: skip
        await client.put("CarePlan/c", json=plan)
        await client.put("Organization/o", json={"resourceType": "Organization", "id": "o", "name": "Linde"})
        service = {"resourceType": "HealthcareService", "providedBy": {"reference": "Organization/o"}}
        await client.post("HealthcareService", json=service)
        await client.put("Basic/gone", json={"resourceType": "Basic", "id": "gone", "code": {"text": "x"}})
        await client.delete("Basic/gone")


def _taken(connection: Connection) -> Rows:
    inspector = inspect(connection)
    return {
        table: [dict(row) for row in connection.execute(text(f"SELECT * FROM {table}")).mappings()]
        for table in inspector.get_table_names()
        if table != "alembic_version"
    }


async def _goes_on(url: str, tmp_path: Path, relations: int) -> None:
    app = _app(url, tmp_path)
    async with app.running(), _client(app) as client:
        assert (await client.get("Patient/p")).json()["name"] == [{"family": "Visser"}]
        assert (await client.get("Patient/p/_history/1")).json()["name"] == [{"family": "Jansen"}]
        assert (await client.get("Basic/gone")).status_code == 410
        found = (
            await client.get("CarePlan?patient.family=visser&date=ge2026&_include=CarePlan:patient")
        ).json()
        assert [one["resource"]["id"] for one in found["entry"]] == ["c", "p"]
        changed = await client.put(
            "Patient/p", json={"resourceType": "Patient", "id": "p", "name": [{"family": "Bakker"}]}
        )
        assert changed.headers["etag"] == 'W/"3"'
        made = await client.post("Basic", json={"resourceType": "Basic", "code": {"text": "x"}})
        assert made.status_code == 201
        assert len((await client.get("Patient/p/_history")).json()["entry"]) == 3
        assert app.tenants is not None
        tenant = await app.tenants.get("default")
        # What the earlier tables did not hold is there once the hub indexed anew, which nobody has to ask for.
        while await reindex.waits(tenant.database, [tenant.number]):
            await asyncio.sleep(0.1)
        related = Statement("SELECT count(*) FROM relation r WHERE r.tenant = $1", (tenant.number,), ("int",))
        assert (await tenant.database.fetch(related))[0][0] == relations > 0


@pytest.mark.parametrize("revision", ["0001", f"{int(opening.HEAD) - 1:04}"])
def test_a_hub_goes_on_with_the_data_of_an_earlier_version(
    database_url: str, earlier_url: str, tmp_path: Path, revision: str
) -> None:
    asyncio.run(_filled(database_url, tmp_path))
    rows = opening.run_sync(database_url, _taken)

    def put(connection: Connection) -> None:
        """The same data as the tables of that revision hold it."""
        command.upgrade(opening.alembic_config(connection), revision)
        inspector = inspect(connection)
        for table in inspector.get_table_names():
            known = [column["name"] for column in inspector.get_columns(table)]
            kept = [{name: row[name] for name in known} for row in rows.get(table, ())]
            if kept:
                places = ", ".join(f":{name}" for name in known)
                connection.execute(text(f"INSERT INTO {table} ({', '.join(known)}) VALUES ({places})"), kept)

    opening.run_sync(earlier_url, put)
    assert opening.migrate(earlier_url) is True
    assert opening.migrate(earlier_url) is False

    asyncio.run(_goes_on(earlier_url, tmp_path, len(rows["relation"])))

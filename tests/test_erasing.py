"""`fhirhub erase` of patients, organisations and single resources, again after a restore, and `fhirhub retention`
(RULES R35)."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from fhirhub.store import erasing
from fhirhub.store.opening import open_database
from fhirhub.store.sql import Statement
from tests.test_cli import Runner, run

__all__ = ["run"]

ORGANIZATION = {"reference": "Organization/o"}
REGION: list[dict[str, Any]] = [
    {"resourceType": "Organization", "id": "o", "name": "Praktijk Weg"},
    {"resourceType": "Organization", "id": "p", "name": "Praktijk Blijft"},
    {"resourceType": "Practitioner", "id": "alone", "name": [{"text": "Alleen Daar"}]},
    {"resourceType": "Practitioner", "id": "both", "name": [{"text": "Ook Elders"}]},
    *(
        {
            "resourceType": "PractitionerRole",
            "id": f"{person}-{place}",
            "practitioner": {"reference": f"Practitioner/{person}"},
            "organization": {"reference": f"Organization/{place}"},
        }
        for person, place in (("alone", "o"), ("both", "o"), ("both", "p"))
    ),
    {"resourceType": "HealthcareService", "id": "s", "providedBy": ORGANIZATION},
    {"resourceType": "Patient", "id": "a", "managingOrganization": ORGANIZATION},
    {
        "resourceType": "Observation",
        "id": "x",
        "status": "final",
        "code": {"text": "gewicht"},
        "subject": {"reference": "Patient/a"},
    },
]


@pytest.fixture
def region(tmp_path: Path) -> Path:
    file = tmp_path / "region.ndjson"
    file.write_text("".join(json.dumps(one) + "\n" for one in REGION))
    return file


def ask(url: str, sql: str) -> list[Any]:
    async def asked() -> list[Any]:
        database = open_database(url)
        try:
            return [tuple(row) for row in await database.fetch(Statement(sql))]
        finally:
            await database.close()

    return asyncio.run(asked())


def ids(url: str) -> set[str]:
    return {f"{type}/{id}" for type, id in ask(url, "SELECT type, id FROM resource")}


@pytest.fixture
def loaded(
    run: Runner, database_url: str, region: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> str:
    monkeypatch.setenv("FHIRHUB_ERASURES_FILE", str(tmp_path / "erasures"))
    assert run("load", str(region), "--database", database_url).status == 0
    return database_url


def test_one_resource_is_erased_with_its_versions(run: Runner, loaded: str, region: Path) -> None:
    region.write_text(region.read_text().replace("gewicht", "lengte"))
    run("load", str(region), "--database", loaded)
    asked = (
        "erase",
        "--resource",
        "Observation/x",
        "--ground",
        "wrong patient",
        "--decider",
        "T. Proef",
        "--yes",
    )
    assert run(*asked, "--database", loaded).status == 0
    assert "Observation/x" not in ids(loaded)
    assert "Patient/a" in ids(loaded)
    for table in ("version", "token", "reference"):
        assert ask(loaded, f"SELECT 1 FROM {table} WHERE rid NOT IN (SELECT rid FROM resource)") == [], table
    (told,) = ask(loaded, "SELECT kind, subject, ground, decider, resources FROM erasure")
    assert told == ("resource", "Observation/x", "wrong patient", "T. Proef", 1)
    assert run(*asked, "--database", loaded).status == 2


def test_an_organisation_is_erased_with_what_is_its_own(run: Runner, loaded: str) -> None:
    ran = run("erase", "--organization", "o", "--yes", "--database", loaded)
    assert ran.status == 0
    assert "Patient/a" in ran.err
    assert ids(loaded) == {
        "Organization/p", "Practitioner/both", "PractitionerRole/both-p", "Patient/a", "Observation/x",
    }  # fmt: skip


@pytest.mark.parametrize(
    "asked",
    [(), ("--patient", "a", "--organization", "o"), ("--resource", "Patient/a"), ("--resource", "x")],
)
def test_it_is_said_what_is_to_be_erased(run: Runner, loaded: str, asked: tuple[str, ...]) -> None:
    ran = run("erase", *asked, "--yes", "--database", loaded)
    assert (ran.status, "expects" in ran.err or "--patient a" in ran.err) == (2, True)
    assert len(ids(loaded)) == len(REGION)


def test_what_a_restored_backup_brings_back_is_erased_again(
    run: Runner, sqlite_url: str, region: Path, tmp_path: Path
) -> None:
    run("load", str(region), "--database", sqlite_url)
    copy = str(tmp_path / "copy.db")
    assert run("backup", copy, "--database", sqlite_url).status == 0
    assert run("erase", "--patient", "a", "--ground", "asked", "--yes", "--database", sqlite_url).status == 0
    ran = run("restore", copy, "--overwrite", "--database", sqlite_url)
    assert "Erased 1 again" in ran.out
    assert not {"Patient/a", "Observation/x"} & ids(sqlite_url)
    assert ask(sqlite_url, "SELECT subject, ground FROM erasure") == [("Patient/a", "asked")]


def test_the_list_is_enough_where_the_database_itself_was_lost(
    run: Runner, sqlite_url: str, region: Path, tmp_path: Path
) -> None:
    run("load", str(region), "--database", sqlite_url)
    copy = str(tmp_path / "copy.db")
    run("backup", copy, "--database", sqlite_url)
    run("erase", "--patient", "a", "--yes", "--database", sqlite_url)
    path = Path(sqlite_url.removeprefix("sqlite://"))
    for lost in path.parent.glob(f"{path.name}*"):
        lost.unlink()
    assert "Erased 1 again" in run("restore", copy, "--database", sqlite_url).out
    assert not {"Patient/a", "Observation/x"} & ids(sqlite_url)


def test_a_database_that_came_back_by_other_tools_is_erased_again(
    run: Runner, loaded: str, region: Path
) -> None:
    run("erase", "--patient", "a", "--yes", "--database", loaded)

    async def forget() -> None:
        database = open_database(loaded)
        await database.execute(Statement("DELETE FROM erasure WHERE tenant = 1"))
        await database.close()

    asyncio.run(forget())
    run("load", str(region), "--database", loaded)
    assert "Patient/a" in ids(loaded)
    assert "Erased 1 again" in run("erase", "--again", "--database", loaded).out
    assert "Patient/a" not in ids(loaded)
    assert "Erased 0 again" in run("erase", "--again", "--database", loaded).out


def test_a_list_of_erasures_that_was_damaged_is_not_passed_over(
    run: Runner, sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "erasures").write_text("{}\n")
    monkeypatch.setenv("FHIRHUB_ERASURES_FILE", str(tmp_path / "erasures"))
    ran = run("erase", "--again", "--database", sqlite_url)
    assert (ran.status, "line 1" in ran.err) == (2, True)


def test_patients_unchanged_for_twenty_years_are_listed(run: Runner, loaded: str) -> None:
    assert "0 patients" in run("retention", "--database", loaded).err
    old = 1_000_000_000_000_000

    async def age() -> None:
        database = open_database(loaded)
        await database.execute(
            Statement(
                "UPDATE resource SET updated = $1 WHERE tenant = 1 AND patient = 'a'", (old,), ("bigint",)
            )
        )
        await database.close()

    asyncio.run(age())
    ran = run("retention", "--database", loaded)
    assert ran.out.splitlines() == ["Patient/a  last change 2001-09-09  2 resources"]


def test_the_erasures_of_a_database_of_before_are_read(tmp_path: Path) -> None:
    from fhirhub.store import erasures

    path = tmp_path / "old.db"
    with closing(sqlite3.connect(path)) as made:
        made.execute("CREATE TABLE tenant (tenant INT, name TEXT)")
        made.execute("CREATE TABLE erasure (tenant INT, id TEXT, subject TEXT, ground TEXT, erased INT)")
        made.execute("INSERT INTO tenant VALUES (1, 'default')")
        made.execute("INSERT INTO erasure VALUES (1, 'e', 'Patient/a', 'asked', 5)")
        made.commit()
    (found,) = erasures.of_file(path)
    assert found.erasure == erasing.Erasure("e", "patient", "Patient/a", "asked", "", 5)

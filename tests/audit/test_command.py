"""`fhirhub audit verify`, and what `load` and `erase` leave in the log."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from fhirhub.audit import recording
from fhirhub.cli import commands

PATIENT = {"resourceType": "Patient", "id": "anna", "name": [{"family": "Jansen"}]}


@pytest.fixture
def loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A database into which a patient was loaded."""
    monkeypatch.setenv("FHIRHUB_DATABASE", f"sqlite://{tmp_path / 'hub.db'}")
    (tmp_path / "anna.json").write_text(json.dumps(PATIENT))
    assert run("load", str(tmp_path / "anna.json")).exit_code == 0
    return tmp_path / "hub.db"


def run(*words: str) -> Result:
    return CliRunner().invoke(commands, words)


def rows(path: Path, sql: str) -> list[tuple[object, ...]]:
    connection = sqlite3.connect(path)
    try:
        found = connection.execute(sql).fetchall()
        connection.commit()
        return found
    finally:
        connection.close()


def test_a_load_is_the_administrators(loaded: Path) -> None:
    found = rows(loaded, "SELECT interaction, patient, role, rule, client FROM audit")
    assert found == [("load", "anna", "beheerder", "administrator", "fhirhub load")]


def test_an_erasure_keeps_the_log_and_tells_ground_and_decider(loaded: Path) -> None:
    rows(loaded, "UPDATE audit SET query = NULL")
    asked = ("erase", "--patient", "anna", "--ground", "article 17", "--decider", "T. Oefenberg", "--yes")
    assert run(*asked).exit_code == 0
    (_, erased) = rows(loaded, "SELECT interaction, patient, detail FROM audit ORDER BY recorded")
    assert erased[:2] == ("erase", "anna")
    assert recording.details(str(erased[2])) == {"ground": "article 17", "decider": "T. Oefenberg"}
    assert "2 records" in run("audit", "verify").stdout


def test_a_sound_log_is_said_to_be(loaded: Path) -> None:
    done = run("audit", "verify")
    assert (done.exit_code, done.stdout) == (0, "The log is sound: 1 records in 1 chains.\n")


def test_a_record_that_is_missing_is_named(loaded: Path) -> None:
    rows(loaded, "DELETE FROM audit")
    done = run("audit", "verify")
    assert done.exit_code == 1
    assert "1-1" in done.stderr


def test_heads_kept_elsewhere_find_a_log_that_was_put_back(loaded: Path, tmp_path: Path) -> None:
    copy = sqlite3.connect(tmp_path / "before.db")
    with sqlite3.connect(loaded) as live:
        live.backup(copy)
    assert run("load", str(tmp_path / "anna.json")).exit_code == 0
    (tmp_path / "anna.json").write_text(json.dumps({**PATIENT, "birthDate": "1950-01-01"}))
    assert run("load", str(tmp_path / "anna.json")).exit_code == 0
    heads = str(tmp_path / "heads.json")
    assert run("audit", "verify", "--heads", heads).exit_code == 0
    with sqlite3.connect(loaded) as live:
        copy.backup(live)
    copy.close()
    assert run("audit", "verify").exit_code == 0
    assert run("audit", "verify", "--heads", heads).exit_code == 1

"""The command line: what each command does, prints and refuses."""

from __future__ import annotations

import asyncio
import json
import os
import re
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import click
import pytest
import typer
from joserfc.jwk import ECKey

from fhirhub import cli, jobs, settings
from fhirhub.store.index import TABLES
from fhirhub.store.opening import open_database
from fhirhub.store.sql import Statement


class Ran:
    """What a command printed and how it ended."""

    def __init__(self, status: int, out: str, err: str) -> None:
        self.status, self.out, self.err = status, out, err


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Runner:
    for variable in [setting.variable for setting in settings.described()]:
        monkeypatch.delenv(variable, raising=False)
    return Runner(capsys, monkeypatch)


class Runner:
    """Runs `fhirhub` with some arguments in this process."""

    def __init__(self, captured: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        self._captured = captured
        self._monkeypatch = monkeypatch

    def __call__(self, *arguments: str) -> Ran:
        self._captured.readouterr()
        self._monkeypatch.setattr(sys, "argv", ["fhirhub", *arguments])
        mask = os.umask(0o022)
        try:
            cli.main()
            status = 0
        except SystemExit as ended:
            status = ended.code if isinstance(ended.code, int) else 0
        finally:
            os.umask(mask)
        captured = self._captured.readouterr()
        return Ran(status, captured.out, captured.err)


@pytest.fixture
def region(tmp_path: Path) -> Path:
    """A file with a patient and a plan."""
    patient = {"resourceType": "Patient", "id": "p"}
    plan = {
        "resourceType": "CarePlan",
        "id": "c",
        "status": "active",
        "intent": "plan",
        "subject": {"reference": "Patient/p"},
    }
    path = tmp_path / "region.ndjson"
    path.write_text(f"{json.dumps(patient)}\n{json.dumps(plan)}\n")
    return path


def _options() -> Iterator[tuple[str, typer.core.TyperOption]]:
    """Every option of every command."""

    def walk(command: Any, words: list[str]) -> Iterator[tuple[str, typer.core.TyperOption]]:
        if isinstance(command, click.Group):
            context = click.Context(command)
            for name in command.list_commands(context):
                yield from walk(command.get_command(context, name), [*words, name])
        else:
            for parameter in command.params:
                if parameter.param_type_name == "option":
                    yield " ".join(words), parameter

    return walk(cli.commands, [])


@pytest.mark.parametrize("module", ["fhirhub", "fhirhub.cli"])
def test_help_comes_without_loading_what_commands_do(module: str) -> None:
    command = [sys.executable, "-X", "importtime", "-m", module, "--help"]
    told = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "Start the hub." in told.stdout
    loaded = {line.rpartition("|")[2].strip() for line in told.stderr.splitlines()}
    own = {name for name in loaded if name.startswith("fhirhub.") and not name.startswith("fhirhub.cli")}
    assert own == {"fhirhub.__main__", "fhirhub.errors", "fhirhub.secrets", "fhirhub.settings"} & loaded


def test_a_command_that_is_not_known_is_told_with_the_nearest(run: Runner) -> None:
    assert run("serv").err.splitlines()[-1] == (
        "Error: No such command 'serv'. (Did you mean one of: 'serve', 'users'?)"
    )


def test_no_other_command_is_loaded_than_the_one_that_runs() -> None:
    code = (
        "import sys; sys.argv = ['fhirhub', 'serve', '--help']\n"
        "from fhirhub import cli\n"
        "try: cli.main()\n"
        "finally: print([name for name in (*cli.ALONE.values(), *cli.GROUPS) if f'fhirhub.cli.{name}' in sys.modules])"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.splitlines()[-1] == "['serving']"


def test_every_option_of_every_command_is_a_documented_variable() -> None:
    documented = (Path(cli.__file__).parents[2] / "docs" / "settings.md").read_text()
    seen = 0
    for command, option in _options():
        variable = re.search(r"FHIRHUB_\w+", option.help or "")
        assert variable is not None, f"{command} {option.opts}"
        assert f"`{variable[0]}`" in documented, f"{command} {option.opts}"
        assert not settings.unknown_variables({variable[0]: "x"})
        seen += 1
    assert seen > 50


def test_every_command_takes_a_tenant_and_every_one_that_touches_data_a_database() -> None:
    by_command: dict[str, set[str]] = {}
    for command, option in _options():
        by_command.setdefault(command, set()).update(option.opts)
    for command, options in by_command.items():
        assert {"--tenant", "--database"} <= options, command


def test_option_of_one_command_may_be_a_variable(
    run: Runner, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("FHIRHUB_CAPABILITY_MODE", "terminology")
    monkeypatch.setenv("FHIRHUB_DATABASE", f"sqlite://{tmp_path / 'none.db'}")
    ran = run("capability")
    assert ran.status == 0
    assert json.loads(ran.out)["resourceType"] == "TerminologyCapabilities"
    assert "is not a setting" not in ran.err


def test_migrate_makes_the_tenant_that_is_lacking(run: Runner, tmp_path: Path) -> None:
    database = f"sqlite://{tmp_path / 'hub.db'}"
    assert run("migrate", "--database", database, "--tenant", "noord").status == 0
    assert run("tenants", "list", "--database", database).out.split() == ["default", "noord"]
    assert "is new" not in run("migrate", "--database", database, "--tenant", "noord").out
    assert run("tenants", "list", "--database", database, "--tenant", "noord").out.split() == ["noord"]
    assert run("tenants", "list", "--database", database, "--tenant", "zuid").status == 2


def test_new_tenant_is_told_with_the_base_url_of_the_settings(run: Runner, tmp_path: Path) -> None:
    database = f"sqlite://{tmp_path / 'hub.db'}"
    ran = run("tenants", "add", "noord", "--database", database, "--base-url", "https://hub.example.nl")
    assert ran.out == "https://hub.example.nl/noord/fhir\n"
    told = run("tenants", "add", "west", "--database", database)
    assert told.out == "<address of the hub>/west/fhir\n"
    refused = run("tenants", "add", "oost", "--database", database, "--tenant", "noord")
    assert refused.status == 2
    assert "leave --tenant out" in refused.err


def test_backup_and_restore_hold_every_tenant_and_that_which_is_named(run: Runner, tmp_path: Path) -> None:
    database, file = f"sqlite://{tmp_path / 'hub.db'}", str(tmp_path / "copy.db")
    assert run("tenants", "add", "noord", "--database", database).status == 0
    refused = run("backup", file, "--database", database, "--tenant", "zuid")
    assert refused.status == 2
    assert "it has default, noord" in refused.err
    assert not Path(file).exists()
    assert run("backup", file, "--database", database, "--tenant", "noord").status == 0
    other = f"sqlite://{tmp_path / 'other.db'}"
    assert run("restore", file, "--database", other, "--tenant", "zuid").status == 2
    assert run("restore", file, "--database", other, "--tenant", "noord").status == 0
    assert run("tenants", "list", "--database", other).out.split() == ["default", "noord"]


def test_every_option_names_its_variable(run: Runner) -> None:
    text = " ".join(run("serve", "--help").out.split())
    for name in ("host", "port", "database", "read_database", "workers", "auth", "base_url", "secret_file"):
        assert f"FHIRHUB_{name.upper()}" in text


@pytest.mark.parametrize(
    ("command", "named"),
    [
        (("serve", "--host", "0.0.0.0"), "https address"),
        (("serve", "--auth", "none", "--host", "0.0.0.0"), "FHIRHUB_ALLOW_OPEN"),
        (("serve", "--database", "mysql://x/y"), "postgresql://user@host:port/name"),
        (("load", "/nowhere/at.all"), "/nowhere/at.all"),
        (("backup", "x", "--database", "postgresql://hub@host/db"), "pg_dump"),
        (("restore", "x", "--database", "postgresql://hub@host/db"), "pg_restore"),
        (("capability", "--mode", "half"), "full, normative, terminology"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(
    run: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...], named: str
) -> None:
    monkeypatch.chdir(tmp_path)
    ran = run(*command)
    assert ran.status == 2
    assert named in ran.err
    assert "Traceback" not in ran.err


def test_misspelt_variable_is_warned_of(
    run: Runner, monkeypatch: pytest.MonkeyPatch, sqlite_url: str
) -> None:
    monkeypatch.setenv("FHIRHUB_DATABSE", "x")
    assert "FHIRHUB_DATABASE?" in run("tenants", "list", "--database", sqlite_url).err


def test_load_tells_what_was_taken(run: Runner, database_url: str, region: Path) -> None:
    first = run("load", str(region), "--database", database_url)
    assert (first.status, first.out.split(".")[0]) == (0, "Taken 2: 2 new, 0 changed, 0 unchanged")
    assert "2 unchanged" in run("load", str(region), "--database", database_url).out


def test_load_tells_each_refusal_and_each_dangling_reference(
    run: Runner, database_url: str, region: Path
) -> None:
    lines = region.read_text().splitlines()
    region.write_text(f'{{"resourceType":"Patient","id":"q","gender":"x"}}\n{lines[1]}\n')
    ran = run("load", str(region), "--database", database_url)
    assert ran.status == 1
    assert "refused" in ran.err
    assert "Patient.gender" in ran.err
    assert "CarePlan/c refers to Patient/p" in ran.err


def test_load_goes_to_the_tenant_that_is_named(run: Runner, database_url: str, region: Path) -> None:
    assert run("load", str(region), "--database", database_url, "--tenant", "noord").status == 2
    assert run("tenants", "add", "noord", "--database", database_url).out.endswith("/noord/fhir\n")
    assert run("load", str(region), "--database", database_url, "--tenant", "noord").status == 0
    assert "2 new" in run("load", str(region), "--database", database_url).out


def test_serving_for_a_tenant_that_is_not_there_is_refused(run: Runner, sqlite_url: str) -> None:
    ran = run("serve", "--port", "0", "--tenant", "nope", "--database", sqlite_url)
    assert ran.status != 0
    assert "nope" in ran.err


@pytest.mark.parametrize("database", ["postgresql://hub@127.0.0.1:x/y", "mysql://hub/x"])
def test_a_database_that_cannot_be_is_told_in_a_sentence(run: Runner, database: str) -> None:
    ran = run("tenants", "list", "--database", database)
    assert ran.status != 0
    assert "Traceback" not in ran.err
    assert ran.err.startswith("fhirhub: ")


def test_tenants_are_listed_and_names_of_routes_refused(run: Runner, database_url: str) -> None:
    for name in ("fhir", "metrics", "Noord", "a b", "9", ""):
        assert run("tenants", "add", name, "--database", database_url).status == 2, name
    assert run("tenants", "add", "noord", "--database", database_url).status == 0
    assert "already" in run("tenants", "add", "noord", "--database", database_url).err
    assert run("tenants", "list", "--database", database_url).out == "default\nnoord\n"


def test_migrate_makes_the_tables_and_may_run_again(run: Runner, tmp_path: Path) -> None:
    url = f"sqlite://{tmp_path}/new/hub.db"
    for _ in range(2):
        assert run("migrate", "--database", url).status == 0
    assert run("tenants", "list", "--database", url).out == "default\n"


def test_command_on_data_makes_the_tables_where_there_are_none(
    run: Runner, tmp_path: Path, region: Path
) -> None:
    assert run("load", str(region), "--database", f"sqlite://{tmp_path}/new/hub.db").status == 0


def test_reindex_counts_resources(run: Runner, database_url: str, region: Path) -> None:
    run("load", str(region), "--database", database_url)
    assert run("reindex", "--database", database_url).out == "Indexed 2 resources.\n"


def test_capability_is_the_statement_of_this_version(run: Runner, sqlite_url: str) -> None:
    statement = json.loads(run("capability", "--database", sqlite_url).out)
    assert statement["resourceType"] == "CapabilityStatement"
    assert statement["fhirVersion"] == "4.0.1"
    terms = json.loads(run("capability", "--database", sqlite_url, "--mode", "terminology").out)
    assert terms["resourceType"] == "TerminologyCapabilities"


def test_demo_fills_a_region_and_again_changes_nothing(run: Runner, database_url: str) -> None:
    first = run("demo", "--patients", "2", "--database", database_url)
    assert first.status == 0
    assert "Dangling references 0" in first.out
    assert " 0 new, 0 changed" in run("demo", "--patients", "2", "--database", database_url).out


def test_backup_is_restored_as_it_was(run: Runner, sqlite_url: str, region: Path, tmp_path: Path) -> None:
    run("load", str(region), "--database", sqlite_url)
    file = tmp_path / "copy.db"
    assert "keep" in run("backup", str(file), "--database", sqlite_url).out
    assert file.stat().st_mode & 0o777 == 0o600
    assert run("backup", str(file), "--database", sqlite_url).status == 2
    region.write_text('{"resourceType":"Patient","id":"later"}\n')
    run("load", str(region), "--database", sqlite_url)
    assert "--overwrite" in run("restore", str(file), "--database", sqlite_url).err
    assert run("restore", str(file), "--overwrite", "--database", sqlite_url).status == 0
    database = sqlite3.connect(sqlite_url.removeprefix("sqlite://"))
    assert database.execute("SELECT id FROM resource ORDER BY id").fetchall() == [("c",), ("p",)]
    database.close()


def test_backup_taken_while_others_write_is_whole(
    run: Runner, sqlite_url: str, region: Path, tmp_path: Path
) -> None:
    run("load", str(region), "--database", sqlite_url)
    writer = sqlite3.connect(sqlite_url.removeprefix("sqlite://"), isolation_level=None)
    writer.execute("BEGIN IMMEDIATE")
    writer.execute("UPDATE resource SET method = 'half done'")
    assert run("backup", str(tmp_path / "copy.db"), "--database", sqlite_url).status == 0
    writer.execute("ROLLBACK")
    writer.close()
    copy = sqlite3.connect(tmp_path / "copy.db")
    assert copy.execute("SELECT COUNT(*) FROM resource WHERE method = 'half done'").fetchone() == (0,)
    copy.close()


async def test_nothing_is_restored_into_a_database_that_is_in_use(
    run: Runner, sqlite_url: str, tmp_path: Path
) -> None:
    file = tmp_path / "copy.db"
    assert run("backup", str(file), "--database", sqlite_url).status == 0
    database = open_database(sqlite_url)
    ran = run("restore", str(file), "--overwrite", "--database", sqlite_url)
    await database.close()
    assert ran.status != 0
    assert "in use" in ran.err
    assert run("restore", str(file), "--overwrite", "--database", sqlite_url).status == 0


@pytest.mark.parametrize("content", [b"", b"not a database", b"SQLite format 3\0" + b"x" * 4096])
def test_file_that_is_no_backup_is_not_restored(
    run: Runner, sqlite_url: str, tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "copy.db").write_bytes(content)
    ran = run("restore", str(tmp_path / "copy.db"), "--database", sqlite_url)
    assert ran.status == 2
    assert "Traceback" not in ran.err


def _count(url: str, sql: str) -> list[Any]:
    """The first column of a query on either database."""

    async def ask() -> list[Any]:
        database = open_database(url)
        try:
            return [row[0] for row in await database.fetch(Statement(sql))]
        finally:
            await database.close()

    return asyncio.run(ask())


def test_erase_takes_every_version_and_index_row_and_keeps_the_record(
    run: Runner, database_url: str, region: Path
) -> None:
    run("load", str(region), "--database", database_url)
    lines = region.read_text().replace('"status": "active"', '"status": "completed"')
    others = [
        {"resourceType": "Patient", "id": "other", "birthDate": "1940-01-01"},
        {
            "resourceType": "Group",
            "id": "both",
            "type": "person",
            "actual": True,
            "member": [{"entity": {"reference": "Patient/p"}}, {"entity": {"reference": "Patient/other"}}],
        },
    ]
    region.write_text(lines + "".join(json.dumps(resource) + "\n" for resource in others))
    assert "2 new, 1 changed, 1 unchanged" in run("load", str(region), "--database", database_url).out
    ran = run("erase", "--patient", "p", "--ground", "asked by letter", "--yes", "--database", database_url)
    assert ran.status == 0
    assert "Erased 2 resources" in ran.out
    assert "Group/both" in ran.err
    assert _count(database_url, "SELECT id FROM resource ORDER BY id") == ["both", "other"]
    assert _count(database_url, "SELECT COUNT(*) FROM version") == [0]
    for table in TABLES:
        stray = f"SELECT COUNT(*) FROM {table} WHERE rid NOT IN (SELECT rid FROM resource)"
        assert _count(database_url, stray) == [0], table
    assert _count(database_url, "SELECT subject FROM erasure") == ["Patient/p"]
    assert _count(database_url, "SELECT ground FROM erasure") == ["asked by letter"]
    assert _count(database_url, "SELECT resources FROM erasure") == [2]


def test_erase_of_nobody_is_refused_and_not_recorded(run: Runner, database_url: str) -> None:
    assert run("erase", "--patient", "nobody", "--yes", "--database", database_url).status == 2
    unasked = run("erase", "--patient", "nobody", "--database", database_url)
    assert unasked.status == 2
    assert "there is nothing about Patient/nobody" in unasked.err
    assert "Erase Patient" not in unasked.out + unasked.err
    assert _count(database_url, "SELECT COUNT(*) FROM erasure") == [0]


def test_erased_patient_is_not_left_in_the_sqlite_file(run: Runner, sqlite_url: str, region: Path) -> None:
    path = Path(sqlite_url.removeprefix("sqlite://"))
    # A connection that stays open keeps the write-ahead log, as a hub that serves does.
    with closing(sqlite3.connect(path)) as other:
        other.execute("PRAGMA journal_mode = WAL").fetchone()
        other.execute("SELECT count(*) FROM resource").fetchone()
        for name in ("Zeldzaamheid", "Ook een zeldzaamheid met een langere naam", "Zeldzaamheid"):
            one = {"resourceType": "Patient", "id": "p", "name": [{"family": name}]}
            rest = [{"resourceType": "Patient", "id": f"q{n}"} for n in range(50)]
            region.write_text("".join(json.dumps(each) + "\n" for each in (one, *rest)))
            run("load", str(region), "--database", sqlite_url)
        assert b"eldzaamheid" in Path(f"{path}-wal").read_bytes()
        ran = run("erase", "--patient", "p", "--yes", "--database", sqlite_url)
        assert ran.err == ""
        files = [file for file in path.parent.iterdir() if file.name.startswith(path.name)]
        assert f"{path.name}-wal" in [file.name for file in files]
        assert not any(b"eldzaamheid" in file.read_bytes() for file in files)


def test_erase_says_where_a_trace_may_be_left(run: Runner, sqlite_url: str, region: Path) -> None:
    run("load", str(region), "--database", sqlite_url)
    with closing(sqlite3.connect(sqlite_url.removeprefix("sqlite://"), isolation_level=None)) as reading:
        reading.execute("BEGIN")
        reading.execute("SELECT count(*) FROM resource").fetchone()
        ran = run("erase", "--patient", "p", "--yes", "--database", sqlite_url)
    assert ran.status == 0
    assert "hub.db are in use" in ran.err


def test_erase_takes_the_work_that_was_to_be_done_for_the_patient(
    run: Runner, database_url: str, region: Path
) -> None:
    run("load", str(region), "--database", database_url)

    async def enqueue() -> None:
        opened = open_database(database_url)
        for name in ("Patient/p", "CarePlan/c", "Patient/px"):
            await jobs.enqueue(opened, 1, "tell", {"about": name})
        await opened.close()

    asyncio.run(enqueue())
    run("erase", "--patient", "p", "--yes", "--database", database_url)
    assert _count(database_url, "SELECT content FROM job") == ['{"about": "Patient/px"}']


JAN = {
    "username": "jan", "password": "een lang wachtwoord", "fhirUser": "Practitioner/jan",
    "organization": "Organization/praktijk", "role": "huisarts",
}  # fmt: skip


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A file with Jan, who works as a huisarts at one of two organisations, and Els, of whom nothing is said."""
    gp = {"coding": [{"system": "https://fhirhub.example/fhir/CodeSystem/role", "code": "huisarts"}]}
    ura = {"system": "http://fhir.nl/fhir/NamingSystem/ura", "value": "90000001"}
    found = [
        {"resourceType": "Practitioner", "id": "jan"},
        {"resourceType": "Practitioner", "id": "els"},
        {"resourceType": "Organization", "id": "praktijk", "name": "Praktijk", "identifier": [ura]},
        {"resourceType": "Organization", "id": "post", "name": "Post"},
        {
            "resourceType": "PractitionerRole",
            "id": "jan-praktijk",
            "practitioner": {"reference": "Practitioner/jan"},
            "organization": {"reference": "Organization/praktijk"},
            "code": [gp],
        },
    ]
    path = tmp_path / "directory.ndjson"
    path.write_text("".join(json.dumps(one) + "\n" for one in found))
    return path


def test_accounts_are_of_people_who_work_where_they_say_and_peers_know_the_organisation(
    run: Runner, sqlite_url: str, directory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FHIRHUB_SECRET_FILE", str(tmp_path / "hub.secret"))
    run("load", str(directory), "--database", sqlite_url)
    user = tmp_path / "user.json"

    def added(**changed: str) -> Ran:
        user.write_text(json.dumps({**JAN, **changed}))
        return run("users", "add", str(user), "--database", sqlite_url)

    for changed, right in (
        ({"fhirUser": "Practitioner/niemand"}, "there is no Practitioner/niemand: load it first"),
        ({"organization": "Organization/nergens"}, "there is no Organization/nergens"),
        ({"organization": "Organization/post"}, "Organization/praktijk and not Organization/post"),
        ({"role": "wijkverpleegkundige"}, "huisarts and not wijkverpleegkundige"),
        ({"role": "poh", "responsible": "Practitioner/niemand"}, "there is no Practitioner/niemand"),
        ({"fhirUser": "Patient/anna", "role": "patient"}, "there is no Patient/anna"),
    ):
        refused = added(**changed)
        assert (refused.status, right in refused.err) == (2, True), refused.err
    assert added(role="beheerder").status == 0
    assert "load one" in added(fhirUser="Practitioner/els", username="els").err
    peer = ("peers", "add", "thuis", "https://thuis.example.nl/fhir", "hub/wijk")
    backend = tmp_path / "backend.json"
    keys = {"keys": [ECKey.generate_key("P-384", {"kid": "his"}).as_dict(private=False)]}
    told = {
        "grant_types": ["client_credentials"],
        "token_endpoint_auth_method": "private_key_jwt",
        "jwks": keys,
    }
    backend.write_text(json.dumps({**told, "organization": "Organization/nergens"}))
    registered = run("clients", "add", str(backend), "--database", sqlite_url)
    assert (registered.status, "is not here yet" in registered.err) == (0, True)
    assert "no URA number" in run(*peer, "Organization/post", "--database", sqlite_url).err
    told = json.loads(run(*peer, "Organization/praktijk", "--database", sqlite_url).out)
    assert told["endpoint"]["id"] == "hub-wijk"


def test_accounts_and_clients_are_added_listed_and_ended(
    run: Runner, database_url: str, directory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FHIRHUB_SECRET_FILE", str(tmp_path / "hub.secret"))
    run("load", str(directory), "--database", database_url)
    user, app = tmp_path / "user.json", tmp_path / "app.json"
    user.write_text(json.dumps(JAN))
    app.write_text(
        '{"client_id": "dagboek", "client_name": "Dagboek", "redirect_uris": ["https://app.example/done"], '
        '"launch_uri": "https://app.example/launch", "scope": "launch patient/CarePlan.rs"}'
    )
    added = run("users", "add", str(user), "--database", database_url)
    assert json.loads(added.out)["roles"][0]["role"] == "huisarts"
    assert "wachtwoord" not in added.out
    registered = json.loads(run("clients", "add", str(app), "--database", database_url).out)
    assert registered["client_secret"]
    listed = run("clients", "list", "--database", database_url).out
    assert json.loads(listed)["client_id"] == "dagboek"
    assert registered["client_secret"] not in listed
    launch = ("launch", "--client", "dagboek", "--user", "jan", "--patient", "p1", "--database", database_url)
    assert run(*launch).out.startswith(
        "https://app.example/launch?iss=http%3A%2F%2F127.0.0.1%3A8000%2Ffhir&launch="
    )
    given = ("token", "--client", "dagboek", "--database", database_url)
    assert run(*given, "--user", "jan").out.count(".") == 2
    assert "users list" in run(*given, "--user", "piet").err
    assert "does not act as" in run(*given, "--user", "jan", "--role", "poh").err
    assert "may ask for" in run(*given, "--user", "jan", "--scope", "system/*.rs").err
    base = ("--base-url", "https://hub.example.nl")
    assert "this machine alone" in run(*given, "--user", "jan", *base).err
    assert "a minute" in run("keys", "rotate", "--database", database_url).out
    assert run("users", "disable", "jan", "--database", database_url).status == 0
    assert json.loads(run("users", "list", "--database", database_url).out)["disabled"] is True
    assert run(*launch).err.startswith("fhirhub: `user` expects")
    assert run("clients", "remove", "dagboek", "--database", database_url).status == 0
    assert "no client" in run("clients", "remove", "dagboek", "--database", database_url).err
    app.write_text("[")
    assert "JSON object" in run("clients", "add", str(app), "--database", database_url).err


def test_a_code_system_is_loaded_listed_and_removed(run: Runner, tmp_path: Path) -> None:
    database = f"--database=sqlite://{tmp_path / 'hub.db'}"
    (tmp_path / "icpc.csv").write_text("code,display\nK77,Decompensatio cordis\nK78,Boezemfibrilleren\n")
    load = ("terminology", "load", str(tmp_path / "icpc.csv"), database)
    refused = run(*load)
    assert (refused.status, "--url" in refused.err) == (2, True)
    loaded = run(*load, "--url=urn:icpc", "--version=1")
    assert "Loaded urn:icpc 1, 2 concepts." in loaded.out
    assert "It was there" in run(*load, "--url=urn:icpc", "--version=1").out
    assert run("terminology", "list", database).out == "urn:icpc|1  2 concepts\n"
    assert "urn:icpc" in run("capability", "--mode=terminology", database).out
    assert run("terminology", "remove", "urn:other", database).status == 2
    assert "Removed urn:icpc 1." in run("terminology", "remove", "urn:icpc", database).out
    assert run("terminology", "list", database).out == ""

"""Files validated by the command line, without a server."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.resources.test_packages import archive
from tests.test_cli import Runner
from tests.test_cli import run as run
from tests.test_packages import PLAN, TITLED, manifest, plan

WRONG = '{\n  "resourceType": "Patient",\n  "gender": "m"\n}'
XML = '<Patient xmlns="http://hl7.org/fhir">\n  <gender value="m"/>\n</Patient>'


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A folder in which nothing is, and a home without packages."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))


def write(name: str, content: str) -> str:
    Path(name).write_text(content)
    return name


@pytest.mark.parametrize(("name", "content", "place"), [("p.json", WRONG, "3:13"), ("p.xml", XML, "2:3")])
def test_each_fault_is_a_line_with_its_place_and_an_error_is_status_1(
    run: Runner, name: str, content: str, place: str
) -> None:
    done = run("validate", write(name, content))
    assert done.status == 1
    assert done.out.splitlines()[0].startswith(f"{name}:{place}: error: ")
    assert "Patient.gender" in done.out.splitlines()[0]
    assert done.out.splitlines()[-1].startswith("1 resource, 1 of them with errors: 1 error, ")
    assert list(Path().iterdir()) == [Path(name)], "nothing was made"


def test_what_the_xml_lacks_hides_no_other_fault(run: Runner) -> None:
    body = '<Patient xmlns="http://hl7.org/fhir"><foo value="1"/><contact><gender value="male"/></contact></Patient>'
    told = run("validate", write("p.xml", body)).out
    assert "[Patient.foo]" in told
    assert "[Patient.contact[0], pat-1]" in told


def test_what_only_warns_is_status_0(run: Runner) -> None:
    done = run("validate", write("p.json", '{"resourceType": "Patient"}'))
    assert done.status == 0
    assert ": warning: " in done.out


def test_each_line_of_ndjson_is_a_resource(run: Runner) -> None:
    lines = '{"resourceType": "Patient"}\n\n{"resourceType": "Patient", "gender": "m"}\n'
    done = run("validate", write("p.ndjson", lines))
    assert done.status == 1
    assert "p.ndjson:3:39: error: Patient.gender" in done.out
    assert "2 resources, 1 of them with errors" in done.out


def test_an_outcome_can_be_had_of_one_and_of_several(run: Runner) -> None:
    one = json.loads(run("validate", "--json", write("p.json", WRONG)).out)
    assert one["resourceType"] == "OperationOutcome"
    assert one["extension"][0]["valueString"] == "p.json"
    assert one["issue"][0]["location"] == ["Line[3] Col[13]"]
    two = json.loads(run("validate", "p.json", write("p.xml", XML), "--json").out)
    assert [entry["resource"]["issue"][0]["location"] for entry in two["entry"]] == [
        ["Line[3] Col[13]"],
        ["Line[2] Col[3]"],
    ]


def test_a_profile_comes_from_a_package_or_a_database(run: Runner) -> None:
    Path("plan.tgz").write_bytes(
        archive({"package/package.json": manifest("acme.plan"), "package/1.json": TITLED}).getvalue()
    )
    write("plan.json", json.dumps(plan()))
    unknown = run("validate", "plan.json", "--profile", PLAN)
    assert unknown.status == 1
    assert "is not known here" in unknown.out
    known = run("validate", "plan.json", "--profile", PLAN, "--package", "plan.tgz")
    assert known.status == 1
    assert f"[CarePlan.title, {PLAN}]" in known.out
    database = f"sqlite://{Path.cwd() / 'hub.db'}"
    assert run("packages", "add", "plan.tgz", "--database", database).status == 0
    there = run("validate", "plan.json", "--profile", PLAN, "--database", database)
    assert there.out == known.out


@pytest.mark.parametrize("content", ["", "{", "<Patient", '{"resourceType": "Nothing"}', "[1]", '"x"'])
def test_what_is_no_resource_is_an_error_too(run: Runner, content: str) -> None:
    done = run("validate", write("p.json", content))
    assert done.status == 1
    assert "p.json:1:" in done.out


def test_a_file_that_is_not_there_is_told(run: Runner) -> None:
    done = run("validate", "nothing.json")
    assert done.status == 2
    assert "nothing.json cannot be read" in done.err


def test_packages_are_added_listed_and_removed(run: Runner) -> None:
    database = ("--database", f"sqlite://{Path.cwd() / 'hub.db'}")
    given = {"package/package.json": manifest("acme.plan", acme_base="2.0.0"), "package/1.json": TITLED}
    Path("plan.tgz").write_bytes(archive(given).getvalue())
    added = run("packages", "add", "plan.tgz", *database)
    assert added.out == "acme.plan 1.0.0: 1 resources.\n"
    assert "acme.base@2.0.0 is needed and not here" in added.err
    assert run("packages", "list", *database).out == "acme.plan 1.0.0: 1 resources; lacks acme.base 2.0.0\n"
    unknown = run("packages", "remove", "acme.other", *database)
    assert unknown.status == 2
    assert "there are acme.plan@1.0.0" in unknown.err
    assert (
        run("packages", "remove", "acme.plan", *database).out
        == "acme.plan 1.0.0 is gone, with 1 resources.\n"
    )
    assert run("packages", "list", *database).out == ""


def test_what_a_package_has_that_cannot_be_taken_is_status_1(run: Runner) -> None:
    given = {"package/package.json": manifest("acme.plan"), "package/1.json": b"{", "package/2.json": TITLED}
    Path("plan.tgz").write_bytes(archive(given).getvalue())
    done = run("packages", "add", "plan.tgz", "--database", f"sqlite://{Path.cwd() / 'hub.db'}")
    assert done.status == 1
    assert "left     1.json: " in done.err
    assert done.out == "acme.plan 1.0.0: 1 resources, 1 left out.\n"

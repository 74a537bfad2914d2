"""Loading files: what is found in them, what is refused, and that a second load changes nothing."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from fhirhub import load, settings
from fhirhub.access import EVERYTHING
from fhirhub.load import Found, Loader, Report
from fhirhub.repository import Repository
from fhirhub.tenants import open_tenants

Json = dict[str, Any]


def _patient(id: str = "p", **more: Any) -> Json:
    return {"resourceType": "Patient", "id": id, **more}


def _bundle(type: str, *entries: Json) -> Json:
    return {"resourceType": "Bundle", "type": type, "entry": list(entries)}


def _write(path: Path, content: Json | bytes) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    return path


def _read(path: Path) -> tuple[list[Json], Report]:
    report = Report()
    return [found.resource for file in load.files([path]) for found in load.read(file, report)], report


def test_json_is_one_resource(tmp_path: Path) -> None:
    found, _ = _read(_write(tmp_path / "a.json", _patient()))
    assert found == [_patient()]


def test_xml_is_one_resource(tmp_path: Path) -> None:
    xml = b'<Patient xmlns="http://hl7.org/fhir"><id value="p"/></Patient>'
    assert _read(_write(tmp_path / "a.xml", xml))[0] == [_patient()]
    assert _read(_write(tmp_path / "without-suffix", xml))[0] == [_patient()]


def test_ndjson_is_a_resource_for_each_line_and_bad_lines_are_told(tmp_path: Path) -> None:
    lines = b'{"resourceType":"Patient","id":"a"}\n\nnonsense\n{"resourceType":"Patient","id":"b"}'
    found, report = _read(_write(tmp_path / "a.ndjson", lines))
    assert [resource["id"] for resource in found] == ["a", "b"]
    assert report.refused == 1
    assert "a.ndjson:3" in report.refusals[0]


def test_compressed_files_and_folders_are_read_in_order(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    _write(tmp_path / "deep" / "b.json.gz", gzip.compress(json.dumps(_patient("b")).encode()))
    _write(tmp_path / "a.ndjson.gz", gzip.compress(b'{"resourceType":"Patient","id":"a"}\n'))
    _write(tmp_path / "notes.txt", b"not read")
    assert [resource["id"] for resource in _read(tmp_path)[0]] == ["a", "b"]


def test_broken_compression_is_told(tmp_path: Path) -> None:
    _, report = _read(_write(tmp_path / "a.json.gz", b"\x1f\x8bno"))
    assert report.refused == 1


def test_progress_adds_up_to_the_bytes_of_the_files(tmp_path: Path) -> None:
    lines = b'{"resourceType":"Patient","id":"a"}\n' * 3
    for name, content in (("a.ndjson", lines), ("b.ndjson.gz", gzip.compress(lines)), ("c.json", lines[:35])):
        told: list[int] = []
        path = _write(tmp_path / name, content)
        list(load.read(path, Report(), told.append))
        assert sum(told) == len(content)


def test_entries_of_a_bundle_are_resources_with_their_links_made_references(tmp_path: Path) -> None:
    urn = "urn:uuid:6f9b2c1e-0000-4000-8000-000000000001"
    bundle = _bundle(
        "transaction",
        {"fullUrl": urn, "resource": {"resourceType": "Patient"}},
        {"resource": {"resourceType": "Goal", "id": "g", "subject": {"reference": urn}}},
        {"request": {"method": "DELETE", "url": "Goal/x"}},
    )
    (patient, goal), report = _read(_write(tmp_path / "a.json", bundle))
    assert patient["id"] == "6f9b2c1e-0000-4000-8000-000000000001"
    assert goal["subject"] == {"reference": "Patient/6f9b2c1e-0000-4000-8000-000000000001"}
    assert [line.split(": ")[1:3] for line in report.refusals] == [
        ["entry 3", "a DELETE without a resource; only what is to be stored is loaded"]
    ]


def test_document_stays_whole(tmp_path: Path) -> None:
    document = {**_bundle("document", {"resource": _patient()}), "id": "d"}
    assert _read(_write(tmp_path / "a.json", document))[0] == [document]


def test_missing_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        load.files([tmp_path / "nothing.json"])


async def _take(url: str, *resources: Json) -> Report:
    report = Report()
    async with open_tenants(settings.read({}, database=url), with_secret=False) as tenants:
        tenant = await tenants.get("default")
        tenant.integrity = False
        loader = Loader(Repository(tenant, EVERYTHING), report)
        for number, resource in enumerate(resources, 1):
            await loader.take(Found(f"here:{number}", json.loads(json.dumps(resource))))
        await loader.finish()
    return report


async def test_second_load_of_the_same_content_makes_no_version(database_url: str) -> None:
    first = await _take(database_url, _patient(), _patient("q", gender="female"))
    assert (first.created, first.updated, first.unchanged) == (2, 0, 0)
    second = await _take(database_url, _patient(), _patient("q", gender="other"))
    assert (second.created, second.updated, second.unchanged) == (0, 1, 1)


async def test_same_resource_twice_in_one_load_ends_as_the_last(database_url: str) -> None:
    report = await _take(database_url, _patient(gender="male"), _patient(gender="female"))
    assert report.taken == 2
    assert (await _take(database_url, _patient(gender="female"))).unchanged == 1


async def test_faulty_resources_are_refused_and_the_others_taken(database_url: str) -> None:
    report = await _take(
        database_url,
        _patient(),
        _patient("bad", gender="unsure"),
        {"resourceType": "Patient"},
        {"resourceType": "Ship", "id": "x"},
        {"resourceType": "Parameters", "id": "y"},
        _patient("q"),
    )
    assert report.taken == 2
    assert report.refused == 4
    assert [line.split(":")[1] for line in report.refusals] == ["2", "3", "4", "5"]


async def test_conditional_references_of_a_bundle_are_resolved(database_url: str, tmp_path: Path) -> None:
    def plan(id: str, value: str) -> Json:
        return {
            "resourceType": "CarePlan",
            "id": id,
            "status": "active",
            "intent": "plan",
            "subject": {"reference": f"Patient?identifier=urn:n|{value}"},
        }

    def twin(id: str) -> Json:
        return _patient(id, identifier=[{"system": "urn:n", "value": "2"}])

    first = _patient(identifier=[{"system": "urn:n", "value": "1"}])
    path = _write(
        tmp_path / "a.json",
        _bundle(
            "transaction",
            *({"resource": one} for one in (plan("one", "1"), plan("two", "2"), plan("none", "3"), first)),
            *({"resource": twin(id)} for id in ("q", "r")),
        ),
    )
    for taken in ({"created": 4}, {"unchanged": 4}):
        report = Report()
        async with open_tenants(settings.read({}, database=database_url), with_secret=False) as tenants:
            repository = Repository(await tenants.get("default"), EVERYTHING)
            loader = Loader(repository, report)
            for found in load.read(path, report):
                await loader.take(found)
            await loader.finish()
            stored = await repository.find("CarePlan", "one")
        assert {"created": report.created} | {"unchanged": report.unchanged} == {
            "created": 0,
            "unchanged": 0,
        } | taken
        assert stored is not None
        assert b'"reference":"Patient/p"' in (stored.body or b"")
        assert [line.partition("`: ")[2] or line[-15:] for line in report.refusals] == [
            "The criteria match more than one resource. Make them narrower, so that at most one matches.",
            "matches nothing",
        ]


async def test_references_are_checked_when_all_is_in(database_url: str) -> None:
    goal = {
        "resourceType": "Goal",
        "id": "g",
        "lifecycleStatus": "active",
        "description": {"text": "To walk to the shop"},
        "subject": {"reference": "Patient/p"},
        "expressedBy": {"reference": "Patient/nobody"},
    }
    report = await _take(database_url, goal, _patient())
    assert report.taken == 2
    assert report.dangling == ["Goal/g refers to Patient/nobody"]
    assert (await _take(database_url, _patient("nobody"))).dangling_count == 0
    assert (await _take(database_url, goal)).dangling_count == 0


async def test_references_are_told_right_when_little_is_remembered(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(load, "KNOWN", 0)
    monkeypatch.setattr(load, "GROUP", 1)
    plans = [
        {
            "resourceType": "CarePlan",
            "id": f"c{number}",
            "status": "active",
            "intent": "plan",
            "subject": {"reference": f"Patient/{target}"},
        }
        for number, target in enumerate(("before", "after", "never", "before"))
    ]
    report = await _take(database_url, _patient("before"), *plans, _patient("after"))
    assert report.dangling == ["CarePlan/c2 refers to Patient/never"]
    assert report.dangling_count == 1

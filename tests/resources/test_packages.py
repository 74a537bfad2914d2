"""FHIR packages, read from archives and folders."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

from fhirhub.errors import FhirError
from fhirhub.resources import packages

Json = dict[str, Any]
MANIFEST: Json = {
    "name": "acme.plan",
    "version": "1.0.0",
    "fhirVersions": ["4.0.1"],
    "dependencies": {"hl7.fhir.r4.core": "4.0.1", "acme.base": "2.0.0"},
}
VALUE_SET: Json = {"resourceType": "ValueSet", "url": "http://acme.example/v", "version": "1.0.0"}
FILES = {
    "package/package.json": MANIFEST,
    "package/.index.json": {"files": []},
    "package/ValueSet-v.json": VALUE_SET,
    "package/example/Patient-a.json": {"resourceType": "Patient", "id": "a"},
    "package/other/x.json": {"a": 1},
}


def archive(files: dict[str, Any]) -> io.BytesIO:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as made:
        for name, content in files.items():
            data = content if isinstance(content, bytes) else json.dumps(content).encode()
            member = tarfile.TarInfo(name)
            member.size = len(data)
            made.addfile(member, io.BytesIO(data))
    stream.seek(0)
    return stream


def test_an_archive_and_a_folder_give_the_same(tmp_path: Path) -> None:
    for name, content in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(json.dumps(content))
    (tmp_path / "p.tgz").write_bytes(archive(FILES).getvalue())
    found = packages.read(tmp_path / "p.tgz")
    assert found == packages.read(tmp_path) == packages.read(tmp_path / "package")
    assert (found.name, found.version, found.missing) == ("acme.plan", "1.0.0", {"acme.base": "2.0.0"})
    assert [each.resource for each in found.definitions] == [VALUE_SET]
    assert [json.loads(each)["id"] for each in found.examples] == ["a"]


def test_a_file_that_cannot_be_read_is_told_and_the_rest_taken() -> None:
    found = packages.read_archive(archive({**FILES, "package/bad.json": b"{"}))
    assert list(found.skipped) == ["bad.json"]
    assert [each.resource for each in found.definitions] == [VALUE_SET]


@pytest.mark.parametrize(
    "stream",
    [
        io.BytesIO(b"no archive"),
        archive({"package/x.json": VALUE_SET}),
        archive({"package/package.json": {"name": 1}}),
        archive({"package/package.json": {**MANIFEST, "fhirVersions": ["5.0.0"]}}),
        archive({"package/package.json": b"["}),
    ],
)
def test_what_is_no_package_of_r4_is_refused(stream: io.BytesIO) -> None:
    with pytest.raises(FhirError):
        packages.read_archive(stream)


def _with_header_of(length: int) -> io.BytesIO:
    """An archive with one member whose name, in a header of its own, has that length."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz", format=tarfile.GNU_FORMAT) as made:
        made.addfile(tarfile.TarInfo("package/" + "x" * length), io.BytesIO())
    stream.seek(0)
    return stream


def test_what_unpacks_to_more_than_any_package_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(FhirError, match="headers"):
        packages.read_archive(_with_header_of(3_000_000))
    monkeypatch.setattr(packages, "MOST_BYTES", 1000)
    with pytest.raises(FhirError, match="bytes"):
        packages.read_archive(archive({**FILES, "package/big.json": b" " * 2000}))


@pytest.mark.parametrize(
    "name",
    ["package/../../evil.json", "package//etc/evil.json", "package/a/../../b.json", "package/a\\b.json"],
)
def test_unpacking_stays_within_its_folder(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "inner" / "acme.plan#1.0.0"
    with pytest.raises(FhirError, match="name within a package"):
        packages.unpack(archive({name: VALUE_SET}), folder)
    assert [each for each in tmp_path.rglob("*") if each.is_file()] == []


def test_links_in_an_archive_are_not_followed(tmp_path: Path) -> None:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as made:
        link = tarfile.TarInfo("package/link.json")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        made.addfile(link)
    stream.seek(0)
    packages.unpack(stream, tmp_path)
    assert list(tmp_path.rglob("*.json")) == []


def test_an_unpacked_package_is_read_as_the_archive(tmp_path: Path) -> None:
    packages.unpack(archive(FILES), tmp_path)
    assert packages.read(tmp_path) == packages.read_archive(archive(FILES))


def test_canonicals_of_packages_stand_before_those_of_r4_and_the_newest_first() -> None:
    older = packages.read_archive(archive(FILES))
    newer = packages.read_archive(
        archive({**FILES, "package/ValueSet-v.json": {**VALUE_SET, "version": "1.10.0", "name": "new"}})
    )
    for order in ([older, newer], [newer, older]):
        found = packages.together(order)
        newest = found.find("ValueSet", VALUE_SET["url"])
        assert newest is not None
        assert newest["version"] == "1.10.0"
        assert found.find("ValueSet", VALUE_SET["url"] + "|1.0") == VALUE_SET
        assert found.find("ValueSet", VALUE_SET["url"] + "|2") is None
        assert found.find("ValueSet", "http://hl7.org/fhir/ValueSet/administrative-gender|4.0.1") is not None

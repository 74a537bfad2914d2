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
    assert found.resources == (VALUE_SET,)
    assert [each["id"] for each in found.examples] == ["a"]


def test_a_file_that_cannot_be_read_is_told_and_the_rest_taken() -> None:
    found = packages.read_archive(archive({**FILES, "package/bad.json": b"{"}))
    assert list(found.skipped) == ["bad.json"]
    assert found.resources == (VALUE_SET,)


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

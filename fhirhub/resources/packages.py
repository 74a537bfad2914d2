"""FHIR NPM packages, read from an archive or a folder (https://confluence.hl7.org/display/FHIR/NPM+Package+Specification)."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from fhirhub import errors
from fhirhub.errors import FhirError
from fhirhub.resources import canonicals, document

Json = dict[str, Any]

CORE = "hl7.fhir.r4.core"
"""What every R4 package depends on, and what is here without being loaded."""

MOST_FILES = 20_000
MOST_BYTES = 500_000_000
_MOST_BYTES_OF_ONE = 50_000_000

_FOLDER = "package/"


@dataclass(frozen=True)
class Package:
    """A package: its manifest, and the resources in it that have a place here.

    `resources` are the conformance resources, examples the others below `package/example`; `skipped` tells by
    file what could not be read.
    """

    name: str
    version: str
    dependencies: Mapping[str, str]
    resources: tuple[Json, ...]
    examples: tuple[Json, ...]
    skipped: Mapping[str, str]

    @property
    def missing(self) -> Mapping[str, str]:
        """The packages that it needs besides R4's own."""
        return {name: version for name, version in self.dependencies.items() if name != CORE}


def read(path: Path) -> Package:
    """The package in a `.tgz` or a folder, with or without its inner folder `package`.

    Raises FhirError where it is none, is not of R4, or is beyond every use.
    """
    files = _files_of_folder(path) if path.is_dir() else _files_of_file(path)
    return _package(files, str(path))


def read_archive(stream: BinaryIO, name: str = "The archive") -> Package:
    """The package in an open `.tgz`."""
    return _package(_files_of_archive(stream, name), name)


def _files_of_folder(path: Path) -> Iterator[tuple[str, bytes]]:
    inner = path / "package"
    root = inner if inner.is_dir() else path
    total = 0
    for number, file in enumerate(sorted(root.rglob("*.json"))):
        total += file.stat().st_size
        _bound(number, total, str(path))
        yield file.relative_to(root).as_posix(), file.read_bytes()


def _files_of_file(path: Path) -> Iterator[tuple[str, bytes]]:
    with path.open("rb") as stream:
        yield from _files_of_archive(stream, str(path))


def _files_of_archive(stream: BinaryIO, name: str) -> Iterator[tuple[str, bytes]]:
    total = 0
    try:
        with tarfile.open(fileobj=stream, mode="r|gz") as archive:
            for number, member in enumerate(archive):
                inner = member.name.removeprefix("./")
                total += member.size
                _bound(number, total, name)
                if not member.isfile() or not inner.startswith(_FOLDER) or not inner.endswith(".json"):
                    continue
                content = archive.extractfile(member)
                if content is not None and member.size <= _MOST_BYTES_OF_ONE:
                    yield inner.removeprefix(_FOLDER), content.read()
    except (tarfile.TarError, EOFError, OSError) as fault:
        raise errors.invalid(f"{name} is no package: {fault}") from None


def _bound(number: int, total: int, name: str) -> None:
    if number > MOST_FILES or total > MOST_BYTES:
        raise errors.too_costly(f"{name} has more than {MOST_FILES:,} files or {MOST_BYTES:,} bytes")


def _package(files: Iterator[tuple[str, bytes]], source: str) -> Package:
    manifest: Json | None = None
    resources: list[Json] = []
    examples: list[Json] = []
    skipped: dict[str, str] = {}
    for name, content in files:
        if name == "package.json":
            manifest = _manifest(content, source)
        elif name.rpartition("/")[2] in (".index.json", "package.json", ".index.db"):
            continue
        else:
            _sort(name, content, resources, examples, skipped)
    if manifest is None:
        raise errors.invalid(f"{source} is no FHIR package: it has no package/package.json")
    versions = manifest.get("fhirVersions") or manifest.get("fhir-version-list") or ["4.0.1"]
    if not any(str(version).startswith("4.0") for version in versions):
        raise errors.invalid(
            f"{source} is of FHIR {', '.join(map(str, versions))}; this hub speaks R4 (4.0.1)"
        )
    return Package(
        str(manifest.get("name")),
        str(manifest.get("version")),
        manifest.get("dependencies") or {},
        tuple(resources),
        tuple(examples),
        skipped,
    )


def _manifest(content: bytes, source: str) -> Json:
    try:
        found = msgspec.json.decode(content, type=dict[str, Any])
    except msgspec.DecodeError as fault:
        raise errors.invalid(f"The package.json of {source} cannot be read: {fault}") from None
    if not isinstance(found.get("name"), str) or not isinstance(found.get("version"), str):
        raise errors.invalid(f"The package.json of {source} has no name or version")
    return found


def _sort(
    name: str, content: bytes, resources: list[Json], examples: list[Json], skipped: dict[str, str]
) -> None:
    if name.startswith(("other/", "openapi/", "xml/")):
        return
    try:
        resource = document.parse(content)
    except FhirError as fault:
        skipped[name] = str(fault)
        return
    if "resourceType" not in resource:
        return
    if name.startswith("example"):
        examples.append(resource)
    elif resource["resourceType"] in canonicals.TYPES and isinstance(resource.get("url"), str):
        resources.append(resource)


def together(packages: list[Package]) -> canonicals.Canonicals:
    """What the packages define, in front of R4's own; their order does not matter."""
    return canonicals.Canonicals(
        (resource for package in packages for resource in package.resources), canonicals.OFFICIAL
    )

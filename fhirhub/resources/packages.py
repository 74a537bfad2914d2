"""FHIR NPM packages, read from an archive or a folder (https://confluence.hl7.org/display/FHIR/NPM+Package+Specification)."""

from __future__ import annotations

import gzip
import re
import tarfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast

import msgspec

from fhirhub import errors
from fhirhub.errors import FhirError
from fhirhub.resources import canonicals, document
from fhirhub.resources.canonicals import Packed

Json = dict[str, Any]

CORE = "hl7.fhir.r4.core"
"""What every R4 package depends on, and what is here without being loaded."""

BUILT_IN = frozenset({CORE, "hl7.fhir.core", "hl7.fhir.r4.expansions", "hl7.fhir.r4.examples"})
"""What is here already, or adds nothing to it."""

MOST_FILES = 20_000
MOST_BYTES = 500_000_000
_MOST_BYTES_OF_ONE = 50_000_000
_MOST_BYTES_OF_HEADERS = 1_000_000

_FOLDER = "package/"


@dataclass(frozen=True)
class Package:
    """A package: its manifest, and the resources in it that have a place here.

    `definitions` are the conformance resources, `examples` the JSON of those below `package/example`; `skipped`
    tells by file what could not be read.
    """

    name: str
    version: str
    dependencies: Mapping[str, str]
    definitions: tuple[Packed, ...]
    examples: tuple[bytes, ...]
    skipped: Mapping[str, str]

    @property
    def missing(self) -> Mapping[str, str]:
        """The packages that it needs besides R4's own."""
        return {name: version for name, version in self.dependencies.items() if name not in BUILT_IN}


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
        bounded = _Bounded(gzip.GzipFile(fileobj=stream), name)
        with tarfile.open(fileobj=cast(BinaryIO, bounded), mode="r|") as archive:
            for number, member in enumerate(archive):
                inner = member.name.removeprefix("./")
                total += member.size
                bounded.left = member.size + _MOST_BYTES_OF_HEADERS
                _bound(number, total, name)
                if not member.isfile() or not inner.startswith(_FOLDER) or not inner.endswith(".json"):
                    continue
                content = archive.extractfile(member)
                if content is not None and member.size <= _MOST_BYTES_OF_ONE:
                    yield inner.removeprefix(_FOLDER), content.read()
    except (tarfile.TarError, EOFError, OSError, ValueError, zlib.error) as fault:
        raise errors.invalid(f"{name} is no package: {fault}") from None


class _Bounded:
    """An unpacked stream that gives no more than what the next member says that it has: a header of gigabytes
    is otherwise read whole before anybody sees it."""

    def __init__(self, stream: gzip.GzipFile, name: str) -> None:
        self._stream = stream
        self._name = name
        self.left = _MOST_BYTES_OF_HEADERS

    def read(self, size: int) -> bytes:
        found = self._stream.read(size)
        self.left -= len(found)
        if self.left < 0:
            raise errors.too_costly(f"{self._name} has members whose headers are beyond every use")
        return found


def _bound(number: int, total: int, name: str) -> None:
    if number > MOST_FILES or total > MOST_BYTES:
        raise errors.too_costly(f"{name} has more than {MOST_FILES:,} files or {MOST_BYTES:,} bytes")


def _package(files: Iterator[tuple[str, bytes]], source: str) -> Package:
    manifest: Json | None = None
    resources: list[Packed] = []
    examples: list[bytes] = []
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
    name: str, content: bytes, resources: list[Packed], examples: list[bytes], skipped: dict[str, str]
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
        examples.append(content)
    elif (packed := canonicals.pack(document.encode(resource))) is not None:
        resources.append(packed)


def together(
    packages: Iterable[Package], behind: canonicals.Canonicals = canonicals.OFFICIAL
) -> canonicals.Canonicals:
    """What the packages define, in front of R4's own or of others; their order does not matter."""
    return canonicals.PackedCanonicals(
        (packed for package in packages for packed in package.definitions), behind
    )


def unpack(stream: BinaryIO, folder: Path, name: str = "The archive") -> None:
    """Lay the JSON files of a `.tgz` into `folder/package`, as tools keep packages; nothing outside of it."""
    for inner, content in _files_of_archive(stream, name):
        if not _is_plain(inner):
            raise errors.invalid(f"{name} has a file named `{inner}`, which is no name within a package")
        file = folder / "package" / inner
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)


_is_plain = re.compile(
    r"(?:[A-Za-z0-9_\-][A-Za-z0-9_.\- ]*/){0,4}[A-Za-z0-9_.\-][A-Za-z0-9_.\- ]*\.json"
).fullmatch

"""What a code system is loaded from, whatever its form."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from fhirhub.settings import Refusal
from fhirhub.terminology.concepts import Concept

Json = dict[str, Any]


class CannotLoad(Refusal):
    """Files that are no code system; the text says what would be right."""


class Source(Protocol):
    """A code system to be loaded.

    `description` is its CodeSystem without concepts: `url`, `version`, `name`, `language`, `content`. `searched`
    names the properties by which value sets can choose, all where it is empty. `size` is the number of
    concepts where that is known before they are read.
    """

    description: Json
    searched: frozenset[str]

    @property
    def size(self) -> int | None: ...

    def codes(self) -> Iterator[tuple[str, Sequence[str]]]:
        """Every code once, with those right above it."""
        ...

    def concepts(self) -> Iterator[Concept]:
        """Every concept once, in any order."""
        ...


@dataclass(frozen=True, slots=True)
class Files:
    """The files of a folder or a zip archive."""

    path: Path

    def names(self) -> list[str]:
        """Every file, by its path inside."""
        if self.path.is_dir():
            return sorted(
                each.relative_to(self.path).as_posix() for each in self.path.rglob("*") if each.is_file()
            )
        if zipfile.is_zipfile(self.path):
            with zipfile.ZipFile(self.path) as archive:
                return sorted(name for name in archive.namelist() if not name.endswith("/"))
        return []

    @contextmanager
    def text(self, name: str) -> Iterator[io.TextIOBase]:
        """A file's text."""
        if self.path.is_dir():
            with (self.path / name).open(encoding="utf-8-sig", newline="") as stream:
                yield stream
        else:
            with (
                zipfile.ZipFile(self.path) as archive,
                archive.open(name) as inner,
                io.TextIOWrapper(inner, encoding="utf-8-sig", newline="") as stream,
            ):
                yield stream

"""Which form files are in: RF2, LOINC's CSV, a CodeSystem in JSON, or a table."""

from __future__ import annotations

from pathlib import Path

from fhirhub.terminology.loading import rf2, tables
from fhirhub.terminology.loading.listing import Listing
from fhirhub.terminology.loading.source import CannotLoad, Files, Source


def source(
    path: Path, url: str | None = None, version: str | None = None, language: str | None = None
) -> Source:
    """The code system in a file, folder or zip archive. Raises CannotLoad for what is none."""
    if not path.exists():
        raise CannotLoad(f"there is no {path}")
    files = Files(path)
    if rf2.is_release(files):
        return rf2.Release(files, version, language)
    if tables.is_loinc(files):
        return tables.Loinc(files, version, language)
    if path.is_file() and path.suffix.lower() == ".json":
        return Listing(path, url, version, language)
    if path.is_file() and path.suffix.lower() in (".csv", ".tsv", ".txt"):
        folder = Files(path.parent)
        if path.name.lower() == "loinc.csv":
            return tables.Loinc(folder, version, language)
        return tables.Table(folder, path.name, url, version, language)
    raise CannotLoad(
        f"{path} is no code system: expected are a release of SNOMED CT (RF2) or LOINC as a folder or zip "
        "archive, a CodeSystem in JSON, or a CSV with the columns `code` and `display`"
    )

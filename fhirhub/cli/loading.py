"""`fhirhub load` and `demo`: resources from files, or a region that is made up."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fhirhub.cli.opening import run
from fhirhub.cli.options import Database, Patients, Tenant
from fhirhub.cli.preparing import prepared
from fhirhub.cli.taking import fill, take, tell
from fhirhub.cli.telling import progress
from fhirhub.settings import Refusal

if TYPE_CHECKING:
    from fhirhub.load import Found


commands = typer.Typer(rich_markup_mode=None)


@commands.command()
def load(
    paths: Annotated[
        list[Path], typer.Argument(help="Files (JSON, XML, NDJSON, also .gz) or folders of them.")
    ],
    database: Database = None,
    tenant: Tenant = None,
) -> None:
    """Take resources and Bundles from files, under their own ids, as the administrator."""
    from fhirhub import load as loading

    chosen = prepared(database=database, tenant=tenant)
    try:
        files = loading.files(paths)
    except FileNotFoundError as missing:
        raise Refusal(f"there is no {missing}") from None
    report = loading.Report()
    total = sum(path.stat().st_size for path in files)
    with progress("Loading", total, "bytes") as advance:

        def found() -> Iterator[Found]:
            for path in files:
                yield from loading.read(path, report, advance)

        run(take(chosen, found(), report))
    sys.exit(tell(report))


@commands.command()
def demo(
    patients: Patients = None,
    database: Database = None,
    tenant: Tenant = None,
) -> None:
    """Make a demo region of invented organisations, professionals, patients and shared care plans."""
    sys.exit(fill(prepared(database=database, tenant=tenant, patients=patients)))

"""Resources taken into a tenant as the administrator, from files or from the demo region."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import typer

from fhirhub.cli.opening import repository_of, run
from fhirhub.cli.telling import progress
from fhirhub.settings import Settings

if TYPE_CHECKING:
    from fhirhub.load import Found, Report


def fill(chosen: Settings) -> int:
    from fhirhub import demo as region
    from fhirhub import load as loading

    report = loading.Report()
    with progress("Demo region", chosen.patients, "patients") as advance:

        def found() -> Iterator[Found]:
            for one in loading.ndjson(region.build(chosen.patients), "demo"):
                if one.resource["resourceType"] == "Patient":
                    advance(1)
                yield one

        run(take(chosen, found(), report))
    return tell(report)


async def take(chosen: Settings, found: Iterable[Found], report: Report) -> None:
    from fhirhub import load as loading

    async with repository_of(chosen, integrity=False) as repository:
        loader = loading.Loader(repository, report)
        for one in found:
            await loader.take(one)
        await loader.finish()


def tell(report: Report) -> int:
    """Print what was taken and a line for each refusal; the exit status."""
    for line in report.refusals:
        typer.echo(f"refused  {line}", err=True)
    if report.refused > len(report.refusals):
        typer.echo(f"refused  {report.refused - len(report.refusals)} more", err=True)
    for line in report.dangling:
        typer.echo(f"dangling {line}, which is not here", err=True)
    if report.dangling_count > len(report.dangling):
        typer.echo(f"dangling {report.dangling_count - len(report.dangling)} more", err=True)
    typer.echo(
        f"Taken {report.taken}: {report.created} new, {report.updated} changed, "
        f"{report.unchanged} unchanged. "
        f"Refused {report.refused}. Dangling references {report.dangling_count}."
    )
    return 1 if report.refused else 0

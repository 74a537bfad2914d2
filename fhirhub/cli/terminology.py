"""`fhirhub terminology`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fhirhub.cli.opening import run, tenants_of
from fhirhub.cli.options import Database, Tenant, own
from fhirhub.cli.preparing import prepared
from fhirhub.cli.telling import progress
from fhirhub.settings import Refusal

commands = typer.Typer(
    help="Large code systems: SNOMED CT, LOINC and others, in the database.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@commands.command("load")
def load_terminology(
    path: Annotated[
        Path,
        typer.Argument(
            help="A release of SNOMED CT (RF2) or LOINC as folder or zip, a CodeSystem in JSON, or a CSV."
        ),
    ],
    url: Annotated[str | None, own("terminology load", "url", "URL")] = None,
    version: Annotated[str | None, own("terminology load", "version", "VERSION")] = None,
    language: Annotated[str | None, own("terminology load", "language", "TAG")] = None,
    database: Database = None,
    tenant: Tenant = None,
) -> None:
    """Load a large code system for a tenant. What another tenant has loaded already is shared."""
    from fhirhub.repository import now
    from fhirhub.terminology.loading import choosing, writing

    chosen = prepared(database=database, tenant=tenant)
    source = choosing.source(path, url, version, language)

    async def work() -> tuple[writing.Listed, bool]:
        async with tenants_of(chosen) as opened:
            number = (await opened.get(chosen.tenant)).number
            with progress("Loading", source.size, "concepts") as advance:
                return await writing.load(opened.database, number, source, now(), advance)

    listed, is_new = run(work())
    how = "Loaded" if is_new else "It was there; it is now this tenant's too:"
    typer.echo(f"{how} {listed.url} {listed.version}, {listed.concepts:,} concepts.")


@commands.command("list")
def list_terminology(database: Database = None, tenant: Tenant = None) -> None:
    """List the code systems that a tenant has loaded."""
    from fhirhub.terminology.loading import writing

    chosen = prepared(database=database, tenant=tenant)

    async def work() -> list[writing.Listed]:
        async with tenants_of(chosen) as opened:
            return await writing.listed(opened.database, (await opened.get(chosen.tenant)).number)

    for each in run(work()):
        typer.echo(f"{each.url}|{each.version}  {each.concepts:,} concepts")


@commands.command("remove")
def remove_terminology(
    canonical: Annotated[str, typer.Argument(help="The code system, with |VERSION where there are several.")],
    database: Database = None,
    tenant: Tenant = None,
) -> None:
    """Take a code system from a tenant; when no other has it, its concepts go."""
    from fhirhub.terminology.loading import writing

    chosen = prepared(database=database, tenant=tenant)
    wanted, bar, version = canonical.partition("|")

    async def work() -> tuple[writing.Listed, bool]:
        async with tenants_of(chosen) as opened:
            number = (await opened.get(chosen.tenant)).number
            known = await writing.listed(opened.database, number)
            found = [each for each in known if each.url == wanted and (not bar or each.version == version)]
            if len(found) != 1:
                there = ", ".join(f"{each.url}|{each.version}" for each in found or known) or "none"
                raise Refusal(f"`{canonical}` should name one code system that is loaded; there are {there}")
            with progress("Removing", None, "rows") as advance:
                return found[0], await writing.remove(opened.database, number, found[0].edition, advance)

    removed, is_gone = run(work())
    rest = "" if is_gone else " Other tenants have it, so its concepts stay."
    typer.echo(f"Removed {removed.url} {removed.version}.{rest}")

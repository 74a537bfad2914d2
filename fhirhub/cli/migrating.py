"""`fhirhub migrate` and `reindex`: the tables and the search index as this version wants them."""

from __future__ import annotations

import typer

from fhirhub.cli.opening import run, tenants_of
from fhirhub.cli.options import Database, Tenant, read
from fhirhub.cli.preparing import prepared
from fhirhub.cli.telling import base_of, progress

commands = typer.Typer(rich_markup_mode=None)


@commands.command()
def migrate(database: Database = None, tenant: Tenant = None) -> None:
    """Make the tables, or bring those of an earlier version up to date, for all tenants; --tenant is made
    where it is lacking."""
    from fhirhub.store import opening
    from fhirhub.store import reindex as indexing

    chosen = read(database=database, tenant=tenant)
    opening.migrate(chosen.database)

    async def work() -> tuple[bool, bool]:
        async with tenants_of(chosen) as opened:
            lacking = chosen.tenant not in await opened.names()
            if lacking:
                await opened.add(chosen.tenant)
            return lacking, await indexing.waits(opened.database, await opened.numbers())

    lacking, waits = run(work())
    if lacking:
        typer.echo(f"The tenant {chosen.tenant} is new: {base_of(chosen, chosen.tenant)}")
    typer.echo(f"{chosen.database_shown} is up to date.")
    if waits:
        typer.echo(indexing.WAITS)


@commands.command()
def reindex(database: Database = None, tenant: Tenant = None) -> None:
    """Make the search index anew, while the hub may be serving."""
    chosen = prepared(database=database, tenant=tenant)

    async def work() -> int:
        from fhirhub.store import reindex as indexing

        async with tenants_of(chosen) as opened:
            one = await opened.get(chosen.tenant)
            with progress("Indexing", None, "resources") as advance:
                return await indexing.reindex(
                    one.database, one.number, one.parameters, progress=advance, base=one.bases[0]
                )

    typer.echo(f"Indexed {run(work())} resources.")

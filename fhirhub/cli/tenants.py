"""`fhirhub tenants`."""

from __future__ import annotations

from typing import Annotated

import typer

from fhirhub.cli.opening import run, tenants_of
from fhirhub.cli.options import BaseUrl, Database, Tenant
from fhirhub.cli.preparing import prepared
from fhirhub.cli.telling import base_of
from fhirhub.settings import Refusal

commands = typer.Typer(
    help="The tenants: regions or care groups, each at /NAME/fhir.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@commands.command("add")
def add_tenant(
    name: Annotated[str, typer.Argument(help="Small letters, digits and `-`; the first word of its paths.")],
    database: Database = None,
    tenant: Tenant = None,
    base_url: BaseUrl = None,
) -> None:
    """Make a tenant, served at /NAME/fhir at once. The tenant is the NAME; --tenant can say the same only."""
    if tenant not in (None, "default", name):
        raise Refusal(f"the tenant to make is {name}, and --tenant says {tenant}; leave --tenant out")
    chosen = prepared(database=database, base_url=base_url)

    async def work() -> None:
        async with tenants_of(chosen) as opened:
            await opened.add(name)

    run(work())
    typer.echo(base_of(chosen, name))


@commands.command("list")
def list_tenants(database: Database = None, tenant: Tenant = None) -> None:
    """List the tenants; with --tenant that one, if it is there."""
    chosen = prepared(database=database)

    async def work() -> list[str]:
        async with tenants_of(chosen) as opened:
            return await opened.names() if tenant is None else [(await opened.get(tenant)).name]

    for name in run(work()):
        typer.echo(name)

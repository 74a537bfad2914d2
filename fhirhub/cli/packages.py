"""`fhirhub packages`."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from fhirhub.cli.opening import repository_of, run, tenants_of
from fhirhub.cli.options import Cache, Database, Registry, Tenant
from fhirhub.cli.preparing import prepared
from fhirhub.cli.telling import progress
from fhirhub.settings import Refusal, Settings

if TYPE_CHECKING:
    from fhirhub.packages import Added, Listed
    from fhirhub.registry import Place
    from fhirhub.resources.packages import Package


commands = typer.Typer(
    help="Packages of profiles, value sets and their like.", no_args_is_help=True, rich_markup_mode=None
)


@commands.command("add")
def add_packages(
    sources: Annotated[
        list[str], typer.Argument(help="A .tgz, a folder or name@version, each with what it needs.")
    ],
    database: Database = None,
    tenant: Tenant = None,
    package_cache: Cache = None,
    package_registry: Registry = None,
) -> None:
    """Take what packages define into a tenant; it counts at once in every worker."""
    from fhirhub import registry

    chosen = prepared(
        database=database, tenant=tenant, package_cache=package_cache, package_registry=package_registry
    )
    here = [(one.name, one.version) for one in run(_listed(chosen))]
    found, missing = registry.gather(
        sources, place(chosen), here, lambda text: typer.echo(f"reading  {text}", err=True)
    )
    tell_missing(missing)
    added = run(_add(chosen, found))
    for one in added:
        for name, reason in one.left.items():
            typer.echo(f"left     {name}: {reason}", err=True)
        also = f", {one.kept} were there already" if one.kept else ""
        also += f", {len(one.left)} left out" if one.left else ""
        typer.echo(f"{one.name} {one.version}: {one.taken} resources{also}.")
    sys.exit(1 if any(one.left for one in added) else 0)


async def _add(chosen: Settings, found: Sequence[Package]) -> list[Added]:
    from fhirhub.packages import add

    async with repository_of(chosen, integrity=False) as repository:
        with progress("Adding", sum(len(one.definitions) for one in found), "resources") as advance:
            return [await add(repository, one, advance) for one in found]


@commands.command("list")
def list_packages(database: Database = None, tenant: Tenant = None) -> None:
    """List the packages of a tenant."""
    listed = run(_listed(prepared(database=database, tenant=tenant)))
    names = {one.name for one in listed}
    for one in listed:
        lacks = [f"{name} {version}" for name, version in one.dependencies.items() if name not in names]
        also = f"; lacks {', '.join(lacks)}" if lacks else ""
        also += "" if one.whole else "; broken off: add or remove it again"
        typer.echo(f"{one.name} {one.version}: {one.resources} resources{also}")


@commands.command("remove")
def remove_packages(
    names: Annotated[list[str], typer.Argument(help="A package's name, or name@version.")],
    database: Database = None,
    tenant: Tenant = None,
) -> None:
    """Take packages out of a tenant, with all that only they define."""
    chosen = prepared(database=database, tenant=tenant)
    listed = run(_listed(chosen))
    meant = [one for one in listed if {one.name, f"{one.name}@{one.version}"} & set(names)]
    known = {name for one in listed for name in (one.name, f"{one.name}@{one.version}")}
    for name in names:
        if name not in known:
            there = ", ".join(f"{one.name}@{one.version}" for one in listed) or "none"
            raise Refusal(f"there is no package `{name}`; there are {there}")
    for one, count in zip(meant, run(_remove(chosen, meant)), strict=True):
        typer.echo(f"{one.name} {one.version} is gone, with {count} resources.")
    for left in listed:
        lost = {one.name for one in meant} & left.dependencies.keys()
        if left not in meant and lost - {one.name for one in listed if one not in meant}:
            typer.echo(f"{left.name} {left.version} needs {', '.join(sorted(lost))}.", err=True)


async def _remove(chosen: Settings, meant: Sequence[Listed]) -> list[int]:
    from fhirhub.packages import remove

    async with repository_of(chosen) as repository:
        with progress("Removing", sum(one.resources for one in meant), "resources") as advance:
            return [await remove(repository, one, advance) for one in meant]


async def _listed(chosen: Settings) -> list[Listed]:
    from fhirhub.packages import listed

    async with tenants_of(chosen) as opened:
        return await listed(opened.database, (await opened.get(chosen.tenant)).number)


def place(chosen: Settings) -> Place:
    from fhirhub.registry import Place

    return Place(chosen.package_cache, chosen.package_registry)


def tell_missing(missing: Mapping[str, str]) -> None:
    for name, reason in missing.items():
        typer.echo(f"Warning: {name} is needed and not here: {reason}", err=True)

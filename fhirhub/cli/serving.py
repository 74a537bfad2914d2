"""`fhirhub serve`."""

from __future__ import annotations

import gc
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from fhirhub import __version__, settings
from fhirhub.cli.opening import run
from fhirhub.cli.options import BaseUrl, Database, Patients, SecretFile, Tenant, option, read
from fhirhub.cli.preparing import has_demo_accounts, prepare
from fhirhub.cli.telling import path_of
from fhirhub.secrets import secret_path
from fhirhub.settings import Settings

if TYPE_CHECKING:
    from fhirhub.tenants import Tenants


commands = typer.Typer(rich_markup_mode=None)


@commands.command()
def serve(
    host: Annotated[str | None, option("host", "ADDRESS")] = None,
    port: Annotated[int | None, option("port", "NUMBER")] = None,
    database: Database = None,
    read_database: Annotated[str | None, option("read_database", "URL")] = None,
    workers: Annotated[int | None, option("workers", "N")] = None,
    auth: Annotated[str | None, option("auth", "none|smart")] = None,
    base_url: BaseUrl = None,
    secret_file: SecretFile = None,
    tenant: Tenant = None,
    demo: Annotated[bool | None, option("demo")] = None,
    patients: Patients = None,
) -> None:
    """Start the hub."""
    chosen = read(
        host=host,
        port=port,
        database=database,
        read_database=read_database,
        workers=workers,
        auth=auth,
        base_url=base_url,
        secret_file=secret_file,
        tenant=tenant,
        demo=demo,
        patients=patients,
    )
    settings.refuse_to_serve(chosen)
    # What is imported now stays: looking for garbage in it would take a tenth of the start.
    gc.disable()
    from fhirhub import logs, serving

    logs.configure(chosen)
    listening = serving.listen(chosen)
    chosen = settings.with_port(chosen, listening.getsockname()[1])
    try:
        prepare(chosen)
        also = run(_open_once(chosen))
    except BaseException:
        listening.close()
        raise
    if chosen.is_open:
        typer.echo(f"Warning: everybody who reaches {chosen.host} may read and change everything.", err=True)
    sys.exit(serving.serve(chosen, listening, lambda: _tell_where(chosen, also)))


async def _open_once(chosen: Settings) -> list[tuple[str, str]]:
    """Make the secret of a new hub, and refuse here, not in every worker, where it is not the database's. What
    else is to be told of the hub."""
    from fhirhub import logs
    from fhirhub.store import reindex
    from fhirhub.tenants import open_tenants
    from fhirhub.web.pages import NO_STANDBY, lacks_standby

    also: list[tuple[str, str]] = []
    async with open_tenants(chosen) as opened:
        await opened.get(chosen.tenant)
        await opened.note_address()
        if has_demo_accounts(chosen):
            also = await _demo_accounts(chosen, opened)
        if await reindex.waits(opened.database, await opened.numbers()):
            logs.warning(reindex.WAITS)
        if await lacks_standby(opened.database):
            logs.warning(f"PostgreSQL has {NO_STANDBY}")
    return also


async def _demo_accounts(chosen: Settings, opened: Tenants) -> list[tuple[str, str]]:
    """What is told of the demo region's accounts and app."""
    from fhirhub.demo import accounts

    one = await opened.get(chosen.tenant)
    assert opened.secret is not None
    return [
        ("Accounts", ", ".join(await accounts.names(one))),
        ("Password", f"{accounts.password(opened.secret, one.name)} (of the accounts of the demo)"),
        ("App", f"{accounts.CLIENT}, at {accounts.APP['redirect_uris'][0]}"),
    ]


def _tell_where(chosen: Settings, also: list[tuple[str, str]]) -> None:
    lines = [
        ("FHIR R4", f"{chosen.public_url}/fhir"),
        ("Start page", f"{chosen.public_url}/"),
        ("Health", f"{chosen.local_url}/healthz, /readyz, /metrics"),
        ("Database", chosen.database_shown),
        ("Secret", f"{secret_path(chosen)} (keep a copy: it is in no backup)"),
    ]
    if chosen.tenant != "default":
        lines.insert(1, ("", f"{chosen.public_url}{path_of(chosen.tenant)} (the tenant {chosen.tenant})"))
    if chosen.read_database:
        lines.append(("Searches", "also on the replica"))
    if chosen.auth == "none":
        lines.append(("Access", "none is asked for: for development only"))
    lines += also
    lines.append(("Workers", str(chosen.workers)))
    width = max(len(name) for name, _ in lines)
    text = "".join(f"  {name:{width}}  {value}\n" for name, value in lines)
    sys.stdout.write(f"fhirhub {__version__} serves; Ctrl+C ends it.\n{text}")
    sys.stdout.flush()

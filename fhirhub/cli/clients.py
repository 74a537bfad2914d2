"""`fhirhub clients`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fhirhub.cli.opening import run, with_realm
from fhirhub.cli.options import Database, JsonFile, SecretFile, Tenant
from fhirhub.cli.preparing import prepared
from fhirhub.cli.telling import json_of, tell_json
from fhirhub.settings import Refusal

if TYPE_CHECKING:
    from fhirhub.auth.realm import Realm

commands = typer.Typer(
    help="The apps and backends that may ask for access.", no_args_is_help=True, rich_markup_mode=None
)


@commands.command("add")
def add_client(
    file: JsonFile, database: Database = None, tenant: Tenant = None, secret_file: SecretFile = None
) -> None:
    """Register an app or backend from its metadata (RFC 7591); prints it with its secret, which is shown once."""
    from fhirhub.auth import clients as registry
    from fhirhub.auth import vetting

    asked = json_of(file)
    chosen = prepared(database=database, tenant=tenant, secret_file=secret_file)

    async def work(realm: Realm) -> dict[str, Any]:
        made = await registry.register(realm, asked)
        organization = made.get("organization")
        if organization is not None and not await vetting.is_here(realm, organization):
            typer.echo(
                f"Warning: {organization} is not here yet; until it is, this backend sees nothing", err=True
            )
        return made

    tell_json(run(with_realm(chosen, work)))


@commands.command("list")
def list_clients(database: Database = None, tenant: Tenant = None, secret_file: SecretFile = None) -> None:
    """List the apps and backends, as JSON, one on a line."""
    from fhirhub.auth import clients as registry

    chosen = prepared(database=database, tenant=tenant, secret_file=secret_file)
    for client in run(with_realm(chosen, registry.every)):
        typer.echo(json.dumps(client.metadata, ensure_ascii=False))


@commands.command("remove")
def remove_client(
    client_id: Annotated[str, typer.Argument(help="The client_id.")],
    database: Database = None,
    tenant: Tenant = None,
    secret_file: SecretFile = None,
) -> None:
    """Remove an app or backend and end what it was granted."""
    from fhirhub.auth import clients as registry

    chosen = prepared(database=database, tenant=tenant, secret_file=secret_file)
    if not run(with_realm(chosen, lambda realm: registry.remove(realm, client_id))):
        raise Refusal(f"there is no client `{client_id}`; `fhirhub clients list` lists them")
    typer.echo(f"{client_id} is removed, and its tokens are no longer taken.")

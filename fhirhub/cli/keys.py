"""`fhirhub keys`."""

from __future__ import annotations

from typing import Annotated

import typer

from fhirhub.cli.opening import run, with_realm
from fhirhub.cli.options import Database, SecretFile, Tenant, own
from fhirhub.cli.preparing import prepared

commands = typer.Typer(
    help="The keys that tokens are signed with.", no_args_is_help=True, rich_markup_mode=None
)


@commands.command("rotate")
def rotate_keys(
    at_once: Annotated[bool, own("keys rotate", "at-once")] = False,
    database: Database = None,
    tenant: Tenant = None,
    secret_file: SecretFile = None,
) -> None:
    """Make new keys for tokens, while the hub may be serving; the old ones stay published for a day."""
    chosen = prepared(database=database, tenant=tenant, secret_file=secret_file)
    run(with_realm(chosen, lambda realm: realm.keys.rotate(at_once)))
    typer.echo("The old keys are gone." if at_once else "The new keys sign from a minute on.")

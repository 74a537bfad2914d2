"""`fhirhub backup` and `restore`."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from fhirhub.cli.erasing import erased_again
from fhirhub.cli.options import Database, Tenant, own, read
from fhirhub.secrets import secret_path
from fhirhub.settings import Refusal

commands = typer.Typer(rich_markup_mode=None)

_POSTGRESQL_BACKUP = (
    "PostgreSQL has its own tools, which copy while the hub serves: `pg_dump --format=custom --file=FILE "
    "DATABASE` and `pg_restore --clean --if-exists --dbname=DATABASE FILE`, or pg_basebackup with WAL "
    "archiving for any moment in time (docs/backup.md)"
)


@commands.command()
def backup(
    file: Annotated[Path, typer.Argument(help="The file to write.")],
    database: Database = None,
    tenant: Tenant = None,
) -> None:
    """Copy an SQLite database into a file, while the hub may be serving: every tenant, and --tenant must be
    among them."""
    from fhirhub.store import copying, logfile

    chosen = read(database=database, tenant=tenant)
    if not chosen.is_sqlite:
        raise Refusal(_POSTGRESQL_BACKUP)
    if logfile.paths(str(chosen.sqlite_path)):
        asyncio.run(copying.gather(chosen.sqlite_path))
    copying.backup(chosen.sqlite_path, file, chosen.tenant)
    typer.echo(
        f"{file} holds the database of this moment. The secret is not in it: keep {secret_path(chosen)} too."
    )


@commands.command()
def restore(
    file: Annotated[Path, typer.Argument(help="A file that `fhirhub backup` wrote.")],
    overwrite: Annotated[bool, own("restore", "overwrite")] = False,
    database: Database = None,
    tenant: Tenant = None,
) -> None:
    """Bring back what a backup holds, every tenant of it; --tenant must be among them. The hub must not be
    serving."""
    from fhirhub.store import copying, erasures

    chosen = read(database=database, tenant=tenant)
    if not chosen.is_sqlite:
        raise Refusal(_POSTGRESQL_BACKUP)
    known = erasures.of_file(chosen.sqlite_path)
    copying.restore(file, chosen.sqlite_path, chosen.tenant, overwrite=overwrite)
    again = erased_again(chosen, known)
    typer.echo(f"{chosen.database_shown} is as it was. It needs the secret of then: {secret_path(chosen)}.")
    if again:
        typer.echo(f"Erased {again} again: they were erased after this backup was made.")

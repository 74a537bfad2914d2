"""`fhirhub audit`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from fhirhub.cli.opening import run
from fhirhub.cli.options import Database, SecretFile, Tenant, own
from fhirhub.cli.preparing import prepared
from fhirhub.cli.telling import json_of, progress

commands = typer.Typer(help="The log of who did what.", no_args_is_help=True, rich_markup_mode=None)


@commands.command("verify")
def verify_audit(
    heads: Annotated[Path | None, own("audit verify", "heads", "FILE")] = None,
    database: Database = None,
    tenant: Tenant = None,
    secret_file: SecretFile = None,
) -> None:
    """Find records of the log that were changed, removed or put in, the last ones too, while the hub may be serving.
    The exit status is 1 where there are."""
    from fhirhub.store import verifying
    from fhirhub.tenants import open_tenants

    chosen = prepared(database=database, tenant=tenant, secret_file=secret_file)

    async def work() -> verifying.Verdict:
        async with open_tenants(chosen) as opened:
            number = (await opened.get(chosen.tenant)).number
            with progress("Verifying", await verifying.count(opened.database, number), "records") as advance:
                found = await verifying.verify(opened.database, number, opened.database.sealer, advance)
            if heads is not None and heads.exists():
                known = {
                    int(name): (last, bytes.fromhex(mac)) for name, (last, mac) in json_of(heads).items()
                }
                found.faults += await verifying.compare(opened.database, number, known)
            return found

    found = run(work())
    for fault in found.faults:
        typer.echo(f"fault    {fault.place}: {fault.text}", err=True)
    erased = f" Of {found.queries_erased} the query was erased." if found.queries_erased else ""
    if found.faults:
        typer.echo(f"The log is not sound: {len(found.faults)} faults in {found.chains} chains.")
        sys.exit(1)
    if heads is not None:
        told = {str(number): [last, mac.hex()] for number, (last, mac) in found.heads.items()}
        heads.write_text(json.dumps(told))
    typer.echo(f"The log is sound: {found.records} records in {found.chains} chains.{erased}")

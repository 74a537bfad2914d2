"""`fhirhub validate`: resources without a server."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fhirhub.cli.opening import run, tenants_of
from fhirhub.cli.options import Cache, Database, Registry, Tenant, own, read
from fhirhub.cli.packages import place, tell_missing
from fhirhub.cli.preparing import prepared
from fhirhub.cli.telling import tell_json
from fhirhub.settings import Refusal, Settings

if TYPE_CHECKING:
    from fhirhub.resources.canonicals import Canonicals


commands = typer.Typer(rich_markup_mode=None)


@commands.command()
def validate(
    files: Annotated[
        list[Path], typer.Argument(help="Resources in JSON, XML or NDJSON; - for the standard input.")
    ],
    profile: Annotated[list[str] | None, own("validate", "profile", "URL")] = None,
    package: Annotated[list[str] | None, own("validate", "package", "PACKAGE")] = None,
    as_json: Annotated[bool, own("validate", "json")] = False,
    package_cache: Cache = None,
    package_registry: Registry = None,
    database: Database = None,
    tenant: Tenant = None,
) -> None:
    """Validate resources without a server. The exit status is 1 where one has an error.

    Where a database is named, what its tenant defines counts too.
    """
    from fhirhub import offline, registry
    from fhirhub.resources.canonicals import OFFICIAL
    from fhirhub.resources.packages import together
    from fhirhub.resources.validation.examination import Strictness
    from fhirhub.resources.validation.validator import Validator

    given = {"package_cache": package_cache, "package_registry": package_registry}
    if database is None and not os.environ.get("FHIRHUB_DATABASE"):
        chosen, behind = read(tenant=tenant, **given), OFFICIAL
    else:
        chosen = prepared(database=database, tenant=tenant, **given)
        behind = run(_definitions(chosen))
    found, missing = registry.gather(package or (), place(chosen))
    tell_missing(missing)
    asked = Strictness(frozenset(chosen.validation_refuses), chosen.extension_domains)
    validator = Validator(together(found, behind), asked=asked)

    def profiles(type: str) -> list[str]:
        return [*(profile or ()), *(url for name, url in chosen.profiles if name == type)]

    checked = []
    for file in files:
        try:
            content = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
        except OSError as fault:
            raise Refusal(f"{file} cannot be read: {fault.strerror}") from None
        for one in offline.check(str(file), content, validator, profiles):
            checked.append(one)
            for line in () if as_json else offline.as_text(one):
                typer.echo(line)
    if as_json:
        tell_json(offline.as_outcome(checked))
    else:
        typer.echo(offline.summary(checked))
    sys.exit(0 if all(one.is_right for one in checked) else 1)


async def _definitions(chosen: Settings) -> Canonicals:
    """What the tenant defines, in front of R4's own."""
    async with tenants_of(chosen) as opened:
        return (await (await opened.get(chosen.tenant)).conformance.validator()).canonicals

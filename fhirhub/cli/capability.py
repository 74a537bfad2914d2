"""`fhirhub capability`."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fhirhub.cli.opening import run, tenants_of
from fhirhub.cli.options import BaseUrl, Database, Tenant, own, read
from fhirhub.cli.preparing import look
from fhirhub.settings import Refusal

if TYPE_CHECKING:
    from fhirhub.resources.validation.validator import Validator


commands = typer.Typer(rich_markup_mode=None)


@commands.command()
def capability(
    mode: Annotated[str, own("capability", "mode", "MODE")] = "full",
    database: Database = None,
    tenant: Tenant = None,
    base_url: BaseUrl = None,
) -> None:
    """Print the CapabilityStatement: what a tenant of this hub can do."""
    from fhirhub import conformance
    from fhirhub.api import capability as stating
    from fhirhub.api.dispatch import dispatch
    from fhirhub.api.exchange import Context
    from fhirhub.api.operations import OPERATIONS
    from fhirhub.api.routes import ROUTES
    from fhirhub.repository import now
    from fhirhub.resources import document
    from fhirhub.store.index.parameters import Parameters

    chosen = read(database=database, tenant=tenant, base_url=base_url)
    if mode not in stating.MODES:
        raise Refusal(f"--mode expects one of {', '.join(stating.MODES)}; got `{mode}`")

    async def known() -> tuple[Parameters, str, Mapping[str, Sequence[Any]], Validator]:
        """The tenant's search parameters, base, code systems and definitions; R4's own where there is no database
        yet."""
        if not (await look(chosen)).current:
            return Parameters(), f"{chosen.public_url}/fhir", {}, conformance.official()
        async with tenants_of(chosen) as opened:
            one = await opened.get(chosen.tenant)
            systems = await one.library.known() if mode == "terminology" else {}
            return one.parameters, one.bases[0], systems, await one.conformance.validator()

    parameters, base, systems, validator = run(known())
    moment = document.instant(now())
    if mode == "terminology":
        statement = stating.terminology(base, moment, systems)
    else:
        context = Context(chosen, ROUTES, OPERATIONS, dispatch, now)
        statement = stating.statement(context, base, moment, mode, parameters, validator.supported)
    sys.stdout.buffer.write(document.pretty(document.encode(statement)) + b"\n")

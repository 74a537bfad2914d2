"""`fhirhub launch` and `token`: an app tried without an EHR around it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from fhirhub.cli.opening import run, with_realm
from fhirhub.cli.options import BaseUrl, Database, SecretFile, Tenant, own
from fhirhub.cli.preparing import prepared
from fhirhub.settings import Refusal

if TYPE_CHECKING:
    from fhirhub.auth.realm import Realm


commands = typer.Typer(rich_markup_mode=None)


@commands.command()
def launch(
    client: Annotated[str, own("launch", "client", "ID")],
    user: Annotated[str, own("launch", "user", "NAME")],
    patient: Annotated[str | None, own("launch", "patient", "ID")] = None,
    encounter: Annotated[str | None, own("launch", "encounter", "ID")] = None,
    database: Database = None,
    tenant: Tenant = None,
    base_url: BaseUrl = None,
    secret_file: SecretFile = None,
) -> None:
    """Print the address by which an EHR would start an app for this person and patient; it works once, for
    five minutes."""
    from fhirhub.auth import launch as launching
    from fhirhub.auth.realm import Issuer

    chosen = prepared(database=database, tenant=tenant, base_url=base_url, secret_file=secret_file)
    asked = {"client_id": client, "user": user, "patient": patient, "encounter": encounter}

    async def work(realm: Realm) -> str:
        app, value = await launching.prepare(realm, asked)
        return launching.address(Issuer(realm, realm.tenant.bases[0]), app, value)

    typer.echo(run(with_realm(chosen, work)))


@commands.command()
def token(
    user: Annotated[str, own("token", "user", "NAME")],
    client: Annotated[str, own("token", "client", "ID")] = "demo-app",
    role: Annotated[str | None, own("token", "role", "ROLE")] = None,
    scope: Annotated[str | None, own("token", "scope", "SCOPE")] = None,
    patient: Annotated[str | None, own("token", "patient", "ID")] = None,
    database: Database = None,
    tenant: Tenant = None,
    base_url: BaseUrl = None,
    secret_file: SecretFile = None,
) -> None:
    """Print an access token as if this person had signed in with the app, to try the hub with curl. Only where
    the hub serves this machine alone."""
    from fhirhub.auth import trial
    from fhirhub.auth.realm import Issuer

    chosen = prepared(database=database, tenant=tenant, base_url=base_url, secret_file=secret_file)
    if chosen.needs_second_factor:
        raise Refusal("A token without signing in is for a hub that serves this machine alone")

    async def work(realm: Realm) -> str:
        return await trial.token(
            Issuer(realm, realm.tenant.bases[0]),
            client=client, user=user, role=role, scope=scope, patient=patient,
        )  # fmt: skip

    typer.echo(run(with_realm(chosen, work)))

"""`fhirhub users`."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated

import typer

from fhirhub.cli.opening import run, with_realm
from fhirhub.cli.options import Database, JsonFile, SecretFile, Tenant
from fhirhub.cli.preparing import prepared
from fhirhub.cli.telling import json_of, tell_json
from fhirhub.settings import Refusal, Settings

if TYPE_CHECKING:
    from fhirhub.auth.accounts import Account
    from fhirhub.auth.realm import Realm


commands = typer.Typer(
    help="The accounts of people who sign in.", no_args_is_help=True, rich_markup_mode=None
)

Username = Annotated[str, typer.Argument(help="The user name.")]


@commands.command("add")
def add_user(
    file: JsonFile, database: Database = None, tenant: Tenant = None, secret_file: SecretFile = None
) -> None:
    """Make an account, or add a role to one: username, password, fhirUser, organization, role, responsible."""
    from fhirhub.auth import accounts, vetting

    asked = json_of(file)
    chosen = prepared(database=database, tenant=tenant, secret_file=secret_file)
    wanted = accounts.wanted(asked, for_others=chosen.needs_second_factor)
    if wanted.password is not None and len(wanted.password) < accounts.SHORTEST_PASSWORD:
        typer.echo(
            f"Warning: a password under {accounts.SHORTEST_PASSWORD} characters is for trials", err=True
        )

    async def work(realm: Realm) -> Account:
        remark = await vetting.check(realm, wanted)
        if remark is not None:
            typer.echo(f"Warning: {remark}", err=True)
        return await accounts.add(realm, wanted)

    tell_json(accounts.shown(run(with_realm(chosen, work))))


@commands.command("list")
def list_users(database: Database = None, tenant: Tenant = None, secret_file: SecretFile = None) -> None:
    """List the accounts, as JSON, one on a line."""
    from fhirhub.auth import accounts

    chosen = prepared(database=database, tenant=tenant, secret_file=secret_file)
    for account in run(with_realm(chosen, accounts.every)):
        typer.echo(json.dumps(accounts.shown(account), ensure_ascii=False))


@commands.command("disable")
def disable_user(
    username: Username, database: Database = None, tenant: Tenant = None, secret_file: SecretFile = None
) -> None:
    """Let nobody sign in by an account any more, and end what it granted."""
    from fhirhub.auth import accounts

    chosen = prepared(database=database, tenant=tenant, secret_file=secret_file)
    _change_account(chosen, username, accounts.disable)
    typer.echo(f"{username} cannot sign in any more, and what they granted has ended.")


@commands.command("enable")
def enable_user(
    username: Username, database: Database = None, tenant: Tenant = None, secret_file: SecretFile = None
) -> None:
    """Let somebody sign in again; what their apps were granted before stays ended."""
    from fhirhub.auth import accounts

    chosen = prepared(database=database, tenant=tenant, secret_file=secret_file)
    _change_account(chosen, username, accounts.enable)
    typer.echo(f"{username} can sign in again.")


@commands.command("forget-second-factor")
def forget_second_factor(
    username: Username, database: Database = None, tenant: Tenant = None, secret_file: SecretFile = None
) -> None:
    """Let a person who lost their telephone set up a new one at the next sign-in."""
    from fhirhub.auth import accounts

    chosen = prepared(database=database, tenant=tenant, secret_file=secret_file)
    _change_account(chosen, username, accounts.forget_second_factor)
    typer.echo(f"{username} sets up a second factor at the next sign-in.")


def _change_account(chosen: Settings, username: str, change: Callable[[Realm, str], Awaitable[bool]]) -> None:
    if not run(with_realm(chosen, lambda realm: change(realm, username))):
        raise Refusal(f"there is no account `{username}`; `fhirhub users list` lists them")

"""The command line: `fhirhub serve`, `load`, `demo`, and the care of a database.

A module here is loaded when one of its commands is named, and what a command needs when it runs, so that help comes at
once and a start takes less than a second.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module

import click
from typer.core import TyperGroup
from typer.main import get_group

from fhirhub.errors import FhirError
from fhirhub.settings import Refusal

ALONE = {
    "serve": "serving",
    "load": "loading",
    "demo": "loading",
    "erase": "erasing",
    "retention": "erasing",
    "migrate": "migrating",
    "reindex": "migrating",
    "backup": "copying",
    "restore": "copying",
    "validate": "validating",
    "capability": "capability",
    "launch": "trial",
    "token": "trial",
}
"""The module of each command that stands alone, in the order in which help lists them."""
GROUPS = ("tenants", "packages", "terminology", "clients", "peers", "users", "audit", "keys")
"""Commands of several words, each with the module of its name."""


def main() -> None:
    """The entry of the program `fhirhub`."""
    # What is written here (database, backup, secret) is for its owner's eyes.
    os.umask(0o077)
    try:
        commands()
    except (Refusal, FhirError) as fault:
        sys.stderr.write(f"fhirhub: {fault}\n")
        sys.exit(2)


class _Commands(TyperGroup):
    """The commands, each made of its module when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*ALONE, *GROUPS]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        names = self.list_commands(ctx)
        # Of a name that is not known, all of them: click tells which is near.
        for name in [cmd_name] if cmd_name in names else names:
            if name not in self.commands:
                self.commands[name] = _made(name)
        return self.commands.get(cmd_name)


def _made(name: str) -> click.Command:
    group = get_group(import_module(f"{__name__}.{ALONE.get(name, name)}").commands)
    group.suggest_commands = False
    return group.commands[name] if name in ALONE else group


commands = _Commands(
    name="fhirhub",
    help="A FHIR R4 server for shared care plans. Every option is also a variable FHIRHUB_...",
    no_args_is_help=True,
    rich_markup_mode=None,
    # click names what is near already.
    suggest_commands=False,
)

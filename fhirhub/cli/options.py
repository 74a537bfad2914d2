"""The options of the commands: those of the settings, with the settings' own texts, and those of one command alone."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

import typer

from fhirhub import settings
from fhirhub.settings import Settings

_SETTINGS = {setting.name: setting for setting in settings.described()}


def option(name: str, metavar: str | None = None) -> Any:
    """The option of a setting, with the setting's own text."""
    setting = _SETTINGS[name]
    default = f"default {setting.default}; " if setting.default else ""
    text = f"{setting.text} ({default}{setting.variable})"
    return typer.Option(setting.option, metavar=metavar, help=text, show_default=False)


_OWN = {(one.command, one.name): one for one in settings.COMMAND_OPTIONS}


def own(command: str, name: str, metavar: str | None = None) -> Any:
    """An option of one command alone."""
    one = _OWN[command, name]
    return typer.Option(
        one.option,
        envvar=one.variable,
        show_envvar=False,
        metavar=metavar,
        help=f"{one.text} ({one.variable})",
        show_default=False,
    )


Database = Annotated[str | None, option("database", "URL")]
Tenant = Annotated[str | None, option("tenant", "NAME")]
BaseUrl = Annotated[str | None, option("base_url", "URL")]
SecretFile = Annotated[Path | None, option("secret_file", "FILE")]
Patients = Annotated[int | None, option("patients", "N")]
Registry = Annotated[str | None, option("package_registry", "URL")]
Cache = Annotated[Path | None, option("package_cache", "FOLDER")]
JsonFile = Annotated[Path, typer.Argument(help="A file with a JSON object, or - for the standard input.")]


def read(**given: Any) -> Settings:
    """The settings, where what is given wins over the environment; warns of variables that are none."""
    for sentence in settings.unknown_variables():
        typer.echo(f"Warning: {sentence}", err=True)
    return settings.read(os.environ, **given)

"""What commands print, and the JSON that they are given."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import typer

from fhirhub.settings import Refusal, Settings


def json_of(file: Path) -> Any:
    try:
        return json.loads(sys.stdin.read() if str(file) == "-" else file.read_text())
    except (OSError, ValueError) as fault:
        raise Refusal(f"{file} expects a JSON object: {fault}") from None


def tell_json(value: Any) -> None:
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False))


def base_of(chosen: Settings, name: str) -> str:
    """The base URL of a tenant, as far as a command beside the hub knows: the hub may serve elsewhere."""
    return f"{chosen.base_url or '<address of the hub>'}{path_of(name)}"


def path_of(name: str) -> str:
    return "/fhir" if name == "default" else f"/{name}/fhir"


@contextmanager
def progress(text: str, total: int | None, unit: str) -> Iterator[Any]:
    """A progress bar where somebody looks; gives what tells it of progress."""
    if not sys.stderr.isatty():
        yield lambda count: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    counts = TextColumn("{task.percentage:>3.0f}%") if unit == "bytes" else MofNCompleteColumn()
    columns = (TextColumn("{task.description}"), BarColumn(), counts, TextColumn(unit), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task(text, total=total)
        yield lambda count: progress.advance(task, count)

"""The floors of the house: a module imports only downward."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_modules_import_only_downward() -> None:
    linter = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([linter, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_no_room_is_named_for_nothing_in_particular() -> None:
    vague = {"utils", "util", "helpers", "helper", "manager", "common", "misc", "data", "info", "process"}
    named = {path.stem for path in (ROOT / "fhirhub").rglob("*.py")}
    named |= {path.name for path in (ROOT / "fhirhub").rglob("*") if path.is_dir()}
    assert not named & vague


def test_every_library_imported_is_a_dependency() -> None:
    names = {name.lower().replace("_", "-") for name in _imported() - set(sys.stdlib_module_names)}
    assert names - _dependencies() - {"fhirhub"} == set()


def _imported() -> set[str]:
    """The first word of every import in the hub's code."""
    found = set()
    for path in (ROOT / "fhirhub").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                found |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                found.add(node.module.partition(".")[0])
    return found


def _dependencies() -> set[str]:
    """What pyproject.toml asks for, under the names by which it is imported."""
    named = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    names = {re.split(r"[^A-Za-z0-9.-]", one.lower())[0] for one in named}
    # Installed under another name, or the part of another that is its interface.
    also = {
        "fhir.resources": {"fhir"},
        "argon2-cffi": {"argon2"},
        "fastapi": {"starlette", "pydantic"},
        "fpdf2": {"fpdf"},
        "python-jose": {"jose"},
        "sqlmodel": {"sqlalchemy", "pydantic"},
    }
    return names.union(*(also.get(name, set()) for name in names))

"""The floors of the house: a module imports only downward."""

from __future__ import annotations

import subprocess
import sys
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

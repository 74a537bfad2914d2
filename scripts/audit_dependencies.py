"""Looks up known faults of the locked dependencies; fails when there are any, not when the service is away.

python scripts/audit_dependencies.py requirements.lock
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

ACCEPTED = {
    "CVE-2024-23342": "ecdsa comes with python-jose and is never loaded: cryptography signs (a test proves it)",
}
"""Known faults that do not reach the hub, by CVE, each with why."""


def main(lock: str) -> int:
    """The exit status: 1 where a locked version has a known fault."""
    command: list[str | Path] = [
        Path(sys.executable).with_name("pip-audit"),
        "--require-hashes",
        "--disable-pip",
    ]
    try:
        done = subprocess.run(
            [*command, "--requirement", lock, "--format", "json", "--progress-spinner", "off"],
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        dependencies: list[dict[str, Any]] = json.loads(done.stdout)["dependencies"]
    except (subprocess.TimeoutExpired, json.JSONDecodeError, KeyError, OSError):
        dependencies = []
    audited = [dependency for dependency in dependencies if "vulns" in dependency]
    for dependency in audited:
        dependency["vulns"] = [fault for fault in dependency["vulns"] if not _is_accepted(fault)]
    for dependency in audited:
        for fault in dependency["vulns"]:
            cure = ", ".join(fault.get("fix_versions", ())) or "none yet"
            print(f"{dependency['name']} {dependency['version']}: {fault['id']}, mended in {cure}")
    if not audited:
        print("The advisory service could not be reached: no dependency was audited.")
    elif len(audited) < len(dependencies):
        print(f"{len(dependencies) - len(audited)} dependencies could not be audited.")
    return 1 if any(dependency["vulns"] for dependency in audited) else 0


def _is_accepted(fault: dict[str, Any]) -> bool:
    return not ACCEPTED.keys().isdisjoint({fault["id"], *fault.get("aliases", ())})


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))

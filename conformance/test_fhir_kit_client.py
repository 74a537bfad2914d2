"""What fhir-kit-client, a JavaScript client, does with the hub: `javascript/hub.test.js` under Node's test runner.

https://www.npmjs.com/package/fhir-kit-client
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

import pytest

SOURCE = Path(__file__).with_name("javascript")
CACHE = Path(__file__).resolve().parent.parent / ".cache" / "conformance"


@pytest.fixture(scope="session")
def packages() -> Path:
    """A folder with the client installed from the lock."""
    npm, node = shutil.which("npm"), shutil.which("node")
    if npm is None or node is None:
        pytest.skip("Node.js with npm is not installed")
    lock = (SOURCE / "package-lock.json").read_bytes()
    folder = CACHE / hashlib.sha256(lock).hexdigest()[:16]
    if not (folder / "node_modules").is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("package.json", "package-lock.json", ".npmrc"):
            shutil.copy(SOURCE / name, folder / name)
        done = subprocess.run(
            [npm, "ci", "--silent"], cwd=folder, capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            shutil.rmtree(folder)
            pytest.skip(f"npm could not fetch the client: {done.stderr.strip()[-300:]}")
    return folder


def test_create_read_search_page_patch_and_transact(base: str, packages: Path) -> None:
    shutil.copy(SOURCE / "hub.test.js", packages / "hub.test.js")
    done = subprocess.run(
        ["node", "--test", "--test-reporter=tap", "hub.test.js"],
        cwd=packages,
        env={**os.environ, "HUB": base},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]

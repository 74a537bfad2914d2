"""What fhir-kit-client, a JavaScript client, does with the hub: `javascript/hub.test.js` under Node's test runner.

https://www.npmjs.com/package/fhir-kit-client
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from conformance.conftest import JAVASCRIPT


def test_create_read_search_page_patch_and_transact(base: str, packages: Path) -> None:
    shutil.copy(JAVASCRIPT / "hub.test.js", packages / "hub.test.js")
    done = subprocess.run(
        ["node", "--test", "--test-reporter=tap", "hub.test.js"],
        cwd=packages,
        env={**os.environ, "HUB": base},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]

"""What fhirclient, the SMART project's JavaScript client, does in a headless Chromium where people sign in:
`javascript/smart.test.js` under Node's test runner (https://github.com/smart-on-fhir/client-js).
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from conformance.conftest import JAVASCRIPT, SigningIn

NAMES = ("chromium", "chromium-browser", "google-chrome")


def test_people_sign_in_with_a_javascript_app(signing_in: SigningIn, packages: Path) -> None:
    chromium = next(filter(None, map(shutil.which, NAMES)), None)
    if chromium is None:
        pytest.skip("Chromium is not installed")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    app = {
        "client_id": "browser-app",
        "client_name": "Browser app",
        "redirect_uris": [f"http://127.0.0.1:{port}/done"],
        "launch_uri": f"http://127.0.0.1:{port}/launch",
        "token_endpoint_auth_method": "none",
        "grant_types": ["authorization_code", "refresh_token"],
        "scope": "openid fhirUser launch launch/patient offline_access patient/*.rs",
    }
    _command(signing_in, "clients", "add", "-", told=json.dumps(app))
    token = _command(signing_in, "token", "--user", "huisarts")
    shown = httpx.get(f"{signing_in.base}/Patient?_count=1", headers={"Authorization": f"Bearer {token}"})
    patient = shown.json()["entry"][0]["resource"]["id"]
    asked = ("--client", "browser-app", "--user", "huisarts", "--patient", patient)
    shutil.copy(JAVASCRIPT / "smart.test.js", packages / "smart.test.js")
    done = subprocess.run(
        ["node", "--test", "--test-reporter=tap", "smart.test.js"],
        cwd=packages,
        env={
            **os.environ,
            "HUB": signing_in.base,
            "PORT": port,
            "PASSWORD": signing_in.password,
            "LAUNCH": _command(signing_in, "launch", *asked),
            "CHROMIUM": chromium,
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]


def _command(hub: SigningIn, *command: str, told: str | None = None) -> str:
    """What a command of the hub's says."""
    settings = ("--database", hub.database, "--secret-file", hub.secret)
    done = subprocess.run(
        [sys.executable, "-m", "fhirhub", *command, *settings],
        input=told,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()

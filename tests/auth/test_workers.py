"""Sign-in across processes: every worker knows at once what another revoked, and soon what a command did."""

from __future__ import annotations

import json
import secrets
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
from joserfc import jwt

from fhirhub.auth.client_authentication import ASSERTION_TYPE
from tests.auth.builders import BACKEND, EC
from tests.hub import running_hub


def command(database_url: str, folder: Path, *arguments: str, given: Any = None) -> str:
    """What `fhirhub` prints, run beside the hub."""
    program = Path(sys.prefix) / "bin" / "fhirhub"
    done = subprocess.run(
        [program, *arguments, "--database", database_url, "--secret-file", folder / "hub.secret"],
        input=json.dumps(given),
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def assertion(token_url: str) -> str:
    now = int(time.time())
    claims = {"iss": "his", "sub": "his", "aud": token_url, "exp": now + 200, "jti": secrets.token_hex(8)}
    return jwt.encode({"alg": "ES384", "kid": "ec"}, claims, EC, algorithms=["ES384"])


def test_a_command_knows_where_the_hub_is_served(sqlite_url: str, tmp_path: Path) -> None:
    with running_hub(sqlite_url, tmp_path, workers=1, auth="smart") as hub:
        app = {
            "client_id": "app",
            "redirect_uris": ["https://app.example/x"],
            "launch_uri": "https://app.example/go",
        }
        user = {
            "username": "anna",
            "password": "een lang wachtwoord",
            "fhirUser": "Patient/anna",
            "role": "patient",
        }
        (tmp_path / "anna.json").write_text('{"resourceType": "Patient", "id": "anna"}')
        program = Path(sys.prefix) / "bin" / "fhirhub"
        subprocess.run([program, "load", tmp_path / "anna.json", "--database", sqlite_url], check=True)
        command(sqlite_url, tmp_path, "clients", "add", "-", given=app)
        command(sqlite_url, tmp_path, "users", "add", "-", given=user)
        address = command(
            sqlite_url, tmp_path, "launch", "--client", "app", "--user", "anna", "--patient", "anna"
        )
        assert dict(parse_qsl(urlsplit(address).query))["iss"] == hub.base


def statuses(url: str, token: str) -> set[int]:
    """The answers of connections enough to reach each worker."""
    found = set()
    for _ in range(12):
        found.add(httpx.get(url, headers={"Authorization": f"Bearer {token}"}).status_code)
    return found


def test_what_is_revoked_is_known_to_every_worker(database_url: str, tmp_path: Path) -> None:
    with running_hub(database_url, tmp_path, workers=2, auth="smart") as hub:
        root = hub.base.removesuffix("/fhir")
        command(database_url, tmp_path, "clients", "add", "-", given=BACKEND)

        def proof() -> dict[str, str]:
            return {
                "client_assertion_type": ASSERTION_TYPE,
                "client_assertion": assertion(f"{root}/auth/token"),
            }

        def token() -> str:
            form = {"grant_type": "client_credentials", "scope": "system/Task.rs", **proof()}
            return str(httpx.post(f"{root}/auth/token", data=form).json()["access_token"])

        first, second = token(), token()
        assert statuses(f"{hub.base}/Task", first) == statuses(f"{hub.base}/Task", second) == {200}
        httpx.post(f"{root}/auth/revoke", data={"token": first, **proof()}).raise_for_status()
        assert statuses(f"{hub.base}/Task", first) == {401}
        assert statuses(f"{hub.base}/Task", second) == {200}
        command(database_url, tmp_path, "clients", "remove", "his")
        while statuses(f"{hub.base}/Task", second) != {401}:
            time.sleep(0.2)

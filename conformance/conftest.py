"""A running hub for the judges: one on each database with a small demo region, or the one at CONFORMANCE_URL."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import pytest

from conformance import hub
from tests.postgres import postgres_server


class SigningIn(NamedTuple):
    """A hub with accounts: its FHIR base URL, their password, and what its commands need."""

    base: str
    password: str
    database: str
    secret: str


JAVASCRIPT = Path(__file__).with_name("javascript")
CACHE = Path(__file__).resolve().parent.parent / ".cache" / "conformance"
GIVEN = os.environ.get("CONFORMANCE_URL")


@pytest.fixture(scope="session", params=["given"] if GIVEN else ["sqlite", "postgresql"])
def base(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The FHIR base URL of a running hub."""
    if request.param == "given":
        assert GIVEN is not None
        yield GIVEN
        return
    folder = tmp_path_factory.mktemp(request.param)
    with ExitStack() as stack:
        if request.param == "sqlite":
            database = f"sqlite://{folder / 'hub.db'}"
        else:
            database = stack.enter_context(postgres_server()).create_database("hub")
        yield stack.enter_context(hub.running(database, folder))


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def signing_in(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SigningIn]:
    """A hub that asks everybody to sign in."""
    if GIVEN:
        pytest.skip("a hub of its own is needed, for its accounts")
    folder = tmp_path_factory.mktemp(f"smart-{request.param}")
    with ExitStack() as stack:
        if request.param == "sqlite":
            database = f"sqlite://{folder / 'hub.db'}"
        else:
            database = stack.enter_context(postgres_server()).create_database("hub")
        base = stack.enter_context(hub.running(database, folder, "smart"))
        yield SigningIn(base, hub.password(folder), database, str(folder / "secret"))


@pytest.fixture(scope="session")
def packages() -> Path:
    """A folder with the JavaScript clients installed from the lock."""
    npm, node = shutil.which("npm"), shutil.which("node")
    if npm is None or node is None:
        pytest.skip("Node.js with npm is not installed")
    lock = (JAVASCRIPT / "package-lock.json").read_bytes()
    folder = CACHE / hashlib.sha256(lock).hexdigest()[:16]
    if not (folder / "node_modules").is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("package.json", "package-lock.json", ".npmrc"):
            shutil.copy(JAVASCRIPT / name, folder / name)
        done = subprocess.run(
            [npm, "ci", "--silent"], cwd=folder, capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            shutil.rmtree(folder)
            pytest.skip(f"npm could not fetch the clients: {done.stderr.strip()[-300:]}")
    return folder

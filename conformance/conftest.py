"""A running hub for the judges: one on each database with a small demo region, or the one at CONFORMANCE_URL."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.postgres import postgres_server

PATIENTS = 12
STARTING_SECONDS = 60

_GIVEN = os.environ.get("CONFORMANCE_URL")


@pytest.fixture(scope="session", params=["given"] if _GIVEN else ["sqlite", "postgresql"])
def base(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The FHIR base URL of a running hub."""
    if request.param == "given":
        assert _GIVEN is not None
        yield _GIVEN
        return
    folder = tmp_path_factory.mktemp(request.param)
    with ExitStack() as stack:
        if request.param == "sqlite":
            database = f"sqlite://{folder / 'hub.db'}"
        else:
            database = stack.enter_context(postgres_server()).create_database("hub")
        yield stack.enter_context(_hub(database, folder))


@contextmanager
def _hub(database: str, folder: Path) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-c", "from fhirhub.cli import main; main()", "serve", "--demo"]
    command += ["--port", str(port), "--database", database, "--patients", str(PATIENTS)]
    command += ["--secret-file", str(folder / "secret")]
    environment = {key: value for key, value in os.environ.items() if not key.startswith("FHIRHUB_")}
    log = folder / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, env=environment)
    try:
        for _ in range(STARTING_SECONDS * 10):
            if process.poll() is not None:
                break
            if _is_ready(port):
                yield f"http://127.0.0.1:{port}/fhir"
                return
            time.sleep(0.1)
        pytest.fail(f"The hub did not start: {log.read_text()[-2000:]}")
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def _is_ready(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False

"""A hub of its own for the judges: a process with a small demo region, on loopback, as long as it is wanted."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PATIENTS = 12
STARTING_SECONDS = 60


@contextmanager
def running(database: str, folder: Path, auth: str = "none") -> Iterator[str]:
    """The FHIR base URL of a hub on that database; its log and secret are in the folder."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "fhirhub", "serve", "--demo"]
    command += ["--port", str(port), "--database", database, "--patients", str(PATIENTS)]
    command += ["--secret-file", str(folder / "secret"), "--auth", auth]
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
        raise RuntimeError(f"The hub did not start: {log.read_text()[-2000:]}")
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def password(folder: Path) -> str:
    """The password of the demo accounts, as the start of that hub told it."""
    lines = (folder / "log").read_text().splitlines()
    return next(line.split()[1] for line in lines if line.strip().startswith("Password"))


def _is_ready(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False

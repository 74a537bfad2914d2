"""A hub in processes of its own, as `fhirhub serve` starts it, for tests of what crosses processes."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path


class Hub:
    """`fhirhub serve` on a free port of the loopback address."""

    def __init__(
        self, database_url: str, folder: Path, workers: int, settings: Mapping[str, str], auth: str = "none"
    ) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = int(free.getsockname()[1])
        self.base = f"http://127.0.0.1:{self.port}/fhir"
        self.folder = folder
        self._command = [
            str(Path(sys.prefix) / "bin" / "fhirhub"), "serve", "--host", "127.0.0.1", "--port", str(self.port),
            "--database", database_url, "--auth", auth, "--workers", str(workers),
        ]  # fmt: skip
        self._environment = {
            **os.environ,
            "FHIRHUB_SECRET_FILE": str(folder / "hub.secret"),
            **settings,
        }
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Returns when it answers."""
        with (self.folder / "hub.log").open("ab") as log:
            self.process = subprocess.Popen(
                self._command, stdout=log, stderr=log, env=self._environment, start_new_session=True
            )
        for _ in range(1200):
            if self.process.poll() is not None:
                break
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=5):
                    return
            except (urllib.error.URLError, OSError):
                time.sleep(0.05)
        log_text = (self.folder / "hub.log").read_text(errors="replace")[-2000:]
        self.kill()
        raise RuntimeError(f"the hub does not start: {log_text}")

    def kill(self) -> None:
        """SIGKILL to every process of it at once."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """SIGTERM, and waits until it has gone."""
        self._end(signal.SIGTERM)

    def _end(self, how: signal.Signals) -> None:
        if self.process is not None:
            if self.process.poll() is None:
                os.killpg(self.process.pid, how)
            self.process.wait()
            self.process = None


@contextmanager
def running_hub(
    database_url: str,
    folder: Path,
    workers: int = 2,
    settings: Mapping[str, str] | None = None,
    auth: str = "none",
) -> Iterator[Hub]:
    """A started hub, stopped afterwards."""
    hub = Hub(database_url, folder, workers, settings or {}, auth)
    hub.start()
    try:
        yield hub
    finally:
        hub.stop()

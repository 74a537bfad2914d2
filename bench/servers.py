"""Servers to be measured: the hub with a number of workers, a limit of the bench, or a peer that runs already."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

import psutil

STARTING_SECONDS = 30


@dataclass(slots=True)
class Server:
    """Where a server listens, and its processes where they are ours."""

    host: str
    port: int
    base: str = "/fhir"
    process: int | None = None
    start_seconds: float = 0.0

    @property
    def address(self) -> str:
        return f"{self.host}:{self.port}"

    def worker_megabytes(self) -> tuple[float, float]:
        """Of the largest of its processes: memory of its own, and with the files it has mapped."""
        if self.process is None:
            return 0.0, 0.0
        main = psutil.Process(self.process)
        used = [one.memory_info() for one in [main, *main.children(recursive=True)]]
        return max((one.rss - one.shared) / 1e6 for one in used), max(one.rss / 1e6 for one in used)


def processor_seconds(process: int | None) -> float:
    """What a process and all it started have used of the processors so far."""
    if process is None:
        return 0.0
    main = psutil.Process(process)
    used = 0.0
    for one in [main, *main.children(recursive=True)]:
        with contextlib.suppress(psutil.NoSuchProcess):
            times = one.cpu_times()
            used += times.user + times.system
    return used


def peer(url: str) -> Server:
    """A server that somebody else started, by its FHIR base URL."""
    parts = urlsplit(url)
    if parts.scheme != "http" or not parts.hostname:
        raise SystemExit(f"PEER expects a base URL such as http://127.0.0.1:8080/fhir; got {url}")
    return Server(parts.hostname, parts.port or 80, parts.path.rstrip("/"))


@contextmanager
def hub(
    database: str, workers: int, secret_file: str, variables: Mapping[str, str] | None = None
) -> Iterator[Server]:
    """The hub serving a database with that many workers, ended afterwards."""
    command = [sys.executable, "-m", "fhirhub", "serve"]
    command += [
        "--database",
        database,
        "--workers",
        str(workers),
        "--secret-file",
        secret_file,
        "--auth",
        "none",
    ]
    with started(command, "/healthz", {"FHIRHUB_LOG_LEVEL": "warning", **(variables or {})}) as server:
        yield server


@contextmanager
def limit(kind: str, argument: str, workers: int) -> Iterator[Server]:
    """One of the bench's own servers (`bench/limits.py`)."""
    with started(
        [sys.executable, "-m", "bench.limits", kind, argument, str(workers)], "/ready", {}
    ) as server:
        server.base = ""
        yield server


@contextmanager
def started(command: Sequence[str], ready: str, variables: Mapping[str, str]) -> Iterator[Server]:
    """Start it with `--port`, and wait until it answers."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    began = time.perf_counter()
    environment = {key: value for key, value in os.environ.items() if not key.startswith("FHIRHUB_")}
    log = tempfile.TemporaryFile()  # noqa: SIM115 - closed below
    process = subprocess.Popen(
        [*command, "--port", str(port)], stdout=log, stderr=log, env={**environment, **variables}
    )
    try:
        while not _answers(port, ready):
            if process.poll() is not None or time.perf_counter() - began > STARTING_SECONDS:
                log.seek(0)
                said = log.read().decode(errors="replace")[-2000:]
                raise SystemExit(f"{' '.join(command)} does not answer: {said}")
            time.sleep(0.01)
        yield Server("127.0.0.1", port, process=process.pid, start_seconds=time.perf_counter() - began)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        log.close()


def _answers(port: int, path: str) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
            connection.sendall(f"GET {path} HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n".encode())
            return connection.recv(64).startswith(b"HTTP/1.1 200")
    except OSError:
        return False

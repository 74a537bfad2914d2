"""A throw-away PostgreSQL cluster for the tests: made in a temporary directory, run as an unprivileged user,
stopped and removed afterwards.

https://www.postgresql.org/docs/15/server-start.html
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

LEAST_VERSION = 15
STARTING_SECONDS = 60


class CannotStart(Exception):
    """PostgreSQL is there and does not start; the text is the end of its log."""


@dataclass
class PostgresServer:
    """A running server. Its superuser is `hub`, trusted on the loopback address."""

    programs: Path
    folder: Path
    port: int
    settings: Mapping[str, str]
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://hub@127.0.0.1:{self.port}/{database}"

    def execute(self, sql: str, database: str = "postgres") -> str:
        """Run one statement; the result's rows as text, columns parted by `|`."""
        psql: list[str | Path] = [self.programs / "psql", "-XAtq", "-v", "ON_ERROR_STOP=1"]
        psql += ["-d", self.url(database), "-c", sql]
        done = subprocess.run(psql, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"{sql}: {done.stderr.strip()}")
        return done.stdout.strip()

    def create_database(self, name: str, template: str = "template1") -> str:
        """The URL of a new database, a copy of `template` (to which nobody may be connected)."""
        self.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        return self.url(name)

    def drop_database(self, name: str) -> None:
        """Remove it, whoever is connected."""
        self.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def start(self) -> None:
        """Start it and return when it answers."""
        log = self.folder / "log"
        options = [word for name, value in self.settings.items() for word in ("-c", f"{name}={value}")]
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                _unprivileged(
                    [self.programs / "postgres", "-D", self.folder / "data", *options], parent=True
                ),
                stdout=output,
                stderr=output,
                cwd=self.folder,
            )
        ready: list[str | Path] = [self.programs / "pg_isready", "-q", "-h", "127.0.0.1"]
        ready += ["-p", str(self.port)]
        for _ in range(STARTING_SECONDS * 20):
            if subprocess.run(ready, check=False).returncode == 0:
                return
            if self.process.poll() is not None:
                break
            time.sleep(0.05)
        self.kill()
        raise CannotStart(log.read_text(errors="replace")[-1000:])

    def stop(self) -> None:
        """A fast shutdown: what is committed is on disk, who is connected is sent away."""
        self._end(signal.SIGINT)

    def kill(self) -> None:
        """An end as of a lost machine: no checkpoint, no farewell. `start` recovers."""
        self._end(signal.SIGQUIT)

    def _end(self, how: signal.Signals) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(how)
            self.process.wait()
        self.process = None

    def promote(self) -> None:
        """Make a standby the primary; returns when it takes writes."""
        self.execute("SELECT pg_promote()")

    @contextmanager
    def standby(
        self, name: str = "standby", settings: Mapping[str, str] | None = None
    ) -> Iterator[PostgresServer]:
        """A streaming standby of this server, known to it as `name`."""
        folder = Path(tempfile.mkdtemp(prefix="fhirhub-standby-"))
        _hand_over(folder)
        port = _free_port()
        try:
            backup: list[str | Path] = [self.programs / "pg_basebackup", "-D", folder / "data", "-R"]
            backup += ["-X", "stream", "-c", "fast", "-d", f"{self.url()}?application_name={name}"]
            _run(backup, folder)
            own = {
                **self.settings,
                **(settings or {}),
                "port": str(port),
                "unix_socket_directories": str(folder),
            }
            server = PostgresServer(self.programs, folder, port, own)
            server.start()
            try:
                yield server
            finally:
                server.stop()
        finally:
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def postgres_server(settings: Mapping[str, str] | None = None) -> Iterator[PostgresServer]:
    """A cluster of its own; skips the test, saying why, where none can be had.

    `settings` are added to those of the command line, such as `{"synchronous_commit": "remote_apply"}`.
    """
    programs = find_programs()
    if programs is None:
        pytest.skip(f"PostgreSQL {LEAST_VERSION} or later is not installed (`apt-get install postgresql`)")
    folder = Path(tempfile.mkdtemp(prefix="fhirhub-postgres-"))
    try:
        _hand_over(folder)
        made = ["-U", "hub", "-A", "trust", "-N", "-E", "UTF8", "--locale=C.UTF-8"]
        _run([programs / "initdb", "-D", folder / "data", *made], folder)
        port = _free_port()
        own = {
            "port": str(port),
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": str(folder),
            "max_connections": "200",
            "fsync": "on",
            "synchronous_commit": "on",
            **(settings or {}),
        }
        server = PostgresServer(programs, folder, port, own)
        server.start()
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def find_programs() -> Path | None:
    """The folder of `initdb` and `postgres`, of the newest version that is new enough."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
    on_path = [Path(found).parent for found in [shutil.which("initdb")] if found]
    for folder in [*reversed(debian), *on_path]:
        if all((folder / name).exists() for name in ("initdb", "postgres", "psql")):
            version = subprocess.run([folder / "postgres", "-V"], capture_output=True, text=True, check=True)
            if int(version.stdout.split()[2].split(".")[0]) >= LEAST_VERSION:
                return folder
    return None


def _unprivileged(command: Sequence[str | Path], parent: bool = False) -> list[str | Path]:
    """The command as somebody who is not root, ended with its `parent` where asked."""
    setpriv = shutil.which("setpriv")
    prefix: list[str | Path] = []
    if setpriv is not None:
        if os.geteuid() == 0:
            user = _user()
            prefix = [f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
        if parent:
            prefix = [*prefix, "--pdeathsig=INT"]
        if prefix:
            prefix = [setpriv, *prefix, "--"]
    elif os.geteuid() == 0:
        prefix = ["runuser", "-u", _user().pw_name, "--"]
    return [*prefix, *command]


def _user() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam("postgres")
    except KeyError:
        return pwd.getpwnam("nobody")


def _hand_over(folder: Path) -> None:
    if os.geteuid() == 0:
        os.chown(folder, _user().pw_uid, _user().pw_gid)


def _run(command: Sequence[str | Path], folder: Path) -> None:
    done = subprocess.run(_unprivileged(command), capture_output=True, text=True, check=False, cwd=folder)
    if done.returncode != 0:
        raise CannotStart(f"{command[0]}: {done.stderr.strip()[-1000:]}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port

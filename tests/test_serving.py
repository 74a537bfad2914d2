"""Serving: how the hub starts, outlives a dead worker, ends in good order, and keeps its secret."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import threading
import urllib.error
import urllib.request
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

PROGRAM = Path(sys.executable).with_name("fhirhub")


class Hub:
    """A hub that runs in processes of its own."""

    def __init__(self, process: subprocess.Popen[str], told: str) -> None:
        self.process = process
        self.told = told
        address = re.search(r"FHIR R4 +(https?://\S+)/fhir", told)
        assert address is not None, told
        self.url = address[1]

    def get(self, path: str) -> str:
        with urllib.request.urlopen(self.url + path) as answer:
            return str(answer.read().decode())

    def workers(self) -> list[psutil.Process]:
        children: list[psutil.Process] = psutil.Process(self.process.pid).children()
        return children

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait()


@contextlib.contextmanager
def _serving(database: str, *options: str, errors: str = "", **variables: str) -> Iterator[Hub]:
    """The hub; what it says of faults goes into the file `errors`, where that is named."""
    with open(errors, "w") if errors else contextlib.nullcontext() as file:
        process = subprocess.Popen(
            [PROGRAM, "serve", "--database", database, "--port", "0", "--auth", "none", *options],
            stdout=subprocess.PIPE,
            stderr=file,
            text=True,
            env={**_environment(), **variables},
        )
    assert process.stdout is not None
    told = ""
    try:
        for line in process.stdout:
            told += line
            if line.lstrip().startswith("Workers"):
                yield Hub(process, told)
                break
        else:
            pytest.fail(f"the hub did not start: status {process.wait()}\n{told}")
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        process.wait()
        process.stdout.close()


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("FHIRHUB_")}


def _refused(database: str, *options: str, **variables: str) -> str:
    """What a start says that is refused."""
    done = subprocess.run(
        [PROGRAM, "serve", "--database", database, "--port", "0", "--auth", "none", *options],
        capture_output=True,
        text=True,
        env={**_environment(), **variables},
        check=False,
    )
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    return done.stderr


def _create(hub: Hub, resource: dict[str, Any]) -> int:
    request = urllib.request.Request(
        f"{hub.url}/fhir/{resource['resourceType']}",
        json.dumps(resource).encode(),
        {"Content-Type": "application/fhir+json"},
    )
    with urllib.request.urlopen(request) as answer:
        return int(answer.status)


@pytest.fixture
def secret(tmp_path: Path) -> str:
    return str(tmp_path / "secret" / "hub.secret")


@pytest.mark.parametrize("workers", ["1", "2"])
def test_hub_serves_and_ends_with_status_0(database_url: str, secret: str, workers: str) -> None:
    with _serving(database_url, "--workers", workers, "--secret-file", secret) as hub:
        assert hub.get("/healthz") == "ok"
        assert hub.get("/readyz").startswith("ready")
        assert _create(hub, {"resourceType": "Patient"}) == 201
        assert "fhirhub_requests_total" in hub.get("/metrics")
        assert "FHIR" in hub.get("/")
        assert hub.end() == 0


def test_first_start_makes_database_and_secret(tmp_path: Path) -> None:
    for _ in range(2):
        with _serving(f"sqlite://{tmp_path}/deep/hub.db") as hub:
            assert hub.get("/readyz").startswith("ready")
            assert hub.end(signal.SIGINT) == 0
    for name in ("hub.db", "hub.secret"):
        assert (tmp_path / "deep" / name).stat().st_mode & 0o777 == 0o600, name


def test_demo_region_is_made_at_the_first_start_alone(sqlite_url: str) -> None:
    with _serving(sqlite_url, "--demo", "--patients", "2") as hub:
        assert "Making a demo region with 2 patients" in hub.told
        assert json.loads(hub.get("/fhir/Patient?_summary=count"))["total"] == 2
    with _serving(sqlite_url, "--demo", "--patients", "2") as hub:
        assert "Making" not in hub.told


def test_a_second_start_loads_nothing_that_makes_the_region_its_accounts_or_pages(
    sqlite_url: str, tmp_path: Path
) -> None:
    """It takes less than a second because of it."""
    options = ("--demo", "--patients", "1", "--auth", "smart")
    with _serving(sqlite_url, *options) as hub:
        assert "huisarts" in hub.told
    told = tmp_path / "told"
    with _serving(sqlite_url, *options, errors=str(told), PYTHONPROFILEIMPORTTIME="1") as hub:
        assert "huisarts" in hub.told
        hub.get("/fhir/metadata")
    loaded = {line.rpartition("|")[2].strip().partition(".")[0] for line in told.read_text().splitlines()}
    assert "uvicorn" in loaded
    needless = {
        "alembic",
        "cryptography",
        "fastapi",
        "fhir",
        "fpdf",
        "httpcore",
        "jinja2",
        "jose",
        "pydantic",
        "rich",
        "segno",
        "sqlalchemy",
    }
    assert loaded & needless == set()


def test_the_tenant_to_serve_is_told_with_its_address(sqlite_url: str) -> None:
    made = [str(PROGRAM), "migrate", "--database", sqlite_url, "--tenant", "noord"]
    subprocess.run(made, env=_environment(), check=True, capture_output=True)
    with _serving(sqlite_url, "--tenant", "noord") as hub:
        assert f"{hub.url}/noord/fhir (the tenant noord)\n" in hub.told
        assert "CapabilityStatement" in hub.get("/noord/fhir/metadata")


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[str, str]:
    """The files of a certificate for 127.0.0.1 and of its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "hub")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    files = tmp_path / "tls.pem", tmp_path / "tls.key"
    files[0].write_bytes(made.public_bytes(Encoding.PEM))
    files[1].write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return str(files[0]), str(files[1])


@pytest.mark.parametrize("workers", ["1", "2"])
def test_with_a_certificate_it_answers_by_https_alone(
    sqlite_url: str, certificate: tuple[str, str], workers: str
) -> None:
    given = {"FHIRHUB_TLS_CERTIFICATE": certificate[0], "FHIRHUB_TLS_KEY": certificate[1]}
    with _serving(sqlite_url, "--workers", workers, **given) as hub:
        assert hub.url.startswith("https://127.0.0.1:")
        trusting = ssl.create_default_context(cafile=certificate[0])
        with httpx.Client(verify=trusting) as client:
            for _ in range(5):
                told = client.get(f"{hub.url}/fhir/metadata", headers={"Connection": "close"}).json()
                assert told["implementation"]["url"] == f"{hub.url}/fhir"
        old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        old.load_verify_locations(certificate[0])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            old.maximum_version = ssl.TLSVersion.TLSv1_1
        with httpx.Client(verify=old) as client, pytest.raises(httpx.ConnectError):
            client.get(f"{hub.url}/healthz")
        with pytest.raises(httpx.RemoteProtocolError):
            httpx.get(f"http://{hub.url.removeprefix('https://')}/healthz")


def test_a_certificate_that_cannot_be_used_is_refused(sqlite_url: str, certificate: tuple[str, str]) -> None:
    given = {"FHIRHUB_TLS_CERTIFICATE": certificate[0]}
    assert "both or neither" in _refused(sqlite_url, **given)
    assert certificate[0] in _refused(sqlite_url, **given, FHIRHUB_TLS_KEY=certificate[0])


def test_start_with_another_secret_or_none_is_refused(database_url: str, secret: str) -> None:
    with _serving(database_url, "--secret-file", secret):
        pass
    Path(secret).rename(secret + ".kept")
    assert "is missing" in _refused(database_url, "--secret-file", secret)
    Path(secret).write_text("A" * 44)
    assert "not the one" in _refused(database_url, "--secret-file", secret, "--workers", "2")
    Path(secret + ".kept").replace(secret)
    with _serving(database_url, "--secret-file", secret) as hub:
        assert hub.get("/readyz").startswith("ready")


def test_secret_is_to_be_named_on_postgresql(postgresql_url: str) -> None:
    assert "FHIRHUB_SECRET_FILE" in _refused(postgresql_url)


def test_database_that_is_away_is_told_in_a_sentence(secret: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        told = _refused(f"postgresql://hub@127.0.0.1:{port}/hub", "--secret-file", secret)
    assert "cannot be reached" in told


def test_address_in_use_is_told_in_a_sentence(sqlite_url: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        assert "in use" in _refused(sqlite_url, "--port", port)


def test_open_hub_warns_at_the_start_and_on_its_page(sqlite_url: str) -> None:
    with _serving(sqlite_url, "--host", "0.0.0.0", FHIRHUB_ALLOW_OPEN="yes") as hub:
        assert "Everybody who reaches this address" in hub.get("/")


def test_worker_that_dies_is_replaced(sqlite_url: str) -> None:
    with _serving(sqlite_url, "--workers", "2") as hub:
        before = hub.workers()
        assert len(before) == 2
        before[0].kill()
        while True:
            with contextlib.suppress(OSError, urllib.error.URLError):
                figures = hub.get("/metrics")
                started = re.search(r"^fhirhub_workers_started_total ([0-9.]+)$", figures, re.MULTILINE)
                if started and float(started[1]) >= 3:
                    break
        living = {worker.pid for worker in hub.workers()}
        assert len(living) == 2
        assert before[0].pid not in living
        assert hub.get("/readyz").startswith("ready")
        assert hub.end() == 0


def test_workers_end_with_their_parent(sqlite_url: str) -> None:
    with _serving(sqlite_url, "--workers", "2") as hub:
        workers = hub.workers()
        hub.end(signal.SIGKILL)
        psutil.wait_procs(workers)
        with pytest.raises(OSError, match=r"[Rr]efused"):
            hub.get("/healthz")


@pytest.mark.parametrize("workers", ["1", "2"])
def test_request_under_way_is_answered_before_the_end(sqlite_url: str, workers: str) -> None:
    with _serving(sqlite_url, "--workers", workers) as hub:
        host, _, port = hub.url.removeprefix("http://").partition(":")
        body = b'{"resourceType":"Patient"}'
        head = f"POST /fhir/Patient HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/fhir+json\r\n"
        with socket.create_connection((host, int(port))) as client:
            client.sendall(head.encode() + b"Content-Length: %d\r\nExpect: 100-continue\r\n\r\n" % len(body))
            assert client.recv(1000).startswith(b"HTTP/1.1 100")
            hub.process.send_signal(signal.SIGTERM)
            ended = threading.Thread(target=hub.process.wait)
            ended.start()
            client.sendall(body)
            assert client.recv(1000).startswith(b"HTTP/1.1 201")
            ended.join()
        assert hub.process.returncode == 0


def _connections(hub: Hub) -> list[int]:
    """How many connections each worker has."""
    port = int(hub.url.rpartition(":")[2])
    return [
        sum(
            one.laddr.port == port and one.status == psutil.CONN_ESTABLISHED
            for one in worker.net_connections()
        )
        for worker in hub.workers()
    ]


def _connect(hub: Hub) -> socket.socket:
    host, _, port = hub.url.removeprefix("http://").partition(":")
    return socket.create_connection((host, int(port)))


def _ask(client: socket.socket) -> None:
    client.sendall(b"GET /healthz HTTP/1.1\r\nHost: hub\r\n\r\n")


def _answered(client: socket.socket) -> bool:
    return client.recv(1000).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize(("workers", "count"), [(2, 16), (3, 12), (2, 7)])
def test_connections_spread_evenly_over_workers(sqlite_url: str, workers: int, count: int) -> None:
    with _serving(sqlite_url, "--workers", str(workers)) as hub, contextlib.ExitStack() as stack:
        clients = [stack.enter_context(_connect(hub)) for _ in range(count)]
        for client in clients:
            _ask(client)
        assert all(_answered(client) for client in clients)
        spread = _connections(hub)
        assert sum(spread) == count
        assert max(spread) - min(spread) <= 1


def test_new_connections_go_where_others_have_ended(sqlite_url: str) -> None:
    with _serving(sqlite_url, "--workers", "2") as hub, contextlib.ExitStack() as stack:
        clients = [_connect(hub) for _ in range(20)]
        for client in clients:
            _ask(client)
            assert _answered(client)
        port = {client.getsockname()[1]: client for client in clients}
        first = hub.workers()[0]
        for one in first.net_connections():
            if one.raddr and one.raddr.port in port:
                port.pop(one.raddr.port).close()
        for client in port.values():
            stack.enter_context(client)
        while min(_connections(hub)) > 0:
            pass
        for _ in range(10):
            client = stack.enter_context(_connect(hub))
            _ask(client)
            assert _answered(client)
        assert _connections(hub) == [10, 10]


def test_connections_of_a_dead_worker_are_taken_by_its_successor(sqlite_url: str) -> None:
    with _serving(sqlite_url, "--workers", "2") as hub, contextlib.ExitStack() as stack:
        for _ in range(10):
            client = stack.enter_context(_connect(hub))
            _ask(client)
            assert _answered(client)
        hub.workers()[0].kill()
        while "fhirhub_workers_started_total 3" not in hub.get("/metrics"):
            pass
        for _ in range(5):
            client = stack.enter_context(_connect(hub))
            _ask(client)
            assert _answered(client)
        assert sorted(_connections(hub)) == [5, 5]


def test_worker_that_dies_takes_no_waiting_connection_with_it(sqlite_url: str) -> None:
    with _serving(sqlite_url, "--workers", "2") as hub, contextlib.ExitStack() as stack:
        workers = hub.workers()
        for worker in workers:
            worker.suspend()
        clients = [stack.enter_context(_connect(hub)) for _ in range(50)]
        for client in clients:
            _ask(client)
        workers[0].kill()
        workers[1].resume()
        assert all(_answered(client) for client in clients)


def test_worker_that_is_stuck_holds_up_nobody(sqlite_url: str) -> None:
    with _serving(sqlite_url, "--workers", "2") as hub:
        stuck = hub.workers()[0]
        stuck.suspend()
        for _ in range(5):
            assert hub.get("/healthz") == "ok"
        stuck.resume()
        assert hub.end() == 0


def test_bursts_of_short_connections_are_all_answered(sqlite_url: str) -> None:
    def burst() -> int:
        return sum(hub.get("/healthz") == "ok" for _ in range(100))

    with _serving(sqlite_url, "--workers", "2") as hub, ThreadPoolExecutor(20) as threads:
        assert sum(threads.map(lambda _: burst(), range(20))) == 2000
        assert hub.end() == 0

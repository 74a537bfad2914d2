from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
import uvicorn

from fhirhub import settings
from fhirhub.api import wire
from fhirhub.app import create_app

HOST = b"Host: hub.test\r\n"
JSON = b"Content-Type: application/fhir+json\r\n"


@pytest_asyncio.fixture
async def port(sqlite_url: str, tmp_path: Path) -> AsyncIterator[int]:
    """The port of a hub that listens on loopback."""
    chosen = settings.read(
        {}, database=sqlite_url, secret_file=tmp_path / "hub.secret", max_body_bytes=100_000, auth="none"
    )
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    config = uvicorn.Config(
        create_app(chosen),
        http=wire.Protocol,
        lifespan="on",
        log_config=None,
        access_log=False,
        date_header=False,
        ws="none",
    )
    server = uvicorn.Server(config)
    server.capture_signals = contextlib.nullcontext  # type: ignore[method-assign,assignment]
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    while not server.started:
        await asyncio.sleep(0.01)
    yield listening.getsockname()[1]
    server.should_exit = True
    await serving


async def ask(port: int, *parts: bytes, answers: int = 1) -> list[tuple[int, dict[str, str], bytes]]:
    """Send these bytes as they are; status, header fields and body of each answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for part in parts:
        writer.write(part)
        with contextlib.suppress(ConnectionError):
            await writer.drain()
    found = []
    for _ in range(answers):
        head = await reader.readuntil(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        fields = dict(line.lower().split(": ", 1) for line in lines if line)
        body = await reader.readexactly(int(fields.get("content-length", "0")))
        found.append((int(first.split()[1]), fields, body))
    writer.close()
    return found


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"\x00\x01\x02\r\n\r\n",
        "GET /fhir/Patient/é HTTP/1.1\r\n".encode() + HOST + b"\r\n",
        b"GET /fhir/Patient?name=\xff HTTP/1.1\r\n" + HOST + b"\r\n",
        b"GET /fhir/Patient/a b HTTP/1.1\r\n" + HOST + b"\r\n",
        b"GET /fhir/Patient HTTP/1.1\r\n" + HOST + b"X: a\rb\r\n\r\n",
        b"POST /fhir/Patient HTTP/1.1\r\n"
        + HOST
        + JSON
        + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
        b"POST /fhir/Patient HTTP/1.1\r\n" + HOST + JSON + b"Content-Length: -2\r\n\r\n{}",
        b"POST /fhir/Patient HTTP/1.1\r\n"
        + HOST
        + JSON
        + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ],
)
async def test_what_is_no_http_gets_an_outcome(port: int, request_bytes: bytes) -> None:
    ((status, fields, body),) = await ask(port, request_bytes)
    assert status == 400
    assert json.loads(body)["resourceType"] == "OperationOutcome"
    assert fields["x-request-id"]
    assert fields["connection"] == "close"


@pytest.mark.parametrize(
    ("request_bytes", "wanted", "code"),
    [
        (b"FOO /fhir/Patient HTTP/1.1\r\n" + HOST + b"\r\n", 501, "not-supported"),
        (b"GET /fhir/Patient?name=" + b"x" * 100_000 + b" HTTP/1.1\r\n" + HOST + b"\r\n", 414, "too-long"),
        (b"GET /fhir/Patient?name=" + b"x" * 40_000 + b" HTTP/1.1\r\n" + HOST + b"\r\n", 414, "too-long"),
    ],
)
async def test_unknown_methods_and_overlong_urls_are_told_as_such(
    port: int, request_bytes: bytes, wanted: int, code: str
) -> None:
    status, fields, body = (await ask(port, request_bytes))[0]
    assert status == wanted
    assert json.loads(body)["issue"][0]["code"] == code
    assert fields["x-request-id"]


async def test_endless_header_fields_are_cut_off(port: int) -> None:
    parts = [
        b"GET /fhir/Patient HTTP/1.1\r\n" + HOST,
        *[b"X-%d: " % n + b"a" * 1000 + b"\r\n" for n in range(300)],
    ]
    ((status, _, body),) = await ask(port, *parts)
    assert status == 431
    assert json.loads(body)["issue"][0]["code"] == "too-long"


async def test_header_fields_that_do_not_come_are_not_waited_for(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "HEAD_SECONDS", 0.05)
    ((status, _, body),) = await ask(port, b"GET /fhir/Patient HTTP/1.1\r\n" + HOST)
    assert status == 408
    assert json.loads(body)["resourceType"] == "OperationOutcome"


async def test_header_fields_in_small_parts_are_one_request(port: int) -> None:
    request = b"GET /fhir/Patient/nobody HTTP/1.1\r\n" + HOST + b"\r\n"
    ((status, _, _),) = await ask(port, *[request[n : n + 7] for n in range(0, len(request), 7)])
    assert status == 404


async def test_every_answer_tells_its_moment_once(port: int) -> None:
    for path in (b"/fhir/Patient", b"/fhir/Patient/nobody", b"/healthz", b"/"):
        request = b"GET " + path + b" HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n"
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(request)
        answer = await reader.read()
        writer.close()
        assert answer.lower().count(b"\r\ndate: ") == 1


async def test_a_body_in_chunks_is_one_body(port: int) -> None:
    ((status, _, _),) = await ask(
        port,
        b"POST /fhir/Patient HTTP/1.1\r\n" + HOST + JSON + b"Transfer-Encoding: chunked\r\n\r\n",
        b'1a\r\n{"resourceType":"Patient"}\r\n',
        b"0\r\n\r\n",
    )
    assert status == 201


async def test_a_body_over_the_limit_ends_the_connection(port: int) -> None:
    declared = b"POST /fhir/Patient HTTP/1.1\r\n" + HOST + JSON + b"Content-Length: 99999999\r\n\r\n"
    ((status, fields, _),) = await ask(port, declared)
    assert status == 413
    assert fields["connection"] == "close"
    chunk = b"1000\r\n" + b" " * 4096 + b"\r\n"
    ((status, _, _),) = await ask(
        port,
        b"POST /fhir/Patient HTTP/1.1\r\n" + HOST + JSON + b"Transfer-Encoding: chunked\r\n\r\n",
        chunk * 30,
    )
    assert status == 413


async def test_requests_that_follow_without_waiting_are_answered_in_turn(port: int) -> None:
    paths = [b"/fhir/Patient/a", b"/fhir/Nothing", b"/healthz"]
    sent = b"".join(b"GET " + path + b" HTTP/1.1\r\n" + HOST + b"\r\n" for path in paths)
    answers = await ask(port, sent, answers=3)
    assert [status for status, _, _ in answers] == [404, 404, 200]
    assert b"Patient/a" in answers[0][2]


async def test_a_head_has_a_length_and_no_body(port: int) -> None:
    head = b"HEAD /fhir/metadata HTTP/1.1\r\n" + HOST + b"\r\n"
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(head + b"GET /healthz HTTP/1.1\r\n" + HOST + b"\r\n")
    first = await reader.readuntil(b"\r\n\r\n")
    second = await reader.readuntil(b"\r\n\r\n")
    assert b"200 OK" in first
    assert int(first.lower().split(b"content-length: ")[1].split(b"\r\n")[0]) > 1000
    assert second.startswith(b"HTTP/1.1 200")
    writer.close()


async def test_the_process_lives_on_after_all_that(port: int) -> None:
    for junk in (
        b"\x16\x03\x01\x02\x00",
        b"GET",
        b"POST /fhir/Patient HTTP/1.1\r\nContent-Length: 5\r\n\r\n{",
    ):
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(junk)
        await writer.drain()
        writer.close()
    ((status, _, _),) = await ask(port, b"GET /healthz HTTP/1.1\r\n" + HOST + b"\r\n")
    assert status == 200


async def test_a_request_of_http_1_1_names_its_host(port: int) -> None:
    """RFC 9112, 3.2; one of HTTP/1.0 need not."""
    asked = b"GET /fhir/metadata HTTP/1.%d\r\nConnection: close\r\n\r\n"
    assert (await ask(port, asked % 1))[0][0] == 400
    assert (await ask(port, asked % 0))[0][0] == 200

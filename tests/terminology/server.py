"""A terminology server on the loopback address that says what it is told to say."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Json = dict[str, Any]


class Server:
    """`answers` by operation; `asked` has every call; `status` other than 200 is given to all."""

    def __init__(self) -> None:
        self.answers: dict[str, Json] = {}
        self.asked: list[tuple[str, Json]] = []
        self.status = 200
        self.location: str | None = None
        self.base = ""

    def answer(self, path: str, body: Json) -> tuple[int, Json]:
        operation = path.removeprefix("/tx/")
        self.asked.append((operation, body))
        if self.status != 200 or operation not in self.answers:
            issue = {"severity": "error", "code": "not-found"}
            return self.status if self.status != 200 else 404, {
                "resourceType": "OperationOutcome",
                "issue": [issue],
            }
        return 200, self.answers[operation]


@contextmanager
def serving() -> Iterator[Server]:
    server = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status, found = server.answer(self.path, body)
            content = json.dumps(found).encode()
            self.send_response(status)
            if server.location:
                self.send_header("Location", server.location)
            self.send_header("Content-Type", "application/fhir+json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    http.daemon_threads = True
    server.base = f"http://127.0.0.1:{http.server_address[1]}/tx"
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        http.shutdown()
        thread.join()
        http.server_close()

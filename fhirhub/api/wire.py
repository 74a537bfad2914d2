"""HTTP/1.1 on the wire where a request cannot be read at all: bounds, and an OperationOutcome as the answer.

uvicorn's protocol with three things added: a request line and header fields that are too long or do not come
are refused, and what is no HTTP gets the same form of answer as every other fault.
"""

from __future__ import annotations

import asyncio
import re
import secrets
import sys
from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from fhirhub.api import outcome
from fhirhub.api.address import MAX_URL_BYTES, URL_TOO_LONG
from fhirhub.api.conditions import date_now
from fhirhub.api.http import AT_ONCE, WHOLE
from fhirhub.errors import Issue

MAX_HEAD_BYTES = 128 * 1024
"""Request line and header fields together."""
HEAD_SECONDS = 30.0
"""How long a client may take to send them."""

_STATUS = {
    400: b"HTTP/1.1 400 Bad Request\r\n",
    408: b"HTTP/1.1 408 Request Timeout\r\n",
    414: b"HTTP/1.1 414 URI Too Long\r\n",
    431: b"HTTP/1.1 431 Request Header Fields Too Large\r\n",
    501: b"HTTP/1.1 501 Not Implemented\r\n",
}
_METHOD = re.compile(rb"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,40} ")


class Protocol(HttpToolsProtocol):
    """One connection."""

    _data = b""
    """What came last."""
    _head_bytes = 0
    _head_timer: asyncio.TimerHandle | None = None

    def on_message_begin(self) -> None:
        super().on_message_begin()
        scope: Any = self.scope
        scope["extensions"] = {AT_ONCE: self.answer, WHOLE: self.whole}

    def whole(self, scope: Any) -> bytes | None:
        """The body of the request, where all of it came with the header fields, as it does as a rule."""
        cycle = self.cycle
        if cycle.scope is not scope or cycle.more_body or cycle.disconnected:
            return None
        body, cycle.body = bytes(cycle.body), bytearray()
        return body

    def answer(self, scope: Any, status: int, head: bytes, body: bytes) -> bool:
        """Write an answer that is there as a whole, at once; False where it must wait for its turn.

        `head` is the header fields with their line ends, all of them checked by who made them.
        """
        cycle = self.cycle
        if cycle.scope is not scope or cycle.response_started or self.flow.write_paused:
            return False
        if cycle.disconnected:
            return True
        cycle.response_started = cycle.response_complete = True
        cycle.waiting_for_100_continue = False
        if b"\r\nconnection: close" in head:
            cycle.keep_alive = False
        elif not cycle.keep_alive:
            head += b"connection: close\r\n"
        self.transport.write(b"".join((STATUS_LINE[status], head, b"\r\n", body)))
        cycle.message_event.set()
        if not cycle.keep_alive:
            self.transport.close()
        cycle.on_response()
        return True

    def data_received(self, data: bytes) -> None:
        self._data = data
        super().data_received(data)
        if self._in_head():
            self._head_bytes += len(data)
            if self._head_bytes > MAX_HEAD_BYTES:
                self._refuse(431, "too-long", f"The header fields are longer than {MAX_HEAD_BYTES} bytes")
            elif self._head_timer is None:
                self._head_timer = asyncio.get_running_loop().call_later(HEAD_SECONDS, self._head_missing)
        elif self._head_bytes:
            self._end_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._end_head()
        super().connection_lost(exc)

    def send_400_response(self, msg: str) -> None:
        """Refuse what the parser could not read; it is called while its error is being handled."""
        unknown = isinstance(sys.exception(), httptools.HttpParserInvalidMethodError)
        if unknown and _METHOD.match(self._data):
            self._refuse(501, "not-supported", "This is no method that the server knows (RFC 9110, 9.1)")
        elif len(getattr(self, "url", b"")) > MAX_URL_BYTES:
            self._refuse(*URL_TOO_LONG)
        else:
            self._refuse(400, "structure", "This is not a request of HTTP/1.1")

    def _in_head(self) -> bool:
        """Whether a request has begun whose header fields are not all there."""
        if self.scope is None or self.transport.is_closing():
            return False
        return self.cycle is None or self.cycle.scope is not self.scope

    def _end_head(self) -> None:
        self._head_bytes = 0
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _head_missing(self) -> None:
        self._head_timer = None
        if self._in_head():
            self._refuse(408, "timeout", "The header fields did not come")

    def _refuse(self, status: int, code: str, text: str) -> None:
        if self.transport.is_closing():
            return
        self._end_head()
        body = outcome.render([Issue("error", code, text)])
        fields: list[tuple[bytes, Any]] = [
            (b"date", date_now()),
            (b"x-request-id", secrets.token_hex(8).encode()),
            (b"content-type", b"application/fhir+json; charset=utf-8"),
            (b"content-length", b"%d" % len(body)),
            (b"connection", b"close"),
        ]
        head = _STATUS[status] + b"".join(b"%s: %s\r\n" % field for field in fields)
        self.transport.write(head + b"\r\n" + body)
        self.transport.close()

"""Content codings: bodies unpacked within bounds, answers packed within a share of the time
(RFC 9110, 8.4; https://hl7.org/fhir/R4/http.html#mime-type)."""

from __future__ import annotations

import functools
import re
import time
import zlib

from fhirhub.errors import FhirError, error, invalid, too_long

PACKED_FROM_BYTES = 1000
SHARE = 0.05
"""Of the time, for packing."""
SAVED_SECONDS = 0.25
"""Of unused share, at most."""

MEMBERS = 16
"""Parts that a gzip body may have, one behind the other (RFC 1952, 2.2); each is copied behind the one before."""
GZIP = 31
_CODINGS: dict[bytes, int | None] = {
    b"": None,
    b"identity": None,
    b"gzip": GZIP,
    b"x-gzip": GZIP,
    b"deflate": 15,
}


def check(coding: bytes) -> None:
    """Raise not_supported (415) for a `Content-Encoding` that cannot be unpacked."""
    if coding not in _CODINGS:
        raise _unknown(coding)


def unpacked(body: bytes, coding: bytes, limit: int) -> bytes:
    """A body as it was before it was packed, at most `limit` bytes. Raises too_long and invalid."""
    windows = _CODINGS[coding]
    if windows is None or not body:
        return body
    try:
        return _unpacked(body, windows, limit)
    except zlib.error:
        if coding == b"deflate":
            # Some senders leave out the zlib frame that RFC 9110, 8.4.1.2 asks for.
            try:
                return _unpacked(body, -15, limit)
            except zlib.error:
                pass
    raise invalid(f"The body is not what `Content-Encoding: {coding.decode()}` says")


def _unknown(coding: bytes) -> FhirError:
    text = f"`Content-Encoding` expects gzip or deflate; got `{coding.decode('latin-1')}`"
    return error(415, "not-supported", text, headers={"Accept-Encoding": "gzip, deflate"})


def _unpacked(body: bytes, windows: int, limit: int) -> bytes:
    parts: list[bytes] = []
    left = limit
    for _ in range(MEMBERS):
        unpacker = zlib.decompressobj(windows)
        parts.append(unpacker.decompress(body, left + 1))
        left -= len(parts[-1])
        if left < 0:
            raise too_long(f"The body is longer than {limit} bytes once unpacked")
        if not unpacker.eof:
            raise zlib.error("incomplete")
        body = unpacker.unused_data
        if not body:
            return b"".join(parts)
        if windows != GZIP:
            break
    raise zlib.error("more than was packed")


class Packing:
    """Packs bodies for clients that take it, within a share of the worker's time: where packing every answer
    would cost more than that, the rest goes as it is, which every client takes."""

    def __init__(self) -> None:
        self._saved = SAVED_SECONDS
        self._at = time.perf_counter()

    def pack(self, body: bytes, accepted: bytes) -> tuple[bytes, bytes | None]:
        """The body and its coding, None where it stays as it is."""
        coding = _coding(accepted[:1000])
        now = time.perf_counter()
        self._saved = min(SAVED_SECONDS, self._saved + (now - self._at) * SHARE)
        self._at = now
        if coding is None or self._saved <= 0:
            return body, None
        packer = zlib.compressobj(1, zlib.DEFLATED, 31 if coding == b"gzip" else 15)
        packed = packer.compress(body) + packer.flush()
        self._saved -= time.perf_counter() - now
        return packed, coding


@functools.lru_cache(maxsize=256)
def _coding(accepted: bytes) -> bytes | None:
    """gzip or deflate, where `Accept-Encoding` takes it."""
    weights: dict[bytes, bool] = {}
    for member in accepted.lower().split(b","):
        name, _, parameters = member.partition(b";")
        weight = parameters.strip()
        weights[name.strip()] = not re.fullmatch(rb"q\s*=\s*0(\.0*)?", weight)
    for name in (b"gzip", b"deflate"):
        if weights.get(name, weights.get(b"*", False)):
            return name
    return None

"""Cursors: where a page ended, opaque to the caller and tied by an HMAC to who asked what.

A cursor holds the sort values of the last match and what breaks ties, so it works on every worker and host. They are
enciphered under the HMAC (as in RFC 5297), since row keys would tell how much there is that may not be seen.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from typing import Any

import msgspec

from fhirhub import errors

Position = tuple[Any, ...]
"""How many values break ties, the sort values of the last match of a page, then what breaks ties."""

_TAG_BYTES = 16
_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(tuple[int | float | str | None, ...])


def seal(key: bytes, scope: str, position: Position) -> str:
    """The cursor of a position. `scope` says who asked what: the cursor opens with the same scope only."""
    content = _encoder.encode(position)
    tag = _tag(key, scope, content)
    return base64.urlsafe_b64encode(tag + _masked(key, tag, content)).rstrip(b"=").decode()


def unseal(key: bytes, scope: str, cursor: str) -> Position:
    """The position of a cursor; 400 `value` where it was not made by `seal` with this key and scope."""
    try:
        sealed = base64.b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4), b"-_", validate=True)
        tag = sealed[:_TAG_BYTES]
        content = _masked(key, tag, sealed[_TAG_BYTES:])
        if len(cursor) <= 4096 and hmac.compare_digest(tag, _tag(key, scope, content)):
            return _decoder.decode(content)
    except (binascii.Error, UnicodeEncodeError, msgspec.DecodeError):
        pass
    raise errors.value("This page link is not valid for this caller and search; begin the search again.")


def _tag(key: bytes, scope: str, content: bytes) -> bytes:
    scoped = hashlib.blake2b(scope.encode("utf-8", "surrogatepass"), digest_size=16).digest()
    return hmac.digest(key or b"\0", scoped + content, "sha256")[:_TAG_BYTES]


def _masked(key: bytes, tag: bytes, content: bytes) -> bytes:
    """The content enciphered, or deciphered: both are the same."""
    stream = hashlib.shake_256(b"cursor" + key + tag).digest(len(content))
    return bytes(one ^ other for one, other in zip(content, stream, strict=True))

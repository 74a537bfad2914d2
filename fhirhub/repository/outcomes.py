"""What a write makes of a resource, and what comes of it."""

from __future__ import annotations

import os
import time
from typing import Any, Literal, NamedTuple

from fhirhub.resources import document
from fhirhub.store.database import Change, Key
from fhirhub.store.index import extract
from fhirhub.store.search import Match
from fhirhub.store.versions import Stored

Json = dict[str, Any]


class Written(NamedTuple):
    """What a write made of a resource; `unchanged` says that its content was there already."""

    stored: Stored
    outcome: Literal["created", "updated", "unchanged", "deleted"]


class Effect(NamedTuple):
    """What one write did to one resource."""

    after: Stored
    before: Stored | None
    """The version that was current, which may be a deletion; None where there was none."""
    by_hub: bool
    """Whether a rule wrote it, and not who asked."""


class Indexed(NamedTuple):
    """A resource that is to be made under this key, with what it is found by, looked up before the transaction."""

    resource: Json
    key: Key
    updated: int
    rows: extract.Rows


def new_id() -> str:
    """A logical id: a UUID whose first part is the time (version 7, RFC 9562), so that ids grow."""
    noise = int.from_bytes(os.urandom(10), "big")
    milliseconds = time.time_ns() // 1_000_000
    number = (milliseconds & 0xFFFFFFFFFFFF) << 80 | 0x7 << 76 | (noise >> 68) << 64 | 0b10 << 62
    text = f"{number | noise & 0x3FFFFFFFFFFFFFFF:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def now() -> int:
    """This moment in microseconds, whole milliseconds, as `meta.lastUpdated` shows it."""
    return time.time_ns() // 1_000_000 * 1000


def stored_of(change: Change) -> Stored:
    return Stored(
        change.rid,
        change.type,
        change.id,
        change.version,
        change.updated,
        change.body is None,
        change.method,
        change.body,
        change.patient,
        change.label,
    )


def matched(match: Match) -> Stored:
    """A match as the current version it is; how it was written, a search does not ask."""
    return Stored(match.rid, match.type, match.id, match.version, match.updated, False, "PUT", match.body)


def same(resource: Json, current: Stored) -> bool:
    """Whether this content, stamped like the current version, is the current version."""
    assert current.body is not None
    document.stamp(resource, current.id, current.version, current.updated)
    if document.encode(resource) == current.body:
        return True
    return document.canonical(resource) == document.canonical(document.decode(current.body))

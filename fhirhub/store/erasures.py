"""The list of erasures beside the database: what a restored backup does not know of is erased again from it
(RULES R35).

A line of JSON for each, without content: what was erased of which tenant, when, on which ground and by whose decision.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from fhirhub.settings import Refusal
from fhirhub.store.erasing import Erasure

SUFFIX = ".erasures"


@dataclass(frozen=True, slots=True)
class Listed:
    """An erasure and the name of its tenant."""

    tenant: str
    erasure: Erasure


def read(path: Path) -> list[Listed]:
    """The erasures of the list, the oldest first; none where there is no list. Raises Refusal for what is no list."""
    if not path.exists():
        return []
    found = []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        try:
            told = json.loads(line)
            found.append(Listed(told.pop("tenant"), Erasure(**told)))
        except (ValueError, TypeError, KeyError, AttributeError):
            raise Refusal(
                f"line {number} of {path} is no erasure: keep the list as the hub writes it"
            ) from None
    return sorted(found, key=lambda one: one.erasure.moment)


def add(path: Path, erasures: Iterable[Listed]) -> None:
    """Put those on the list that are not there; on disk when this returns."""
    known = {(one.tenant, one.erasure.id) for one in read(path)}
    lines = [
        json.dumps({"tenant": one.tenant, **one.erasure._asdict()}) + "\n"
        for one in erasures
        if (one.tenant, one.erasure.id) not in known
    ]
    if not lines:
        return
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        os.write(handle, "".join(lines).encode())
        os.fsync(handle)
    finally:
        os.close(handle)


def of_file(database: Path) -> list[Listed]:
    """The erasures that an SQLite database knows of, every tenant's; none where there is none, or it cannot be read: a
    damaged one is what a backup is for."""
    if not database.exists():
        return []
    try:
        with closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True)) as source:
            columns = {row[1] for row in source.execute("PRAGMA table_info(erasure)")}
            told = [name if name in columns else f"'{lacking}'" for name, lacking in _ADDED]
            rows = source.execute(
                f"SELECT t.name, e.id, {', '.join(told)}, e.subject, e.ground, e.erased FROM erasure e "
                "JOIN tenant t ON t.tenant = e.tenant ORDER BY e.erased, e.id"
            ).fetchall()
    except sqlite3.DatabaseError:
        return []
    return [
        Listed(name, Erasure(id, kind, subject, ground, decider, moment))
        for name, id, kind, decider, subject, ground, moment in rows
    ]


_ADDED = (("kind", "patient"), ("decider", ""))
"""Columns that older databases lack, and what they mean there."""

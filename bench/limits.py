"""What the machine can do at best for the same work: the limits that the hub's figures are held against.

As a program it is a bare ASGI server under uvicorn: `bytes` answers 2.8 kB, `asyncpg` reads one row by key.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import uvicorn

BODY_BYTES = 2_800
CONNECTIONS = 8

Scope = dict[str, Any]
Send = Callable[[dict[str, Any]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Captured:
    """The rows that some creates wrote: for each table its columns, their SQL types, and the rows."""

    tables: dict[str, tuple[list[str], list[str], list[tuple[Any, ...]]]]

    @property
    def rows(self) -> int:
        return sum(len(rows) for _, _, rows in self.tables.values())


# -- Rows of a create ------------------------------------------------------------------------------------


async def captured_postgresql(url: str, ids: Sequence[str]) -> Captured:
    """What is stored of the resources with these ids, in every table that has their row key."""
    connection = await asyncpg.connect(url)
    try:
        rids = [
            row["rid"] for row in await connection.fetch("SELECT rid FROM resource WHERE id = ANY($1)", ids)
        ]
        columns = await connection.fetch(
            "SELECT c.relname AS name, a.attname AS column, format_type(a.atttypid, a.atttypmod) AS type"
            " FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid"
            " WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace AND a.attnum > 0"
            " AND NOT a.attisdropped ORDER BY c.relname, a.attnum"
        )
        tables: dict[str, tuple[list[str], list[str], list[tuple[Any, ...]]]] = {}
        for column in columns:
            names, types, _ = tables.setdefault(column["name"], ([], [], []))
            names.append(column["column"])
            types.append(column["type"])
        found = {}
        for name, (names, types, _) in tables.items():
            if "rid" in names and "tenant" in names:
                rows = await connection.fetch(f'SELECT * FROM "{name}" WHERE rid = ANY($1)', rids)
                if rows:
                    found[name] = (names, types, [tuple(row) for row in rows])
        return Captured(found)
    finally:
        await connection.close()


def captured_sqlite(path: str, ids: Sequence[str]) -> Captured:
    """The same from an SQLite file."""
    connection = sqlite3.connect(path)
    try:
        marks = ",".join("?" * len(ids))
        rids = [rid for (rid,) in connection.execute(f"SELECT rid FROM resource WHERE id IN ({marks})", ids)]
        found = {}
        for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            columns = connection.execute(f'PRAGMA table_info("{name}")').fetchall()
            names = [column[1] for column in columns]
            if "rid" in names and "tenant" in names:
                marks = ",".join("?" * len(rids))
                rows = connection.execute(f'SELECT * FROM "{name}" WHERE rid IN ({marks})', rids).fetchall()
                if rows:
                    found[name] = (names, [column[2] for column in columns], rows)
        return Captured(found)
    finally:
        connection.close()


# -- Writing the same rows --------------------------------------------------------------------------------


async def _copy_tables(connection: asyncpg.Connection[Any], captured: Captured, schema: str) -> None:
    await connection.execute(f"DROP SCHEMA IF EXISTS {schema} CASCADE; CREATE SCHEMA {schema}")
    for name in captured.tables:
        await connection.execute(f'CREATE TABLE {schema}."{name}" (LIKE public."{name}" INCLUDING ALL)')
    await connection.execute(f"CREATE SEQUENCE {schema}.rid CACHE 100")


async def pgbench(programs: Path, url: str, captured: Captured, seconds: int) -> float:
    """Creates per second of pgbench, 8 clients, one statement with every row of the create."""
    connection = await asyncpg.connect(url)
    try:
        await _copy_tables(connection, captured, "limit_create")
        parts = ["k AS (SELECT nextval('limit_create.rid') AS rid)"]
        for number, (name, (columns, types, rows)) in enumerate(captured.tables.items()):
            values = []
            for row in rows:
                cells = []
                for column, type, cell in zip(columns, types, row, strict=True):
                    if column == "rid":
                        cells.append("k.rid")
                    elif column in ("id", "write_id"):
                        cells.append("'b' || k.rid")
                    else:
                        cells.append(f"{_literal(cell)}::{type}")
                values.append(f"SELECT {', '.join(cells)} FROM k")
            insert = f'INSERT INTO limit_create."{name}" ({", ".join(columns)}) {" UNION ALL ".join(values)}'
            parts.append(f"t{number} AS ({insert})")
        script = "WITH " + ",\n".join(parts) + "\nSELECT 1;\n"
        with tempfile.NamedTemporaryFile("w", suffix=".sql") as file:
            file.write(script)
            file.flush()
            command = [programs / "pgbench", "-n", "-M", "prepared", "-c", "8", "-j", "2", "-T", str(seconds)]
            process = await asyncio.create_subprocess_exec(
                *map(str, [*command, "-f", file.name, url]),
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            )
            output, faults = await process.communicate()
        found = re.search(rb"tps = ([\d.]+)", output)
        if found is None:
            raise RuntimeError(f"pgbench: {faults.decode()[-500:]}")
        return float(found[1])
    finally:
        await connection.execute("DROP SCHEMA IF EXISTS limit_create CASCADE")
        await connection.close()


def _literal(cell: Any) -> str:
    if cell is None:
        return "NULL"
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, (int, float)):
        return f"'{cell}'"
    if isinstance(cell, bytes):
        return f"'\\x{cell.hex()}'"
    # A colon would be a variable of pgbench.
    return "U&'" + str(cell).replace("\\", "\\\\").replace("'", "''").replace(":", "\\003A") + "'"


async def unnest(url: str, captured: Captured, seconds: float) -> list[float]:
    """Seconds of each transaction that inserts the rows of many creates by unnest alone, one at a time."""
    connection = await asyncpg.connect(url)
    try:
        await _copy_tables(connection, captured, "limit_many")
        moved = _Moved(captured)
        statements = {
            name: f'INSERT INTO limit_many."{name}" ({", ".join(columns)}) SELECT * FROM unnest('
            + ", ".join(f"${place}::{type}[]" for place, type in enumerate(types, 1))
            + ")"
            for name, (columns, types, _) in captured.tables.items()
        }
        prepared = {name: await connection.prepare(sql) for name, sql in statements.items()}
        taken = []
        until = time.perf_counter() + seconds
        while time.perf_counter() < until:
            columns = {name: list(zip(*rows, strict=True)) for name, rows in moved.next()}
            began = time.perf_counter()
            async with connection.transaction():
                for name, values in columns.items():
                    await prepared[name].fetch(*values)
            taken.append(time.perf_counter() - began)
        return taken
    finally:
        await connection.execute("DROP SCHEMA IF EXISTS limit_many CASCADE")
        await connection.close()


def sqlite_inserts(path: str, captured: Captured, folder: Path, seconds: float) -> list[float]:
    """Seconds of each transaction of the same rows in an SQLite file of the same tables, in process."""
    file = folder / "limit.db"
    file.unlink(missing_ok=True)
    source = sqlite3.connect(path)
    connection = sqlite3.connect(file, isolation_level=None)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        made = source.execute(
            "SELECT sql, tbl_name FROM sqlite_master WHERE sql IS NOT NULL ORDER BY type DESC"
        )
        for sql, table in made.fetchall():
            if table in captured.tables:
                connection.execute(sql)
        moved = _Moved(captured)
        statements = {
            name: f'INSERT INTO "{name}" VALUES ({",".join("?" * len(columns))})'
            for name, (columns, _, _) in captured.tables.items()
        }
        taken = []
        until = time.perf_counter() + seconds
        while time.perf_counter() < until:
            written = moved.next()
            began = time.perf_counter()
            connection.execute("BEGIN IMMEDIATE")
            for name, rows in written:
                connection.executemany(statements[name], rows)
            connection.execute("COMMIT")
            taken.append(time.perf_counter() - began)
        return taken
    finally:
        connection.close()
        source.close()
        for left in folder.glob("limit.db*"):
            left.unlink()


class _Moved:
    """The captured rows under new keys, each time others."""

    def __init__(self, captured: Captured) -> None:
        self._captured = captured
        self._round = 0

    def next(self) -> list[tuple[str, list[tuple[Any, ...]]]]:
        self._round += 1
        moved = []
        for name, (columns, _, rows) in self._captured.tables.items():
            places = {column: place for place, column in enumerate(columns)}
            ids = [places[column] for column in ("id", "write_id") if column in places]
            made = []
            for row in rows:
                cells = list(row)
                cells[places["rid"]] += self._round * 1_000_000_000
                for place in ids:
                    cells[place] = f"{cells[place]}-{self._round}"
                made.append(tuple(cells))
            moved.append((name, made))
        return moved


# -- Bare servers -----------------------------------------------------------------------------------------


def _headers(body: bytes) -> list[tuple[bytes, bytes]]:
    return [
        (b"content-type", b"application/fhir+json"),
        (b"content-length", b"%d" % len(body)),
        (b"etag", b'W/"1"'),
        (b"last-modified", b"Fri, 20 Nov 2026 09:00:00 GMT"),
    ]


async def _answer(send: Send, body: bytes, status: int = 200) -> None:
    await send({"type": "http.response.start", "status": status, "headers": _headers(body)})
    await send({"type": "http.response.body", "body": body})


class _Bytes:
    """The same 2.8 kB whatever is asked."""

    def __init__(self, argument: str) -> None:
        self._body = json.dumps({"resourceType": "CarePlan", "description": "x" * (BODY_BYTES - 47)}).encode()

    async def __call__(self, scope: Scope, receive: object, send: Send) -> None:
        await _answer(send, self._body)


class _OneByOne:
    """A row by its key for each request, over a pool of connections."""

    def __init__(self, argument: str) -> None:
        self._url = argument
        self._pool: asyncpg.Pool[Any] | None = None

    async def __call__(self, scope: Scope, receive: object, send: Send) -> None:
        if scope["path"] == "/ready":
            await _answer(send, b"{}")
            return
        if self._pool is None:
            self._pool = await asyncpg.create_pool(self._url, min_size=CONNECTIONS, max_size=CONNECTIONS)
        _, kind, id = scope["path"].split("/")
        row = await self._pool.fetchrow(
            "SELECT version, updated, body FROM resource WHERE tenant = $1 AND type = $2 AND id = $3",
            1,
            kind,
            id,
        )
        await (_answer(send, row[2]) if row else _answer(send, b"{}", 404))


_SERVERS: dict[str, Callable[[str], Any]] = {"bytes": _Bytes, "asyncpg": _OneByOne}


def main() -> None:
    """Serve a limit, forked as the hub forks."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("kind", choices=_SERVERS)
    parser.add_argument("argument")
    parser.add_argument("workers", type=int)
    parser.add_argument("--port", type=int, required=True)
    chosen = parser.parse_args()
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind(("127.0.0.1", chosen.port))
    listening.listen(128)
    listening.setblocking(False)
    children = []
    for _ in range(chosen.workers - 1):
        if child := os.fork():
            children.append(child)
        else:
            children = []
            break
    server = uvicorn.Server(
        uvicorn.Config(
            _SERVERS[chosen.kind](chosen.argument),
            loop="uvloop",
            http="httptools",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
        )
    )
    # uvicorn raises the signal that ended it once more; it shall not keep the children from ending.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(0))
    try:
        server.run(sockets=[listening])
    finally:
        for child in children:
            os.kill(child, signal.SIGTERM)
            os.waitpid(child, 0)


if __name__ == "__main__":
    main()

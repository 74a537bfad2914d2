"""Processes of one PostgreSQL call to each other, also after the connection they listen on was lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from fhirhub.store import calling
from fhirhub.store.opening import open_database
from fhirhub.store.sql import Statement

OTHERS = Statement(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() "
    "AND application_name = 'fhirhub' AND pid <> pg_backend_pid()"
)


@asynccontextmanager
async def listening(url: str) -> AsyncIterator[asyncio.Queue[str]]:
    """What one process hears."""
    heard: asyncio.Queue[str] = asyncio.Queue()
    database = open_database(url)
    listens = database.listen(heard.put_nowait)
    assert listens is not None
    try:
        yield heard
    finally:
        await listens.close()
        await database.close()


async def test_a_call_is_heard_by_another_process_and_after_its_connection_was_lost(
    postgresql_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calling, "PAUSE_SECONDS", 0.01)
    caller = open_database(postgresql_url)
    try:
        async with listening(postgresql_url) as heard, asyncio.timeout(30):
            assert await heard.get() == ""
            await caller.call("7")
            assert await heard.get() == "7"
            await caller.fetch(OTHERS)
            # What was called meanwhile is lost, so it is to be looked for.
            assert await heard.get() == ""
            await caller.call("8")
            assert await heard.get() == "8"
    finally:
        await caller.close()


async def test_a_call_that_nobody_can_hear_is_nothing(sqlite_url: str) -> None:
    database = open_database(sqlite_url)
    try:
        assert database.listen(lambda text: None) is None
        await database.call("7")
    finally:
        await database.close()

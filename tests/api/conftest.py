"""The whole hub over HTTP, without a network in between."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from fhirhub import settings
from fhirhub.app import create_app

BASE = "http://hub.test/fhir"
Open = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]


@pytest.fixture
def open_client(database_url: str, tmp_path: Path) -> Open:
    """A client of a hub with these settings, on this test's database."""

    @asynccontextmanager
    async def opened(**given: Any) -> AsyncIterator[httpx.AsyncClient]:
        chosen = settings.read(
            {},
            database=database_url,
            secret_file=tmp_path / "hub.secret",
            **({"auth": "none", "check_answers": True} | given),
        )
        app = create_app(chosen)
        async with (
            app.running(),
            httpx.AsyncClient(
                transport=httpx.ASGITransport(app=app),
                base_url=BASE,
                headers={"Accept": "application/fhir+json"},
            ) as client,
        ):
            yield client

    return opened


@pytest_asyncio.fixture
async def client(open_client: Open) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a hub with the settings as they come."""
    async with open_client() as opened:
        yield opened

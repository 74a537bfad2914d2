"""A realm of its own for each test, on both databases, with a clock that the test moves."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from fhirhub import settings
from fhirhub.auth.realm import Realm
from fhirhub.auth.revocation import Mark
from fhirhub.tenants import open_tenants
from tests.auth.builders import BASE, Hub, new_app


class Clock:
    """Seconds since 1970 that pass only when told."""

    def __init__(self) -> None:
        self.moment = 1_800_000_000.0

    def __call__(self) -> float:
        return self.moment


@pytest_asyncio.fixture
async def realm(database_url: str, tmp_path: Path) -> AsyncIterator[Realm]:
    chosen = settings.read(
        {}, database=database_url, secret_file=tmp_path / "hub.secret", auth="smart", check_answers=True
    )
    async with open_tenants(chosen) as opened:
        one = await opened.get("default")
        assert opened.secret is not None
        yield Realm(one, opened.secret, chosen, Mark(), Clock())


def clock_of(realm: Realm) -> Clock:
    assert isinstance(realm.clock, Clock)
    return realm.clock


Open = Callable[..., AbstractAsyncContextManager[Hub]]


@pytest.fixture
def open_hub(database_url: str, tmp_path: Path) -> Open:
    """A hub with sign-in and these settings, on this test's database."""

    @asynccontextmanager
    async def opened(**given: Any) -> AsyncIterator[Hub]:
        app = new_app(database_url, tmp_path, **given)
        async with (
            app.running(),
            httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=BASE) as client,
        ):
            assert app.smart is not None
            realm = await app.smart.realm("default")
            assert realm is not None
            yield Hub(app, client, realm)

    return opened


@pytest_asyncio.fixture
async def hub(open_hub: Open) -> AsyncIterator[Hub]:
    """A hub with sign-in."""
    async with open_hub() as opened:
        yield opened

"""A realm of its own for each test, on both databases, with a clock that the test moves."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from fhirhub import settings
from fhirhub.auth.realm import Realm
from fhirhub.auth.revocation import Mark
from fhirhub.tenants import open_tenants


class Clock:
    """Seconds since 1970 that pass only when told."""

    def __init__(self) -> None:
        self.moment = 1_800_000_000.0

    def __call__(self) -> float:
        return self.moment


@pytest_asyncio.fixture
async def realm(database_url: str, tmp_path: Path) -> AsyncIterator[Realm]:
    chosen = settings.read({}, database=database_url, secret_file=tmp_path / "hub.secret", auth="smart")
    async with open_tenants(chosen) as opened:
        one = await opened.get("default")
        assert opened.secret is not None
        yield Realm(one.number, one.name, opened.database, opened.secret, chosen, Mark(), Clock())


def clock_of(realm: Realm) -> Clock:
    assert isinstance(realm.clock, Clock)
    return realm.clock

"""A hub without sign-in and a receiver, on both databases."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest_asyncio

from tests.api.conftest import Open, open_client
from tests.subscriptions.receiver import Receiver, receiving

__all__ = ["open_client"]


@pytest_asyncio.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as started:
        yield started


@pytest_asyncio.fixture
async def client(open_client: Open) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a hub without sign-in that may notify this machine."""
    async with open_client(fetch_allow="127.0.0.1") as opened:
        yield opened

"""A hub with sign-in on both databases, as the tests of sign-in have it."""

from __future__ import annotations

import pytest_asyncio

from tests.auth.builders import Hub
from tests.auth.conftest import hub, open_hub, realm
from tests.careplan.neighbourhood import Neighbourhood, settle

__all__ = ["hub", "open_hub", "realm"]


@pytest_asyncio.fixture
async def there(hub: Hub) -> Neighbourhood:
    """A neighbourhood whose people have tokens."""
    return await settle(hub)

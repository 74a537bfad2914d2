"""A hub with sign-in, with people around one patient."""

from __future__ import annotations

import pytest_asyncio

from tests.audit.watching import Watched, settle
from tests.auth.builders import Hub
from tests.auth.conftest import hub, open_hub, realm

__all__ = ["hub", "open_hub", "realm"]


@pytest_asyncio.fixture
async def there(hub: Hub) -> Watched:
    """People with tokens, and what the log says of them."""
    return await settle(hub)

"""The neighbourhood in which the stories happen, on both databases."""

from __future__ import annotations

import pytest_asyncio

from tests.auth.builders import Hub
from tests.auth.conftest import hub, open_hub
from tests.careplan.vicinity import Neighbourhood, settle

__all__ = ["hub", "open_hub"]


@pytest_asyncio.fixture
async def street(hub: Hub) -> Neighbourhood:
    """Anna and who may come to help her, each with a token."""
    await settle(hub)
    return Neighbourhood(hub)

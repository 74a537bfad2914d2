"""A running hub for the judges: one on each database with a small demo region, or the one at CONFORMANCE_URL."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from typing import NamedTuple

import pytest

from conformance import hub
from tests.postgres import postgres_server


class SigningIn(NamedTuple):
    """A hub with accounts: its FHIR base URL and their password."""

    base: str
    password: str


GIVEN = os.environ.get("CONFORMANCE_URL")


@pytest.fixture(scope="session", params=["given"] if GIVEN else ["sqlite", "postgresql"])
def base(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The FHIR base URL of a running hub."""
    if request.param == "given":
        assert GIVEN is not None
        yield GIVEN
        return
    folder = tmp_path_factory.mktemp(request.param)
    with ExitStack() as stack:
        if request.param == "sqlite":
            database = f"sqlite://{folder / 'hub.db'}"
        else:
            database = stack.enter_context(postgres_server()).create_database("hub")
        yield stack.enter_context(hub.running(database, folder))


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def signing_in(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SigningIn]:
    """A hub that asks everybody to sign in."""
    if GIVEN:
        pytest.skip("a hub of its own is needed, for its accounts")
    folder = tmp_path_factory.mktemp(f"smart-{request.param}")
    with ExitStack() as stack:
        if request.param == "sqlite":
            database = f"sqlite://{folder / 'hub.db'}"
        else:
            database = stack.enter_context(postgres_server()).create_database("hub")
        base = stack.enter_context(hub.running(database, folder, "smart"))
        yield SigningIn(base, hub.password(folder))

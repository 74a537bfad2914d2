"""What a command works on: the tenants of its settings, one of them as the administrator sees it, or its authorization
server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import typer

from fhirhub.secrets import SecretError, secret_path
from fhirhub.settings import Refusal, Settings

if TYPE_CHECKING:
    from fhirhub.auth.realm import Realm
    from fhirhub.repository import Repository
    from fhirhub.tenants import Tenants

T = TypeVar("T")


def run(work: Coroutine[Any, Any, T]) -> T:
    """What the work gives when it is done."""
    return asyncio.run(work)


@asynccontextmanager
async def tenants_of(chosen: Settings, *, logs: bool = False) -> AsyncIterator[Tenants]:
    """The tenants of these settings. `logs`: what is done is logged, where the log and its secret are to be had."""
    from fhirhub.audit.recording import Recorder
    from fhirhub.careplan.identity import OnePatientForEachBsn
    from fhirhub.conformance import MoveMark
    from fhirhub.searchparameters import TakeNote
    from fhirhub.tenants import open_tenants

    rules = (TakeNote(), MoveMark(), OnePatientForEachBsn())
    recorder = Recorder() if logs and chosen.is_audited and _has_secret(chosen) else None
    opening = open_tenants(chosen, with_secret=recorder is not None, rules=rules, recorder=recorder)
    async with opening as opened:
        await opened.find_address()
        yield opened


def _has_secret(chosen: Settings) -> bool:
    """Whether the secret that seals the log is to be had; without one it is said that nothing is logged."""
    try:
        secret_path(chosen)
    except SecretError as fault:
        typer.echo(f"Warning: this is not logged: {fault}", err=True)
        return False
    return True


@asynccontextmanager
async def repository_of(chosen: Settings, integrity: bool = True) -> AsyncIterator[Repository]:
    """The chosen tenant as the administrator sees it: whole."""
    from fhirhub.access import EVERYTHING
    from fhirhub.repository import Agent, Repository, Trail

    async with tenants_of(chosen, logs=True) as opened:
        one = await opened.get(chosen.tenant)
        one.integrity = integrity and one.integrity
        administrator = Agent(role="beheerder", client="fhirhub load")
        yield Repository(one, EVERYTHING, trail=Trail("load", agent=administrator, watches=False))


async def with_realm(chosen: Settings, work: Callable[[Realm], Awaitable[T]]) -> T:
    """What the work gives that is done on the tenant's authorization server."""
    import time

    from fhirhub.auth.faults import OAuthError
    from fhirhub.auth.realm import Realm
    from fhirhub.auth.revocation import Mark
    from fhirhub.tenants import open_tenants

    async with open_tenants(chosen) as opened:
        await opened.find_address()
        one = await opened.get(chosen.tenant)
        assert opened.secret is not None
        realm = Realm(one, opened.secret, chosen, Mark(), time.time)
        try:
            return await work(realm)
        except OAuthError as fault:
            raise Refusal(fault.sentence) from None

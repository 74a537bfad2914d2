"""The neighbourhood in which the stories happen, on both databases; what they leave behind is valid."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio

from fhirhub.resources import document
from fhirhub.resources.validation.validator import Validator
from fhirhub.store.sql import Statement
from tests.auth.builders import Hub
from tests.auth.conftest import hub, open_hub
from tests.careplan.neighbourhood import Neighbourhood, settle
from tests.claims import profile_of

__all__ = ["hub", "open_hub"]


SHARED = frozenset(
    {
        *("CarePlan", "CareTeam", "Communication", "Consent", "Goal"),
        *("Observation", "QuestionnaireResponse", "Task"),
    }
)
"""What keeps to a profile of the guide; a Communication does where it is about a plan."""


@pytest_asyncio.fixture
async def street(hub: Hub) -> AsyncIterator[Neighbourhood]:
    """Anna and who may come to help her, each with a token. At the end every version of every resource in the store,
    whether a person or the hub wrote it, is held against R4, its own profiles and those of the guide."""
    await settle(hub)
    yield Neighbourhood(hub)
    assert await _faults(hub) == []


async def _faults(hub: Hub) -> list[str]:
    rows = []
    for table in ("resource", "version"):
        stored = Statement(f"SELECT body FROM {table} WHERE body IS NOT NULL", (), ())
        rows += await hub.realm.tenant.database.fetch(stored)
    validator = Validator()
    found = []
    for (body,) in dict.fromkeys(row[:1] for row in rows if row[0]):
        resource = document.decode(body)
        is_claimed = resource["resourceType"] in SHARED and (
            resource["resourceType"] != "Communication" or "basedOn" in resource
        )
        claimed = profile_of(resource) if is_claimed else None
        found += [
            f"{resource['resourceType']}/{resource['id']}: {issue.expression}: {issue.text}"
            for issue in validator.validate(resource, [claimed] if claimed else [])
            if issue.severity in ("error", "fatal")
        ]
    return found

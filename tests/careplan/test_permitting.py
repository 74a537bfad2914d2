"""A consent check outside the hub: without its yes nobody joins, and silence is no."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from fhirhub import fetching
from fhirhub.fetching import Fetched
from tests.auth.builders import Json
from tests.auth.conftest import Open
from tests.careplan.neighbourhood import Neighbourhood, settle
from tests.careplan.resources import consent

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

NURSING = "Organization/thuiszorg"
ANSWERS: list[tuple[int, Any]] = [
    (200, {"resourceType": "Parameters", "parameter": [{"name": "permit", "valueBoolean": False}]}),
    (200, {"resourceType": "Parameters"}),
    (200, {"permit": True}),
    (500, {"resourceType": "Parameters", "parameter": [{"name": "permit", "valueBoolean": True}]}),
]
"""What is no yes."""
YES = (200, {"resourceType": "Parameters", "parameter": [{"name": "permit", "valueBoolean": True}]})


@pytest_asyncio.fixture
async def here(open_hub: Open) -> AsyncIterator[Neighbourhood]:
    # Nobody listens at this port.
    async with open_hub(consent_check="http://127.0.0.1:9/check", fetch_allow=("127.0.0.1:9",)) as hub:
        yield await settle(hub)


def answering(monkeypatch: pytest.MonkeyPatch, status: int, body: Json) -> list[Json]:
    """The check answers so from now on; what it is asked."""
    asked: list[Json] = []

    async def fetch(url: str, allowed: tuple[str, ...], **also: Any) -> Fetched:
        asked.append(json.loads(also["body"]))
        return Fetched(status, json.dumps(body).encode(), {})

    monkeypatch.setattr(fetching, "fetch", fetch)
    return asked


async def test_nobody_joins_without_a_yes_from_outside(
    here: Neighbourhood, monkeypatch: pytest.MonkeyPatch
) -> None:
    await here.agree(NURSING)
    task = await here.place("jan", NURSING)
    refused = await here.move("wil", task, "accepted", 422)
    assert "outside this hub" in refused["issue"][0]["details"]["text"]
    for status, body in ANSWERS:
        answering(monkeypatch, status, body)
        await here.move("wil", task, "accepted", 422)
    asked = answering(monkeypatch, *YES)
    await here.move("wil", task, "accepted")
    told = [one.get("valueReference", {}).get("reference") for one in asked[0]["parameter"]]
    assert {"Patient/anna", NURSING} <= set(told)
    assert any(one.get("valueIdentifier", {}).get("value") for one in asked[0]["parameter"])
    # Who takes part is not asked about again; within the own practice nobody is.
    await here.move("wil", await here.place("jan", NURSING, basedOn=task["basedOn"]), "accepted")
    assert len(asked) == 1


async def test_an_objection_here_stands_whatever_outside_says(
    here: Neighbourhood, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = answering(monkeypatch, *YES)
    await (await here.as_("anna")).post("Consent", consent("deny", NURSING))
    await here.place("jan", NURSING)
    assert (await here.find("Task", f"owner={NURSING}"))[0]["status"] == "rejected"
    assert asked == []


async def test_the_glass_is_not_broken_without_a_yes_from_outside(
    here: Neighbourhood, monkeypatch: pytest.MonkeyPatch
) -> None:
    reason = {"name": "reason", "valueCodeableConcept": {"text": "Gevallen, verward"}}
    path = "Patient/anna/$break-glass"
    assert (await here.call("wil", path, reason)).status_code == 404
    answering(monkeypatch, *YES)
    assert (await here.call("wil", path, reason)).status_code == 200

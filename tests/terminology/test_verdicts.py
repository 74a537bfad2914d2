"""Codes of large code systems, as validation judges them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fhirhub.resources.canonicals import OFFICIAL
from fhirhub.store.database import Database
from fhirhub.terminology import verdicts
from fhirhub.terminology.verdicts import TenantTerminology
from fhirhub.turns import Turns
from tests.terminology import release
from tests.terminology.release import FAILURE, TYPE2
from tests.terminology.test_loading import SNOMED, folder, library, load
from tests.test_packages import hub, profile

Json = dict[str, Any]
__all__ = ["folder"]

DISEASES = {
    "resourceType": "ValueSet", "id": "d", "url": "http://acme.example/d", "status": "active",
    "compose": {"include": [{"system": SNOMED, "filter": [
        {"property": "concept", "op": "is-a", "value": release.DIABETES}]}]},
}  # fmt: skip
BOUND = profile(
    "diabetes",
    "Condition",
    {
        "id": "Condition.code",
        "path": "Condition.code",
        "binding": {"strength": "required", "valueSet": "http://acme.example/d"},
    },
)


def condition(code: str, display: str | None = None) -> Json:
    coding = {"system": SNOMED, "code": code} | ({"display": display} if display else {})
    return {
        "resourceType": "Condition", "subject": {"display": "Somebody"}, "code": {"coding": [coding]},
        "clinicalStatus": {"coding": [
            {"system": "http://terminology.hl7.org/CodeSystem/condition-clinical", "code": "active"}]},
    }  # fmt: skip


async def test_codes_of_a_loaded_system_are_judged_by_value_set_and_by_name(
    database_url: str, tmp_path: Path, folder: Path
) -> None:
    async with hub(database_url, tmp_path, validation="profiles") as (started, client):
        assert started.database is not None
        await load(started.database, folder)
        for resource in (DISEASES, BOUND):
            await client.put(f"{resource['resourceType']}/{resource['id']}", json=resource)

        async def told(resource: Json, severity: str) -> list[str]:
            answer = await client.post(f"Condition/$validate?profile={BOUND['url']}", json=resource)
            found = answer.json()["issue"]
            return [each["details"]["text"] for each in found if each["severity"] == severity]

        assert await told(condition(TYPE2), "error") == []
        assert await told(condition(TYPE2, "Diabetes mellitus type 2"), "warning") == await told(
            condition(TYPE2), "warning"
        )
        (outside,) = await told(condition(FAILURE), "error")
        assert "must have a code from http://acme.example/d" in outside
        assert any("has no code `12345`" in text for text in await told(condition("12345"), "error"))
        claiming = {**condition(FAILURE), "meta": {"profile": [BOUND["url"]]}}
        assert (await client.post("Condition", json=claiming)).status_code == 422
        made = await client.post("Condition", json={**claiming, "code": condition(TYPE2)["code"]})
        assert made.status_code == 201, made.text


async def test_what_nobody_knows_is_asked_once(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    known = library(database)
    find = known.system

    async def counted(url: str, version: str | None = None) -> Any:
        asked.append(url)
        return await find(url, version)

    monkeypatch.setattr(known, "system", counted)
    terminology = TenantTerminology(OFFICIAL, known)

    async def ask(code: str) -> bool | None:
        return (
            await Turns().run(lambda turn: terminology.validate("http://none.example", code, None))
        ).exists

    assert [await ask(code) for code in ("1", "2", "3")] == [None, None, None]
    assert asked == ["http://none.example"]
    monkeypatch.setattr(verdicts, "KEPT_SECONDS", -1)
    terminology = TenantTerminology(OFFICIAL, known)
    assert [await ask(code) for code in ("1", "1")] == [None, None]
    assert len(asked) == 3, "and again when that is long ago"


async def test_work_that_may_not_ask_leaves_the_code_unknown(database: Database, folder: Path) -> None:
    await load(database, folder)
    terminology = TenantTerminology(OFFICIAL, library(database))
    turns = Turns()
    assert terminology.validate(SNOMED, "12345", None).exists is None
    held = await turns.run(lambda turn: terminology.validate(SNOMED, "12345", None), may_ask=False)
    assert held.exists is None
    assert (await turns.run(lambda turn: terminology.validate(SNOMED, "12345", None))).exists is False

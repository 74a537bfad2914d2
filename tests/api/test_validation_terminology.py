"""What the validator says of codes of code systems that lie in the database."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from httpx import AsyncClient

from fhirhub.store.database import Database
from fhirhub.terminology.library import LOOK_SECONDS
from fhirhub.terminology.loading import choosing, writing
from tests.api.builders import Json
from tests.api.operations.terminology import stored
from tests.terminology import release
from tests.terminology.release import FAILURE, HEART

SNOMED = "http://snomed.info/sct"
PROFILE = "https://zoo.example/StructureDefinition/heart"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return release.write(tmp_path / "rf2")


def condition(code: str, display: str | None = None) -> Json:
    coding = {"system": SNOMED, "code": code, **({"display": display} if display else {})}
    return {
        "resourceType": "Condition",
        "subject": {"reference": "Patient/p"},
        "code": {"coding": [coding]},
        "meta": {"profile": [PROFILE]},
    }


def profile(value_set: str, strength: str) -> Json:
    return {
        "resourceType": "StructureDefinition",
        "id": "heart",
        "url": PROFILE,
        "name": "Heart",
        "status": "active",
        "fhirVersion": "4.0.1",
        "kind": "resource",
        "abstract": False,
        "type": "Condition",
        "baseDefinition": "http://hl7.org/fhir/StructureDefinition/Condition",
        "derivation": "constraint",
        "differential": {
            "element": [
                {"id": "Condition", "path": "Condition"},
                {
                    "id": "Condition.code",
                    "path": "Condition.code",
                    "min": 1,
                    "binding": {"strength": strength, "valueSet": value_set},
                },
            ]
        },
    }


async def faults(client: AsyncClient, resource: Json) -> list[tuple[str, str]]:
    response = await client.post("Condition/$validate", json=resource)
    return [
        (each["severity"], each["details"]["text"])
        for each in response.json()["issue"]
        if each["code"] in ("code-invalid", "invalid", "not-found")
    ]


async def test_codes_and_displays_are_held_against_the_loaded_code_system(
    client: AsyncClient, database: Database, folder: Path
) -> None:
    unknown = [each for each in await faults(client, condition("1", "x")) if SNOMED in each[1]]
    assert {each[0] for each in unknown} <= {"information"}, unknown
    await writing.load(database, 1, choosing.source(folder), 0, lambda count: None)
    await asyncio.sleep(LOOK_SECONDS)
    assert ("error", f"The code system {SNOMED} has no code `1`") in await faults(client, condition("1"))
    (wrong,) = [each for each in await faults(client, condition(FAILURE, "griep")) if "display" in each[1]]
    assert wrong[0] == "warning"
    assert "`hartfalen`" in wrong[1]
    assert not any("display" in text for _, text in await faults(client, condition(FAILURE, "Heart failure")))


@pytest.mark.parametrize(("strength", "severity"), [("required", "error"), ("extensible", "warning")])
async def test_bindings_to_a_hierarchy_are_kept(
    client: AsyncClient, database: Database, folder: Path, strength: str, severity: str
) -> None:
    await writing.load(database, 1, choosing.source(folder), 0, lambda count: None)
    await stored(client, profile(f"{SNOMED}?fhir_vs=isa/{HEART}", strength))
    assert not any("from" in text for _, text in await faults(client, condition(FAILURE)))
    outside = [
        each for each in await faults(client, condition(release.DIABETES)) if "have a code from" in each[1]
    ]
    assert [each[0] for each in outside] == [severity]

"""Every statement of the hot paths names one tenant on every table, so that a sharded database sends it to
one node (https://docs.citusdata.com/en/stable/develop/reference_ddl.html)."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

from fhirhub import jobs, settings
from fhirhub.app import create_app
from fhirhub.store import reindex, tables
from fhirhub.store.erasing import erase_patient

_NAMES = "|".join(tables.OF_TENANT)
_READ = re.compile(
    rf"\b(?:FROM|JOIN|UPDATE|USING)\s+({_NAMES})\b(?:\s+(?:AS\s+)?(?!WHERE|SET|ON|JOIN)(\w+))?"
)
_WRITTEN = re.compile(
    rf"\bINSERT INTO ({_NAMES})\b(?: AS \w+)?\s*(?:\(tenant\b[^)]*\))?\s*(SELECT|VALUES \()\s*\$1\b"
)


def without_tenant(sql: str) -> list[str]:
    """The tables of a statement that do not name the tenant."""
    lacking = []
    for table, alias in _READ.findall(sql):
        column = f"{alias}.tenant" if alias else "tenant"
        if not re.search(rf"(?<![\w.]){re.escape(column)} = \$1\b", sql):
            lacking.append(f"{table} {alias}")
    if len(re.findall(rf"\bINSERT INTO (?:{_NAMES})\b", sql)) != len(_WRITTEN.findall(sql)):
        lacking.append("INSERT")
    return lacking


def test_the_check_sees_a_table_without_its_tenant() -> None:
    assert without_tenant("SELECT 1 FROM token t JOIN resource r ON r.tenant = $1 AND r.rid = t.rid") == [
        "token t"
    ]
    assert without_tenant("DELETE FROM token WHERE rid = $1") == ["token "]
    assert without_tenant("INSERT INTO token SELECT 1, i.* FROM unnest($1::int[]) AS i(rid)") == ["INSERT"]
    assert without_tenant("INSERT INTO token SELECT $1, i.* FROM unnest($2::int[]) AS i(rid)") == []
    assert without_tenant("UPDATE resource r SET version = 2 WHERE r.tenant = $1 AND r.rid = $2") == []


@pytest.fixture
def statements(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The text of every statement that is sent to PostgreSQL."""
    seen: set[str] = set()
    connect = asyncpg.connect

    async def recorded(*given: Any, **named: Any) -> Any:
        connection = await connect(*given, **named)
        connection.add_query_logger(lambda query: seen.add(query.query))
        return connection

    monkeypatch.setattr(asyncpg, "connect", recorded)
    return seen


def plan(patient: str, goal: str) -> dict[str, Any]:
    return {
        "resourceType": "CarePlan", "status": "active", "intent": "plan", "title": "Een plan",
        "subject": {"reference": patient}, "goal": [{"reference": goal}], "period": {"start": "2026-01"},
        "category": [{"coding": [{"system": "http://snomed.info/sct", "code": "734163000"}]}],
    }  # fmt: skip


async def _nothing(job: jobs.Job) -> None:
    pass


async def test_every_statement_names_its_tenant_on_every_table(
    postgresql_url: str, tmp_path: Path, statements: set[str]
) -> None:
    chosen = settings.read({}, database=postgresql_url, secret_file=tmp_path / "hub.secret", auth="none")
    app = create_app(chosen)
    async with (
        app.running(),
        httpx.AsyncClient(
            transport=httpx.ASGITransport(app=app), base_url="http://hub.test/fhir", timeout=30
        ) as client,
    ):

        async def ok(method: str, url: str, **given: Any) -> Any:
            answer = await client.request(method, url, **given)
            assert answer.status_code < 300, f"{method} {url}: {answer.text}"
            return answer.json() if answer.content else None

        await ok("PUT", "Patient/p1", json={
            "resourceType": "Patient", "id": "p1", "birthDate": "1950-03-14", "name": [{"family": "Jansen"}],
            "identifier": [{"system": "urn:x", "value": "1"}],
        })  # fmt: skip
        await ok("PUT", "Goal/g1", json={
            "resourceType": "Goal", "id": "g1", "lifecycleStatus": "active", "description": {"text": "x"},
            "subject": {"reference": "Patient/p1"},
        })  # fmt: skip
        made = await asyncio.gather(
            *(ok("POST", "CarePlan", json=plan("Patient/p1", "Goal/g1")) for _ in range(8))
        )
        id = made[0]["id"]
        await ok(
            "POST",
            "CarePlan",
            json=plan("Patient/p1", "Goal/g1"),
            headers={"If-None-Exist": "identifier=urn:x|none"},
        )
        entries = [
            {"resource": plan("Patient/p1", "Goal/g1"), "request": {"method": "POST", "url": "CarePlan"}},
            {"request": {"method": "DELETE", "url": f"CarePlan/{made[1]['id']}"}},
            {"request": {"method": "GET", "url": "CarePlan?patient=p1"}},
        ]
        await ok("POST", "", json={"resourceType": "Bundle", "type": "transaction", "entry": entries})
        for url in (
            f"CarePlan/{id}",
            f"CarePlan/{id}/_history",
            f"CarePlan/{id}/_history/1",
            "CarePlan/_history",
            "_history",
            "CarePlan?patient=p1&status=active",
            "CarePlan?patient=Patient/p1&_sort=-date&_count=2",
            "CarePlan?patient.identifier=urn:x|1",
            "Patient?identifier=urn:x|1",
            "Patient?name=jan&birthdate=ge1940&_count=10",
            "Patient?_has:CarePlan:patient:status=active",
            f"CarePlan?_id={id}&_include=CarePlan:patient&_include=CarePlan:goal&_revinclude=CarePlan:part-of",
            "CarePlan?status:not=draft&_total=accurate",
            "CarePlan?category:missing=false&_lastUpdated=gt2020",
            "Patient/p1/CarePlan",
            "Patient/p1/$everything",
            "CarePlan?_summary=count",
            "?_type=CarePlan,Goal&_id=g1",
        ):
            await asyncio.gather(*(ok("GET", url) for _ in range(5)))
        await ok("PUT", f"CarePlan/{id}", json=plan("Patient/p1", "Goal/g1") | {"id": id, "title": "Anders"})
        patch = json.dumps([{"op": "replace", "path": "/title", "value": "Nog anders"}])
        patching = {"Content-Type": "application/json-patch+json"}
        await ok("PATCH", f"CarePlan/{id}", content=patch, headers=patching)
        await ok("PATCH", f"CarePlan?_id={id}", content=patch, headers=patching)
        await ok("PUT", f"CarePlan?_id={id}", json=plan("Patient/p1", "Goal/g1") | {"title": "Weer"})
        await ok("GET", "Observation/$lastn?subject=Patient/p1&category=vital-signs")
        await ok("GET", "Patient/p1/$everything?_since=2020-01-01&_count=1")
        await ok("POST", f"CarePlan/{id}/$meta-add", json={
            "resourceType": "Parameters",
            "parameter": [{"name": "meta", "valueMeta": {"tag": [{"system": "urn:t", "code": "x"}]}}],
        })  # fmt: skip
        who = json.dumps({
            "resourceType": "Provenance", "recorded": "2026-11-22T09:00:00Z", "agent": [{"who": {"display": "x"}}]
        })  # fmt: skip
        await ok(
            "POST",
            "Basic",
            json={"resourceType": "Basic", "code": {"text": "x"}},
            headers={"X-Provenance": who},
        )
        await ok("PUT", "SearchParameter/s1", json={
            "resourceType": "SearchParameter", "id": "s1", "url": "http://example.org/sp", "name": "title",
            "status": "active", "description": "x", "code": "plan-title", "base": ["CarePlan"], "type": "string",
            "expression": "CarePlan.title",
        })  # fmt: skip
        assert app.tenants is not None
        tenant = await app.tenants.get("default")
        await app.tenants.refresh()
        await jobs.enqueue(tenant.database, tenant.number, "none", {})
        await jobs.work_off(tenant.database, tenant.number, {"none": _nothing, "reindex": _nothing})
        await reindex.reindex(tenant.database, tenant.number, tenant.parameters)
        for sort in ("-date", "date", "status", "_lastUpdated", "-category,_id"):
            await ok("GET", f"CarePlan?_sort={sort}&_count=2")
        await ok("DELETE", f"CarePlan?_id={id}")
        await erase_patient(tenant.database, tenant.number, "p1", "asked", 0)
    of_tenants = {sql for sql in statements if re.search(rf"\b({_NAMES})\b", sql)}
    assert len(of_tenants) > 30
    assert any("WITH ORDINALITY AS k" in sql for sql in of_tenants), "some were answered together"
    assert {sql: lacking for sql in of_tenants if (lacking := without_tenant(sql))} == {}

"""Packages in a tenant: added, found, used by every process, kept apart, removed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from fhirhub import app, packages, searchparameters, settings
from fhirhub.access import EVERYTHING
from fhirhub.app import Application, create_app
from fhirhub.packages import Added, Listed
from fhirhub.repository import Repository
from fhirhub.resources import packages as reading
from fhirhub.resources.packages import Package
from tests.resources.test_packages import archive

Json = dict[str, Any]
BASE = "http://acme.example/fhir"
PLAN = f"{BASE}/StructureDefinition/plan"


def manifest(name: str, version: str = "1.0.0", **dependencies: str) -> Json:
    needs = {
        "hl7.fhir.r4.core": "4.0.1",
        **{key.replace("_", "."): value for key, value in dependencies.items()},
    }
    return {"name": name, "version": version, "fhirVersions": ["4.0.1"], "dependencies": needs}


def package(given: Json, *resources: Json, **files: Any) -> Package:
    named = {f"package/{number}.json": resource for number, resource in enumerate(resources)}
    return reading.read_archive(archive({"package/package.json": given, **named, **files}))


def profile(
    id: str, type: str, *rows: Json, base: str | None = None, version: str = "1.0.0", **more: Any
) -> Json:
    return {
        "resourceType": "StructureDefinition",
        "id": id,
        "url": f"{BASE}/StructureDefinition/{id}",
        "version": version,
        "name": id.title(),
        "status": "active",
        "kind": "resource",
        "abstract": False,
        "type": type,
        "baseDefinition": base or f"http://hl7.org/fhir/StructureDefinition/{type}",
        "derivation": "constraint",
        "differential": {"element": [{"id": type, "path": type}, *rows]},
        **more,
    }


def required(path: str, **more: Any) -> Json:
    return {"id": path, "path": path, "min": 1, **more}


def plan(**more: Any) -> Json:
    return {
        "resourceType": "CarePlan", "status": "active", "intent": "plan", "subject": {"display": "Somebody"},
        "text": {"status": "empty", "div": '<div xmlns="http://www.w3.org/1999/xhtml">-</div>'}, **more,
    }  # fmt: skip


TITLED = profile("plan", "CarePlan", required("CarePlan.title"))


@asynccontextmanager
async def hub(url: str, folder: Path, **given: Any) -> AsyncIterator[tuple[Application, httpx.AsyncClient]]:
    """A hub of its own over that database, as another process would be."""
    chosen = settings.read({}, database=url, secret_file=folder / "hub.secret", auth="none", **given)
    started = create_app(chosen)
    transport = httpx.ASGITransport(app=started)
    async with (
        started.running(),
        httpx.AsyncClient(transport=transport, base_url="http://hub.test/fhir") as client,
    ):
        yield started, client


async def repository(started: Application, tenant: str = "default") -> Repository:
    assert started.tenants is not None
    return Repository(await started.tenants.get(tenant), EVERYTHING)


async def add(started: Application, *given: Package, tenant: str = "default") -> list[Added]:
    unit = await repository(started, tenant)
    return [await packages.add(unit, one) for one in given]


async def listed(started: Application) -> list[Listed]:
    return await packages.listed((await repository(started)).tenant.database, 1)


async def remove(started: Application, name: str) -> int:
    unit = await repository(started)
    return sum([await packages.remove(unit, one) for one in await listed(started) if one.name == name])


async def faults(client: httpx.AsyncClient, resource: Json, profile: str | None = None) -> list[str]:
    """The places of the errors of a resource."""
    asked = {"profile": profile} if profile else {}
    answer = await client.post(f"{resource['resourceType']}/$validate", json=resource, params=asked)
    assert answer.status_code == 200, answer.text
    issues = answer.json()["issue"]
    return [each.get("expression", [each["code"]])[0] for each in issues if each["severity"] == "error"]


async def ids(client: httpx.AsyncClient, query: str) -> list[str]:
    answer = await client.get(query)
    assert answer.status_code == 200, answer.text
    return [entry["resource"]["id"] for entry in answer.json().get("entry", [])]


async def test_a_package_counts_in_every_process_at_once_and_is_gone_when_removed(
    database_url: str, tmp_path: Path
) -> None:
    async with hub(database_url, tmp_path) as (one, here), hub(database_url, tmp_path) as (_, there):
        for client in (here, there):
            assert await faults(client, plan(), PLAN) == ["CarePlan"]
        assert [each.taken for each in await add(one, package(manifest("acme.plan"), TITLED))] == [1]
        for client in (here, there):
            assert await ids(client, f"StructureDefinition?url={PLAN}") == ["plan"]
            assert await faults(client, plan(), PLAN) == ["CarePlan.title"]
            assert await faults(client, plan(title="Beter slapen"), f"{PLAN}|1.0.0") == []
        assert await remove(one, "acme.plan") == 1
        assert await listed(one) == []
        for client in (here, there):
            assert await ids(client, f"StructureDefinition?url={PLAN}") == []
            assert await faults(client, plan(title="Beter slapen"), PLAN) == ["CarePlan"]


async def test_what_is_written_over_rest_counts_in_every_process_at_once(
    database_url: str, tmp_path: Path
) -> None:
    async with hub(database_url, tmp_path) as (_, here), hub(database_url, tmp_path) as (_, there):
        assert (await here.put("StructureDefinition/plan", json=TITLED)).status_code == 201
        assert await faults(there, plan(), PLAN) == ["CarePlan.title"]
        changed = profile("plan", "CarePlan", required("CarePlan.description"))
        assert (await there.put("StructureDefinition/plan", json=changed)).status_code == 200
        assert await faults(here, plan(), PLAN) == ["CarePlan.description"]
        assert (await here.delete("StructureDefinition/plan")).status_code == 204
        assert await faults(there, plan(), PLAN) == ["CarePlan"]


async def test_value_sets_and_code_systems_of_a_package_bind(database_url: str, tmp_path: Path) -> None:
    system = {
        "resourceType": "CodeSystem", "id": "kind", "url": f"{BASE}/CodeSystem/kind", "status": "active",
        "content": "complete", "concept": [{"code": "home"}, {"code": "clinic"}],
    }  # fmt: skip
    value_set = {
        "resourceType": "ValueSet", "id": "kind", "url": f"{BASE}/ValueSet/kind", "status": "active",
        "compose": {"include": [{"system": system["url"]}]},
    }  # fmt: skip
    bound = {"binding": {"strength": "required", "valueSet": value_set["url"]}}
    bound_plan = profile("bound", "CarePlan", {**required("CarePlan.category"), **bound})
    coded = [{"coding": [{"system": system["url"], "code": "street"}]}]
    async with hub(database_url, tmp_path) as (one, client):
        # One after the other: what refers to something counts when that has come.
        await add(one, package(manifest("acme.profiles"), bound_plan))
        assert await faults(client, plan(category=coded), bound_plan["url"]) == []
        await add(one, package(manifest("acme.terms"), value_set, system))
        assert set(await faults(client, plan(category=coded), bound_plan["url"])) >= {"CarePlan.category[0]"}
        right = [{"coding": [{"system": system["url"], "code": "home"}]}]
        assert await faults(client, plan(category=right), bound_plan["url"]) == []


async def test_packages_that_build_on_each_other_go_in_in_any_order(
    database_url: str, tmp_path: Path
) -> None:
    derived = profile("derived", "CarePlan", required("CarePlan.description"), base=PLAN)
    outer, inner = (
        package(manifest("acme.outer", acme_plan="1.0.0"), derived),
        package(manifest("acme.plan"), TITLED),
    )
    async with hub(database_url, tmp_path) as (one, client):
        await add(one, outer)
        assert await faults(client, plan(), derived["url"]) == ["CarePlan"]
        await add(one, inner)
        assert set(await faults(client, plan(), derived["url"])) == {"CarePlan.title", "CarePlan.description"}
        assert [(each.name, each.dependencies) for each in await listed(one)] == [
            ("acme.outer", {"acme.plan": "1.0.0"}),
            ("acme.plan", {}),
        ]


async def test_tenants_are_kept_apart(database_url: str, tmp_path: Path) -> None:
    async with hub(database_url, tmp_path) as (one, client):
        assert one.tenants is not None
        await one.tenants.add("other")
        await add(one, package(manifest("acme.plan"), TITLED), tenant="other")
        assert await ids(client, f"StructureDefinition?url={PLAN}") == []
        assert await faults(client, plan(), PLAN) == ["CarePlan"]
        there = await client.post(
            "http://hub.test/other/fhir/CarePlan/$validate", json=plan(), params={"profile": PLAN}
        )
        assert [each["expression"] for each in there.json()["issue"] if each["severity"] == "error"] == [
            ["CarePlan.title"]
        ]


async def test_tenants_that_define_the_same_share_what_was_made_ready(
    database_url: str, tmp_path: Path
) -> None:
    async with hub(database_url, tmp_path) as (one, client):
        assert one.tenants is not None
        await one.tenants.add("other")
        for tenant in ("default", "other"):
            await add(one, package(manifest("acme.plan"), TITLED), tenant=tenant)
        first, second = [
            await (await one.tenants.get(name)).conformance.validator() for name in ("default", "other")
        ]
        assert first is second
        changed = profile("plan", "CarePlan", required("CarePlan.description"))
        assert (await client.put("StructureDefinition/plan", json=changed)).status_code == 200
        assert await (await one.tenants.get("default")).conformance.validator() is not first
        assert await (await one.tenants.get("other")).conformance.validator() is first


async def test_versions_stand_beside_each_other_and_the_newest_is_meant(
    database_url: str, tmp_path: Path
) -> None:
    newer = profile("plan", "CarePlan", required("CarePlan.description"), version="1.10.0")
    older = profile("plan", "CarePlan", required("CarePlan.title"), version="1.9.0")
    async with hub(database_url, tmp_path) as (one, client):
        await add(
            one,
            package(manifest("acme.plan", "1.10.0"), newer),
            package(manifest("acme.plan", "1.9.0"), older),
        )
        assert len(await ids(client, f"StructureDefinition?url={PLAN}")) == 2
        assert await faults(client, plan(), PLAN) == ["CarePlan.description"]
        assert await faults(client, plan(), f"{PLAN}|1.9.0") == ["CarePlan.title"]
        assert [each.version for each in await listed(one)] == ["1.9.0", "1.10.0"]


async def test_an_id_that_is_taken_is_left_to_whom_it_belongs(database_url: str, tmp_path: Path) -> None:
    async with hub(database_url, tmp_path) as (one, client):
        own = profile("plan", "CarePlan", url=f"{BASE}/StructureDefinition/own")
        await client.put("StructureDefinition/plan", json=own)
        given = package(manifest("acme.plan"), TITLED)
        await add(one, given)
        (id,) = await ids(client, f"StructureDefinition?url={PLAN}")
        assert id.startswith("plan-")
        assert await ids(client, f"StructureDefinition?url={own['url']}") == ["plan"]
        await add(one, given)
        assert await ids(client, f"StructureDefinition?url={PLAN}") == [id]
        await remove(one, "acme.plan")
        assert await ids(client, "StructureDefinition?") == ["plan"]


async def test_what_somebody_had_put_there_stays_theirs(database_url: str, tmp_path: Path) -> None:
    async with hub(database_url, tmp_path) as (one, client):
        await client.put("StructureDefinition/mine", json={**TITLED, "id": "mine"})
        (added,) = await add(one, package(manifest("acme.plan"), TITLED))
        assert (added.taken, added.kept) == (0, 1)
        assert await remove(one, "acme.plan") == 0
        assert await ids(client, f"StructureDefinition?url={PLAN}") == ["mine"]


async def test_what_two_packages_have_goes_with_the_second(database_url: str, tmp_path: Path) -> None:
    async with hub(database_url, tmp_path) as (one, client):
        await add(one, package(manifest("acme.a"), TITLED), package(manifest("acme.b"), TITLED))
        assert await remove(one, "acme.a") == 0
        assert await faults(client, plan(), PLAN) == ["CarePlan.title"]
        assert await remove(one, "acme.b") == 1
        assert await ids(client, f"StructureDefinition?url={PLAN}") == []


async def test_what_cannot_be_taken_is_told_and_the_rest_goes_in(database_url: str, tmp_path: Path) -> None:
    broken = {**TITLED, "url": f"{BASE}/StructureDefinition/broken", "status": "perhaps"}
    special = {
        "resourceType": "SearchParameter", "url": f"{BASE}/SearchParameter/s", "name": "s", "status": "active",
        "description": "s", "code": "s", "base": ["Patient"], "type": "special",
    }  # fmt: skip
    given = package(manifest("acme.plan"), TITLED, broken, special, **{"package/bad.json": b"{"})
    async with hub(database_url, tmp_path) as (one, _):
        (added,) = await add(one, given)
        assert added.taken == 1
        assert added.left.keys() == {"bad.json", f"{broken['url']}|1.0.0", special["url"]}
        assert [each.whole for each in await listed(one)] == [True]


async def test_one_that_was_broken_off_is_told_as_such_and_can_be_added_again(
    database_url: str, tmp_path: Path
) -> None:
    def fail(count: int) -> None:
        raise RuntimeError("the power went off")

    async with hub(database_url, tmp_path) as (one, _):
        given = package(manifest("acme.plan"), TITLED)
        with pytest.raises(RuntimeError):
            await packages.add(await repository(one), given, fail)
        assert [(each.resources, each.whole) for each in await listed(one)] == [(1, False)]
        await add(one, given)
        assert [(each.resources, each.whole) for each in await listed(one)] == [(1, True)]


async def test_search_parameters_of_a_package_are_searched_by(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(searchparameters, "NOTICE_SECONDS", 0.1)
    monkeypatch.setattr(searchparameters, "ANSWER_SECONDS", 0.1)
    monkeypatch.setattr(app, "REFRESH_SECONDS", 0.05)
    monkeypatch.setattr(app, "JOBS_SECONDS", 0.05)
    nickname = {
        "resourceType": "SearchParameter", "id": "nickname", "url": f"{BASE}/SearchParameter/nickname",
        "name": "Nickname", "status": "active", "description": "Nickname", "code": "nickname",
        "base": ["Patient"], "type": "string", "expression": "Patient.name.where(use = 'nickname').given",
    }  # fmt: skip
    async with hub(database_url, tmp_path) as (one, client):
        await client.put(
            "Patient/a",
            json={"resourceType": "Patient", "id": "a", "name": [{"use": "nickname", "given": ["Bep"]}]},
        )
        await add(one, package(manifest("acme.search"), nickname))
        for _ in range(400):
            if (await client.get("Patient?nickname=bep")).status_code == 200:
                break
            await asyncio.sleep(0.05)
        assert await ids(client, "Patient?nickname=bep") == ["a"]
        await remove(one, "acme.search")
        for _ in range(400):
            if (await client.get("Patient?nickname=bep")).status_code == 400:
                return
            await asyncio.sleep(0.05)
        raise AssertionError("it is still known")


async def test_a_questionnaire_of_a_package_is_what_responses_answer(
    database_url: str, tmp_path: Path
) -> None:
    url = f"{BASE}/Questionnaire/sleep"
    questionnaire = {
        "resourceType": "Questionnaire", "id": "sleep", "url": url, "version": "2", "status": "active",
        "item": [{"linkId": "1", "type": "integer", "text": "Hours?", "required": True}],
    }  # fmt: skip
    response: Json = {
        "resourceType": "QuestionnaireResponse", "questionnaire": f"{url}|2", "status": "completed",
        "item": [{"linkId": "1", "answer": [{"valueString": "eight"}]}],
    }  # fmt: skip
    async with hub(database_url, tmp_path) as (one, client):
        made = await client.post("QuestionnaireResponse", json=response)
        assert made.status_code == 201, "answers to what is not known are taken"
        await add(one, package(manifest("acme.ask"), questionnaire))
        assert await faults(client, response) == ["QuestionnaireResponse.item[0].answer[0].value"]
        await asyncio.sleep(0.15)
        assert (await client.post("QuestionnaireResponse", json=response)).status_code == 422
        response["item"][0]["answer"][0] = {"valueInteger": 8}
        assert (await client.post("QuestionnaireResponse", json=response)).status_code == 201

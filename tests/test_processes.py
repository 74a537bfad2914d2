"""What several processes on one database must keep: nothing acknowledged is lost, nothing is half there,
nothing is doubled."""

from __future__ import annotations

import asyncio
import random
import uuid
from pathlib import Path
from typing import Any

import httpx

from fhirhub import settings
from fhirhub.store import verifying
from fhirhub.store.sql import Statement
from fhirhub.tenants import open_tenants
from tests.hub import Hub, running_hub
from tests.postgres import PostgresServer

KILLS = 4
Json = dict[str, Any]


def patient(value: str) -> Json:
    return {"resourceType": "Patient", "identifier": [{"system": "urn:test", "value": value}]}


def family(value: str) -> Json:
    """A transaction of three resources that belong together."""
    full = f"urn:uuid:{uuid.uuid4()}"
    plan = {
        "resourceType": "CarePlan", "status": "active", "intent": "plan", "subject": {"reference": full},
        "identifier": [{"system": "urn:test", "value": value}],
    }  # fmt: skip
    goal = {
        "resourceType": "Goal", "lifecycleStatus": "active", "description": {"text": "x"},
        "subject": {"reference": full}, "identifier": [{"system": "urn:test", "value": value}],
    }  # fmt: skip
    parts = [("Patient", patient(value), full), ("CarePlan", plan, None), ("Goal", goal, None)]
    return {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [
            {"resource": resource, "request": {"method": "POST", "url": type}}
            | ({"fullUrl": url} if url else {})
            for type, resource, url in parts
        ],
    }


async def counted(client: httpx.AsyncClient, hub: Hub, type: str, value: str) -> int:
    answer = await client.get(
        f"{hub.base}/{type}", params={"identifier": f"urn:test|{value}", "_summary": "count"}
    )
    assert answer.status_code == 200, answer.text
    return int(answer.json()["total"])


async def load_until_dead(hub: Hub, singles: list[str], families: list[str], tried: list[str]) -> None:
    """Writes as fast as it goes, noting what is acknowledged, until the hub is gone."""
    limits = httpx.Limits(max_connections=16)
    async with httpx.AsyncClient(timeout=20, limits=limits) as client:

        async def write() -> None:
            while True:
                value = str(uuid.uuid4())
                try:
                    if random.random() < 0.5:
                        answer = await client.post(f"{hub.base}/Patient", json=patient(value))
                        if answer.status_code == 201:
                            singles.append(value)
                    else:
                        tried.append(value)
                        answer = await client.post(hub.base, json=family(value))
                        if answer.status_code == 200:
                            families.append(value)
                except httpx.HTTPError:
                    return

        await asyncio.gather(*(write() for _ in range(8)))


async def check_whole(hub: Hub, singles: list[str], families: list[str], tried: list[str]) -> None:
    async with httpx.AsyncClient(timeout=30) as client:
        for value in singles:
            assert await counted(client, hub, "Patient", value) == 1, "an acknowledged create is lost"
        for value in tried:
            parts = {await counted(client, hub, type, value) for type in ("Patient", "CarePlan", "Goal")}
            assert len(parts) == 1, "half a transaction is there"
            assert parts == {1} if value in families else parts <= {0, 1}


async def test_killed_at_any_moment_under_load_the_hub_loses_nothing(
    database_url: str, tmp_path: Path
) -> None:
    hub = Hub(database_url, tmp_path, 2, {})
    for _ in range(KILLS):
        singles: list[str] = []
        families: list[str] = []
        tried: list[str] = []
        hub.start()
        load = asyncio.create_task(load_until_dead(hub, singles, families, tried))
        while len(singles) + len(families) < 20:
            await asyncio.sleep(0.01)
        await asyncio.sleep(random.random() * 0.5)
        hub.kill()
        await load
        hub.start()
        await check_whole(hub, singles, families, tried)
        hub.stop()


async def test_killed_at_any_moment_no_answered_read_is_without_its_record(
    database_url: str, tmp_path: Path
) -> None:
    folder = tmp_path / "log"
    folder.mkdir()
    on_host = {} if database_url.startswith("sqlite:") else {"FHIRHUB_AUDIT_FOLDER": str(folder)}
    hubs = [Hub(database_url, tmp_path, 2, {"FHIRHUB_AUDIT": "on", **also}) for also in ({}, on_host)]
    answered: set[str] = set()

    async def read(hub: Hub, client: httpx.AsyncClient, id: str) -> None:
        while True:
            number = uuid.uuid4().hex
            try:
                answer = await client.get(f"{hub.base}/Patient/{id}", headers={"X-Request-Id": number})
            except httpx.HTTPError:
                return
            assert answer.status_code == 200
            answered.add(number)

    for turn in range(KILLS):
        hub = hubs[turn % 2]
        hub.start()
        async with httpx.AsyncClient(timeout=20) as client:
            id = (await client.post(f"{hub.base}/Patient", json=patient(str(turn)))).json()["id"]
            before = len(answered)
            load = [asyncio.create_task(read(hub, client, id)) for _ in range(8)]
            while len(answered) < before + 20:
                await asyncio.sleep(0.01)
            await asyncio.sleep(random.random() * 0.2)
            hub.kill()
            await asyncio.gather(*load)
    kept = {"secret_file": str(tmp_path / "hub.secret"), "audit_folder": str(folder) if on_host else None}
    chosen = settings.read({}, database=database_url, **kept)
    async with open_tenants(chosen) as opened:
        number = (await opened.numbers())[0]
        verdict = await verifying.verify(opened.database, number, opened.database.sealer)
        assert verdict.faults == []
        await opened.database.spread(number)
        rows = await opened.database.fetch(Statement("SELECT request FROM audit"))
        assert answered <= {row[0] for row in rows}


async def test_postgresql_killed_under_load_loses_nothing_and_the_hub_goes_on(
    own_postgres: PostgresServer, tmp_path: Path
) -> None:
    with running_hub(own_postgres.url("hub"), tmp_path) as hub:
        for _ in range(2):
            singles: list[str] = []
            families: list[str] = []
            tried: list[str] = []
            ended = asyncio.Event()

            async def write(
                client: httpx.AsyncClient,
                ended: asyncio.Event = ended,
                singles: list[str] = singles,
                families: list[str] = families,
                tried: list[str] = tried,
            ) -> None:
                while not ended.is_set():
                    value = str(uuid.uuid4())
                    if random.random() < 0.5:
                        answer = await client.post(f"{hub.base}/Patient", json=patient(value))
                        if answer.status_code == 201:
                            singles.append(value)
                            continue
                    else:
                        tried.append(value)
                        answer = await client.post(hub.base, json=family(value))
                        if answer.status_code == 200:
                            families.append(value)
                            continue
                    assert answer.status_code == 503, answer.text
                    assert "Retry-After" in answer.headers

            async with httpx.AsyncClient(timeout=60) as client:
                load = [asyncio.create_task(write(client)) for _ in range(6)]
                while len(singles) + len(families) < 20:
                    await asyncio.sleep(0.01)
                await asyncio.to_thread(own_postgres.kill)
                await asyncio.to_thread(own_postgres.start)
                before = len(singles)
                while len(singles) < before + 5:
                    await asyncio.sleep(0.01)
                ended.set()
                await asyncio.gather(*load)
            await check_whole(hub, singles, families, tried)


async def test_equal_conditional_creates_on_several_processes_make_one(
    database_url: str, tmp_path: Path
) -> None:
    with running_hub(database_url, tmp_path) as hub:
        async with httpx.AsyncClient(timeout=60, limits=httpx.Limits(max_connections=64)) as client:
            answers = await asyncio.gather(
                *(
                    client.post(
                        f"{hub.base}/Patient",
                        json=patient("once"),
                        headers={"If-None-Exist": "identifier=urn:test|once", "Connection": "close"},
                    )
                    for _ in range(64)
                )
            )
            assert sorted(answer.status_code for answer in answers) == [200] * 63 + [201]
            assert len({answer.json()["id"] for answer in answers}) == 1
            assert await counted(client, hub, "Patient", "once") == 1


async def test_updates_of_one_resource_on_several_processes_lose_none(
    database_url: str, tmp_path: Path
) -> None:
    with running_hub(database_url, tmp_path) as hub:
        async with httpx.AsyncClient(timeout=60, limits=httpx.Limits(max_connections=16)) as client:
            url = f"{hub.base}/Patient/p1"
            await client.put(url, json=patient("0") | {"id": "p1"})

            async def bump() -> None:
                while True:
                    read = await client.get(url, headers={"Connection": "close"})
                    content = read.json()
                    content["identifier"][0]["value"] = str(int(content["identifier"][0]["value"]) + 1)
                    answer = await client.put(url, json=content, headers={"If-Match": read.headers["ETag"]})
                    if answer.status_code == 200:
                        return
                    assert answer.status_code == 412

            await asyncio.gather(*(bump() for _ in range(20)))
            final = (await client.get(url)).json()
            assert (final["identifier"][0]["value"], final["meta"]["versionId"]) == ("20", "21")
            history = (await client.get(f"{url}/_history", params={"_count": "100"})).json()
            versions = [entry["resource"]["meta"]["versionId"] for entry in history["entry"]]
            assert versions == [str(n) for n in range(21, 0, -1)]

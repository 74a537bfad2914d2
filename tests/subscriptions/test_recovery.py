"""Nothing is lost and nothing out of order: receivers that are down, hubs that are killed, several at once."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from fhirhub import settings
from fhirhub.access import EVERYTHING
from fhirhub.repository import Repository, Tenant
from fhirhub.store.erasing import erase_patient
from fhirhub.store.sql import Statement
from fhirhub.subscriptions import queue
from fhirhub.subscriptions.channels import CHANNELS
from fhirhub.subscriptions.channels.notice import NotDelivered, Notice
from fhirhub.subscriptions.delivery import Delivery
from fhirhub.tenants import open_tenants
from tests.hub import running_hub
from tests.subscriptions.builders import active, becomes, observation, subscription
from tests.subscriptions.receiver import Receiver, events, part

DAY_US = 86_400 * 1_000_000


class Clock:
    """Microseconds that pass only when told."""

    def __init__(self) -> None:
        self.moment = 1_900_000_000_000_000

    def __call__(self) -> int:
        return self.moment


class Line:
    """A receiver of which the test says whether it is there."""

    def __init__(self) -> None:
        self.is_up = True
        self.numbers: list[int] = []
        self.kinds: list[str] = []
        self.under_way = 0
        self.fault: Exception = NotDelivered("it is down")

    async def send(self, notice: Notice) -> None:
        self.under_way += 1
        assert self.under_way == 1, "one notification at a time"
        await asyncio.sleep(0)
        self.under_way -= 1
        if not self.is_up:
            raise self.fault
        bundle = json.loads(notice.body)
        self.kinds.append(notice.kind)
        if notice.kind == "event-notification":
            self.numbers += [int(part(event, "event-number")) for event in events(bundle)]


@asynccontextmanager
async def hubs(
    database_url: str, folder: Path, count: int = 1
) -> AsyncIterator[tuple[Tenant, list[Delivery], Clock, Line]]:
    """So many processes' deliveries of one hub, with one clock and one receiver."""
    chosen = settings.read(
        {}, database=database_url, secret_file=folder / "s", auth="none", fetch_allow="a.test"
    )
    clock, line = Clock(), Line()
    channels = {**CHANNELS, "rest-hook": line.send}
    made = [Delivery(chosen, clock, channels) for _ in range(count)]
    async with open_tenants(chosen, rules=(made[0].notify,)) as opened:
        yield await opened.get("default"), made, clock, line


async def turn(tenant: Tenant, *deliveries: Delivery) -> None:
    """Everybody looks once, and what is begun ends."""
    await asyncio.gather(*(one.look(tenant) for one in deliveries))
    await asyncio.gather(*(one.settled() for one in deliveries))


async def standing(tenant: Tenant, clock: Clock, delivery: Delivery, **also: Any) -> str:
    """The id of an active Subscription."""
    written = await Repository(tenant, EVERYTHING).create(subscription("http://a.test/x", **also))
    for _ in range(3):
        await turn(tenant, delivery)
        clock.moment += 2_000_000
    return written.stored.id


async def status_of(tenant: Tenant, id: str) -> str:
    rows = await tenant.database.fetch(
        Statement(
            "SELECT s.status FROM subscription s WHERE s.tenant = $1 AND s.id = $2", (1, id), ("int", "text")
        )
    )
    return str(rows[0][0])


async def test_a_receiver_that_was_down_for_a_day_catches_up_in_order(
    database_url: str, tmp_path: Path
) -> None:
    async with hubs(database_url, tmp_path) as (tenant, (delivery,), clock, line):
        id = await standing(tenant, clock, delivery)
        assert await status_of(tenant, id) == "active"
        line.is_up = False
        for _ in range(24):
            await Repository(tenant, EVERYTHING).create(observation())
            await turn(tenant, delivery)
            clock.moment += DAY_US // 24
        assert await status_of(tenant, id) == "error"
        line.is_up = True
        await turn(tenant, delivery)
        assert line.numbers == list(range(1, 25))
        assert await status_of(tenant, id) == "active"


async def test_a_handshake_that_fails_is_an_error_until_it_is_taken(
    database_url: str, tmp_path: Path
) -> None:
    async with hubs(database_url, tmp_path) as (tenant, (delivery,), clock, line):
        line.is_up = False
        id = await standing(tenant, clock, delivery)
        assert await status_of(tenant, id) == "error"
        line.is_up = True
        for _ in range(4):
            clock.moment += DAY_US
            await turn(tenant, delivery)
        assert await status_of(tenant, id) == "active"


@pytest.mark.parametrize("fault", [NotDelivered("it answered 429", 1800), RuntimeError("a fault of the hub")])
async def test_who_cannot_be_sent_anything_now_is_left_alone_for_a_while(
    sqlite_url: str, tmp_path: Path, fault: Exception
) -> None:
    async with hubs(sqlite_url, tmp_path) as (tenant, (delivery,), clock, line):
        await standing(tenant, clock, delivery)
        line.is_up, line.fault = False, fault
        await Repository(tenant, EVERYTHING).create(observation())
        await turn(tenant, delivery)
        line.is_up = True
        await turn(tenant, delivery)
        assert line.numbers == []
        clock.moment += 1_700_000_000 if isinstance(fault, NotDelivered) else 900_000
        await turn(tenant, delivery)
        assert line.numbers == []
        clock.moment += 200_000_000
        await turn(tenant, delivery)
        assert line.numbers == [1]


async def test_a_silent_subscription_sends_a_heartbeat_and_ends_when_it_says(
    database_url: str, tmp_path: Path
) -> None:
    beat = "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/backport-heartbeat-period"
    async with hubs(database_url, tmp_path) as (tenant, (delivery,), clock, line):
        id = await standing(tenant, clock, delivery, extension=[{"url": beat, "valueUnsignedInt": 60}])
        clock.moment += 61_000_000
        await turn(tenant, delivery)
        assert line.kinds == ["handshake", "heartbeat"]
        seen = Repository(tenant, EVERYTHING)
        resource = {**subscription("http://a.test/x"), "id": id, "end": "2040-01-01T00:00:00Z"}
        await seen.update(resource)
        clock.moment += 20 * 366 * DAY_US
        await turn(tenant, delivery)
        assert await status_of(tenant, id) == "off"


@pytest.mark.parametrize("seed", range(3))
async def test_whatever_fails_numbers_are_whole_and_in_order(
    database_url: str, tmp_path: Path, seed: int
) -> None:
    chance = random.Random(seed)
    async with hubs(database_url, tmp_path, count=3) as (tenant, deliveries, clock, line):
        await standing(tenant, clock, deliveries[0])
        made = 0
        for _ in range(25):
            line.is_up = chance.random() < 0.6
            writes = chance.randrange(4)
            seen = Repository(tenant, EVERYTHING)
            await asyncio.gather(
                *(seen.create(observation()) for _ in range(writes)),
                turn(tenant, *chance.sample(deliveries, chance.randrange(1, 4))),
            )
            made += writes
            clock.moment += chance.choice([10_000, 1_000_000, 400_000_000])
        line.is_up = True
        for _ in range(3):
            clock.moment += 400_000_000
            await turn(tenant, *deliveries)
        # At least once, in order: what was sent and not kept as sent comes again.
        assert sorted(set(line.numbers)) == list(range(1, made + 1))
        assert line.numbers == sorted(line.numbers)


async def test_what_ends_while_the_next_round_looks_is_sent_once(
    sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked = queue.with_work

    async def slowly(*given: Any) -> tuple[list[str], list[str]]:
        found = await looked(*given)
        for _ in range(20):
            await asyncio.sleep(0)
        return found

    async with hubs(sqlite_url, tmp_path) as (tenant, (delivery,), clock, line):
        await standing(tenant, clock, delivery)
        monkeypatch.setattr(queue, "with_work", slowly)
        for number in range(1, 6):
            await Repository(tenant, EVERYTHING).create(observation())
            looking = []
            while number not in line.numbers:
                looking.append(asyncio.ensure_future(delivery.look(tenant)))
                await asyncio.sleep(0)
            await asyncio.gather(*looking)
            await delivery.settled()
        assert line.numbers == [1, 2, 3, 4, 5]


async def test_who_has_the_lease_is_called_by_the_process_that_gave_the_number(
    postgresql_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with hubs(postgresql_url, tmp_path, count=2) as (tenant, (writer, other), clock, line):
        id = await standing(tenant, clock, writer)
        assert await queue.claim(tenant.database, tenant.number, id, other.holder, clock())
        monkeypatch.setattr("fhirhub.subscriptions.delivery.LOOK_SECONDS", 1000.0)
        heard = asyncio.ensure_future(other.run(lambda: _only(tenant)))
        try:
            async with asyncio.timeout(30):
                while not await tenant.database.fetch(_LISTENING):
                    await asyncio.sleep(0.01)
                for number in (1, 2):
                    await Repository(tenant, EVERYTHING).create(observation())
                    await turn(tenant, writer)
                    while number not in line.numbers:
                        await asyncio.sleep(0.01)
                    await other.settled()
                    assert await queue.claim(tenant.database, tenant.number, id, other.holder, clock())
        finally:
            other.stop()
            await heard


_LISTENING = Statement(
    "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND query LIKE '%pg_is_in_recovery%' "
    "AND pid <> pg_backend_pid()"
)


async def _only(tenant: Tenant) -> dict[int, Tenant]:
    return {tenant.number: tenant}


async def test_who_dies_before_it_kept_that_it_delivered_is_followed_by_who_delivers_again(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with hubs(database_url, tmp_path, count=2) as (tenant, (dying, next_one), clock, line):
        await standing(tenant, clock, dying)

        async def nothing(*given: Any) -> bool:
            raise ConnectionError("the process is gone")

        with monkeypatch.context() as gone:
            gone.setattr(queue, "settle", nothing)
            await Repository(tenant, EVERYTHING).create(observation())
            await turn(tenant, dying)
        assert line.numbers == [1]
        await Repository(tenant, EVERYTHING).create(observation())
        await turn(tenant, next_one)
        assert line.numbers == [1], "while the lease stands nobody else delivers"
        clock.moment += queue.LEASE_US + 1
        await turn(tenant, next_one)
        assert line.numbers == [1, 1, 2]


async def test_a_hub_that_is_killed_loses_no_event(
    database_url: str, tmp_path: Path, receiver: Receiver
) -> None:
    given = {"FHIRHUB_FETCH_ALLOW": "127.0.0.1"}
    with running_hub(database_url, tmp_path, 2, given) as hub:
        async with httpx.AsyncClient(base_url=hub.base, timeout=60) as client:
            id = await active(client, subscription(receiver.url))
            receiver.status = 503
            answers = await asyncio.gather(
                *(client.post("Observation", json=observation()) for _ in range(20))
            )
            assert {answer.status_code for answer in answers} == {201}
        await asyncio.to_thread(hub.kill)
        receiver.status = 200
        await asyncio.to_thread(hub.start)
        async with httpx.AsyncClient(base_url=hub.base, timeout=60) as client:
            async with asyncio.timeout(90):
                while len(set(receiver.numbers())) < 20:
                    await asyncio.sleep(0.05)
            await becomes(client, id, "active")
    assert sorted(set(receiver.numbers())) == list(range(1, 21))


async def test_what_was_erased_goes_out_empty_with_its_number(database_url: str, tmp_path: Path) -> None:
    async with hubs(database_url, tmp_path) as (tenant, (delivery,), clock, line):
        id = await standing(tenant, clock, delivery)
        line.is_up = False
        seen = Repository(tenant, EVERYTHING)
        who = await seen.create({"resourceType": "Patient"})
        await seen.create(observation(subject={"reference": f"Patient/{who.stored.id}"}))
        await turn(tenant, delivery)
        await erase_patient(tenant.database, tenant.number, who.stored.id, "asked", clock())
        rows = await tenant.database.fetch(
            Statement(
                "SELECT e.type, e.id, e.key FROM subscription_event e WHERE e.tenant = $1", (1,), ("int",)
            )
        )
        assert [(row[0], row[1]) for row in rows] == [("", "")]
        assert "Observation" not in rows[0][2]
        line.is_up = True
        clock.moment += DAY_US
        await turn(tenant, delivery)
        assert line.numbers == [1]
        assert await status_of(tenant, id) == "active"

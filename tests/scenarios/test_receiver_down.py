"""A receiver that was down for a day catches up: its system hears everything that happened, in order, each once more
at most, and can ask again for what it lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest_asyncio

from fhirhub.store.sql import Statement
from fhirhub.subscriptions import managed
from tests.auth.builders import Hub, Json, write
from tests.auth.conftest import Open
from tests.careplan.neighbourhood import Neighbourhood, settle
from tests.careplan.people import Person
from tests.careplan.resources import to
from tests.subscriptions.receiver import Receiver, events, part, receiving, value

NURSING = "Organization/thuiszorg"
DAY_US = 86_400 * 1_000_000


@pytest_asyncio.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as started:
        yield started


async def test_a_receiver_that_was_down_for_a_day(open_hub: Open, receiver: Receiver) -> None:
    async with open_hub(fetch_allow="127.0.0.1") as hub:
        await settle(hub)
        street = Neighbourhood(hub)
        system = await the_system_of_district_nursing_is_reached_at_its_endpoint(hub, receiver)
        plan = await district_nursing_takes_part_and_hears_of_it(street, receiver)
        heard = await the_system_goes_down(receiver)
        placed = await jan_goes_on_working_for_a_day(street, plan)
        await the_hub_goes_on_trying_and_says_so(system)
        await the_system_comes_back_a_day_later(hub, receiver)
        await it_catches_up_in_order_and_misses_nothing(receiver, heard, placed)
        await the_subscription_is_active_again_and_any_event_can_be_had_again(system, receiver)


async def the_system_of_district_nursing_is_reached_at_its_endpoint(hub: Hub, receiver: Receiver) -> Person:
    endpoint: Json = {
        "resourceType": "Endpoint",
        "id": "ecd",
        "status": "active",
        "connectionType": {"system": managed.CONNECTION_TYPE, "code": "hl7-fhir-rest"},
        "managingOrganization": to(NURSING),
        "payloadType": [{"text": "any"}],
        "address": receiver.url,
    }
    await write(hub, endpoint)
    await hub.backend(client_id="ecd", organization=NURSING)
    signed = hub.assertion(iss="ecd", sub="ecd")
    system = Person(hub, await hub.backend_token(assertion=signed, scope="system/*.cruds"))
    await becomes(system, "active")
    assert len(receiver.told("handshake")) == 1
    return system


async def status(system: Person) -> Json:
    """What `$status` says of the one Subscription that this system has."""
    answer = await system.get("Subscription/$status")
    ((entry),) = answer["entry"]
    return {
        one["name"]: next(v for k, v in one.items() if k != "name") for one in entry["resource"]["parameter"]
    }


async def becomes(system: Person, wanted: str) -> Json:
    async with asyncio.timeout(60):
        while True:
            told = await status(system)
            if told["status"] == wanted:
                return told
            await asyncio.sleep(0.05)


async def district_nursing_takes_part_and_hears_of_it(street: Neighbourhood, receiver: Receiver) -> str:
    plan = await street.plan("jan")
    await street.agree(NURSING)
    task = await street.place("jan", NURSING, basedOn=[to(plan)])
    await street.move("wil", task, "accepted")
    await receiver.until(2)
    return plan


async def the_system_goes_down(receiver: Receiver) -> int:
    """The number of the last event that it heard of, once nothing more comes."""
    count = -1
    while count != len(receiver.requests):
        count = len(receiver.requests)
        await asyncio.sleep(0.5)
    receiver.status = 503
    return max(receiver.numbers())


async def jan_goes_on_working_for_a_day(street: Neighbourhood, plan: str) -> list[str]:
    placed = []
    for words in ("De wond verzorgen.", "Steunkousen aanmeten.", "Medicijnen uitzetten."):
        made = await street.place("jan", NURSING, basedOn=[to(plan)], description=words)
        placed.append(f"Task/{made['id']}")
    return placed


async def the_hub_goes_on_trying_and_says_so(system: Person) -> None:
    await becomes(system, "error")


async def the_system_comes_back_a_day_later(hub: Hub, receiver: Receiver) -> None:
    # As if a day went by: what happened is that old, and the next attempt is due.
    database, number = hub.realm.tenant.database, hub.realm.tenant.number
    for sql in (
        "UPDATE subscription_event SET moment = moment - $2 WHERE tenant = $1",
        "UPDATE subscription SET due = due - $2 WHERE tenant = $1",
    ):
        await database.execute(Statement(sql, (number, DAY_US), ("int", "bigint")))
    receiver.status = 200


async def it_catches_up_in_order_and_misses_nothing(
    receiver: Receiver, heard: int, placed: list[str]
) -> None:
    async with asyncio.timeout(60):
        while not set(placed) <= set(foci(receiver)):
            await asyncio.sleep(0.05)
    numbers = receiver.numbers()
    assert numbers == sorted(set(numbers)), "in order"
    assert numbers == list(range(1, len(numbers) + 1)), "without gaps"
    assert numbers[-1] > heard
    assert [one for one in dict.fromkeys(foci(receiver)) if one in placed] == placed


def foci(receiver: Receiver) -> list[str]:
    """What the notifications name, in order."""
    found = (part(event, "focus") for bundle in receiver.told() for event in events(bundle))
    return [one["reference"].partition("/fhir/")[2] or one["reference"] for one in found if one]


async def the_subscription_is_active_again_and_any_event_can_be_had_again(
    system: Person, receiver: Receiver
) -> None:
    told = await becomes(system, "active")
    last = max(receiver.numbers())
    assert int(told["events-since-subscription-start"]) >= last
    again = await system.get(f"Subscription/{managed.id_of(NURSING)}/$events?eventsSinceNumber=1")
    assert [int(part(one, "event-number")) for one in events(again)][:last] == list(range(1, last + 1))
    assert value(again, "type") == "query-event"

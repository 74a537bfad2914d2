"""Notifications by rest-hook: handshake, events with their numbers, what the payload holds."""

from __future__ import annotations

import asyncio

import httpx

from tests.subscriptions.builders import active, becomes, content, made, observation, on_topic, subscription
from tests.subscriptions.receiver import Receiver, events, part, value

GOAL = {
    "resourceType": "Goal",
    "lifecycleStatus": "active",
    "description": {"text": "weer fietsen"},
    "subject": {"display": "Iemand"},
}


async def test_a_subscription_becomes_active_when_its_handshake_is_taken(
    client: httpx.AsyncClient, receiver: Receiver
) -> None:
    written = await made(client, {**subscription(receiver.url), "status": "active"})
    assert written["status"] == "requested"
    (handshake,) = await receiver.until(1, "handshake")
    assert (handshake["type"], value(handshake, "status")) == ("history", "requested")
    assert value(handshake, "events-since-subscription-start") == "0"
    await active(client, subscription(receiver.url))


async def test_a_write_that_meets_the_criteria_is_told_with_its_number(
    client: httpx.AsyncClient, receiver: Receiver
) -> None:
    id = await active(client, subscription(receiver.url, header=["X-Key: abc"]))
    await made(client, observation("other"))
    first = await made(client, observation())
    await made(client, observation())
    await receiver.until(1)
    while len(receiver.numbers()) < 2:
        await receiver.until(len(receiver.told()) + 1)
    assert receiver.numbers() == [1, 2]
    bundle = receiver.told()[0]
    (event, *_) = events(bundle)
    base = "http://127.0.0.1:8000/fhir"
    assert part(event, "focus")["reference"] == f"{base}/Observation/{first['id']}"
    assert part(event, "timestamp") == first["meta"]["lastUpdated"]
    assert value(bundle, "subscription")["reference"] == f"{base}/Subscription/{id}"
    assert value(bundle, "topic") is None
    assert bundle["entry"][0]["request"] == {"method": "GET", "url": f"{base}/Subscription/{id}/$status"}
    assert bundle["entry"][1]["request"] == {"method": "POST", "url": "Observation"}
    assert "resource" not in bundle["entry"][1]
    path, headers, _ = receiver.requests[-1]
    assert (path, headers["content-type"], headers["x-key"]) == ("/notified", "application/fhir+json", "abc")


async def test_the_payload_is_as_full_as_was_asked(client: httpx.AsyncClient, receiver: Receiver) -> None:
    await active(client, subscription(receiver.url, "Observation?code=full", **content("full-resource")))
    await active(client, subscription(receiver.url, "Observation?code=empty", **content("empty")))
    full = await made(client, observation("full"))
    await receiver.until(1)
    await made(client, observation("empty"))
    whole, nothing = await receiver.until(2)
    assert whole["entry"][1]["resource"] == full
    assert len(nothing["entry"]) == 1
    assert part(events(nothing)[0], "focus") is None


async def test_nothing_is_named_with_an_empty_payload_not_even_the_topic(
    client: httpx.AsyncClient, receiver: Receiver
) -> None:
    await active(client, on_topic("goal-changed", receiver.url, **content("empty")))
    await made(client, GOAL)
    (told,) = await receiver.until(1)
    assert [one["name"] for one in told["entry"][0]["resource"]["parameter"]] == [
        "subscription", "status", "type", "events-since-subscription-start", "notification-event",
    ]  # fmt: skip
    assert [one["name"] for one in events(told)[0]["part"]] == ["event-number", "timestamp"]


async def test_criteria_of_r4_without_a_payload_are_an_empty_post(
    client: httpx.AsyncClient, receiver: Receiver
) -> None:
    plain = subscription(receiver.url)
    del plain["channel"]["payload"]
    await active(client, plain)
    assert len(receiver.requests) == 1
    await made(client, observation())
    async with asyncio.timeout(30):
        while len(receiver.requests) < 2:
            await asyncio.sleep(0.01)
    assert {(body, headers.get("content-type")) for _, headers, body in receiver.requests} == {(b"", None)}


async def test_the_status_says_by_code_what_went_wrong(client: httpx.AsyncClient, receiver: Receiver) -> None:
    receiver.status = 503
    id = (await made(client, subscription(receiver.url)))["id"]
    await becomes(client, id, "error")
    (entry,) = (await client.get(f"Subscription/{id}/$status")).json()["entry"]
    told = value({"entry": [entry]}, "error")
    assert (told["coding"][0]["code"], told["text"]) == ("error-response", "it answered 503")

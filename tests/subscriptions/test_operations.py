"""$status, $events and topics, as a receiver that missed something asks for them."""

from __future__ import annotations

import httpx

from fhirhub.subscriptions import managed
from tests.subscriptions.builders import active, content, made, observation, subscription
from tests.subscriptions.receiver import Receiver, events, part, value


async def test_status_and_events_tell_how_far_a_subscription_is(
    client: httpx.AsyncClient, receiver: Receiver
) -> None:
    id = await active(client, subscription(receiver.url))
    written = [await made(client, observation()) for _ in range(3)]
    answer = await client.get(f"Subscription/{id}/$status")
    (entry,) = answer.json()["entry"]
    assert answer.json()["type"] == "searchset"
    bundle = {"entry": [entry]}
    assert (value(bundle, "status"), value(bundle, "type")) == ("active", "query-status")
    of_type = (await client.get("Subscription/$status", params={"id": id, "status": "active"})).json()
    assert of_type["total"] == 1
    assert (await client.get("Subscription/$status?status=off")).json()["total"] == 0
    asked = {"eventsSinceNumber": "2", "eventsUntilNumber": "3", "content": "full-resource"}
    again = (await client.get(f"Subscription/{id}/$events", params=asked)).json()
    assert (value(again, "type"), value(again, "events-since-subscription-start")) == ("query-event", "3")
    assert [part(event, "event-number") for event in events(again)] == ["2", "3"]
    assert [entry["resource"] for entry in again["entry"][1:]] == written[1:]


async def test_events_of_deleted_resources_are_told_of_without_content(
    client: httpx.AsyncClient, receiver: Receiver
) -> None:
    id = await active(client, subscription(receiver.url, **content("full-resource")))
    written = await made(client, observation())
    assert (await client.delete(f"Observation/{written['id']}")).status_code == 204
    found = (await client.get(f"Subscription/{id}/$events?content=full-resource")).json()
    assert len(events(found)) == 1


async def test_the_capability_statement_names_topics_and_operations(client: httpx.AsyncClient) -> None:
    stated = (await client.get("metadata")).json()
    assert stated["instantiates"] == [managed.SERVER]
    told = stated["rest"][0]["resource"]
    (found,) = [one for one in told if one["type"] == "Subscription"]
    assert any(one["valueCanonical"].endswith("SubscriptionTopic/task-changed") for one in found["extension"])
    assert {"status", "events", "get-ws-binding-token"} <= {one["name"] for one in found["operation"]}


async def test_what_cannot_be_subscribed_to_is_refused_with_its_place(client: httpx.AsyncClient) -> None:
    good = subscription("https://example.org/notified")
    for changed, where in (
        ({"criteria": "Observation?nonsense=1"}, "Subscription.criteria"),
        ({"criteria": "http://example.org/topic"}, "Subscription.criteria"),
        ({"criteria": "Nothing?a=b"}, "Subscription.criteria"),
        ({"channel": {**good["channel"], "endpoint": "http://10.0.0.1/x"}}, "Subscription.channel.endpoint"),
        (
            {"channel": {**good["channel"], "endpoint": "https://192.168.1.1/"}},
            "Subscription.channel.endpoint",
        ),
        ({"channel": {**good["channel"], "type": "sms"}}, "Subscription.channel.type"),
        ({"channel": {**good["channel"], "payload": "text/csv"}}, "Subscription.channel.payload"),
        ({"channel": {**good["channel"], "header": ["Host: x"]}}, "Subscription.channel.header[0]"),
        ({"end": "2020-01-01T00:00:00Z"}, "Subscription.end"),
    ):
        answer = await client.post("Subscription", json={**good, **changed})
        assert answer.status_code == 422, (changed, answer.text)
        assert answer.json()["issue"][0]["expression"] == [where]
    assert (await client.get("Subscription?_summary=count")).json()["total"] == 0

"""Organisations are notified by rule, of what they may see, and persons of what they asked for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest_asyncio

from fhirhub.access import EVERYTHING
from fhirhub.repository import Repository
from fhirhub.resources import document
from fhirhub.store.sql import Statement
from fhirhub.subscriptions import managed, topics
from fhirhub.tenants import open_tenants
from tests.auth.builders import Hub, bearer, patient, write
from tests.auth.conftest import Open, open_hub
from tests.subscriptions.builders import on_topic
from tests.subscriptions.receiver import Receiver, events, part, receiving, value

__all__ = ["open_hub"]
Json = dict[str, Any]
TYPES = "http://nictiz.nl/fhir/NamingSystem/organization-type"
PLAN = {"coding": [{"system": "http://snomed.info/sct", "code": "135411000146103"}]}


@pytest_asyncio.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as started:
        yield started


@pytest_asyncio.fixture
async def hub(open_hub: Open, receiver: Receiver) -> AsyncIterator[Hub]:
    """A practice without and a home care organisation with an Endpoint, both in the team of anna."""
    async with open_hub(fetch_allow="127.0.0.1") as opened:
        await write(
            opened,
            organization("praktijk", "Z3"),
            organization("thuiszorg", "T2"),
            organization("ander", "T2"),
            {
                "resourceType": "Endpoint",
                "id": "punt",
                "status": "active",
                "connectionType": {"system": managed.CONNECTION_TYPE, "code": "hl7-fhir-rest"},
                "managingOrganization": {"reference": "Organization/thuiszorg"},
                "payloadType": [{"text": "any"}],
                "address": receiver.url,
            },
            patient("anna", "Anna", generalPractitioner=[{"reference": "Organization/praktijk"}]),
            team("Organization/thuiszorg"),
        )
        await opened.backend(client_id="his", organization="Organization/praktijk")
        await opened.backend(client_id="ecd", organization="Organization/thuiszorg")
        async with asyncio.timeout(30):
            while not await is_active(opened):
                await asyncio.sleep(0.05)
        yield opened


def organization(id: str, code: str) -> Json:
    coding = {"system": TYPES, "code": code}
    return {"resourceType": "Organization", "id": id, "name": id, "type": [{"coding": [coding]}]}


def team(*members: str) -> Json:
    return {
        "resourceType": "CareTeam",
        "id": "team",
        "status": "active",
        "subject": {"reference": "Patient/anna"},
        "participant": [{"member": {"reference": one}, "period": {"start": "2020-01-01"}} for one in members],
    }


def plan(**also: Any) -> Json:
    return {
        "resourceType": "CarePlan",
        "id": "plan",
        "status": "active",
        "intent": "plan",
        "category": [PLAN],
        "subject": {"reference": "Patient/anna"},
        "careTeam": [{"reference": "CareTeam/team"}],
        **also,
    }


def block(organization: str) -> Json:
    """The patient's word that an organisation sees nothing any more."""
    return {
        "resourceType": "Consent",
        "id": "nee",
        "status": "active",
        "scope": {
            "coding": [
                {"system": "http://terminology.hl7.org/CodeSystem/consentscope", "code": "patient-privacy"}
            ]
        },
        "category": [{"text": "x"}],
        "patient": {"reference": "Patient/anna"},
        "policyRule": {"text": "x"},
        "provision": {
            "type": "deny",
            "actor": [{"role": {"text": "x"}, "reference": {"reference": organization}}],
        },
    }


async def is_active(hub: Hub) -> bool:
    headers = bearer(await token(hub, "ecd"))
    id = managed.id_of("Organization/thuiszorg")
    answer = await hub.http.get(f"Subscription/{id}", headers=headers)
    return bool(answer.json()["status"] == "active")


async def token(hub: Hub, client: str, scope: str = "system/*.cruds") -> str:
    return await hub.backend_token(assertion=hub.assertion(iss=client, sub=client), scope=scope)


async def test_participants_are_told_at_their_endpoint_and_poll_without_one(
    hub: Hub, receiver: Receiver
) -> None:
    await write(hub, plan(title="Een plan"))
    team_changed, plan_changed = await told_of(receiver, 2)
    assert part(team_changed, "focus")["reference"].endswith("CareTeam/team")
    assert part(plan_changed, "focus")["reference"].endswith("CarePlan/plan")
    assert part(plan_changed, "topic") == topics.url("plan-changed")
    assert receiver.numbers() == [1, 2]
    practice = bearer(await token(hub, "his"))
    own = managed.id_of("Organization/praktijk")
    found = (await hub.http.get(f"Subscription/{own}/$events", headers=practice)).json()
    focused = [part(one, "focus")["reference"].rpartition("fhir/")[2] for one in events(found)]
    assert focused == ["CareTeam/team", "CarePlan/plan"]
    seen = (await hub.http.get("Subscription/$status", headers=practice)).json()
    assert seen["total"] == 1
    other = managed.id_of("Organization/thuiszorg")
    assert (await hub.http.get(f"Subscription/{other}", headers=practice)).status_code == 404
    assert (await hub.http.get(f"Subscription/{other}/$events", headers=practice)).status_code == 404


async def test_what_may_no_longer_be_seen_goes_out_empty_with_its_number(
    hub: Hub, receiver: Receiver
) -> None:
    await write(hub, plan())
    await told_of(receiver, 2)
    receiver.status = 503
    await write(hub, plan(title="Gewijzigd"))
    await write(hub, block("Organization/thuiszorg"))
    await write(hub, plan(title="Nog eens"))
    receiver.status = 200
    *_, last = await told_of(receiver, 3)
    assert part(last, "event-number") == "3"
    assert part(last, "focus") is None
    await asyncio.sleep(0.3)
    assert receiver.numbers() == [1, 2, 3]


async def test_the_log_tells_what_a_receiver_was_notified_of(hub: Hub, receiver: Receiver) -> None:
    await write(hub, plan())
    await told_of(receiver, 2)
    rows = await notified(hub, 2)
    assert [row[:3] for row in rows] == [("CareTeam", "team", "anna"), ("CarePlan", "plan", "anna")]
    assert {row[3:] for row in rows} == {("Organization/thuiszorg", "participation")}
    receiver.status = 503
    await write(hub, plan(title="Gewijzigd"))
    await write(hub, block("Organization/thuiszorg"))
    receiver.status = 200
    await told_of(receiver, 3)
    # The third went out empty; nothing of it was told.
    await asyncio.sleep(0.3)
    assert len(await notified(hub, 2)) == 2


async def notified(hub: Hub, count: int) -> list[tuple[str, ...]]:
    """What the log says that receivers were told, once there is so much: type, id, patient, organisation, rule."""
    wanted = Statement(
        "SELECT type, target, patient, organization, rule FROM audit WHERE interaction = 'notified' "
        "ORDER BY recorded, chain, number"
    )
    async with asyncio.timeout(30):
        while True:
            await hub.realm.database.spread(hub.realm.number)
            rows = await hub.realm.database.fetch(wanted)
            if len(rows) >= count:
                return [tuple(str(value) for value in row) for row in rows]
            await asyncio.sleep(0.05)


async def told_of(receiver: Receiver, count: int, seconds: float = 40) -> list[Json]:
    """So many events."""
    async with asyncio.timeout(seconds):
        while len(receiver.numbers()) < count:
            await asyncio.sleep(0.02)
    return [event for bundle in receiver.told() for event in events(bundle)]


async def test_a_client_sees_and_changes_its_own_subscription_alone(hub: Hub, receiver: Receiver) -> None:
    mine, others = bearer(await token(hub, "his")), bearer(await token(hub, "ecd"))
    wanted = on_topic("plan-changed", receiver.url, header=["Authorization: Bearer geheim"])
    answer = await hub.http.post("Subscription", json=wanted, headers=mine)
    assert answer.status_code == 201, answer.text
    id = answer.json()["id"]
    assert (await hub.http.get(f"Subscription/{id}", headers=others)).status_code == 404
    found = (await hub.http.get("Subscription", headers=others)).json()
    assert [entry["resource"]["id"] for entry in found["entry"]] == [managed.id_of("Organization/thuiszorg")]
    # The answer for what does not exist.
    assert (await hub.http.delete(f"Subscription/{id}", headers=others)).status_code == 204
    assert (await hub.http.get(f"Subscription/{id}", headers=mine)).status_code == 200
    await receiver.until(2, "handshake")
    await write(hub, plan())
    async with asyncio.timeout(30):
        while not any(value(one, "subscription")["reference"].endswith(id) for one in receiver.told()):
            await asyncio.sleep(0.02)
    assert any(headers.get("authorization") == "Bearer geheim" for _, headers, _ in receiver.requests)
    assert (await hub.http.delete(f"Subscription/{id}", headers=mine)).status_code == 204


async def test_the_subscription_by_rule_is_not_deleted_nor_moved(hub: Hub, receiver: Receiver) -> None:
    mine, id = bearer(await token(hub, "ecd")), managed.id_of("Organization/thuiszorg")
    assert (await hub.http.delete(f"Subscription/{id}", headers=mine)).status_code == 422
    resource = (await hub.http.get(f"Subscription/{id}", headers=mine)).json()
    moved = {**resource, "channel": {**resource["channel"], "endpoint": "https://example.org/x"}}
    answer = await hub.http.put(f"Subscription/{id}", json=moved, headers=mine)
    assert answer.status_code == 422
    fuller = {**resource, "channel": {**resource["channel"], "header": ["X-Key: mijn"]}}
    answer = await hub.http.put(f"Subscription/{id}", json=fuller, headers=mine)
    assert (answer.status_code, answer.json()["status"]) == (200, "requested")


async def test_an_endpoint_that_was_loaded_past_the_rule_is_followed(hub: Hub) -> None:
    chosen, own = hub.realm.settings, hub.realm.tenant
    loaded = {
        "resourceType": "Endpoint",
        "id": "geladen",
        "status": "active",
        "connectionType": {"system": managed.CONNECTION_TYPE, "code": "hl7-fhir-rest"},
        "managingOrganization": {"reference": "Organization/praktijk"},
        "payloadType": [{"text": "any"}],
        "address": "http://127.0.0.1:9/elders",
    }
    async with open_tenants(chosen) as opened:
        plain = await opened.get(own.name)
        written = await Repository(plain, EVERYTHING).update(loaded)
    await managed.follow_since(own, written.stored.updated, written.stored.updated, chosen)
    found = await Repository(own, EVERYTHING).read("Subscription", managed.id_of("Organization/praktijk"))
    assert document.decode(found.body or b"")["channel"]["endpoint"] == "http://127.0.0.1:9/elders"


async def test_topics_are_told_as_basic(hub: Hub) -> None:
    headers = bearer(await token(hub, "his"))
    async with asyncio.timeout(30):
        while True:
            found = (await hub.http.get("Basic?code=SubscriptionTopic", headers=headers)).json()
            if len(found.get("entry", ())) == len(topics.TOPICS):
                return
            await asyncio.sleep(0.05)

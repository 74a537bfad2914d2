"""Subscriptions and what they are about, for tests."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx

from fhirhub.subscriptions import reading, topics

Json = dict[str, Any]


def subscription(endpoint: str, criteria: str = "Observation?code=x", **channel: Any) -> Json:
    return {
        "resourceType": "Subscription",
        "status": "requested",
        "reason": "To follow",
        "criteria": criteria,
        "channel": {"type": "rest-hook", "endpoint": endpoint, "payload": "application/fhir+json", **channel},
    }


def on_topic(id: str, endpoint: str, *filters: str, **channel: Any) -> Json:
    made = subscription(endpoint, topics.url(id), **channel)
    if filters:
        made["_criteria"] = {"extension": [{"url": reading.FILTER, "valueString": one} for one in filters]}
    return made


def content(code: str) -> Json:
    """The part of a channel that says how much is sent."""
    return {"_payload": {"extension": [{"url": reading.CONTENT, "valueCode": code}]}}


def observation(code: str = "x", **also: Any) -> Json:
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": {"coding": [{"system": "urn:x", "code": code}]},
        **also,
    }


async def made(client: httpx.AsyncClient, resource: Json) -> Json:
    answer = await client.post(resource["resourceType"], json=resource)
    assert answer.status_code == 201, answer.text
    found: Json = answer.json()
    return found


async def active(client: httpx.AsyncClient, resource: Json) -> str:
    """The id of a Subscription that was made, once it is active."""
    id = str((await made(client, resource))["id"])
    await becomes(client, id, "active")
    return id


async def becomes(client: httpx.AsyncClient, id: str, status: str, seconds: float = 30) -> Json:
    """The Subscription, once it has that status."""
    async with asyncio.timeout(seconds):
        while True:
            found: Json = (await client.get(f"Subscription/{id}")).json()
            if found["status"] == status:
                return found
            await asyncio.sleep(0.02)

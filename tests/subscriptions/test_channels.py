"""Websockets through the hub's own server, and email through a mail server."""

from __future__ import annotations

import asyncio
import json
import socket
from pathlib import Path
from typing import Any

import httpx
import pytest
import websockets
from aiosmtpd.controller import Controller

from fhirhub import settings
from fhirhub.settings import SettingsError
from tests.api.conftest import Open
from tests.hub import running_hub
from tests.subscriptions.builders import active, made, observation, on_topic, subscription
from tests.subscriptions.receiver import events, part, value


def by_websocket() -> dict[str, Any]:
    resource = subscription("")
    resource["channel"] = {"type": "websocket", "payload": "application/fhir+json"}
    return resource


async def test_a_websocket_is_sent_what_was_missed_and_what_comes(sqlite_url: str, tmp_path: Path) -> None:
    with running_hub(sqlite_url, tmp_path, 2) as hub:
        async with httpx.AsyncClient(base_url=hub.base, timeout=60) as client:
            id = await active(client, by_websocket())
            await made(client, observation())
            answer = await client.get(f"Subscription/{id}/$get-ws-binding-token")
            assert answer.status_code == 200, answer.text
            told = answer.json()
            given = {one["name"]: next(v for k, v in one.items() if k != "name") for one in told["parameter"]}
            assert given["subscription"] == id
            async with websockets.connect(given["websocket-url"]) as connection:
                await connection.send(f"bind-with-token {given['token']}")
                handshake = json.loads(await asyncio.wait_for(connection.recv(), 30))
                assert (value(handshake, "type"), value(handshake, "status")) == ("handshake", "active")
                missed = json.loads(await asyncio.wait_for(connection.recv(), 30))
                assert [part(one, "event-number") for one in events(missed)] == ["1"]
                await made(client, observation())
                fresh = json.loads(await asyncio.wait_for(connection.recv(), 30))
                assert [part(one, "event-number") for one in events(fresh)] == ["2"]
            async with websockets.connect(given["websocket-url"]) as connection:
                await connection.send("bind-with-token nonsense")
                with pytest.raises(websockets.ConnectionClosed) as closed:
                    await asyncio.wait_for(connection.recv(), 30)
                assert closed.value.rcvd is not None
                assert closed.value.rcvd.code == 1008


async def test_a_subscription_of_r4_without_a_payload_is_bound_by_its_id_and_pinged(
    sqlite_url: str, tmp_path: Path
) -> None:
    plain = by_websocket()
    del plain["channel"]["payload"]
    with running_hub(sqlite_url, tmp_path, 1) as hub:
        async with httpx.AsyncClient(base_url=hub.base, timeout=60) as client:
            id, other = await active(client, plain), (await made(client, by_websocket()))["id"]
            told = (await client.get("metadata")).json()["rest"][0]["extension"]
            (url,) = [one["valueUri"] for one in told if one["url"].endswith("capabilitystatement-websocket")]
            async with websockets.connect(url) as connection:
                await connection.send(f"bind {id}")
                assert await asyncio.wait_for(connection.recv(), 30) == f"bound {id}"
                await made(client, observation())
                assert await asyncio.wait_for(connection.recv(), 30) == f"ping {id}"
                # What has a payload is not for whoever knows its id.
                await connection.send(f"bind {other}")
                with pytest.raises(websockets.ConnectionClosed):
                    await asyncio.wait_for(connection.recv(), 30)


class _Box:
    """Keeps what is mailed to it."""

    def __init__(self) -> None:
        self.mails: list[bytes] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.mails.append(envelope.content)
        return "250 OK"


async def test_email_is_one_line_and_a_link(open_client: Open) -> None:
    box = _Box()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = Controller(box, hostname="127.0.0.1", port=port)
    server.start()
    try:
        asked = {"smtp_server": f"127.0.0.1:{port}", "smtp_security": "none", "smtp_sender": "hub@example.nl"}
        async with open_client(**asked) as client:
            wanted = on_topic("goal-changed", "mailto:anna@example.nl", type="email", payload="text/plain")
            await active(client, wanted)
            who = await made(client, {"resourceType": "Patient", "name": [{"family": "Geheim"}]})
            goal = {
                "resourceType": "Goal",
                "lifecycleStatus": "active",
                "description": {"text": "weer fietsen"},
                "subject": {"reference": f"Patient/{who['id']}"},
            }
            await made(client, goal)
            async with asyncio.timeout(30):
                while len(box.mails) < 2:
                    await asyncio.sleep(0.02)
    finally:
        server.stop()
    text = box.mails[1].decode()
    assert "To: anna@example.nl" in text
    assert "http://127.0.0.1:8000/" in text
    assert not any(word in text for word in ("fietsen", "Geheim", who["id"]))


async def test_email_is_refused_where_no_mail_server_is_set(open_client: Open) -> None:
    async with open_client() as client:
        answer = await client.post(
            "Subscription",
            json=on_topic("goal-changed", "mailto:a@example.nl", type="email", payload="text/plain"),
        )
    assert answer.status_code == 422
    assert answer.json()["issue"][0]["code"] == "not-supported"


def test_a_mail_server_that_cannot_be_is_named() -> None:
    for given, named in (
        ({"smtp_server": "mail"}, "FHIRHUB_SMTP_SERVER"),
        (
            {"smtp_server": "mail:25", "smtp_sender": "a@b.nl", "smtp_security": "none"},
            "FHIRHUB_SMTP_SECURITY",
        ),
        ({"smtp_server": "mail:25"}, "FHIRHUB_SMTP_SENDER"),
    ):
        with pytest.raises(SettingsError, match=named):
            settings.read({}, **given)

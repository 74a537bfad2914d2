"""The door of websockets: a receiver connects, binds with a token and is sent its notifications
(https://hl7.org/fhir/uv/subscriptions-backport/STU1.1/channels.html#websockets).

The first message is `bind-with-token [token]`, or `{"type": "bind-with-token", "token": "[token]"}`; it may be sent
again, with a new token before the old one runs out, or for other Subscriptions. Where nobody signs in, R4's own
`bind [id]` does for a Subscription without a payload (https://hl7.org/fhir/R4/subscription.html#websocket).
"""

from __future__ import annotations

import asyncio
import json
import math
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from fhirhub import tenants
from fhirhub.repository import Tenant
from fhirhub.subscriptions.channels import websocket
from fhirhub.subscriptions.channels.sockets import Socket
from fhirhub.subscriptions.delivery import Delivery

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

MAX_MESSAGE_BYTES = 64 * 1024
BIND_SECONDS = 30
"""How long a connection may last without being bound."""
POLICY_VIOLATION = 1008
"""RFC 6455, 7.4.1."""


async def serve(
    path: str,
    receive: Receive,
    send: Send,
    find: Callable[[str], Awaitable[Tenant | None]],
    delivery: Delivery,
) -> None:
    """One connection from its begin to its end."""
    await receive()
    tenant = await find(_name(path)) if path.endswith(websocket.PATH) else None
    if tenant is None:
        await send({"type": "websocket.close", "code": POLICY_VIOLATION})
        return
    await send({"type": "websocket.accept"})

    async def write(text: str) -> None:
        await send({"type": "websocket.send", "text": text})

    async def close(why: str) -> None:
        await send({"type": "websocket.close", "code": POLICY_VIOLATION, "reason": why})

    socket = Socket(write, close)
    until, is_bound = time.time() + BIND_SECONDS, False
    try:
        while True:
            try:
                async with asyncio.timeout(None if until == math.inf else max(0.0, until - time.time())):
                    message = await receive()
            except TimeoutError:
                await socket.end("the token expired")
                return
            if message["type"] == "websocket.disconnect":
                return
            ids, end, by_id = _binding(tenant, message)
            if not await delivery.bind(tenant, ids, socket, end, by_id=by_id):
                await socket.end("send `bind-with-token` and a token of $get-ws-binding-token")
                return
            # What was bound before by another token goes on until that runs out.
            until = end if not is_bound else max(until, end)
            is_bound = True
    finally:
        socket.is_open = False
        delivery.sockets.unbind(socket)


def _name(path: str) -> str:
    """The tenant that a path names."""
    return path.removesuffix(websocket.PATH).removeprefix("/") or tenants.DEFAULT


def _binding(tenant: Tenant, message: MutableMapping[str, Any]) -> tuple[list[str], float, bool]:
    """The Subscriptions that a message binds to, until when, and whether it does so by their id alone."""
    text = message.get("text") or (message.get("bytes") or b"").decode("utf-8", "replace")
    word, _, rest = text.strip().partition(" ")
    if word == "bind":
        return [rest.strip()], math.inf, True
    token = rest.strip() if word == "bind-with-token" else _token(text)
    told = websocket.opened(websocket.key(tenant.cursor_key), tenant.name, token, int(time.time()))
    return ([], 0.0, False) if told is None else (*told, False)


def _token(text: str) -> str:
    """The token that a message of JSON binds with; empty where it does not."""
    try:
        told = json.loads(text)
    except ValueError:
        return ""
    if isinstance(told, dict) and told.get("type") == "bind-with-token":
        return str(told.get("token", ""))
    return ""

"""The door of websockets: a receiver connects, binds with a token and is sent its notifications
(https://hl7.org/fhir/uv/subscriptions-backport/STU1.1/channels.html#websockets).

The first message is `bind-with-token [token]`, or `{"type": "bind-with-token", "token": "[token]"}`; it may be sent
again, with a new token before the old one runs out, or for other Subscriptions.
"""

from __future__ import annotations

import asyncio
import json
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

    socket = Socket(write)
    until = time.time() + BIND_SECONDS
    try:
        while True:
            try:
                async with asyncio.timeout(max(0.0, until - time.time())):
                    message = await receive()
            except TimeoutError:
                await send(
                    {"type": "websocket.close", "code": POLICY_VIOLATION, "reason": "the token expired"}
                )
                return
            if message["type"] == "websocket.disconnect":
                return
            key = websocket.key(tenant.cursor_key)
            told = websocket.opened(key, tenant.name, _token(message), int(time.time()))
            bound = [] if told is None else await delivery.bind(tenant, told[0], socket, told[1])
            if told is None or not bound:
                reason = "send `bind-with-token` and a token of $get-ws-binding-token"
                await send({"type": "websocket.close", "code": POLICY_VIOLATION, "reason": reason})
                return
            until = told[1]
    finally:
        socket.is_open = False
        delivery.sockets.unbind(socket)


def _name(path: str) -> str:
    """The tenant that a path names."""
    return path.removesuffix(websocket.PATH).removeprefix("/") or tenants.DEFAULT


def _token(message: MutableMapping[str, Any]) -> str:
    """The token that a message binds with; empty where it does not."""
    text = message.get("text") or (message.get("bytes") or b"").decode("utf-8", "replace")
    word, _, token = text.strip().partition(" ")
    if word == "bind-with-token":
        return str(token.strip())
    try:
        told = json.loads(text)
    except ValueError:
        return ""
    if isinstance(told, dict) and told.get("type") == "bind-with-token":
        return str(told.get("token", ""))
    return ""

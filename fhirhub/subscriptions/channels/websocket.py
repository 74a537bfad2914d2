"""websocket: the receiver connects, shows a binding token and is sent notifications as they come
(https://hl7.org/fhir/uv/subscriptions-backport/STU1.1/channels.html#websockets)."""

from __future__ import annotations

import asyncio
import base64
import hmac
import json
import time

from fhirhub.resources import xml
from fhirhub.subscriptions.channels.notice import NotDelivered, Notice
from fhirhub.subscriptions.reading import Wanted

TOKEN_SECONDS = 300
"""How long a binding token is taken, and what was bound with it stays bound."""

PATH = "/subscriptions"
"""Where a receiver connects: below the hub's root, or below the tenant's name there."""


def address(base: str) -> str:
    """Where receivers of the hub with this base connect."""
    return base.replace("http", "ws", 1).removesuffix("/fhir") + PATH


def key(tenant_key: bytes) -> bytes:
    """What seals the binding tokens of a tenant."""
    return hmac.digest(tenant_key, b"websocket binding", "sha256")


async def send(notice: Notice) -> None:
    """To everybody connected for it. Raises NotDelivered where it reached nobody."""
    told = text(notice.wanted, notice.kind, notice.subscription, notice.body)
    reached = False
    for socket in notice.sockets.of(notice.tenant, notice.subscription, time.time()):
        try:
            async with asyncio.timeout(notice.wanted.timeout):
                reached |= await socket.send(told)
        except TimeoutError:
            socket.is_open = False
    if not reached:
        raise NotDelivered("nobody is connected")


def text(wanted: Wanted, kind: str, id: str, body: bytes) -> str:
    """A notification as the Subscription wants it; without a payload `bound` for the handshake and `ping`
    (https://hl7.org/fhir/R4/subscription.html#websocket)."""
    if wanted.is_ping:
        return f"{'bound' if kind == 'handshake' else 'ping'} {id}"
    return (xml.to_xml(body, pretty=False) if wanted.is_xml else body).decode()


def token(key: bytes, tenant: str, ids: list[str], until: int) -> str:
    """A binding token for these Subscriptions, until that moment (seconds since 1970)."""
    content = json.dumps({"tenant": tenant, "ids": ids, "until": until}, separators=(",", ":")).encode()
    sealed = hmac.digest(key, content, "sha256") + content
    return base64.urlsafe_b64encode(sealed).rstrip(b"=").decode()


def opened(key: bytes, tenant: str, text: str, now: int) -> tuple[list[str], int] | None:
    """The Subscriptions of a binding token and until when it is taken; None for one that is not."""
    try:
        sealed = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        return None
    mark, content = sealed[:32], sealed[32:]
    if not hmac.compare_digest(mark, hmac.digest(key, content, "sha256")):
        return None
    told = json.loads(content)
    if told["tenant"] != tenant or told["until"] <= now:
        return None
    return list(told["ids"]), int(told["until"])

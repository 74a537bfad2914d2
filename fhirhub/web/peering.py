"""The door of other hubs that notify: what they say is taken as a sign to look there, and not believed
(https://hl7.org/fhir/uv/subscriptions-backport/STU1.1/channels.html#rest-hook)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from fhirhub import tenants
from fhirhub.peers import PATH
from fhirhub.repository import Tenant

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

Heard = Callable[[Tenant, str, str], Awaitable[bool]]
"""Told the peer's name and what it shows; whether that is the peer's."""

MAX_BODY_BYTES = 16 * 1024 * 1024


async def serve(
    scope: MutableMapping[str, Any],
    receive: Receive,
    send: Send,
    find: Callable[[str], Awaitable[Tenant | None]],
    heard: Heard,
) -> None:
    """204 for a notification of a peer, 401 for any other."""
    before, _, name = scope["path"].partition(PATH)
    status = await _status(scope, before.strip("/") or tenants.DEFAULT, name, receive, find, heard)
    headers = [(b"content-length", b"0")] if status != 204 else []
    if status == 401:
        headers.append((b"www-authenticate", b"Bearer"))
    if status == 405:
        headers.append((b"allow", b"POST"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b""})


async def _status(
    scope: MutableMapping[str, Any],
    tenant_name: str,
    name: str,
    receive: Receive,
    find: Callable[[str], Awaitable[Tenant | None]],
    heard: Heard,
) -> int:
    if scope["method"] != "POST":
        return 405
    if not await _is_taken(receive):
        return 413
    tenant = await find(tenant_name)
    shown = dict(scope["headers"]).get(b"authorization", b"").decode("latin-1")
    return 204 if tenant is not None and await heard(tenant, name, shown) else 401


async def _is_taken(receive: Receive) -> bool:
    """Reads the body, which says nothing that is not asked again; whether it ends in time."""
    size = 0
    while True:
        message = await receive()
        size += len(message.get("body", b""))
        if size > MAX_BODY_BYTES:
            return False
        if message["type"] != "http.request" or not message.get("more_body"):
            return True

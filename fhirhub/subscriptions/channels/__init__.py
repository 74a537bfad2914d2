"""CHANNELS: the ways in which a notification reaches its receiver, one file for each
(https://hl7.org/fhir/uv/subscriptions-backport/STU1.1/channels.html)."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from fhirhub.subscriptions.channels import email, rest_hook, websocket
from fhirhub.subscriptions.channels.notice import Notice

CHANNELS: Mapping[str, Callable[[Notice], Coroutine[Any, Any, None]]] = {
    "rest-hook": rest_hook.send,
    "websocket": websocket.send,
    "email": email.send,
}
"""By channel, what sends one notification; raises NotDelivered. A message list is not here: nothing is sent, its
events are asked for by `$events`."""

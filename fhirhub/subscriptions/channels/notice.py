"""Notice: one notification on its way to one receiver."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from fhirhub.fetching import Lines
from fhirhub.settings import Settings
from fhirhub.subscriptions.channels.sockets import Sockets
from fhirhub.subscriptions.reading import Wanted


class NotDelivered(Exception):
    """It did not reach the receiver; the text says why, for whoever keeps the Subscription."""


@dataclass(frozen=True, slots=True)
class Notice:
    """`body` is the Bundle as FHIR JSON; `kind` is `handshake`, `heartbeat` or `event-notification`."""

    kind: Literal["handshake", "heartbeat", "event-notification"]
    tenant: int
    subscription: str
    wanted: Wanted
    body: bytes
    base: str
    settings: Settings
    sockets: Sockets
    lines: Lines

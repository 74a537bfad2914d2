"""Notice: one notification on its way to one receiver."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from fhirhub.fetching import Lines
from fhirhub.settings import Settings
from fhirhub.subscriptions.channels.sockets import Sockets
from fhirhub.subscriptions.reading import Wanted

ANSWERED = "it answered"
"""How the text begins where the receiver answered, and not that it took it."""


class NotDelivered(Exception):
    """It did not reach the receiver; the text says why, for whoever keeps the Subscription. `wait_seconds` is how long
    the receiver asked to be left alone."""

    def __init__(self, text: str, wait_seconds: int = 0) -> None:
        super().__init__(text)
        self.wait_seconds = wait_seconds


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

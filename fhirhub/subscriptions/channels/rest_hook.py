"""rest-hook: the notification is posted to an address of the receiver, who answers 2xx
(https://hl7.org/fhir/uv/subscriptions-backport/STU1.1/channels.html#rest-hook); without a payload the request itself
is the notification (https://hl7.org/fhir/R4/subscription.html#rest-hook)."""

from __future__ import annotations

import email.utils
import time

from fhirhub import fetching
from fhirhub.resources import xml
from fhirhub.subscriptions.channels.notice import ANSWERED, NotDelivered, Notice


async def send(notice: Notice) -> None:
    """Raises NotDelivered."""
    wanted = notice.wanted
    assert wanted.endpoint is not None
    headers, body = list(wanted.headers), b""
    if not wanted.is_ping:
        body = xml.to_xml(notice.body, pretty=False) if wanted.is_xml else notice.body
        headers.append(("Content-Type", wanted.mime))
    try:
        answer = await fetching.fetch(
            wanted.endpoint,
            notice.settings.fetch_allow,
            method="POST",
            headers=headers,
            body=body,
            seconds=wanted.timeout,
            lines=notice.lines,
        )
    except fetching.FetchError as fault:
        raise NotDelivered(str(fault)) from None
    if not 200 <= answer.status < 300:
        raise NotDelivered(f"{ANSWERED} {answer.status}", _wait_seconds(answer.headers.get("retry-after")))


def _wait_seconds(text: str | None) -> int:
    """How long `Retry-After` says to wait: seconds, or until a moment (RFC 9110, 10.2.3)."""
    if text is None:
        return 0
    try:
        if text.strip().isdecimal():
            return int(text)
        return max(0, int(email.utils.parsedate_to_datetime(text).timestamp() - time.time()))
    except ValueError:
        return 0

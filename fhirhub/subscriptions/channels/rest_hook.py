"""rest-hook: the notification is posted to an address of the receiver, who answers 2xx
(https://hl7.org/fhir/uv/subscriptions-backport/STU1.1/channels.html#rest-hook)."""

from __future__ import annotations

from fhirhub import fetching
from fhirhub.resources import xml
from fhirhub.subscriptions.channels.notice import NotDelivered, Notice


async def send(notice: Notice) -> None:
    """Raises NotDelivered."""
    wanted = notice.wanted
    assert wanted.endpoint is not None
    body = xml.to_xml(notice.body, pretty=False) if wanted.is_xml else notice.body
    headers = {**dict(wanted.headers), "Content-Type": wanted.mime}
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
        raise NotDelivered(f"it answered {answer.status}")

"""email: one line and a link, whatever the payload; the content is read where one signs in (RULES R26)
(https://hl7.org/fhir/uv/subscriptions-backport/STU1.1/channels.html#email)."""

from __future__ import annotations

from fhirhub.subscriptions.channels.notice import Notice


async def send(notice: Notice) -> None:
    """Raises NotDelivered."""
    # The libraries of mail are loaded when somebody is first sent one: they would be a tenth of a start.
    from fhirhub.subscriptions.channels import mailing

    await mailing.send(notice)

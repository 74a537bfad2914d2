"""Mailing: the email itself, and how the mail server takes it."""

from __future__ import annotations

import asyncio
import html
import smtplib
import ssl
from email.message import EmailMessage
from email.utils import formatdate, make_msgid

from fhirhub.settings import Settings
from fhirhub.subscriptions.channels.notice import NotDelivered, Notice

SUBJECT = {
    "handshake": "U krijgt voortaan bericht / You will be told from now on",
    "heartbeat": "De berichten werken / Notifications work",
    "event-notification": "Er is een bericht voor u / There is a message for you",
}
LINE = {
    "handshake": "U krijgt op dit adres een mail als er iets nieuws is. / You will be told here when there is news.",
    "heartbeat": "Er is niets nieuws; de berichten werken. / There is no news; notifications work.",
    "event-notification": "Er is iets nieuws voor u; log in om het te lezen. / There is news; sign in to read it.",
}


async def send(notice: Notice) -> None:
    """Raises NotDelivered."""
    try:
        await asyncio.to_thread(_send, notice.settings, message(notice), notice.wanted.timeout)
    except (OSError, smtplib.SMTPException) as fault:
        raise NotDelivered(f"the mail server did not take it ({type(fault).__name__})") from None


def message(notice: Notice) -> EmailMessage:
    """The email: nothing of anybody stands in it."""
    made = EmailMessage()
    made["From"] = notice.settings.smtp_sender
    made["To"] = (notice.wanted.endpoint or "").removeprefix("mailto:")
    made["Subject"] = SUBJECT[notice.kind]
    made["Date"] = formatdate()
    made["Message-ID"] = make_msgid(domain="fhirhub")
    made["Auto-Submitted"] = "auto-generated"
    line, link = LINE[notice.kind], notice.base.removesuffix("/fhir") + "/"
    if notice.wanted.mime.startswith("text/html"):
        link = html.escape(link)
        made.set_content(f'<p>{html.escape(line)}</p><p><a href="{link}">{link}</a></p>', subtype="html")
    else:
        made.set_content(f"{line}\n{link}\n")
    return made


def _send(settings: Settings, made: EmailMessage, seconds: int) -> None:
    host, _, port = (settings.smtp_server or "").rpartition(":")
    host = host.strip("[]")
    if settings.smtp_security == "tls":
        with smtplib.SMTP_SSL(
            host, int(port), timeout=seconds, context=ssl.create_default_context()
        ) as server:
            _hand_over(settings, server, made)
        return
    with smtplib.SMTP(host, int(port), timeout=seconds) as server:
        if settings.smtp_security == "starttls":
            server.starttls(context=ssl.create_default_context())
        _hand_over(settings, server, made)


def _hand_over(settings: Settings, server: smtplib.SMTP, made: EmailMessage) -> None:
    if settings.smtp_user is not None and settings.smtp_password_file is not None:
        server.login(settings.smtp_user, settings.smtp_password_file.read_text().strip())
    server.send_message(made)

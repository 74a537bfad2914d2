"""One-time codes by the clock: the second factor (RFC 6238, with the 30 seconds and 6 digits of every app)."""

from __future__ import annotations

import base64
import hmac
import secrets
from urllib.parse import quote

SECRET_BYTES = 20
STEP_SECONDS = 30
DIGITS = 6
DRIFT_STEPS = 1
"""How many steps the clock of a telephone may be off."""


def new_secret() -> bytes:
    return secrets.token_bytes(SECRET_BYTES)


def code(secret: bytes, step: int) -> str:
    """The code of that step (RFC 4226, 5.3)."""
    digest = hmac.digest(secret, step.to_bytes(8, "big"), "sha1")
    offset = digest[-1] & 0xF
    number = int.from_bytes(digest[offset : offset + 4], "big") & 0x7FFFFFFF
    return str(number % 10**DIGITS).zfill(DIGITS)


def matched_step(secret: bytes, given: str, now: float, used: int) -> int | None:
    """The step whose code this is; None for none. A step up to `used` was used before and counts no more."""
    given = "".join(given.split())
    current = int(now) // STEP_SECONDS
    found = None
    for step in range(current - DRIFT_STEPS, current + DRIFT_STEPS + 1):
        if hmac.compare_digest(code(secret, step).encode(), given.encode()) and step > used:
            found = step
    return found


def shown(secret: bytes) -> str:
    """The secret as a person types it into an app."""
    return base64.b32encode(secret).decode().rstrip("=")


def address(secret: bytes, username: str, hub: str) -> str:
    """The address in the square that an app reads."""
    label = quote(f"{hub}:{username}")
    return f"otpauth://totp/{label}?secret={shown(secret)}&issuer={quote(hub)}"

"""Values that nobody guesses, such as codes, refresh tokens and session ids, and how they are stored."""

from __future__ import annotations

import hashlib
import secrets

TOKEN_BYTES = 32


def new_token() -> str:
    """A value that nobody guesses: codes, refresh tokens, session ids, client secrets."""
    return secrets.token_urlsafe(TOKEN_BYTES)


def hashed(token: str) -> str:
    """How such a value is stored. It has 256 bits, so a plain hash cannot be searched through."""
    return hashlib.sha256(token.encode()).hexdigest()

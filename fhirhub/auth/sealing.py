"""Sealing: what the hub keeps for itself, encrypted under its secret and bound to its place (AES-256-GCM)."""

from __future__ import annotations

import os

from fhirhub.secrets import Secret
from fhirhub.settings import Refusal

_NONCE_BYTES = 12


def seal(secret: Secret, tenant: str, place: str, content: bytes) -> bytes:
    """The content, readable only with the secret, in this tenant, at this place (such as `key abc`)."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    nonce = os.urandom(_NONCE_BYTES)
    return nonce + AESGCM(secret.key("sealing", tenant)).encrypt(nonce, content, place.encode())


def unseal(secret: Secret, tenant: str, place: str, sealed: bytes) -> bytes:
    """The content of what was sealed there. Raises Refusal where it was not."""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    try:
        return AESGCM(secret.key("sealing", tenant)).decrypt(
            sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], place.encode()
        )
    except InvalidTag:
        raise Refusal(
            f"What the database holds as `{place}` was not sealed with the secret of this hub"
        ) from None

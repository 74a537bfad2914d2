"""GRANTS: the ways to an access token, one file for each (RFC 6749, 4)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from fhirhub.auth.client_authentication import Authenticated
from fhirhub.auth.exchange import Request
from fhirhub.auth.grants import authorization_code, client_credentials, refresh_token
from fhirhub.auth.jose import Json

GRANTS: Mapping[str, Callable[[Request, dict[str, str], Authenticated], Awaitable[Json]]] = {
    "authorization_code": authorization_code.answer,
    "refresh_token": refresh_token.answer,
    "client_credentials": client_credentials.answer,
}
"""By `grant_type`: the answer to a request of an authenticated client that may use it."""

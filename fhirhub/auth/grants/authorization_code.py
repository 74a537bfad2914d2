"""The code that an app got by the browser becomes tokens, for who has the verifier of its challenge
(RFC 6749, 4.1.3; RFC 7636)."""

from __future__ import annotations

import hashlib
import hmac
import re

from fhirhub.auth import answers, jose, permits
from fhirhub.auth.client_authentication import Authenticated
from fhirhub.auth.exchange import Request
from fhirhub.auth.faults import invalid_grant, invalid_request
from fhirhub.auth.jose import Json

_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")


async def answer(request: Request, form: dict[str, str], by: Authenticated) -> Json:
    """Checks, in this order: the code, its client, its redirect URI, the verifier. Each spends it."""
    realm = request.realm
    value, verifier = form.get("code"), form.get("code_verifier")
    if value is None:
        raise invalid_request("`code` is missing")
    if verifier is None or not _VERIFIER.fullmatch(verifier):
        raise invalid_request("`code_verifier` is missing: 43 to 128 letters, digits and -._~")
    grant, code = await permits.peek_code(realm, value)
    if grant.client != by.client.id:
        raise invalid_grant("the code is of another client")
    # Whoever has the code and gets the rest wrong does not get to try again.
    await permits.spend_code(realm, value, grant)
    if form.get("redirect_uri") != code.redirect_uri:
        raise invalid_grant("`redirect_uri` expects the one that was asked with")
    challenge = jose.encoded(hashlib.sha256(verifier.encode()).digest())
    if not hmac.compare_digest(challenge.encode(), code.challenge.encode()):
        raise invalid_grant("`code_verifier` is not that of the challenge")
    return await answers.of_grant(request.issuer, grant, grant.scopes, nonce=code.nonce)

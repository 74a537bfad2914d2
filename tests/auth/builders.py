"""Clients of a hub with sign-in, for tests: registered, and asking as apps and backends do."""

from __future__ import annotations

import base64
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from fhirhub import settings
from fhirhub.app import Application, create_app
from fhirhub.auth import clients
from fhirhub.auth.client_authentication import ASSERTION_TYPE
from fhirhub.auth.realm import Realm
from fhirhub.auth.revocation import Mark

ROOT = "http://hub.test"
BASE = f"{ROOT}/fhir"
Json = dict[str, Any]
EC = ECKey.generate_key("P-384", {"kid": "ec"})
RSA = RSAKey.generate_key(2048, {"kid": "rsa"})
JWKS: Json = {"keys": [key.as_dict(private=False) for key in (EC, RSA)]}
BACKEND: Json = {
    "client_id": "his",
    "client_name": "HIS van de praktijk",
    "grant_types": ["client_credentials"],
    "token_endpoint_auth_method": "private_key_jwt",
    "jwks": JWKS,
    "scope": "launch system/*.cruds user/*.rs",
    "organization": "Organization/praktijk",
}


@dataclass
class Hub:
    """A hub that runs, and a client that calls it."""

    app: Application
    http: httpx.AsyncClient
    realm: Realm

    async def register(self, **metadata: Any) -> Json:
        return await clients.register(self.realm, metadata)

    async def backend(self, **changed: Any) -> Json:
        return await self.register(**{**BACKEND, **changed})

    def assertion(self, key: Any = EC, head: Json | None = None, **changed: Any) -> str:
        """What a backend signs to say who it is; `...` leaves a claim out."""
        now = self.realm.now
        claims: Json = {
            "iss": "his",
            "sub": "his",
            "aud": f"{ROOT}/auth/token",
            "iat": now,
            "exp": now + 200,
            "jti": secrets.token_hex(8),
            **changed,
        }
        algorithm = "ES384" if isinstance(key, ECKey) else "RS384"
        told = {name: value for name, value in claims.items() if value is not ...}
        header = {"alg": algorithm, "kid": key.kid, **(head or {})}
        return jwt.encode(header, told, key, algorithms=[algorithm])

    async def ask(self, assertion: str | None = None, **form: str) -> httpx.Response:
        """The token endpoint, asked by a backend."""
        told = {
            "grant_type": "client_credentials",
            "scope": "system/*.rs",
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": assertion or self.assertion(),
            **form,
        }
        return await self.http.post(f"{ROOT}/auth/token", data=told)

    async def backend_token(self, **form: str) -> str:
        answer = await self.ask(**form)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["access_token"])


def basic(id: str, secret: str) -> Json:
    """The header by which a client tells its secret."""
    return {"Authorization": "Basic " + base64.b64encode(f"{id}:{secret}".encode()).decode()}


def bearer(token: str) -> Json:
    return {"Authorization": f"Bearer {token}"}


def new_app(database_url: str, folder: Path, mark: Mark | None = None, **given: Any) -> Application:
    chosen = settings.read(
        {}, database=database_url, secret_file=folder / "hub.secret", auth="smart", **given
    )
    return create_app(chosen, mark)

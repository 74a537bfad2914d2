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
from fhirhub.access import EVERYTHING
from fhirhub.app import Application, create_app
from fhirhub.auth import accounts, clients
from fhirhub.auth.client_authentication import ASSERTION_TYPE
from fhirhub.auth.realm import Realm
from fhirhub.auth.revocation import Mark
from fhirhub.repository import Repository

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
        {},
        database=database_url,
        secret_file=folder / "hub.secret",
        **({"auth": "smart", "check_answers": True} | given),
    )
    return create_app(chosen, mark)


async def write(hub: Hub, *resources: Json) -> None:
    """Put resources there as the administrator does."""
    for resource in resources:
        await Repository(hub.realm.tenant, EVERYTHING).update(resource)


def patient(id: str, given: str, **also: Any) -> Json:
    name = [{"family": "Jansen", "given": [given]}]
    return {"resourceType": "Patient", "id": id, "name": name, "birthDate": "1950-01-02", **also}


async def region(hub: Hub) -> None:
    """Patients, a practice, an app, and people: anna (a patient), jan (a doctor in two places), mia (a carer)."""
    await write(
        hub,
        patient("anna", "Anna"),
        patient("bert", "Bert"),
        {"resourceType": "Organization", "id": "praktijk", "name": "Praktijk Proeflaan"},
        {"resourceType": "Organization", "id": "post", "name": "Huisartsenpost"},
        {"resourceType": "Practitioner", "id": "jan", "name": [{"text": "Jan de Proef"}]},
        {
            "resourceType": "RelatedPerson",
            "id": "mia",
            "patient": {"reference": "Patient/anna"},
            "name": [{"text": "Mia"}],
        },
    )
    doctor = {"fhirUser": "Practitioner/jan", "password": "geheim"}
    for asked in (
        {"username": "anna", "password": "geheim", "fhirUser": "Patient/anna", "role": "patient"},
        {"username": "mia", "password": "geheim", "fhirUser": "RelatedPerson/mia", "role": "mantelzorger"},
        {"username": "jan", **doctor, "organization": "Organization/praktijk", "role": "huisarts"},
        {"username": "jan", **doctor, "organization": "Organization/post", "role": "hap-arts"},
        {"username": "els", **doctor, "organization": "Organization/praktijk", "role": "poh"},
    ):
        await accounts.add(hub.realm, accounts.wanted(asked))
    await hub.register(
        client_id="app",
        client_name="Dagboek",
        redirect_uris=["https://app.example/done"],
        launch_uri="https://app.example/go",
        token_endpoint_auth_method="none",
        grant_types=["authorization_code", "refresh_token"],
        scope="launch launch/patient launch/encounter openid fhirUser profile offline_access online_access "
        "patient/*.cruds user/*.rs",
    )

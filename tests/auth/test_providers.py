"""Sign-in by an OpenID provider: whom it is believed, and who its people become."""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest
import pytest_asyncio
from joserfc import jwt
from joserfc.jwk import RSAKey

from fhirhub import fetching
from fhirhub.auth import accounts, passwords, providers
from fhirhub.fetching import Fetched
from fhirhub.settings import Refusal
from tests.auth.browser import Browser, Page
from tests.auth.builders import ROOT, Hub, Json, region, write
from tests.auth.conftest import Open

BSN = "http://fhir.nl/fhir/NamingSystem/bsn"
UZI = "http://fhir.nl/fhir/NamingSystem/uzi-nr-pers"
ISSUER = "https://broker.example"
DIGID: Json = {
    "name": "digid",
    "title": "DigiD",
    "issuer": ISSUER,
    "client_id": "hub",
    "client_secret": "s3cret",
    "acr": ["substantieel"],
    "role": "patient",
    "person": {"claim": "bsn", "system": BSN},
}
UZI_PASS: Json = {
    **DIGID,
    "name": "uzi",
    "title": "UZI-pas",
    "role": None,
    "role_claim": "rolcode",
    "roles": {"01.015": "huisarts", "beheer": "beheerder", "zorgt": "mantelzorger"},
    "person": {"claim": "uzi", "system": UZI},
    "organization": {"claim": "practice"},
}
KEY = RSAKey.generate_key(2048, {"kid": "op"})


class Broker:
    """The provider at the other end."""

    def __init__(self) -> None:
        self.claims: Json = {}
        self.key: Any = KEY
        self.configuration: Json = {
            "issuer": ISSUER,
            "authorization_endpoint": f"{ISSUER}/authorize",
            "token_endpoint": f"{ISSUER}/token",
            "jwks_uri": f"{ISSUER}/jwks",
        }
        self.asked: Json = {}
        self.status = 200

    async def fetch(self, url: str, allowed: tuple[str, ...], **also: Any) -> Fetched:
        if url.endswith("openid-configuration"):
            told = self.configuration
        elif url.endswith("/jwks"):
            told = {"keys": [KEY.as_dict(private=False)]}
        else:
            self.asked = {**dict(parse_qsl(also["body"].decode())), **also["headers"]}
            told = {"id_token": jwt.encode({"alg": "RS256", "kid": "op"}, self.claims, self.key)}
        return Fetched(self.status, json.dumps(told).encode(), {})


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> Broker:
    made = Broker()
    monkeypatch.setattr(fetching, "fetch", made.fetch)
    providers._documents.clear()
    return made


@pytest_asyncio.fixture
async def hub_with_broker(open_hub: Open, broker: Broker, tmp_path: Path) -> AsyncIterator[Hub]:
    file = tmp_path / "providers.json"
    file.write_text(
        json.dumps([DIGID, {name: value for name, value in UZI_PASS.items() if value is not None}])
    )
    async with open_hub(openid_providers=file) as hub:
        await region(hub)
        await write(
            hub,
            {"resourceType": "Patient", "id": "anna", "identifier": [{"system": BSN, "value": "999911120"}]},
            {"resourceType": "Practitioner", "id": "jan", "identifier": [{"system": UZI, "value": "12"}]},
        )
        yield hub


async def back(hub: Hub, browser: Browser, broker: Broker, name: str = "digid", **changed: Any) -> Page:
    """The way to the provider and back, with these claims of its id_token changed."""
    page = await browser.get(browser.request())
    progress = dict(page.form("sign-in").fields)["progress"]
    away = await browser.get(f"{ROOT}/auth/provider?name={name}&progress={progress}")
    assert away.where.startswith(f"{ISSUER}/authorize?"), (away.status, away.text)
    asked = dict(parse_qsl(urlsplit(away.where).query))
    assert asked["code_challenge_method"] == "S256"
    assert asked["acr_values"] == "substantieel"
    now = hub.realm.now
    told = {
        "iss": ISSUER, "aud": "hub", "sub": "person-1", "iat": now, "exp": now + 60, "nonce": asked["nonce"],
        "acr": "substantieel", "bsn": "999911120", **changed,
    }  # fmt: skip
    broker.claims = {name: value for name, value in told.items() if value is not ...}
    return await browser.get(f"{ROOT}/auth/callback?code=c0de&state={asked['state']}")


async def test_a_patient_comes_in_by_their_bsn(hub_with_broker: Hub, broker: Broker) -> None:
    browser = Browser(hub_with_broker)
    page = await back(hub_with_broker, browser, broker)
    assert page.shows("consent")
    assert broker.asked["code"] == "c0de"
    assert broker.asked["code_verifier"]
    assert broker.asked["Authorization"].startswith("Basic ")
    tokens = (await browser.exchange((await browser.allow(page)).told["code"])).json()
    assert tokens["patient"] == "anna"
    account = (await accounts.by_fhir_user(hub_with_broker.realm, "Patient/anna"))[-1]
    stored = [one.username for one in await accounts.every(hub_with_broker.realm)]
    assert not any("999911120" in username for username in stored)
    assert account.standings[0].role == "patient"


async def test_a_doctor_comes_in_by_their_card(hub_with_broker: Hub, broker: Broker) -> None:
    browser = Browser(hub_with_broker)
    told = {"uzi": "12", "practice": "Organization/praktijk", "rolcode": "01.015"}
    page = await back(hub_with_broker, browser, broker, "uzi", **told)
    assert page.status == 200
    (found,) = [
        one
        for one in await accounts.by_fhir_user(hub_with_broker.realm, "Practitioner/jan")
        if one.username[:3] == "uzi"
    ]
    assert [(one.role, one.organization) for one in found.standings] == [
        ("huisarts", "Organization/praktijk")
    ]


async def test_who_has_several_roles_there_says_as_whom_they_go_on(
    hub_with_broker: Hub, broker: Broker
) -> None:
    told = {"uzi": "12", "practice": "Organization/praktijk", "rolcode": ["99.999", "beheer", "01.015"]}
    browser = Browser(hub_with_broker)
    page = await back(hub_with_broker, browser, broker, "uzi", **told)
    assert len(page.form("standing").boxes) == 2
    assert "beheerder" in page.text
    assert "huisarts" in page.text
    # The next time one role is left, and nothing is asked.
    page = await back(
        hub_with_broker, Browser(hub_with_broker), broker, "uzi", **{**told, "rolcode": "01.015"}
    )
    assert not page.shows("standing")
    for missing in ("rolcode", "practice"):
        page = await back(hub_with_broker, Browser(hub_with_broker), broker, "uzi", **{**told, missing: ...})
        assert page.status == 401


async def test_a_relative_of_two_patients_says_for_whom_they_come(
    hub_with_broker: Hub, broker: Broker
) -> None:
    for id, of in (("mia", "anna"), ("mia-2", "bert"), ("mia-3", "bert")):
        await write(
            hub_with_broker,
            {
                "resourceType": "RelatedPerson",
                "id": id,
                "active": id != "mia-3",
                "patient": {"reference": f"Patient/{of}"},
                "identifier": [{"system": UZI, "value": "13"}],
            },
        )
    page = await back(hub_with_broker, Browser(hub_with_broker), broker, "uzi", uzi="13", rolcode="zorgt")
    assert len(page.form("standing").boxes) == 2


async def test_who_took_the_name_of_a_providers_person_gets_nothing_of_theirs(
    hub_with_broker: Hub, broker: Broker
) -> None:
    name = "digid:" + hashlib.sha256(b"person-1").hexdigest()[:32]
    asked = {
        "username": name,
        "password": "een lang wachtwoord",
        "fhirUser": "Patient/bert",
        "role": "patient",
    }
    with pytest.raises(Refusal, match="OpenID"):
        accounts.wanted(asked)
    realm = hub_with_broker.realm
    await realm.change(
        "INSERT INTO auth_account (tenant, id, username, password, totp_step, disabled, created) "
        "VALUES ($1, 'early', $2, $3, 0, $4, 0)", name, passwords.hashed("een lang wachtwoord"), False,
    )  # fmt: skip
    early = Browser(hub_with_broker)
    page = await early.sign_in(await early.get(early.request()), name, "een lang wachtwoord")
    assert page.status == 403
    await back(hub_with_broker, Browser(hub_with_broker), broker)
    assert (await early.get(early.request())).shows("sign-in")
    page = await early.sign_in(await early.get(early.request()), name, "een lang wachtwoord")
    assert page.status == 401


@pytest.mark.parametrize(
    "changed",
    [
        {"iss": "https://other.example"},
        {"aud": "other"},
        {"aud": ["hub", "other"]},
        {"azp": "other"},
        {"exp": 1},
        {"exp": ...},
        {"nonce": "other"},
        {"nonce": ...},
        {"acr": "laag"},
        {"acr": ...},
        {"sub": ...},
        {"iat": ...},
        {"bsn": "111222333"},
        {"bsn": ...},
        {"bsn": f"999911120,{BSN}|x"},
    ],
)
async def test_an_id_token_that_does_not_fit_lets_nobody_in(
    hub_with_broker: Hub, broker: Broker, changed: Json
) -> None:
    browser = Browser(hub_with_broker)
    page = await back(hub_with_broker, browser, broker, **changed)
    assert page.status == 401
    assert page.shows("sign-in")
    assert "DigiD" in page.text


async def test_another_key_lets_nobody_in(hub_with_broker: Hub, broker: Broker) -> None:
    broker.key = RSAKey.generate_key(2048, {"kid": "op"})
    assert (await back(hub_with_broker, Browser(hub_with_broker), broker)).status == 401
    broker.configuration = {**broker.configuration, "issuer": "https://other.example"}
    providers._documents.clear()
    browser = Browser(hub_with_broker)
    page = await browser.get(browser.request())
    progress = dict(page.form("sign-in").fields)["progress"]
    assert (await browser.get(f"{ROOT}/auth/provider?name=digid&progress={progress}")).status == 502


async def test_an_answer_is_taken_by_the_browser_that_asked_alone(
    hub_with_broker: Hub, broker: Broker
) -> None:
    browser, other = Browser(hub_with_broker), Browser(hub_with_broker)
    page = await browser.get(browser.request())
    progress = dict(page.form("sign-in").fields)["progress"]
    away = await browser.get(f"{ROOT}/auth/provider?name=digid&progress={progress}")
    state = parse_qs(urlsplit(away.where).query)["state"][0]
    await other.get(other.request())
    assert (await other.get(f"{ROOT}/auth/callback?code=c&state={state}")).status == 400
    assert (await browser.get(f"{ROOT}/auth/callback?code=c&state=other")).status == 400
    assert (await other.get(f"{ROOT}/auth/provider?name=digid&progress={progress}")).status == 400
    assert (await browser.get(f"{ROOT}/auth/provider?name=nobody&progress={progress}")).status == 400
    denied = await browser.get(f"{ROOT}/auth/callback?error=access_denied&state={state}")
    assert denied.status == 401


@pytest.mark.parametrize(
    "told",
    [
        "{",
        "{}",
        "[{}]",
        json.dumps([DIGID, DIGID]),
        json.dumps([{**DIGID, "role": "chirurg"}]),
        json.dumps([{**DIGID, "role": None}]),
        json.dumps([{**DIGID, "name": "Digi D"}]),
        json.dumps([{**DIGID, "person": {"field": "bsn"}}]),
        json.dumps([{**UZI_PASS, "roles": {"01.015": "chirurg"}}]),
    ],
)
def test_a_file_that_cannot_be_is_refused(told: str, tmp_path: Path) -> None:
    file = tmp_path / "providers.json"
    file.write_text(told)
    with pytest.raises(Refusal, match="providers"):
        providers.read(file)
    assert providers.read(None) == ()

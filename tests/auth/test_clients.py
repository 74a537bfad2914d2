"""Registered clients: metadata in the words of RFC 7591, and what is refused of it."""

from __future__ import annotations

from typing import Any

import pytest
from joserfc.jwk import ECKey

from fhirhub.auth import clients
from fhirhub.auth.faults import OAuthError
from fhirhub.auth.realm import Realm

JWKS = {"keys": [ECKey.generate_key("P-384", {"kid": "a"}).as_dict(private=False)]}
APP = {
    "client_name": "Dagboek",
    "redirect_uris": ["https://app.example/done"],
    "token_endpoint_auth_method": "none",
    "scope": "launch/patient openid patient/CarePlan.rs",
}
BACKEND = {
    "client_name": "HIS",
    "grant_types": ["client_credentials"],
    "token_endpoint_auth_method": "private_key_jwt",
    "jwks": JWKS,
    "scope": "system/*.rs",
    "organization": "Organization/praktijk",
}


async def test_a_client_is_found_as_it_was_registered(realm: Realm) -> None:
    registered = await clients.register(realm, APP)
    assert registered["grant_types"] == ["authorization_code"]
    assert "client_secret" not in registered
    found = await clients.find(realm, registered["client_id"])
    assert found is not None
    assert found.redirect_uris == ("https://app.example/done",)
    assert not found.is_confidential
    assert [one.id for one in await clients.every(realm)] == [found.id]


async def test_a_secret_is_shown_once_and_kept_as_a_hash(realm: Realm) -> None:
    registered = await clients.register(realm, {**APP, "token_endpoint_auth_method": "client_secret_basic"})
    secret = registered["client_secret"]
    assert registered["client_secret_expires_at"] == 0
    found = await clients.find(realm, registered["client_id"])
    assert found is not None
    assert found.has_secret(secret)
    assert not found.has_secret(secret + "x")
    rows = await realm.rows("SELECT metadata, secret FROM auth_client WHERE tenant = $1")
    assert secret not in "".join(rows[0])


async def test_an_id_is_taken_once(realm: Realm) -> None:
    await clients.register(realm, {**APP, "client_id": "dagboek"})
    with pytest.raises(OAuthError, match="already"):
        await clients.register(realm, {**APP, "client_id": "dagboek"})
    assert await clients.remove(realm, "dagboek")
    assert not await clients.remove(realm, "dagboek")
    await clients.register(realm, {**APP, "client_id": "dagboek"})


async def test_a_client_that_registers_itself_decides_less(realm: Realm) -> None:
    asked = {**APP, "client_id": "admin", "organization": "Organization/x", "resource_server": True}
    registered = await clients.register(
        realm, {**asked, "scope": "openid system/*.rs user/*.rs"}, by_itself=True
    )
    assert registered["client_id"] != "admin"
    assert registered["scope"] == "openid user/*.rs"
    assert not {"organization", "resource_server"} & registered.keys()
    with pytest.raises(OAuthError):
        await clients.register(realm, BACKEND, by_itself=True)


@pytest.mark.parametrize(
    "uri",
    [
        "http://app.example/done",
        "https://app.example/done#here",
        "https://app.example/#",
        "https://user@app.example/",
        "https://*.example/done",
        "https://app.example/a b",
        "javascript:alert(1)",
        "data:text/html,x",
        "myapp://done",
        "/done",
        "",
        "https://",
        "https://app.example:99999/",
        "ftp://app.example/",
    ],
)
def test_a_redirect_uri_that_could_lead_astray_is_refused(uri: str) -> None:
    with pytest.raises(OAuthError) as refused:
        clients.checked({**APP, "redirect_uris": [uri]})
    assert refused.value.code == "invalid_redirect_uri"


@pytest.mark.parametrize(
    "uri",
    [
        "https://app.example/done?x=1",
        "http://127.0.0.1:4321/done",
        "http://localhost/done",
        "http://[::1]:1/x",
        "nl.example.dagboek:/done",
    ],
)
def test_a_redirect_uri_of_an_app_is_taken(uri: str) -> None:
    assert clients.checked({**APP, "redirect_uris": [uri]})["redirect_uris"] == [uri]


def test_a_private_host_that_is_allowed_may_be_http() -> None:
    asked = {**APP, "redirect_uris": ["http://inferno:4567/done"]}
    assert clients.checked(asked, allowed_hosts=("inferno:4567",))


@pytest.mark.parametrize(
    "changed",
    [
        {"token_endpoint_auth_method": "tls_client_auth"},
        {"grant_types": ["password"]},
        {"grant_types": []},
        {"grant_types": ["refresh_token"]},
        {"grant_types": "authorization_code"},
        {"response_types": ["token"]},
        {"redirect_uris": []},
        {"redirect_uris": "https://app.example/done"},
        {"scope": "patient/CarePlan.rs everything"},
        {"scope": ""},
        {"client_id": "a b"},
        {"client_name": 5},
        {"contacts": "me"},
        {"launch_uri": "javascript:alert(1)"},
        {"token_endpoint_auth_method": "private_key_jwt"},
        {
            "token_endpoint_auth_method": "private_key_jwt",
            "jwks": JWKS,
            "jwks_uri": "https://app.example/keys",
        },
        {"token_endpoint_auth_method": "private_key_jwt", "jwks_uri": "http://app.example/keys"},
        {"token_endpoint_auth_method": "private_key_jwt", "jwks": {"keys": []}},
        {"grant_types": ["client_credentials"], "token_endpoint_auth_method": "client_secret_basic"},
    ],
)
def test_metadata_that_contradicts_itself_is_refused(changed: dict[str, Any]) -> None:
    with pytest.raises(OAuthError) as refused:
        clients.checked({**APP, **changed})
    assert refused.value.code in ("invalid_client_metadata", "invalid_redirect_uri")


def test_a_backend_names_its_organisation() -> None:
    assert clients.checked(BACKEND)["organization"] == "Organization/praktijk"
    for organization in (None, "praktijk", "Patient/x"):
        with pytest.raises(OAuthError, match="organization"):
            clients.checked({**BACKEND, "organization": organization})


def test_what_is_not_an_object_is_refused() -> None:
    others: list[Any] = [None, [], "x", 5]
    for asked in others:
        with pytest.raises(OAuthError):
            clients.checked(asked)

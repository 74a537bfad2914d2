"""Backends: tokens by a signed assertion, what they open, what ends them, and every way it can be wrong
(SMART backend services, RFC 7523)."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet

from fhirhub import fetching
from fhirhub.auth import clients
from fhirhub.auth.client_authentication import ASSERTION_TYPE
from fhirhub.fetching import Fetched, FetchError
from fhirhub.resources import guide
from tests.auth.builders import BASE, EC, JWKS, ROOT, RSA, Hub, basic, bearer, new_app, write
from tests.auth.conftest import Open


@pytest.mark.parametrize("key", [EC, RSA], ids=["ES384", "RS384"])
async def test_a_backend_gets_a_token_for_its_assertion(hub: Hub, key: Any) -> None:
    await hub.backend()
    answer = await hub.ask(hub.assertion(key), scope="system/*.rs system/Task.cud patient/*.rs openid")
    assert answer.status_code == 200
    told = answer.json()
    assert told["token_type"] == "Bearer"
    assert told["expires_in"] <= 300
    assert told["scope"] == "system/*.rs system/Task.cud"
    assert answer.headers["cache-control"] == "no-store"
    assert "refresh_token" not in told
    keys = KeySet.import_key_set((await hub.http.get(f"{ROOT}/auth/jwks")).json())
    found = jwt.decode(told["access_token"], keys, algorithms=["ES384"])
    assert found.claims["aud"] == BASE
    assert found.claims["iss"] == f"{ROOT}/auth"
    assert found.header["typ"] == "at+jwt"


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"aud": "https://other.example"}, "aud"),
        ({"aud": ...}, "aud"),
        ({"iss": "other"}, "iss"),
        ({"iss": ...}, "iss"),
        ({"sub": "nobody", "iss": "nobody"}, "not known"),
        ({"exp": ...}, "exp"),
        ({"exp": 1}, "expired"),
        ({"exp": 9_999_999_999}, "300 seconds"),
        ({"jti": ...}, "jti"),
        ({"jti": ""}, "jti"),
        ({"jti": 5}, "jti"),
    ],
)
async def test_an_assertion_that_is_wrong_is_refused(hub: Hub, changed: dict[str, Any], says: str) -> None:
    await hub.backend()
    answer = await hub.ask(hub.assertion(**changed))
    assert answer.status_code == 401
    assert answer.json()["error"] == "invalid_client"
    assert says in answer.json()["error_description"]


async def test_an_assertion_counts_once(hub: Hub) -> None:
    await hub.backend()
    assertion = hub.assertion()
    assert (await hub.ask(assertion)).status_code == 200
    again = await hub.ask(assertion)
    assert (again.status_code, again.json()["error"]) == (401, "invalid_client")
    other = {**JWKS}
    await hub.backend(client_id="other", jwks=other)
    same_jti = json.loads(json.dumps({"jti": "same"}))
    assert (await hub.ask(hub.assertion(**same_jti))).status_code == 200
    assert (await hub.ask(hub.assertion(iss="other", sub="other", **same_jti))).status_code == 200


async def test_another_key_is_refused(hub: Hub) -> None:
    await hub.backend()
    stranger = ECKey.generate_key("P-384", {"kid": "ec"})
    assert (await hub.ask(hub.assertion(stranger))).json()["error"] == "invalid_client"


@pytest.mark.parametrize(
    ("form", "status", "error"),
    [
        ({"grant_type": ""}, 400, "invalid_request"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"grant_type": "authorization_code"}, 400, "unauthorized_client"),
        ({"scope": ""}, 400, "invalid_scope"),
        ({"scope": "patient/*.rs"}, 400, "invalid_scope"),
        ({"scope": "nonsense"}, 400, "invalid_scope"),
        ({"client_assertion_type": "x"}, 401, "invalid_client"),
        ({"client_assertion_type": ""}, 401, "invalid_client"),
        ({"client_assertion": "x"}, 401, "invalid_client"),
        ({"client_id": "other"}, 401, "invalid_client"),
        ({"client_secret": "x"}, 400, "invalid_request"),
    ],
)
async def test_a_token_request_that_is_wrong_gets_its_code(
    hub: Hub, form: dict[str, str], status: int, error: str
) -> None:
    await hub.backend()
    answer = await hub.ask(hub.assertion(), **form)
    assert (answer.status_code, answer.json()["error"]) == (status, error)
    assert answer.json()["error_description"]


async def test_a_body_that_is_no_form_is_refused(hub: Hub) -> None:
    await hub.backend()
    url = f"{ROOT}/auth/token"
    wrong: list[Any] = [
        {"json": {"grant_type": "client_credentials"}},
        {
            "content": b"grant_type=a&grant_type=b",
            "headers": {"Content-Type": "application/x-www-form-urlencoded"},
        },
        {"content": b"grant_type=%ff", "headers": {"Content-Type": "application/x-www-form-urlencoded"}},
        {"content": b"x=" + b"x" * 200_000, "headers": {"Content-Type": "application/x-www-form-urlencoded"}},
        {"content": b"x&" * 300, "headers": {"Content-Type": "application/x-www-form-urlencoded"}},
    ]
    for given in wrong:
        answer = await hub.http.post(url, **given)
        assert answer.json()["error"] == "invalid_request"
        assert answer.status_code in (400, 413)
    for method in ("GET", "PUT", "DELETE"):
        answer = await hub.http.request(method, url)
        assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


async def test_keys_at_an_address_are_fetched_and_new_ones_found(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    await hub.backend(jwks=None, jwks_uri="https://his.example/jwks")
    asked = []
    published: list[Any] = [EC]

    async def fetch(url: str, allowed: tuple[str, ...]) -> Fetched:
        asked.append(url)
        keys = [key.as_dict(private=False) for key in published]
        return Fetched(200, json.dumps({"keys": keys}).encode(), {})

    monkeypatch.setattr(fetching, "fetch", fetch)
    assert (await hub.ask(hub.assertion(head={"jku": "https://other.example/jwks"}))).status_code == 401
    assert asked == []
    assert (await hub.ask(hub.assertion(head={"jku": "https://his.example/jwks"}))).status_code == 200
    assert (await hub.ask()).status_code == 200
    assert asked == ["https://his.example/jwks"]
    published.append(RSA)
    assert (await hub.ask(hub.assertion(RSA))).status_code == 401
    monkeypatch.setattr("fhirhub.auth.client_authentication.NEW_KEY_SECONDS", 0.0)
    assert (await hub.ask(hub.assertion(RSA))).status_code == 200


@pytest.mark.parametrize(
    "fault",
    [
        FetchError("it is private"),
        Fetched(500, b"", {}),
        Fetched(200, b"<html>", {}),
        Fetched(200, b"{}", {}),
    ],
)
async def test_keys_that_cannot_be_had_are_a_wrong_client(
    hub: Hub, monkeypatch: pytest.MonkeyPatch, fault: Any
) -> None:
    await hub.backend(jwks=None, jwks_uri="https://his.example/jwks")

    async def fetch(url: str, allowed: tuple[str, ...]) -> Fetched:
        if isinstance(fault, Exception):
            raise fault
        assert isinstance(fault, Fetched)
        return fault

    monkeypatch.setattr(fetching, "fetch", fetch)
    assert (await hub.ask()).json()["error"] == "invalid_client"


async def test_a_backend_acts_for_a_person_of_its_organisation(hub: Hub) -> None:
    await hub.backend()
    person = {"fhirUser": "Practitioner/jan", "role": "huisarts", "purpose": "TREAT"}
    refused = await hub.ask(hub.assertion(acts_for=person), scope="user/*.rs")
    assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")
    await write(
        hub, {"resourceType": "Practitioner", "id": "jan"}, {"resourceType": "Organization", "id": "praktijk"}
    )
    await write(
        hub,
        {
            "resourceType": "PractitionerRole",
            "id": "jan",
            "active": True,
            "practitioner": {"reference": "Practitioner/jan"},
            "organization": {"reference": "Organization/praktijk"},
            "code": [
                {"coding": [{"system": "http://fhir.nl/fhir/NamingSystem/uzi-rolcode", "code": "01.015"}]}
            ],
        },
    )
    answer = await hub.ask(hub.assertion(acts_for=person), scope="user/*.rs system/*.rs")
    assert answer.json()["scope"] == "user/*.rs"
    await write(
        hub,
        {
            "resourceType": "PractitionerRole",
            "id": "was",
            "active": True,
            "period": {"end": "2020-01-01"},
            "practitioner": {"reference": "Practitioner/jan"},
            "organization": {"reference": "Organization/praktijk"},
            "code": [{"coding": [{"system": guide.url("CodeSystem", "role"), "code": "beheerder"}]}],
        },
    )
    for more in ("beheerder", "specialist-ouderengeneeskunde"):
        answer = await hub.ask(hub.assertion(acts_for={**person, "role": more}), scope="user/*.rs")
        assert answer.json()["error"] == "invalid_client"
    for wrong in (
        {},
        "jan",
        {**person, "role": "patient"},
        {**person, "fhirUser": "Patient/x"},
        {**person, "purpose": ""},
    ):
        answer = await hub.ask(hub.assertion(acts_for=wrong), scope="user/*.rs")
        assert answer.json()["error"] == "invalid_request"


# -- the door ----------------------------------------------------------------------------------------


async def test_everything_but_the_statement_needs_a_token(hub: Hub) -> None:
    for path in ("/Patient", "/Patient/1", "/", "/Nothing/1", "/_history"):
        answer = await hub.http.get(f"{BASE}{path}")
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == 'Bearer realm="fhirhub"'
        assert answer.json()["issue"][0]["code"] == "login"
    statement = (await hub.http.get(f"{BASE}/metadata")).json()
    security = statement["rest"][0]["security"]
    assert security["service"][0]["coding"][0]["code"] == "SMART-on-FHIR"
    urls = {one["url"]: one["valueUri"] for one in security["extension"][0]["extension"]}
    assert urls["token"] == f"{ROOT}/auth/token"


@pytest.mark.parametrize("token", ["x", "a.b.c", "", "é", "x" * 20_000])
async def test_a_token_that_is_none_is_refused(hub: Hub, token: str) -> None:
    answer = await hub.http.get(f"{BASE}/Patient", headers={b"Authorization": f"Bearer {token}".encode()})
    assert answer.status_code == 401
    if token:
        assert 'error="invalid_token"' in answer.headers["www-authenticate"]


async def test_scopes_are_kept_by_the_letter(hub: Hub) -> None:
    await hub.backend()
    token = bearer(await hub.backend_token(scope="system/Task.rs system/Goal.c"))
    assert (await hub.http.get(f"{BASE}/Task", headers=token)).status_code == 200
    assert (await hub.http.get(f"{BASE}/Task/1", headers=token)).status_code == 404
    refusals = [
        ("GET", "/Goal", "system/Goal.s"),
        ("GET", "/Goal/1", "system/Goal.r"),
        ("GET", "/Patient/1/Goal", "system/Goal.s"),
        ("POST", "/Goal/_search", "system/Goal.s"),
        ("GET", "/Goal/_history", "system/Goal.s"),
        ("POST", "/Task", "system/Task.c"),
        ("PUT", "/Task/1", "system/Task.u"),
        ("PATCH", "/Task/1", "system/Task.u"),
        ("DELETE", "/Task/1", "system/Task.d"),
        ("GET", "/Patient/1/$everything", "system/Patient.r"),
        ("POST", "/Patient/$validate", "system/Patient.r"),
    ]
    for method, path, scope in refusals:
        answer = await hub.http.request(method, f"{BASE}{path}", headers=token)
        assert answer.status_code == 403, (method, path)
        assert scope in answer.json()["issue"][0]["details"]["text"]
        assert f'scope="{scope}"' in answer.headers["www-authenticate"]
    bundle = {
        "resourceType": "Bundle",
        "type": "batch",
        "entry": [
            {"request": {"method": "GET", "url": "Goal"}},
            {"request": {"method": "GET", "url": "Task"}},
        ],
    }
    entries = (await hub.http.post(BASE, json=bundle, headers=token)).json()["entry"]
    assert [entry["response"]["status"][:3] for entry in entries] == ["403", "200"]


async def test_a_token_is_for_one_base_and_one_tenant(hub: Hub) -> None:
    await hub.backend()
    token = await hub.backend_token()
    assert hub.app.tenants is not None
    await hub.app.tenants.add("regio")
    assert (await hub.http.get(f"{BASE}/Task", headers=bearer(token))).status_code == 200
    for url in (f"{ROOT}/regio/fhir/Task", "http://other.test/fhir/Task"):
        answer = await hub.http.get(url, headers=bearer(token))
        assert answer.status_code == 401
        assert 'error="invalid_token"' in answer.headers["www-authenticate"]
    assert (await hub.http.get(f"{ROOT}/nobody/fhir/Task", headers=bearer(token))).status_code == 404


async def test_a_client_that_is_removed_is_out_at_once_for_every_worker(
    hub: Hub, database_url: str, tmp_path: Any
) -> None:
    await hub.backend()
    token = bearer(await hub.backend_token())
    assert hub.app.smart is not None
    other = new_app(database_url, tmp_path, hub.app.smart._mark)
    async with (
        other.running(),
        httpx.AsyncClient(transport=httpx.ASGITransport(app=other), base_url=BASE) as elsewhere,
    ):
        assert (await elsewhere.get(f"{BASE}/Task", headers=token)).status_code == 200
        await clients.remove(hub.realm, "his")
        for http in (hub.http, elsewhere):
            answer = await http.get(f"{BASE}/Task", headers=token)
            assert answer.status_code == 401
            assert "revoked" in answer.headers["www-authenticate"]


# -- introspection and revocation ---------------------------------------------------------------------


async def test_a_client_asks_about_its_own_tokens_alone(hub: Hub) -> None:
    await hub.backend()
    asking = await hub.register(redirect_uris=["https://app.example/x"], scope="openid")
    server = await hub.register(redirect_uris=["https://api.example/x"], scope="openid", resource_server=True)
    public = await hub.register(
        redirect_uris=["https://app.example/x"], scope="openid", token_endpoint_auth_method="none"
    )
    token = await hub.backend_token()
    url = f"{ROOT}/auth/introspect"
    own = {"token": token, "client_assertion_type": ASSERTION_TYPE, "client_assertion": hub.assertion()}
    told = (await hub.http.post(url, data=own)).json()
    assert told["active"] is True
    assert (told["client_id"], told["scope"], told["iss"]) == ("his", "system/*.rs", f"{ROOT}/auth")
    foreign = await hub.http.post(
        url, data={"token": token}, headers=basic(asking["client_id"], asking["client_secret"])
    )
    assert foreign.json() == {"active": False}
    seen = await hub.http.post(
        url, data={"token": token}, headers=basic(server["client_id"], server["client_secret"])
    )
    assert seen.json()["active"] is True
    others: list[Any] = [
        {"data": {"token": token}},
        {"data": {"token": token, "client_id": public["client_id"]}},
        {"data": {"token": token}, "headers": basic(asking["client_id"], "wrong")},
        {"data": {"token": token}, "headers": basic("nobody", "x")},
        {"data": {"token": token}, "headers": {"Authorization": "Basic !"}},
        {"data": {"token": token}, "headers": bearer(token)},
    ]
    for given in others:
        answer = await hub.http.post(url, **given)
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    lacking = await hub.http.post(url, data={}, headers=basic(asking["client_id"], asking["client_secret"]))
    assert lacking.json()["error"] == "invalid_request"
    nonsense = await hub.http.post(
        url, data={"token": "x"}, headers=basic(asking["client_id"], asking["client_secret"])
    )
    assert nonsense.json() == {"active": False}


async def test_a_revoked_token_is_out_at_once(hub: Hub) -> None:
    await hub.backend()
    token, other = await hub.backend_token(), await hub.backend_token()
    assert (await hub.http.get(f"{BASE}/Task", headers=bearer(token))).status_code == 200
    stranger = await hub.register(redirect_uris=["https://app.example/x"], scope="openid")
    url = f"{ROOT}/auth/revoke"
    foreign = await hub.http.post(
        url, data={"token": token}, headers=basic(stranger["client_id"], stranger["client_secret"])
    )
    assert foreign.status_code == 200
    assert (await hub.http.get(f"{BASE}/Task", headers=bearer(token))).status_code == 200
    own = {"token": token, "client_assertion_type": ASSERTION_TYPE, "client_assertion": hub.assertion()}
    assert (await hub.http.post(url, data=own)).status_code == 200
    assert (await hub.http.get(f"{BASE}/Task", headers=bearer(token))).status_code == 401
    assert (await hub.http.get(f"{BASE}/Task", headers=bearer(other))).status_code == 200
    assert (await hub.http.post(url, data={"token": token})).json()["error"] == "invalid_client"


async def test_a_client_that_guesses_secrets_has_to_wait(hub: Hub) -> None:
    app = await hub.register(redirect_uris=["https://app.example/x"], scope="openid")
    url, statuses = f"{ROOT}/auth/revoke", []
    for _ in range(25):
        answer = await hub.http.post(url, data={"token": "x"}, headers=basic(app["client_id"], "guess"))
        statuses.append(answer.status_code)
    assert statuses[0] == 401
    assert statuses[-1] == 429
    assert int(answer.headers["retry-after"]) > 0


# -- documents ---------------------------------------------------------------------------------------


async def test_each_tenant_is_an_issuer_of_its_own(hub: Hub) -> None:
    assert hub.app.tenants is not None
    await hub.app.tenants.add("regio")
    for root in (ROOT, f"{ROOT}/regio"):
        smart = (await hub.http.get(f"{root}/fhir/.well-known/smart-configuration")).json()
        openid = (await hub.http.get(f"{root}/auth/.well-known/openid-configuration")).json()
        assert smart["issuer"] == openid["issuer"] == f"{root}/auth"
        assert smart["token_endpoint"] == openid["token_endpoint"] == f"{root}/auth/token"
        assert smart["jwks_uri"] == openid["jwks_uri"]
        assert smart["code_challenge_methods_supported"] == ["S256"]
        assert "registration_endpoint" not in smart
    first = (await hub.http.get(f"{ROOT}/auth/jwks")).json()["keys"]
    second = (await hub.http.get(f"{ROOT}/regio/auth/jwks")).json()["keys"]
    assert not {key["kid"] for key in first} & {key["kid"] for key in second}
    for path in ("/.well-known/openid-configuration", "/.well-known/oauth-authorization-server/auth"):
        assert (await hub.http.get(f"{ROOT}{path}")).json()["issuer"] == f"{ROOT}/auth"
    for path in ("/nobody/auth/jwks", "/default/auth/jwks", "/auth/nothing", "/fhir/.well-known/nothing"):
        assert (await hub.http.get(f"{ROOT}{path}")).status_code == 404


async def test_a_web_app_of_any_origin_may_ask(hub: Hub) -> None:
    answer = await hub.http.options(
        f"{ROOT}/auth/token",
        headers={"Origin": "https://app.example", "Access-Control-Request-Method": "POST"},
    )
    assert answer.status_code == 204
    assert answer.headers["access-control-allow-origin"] == "*"
    answer = await hub.http.get(
        f"{BASE}/.well-known/smart-configuration", headers={"Origin": "https://app.example"}
    )
    assert answer.headers["access-control-allow-origin"] == "*"


async def test_apps_register_themselves_only_where_that_is_open(hub: Hub, open_hub: Open) -> None:
    asked = {"redirect_uris": ["https://app.example/done"], "token_endpoint_auth_method": "none"}
    assert (await hub.http.post(f"{ROOT}/auth/register", json=asked)).status_code == 404
    async with open_hub(registration=True) as opened:
        answer = await opened.http.post(f"{ROOT}/auth/register", json=asked)
        assert answer.status_code == 201
        assert answer.json()["client_id"]
        wrong = await opened.http.post(f"{ROOT}/auth/register", json={**asked, "redirect_uris": ["ftp://x"]})
        assert (wrong.status_code, wrong.json()["error"]) == (400, "invalid_redirect_uri")
        smart = (await opened.http.get(f"{BASE}/.well-known/smart-configuration")).json()
        assert smart["registration_endpoint"] == f"{ROOT}/auth/register"


async def test_the_backend_of_an_ehr_registers_a_launch(hub: Hub) -> None:
    from fhirhub.auth import accounts

    await hub.backend()
    await hub.register(
        client_id="app",
        redirect_uris=["https://app.example/done"],
        launch_uri="https://app.example/go",
        scope="launch",
    )
    jan = {"username": "jan", "password": "x", "fhirUser": "Practitioner/jan", "role": "huisarts"}
    await accounts.add(hub.realm, accounts.wanted({**jan, "organization": "Organization/praktijk"}))
    await accounts.add(
        hub.realm, accounts.wanted({**jan, "username": "els", "organization": "Organization/elders"})
    )
    url = f"{ROOT}/auth/launch"
    token = bearer(await hub.backend_token(scope="launch"))
    answer = await hub.http.post(url, json={"client_id": "app", "user": "jan", "patient": "p"}, headers=token)
    assert answer.status_code == 201
    assert answer.json()["launch_url"].startswith(
        "https://app.example/go?iss=http%3A%2F%2Fhub.test%2Ffhir&launch="
    )
    wrong: list[Any] = [
        {"client_id": "app", "user": "els", "patient": "p"},
        {"client_id": "other", "user": "jan"},
        {"client_id": "app", "user": "jan", "patient": "a b"},
        {"client_id": "app", "user": "jan", "fhirContext": [{"reference": "Patient/p"}]},
        {"client_id": "app", "user": "jan", "fhirContext": "x"},
        [],
    ]
    for asked in wrong:
        answer = await hub.http.post(url, json=asked, headers=token)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request"), asked
    assert (await hub.http.post(url, json={})).status_code == 401
    without = bearer(await hub.backend_token())
    assert (await hub.http.post(url, json={}, headers=without)).json()["error"] == "insufficient_scope"


@pytest.mark.parametrize(
    ("scope", "granted"),
    [
        ("system/Observation.rs?category=laboratory", "system/Observation.rs?category=laboratory"),
        ("system/Observation.rs?code=x&status=final", "system/Observation.rs?code=x&status=final"),
        ("system/Observation.rs?nothing=x", None),
        ("system/Observation.rs?_count=1", None),
        ("system/Observation.rs?_include=Observation:subject", None),
        ("system/Observation.rs?date=soon", None),
        ("system/Observation.rs?status:missing=", None),
    ],
)
async def test_a_granular_scope_is_granted_only_where_it_can_be_kept(
    hub: Hub, scope: str, granted: str | None
) -> None:
    await hub.backend()
    answer = await hub.ask(scope=scope)
    if granted is None:
        assert answer.json()["error"] == "invalid_scope"
    else:
        assert answer.json()["scope"] == granted


async def test_an_address_that_asks_too_often_waits(open_hub: Open) -> None:
    async with open_hub(auth_requests_per_minute=10) as hub:
        answers = [await hub.http.post(f"{ROOT}/auth/token", data={}) for _ in range(12)]
        assert [answer.status_code for answer in answers][:10] == [400] * 10
        assert answers[-1].status_code == 429
        assert int(answers[-1].headers["retry-after"]) > 0
        assert (await hub.http.get(f"{ROOT}/auth/jwks")).status_code == 200

"""An app asks, a person signs in and consents, the app gets its tokens; and every way it can go wrong
(SMART App Launch 2.2, RFC 6749, 7636, 9207, 9700)."""

from __future__ import annotations

import asyncio
import base64
import json
from typing import Any

import pytest
import pytest_asyncio
from joserfc import jwt
from joserfc.jwk import KeySet

from fhirhub.access import EVERYTHING, Access, Rule
from fhirhub.auth import accounts, launch, limits, totp
from fhirhub.auth.principal import Principal
from fhirhub.repository import Tenant
from tests.auth.browser import REDIRECT, SCOPE, Browser
from tests.auth.builders import BASE, ROOT, Hub, Json, basic, bearer, region, write
from tests.auth.conftest import Open


@pytest_asyncio.fixture
async def people(hub: Hub) -> Hub:
    await region(hub)
    return hub


def let_see(hub: Hub, access: Access) -> None:
    """Whoever comes sees this."""

    async def opens(tenant: Tenant, principal: Principal) -> Access:
        return access

    assert hub.app.smart is not None
    hub.app.smart.ways.opens = opens


async def test_a_patient_lets_an_app_in(people: Hub) -> None:
    browser = Browser(people)
    page = await browser.get(browser.request())
    assert page.shows("sign-in")
    assert "Dagboek" in page.text
    page = await browser.sign_in(page)
    assert [value for name, value in page.form("consent").boxes] == [
        "patient/*.rs", "openid", "fhirUser", "offline_access",
    ]  # fmt: skip
    assert "Anna Jansen" in page.text
    page = await browser.allow(page)
    told = page.told
    assert (told["state"], told["iss"]) == ("st4te", f"{ROOT}/auth")
    answer = await browser.exchange(told["code"])
    assert answer.status_code == 200
    tokens = answer.json()
    assert tokens["token_type"] == "Bearer"
    assert tokens["expires_in"] == 300
    assert tokens["patient"] == "anna"
    assert tokens["need_patient_banner"] is True
    assert tokens["tenant"] == "default"
    assert set(tokens["scope"].split()) == set(SCOPE.split())
    style = await people.http.get(tokens["smart_style_url"])
    assert style.json()["color_text"]
    keys = KeySet.import_key_set((await people.http.get(f"{ROOT}/auth/jwks")).json())
    identity = jwt.decode(tokens["id_token"], keys, algorithms=["RS256"])
    assert identity.claims["iss"] == f"{ROOT}/auth"
    assert identity.claims["aud"] == "app"
    assert identity.claims["nonce"] == "n0nce"
    assert identity.claims["fhirUser"] == f"{BASE}/Patient/anna"
    who = await people.http.get(f"{ROOT}/auth/userinfo", headers=bearer(tokens["access_token"]))
    assert who.json()["sub"] == identity.claims["sub"]
    read = await people.http.get(f"{BASE}/Patient/anna", headers=bearer(tokens["access_token"]))
    assert read.status_code == 200
    other = await people.http.get(f"{BASE}/Patient/bert", headers=bearer(tokens["access_token"]))
    assert other.status_code == 404


async def test_fhir_user_lets_an_app_read_who_the_person_is_and_nobody_else(people: Hub) -> None:
    browser = Browser(people)
    told = (await browser.exchange(await browser.code(scope="openid fhirUser"))).json()
    assert set(told["scope"].split()) == {"openid", "fhirUser"}
    headers = bearer(told["access_token"])
    assert (await people.http.get(f"{BASE}/Patient/anna", headers=headers)).status_code == 200
    for refused, status in (("Patient/bert", 404), ("Patient", 403), ("RelatedPerson/mia", 403)):
        assert (await people.http.get(f"{BASE}/{refused}", headers=headers)).status_code == status


async def test_a_request_may_be_posted(people: Hub) -> None:
    browser = Browser(people)
    address, _, query = browser.request().partition("?")
    answer = await browser.http.post(
        address, content=query, headers={"Content-Type": "application/x-www-form-urlencoded"}
    )
    assert answer.status_code == 200
    assert "Dagboek" in answer.text


async def test_pages_are_guarded(people: Hub) -> None:
    browser = Browser(people)
    page = await browser.get(browser.request())
    policy = page.answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "form-action 'self' https://app.example;" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert page.answer.headers["x-frame-options"] == "DENY"
    assert page.answer.headers["cache-control"] == "no-store"
    assert page.answer.headers["referrer-policy"] == "no-referrer"
    for told in page.answer.headers.get_list("set-cookie"):
        assert "HttpOnly; SameSite=Lax" in told
        assert "Path=/auth" in told
    assert "<script" not in page.answer.text
    assert "style=" not in page.answer.text
    assert (await people.http.get(f"{ROOT}/auth/style.css")).headers["content-type"].startswith("text/css")


async def test_behind_https_cookies_are_secure(open_hub: Open) -> None:
    async with open_hub(base_url="https://hub.test") as hub:
        await region(hub)
        browser = Browser(hub)
        page = await browser.get(browser.request(aud="https://hub.test/fhir"))
        told = page.answer.headers["set-cookie"]
        assert told.startswith("__Secure-fhirhub-visit=")
        assert told.endswith("; Secure")


@pytest.mark.parametrize(
    ("header", "word"),
    [
        ("nl", "Wachtwoord"),
        ("en-GB,nl;q=0.5", "Password"),
        ("de", "Wachtwoord"),
        ("nl;q=0.1, en;q=0.9", "Password"),
    ],
)
async def test_pages_speak_the_language_of_the_browser(people: Hub, header: str, word: str) -> None:
    browser = Browser(people, **{"Accept-Language": header})
    assert word in (await browser.get(browser.request())).text


async def test_the_language_can_be_switched_on_the_way(people: Hub) -> None:
    browser = Browser(people)
    page = await browser.get(browser.request(ui_locales="nl"))
    page = await browser.send(page, "language", ("language", "en"))
    assert "Password" in page.text
    page = await browser.sign_in(page)
    assert "Allow" in page.text
    assert "See all data" in page.text


def let_pass(hub: Hub, seconds: int) -> None:
    before = hub.realm.clock
    hub.realm.clock = lambda: before() + seconds


# -- what the app gets wrong -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changed",
    [
        {"client_id": "nobody"},
        {"client_id": ...},
        {"redirect_uri": ...},
        {"redirect_uri": REDIRECT + "/"},
        {"redirect_uri": REDIRECT + "?x=1"},
        {"redirect_uri": "https://app.example/done/../evil"},
        {"redirect_uri": "https://app.example.evil/done"},
        {"redirect_uri": "https://APP.example/done"},
        {"redirect_uri": "https://evil.example"},
        {"redirect_uri": "javascript:alert(1)"},
    ],
)
async def test_before_the_address_is_proven_nothing_is_sent_there(
    people: Hub, changed: dict[str, Any]
) -> None:
    browser = Browser(people)
    page = await browser.get(browser.request(**changed))
    assert page.status == 400
    assert page.where == ""
    assert "evil" not in page.answer.headers["content-security-policy"]
    assert "kan hier niet" in page.text or "kan niet" in page.text


async def test_an_address_that_stands_twice_is_not_believed(people: Hub) -> None:
    browser = Browser(people)
    page = await browser.get(browser.request() + "&redirect_uri=https%3A%2F%2Fevil.example")
    assert (page.status, page.where) == (400, "")


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"response_type": ...}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": "code id_token"}, "unsupported_response_type"),
        ({"response_mode": "fragment"}, "invalid_request"),
        ({"request": "x.y.z"}, "request_not_supported"),
        ({"request_uri": "https://app.example/r"}, "request_uri_not_supported"),
        ({"state": ...}, "invalid_request"),
        ({"code_challenge": ...}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"code_challenge_method": ...}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"aud": ...}, "invalid_request"),
        ({"aud": "https://evil.example/fhir"}, "invalid_request"),
        ({"scope": ...}, "invalid_scope"),
        ({"scope": "nonsense"}, "invalid_scope"),
        ({"scope": "system/*.rs"}, "invalid_scope"),
        ({"scope": "user/*.cud"}, "invalid_scope"),
        ({"scope": "launch patient/*.rs", "launch": "nonsense"}, "invalid_request"),
        ({"launch": "nonsense"}, "invalid_request"),
        ({"prompt": "maybe"}, "invalid_request"),
        ({"prompt": "none login"}, "invalid_request"),
        ({"max_age": "x"}, "invalid_request"),
        ({"prompt": "none"}, "login_required"),
        ({"state": "x" * 9000}, "invalid_request"),
    ],
)
async def test_what_is_wrong_is_told_to_the_app(people: Hub, changed: dict[str, Any], error: str) -> None:
    browser = Browser(people)
    page = await browser.get(browser.request(**changed))
    assert page.status == 302
    assert page.told["error"] == error
    assert page.told["error_description"]
    assert page.told["iss"] == f"{ROOT}/auth"
    assert page.told.get("state") == (None if changed.get("state") is ... else changed.get("state", "st4te"))


async def test_a_parameter_that_stands_twice_is_told_to_the_app(people: Hub) -> None:
    browser = Browser(people)
    page = await browser.get(browser.request() + "&scope=openid")
    assert page.told["error"] == "invalid_request"


async def test_a_client_for_backends_does_not_send_people(people: Hub) -> None:
    await people.backend(redirect_uris=[REDIRECT])
    browser = Browser(people)
    page = await browser.get(browser.request(client_id="his"))
    assert page.told["error"] == "unauthorized_client"


# -- the code ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"code": ...}, "invalid_request"),
        ({"code": "nonsense"}, "invalid_grant"),
        ({"redirect_uri": ...}, "invalid_grant"),
        ({"redirect_uri": REDIRECT + "/"}, "invalid_grant"),
        ({"code_verifier": ...}, "invalid_request"),
        ({"code_verifier": "short"}, "invalid_request"),
        ({"code_verifier": "x" * 43}, "invalid_grant"),
        ({"client_id": "other"}, "invalid_grant"),
        ({"client_id": "nobody"}, "invalid_client"),
        ({"client_id": ...}, "invalid_client"),
    ],
)
async def test_a_code_serves_only_who_asked_for_it(people: Hub, changed: dict[str, Any], error: str) -> None:
    await people.register(client_id="other", redirect_uris=[REDIRECT], token_endpoint_auth_method="none")
    browser = Browser(people)
    answer = await browser.exchange(await browser.code(), **changed)
    assert answer.json()["error"] == error
    assert answer.status_code == (401 if error == "invalid_client" else 400)


async def test_a_code_that_is_used_again_ends_what_came_of_it(people: Hub) -> None:
    browser = Browser(people)
    code = await browser.code()
    tokens = (await browser.exchange(code)).json()
    access = bearer(tokens["access_token"])
    assert (await people.http.get(f"{BASE}/Patient/anna", headers=access)).status_code == 200
    assert (await browser.exchange(code)).json()["error"] == "invalid_grant"
    assert (await people.http.get(f"{BASE}/Patient/anna", headers=access)).status_code == 401
    assert (await browser.refresh(tokens["refresh_token"])).json()["error"] == "invalid_grant"


async def test_of_two_who_bring_a_code_at_once_at_most_one_gets_tokens(people: Hub) -> None:
    browser = Browser(people)
    code = await browser.code()
    answers = await asyncio.gather(*(browser.exchange(code) for _ in range(4)))
    assert sum(answer.status_code == 200 for answer in answers) <= 1
    assert {answer.status_code for answer in answers} <= {200, 400}


async def test_a_code_lives_a_minute(people: Hub) -> None:
    browser = Browser(people)
    code = await browser.code()
    late = people.realm.clock
    people.realm.clock = lambda: late() + 61
    try:
        assert (await browser.exchange(code)).json()["error"] == "invalid_grant"
    finally:
        people.realm.clock = late


async def test_an_app_with_a_secret_proves_it(people: Hub) -> None:
    registered = await people.register(client_id="web", redirect_uris=[REDIRECT], scope="openid patient/*.rs")
    browser = Browser(people)
    code = await browser.code(client_id="web")
    without = await browser.exchange(code, client_id="web")
    assert (without.status_code, without.json()["error"]) == (401, "invalid_client")
    wrong = await browser.http.post(
        f"{ROOT}/auth/token", headers=basic("web", "wrong"), data={"grant_type": "authorization_code"}
    )
    assert wrong.headers["www-authenticate"].startswith("Basic")
    told = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": REDIRECT,
        "code_verifier": browser.verifier,
    }
    url, headers = f"{ROOT}/auth/token", basic("web", registered["client_secret"])
    assert (await browser.http.post(url, data=told, headers=headers)).status_code == 200


# -- refresh -----------------------------------------------------------------------------------------


async def test_a_public_client_need_not_say_who_it_is_when_it_refreshes(people: Hub) -> None:
    browser = Browser(people)
    first = (await browser.exchange(await browser.code())).json()
    second = (await browser.refresh(first["refresh_token"], client_id="")).json()
    assert second["access_token"] != first["access_token"]
    unknown = await browser.refresh("nobody-had-this", client_id="")
    assert (unknown.status_code, unknown.json()["error"]) == (400, "invalid_grant")


async def test_refresh_tokens_follow_each_other(people: Hub) -> None:
    browser = Browser(people)
    first = (await browser.exchange(await browser.code())).json()
    second = (await browser.refresh(first["refresh_token"])).json()
    assert second["refresh_token"] != first["refresh_token"]
    assert second["patient"] == "anna"
    assert second["scope"] == first["scope"]
    less = (await browser.refresh(second["refresh_token"], scope="patient/*.rs")).json()
    assert less["scope"] == "patient/*.rs"
    assert "id_token" not in less
    more = await browser.refresh(less["refresh_token"], scope="patient/*.cruds")
    assert more.json()["error"] == "invalid_scope"
    third = (await browser.refresh(less["refresh_token"])).json()
    assert third["scope"] == first["scope"]
    again = await browser.refresh(first["refresh_token"])
    assert again.json()["error"] == "invalid_grant"
    assert (await browser.refresh(third["refresh_token"])).json()["error"] == "invalid_grant"
    access = bearer(third["access_token"])
    assert (await people.http.get(f"{BASE}/Patient/anna", headers=access)).status_code == 401


async def test_a_refresh_token_serves_its_app_alone(people: Hub) -> None:
    await people.register(
        client_id="other",
        redirect_uris=[REDIRECT],
        token_endpoint_auth_method="none",
        grant_types=["authorization_code", "refresh_token"],
    )
    browser = Browser(people)
    tokens = (await browser.exchange(await browser.code())).json()
    stolen = await browser.refresh(tokens["refresh_token"], client_id="other")
    assert stolen.json()["error"] == "invalid_grant"
    assert (await browser.refresh(tokens["refresh_token"])).status_code == 200


async def test_refresh_tokens_and_codes_are_stored_as_hashes(people: Hub) -> None:
    browser = Browser(people)
    code = await browser.code()
    tokens = (await browser.exchange(code)).json()
    cookie = browser.http.cookies["fhirhub-session"]
    stored = ""
    for table in ("auth_code", "auth_refresh", "auth_session", "auth_grant"):
        rows = await people.realm.rows(f"SELECT * FROM {table} WHERE tenant = $1")
        assert rows
        stored += repr([tuple(row) for row in rows])
    for secret in (code, tokens["refresh_token"], cookie):
        assert secret not in stored


async def test_online_access_ends_when_the_person_signs_out(people: Hub) -> None:
    browser = Browser(people)
    code = await browser.code(scope="online_access patient/*.rs")
    tokens = (await browser.exchange(code)).json()
    tokens = (await browser.refresh(tokens["refresh_token"])).json()
    page = await browser.get(f"{ROOT}/auth/granted")
    page = await browser.send(page, "sign-out")
    assert "uitgelogd" in page.text
    assert (await browser.refresh(tokens["refresh_token"])).json()["error"] == "invalid_grant"
    assert (await browser.get(f"{ROOT}/auth/granted")).shows("sign-in")


async def test_revoking_a_refresh_token_ends_its_access_tokens(people: Hub) -> None:
    browser = Browser(people)
    tokens = (await browser.exchange(await browser.code())).json()
    answer = await people.http.post(
        f"{ROOT}/auth/revoke", data={"token": tokens["refresh_token"], "client_id": "app"}
    )
    assert answer.status_code == 200
    access = bearer(tokens["access_token"])
    assert (await people.http.get(f"{BASE}/Patient/anna", headers=access)).status_code == 401


# -- consent -----------------------------------------------------------------------------------------


async def test_what_is_taken_away_is_not_granted(people: Hub) -> None:
    browser = Browser(people)
    asked = (
        "openid offline_access launch/patient patient/Goal.rs patient/Task.rs patient/Observation.rs?code=x"
    )
    page = await browser.sign_in(await browser.get(browser.request(scope=asked)))
    page = await browser.allow(page, "patient/Task.rs", "offline_access")
    tokens = (await browser.exchange(page.told["code"])).json()
    assert tokens["scope"] == "openid launch/patient patient/Goal.rs patient/Observation.rs?code=x"
    assert "refresh_token" not in tokens
    headers = bearer(tokens["access_token"])
    assert (await people.http.get(f"{BASE}/Goal", headers=headers)).status_code == 200
    assert (await people.http.get(f"{BASE}/Task", headers=headers)).status_code == 403


async def test_a_consent_cannot_grant_more_than_was_asked(people: Hub) -> None:
    browser = Browser(people)
    page = await browser.sign_in(await browser.get(browser.request(scope="patient/Goal.rs")))
    page = await browser.send(
        page, "consent", ("scope", "patient/*.cruds"), ("scope", "patient/Goal.rs"), ("decision", "allow")
    )
    assert (await browser.exchange(page.told["code"])).json()["scope"] == "patient/Goal.rs"


async def test_who_declines_or_takes_all_away_denies(people: Hub) -> None:
    browser = Browser(people)
    page = await browser.sign_in(await browser.get(browser.request()))
    assert (await browser.send(page, "consent", ("decision", "deny"))).told["error"] == "access_denied"
    assert (await browser.send(page, "consent", ("decision", "allow"))).told["error"] == "access_denied"


async def test_an_app_that_asks_for_the_patient_alone_is_told_who_that_is(people: Hub) -> None:
    browser = Browser(people)
    told = (await browser.exchange(await browser.code(scope="launch/patient"))).json()
    assert (told["scope"], told["patient"]) == ("launch/patient", "anna")


async def test_a_person_changes_the_password_and_is_signed_out_elsewhere(people: Hub) -> None:
    here, elsewhere = Browser(people), Browser(people)
    for browser in (here, elsewhere):
        await browser.sign_in(await browser.get(f"{ROOT}/auth/granted"))
    page = await here.get(f"{ROOT}/auth/account")
    refusals = {
        ("fout", "vier paarse fietsen dansen"): 401,
        ("geheim", "kort"): 400,
        ("geheim", "wachtwoordhuisarts"): 400,
        ("geheim", "x" * 201): 400,
    }
    for (present, wanted), status in refusals.items():
        answer = await here.send(page, "password", **{"new-password": wanted, "password": present})
        assert answer.status == status
        assert "gewijzigd" in answer.text or "changed" in answer.text
    assert (await elsewhere.get(f"{ROOT}/auth/account")).shows("password")
    new = "vier paarse fietsen dansen"
    page = await here.send(page, "password", **{"new-password": new, "password": "geheim"})
    assert (page.status, page.shows("password")) == (200, True)
    assert (await elsewhere.get(f"{ROOT}/auth/account")).shows("sign-in")
    assert (await elsewhere.sign_in(await elsewhere.get(f"{ROOT}/auth/granted"))).status == 401
    assert (await elsewhere.sign_in(await elsewhere.get(f"{ROOT}/auth/granted"), password=new)).status == 200


async def test_a_person_signs_out_everywhere_else(people: Hub) -> None:
    here, elsewhere = Browser(people), Browser(people)
    for browser in (here, elsewhere):
        await browser.sign_in(await browser.get(f"{ROOT}/auth/granted"))
    page = await here.get(f"{ROOT}/auth/account")
    assert "elk gebruik verlengt dat" in page.text or "each use extends that" in page.text
    page = await here.send(page, "sessions")
    assert not page.shows("sessions")
    assert (await elsewhere.get(f"{ROOT}/auth/account")).shows("sign-in")
    assert (await here.get(f"{ROOT}/auth/account")).shows("password")


async def test_a_session_ends_when_it_is_not_used_and_at_last(people: Hub) -> None:
    browser, began = Browser(people), people.realm.clock()
    await browser.sign_in(await browser.get(f"{ROOT}/auth/granted"))
    for _ in range(9):
        let_pass(people, 50 * 60)
        assert (await browser.get(f"{ROOT}/auth/account")).shows("password")
    people.realm.clock = lambda: began + 481 * 60
    assert (await browser.get(f"{ROOT}/auth/account")).shows("sign-in")
    await browser.sign_in(await browser.get(f"{ROOT}/auth/granted"))
    people.realm.clock = lambda: began + (481 + 61) * 60
    assert (await browser.get(f"{ROOT}/auth/account")).shows("sign-in")


async def test_what_was_granted_is_shown_and_withdrawn(people: Hub) -> None:
    browser = Browser(people)
    tokens = (await browser.exchange(await browser.code())).json()
    page = await browser.get(f"{ROOT}/auth/granted")
    assert "Dagboek" in page.text
    assert "Anna Jansen" in page.text
    (button,) = page.form("granted").buttons
    page = await browser.send(page, "granted", button)
    assert "Ingetrokken" in page.text
    assert not page.shows("granted")
    access = bearer(tokens["access_token"])
    assert (await people.http.get(f"{BASE}/Patient/anna", headers=access)).status_code == 401
    assert (await browser.refresh(tokens["refresh_token"])).json()["error"] == "invalid_grant"


async def test_an_app_that_asks_often_is_shown_once(people: Hub) -> None:
    browser, asked = Browser(people), {"scope": "patient/Goal.rs launch/patient"}
    for later in (0, 10, 400):
        let_pass(people, later)
        await browser.code(**asked)
    page = await browser.get(f"{ROOT}/auth/granted")
    assert page.text.count("Dagboek") == 2  # the heading, and the button for who does not see it
    assert page.text.count("Doelen bekijken") == 1
    rows = await people.realm.rows("SELECT id FROM auth_grant WHERE tenant = $1")
    assert len(rows) == 1
    await browser.send(page, "granted", ("withdraw", "app"))
    assert (await browser.get(browser.request(prompt="none", **asked))).told["error"] == "consent_required"


async def test_nobody_withdraws_what_another_granted(people: Hub) -> None:
    anna, mia = Browser(people), Browser(people)
    tokens = (await anna.exchange(await anna.code())).json()
    (button,) = (await anna.get(f"{ROOT}/auth/granted")).form("granted").buttons
    await mia.code("mia")
    await mia.send(await mia.get(f"{ROOT}/auth/granted"), "granted", button)
    assert (await anna.refresh(tokens["refresh_token"])).status_code == 200


# -- prompt ------------------------------------------------------------------------------------------


async def test_prompt_none_leaves_the_person_alone(people: Hub) -> None:
    browser = Browser(people)
    await browser.sign_in(await browser.get(browser.request()))
    page = await browser.get(browser.request(prompt="none"))
    assert page.told["error"] == "consent_required"
    await browser.code()
    page = await browser.get(browser.request(prompt="none"))
    tokens = (await browser.exchange(page.told["code"])).json()
    assert tokens["patient"] == "anna"
    more = await browser.get(browser.request(prompt="none", scope="patient/*.cruds launch/patient"))
    assert more.told["error"] == "consent_required"


async def test_prompt_login_asks_again_and_prompt_consent_too(people: Hub) -> None:
    browser = Browser(people)
    await browser.code()
    page = await browser.get(browser.request(prompt="login"))
    assert page.shows("sign-in")
    page = await browser.sign_in(page)
    assert page.shows("consent")
    assert (await browser.get(browser.request(prompt="consent"))).shows("consent")
    assert (await browser.get(browser.request(max_age="0"))).shows("sign-in")
    assert (await browser.get(browser.request(max_age="1000"))).shows("consent")


# -- who is who --------------------------------------------------------------------------------------


async def test_a_doctor_says_where_they_work_and_picks_a_patient_they_see(people: Hub) -> None:
    let_see(people, EVERYTHING)
    browser = Browser(people)
    page = await browser.sign_in(await browser.get(browser.request()), "jan")
    assert "Praktijk Proeflaan" in page.text
    assert "Huisartsenpost" in page.text
    page = await browser.send(page, "standing", ("standing", "002"))
    assert page.boxes == ["anna", "bert"]
    page = await browser.send(page, "patient", find="Bert")
    assert page.boxes == ["bert"]
    page = await browser.send(page, "patient", ("patient", "bert"))
    assert "Bert Jansen" in page.text
    assert "arts huisartsenpost" in page.text
    tokens = (await browser.exchange((await browser.allow(page)).told["code"])).json()
    assert tokens["patient"] == "bert"
    rows = await people.realm.rows("SELECT content FROM auth_grant WHERE tenant = $1")
    assert "Organization/post" in rows[0][0]


async def test_who_works_there_no_more_is_let_in_nowhere(
    people: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fhirhub.auth.policy.STANDING_SECONDS", 0.0)
    browser = Browser(people)
    page = await browser.sign_in(await browser.get(browser.request(scope="openid user/*.rs")), "els")
    token = (await browser.exchange((await browser.allow(page)).told["code"])).json()["access_token"]
    # Nothing is said yet of where she works: the account decides.
    assert (await people.http.get("Patient", headers=bearer(token))).status_code == 200
    works: Json = {"resourceType": "PractitionerRole", "practitioner": {"reference": "Practitioner/jan"}}
    works |= {"organization": {"reference": "Organization/praktijk"}}
    await write(
        people,
        {**works, "id": "was", "period": {"end": "2020-01-01"}},
        {**works, "id": "is", "active": False},
    )
    refused = await people.http.get("Patient", headers=bearer(token))
    assert (refused.status_code, "works at Organization/praktijk no more" in refused.text) == (403, True)
    assert (await browser.get(browser.request())).status == 403
    assert (await browser.get(f"{ROOT}/auth/granted")).status == 200
    await write(people, {**works, "id": "is"})
    assert (await people.http.get("Patient", headers=bearer(token))).status_code == 200


async def test_a_patient_who_is_not_seen_cannot_be_picked(people: Hub) -> None:
    let_see(people, Access(frozenset({Rule(ids=frozenset({"anna"}))})))
    browser = Browser(people)
    page = await browser.sign_in(await browser.get(browser.request()), "els")
    assert page.boxes == ["anna"]
    page = await browser.send(page, "patient", ("patient", "bert"))
    assert page.shows("patient")
    assert not page.form("consent").boxes


async def test_a_carer_works_on_their_patient(people: Hub) -> None:
    browser = Browser(people)
    page = await browser.sign_in(await browser.get(browser.request()), "mia")
    assert "namens u gegevens" in page.text
    tokens = (await browser.exchange((await browser.allow(page)).told["code"])).json()
    assert tokens["patient"] == "anna"


async def test_the_shared_plan_is_in_the_context(people: Hub) -> None:
    plan = {
        "resourceType": "CarePlan",
        "id": "plan",
        "status": "active",
        "intent": "plan",
        "subject": {"reference": "Patient/anna"},
        "category": [{"coding": [{"system": "http://snomed.info/sct", "code": "135411000146103"}]}],
    }
    nursing = {
        **plan,
        "id": "nursing",
        "category": [{"coding": [{"system": "http://snomed.info/sct", "code": "9632001"}]}],
    }
    await write(people, plan, nursing)
    let_see(people, EVERYTHING)
    browser = Browser(people)
    tokens = (await browser.exchange(await browser.code())).json()
    assert tokens["fhirContext"] == [{"reference": "CarePlan/plan"}]


# -- launch from an EHR ------------------------------------------------------------------------------


async def launched(hub: Hub, **asked: Any) -> str:
    _, value = await launch.prepare(
        hub.realm, {"client_id": "app", "user": "els", "patient": "bert", **asked}
    )
    return value


async def test_an_ehr_launch_brings_its_context_once(people: Hub) -> None:
    let_see(people, EVERYTHING)
    value = await launched(
        people, fhirContext=[{"reference": "CarePlan/x"}], intent="plan", need_patient_banner=False
    )
    browser = Browser(people)
    asked = {"scope": "launch openid patient/*.rs", "launch": value}
    tokens = (await browser.exchange(await browser.code("els", **asked))).json()
    assert tokens["patient"] == "bert"
    assert tokens["fhirContext"] == [{"reference": "CarePlan/x"}]
    assert tokens["intent"] == "plan"
    assert tokens["need_patient_banner"] is False
    page = await browser.get(browser.request(**asked))
    assert page.told["error"] == "invalid_request"


async def test_a_launch_is_for_its_app_its_person_and_five_minutes(people: Hub) -> None:
    let_see(people, EVERYTHING)
    value = await launched(people)
    asked = {"scope": "launch openid patient/*.rs", "launch": value}
    await people.register(
        client_id="other",
        redirect_uris=[REDIRECT],
        token_endpoint_auth_method="none",
        scope="launch patient/*.rs",
    )
    browser = Browser(people)
    page = await browser.get(browser.request(client_id="other", **asked))
    assert page.told["error"] == "invalid_request"
    page = await browser.sign_in(await browser.get(browser.request(**asked)), "anna")
    assert page.shows("sign-in")
    assert "iemand anders" in page.text
    page = await browser.sign_in(page, "els")
    assert page.shows("consent")
    let_pass(people, 301)
    assert (await browser.allow(page)).told["error"] == "invalid_request"


async def test_a_launch_opens_no_patient_whom_the_person_does_not_see(people: Hub) -> None:
    value = await launched(people)
    browser = Browser(people)
    let_see(people, Access())
    page = await browser.get(browser.request(scope="launch patient/*.rs", launch=value))
    page = await browser.sign_in(page, "els")
    assert page.told["error"] == "access_denied"


# -- signing in --------------------------------------------------------------------------------------


async def test_a_wrong_password_says_nothing_of_the_account(people: Hub) -> None:
    browser = Browser(people)
    page = await browser.get(browser.request())
    wrong = await browser.sign_in(page, "anna", "wrong")
    nobody = await browser.sign_in(page, "nobody", "wrong")
    assert wrong.status == nobody.status == 401
    assert wrong.text == nobody.text


async def test_who_guesses_waits_and_locks_nobody_else_out(people: Hub) -> None:
    # One party has all addresses of an IPv6 network.
    guesser, again = Browser(people, "2001:db8::1"), Browser(people, "2001:db8::2:2")
    anna, other, at_home = (Browser(people, f"2001:db8:0:{net}::1") for net in (1, 0, 0))
    await at_home.code()
    page = await guesser.get(guesser.request())
    for what in ("anna", "jan"):
        # Very many guess from everywhere: that is nobody's fault who has not guessed.
        sql = "INSERT INTO auth_attempt (tenant, what, failures, until) VALUES ($1, $2, 1000, $3)"
        await people.realm.change(sql, limits._name("account", what), people.realm.now + 900)
    assert (await guesser.sign_in(page, "jan", "wrong")).status == 401
    assert (await guesser.sign_in(page, "jan", "wrong")).status == 429
    for _ in range(8):
        page = await guesser.sign_in(page, "anna", "wrong")
    assert page.status == 429
    assert int(page.answer.headers["retry-after"]) > 0
    assert (await guesser.sign_in(page, "anna", "geheim")).status == 429
    assert (await again.sign_in(await again.get(again.request()))).status == 429
    assert (await anna.sign_in(await anna.get(anna.request()))).shows("consent")
    assert (await other.sign_in(await other.get(other.request()), "mia")).shows("consent")
    page = await at_home.get(at_home.request(prompt="login"))
    assert (await at_home.sign_in(page)).shows("consent")


async def test_a_form_of_another_browser_or_site_is_refused(people: Hub) -> None:
    browser, other = Browser(people), Browser(people)
    page = await browser.get(browser.request())
    await other.get(other.request())
    assert (await other.sign_in(page)).status == 400
    form = page.form("sign-in")
    told = {**dict(form.fields), "username": "anna", "password": "geheim"}
    headers = {"Origin": "https://evil.example"}
    assert (await browser.http.post(form.action, data=told, headers=headers)).status_code == 400
    headers = {"Sec-Fetch-Site": "cross-site"}
    assert (await browser.http.post(form.action, data=told, headers=headers)).status_code == 400
    told["progress"] = told["progress"][:-8] + "AAAAAAAA"
    assert (await browser.http.post(form.action, data=told)).status_code == 400
    assert (await browser.http.post(form.action, data={})).status_code == 400
    assert (await browser.http.get(f"{ROOT}/auth/consent")).status_code == 405


async def test_a_session_is_new_with_each_sign_in(people: Hub) -> None:
    browser = Browser(people)
    browser.http.cookies.set("fhirhub-session", "fixed", domain="hub.test", path="/auth")
    await browser.sign_in(await browser.get(browser.request()))
    assert browser.http.cookies.get("fhirhub-session", domain="hub.test", path="/auth") != "fixed"


async def test_a_disabled_account_is_out_at_once(people: Hub) -> None:
    browser = Browser(people)
    tokens = (await browser.exchange(await browser.code())).json()
    await accounts.disable(people.realm, "anna")
    access = bearer(tokens["access_token"])
    assert (await people.http.get(f"{BASE}/Patient/anna", headers=access)).status_code == 401
    assert (await browser.refresh(tokens["refresh_token"])).json()["error"] == "invalid_grant"
    page = await browser.get(browser.request())
    assert page.shows("sign-in")
    assert (await browser.sign_in(page)).status == 401


async def test_off_this_machine_a_second_factor_is_set_up_and_asked(open_hub: Open) -> None:
    async with open_hub(base_url="https://hub.test") as hub:
        await region(hub)
        began = hub.realm.clock()

        def now() -> float:
            return began

        hub.realm.clock = now
        browser = Browser(hub)
        asked = browser.request(aud="https://hub.test/fhir").replace("http://", "https://", 1)
        page = await browser.sign_in(await browser.get(asked))
        assert "svg" in page.answer.text
        key = page.text.split("Sleutel: ")[1].split()[0]
        secret = base64.b32decode(key + "=" * (-len(key) % 8))
        wrong = await browser.send(page, "second-factor", code="12")
        assert wrong.status == 401
        page = await browser.send(wrong, "second-factor", code=totp.code(secret, int(now()) // 30))
        assert page.shows("consent")
        again = Browser(hub)
        page = await again.sign_in(await again.get(asked))
        assert "svg" not in page.answer.text
        used = await again.send(page, "second-factor", code=totp.code(secret, int(now()) // 30))
        assert used.status == 401
        hub.realm.clock = lambda: now() + 31
        page = await again.send(page, "second-factor", code=totp.code(secret, int(now() + 31) // 30))
        assert page.shows("consent")
        hub.realm.clock = lambda: now() + 1000
        page = await again.sign_in(await again.get(asked + "&prompt=login"))
        hub.realm.clock = lambda: now() + 1400
        late = await again.send(page, "second-factor", code=totp.code(secret, int(now() + 1400) // 30))
        assert late.status == 400


async def test_a_browser_shows_answers_to_registered_apps(people: Hub) -> None:
    assert people.app.smart is not None
    await people.app.smart.refresh(people.realm.database)
    for origin, known in (("https://app.example", True), ("https://evil.example", False)):
        answer = await people.http.get(f"{BASE}/Patient/anna", headers={"Origin": origin})
        assert answer.headers.get("access-control-allow-origin") == (origin if known else None)
        answer = await people.http.get(f"{BASE}/metadata", headers={"Origin": origin})
        assert answer.headers.get("access-control-allow-origin") == (origin if known else "*")
        asked = {"Origin": origin, "Access-Control-Request-Method": "GET"}
        answer = await people.http.options(f"{BASE}/Patient/anna", headers=asked)
        assert ("authorization" in answer.headers.get("access-control-allow-headers", "").lower()) is known
        answer = await people.http.options(f"{BASE}/metadata", headers=asked)
        assert answer.headers.get("access-control-allow-origin") == (origin if known else "*")


async def test_a_practice_nurse_says_under_whose_responsibility_for_the_day(people: Hub) -> None:
    role = {
        "resourceType": "PractitionerRole",
        "id": "jan",
        "active": True,
        "practitioner": {"reference": "Practitioner/jan"},
        "organization": {"reference": "Organization/praktijk"},
        "code": [{"coding": [{"system": "http://fhir.nl/fhir/NamingSystem/uzi-rolcode", "code": "01.015"}]}],
    }
    await write(people, role)
    let_see(people, EVERYTHING)
    browser = Browser(people)
    asked = browser.request(scope="user/Task.rs")
    page = await browser.sign_in(await browser.get(asked), "els")
    assert "verantwoordelijkheid" in page.text
    assert "Jan de Proef" in page.text
    boxes = page.form("consent").boxes
    stranger = await browser.send(
        page, "consent", *boxes, ("decision", "allow"), responsible="Practitioner/x"
    )
    assert stranger.told["code"]
    await browser.send(page, "consent", *boxes, ("decision", "allow"), responsible="Practitioner/jan")
    rows = await people.realm.rows("SELECT content FROM auth_grant WHERE tenant = $1 ORDER BY created")
    assert sorted(json.loads(row[0])["responsible"] or "" for row in rows) == ["", "Practitioner/jan"]
    again = await browser.get(asked)
    assert 'value="Practitioner/jan" selected' in again.answer.text
    other = Browser(people)
    assert "verantwoordelijkheid" not in (await other.sign_in(await other.get(asked), "anna")).text


async def test_what_is_of_one_tenant_is_of_no_other(people: Hub) -> None:
    assert people.app.tenants is not None
    assert people.app.smart is not None
    await people.app.tenants.add("regio")
    browser = Browser(people)
    tokens = (await browser.exchange(await browser.code())).json()
    regio = f"{ROOT}/regio"
    page = await browser.get(browser.request().replace(ROOT, regio, 1))
    assert page.status == 400
    realm = await people.app.smart.realm("regio")
    assert realm is not None
    there = Hub(people.app, people.http, realm)
    await there.register(
        client_id="app", redirect_uris=[REDIRECT], token_endpoint_auth_method="none", scope="patient/*.rs"
    )
    page = await browser.get(browser.request(aud=f"{regio}/fhir").replace(ROOT, regio, 1))
    assert page.shows("sign-in")
    assert (await browser.sign_in(page)).status == 401
    for path in ("token", "revoke"):
        form = {"grant_type": "refresh_token", "client_id": "app", "refresh_token": tokens["refresh_token"],
                "token": tokens["refresh_token"]}  # fmt: skip
        answer = await people.http.post(f"{regio}/auth/{path}", data=form)
        assert answer.status_code == (400 if path == "token" else 200)
    access = bearer(tokens["access_token"])
    assert (await people.http.get(f"{regio}/fhir/Patient/anna", headers=access)).status_code == 401
    assert (await people.http.get(f"{regio}/auth/userinfo", headers=access)).status_code == 401
    assert (await people.http.get(f"{BASE}/Patient/anna", headers=access)).status_code == 200


async def test_what_happens_is_logged_without_secrets_or_patients(
    people: Hub, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger="fhirhub")
    browser = Browser(people)
    page = await browser.get(browser.request())
    await browser.sign_in(page, "anna", "een fout wachtwoord")
    code = await browser.code()
    tokens = (await browser.exchange(code)).json()
    await browser.exchange(code)
    await browser.refresh("nonsense")
    page = await browser.sign_in(await browser.get(browser.request(prompt="login")))
    await browser.send(page, "consent", ("decision", "deny"))
    told = [record.fhirhub_fields for record in caplog.records if record.message == "Access"]  # type: ignore[attr-defined]
    assert [one["kind"] for one in told] == [
        "sign-in-failed", "signed-in", "granted", "token", "token-refused", "token-refused", "signed-in", "declined",
    ]  # fmt: skip
    assert told[0]["source"] == "192.0.2.1"
    text = repr(told)
    for secret in (
        "wachtwoord",
        "geheim",
        code,
        tokens["access_token"],
        tokens["refresh_token"],
        "Patient",
        "Jansen",
    ):
        assert secret not in text

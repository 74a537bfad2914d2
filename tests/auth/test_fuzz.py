"""Whatever is sent to the authorization server, it answers as its RFCs say: never a fault, never a way out."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import httpx
import pytest_asyncio
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.auth.browser import REDIRECT, Browser
from tests.auth.builders import ROOT, Hub, region
from tests.auth.conftest import Open

ANY = st.one_of(
    st.text(max_size=40),
    st.sampled_from(
        [
            "app", "code", "S256", REDIRECT, "https://evil.example", "openid", "patient/*.rs", "none", "\0", "\ud800",
            "authorization_code", "refresh_token", "client_credentials", "x" * 9000, "a.b.c", "é", "{}", "%00",
        ]
    ),
)  # fmt: skip
NAMES = st.sampled_from(
    [
        "response_type", "client_id", "redirect_uri", "scope", "state", "aud", "nonce", "code_challenge",
        "code_challenge_method", "launch", "prompt", "max_age", "ui_locales", "login_hint", "request", "grant_type",
        "code", "code_verifier", "refresh_token", "client_assertion", "client_assertion_type", "token", "progress",
        "username", "password", "decision", "patient", "standing", "name",
    ]
)  # fmt: skip
FIELDS = st.lists(st.tuples(NAMES, ANY), max_size=6)
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest_asyncio.fixture
async def people(open_hub: Open) -> Any:
    async with open_hub(auth_requests_per_minute=0) as hub:
        await region(hub)
        yield hub


def encoded(fields: list[tuple[str, str]]) -> str:
    return urlencode(fields, errors="surrogatepass")


def hold(answer: httpx.Response) -> None:
    assert answer.status_code < 500, answer.text
    where = answer.headers.get("location", "")
    assert where == "" or where.startswith((REDIRECT + "?", f"{ROOT}/auth/")), where
    # What an app sends as its state comes back to it as it is, in the query.
    assert "evil" not in where.partition("?")[0]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(fields=FIELDS, changed=FIELDS)
@example(fields=[], changed=[("response_type", ""), ("state", "https://evil.example")])
async def test_no_request_leads_astray(people: Hub, fields: Any, changed: Any) -> None:
    browser = Browser(people)
    address = browser.request()
    kept = [
        part for part in address.partition("?")[2].split("&") if part.partition("=")[0] not in dict(changed)
    ]
    for query in (encoded(fields), "&".join([*kept, encoded(changed)])):
        hold(await browser.http.get(f"{ROOT}/auth/authorize?{query}"))
        hold(await browser.http.post(f"{ROOT}/auth/authorize", content=query, headers=FORM))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(
    fields=FIELDS, raw=st.binary(max_size=60), header=st.text(st.characters(max_codepoint=255), max_size=30)
)
async def test_no_form_is_a_fault(people: Hub, fields: Any, raw: bytes, header: str) -> None:
    told = header.encode("latin-1").replace(b"\r", b"").replace(b"\n", b"")
    for path in ("token", "introspect", "revoke", "sign-in", "second-factor", "standing", "patient", "consent",
                 "granted", "language", "sign-out", "launch", "userinfo"):  # fmt: skip
        for content in (encoded(fields).encode(), raw):
            headers: Any = {**FORM, "Authorization": b"Basic " + told, "Cookie": told}
            hold(await people.http.post(f"{ROOT}/auth/{path}", content=content, headers=headers))
    cookies: Any = {"Cookie": told}
    for path in ("provider", "callback", "granted", "jwks"):
        hold(await people.http.get(f"{ROOT}/auth/{path}?{encoded(fields)}", headers=cookies))

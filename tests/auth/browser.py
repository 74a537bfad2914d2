"""A browser without script: it keeps cookies, reads forms, fills them in and follows where they lead."""

from __future__ import annotations

import base64
import hashlib
import secrets
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit

import httpx

from tests.auth.builders import BASE, ROOT, Hub, Json

REDIRECT = "https://app.example/done"
SCOPE = "openid fhirUser launch/patient offline_access patient/*.rs"


@dataclass
class Form:
    """One form of a page."""

    action: str
    fields: list[tuple[str, str]] = field(default_factory=list)
    boxes: list[tuple[str, str]] = field(default_factory=list)
    """Checkboxes and radio buttons, name and value."""
    buttons: list[tuple[str, str]] = field(default_factory=list)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append(Form(told["action"]))
        elif tag == "input" and self.forms and "name" in told:
            kind = told.get("type", "text")
            target = self.forms[-1].boxes if kind in ("checkbox", "radio") else self.forms[-1].fields
            target.append((told["name"], told.get("value", "")))
        elif tag == "button" and self.forms and "name" in told:
            self.forms[-1].buttons.append((told["name"], told.get("value", "")))

    def handle_data(self, data: str) -> None:
        self.text += data


class Page:
    """What the browser shows."""

    def __init__(self, answer: httpx.Response) -> None:
        self.answer = answer
        self.status = answer.status_code
        reader = _Reader()
        if answer.headers.get("content-type", "").startswith("text/html"):
            reader.feed(answer.text)
        self.forms, self.text = reader.forms, " ".join(reader.text.split())

    @property
    def where(self) -> str:
        """The address to which the page leads."""
        return str(self.answer.headers.get("location", ""))

    @property
    def told(self) -> dict[str, str]:
        """What the app is told by the redirect."""
        assert self.where.startswith(REDIRECT), (self.status, self.where, self.text)
        return dict(parse_qsl(urlsplit(self.where).query))

    def form(self, action: str) -> Form:
        return next(form for form in self.forms if form.action.endswith("/" + action))

    @property
    def boxes(self) -> list[str]:
        """The values of every box on the page."""
        return [value for form in self.forms for _, value in form.boxes]

    def shows(self, action: str) -> bool:
        return any(form.action.endswith("/" + action) for form in self.forms)


class Browser:
    """One person's browser."""

    def __init__(self, hub: Hub, source: str = "192.0.2.1", **headers: str) -> None:
        transport = httpx.ASGITransport(app=hub.app, client=(source, 1234))
        self.http = httpx.AsyncClient(transport=transport, headers=headers)
        self.verifier = secrets.token_urlsafe(32)

    async def get(self, address: str) -> Page:
        return Page(await self.http.get(address))

    async def send(self, page: Page, action: str, *also: tuple[str, str], **filled: str) -> Page:
        """Send a form of the page: what it holds, with these fields filled in, and these boxes or button."""
        form = page.form(action)
        fields = [(name, filled.pop(name, value)) for name, value in form.fields]
        told = [*fields, *filled.items(), *also]
        address = urljoin(str(page.answer.url), form.action)
        origin = "/".join(address.split("/")[:3])
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Origin": origin}
        return Page(await self.http.post(address, content=urlencode(told), headers=headers))

    def request(self, **changed: Any) -> str:
        """An app's request, as an address; `...` leaves a parameter out."""
        challenge = (
            base64.urlsafe_b64encode(hashlib.sha256(self.verifier.encode()).digest()).rstrip(b"=").decode()
        )
        told: Json = {
            "response_type": "code",
            "client_id": "app",
            "redirect_uri": REDIRECT,
            "scope": SCOPE,
            "state": "st4te",
            "aud": BASE,
            "nonce": "n0nce",
            "code_challenge": challenge,
            "code_challenge_method": "S256",
            **changed,
        }
        return f"{ROOT}/auth/authorize?" + urlencode({n: v for n, v in told.items() if v is not ...})

    async def sign_in(self, page: Page, username: str = "anna", password: str = "geheim") -> Page:
        return await self.send(page, "sign-in", username=username, password=password)

    async def allow(self, page: Page, *without: str) -> Page:
        """Consent to all but these scopes."""
        boxes = [box for box in page.form("consent").boxes if box[1] not in without]
        return await self.send(page, "consent", *boxes, ("decision", "allow"))

    async def code(self, username: str = "anna", **changed: Any) -> str:
        """A code, by the shortest way."""
        page = await self.get(self.request(**changed))
        if page.shows("sign-in"):
            page = await self.sign_in(page, username)
        return (await self.allow(page)).told["code"]

    async def exchange(self, code: str, /, **changed: Any) -> httpx.Response:
        """The app's request for tokens."""
        told: Json = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": REDIRECT,
            "code_verifier": self.verifier,
            "client_id": "app",
            **changed,
        }
        form = {name: value for name, value in told.items() if value is not ...}
        return await self.http.post(f"{ROOT}/auth/token", data=form)

    async def refresh(self, token: str, **changed: Any) -> httpx.Response:
        told = {"grant_type": "refresh_token", "refresh_token": token, "client_id": "app", **changed}
        return await self.http.post(f"{ROOT}/auth/token", data=told)

"""One request of a person's browser: its cookies, its language, and how far its sign-in has come.

How far that is travels in the forms, sealed under the hub's secret and bound to the browser by a cookie. So nothing
waits in the database, nobody changes it on the way, and a form that another site made up is refused.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
import zlib
from dataclasses import asdict, dataclass, field
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from fhirhub.auth import sessions
from fhirhub.auth.exchange import NEVER_STORED, Request, Response
from fhirhub.auth.realm import Issuer
from fhirhub.auth.sealing import seal, unseal
from fhirhub.auth.sessions import Session
from fhirhub.auth.unguessable import hashed, new_token
from fhirhub.settings import Refusal
from fhirhub.web import wording
from fhirhub.web.wording import Language

if TYPE_CHECKING:
    from jinja2 import Environment

PROGRESS_SECONDS = 1800
YEAR_SECONDS = 365 * 24 * 3600
HTML = "text/html; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a sign-in has come. `request` is the authorization request, empty for the page of what was
    granted."""

    visit: str
    request: str
    started: int
    account: str | None = None
    """Who gave the right password and owes the second factor."""
    password_given: int = 0
    enrolling: str | None = None
    """The second factor that is being set up, in hexadecimal."""
    has_signed_in: bool = False
    """Whether the person signed in since the app asked."""
    has_chosen: bool = False
    """Whether the person said as whom they work."""
    patient: str | None = None
    invitation: str | None = None
    """The invitation whose code the person gave, by its id."""
    page: str = "granted"
    """The page of their own that somebody came for, where no app asked."""
    away: dict[str, str] | None = None
    """The OpenID provider that the person is sent to, with what its answer must fit."""


class StalePage(Exception):
    """A form that is not, or no longer, one of this browser's."""


@dataclass(slots=True)
class Visit:
    """The request with what belongs to its browser."""

    request: Request
    cookies: dict[str, str]
    id: str
    language: Language
    set_cookies: list[str] = field(default_factory=list)

    @property
    def issuer(self) -> Issuer:
        return self.request.issuer

    async def session(self) -> Session | None:
        return await sessions.find(self.request.realm, self.cookies.get("session"))

    def keep(self, name: str, value: str, seconds: int | None = None) -> None:
        """Set a cookie, for the session of the browser or for so long; an empty value removes it."""
        self.cookies[name] = value
        parts = urlsplit(self.issuer.url)
        secure = parts.scheme == "https"
        prefix = "__Secure-" if secure else ""
        told = f"{prefix}fhirhub-{name}={value}; Path={parts.path}; HttpOnly; SameSite=Lax"
        if secure:
            told += "; Secure"
        if not value:
            told += "; Max-Age=0"
        elif seconds is not None:
            told += f"; Max-Age={seconds}"
        self.set_cookies.append(told)

    def begin(self, raw: str, page: str = "granted") -> Progress:
        """The start of a sign-in, for an app's request or for a page of one's own."""
        return Progress(hashed(self.id), raw, self.request.realm.now, page=page)

    def sealed(self, progress: Progress) -> str:
        realm = self.request.realm
        content = zlib.compress(json.dumps(asdict(progress)).encode())
        return base64.urlsafe_b64encode(seal(realm.secret, realm.name, "progress", content)).decode()

    def progress(self, sealed: str) -> Progress:
        """What a form of this browser brought back. Raises StalePage."""
        realm = self.request.realm
        try:
            content = unseal(realm.secret, realm.name, "progress", base64.urlsafe_b64decode(sealed))
        except (Refusal, ValueError, binascii.Error):
            raise StalePage from None
        progress = Progress(**json.loads(zlib.decompress(content)))
        if not hmac.compare_digest(progress.visit, hashed(self.id)):
            raise StalePage
        if progress.started + PROGRESS_SECONDS < realm.now:
            raise StalePage
        return progress

    # -- a device on which the person signed in before --

    def known_device(self, account: str) -> bool:
        """Whether the account's person signed in with this browser before."""
        noise, _, proof = self.cookies.get("device", "").partition(".")
        return bool(noise) and hmac.compare_digest(proof, self._proof(noise, account))

    def remember_device(self, account: str) -> None:
        noise = new_token()
        self.keep("device", f"{noise}.{self._proof(noise, account)}", YEAR_SECONDS)

    def _proof(self, noise: str, account: str) -> str:
        realm = self.request.realm
        key = realm.secret.key("device", realm.name)
        return hmac.digest(key, f"{noise} {account}".encode(), "sha256").hex()

    # -- answers --

    def page(
        self,
        template: str,
        *,
        progress: Progress | None = None,
        status: int = 200,
        leads_to: str = "",
        **told: Any,
    ) -> Response:
        """A page. `leads_to` is the address to which its form may lead in the end."""

        def say(key: str, **words: object) -> str:
            return wording.text(self.language, key, **words)

        body = (
            _templates()
            .get_template(template)
            .render(
                language=self.language,
                languages=wording.LANGUAGES,
                root=self.issuer.url,
                fault=told.pop("fault", ""),
                say=say,
                progress=self.sealed(progress) if progress else "",
                **told,
            )
        )
        headers = [*NEVER_STORED.items(), ("Content-Security-Policy", _policy(leads_to))]
        headers += [
            ("X-Frame-Options", "DENY"),
            ("Content-Language", self.language),
            ("Vary", "Accept-Language"),
        ]
        return self._with_cookies(Response(status, body.encode(), HTML, headers))

    def redirect(self, address: str) -> Response:
        """To another address; by GET, whatever this request was."""
        status = 302 if self.request.method == "GET" else 303
        return self._with_cookies(Response(status, headers=[*NEVER_STORED.items(), ("Location", address)]))

    def stopped(self, key: str, detail: str = "", status: int = 400, **told: object) -> Response:
        """A page that says why it does not go on."""
        title, text = wording.text(self.language, "stopped"), wording.text(self.language, key, **told)
        return self.page("stopped.html", status=status, title=title, text=text, detail=detail)

    def _with_cookies(self, response: Response) -> Response:
        response.headers += [("Set-Cookie", told) for told in self.set_cookies]
        return response


def of(request: Request, asked_language: str = "") -> Visit:
    """The visit that this request belongs to; a browser that is new gets a name."""
    secure = request.issuer.url.startswith("https:")
    cookies = {}
    for part in request.headers.get("cookie", "").split(";"):
        name, _, value = part.strip().partition("=")
        prefix = "__Secure-fhirhub-" if secure else "fhirhub-"
        if name.startswith(prefix):
            cookies[name.removeprefix(prefix)] = value
    accepted = request.headers.get("accept-language", "")
    visit = Visit(
        request,
        cookies,
        cookies.get("visit", ""),
        wording.language(cookies.get("language"), accepted, asked_language),
    )
    if not visit.id:
        visit.id = new_token()
        visit.keep("visit", visit.id)
    return visit


def style() -> Response:
    body = resources.files("fhirhub.web").joinpath("templates/style.css").read_bytes()
    return Response(200, body, "text/css; charset=utf-8", [("Cache-Control", "public, max-age=3600")])


def _policy(leads_to: str) -> str:
    """No script, no frame, nothing from elsewhere; a form leads here, and by redirect to the app."""
    also = ""
    if leads_to:
        parts = urlsplit(leads_to)
        also = f" {parts.scheme}://{parts.netloc}" if parts.netloc else f" {parts.scheme}:"
    return f"default-src 'none'; style-src 'self'; form-action 'self'{also}; frame-ancestors 'none'; base-uri 'none'"


@cache
def _templates() -> Environment:
    import jinja2  # a start has no use for it

    return jinja2.Environment(
        loader=jinja2.PackageLoader("fhirhub.web"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )

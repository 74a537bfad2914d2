"""Asking the hub where a plan lives, as a backend client there that signs with a key of its own
(https://hl7.org/fhir/smart-app-launch/STU2.2/backend-services.html)."""

from __future__ import annotations

import contextlib
import secrets
import time
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlencode, urlsplit

from fhirhub import fetching
from fhirhub.errors import FhirError, Issue
from fhirhub.fetching import Fetched, Lines
from fhirhub.peers.rows import Peer
from fhirhub.resources import document

if TYPE_CHECKING:
    from fhirhub.auth.realm import Realm

Json = dict[str, Any]

MAX_BYTES = 16 * 1024 * 1024
SECONDS = 10.0
ASSERTION_SECONDS = 120
EARLY_SECONDS = 20
"""A token is not used any more so long before it runs out."""
FHIR = "application/fhir+json"


class Unreachable(Exception):
    """The other hub cannot be asked now; the text says why."""


class Refused(Exception):
    """The other hub refused, with that status."""

    def __init__(self, status: int, body: bytes) -> None:
        super().__init__(f"it answered {status}")
        self.status = status
        self.issues = tuple(_issues(body))
        """What it said, where it said it in an OperationOutcome."""


class Person(NamedTuple):
    """For whom the backend acts there: their Practitioner there, and their role."""

    practitioner: str
    role: str


class Homes:
    """The other hubs as one process asks them."""

    def __init__(self, allowed: tuple[str, ...]) -> None:
        self._allowed = allowed
        self._lines = Lines()
        self._tokens: dict[tuple[int, str, Person | None], tuple[float, str]] = {}
        self._endpoints: dict[str, str] = {}

    async def close(self) -> None:
        await self._lines.close()

    async def get(self, realm: Realm, peer: Peer, path: str, *, person: Person | None = None) -> Json:
        """A resource at that path below the peer's base, or at a whole address there. Raises Unreachable and
        Refused."""
        return parsed((await self.ask(realm, peer, "GET", path, person=person)).body)

    async def ask(
        self,
        realm: Realm,
        peer: Peer,
        method: str,
        path: str,
        resource: Json | None = None,
        *,
        person: Person | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Fetched:
        """The answer to a request. Raises Unreachable, and Refused for any other than 2xx."""
        url = (
            path if path.startswith((f"{peer.base}/", f"{peer.base}?")) else f"{peer.base}/{path}".rstrip("/")
        )
        body = None if resource is None else document.encode(resource)
        for again in (False, True):
            token = await self._token(realm, peer, person)
            told = {"Accept": FHIR, "Authorization": f"Bearer {token}", **(headers or {})}
            if body is not None:
                told["Content-Type"] = FHIR
            answer = await self._fetch(url, method, told, body)
            if answer.status == 401 and not again:
                # The token is not taken any more, whatever was said of its time.
                self._tokens.pop((realm.number, peer.name, person), None)
                continue
            if not 200 <= answer.status < 300:
                raise Refused(answer.status, answer.body)
            return answer
        raise AssertionError

    async def _token(self, realm: Realm, peer: Peer, person: Person | None) -> str:
        key = (realm.number, peer.name, person)
        known = self._tokens.get(key)
        if known is not None and known[0] > time.monotonic():
            return known[1]
        from fhirhub.auth import jose
        from fhirhub.auth.client_authentication import ASSERTION_TYPE
        from fhirhub.auth.keys import ACCESS

        endpoint = await self._endpoint(peer)
        now = int(time.time())
        claims: Json = {
            "iss": peer.client,
            "sub": peer.client,
            "aud": endpoint,
            "iat": now,
            "exp": now + ASSERTION_SECONDS,
            "jti": secrets.token_urlsafe(16),
        }
        level = "system"
        if person is not None:
            claims["acts_for"] = {"fhirUser": person.practitioner, "role": person.role, "purpose": "TREAT"}
            level = "user"
        form = {
            "grant_type": "client_credentials",
            "scope": f"{level}/*.cruds",
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": jose.sign(claims, await realm.keys.signing(ACCESS)),
        }
        told = {"Content-Type": "application/x-www-form-urlencoded"}
        answer = await self._fetch(endpoint, "POST", told, urlencode(form).encode())
        if answer.status != 200:
            self._endpoints.pop(peer.base, None)
            raise Refused(answer.status, answer.body)
        given = parsed(answer.body)
        until = time.monotonic() + int(given.get("expires_in", 60)) - EARLY_SECONDS
        if len(self._tokens) > 1000:
            self._tokens.clear()
        self._tokens[key] = until, str(given.get("access_token"))
        return self._tokens[key][1]

    async def _endpoint(self, peer: Peer) -> str:
        """Where the peer gives tokens, as it says itself; at its own host, or the assertion would be told to others."""
        known = self._endpoints.get(peer.base)
        if known is None:
            answer = await self._fetch(f"{peer.base}/.well-known/smart-configuration", "GET", {}, None)
            if answer.status != 200:
                raise Refused(answer.status, answer.body)
            known = str(parsed(answer.body).get("token_endpoint"))
            if urlsplit(known)[:2] != urlsplit(peer.base)[:2]:
                raise Unreachable("its token endpoint is at another host")
            self._endpoints[peer.base] = known
        return known

    async def _fetch(self, url: str, method: str, headers: Mapping[str, str], body: bytes | None) -> Fetched:
        try:
            answer = await fetching.fetch(
                url,
                self._allowed,
                method=method,
                headers=headers,
                body=body,
                max_bytes=MAX_BYTES,
                seconds=SECONDS,
                lines=self._lines,
            )
        except fetching.FetchError as fault:
            raise Unreachable(str(fault)) from None
        if answer.status >= 500 or answer.status == 429:
            raise Unreachable(f"it answered {answer.status}")
        return answer


def _issues(body: bytes) -> Iterator[Issue]:
    with contextlib.suppress(Unreachable, AttributeError, TypeError):
        for one in parsed(body).get("issue", ()):
            text = (one.get("details") or {}).get("text") or one.get("diagnostics") or "It was refused there."
            place = next(iter(one.get("expression", ())), None)
            yield Issue("error", str(one.get("code", "processing")), str(text), place)


def parsed(body: bytes) -> Json:
    """Raises Unreachable: what answers there is no hub."""
    try:
        return document.parse(body)
    except FhirError:
        raise Unreachable("it answered something else than a resource") from None

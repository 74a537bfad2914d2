"""PAGES: what the hub answers besides FHIR, for people and for those who watch over it.

They are answered without a web framework, which takes longer to load than all else together; `described` tells
the same table in OpenAPI.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from fhirhub import logs, metrics
from fhirhub.settings import Settings
from fhirhub.store.database import Database
from fhirhub.store.sql import Statement
from fhirhub.web import start

if TYPE_CHECKING:
    from fhirhub.web.guide import Shown

GUIDE = "/guide"
HTML = "text/html; charset=utf-8"
TEXT = "text/plain; charset=utf-8"
SECURED = {
    "Content-Security-Policy": start.CONTENT_SECURITY_POLICY.format(
        digest=base64.b64encode(hashlib.sha256(start.STYLE.encode()).digest()).decode()
    ),
    "X-Frame-Options": "DENY",
}
"""Of pages that browsers show."""
ALWAYS = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}
"""Of every answer here."""
NO_STANDBY = "no synchronous standby: what was acknowledged is lost with this database's disk"


class Hub(Protocol):
    """What the pages tell of."""

    @property
    def settings(self) -> Settings: ...

    @property
    def database(self) -> Database | None:
        """None while it is not open."""
        ...


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Page:
    text: str
    """What it tells, for its description."""
    media_type: str
    answer: Callable[[Hub, str, str], Awaitable[Answer]]
    """The answer of a hub that is called at this public address, to who accepts these languages."""
    statuses: Mapping[int, str]
    """Every status it can have, with what that means."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Header fields of its own."""


async def _start(hub: Hub, address: str, languages: str) -> Answer:
    return Answer(200, start.page(hub.settings, address).encode())


async def _healthz(hub: Hub, address: str, languages: str) -> Answer:
    return Answer(200, b"ok")


async def _readyz(hub: Hub, address: str, languages: str) -> Answer:
    if hub.database is None:
        return Answer(503, b"starting")
    try:
        await hub.database.fetch(Statement("SELECT 1"))
        alone = await lacks_standby(hub.database)
    except Exception as fault:
        logs.error("The database does not answer", fault)
        return Answer(503, b"the database does not answer")
    return Answer(200, f"ready\n{NO_STANDBY}".encode() if alone else b"ready")


async def lacks_standby(database: Database) -> bool:
    """Whether it is a PostgreSQL that acknowledges a write before a second machine has it."""
    return (await database.durability()).get("synchronous_standby_names") == ""


async def _metrics(hub: Hub, address: str, languages: str) -> Answer:
    if hub.database is not None:
        await hub.database.measure()
    return Answer(200, metrics.exposition())


async def _guide(hub: Hub, address: str, languages: str) -> Answer:
    from fhirhub.web import wording  # with what it takes of sign-in

    shown = _shown(f"{GUIDE}/{wording.language(None, languages)}")
    return Answer(404, b"") if shown is None else Answer(200, shown.body)


def find(path: str) -> Page | None:
    """The page at that path: of PAGES, or one below the guide's."""
    if not path.startswith(f"{GUIDE}/"):
        return PAGES.get(path)
    shown = _shown(path)
    if shown is None:
        return None
    found = Answer(200, shown.body)

    async def answer(hub: Hub, address: str, languages: str) -> Answer:
        return found

    return Page("A page of the guide.", shown.media_type, answer, {200: "The page."})


def _shown(path: str) -> Shown | None:
    from fhirhub.web import guide  # its templates are loaded when somebody asks for one of its pages

    return guide.show(path)


PAGES: Mapping[str, Page] = {
    "/": Page("What this is and where things are.", HTML, _start, {200: "The start page."}),
    GUIDE: Page(
        "The guide for people: profiles, codes, questionnaires, operations, each with a page below this one; "
        "`/guide/nl` is in Dutch, `/guide/en` in English.",
        HTML,
        _guide,
        {200: "The list of what there is, in the language that is accepted, else in Dutch."},
        {"Vary": "Accept-Language"},
    ),
    "/healthz": Page("Whether the process lives.", TEXT, _healthz, {200: "It does: `ok`."}),
    "/readyz": Page(
        "Whether the hub can answer: its database does.",
        TEXT,
        _readyz,
        {
            200: "It can: `ready`; a second line says when PostgreSQL has no synchronous standby.",
            503: "It cannot: it is starting, or the database does not answer.",
        },
    ),
    "/metrics": Page(
        "The hub's figures in the form of Prometheus.", metrics.CONTENT_TYPE, _metrics, {200: "The figures."}
    ),
}

"""create_app: the only place where the parts are joined."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import time
from collections.abc import AsyncIterator, Mapping, MutableMapping
from html import escape
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, PlainTextResponse, Response

from fhirhub import __version__, access, jobs, logs, metrics, searchparameters, tenants
from fhirhub.api.conditions import date_now
from fhirhub.api.dispatch import dispatch
from fhirhub.api.exchange import Context
from fhirhub.api.http import Door, Receive, Scope, Send
from fhirhub.api.operations import OPERATIONS
from fhirhub.api.routes import ROUTES
from fhirhub.repository import Repository
from fhirhub.settings import Settings
from fhirhub.store.sql import Statement
from fhirhub.web import start

REFRESH_SECONDS = 1.0
JOBS_SECONDS = 1.0
RULES = (searchparameters.TakeNote(),)
"""What runs inside the transaction of a write, in this order."""


def create_app(settings: Settings) -> Application:
    """The hub as an ASGI application; its database is opened when it starts."""
    return Application(settings)


class Application:
    """Sends `/fhir` and `/{tenant}/fhir` straight to the FHIR door, everything else to the pages."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.tenants: tenants.Tenants | None = None
        self._door = Door(Context(settings, ROUTES, OPERATIONS, dispatch, _now), self._repository)
        self._pages = _pages(self)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            path: str = scope["path"]
            if path[:6] == "/fhir/" or path == "/fhir" or _of_tenant(path):
                await self._door(scope, receive, send)
                return
            send = _dated(send)
        await self._pages(scope, receive, send)

    async def _repository(self, tenant: str, headers: Mapping[str, str]) -> Repository | None:
        """The tenant's store as this caller sees it; without sign-in everybody sees everything."""
        assert self.tenants is not None, "the application was not started"
        found = await self.tenants.named(tenant)
        return None if found is None else Repository(found, access.EVERYTHING)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Everything that runs as long as the application does."""
        async with tenants.open_tenants(self.settings, rules=RULES) as opened:
            self.tenants = opened
            await opened.get(tenants.DEFAULT)
            beside = [asyncio.create_task(self._refresh(opened)), asyncio.create_task(self._work_off(opened))]
            try:
                yield
            finally:
                for task in beside:
                    task.cancel()
                await asyncio.gather(*beside, return_exceptions=True)
                self.tenants = None

    async def _refresh(self, opened: tenants.Tenants) -> None:
        """Take note of what other processes changed."""
        while True:
            await asyncio.sleep(REFRESH_SECONDS)
            try:
                await opened.refresh()
            except Exception as fault:
                logs.error("The tenants' search parameters could not be read", fault)

    async def _work_off(self, opened: tenants.Tenants) -> None:
        """Do the jobs that fall due, whichever process put them there."""
        database = opened.database
        handlers = {
            searchparameters.KIND: searchparameters.handler(database, opened.parameters_of, opened.base_of)
        }
        while True:
            await asyncio.sleep(JOBS_SECONDS)
            try:
                for number in await opened.numbers():
                    await jobs.work_off(database, number, handlers)
            except Exception as fault:
                logs.error("The queue of jobs could not be read", fault)


def _dated(send: Send) -> Send:
    """The same, with the moment in every answer: the server leaves that field to the application."""

    async def sending(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [(b"date", date_now()), *message["headers"]]
        await send(message)

    return sending


def _of_tenant(path: str) -> bool:
    parts = path.split("/", 3)
    return len(parts) > 2 and parts[2] == "fhir"


def _now() -> int:
    return time.time_ns() // 1000


def _pages(application: Application) -> FastAPI:
    """What is not FHIR: for people and for machines that watch over the hub."""

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with application.running():
            yield

    settings = application.settings
    pages = FastAPI(
        title="fhirhub",
        summary="What the hub has besides FHIR",
        version=__version__,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
    )
    digest = base64.b64encode(hashlib.sha256(start.STYLE.encode()).digest()).decode()
    secured = {
        "Content-Security-Policy": start.CONTENT_SECURITY_POLICY.format(digest=digest),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
    }

    @pages.get("/", response_class=HTMLResponse)
    async def start_page(request: Request) -> HTMLResponse:
        """What this is and where things are."""
        base = settings.base_url or str(request.base_url).rstrip("/")
        return HTMLResponse(start.page(settings, base), headers=secured)

    @pages.get("/healthz", response_class=PlainTextResponse)
    async def healthz() -> str:
        """Whether the process lives."""
        return "ok"

    @pages.get("/readyz", response_class=PlainTextResponse)
    async def readyz() -> Response:
        """Whether the hub can answer: its database does."""
        if application.tenants is None:
            return PlainTextResponse("starting", 503)
        try:
            await application.tenants.database.fetch(Statement("SELECT 1"))
        except Exception as fault:
            logs.error("The database does not answer", fault)
            return PlainTextResponse("the database does not answer", 503)
        return PlainTextResponse("ready")

    @pages.get("/metrics", response_class=PlainTextResponse)
    async def figures() -> Response:
        """The hub's figures in the form of Prometheus."""
        return Response(metrics.exposition(), media_type=metrics.CONTENT_TYPE)

    @pages.get("/docs", response_class=HTMLResponse, include_in_schema=False)
    async def docs() -> HTMLResponse:
        """The addresses that are not FHIR."""
        paths = pages.openapi()["paths"]
        rows = "".join(
            f'<tr><th scope="row"><code>{method.upper()} {escape(path)}</code></th>'
            f"<td>{escape(operation.get('description', ''))}</td></tr>"
            for path, operations in paths.items()
            for method, operation in operations.items()
        )
        return HTMLResponse(
            start.document(
                "fhirhub: other addresses",
                "<h1>What the hub has besides FHIR</h1>"
                f"<table>{rows}</table>"
                '<p>As OpenAPI: <a href="/openapi.json">openapi.json</a>. The FHIR API tells its own in '
                '<a href="/fhir/metadata">/fhir/metadata</a>.</p>',
            ),
            headers=secured,
        )

    return pages

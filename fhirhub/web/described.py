"""The pages of the hub as OpenAPI, and as a page that a person can read (https://spec.openapis.org/oas/v3.1.0)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from html import escape

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, Response

from fhirhub import __version__
from fhirhub.web import start
from fhirhub.web.pages import ALWAYS, PAGES, SECURED, Hub, Page


def application(hub: Hub) -> FastAPI:
    """PAGES, with their description at /openapi.json and /docs."""
    described = FastAPI(
        title="fhirhub",
        summary="What the hub has besides FHIR",
        version=__version__,
        docs_url=None,
        redoc_url=None,
    )
    for path, page in PAGES.items():
        described.add_api_route(
            path,
            _endpoint(hub, page),
            response_class=Response,
            name=path.strip("/") or "start",
            description=page.text,
            responses={
                status: {"description": meaning, "content": {page.media_type.partition(";")[0]: {}}}
                for status, meaning in page.statuses.items()
            },
        )

    @described.get("/docs", response_class=HTMLResponse, include_in_schema=False)
    async def docs() -> HTMLResponse:
        return HTMLResponse(_docs(), headers=ALWAYS | SECURED)

    return described


def _endpoint(hub: Hub, page: Page) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        languages = request.headers.get("accept-language", "")
        answer = await page.answer(hub, str(request.base_url).rstrip("/"), languages)
        return Response(answer.body, answer.status, page.headers, page.media_type)

    return endpoint


def _docs() -> str:
    rows = "".join(
        f'<tr><th scope="row"><code>GET {escape(path)}</code></th><td>{escape(page.text)}</td></tr>'
        for path, page in PAGES.items()
    )
    return start.document(
        "fhirhub: other addresses",
        "<h1>What the hub has besides FHIR</h1>"
        f"<table>{rows}</table>"
        '<p>As OpenAPI: <a href="/openapi.json">openapi.json</a>. The FHIR API tells its own in '
        '<a href="/fhir/metadata">/fhir/metadata</a>.</p>',
    )

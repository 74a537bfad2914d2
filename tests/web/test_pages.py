"""The hub's pages besides FHIR: answered as they are described, and without the web framework."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from fhirhub import settings
from fhirhub.app import Application, create_app
from fhirhub.store.database import Database
from fhirhub.web import start
from fhirhub.web.described import application
from fhirhub.web.pages import NO_STANDBY, PAGES, lacks_standby

ROOT = "http://hub.test"


@pytest.fixture
def app(database_url: str, tmp_path: Path) -> Application:
    return create_app(
        settings.read({}, database=database_url, secret_file=tmp_path / "hub.secret", auth="none")
    )


def _client(app: Any) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=ROOT)


async def test_every_page_is_answered_as_it_is_described(app: Application) -> None:
    async with app.running(), _client(app) as client, _client(application(app)) as told:
        described = (await client.get("/openapi.json")).json()["paths"]
        assert described.keys() == PAGES.keys()
        for path, methods in described.items():
            assert methods.keys() == {"get"}
            answer = await client.get(path)
            content = methods["get"]["responses"][str(answer.status_code)]["content"]
            assert content.keys() == {answer.headers["content-type"].partition(";")[0]}
            again = await told.get(path)
            assert (again.status_code, again.headers["content-type"]) == (
                answer.status_code,
                answer.headers["content-type"],
            )
            assert "date" in answer.headers


async def test_readiness_that_is_not_there_is_described(app: Application) -> None:
    async with _client(app) as client:
        answer = await client.get("/readyz")
        described = (await client.get("/openapi.json")).json()["paths"]["/readyz"]["get"]["responses"]
    assert answer.status_code == 503
    assert str(answer.status_code) in described


async def test_head_of_a_page_has_its_header_fields_alone(app: Application) -> None:
    async with app.running(), _client(app) as client:
        for path in PAGES:
            answer = await client.head(path)
            assert answer.status_code == 200
            assert answer.content == b""
            assert int(answer.headers["content-length"]) > 0


async def test_a_page_cannot_be_written_to(app: Application) -> None:
    async with _client(app) as client:
        answer = await client.post("/healthz")
        assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")


async def test_readiness_tells_that_postgresql_has_no_synchronous_standby(
    app: Application, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with app.running(), _client(app) as client:
        assert app.database is not None
        alone = await lacks_standby(app.database)
        assert alone == (not app.settings.is_sqlite)
        answer = await client.get("/readyz")
        assert answer.status_code == 200
        assert answer.text == (f"ready\n{NO_STANDBY}" if alone else "ready")

        async def with_standby() -> dict[str, str]:
            return {"synchronous_standby_names": "FIRST 1 (two)"}

        monkeypatch.setattr(app.database, "durability", with_standby)
        assert (await client.get("/readyz")).text == "ready"


def test_start_page_leads_to_no_data_that_a_browser_is_refused() -> None:
    for auth, leads in (("none", True), ("smart", False)):
        page = start.page(settings.read({}, auth=auth), ROOT)
        assert ('href="/fhir/Patient"' in page) is leads
        assert ('href="/auth/granted"' in page) is not leads


async def test_start_page_names_the_address_by_which_it_was_called(app: Application) -> None:
    async with _client(app) as client:
        assert f"{ROOT}/fhir/metadata" in (await client.get("/")).text
        assert f"{ROOT}/fhir" not in (await client.get("/", headers={"Host": '"><script>'})).text
        assert "<script" not in (await client.get("/", headers={"Host": '"><script>'})).text


def test_hub_serves_without_loading_what_it_does_not_need() -> None:
    """A second start takes less than a second because of it."""
    code = (
        "import sys, fhirhub.serving\n"
        "print([name for name in ('fastapi', 'pydantic', 'sqlmodel', 'sqlalchemy', 'alembic', 'fhir', "
        "'prometheus_client', 'rich', 'email.message', 'cryptography', 'jose', 'argon2', 'httpcore', 'fpdf') "
        "if name in sys.modules])"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"

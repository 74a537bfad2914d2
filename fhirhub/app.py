"""create_app: the only place where the parts are joined."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from typing import TYPE_CHECKING, Any

from fhirhub import access, careplan, conformance, jobs, logs, peers, searchparameters, tenants
from fhirhub.api.address import Bases
from fhirhub.api.conditions import date_now
from fhirhub.api.dispatch import dispatch
from fhirhub.api.exchange import Context, Headers
from fhirhub.api.http import HTTPS_ONLY, Door, Receive, Scope, Send
from fhirhub.api.operations import OPERATIONS
from fhirhub.api.routes import ROUTES
from fhirhub.audit.provenance import TellWho
from fhirhub.audit.recording import Recorder
from fhirhub.auth.policy import Policy
from fhirhub.auth.principal import Principal
from fhirhub.auth.revocation import Mark
from fhirhub.errors import FhirError
from fhirhub.repository import Repository, Rule, Tenant
from fhirhub.settings import Settings
from fhirhub.store import reindex
from fhirhub.store.database import Database
from fhirhub.store.turn import Turn
from fhirhub.subscriptions.delivery import Delivery
from fhirhub.web import binding, pages, peering
from fhirhub.web.pages import ALWAYS, HTML, SECURED, TEXT

if TYPE_CHECKING:
    from fhirhub.peers.viewing import Peers
    from fhirhub.web.smart import Smart

REFRESH_SECONDS = 1.0
JOBS_SECONDS = 1.0
DESCRIBED = ("/docs", "/openapi.json")
"""What needs the web framework, which is loaded when somebody asks for one of them."""
OF_CALLERS: tuple[Rule, ...] = (*careplan.RULES, TellWho())
"""What is about who acts."""
RULES: tuple[Rule, ...] = (searchparameters.TakeNote(), conformance.MoveMark(), *OF_CALLERS)
"""What runs inside the transaction of a write, in this order; last, and of each application, who is notified of it
(`subscriptions.matching`)."""


def create_app(settings: Settings, mark: Mark | None = None, turn: Turn | None = None) -> Application:
    """The hub as an ASGI application; its database is opened when it starts. `mark` is what the workers of one
    hub share to tell each other what was revoked, `turn` this one's turn to write."""
    return Application(settings, mark or Mark(), turn)


def load(settings: Settings) -> None:
    """Load what an application of these settings loads when it is made, so that the processes forked from this one
    share it."""
    if settings.auth == "smart":
        import fhirhub.web.smart  # noqa: F401


class Application:
    """Sends `/fhir` and `/{tenant}/fhir` to the FHIR door, and answers everything else as a page."""

    def __init__(self, settings: Settings, mark: Mark, turn: Turn | None = None) -> None:
        self.settings = settings
        self._turn = turn
        self.tenants: tenants.Tenants | None = None
        self.delivery = Delivery(settings)
        self._bases = Bases(settings)
        self.smart = self._sign_in(mark) if settings.auth == "smart" else None
        registered = self.smart.is_registered if self.smart else lambda origin: False
        self.peers = self._peers() if self.smart else None
        context = Context(settings, ROUTES, OPERATIONS, dispatch, _now, peers=self.peers)
        self._door = Door(context, self._admit, registered)
        self._described: asyncio.Task[Callable[[Scope, Receive, Send], Awaitable[None]]] | None = None

    @property
    def database(self) -> Database | None:
        return None if self.tenants is None else self.tenants.database

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        path: str = scope["path"]
        if scope["type"] == "websocket":
            await binding.serve(path, receive, send, self._tenant, self.delivery)
            return
        if self.smart is not None and ("/auth/" in path or "/.well-known/" in path):
            await self.smart.door(scope, receive, self._dated(send))
        elif self.peers is not None and peers.PATH in path:
            await peering.serve(scope, receive, self._dated(send), self._tenant, self.peers.heard)
        elif path[:6] == "/fhir/" or path == "/fhir" or _of_tenant(path):
            await self._door(scope, receive, send)
        elif path in DESCRIBED:
            if self._described is None:
                self._described = asyncio.create_task(asyncio.to_thread(self._describe))
            await (await asyncio.shield(self._described))(scope, receive, self._dated(send))
        else:
            await self._show(path, scope, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        """Run from the server's start to its end."""
        await receive()
        started = False
        try:
            async with self.running():
                await send({"type": "lifespan.startup.complete"})
                started = True
                await receive()
        except Exception as fault:
            logs.error("The hub could not end in good order" if started else "The hub could not start", fault)
            await send({"type": f"lifespan.{'shutdown' if started else 'startup'}.failed"})
        else:
            await send({"type": "lifespan.shutdown.complete"})

    async def _show(self, path: str, scope: Scope, send: Send) -> None:
        """Answer the page at that path, or that there is none."""
        page = pages.find(path)
        headers = {"Content-Type": TEXT, **ALWAYS}
        if page is None:
            status, body = 404, b"Nothing is here; / says what is where."
        elif scope["method"] not in ("GET", "HEAD"):
            status, body = 405, b"This page can be read only."
            headers["Allow"] = "GET, HEAD"
        else:
            accepted = (value for name, value in scope["headers"] if name == b"accept-language")
            languages = b",".join(accepted).decode("latin-1")
            answer = await page.answer(self, self._address(scope), languages)
            headers |= page.headers
            status, body = answer.status, answer.body
            headers["Content-Type"] = page.media_type
            if page.media_type == HTML:
                headers |= SECURED
        headers["Content-Length"] = str(len(body))
        fields = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
        await self._dated(send)({"type": "http.response.start", "status": status, "headers": fields})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})

    def _dated(self, send: Send) -> Send:
        """The same, with the moment in every answer, which the server leaves to the application, and that the hub is
        reached by https alone where that is so."""
        always = [(b"strict-transport-security", HTTPS_ONLY)] if self.settings.is_https_only else []

        async def sending(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [(b"date", date_now()), *always, *message["headers"]]
            await send(message)

        return sending

    def _address(self, scope: Scope) -> str:
        """The public address by which the hub is called."""
        try:
            return self._bases.of(scope, dict(scope["headers"]), tenants.DEFAULT).removesuffix("/fhir")
        except FhirError:
            return self.settings.public_url

    def _describe(self) -> Callable[[Scope, Receive, Send], Awaitable[None]]:
        from fhirhub.web.described import application

        return application(self)

    def _sign_in(self, mark: Mark) -> Smart:
        # What signs and verifies takes as long to load as all else: only where it is used.
        from fhirhub.web.smart import Smart

        return Smart(self.settings, self._bases, mark, time.time, self._tenant, Policy(self.settings).access)

    def _peers(self) -> Peers:
        from fhirhub.peers.viewing import Peers

        assert self.smart is not None
        return Peers(self.settings, self.smart.realm)

    async def _tenant(self, name: str) -> Tenant | None:
        assert self.tenants is not None, "the application was not started"
        return await self.tenants.named(name)

    async def _admit(
        self, tenant: str, headers: Headers, base: str, path: tuple[str, ...], source: Callable[[], str]
    ) -> tuple[Repository, Principal | None] | None:
        """The tenant's store as this caller sees it; without sign-in everybody sees everything."""
        found = await self._tenant(tenant)
        if found is None:
            return None
        if self.smart is None:
            return Repository(found, access.EVERYTHING), None
        return await self.smart.admit(found, headers, base, path, source)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Everything that runs as long as the application does."""
        # Where nobody signs in, nobody acts: the rules of shared care would only hold up plain writes.
        rules = RULES if self.smart is not None else tuple(one for one in RULES if one not in OF_CALLERS)
        recorder = Recorder() if self.settings.is_audited else None
        rules = (*rules, self.delivery.notify)
        opening = tenants.open_tenants(self.settings, rules=rules, recorder=recorder, turn=self._turn)
        async with opening as opened:
            self.tenants = opened
            if self.smart is not None:
                self.smart.secret = opened.secret
                await self.smart.refresh(opened.database)
            await opened.get(tenants.DEFAULT)
            beside = [
                asyncio.create_task(self._refresh(opened)),
                asyncio.create_task(self._work_off(opened)),
            ]
            if self.peers is not None:
                beside.append(asyncio.create_task(self.peers.run(opened.every)))
            notifying = asyncio.create_task(self.delivery.run(opened.every))
            await asyncio.sleep(0)  # it has begun, so that it can be stopped
            try:
                yield
            finally:
                self.delivery.stop()
                await notifying
                for task in beside:
                    task.cancel()
                await asyncio.gather(*beside, return_exceptions=True)
                if self.smart is not None:
                    await self.smart.tell_counted(all=True)
                self.tenants = None

    async def _refresh(self, opened: tenants.Tenants) -> None:
        """Take note of what other processes changed."""
        while True:
            await asyncio.sleep(REFRESH_SECONDS)
            try:
                await opened.refresh()
                await opened.database.measure()
                if self.smart is not None:
                    await self.smart.refresh(opened.database)
            except Exception as fault:
                logs.error("The tenants' search parameters and profiles could not be read", fault)

    async def _work_off(self, opened: tenants.Tenants) -> None:
        """Do the jobs that fall due, whichever process put them there."""
        database = opened.database
        handlers = {
            reindex.KIND: searchparameters.handler(database, opened.parameters_of, opened.base_of),
            **{kind: _as_hub(opened, work) for kind, work in careplan.JOBS.items()},
        }
        while True:
            await asyncio.sleep(JOBS_SECONDS)
            try:
                for number in await opened.numbers():
                    await jobs.work_off(database, number, handlers)
            except Exception as fault:
                logs.error("The queue of jobs could not be read", fault)


def _as_hub(opened: tenants.Tenants, work: careplan.Handler) -> Callable[[jobs.Job], Awaitable[None]]:
    """What does a job of shared care, with the hub's own Repository."""

    async def run(job: jobs.Job) -> None:
        tenant = await opened.numbered(job.tenant)
        await work(Repository(tenant, access.HUB), job.content)

    return run


def _of_tenant(path: str) -> bool:
    parts = path.split("/", 3)
    return len(parts) > 2 and parts[2] == "fhir"


def _now() -> int:
    return time.time_ns() // 1000

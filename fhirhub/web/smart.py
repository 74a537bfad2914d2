"""Sign-in for a whole process: the authorization server of each tenant, and the caller that a token tells of."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from fhirhub.access import Access
from fhirhub.api.address import Bases
from fhirhub.audit import recording
from fhirhub.audit.repeating import Repeats
from fhirhub.auth import clients, permission, permits, providers
from fhirhub.auth.endpoints import Server
from fhirhub.auth.jose import TokenError
from fhirhub.auth.people import Opens
from fhirhub.auth.principal import Principal
from fhirhub.auth.realm import Issuer, Realm
from fhirhub.auth.revocation import Mark
from fhirhub.errors import FhirError
from fhirhub.repository import Repository, Tenant
from fhirhub.resources import definitions
from fhirhub.secrets import Secret
from fhirhub.settings import Settings
from fhirhub.store.database import Database
from fhirhub.store.sql import Statement
from fhirhub.web.door import AuthDoor
from fhirhub.web.flow import Ways

FORGET_SECONDS = 3600.0
PUBLIC = ("metadata",)
"""What is told to everybody, so that an app finds out how to sign in."""


class Smart:
    """The realms of a process, each opened once. `find` gives a tenant, None where there is none."""

    def __init__(
        self,
        settings: Settings,
        bases: Bases,
        mark: Mark,
        clock: Callable[[], float],
        find: Callable[[str], Awaitable[Tenant | None]],
        opens: Opens,
    ) -> None:
        self._settings = settings
        self._mark = mark
        self._clock = clock
        self._find = find
        self._server = Server()
        self._realms: dict[str, Realm] = {}
        self._forgotten = 0.0
        self._origins: frozenset[str] = frozenset()
        self._clients: tuple[Any, ...] = ()
        self._repeats = Repeats(clock)
        self.secret: Secret | None = None
        """Set when the database is open."""
        self.ways = Ways(opens, providers.read(settings.openid_providers))
        self.door = AuthDoor(bases, self._server, self.realm, self.ways)

    async def realm(self, name: str) -> Realm | None:
        """The authorization server of that tenant; None where there is no such tenant."""
        realm = self._realms.get(name)
        if realm is None:
            tenant = await self._find(name)
            if tenant is None:
                return None
            realm = self._realms.setdefault(name, self._opened(tenant))
        return realm

    def _opened(self, tenant: Tenant) -> Realm:
        assert self.secret is not None, "the application was not started"
        return Realm(tenant, self.secret, self._settings, self._mark, self._clock)

    async def admit(
        self,
        tenant: Tenant,
        headers: Mapping[str, Any],
        base: str,
        path: tuple[str, ...],
        source: Callable[[], str],
    ) -> tuple[Repository, Principal | None]:
        """The store as the bearer of this request's token sees it, and who that is; `source` tells the address
        that the request came from.

        Raises `login` 401 for a request without a token, or with one that is not taken here.
        """
        if path == PUBLIC:
            return Repository(tenant, Access()), None
        scheme, _, token = (headers.get("authorization") or "").partition(" ")
        token = token.strip()
        if scheme.lower() != "bearer" or not token:
            raise permission.no_token()
        realm = self._realms.get(tenant.name)
        if realm is None:
            realm = self._realms.setdefault(tenant.name, self._opened(tenant))
        bearers = self._server.bearers(realm)
        verified = bearers.known(token, base)
        if verified is None:
            try:
                verified = await bearers.verify(Issuer(realm, base), token)
            except TokenError as fault:
                await self._log_refusal(realm, path, source())
                raise permission.bad_token(str(fault)) from None
        principal = verified.principal
        try:
            return Repository(tenant, await self.ways.opens(tenant, principal)), principal
        except FhirError:
            await self._log_refusal(realm, path, source())
            raise

    async def _log_refusal(self, realm: Realm, path: tuple[str, ...], source: str) -> None:
        """Keep in the log that a token was not taken, and what was asked with it."""
        if realm.tenant.recorder is None:
            return
        detail = {"source": source} if source else {}
        entry = recording.event("token-not-taken", "4", recording.NOBODY, **detail)
        if len(path) > 1 and definitions.is_resource_type(path[0]):
            patient = path[1] if path[0] == "Patient" else None
            entry = entry._replace(type=path[0], target=path[1], patient=patient)
        told = self._repeats.count(realm.name, source, entry)
        if told is not None:
            await realm.database.log(realm.number, [told])

    async def tell_counted(self, *, all: bool = False) -> None:
        """Keep in the log how many refusals were only counted; of all, before the end."""
        for name, entry in self._repeats.due(all=all):
            realm = self._realms[name]
            await realm.database.log(realm.number, [entry])

    def is_registered(self, origin: str) -> bool:
        """Whether a registered app is at this origin, in any tenant."""
        return origin in self._origins

    async def refresh(self, database: Database) -> None:
        """Take note of what other machines and commands registered or revoked, and now and then drop what
        expired."""
        rows = await database.fetch(Statement("SELECT COUNT(*), MAX(created) FROM auth_client"))
        if (state := tuple(rows[0])) != self._clients:
            self._origins = await clients.origins(database)
            self._clients = state
        await self.tell_counted()
        due = self._clock() - self._forgotten >= FORGET_SECONDS
        for realm in list(self._realms.values()):
            await realm.revocations.look()
            if due:
                await permits.forget(realm)
        if due:
            self._forgotten = self._clock()

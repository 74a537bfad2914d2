"""The tenants (regions or care groups) of one database: added, listed, and opened for use.

The tenant `default` is served at `/fhir`, every other at `/{name}/fhir`; nothing crosses from one to another.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fhirhub import repository
from fhirhub.repository import Keys, Recorder, Rule, Tenant
from fhirhub.secrets import Secret, open_secret, secret_path
from fhirhub.settings import Refusal, Settings
from fhirhub.store.database import Database
from fhirhub.store.index.parameters import Parameters
from fhirhub.store.opening import open_database
from fhirhub.store.sql import Statement
from fhirhub.store.turn import Turn
from fhirhub.terminology.outside import Outside

DEFAULT = "default"
FIRST = 1
"""The number of the default tenant; 0 is the hub itself."""

ROUTES = frozenset(
    {
        "admin", "api", "assets", "auth", "docs", "fhir", "guide", "healthz", "launch", "login", "logout",
        "metadata", "metrics", "openapi", "peers", "plan", "readyz", "redoc", "static", "subscriptions", "web",
        "well-known",
    }
)  # fmt: skip
"""First words of paths that mean something else, now or to come."""

UNKNOWN_SECONDS = 1.0
"""How long a name that is no tenant is taken to be none."""

_NAME = re.compile(r"[a-z][a-z0-9-]{0,62}")

LEAST_TIMEOUT_MS = 1000
"""What PostgreSQL gives every statement, writes too, however short the searches are to be."""


class TenantError(Refusal):
    """A tenant that cannot be, or is not there; the text says what would be right."""


class Tenants:
    """The tenants of one open database, each opened once."""

    def __init__(
        self,
        database: Database,
        secret: Secret | None,
        settings: Settings,
        rules: tuple[Rule, ...] = (),
        recorder: Recorder | None = None,
    ) -> None:
        self.database = database
        self.secret = secret
        self._settings = settings
        self._address = settings.public_url
        self._rules = rules
        self._recorder = recorder
        self._open: dict[str, Tenant] = {}
        self._unknown: dict[str, float] = {}
        self._outside = (
            Outside(settings.terminology_server, settings.terminology_timeout_ms / 1000)
            if settings.terminology_server
            else None
        )

    async def named(self, name: str) -> Tenant | None:
        """The tenant of that name; None where there is none."""
        tenant = self._open.get(name)
        if tenant is None and self._unknown.get(name, 0.0) < time.monotonic():
            tenant = await self._find(name)
            if tenant is None:
                if len(self._unknown) > 1000:
                    self._unknown.clear()
                self._unknown[name] = time.monotonic() + UNKNOWN_SECONDS
            else:
                # Another request may have opened it meanwhile: all of them share one.
                tenant = self._open.setdefault(name, tenant)
        return tenant

    async def get(self, name: str) -> Tenant:
        """The tenant of that name. Raises TenantError where there is none."""
        tenant = await self.named(name)
        if tenant is None:
            raise TenantError(
                f"There is no tenant `{name}`; there are {', '.join(await self.names())}. "
                "`fhirhub tenants add` makes one."
            )
        return tenant

    async def numbered(self, number: int) -> Tenant:
        """The tenant of that number, which is there."""
        rows = await self.database.fetch(
            Statement("SELECT name FROM tenant WHERE tenant = $1", (number,), ("int",))
        )
        return await self.get(str(rows[0][0]))

    async def every(self) -> dict[int, Tenant]:
        """All of them by number."""
        found = [await self.get(name) for name in await self.names()]
        return {tenant.number: tenant for tenant in found}

    async def names(self) -> list[str]:
        """Every tenant, in the order in which they were added."""
        rows = await self.database.fetch(Statement("SELECT name FROM tenant ORDER BY tenant"))
        return [str(row[0]) for row in rows]

    async def base_of(self, number: int) -> str:
        """The base URL of the tenant of that number."""
        rows = await self.database.fetch(
            Statement("SELECT name FROM tenant WHERE tenant = $1", (number,), ("int",))
        )
        return self._base(str(rows[0][0]))

    async def note_address(self) -> None:
        """Keep where this hub is served, for commands that run beside it."""
        await self.database.execute(
            Statement(
                "INSERT INTO instance (tenant, name, value) VALUES ($1, $2, $3) "
                "ON CONFLICT (tenant, name) DO UPDATE SET value = $3",
                (0, "address", self._settings.public_url),
                ("int", "text", "text"),
            )
        )

    async def find_address(self) -> None:
        """Take the hub to be where it was last served, unless the settings say where it is."""
        if self._settings.base_url is None:
            rows = await self.database.fetch(
                Statement(
                    "SELECT value FROM instance WHERE tenant = $1 AND name = $2",
                    (0, "address"),
                    ("int", "text"),
                )
            )
            self._address = str(rows[0][0]) if rows else self._address

    def _base(self, name: str) -> str:
        return self._address + ("/fhir" if name == DEFAULT else f"/{name}/fhir")

    async def numbers(self) -> list[int]:
        """The number of every tenant."""
        rows = await self.database.fetch(Statement("SELECT tenant FROM tenant ORDER BY tenant"))
        return [int(row[0]) for row in rows]

    async def add(self, name: str) -> None:
        """Make a tenant. Raises TenantError for a name that cannot be or is taken."""
        if not _NAME.fullmatch(name):
            raise TenantError(
                f"`{name}` cannot be a tenant's name: that is a small letter, then at most 62 small letters, "
                "digits and `-`"
            )
        if name in ROUTES:
            raise TenantError(f"`{name}` cannot be a tenant's name: /{name} is a path of the hub itself")
        made = await self.database.execute(
            Statement(
                "INSERT INTO tenant (tenant, name, created) SELECT MAX(tenant) + 1, $1, $2 FROM tenant "
                "HAVING COUNT(CASE WHEN name = $1 THEN 1 END) = 0",
                (name, repository.now()),
                ("text", "bigint"),
            )
        )
        if made == 0:
            raise TenantError(f"There is a tenant `{name}` already")

    async def refresh(self) -> None:
        """Take note of search parameters, profiles and their like that others changed in the tenants in use."""
        for tenant in list(self._open.values()):
            parameters = await self.parameters_of(tenant.number)
            if parameters.generation != tenant.parameters.generation:
                tenant.parameters = parameters
            if tenant.conformance.is_used:
                await tenant.conformance.refresh()

    async def _find(self, name: str) -> Tenant | None:
        rows = await self.database.fetch(
            Statement("SELECT tenant FROM tenant WHERE name = $1", (name,), ("text",))
        )
        if not rows:
            return None
        number = int(rows[0][0])
        tenant = Tenant(
            number=number,
            name=name,
            database=self.database,
            parameters=await self.parameters_of(number),
            keys=Keys(self.database, number),
            integrity=self._settings.referential_integrity,
            care_providers=frozenset(self._settings.care_providers),
            fetch_allow=self._settings.fetch_allow,
            consent_check=self._settings.consent_check,
            draft_days=self._settings.draft_days,
            home_watch=self._settings.home_watch or self._settings.demo,
            home_watch_accept_seconds=self._settings.home_watch_accept_minutes * 60,
            cursor_key=self.secret.key("cursor", name) if self.secret else b"",
            search_seconds=self._settings.statement_timeout_ms / 1000,
            bases=(self._base(name),),
            rules=self._rules,
            recorder=self._recorder,
        )
        tenant.library.outside = self._outside
        return tenant

    async def parameters_of(self, number: int) -> Parameters:
        """R4's search parameters and the tenant's own; those still being indexed are known as such."""
        rows = await self.database.fetch(
            Statement(
                "SELECT body, state FROM custom_parameter WHERE tenant = $1 AND state <> 'gone' ORDER BY id",
                (number,),
                ("int",),
            )
        )
        resources = [(json.loads(body), state) for body, state in rows]
        waiting = [resource["url"] for resource, state in resources if state == "waiting"]
        return Parameters([resource for resource, _ in resources], waiting)


@asynccontextmanager
async def open_tenants(
    settings: Settings,
    *,
    with_secret: bool = True,
    rules: tuple[Rule, ...] = (),
    recorder: Recorder | None = None,
    turn: Turn | None = None,
) -> AsyncIterator[Tenants]:
    """The database of these settings with its secret and its tenants, `default` made where it is lacking.

    `rules` run inside every write, and `recorder` makes the log. Raises SecretError where the hub's secret is not
    the database's; work that signs and logs nothing needs no secret. Of several workers each writes when it is its
    `turn`.
    """
    database = open_database(
        settings.database,
        connections=settings.database_connections,
        statement_timeout_ms=settings.statement_timeout_ms
        if settings.is_sqlite
        else max(settings.statement_timeout_ms, LEAST_TIMEOUT_MS),
        read_url=settings.read_database,
        turn=turn,
        log_folder=settings.audit_folder,
    )
    try:
        secret = await _secret(settings, database) if with_secret else None
        if secret is not None:
            database.sealer.take(secret.key("audit"))
        await database.execute(
            Statement(
                "INSERT INTO tenant (tenant, name, created) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
                (FIRST, DEFAULT, repository.now()),
                ("int", "text", "bigint"),
            )
        )
        yield Tenants(database, secret, settings, rules, recorder)
    finally:
        await database.close()


async def _secret(settings: Settings, database: Database) -> Secret:
    async def stored() -> str | None:
        rows = await database.fetch(
            Statement(
                "SELECT value FROM instance WHERE tenant = $1 AND name = $2", (0, "secret"), ("int", "text")
            )
        )
        return str(rows[0][0]) if rows else None

    async def store(check_value: str) -> None:
        await database.execute(
            Statement(
                "INSERT INTO instance (tenant, name, value) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
                (0, "secret", check_value),
                ("int", "text", "text"),
            )
        )

    return await open_secret(secret_path(settings), stored, store)

"""Realm: one tenant's authorization server, with what its requests share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from fhirhub.auth.keys import Keys
from fhirhub.auth.revocation import Mark, Revocations
from fhirhub.repository import Tenant
from fhirhub.secrets import Secret
from fhirhub.settings import Settings
from fhirhub.store.sql import Kind, Row, Statement


class Writer(Protocol):
    """A database, or a transaction under way."""

    async def fetch(self, statement: Statement) -> list[Row]: ...

    async def execute(self, statement: Statement) -> int: ...


class Realm:
    """Keys, clients, accounts and grants of one tenant. `clock` gives seconds since 1970 UTC."""

    def __init__(
        self,
        tenant: Tenant,
        secret: Secret,
        settings: Settings,
        mark: Mark,
        clock: Callable[[], float],
    ) -> None:
        self.tenant = tenant
        self.number = tenant.number
        self.name = tenant.name
        self.database = tenant.database
        self.secret = secret
        self.settings = settings
        self.clock = clock
        self.keys = Keys(tenant.database, tenant.number, tenant.name, secret, clock)
        self.revocations = Revocations(tenant.database, tenant.number, mark, clock)

    @property
    def now(self) -> int:
        return int(self.clock())

    async def rows(self, sql: str, *values: Any) -> list[Row]:
        """The rows of a SELECT in which `$1` is the tenant."""
        return await self.database.fetch(self.statement(sql, *values))

    async def change(self, sql: str, *values: Any, writer: Writer | None = None) -> int:
        """Runs a statement in which `$1` is the tenant; how many rows it touched."""
        return await (writer or self.database).execute(self.statement(sql, *values))

    def statement(self, sql: str, *values: Any) -> Statement:
        return Statement(sql, (self.number, *values), ("int", *map(_kind, values)))


def _kind(value: Any) -> Kind:
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int):
        return "bigint"
    return "bytea" if isinstance(value, bytes) else "text"


@dataclass(frozen=True, slots=True)
class Issuer:
    """A realm as it is called from outside. `base` is the FHIR base, such as `https://hub.example.nl/fhir`."""

    realm: Realm
    base: str

    @property
    def root(self) -> str:
        """The address before `/fhir` and `/auth`."""
        return self.base.removesuffix("/fhir")

    @property
    def url(self) -> str:
        """The issuer's identifier: `iss` in tokens and answers (OpenID Connect Core, 2; RFC 9207)."""
        return self.root + "/auth"

    def at(self, path: str) -> str:
        """The address of an endpoint, such as `at("token")`."""
        return f"{self.url}/{path}"

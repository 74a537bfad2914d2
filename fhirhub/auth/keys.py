"""The keys a tenant signs with: made at its first use, sealed at rest, rotated without downtime.

A new key is published a minute before it signs, and an old one as long as what it signed may be read.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import dataclass

from fhirhub.auth import jose
from fhirhub.auth.jose import Json, SigningKey, VerifyingKey
from fhirhub.auth.sealing import seal, unseal
from fhirhub.secrets import Secret
from fhirhub.store.database import Database, Transaction
from fhirhub.store.sql import Statement

ACCESS = "ES384"
"""What access tokens are signed with."""
IDENTITY = "RS256"
"""What id_tokens are signed with (OpenID Connect Core, 15.1)."""
NOTICE_SECONDS = 60
"""How long a new key is published before it signs."""
KEPT_SECONDS = 24 * 3600
"""How long a key that signs no more is published."""
LOOK_SECONDS = 15
"""How often the keys are read again, so that a new one is known everywhere before it signs."""


@dataclass(frozen=True, slots=True)
class _Known:
    key: SigningKey
    active: int
    retired: int | None


class Keys:
    """One tenant's keys, read from the database and built once."""

    def __init__(
        self, database: Database, tenant: int, name: str, secret: Secret, clock: Callable[[], float]
    ) -> None:
        self._database = database
        self._tenant = tenant
        self._name = name
        self._secret = secret
        self._clock = clock
        self._known: dict[str, _Known] = {}
        self._read = 0.0
        self._reading = asyncio.Lock()

    async def signing(self, algorithm: str) -> SigningKey:
        """The key that signs now."""
        await self._look()
        now = self._clock()
        able = [one for one in self._standing() if one.key.algorithm == algorithm and one.active <= now]
        return max(able, key=lambda one: one.active).key

    async def published(self) -> list[Json]:
        """The public keys, as `jwks` shows them."""
        await self._look()
        return [one.key.public_jwk for one in self._standing()]

    async def verifying(self, algorithm: str) -> list[VerifyingKey]:
        """The public keys that verify what was signed here."""
        await self._look()
        return [one.key.verifying() for one in self._standing() if one.key.algorithm == algorithm]

    async def rotate(self, at_once: bool = False) -> None:
        """Make new keys, which sign after NOTICE_SECONDS. `at_once` retires the old ones this moment: what
        they signed is no longer taken."""
        now = int(self._clock())
        fresh = await self._fresh()

        async def work(unit: Transaction) -> None:
            active = now if at_once else now + NOTICE_SECONDS
            retired = now if at_once else active + KEPT_SECONDS
            await unit.execute(
                Statement(
                    "UPDATE auth_key SET retired = $2 WHERE tenant = $1 AND (retired IS NULL OR retired > $2)",
                    (self._tenant, retired),
                    ("int", "bigint"),
                )
            )
            await unit.execute(
                Statement(
                    "DELETE FROM auth_key WHERE tenant = $1 AND retired <= $2",
                    (self._tenant, now),
                    ("int", "bigint"),
                )
            )
            await self._add(unit, fresh, now, active)

        await self._database.transaction(work)
        self._read = 0.0

    async def reread(self) -> None:
        """Read the keys again: a token names one that is not known, or not yet."""
        if self._clock() - self._read >= 1:
            self._read = 0.0
            await self._look()

    async def _look(self) -> None:
        if self._known and self._clock() - self._read < LOOK_SECONDS:
            return
        async with self._reading:
            if self._known and self._clock() - self._read < LOOK_SECONDS:
                return
            await self._take_in()
            if not self._known:
                fresh = await self._fresh()

                async def work(unit: Transaction) -> None:
                    await self._make_first(unit, fresh)

                await self._database.transaction(work)
                await self._take_in()

    async def _take_in(self) -> None:
        rows = await self._database.fetch(
            Statement(
                "SELECT kid, algorithm, active, retired, sealed FROM auth_key WHERE tenant = $1",
                (self._tenant,),
                ("int",),
            )
        )
        known = {}
        for kid, algorithm, active, retired, sealed in rows:
            old = self._known.get(kid)
            key = old.key if old else await asyncio.to_thread(self._built, kid, algorithm, bytes(sealed))
            known[str(kid)] = _Known(key, int(active), None if retired is None else int(retired))
        self._known = known
        self._read = self._clock()

    def _built(self, kid: str, algorithm: str, sealed: bytes) -> SigningKey:
        return jose.stored_key(kid, algorithm, unseal(self._secret, self._name, f"key {kid}", sealed))

    async def _fresh(self) -> list[SigningKey]:
        """New keys, made before a transaction waits for them."""
        kids = [(secrets.token_urlsafe(12), algorithm) for algorithm in (ACCESS, IDENTITY)]
        return [await asyncio.to_thread(jose.new_key, kid, algorithm) for kid, algorithm in kids]

    async def _make_first(self, unit: Transaction, fresh: list[SigningKey]) -> None:
        """The first keys, made by one of those who come at once."""
        await unit.lock_names(self._tenant, ["keys"])
        rows = await unit.fetch(
            Statement("SELECT 1 FROM auth_key WHERE tenant = $1", (self._tenant,), ("int",))
        )
        if not rows:
            now = int(self._clock())
            await self._add(unit, fresh, now, now)

    async def _add(self, unit: Transaction, fresh: list[SigningKey], now: int, active: int) -> None:
        for key in fresh:
            kid, algorithm = key.kid, key.algorithm
            await unit.execute(
                Statement(
                    "INSERT INTO auth_key (tenant, kid, algorithm, created, active, retired, sealed) "
                    "VALUES ($1, $2, $3, $4, $5, NULL, $6)",
                    (
                        self._tenant,
                        kid,
                        algorithm,
                        now,
                        active,
                        seal(self._secret, self._name, f"key {kid}", key.der),
                    ),
                    ("int", "text", "text", "bigint", "bigint", "bytea"),
                )
            )

    def _standing(self) -> list[_Known]:
        now = self._clock()
        return [one for one in self._known.values() if one.retired is None or one.retired > now]

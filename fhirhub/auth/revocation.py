"""What is revoked before it expires: single access tokens and all that came of a grant, a client or an account.

Access tokens are verified without the database, so every worker keeps what is revoked in memory. A mark that the
workers of a machine share says that there is more; other machines and commands are heard within a second.
"""

from __future__ import annotations

import mmap
import time
from collections.abc import Callable, Iterable

from fhirhub.store.database import Database
from fhirhub.store.sql import Statement


class Mark:
    """A number in memory that all workers see, changed with every revocation; made before they are forked."""

    def __init__(self) -> None:
        self._memory = memoryview(mmap.mmap(-1, 8)).cast("q")

    @property
    def value(self) -> int:
        return self._memory[0]

    def change(self) -> None:
        self._memory[0] = time.time_ns()


class Revocations:
    """What is revoked in one tenant, by name: a token's `jti`, or `grant x`, `client x`, `account x`."""

    def __init__(self, database: Database, tenant: int, mark: Mark, clock: Callable[[], float]) -> None:
        self._database = database
        self._tenant = tenant
        self._mark = mark
        self._clock = clock
        self._seen = -1
        self._revoked: frozenset[str] = frozenset()

    @property
    def current(self) -> bool:
        """Whether nothing was revoked on this machine since the last look."""
        return self._seen == self._mark.value

    def any_of(self, names: Iterable[str]) -> bool:
        """Whether one of these is revoked, as far as known at the last look."""
        return not self._revoked.isdisjoint(names)

    async def look(self) -> None:
        """Take note of what was revoked, by whomever."""
        seen = self._mark.value
        rows = await self._database.fetch(
            Statement(
                "SELECT what FROM auth_revoked WHERE tenant = $1 AND expires > $2",
                (self._tenant, int(self._clock())),
                ("int", "bigint"),
            )
        )
        self._revoked = frozenset(str(row[0]) for row in rows)
        self._seen = seen

    async def revoke(self, names: Iterable[str], until: int) -> None:
        """From now until that moment, when all tokens of theirs are expired anyway."""
        for name in names:
            await self._database.execute(
                Statement(
                    "INSERT INTO auth_revoked AS r (tenant, what, expires) VALUES ($1, $2, $3) "
                    "ON CONFLICT (tenant, what) DO UPDATE SET expires = "
                    "CASE WHEN r.expires > $3 THEN r.expires ELSE $3 END",
                    (self._tenant, name, until),
                    ("int", "text", "bigint"),
                )
            )
        self._mark.change()
        await self.look()

    async def forget(self) -> None:
        """Drop what expired."""
        await self._database.execute(
            Statement(
                "DELETE FROM auth_revoked WHERE tenant = $1 AND expires <= $2",
                (self._tenant, int(self._clock())),
                ("int", "bigint"),
            )
        )

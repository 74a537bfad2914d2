"""How often somebody may be wrong: counted for each account and for each source, so that nobody guesses for long
and nobody locks another out.

What counts against a sign-in is the pair of account and source. A device on which the account's person signed in
before is counted by itself, so it can go on while others guess. A source that is wrong about many accounts waits
for all but those devices. Where very many were wrong about an account, a source has one try at its password and not
five: whoever knows it needs no more. A source is an address of IPv4, or the network of 64 bits that one party has of
IPv6.
"""

from __future__ import annotations

import hashlib
import math
import time
from functools import lru_cache
from ipaddress import IPv4Address, ip_address, ip_network

from fhirhub.auth.faults import slow_down
from fhirhub.auth.realm import Realm

FREE_FAILURES = 5
"""How often account and source together may be wrong before they wait."""
FREE_FAILURES_OF_SOURCE = 100
FREE_FAILURES_OF_ACCOUNT = 1000
FIRST_WAIT_SECONDS = 30
LONGEST_WAIT_SECONDS = 900
FORGOTTEN_SECONDS = 3600
"""After this long without a failure all are forgotten."""
CLIENT_FAILURES = 20
MOST_SOURCES = 50_000


class Limits:
    """The limits of one realm, kept in its database for all workers."""

    def __init__(self, realm: Realm) -> None:
        self._realm = realm

    async def check_sign_in(
        self, account: str, source: str, known_device: bool, *, is_password: bool = False
    ) -> None:
        """Raises `temporarily_unavailable` where who asks has to wait. Of what is easier to guess than a password
        nobody has a try left once very many were wrong about it."""
        names = self._names(account, source, known_device)
        waits = [await self._waits(name) for name in names]
        if is_password and len(waits) > 1 and not await self._has_failed(next(iter(names))):
            waits.pop()
        wait = max(waits)
        if wait:
            minutes = math.ceil(wait / 60)
            raise slow_down(f"too many sign-ins failed; try again in {minutes} minutes", wait)

    async def count_sign_in(self, account: str, source: str, known_device: bool) -> None:
        """Count a failure."""
        for name, free in self._names(account, source, known_device).items():
            await self._count(name, free)

    async def forget_sign_in(self, account: str, source: str, known_device: bool) -> None:
        """The person signed in: what they mistyped before does not count."""
        for name in list(self._names(account, source, known_device))[:1]:
            await self._realm.change("DELETE FROM auth_attempt WHERE tenant = $1 AND what = $2", name)

    async def check_client(self, client: str, source: str) -> None:
        wait = await self._waits(_name("client", client, place(source)))
        if wait:
            raise slow_down("too many requests of this client failed", wait)

    async def count_client(self, client: str, source: str) -> None:
        await self._count(_name("client", client, place(source)), CLIENT_FAILURES)

    def _names(self, account: str, source: str, known_device: bool) -> dict[str, int]:
        """What is counted, and how many failures of it are free; the account as a whole comes last."""
        if known_device:
            return {_name("device", account, place(source)): 2 * FREE_FAILURES}
        return {
            _name("sign-in", account, place(source)): FREE_FAILURES,
            _name("source", place(source)): FREE_FAILURES_OF_SOURCE,
            _name("account", account): FREE_FAILURES_OF_ACCOUNT,
        }

    async def _has_failed(self, name: str) -> bool:
        sql = "SELECT 1 FROM auth_attempt WHERE tenant = $1 AND what = $2 AND until > $3"
        return bool(await self._realm.rows(sql, name, self._realm.now - FORGOTTEN_SECONDS))

    async def _waits(self, name: str) -> int:
        """How many seconds are still to be waited."""
        sql = "SELECT until FROM auth_attempt WHERE tenant = $1 AND what = $2"
        rows = await self._realm.rows(sql, name)
        return max(0, int(rows[0][0]) - self._realm.now) if rows else 0

    async def _count(self, name: str, free: int) -> None:
        """Count a failure, and let the next wait twice as long as the last once the free ones are used up.

        `until` is the moment until which is waited; long after it, the count begins anew.
        """
        now = self._realm.now
        await self._realm.change(
            "INSERT INTO auth_attempt AS a (tenant, what, failures, until) VALUES ($1, $2, 1, $3) "
            "ON CONFLICT (tenant, what) DO UPDATE SET "
            "failures = CASE WHEN a.until < $4 THEN 1 ELSE a.failures + 1 END, until = $3",
            name,
            now,
            now - FORGOTTEN_SECONDS,
        )
        rows = await self._realm.rows(
            "SELECT failures FROM auth_attempt WHERE tenant = $1 AND what = $2", name
        )
        beyond = int(rows[0][0]) - free if rows else 0
        if beyond >= 0:
            wait = min(FIRST_WAIT_SECONDS * 2 ** min(beyond, 10), LONGEST_WAIT_SECONDS)
            sql = "UPDATE auth_attempt SET until = $3 WHERE tenant = $1 AND what = $2"
            await self._realm.change(sql, name, now + wait)


@lru_cache(maxsize=10_000)
def place(source: str) -> str:
    """Where requests from this address come from, as far as it is counted."""
    try:
        address = ip_address(source)
    except ValueError:
        return source
    if isinstance(address, IPv4Address):
        return source
    return str(address.ipv4_mapped or ip_network((int(address) >> 64 << 64, 64)))


def _name(*parts: str) -> str:
    """The row's name: no user name or address stands in it as it was typed."""
    return parts[0] + " " + hashlib.sha256("\0".join(parts[1:]).encode()).hexdigest()[:32]


class Rate:
    """How many requests each source makes in a minute, as far as this worker sees."""

    def __init__(self, per_minute: int) -> None:
        self._per_minute = per_minute
        self._left: dict[str, tuple[float, float]] = {}

    def take(self, source: str, cost: int = 1) -> None:
        """Count a request. Raises `temporarily_unavailable` 429 where the source made too many: a minute's
        worth may come at once, then as many as flow in."""
        if not self._per_minute:
            return
        source = place(source)
        now = time.monotonic()
        left, moment = self._left.get(source, (float(self._per_minute), now))
        left = min(self._per_minute, left + (now - moment) * self._per_minute / 60) - cost
        if left < 0:
            raise slow_down(
                "too many requests from this address", max(1, math.ceil(-left * 60 / self._per_minute))
            )
        if len(self._left) >= MOST_SOURCES:
            self._forget(now)
        self._left[source] = (left, now)

    def _forget(self, now: float) -> None:
        """Drop the sources that have been silent for a minute; they have all again."""
        self._left = {source: one for source, one in self._left.items() if now - one[1] < 60}
        if len(self._left) >= MOST_SOURCES:
            self._left.clear()

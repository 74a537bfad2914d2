"""Fetching what lies elsewhere, such as a client's keys: only from addresses that may be asked, without
redirects, in bounds of size and time, so that nobody makes the hub ask what only the hub can reach.

A public host is asked by https alone. A private one (loopback, a local network) must be named in
`FHIRHUB_FETCH_ALLOW`, and may then be asked by http too. The address is checked as it is connected to, so a name
that turns into another address between check and use gains nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fhirhub.fetching.addresses import NO_HOST as NO_HOST
from fhirhub.fetching.addresses import FetchError as FetchError
from fhirhub.fetching.addresses import is_allowed
from fhirhub.fetching.addresses import refusal as refusal

if TYPE_CHECKING:
    from fhirhub.fetching import connecting

SECONDS = 5.0
MAX_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True)
class Fetched:
    status: int
    body: bytes
    headers: Mapping[str, str]


class Lines:
    """Connections that stay open for what is asked next, of one event loop."""

    def __init__(self) -> None:
        self._pools: connecting.Pools | None = None

    def pools(self) -> connecting.Pools:
        if self._pools is None:
            from fhirhub.fetching import connecting

            self._pools = connecting.Pools()
        return self._pools

    async def close(self) -> None:
        """Lets go of them."""
        pools, self._pools = self._pools, None
        if pools is not None:
            await pools.close()


async def fetch(
    url: str,
    allowed: tuple[str, ...],
    *,
    method: str = "GET",
    headers: Mapping[str, str] | Sequence[tuple[str, str]] = (),
    body: bytes | None = None,
    max_bytes: int = MAX_BYTES,
    seconds: float = SECONDS,
    lines: Lines | None = None,
) -> Fetched:
    """The answer at that address. `headers` may have a name more than once. `allowed` are the private hosts, as `host`
    or `host:port`; with `lines` a connection stays open for the next, and a request that one of them did not answer at
    all is sent once more.

    Raises FetchError.
    """
    is_private = is_allowed(url, allowed)
    # What connects takes a tenth of a start to load: only where something is fetched.
    from fhirhub.fetching import connecting

    told_also = headers.items() if isinstance(headers, Mapping) else headers
    given = [("Accept", "application/json"), *told_also]
    pools = None if lines is None else lines.pools()
    asked = connecting.Asked(url, is_private, method, given, body)
    status, content, fields = await connecting.ask(asked, max_bytes, seconds, pools)
    told = {name.decode().lower(): value.decode("latin-1") for name, value in fields}
    return Fetched(status, content, told)

"""Fetching what lies elsewhere, such as a client's keys: only from addresses that may be asked, without
redirects, in bounds of size and time, so that nobody makes the hub ask what only the hub can reach.

A public host is asked by https alone. A private one (loopback, a local network) must be named in
`FHIRHUB_FETCH_ALLOW`, and may then be asked by http too. The address is checked as it is connected to, so a name
that turns into another address between check and use gains nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from fhirhub.fetching.addresses import FetchError as FetchError
from fhirhub.fetching.addresses import is_allowed
from fhirhub.fetching.addresses import refusal as refusal

SECONDS = 5.0
MAX_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True)
class Fetched:
    status: int
    body: bytes
    headers: Mapping[str, str]


async def fetch(
    url: str,
    allowed: tuple[str, ...],
    *,
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    body: bytes | None = None,
    max_bytes: int = MAX_BYTES,
    seconds: float = SECONDS,
) -> Fetched:
    """The answer at that address. `allowed` are the private hosts, as `host` or `host:port`.

    Raises FetchError.
    """
    is_private = is_allowed(url, allowed)
    # What connects takes a tenth of a start to load: only where something is fetched.
    from fhirhub.fetching import connecting

    given = [("Accept", "application/json"), *(headers or {}).items()]
    status, content, fields = await connecting.ask(url, is_private, method, given, body, max_bytes, seconds)
    told = {name.decode().lower(): value.decode("latin-1") for name, value in fields}
    return Fetched(status, content, told)

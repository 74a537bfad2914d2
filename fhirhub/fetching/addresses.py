"""Which addresses may be asked: a public host by https, a private one where `FHIRHUB_FETCH_ALLOW` lists it."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

NO_HOST = "there is no host"
"""How the text of what could not be had begins where a name is not known."""


class FetchError(Exception):
    """It could not be had; the text says why, without what was answered."""


def refusal(url: str, allowed: tuple[str, ...]) -> str | None:
    """Why this address may not be asked, as far as it tells that itself; None where it may. What a name stands for
    is looked at as it is connected to."""
    try:
        listed = is_allowed(url, allowed)
    except FetchError as fault:
        return str(fault)
    host = (urlsplit(url).hostname or "").lower()
    if listed:
        return None
    try:
        private = not is_public(host)
    except ValueError:
        private = (
            host == "localhost" or "." not in host or host.endswith((".localhost", ".local", ".internal"))
        )
    return f"{host} is a private host, and is not named in FHIRHUB_FETCH_ALLOW" if private else None


def is_allowed(url: str, allowed: tuple[str, ...]) -> bool:
    """Whether its host is one of the private ones that may be asked. Raises FetchError for what is no address to
    fetch."""
    if not url.isascii():
        raise FetchError("it has characters beyond ASCII, which an address holds percent-encoded alone")
    try:
        parts = urlsplit(url)
        host = parts.hostname
        _ = parts.port
    except ValueError:
        raise FetchError("it is no https address") from None
    named = {one for one in ((host or "").lower(), parts.netloc.lower()) if one}
    listed = bool(named & set(allowed))
    if not host or parts.scheme not in ("https", "http") or parts.username is not None:
        raise FetchError("it is no https address")
    if parts.scheme == "http" and not listed:
        raise FetchError(f"it is not https, and {host} is not named in FHIRHUB_FETCH_ALLOW")
    return listed


def is_public(text: str) -> bool:
    """Whether an address of the internet protocol is one that everybody reaches."""
    address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if inner is not None:
            address = inner
    return address.is_global and not address.is_multicast and not address.is_reserved

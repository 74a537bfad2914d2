"""Where a request was sent: the tenant, the path behind the base, the query, and the public base URL
(https://hl7.org/fhir/R4/http.html#root)."""

from __future__ import annotations

import re
from collections.abc import Mapping, MutableMapping
from ipaddress import ip_address
from typing import Any
from urllib.parse import unquote_to_bytes

from fhirhub.errors import FhirError, error, invalid, not_found
from fhirhub.settings import Settings

Scope = MutableMapping[str, Any]

DEFAULT_TENANT = "default"
MAX_URL_BYTES = 32 * 1024
URL_TOO_LONG = (
    414,
    "too-long",
    f"The URL is longer than {MAX_URL_BYTES} bytes; a search may be sent by POST to `_search`",
)

_HOST = re.compile(r"[A-Za-z0-9._\-]+(?::[0-9]{1,5})?|\[[0-9A-Fa-f:.]+\](?::[0-9]{1,5})?")
_PREFIX = re.compile(r"(?:/[A-Za-z0-9._~\-]+)*/?")


def query(scope: Scope) -> str:
    """The raw query string. Raises invalid for what is not UTF-8 or holds a NUL, 414 for a URL too long."""
    raw: bytes = scope["query_string"]
    if not raw:
        return ""
    if len(raw) + len(scope["path"]) > MAX_URL_BYTES:
        raise _url_too_long()
    try:
        if b"%" in raw:
            decoded = unquote_to_bytes(raw)
            decoded.decode()
            if b"\0" in decoded:
                raise invalid("The query holds a NUL character")
        return raw.decode()
    except UnicodeDecodeError:
        raise invalid("The query is not UTF-8") from None


def path(scope: Scope) -> tuple[str, tuple[str, ...]]:
    """The tenant and the decoded segments behind `/fhir`."""
    whole: str = scope["path"]
    raw: bytes = scope.get("raw_path") or b""
    if b"%" in raw:
        try:
            parts = [unquote_to_bytes(part).decode() for part in raw.split(b"/")]
        except UnicodeDecodeError:
            raise invalid("The path is not UTF-8") from None
        if any("\0" in part for part in parts):
            raise invalid("The path holds a NUL character")
    else:
        parts = whole.split("/")
    if len(whole) > MAX_URL_BYTES:
        raise _url_too_long()
    if parts[-1] == "" and len(parts) > 2:
        parts.pop()
    if parts[1] == "fhir":
        return DEFAULT_TENANT, tuple(parts[2:])
    if len(parts) > 2 and parts[2] == "fhir" and parts[1] != DEFAULT_TENANT:
        return parts[1], tuple(parts[3:])
    raise not_found("There is no FHIR API at this address")


class Bases:
    """The public base URLs by which this server is called, each made once."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._known: dict[tuple[str, bytes, str, str], str] = {}

    def of(self, scope: Scope, raw: Mapping[bytes, bytes], tenant: str) -> str:
        """The base URL of a request. Forwarding headers count only from a proxy that the settings name."""
        scheme, host, prefix = scope["scheme"], raw.get(b"host", b""), ""
        if not host and scope.get("http_version") == "1.1":
            raise invalid("`Host` is missing, without which there is no request of HTTP/1.1 (RFC 9112, 3.2)")
        settings = self.settings
        if settings.trusted_proxies and settings.base_url is None and self._is_from_proxy(scope):
            scheme, host, prefix = _forwarded(raw, scheme, host)
        key = (scheme, host, prefix, tenant)
        base = self._known.get(key)
        if base is None:
            if len(self._known) > 1000:
                self._known.clear()
            base = self._known[key] = self._made(scope, scheme, host, prefix, tenant)
        return base

    def source(self, scope: Scope, raw: Mapping[bytes, bytes]) -> str:
        """The address a request came from: as the nearest proxy that is not ours saw it."""
        client = scope.get("client")
        source = str(client[0]) if client else ""
        if not self._is_from_proxy(scope):
            return source
        for named in reversed(raw.get(b"x-forwarded-for", b"").decode("latin-1").split(",")):
            try:
                address = ip_address(named.strip())
            except ValueError:
                break
            source = str(address)
            if not any(address in network for network in self.settings.trusted_proxies):
                break
        return source

    def _made(self, scope: Scope, scheme: str, host: bytes, prefix: str, tenant: str) -> str:
        root = self.settings.base_url
        if root is None:
            named = host.decode("latin-1")
            if not named and scope.get("server"):
                address, port = scope["server"]
                named = f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
            if not _HOST.fullmatch(named):
                raise invalid(f"`Host` expects the name of a host; got {len(named)} characters that are none")
            root = f"{scheme}://{named}{prefix}"
        return f"{root}/fhir" if tenant == DEFAULT_TENANT else f"{root}/{tenant}/fhir"

    def _is_from_proxy(self, scope: Scope) -> bool:
        client = scope.get("client")
        if not client:
            return False
        try:
            address = ip_address(client[0])
        except ValueError:
            return False
        return any(address in network for network in self.settings.trusted_proxies)


def _forwarded(raw: Mapping[bytes, bytes], scheme: str, host: bytes) -> tuple[str, bytes, str]:
    """Scheme, host and path prefix as the proxy saw them: `Forwarded` (RFC 7239) or `X-Forwarded-*`.
    The first member is what the client asked for."""
    prefix = ""
    standard = raw.get(b"forwarded")
    if standard is not None:
        for part in standard.split(b",")[0].split(b";"):
            name, _, value = part.partition(b"=")
            value = value.strip().strip(b'"')
            match name.strip().lower():
                case b"proto":
                    scheme = value.decode("latin-1").lower()
                case b"host":
                    host = value
                case _:
                    pass
    else:
        if b"x-forwarded-proto" in raw:
            scheme = raw[b"x-forwarded-proto"].split(b",")[0].strip().decode("latin-1").lower()
        if b"x-forwarded-host" in raw:
            host = raw[b"x-forwarded-host"].split(b",")[0].strip()
            port = raw.get(b"x-forwarded-port", b"").split(b",")[0].strip()
            usual = b"443" if scheme == "https" else b"80"
            if port.isdigit() and port != usual and b":" not in host:
                host += b":" + port
        named = raw.get(b"x-forwarded-prefix", b"").decode("latin-1").strip()
        if _PREFIX.fullmatch(named):
            prefix = named.rstrip("/")
    if scheme not in ("http", "https"):
        scheme = "http"
    return scheme, host, prefix


def _url_too_long() -> FhirError:
    return error(*URL_TOO_LONG)

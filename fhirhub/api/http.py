"""The door: ASGI on one side, FhirRequest and FhirResponse on the other
(https://hl7.org/fhir/R4/http.html, https://asgi.readthedocs.io/en/stable/specs/www.html).

No web framework stands between the server and this callable: a read passes here in some ten microseconds.
"""

from __future__ import annotations

import asyncio
import itertools
import re
import secrets
import time
import zlib
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from ipaddress import ip_address
from typing import Any
from urllib.parse import parse_qsl, unquote_to_bytes

from fhirhub import logs, metrics
from fhirhub.api import formats, outcome, routes
from fhirhub.api.conditions import date_now, http_date
from fhirhub.api.exchange import JSON, Context, FhirRequest, FhirResponse, Format, Headers
from fhirhub.errors import FhirError, error, invalid, not_found, too_long
from fhirhub.repository import Repository
from fhirhub.resources import document, xml
from fhirhub.settings import Settings

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Field = tuple[bytes, bytes]

DEFAULT_TENANT = "default"
MAX_URL_BYTES = 32 * 1024
BODY_SECONDS = 60.0
"""How long a client may keep silent while it sends a body."""
COMPRESS_FROM_BYTES = 1000
COMPRESS_SHARE = 0.05
COMPRESS_SAVED_SECONDS = 0.25

_REQUEST_ID = re.compile(rb"[A-Za-z0-9._:\-]{1,64}")
_HOST = re.compile(r"[A-Za-z0-9._\-]+(?::[0-9]{1,5})?|\[[0-9A-Fa-f:.]+\](?::[0-9]{1,5})?")
_PREFIX = re.compile(r"(?:/[A-Za-z0-9._~\-]+)*/?")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_VARY: Field = (b"vary", b"Accept, Accept-Encoding, Origin")
_EXPOSED = b"ETag, Last-Modified, Location, Content-Location, X-Request-Id, Retry-After, WWW-Authenticate"
_ASKABLE = (
    b"Accept, Authorization, Content-Type, Content-Encoding, If-Match, If-Modified-Since, If-None-Exist, "
    b"If-None-Match, Prefer, X-Provenance, X-Request-Id, X-Security-Context"
)
_METHODS = b"GET, HEAD, POST, PUT, PATCH, DELETE"


class ClientLeft(Exception):
    """The client went away before its request was whole: nobody waits for an answer."""


class Door:
    """The FHIR API of all tenants as an ASGI application.

    `repository` gives the store as the caller sees it, or None for a tenant that is unknown.
    """

    def __init__(
        self, context: Context, repository: Callable[[str, Mapping[str, str]], Awaitable[Repository | None]]
    ) -> None:
        self._context = context
        self._settings: Settings = context.settings
        self._dispatch = context.dispatch
        self._repository = repository
        self._ids = itertools.count(1)
        self._id_prefix = secrets.token_hex(6).encode()
        self._bases: dict[tuple[str, bytes, str], str] = {}
        self._compression = _Compression()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = time.perf_counter()
        fields: list[Field] = scope["headers"]
        raw = dict(fields)
        if len(raw) != len(fields):
            raw = _joined(fields)
        headers = Headers(raw)
        request_id = raw.get(b"x-request-id")
        if request_id is None or not _REQUEST_ID.fullmatch(request_id):
            request_id = b"%s-%x" % (self._id_prefix, next(self._ids))
        request: FhirRequest | None = None
        method: str = scope["method"]
        format = JSON
        try:
            if method == "OPTIONS":
                await self._options(scope, raw, request_id, send)
                return
            # An Accept that names nothing we have still finds a Binary in its own type.
            accept = raw.get(b"accept")
            wanted = JSON if accept is None else formats.negotiate(accept.decode("latin-1"))
            if wanted is not None:
                format = wanted
            query = _query(scope)
            tenant, path = _path(scope)
            repository = await self._repository(tenant, headers)
            if repository is None:
                raise not_found("There is no FHIR API at this address")
            request = FhirRequest(
                method="GET" if method == "HEAD" else method,
                path=path,
                query=query,
                headers=headers,
                body=b"",
                base=self._base(scope, raw, tenant),
                tenant=tenant,
                repository=repository,
                context=self._context,
                request_id=request_id.decode(),
                format=format,
            )
            if query and ("_format" in query or "_pretty" in query):
                named = formats.take(request, parse_qsl(query, keep_blank_values=True))
                format = request.format
                wanted = format if named else wanted
            if wanted is None and path[:1] != ("Binary",):
                assert accept is not None
                raise formats.not_acceptable(accept.decode("latin-1"))
            if method not in ("GET", "HEAD"):
                request.body = await self._body(raw, receive)
            response = await self._dispatch(request)
            format = request.format
        except FhirError as fault:
            response = outcome.of_error(fault)
        except ClientLeft:
            return
        except Exception as fault:
            logs.error("A request failed", fault, request_id=request_id.decode())
            response = outcome.of_fault(request_id.decode())
        pretty = request is not None and request.pretty
        base = "" if request is None else request.base
        try:
            body, content_type = _rendered(response, format, pretty)
        except Exception as fault:
            logs.error("A request failed", fault, request_id=request_id.decode())
            response = outcome.of_fault(request_id.decode())
            body, content_type = response.body or b"", JSON.content_type
        await self._answer(send, method, raw, request_id, base, response, body, content_type)
        interaction = request.interaction if request is not None else ""
        metrics.REQUESTS.inc(interaction, str(response.status))
        metrics.REQUEST_SECONDS.observe(time.perf_counter() - started, interaction)

    async def _answer(
        self,
        send: Send,
        method: str,
        raw: dict[bytes, bytes],
        request_id: bytes,
        base: str,
        response: FhirResponse,
        body: bytes,
        content_type: bytes,
    ) -> None:
        status = response.status
        head: list[Field] = [(b"date", date_now()), (b"x-request-id", request_id), _VARY]
        if body:
            encoding = raw.get(b"accept-encoding")
            if encoding is not None and len(body) >= COMPRESS_FROM_BYTES:
                body, coded = self._compression.compress(body, encoding)
                if coded is not None:
                    head.append((b"content-encoding", coded))
            head.append((b"content-type", content_type))
            head.append((b"content-length", b"%d" % len(body)))
        elif status not in (204, 304):
            head.append((b"content-length", b"0"))
        if response.version is not None:
            head.append((b"etag", b'W/"%d"' % response.version))
        if response.updated is not None:
            head.append((b"last-modified", http_date(response.updated)))
        if response.location is not None:
            name = b"location" if status == 201 else b"content-location"
            head.append((name, f"{base}/{response.location}".encode()))
        if response.headers:
            head.extend(_fields(response.headers))
        if b"origin" in raw:
            head.extend(self._cors(raw))
        await send({"type": "http.response.start", "status": status, "headers": head})
        await send({"type": "http.response.body", "body": b"" if method == "HEAD" else body})

    def _base(self, scope: Scope, raw: dict[bytes, bytes], tenant: str) -> str:
        """The public base URL. Forwarding headers count only from a proxy that the settings name."""
        settings = self._settings
        scheme, host = scope["scheme"], raw.get(b"host", b"")
        prefix = ""
        if settings.base_url is None and settings.trusted_proxies and self._from_proxy(scope):
            scheme, host, prefix = _forwarded(raw, scheme, host)
        key = (scheme, host + prefix.encode(), tenant)
        base = self._bases.get(key)
        if base is None:
            if len(self._bases) > 1000:
                self._bases.clear()
            base = self._bases[key] = self._new_base(scope, scheme, host, prefix, tenant)
        return base

    def _new_base(self, scope: Scope, scheme: str, host: bytes, prefix: str, tenant: str) -> str:
        root = self._settings.base_url
        if root is None:
            named = host.decode("latin-1")
            if not named and scope.get("server"):
                address, port = scope["server"]
                named = f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
            if not _HOST.fullmatch(named):
                raise invalid(f"`Host` expects the name of a host; got {len(named)} characters that are none")
            root = f"{scheme}://{named}{prefix}"
        return f"{root}/fhir" if tenant == DEFAULT_TENANT else f"{root}/{tenant}/fhir"

    def _from_proxy(self, scope: Scope) -> bool:
        client = scope.get("client")
        if not client:
            return False
        try:
            address = ip_address(client[0])
        except ValueError:
            return False
        return any(address in network for network in self._settings.trusted_proxies)

    async def _body(self, raw: dict[bytes, bytes], receive: Receive) -> bytes:
        """The whole body, unpacked. Raises too_long as soon as a bound is passed."""
        limit = self._settings.max_body_bytes
        declared = raw.get(b"content-length")
        if declared is not None and declared.isdigit() and int(declared) > limit:
            raise _body_too_long(limit)
        coding = raw.get(b"content-encoding", b"").strip().lower()
        if coding not in _CODINGS:
            raise error(
                415,
                "not-supported",
                f"`Content-Encoding` expects gzip or deflate; got `{coding.decode('latin-1')}`",
                headers={"Accept-Encoding": "gzip, deflate"},
            )
        parts: list[bytes] = []
        size = 0
        while True:
            try:
                async with asyncio.timeout(BODY_SECONDS):
                    message = await receive()
            except TimeoutError:
                raise error(
                    408, "timeout", "The rest of the body did not come", headers={"Connection": "close"}
                ) from None
            if message["type"] == "http.disconnect":
                raise ClientLeft
            part = message.get("body", b"")
            size += len(part)
            if size > limit:
                raise _body_too_long(limit)
            parts.append(part)
            if not message.get("more_body", False):
                break
        body = parts[0] if len(parts) == 1 else b"".join(parts)
        if coding in (b"", b"identity") or not body:
            return body
        unpacked_limit = self._settings.max_unpacked_bytes
        if len(body) < 65536:
            return unpacked(body, coding, unpacked_limit)
        return await asyncio.to_thread(unpacked, body, coding, unpacked_limit)

    async def _options(self, scope: Scope, raw: dict[bytes, bytes], request_id: bytes, send: Send) -> None:
        """What may be done here: for a browser app that asks first, and for anybody else."""
        _, path = _path(scope)
        names = routes.allowed(path)
        head: list[Field] = [(b"date", date_now()), (b"x-request-id", request_id), _VARY]
        if names:
            head.append((b"allow", ", ".join([*names, "OPTIONS"]).encode()))
        cors = self._cors(raw)
        if cors and b"access-control-request-method" in raw:
            head += [
                *cors,
                (b"access-control-allow-methods", _METHODS),
                (b"access-control-allow-headers", _ASKABLE),
                (b"access-control-max-age", b"3600"),
            ]
        head.append((b"content-length", b"0"))
        await send({"type": "http.response.start", "status": 200 if names else 404, "headers": head})
        await send({"type": "http.response.body", "body": b""})

    def _cors(self, raw: dict[bytes, bytes]) -> list[Field]:
        """The fields that let a browser app of a known origin see the answer."""
        origin = raw.get(b"origin")
        allowed = self._settings.cors_origins
        if origin is None or not allowed:
            return []
        if origin.decode("latin-1") not in allowed:
            if "*" not in allowed:
                return []
            origin = b"*"
        return [(b"access-control-allow-origin", origin), (b"access-control-expose-headers", _EXPOSED)]


def _rendered(response: FhirResponse, format: Format, pretty: bool) -> tuple[bytes, bytes]:
    """The body as it goes out, and its content type."""
    body = response.body
    if not body:
        return b"", b""
    if response.content_type is not None:
        return body, response.content_type.encode("latin-1")
    if format.kind == "xml":
        return xml.to_xml(body, pretty=pretty), format.content_type
    return document.pretty(body) if pretty else body, format.content_type


def _joined(fields: list[Field]) -> dict[bytes, bytes]:
    """Repeated header fields joined by commas (RFC 9110, 5.3)."""
    joined: dict[bytes, bytes] = {}
    for name, value in fields:
        joined[name] = joined[name] + b", " + value if name in joined else value
    return joined


def _query(scope: Scope) -> str:
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


def _path(scope: Scope) -> tuple[str, tuple[str, ...]]:
    """The tenant and the decoded segments behind `/fhir`."""
    path: str = scope["path"]
    raw: bytes = scope.get("raw_path") or b""
    if b"%" in raw:
        try:
            parts = [unquote_to_bytes(part).decode() for part in raw.split(b"/")]
        except UnicodeDecodeError:
            raise invalid("The path is not UTF-8") from None
        if any("\0" in part for part in parts):
            raise invalid("The path holds a NUL character")
    else:
        parts = path.split("/")
    if len(path) > MAX_URL_BYTES:
        raise _url_too_long()
    if parts[-1] == "" and len(parts) > 2:
        parts.pop()
    if parts[1] == "fhir":
        return DEFAULT_TENANT, tuple(parts[2:])
    if len(parts) > 2 and parts[2] == "fhir" and parts[1] != DEFAULT_TENANT:
        return parts[1], tuple(parts[3:])
    raise not_found("There is no FHIR API at this address")


def _forwarded(raw: dict[bytes, bytes], scheme: str, host: bytes) -> tuple[str, bytes, str]:
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


def _fields(headers: Mapping[str, str]) -> Iterable[Field]:
    """Header fields of an answer; none can carry a line of its own."""
    for name, value in headers.items():
        yield (
            name.lower().encode("latin-1"),
            re.sub(r"[\x00-\x1f\x7f]", " ", value).encode("latin-1", "replace"),
        )


_CODINGS = {b"": None, b"identity": None, b"gzip": 31, b"x-gzip": 31, b"deflate": 15}


def unpacked(body: bytes, coding: bytes, limit: int) -> bytes:
    """A compressed body as it was before, at most `limit` bytes. Raises too_long and invalid."""
    windows = _CODINGS[coding]
    assert windows is not None
    try:
        return _unpacked(body, windows, limit)
    except zlib.error:
        if coding == b"deflate":
            # Some senders leave out the zlib frame that RFC 9110, 8.4.1.2 asks for.
            try:
                return _unpacked(body, -15, limit)
            except zlib.error:
                pass
    raise invalid(f"The body is not what `Content-Encoding: {coding.decode()}` says")


def _unpacked(body: bytes, windows: int, limit: int) -> bytes:
    unpacker = zlib.decompressobj(windows)
    plain = unpacker.decompress(body, limit + 1)
    if len(plain) > limit:
        raise too_long(f"The body is longer than {limit} bytes once unpacked")
    if not unpacker.eof or unpacker.unused_data:
        raise zlib.error("incomplete")
    return plain


class _Compression:
    """Packs bodies for clients that take it, within a share of the worker's time: where packing every answer
    would cost more than that, the rest goes as it is, which every client takes."""

    def __init__(self) -> None:
        self._saved = COMPRESS_SAVED_SECONDS
        self._at = time.perf_counter()

    def compress(self, body: bytes, accepted: bytes) -> tuple[bytes, bytes | None]:
        """The body and its coding, None where it stays as it is."""
        coding = _coding(accepted)
        now = time.perf_counter()
        self._saved = min(COMPRESS_SAVED_SECONDS, self._saved + (now - self._at) * COMPRESS_SHARE)
        self._at = now
        if coding is None or self._saved <= 0:
            return body, None
        packer = zlib.compressobj(1, zlib.DEFLATED, 31 if coding == b"gzip" else 15)
        packed = packer.compress(body) + packer.flush()
        self._saved -= time.perf_counter() - now
        return packed, coding


def _coding(accepted: bytes) -> bytes | None:
    """gzip or deflate, where `Accept-Encoding` takes it."""
    weights: dict[bytes, bool] = {}
    for member in accepted.lower().split(b","):
        name, _, parameters = member.partition(b";")
        weight = parameters.strip()
        weights[name.strip()] = not re.fullmatch(rb"q\s*=\s*0(\.0*)?", weight)
    for name in (b"gzip", b"deflate"):
        if weights.get(name, weights.get(b"*", False)):
            return name
    return None


def _url_too_long() -> FhirError:
    text = f"The URL is longer than {MAX_URL_BYTES} bytes; a search may be sent by POST to `_search`"
    return error(414, "too-long", text)


def _body_too_long(limit: int) -> FhirError:
    fault = too_long(f"The body is longer than {limit} bytes")
    fault.headers["Connection"] = "close"
    return fault

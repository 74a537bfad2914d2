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
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from fhirhub import logs, metrics
from fhirhub.api import address, coding, formats, operations, outcome, routes
from fhirhub.api.conditions import date_now, http_date
from fhirhub.api.exchange import JSON, Context, FhirRequest, FhirResponse, Format, Headers
from fhirhub.errors import FhirError, error, not_found, too_long
from fhirhub.repository import Repository
from fhirhub.resources import document, xml

if TYPE_CHECKING:
    from fhirhub.auth.principal import Principal

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Field = tuple[bytes, bytes]

Admit = Callable[
    [str, Headers, str, tuple[str, ...], Callable[[], str]],
    Awaitable[tuple[Repository, "Principal | None"] | None],
]
"""From tenant, header fields, base URL, path and what tells the address it came from to the store as this caller sees
it, and the caller."""

BODY_SECONDS = 60.0
"""How long a client may keep silent while it sends a body."""
HTTPS_ONLY = b"max-age=31536000; includeSubDomains"
"""What browsers are told where the hub is reached by https alone (RFC 6797)."""
LONGEST_CORRELATION = 200
"""Bytes of a client's own id of a request that are sent back."""
AT_ONCE = "fhirhub.at_once"
"""The extension of the scope by which `wire.Protocol` takes a whole answer at once."""
WHOLE = "fhirhub.whole"
"""The extension by which it gives the body, where all of it is there already."""

_REQUEST_ID = re.compile(rb"[A-Za-z0-9._:\-]{1,64}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_ALWAYS = (
    b"date: %s\r\nx-request-id: %s\r\nvary: Accept, Accept-Encoding, Origin\r\n"
    b"cache-control: private, no-cache\r\nx-content-type-options: nosniff\r\n"
)
_HTTPS_ONLY = b"strict-transport-security: %s\r\n" % HTTPS_ONLY
_EXPOSED = (
    b"ETag, Last-Modified, Location, Content-Location, X-Request-Id, X-Correlation-Id, Retry-After, Warning, "
    b"WWW-Authenticate"
)
_ASKABLE = (
    b"Accept, Authorization, Content-Type, Content-Encoding, If-Match, If-Modified-Since, If-None-Exist, "
    b"If-None-Match, Prefer, X-Correlation-Id, X-Provenance, X-Request-Id, X-Security-Context"
)
_METHODS = b"GET, HEAD, POST, PUT, PATCH, DELETE"


class ClientLeft(Exception):
    """The client went away before its request was whole: nobody waits for an answer."""


class Door:
    """The FHIR API of all tenants as an ASGI application.

    `admit` gives the store as the caller sees it and who that is, or None for a tenant that is unknown.
    `registered` says whether an app is registered at an origin: a browser may show it the answers
    (https://hl7.org/fhir/smart-app-launch/STU2.2/app-launch.html#considerations-for-cross-origin-resource-sharing-cors-support).
    """

    def __init__(
        self, context: Context, admit: Admit, registered: Callable[[str], bool] = lambda origin: False
    ) -> None:
        self._context = context
        self._settings = context.settings
        self._dispatch = context.dispatch
        self._admit = admit
        self._registered = registered
        self._bases = address.Bases(context.settings)
        self._packing = coding.Packing()
        self._tells_each = context.settings.log_level == "debug"
        self._ids = itertools.count(1)
        self._id_prefix = secrets.token_hex(6).encode()
        self._always = _ALWAYS + (_HTTPS_ONLY if context.settings.is_https_only else b"")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = time.perf_counter()
        fields: list[Field] = scope["headers"]
        raw = dict(fields)
        if len(raw) != len(fields):
            raw = _joined(fields)
        request_id = raw.get(b"x-request-id")
        if request_id is None or not _REQUEST_ID.fullmatch(request_id):
            request_id = b"%s-%x" % (self._id_prefix, next(self._ids))
        request: FhirRequest | None = None
        path: tuple[str, ...] = ()
        format = JSON
        try:
            if scope["method"] == "OPTIONS":
                path = address.path(scope)[1]
                response = self._options(raw, path)
            else:
                accept = raw.get(b"accept")
                # An Accept that names nothing we have may still find a Binary in its own type.
                format = JSON if accept is None else formats.negotiate(accept.decode("latin-1")) or JSON
                request = await self._request(scope, raw, request_id, format)
                path = request.path
                if request.method != "GET":
                    request.body = await self._body(raw, scope, receive)
                response = await self._dispatch(request)
        except FhirError as fault:
            response = outcome.of_error(fault)
        except ClientLeft:
            return
        except Exception as fault:
            response = _failed(fault, request_id)
        if request is not None:
            format = request.format  # `_format` wins over Accept, for errors too
        if response.body and (format.kind == "xml" or (request is not None and request.pretty)):
            response, format = _formed(response, format, request is not None and request.pretty, request_id)
        head, body = self._answer(raw, request_id, request, path, response, format)
        if scope["method"] == "HEAD":
            body = b""
        at_once = scope["extensions"].get(AT_ONCE) if "extensions" in scope else None
        if at_once is None or not at_once(scope, response.status, head, body):
            lines = [tuple(line.split(b": ", 1)) for line in head[:-2].split(b"\r\n")]
            await send({"type": "http.response.start", "status": response.status, "headers": lines})
            await send({"type": "http.response.body", "body": body})
        interaction = "" if request is None else request.interaction
        metrics.REQUESTS.inc(interaction, str(response.status))
        seconds = time.perf_counter() - started
        metrics.REQUEST_SECONDS.observe(seconds, interaction)
        if self._tells_each:
            logs.info(
                "Answered",
                interaction=interaction,
                status=response.status,
                milliseconds=round(seconds * 1000, 1),
                request_id=request_id.decode(),
            )

    async def _request(
        self, scope: Scope, raw: dict[bytes, bytes], request_id: bytes, format: Format
    ) -> FhirRequest:
        """The request as plain data, still without its body."""
        query = address.query(scope) if scope["query_string"] else ""
        tenant, path = address.path(scope)
        headers = Headers(raw)
        base = self._bases.of(scope, raw, tenant)
        admitted = await self._admit(tenant, headers, base, path, lambda: self._bases.source(scope, raw))
        if admitted is None:
            raise not_found("There is no FHIR API at this address")
        method = scope["method"]
        request = FhirRequest(
            "GET" if method == "HEAD" else method,
            path,
            query,
            headers,
            b"",
            base,
            tenant,
            admitted[0],
            self._context,
            request_id.decode(),
            format=format,
            principal=admitted[1],
        )
        named = False
        if query and ("_format" in query or "_pretty" in query):
            named = formats.take(request, parse_qsl(query, keep_blank_values=True))
        if format is JSON and not named and b"accept" in raw and path[:1] != ("Binary",):
            accept = raw[b"accept"].decode("latin-1")
            if formats.negotiate(accept) is None and not operations.answers_in(path, accept):
                raise formats.not_acceptable(accept)
        return request

    async def _body(self, raw: dict[bytes, bytes], scope: Scope, receive: Receive) -> bytes:
        """The whole body, unpacked. Raises too_long as soon as a bound is passed."""
        limit = self._settings.max_body_bytes
        if b"content-encoding" not in raw and "extensions" in scope and WHOLE in scope["extensions"]:
            body: bytes | None = scope["extensions"][WHOLE](scope)
            if body is not None:
                if len(body) > limit:
                    raise _body_too_long(limit)
                return body
        declared = raw.get(b"content-length")
        if declared is not None and declared.isdigit() and int(declared) > limit:
            raise _body_too_long(limit)
        packed_by = raw.get(b"content-encoding", b"").strip().lower()
        coding.check(packed_by)
        parts: list[bytes] = []
        size = 0
        more = True
        while more:
            try:
                async with asyncio.timeout(BODY_SECONDS):
                    message = await receive()
            except TimeoutError:
                text = "The rest of the body did not come"
                raise error(408, "timeout", text, headers={"Connection": "close"}) from None
            if message["type"] == "http.disconnect":
                raise ClientLeft
            part = message.get("body", b"")
            size += len(part)
            if size > limit:
                raise _body_too_long(limit)
            parts.append(part)
            more = message.get("more_body", False)
        body = parts[0] if len(parts) == 1 else b"".join(parts)
        if not packed_by:
            return body
        return await asyncio.to_thread(coding.unpacked, body, packed_by, self._settings.max_unpacked_bytes)

    def _options(self, raw: dict[bytes, bytes], path: tuple[str, ...]) -> FhirResponse:
        """What may be done here: for a browser app that asks first, and for anybody else."""
        names = routes.allowed(path)
        if not names:
            raise not_found("There is nothing at this address")
        headers = {"Allow": ", ".join([*names, "OPTIONS"])}
        if b"access-control-request-method" in raw and self._cors(raw, path):
            headers["Access-Control-Allow-Methods"] = _METHODS.decode()
            headers["Access-Control-Allow-Headers"] = _ASKABLE.decode()
            headers["Access-Control-Max-Age"] = "3600"
        return FhirResponse(200, headers=headers)

    def _answer(
        self,
        raw: dict[bytes, bytes],
        request_id: bytes,
        request: FhirRequest | None,
        path: tuple[str, ...],
        response: FhirResponse,
        format: Format,
    ) -> tuple[bytes, bytes]:
        """The header fields, each with its line end, and the body."""
        head = self._always % (date_now(), request_id)
        body = response.body or b""
        if body:
            if b"accept-encoding" in raw and len(body) >= coding.PACKED_FROM_BYTES:
                body, packed_by = self._packing.pack(body, raw[b"accept-encoding"])
                if packed_by is not None:
                    head += b"content-encoding: %s\r\n" % packed_by
            own = response.content_type
            content_type = format.content_type if own is None else own.encode("latin-1")
            head += b"content-type: %s\r\ncontent-length: %d\r\n" % (content_type, len(body))
        elif response.status not in (204, 304):
            head += b"content-length: 0\r\n"
        if response.version is not None:
            head += b'etag: W/"%d"\r\n' % response.version
        if response.updated is not None:
            head += b"last-modified: %s\r\n" % http_date(response.updated)
        if response.location is not None and request is not None:
            name = "location" if response.status == 201 else "content-location"
            head += f"{name}: {request.base}/{response.location}\r\n".encode()
        if response.headers:
            head += _lines(response.headers)
        if b"x-correlation-id" in raw or b"x-request-id" in raw:
            head += _correlation(raw, request_id)
        if b"origin" in raw:
            head += self._cors(raw, path)
        return head, body

    def _cors(self, raw: dict[bytes, bytes], path: tuple[str, ...]) -> bytes:
        """The fields that let a browser app of a known origin see the answer, and any app how to sign in."""
        origin = raw.get(b"origin")
        if origin is None:
            return b""
        allowed, named = self._settings.cors_origins, origin.decode("latin-1")
        if named not in allowed and not self._registered(named):
            is_public = self._settings.auth == "smart" and path == ("metadata",)
            if "*" not in allowed and not is_public:
                return b""
            origin = b"*"
        return b"access-control-allow-origin: %s\r\naccess-control-expose-headers: %s\r\n" % (
            origin,
            _EXPOSED,
        )


def _formed(
    response: FhirResponse, format: Format, pretty: bool, request_id: bytes
) -> tuple[FhirResponse, Format]:
    """The same answer in XML, or with its lines indented; content that is no FHIR stays as it is. What XML
    cannot hold is told in JSON."""
    if response.content_type is not None or response.body is None:
        return response, format
    try:
        if format.kind == "xml":
            response.body = xml.to_xml(response.body, pretty=pretty)
        else:
            response.body = document.pretty(response.body)
    except FhirError as fault:
        return outcome.of_error(fault), JSON
    except Exception as fault:
        return _failed(fault, request_id), JSON
    return response, format


def _failed(fault: Exception, request_id: bytes) -> FhirResponse:
    logs.error("A request failed", fault, request_id=request_id.decode())
    return outcome.of_fault(request_id.decode())


def _joined(fields: list[Field]) -> dict[bytes, bytes]:
    """Repeated header fields joined by commas (RFC 9110, 5.3)."""
    joined: dict[bytes, bytes] = {}
    for name, value in fields:
        joined[name] = joined[name] + b", " + value if name in joined else value
    return joined


def _correlation(raw: dict[bytes, bytes], request_id: bytes) -> bytes:
    """The client's own id of the request, where the server's is another (http.html#custom)."""
    given = raw.get(b"x-correlation-id", raw.get(b"x-request-id", b""))
    if given == request_id or len(given) > LONGEST_CORRELATION or not given.isascii():
        return b""
    return b"x-correlation-id: %s\r\n" % _CONTROL.sub(" ", given.decode()).encode()


def _lines(headers: Mapping[str, str]) -> bytes:
    """Header fields of an answer; none can carry a line of its own."""
    return b"".join(
        b"%s: %s\r\n"
        % (name.lower().encode("latin-1"), _CONTROL.sub(" ", value).encode("latin-1", "replace"))
        for name, value in headers.items()
    )


def _body_too_long(limit: int) -> FhirError:
    fault = too_long(f"The body is longer than {limit} bytes")
    fault.headers["Connection"] = "close"
    return fault

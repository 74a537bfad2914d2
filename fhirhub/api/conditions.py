"""What a request makes its answer depend on: `If-Match`, `If-None-Match`, `If-Modified-Since`, `Prefer`
(https://hl7.org/fhir/R4/http.html#concurrency, #cread, #return)."""

from __future__ import annotations

import functools
import re
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Literal, NamedTuple

from fhirhub.api.exchange import FhirRequest, FhirResponse
from fhirhub.api.formats import LONGEST_HEADER
from fhirhub.errors import error, invalid

_TAG = re.compile(r'(?:W/)?"([^"]*)"')
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_VERSION = re.compile(r"[1-9][0-9]{0,8}")


def if_match(request: FhirRequest) -> int | None:
    """The version that `If-Match` asks to be the current one, None without the header.

    Raises invalid (400) for what is no ETag, error 412 for one that no version of this server has.
    """
    header = request.headers.get("if-match")
    return None if header is None else _version_of(header)


async def expected(request: FhirRequest, type: str, id: str) -> int | None:
    """The same for one resource, where `If-Match` may also be `*` or a list (RFC 9110, 13.1.1): of those, the
    version that is current."""
    header = request.headers.get("if-match")
    if header is None:
        return None
    if header.strip() != "*" and "," not in header:
        return _version_of(header)
    wanted = None if header.strip() == "*" else {_version_of(part) for part in header.split(",")}
    current = await request.repository.find(type, id)
    if current is None or current.deleted or (wanted is not None and current.version not in wanted):
        raise error(412, "conflict", f"{type}/{id} is not what `If-Match: {header}` asks for")
    return current.version


def _version_of(header: str) -> int:
    found = _TAG.fullmatch(header.strip())
    if found is None:
        raise invalid(f'`If-Match` expects the ETag of a version such as W/"3"; got `{header}`')
    if not _VERSION.fullmatch(found[1]):
        raise error(412, "conflict", f'No version has the ETag `{header}`; versions are W/"1", W/"2" ...')
    return int(found[1])


def only_new(request: FhirRequest) -> bool:
    """Whether `If-None-Match: *` asks that there be nothing yet."""
    header = request.headers.get("if-none-match")
    if header is None:
        return False
    if header.strip() != "*":
        raise invalid(f"`If-None-Match` of a write expects *; got `{header}`")
    return True


def unmodified(headers: Mapping[str, str], version: int, updated: int) -> bool:
    """Whether the client says that it has this version already. `If-None-Match` goes before
    `If-Modified-Since` (RFC 9110, 13.2.2). `updated` in microseconds since 1970 UTC."""
    tags = headers.get("if-none-match")
    if tags is not None:
        return tags.strip() == "*" or str(version) in _TAG.findall(tags)
    since = headers.get("if-modified-since")
    if since is None:
        return False
    try:
        moment = parsedate_to_datetime(since)
    except ValueError:
        return False
    return updated // 1_000_000 <= moment.timestamp()


def not_modified(version: int, updated: int) -> FhirResponse:
    """The answer to a client that has this version already."""
    return FhirResponse(304, version=version, updated=updated)


class Preference(NamedTuple):
    """What `Prefer` asks (RFC 7240): how much comes back of a write, and how unknown parameters are taken.
    Preferences that are not known here are ignored, as that RFC says."""

    returns: Literal["minimal", "representation", "OperationOutcome"] | None = None
    lenient: bool = False


_NO_PREFERENCE = Preference()
_RETURNS: dict[str, Literal["minimal", "representation", "OperationOutcome"]] = {
    "minimal": "minimal",
    "representation": "representation",
    "operationoutcome": "OperationOutcome",
}


def preference(request: FhirRequest) -> Preference:
    """What the request's `Prefer` asks."""
    header = request.headers.get("prefer")
    return _NO_PREFERENCE if header is None else _preference(header[:LONGEST_HEADER])


@functools.lru_cache(maxsize=256)
def _preference(header: str) -> Preference:
    found = Preference()
    for part in re.split(r"[,;]", header.lower()):
        name, _, value = part.partition("=")
        value = value.strip().strip('"')
        match name.strip():
            case "return" if found.returns is None:
                found = found._replace(returns=_RETURNS.get(value))
            case "handling":
                found = found._replace(lenient=value == "lenient")
            case _:
                pass
    return found


_dates: dict[int, bytes] = {}


def http_date(microseconds: int) -> bytes:
    """A moment as header fields write it (RFC 9110, 5.6.7)."""
    second = microseconds // 1_000_000
    known = _dates.get(second)
    if known is None:
        if len(_dates) > 10_000:
            _dates.clear()
        t = time.gmtime(second)
        known = _dates[second] = (
            f"{_DAYS[t.tm_wday]}, {t.tm_mday:02d} {_MONTHS[t.tm_mon - 1]} {t.tm_year:04d} "
            f"{t.tm_hour:02d}:{t.tm_min:02d}:{t.tm_sec:02d} GMT"
        ).encode()
    return known


def date_now() -> bytes:
    """This moment for the `Date` field, to the second (RFC 9110, 6.6.1)."""
    return http_date(time.time_ns() // 1000)

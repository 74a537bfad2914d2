"""ROUTES: every interaction of the RESTful API, for HTTP and for Bundle entries alike
(https://hl7.org/fhir/R4/http.html#summary)."""

from __future__ import annotations

import difflib
from typing import NamedTuple

from fhirhub.api import capability, history, operations, read, search, transaction, write
from fhirhub.api.exchange import Handler
from fhirhub.errors import FhirError, not_found, not_supported
from fhirhub.resources import definitions


class Route(NamedTuple):
    """One line of ROUTES. `permission` is the letter of the SMART scope that it takes, `-` for none."""

    method: str
    path: str
    interaction: str
    permission: str
    handler: Handler


ROUTES: tuple[Route, ...] = (
    Route("GET", "/metadata", "capabilities", "-", capability.capabilities),
    Route("GET", "/{type}/{id}", "read", "r", read.read),
    Route("GET", "/{type}/{id}/_history/{vid}", "vread", "r", read.vread),
    Route("PUT", "/{type}/{id}", "update", "u", write.update),
    Route("PATCH", "/{type}/{id}", "patch", "u", write.patch),
    Route("DELETE", "/{type}/{id}", "delete", "d", write.delete),
    Route("GET", "/{type}/{id}/_history", "history-instance", "r", history.history),
    Route("POST", "/{type}", "create", "c", write.create),
    Route("PUT", "/{type}", "update", "u", write.update_where),
    Route("PATCH", "/{type}", "patch", "u", write.patch_where),
    Route("DELETE", "/{type}", "delete", "d", write.delete_where),
    Route("GET", "/{type}", "search-type", "s", search.search),
    Route("POST", "/{type}/_search", "search-type", "s", search.search),
    Route("GET", "/{type}/_history", "history-type", "s", history.history),
    Route("GET", "/{type}/{id}/{type}", "search-compartment", "s", search.search),
    Route("POST", "/{type}/{id}/{type}/_search", "search-compartment", "s", search.search),
    Route("GET", "/{type}/{id}/*", "search-compartment", "s", search.search),
    Route("POST", "/{type}/{id}/*/_search", "search-compartment", "s", search.search),
    Route("POST", "/{type}/{id}/_search", "search-compartment", "s", search.search),
    Route("GET", "", "search-system", "s", search.search),
    Route("POST", "/_search", "search-system", "s", search.search),
    Route("GET", "/_history", "history-system", "s", history.history),
    Route("POST", "", "batch", "-", transaction.bundle),
    Route("GET", "/{operation}", "operation", "-", operations.invoke),
    Route("POST", "/{operation}", "operation", "-", operations.invoke),
    Route("GET", "/{type}/{operation}", "operation", "-", operations.invoke),
    Route("POST", "/{type}/{operation}", "operation", "-", operations.invoke),
    Route("GET", "/{type}/{id}/{operation}", "operation", "-", operations.invoke),
    Route("POST", "/{type}/{id}/{operation}", "operation", "-", operations.invoke),
    Route("GET", "/{type}/{id}/_history/{vid}/{operation}", "operation", "-", operations.invoke),
    Route("POST", "/{type}/{id}/_history/{vid}/{operation}", "operation", "-", operations.invoke),
)

_TYPES = frozenset(definitions.STORED_TYPES)
"""The types that are stored; on others there are operations alone."""
_BY_PATH: dict[str, dict[str, Route]] = {}
for _route in ROUTES:
    _BY_PATH.setdefault(_route.path, {})[_route.method] = _route
_INSTANCE = _BY_PATH["/{type}/{id}"]
_TYPE = _BY_PATH["/{type}"]


def match(method: str, path: tuple[str, ...]) -> Route:
    """The route of this method and path.

    Raises not_found for a path that is none and for an unknown type, not_supported with `Allow` where the
    path has other methods.
    """
    if path and path[0] in _TYPES:
        if len(path) == 2 and path[1] and path[1][0] not in "_$":
            by_method = _INSTANCE
        elif len(path) == 1:
            by_method = _TYPE
        else:
            by_method = _by_path(path)
    else:
        by_method = _by_path(path)
    route = by_method.get(method)
    if route is None:
        raise _no_method(method, path, by_method)
    return route


def allowed(path: tuple[str, ...]) -> list[str]:
    """The methods of a path; empty for a path that is none."""
    try:
        by_method = _by_path(path)
    except FhirError:
        return []
    return [*by_method, *(["HEAD"] if "GET" in by_method else [])]


def _by_path(path: tuple[str, ...]) -> dict[str, Route]:
    shape = _shape(path)
    if shape is None:
        raise _unknown_path(path)
    return _BY_PATH[shape]


def _shape(path: tuple[str, ...]) -> str | None:
    """The path's form as ROUTES writes it, None for one that is none."""
    if not path:
        return ""
    if not all(path) or any("{" in part for part in path):
        return None
    first, *rest = path
    if first not in _TYPES and not (definitions.is_resource_type(first) and rest and rest[-1][:1] == "$"):
        parts = ["{operation}" if first.startswith("$") else first, *rest]
    elif not rest:
        return "/{type}"
    elif rest[0][:1] in ("_", "$"):
        parts = ["{type}", "{operation}" if rest[0].startswith("$") else rest[0], *rest[1:]]
    else:
        parts = ["{type}", "{id}"]
        for position, part in enumerate(rest[1:]):
            if position == 1 and rest[1] == "_history":
                parts.append("{vid}")
            elif part.startswith("$"):
                parts.append("{operation}")
            elif part in _TYPES:
                parts.append("{type}")
            else:
                parts.append(part)
    shape = "/" + "/".join(parts)
    return shape if shape in _BY_PATH else None


def _no_method(method: str, path: tuple[str, ...], by_method: dict[str, Route]) -> FhirError:
    names = [*by_method, *(["HEAD"] if "GET" in by_method else [])]
    place = "/".join(path) or "the base"
    return not_supported(
        f"{method} is not an interaction of `{place}`; it has {', '.join(names)}",
        status=405,
        headers={"Allow": ", ".join(names)},
    )


def _unknown_path(path: tuple[str, ...]) -> FhirError:
    first = path[0]
    if first in _TYPES or first[:1] in ("_", "$") or first == "metadata":
        return not_found(f"`{'/'.join(path)}` is not a path of the FHIR API")
    if definitions.is_resource_type(first):
        return not_supported(
            f"{first} goes into operations and comes out of them; by itself it is never stored or searched",
            status=404,
        )
    near = difflib.get_close_matches(first, definitions.RESOURCE_TYPES, 1, 0.6)
    also = f"; did you mean {near[0]}?" if near else ""
    return not_supported(f"`{first}` is not a resource type of FHIR R4{also}", status=404)

"""history of an instance, a type and the system (https://hl7.org/fhir/R4/http.html#history)."""

from __future__ import annotations

from urllib.parse import parse_qsl

from fhirhub.api import bundles, conditions, read
from fhirhub.api.exchange import FhirRequest, FhirResponse
from fhirhub.errors import invalid
from fhirhub.resources import definitions, document, primitives, references, subset
from fhirhub.store.cursor import seal, unseal
from fhirhub.store.versions import HistoryRequest

PARAMETERS = ("_since", "_at", "_list", "_count", "_cursor", "_summary", "_elements", "_format", "_pretty")


async def history(request: FhirRequest) -> FhirResponse:
    """The versions, newest first: of one resource, of a type, of everything."""
    path = request.path
    type = path[0] if len(path) > 1 else None
    id = path[1] if len(path) > 2 else None
    asked = _Asked(request)
    wanted = HistoryRequest(
        type, id, asked.since, asked.at, asked.before, asked.count, await _listed(request, asked.list)
    )
    found = await request.repository.history(wanted)
    shown = found[: asked.count]
    url = "/".join((request.base, *path))
    links = [("self", bundles.url(url, asked.used))]
    if len(found) > asked.count > 0:
        last = shown[-1]
        cursor = seal(
            request.repository.tenant.cursor_key,
            bundles.scope(request, asked.used),
            (last.updated, last.rid, last.version),
        )
        links.append(("next", bundles.url(url, [*asked.without_cursor(), ("_cursor", cursor)])))
    if asked.before is not None:
        links.append(("first", bundles.url(url, asked.without_cursor())))
    entries = bundles.Entries(request.base)
    for one in shown:
        entries.version(one, None if one.body is None else _part(asked, one.body))
    total = None
    if asked.before is None:
        if len(found) <= asked.count:
            total = len(found)
        elif id is not None and asked.is_whole and not request.repository.limited:
            total = found[0].version
        elif asked.count == 0:
            total = await request.repository.history_total(wanted)
    return FhirResponse(200, entries.bundle("history", now=request.context.now(), links=links, total=total))


class _Asked:
    """The parameters of a history."""

    def __init__(self, request: FhirRequest) -> None:
        settings = request.context.settings
        self.since: int | None = None
        self.at: tuple[int, int] | None = None
        self.count = settings.page_count_default
        self.before: tuple[int, int, int] | None = None
        self.list: str | None = None
        self.summary: str | None = None
        self.elements: list[str] = []
        self.used: list[tuple[str, str]] = []
        cursor: str | None = None
        for name, value in parse_qsl(request.query, keep_blank_values=True):
            if name not in ("_format", "_pretty") and any(name == other for other, _ in self.used):
                raise invalid(f"`{name}` is given once")
            match name:
                case "_since":
                    self.since = _moment(name, value)[0]
                case "_at":
                    self.at = _moment(name, value)
                case "_list":
                    if primitives.check("id", value):
                        raise invalid(f"`_list` expects the id of a List; got `{value}`")
                    self.list = value
                case "_count":
                    if not value.isascii() or not value.isdigit() or len(value) > 9:
                        raise invalid(f"`_count` expects a whole number, not below 0; got `{value}`")
                    self.count = min(int(value), settings.page_count_max)
                case "_cursor":
                    cursor = value
                case "_summary":
                    if value not in read.SUMMARIES:
                        raise invalid(f"`_summary` expects one of {', '.join(read.SUMMARIES)}; got `{value}`")
                    self.summary = value if value != "false" else None
                case "_elements":
                    self.elements = [part.strip() for part in value.split(",") if part.strip()]
                    types = definitions.RESOURCE_TYPES if len(request.path) == 1 else (request.path[0],)
                    read.refuse_unknown_elements(types, self.elements)
                case "_format" | "_pretty":
                    pass
                case _:
                    if conditions.preference(request).lenient:
                        continue
                    raise read.unknown_parameter(name, PARAMETERS)
            self.used.append((name, value))
        if self.summary == "count":
            self.count = 0
        if cursor is not None:
            key = request.repository.tenant.cursor_key
            updated, rid, version = unseal(key, bundles.scope(request, self.used), cursor)
            self.before = (updated, rid, version)

    @property
    def is_whole(self) -> bool:
        """Whether no version is left out."""
        return self.since is None and self.at is None and self.list is None

    def without_cursor(self) -> list[tuple[str, str]]:
        return [pair for pair in self.used if pair[0] != "_cursor"]


async def _listed(request: FhirRequest, id: str | None) -> tuple[tuple[str, str, str | None], ...] | None:
    """What the List names: resources, or single versions; nothing where there is none to be seen."""
    if id is None:
        return None
    found = await request.repository.find("List", id)
    if found is None or found.body is None:
        return ()
    named = []
    for entry in document.decode(found.body).get("entry", ()):
        target = references.parse(str(entry.get("item", {}).get("reference", "")), request.base)
        if target.is_local and target.type and target.id:
            named.append((target.type, target.id, target.version))
    return tuple(named)


def _moment(name: str, value: str) -> tuple[int, int]:
    try:
        return primitives.date_range(value.replace(" ", "+"))
    except ValueError:
        raise invalid(f"`{name}` expects a moment such as 2026-11-22T09:00:00Z; got `{value}`") from None


def _part(asked: _Asked, body: bytes) -> bytes:
    if asked.elements:
        return document.encode(subset.elements(document.decode(body), asked.elements))
    if asked.summary:
        return document.encode(subset.summary(document.decode(body), asked.summary))
    return body

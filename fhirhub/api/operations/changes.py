"""CarePlan/[id]/$changes: the timeline of a plan, whole, since a moment, or since this person last looked."""

from __future__ import annotations

from fhirhub.api import bundles
from fhirhub.api.exchange import FhirRequest, FhirResponse
from fhirhub.api.operations import parameters
from fhirhub.careplan import changes as plans
from fhirhub.errors import invalid
from fhirhub.resources import primitives
from fhirhub.store.cursor import Position, seal, unseal
from fhirhub.store.timeline import Place

LAST_SEEN = "last-seen"


async def changes(request: FhirRequest) -> FhirResponse:
    """Versions of plan, team, goals, tasks, scores, messages and consents, newest first, each with its
    Provenance."""
    given = parameters.read(request)
    repository = request.repository
    settings = request.context.settings
    count = given.number("_count", 1, settings.page_count_max) or settings.page_count_default
    since: int | None = None
    after: Place | None = None
    before: Place | None = None
    asked = given.text("since")
    key = repository.tenant.cursor_key
    scope = bundles.scope(request, [(name, str(value)) for name, value in given.values])
    plan = await repository.read("CarePlan", request.path[1])
    if asked == LAST_SEEN:
        person = plans.reader_of(repository.access)
        after = await plans.mark(repository.tenant.database, repository.tenant.number, plan, person)
    elif asked is not None:
        since = _moment(asked)
    cursor = given.text("_cursor")
    if cursor is not None:
        # The pages of one answer are one answer, wherever the mark goes meanwhile.
        before, after = _places(unseal(key, scope, cursor))
    moments = await repository.timeline(
        plans.of_plan(plan, request.base, since=since, after=after, before=before, count=count)
    )
    shown = moments[:count]
    entries = bundles.Entries(request.base)
    together = plans.in_order(shown, await repository.provenance(shown))
    for one in together:
        entries.version(one, one.body)
    url = "/".join((request.base, *request.path))
    used = [(name, str(value)) for name, value in given.values if name != "_cursor"]
    links = [("self", bundles.url(url, used if cursor is None else [*used, ("_cursor", cursor)]))]
    is_all = len(moments) <= count
    if not is_all:
        more = seal(key, scope, (*shown[-1].place, *(after or ())))
        links.append(("next", bundles.url(url, [*used, ("_cursor", more)])))
    if cursor is not None:
        links.append(("first", bundles.url(url, used)))
    total = len(together) if is_all and cursor is None else None
    return FhirResponse(200, entries.bundle("history", now=request.context.now(), links=links, total=total))


def _places(position: Position) -> tuple[Place, Place | None]:
    """The place before which the page ends, and that after which it begins."""
    updated, rid, version, *after = position
    return (updated, rid, version), (after[0], after[1], after[2]) if after else None


def _moment(text: str) -> int:
    try:
        return primitives.date_range(text.replace(" ", "+"))[0]
    except ValueError:
        raise invalid(
            f"`since` expects a moment such as 2026-11-22T09:00:00Z, or `{LAST_SEEN}`; got `{text}`"
        ) from None

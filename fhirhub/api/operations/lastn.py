"""$lastn: the latest observations of each code (https://hl7.org/fhir/R4/observation-operation-lastn.html)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fhirhub.api import bundles
from fhirhub.api.exchange import FhirRequest, FhirResponse, Json
from fhirhub.api.operations import parameters
from fhirhub.errors import not_supported, required, too_costly
from fhirhub.resources import document
from fhirhub.store import request as requests
from fhirhub.store.search import Match

MAX_OBSERVATIONS = 20_000
MAX_EACH = 1000
_PAGE = 1000


async def lastn(request: FhirRequest) -> FhirResponse:
    """The `max` (1) newest Observations of each code among those that the other parameters match."""
    given = parameters.read(request)
    each = given.number("max", 1, MAX_EACH) or 1
    for name, _ in given.values:
        if name in ("_count", "_sort", "_cursor"):
            raise not_supported(
                f"`{name}` is not supported by $lastn: it gives all groups at once, the newest first; `max` says "
                "how many of each"
            )
    criteria = [(name, str(value)) for name, value in given.values if name != "max"]
    if not any(name.partition(":")[0].partition(".")[0] in ("patient", "subject") for name, _ in criteria):
        raise required(
            "$lastn is asked of one `patient` or `subject`, with `category` or `code` where wanted"
        )
    asked = requests.parse(
        "Observation",
        [*criteria, ("_sort", "-date"), ("_count", str(_PAGE))],
        request.repository.parameters,
        base=request.base,
    )
    groups = _Groups(each)
    cursor, seen = None, 0
    while True:
        page = await request.repository.search(asked, cursor)
        for match in page.matches:
            groups.add(match)
        seen += len(page.matches)
        cursor = page.next
        if cursor is None:
            break
        if seen >= MAX_OBSERVATIONS:
            raise too_costly(
                f"More than {MAX_OBSERVATIONS} observations match; narrow by `category` or `code`"
            )
    entries = bundles.Entries(request.base)
    newest = list(groups.newest())
    for match in newest:
        entries.found(match.type, match.id, match.body, "match")
    used = [(name, str(value)) for name, value in given.values]
    links = [("self", bundles.url("/".join((request.base, *request.path)), used))]
    body = entries.bundle("searchset", now=request.context.now(), links=links, total=len(newest))
    return FhirResponse(200, body)


class _Groups:
    """Observations by what they are of: two codes are the same where they share a coding."""

    def __init__(self, each: int) -> None:
        self._each = each
        self._groups: list[list[Match]] = []
        self._of: dict[Any, int] = {}

    def add(self, match: Match) -> None:
        keys = list(_keys(document.decode(match.body).get("code", {})))
        number = next((self._of[key] for key in keys if key in self._of), None)
        if number is None:
            number = len(self._groups)
            self._groups.append([])
        for key in keys:
            self._of.setdefault(key, number)
        if len(self._groups[number]) < self._each:
            self._groups[number].append(match)

    def newest(self) -> Iterator[Match]:
        return (match for group in self._groups for match in group)


def _keys(code: Json) -> Iterator[Any]:
    codings = code.get("coding") or []
    for coding in codings:
        yield coding.get("system"), coding.get("code")
    if not codings:
        yield code.get("text")

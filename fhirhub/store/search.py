"""search: from a request to one page of matches and what they include (https://hl7.org/fhir/R4/http.html#search)."""

from __future__ import annotations

import asyncio
import itertools
import operator
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from fhirhub import errors
from fhirhub.access import Access
from fhirhub.errors import FhirError, Issue
from fhirhub.store import including
from fhirhub.store import plan as plans
from fhirhub.store.cursor import Position, seal, unseal
from fhirhub.store.database import Reader, too_costly
from fhirhub.store.index import ABSENT
from fhirhub.store.index.parameters import LISTED_CODES, MAIN_DATES, key_of
from fhirhub.store.plan import Plan, Shape
from fhirhub.store.request import Include, SearchRequest
from fhirhub.store.sql import Kind, Row, Statement
from fhirhub.store.visible import Visible, visible

ROUNDS_AT_MOST = 8
"""How often `:iterate` goes on from what was included."""


class Match(NamedTuple):
    """A resource found: a match or an include."""

    rid: int
    type: str
    id: str
    version: int
    updated: int
    body: bytes
    patient: str | None
    """Whose it is (`resources/relations.py`)."""
    label: str | None


_WIDTH = len(Match._fields)
Joined = tuple[Match, str | None]
"""An include and the version that the reference to it names."""


@dataclass(slots=True)
class Found:
    """One page. `next` is the cursor of the following one; `total` is None where it was not asked for and
    the page does not tell."""

    matches: list[Match]
    includes: list[Match] = field(default_factory=list)
    next: str | None = None
    total: int | None = None
    issues: list[Issue] = field(default_factory=list)


async def search(
    reader: Reader,
    tenant: int,
    request: SearchRequest,
    access: Access,
    *,
    cursor: str | None = None,
    key: bytes = b"",
    seconds: float | None = None,
) -> Found:
    """One page of what the request finds and the caller may see; `cursor` as the page before gave it. All
    statements together take no longer than `seconds`.

    Raises FhirError 400 for a cursor of another caller, search or server, 422 `too-costly` past the timeout.
    """
    seen = visible(access, reader.dialect)
    first = reader
    if seconds is not None:
        reader = _Bounded(reader, seconds)
        if seconds < 1:
            # The database gives every statement a second at least.
            first = reader
    if request.counts_only:
        return Found([], total=await _count(first, tenant, request, seen))
    cursor = request.cursor if cursor is None else cursor
    limit = request.page
    position = unseal(key, _scope(tenant, request, access), cursor) if cursor else None
    matches, included, last = await _page(first, reader, tenant, request, seen, limit, position)
    found = Found(matches)
    if last is not None:
        found.next = seal(key, _scope(tenant, request, access), last)
    elif position is None:
        found.total = len(matches)
    if request.total != "none" and found.total is None:
        found.total = await _count(reader, tenant, request, seen)
    if request.includes:
        await _include(reader, tenant, request, seen, found, included)
    return found


def _scope(tenant: int, request: SearchRequest, access: Access) -> str:
    """Who asked what, but for the page."""
    asked = [(name, value) for name, value in request.used if name not in ("_cursor", "_count")]
    return repr((tenant, request.types, asked, access.digest))


def bounded(reader: Reader, seconds: float) -> Reader:
    """The reader, whose statements from now on together take no longer than so many seconds."""
    return _Bounded(reader, seconds)


class _Bounded:
    """The reader of what follows the first statement of a search: all of them share its time."""

    __slots__ = ("_end", "_reader", "dialect")

    def __init__(self, reader: Reader, seconds: float) -> None:
        self.dialect = reader.dialect
        self._reader = reader
        self._end = time.monotonic() + seconds

    async def fetch(self, statement: Statement) -> list[Row]:
        left = self._end - time.monotonic()
        if left <= 0:
            raise too_costly()
        try:
            async with asyncio.timeout(left):
                return await self._reader.fetch(statement)
        except TimeoutError:
            raise too_costly() from None


# One page

_plans: dict[tuple[Any, ...], Plan] = {}


async def _page(
    first: Reader,
    reader: Reader,
    tenant: int,
    request: SearchRequest,
    seen: Visible,
    limit: int,
    position: Position | None,
) -> tuple[list[Match], list[Joined] | None, Position | None]:
    """Matches, what they include (None where that takes a statement of its own), and the position behind the
    last match where there are more. `first` answers the first statement, `reader` the others.

    A walk gives the rows in the order of their sort values. Where a page ends within equal values, a second
    statement gives those in the order of their ids.
    """
    by_one = len(request.sort) == 1 and request.sort[0].parameters[0].kind in ("date", "string")
    alone = by_one or any(join.iterate for join in request.includes)
    values, ties = (None, ()) if position is None else _parts(position)
    joins = () if alone or ties else request.includes
    plan, statement = _statement(first, tenant, request, seen, limit, values, ties, joins)
    rows: Sequence[Row] = await first.fetch(statement)
    included: list[Joined] | None = None if alone or ties else []
    if joins:
        rows, included = _read(rows)
    if plan.ties:
        before = 0
        if ties:
            before = len(rows)
            if before <= limit and not _is_absent(values):
                plan, statement = _statement(reader, tenant, request, seen, limit, values, (), ())
                rows = [*rows, *_in_order(await reader.fetch(statement), plan)][: limit + 1]
        else:
            rows = _in_order(rows, plan)
        walked = len(rows)
        if plan.tail is not None and walked <= limit:
            rows = [*rows, *await _tied(reader, tenant, request, seen, limit, plan.tail, plan)]
        if before <= limit < walked and _values(rows[limit], plan) == _values(rows[limit - 1], plan):
            tie = _values(rows[limit], plan)
            rows = [row for row in rows if _values(row, plan) != tie]
            rows += await _tied(reader, tenant, request, seen, limit, tie, plan)
            included = None
    matches = [Match(*row[:_WIDTH]) for row in rows[:limit]]
    last = _behind(rows, limit, plan) if len(rows) > limit else None
    return matches, included, last


async def _tied(
    reader: Reader,
    tenant: int,
    request: SearchRequest,
    seen: Visible,
    limit: int,
    values: Position,
    plan: Plan,
) -> list[Row]:
    """The rows with these sort values, in the order of their ids from the first on."""
    first = ("",) * len(plan.ties)
    return await reader.fetch(_statement(reader, tenant, request, seen, limit, values, first, ())[1])


def _parts(position: Position) -> tuple[Position, Position]:
    """The sort values of a position, and what breaks ties where it stands between equal ones."""
    ties = position[0]
    if not isinstance(ties, int) or not 0 <= ties < len(position) - 1:
        raise _outdated()
    end = len(position) - ties
    return position[1:end], position[end:]


def _outdated() -> FhirError:
    return errors.value("This page link is of an earlier release; begin the search again.")


def _behind(rows: Sequence[Row], limit: int, plan: Plan) -> Position:
    """The position between the last row of the page and the one after it."""
    values = _values(rows[limit - 1], plan)
    tied = plan.ties and values == _values(rows[limit], plan)
    ties = [rows[limit - 1][column] for column in plan.ties] if tied else []
    return (len(ties), *values, *ties)


def _values(row: Row, plan: Plan) -> Position:
    return tuple([row[column] for column in plan.columns])


def _is_absent(values: Position | None) -> bool:
    """Whether nothing comes after these sort values."""
    return values is not None and all(value is None or value == ABSENT for value in values)


def _in_order(rows: Sequence[Row], plan: Plan) -> Sequence[Row]:
    """The rows of a walk, equal ones in the order of their ids."""
    values = operator.itemgetter(*plan.columns)
    keys = [values(row) for row in rows]
    if not any(map(operator.eq, keys, keys[1:])):
        return rows
    ties = operator.itemgetter(*plan.ties)
    return [row for _, group in itertools.groupby(rows, values) for row in sorted(group, key=ties)]


def _statement(
    reader: Reader,
    tenant: int,
    request: SearchRequest,
    seen: Visible,
    limit: int,
    position: Position | None,
    ties: Position,
    joins: tuple[Include, ...],
) -> tuple[Plan, Statement]:
    asked = shape(request, limit, position, joins, bool(ties))
    name = (asked, seen.shape, reader.dialect.name)
    plan = _plans.get(name)
    if plan is None:
        plan = plans.page(asked, reader.dialect, seen)
        if len(_plans) > 5000:
            _plans.clear()
        _plans[name] = plan
    values: tuple[Any, ...] = (tenant, *request.values)
    kinds: tuple[Kind, ...] = ("int", *request.kinds)
    if position is not None:
        if not _fits(position, plan.order) or len(ties) not in (0, len(plan.ties)):
            raise _outdated()
        # What is absent is part of the shape and is not bound.
        values += tuple([value for value in position if value is not None]) + ties
        kinds += tuple([kind for kind, value in zip(plan.order, position, strict=True) if value is not None])
        kinds += _TIES[: len(ties)]
    if plan.slots:
        own, own_kinds = seen.given(plan.slots)
        values += own
        kinds += own_kinds
    together = plan.bounded and not any(kind[-1] == "]" for kind in kinds)
    return plan, Statement(plan.sql, values, kinds, together)


_TIES: tuple[Kind, ...] = ("text", "text")


def _fits(position: Position, order: tuple[Kind, ...]) -> bool:
    """Whether the position was made by a plan of this order."""
    return len(position) == len(order) and all(
        value is None or isinstance(value, str) == (kind == "text")
        for value, kind in zip(position, order, strict=True)
    )


def shape(
    request: SearchRequest,
    limit: int,
    position: Position | None = None,
    joins: tuple[Include, ...] = (),
    tied: bool = False,
) -> Shape:
    """What the statement of a page depends on."""
    at = None if position is None else tuple([value is None for value in position])
    listed = _listed(request) if request.sort else None
    return Shape(request.types, request.nodes, request.sort, listed, joins, limit, at, tied)


def _listed(request: SearchRequest) -> tuple[int, ...] | None:
    """Keys of codes that are kept in the order of the date sorted by."""
    if len(request.types) != 1 or len(request.sort) != 1:
        return None
    type = request.types[0]
    if MAIN_DATES.get(type) != request.sort[0].code:
        return None
    return tuple([key_of(f"{type}:{code}") for code in sorted(LISTED_CODES)])


def _read(rows: Sequence[Row]) -> tuple[list[Row], list[Joined]]:
    """Rows of matches, and includes."""
    after = 1 + _WIDTH
    included = [(Match(*row[1:after]), row[after]) for row in rows if row[0] == 1]
    return [(*row[1:after], *row[after + 1 :]) for row in rows if row[0] == 0], included


# Totals

_counts: dict[tuple[Any, ...], tuple[str, tuple[str, ...]]] = {}


async def _count(reader: Reader, tenant: int, request: SearchRequest, seen: Visible) -> int:
    asked = Shape(request.types, request.nodes, (), None, (), 0, None, False)
    name = (asked, seen.shape, reader.dialect.name)
    found = _counts.get(name)
    if found is None:
        if len(_counts) > 5000:
            _counts.clear()
        found = _counts[name] = plans.count(asked, reader.dialect, seen)
    sql, slots = found
    own, own_kinds = seen.given(slots)
    values: tuple[Any, ...] = (tenant, *request.values, *own)
    kinds: tuple[Kind, ...] = ("int", *request.kinds, *own_kinds)
    rows = await reader.fetch(Statement(sql, values, kinds))
    return int(rows[0][0])


# Includes


async def _include(
    reader: Reader,
    tenant: int,
    request: SearchRequest,
    seen: Visible,
    found: Found,
    included: list[Joined] | None,
) -> None:
    """Fills in what the matches include; rounds go on as long as `:iterate` finds more."""
    known = {match.rid for match in found.matches}
    iterated = tuple(join for join in request.includes if join.iterate)
    fresh: list[Match] = []
    if included is None:
        included = await _joined(reader, tenant, request.includes, seen, known)
    for round in range(ROUNDS_AT_MOST + 1):
        fresh = []
        for match, version in included:
            if match.rid not in known:
                if version is not None and version != str(match.version):
                    # "The specified version SHOULD be provided" (3.1.1.4.13).
                    old = await _old_version(reader, tenant, seen, match.rid, version)
                    if old is None:
                        continue
                    match = old
                known.add(match.rid)
                fresh.append(match)
        found.includes += fresh
        if len(found.includes) > including.INCLUDED_AT_MOST:
            found.includes = found.includes[: including.INCLUDED_AT_MOST]
            found.issues.append(
                _cut(
                    f"More than {including.INCLUDED_AT_MOST} resources would be included; the rest is left out."
                )
            )
            return
        if not iterated or not fresh:
            return
        if round == ROUNDS_AT_MOST:
            found.issues.append(_cut(f"`:iterate` ended after {ROUNDS_AT_MOST} rounds; there may be more."))
            return
        included = await _joined(reader, tenant, iterated, seen, {match.rid for match in fresh})


def _cut(text: str) -> Issue:
    return Issue("warning", "incomplete", text)


_joins: dict[tuple[Any, ...], tuple[str, tuple[str, ...]]] = {}


async def _joined(
    reader: Reader, tenant: int, joins: tuple[Include, ...], seen: Visible, rids: set[int]
) -> list[Joined]:
    if not rids:
        return []
    name = (joins, seen.shape, reader.dialect.name)
    found = _joins.get(name)
    if found is None:
        if len(_joins) > 1000:
            _joins.clear()
        found = _joins[name] = seen.bind(including.included(joins, reader.dialect, seen), 3)
    sql, slots = found
    own, own_kinds = seen.given(slots)
    kinds: tuple[Kind, ...] = ("int", "bigint[]", *own_kinds)
    rows = await reader.fetch(Statement(sql, (tenant, sorted(rids), *own), kinds))
    return [(Match(*row[1 : 1 + _WIDTH]), row[1 + _WIDTH]) for row in rows]


async def _old_version(reader: Reader, tenant: int, seen: Visible, rid: int, version: str) -> Match | None:
    if not (version.isascii() and version.isdigit() and len(version) < 10):
        return None
    sql, slots = seen.bind(including.old_version(reader.dialect, seen), 4)
    own, own_kinds = seen.given(slots)
    kinds: tuple[Kind, ...] = ("int", "bigint", "int", *own_kinds)
    rows = await reader.fetch(Statement(sql, (tenant, rid, int(version), *own), kinds))
    return Match(*rows[0][:_WIDTH]) if rows else None

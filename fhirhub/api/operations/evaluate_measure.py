"""Measure/$evaluate-measure: figures of the region, a care group or a practice
(https://hl7.org/fhir/R4/measure-operation-evaluate-measure.html, RULES R36)."""

from __future__ import annotations

from fhirhub import errors
from fhirhub.access import Actor
from fhirhub.api.exchange import FhirRequest, FhirResponse, Json
from fhirhub.api.operations import parameters
from fhirhub.careplan import measures
from fhirhub.careplan.measures import REGION, Place
from fhirhub.repository import Repository
from fhirhub.resources import document, primitives, references


async def evaluate_measure(request: FhirRequest) -> FhirResponse:
    """A MeasureReport of type `summary`, as of the last day of the period."""
    given = parameters.read(request)
    measure = _measure(request, given)
    _refuse_persons(given)
    start, at = _period(given, request.context.now())
    repository = request.repository
    groups = await repository.care_groups(at)
    tallies = await repository.tallies(measure["id"], at)

    async def work(unit: Repository) -> Place:
        return await measures.told(unit, tallies, groups, measure, at)

    region = await repository.together(work)
    actor = repository.asker.actor
    seen = _open_to(actor, region)
    place = _subject(request, given, seen)
    strata = _strata(place, seen)
    named = {one.name for ones in strata.values() for one in ones} | {place.name}
    called = await _called(request, named - {REGION})
    canonical = f"{measure['url']}|{measure['version']}"
    report: Json = {
        "resourceType": "MeasureReport",
        "status": "complete",
        "type": "summary",
        "measure": canonical,
    }
    report["date"] = document.instant(request.context.now())
    if place.name != REGION:
        # R4 has no Organization as the subject of figures: whose they are is who reports.
        report["reporter"] = {"reference": place.name}
        if "name" in called.get(place.name, {}):
            report["reporter"]["display"] = called[place.name]["name"]
    report["period"] = {"start": document.instant(start)[:10], "end": document.instant(at)[:10]}
    report["improvementNotation"] = measure["improvementNotation"]
    report["group"] = [measures.report(measure, place, strata, called)]
    return FhirResponse(200, document.encode(report))


def _measure(request: FhirRequest, given: parameters.Input) -> Json:
    """The Measure that the address or `measure` names: an id, a reference or a canonical."""
    named = given.text("measure")
    if len(request.path) == 3:
        if named is not None:
            raise errors.invalid("`measure` is not given where the address names the measure")
        named = request.path[1]
    if not named:
        raise errors.required("`measure` says which measure is evaluated, such as Measure/shared-plan")
    found = measures.find(named.partition("|")[0].rpartition("/")[2])
    text = named.partition("|")[0]
    if found is None or text not in (found["id"], f"Measure/{found['id']}", found["url"]):
        raise measures.unknown(named)
    return found


def _refuse_persons(given: parameters.Input) -> None:
    """Figures are of organisations, never of single patients."""
    kind = given.text("reportType")
    if kind not in (None, "summary", "population"):
        raise errors.business_rule(
            f"Measures are told as figures, never by patient: `reportType` is population (or summary); got `{kind}`.",
            "reportType",
        )
    for name in ("practitioner", "lastReceivedOn"):
        if given.one(name) is not None:
            raise errors.not_supported(
                f"`{name}` is not taken: figures are of a practice, a care group or the region (`subject`)",
                422,
            )


def _period(given: parameters.Input, now: int) -> tuple[int, int]:
    """The begin of the period, and its last moment, both in microseconds. Whole months, and of those that are over:
    two moments shortly after one another would tell of single patients."""
    start, end = given.moment("periodStart"), given.moment("periodEnd")
    assert start is not None
    assert end is not None
    begin, until = start[0], end[1]
    if _is_within(begin) or _is_within(until) or begin >= until:
        raise errors.value(
            "A period is of whole months: `periodStart` the first day of one, such as 2026-01-01, `periodEnd` the last "
            "day of one, such as 2026-03-31."
        )
    this_month = document.instant(now)[:7]
    until = min(until, _begin_of(this_month))
    if begin >= until:
        raise errors.business_rule(
            f"Figures are of months that are over; `periodStart` is before {this_month}-01.", "periodStart"
        )
    return begin, until - 1


def _begin_of(month: str) -> int:
    return primitives.date_range(month)[0]


def _is_within(moment: int) -> bool:
    """Whether a month has begun before that moment and goes on."""
    return document.instant(moment)[8:19] != "01T00:00:00"


def _open_to(actor: Actor | None, region: Place) -> list[Place]:
    """Whose figures somebody may have, the first where nothing is named: an analyst those of the region, its care
    groups, and the practices of the own one; who works at a practice those of that practice. Raises `forbidden`."""
    if actor is None:
        return list(region.all())
    own = next((one for one in region.all() if one.name == actor.organization), None)
    if actor.column == "analyst" and (own is None or own.below):
        groups = [one for one in region.below if one.below]
        return [region, *groups, *(own.leaves() if own is not None else ())]
    works = actor.provider and actor.column in ("doctor", "treating", "backend")
    if own is None or own.below or not (works or actor.column == "analyst"):
        raise errors.forbidden(
            "Measures are for a care group's analyst, and for who works at a practice, of that practice alone."
        )
    return [own]


def _subject(request: FhirRequest, given: parameters.Input, seen: list[Place]) -> Place:
    """The place that is asked for."""
    named = given.text("subject")
    if named is None:
        return seen[0]
    target = references.parse(named, request.base)
    name = f"{target.type}/{target.id}" if target.is_local else named
    if target.is_local and target.type != "Organization":
        raise errors.business_rule(
            f"Measures are told as figures, never by patient: `subject` is an Organization; got `{named}`.",
            "subject",
        )
    found = next((one for one in seen if one.name == name), None)
    if found is None:
        may = ", ".join(one.name for one in seen[:5] if one.name != REGION)
        raise errors.forbidden(
            f"You may not have figures of `{named}`; you may of {may or 'the region alone'}."
        )
    return found


def _strata(place: Place, seen: list[Place]) -> dict[str, list[Place]]:
    """What the figures of a place are made of, as far as it may be seen, by code of the stratifier."""
    below = [one for one in place.all() if one is not place and one in seen]
    return {
        "care-group": [one for one in below if one.below],
        "practice": [one for one in below if not one.below],
    }


async def _called(request: FhirRequest, names: set[str]) -> dict[str, Json]:
    """These Organizations, as far as the caller may read them."""
    found = {}
    for name in sorted(names):
        stored = await request.repository.find("Organization", name.removeprefix("Organization/"))
        if stored is not None and stored.body is not None:
            found[name] = document.decode(stored.body)
    return found

"""Measures of a region, its care groups and practices: figures of which none is small, nor can be derived (RULES R36,
https://hl7.org/fhir/R4/measurereport.html).

A figure is shown where it, and what it leaves of the figure that it is part of, are not small. Practices, care groups
and region are an additive tree: what is left of a figure that is shown, once all shown below it is taken away, is told
by subtraction. So that belongs to several practices and is not small itself, or more is hidden. The same holds over
time: what follows from figures of two moments about the same practices differs not at all, or not by little.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal

from fhirhub import errors
from fhirhub.repository import Repository
from fhirhub.resources import guide
from fhirhub.resources.careplan import Json
from fhirhub.store import published
from fhirhub.store.counting import MEASURES as COUNTED
from fhirhub.store.counting import Tally

SMALL = 10
"""Counts below this are suppressed."""
REGION = ""
"""The root of the tree; the others are references such as `Organization/x`."""
MASKED = {
    "extension": [
        {"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "masked"}
    ]
}
_POPULATION = "http://terminology.hl7.org/CodeSystem/measure-population"
_NOTATION = "http://terminology.hl7.org/CodeSystem/measure-improvement-notation"


@dataclass(slots=True)
class Place:
    """The region, a care group or a practice, with its counts, from all patients to those of whom it is so; `shown`
    says how many of them may be told."""

    name: str
    counts: tuple[int, ...]
    total: float = 0.0
    below: list[Place] = field(default_factory=list)
    shown: int = 0

    def leaves(self) -> Iterator[Place]:
        """The practices in it; a practice itself."""
        if not self.below:
            yield self
        for one in self.below:
            yield from one.leaves()

    def all(self) -> Iterator[Place]:
        """It and all below it."""
        yield self
        for one in self.below:
            yield from one.all()


@dataclass(frozen=True, slots=True)
class Atom:
    """Practices of which a sum follows from what is told, but of none of them alone: a figure that is shown, without
    all shown below it. `count` is theirs, `rest` what it leaves of the count before it."""

    practices: frozenset[str]
    count: int
    rest: int


@dataclass(frozen=True, slots=True)
class Earlier:
    """What was told of a level before: the places, and the sums that follow. `again` where it was of the same
    moment."""

    places: frozenset[str]
    atoms: tuple[Atom, ...]
    again: bool = False


Told = Mapping[int, Sequence[Earlier]]
"""By level, what was told before."""


def find(id: str) -> Json | None:
    """The guide's own Measure of that id, which this hub can evaluate."""
    return guide.find("Measure", guide.url("Measure", id)) if id in COUNTED else None


async def told(
    unit: Repository, tallies: Iterable[Tally], groups: Sequence[tuple[str, str]], measure: Json, at: int
) -> Place:
    """The tree of the region as it is told at that moment, inside `together`: held against what was told of it around
    that moment, and kept for those to come."""
    named, tenant = figures(measure), unit.tenant.number
    await unit.transaction.lock_names(tenant, [f"figure {one}" for one in named.values()])
    earlier = {
        level: [
            read(one, again=same) for same, one in await published.near(unit.transaction, tenant, figure, at)
        ]
        for level, figure in named.items()
    }
    region = grown(tallies, groups, measure, earlier)
    telling = ((figure, shown(region, level)) for level, figure in named.items())
    await published.keep(
        unit.transaction, tenant, at, [(figure, written(one)) for figure, one in telling if one.places]
    )
    return region


def figures(measure: Json) -> dict[int, str]:
    """By level, the name of what is counted there, which is the same in every measure that counts it. How many patients
    a practice has is left out: that is no secret of theirs."""
    id = str(measure["id"])
    return {1: id} if _is_of_all(measure) else {1: f"of {COUNTED[id][0]}", 2: id}


def grown(
    tallies: Iterable[Tally], groups: Sequence[tuple[str, str]], measure: Json, told: Told | None = None
) -> Place:
    """The tree of the region. `groups` are ids of care groups and practices; a practice counts for the first that
    names it. What is small in it, or would be beside what was told, is hidden."""
    group_of: dict[str, str] = {}
    for group, practice in groups:
        group_of.setdefault(f"Organization/{practice}", f"Organization/{group}")
    by_group: dict[str, list[Place]] = {}
    for one in tallies:
        counts = (one.patients, one.met) if _is_of_all(measure) else (one.patients, one.about, one.met)
        leaf = Place(one.practice, counts, one.total or 0.0)
        by_group.setdefault(group_of.get(one.practice, REGION), []).append(leaf)
    below = by_group.pop(REGION, [])
    below += [_summed(name, leaves) for name, leaves in by_group.items()]
    region = _summed(REGION, below)
    hide(region, told or {})
    return region


def _summed(name: str, below: list[Place]) -> Place:
    counts = tuple(map(sum, zip(*(one.counts for one in below), strict=True)))
    return Place(name, counts or (0, 0, 0), sum(one.total for one in below), below)


def hide(region: Place, told: Told | None = None) -> None:
    """Decides which counts of which place are shown."""
    for level in range(len(region.counts)):
        earlier = (told or {}).get(level, ())
        # What was hidden when this very moment was told stays so: both together would tell it by subtraction.
        open_ = [one.places for one in earlier if one.again]
        for place in region.all():
            if (
                place.shown == level
                and _is_enough([place], level)
                and all(place.name in one for one in open_)
            ):
                place.shown = level + 1
        while any(_hide_more(place, level) for place in region.all()) or any(
            _hide_changed(region, level, one.atoms) for one in earlier
        ):
            pass


def atoms(region: Place, level: int) -> list[Atom]:
    """What is told of that level, in parts that have no practice in common."""
    found = []
    for place in region.all():
        if place.shown > level and (left := _left(place, level)):
            count = sum(leaf.counts[level] for leaf in left)
            before = sum(leaf.counts[level - 1] for leaf in left) if level else count
            found.append(Atom(frozenset(leaf.name for leaf in left), count, before - count))
    return found


def shown(region: Place, level: int, *, again: bool = False) -> Earlier:
    """What is told of that level."""
    places = frozenset(place.name for place in region.all() if place.shown > level)
    return Earlier(places, tuple(atoms(region, level)), again)


def written(told: Earlier) -> str:
    """As it is kept."""
    parts = sorted([sorted(one.practices), one.count, one.rest] for one in told.atoms)
    return json.dumps({"places": sorted(told.places), "parts": parts})


def read(content: str, *, again: bool = False) -> Earlier:
    """The same back."""
    found = json.loads(content)
    parts = (Atom(frozenset(practices), count, rest) for practices, count, rest in found["parts"])
    return Earlier(frozenset(found["places"]), tuple(parts), again)


def _hide_changed(region: Place, level: int, earlier: Sequence[Atom]) -> bool:
    """Hides one more count where practices changed by little since what was told earlier; whether it did."""
    now = atoms(region, level)
    for mine, theirs in _common(now, earlier):
        count = sum(one.count for one in mine) - sum(one.count for one in theirs)
        rest = sum(one.rest for one in mine) - sum(one.rest for one in theirs)
        # Before the last level the rest is of all patients, of whom no secret is made.
        if 0 < abs(count) < SMALL or (level > 1 and 0 < abs(rest) < SMALL):
            practices = frozenset().union(*(one.practices for one in mine))
            telling = [
                place
                for place in region.all()
                if place.shown > level and practices & {leaf.name for leaf in _left(place, level)}
            ]
            min(telling, key=lambda one: (one.counts[level], one.name)).shown = level
            return True
    return False


def _common(now: Sequence[Atom], earlier: Sequence[Atom]) -> Iterator[tuple[list[Atom], list[Atom]]]:
    """The smallest sets of practices of which both tell the sum, with the parts that make it."""
    parts: list[tuple[set[str], list[Atom], list[Atom]]] = []
    for is_now, one in [*((True, one) for one in now), *((False, one) for one in earlier)]:
        touching = [part for part in parts if part[0] & one.practices]
        parts = [part for part in parts if not part[0] & one.practices]
        mine = [atom for part in touching for atom in part[1]] + ([one] if is_now else [])
        theirs = [atom for part in touching for atom in part[2]] + ([] if is_now else [one])
        parts.append((set(one.practices).union(*(part[0] for part in touching)), mine, theirs))
    for practices, mine, theirs in parts:
        if all(frozenset().union(*(one.practices for one in side)) == practices for side in (mine, theirs)):
            yield mine, theirs


def _is_enough(places: Sequence[Place], level: int) -> bool:
    """Whether the sum over places is not small, nor what it leaves of the count before it."""
    count = sum(place.counts[level] for place in places)
    rest = sum(place.counts[level - 1] for place in places) - count if level else SMALL
    return count >= SMALL and rest >= SMALL


def _hide_more(place: Place, level: int) -> bool:
    """Hides one more count where what is told by subtraction would be small, or one practice's; whether it did."""
    if place.shown <= level or not place.below:
        return False
    left = _left(place, level)
    if not left or (len(left) > 1 and _is_enough(left, level)):
        return False
    told = [one for below in place.below for one in _topmost(below, level)]
    smallest = min(told, key=lambda one: (one.counts[level], one.name), default=place)
    smallest.shown = level
    return True


def _left(place: Place, level: int) -> list[Place]:
    """The practices of a place that nothing shown below it has."""
    told = [one for below in place.below for one in _topmost(below, level)]
    covered = {leaf.name for one in told for leaf in one.leaves()}
    return [leaf for leaf in place.leaves() if leaf.name not in covered]


def _topmost(place: Place, level: int) -> Iterator[Place]:
    """The places nearest to the top, from here on, whose count of that level is shown."""
    if place.shown > level:
        yield place
    else:
        for one in place.below:
            yield from _topmost(one, level)


# --- the report ---


def report(
    measure: Json, place: Place, strata: Mapping[str, Sequence[Place]], called: Mapping[str, Json]
) -> Json:
    """The `group` of a MeasureReport: the place's figures, and those of others as strata by the code of the
    stratifier. `called` are Organizations by name, as far as they are known."""
    made = _figures(measure, place)
    stratifiers = []
    for stratifier in measure["group"][0].get("stratifier", ()):
        code = stratifier["code"]["coding"][0]["code"]
        if strata.get(code):
            stratum = [
                {"value": _value(one.name, called.get(one.name)), **_figures(measure, one)}
                for one in strata[code]
            ]
            stratifiers.append({"code": [stratifier["code"]], "stratum": stratum})
    return {**made, "stratifier": stratifiers} if stratifiers else made


def _figures(measure: Json, place: Place) -> Json:
    """Populations and score; where a count is hidden, its element says `masked`."""
    group = measure["group"][0]
    codes = [one["code"] for one in group["population"]]
    counts, shown = place.counts, place.shown
    if _is_of_all(measure):
        # All patients are the denominator: one figure that stands twice.
        counts, shown = (counts[0], *counts), shown + 1 if shown else 0
    elif _is_continuous(measure):
        counts, shown = counts[1:], max(shown - 1, 0)
    population = [
        {"code": code, **({"count": counts[level]} if level < shown else {"_count": MASKED})}
        for level, code in enumerate(codes)
        if level < len(counts)
    ]
    made: Json = {"population": population}
    if shown == len(counts):
        made["measureScore"] = _score(measure, place)
    return made


def _score(measure: Json, place: Place) -> Json:
    ucum = "http://unitsofmeasure.org"
    if _is_continuous(measure):
        days = (Decimal(place.total) / place.counts[-1]).quantize(Decimal(1), ROUND_HALF_UP)
        return {"value": int(days), "unit": "d", "system": ucum, "code": "d"}
    share = (Decimal(100 * place.counts[-1]) / place.counts[-2]).quantize(Decimal("0.1"), ROUND_HALF_UP)
    return {"value": share, "unit": "%", "system": ucum, "code": "%"}


def _value(name: str, organization: Json | None) -> Json:
    """How a stratum is called: the organisation's name, and an identifier of it where it has one."""
    found = organization or {}
    value: Json = {}
    for identifier in found.get("identifier", ())[:1]:
        if "system" in identifier and "value" in identifier:
            value["coding"] = [{"system": identifier["system"], "code": identifier["value"]}]
    return {**value, "text": str(found.get("name") or name)}


def _is_of_all(measure: Json) -> bool:
    """Whether it is about all patients."""
    return COUNTED[measure["id"]][0] == "everybody"


def _is_continuous(measure: Json) -> bool:
    return any(one.get("code") == "continuous-variable" for one in measure["scoring"]["coding"])


def unknown(named: str) -> errors.FhirError:
    """422: a Measure that this hub does not evaluate."""
    return errors.business_rule(
        f"This hub evaluates its own measures: {', '.join(f'Measure/{id}' for id in COUNTED)}; got `{named}`.",
        "Measure.url",
    )

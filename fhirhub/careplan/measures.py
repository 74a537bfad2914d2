"""Measures of a region, its care groups and practices: figures of which none is small, nor can be derived (RULES R36,
https://hl7.org/fhir/R4/measurereport.html).

A figure is shown where it, and what it leaves of the figure that it is part of, are not small. Practices, care groups
and region are an additive tree: what is left of a figure that is shown, once all shown below it is taken away, is told
by subtraction. So that belongs to several practices and is not small itself, or more is hidden.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal

from fhirhub import errors
from fhirhub.resources import guide
from fhirhub.resources.careplan import Json
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


def find(id: str) -> Json | None:
    """The guide's own Measure of that id, which this hub can evaluate."""
    return guide.find("Measure", guide.url("Measure", id)) if id in COUNTED else None


def grown(tallies: Iterable[Tally], groups: Sequence[tuple[str, str]], measure: Json) -> Place:
    """The tree of the region. `groups` are ids of care groups and practices; a practice counts for the first that
    names it. Its small figures are hidden."""
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
    hide(region)
    return region


def _summed(name: str, below: list[Place]) -> Place:
    counts = tuple(map(sum, zip(*(one.counts for one in below), strict=True)))
    return Place(name, counts or (0, 0, 0), sum(one.total for one in below), below)


def hide(region: Place) -> None:
    """Decides which counts of which place are shown."""
    for level in range(len(region.counts)):
        for place in region.all():
            if place.shown == level and _is_enough([place], level):
                place.shown = level + 1
        while any(_hide_more(place, level) for place in region.all()):
            pass


def _is_enough(places: Sequence[Place], level: int) -> bool:
    """Whether the sum over places is not small, nor what it leaves of the count before it."""
    count = sum(place.counts[level] for place in places)
    rest = sum(place.counts[level - 1] for place in places) - count if level else SMALL
    return count >= SMALL and rest >= SMALL


def _hide_more(place: Place, level: int) -> bool:
    """Hides one more count where what is told by subtraction would be small, or one practice's; whether it did."""
    if place.shown <= level or not place.below:
        return False
    told = [one for below in place.below for one in _topmost(below, level)]
    covered = {leaf.name for one in told for leaf in one.leaves()}
    left = [leaf for leaf in place.leaves() if leaf.name not in covered]
    if not left or (len(left) > 1 and _is_enough(left, level)):
        return False
    smallest = min(told, key=lambda one: (one.counts[level], one.name), default=place)
    smallest.shown = level
    return True


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

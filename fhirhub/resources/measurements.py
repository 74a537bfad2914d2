"""Home measurements: what they read, whether it can be, and how it lies to bands and targets (RULES R32).

https://hl7.org/fhir/R4/observation-vitalsigns.html, units by UCUM.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any, Literal, NamedTuple

from fhirhub.resources import careplan, dimensions, guide, ucum
from fhirhub.resources.careplan import Json
from fhirhub.resources.spoken import Language

LOINC = "http://loinc.org"
Grade = Literal["inside", "routine", "urgent"]


class Possible(NamedTuple):
    """In which unit a code is measured, and between which values a reading of a living person lies."""

    name: str
    dutch: str
    unit: str
    least: Decimal
    most: Decimal


POSSIBLE: Mapping[str, Possible] = {
    "8480-6": Possible("systolic blood pressure", "bovendruk", "mm[Hg]", Decimal(30), Decimal(350)),
    "8462-4": Possible("diastolic blood pressure", "onderdruk", "mm[Hg]", Decimal(10), Decimal(250)),
    "29463-7": Possible("body weight", "gewicht", "kg", Decimal("0.2"), Decimal(700)),
    "2708-6": Possible("oxygen saturation", "zuurstof in het bloed", "%", Decimal(20), Decimal(100)),
    "59408-5": Possible("oxygen saturation", "zuurstof in het bloed", "%", Decimal(20), Decimal(100)),
    "14743-9": Possible("glucose", "bloedsuiker", "mmol/L", Decimal("0.1"), Decimal(100)),
    "8867-4": Possible("heart rate", "hartslag", "/min", Decimal(10), Decimal(350)),
    "8310-5": Possible("body temperature", "temperatuur", "Cel", Decimal(25), Decimal(45)),
}
"""By LOINC code, of what the guide's value set of home measurements has; bounds of what can be, not of what is well."""


class Reading(NamedTuple):
    """One value that was measured."""

    codes: tuple[str, ...]
    quantity: Json
    place: str


def is_home(observation: Json) -> bool:
    """Whether the patient or a relative measured it, and it counts. Whatever they measure: who sends what nobody
    knows of has to hear that nobody watches it."""
    performers = [str(one.get("reference", "")) for one in observation.get("performer", ())]
    at_home = performers and all("Patient/" in one or "RelatedPerson/" in one for one in performers)
    return (
        bool(at_home)
        and observation.get("status") in ("final", "amended", "corrected", "preliminary")
        and any(True for _ in readings(observation))
        and not dimensions.is_score(observation)
    )


def readings(observation: Json) -> Iterator[Reading]:
    """Every value of a measurement, those of its components too."""
    for number, part in enumerate([observation, *observation.get("component", ())]):
        quantity = part.get("valueQuantity")
        if isinstance(quantity, dict):
            place = "Observation" if number == 0 else f"Observation.component[{number - 1}]"
            yield Reading(tuple(_codes(part.get("code"))), quantity, f"{place}.value")


def fault(reading: Reading) -> str | None:
    """Why a reading cannot be; None where it can, or nothing is known of its code."""
    known = next((POSSIBLE[code] for code in reading.codes if code in POSSIBLE), None)
    if known is None:
        return None
    value = in_unit(reading.quantity, known.unit)
    if value is None:
        shown = reading.quantity.get("code") or reading.quantity.get("unit") or "none"
        return f"The unit of {known.name} is {known.unit} or one of its kind, as a UCUM code; got `{str(shown)[:40]}`"
    if not known.least <= value <= known.most:
        got = f"{reading.quantity.get('value')} {reading.quantity.get('code', '')}"
        article = "An" if known.name[0] in "aeiou" else "A"
        return f"{article} {known.name} is between {known.least} and {known.most} {known.unit}; got {got}"
    return None


def in_unit(quantity: Json, unit: str) -> Fraction | None:
    """The value of a Quantity in a UCUM unit; None where it is none of that kind."""
    value, own, wanted = quantity.get("value"), ucum.unit(str(quantity.get("code", ""))), ucum.unit(unit)
    if not isinstance(value, int | Decimal) or isinstance(value, bool) or own is None or wanted is None:
        return None
    if own.base != wanted.base or quantity.get("system", ucum_system()) != ucum_system():
        return None
    return (own.to_base(value) - wanted.offset) / wanted.factor


def ucum_system() -> str:
    return "http://unitsofmeasure.org"


def _codes(concept: Any) -> Iterator[str]:
    for system, code in careplan.codings(concept):
        if system == LOINC:
            yield code


def called(concept: Any, language: Language) -> str | None:
    """What people call that which a concept measures; None where the hub does not know it."""
    known = next((POSSIBLE[code] for code in _codes(concept) if code in POSSIBLE), None)
    return None if known is None else known.dutch if language == "nl" else known.name


# Bands


def bands(task: Json, part: str) -> dict[str, Json]:
    """By LOINC code, the Range of a Task's input of that kind (`grens-gewoon`, `grens-spoed`)."""
    return {
        code: one["valueRange"]
        for one in careplan.part(task, "input", part)
        if isinstance(one.get("valueRange"), dict)
        for code in _codes(one.get("type"))
    }


def outside(reading: Reading, band: Json) -> bool | None:
    """Whether a reading lies outside a Range; None where their units are of different kinds."""
    for name, sign in (("low", 1), ("high", -1)):
        limit = band.get(name)
        if not isinstance(limit, dict):
            continue
        value = in_unit(reading.quantity, str(limit.get("code", "")))
        bound = in_unit(limit, str(limit.get("code", "")))
        if value is None or bound is None:
            return None
        if (value - bound) * sign < 0:
            return True
    return False


def grade(reading: Reading, task: Json) -> Grade | None:
    """How a reading lies to the bands of a Task; None where it has none for this code."""
    routine, urgent = bands(task, "grens-gewoon"), bands(task, "grens-spoed")
    code = next((code for code in reading.codes if code in routine and code in urgent), None)
    if code is None:
        return None
    if outside(reading, urgent[code]) is not False:
        return "urgent"
    return "inside" if outside(reading, routine[code]) is False else "routine"


def missed(reading: Reading, goals: list[Json]) -> list[Json]:
    """The Goals whose target for this code the reading does not keep to."""
    found = []
    for goal in goals:
        for target in goal.get("target", ()):
            if set(_codes(target.get("measure"))).isdisjoint(reading.codes):
                continue
            band = target.get("detailRange")
            quantity = target.get("detailQuantity")
            if band is None and isinstance(quantity, dict):
                band = _of_quantity(quantity)
            if isinstance(band, dict) and outside(reading, band):
                found.append(goal)
    return found


def _of_quantity(quantity: Json) -> Json | None:
    """The Range that a Quantity with a comparator means; None for one without, which is no bound."""
    sign = quantity.get("comparator")
    bare = {name: value for name, value in quantity.items() if name != "comparator"}
    if sign in ("<", "<="):
        return {"high": bare}
    return {"low": bare} if sign in (">", ">=") else None


# Hours


_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_HOURS = {"h": 1.0, "min": 1 / 60, "d": 24.0}


def is_watched(task: Json, moment: datetime) -> bool:
    """Whether somebody looks at that moment, by the Timings of the Task's input `uren`; `moment` is local."""
    return any(start <= moment < end for start, end in _shifts(task, moment, range(-1, 1)))


def next_watch(task: Json, moment: datetime) -> datetime | None:
    """When somebody looks next; None where nobody does within a week."""
    later = [start for start, _ in _shifts(task, moment, range(8)) if start > moment]
    return min(later, default=None)


def _shifts(task: Json, moment: datetime, days: range) -> Iterator[tuple[datetime, datetime]]:
    for one in careplan.part(task, "input", "uren"):
        repeat = (one.get("valueTiming") or {}).get("repeat") or {}
        length = repeat.get("duration")
        hours = _HOURS.get(str(repeat.get("durationUnit")))
        if not isinstance(length, int | Decimal) or hours is None:
            continue
        for day in days:
            on = (moment + timedelta(days=day)).replace(hour=0, minute=0, second=0, microsecond=0)
            named = repeat.get("dayOfWeek") or _DAYS
            if _DAYS[on.weekday()] not in named:
                continue
            for time in repeat.get("timeOfDay", ("00:00:00",)):
                start = on.replace(hour=int(time[:2]), minute=int(time[3:5]))
                yield start, start + timedelta(hours=float(length) * hours)


# What the answer says


def notice(observation: Json) -> str | None:
    """What the hub said of a measurement when it came in; None where it said nothing."""
    for each in observation.get("extension", ()):
        if each.get("url") == guide.url("StructureDefinition", "watching"):
            for part in each.get("extension", ()):
                if part.get("url") == "text":
                    return str(part.get("valueString", ""))
    return None


def with_notice(observation: Json, state: str, text: str, task: str | None) -> Json:
    """The measurement with what the hub says of it, in the place of what was said before."""
    parts: list[Json] = [{"url": "state", "valueCode": state}, {"url": "text", "valueString": text}]
    if task is not None:
        parts.append({"url": "task", "valueReference": {"reference": task}})
    said = {"url": guide.url("StructureDefinition", "watching"), "extension": parts}
    kept = without_notice(observation)
    return {**kept, "extension": [*kept.get("extension", ()), said]}


def without_notice(observation: Json) -> Json:
    url = guide.url("StructureDefinition", "watching")
    kept = [each for each in observation.get("extension", ()) if each.get("url") != url]
    rest = {name: value for name, value in observation.items() if name != "extension"}
    return {**rest, "extension": kept} if kept else rest

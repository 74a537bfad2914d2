"""The invariants of R4's types, the frequent ones as Python (https://hl7.org/fhir/R4/conformance-rules.html#constraints).

The structural check has those on which storing depends (ele-1, ext-1, ref-1, dom-2 to dom-5, txt-1, txt-2,
bdl-1 to bdl-12). All others are here: by FHIRPath, compiled when a type is first met, or where R4's expression
is frequent, slow or wrong, by a function.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any, NamedTuple

from fhirhub.errors import Severity
from fhirhub.resources import fhirpath, primitives
from fhirhub.resources.canonicals import CORE, OFFICIAL
from fhirhub.resources.definitions import TYPES
from fhirhub.resources.fhirpath import FhirpathError, Item
from fhirhub.resources.fhirpath.environment import MOST_STEPS
from fhirhub.resources.validation.examination import Examination, Scope

Json = dict[str, Any]
Holds = Callable[[Json], bool]


class Rule(NamedTuple):
    """An invariant: `holds` of the JSON where that decides it, else `expression` by FHIRPath."""

    key: str
    severity: str
    human: str
    expression: str
    holds: Holds | None = None
    profile: str | None = None


STRUCTURAL = frozenset(
    {
        *("ele-1", "ext-1", "ref-1", "sqty-1", "txt-1", "txt-2", "dom-2", "dom-3", "dom-4", "dom-5"),
        *(f"bdl-{number}" for number in (1, 2, 3, 4, 5, 7, 8, 9, 10, 11, 12)),
    }
)
"""What the structural check has found already."""

CORRECTED = {
    # R4 says `> 2`, which lets two pass; the text says "more than one" (corrected in R4B).
    "que-12": "enableWhen.count() >= 2 implies enableBehavior.exists()",
    # Where there is no probability, `is` has an empty result, and so has the whole.
    "ras-2": "probability.empty() or ((probability is decimal) implies ((probability as decimal) <= 100))",
    # `Boolean` names the type of the System namespace, which no element has.
    "que-7": "operator = 'exists' implies (answer is boolean)",
    # `enableWhen`, `path` and others are single lines: a pattern must match the whole of them.
    "eld-19": (
        r"path.matches('^[^\\s\\.,:;\\\'\"\\/|?!@#$%&*()\\[\\]{}]{1,64}"
        r"(\\.[^\\s\\.,:;\\\'\"\\/|?!@#$%&*()\\[\\]{}]{1,64}(\\[x\\])?(\\:[^\\s\\.]+)?)*$')"
    ),
    "eld-20": r"path.matches('^[A-Za-z][A-Za-z0-9]*(\\.[a-z][A-Za-z0-9]*(\\[x])?)*$')",
    # `$this` is a CodeableConcept and never equals a string.
    "con-3": (
        "clinicalStatus.exists() or verificationStatus.coding.where(system="
        "'http://terminology.hl7.org/CodeSystem/condition-ver-status' and code = 'entered-in-error').exists()"
        " or category.coding.where(system = 'http://terminology.hl7.org/CodeSystem/condition-category'"
        " and code = 'problem-list-item').empty()"
    ),
}
"""Invariants that R4 publishes wrongly, as they are meant; by key."""


def _has(value: Json, name: str) -> bool:
    return name in value or "_" + name in value


def _without(name: str, needed: str) -> Holds:
    """Where the one is there, the needed is."""
    shadow, other = "_" + name, "_" + needed
    return lambda value: (name not in value and shadow not in value) or needed in value or other in value


def _any_of(*names: str) -> Holds:
    keys = frozenset(names) | {"_" + name for name in names}
    return lambda value: not keys.isdisjoint(value)


def _not_both(one: str, other: str) -> Holds:
    shadows = "_" + one, "_" + other
    return lambda value: (
        (one not in value and shadows[0] not in value) or (other not in value and shadows[1] not in value)
    )


def _ordered(value: Json) -> bool:
    """per-1: a start that may be before the end; both as precise as they are given."""
    start, end = value.get("start"), value.get("end")
    if not isinstance(start, str) or not isinstance(end, str):
        return True
    if len(start) == len(end) <= 10:
        return start <= end  # both years, months or days
    try:
        return primitives.date_range(start)[0] < primitives.date_range(end)[1]
    except ValueError:
        return True


def _modified_after(value: Json) -> bool:
    """inv-1 of a Task: modified no earlier than authored. What is not as precise as the other must be later as a
    whole."""
    modified, authored = value.get("lastModified"), value.get("authoredOn")
    if not isinstance(modified, str) or not isinstance(authored, str):
        return True
    if len(modified) == len(authored) <= 10:
        return modified >= authored
    try:
        later, earlier = primitives.date_range(modified), primitives.date_range(authored)
    except ValueError:
        return False
    return later[0] >= earlier["T" not in modified or "T" not in authored]


def _measured(value: Json) -> bool:
    """gol-1"""
    return "measure" in value or not any(key.startswith(("detail", "_detail")) for key in value)


def _amounts_ordered(value: Json) -> bool:
    """rng-2; amounts of unlike units are left to whoever knows them."""
    low, high = value.get("low"), value.get("high")
    if not isinstance(low, dict) or not isinstance(high, dict):
        return True
    one, other = low.get("value"), high.get("value")
    units = [(each.get("system"), each.get("code"), each.get("unit")) for each in (low, high)]
    if isinstance(one, int | Decimal) and isinstance(other, int | Decimal):
        return units[0] != units[1] or one <= other
    return False  # an amount of nothing is not lower than another


def _ratio(value: Json) -> bool:
    """rat-1"""
    numerator, denominator = _has(value, "numerator"), _has(value, "denominator")
    return numerator == denominator and (numerator or "extension" in value)


def _not_negative(name: str) -> Holds:
    def holds(value: Json) -> bool:
        number = value.get(name)
        return not isinstance(number, int | Decimal) or number >= 0

    return holds


def _offset(value: Json) -> bool:
    """tim-9"""
    if not _has(value, "offset"):
        return True
    when = value.get("when")
    return isinstance(when, list) and bool(when) and not {"C", "CM", "CD", "CV"}.intersection(map(str, when))


_UCUM = "http://unitsofmeasure.org"


def _in_ucum(value: Json) -> bool:
    return (_has(value, "code") or "value" not in value) and value.get("system") in (None, _UCUM)


def _positive_age(value: Json) -> bool:
    number = value.get("value")
    return _in_ucum(value) and (not isinstance(number, int | Decimal) or number > 0)


def _count(value: Json) -> bool:
    number = value.get("value")
    whole = not isinstance(number, Decimal) or "." not in str(number)
    return _in_ucum(value) and value.get("code") in (None, "1") and whole


def _duration(value: Json) -> bool:
    return not _has(value, "code") or (value.get("system") == _UCUM and _has(value, "value"))


def _once_each_code(value: Json) -> bool:
    """csd-1, in one pass."""
    seen: set[str] = set()
    pending = [value]
    while pending:
        for concept in pending.pop().get("concept", ()):
            code = concept.get("code")
            if code in seen:
                return False
            if code is not None:
                seen.add(code)
            pending.append(concept)
    return True


def _component_apart(value: Json) -> bool:
    """obs-7: with a value of its own, no component repeats the code."""
    components = value.get("component")
    if not components or not any(key.startswith(("value", "_value")) for key in value):
        return True
    codings = _codings(value.get("code"))
    return not any(coding in codings for each in components for coding in _codings(each.get("code")))


def _codings(concept: Any) -> list[Json]:
    return list(concept.get("coding", ())) if isinstance(concept, dict) else []


def _no_value_absent(value: Json) -> bool:
    """obs-6"""
    return "dataAbsentReason" not in value or not any(key.startswith(("value", "_value")) for key in value)


def _narrative(value: Json) -> bool:
    text = value.get("text")
    return isinstance(text, dict) and "div" in text


_HOLDS: dict[str, Holds] = {
    "dom-6": _narrative,
    "cpl-3": _not_both("detail", "reference"),
    "per-1": _ordered,
    "qty-3": _without("code", "system"),
    "rng-2": _amounts_ordered,
    "rat-1": _ratio,
    "cpt-2": _without("value", "system"),
    "att-1": _without("data", "contentType"),
    "age-1": _positive_age,
    "cnt-3": _count,
    "dis-1": _in_ucum,
    "drt-1": _duration,
    "tim-1": _without("duration", "durationUnit"),
    "tim-2": _without("period", "periodUnit"),
    "tim-4": _not_negative("duration"),
    "tim-5": _not_negative("period"),
    "tim-6": _without("periodMax", "period"),
    "tim-7": _without("durationMax", "duration"),
    "tim-8": _without("countMax", "count"),
    "tim-9": _offset,
    "tim-10": _not_both("timeOfDay", "when"),
    "exp-1": _any_of("expression", "reference"),
    "csd-1": _once_each_code,
    "obs-3": _any_of("low", "high", "text"),
    "obs-6": _no_value_absent,
    "obs-7": _component_apart,
    "pat-1": _any_of("name", "telecom", "address", "organization"),
    "con-1": _any_of("summary", "assessment"),
    "con-2": _any_of("code", "detail"),
    "org-1": _any_of("identifier", "name"),
    "prr-1": _without("orderDetail", "code"),
    "qrs-1": _not_both("answer", "item"),
    "sev-1": _not_both("name", "query"),
    "app-1": _any_of("type", "actor"),
    "gol-1": _measured,
    # Several rules have the key inv-1.
    "lastModified.exists().not() or authoredOn.exists().not() or lastModified >= authoredOn": _modified_after,
}
"""By key, or by expression, where they are met often: none needs more than the element's own JSON."""

ASKED_BY = {
    "cpl-3": "detail",
    "per-1": "start",
    "qty-3": "code",
    "rng-2": "low",
    "cpt-2": "value",
    "att-1": "data",
    "tim-1": "duration",
    "tim-2": "period",
    "tim-4": "duration",
    "tim-5": "period",
    "tim-6": "periodMax",
    "tim-7": "durationMax",
    "tim-8": "countMax",
    "tim-9": "offset",
    "tim-10": "timeOfDay",
    "csd-1": "concept",
    "obs-6": "dataAbsentReason",
    "obs-7": "component",
    "prr-1": "orderDetail",
    "qrs-1": "answer",
    "sev-1": "name",
}
"""By key, the property without which (and without whose extensions) there is nothing to ask."""

# A name that is absent is no wrong name: `matches` of nothing is empty.
_NAME = "name.matches('[A-Z]([A-Za-z0-9_]){0,254}')"
_NAME_MEANT = "name.exists() implies name.matches('^[A-Z]([A-Za-z0-9_]){0,254}$')"


# `as String` is written for FHIR's string: no element is of a type of the System namespace.
_SYSTEM_TYPE = re.compile(
    r"\b((?:is|as)\s+|(?:is|as|ofType)\(\s*)(String|Boolean|Integer|Decimal|Date|DateTime|Time)\b"
)


def _of_fhir(match: re.Match[str]) -> str:
    return match[1] + match[2][0].lower() + match[2][1:]


def rule(constraint: Json, profile: str | None = None) -> Rule | None:
    """The rule of an ElementDefinition.constraint; None where it has no expression."""
    expression, key = constraint.get("expression"), str(constraint.get("key"))
    if not isinstance(expression, str):
        return None
    if profile is None:
        expression = _NAME_MEANT if expression == _NAME else CORRECTED.get(key, expression)
    expression = _SYSTEM_TYPE.sub(_of_fhir, expression)
    holds = (_HOLDS.get(key) or _HOLDS.get(constraint["expression"])) if profile is None else None
    return Rule(
        key, constraint.get("severity", "error"), constraint.get("human", ""), expression, holds, profile
    )


@functools.cache
def of_type(type: str) -> dict[str, tuple[Rule, ...]]:
    """By path, the invariants of a type and of its elements, beyond those of the structural check."""
    found: dict[str, tuple[Rule, ...]] = {}
    definition = OFFICIAL.find("StructureDefinition", CORE + type)
    for row in definition["snapshot"]["element"] if definition is not None else ():
        rules = tuple(_rules(row))
        if rules:
            found[row["path"].removesuffix("[x]")] = rules
    return found


def _rules(row: Json) -> Iterator[Rule]:
    for constraint in row.get("constraint", ()):
        if constraint["key"] not in STRUCTURAL:
            made = rule(constraint)
            if made is not None:
                yield made


@functools.cache
def is_official(key: str, expression: str) -> bool:
    """Whether R4 itself has that invariant, so that a profile that repeats it asks nothing more."""
    return key in STRUCTURAL or (key, expression) in _all_official()


@functools.cache
def _all_official() -> frozenset[tuple[str, str]]:
    return frozenset(
        (constraint["key"], constraint.get("expression", ""))
        for type in TYPES
        for row in (OFFICIAL.find("StructureDefinition", CORE + type) or {"snapshot": {"element": []}})[
            "snapshot"
        ]["element"]
        for constraint in row.get("constraint", ())
    )


def check(examination: Examination, scope: Scope, item: Item, rules: tuple[Rule, ...]) -> None:
    """Tell which of the rules an element breaks."""
    value = item.value
    for each in rules:
        if each.holds is not None and value.__class__ is dict:
            if each.holds(value):
                continue
            _tell(examination, each, item)
            continue
        environment = scope.environment(examination)
        environment.steps = MOST_STEPS
        try:
            held = fhirpath.compile(each.expression).holds(item, environment)
        except FhirpathError as fault:
            text = f"The invariant {each.key} could not be evaluated: {fault}"
            examination.tell("warning", "not-supported", text, item, key=each.key, profile=each.profile)
            continue
        if not held:
            _tell(examination, each, item)


def _tell(examination: Examination, broken: Rule, item: Item) -> None:
    text = f"{broken.key}: {broken.human}"
    severity: Severity = "warning" if broken.severity == "warning" else "error"
    examination.tell(severity, "invariant", text, item, key=broken.key, profile=broken.profile)

"""Programmes in a plan: what PlanDefinitions ask for, joined where several ask the same
(https://hl7.org/fhir/R4/plandefinition-operation-apply.html).

An action is known by its code of the guide's `plan-activity`: the same code in two programmes is one visit. Pure
functions over JSON; a dose of `months` is a number of months between two times.
"""

from __future__ import annotations

import calendar
from collections.abc import Iterator
from datetime import date
from typing import Any

from fhirhub import errors
from fhirhub.resources import document, guide
from fhirhub.resources.careplan import codings

Json = dict[str, Any]

PART, TO_DECIDE = "programme-part", "to-decide"
AHEAD_MONTHS = 12
"""So far ahead dates are given."""
_ENDED = frozenset({"completed", "cancelled", "stopped", "entered-in-error"})


def find(id: str) -> Json | None:
    """The guide's own programme of that id."""
    return guide.find("PlanDefinition", guide.url("PlanDefinition", id))


def applied(plan: Json, programme: Json, start: date, performer: str | None) -> Json:
    """The plan with the programme's activities, each from `start` on. What is there of this programme already stays
    as people left it; a visit that another programme asks for too becomes one."""
    result: Json = document.decode(document.encode(plan))
    canonical = canonical_of(programme)
    known = result.get("instantiatesCanonical", [])
    if _without_version(canonical) not in map(_without_version, known):
        result["instantiatesCanonical"] = [*known, canonical]
    for action in programme.get("action", ()):
        _apply(result, action, canonical, start, performer)
    return result


def canonical_of(programme: Json) -> str:
    """Its URL with its version."""
    if "url" not in programme:
        raise errors.business_rule("A programme that is applied has a `url`.", "PlanDefinition.url")
    version = programme.get("version")
    return f"{programme['url']}|{version}" if version else str(programme["url"])


def _apply(plan: Json, action: Json, canonical: str, start: date, performer: str | None) -> None:
    code = _code(action.get("code"))
    if code is None:
        raise errors.business_rule(
            "Each action of a programme that is applied has a `code`: by it programmes are joined.",
            "PlanDefinition.action.code",
        )
    details = [one["detail"] for one in plan.get("activity", ()) if "detail" in one]
    same = [detail for detail in details if code in codings(detail.get("code"))]
    own = [detail for detail in same if _asked_by(detail, canonical)]
    open_ = [detail for detail in same if is_open(detail)]
    if own and not any(detail in open_ for detail in own):
        return  # People ended it, and applying again is no reason to begin anew.
    wanted = _detail(action, canonical, start, performer)
    joined = next((one for one in open_ if one in own), open_[0] if open_ else None)
    if joined is None:
        plan.setdefault("activity", []).append({"detail": wanted})
    else:
        join(joined, wanted)


def join(detail: Json, other: Json) -> None:
    """Makes one activity of two with the same code: who asks, what is done and how often; what contradicts is left
    to people. What `detail` says already stays."""
    asking = detail.setdefault("instantiatesCanonical", [])
    fresh = [
        one
        for one in other.get("instantiatesCanonical", ())
        if _without_version(one) not in map(_without_version, asking)
    ]
    if not fresh:
        return
    before = list(asking)
    asking += fresh
    conflicts = []
    own, theirs = months(detail), months(other)
    if theirs is not None and own is not None and theirs != own:
        conflicts.append(
            f"{_named(detail)}: {_names(before)} vraagt dit elke {own} maanden, {_names(fresh)} elke {theirs}. "
            f"Nu staat er elke {min(own, theirs)}."
        )
    if theirs is not None and (own is None or theirs < own):
        detail["scheduledTiming"] = other["scheduledTiming"]
    conflicts += _conflict_of_doers(detail, other, before, fresh)
    for part in _parts(other):
        same = next((one for one in _parts(detail) if _part_code(one) == _part_code(part)), None)
        if same is None:
            detail.setdefault("extension", []).append(part)
        else:
            _join_part(same, part)
    for text in conflicts:
        to_decide(detail, text)


def _conflict_of_doers(detail: Json, other: Json, before: list[str], fresh: list[str]) -> Iterator[str]:
    own, theirs = _doers(detail), _doers(other)
    if own and theirs and own != theirs:
        yield (
            f"{_named(detail)}: bij {_names(before)} doet {_list(own)} dit, bij {_names(fresh)} {_list(theirs)}. "
            "Wie doet het bezoek?"
        )
    if theirs and not own:
        detail["performer"] = other["performer"]


def conflicts(resource: Json) -> Iterator[str]:
    """What people have to decide in a plan, its activities included."""
    for holder in (resource, *(one["detail"] for one in resource.get("activity", ()) if "detail" in one)):
        for extension in holder.get("extension", ()):
            if extension.get("url") == guide.url("StructureDefinition", TO_DECIDE):
                yield str(extension.get("valueString", ""))


def to_decide(holder: Json, text: str) -> None:
    """Puts there, once, what people have to decide."""
    found = {"url": guide.url("StructureDefinition", TO_DECIDE), "valueString": text}
    if found not in holder.get("extension", ()):
        holder.setdefault("extension", []).append(found)


def months(detail: Json) -> int | None:
    """How many months are between two times of an activity, None where that is not how it is planned."""
    repeat = detail.get("scheduledTiming", {}).get("repeat", {})
    if repeat.get("periodUnit") == "mo" and repeat.get("frequency", 1) == 1 and "period" in repeat:
        return int(repeat["period"])
    return None


def _detail(action: Json, canonical: str, start: date, performer: str | None) -> Json:
    detail: Json = {}
    parts = [
        {
            "url": guide.url("StructureDefinition", PART),
            "extension": [
                {"url": "code", "valueCodeableConcept": part["code"][0]},
                {
                    "url": "months",
                    "valuePositiveInt": months({"scheduledTiming": part.get("timingTiming", {})}) or 12,
                },
                {"url": "programme", "valueCanonical": canonical},
            ],
        }
        for part in action.get("action", ())
        if part.get("code")
    ]
    if parts:
        detail["extension"] = parts
    detail["instantiatesCanonical"] = [canonical]
    detail["code"] = {"coding": action["code"][0]["coding"], "text": action.get("title")}
    if detail["code"]["text"] is None:
        del detail["code"]["text"]
    detail["status"] = "not-started"
    timing = action.get("timingTiming")
    if timing is not None:
        detail["scheduledTiming"] = _dated(timing, start)
    role = next((one["role"] for one in action.get("participant", ()) if "role" in one), None)
    if performer is not None:
        detail["performer"] = [{"reference": performer}]
    elif role is not None:
        detail["performer"] = [{"display": _called(role)}]
    return detail


def _called(role: Json) -> str:
    """What people call a role: its words, else those that the guide has for its code."""
    coding: Json = next(iter(role.get("coding", ())), {})
    system = guide.find("CodeSystem", coding.get("system", "")) or {}
    named = {one["code"]: one["display"] for one in system.get("concept", ())}
    code = coding.get("code", "")
    return str(role.get("text") or coding.get("display") or named.get(code) or code)


def _dated(timing: Json, start: date) -> Json:
    """The timing with the dates of a year ahead, at least one."""
    made: Json = document.decode(document.encode(timing))
    repeat = made.setdefault("repeat", {})
    every = months({"scheduledTiming": made})
    found = [start]
    while every and (following := after(start, every * len(found))) < after(start, AHEAD_MONTHS):
        found.append(following)
    made["event"] = [one.isoformat() for one in found]
    repeat["boundsPeriod"] = {"start": start.isoformat()}
    return made


def after(start: date, count: int) -> date:
    """The same day so many months later, or the last one of that month."""
    year, month = divmod(start.year * 12 + start.month - 1 + count, 12)
    return date(year, month + 1, min(start.day, calendar.monthrange(year, month + 1)[1]))


def _join_part(part: Json, other: Json) -> None:
    """The more often of two, and all who ask."""
    values = {one["url"]: one for one in part["extension"]}
    theirs = {one["url"]: one for one in other["extension"]}
    fewer = min(values["months"]["valuePositiveInt"], theirs["months"]["valuePositiveInt"])
    values["months"]["valuePositiveInt"] = fewer
    asking = {
        _without_version(one["valueCanonical"]) for one in part["extension"] if one["url"] == "programme"
    }
    for one in other["extension"]:
        if one["url"] == "programme" and _without_version(one["valueCanonical"]) not in asking:
            part["extension"].append(one)


def _parts(detail: Json) -> list[Json]:
    url = guide.url("StructureDefinition", PART)
    return [one for one in detail.get("extension", ()) if one.get("url") == url]


def _part_code(part: Json) -> tuple[str | None, str] | None:
    concepts = (one["valueCodeableConcept"] for one in part["extension"] if one["url"] == "code")
    return next((coding for concept in concepts for coding in codings(concept)), None)


def _code(concepts: Any) -> tuple[str | None, str] | None:
    return next(iter(codings(concepts or [])), None)


def code_of(detail: Json) -> tuple[str | None, str] | None:
    """The code of an activity by which it is joined with others; None where it has none of `plan-activity`."""
    system = guide.url("CodeSystem", "plan-activity")
    return next((coding for coding in codings(detail.get("code")) if coding[0] == system), None)


def is_open(detail: Json) -> bool:
    """Whether an activity has not ended."""
    return detail.get("status") not in _ENDED


def _asked_by(detail: Json, canonical: str) -> bool:
    asking = map(_without_version, detail.get("instantiatesCanonical", ()))
    return _without_version(canonical) in asking


def _without_version(canonical: str) -> str:
    return canonical.partition("|")[0]


def _doers(detail: Json) -> list[str]:
    return [str(one.get("display") or one.get("reference") or "") for one in detail.get("performer", ())]


def _named(detail: Json) -> str:
    code = detail.get("code", {})
    return str(
        code.get("text") or next((one.get("display", "") for one in code.get("coding", ())), "activiteit")
    )


def _names(canonicals: list[str]) -> str:
    """What programmes are called, where the guide knows them."""
    names = []
    for one in canonicals:
        found = guide.find("PlanDefinition", _without_version(one))
        names.append(str(found["title"]) if found else _without_version(one).rpartition("/")[2])
    return _list(names) or "het plan"


def _list(names: list[str]) -> str:
    return " en ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))


# --- goals ---


def goals(programme: Json, patient: str) -> list[Json]:
    """What the programme aims at, proposed to the patient."""
    found = []
    for goal in programme.get("goal", ()):
        target = [
            {name: value for name, value in one.items() if name != "id"} for one in goal.get("target", ())
        ]
        made: Json = {
            "resourceType": "Goal",
            "lifecycleStatus": "proposed",
            "category": [goal["category"]] if "category" in goal else [],
            "description": goal["description"],
            "subject": {"reference": f"Patient/{patient}"},
            "target": target,
        }
        found.append({name: value for name, value in made.items() if value != []})
    return found


def contradicts(goal: Json, other: Json) -> bool | None:
    """Whether two goals set different targets for the same measure; None where they have no measure in common."""
    for one in goal.get("target", ()):
        for theirs in other.get("target", ()):
            if set(codings(one.get("measure"))) & set(codings(theirs.get("measure"))):
                keys = [key for key in (*one, *theirs) if key.startswith("detail")]
                return any(one.get(key) != theirs.get(key) for key in keys)
    return None


def words(goal: Json) -> str:
    """What a goal says."""
    return str(goal.get("description", {}).get("text", ""))

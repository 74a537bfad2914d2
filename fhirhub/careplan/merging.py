"""Two plans of one patient made one, and made two again (https://hl7.org/fhir/R4/careplan.html).

The plan that stays gets what the other has; where they contradict, a person decides. The other ends, and keeps what
undoing it needs in the extension `merged-into`.
"""

from __future__ import annotations

from typing import NamedTuple

from fhirhub import errors
from fhirhub.careplan import membership, moves, programmes, team
from fhirhub.careplan.gathering import Gathering
from fhirhub.careplan.team import ENDED, FUNCTIONS, Shared
from fhirhub.repository import Repository
from fhirhub.resources import careplan, document, guide, relations
from fhirhub.resources.careplan import Json

MERGED_INTO = "merged-into"
_LISTS = ("instantiatesCanonical", "addresses", "supportingInfo", "goal", "contributor", "note")
_NAMES = {"coordinator": "coördinator", "regiebehandelaar": "regiebehandelaar"}


class Merged(NamedTuple):
    """The plan that stays, and what people have to decide."""

    plan: Json
    conflicts: list[str]


async def preview(unit: Repository, source: str, target: str, now: int) -> Merged:
    """What merging would make; nothing is written."""
    _, _, found = await _prepared(unit, source, target, now)
    return found


async def merge(unit: Repository, source: str, target: str, now: int) -> Merged:
    """Merges `source` into `target` (`CarePlan/x`), inside `together`. Raises `business-rule` for plans of different
    patients, one plan twice, and a plan that has ended."""
    other, plan, found = await _prepared(unit, source, target, now)
    written = await unit.update(found.plan, if_match=int(plan["meta"]["versionId"]))
    hub = unit.as_hub()
    tasks = await _moved(hub, source, target)
    staying, ending = await team.shared(hub, target, now), await team.shared(hub, source, now)
    assert staying is not None
    assert ending is not None
    members: list[str] = []
    if _team_of(staying) != _team_of(ending):
        members = _take_over(staying, ending, now)
        ending.end(now)
    await staying.save(hub)
    ending.plan["status"] = "completed"
    ending.plan["period"] = {**ending.plan.get("period", {}), "end": document.instant(now)}
    parts: list[Json] = [
        {"url": "plan", "valueReference": careplan.to(target)},
        {"url": "before", "valueId": plan["meta"]["versionId"]},
        {"url": "own", "valueId": other["meta"]["versionId"]},
        *({"url": "task", "valueReference": careplan.to(one)} for one in tasks),
        *({"url": "member", "valueReference": careplan.to(one)} for one in members),
    ]
    ending.plan.setdefault("extension", []).append({"url": _url(), "extension": parts})
    await ending.save(hub)
    stored = await unit.read("CarePlan", written.stored.id)
    return Merged(document.decode(stored.body or b""), found.conflicts)


async def undo(unit: Repository, source: str, target: str, now: int) -> Merged:
    """Makes two plans of what `merge` made one: each as it was, but for what was done in the plan since, which stays
    where it was done."""
    ended, current = await _read(unit, source), await _read(unit, target)
    mark = next((one for one in ended.get("extension", ()) if one.get("url") == _url()), None)
    parts: list[Json] = [] if mark is None else mark["extension"]
    values = {one["url"]: one for one in parts}
    if mark is None or values["plan"]["valueReference"] != careplan.to(target):
        raise errors.business_rule(
            f"{source} was not merged into {target}; there is nothing to undo.", "source"
        )
    # The same right as to merge: a write that changes nothing is refused to who may not write.
    await unit.update(document.decode(document.encode(current)))
    hub = unit.as_hub()
    before = await _version(hub, target, values["before"]["valueId"])
    own = await _version(hub, source, values["own"]["valueId"])
    goals = await _goals(hub, before, own)
    made = merged(before, own, goals)
    plan, conflicts = _without(current, made.plan, before)
    for name in (one["valueReference"]["reference"] for one in parts if one["url"] == "task"):
        task = await moves.read(hub, name)
        if task is not None and target in careplan.parties(task.get("basedOn"), moves.base_of(hub)):
            await hub.update(_rebased(task, target, source, moves.base_of(hub)))
    await hub.update(plan)
    await hub.update(own)
    staying, reviving = await team.shared(hub, target, now), await team.shared(hub, source, now)
    assert staying is not None
    assert reviving is not None
    if _team_of(staying) != _team_of(reviving):
        _revive(reviving, now)
        for name in (one["valueReference"]["reference"] for one in parts if one["url"] == "member"):
            await membership.release(hub, staying, name, now)
    await reviving.save(hub)
    await staying.save(hub)
    return Merged(await _read(unit, target), conflicts)


def merged(target: Json, source: Json, goals: dict[str, Json]) -> Merged:
    """The plan that stays with what the other has, and what contradicts. `goals` are the goals of both by name."""
    known = set(programmes.conflicts(target))
    plan: Json = document.decode(document.encode(target))
    taken = _apart(source)
    for name in _LISTS:
        items = plan.get(name, [])
        items += [one for one in taken.get(name, ()) if one not in items]
        if items:
            plan[name] = items
    contained = [one for one in taken.get("contained", ()) if one["resourceType"] != "CareTeam"]
    if contained:
        plan["contained"] = [*plan.get("contained", ()), *contained]
    for activity in taken.get("activity", ()):
        _add_activity(plan, activity)
    plan["replaces"] = [*plan.get("replaces", ()), careplan.to(f"CarePlan/{source['id']}")]
    for text in _conflicts_of_goals(target, source, goals):
        programmes.to_decide(plan, text)
    return Merged(plan, [one for one in programmes.conflicts(plan) if one not in known])


async def _prepared(unit: Repository, source: str, target: str, now: int) -> tuple[Json, Json, Merged]:
    if source == target:
        raise errors.business_rule(
            "A plan is not merged with itself: `source` and `target` are two plans.", "source"
        )
    other, plan = await _read(unit, source), await _read(unit, target)
    base = moves.base_of(unit)
    if careplan.patient_of(other, base) is None or careplan.patient_of(other, base) != careplan.patient_of(
        plan, base
    ):
        raise errors.business_rule("Only two plans of the same patient are merged.", "CarePlan.subject")
    for name, one in ((source, other), (target, plan)):
        if one.get("status") in ENDED:
            raise errors.business_rule(
                f"{name} is {one['status']}: only plans that go on are merged.", "CarePlan.status"
            )
    found = merged(plan, other, await _goals(unit, plan, other))
    hub = unit.as_hub()
    staying, ending = await team.shared(hub, target, now), await team.shared(hub, source, now)
    assert staying is not None
    assert ending is not None
    for text in await _conflicts_of_functions(Gathering(unit, base), staying, ending, now):
        programmes.to_decide(found.plan, text)
        found.conflicts.append(text)
    return other, plan, found


async def _read(unit: Repository, name: str) -> Json:
    body = (await unit.read("CarePlan", name.removeprefix("CarePlan/"))).body
    assert body is not None
    return document.decode(body)


async def _version(hub: Repository, name: str, version: str) -> Json:
    type, _, id = name.partition("/")
    body = (await hub.vread(type, id, version)).body
    assert body is not None
    return document.decode(body)


async def _goals(unit: Repository, *plans: Json) -> dict[str, Json]:
    """The goals of plans, as far as they may be seen."""
    found = {}
    for plan in plans:
        for name in careplan.parties(plan.get("goal"), moves.base_of(unit)):
            goal = await moves.read(unit, name)
            if goal is not None:
                found[name] = goal
    return found


def _conflicts_of_goals(target: Json, source: Json, goals: dict[str, Json]) -> list[str]:
    found = []
    for one in careplan.parties(target.get("goal")):
        for other in careplan.parties(source.get("goal")):
            if one == other or one not in goals or other not in goals:
                continue
            mine, theirs = programmes.words(goals[one]), programmes.words(goals[other])
            if programmes.contradicts(goals[one], goals[other]):
                found.append(f"Doel '{theirs}' naast '{mine}': welk van de twee geldt?")
            elif mine.casefold() == theirs.casefold():
                found.append(f"Doel '{mine}' staat er twee keer: welk van de twee blijft?")
    return found


async def _conflicts_of_functions(
    gathering: Gathering, staying: Shared, ending: Shared, now: int
) -> list[str]:
    found = []
    for function in FUNCTIONS:
        mine, theirs = staying.holder(function, now), ending.holder(function, now)
        if mine is not None and theirs is not None and mine != theirs:
            stays, was = [await gathering.called(careplan.to(one)) for one in (mine, theirs)]
            found.append(f"{stays} blijft {_NAMES[function]}; in het andere plan was dat {was}. Klopt dat?")
    return found


def _add_activity(plan: Json, activity: Json) -> None:
    activities = plan.setdefault("activity", [])
    if activity in activities:
        return
    detail = activity.get("detail")
    if detail is None:
        known = [one.get("reference", {}).get("reference") for one in activities]
        if activity.get("reference", {}).get("reference") not in known:
            activities.append(activity)
        return
    code = programmes.code_of(detail)
    same = next(
        (
            one["detail"]
            for one in activities
            if "detail" in one
            and code is not None
            and programmes.code_of(one["detail"]) == code
            and programmes.is_open(one["detail"])
        ),
        None,
    )
    if same is None or not programmes.is_open(detail):
        activities.append(activity)
    else:
        programmes.join(same, detail)


def _apart(source: Json) -> Json:
    """The plan with ids of its own for what it contains, so that they meet no others."""
    copy: Json = document.decode(document.encode(source))
    ids = {f"#{one['id']}": f"#{source['id'][:40]}-{one['id']}"[:64] for one in copy.get("contained", ())}
    for one in copy.get("contained", ()):
        one["id"] = ids[f"#{one['id']}"][1:]
    return _renamed(copy, ids) if ids else copy


def _renamed(value: Json, ids: dict[str, str]) -> Json:
    for key, child in value.items():
        if key == "reference" and child in ids:
            value[key] = ids[child]
        for one in child if isinstance(child, list) else [child]:
            if isinstance(one, dict):
                _renamed(one, ids)
    return value


async def _moved(hub: Repository, source: str, target: str) -> list[str]:
    """Bases the Tasks of one plan on the other; which."""
    names = []
    for task in await moves.found(hub, "Task", ("based-on", source)):
        await hub.update(_rebased(task, source, target, moves.base_of(hub)))
        names.append(f"Task/{task['id']}")
    return sorted(names)


def _rebased(task: Json, old: str, new: str, base: str | None) -> Json:
    task["basedOn"] = [
        careplan.to(new) if careplan.party(one, base) == old else one for one in task["basedOn"]
    ]
    return task


def _take_over(staying: Shared, ending: Shared, now: int) -> list[str]:
    """Lets who is active in the ending team go on in the other; who was not in it yet."""
    fresh = []
    for entry in careplan.active(ending.team, now):
        party = ending.member(entry)
        if party is None or staying.entries(party, now):
            continue
        roles = [
            role
            for role in entry.get("role", ())
            if not any(careplan.has_function({"role": [role]}, one) for one in FUNCTIONS)
        ]
        _, until = relations.period(entry.get("period"))
        forever = until == relations.ALWAYS[1]
        staying.join(party, roles or [careplan.role(careplan.TREATING)], now, None if forever else until)
        fresh.append(party)
    return fresh


def _is_function(role: Json) -> bool:
    return any(careplan.has_function({"role": [role]}, one) for one in FUNCTIONS)


def _revive(reviving: Shared, now: int) -> None:
    """Lets a team go on that ended with its plan: a return adds an entry."""
    moment, _ = relations.period({"start": reviving.team.get("period", {}).get("end")})
    reviving.team["status"] = "active"
    period = {key: value for key, value in reviving.team.pop("period", {}).items() if key != "end"}
    if period:
        reviving.team["period"] = period
    for entry in list(reviving.team.get("participant", ())):
        if (
            careplan.ended({**entry, "period": {"start": entry["period"]["start"]}}, moment)["period"]
            == entry["period"]
        ):
            party = reviving.member(entry)
            if party is not None:
                reviving.join(party, entry.get("role", ()), now)


def _team_of(shared: Shared) -> str | None:
    return shared.team.get("id")


def _without(current: Json, made: Json, before: Json) -> tuple[Json, list[str]]:
    """The plan as it is now without what merging brought; what was changed since stays, and is told."""
    plan: Json = document.decode(document.encode(current))
    conflicts = []
    for name in (*_LISTS, "contained", "replaces", "extension"):
        brought = [one for one in made.get(name, ()) if one not in before.get(name, ())]
        left = [one for one in plan.get(name, ()) if one not in brought]
        if left:
            plan[name] = left
        else:
            plan.pop(name, None)
    kept: list[Json] = []
    for activity in plan.get("activity", ()):
        place = made["activity"].index(activity) if activity in made.get("activity", ()) else None
        if place is None:
            code = programmes.code_of(activity.get("detail", {}))
            there = [programmes.code_of(one.get("detail", {})) for one in before.get("activity", ())]
            brought = [programmes.code_of(one.get("detail", {})) for one in made.get("activity", ())]
            if code is not None and code in brought and activity not in before.get("activity", ()):
                conflicts.append(
                    f"{activity['detail']['code'].get('text', code[1])} is na het samenvoegen veranderd en blijft zo"
                    f"{'' if code in there else ', ook in dit plan'}."
                )
            kept.append(activity)
        elif place < len(before.get("activity", ())):
            # Where the plan had one already, it is as it was before others were joined to it.
            kept.append(before["activity"][place])
    if kept:
        plan["activity"] = kept
    else:
        plan.pop("activity", None)
    for text in conflicts:
        programmes.to_decide(plan, text)
    return plan, conflicts


def _url() -> str:
    return guide.url("StructureDefinition", MERGED_INTO)

"""Who made a version of what a plan's history shows (plan, goal, team, task, score, message, Consent), and on whose
behalf: a Provenance where the write brought none (https://hl7.org/fhir/R4/provenance.html, RULES R14)."""

from __future__ import annotations

import weakref
from typing import Any

from fhirhub.access import Actor
from fhirhub.repository import Effect, Repository, Stored, now
from fhirhub.resources import dimensions, document
from fhirhub.store.database import Transaction

Json = dict[str, Any]

OPERATIONS = "http://terminology.hl7.org/CodeSystem/v3-DataOperation"
PARTICIPANTS = "http://terminology.hl7.org/CodeSystem/provenance-participant-type"
HUB: Json = {
    "type": {"coding": [{"system": PARTICIPANTS, "code": "assembler", "display": "Assembler"}]},
    "who": {"display": "fhirhub"},
}
"""The hub, which made a version by a rule."""


_APART = frozenset({"Communication", "Consent", "Observation"})
"""Who reads plans and Tasks does not read every one of these, so they have a Provenance of their own."""


class TellWho:
    """Writes a Provenance of what a transaction made of plans and what belongs to them: one for what the caller wrote
    of a patient, one for what followed from it. Where nobody signed in there is nobody to tell of."""

    types = frozenset({"CarePlan", "CareTeam", "Goal", "Task"}) | _APART

    def __init__(self) -> None:
        self._seen: weakref.WeakKeyDictionary[Transaction, list[Effect]] = weakref.WeakKeyDictionary()

    async def __call__(self, unit: Repository, effect: Effect) -> None:
        actor = unit.asker.actor
        if actor is None or effect.after.deleted:
            return
        if effect.after.type == "Observation" and not _is_score(effect.after):
            return
        seen = self._seen.get(unit.transaction)
        if seen is None:
            seen = self._seen[unit.transaction] = []

            async def tell() -> None:
                await _tell(unit, seen)

            unit.at_end(tell)
        seen.append(effect)

    async def committed(self) -> None:
        """Nothing is left to do."""


async def _tell(unit: Repository, seen: list[Effect]) -> None:
    told = _targets(unit)
    groups: dict[tuple[str | None, str | None, bool, str, str], list[Stored]] = {}
    for effect in seen:
        after = effect.after
        if _version(after) not in told:
            made = "CREATE" if effect.before is None or effect.before.deleted else "UPDATE"
            apart = after.type if after.type in _APART else ""
            key = (after.patient, after.label, effect.by_hub, made, apart)
            groups.setdefault(key, []).append(after)
    for (_, _, by_hub, made, _), versions in groups.items():
        await unit.create(await _provenance(unit, versions, made, by_hub=by_hub))


def _targets(unit: Repository) -> set[str]:
    """The versions of which this transaction has a Provenance."""
    found = set()
    for stored in unit.known_of("Provenance"):
        if stored.body is not None:
            for target in document.decode(stored.body).get("target", ()):
                found.add(str(target.get("reference", "")))
    return found


def _is_score(stored: Stored) -> bool:
    body = stored.body
    return (
        body is not None
        and dimensions.system().encode() in body
        and dimensions.is_score(document.decode(body))
    )


def _version(stored: Stored) -> str:
    return f"{stored.type}/{stored.id}/_history/{stored.version}"


async def _provenance(unit: Repository, versions: list[Stored], made: str, *, by_hub: bool) -> Json:
    actor = unit.asker.actor
    assert actor is not None
    agents = [HUB] if by_hub or actor.column == "hub" else []
    if actor.column != "hub":
        agents.append(await _agent(unit, actor, "enterer" if by_hub else "author"))
        if actor.responsible is not None:
            agents.append({**_part("attester"), "who": await _who(unit, actor.responsible)})
    return {
        "resourceType": "Provenance",
        "target": [{"reference": _version(one)} for one in versions],
        "recorded": document.instant(now()),
        "activity": {"coding": [{"system": OPERATIONS, "code": made}]},
        "agent": agents,
    }


def _part(code: str) -> Json:
    return {"type": {"coding": [{"system": PARTICIPANTS, "code": code, "display": code.capitalize()}]}}


async def _agent(unit: Repository, actor: Actor, part: str) -> Json:
    """Who asked, and the organisation for which."""
    told = _part(part)
    if actor.person is None:
        return {**told, "who": await _who(unit, actor.organization or "fhirhub")}
    told["who"] = await _who(unit, actor.person)
    if actor.organization is not None:
        told["onBehalfOf"] = await _who(unit, actor.organization)
    return told


async def _who(unit: Repository, reference: str) -> Json:
    """A reference to somebody; in words alone where they are no resource here."""
    type, _, id = reference.partition("/")
    found = await unit.find(type, id) if id else None
    return {"display": reference} if found is None or found.deleted else {"reference": reference}

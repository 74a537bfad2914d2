"""A plan with its team, read and written as one thing, also where the plan contains the team
(https://hl7.org/fhir/R4/careteam.html; RULES R7, R9, R30).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from fhirhub.careplan import moves, parties
from fhirhub.repository import Repository
from fhirhub.resources import careplan, document, guide, relations
from fhirhub.resources.careplan import COORDINATOR, IN_CHARGE, Json

FUNCTIONS = (COORDINATOR, IN_CHARGE)
Keep = Callable[[Json], bool]


class Shared:
    """A plan and its team; what is changed here is written by `save`."""

    def __init__(self, plan: Json, team: Json, *, contained: bool, base: str | None) -> None:
        self.plan = plan
        self.team = team
        self._contained = contained
        self._base = base
        self._plan_was = document.encode(plan)
        self._team_was = document.encode(team)

    @property
    def patient(self) -> str:
        """The id of the Patient whose plan it is."""
        return careplan.patient_of(self.plan, self._base) or ""

    @property
    def name(self) -> str:
        """`CarePlan/x`."""
        return f"CarePlan/{self.plan['id']}"

    @property
    def is_new(self) -> bool:
        """Whether the plan had no team so far."""
        return not self._contained and "id" not in self.team

    @property
    def has_ended(self) -> bool:
        return self.plan.get("status") in ENDED

    def entries(self, party: str, now: int) -> list[Json]:
        """The active entries of a party."""
        return [one for one in careplan.active(self.team, now) if self.member(one) == party]

    def member(self, entry: Json) -> str | None:
        return careplan.party(entry.get("member"), self._base)

    def members(self, now: int) -> list[str]:
        """The active parties, each once, in order of their entries."""
        found = [self.member(one) for one in careplan.active(self.team, now)]
        return list(dict.fromkeys(one for one in found if one is not None))

    def holder(self, function: str, now: int) -> str | None:
        """Who has a function now."""
        return careplan.holder(self.team, function, now, self._base)

    def last_holder(self, function: str, now: int) -> str | None:
        """Who has a function now; where nobody has it any more, who had it last: an entry may end by itself."""
        had = [one for one in self.team.get("participant", ()) if careplan.has_function(one, function)]
        last = max(had, key=_until, default=None)
        return self.holder(function, now) or (None if last is None else self.member(last))

    def join(self, party: str, roles: Iterable[Json], now: int, until: int | None = None) -> None:
        """Makes a party active from `now`, until that moment where there is one; a return adds an entry."""
        if not self.entries(party, now):
            entry = careplan.participant(party, roles, now)
            self._add(entry if until is None else careplan.ended(entry, until))

    def stay(self, party: str, now: int, until: int | None) -> None:
        """Lets what the party takes part in go on until that moment, or without end."""
        for entry in self.entries(party, now):
            entry["period"].pop("end", None)
            if until is not None:
                entry["period"] = careplan.ended(entry, until)["period"]

    def leave(self, party: str, now: int) -> bool:
        """Ends what the party takes part in; whether there was anything."""
        return self._replace(party, now, keep=None)

    def give(self, function: str, party: str, roles: Iterable[Json], now: int) -> str | None:
        """Moves a function to a party, from whoever has it, who is returned: since-when is the start of an entry, so
        each goes on under one of their own."""
        before = self.holder(function, now)
        if before == party:
            return before
        if before is not None:
            self._replace(before, now, keep=lambda role: not _is(role, function))
        own = self.entries(party, now)
        held = [role for one in own for role in one.get("role", ())]
        self._replace(party, now, keep=None)
        entry = careplan.participant(party, [*(held or roles), careplan.role(function)], now)
        self._add(_until_as(entry, own))
        return before

    def take(self, function: str, now: int) -> None:
        """Leaves nobody with the function."""
        before = self.holder(function, now)
        if before is not None:
            self._replace(before, now, keep=lambda role: not _is(role, function))

    def end(self, now: int) -> None:
        """Ends the team, with every participation."""
        self.team["participant"] = [
            careplan.ended(one, now) if careplan.is_active(one, now) else one
            for one in self.team.get("participant", ())
        ]
        self.team["status"] = "inactive"
        self.team["period"] = {**self.team.get("period", {}), "end": document.instant(now)}

    def note(self, task: str) -> None:
        """Keeps a Task among the plan's activities."""
        known = [
            careplan.party(one.get("reference"), self._base)
            for one in self.plan.get("activity", ())
            if "reference" in one
        ]
        if task not in known:
            self.plan.setdefault("activity", []).append({"reference": careplan.to(task)})

    async def save(self, unit: Repository) -> None:
        """Writes what changed. Who wrote either meanwhile makes the whole be done again."""
        if document.encode(self.team) != self._team_was:
            if self._contained:
                id = self.team.get("id")
                self.plan["contained"] = [
                    self.team if one.get("id") == id else one for one in self.plan["contained"]
                ]
            elif "id" in self.team:
                await unit.update(self.team)
            else:
                made = (await unit.create(self.team)).stored
                self.plan.setdefault("careTeam", []).append(careplan.to(f"CareTeam/{made.id}"))
            self._team_was = document.encode(self.team)
        if document.encode(self.plan) != self._plan_was:
            await unit.update(self.plan)
            self._plan_was = document.encode(self.plan)

    def _add(self, entry: Json) -> None:
        self.team.setdefault("participant", []).append(entry)

    def _replace(self, party: str, now: int, keep: Keep | None) -> bool:
        """Ends the active entries of a party; with `keep`, it goes on from now in the roles kept."""
        entries: list[Json] = []
        kept: list[Json] = []
        own: list[Json] = []
        for one in self.team.get("participant", ()):
            if self.member(one) == party and careplan.is_active(one, now):
                own.append(one)
                kept += [role for role in one.get("role", ()) if keep is not None and keep(role)]
                if careplan.begins(one, now):
                    continue
                one = careplan.ended(one, now)
            entries.append(one)
        self.team["participant"] = entries
        if own and keep is not None:
            entry = careplan.participant(party, kept or [careplan.role(careplan.TREATING)], now)
            self._add(_until_as(entry, own))
        return bool(own)


def _until(entry: Json) -> int:
    return relations.period(entry.get("period", {}))[1]


def _until_as(entry: Json, others: list[Json]) -> Json:
    """The entry, with the end of the one of these that lasts longest, where it has one."""
    last = max(others, key=_until, default={})
    end = last.get("period", {}).get("end")
    return entry if end is None else {**entry, "period": {**entry["period"], "end": end}}


def _is(role: Json, function: str) -> bool:
    return careplan.has_function({"role": [role]}, function)


async def shared(unit: Repository, plan: str, now: int) -> Shared | None:
    """The plan of that name (`CarePlan/x`) with its team; one that has none gets one of the patient. None where there
    is no such plan."""
    base = moves.base_of(unit)
    found = await moves.read(unit, plan)
    patient = careplan.patient_of(found, base) if found is not None else None
    if found is None or patient is None:
        return None
    for reference in found.get("careTeam", ()):
        text = reference.get("reference", "")
        if text.startswith("#"):
            for one in found.get("contained", ()):
                if one.get("resourceType") == "CareTeam" and one.get("id") == text[1:]:
                    return Shared(found, document.decode(document.encode(one)), contained=True, base=base)
        team = careplan.party(reference, base)
        content = await moves.read(unit, team) if team is not None else None
        if content is not None:
            return Shared(found, content, contained=False, base=base)
    return Shared(found, new_team(patient, now), contained=False, base=base)


async def plans_of(unit: Repository, patient: str, now: int) -> list[Shared]:
    """The patient's plans that have a team and have not ended."""
    named = await moves.found(unit, "CarePlan", ("subject", f"Patient/{patient}"))
    opened = [
        await shared(unit, f"CarePlan/{plan['id']}", now)
        for plan in named
        if plan.get("careTeam") and plan.get("status") not in ENDED
    ]
    return [one for one in opened if one is not None]


ENDED = ("completed", "revoked", "entered-in-error")
"""Statuses of a plan that has ended."""


def new_team(patient: str, now: int) -> Json:
    """A team in which the patient is."""
    who = f"Patient/{patient}"
    return {
        "resourceType": "CareTeam",
        "meta": {"profile": [guide.url("StructureDefinition", "SharedCareTeam")]},
        "status": "active",
        "name": "Zorgteam",
        "subject": careplan.to(who),
        "period": {"start": document.instant(now)},
        "participant": [careplan.participant(who, [careplan.role(careplan.PATIENT)], now)],
    }


async def with_starter(unit: Repository, team: Json, starter: str, now: int) -> Json:
    """The team with who starts the plan: active, coordinator and in charge until they hand over (RULES R7, R9)."""
    organization = await parties.organization_of(unit, starter, now)
    roles = await parties.roles_of(unit, starter, organization)
    functions = [careplan.role(one) for one in FUNCTIONS]
    team["participant"].append(careplan.participant(starter, [*roles, *functions], now))
    if organization is not None:
        team["managingOrganization"] = [careplan.to(organization)]
    return team

"""Why somebody could do what they did: the rule of access that let them, worked out of the same relations that
`store/visible.py` looks up."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from enum import IntFlag
from typing import NamedTuple

from fhirhub.access import Access, Actor
from fhirhub.resources.relations import Kind
from fhirhub.store.database import Reader
from fhirhub.store.sql import Binder, Statement


class Fact(IntFlag):
    """The yes/no results of NEN 7513."""

    AUTHORISED = 1
    """The role may do this."""
    RELATION = 2
    """There is, or was, a treatment relation."""
    CONSENT = 4
    """It rests on a choice of the patient: a grant, an agreement, registering at this practice, or doing it self."""
    EMERGENCY = 8


_RESULTS: Mapping[str, Fact] = {
    "self": Fact.AUTHORISED | Fact.CONSENT,
    "representative": Fact.AUTHORISED | Fact.CONSENT,
    "grant": Fact.AUTHORISED | Fact.CONSENT,
    "practice": Fact.AUTHORISED | Fact.RELATION | Fact.CONSENT,
    "participation": Fact.AUTHORISED | Fact.RELATION | Fact.CONSENT,
    "cover": Fact.AUTHORISED | Fact.RELATION | Fact.CONSENT,
    "aftercare": Fact.AUTHORISED | Fact.RELATION,
    "own-task": Fact.AUTHORISED | Fact.RELATION,
    "break-glass": Fact.AUTHORISED | Fact.EMERGENCY,
    "own-answers": Fact.AUTHORISED,
    "public": Fact.AUTHORISED,
    "officer": Fact.AUTHORISED,
    "analyst": Fact.AUTHORISED,
    "administrator": Fact.AUTHORISED,
    "hub": Fact.AUTHORISED,
    "open": Fact.AUTHORISED,
    "account": Fact.AUTHORISED,
    "refused": Fact(0),
    "failed": Fact(0),
}
FACTS: Mapping[str | None, int] = {name: int(facts) for name, facts in _RESULTS.items()}
"""By rule, a code of the guide's AccessRule, what NEN 7513 asks."""

_AFTERCARE_TYPES = frozenset({"CarePlan", "CareTeam"})
_ONE = {
    "analyst": "analyst",
    "administrator": "administrator",
    "officer": "officer",
    "hub": "hub",
    "patient": "self",
}
"""Columns of the matrix whose people can do all they do for one reason."""


class Relation(NamedTuple):
    """What somebody is, or was, to a patient."""

    kind: int
    is_mine: bool
    """Whether the row names them, and not a colleague at their practice."""
    until: int
    was_opened: bool
    """Whether it follows from no resource: cover, or breaking the glass."""


Relations = Mapping[str, list[Relation]]
"""By patient."""


async def relations(reader: Reader, tenant: int, access: Access, patients: Iterable[str]) -> Relations:
    """What the caller is to these patients; nothing is asked where the reason is the same for all."""
    actor, caller = access.actor, access.caller
    wanted = sorted(set(patients))
    if not wanted or actor is None or actor.column in _ONE:
        return {}
    names = frozenset(caller.names)
    text = "".join(f"{name} " for name in (*caller.names, *caller.firm))
    rows = await reader.fetch(_looking(reader, tenant, wanted, text))
    found: dict[str, list[Relation]] = {}
    # In a group a row says besides of whose question it is.
    for patient, kind, who, until, made, *_ in rows:
        found.setdefault(str(patient), []).append(Relation(int(kind), who in names, int(until), not made))
    return found


def _looking(reader: Reader, tenant: int, patients: list[str], names: str) -> Statement:
    """Of one patient, the statement joins a group of its shape."""
    binder = Binder()
    binder.bind(tenant, "int")
    now = binder.bind(time.time_ns() // 1000, "bigint")
    find = "strpos" if reader.dialect.name == "postgresql" else "instr"
    mine = f"{find}({binder.bind(names)}, x.actor || ' ') > 0"
    one = len(patients) == 1
    of = f"= {binder.bind(patients[0])}" if one else ""
    subject = (
        f"x.subject {of}" if one else reader.dialect.any_of("x.subject", binder.bind(patients, "text[]"))
    )
    return binder.statement(
        "SELECT x.subject, x.kind, x.actor, x.until, "
        "EXISTS (SELECT 1 FROM resource r WHERE r.tenant = $1 AND r.rid = x.rid) AS made "
        f"FROM relation x WHERE x.tenant = $1 AND {subject} "
        f"AND x.kind IN ({', '.join(str(int(kind)) for kind in _KINDS)}) AND x.start <= {now} AND {mine}",
        together=one,
    )


_KINDS = (Kind.PRACTICE, Kind.MEMBER, Kind.COVER, Kind.GLASS, Kind.GRANT, Kind.COLLECT, Kind.REPRESENTATIVE)


def rule(
    actor: Actor | None,
    patient: str | None,
    type: str | None,
    found: Relations,
    now: int,
    id: str | None = None,
) -> str:
    """The rule that let this caller do something to a resource of this type, or to that one, about this patient."""
    if actor is None:
        return "open"
    one = _ONE.get(actor.column)
    if one is not None:
        return one
    if patient is None:
        return "public"
    if actor.person in (patient, f"{type}/{id}"):
        return "own-answers"
    known = found.get(patient, ())
    standing = {(each.kind, each.was_opened) for each in known if each.until > now and _counts(each)}
    kinds = {kind for kind, _ in standing}
    if Kind.PRACTICE in kinds:
        return "practice"
    if (int(Kind.MEMBER), False) in standing:
        return "participation"
    if Kind.COVER in kinds or Kind.MEMBER in kinds:
        return "cover"
    if Kind.REPRESENTATIVE in kinds:
        return "representative"
    if Kind.GRANT in kinds or Kind.COLLECT in kinds:
        return "grant"
    if Kind.GLASS in kinds:
        return "break-glass"
    ended = any(each.kind == Kind.MEMBER and each.is_mine for each in known)
    if ended and (type in _AFTERCARE_TYPES or type == "Task"):
        return "aftercare"
    return "own-task"


def _counts(one: Relation) -> bool:
    """A colleague's name is a relation of one's own at the practice where the patient is registered alone."""
    return one.is_mine or one.kind == Kind.PRACTICE

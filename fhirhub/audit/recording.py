"""Records: what was seen, written, refused or signed as rows of the log (RULES R24, R25)."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from urllib.parse import parse_qsl, urlencode

from fhirhub.access import Access, Actor
from fhirhub.audit import reasons
from fhirhub.audit.reasons import FACTS, Relations
from fhirhub.repository import Agent, Refused, Repository, Seen, Trail, Write
from fhirhub.store.chain import Entry

MAX_QUERY = 8000
"""Characters of a query that are kept."""
ACTIONS = {"POST": "C", "PUT": "U", "PATCH": "U", "DELETE": "D"}
NOBODY = Agent()


def agent_of(access: Access) -> Agent:
    """Who this caller is, as the log tells it."""
    found: Agent | None = access.kept.get("agent")
    if found is None:
        found = access.kept["agent"] = NOBODY if access.actor is None else _agent(access.actor)
    return found


def _agent(actor: Actor) -> Agent:
    known = {"account": actor.account, "token": actor.token, "purpose": actor.purpose}
    told = {name: value for name, value in known.items() if value}
    return Agent(
        actor.person,
        actor.role or (actor.column if actor.column in ("backend", "hub") else None),
        actor.organization,
        actor.client,
        actor.responsible,
        urlencode(told) or None,
    )


def details(text: str | None) -> dict[str, str]:
    """What nobody searches by, such as `account`, `token`, `status` and `purpose`."""
    return dict(parse_qsl(text)) if text else {}


def now() -> int:
    return time.time_ns() // 1000


class Recorder:
    """Makes the records of what is written."""

    async def of_writes(self, unit: Repository, writes: Sequence[Write]) -> list[Entry]:
        """A record for each version and each patient that it is about; of a load, one for each patient. The hub's own
        note of who made a version has none: the version has one, which says the same."""
        writes = [write for write in writes if not (write.by_hub and write.change.type == "Provenance")]
        access = unit.access if unit.asker is unit.access else unit.asker
        owners = {owner for write in writes for owner in _each(write.change.patient) if owner is not None}
        found = await reasons.relations(unit.transaction, unit.tenant.number, access, owners)
        moment = now()
        entries = [entry for write in writes for entry in _written(access, write, found, moment)]
        if any(write.trail is not None and write.trail.interaction == "load" for write in writes):
            return _in_bulk(entries)
        return entries


def _written(access: Access, write: Write, found: Relations, moment: int) -> Iterator[Entry]:
    change, trail = write.change, write.trail
    agent = trail.agent if trail is not None and trail.agent is not None else agent_of(access)
    action = ACTIONS[change.method]
    interaction = trail.interaction if trail is not None else _INTERACTIONS[change.method]
    for patient in _each(change.patient):
        rule = None
        if agent.role == "beheerder" or (trail is None and access.actor is None):
            rule = "administrator"
        if write.by_hub:
            rule = "hub"
        elif rule is None:
            rule = reasons.rule(access.actor, patient, change.type, found, moment, change.id)
        yield _signed(
            agent,
            rule,
            None if trail is None else trail.request,
            moment,
            interaction,
            "C" if change.version == 1 else action,
            "0",
            patient,
            change.type,
            change.id,
            change.version,
            change.label,
        )


def _signed(
    agent: Agent,
    rule: str | None,
    request: str | None,
    moment: int,
    interaction: str,
    action: str,
    outcome: str,
    patient: str | None = None,
    type: str | None = None,
    id: str | None = None,
    version: int | None = None,
    label: str | None = None,
    query: str | None = None,
) -> Entry:
    """The record with who did it, and by which rule they could; by position, since every read makes one."""
    return Entry(
        moment,
        interaction,
        action,
        outcome,
        patient,
        type,
        id,
        version,
        label,
        agent.person,
        agent.role,
        agent.organization,
        agent.client,
        agent.responsible,
        rule,
        FACTS[rule],
        request,
        agent.detail,
        query,
    )


_INTERACTIONS = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}


def _in_bulk(entries: Iterable[Entry]) -> list[Entry]:
    """One record for each patient, without the resources."""
    by_patient = {
        entry.patient: entry._replace(type=None, target=None, version=None, label=None, action="C")
        for entry in entries
    }
    return list(by_patient.values())


async def of_reads(
    repository: Repository,
    trail: Trail,
    action: str,
    asked: tuple[str | None, str | None],
    query: str | None,
) -> list[Entry]:
    """The records of what was shown: of single versions one each, of matches one for each patient, with the query.
    `asked` are type and id that the request names; where nothing was shown that is all there is to tell."""
    access = repository.access
    type, id = asked
    single = trail.interaction in SINGLE
    if single and not query and len(trail.seen) == 1 and " " not in (mine := trail.seen[0].patient or ""):
        # The most frequent by far.
        known = await reasons.relations(
            repository.reader, repository.tenant.number, access, [mine] if mine else []
        )
        return [_shown(access, trail, action, known, now(), trail.seen[0], mine or None)]
    seen = list(dict.fromkeys(trail.seen)) if single else []
    labels: dict[str | None, str] = {}
    for patient, label in trail.owners if single else (*trail.owners, *(one[-2:] for one in trail.seen)):
        for owner in _each(patient):
            labels[owner] = "".join(sorted({*labels.get(owner, ""), *(label or "")}))
    if len(labels) > 1:
        # What is about nobody is no news beside what is about patients.
        labels.pop(None, None)
    seen += [Seen(type or "", id or "", 0, owner, label or None) for owner, label in labels.items()]
    if not seen:
        seen = [Seen(type or "", id or "", 0, None, None)]
    each = [(one, owner) for one in seen for owner in _each(one.patient)]
    patients = [owner for _, owner in each if owner is not None]
    found = await reasons.relations(repository.reader, repository.tenant.number, access, patients)
    moment = now()
    made = [_shown(access, trail, action, found, moment, one, owner) for one, owner in each]
    if query:
        made = [entry._replace(query=query[:MAX_QUERY]) for entry in made]
    return made


NOTIFIED = "notified"
"""The event of a receiver that was told what happened to a resource."""
SINGLE = frozenset({"read", "vread", NOTIFIED})
"""Interactions whose records are each of one version."""


def _shown(
    access: Access, trail: Trail, action: str, found: Relations, moment: int, seen: Seen, patient: str | None
) -> Entry:
    return _signed(
        trail.agent or agent_of(access),
        reasons.rule(access.actor, patient, seen.type, found, moment, seen.id),
        trail.request,
        moment,
        trail.interaction,
        action,
        "0",
        patient,
        seen.type or None,
        seen.id or None,
        seen.version or None,
        seen.label,
    )


def refusal(
    access: Access, trail: Trail, asked: Refused, action: str, status: int, patient: str | None
) -> Entry:
    """The record of what was asked and not had."""
    return _signed(
        also(trail.agent or agent_of(access), status=str(status)),
        "refused" if status in (401, 403, 404, 410) else "failed",
        trail.request,
        now(),
        asked.interaction,
        action,
        "8" if status >= 500 else "4",
        patient,
        asked.type,
        asked.id,
        query=asked.query[:MAX_QUERY] if asked.query else None,
    )


def event(kind: str, outcome: str, agent: Agent, *, action: str = "E", **detail: str) -> Entry:
    """The record of what happened at the door, such as `signed-in`, or was done to the log or the database."""
    rule = "refused" if outcome != "0" else "account"
    return _signed(also(agent, **detail), rule, None, now(), kind, action, outcome)


def repeated(entry: Entry, times: int) -> Entry:
    """The record that stands for so many of its kind."""
    return entry._replace(detail=urlencode({**details(entry.detail), "times": str(times)}))


def also(agent: Agent, **known: str) -> Agent:
    """The same, of whom this is known besides."""
    return agent._replace(detail=urlencode({**details(agent.detail), **known}) or None)


def _each(owners: str | None) -> list[str | None]:
    """The patients that a resource is about; other owners, such as a RelatedPerson, too."""
    return [None] if owners is None else [*owners.split(" ")]

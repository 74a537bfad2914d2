"""Who takes part in a patient's care at a moment, and what is opened to one party for a time (RULES R7, R11, R12).

Participation follows from resources (`resources/relations.py`). What a shift or breaking the glass opens follows from
none: such a relation is written here, and goes with its end or with the patient.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from fhirhub.repository import Repository
from fhirhub.repository import now as now_us
from fhirhub.resources.relations import REGISTERING, Kind
from fhirhub.store.database import Reader, take_keys
from fhirhub.store.sql import Binder, Statement


class Participant(NamedTuple):
    """An active party: `Organization/x`, `Practitioner/x`, `PractitionerRole/x` or `RelatedPerson/x`."""

    actor: str
    kind: Kind
    start: int
    until: int
    """Microseconds since 1970 UTC."""


async def participants(reader: Reader, tenant: int, patient: str, now: int) -> list[Participant]:
    """Registered practice and active participants of a patient, in order of their names."""
    rows = await reader.fetch(
        Statement(
            "SELECT x.actor, x.kind, x.start, x.until FROM relation x WHERE x.tenant = $1 AND x.subject = $2 "
            f"AND x.kind IN ({int(Kind.PRACTICE)}, {int(Kind.MEMBER)}, {int(Kind.COVER)}) "
            "AND x.start <= $3 AND x.until > $3 ORDER BY x.actor, x.kind",
            (tenant, patient, now),
            ("int", "text", "bigint"),
        )
    )
    return [Participant(str(actor), Kind(kind), int(start), int(until)) for actor, kind, start, until in rows]


async def registered_practice(unit: Repository, patient: str, now: int) -> str | None:
    """The organisation where the patient is registered (R6): of `generalPractitioner` the one of type Z3, or the one
    such where the practitioner that stands there works."""
    found = await unit.fetch(
        Statement(
            "SELECT DISTINCT k.subject FROM relation g JOIN relation k ON k.tenant = $1 "
            f"AND k.kind = {int(Kind.TYPE)} AND k.type = '{REGISTERING}' "
            f"AND k.subject = g.actor WHERE g.tenant = $1 AND g.subject = $2 AND g.kind = {int(Kind.PRACTICE)} "
            "ORDER BY k.subject",
            (unit.tenant.number, patient),
            ("int", "text"),
        )
    )
    if found:
        return str(found[0][0])
    works = await unit.fetch(
        Statement(
            "SELECT g.actor, w.subject FROM relation g JOIN relation w ON w.tenant = $1 AND w.actor = g.actor "
            f"AND w.kind IN ({int(Kind.WORKS)}, {int(Kind.BELONGS)}) AND w.start <= $3 AND w.until > $3 "
            f"JOIN relation k ON k.tenant = $1 AND k.kind = {int(Kind.TYPE)} AND k.type = '{REGISTERING}' "
            f"AND k.subject = w.subject WHERE g.tenant = $1 AND g.subject = $2 AND g.kind = {int(Kind.PRACTICE)}",
            (unit.tenant.number, patient, now),
            ("int", "text", "bigint"),
        )
    )
    places: dict[str, set[str]] = {}
    for person, place in works:
        places.setdefault(str(person), set()).add(str(place))
    alone = sorted(next(iter(found)) for found in places.values() if len(found) == 1)
    return alone[0] if alone else None


async def stands(unit: Repository, patient: str, actor: str, kind: Kind, now: int) -> bool:
    """Whether this party has this relation to the patient."""
    rows = await unit.fetch(
        Statement(
            "SELECT 1 FROM relation x WHERE x.tenant = $1 AND x.subject = $2 AND x.actor = $3 AND x.kind = $4 "
            "AND x.start <= $5 AND x.until > $5 LIMIT 1",
            (unit.tenant.number, patient, actor, int(kind), now),
            ("int", "text", "text", "int", "bigint"),
        )
    )
    return bool(rows)


async def organizations_of(unit: Repository, actor: str, now: int) -> list[str]:
    """The organisations that a party belongs to at that moment: itself, those where a person works, those that give
    and join in a HealthcareService."""
    if actor.startswith("Organization/"):
        return [actor]
    rows = await unit.fetch(
        Statement(
            f"SELECT DISTINCT k.subject FROM relation k WHERE k.tenant = $1 AND k.actor = $2 AND k.kind IN "
            f"({int(Kind.WORKS)}, {int(Kind.BELONGS)}) AND k.start <= $3 AND k.until > $3 ORDER BY k.subject",
            (unit.tenant.number, actor, now),
            ("int", "text", "bigint"),
        )
    )
    return [str(row[0]) for row in rows]


async def person_of(unit: Repository, role: str) -> str | None:
    """The Practitioner of a PractitionerRole."""
    rows = await unit.fetch(
        Statement(
            f"SELECT k.subject FROM relation k WHERE k.tenant = $1 AND k.actor = $2 AND k.kind = {int(Kind.IS)}",
            (unit.tenant.number, role),
            ("int", "text"),
        )
    )
    return str(rows[0][0]).partition("@")[0] if rows else None


async def roles_of_person(unit: Repository, person: str) -> list[str]:
    """The PractitionerRoles of a Practitioner, wherever they work."""
    rows = await unit.fetch(
        Statement(
            f"SELECT DISTINCT i.actor FROM relation w JOIN relation i ON i.tenant = $1 AND i.kind = {int(Kind.IS)} "
            "AND i.subject = w.actor || '@' || w.subject WHERE w.tenant = $1 AND w.actor = $2 "
            f"AND w.kind = {int(Kind.WORKS)} ORDER BY i.actor",
            (unit.tenant.number, person),
            ("int", "text"),
        )
    )
    return [str(row[0]) for row in rows]


async def representatives(unit: Repository, patient: str, now: int) -> list[str]:
    """Who represents a patient (R19)."""
    rows = await unit.fetch(
        Statement(
            "SELECT DISTINCT k.actor FROM relation k WHERE k.tenant = $1 AND k.subject = $2 "
            f"AND k.kind = {int(Kind.REPRESENTATIVE)} AND k.start <= $3 AND k.until > $3 ORDER BY k.actor",
            (unit.tenant.number, patient, now),
            ("int", "text", "bigint"),
        )
    )
    return [str(row[0]) for row in rows]


async def agreed_until(unit: Repository, patient: str, names: Sequence[str], now: int) -> int | None:
    """When the last of the agreements ends by which a party of these names takes part; None where there is none."""
    binder = Binder()
    binder.bind(unit.tenant.number, "int")
    subject, moment = binder.bind(patient), binder.bind(now, "bigint")
    named = unit.dialect.any_of("x.actor", binder.bind(list(names), "text[]"))
    rows = await unit.fetch(
        binder.statement(
            f"SELECT max(x.until) FROM relation x WHERE x.tenant = $1 AND x.subject = {subject} "
            f"AND x.kind = {int(Kind.PERMIT)} AND x.type = '' AND x.start <= {moment} AND x.until > {moment} "
            f"AND (x.actor = '' OR {named})"
        )
    )
    return None if rows[0][0] is None else int(rows[0][0])


async def people_of(unit: Repository, organization: str) -> frozenset[str]:
    """Who works, or ever worked, at an organisation, in which roles, and its HealthcareServices."""
    rows = await unit.fetch(
        Statement(
            "SELECT DISTINCT k.actor FROM relation k WHERE k.tenant = $1 AND k.subject = $2 "
            f"AND k.kind IN ({int(Kind.WORKS)}, {int(Kind.BELONGS)})",
            (unit.tenant.number, organization),
            ("int", "text"),
        )
    )
    return frozenset(str(row[0]) for row in rows)


async def is_provider(unit: Repository, organization: str) -> bool:
    """Whether an organisation is a care provider (RULES R4)."""
    rows = await unit.fetch(
        Statement(
            f"SELECT k.type FROM relation k WHERE k.tenant = $1 AND k.subject = $2 AND k.kind = {int(Kind.TYPE)}",
            (unit.tenant.number, organization),
            ("int", "text"),
        )
    )
    return any(row[0] in unit.tenant.care_providers for row in rows)


async def broke_the_glass(unit: Repository, patient: str, now: int) -> bool:
    """Whether the person who asked has this patient open by breaking the glass (RULES R12)."""
    actor = unit.asker.actor
    person = actor.person if actor is not None else None
    return person is not None and await stands(unit, patient, person, Kind.GLASS, now)


async def acts_as(unit: Repository, party: str | None) -> bool:
    """Whether who asked acts for this party: it is the person, a role of theirs, their organisation, or a role or
    HealthcareService of that (RULES R22)."""
    caller = unit.asker.caller
    if party is None:
        return False
    if party in caller.names:
        return True
    if caller.organization is None:
        return False
    rows = await unit.fetch(
        Statement(
            "SELECT 1 FROM relation k WHERE k.tenant = $1 AND k.subject = $2 AND k.actor = $3 "
            f"AND k.kind = {int(Kind.BELONGS)} AND k.start <= $4 AND k.until > $4 LIMIT 1",
            (unit.tenant.number, caller.organization, party, now_us()),
            ("int", "text", "text", "bigint"),
        )
    )
    return bool(rows)


async def open_to(unit: Repository, patient: str, actor: str, kind: Kind, start: int, until: int) -> None:
    """Opens a patient to one party for a time, inside the transaction of `unit`: COVER for a shift, GLASS for a
    person who broke it, KNOWS for a care provider that registered the patient."""
    tenant = unit.tenant.number
    row = (await unit.transaction.fetch(take_keys(tenant, 1)))[0]
    await unit.transaction.execute(
        Statement(
            "INSERT INTO relation (tenant, rid, subject, actor, kind, type, start, until, weight) "
            "VALUES ($1, $2, $3, $4, $5, '', $6, $7, 0)",
            (tenant, int(row[0]), patient, actor, int(kind), start, until),
            ("int", "bigint", "text", "text", "int", "bigint", "bigint"),
        )
    )


async def close_to(unit: Repository, patient: str, actor: str, kind: Kind, now: int) -> None:
    """Ends what `open_to` opened."""
    await unit.transaction.execute(
        Statement(
            "UPDATE relation SET until = $5 WHERE tenant = $1 AND subject = $2 AND actor = $3 AND kind = $4 "
            "AND until > $5 AND NOT EXISTS (SELECT 1 FROM resource r WHERE r.tenant = $1 AND r.rid = relation.rid)",
            (unit.tenant.number, patient, actor, int(kind), now),
            ("int", "text", "text", "int", "bigint"),
        )
    )

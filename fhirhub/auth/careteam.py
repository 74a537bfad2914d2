"""Who takes part in a patient's care at a moment, and what is opened to one party for a time (RULES R7, R11, R12).

Participation follows from resources (`resources/relations.py`). What a shift or breaking the glass opens follows from
none: such a relation is written here, and goes with its end or with the patient.
"""

from __future__ import annotations

from typing import NamedTuple

from fhirhub.auth.policy import REGISTERING
from fhirhub.repository import Repository
from fhirhub.resources.relations import Kind
from fhirhub.store.database import Reader, take_keys
from fhirhub.store.sql import Statement


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

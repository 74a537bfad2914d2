"""What changed in a plan: its timeline, how far each person has seen it, and the read receipts of its messages.

How far somebody has seen a plan moves by their own word alone (`$seen`), and never back.
"""

from __future__ import annotations

from typing import Any, Protocol

from fhirhub import errors
from fhirhub.access import Access
from fhirhub.repository import Repository, Stored
from fhirhub.resources import compartments, document, guide, references
from fhirhub.store.sql import Row, Statement
from fhirhub.store.timeline import TYPES, Moment, Place, TimelineRequest

Json = dict[str, Any]

AT_ONCE = 200
RECEIPT = "read-receipt"


class Reader(Protocol):
    """A database, or a transaction under way."""

    async def fetch(self, statement: Statement) -> list[Row]: ...


def of_plan(plan: Stored, base: str | None, **limits: Any) -> TimelineRequest:
    """The timeline of this plan, within these limits."""
    assert plan.body is not None
    patients = compartments.patients(document.decode(plan.body), base)
    return TimelineRequest(plan.rid, plan.id, next(iter(patients), ""), **limits)


def reader_of(access: Access) -> str:
    """Who it is that sees: the person, a backend's organisation, or '' where nobody signs in."""
    actor = access.actor
    return "" if actor is None else actor.person or actor.organization or ""


async def mark(reader: Reader, tenant: int, plan: Stored, person: str) -> Place | None:
    """How far this person has seen the plan; None where they never said."""
    rows = await reader.fetch(
        Statement(
            "SELECT s.last_updated, s.last_rid, s.last_version FROM seen s WHERE s.tenant = $1 AND s.rid = $2 "
            "AND s.person = $3",
            (tenant, plan.rid, person),
            ("int", "bigint", "text"),
        )
    )
    return (int(rows[0][0]), int(rows[0][1]), int(rows[0][2])) if rows else None


async def see(unit: Repository, plan: Stored, version: str, base: str, now: int) -> bool:
    """Records, inside `together`, that the caller has seen the plan up to this version of something in its timeline
    (`Task/1/_history/2`, or the plan's own version by its number), with read receipts of what was said to them until
    then. Whether that moved their mark. Raises `not-found` for a version that is not there to be seen."""
    shown = await _end_of_write(unit, plan, await _shown(unit, plan, version, base), base)
    person = reader_of(unit.access)
    tenant = unit.tenant.number
    known = await mark(unit.transaction, tenant, plan, person)
    if known is not None and known >= shown:
        return False
    unseen = await unit.timeline(of_plan(plan, base, after=shown, count=0))
    receipts = await _confirm(unit, plan, base, known, shown, person, now) if person else []
    if receipts and not unseen:
        # What they themselves just caused is nothing new to them.
        shown = max(shown, *((one.updated, one.rid, one.version) for one in receipts))
    # Another of theirs may have moved it meanwhile: never back.
    moved = await unit.transaction.execute(
        Statement(
            "INSERT INTO seen (tenant, rid, person, last_updated, last_rid, last_version, moment) "
            "VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (tenant, rid, person) DO UPDATE SET "
            "last_updated = excluded.last_updated, last_rid = excluded.last_rid, "
            "last_version = excluded.last_version, moment = excluded.moment "
            "WHERE (excluded.last_updated, excluded.last_rid, excluded.last_version) > "
            "(seen.last_updated, seen.last_rid, seen.last_version)",
            (tenant, plan.rid, person, *shown, now),
            ("int", "bigint", "text", "bigint", "bigint", "bigint", "bigint"),
        )
    )
    return moved > 0


async def _shown(unit: Repository, plan: Stored, version: str, base: str) -> Place:
    """The place of a version, which is one of this plan's timeline."""
    text = version.removeprefix("W/").strip('"')
    if text.isascii() and text.isdigit():
        text = f"CarePlan/{plan.id}/_history/{text}"
    target = references.parse(text, base)
    if not target.is_local or target.version is None:
        raise errors.value(
            "`version` expects the last version shown, such as `Task/1/_history/2`, or the plan's own version by its "
            f"number; got `{version}`"
        )
    assert target.type is not None
    assert target.id is not None
    stored = await unit.vread(target.type, target.id, target.version)
    place = (stored.updated, stored.rid, stored.version)
    if stored.type in TYPES:
        upto = (*place[:2], stored.version + 1)
        found = await unit.timeline(of_plan(plan, base, before=upto, count=0, types=(stored.type,)))
        if found and found[0].place == place:
            return place
    raise errors.value(f"`version` names {text}, which is not in the timeline of CarePlan/{plan.id}")


async def _end_of_write(unit: Repository, plan: Stored, place: Place, base: str) -> Place:
    """The last place of what was written together with this version: a write is seen whole."""
    found = await unit.timeline(
        of_plan(plan, base, since=place[0], before=(place[0] + 60_000_000, 0, 0), count=AT_ONCE)
    )
    write_id = next((one.write_id for one in found if one.place == place), None)
    return max((one.place for one in found if one.write_id == write_id), default=place)


async def _confirm(
    unit: Repository, plan: Stored, base: str, after: Place | None, upto: Place, person: str, now: int
) -> list[Stored]:
    """Puts a read receipt on the messages to this person between these places; what was written."""
    last = (upto[0], upto[1], upto[2] + 1)
    asked: Place = last
    names = {person, *unit.access.caller.names}
    messages: dict[str, None] = {}
    while True:
        page = await unit.timeline(
            of_plan(plan, base, after=after, before=asked, count=AT_ONCE, types=("Communication",))
        )
        for one in page[:AT_ONCE]:
            if one.stored.type == "Communication" and one.stored.body is not None:
                resource = document.decode(one.stored.body)
                if names & {each.get("reference") for each in resource.get("recipient", ())}:
                    messages[one.stored.id] = None
        if len(page) <= AT_ONCE:
            break
        asked = page[AT_ONCE - 1].place
    hub = unit.as_hub()
    written = []
    for id in messages:
        current = await unit.find("Communication", id)
        if current is None or current.deleted:
            continue
        made = await hub.patch("Communication", id, lambda message: _received(message, person, now))
        if made.outcome == "updated":
            written.append(made.stored)
    return written


def _received(message: Json, person: str, now: int) -> Json:
    """The message with this person's read receipt; as it was where it has one."""
    url = guide.url("StructureDefinition", RECEIPT)
    for extension in message.get("extension", ()):
        if extension.get("url") == url and any(
            part.get("valueReference", {}).get("reference") == person
            for part in extension.get("extension", ())
        ):
            return message
    receipt = {
        "url": url,
        "extension": [
            {"url": "reader", "valueReference": {"reference": person}},
            {"url": "time", "valueInstant": document.instant(now)},
        ],
    }
    message["extension"] = [*message.get("extension", ()), receipt]
    message.setdefault("received", document.instant(now))
    return message


def in_order(moments: list[Moment], provenance: list[Stored]) -> list[Stored]:
    """The versions with their Provenances, newest first; of one moment, what was done stands before who says so."""
    found = [(one.stored, False) for one in moments] + [(one, True) for one in provenance]
    found.sort(key=lambda each: (-each[0].updated, each[1], -each[0].rid, -each[0].version))
    return [stored for stored, _ in found]

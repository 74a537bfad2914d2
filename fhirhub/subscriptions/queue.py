"""How far each Subscription is, and its events in their order: the statements of these tables.

An event is put there in the transaction of its write, without a number. Numbers are given after the commit, one
after the other for each Subscription whose row is held meanwhile, so they have no gaps and nothing that commits
late is passed over. Who delivers holds a lease, which ends by itself where the holder is gone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from fhirhub.store.database import Database, Reader, Transaction
from fhirhub.store.sql import Binder, Kind, Row, Statement

NEVER = 1 << 62
LEASE_US = 15_000_000
"""How long nobody else delivers after the holder last said that it does."""
KEEP_SECONDS = 5.0
"""How often the holder says so."""


class Writer(Reader, Protocol):
    """A database, or a transaction under way."""

    async def execute(self, statement: Statement) -> int: ...


class State(NamedTuple):
    """The row of a Subscription. `organization` is whose it is by rule, `receiver` whom it was made by (JSON);
    `confirmed` says that the handshake was accepted."""

    id: str
    status: str
    organization: str | None
    receiver: str | None
    confirmed: bool
    numbered: int
    delivered: int
    due: int
    tries: int
    sent: int
    fault: str | None
    lease: int
    holder: str
    created: int


class Event(NamedTuple):
    """What happened to one resource, for one Subscription. Without `type` it was erased since; `bare` says that of
    a Task the reference alone may be told (RULES R10)."""

    subscription: str
    key: str
    type: str
    id: str
    version: int
    method: str
    topic: str | None
    bare: bool
    moment: int
    number: int = 0


Value = str | int | bool | None


class Ended(NamedTuple):
    """What became of a turn with a Subscription: the lease is kept until `lease`. Something is due at `due` again; at
    once where events were numbered beyond `done`, the last one delivered. `values` are columns."""

    id: str
    lease: int
    due: int
    done: int | None
    values: Mapping[str, Value]


_STATE = ", ".join(f"s.{name}" for name in State._fields)
_EVENT = ", ".join(f"e.{name}" for name in Event._fields)


def _state(row: Row) -> State:
    values = list(row)
    values[4] = bool(values[4])
    return State(*values)


def _event(row: Row) -> Event:
    values = list(row)
    values[7] = bool(values[7])
    return Event(*values)


# --- Subscriptions ---


async def find(reader: Reader, tenant: int, id: str) -> State | None:
    rows = await reader.fetch(
        Statement(
            f"SELECT {_STATE} FROM subscription s WHERE s.tenant = $1 AND s.id = $2",
            (tenant, id),
            ("int", "text"),
        )
    )
    return _state(rows[0]) if rows else None


async def find_many(reader: Reader, tenant: int, ids: Sequence[str]) -> dict[str, State]:
    """Those that there are, by id."""
    binder = Binder()
    binder.bind(tenant, "int")
    among = reader.dialect.any_of("s.id", binder.bind(list(ids), "text[]"))
    rows = await reader.fetch(
        binder.statement(f"SELECT {_STATE} FROM subscription s WHERE s.tenant = $1 AND {among}")
    )
    return {str(row[0]): _state(row) for row in rows}


async def of_organizations(reader: Reader, tenant: int, organizations: Sequence[str]) -> dict[str, State]:
    """The Subscriptions that these organisations have by rule, by organisation."""
    binder = Binder()
    binder.bind(tenant, "int")
    among = reader.dialect.any_of("s.organization", binder.bind(list(organizations), "text[]"))
    rows = await reader.fetch(
        binder.statement(f"SELECT {_STATE} FROM subscription s WHERE s.tenant = $1 AND {among}")
    )
    return {str(state.organization): state for state in map(_state, rows)}


async def listening(reader: Reader, tenant: int) -> list[tuple[str, str | None, bytes]]:
    """Those that clients made and that are not off: id, receiver, content."""
    rows = await reader.fetch(
        Statement(
            "SELECT s.id, s.receiver, r.body FROM subscription s JOIN resource r ON r.tenant = $1 "
            "AND r.type = 'Subscription' AND r.id = s.id WHERE s.tenant = $1 AND s.status <> 'off' "
            "AND s.organization IS NULL AND NOT r.deleted ORDER BY s.created, s.id",
            (tenant,),
            ("int",),
        )
    )
    return [(row[0], row[1], row[2]) for row in rows]


async def add(writer: Writer, tenant: int, state: State) -> None:
    """Puts the row there; one that is there already starts again and keeps its numbers."""
    await writer.execute(
        Statement(
            f"INSERT INTO subscription (tenant, {', '.join(State._fields)}) "
            "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) "
            "ON CONFLICT (tenant, id) DO UPDATE SET status = $3, receiver = $5, confirmed = $6, due = $9, "
            "tries = 0, fault = NULL",
            (tenant, *state),
            ("int", "text", "text", "text", "text", "bool", "bigint", "bigint", "bigint", "int", "bigint", "text",
             "bigint", "text", "bigint"),
        )
    )  # fmt: skip


def new(
    id: str, status: str, now: int, *, organization: str | None = None, receiver: str | None = None
) -> State:
    """A Subscription that begins at this moment."""
    due = NEVER if status == "off" else 0
    return State(id, status, organization, receiver, False, 0, 0, due, 0, 0, None, 0, "", now)


async def change(writer: Writer, tenant: int, id: str, **values: Value) -> int:
    """Sets these columns; how many rows there were."""
    binder = Binder()
    binder.bind(tenant, "int")
    binder.bind(id)
    sets = [f"{name} = {binder.bind(value, _kind(name))}" for name, value in values.items()]
    return await writer.execute(
        binder.statement(f"UPDATE subscription SET {', '.join(sets)} WHERE tenant = $1 AND id = $2")
    )


_KINDS: dict[str, Kind] = {
    "status": "text", "organization": "text", "receiver": "text", "fault": "text", "holder": "text",
    "confirmed": "bool", "tries": "int",
}  # fmt: skip


def _kind(column: str) -> Kind:
    return _KINDS.get(column, "bigint")


async def remove(writer: Writer, tenant: int, id: str) -> None:
    """The Subscription is gone, and with it its events."""
    for table, column in (("subscription_event", "subscription"), ("subscription", "id")):
        sql = f"DELETE FROM {table} WHERE tenant = $1 AND {column} = $2"
        await writer.execute(Statement(sql, (tenant, id), ("int", "text")))


async def move_mark(writer: Writer, tenant: int) -> None:
    """Tells every process that somebody listens to something else now."""
    await writer.execute(
        Statement(
            "INSERT INTO subscription_mark AS m (tenant, generation) VALUES ($1, 1) "
            "ON CONFLICT (tenant) DO UPDATE SET generation = m.generation + 1",
            (tenant,),
            ("int",),
        )
    )


async def mark(reader: Reader, tenant: int) -> int:
    rows = await reader.fetch(
        Statement("SELECT m.generation FROM subscription_mark m WHERE m.tenant = $1", (tenant,), ("int",))
    )
    return int(rows[0][0]) if rows else 0


# --- events ---


async def put(writer: Writer, tenant: int, events: Iterable[Event]) -> None:
    """Events of a write, as part of its transaction. Of two of one resource in one transaction there is one, which
    began as the first and ends as the last."""
    rows = list(events)
    for start in range(0, len(rows), 50):
        binder = Binder()
        binder.bind(tenant, "int")
        values = []
        for one in rows[start : start + 50]:
            places = [
                binder.bind(one.subscription),
                binder.bind(one.key),
                "NULL",
                binder.bind(one.type),
                binder.bind(one.id),
                binder.bind(one.version, "int"),
                binder.bind(one.method),
                binder.bind(one.topic),
                binder.bind(one.bare, "bool"),
                binder.bind(one.moment, "bigint"),
            ]
            values.append(f"($1, {', '.join(places)})")
        await writer.execute(
            binder.statement(
                "INSERT INTO subscription_event AS e (tenant, subscription, key, number, type, id, version, method, "
                f"topic, bare, moment) VALUES {', '.join(values)} ON CONFLICT (tenant, subscription, key) DO UPDATE "
                "SET version = excluded.version, moment = excluded.moment, method = CASE WHEN e.method = 'POST' AND "
                "excluded.method <> 'DELETE' THEN e.method ELSE excluded.method END"
            )
        )


async def with_work(reader: Reader, tenant: int, holder: str, now: int) -> tuple[list[str], list[str]]:
    """The Subscriptions with events that have no number, and those for which something is due and nobody else
    delivers."""
    unnumbered = await reader.fetch(
        Statement(
            "SELECT DISTINCT e.subscription FROM subscription_event e WHERE e.tenant = $1 AND e.number IS NULL",
            (tenant,),
            ("int",),
        )
    )
    due = await reader.fetch(
        Statement(
            "SELECT s.id FROM subscription s WHERE s.tenant = $1 AND s.due <= $2 AND (s.holder = $3 OR s.lease < $2) "
            "ORDER BY s.due, s.id",
            (tenant, now, holder),
            ("int", "bigint", "text"),
        )
    )
    return [str(row[0]) for row in unnumbered], [str(row[0]) for row in due]


async def lacks_numbers(reader: Reader, tenant: int, id: str) -> bool:
    """Whether events of this Subscription have no number yet."""
    return bool(
        await reader.fetch(
            Statement(
                "SELECT 1 FROM subscription_event e WHERE e.tenant = $1 AND e.subscription = $2 "
                "AND e.number IS NULL LIMIT 1",
                (tenant, id),
                ("int", "text"),
            )
        )
    )


@dataclass(slots=True)
class Work:
    """What a round does: `ended` is kept, `unnumbered` are Subscriptions whose events get numbers, `free` those that
    may be taken."""

    ended: list[Ended]
    unnumbered: list[str]
    free: list[str]


async def go_round(
    database: Database, tenant: int, work: Work, holder: str, now: int, most: int
) -> tuple[list[State], bool]:
    """Keeps what ended, gives events without a number theirs, and takes the leases of at most so many Subscriptions
    for which something is due then: these, as they stand. And whether numbers were given that another process is to
    deliver."""

    async def go(unit: Transaction) -> tuple[list[State], bool]:
        named = {*(one.id for one in work.ended), *work.unnumbered, *work.free}
        held = await _lock(unit, tenant, sorted(named))
        for ended in work.ended:
            await settle(unit, tenant, holder, ended)
        if work.unnumbered:
            await _number(unit, tenant, work.unnumbered, frozenset(held))
        taken = await _take(unit, tenant, sorted(set(work.free)), holder, now, most)
        others = {id for id, (by, lease) in held.items() if by != holder and lease >= now}
        return taken, not others.isdisjoint(work.unnumbered)

    return await database.transaction(go)


async def number(database: Database, tenant: int, ids: Sequence[str]) -> None:
    """Gives the events of these Subscriptions their numbers."""

    async def go(unit: Transaction) -> None:
        await _number(unit, tenant, ids, frozenset(await _lock(unit, tenant, sorted(ids))))

    await database.transaction(go)


async def _lock(unit: Transaction, tenant: int, ids: list[str]) -> dict[str, tuple[str, int]]:
    """Holds these rows, in the order in which everybody does; those that there are, with who has the lease until
    when."""
    binder = Binder()
    binder.bind(tenant, "int")
    among = unit.dialect.any_of("s.id", binder.bind(ids, "text[]"))
    lock = " FOR UPDATE" if unit.dialect.name == "postgresql" else ""
    rows = await unit.fetch(
        binder.statement(
            f"SELECT s.id, s.holder, s.lease FROM subscription s WHERE s.tenant = $1 AND {among} "
            f"ORDER BY s.id{lock}"
        )
    )
    return {str(row[0]): (str(row[1]), int(row[2])) for row in rows}


async def _number(unit: Transaction, tenant: int, ids: Sequence[str], held: frozenset[str]) -> None:
    """Gives the events of these Subscriptions their numbers, in the order in which they happened; they are due for
    delivery then, unless a failed one waits for its time. The rows of those that there are are held."""
    if lost := sorted(set(ids) - held):
        await _drop_orphans(unit, tenant, lost)
    binder = Binder()
    binder.bind(tenant, "int")
    listed = binder.bind(sorted(ids), "text[]")
    await unit.execute(
        binder.statement(
            "UPDATE subscription_event SET number = o.number FROM (SELECT e.subscription, e.key, s.numbered + "
            "row_number() OVER (PARTITION BY e.subscription ORDER BY e.moment, e.key) AS number "
            "FROM subscription_event e JOIN subscription s ON s.tenant = $1 AND s.id = e.subscription "
            f"WHERE e.tenant = $1 AND e.number IS NULL AND {unit.dialect.any_of('e.subscription', listed)}) AS o "
            "WHERE subscription_event.tenant = $1 "
            "AND subscription_event.subscription = o.subscription AND subscription_event.key = o.key"
        )
    )
    await unit.execute(
        binder.statement(
            "UPDATE subscription SET numbered = COALESCE((SELECT MAX(e.number) FROM subscription_event e "
            "WHERE e.tenant = $1 AND e.subscription = subscription.id), numbered), "
            "due = CASE WHEN tries = 0 AND status <> 'off' THEN 0 ELSE due END "
            f"WHERE subscription.tenant = $1 AND {unit.dialect.any_of('subscription.id', listed)}"
        )
    )


async def _take(
    unit: Transaction, tenant: int, ids: list[str], holder: str, now: int, most: int
) -> list[State]:
    binder = Binder()
    binder.bind(tenant, "int")
    among = unit.dialect.any_of("s.id", binder.bind(ids, "text[]"))
    moment, mine = binder.bind(now, "bigint"), binder.bind(holder)
    lease, limit = binder.bind(now + LEASE_US, "bigint"), binder.bind(most, "int")
    rows = await unit.fetch(
        binder.statement(
            f"UPDATE subscription AS s SET holder = {mine}, lease = {lease} WHERE s.tenant = $1 AND s.id IN "
            f"(SELECT s.id FROM subscription s WHERE s.tenant = $1 AND {among} AND s.due <= {moment} "
            f"AND (s.holder = {mine} OR s.lease < {moment}) ORDER BY s.due, s.id LIMIT {limit}) "
            f"RETURNING {', '.join(State._fields)}"
        )
    )
    return [_state(row) for row in rows]


async def _drop_orphans(unit: Transaction, tenant: int, ids: Sequence[str]) -> None:
    """Events for a Subscription that went while they were written."""
    binder = Binder()
    binder.bind(tenant, "int")
    among = unit.dialect.any_of("subscription", binder.bind(list(ids), "text[]"))
    await unit.execute(binder.statement(f"DELETE FROM subscription_event WHERE tenant = $1 AND {among}"))


async def claim(writer: Writer, tenant: int, id: str, holder: str, now: int) -> bool:
    """Takes the lease, or goes on holding it; whether that could be."""
    return bool(
        await writer.execute(
            Statement(
                "UPDATE subscription SET holder = $3, lease = $4 WHERE tenant = $1 AND id = $2 "
                "AND (holder = $3 OR lease < $5)",
                (tenant, id, holder, now + LEASE_US, now),
                ("int", "text", "text", "bigint", "bigint"),
            )
        )
    )


async def release(writer: Writer, tenant: int, holder: str) -> None:
    """Gives back all that this process holds."""
    await writer.execute(
        Statement(
            "UPDATE subscription SET lease = 0, holder = '' WHERE tenant = $1 AND holder = $2",
            (tenant, holder),
            ("int", "text"),
        )
    )


async def settle(writer: Writer, tenant: int, holder: str, ended: Ended) -> bool:
    """Keeps what became of a turn; False where the Subscription is another's by now."""
    binder = Binder()
    binder.bind(tenant, "int")
    binder.bind(ended.id)
    values = dict(ended.values)
    mine, then = binder.bind(holder), binder.bind(ended.due, "bigint")
    sets = [f"lease = {binder.bind(ended.lease, 'bigint')}"]
    if ended.done is None:
        sets.append(f"due = {then}")
    else:
        last = binder.bind(ended.done, "bigint")
        sets.append(f"due = CASE WHEN numbered > {last} THEN 0 ELSE CAST({then} AS BIGINT) END")
        values["delivered"] = ended.done
    sets += [f"{name} = {binder.bind(value, _kind(name))}" for name, value in values.items()]
    return bool(
        await writer.execute(
            binder.statement(
                f"UPDATE subscription SET {', '.join(sets)} WHERE tenant = $1 AND id = $2 AND holder = {mine}"
            )
        )
    )


async def after(reader: Reader, tenant: int, id: str, number: int, until: int, limit: int) -> list[Event]:
    """The numbered events after `number`, up to and with `until`, at most `limit`."""
    rows = await reader.fetch(
        Statement(
            f"SELECT {_EVENT} FROM subscription_event e WHERE e.tenant = $1 AND e.subscription = $2 "
            "AND e.number > $3 AND e.number <= $4 ORDER BY e.number LIMIT $5",
            (tenant, id, number, until, limit),
            ("int", "text", "bigint", "bigint", "bigint"),
        )
    )
    return [_event(row) for row in rows]


async def forget(writer: Writer, tenant: int, before: int) -> None:
    """Drops events from before this moment that were delivered, or that nobody is sent."""
    await writer.execute(
        Statement(
            "DELETE FROM subscription_event WHERE tenant = $1 AND moment < $2 AND number IS NOT NULL AND EXISTS "
            "(SELECT 1 FROM subscription s WHERE s.tenant = $1 AND s.id = subscription_event.subscription "
            "AND subscription_event.number <= s.delivered AND subscription_event.number < s.numbered)",
            (tenant, before),
            ("int", "bigint"),
        )
    )


async def waiting(reader: Reader, tenant: int) -> list[tuple[str, int]]:
    """By status, how many events wait to be delivered."""
    rows = await reader.fetch(
        Statement(
            "SELECT s.status, SUM(s.numbered - s.delivered) FROM subscription s WHERE s.tenant = $1 "
            "GROUP BY s.status",
            (tenant,),
            ("int",),
        )
    )
    return [(str(row[0]), int(row[1] or 0)) for row in rows]

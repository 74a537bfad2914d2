"""A tenant's own profiles, value sets, code systems and questionnaires as its validator sees them, kept up with
what every process writes (https://hl7.org/fhir/R4/conformance-module.html).

They are resources like any other. Each write of one moves the tenant's mark within its transaction; who sees
that the mark moved reads what changed. Those of R4 itself stand behind and are never stored.
"""

from __future__ import annotations

import asyncio
import functools
import hashlib
import time
from typing import Any, Protocol
from weakref import WeakSet, WeakValueDictionary

from fhirhub.resources import canonicals, document
from fhirhub.resources.canonicals import OFFICIAL, Packed, PackedCanonicals
from fhirhub.resources.validation.validator import Validator
from fhirhub.sharing import Shared
from fhirhub.store.database import Database, Transaction
from fhirhub.store.sql import Binder, Statement

TYPES = (
    *("StructureDefinition", "ValueSet", "CodeSystem", "Questionnaire", "ConceptMap"),
    "ImplementationGuide",
)

LOOK_SECONDS = 0.1
"""How old the definitions may be where little hangs on them."""

READ_AT_ONCE = 100


class Conformance:
    """What one tenant defines, in this process."""

    def __init__(self, database: Database, tenant: int) -> None:
        self._database = database
        self._tenant = tenant
        self._generation = -1
        self._looked = 0.0
        self._held: dict[int, tuple[int, Packed | None]] = {}
        """By row key: the version and what it is."""
        self._validator = official()
        self._taking = asyncio.Lock()
        self._looking = Shared(self.refresh)

    @property
    def is_used(self) -> bool:
        """Whether anybody asked."""
        return self._generation >= 0

    async def validator(self, seconds: float = 0.0) -> Validator:
        """What validates with all that was committed before this call, or up to `seconds` before it."""
        if time.monotonic() - self._looked > seconds:
            await self._looking.begun_within(seconds)
        return self._validator

    async def refresh(self) -> None:
        """Take what changed."""
        looked = time.monotonic()
        rows = await self._database.fetch(
            Statement(
                "SELECT m.generation FROM conformance_mark m WHERE m.tenant = $1", (self._tenant,), ("int",)
            )
        )
        generation = int(rows[0][0]) if rows else 0
        if generation != self._generation:
            async with self._taking:
                if generation != self._generation:
                    await self._take()
                    self._generation = generation
        self._looked = max(self._looked, looked)

    async def _take(self) -> None:
        """Read what was written since the last time, and forget what is gone."""
        there: dict[int, int] = {}
        for type in TYPES:
            rows = await self._database.fetch(
                Statement(
                    "SELECT r.rid, r.version FROM resource r WHERE r.tenant = $1 AND r.type = $2 "
                    "AND NOT r.deleted",
                    (self._tenant, type),
                    ("int", "text"),
                )
            )
            there.update((int(rid), int(version)) for rid, version in rows)
        held = {rid: each for rid, each in self._held.items() if there.get(rid) == each[0]}
        wanted = [rid for rid in there if rid not in held]
        if len(held) == len(self._held) and not wanted:
            return
        for start in range(0, len(wanted), READ_AT_ONCE):
            held.update(await self._read(wanted[start : start + READ_AT_ONCE]))
            await asyncio.sleep(0)
        self._held = held
        self._validator = validator_of([packed for _, packed in held.values() if packed is not None])

    async def _read(self, rids: list[int]) -> dict[int, tuple[int, Packed | None]]:
        binder = Binder()
        binder.bind(self._tenant, "int")
        among = self._database.dialect.any_of("r.rid", binder.bind(rids, "bigint[]"))
        rows = await self._database.fetch(
            binder.statement(
                "SELECT r.rid, r.version, r.body FROM resource r WHERE r.tenant = $1 "
                f"AND NOT r.deleted AND {among}"
            )
        )
        return {int(row[0]): (int(row[1]), _packed(row[2])) for row in rows}


def _packed(body: bytes) -> Packed | None:
    """What a stored definition defines, without what is of its storing or for people alone: two tenants that have
    the same package hold the same."""
    resource = document.decode(body)
    for name in ("id", "meta", "text"):
        resource.pop(name, None)
    return canonicals.pack(document.encode(resource))


@functools.cache
def official() -> Validator:
    """The validator of those who define nothing of their own."""
    return Validator(OFFICIAL)


_validators: WeakValueDictionary[bytes, Validator] = WeakValueDictionary()


def validator_of(given: list[Packed]) -> Validator:
    """A validator with these definitions in front of R4's own; tenants that define the same share it, and so
    what it made ready."""
    if not given:
        return official()
    mark = hashlib.sha256()
    for packed in sorted(given):
        mark.update(f"{packed.type} {packed.url} {len(packed.content)} ".encode() + packed.content)
    found = _validators.get(mark.digest())
    if found is None:
        found = _validators[mark.digest()] = Validator(PackedCanonicals(given, OFFICIAL))
    return found


class _Unit(Protocol):
    @property
    def transaction(self) -> Transaction: ...

    @property
    def tenant(self) -> Any: ...


class MoveMark:
    """The rule that runs with the writes of such resources: once in each transaction."""

    types = frozenset(TYPES)

    def __init__(self) -> None:
        self._moved: WeakSet[Transaction] = WeakSet()

    async def __call__(self, unit: _Unit, effect: object) -> None:
        if unit.transaction in self._moved:
            return
        self._moved.add(unit.transaction)
        await unit.transaction.execute(
            Statement(
                "INSERT INTO conformance_mark AS m (tenant, generation) VALUES ($1, 1) "
                "ON CONFLICT (tenant) DO UPDATE SET generation = m.generation + 1",
                (unit.tenant.number,),
                ("int",),
            )
        )

    async def committed(self) -> None:
        """Nothing to wait for: who validates looks at the mark."""

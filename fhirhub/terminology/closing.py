"""Closure tables: how the codes that a client uses stand to each other, told in steps as they come
(https://hl7.org/fhir/R4/terminology-service.html#closure)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from fhirhub import errors
from fhirhub.store.database import Reader, Transaction
from fhirhub.store.sql import Kind, Statement
from fhirhub.terminology.expressions import Over, Under
from fhirhub.terminology.library import Library
from fhirhub.terminology.membership import Coding
from fhirhub.terminology.systems import CodeSystem

Json = dict[str, Any]

MOST_AT_ONCE = 200
"""How many concepts may come in one call."""
MOST_CONCEPTS = 20_000
MOST_TABLES = 100
"""How many tables one owner may have."""


class Name(NamedTuple):
    """Which table: that of an app, or of a person with an app, by the name that it gave."""

    tenant: int
    owner: str
    name: str


_NAME: tuple[Kind, ...] = ("int", "text", "text")
_WHERE = "tenant = $1 AND owner = $2 AND name = $3"


class Closure(NamedTuple):
    """A table as it stands: the number of the last step, and when it was begun (microseconds since 1970 UTC)."""

    version: int
    started: int


class Step(NamedTuple):
    """What one call added of one code system: its codes, each with the code of the concept, which differs where
    the system takes several spellings; and the entries told: source, target, equivalence."""

    system: str
    edition: str
    codes: dict[str, str]
    entries: list[tuple[str, str, str]]


async def begin(transaction: Transaction, name: Name, now: int) -> None:
    """Make the table, or make it empty. Raises `too-costly` where there are too many."""
    rows = await transaction.fetch(
        Statement("SELECT name FROM closure WHERE tenant = $1 AND owner = $2", name[:2], _NAME[:2])
    )
    if len(rows) >= MOST_TABLES and name.name not in {str(row[0]) for row in rows}:
        raise errors.too_costly(
            f"There are {MOST_TABLES} closure tables of yours; initialise one of these anew"
        )
    await transaction.execute(Statement(f"DELETE FROM closure_step WHERE {_WHERE}", name, _NAME))
    await transaction.execute(
        Statement(
            "INSERT INTO closure (tenant, owner, name, version, started) VALUES ($1, $2, $3, 0, $4) "
            "ON CONFLICT (tenant, owner, name) DO UPDATE SET version = 0, started = excluded.started",
            (*name, now),
            (*_NAME, "bigint"),
        )
    )


async def read(reader: Reader, name: Name, after: int = 0) -> tuple[Closure, list[Step]]:
    """The table and its steps after that version. Raises `not-found` where it was not initialised."""
    rows = await reader.fetch(Statement(f"SELECT version, started FROM closure WHERE {_WHERE}", name, _NAME))
    if not rows:
        raise errors.error(
            404,
            "not-found",
            f"There is no closure table `{name.name}`; call $closure with the name alone first",
        )
    found = await reader.fetch(
        Statement(
            f"SELECT system, edition, content FROM closure_step WHERE {_WHERE} AND version > $4 "
            "ORDER BY version, system",
            (*name, after),
            (*_NAME, "bigint"),
        )
    )
    return Closure(int(rows[0][0]), int(rows[0][1])), [_step(*row) for row in found]


def _step(system: str, edition: str, content: str) -> Step:
    codes, entries = json.loads(content)
    return Step(system, edition, codes, [tuple(each) for each in entries])


async def add(transaction: Transaction, name: Name, closure: Closure, steps: Sequence[Step]) -> bool:
    """Add what was made for the table as it stood; False, with nothing written, where it moved since."""
    moved = await transaction.execute(
        Statement(
            f"UPDATE closure SET version = version + 1 WHERE {_WHERE} AND version = $4 AND started = $5",
            (*name, *closure),
            (*_NAME, "bigint", "bigint"),
        )
    )
    if not moved:
        return False
    for step in steps:
        content = json.dumps([step.codes, step.entries], separators=(",", ":"))
        await transaction.execute(
            Statement(
                "INSERT INTO closure_step (tenant, owner, name, version, system, edition, content) "
                "VALUES ($1, $2, $3, $4, $5, $6, $7)",
                (*name, closure.version + 1, step.system, step.edition, content),
                (*_NAME, "bigint", "text", "text", "text"),
            )
        )
    return True


# -- What is told -----------------------------------------------------------------------------------


async def grown(library: Library, name: str, known: Sequence[Step], concepts: Iterable[Coding]) -> list[Step]:
    """What these concepts add, a step for each code system; nothing for those that are there already.

    Raises `not-found` (422) for an unknown code system or code, `too-costly` for too many, and `business-rule`
    where a code system is not the one any more that the table was made with.
    """
    wanted: dict[str, dict[str, Coding]] = {}
    for concept in concepts:
        if not concept.system:
            raise errors.required(f"The concept `{concept.code[:100]}` needs its `system`")
        wanted.setdefault(concept.system, {}).setdefault(concept.code, concept)
    if sum(map(len, wanted.values())) > MOST_AT_ONCE:
        raise errors.too_costly(
            f"At most {MOST_AT_ONCE} concepts come at once; give the rest in further calls"
        )
    if sum(map(len, wanted.values())) + sum(len(step.codes) for step in known) > MOST_CONCEPTS:
        raise errors.too_costly(f"A closure table has {MOST_CONCEPTS} concepts at most")
    steps = []
    for url, given in wanted.items():
        versions = {each.version for each in given.values()}
        if len(versions) > 1:
            raise errors.business_rule(
                f"A closure table has one version of a code system; several of {url} came"
            )
        held: dict[str, str] = {}
        editions = set()
        for step in known:
            if step.system == url:
                held |= step.codes
                editions.add(step.edition)
        (version,) = versions
        system = await library.system(url, version)
        if system is None:
            raise await library.unknown_system(url, version, 422)
        if editions and editions != {system.version or ""}:
            raise errors.business_rule(
                f"The closure table `{name}` must be initialised anew: it was made with {url} in version "
                f"{' and '.join(sorted(editions)) or '(none)'}, which now is {system.version or '(none)'}"
            )
        new = [code for code in given if code not in held]
        if new:
            steps.append(await _step_of(system, url, held, new))
    return steps


async def _step_of(system: CodeSystem, url: str, held: dict[str, str], new: list[str]) -> Step:
    """How new codes stand to those that are there and to each other."""
    found = await system.get(new)
    missing = [code for code in new if code not in found]
    if missing:
        raise errors.error(422, "not-found", f"The code system {url} has no code `{missing[0][:100]}`")
    added = {code: found[code].code for code in new}
    spelt: dict[str, list[str]] = {}
    for code, concept in (held | added).items():
        spelt.setdefault(concept, []).append(code)
    before = list(dict.fromkeys(held.values()))
    entries: dict[tuple[str, str, str], None] = {}
    for code, concept in added.items():
        same = spelt[concept]
        entries |= dict.fromkeys((code, other, "equal") for other in same[: same.index(code)])
        for below in sorted(await system.meeting(Under(concept, itself=False), list(spelt))):
            entries |= dict.fromkeys((each, code, "subsumes") for each in spelt[below])
        if before:
            for above in sorted(await system.meeting(Over(concept, itself=False), before)):
                # Codes that are new too come to this concept when they look below.
                entries |= dict.fromkeys((code, each, "subsumes") for each in spelt[above] if each in held)
    return Step(url, system.version or "", added, list(entries))


def groups(steps: Iterable[Step]) -> list[Json]:
    """The entries as a ConceptMap has them: read from source to target, `subsumes` says that the target does."""
    found: dict[tuple[str, str], dict[str, list[Json]]] = {}
    for step in steps:
        elements = found.setdefault((step.system, step.edition), {})
        for source, target, equivalence in step.entries:
            elements.setdefault(source, []).append({"code": target, "equivalence": equivalence})
    return [
        {
            "source": system,
            **({"sourceVersion": edition} if edition else {}),
            "target": system,
            **({"targetVersion": edition} if edition else {}),
            "element": [{"code": source, "target": targets} for source, targets in elements.items()],
        }
        for (system, edition), elements in found.items()
        if elements
    ]

"""The packages of a tenant: what they define stands in the store as resources like any other, until they are
removed (https://confluence.hl7.org/display/FHIR/NPM+Package+Specification)."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from fhirhub import searchparameters
from fhirhub.errors import FhirError
from fhirhub.repository import Repository, now
from fhirhub.resources import canonicals
from fhirhub.resources.canonicals import Packed
from fhirhub.resources.packages import Package
from fhirhub.resources.validation import structure
from fhirhub.store import request as requests
from fhirhub.store.database import Database
from fhirhub.store.sql import Binder, Statement

Json = dict[str, Any]
Canonical = tuple[str, str, str]
"""Type, URL and version."""

AT_ONCE = 100
"""Resources written or deleted in one transaction."""

_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")


@dataclass
class Added:
    """What became of a package: `left` tells by canonical what was not taken, with the reason; `kept` counts
    what somebody else had put there before, which stays theirs."""

    name: str
    version: str
    taken: int = 0
    kept: int = 0
    left: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Listed:
    """A package as it is there. One that is not whole was broken off: add or remove it again."""

    name: str
    version: str
    resources: int
    whole: bool
    added: int
    dependencies: dict[str, str]


# -- Adding -----------------------------------------------------------------------------------------


async def add(
    repository: Repository, package: Package, advance: Callable[[int], None] = lambda count: None
) -> Added:
    """Take what a package defines; again, where it was added before. Other versions of it stay.

    Whoever writes meanwhile is not hindered: it goes in by groups, and the package is whole after the last.
    """
    added = Added(package.name, package.version, left=dict(package.skipped))
    await _mark(repository, package, whole=False)
    by_type: dict[str, list[Packed]] = {}
    for packed in package.definitions:
        by_type.setdefault(packed.type, []).append(packed)
    # Others lean on code systems and value sets: those come first.
    for type in sorted(by_type, key=_rank):
        for start in range(0, len(by_type[type]), AT_ONCE):
            group = by_type[type][start : start + AT_ONCE]
            await _add_group(repository, added, type, group)
            advance(len(group))
    await _mark(repository, package, whole=True)
    return added


def _rank(type: str) -> int:
    order = ("CodeSystem", "ValueSet", "ConceptMap", "StructureDefinition", "Questionnaire")
    return order.index(type) if type in order else len(order)


async def _mark(repository: Repository, package: Package, *, whole: bool) -> None:
    await repository.tenant.database.execute(
        Statement(
            "INSERT INTO package (tenant, name, version, added, whole, dependencies) "
            "VALUES ($1, $2, $3, $4, $5, $6) "
            "ON CONFLICT (tenant, name, version) DO UPDATE SET added = excluded.added, whole = excluded.whole",
            (
                repository.tenant.number, package.name, package.version, now(), whole,
                json.dumps(dict(package.missing)),
            ),
            ("int", "text", "text", "bigint", "bool", "text"),
        )
    )  # fmt: skip


async def _add_group(repository: Repository, added: Added, type: str, group: Sequence[Packed]) -> None:
    resources: list[tuple[Packed, Json]] = []
    for packed in group:
        resource = packed.resource
        fault = _fault(resource)
        if fault is not None:
            added.left[_shown(packed)] = fault
        else:
            resources.append((packed, resource))
    there = await _there(repository, type, resources)
    ours = await _of_packages(repository, type, list(there.values()))
    wanted = [
        (packed, resource)
        for packed, resource in resources
        if (id := there.get((type, packed.url, packed.version))) is None or id in ours
    ]
    added.kept += len(resources) - len(wanted)
    if wanted:
        await repository.together(lambda unit: _write(unit, added, wanted, there), keys=len(wanted))
        added.taken += len(wanted)


async def _write(
    unit: Repository, added: Added, wanted: Sequence[tuple[Packed, Json]], there: dict[Canonical, str]
) -> None:
    await unit.foresee((packed.type, _own_id(packed, resource)) for packed, resource in wanted)
    taken: set[str] = set()
    for packed, resource in wanted:
        id = there.get((packed.type, packed.url, packed.version))
        if id is None:
            id = _own_id(packed, resource)
            current = await unit.find(packed.type, id)
            if id in taken or (current is not None and not current.deleted):
                id = _other_id(packed, id)
        taken.add(id)
        await unit.update({**resource, "id": id})
    binder = Binder()
    tenant = binder.bind(unit.tenant.number, "int")
    name, version = binder.bind(added.name), binder.bind(added.version)
    type = binder.bind(wanted[0][0].type)
    rows = ", ".join(f"({tenant}, {name}, {version}, {type}, {binder.bind(id)})" for id in sorted(taken))
    await unit.transaction.execute(
        binder.statement(
            f"INSERT INTO package_resource (tenant, name, version, type, id) VALUES {rows} "
            "ON CONFLICT DO NOTHING"
        )
    )


def _own_id(packed: Packed, resource: Json) -> str:
    own = resource.get("id")
    return own if isinstance(own, str) and _ID.fullmatch(own) else _other_id(packed, packed.type)


def _other_id(packed: Packed, id: str) -> str:
    """Another id for what has one that is taken: always the same for the same canonical."""
    mark = hashlib.sha256(f"{packed.url}|{packed.version}".encode()).hexdigest()[:12]
    return f"{id[:51]}-{mark}"


def _shown(packed: Packed) -> str:
    return f"{packed.url}|{packed.version}" if packed.version else packed.url


def _fault(resource: Json) -> str | None:
    """Why a resource of a package is not taken; None where it is."""
    for issue in structure.validate(resource):
        if issue.severity in ("error", "fatal"):
            return f"{issue.expression}: {issue.text}" if issue.expression else issue.text
    if resource["resourceType"] == "SearchParameter":
        if not searchparameters.is_own(resource):
            return "R4 itself has it"
        try:
            searchparameters.check(resource)
        except FhirError as fault:
            return str(fault)
    return None


async def _there(
    repository: Repository, type: str, resources: Sequence[tuple[Packed, Json]]
) -> dict[Canonical, str]:
    """The ids of what is in the store with one of these canonicals."""
    if not resources:
        return {}
    urls = ",".join(
        re.sub(r"([\\,$|])", r"\\\1", url) for url in dict.fromkeys(packed.url for packed, _ in resources)
    )
    asked = requests.parse(type, [("url", urls)], repository.parameters)
    found: dict[Canonical, str] = {}
    for stored in await repository.all_matches(asked):
        packed = canonicals.pack(stored.body or b"")
        if packed is not None:
            found[type, packed.url, packed.version] = stored.id
    return found


async def _of_packages(repository: Repository, type: str, ids: Sequence[str]) -> set[str]:
    """Those of the resources that are there because of a package."""
    if not ids:
        return set()
    binder = Binder()
    binder.bind(repository.tenant.number, "int")
    where = f"p.type = {binder.bind(type)}"
    among = repository.tenant.database.dialect.any_of("p.id", binder.bind(list(ids), "text[]"))
    rows = await repository.tenant.database.fetch(
        binder.statement(
            f"SELECT DISTINCT p.id FROM package_resource p WHERE p.tenant = $1 AND {where} AND {among}"
        )
    )
    return {str(row[0]) for row in rows}


# -- Listing and removing ---------------------------------------------------------------------------


async def listed(database: Database, tenant: int) -> list[Listed]:
    """The packages of a tenant, by name and version."""
    counted = await database.fetch(
        Statement(
            "SELECT p.name, p.version, COUNT(*) FROM package_resource p WHERE p.tenant = $1 "
            "GROUP BY p.name, p.version",
            (tenant,),
            ("int",),
        )
    )
    counts = {(str(row[0]), str(row[1])): int(row[2]) for row in counted}
    rows = await database.fetch(
        Statement(
            "SELECT p.name, p.version, p.whole, p.added, p.dependencies FROM package p WHERE p.tenant = $1",
            (tenant,),
            ("int",),
        )
    )
    found = [
        Listed(name, version, counts.get((name, version), 0), bool(whole), int(moment), json.loads(needs))
        for name, version, whole, moment, needs in rows
    ]
    return sorted(found, key=lambda each: (each.name, canonicals.version_order(each.version)))


async def remove(
    repository: Repository, package: Listed, advance: Callable[[int], None] = lambda count: None
) -> int:
    """Take out what only this package has; how many resources that was. What others have too stays."""
    tenant, key = repository.tenant, (repository.tenant.number, package.name, package.version)
    await tenant.database.execute(
        Statement(
            "UPDATE package SET whole = $4 WHERE tenant = $1 AND name = $2 AND version = $3",
            (*key, False),
            ("int", "text", "text", "bool"),
        )
    )
    removed = 0
    while group := await tenant.database.fetch(
        Statement(
            "SELECT p.type, p.id, EXISTS (SELECT 1 FROM package_resource o WHERE o.tenant = $1 "
            "AND o.type = p.type AND o.id = p.id AND (o.name <> $2 OR o.version <> $3)) "
            "FROM package_resource p WHERE p.tenant = $1 AND p.name = $2 AND p.version = $3 LIMIT $4",
            (*key, AT_ONCE),
            ("int", "text", "text", "bigint"),
        )
    ):
        rows = [(str(type), str(id), bool(shared)) for type, id, shared in group]
        removed += await repository.together(partial(_remove_group, key=key, rows=rows))
        advance(len(rows))
    await tenant.database.execute(
        Statement(
            "DELETE FROM package WHERE tenant = $1 AND name = $2 AND version = $3",
            key,
            ("int", "text", "text"),
        )
    )
    return removed


async def _remove_group(
    unit: Repository, key: tuple[int, str, str], rows: Sequence[tuple[str, str, bool]]
) -> int:
    removed = 0
    await unit.foresee((type, id) for type, id, _ in rows)
    for type, id, is_shared in rows:
        if not is_shared:
            removed += await unit.delete(type, id) is not None
        await unit.transaction.execute(
            Statement(
                "DELETE FROM package_resource WHERE tenant = $1 AND name = $2 AND version = $3 AND type = $4 "
                "AND id = $5",
                (*key, type, id),
                ("int", "text", "text", "text", "text"),
            )
        )
    return removed

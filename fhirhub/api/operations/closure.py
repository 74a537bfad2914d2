"""`$closure`: a closure table of the caller's, kept up as its codes come
(https://hl7.org/fhir/R4/conceptmap-operation-closure.html)."""

from __future__ import annotations

import functools
from datetime import UTC, datetime

from fhirhub import errors
from fhirhub.api.exchange import FhirRequest, FhirResponse, Json
from fhirhub.api.operations import codes, parameters
from fhirhub.errors import invalid, required
from fhirhub.repository import TRIES, Repository
from fhirhub.resources import document, primitives
from fhirhub.terminology import closing
from fhirhub.terminology.closing import Closure, Name, Step
from fhirhub.terminology.membership import Coding

_LONGEST = 100


async def closure(request: FhirRequest) -> FhirResponse:
    """A ConceptMap of the entries that are new: none for a table that was just initialised (`name` alone), those of
    the concepts given, or all since a version."""
    given = parameters.read(request)
    name = _name(request, given.text("name"))
    concepts = [codes.coding_of(each, "concept") for each in given.all("concept")]
    version = given.text("version")
    if concepts and version is not None:
        raise invalid(
            "`concept` adds to the closure table, `version` asks what was added since: one of the two"
        )
    if version is not None:
        last, steps = await _since(request, name, version)
        return _answer(request, name.name, "Updates for Closure Table", last, steps)
    if concepts:
        last, steps = await _added(request, name, concepts)
        return _answer(request, name.name, "Updates for Closure Table", last, steps)
    now = request.context.now()
    await request.repository.together(lambda unit: closing.begin(unit.transaction, name, now), keys=0)
    return _answer(request, name.name, "Creation of Closure Table", 0, [])


def _name(request: FhirRequest, name: str | None) -> Name:
    if name is None:
        raise required("`name` says which closure table is meant")
    if not name.strip() or len(name) > _LONGEST or not name.isprintable():
        raise invalid(f"`name` expects up to {_LONGEST} letters on one line; got `{name[:_LONGEST]}`")
    who = request.principal
    owner = "" if who is None else who.client_id if who.account is None else f"{who.client_id} {who.account}"
    return Name(request.repository.tenant.number, owner, name)


async def _since(request: FhirRequest, name: Name, version: str) -> tuple[int, list[Step]]:
    if not version.isascii() or not version.isdigit() or len(version) > 15:
        raise errors.value(
            f"`version` expects a version that $closure answered with, such as 3; got `{version[:100]}`"
        )
    found, steps = await closing.read(request.repository.tenant.database, name, int(version))
    if int(version) > found.version:
        raise errors.business_rule(
            f"The closure table `{name.name}` must be initialised anew: its last version is {found.version}, so "
            f"{version} is of one that it replaced"
        )
    return found.version, steps


async def _added(request: FhirRequest, name: Name, concepts: list[Coding]) -> tuple[int, list[Step]]:
    """The terminology is asked before the transaction begins; where another call was faster, once more."""
    tenant = request.repository.tenant
    for _ in range(TRIES):
        found, known = await closing.read(tenant.database, name)
        steps = await closing.grown(tenant.library, name.name, known, concepts)
        if not steps:
            return found.version, []
        work = functools.partial(_add, name=name, found=found, steps=steps)
        if await request.repository.together(work, keys=0):
            return found.version + 1, steps
    raise errors.conflict(f"The closure table `{name.name}` is being added to by many at once; try again.")


async def _add(unit: Repository, name: Name, found: Closure, steps: list[Step]) -> bool:
    return await closing.add(unit.transaction, name, found, steps)


def _answer(request: FhirRequest, name: str, what: str, version: int, steps: list[Step]) -> FhirResponse:
    moment = datetime.fromtimestamp(request.context.now() // 1_000_000, UTC)
    told: Json = {
        "resourceType": "ConceptMap",
        "version": str(version),
        "name": f"{what} {name}",
        "status": "active",
        "experimental": True,
        "date": moment.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    if primitives.check("id", name) is None:
        told["id"] = name
    found = closing.groups(steps)
    if found:
        told["group"] = found
    return FhirResponse(200, document.encode(told))

"""Pages of the log for a caller: lines with the names of who is in them (RULES R20, R24)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from fhirhub.access import EVERYTHING, Access
from fhirhub.audit import rendering
from fhirhub.audit.rendering import View
from fhirhub.repository import Repository
from fhirhub.resources import document
from fhirhub.store import log
from fhirhub.store.log import Line, LogRequest, Looks, Page, Term

Json = dict[str, Any]


def view_of(access: Access) -> View:
    """How much of a line this caller sees."""
    column = access.actor.column if access.actor is not None else ""
    return View(veiled=column in log.VEILED, queries=column != "officer")


async def page(repository: Repository, asked: LogRequest, *, counted: bool = False) -> Page:
    """The lines that the caller may see; whose they are is noted for the record of this look."""
    access = repository.access.to("s") if repository.limited else repository.access
    await repository.spread_log()
    found = await log.page(repository.reader, repository.tenant.number, access, asked, counted=counted)
    if repository.trail is not None:
        shown = found.lines[: asked.count]
        repository.trail.owners += {(line.record.entry.patient, None) for line in shown}
    return found


async def sample(repository: Repository, asked: LogRequest) -> list[Line]:
    """Lines of people that the caller may see, drawn at random; whose they are is noted."""
    access = repository.access.to("s") if repository.limited else repository.access
    await repository.spread_log()
    lines = await log.sample(repository.reader, repository.tenant.number, access, asked)
    if repository.trail is not None:
        repository.trail.owners += {(line.record.entry.patient, None) for line in lines}
    return lines


async def looks(repository: Repository, asked: LogRequest) -> list[Looks]:
    """What people did, counted, of what the caller may see."""
    access = repository.access.to("s") if repository.limited else repository.access
    await repository.spread_log()
    return await log.looks(repository.reader, repository.tenant.number, access, asked)


async def one(repository: Repository, id: str) -> Line | None:
    """The line of that logical id, where the caller may see it."""
    chain, number = rendering.place_of(id) or (0, 0)
    here = [Term("chain", "=", chain, "int"), Term("number", "=", number, "bigint")]
    access = repository.access.to("r") if repository.limited else repository.access
    asked = LogRequest([[here]], count=1)
    await repository.spread_log()
    found = await log.page(repository.reader, repository.tenant.number, access, asked)
    if not found.lines:
        return None
    if repository.trail is not None:
        repository.trail.owners.append((found.lines[0].record.entry.patient, None))
    return found.lines[0]


async def names(repository: Repository, lines: Iterable[Line]) -> dict[str, str]:
    """How those in these lines are called: professionals and organisations as the directory tells everybody, and
    the very patient to whom the line is shown, with their relatives."""
    wanted: dict[str, set[str]] = {}
    own = view_of(repository.access).veiled
    for line in lines:
        entry = line.record.entry
        patient = f"Patient/{entry.patient}"
        for reference in (entry.person, entry.organization, entry.responsible, patient if own else None):
            if reference is not None and (reference.startswith(_NAMED) or (own and reference == patient)):
                wanted.setdefault(reference, set()).add(patient)
    whole = Repository(repository.tenant, EVERYTHING)
    called = {}
    for reference, patients in sorted(wanted.items()):
        type, _, id = reference.partition("/")
        found = await whole.find(type, id)
        if found is None or found.body is None:
            continue
        resource = document.decode(found.body)
        relative = type == "RelatedPerson"
        if relative and not patients <= {str(resource.get("patient", {}).get("reference"))}:
            continue
        name = name_of(resource)
        if name:
            called[reference] = name
    return called


_NAMED = ("Organization/", "Practitioner/", "RelatedPerson/")


def name_of(resource: Json) -> str:
    """How a person or organisation is called; empty where nothing tells."""
    name: Any = resource.get("name")
    if isinstance(name, str):
        return name
    for one in name or ():
        whole = one.get("text") or " ".join(filter(None, [*one.get("given", ()), one.get("family")]))
        if whole:
            return str(whole)
    return ""

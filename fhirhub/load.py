"""Loading files into a tenant: resources found in them, checked, and written under their own ids.

JSON, XML and NDJSON (https://hl7.org/fhir/R4/nd-json.html), each also as `.gz`, single or in folders. Bundles
give the resources of their entries; documents and messages stay whole. An administrator's work: no rule of
the workflow runs and nothing is sent.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

from fhirhub.api import conditional_references
from fhirhub.errors import FhirError, Issue
from fhirhub.repository import Repository
from fhirhub.resources import definitions, document, references, xml
from fhirhub.resources.validation import structure
from fhirhub.store import request as requests

Json = dict[str, Any]
Key = tuple[str, str]

SUFFIXES = (".json", ".xml", ".ndjson", ".jsonl")
WHOLE_BUNDLES = frozenset({"document", "message"})
GROUP = 200
"""Resources written in one transaction."""
KNOWN = 200_000
"""References and resources that are remembered, before the database is asked."""
KEPT_LINES = 1000
"""Refusals and dangling references that are told one by one; the rest is only counted."""

_URN = re.compile(r"urn:(?:uuid|oid):([A-Za-z0-9\-.]{1,64})")
_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")


@dataclass(frozen=True, slots=True)
class Found:
    """A resource in a file; `place` says where: `plans.ndjson:12` or `region.json: entry 4`."""

    place: str
    resource: Json
    conditional: bool = False
    """Whether it may hold conditional references."""


@dataclass(slots=True)
class Report:
    """What became of what was found."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    refused: int = 0
    refusals: list[str] = field(default_factory=list)
    """A line for each refusal: its place and what was wrong."""
    dangling: list[str] = field(default_factory=list)
    """A line for each target that is not there, with one who refers to it."""
    dangling_count: int = 0

    @property
    def taken(self) -> int:
        return self.created + self.updated + self.unchanged

    def refuse(self, place: str, fault: str) -> None:
        self.refused += 1
        if len(self.refusals) < KEPT_LINES:
            self.refusals.append(f"{place}: {fault}")


# -- Files ------------------------------------------------------------------------------------------


def files(paths: Iterable[Path]) -> list[Path]:
    """The files meant, those of folders in order of name. Raises FileNotFoundError."""
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            found += sorted(inner for inner in path.rglob("*") if inner.is_file() and _kind(inner))
        elif path.exists():
            found.append(path)
        else:
            raise FileNotFoundError(path)
    return found


def _kind(path: Path) -> str:
    """`.json`, `.xml`, `.ndjson`... of a name, compressed or not; empty for another."""
    name = path.name.removesuffix(".gz")
    return next((suffix for suffix in SUFFIXES if name.endswith(suffix)), "")


def read(path: Path, report: Report, advance: Callable[[int], None] = lambda count: None) -> Iterator[Found]:
    """The resources of one file; what cannot be read goes to the report. `advance` is told of bytes read."""
    with path.open("rb") as raw:
        content: BinaryIO | gzip.GzipFile = gzip.GzipFile(fileobj=raw) if path.suffix == ".gz" else raw
        told = 0
        try:
            if _kind(path) in (".ndjson", ".jsonl"):
                for number, line in enumerate(content, 1):
                    if line.strip():
                        yield from _resources(f"{path}:{number}", line, report, document.parse)
                    if raw.tell() > told:
                        advance(raw.tell() - told)
                        told = raw.tell()
            else:
                data = content.read()
                is_xml = _kind(path) == ".xml" or data.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<")
                yield from _resources(str(path), data, report, xml.from_xml if is_xml else document.parse)
        except (OSError, EOFError, gzip.BadGzipFile) as fault:
            report.refuse(str(path), f"cannot be read: {fault}")
        advance(path.stat().st_size - told)


def _resources(place: str, data: bytes, report: Report, parse: Callable[[bytes], Json]) -> Iterator[Found]:
    try:
        resource = parse(data)
    except FhirError as fault:
        report.refuse(place, _told(fault.issues))
        return
    if resource.get("resourceType") == "Bundle" and resource.get("type") not in WHOLE_BUNDLES:
        yield from _entries(place, resource, report, conditional_references.may_hold(data))
    else:
        yield Found(place, resource)


def _entries(place: str, bundle: Json, report: Report, conditional: bool) -> Iterator[Found]:
    """The resources of a Bundle's entries. Those without an id get that of their fullUrl, so that loading
    the Bundle again finds them, and links to a fullUrl become references. An entry that asks for something and
    brings nothing, such as a DELETE, goes to the report."""
    entries = bundle.get("entry")
    if not isinstance(entries, list):
        return
    links: dict[str, str] = {}
    for entry in entries:
        if isinstance(entry, dict) and isinstance(resource := entry.get("resource"), dict):
            url = entry.get("fullUrl")
            urn = _URN.fullmatch(url) if isinstance(url, str) else None
            if urn is not None:
                resource.setdefault("id", urn[1])
            if isinstance(url, str) and isinstance(resource.get("id"), str):
                links[url] = f"{resource.get('resourceType')}/{resource['id']}"
    for number, entry in enumerate(entries, 1):
        if isinstance(entry, dict) and isinstance(resource := entry.get("resource"), dict):
            references.rewrite(resource, links)
            yield Found(f"{place}: entry {number}", resource, conditional)
        else:
            asked = entry.get("request") if isinstance(entry, dict) else None
            method = asked.get("method") if isinstance(asked, dict) else None
            what = f"a {method} without a resource" if method else "no resource"
            report.refuse(f"{place}: entry {number}", f"{what}; only what is to be stored is loaded")


# -- Writing ----------------------------------------------------------------------------------------


class Loader:
    """Takes resources into a tenant, group by group."""

    def __init__(self, repository: Repository, report: Report) -> None:
        self._repository = repository
        self._report = report
        self._group: list[Found] = []
        self._here: set[Key] = set()
        """Some of what is known to be there: the newest, so that millions take no more memory."""
        self._wanted: dict[Key, str] = {}
        """Targets of references that are not known to be there, each with one who refers to it."""
        self._bound = KNOWN
        self._resolved: dict[str, str] = {}
        """Conditional references and the references that they stand for."""
        self._waiting: list[Found] = []
        """What has conditional references that match nothing yet."""

    async def take(self, found: Found) -> None:
        """Check one resource and write it with its group."""
        fault = _fault(found.resource)
        if fault is not None:
            self._report.refuse(found.place, fault)
            return
        if found.conditional and await self._why_unresolved(found.resource):
            self._waiting.append(found)
            return
        self._group.append(found)
        if len(self._group) >= GROUP:
            await self._write()

    async def finish(self) -> None:
        """Write what waits and list what is referred to and not there."""
        await self._write()
        await self._write_waiting()
        await self._look_for_wanted()
        self._report.dangling_count = len(self._wanted)
        for target, referrer in islice(self._wanted.items(), KEPT_LINES):
            self._report.dangling.append(f"{referrer} refers to {'/'.join(target)}")

    async def _write_waiting(self) -> None:
        """Write what waits for others to be there, as long as that brings more; the rest is refused."""
        while self._waiting:
            waiting, self._waiting = self._waiting, []
            for found in waiting:
                await self.take(found)
            await self._write()
            if len(self._waiting) == len(waiting):
                break
        for found in self._waiting:
            self._report.refuse(found.place, await self._why_unresolved(found.resource))

    async def _why_unresolved(self, resource: Json) -> str:
        """Put into a resource what its conditional references stand for
        (https://hl7.org/fhir/R4/http.html#trules); says which of them cannot be told, empty where none is left."""
        for holder in conditional_references.found_in(resource):
            text = holder["reference"]
            if text not in self._resolved:
                type, _, query = text.partition("?")
                try:
                    criteria = requests.parse(type, query, self._repository.parameters)
                    match = await self._repository.only_match(criteria) if criteria.has_criteria else None
                except FhirError as fault:
                    return f"the conditional reference `{text}`: {_told(fault.issues)}"
                if match is None:
                    return f"the conditional reference `{text}` matches nothing"
                if len(self._resolved) > KNOWN:
                    self._resolved.clear()
                self._resolved[text] = f"{match.type}/{match.id}"
            holder["reference"] = self._resolved[text]
        return ""

    async def _write(self) -> None:
        group, self._group = self._group, []
        if not group:
            return
        try:
            outcomes = await self._repository.together(lambda unit: _update_all(unit, group), keys=len(group))
        except FhirError:
            # One of them cannot be written: find out which, and take the others.
            outcomes = []
            for found in group:
                outcomes += await self._write_alone(found)
        for outcome, found in zip(outcomes, group, strict=True):
            if outcome is not None:
                setattr(self._report, outcome, getattr(self._report, outcome) + 1)
                self._note(found.resource)
        if len(self._here) > KNOWN:
            self._here.clear()
        if len(self._wanted) > self._bound:
            await self._look_for_wanted()
            # What is still to come would be asked for again and again.
            self._bound = max(KNOWN, 2 * len(self._wanted))

    async def _write_alone(self, found: Found) -> list[str | None]:
        try:
            return [(await self._repository.update(found.resource)).outcome]
        except FhirError as fault:
            self._report.refuse(found.place, _told(fault.issues))
            return [None]

    def _note(self, resource: Json) -> None:
        own = (resource["resourceType"], resource["id"])
        self._here.add(own)
        self._wanted.pop(own, None)
        for _, _, _, text, kind in references.walk(resource):
            target = references.parse(text) if kind == "reference" else None
            if target is not None and target.type and target.id and target.is_local:
                key = (target.type, target.id)
                if key not in self._here:
                    self._wanted.setdefault(key, "/".join(own))

    async def _look_for_wanted(self) -> None:
        """Ask the database for the targets that are wanted; what is there is wanted no more."""
        wanted = list(self._wanted)
        for start in range(0, len(wanted), 500):
            for key in await self._repository.together(partial(_present, keys=wanted[start : start + 500])):
                del self._wanted[key]
                self._here.add(key)


async def _update_all(unit: Repository, group: list[Found]) -> list[str | None]:
    await unit.foresee([(found.resource["resourceType"], found.resource["id"]) for found in group])
    return [(await unit.update(found.resource)).outcome for found in group]


async def _present(unit: Repository, keys: list[Key]) -> set[Key]:
    """Those of the keys under which there is a resource."""
    await unit.foresee(keys)
    found = [await unit.find(*key) for key in keys]
    return {(one.type, one.id) for one in found if one is not None and not one.deleted}


def _fault(resource: Json) -> str | None:
    """What is wrong with the resource, in one line."""
    type = resource.get("resourceType")
    if not isinstance(type, str) or not definitions.is_resource_type(type):
        return f"expects a resourceType of R4; got `{type}`"
    if type not in definitions.STORED_TYPES:
        return f"{type} goes into operations and comes out of them; by itself it is never stored"
    issues = [issue for issue in structure.validate(resource) if issue.severity in ("error", "fatal")]
    if issues:
        return _told(issues)
    if not isinstance(resource.get("id"), str) or not _ID.fullmatch(resource["id"]):
        return f"{type} has no id, so it would be another at every load; give it one"
    return None


def _told(issues: Iterable[Issue]) -> str:
    return "; ".join(
        f"{issue.expression}: {issue.text}" if issue.expression else issue.text for issue in issues
    )


def ndjson(resources: Iterable[Json], place: str) -> Iterator[Found]:
    """Resources made by code, as if they were lines of a file."""
    for number, resource in enumerate(resources, 1):
        yield Found(f"{place}:{number}", resource)

"""transaction: all entries or none (https://hl7.org/fhir/R4/http.html#trules)."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Literal
from urllib.parse import quote

from fhirhub.api import conditional_references, outcome, provenance, validation, write
from fhirhub.api import entries as reading
from fhirhub.api.batch import Batch
from fhirhub.api.entries import Answers, Entry, faults_at
from fhirhub.api.exchange import FhirRequest, FhirResponse, Json
from fhirhub.api.validation import Subject
from fhirhub.errors import (
    Dangling,
    FhirError,
    Issue,
    conflict,
    invalid,
    multiple_matches,
    not_found,
    not_supported,
)
from fhirhub.repository import Indexed, Repository, Written, new_id
from fhirhub.resources import references
from fhirhub.resources.validation import positions, structure
from fhirhub.store.request import SearchRequest

BREATH = 25
"""After so many entries others get their turn."""
MOST_UNRESOLVED = 20
"""References to no entry that an error names."""

_REST_URL = re.compile(r"(?P<root>https?://.+/)(?P<local>[A-Z][A-Za-z]+/[A-Za-z0-9\-.]{1,64})")


async def bundle(request: FhirRequest) -> FhirResponse:
    """The Bundle of answers to a Bundle of requests."""
    if request.inside is not None:
        raise not_supported(f"A Bundle cannot stand inside a {request.inside}")
    faults: list[Issue] = []
    resource = reading.bundle_of(request, faults)
    kind = resource.get("type")
    if kind not in ("batch", "transaction"):
        replay = (
            "Versions are not replayed: send what is current as a batch of PUTs. "
            if kind == "history"
            else ""
        )
        raise invalid(
            f"A POST to the base brings a Bundle of type batch or transaction; got {kind or 'none'}. {replay}"
            "POST to `Bundle` to store it",
            "Bundle.type",
        )
    request.interaction = kind
    if kind == "batch":
        return await Batch(request, reading.read_each(request, resource, faults)).run()
    return await Transaction(request, reading.read(request, resource)).run()


class Transaction(Answers):
    """All entries or none, in the order of https://hl7.org/fhir/R4/http.html#trules."""

    kind = "transaction"

    def __init__(self, request: FhirRequest, entries: list[Entry]) -> None:
        super().__init__(request, entries)
        # Ids are chosen once, since the whole may run again.
        self.new_ids = [new_id() if entry.makes else None for entry in entries]
        self.provenance = provenance.asked(request) if provenance.HEADER in request.headers else None
        self.provenance_id = new_id()
        self.runs = 0
        self.prepared = False
        self.said: dict[int, Sequence[Issue]] = {}
        self._begin(entries)

    def _begin(self, entries: list[Entry]) -> None:
        self.entries, self.prepared = entries, False
        self.settled: list[tuple[Entry, SearchRequest]] = []
        self.versioned: list[tuple[Entry, list[references.Versioned]]] = []
        for entry, id in zip(entries, self.new_ids, strict=True):
            entry.new_id = id
            entry.said = self.said.get(entry.index, ())

    async def run(self) -> FhirResponse:
        locked: set[str] = set()
        for entry in self.entries:
            if entry.conditional is not None:
                with faults_at(entry):
                    locked.update(self._criteria(entry.path[0], entry.conditional).types_involved())
        self._refuse_overlaps()
        self.validator = await validation.look(self.request)
        if not locked:
            # Links are known before the database is asked: what takes time is done before its transaction.
            await self._prepare(yielding=True)
        await self._validate()
        indexed = await self._indexed()
        try:
            await self.request.repository.together(
                self._run, lock_types=locked, keys=len(self.entries), indexed=indexed
            )
        except Dangling as fault:
            raise self._of_entries(fault) from None
        return self.bundle()

    async def _indexed(self) -> list[Indexed]:
        """What is to be made as it stands, with what it is found by: not looked for while others wait, nor before
        the database could be at work on it."""
        if self.request.repository.tenant.database.goes_ahead:
            return []
        if not self.prepared or conditional_references.may_hold(self.request.body):
            return []
        found = []
        for number, entry in enumerate(self.entries):
            if entry.creates and entry.resource is not None and entry.new_id is not None:
                found.append(self.request.repository.indexed(entry.resource, entry.new_id))
            if number % BREATH == BREATH - 1:
                await asyncio.sleep(0)
        return found

    async def _run(self, unit: Repository) -> None:
        if self.runs:
            self._begin(reading.read(self.request, reading.bundle_of(self.request)))
        self.runs += 1
        await unit.foresee((entry.path[0], entry.path[1]) for entry in self.entries if entry.names_one)
        for entry in self._ranked(0):
            await self._delete(unit, entry)
        same: dict[tuple[str, str], Entry] = {}
        for entry in self.entries:
            if entry.conditional is not None and entry.rank:
                with faults_at(entry):
                    await self._settle(unit, entry, same)
        self._refuse_overlaps()
        if not self.prepared:
            await self._prepare(yielding=False)
        await self._write(unit, [*self._ranked(1), *self._ranked(2)])
        await self._give_versions(unit)
        await self._refuse_new_matches(unit)
        if self.provenance is not None:
            made = [entry.response for entry in self.entries if entry.response is not None]
            versions = [one.location for one in made if one.made and one.location is not None]
            if versions:
                await provenance.keep(self.request, unit, self.provenance, self.provenance_id, versions)
        for entry in self._ranked(3):
            with faults_at(entry):
                entry.response = await self.answer(entry, unit)
        unit.at_end(partial(self._take_additions, unit))

    async def _take_additions(self, unit: Repository) -> None:
        """Answer each write with what the rules made of it."""
        for entry in [*self._ranked(1), *self._ranked(2)]:
            response = entry.response
            if response is None or response.location is None:
                continue
            type, id = response.location.split("/")[:2]
            stands = await unit.as_it_stands(type, id)
            if stands is None or stands.deleted:
                continue
            if write.notice_of(stands) is not None:
                changed: Literal["updated", "unchanged"] = "updated" if response.made else "unchanged"
                done = Written(stands, "created" if response.status == 201 else changed)
                again = write.answer(self.asked(entry, unit), done)
                response.body, response.outcome = again.body, again.outcome
            elif response.body is not None and response.outcome is None:
                response.body = stands.body
            response.version, response.updated = stands.version, stands.updated
            response.location = f"{type}/{id}/_history/{stands.version}"

    def _of_entries(self, fault: Dangling) -> FhirError:
        """References to nothing, as faults of the entries that hold them."""
        holders = {entry.written: entry for entry in self.entries if entry.written is not None}
        told: list[Issue] = []
        for issue, key in zip(fault.issues, fault.holders, strict=True):
            entry = holders.get(key)
            if entry is None:
                told.append(issue)
                continue
            if entry.full_url is not None:
                issue = replace(issue, text=f"{issue.text} It is in the entry of fullUrl {entry.full_url}.")
            # A patch does not hold the element itself.
            told += outcome.moved(
                [replace(issue, expression=None) if entry.method == "PATCH" else issue], entry.where
            )
        return FhirError(fault.status, positions.placed(told, self.request.body))

    def _ranked(self, rank: int) -> list[Entry]:
        return [entry for entry in self.entries if entry.rank == rank]

    def _criteria(self, type: str, query: str) -> SearchRequest:
        return write.conditional(self.request, type, query)

    async def _delete(self, unit: Repository, entry: Entry) -> None:
        with faults_at(entry):
            single = self.request.context.settings.conditional_delete == "single"
            if entry.conditional is not None and single:
                match = await unit.only_match(self._criteria(entry.path[0], entry.conditional))
                if match is None:
                    entry.response = FhirResponse(204)
                    return
                entry.path, entry.query = (match.type, match.id), ""
            entry.response = await self.answer(entry, unit)

    async def _settle(self, unit: Repository, entry: Entry, same: dict[tuple[str, str], Entry]) -> None:
        """Look which resource a conditional interaction means, and make it a plain one."""
        type, criteria = entry.path[0], entry.conditional or ""
        first = same.setdefault((type, criteria), entry)
        if first is not entry:
            if not (entry.creates and first.creates):
                raise invalid(f"{first.where} has the same criteria; a transaction names each resource once")
            entry.twin, entry.target = first, first.target
            return
        asked = self._criteria(type, self._linked(criteria))
        match = await unit.only_match(asked)
        if entry.creates:
            entry.headers.pop("if-none-exist")
            if match is not None:
                entry.target, entry.matched = (type, match.id), True
                entry.response = write.answer(self.asked(entry, unit), Written(match, "unchanged"))
            else:
                entry.target = (type, entry.new_id or "")
            return
        self.settled.append((entry, asked))
        own = None if entry.resource is None or entry.method == "PATCH" else entry.resource.get("id")
        if match is None:
            if entry.method == "PATCH":
                raise not_found("Nothing matches the criteria of this patch")
            if own is None:
                entry.method_now, entry.target = "POST", (type, entry.new_id or "")
                return
            found = await unit.find(type, own)
            if found is not None:
                raise conflict(f"Nothing matches the criteria, and {type}/{own} exists already")
        elif own is not None and own != match.id:
            raise invalid(f"The match is {type}/{match.id}, the resource says id `{own}`", f"{type}.id")
        id = str(own) if match is None else match.id
        if entry.resource is not None and entry.method == "PUT":
            entry.resource["id"] = id
        entry.path, entry.query, entry.target = (type, id), "", (type, id)

    def _linked(self, criteria: str) -> str:
        """Criteria with the full URLs replaced of what is settled already."""
        if "urn:" in criteria or "urn%3A" in criteria:
            for full_url, reference in self._links()[0].items():
                for written in (full_url, quote(full_url, safe="")):
                    criteria = criteria.replace(written, reference)
        return criteria

    async def _refuse_new_matches(self, unit: Repository) -> None:
        """A conditional PUT or PATCH comes after POST (trules), so it would mean what a POST here made."""
        made = {entry.written for entry in self.entries if entry.creates and entry.written is not None}
        types = {type for type, _ in made}
        for entry, criteria in self.settled:
            if types.isdisjoint(criteria.types_involved()):
                continue
            with faults_at(entry):
                page = await unit.search(criteria.only(2))
                if any((match.type, match.id) in made for match in page.matches):
                    raise multiple_matches("The criteria match what another entry of this transaction makes")

    def _refuse_overlaps(self) -> None:
        """No resource is named by two entries that write (trules)."""
        seen: dict[tuple[str, str], Entry] = {}
        urls: dict[str, Entry] = {}
        for entry in self.entries:
            if entry.rank == 3:
                continue
            if entry.full_url is not None and entry.resource is not None:
                other = urls.setdefault(entry.full_url, entry)
                if other is not entry:
                    raise invalid(
                        f"`{entry.full_url}` is the fullUrl of {other.where} too", f"{entry.where}.fullUrl"
                    )
            target = entry.written
            if target is not None and seen.setdefault(target, entry) is not entry:
                raise invalid(
                    f"{target[0]}/{target[1]} is written by {seen[target].where} too; a transaction "
                    "names each resource once",
                    entry.where,
                )

    async def _prepare(self, *, yielding: bool) -> None:
        """Replace links to what the Bundle makes, then check every resource, all faults at once."""
        everywhere, by_root = self._links()
        in_root = {root: {**everywhere, **near} for root, near in by_root.items()}
        linked = _may_link(self.request.body, everywhere)
        enforced = self.request.repository.tenant.integrity
        issues: list[Issue] = []
        unresolved: list[Issue] = []
        names_versions = b"_history" in self.request.body
        for number, entry in enumerate(self.entries):
            resource = entry.resource
            if resource is None or entry.rank == 3:
                continue
            if linked:
                links = in_root.get(_root(entry.full_url) or "", everywhere)
                versioned: list[references.Versioned] | None = None
                if names_versions and entry.method != "PATCH":
                    versioned = []
                    self.versioned.append((entry, versioned))
                if (
                    references.rewrite(resource, links, versioned)
                    and enforced
                    and resource.get("resourceType") not in _WITH_LINKS_OF_THEIR_OWN
                ):
                    unresolved += outcome.moved(_unresolved(resource, everywhere), entry.where)
            if entry.method != "PATCH" and entry.response is None:
                issues += outcome.moved(structure.validate(resource), entry.where)
                entry.checked = True
            if yielding and number % BREATH == BREATH - 1:
                await asyncio.sleep(0)
        if issues:
            write.refuse_faults(positions.placed(issues, self.request.body))
        if unresolved:
            raise FhirError(422, positions.placed(unresolved[:MOST_UNRESOLVED], self.request.body))
        self.prepared = True

    async def _validate(self) -> None:
        """Hold every resource to what the settings ask, before the database is asked for anything."""
        if self.request.context.settings.validation == "off":
            return
        near: dict[str, Json] = {}
        subjects: list[tuple[Entry, Subject]] = []
        for entry in self.entries:
            resource = entry.resource
            if resource is None or entry.rank == 3 or entry.method == "PATCH":
                continue
            if entry.full_url is not None:
                near[entry.full_url] = resource
            if entry.written is not None:
                near["/".join(entry.written)] = resource
            # What is not right in its structure is refused when it is prepared.
            if entry.checked or not structure.validate(resource):
                asked = validation.profiles_of(self.request, resource["resourceType"])
                subjects.append((entry, Subject(resource, asked, has_structure=True)))
        found = await validation.issues_of_all(
            self.request, self.validator, [subject for _, subject in subjects], near
        )
        if any(issue.severity == "error" for issues in found for issue in issues):
            moved = [
                issue
                for (entry, _), issues in zip(subjects, found, strict=True)
                for issue in outcome.moved(issues, entry.where)
            ]
            validation.refuse(positions.placed(moved, self.request.body))
        for (entry, _), issues in zip(subjects, found, strict=True):
            # As a rule nobody is told.
            if issues and "operationoutcome" in entry.headers["prefer"].lower():
                entry.said = self.said[entry.index] = outcome.moved(issues, entry.where)

    def _links(self) -> tuple[dict[str, str], dict[str, dict[str, str]]]:
        """What takes the place of each fullUrl; and, by the root of RESTful ones, of a relative link in an
        entry of that root (https://hl7.org/fhir/R4/bundle.html#references)."""
        everywhere: dict[str, str] = {}
        by_root: dict[str, dict[str, str]] = {}
        for entry in self.entries:
            target = entry.target or entry.written
            if entry.full_url is None or target is None or entry.method == "DELETE":
                continue
            text = "/".join(target)
            everywhere[entry.full_url] = text
            found = _REST_URL.fullmatch(entry.full_url)
            if found is not None and (found["local"] != text or found["root"] != f"{self.request.base}/"):
                by_root.setdefault(found["root"], {})[found["local"]] = text
        return everywhere, by_root

    async def _give_versions(self, unit: Repository) -> None:
        """Let links to one version of what is written here name the version that it has now: a client cannot
        know it, and may write any (trules). One that was there before on this server is meant as it stands."""
        written = {
            "/".join(entry.target or entry.written or ()): entry for entry in self.entries if entry.rank < 3
        }
        for entry, links in self.versioned:
            if not links or entry.written is None or entry.resource is None:
                continue
            for link in links:
                target = link.holder[link.key].partition("#")[0]
                to = written[target].response
                current = None if to is None else to.version
                assert current is not None, "what links go to was written"
                version = str(current)
                if link.link.startswith(f"{self.request.base}/") and link.version.isdigit():
                    version = str(min(current, int(link.version)))
                link.holder[link.key] = f"{target}/_history/{version}{link.fragment}"
            with faults_at(entry):
                if entry.response is None or not entry.response.made:
                    # Without the versions it was what stands here already.
                    entry.response = await self.answer(entry, unit)
                    continue
                stored = await unit.amend(*entry.written, entry.resource)
            if entry.response.body is not None:
                entry.response.body = stored.body

    async def _write(self, unit: Repository, entries: list[Entry]) -> None:
        """POST, PUT and PATCH."""
        twins = [entry for entry in entries if entry.twin is not None]
        entries = [entry for entry in entries if entry.twin is None]
        made: list[tuple[str, str]] = []
        named: list[tuple[str, str]] = []
        for entry in entries:
            if entry.written is not None:
                (made if entry.creates or entry.method_now == "POST" else named).append(entry.written)
        unit.promise(made, named)
        if not conditional_references.may_hold(self.request.body):
            for number, entry in enumerate(entries):
                await self._write_one(unit, entry)
                if number % BREATH == BREATH - 1:
                    await asyncio.sleep(0)
        else:
            await self._write_and_resolve(unit, entries)
        for entry in twins:
            first = entry.twin.response if entry.twin is not None else None
            assert first is not None, "the first of equal conditional creates was answered"
            entry.response = replace(first, status=200)

    async def _write_and_resolve(self, unit: Repository, entries: list[Entry]) -> None:
        """The same, and conditional references against the resulting state.

        What holds such references is written last where that state cannot change by it, and otherwise twice:
        as it came, then with the references found.
        """
        waiting = [
            (entry, list(conditional_references.found_in(entry.resource)))
            if entry.resource is not None and entry.method != "PATCH" and entry.response is None
            else (entry, [])
            for entry in entries
        ]
        held = [(entry, holders) for entry, holders in waiting if holders]
        types: set[str] = set()
        searches: dict[str, SearchRequest] = {}
        for entry, holders in held:
            with faults_at(entry):
                for holder in holders:
                    text = holder["reference"]
                    if text not in searches:
                        type, _, query = text.partition("?")
                        searches[text] = self._criteria(type, query)
                        types.update(searches[text].types_involved())
        twice = any(entry.path[0] in types for entry, _ in held)
        for entry, holders in waiting:
            if not holders or twice:
                await self._write_one(unit, entry)
        found: dict[str, str] = {}
        for entry, holders in held:
            with faults_at(entry):
                for holder in holders:
                    text = holder["reference"]
                    if text not in found:
                        found[text] = await _referred(unit, text, searches[text])
                    holder["reference"] = found[text]
            if entry.written is None or entry.resource is None:
                continue
            write.refuse_faults(outcome.moved(structure.validate(entry.resource), entry.where))
            if not twice:
                await self._write_one(unit, entry)
            else:
                with faults_at(entry):
                    stored = await unit.amend(*entry.written, entry.resource)
                if entry.response is not None and entry.response.body is not None:
                    entry.response.body = stored.body

    async def _write_one(self, unit: Repository, entry: Entry) -> None:
        if entry.response is None:
            with faults_at(entry):
                entry.response = await self.answer(entry, unit)


async def _referred(unit: Repository, text: str, criteria: SearchRequest) -> str:
    """The reference that a conditional one stands for."""
    try:
        match = await unit.only_match(criteria)
    except FhirError as fault:
        if fault.issues[0].code != "multiple-matches":
            raise
        raise multiple_matches(f"The conditional reference `{text}` matches more than one resource") from None
    if match is None:
        raise invalid(f"The conditional reference `{text}` matches nothing")
    return f"{match.type}/{match.id}"


_WITH_LINKS_OF_THEIR_OWN = frozenset({"Bundle", "Parameters"})
"""What is in these may refer to what is in them."""


def _unresolved(resource: Json, links: Mapping[str, str]) -> Iterator[Issue]:
    """What is wrong with references to a UUID or OID that no entry has as its fullUrl."""
    by_letters = {link.lower(): link for link in links}
    for link in references.walk(resource):
        if link.kind != "reference" or not references.is_unresolved(link.text):
            continue
        near = by_letters.get(link.text.lower())
        yield Issue(
            "error",
            "not-found",
            f"This refers to `{link.text[:100]}`, which is the fullUrl of no entry that writes a resource"
            + (f"; FHIR compares URLs by case, and there is {near}" if near else ""),
            link.path,
        )


def _may_link(body: bytes, links: Mapping[str, str]) -> bool:
    """Whether a Bundle may hold links to its full URLs, besides these themselves."""
    if not all(link.startswith("urn:") for link in links) or b"\\u00" in body:
        return bool(links)
    return body.count(b"urn:") > len(links)


def _root(full_url: str | None) -> str | None:
    found = _REST_URL.fullmatch(full_url) if full_url else None
    return found["root"] if found else None

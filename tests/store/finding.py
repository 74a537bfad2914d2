"""Resources put into a database and found again, for the tests of search."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import Any

from fhirhub.access import EVERYTHING, Access
from fhirhub.resources import document, relations
from fhirhub.store import request as requests
from fhirhub.store.database import Change, Database, Verdict
from fhirhub.store.index import extract
from fhirhub.store.index.parameters import Parameters
from fhirhub.store.search import Found, search

Json = dict[str, Any]
BASE = "http://hub.example/fhir"
KEY = b"k" * 32
START = 1_700_000_000_000_000
"""When the first resource was written, in microseconds: 2023-11-14T22:13:20Z."""
MILLISECOND = 1000
"""How long after one write the next one is."""

_writes = itertools.count(1)


@dataclass
class Hub:
    """One tenant of a database, without the rules of the repository."""

    database: Database
    parameters: Parameters = field(default_factory=Parameters)
    tenant: int = 1
    _versions: dict[tuple[str, str], tuple[int, int]] = field(default_factory=dict)

    async def put(self, *resources: Json) -> None:
        """Writes each as a new version, a millisecond after the one before."""
        for resource in resources:
            await self._write(
                resource["resourceType"], resource["id"], document.parse(document.encode(resource))
            )

    async def delete(self, type: str, id: str) -> None:
        await self._write(type, id, None)

    async def _write(self, type: str, id: str, resource: Json | None) -> None:
        rid, version = self._versions.get((type, id), (0, 0))
        if not rid:
            rid = await self.database.take_keys(self.tenant, 1)
        number = next(_writes)
        change = Change(
            rid=rid,
            type=type,
            id=id,
            expected=version,
            version=version + 1,
            updated=START + number * MILLISECOND,
            method="PUT" if resource else "DELETE",
            write_id=str(number),
            body=None,
        )
        if resource is not None:
            document.stamp(resource, id, version + 1, change.updated)
            change.body = document.encode(resource)
            change.patient = relations.owners(resource)
            change.label = relations.label(resource)
            change.rows = extract.rows(resource, self.parameters, BASE)
        assert await self.database.apply(self.tenant, change) is Verdict.DONE
        self._versions[type, id] = (rid, version + 1)

    async def page(
        self,
        query: str,
        access: Access = EVERYTHING,
        cursor: str | None = None,
        lenient: bool = False,
    ) -> Found:
        """One page of a search such as `CarePlan?status=active` or `Patient/1/Observation?code=x`."""
        path, _, parameters = query.partition("?")
        type: str | None = path or None
        compartment = None
        if "/" in path:
            name, id, within = path.split("/")
            compartment, type = (name, id), None if within == "*" else within
        asked = requests.parse(
            type, parameters, self.parameters, lenient=lenient, compartment=compartment, base=BASE
        )
        return await search(self.database, self.tenant, asked, access, cursor=cursor, key=KEY)

    async def ids(self, query: str, access: Access = EVERYTHING) -> list[str]:
        """The ids that match, over all pages, in the order given."""
        found, cursor = [], None
        while True:
            page = await self.page(query, access, cursor)
            found += [match.id for match in page.matches]
            cursor = page.next
            if cursor is None:
                return found

    async def found(self, query: str, access: Access = EVERYTHING) -> str:
        """The same in alphabetical order, as one text."""
        return " ".join(sorted(await self.ids(query, access)))

    async def included(self, query: str, access: Access = EVERYTHING) -> str:
        """What the first page includes: `Patient/1 Task/2`."""
        page = await self.page(query, access)
        return " ".join(sorted(f"{match.type}/{match.id}" for match in page.includes))


def resource(type: str, id: str, /, **elements: Any) -> Json:
    return {"resourceType": type, "id": id, **elements}


def patient(id: str, /, **elements: Any) -> Json:
    return resource("Patient", id, **elements)


def observation(id: str, /, **elements: Any) -> Json:
    return resource("Observation", id, **{"status": "final", "code": {"text": "x"}, **elements})


def plan(id: str, to_patient: str = "Patient/p", /, **elements: Any) -> Json:
    return resource(
        "CarePlan",
        id,
        **{"status": "active", "intent": "plan", "subject": to(to_patient), **elements},
    )


def task(id: str, /, **elements: Any) -> Json:
    return resource("Task", id, **{"status": "requested", "intent": "order", **elements})


def coded(code: str, system: str | None = None, display: str | None = None) -> Json:
    coding = {"system": system, "code": code, "display": display}
    return {"coding": [{name: value for name, value in coding.items() if value is not None}]}


def to(reference: str) -> Json:
    return {"reference": reference}

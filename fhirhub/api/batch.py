"""batch: each entry on its own (https://hl7.org/fhir/R4/http.html#brules)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from itertools import islice
from typing import Any

from fhirhub import logs
from fhirhub.api import conditional_references, outcome, provenance
from fhirhub.api.entries import Answers, Entry
from fhirhub.api.exchange import FhirRequest, FhirResponse
from fhirhub.errors import FhirError, Issue
from fhirhub.resources import references
from fhirhub.resources.validation import positions

LANES = 16
"""Entries of a batch that run side by side."""
MOST_PLACED = 200
"""Refused entries of a batch whose faults are told with line and column."""


class Batch(Answers):
    """Each entry on its own: what one does, another does not see or suffer."""

    kind = "batch"

    def __init__(self, request: FhirRequest, entries: list[Entry]) -> None:
        super().__init__(request, entries)
        self._may_hold = conditional_references.may_hold(request.body)
        self._made = self._own_urns()
        if provenance.HEADER in request.headers:
            provenance.asked(request)
            for entry in entries:
                if entry.rank in (1, 2):
                    entry.headers[provenance.HEADER] = request.headers[provenance.HEADER]

    def _own_urns(self) -> frozenset[str]:
        """The fullUrls of what entries make, where another may refer to them."""
        if not self.request.repository.tenant.integrity:
            return frozenset()
        urns = [
            entry.full_url for entry in self.entries if entry.full_url and entry.full_url.startswith("urn:")
        ]
        if self.request.body.count(b"urn:") <= len(urns):
            return frozenset()
        return frozenset(urns)

    def _refuse_links(self, entry: Entry) -> None:
        """Raise not-found where a resource refers to what another entry makes: entries of a batch stand alone, and
        what the reference would name is never known (brules)."""
        if not self._made or entry.resource is None or entry.rank == 3:
            return
        if entry.resource.get("resourceType") in ("Bundle", "Parameters"):
            return
        for link in references.walk(entry.resource):
            if link.kind == "reference" and link.text in self._made:
                text = (
                    f"This refers to `{link.text[:100]}`, which another entry of the batch makes: entries of a "
                    "batch stand each on its own. Send a transaction."
                )
                raise FhirError(422, [Issue("error", "not-found", text, link.path)])

    async def run(self) -> FhirResponse:
        for rank in range(4):
            # Entries on one URL keep their order; others run side by side, so that what waits for the
            # database waits together.
            lanes: dict[Any, list[Entry]] = {}
            for entry in self.entries:
                if entry.rank == rank and entry.response is None:
                    lanes.setdefault(entry.index if entry.creates else entry.path, []).append(entry)
            waiting = iter(lanes.values())
            workers = min(LANES, len(lanes))
            await asyncio.gather(*(self._work(waiting) for _ in range(workers)))
        self._place()
        return self.bundle()

    def _place(self) -> None:
        """Tell of every fault where it stands in the Bundle: all at once, since it is read anew for that."""
        refused = [(entry.response, entry.refused) for entry in self.entries if entry.refused is not None]
        if not refused or len(refused) > MOST_PLACED:
            return
        placed = iter(
            positions.placed((issue for _, fault in refused for issue in fault.issues), self.request.body)
        )
        for response, fault in refused:
            assert response is not None
            response.outcome = outcome.render(list(islice(placed, len(fault.issues))))

    async def _work(self, lanes: Iterator[list[Entry]]) -> None:
        for lane in lanes:
            for entry in lane:
                await self._one(entry)
            await asyncio.sleep(0)

    async def _one(self, entry: Entry) -> None:
        try:
            if entry.resource is not None and self._may_hold:
                conditional_references.refuse(entry.resource)
            self._refuse_links(entry)
            entry.response = await self.answer(entry, self.request.repository)
        except FhirError as fault:
            entry.refuse(fault)
        except Exception as fault:
            logs.error("An entry of a batch failed", fault, request_id=self.request.request_id)
            failed = outcome.of_fault(self.request.request_id)
            entry.response = FhirResponse(failed.status, outcome=failed.body)

"""The data of a run: the demo region as transactions, and what of it the operations ask for."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from fhirhub import demo
from fhirhub.resources import document

Json = dict[str, Any]

PER_PATIENT = 85
"""Resources each patient of the demo region brings, on average."""

PLAN_BYTES = 2_100

_WRITTEN = 10
"""Every tenth patient is for the operations that write, so that what the others are asked stays the same."""


@dataclass(slots=True)
class Asked:
    """One patient whom the reading operations ask for."""

    id: str
    bsn: str
    given: str
    birth_year: int
    plan: str
    measures_pressure: bool


@dataclass(slots=True)
class Region:
    """A region of about so many resources and what can be asked of it."""

    size: int
    asked: list[Asked] = field(default_factory=list)
    owners: list[str] = field(default_factory=list)
    plans: list[Json] = field(default_factory=list)
    """CarePlans of the patients for writing, without id, each a new one when posted."""
    parts: list[Json] = field(default_factory=list)
    """Small resources about those patients, likewise."""

    @property
    def patients(self) -> int:
        return max(20, self.size // PER_PATIENT)


def groups(region: Region, since: int = 0) -> Iterator[list[Json]]:
    """The region's groups; from `since` on patients, definitions and organisations only where they are new."""
    patients = 0
    for group in demo.groups(region.patients):
        if group[0]["resourceType"] == "Patient":
            patients += 1
            _note(region, patients, group)
            if patients <= since:
                continue
        else:
            _note_owners(region, group)
            if since and patients < since:
                continue
        yield group


def _note_owners(region: Region, group: list[Json]) -> None:
    for resource in group:
        if re.match("wijkverpleging-|verpleeghuis|welzijn", resource["id"]) and (
            resource["resourceType"] == "Organization"
        ):
            region.owners.append(f"Organization/{resource['id']}")


def _note(region: Region, number: int, group: list[Json]) -> None:
    patient = group[0]
    if number % _WRITTEN:
        if len(region.asked) < 2_000:
            region.asked.append(
                Asked(
                    patient["id"],
                    patient["identifier"][0]["value"],
                    patient["name"][0]["given"][0],
                    int(patient["birthDate"][:4]),
                    f"plan-{number}",
                    any(resource["id"] == f"bloeddruk-{number}-5" for resource in group),
                )
            )
    elif len(region.plans) < 200:
        for resource in group:
            posted = {key: value for key, value in resource.items() if key != "id"}
            if resource["resourceType"] in ("Observation", "Communication", "Condition"):
                region.parts.append(posted)
            elif resource["id"] == f"plan-{number}":
                region.plans.append(_of_two_kilobytes(posted))


def _of_two_kilobytes(plan: Json) -> Json:
    """The plan with no more activities than fit."""
    shorter = {**plan, "activity": list(plan["activity"])}
    del shorter["text"], shorter["note"]
    while len(document.encode(shorter)) > PLAN_BYTES and len(shorter["activity"]) > 1:
        shorter["activity"].pop(0)
    return shorter


def transactions(groups: Iterator[list[Json]], size: int = 25) -> Iterator[tuple[int, bytes]]:
    """The groups as transactions of PUT entries: how many resources, and the Bundle.

    A plan's tasks stay with their plan, so that no reference points to what is yet to come.
    """
    entries: list[Json] = []
    expected: set[str] = set()
    for group in groups:
        for resource in group:
            name = f"{resource['resourceType']}/{resource['id']}"
            expected.discard(name)
            if resource["resourceType"] == "CarePlan":
                expected |= {
                    activity["reference"]["reference"]
                    for activity in resource["activity"]
                    if "reference" in activity
                }
            entries.append({"resource": resource, "request": {"method": "PUT", "url": name}})
            if len(entries) >= size and not expected:
                yield len(entries), bundle(entries)
                entries = []
    if entries:
        yield len(entries), bundle(entries)


def bundle(entries: list[Json]) -> bytes:
    return document.encode({"resourceType": "Bundle", "type": "transaction", "entry": entries})


def creates(region: Region, count: int, offset: int) -> bytes:
    """A transaction of that many creates."""
    parts = region.parts
    return bundle(
        [
            {
                "resource": parts[(offset + number) % len(parts)],
                "request": {"method": "POST", "url": parts[(offset + number) % len(parts)]["resourceType"]},
            }
            for number in range(count)
        ]
    )

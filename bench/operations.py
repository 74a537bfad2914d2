"""What is measured: one row for each operation, its requests, and what a right answer looks like."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import msgspec

from bench.region import Region, creates
from bench.traffic import request
from fhirhub.resources import document

Json = dict[str, Any]

BSN = "http://fhir.nl/fhir/NamingSystem/bsn"


@dataclass(frozen=True, slots=True)
class Operation:
    """`together` is how many resources one request writes, 0 for those that only read."""

    name: str
    requests: Sequence[bytes]
    judge: Callable[[bytes], str | None]
    status: int = 200
    together: int = 0
    bounded: bool = False
    """Bounded by a patient, a chain or an include: the database's time has a target."""
    own: bool = False
    """An operation of this hub's own, which no peer has."""


def operations(region: Region, host: str, base: str) -> list[Operation]:
    """Every operation over the region, for a server whose FHIR base path is `base`."""

    def get(targets: Sequence[str]) -> list[bytes]:
        return [request("GET", f"{base}/{target}", host) for target in targets]

    def post(target: str, bodies: Sequence[bytes]) -> list[bytes]:
        return [request("POST", f"{base}{target}", host, body) for body in bodies]

    asked = region.asked
    measuring = [one for one in asked if one.measures_pressure]
    loinc = quote("http://loinc.org|85354-9", safe="")
    plans = [document.encode(plan) for plan in region.plans]
    return [
        Operation("read", get([f"CarePlan/{one.plan}" for one in asked]), _is("CarePlan")),
        Operation(
            "plans of a patient, by status",
            get([f"CarePlan?patient={one.id}&status=active,on-hold,completed,draft" for one in asked]),
            _matches("CarePlan", 1, 4),
            bounded=True,
        ),
        Operation(
            "latest observations of a code, sorted, 5",
            get([f"Observation?patient={one.id}&code={loinc}&_sort=-date&_count=5" for one in measuring]),
            _newest_first,
            bounded=True,
        ),
        Operation(
            "patient by identifier",
            get([f"Patient?identifier={quote(f'{BSN}|{one.bsn}', safe='')}" for one in asked]),
            _matches("Patient", 1, 1),
        ),
        Operation(
            "patients by name and birth date, 10",
            get([f"Patient?name={one.given}&birthdate=ge{one.birth_year - 5}&_count=10" for one in asked]),
            _matches("Patient", 1, 10),
        ),
        Operation(
            "plans by patient.identifier (chain)",
            get([f"CarePlan?patient.identifier={quote(f'{BSN}|{one.bsn}', safe='')}" for one in asked]),
            _matches("CarePlan", 1, 4),
            bounded=True,
        ),
        Operation(
            "work list: owner and statuses, sorted, 20",
            get(
                [
                    f"Task?owner={owner}&status=requested,received,accepted,in-progress"
                    "&_sort=-authored-on&_count=20"
                    for owner in region.owners
                ]
            ),
            _matches("Task", 1, 20),
        ),
        Operation(
            "plan with three includes",
            get(
                [
                    f"CarePlan?_id={one.plan}&_include=CarePlan:care-team&_include=CarePlan:goal"
                    "&_include=CarePlan:subject"
                    for one in asked
                ]
            ),
            _with_includes,
            bounded=True,
        ),
        Operation(
            "patient who has a plan (_has)",
            get(
                [
                    f"Patient?_id={one.id}&_has:CarePlan:patient:status=active,on-hold,completed,draft"
                    for one in asked
                ]
            ),
            _matches("Patient", 1, 1),
            bounded=True,
        ),
        Operation(
            "timeline of a plan",
            get([f"CarePlan/{one.plan}/$changes" for one in asked]),
            _timeline,
            bounded=True,
            own=True,
        ),
        Operation("create CarePlan (2 kB)", post("/CarePlan", plans), _nothing, 201, 1),
        Operation(
            "transaction of 20 creates", _transactions(region, 20, post), _all_created(20), together=20
        ),
        Operation(
            "transaction of 100 creates", _transactions(region, 100, post), _all_created(100), together=100
        ),
    ]


def _transactions(
    region: Region, size: int, post: Callable[[str, Sequence[bytes]], list[bytes]]
) -> list[bytes]:
    return post("", [creates(region, size, offset * size) for offset in range(20)])


# -- Judges: what is wrong with an answer, or None ------------------------------------------------------


def _nothing(body: bytes) -> None:
    return None


def _is(kind: str) -> Callable[[bytes], str | None]:
    def judge(body: bytes) -> str | None:
        return None if msgspec.json.decode(body)["resourceType"] == kind else f"Expected a {kind}"

    return judge


def _resources(body: bytes) -> list[Json]:
    return [entry["resource"] for entry in msgspec.json.decode(body).get("entry", [])]


def _matches(kind: str, least: int, most: int) -> Callable[[bytes], str | None]:
    def judge(body: bytes) -> str | None:
        found = _resources(body)
        if any(resource["resourceType"] != kind for resource in found) or not least <= len(found) <= most:
            return f"Expected {least} to {most} of {kind}; got {len(found)}"
        return None

    return judge


def _newest_first(body: bytes) -> str | None:
    dates = [resource["effectiveDateTime"] for resource in _resources(body)]
    if len(dates) != 5 or dates != sorted(dates, reverse=True):
        return f"Expected five Observations, the newest first; got {dates}"
    return None


def _with_includes(body: bytes) -> str | None:
    kinds = {resource["resourceType"] for resource in _resources(body)}
    wanted = {"CarePlan", "CareTeam", "Goal", "Patient"}
    return None if kinds == wanted else f"Expected {wanted}; got {kinds}"


def _timeline(body: bytes) -> str | None:
    bundle = msgspec.json.decode(body)
    moments = [entry["response"]["lastModified"] for entry in bundle["entry"]]
    kinds = {resource["resourceType"] for resource in _resources(body)}
    if bundle["type"] != "history" or moments != sorted(moments, reverse=True):
        return "Expected a history, the newest first"
    return (
        None
        if {"CarePlan", "CareTeam", "Goal", "Task"} <= kinds
        else f"Expected a plan and its parts; got {kinds}"
    )


def _all_created(count: int) -> Callable[[bytes], str | None]:
    def judge(body: bytes) -> str | None:
        entries = msgspec.json.decode(body)["entry"]
        if len(entries) != count or any(
            not entry["response"]["status"].startswith("201") for entry in entries
        ):
            return f"Expected {count} created"
        return None

    return judge

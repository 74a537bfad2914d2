"""What validating a CarePlan takes in processor time, beside the check of its structure alone."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from bench import targets
from fhirhub import demo
from fhirhub.resources import document, guide
from fhirhub.resources.validation import structure
from fhirhub.resources.validation.validator import Validator

Json = dict[str, Any]

PATIENTS = 150
BYTES = 1500
"""A plan has at least so many: the activities of several professionals."""
KNOWN = 20
"""Plans that are validated before it is measured: profiles are made ready when they are first asked for."""
ROUNDS = 5


def lines() -> list[str]:
    """The table of the report."""
    plans = _plans()
    profile = guide.url("StructureDefinition", "SharedCarePlan")
    length = sum(len(document.encode(plan)) for plan in plans) // len(plans)
    rows = [
        ("structure alone", _microseconds(plans, lambda validator, plan: structure.validate(plan)), "-"),
        (
            "R4's rules, codes and extensions (`base`)",
            _microseconds(plans, lambda validator, plan: validator.validate(plan, level="base")),
            "-",
        ),
        (
            "and its profile, SharedCarePlan (`profiles`)",
            _microseconds(plans, lambda validator, plan: validator.validate(plan, (profile,))),
            f"< {targets.VALIDATION_MICROSECONDS:,}",
        ),
    ]
    return [
        f"A CarePlan of {length:,} bytes on average, each of {len(plans) - KNOWN} once after {KNOWN} others;"
        f" microseconds of one processor, the best of {ROUNDS} rounds.",
        "",
        "| validated against | microseconds | target |",
        "|---|--:|--:|",
        *(f"| {name} | {value:,.0f} | {target} |" for name, value, target in rows),
    ]


def _plans() -> list[Json]:
    found = [
        document.decode(document.encode(resource))
        for resource in demo.build(PATIENTS)
        if resource["resourceType"] == "CarePlan"
    ]
    return [plan for plan in found if len(document.encode(plan)) >= BYTES]


def _microseconds(plans: list[Json], check: Callable[[Validator, Json], object]) -> float:
    best = float("inf")
    for _ in range(ROUNDS):
        validator = Validator()
        for plan in plans[:KNOWN]:
            check(validator, plan)
        began = time.process_time()
        for plan in plans[KNOWN:]:
            check(validator, plan)
        best = min(best, (time.process_time() - began) / len(plans[KNOWN:]))
    return best * 1_000_000


if __name__ == "__main__":
    print("\n".join(lines()))

"""A region of shared care, made by code: synthetic, Dutch, and the same bytes each time.

A GP practice with district nurses for every two thousand patients, a nursing home with specialists
ouderengeneeskunde, an out-of-hours post, a welfare organisation and a care group. Patient number 12 is
the same person whatever the number of patients. Resources carry the tag HTEST and identifiers from test
ranges.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, islice
from typing import Any

Json = dict[str, Any]

PATIENTS = 50


def build(patients: int = PATIENTS) -> Iterator[Json]:
    """All resources of a region with that many patients, in constant memory; see `groups` for their order."""
    return chain.from_iterable(groups(patients))


def groups(patients: int = PATIENTS) -> Iterator[list[Json]]:
    """The same in groups: definitions, the region, each neighbourhood, then one group for each patient.

    References point backward, but for a plan's activities: those tasks follow the plan at once, in its group.
    Codes are shared between resources, so change nothing below the first level but `meta`.
    """
    # The typed classes that it is made with take as long to load as the hub itself, which only tells of its accounts.
    from fhirhub.demo import patients as making
    from fhirhub.demo import questionnaires, region

    yield questionnaires.build()
    resources, shared = region.regional()
    yield resources
    for number, bsn in enumerate(islice(making.bsns(), patients)):
        if number % region.PATIENTS_A_PRACTICE == 0:
            resources, place = region.neighbourhood(number // region.PATIENTS_A_PRACTICE, shared)
            yield resources
        yield making.build(number + 1, bsn, place)

"""What was kept as long as it had to be: patients about whom nothing changed for so long (RULES R35;
https://wetten.overheid.nl/jci1.3:c:BWBR0005290&artikel=454)."""

from __future__ import annotations

from typing import NamedTuple

from fhirhub.store.database import Reader
from fhirhub.store.sql import Statement


class Due(NamedTuple):
    """A patient's id, when something about them changed last (microseconds since 1970 UTC), and how many resources
    there are."""

    patient: str
    changed: int
    resources: int


async def due(reader: Reader, tenant: int, before: int) -> list[Due]:
    """The patients about whom nothing changed since that moment, the longest ago first. What is about several patients
    is a change to each."""
    rows = await reader.fetch(
        Statement(
            "SELECT r.patient, MAX(r.updated), COUNT(*) FROM resource r WHERE r.tenant = $1 AND r.patient IS NOT NULL "
            "GROUP BY r.patient",
            (tenant,),
            ("int",),
        )
    )
    found: dict[str, Due] = {}
    for patients, changed, count in rows:
        for patient in str(patients).split():
            if "/" in patient:
                continue
            known = found.get(patient, Due(patient, 0, 0))
            found[patient] = Due(patient, max(known.changed, int(changed)), known.resources + int(count))
    return sorted((one for one in found.values() if one.changed < before), key=lambda one: one[1::-1])

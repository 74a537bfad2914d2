"""When a participation ends: its open Tasks are cancelled, and those whom it concerns are told (RULES R10)."""

from __future__ import annotations

from fhirhub.repository import Repository


async def end_participation(unit: Repository, patient: str, actor: str, why: str, now: int) -> None:
    """Ends at `now` what `actor` (`Organization/x` with its people, `Practitioner/x`, `PractitionerRole/x` or
    `RelatedPerson/x`) takes part in for the patient of that id, in the transaction of `unit`, the hub's own. `why` is
    `block`, `withdrawn`, `expired`, `move` or `death`."""

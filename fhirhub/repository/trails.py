"""What an interaction saw and wrote, for the log."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, Protocol

from fhirhub.store.chain import Entry
from fhirhub.store.database import Change

if TYPE_CHECKING:
    from fhirhub.repository.writing import Repository


class Agent(NamedTuple):
    """Who does something, as the log tells it; references are relative, such as `Practitioner/x`."""

    person: str | None = None
    role: str | None = None
    organization: str | None = None
    client: str | None = None
    responsible: str | None = None
    detail: str | None = None
    """What else is known of them, as a form: nothing that a database has to escape."""


class Seen(NamedTuple):
    """One version that a caller was shown."""

    type: str
    id: str
    version: int
    patient: str | None
    label: str | None


@dataclass(slots=True)
class Trail:
    """What one interaction saw and wrote, for the log."""

    interaction: str
    request: str | None = None
    """The request's id."""
    agent: Agent | None = None
    """Who does it, where no token tells."""
    seen: list[Seen] = field(default_factory=list)
    owners: list[tuple[str | None, str | None]] = field(default_factory=list)
    """Of matches and includes: whose they are, and their labels."""
    watches: bool = True
    """Whether what is seen is to be logged."""
    has_written: bool = False
    refused: Refused | None = None
    """The part of it that was refused, and so all."""


class Refused(NamedTuple):
    """What was asked and not had: by which interaction, of which type and id, with which query, about whom."""

    interaction: str
    type: str | None
    id: str | None
    query: str | None
    brought: tuple[str, ...]
    """The patients of the resource that came with it."""


class Write(NamedTuple):
    """One version that was written, for the log."""

    change: Change
    by_hub: bool
    trail: Trail | None


class Recorder(Protocol):
    """Makes records of the log."""

    async def of_writes(self, unit: Repository, writes: Sequence[Write]) -> list[Entry]:
        """The records of what a transaction wrote; `unit` is it."""
        ...

"""What the repositories of one tenant share."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from fhirhub.conformance import Conformance
from fhirhub.repository.outcomes import Effect
from fhirhub.repository.trails import Recorder
from fhirhub.store.database import Database
from fhirhub.store.index.parameters import Parameters
from fhirhub.terminology.judging import Verdicts
from fhirhub.terminology.library import Library

if TYPE_CHECKING:
    from fhirhub.repository.writing import Repository


KEY_BLOCK = 1000


class Rule(Protocol):
    """A rule of the domain that runs inside the transaction of a write, after it and before the commit."""

    @property
    def types(self) -> frozenset[str]:
        """The resource types whose writes it looks at, at this moment."""
        ...

    async def __call__(self, unit: Repository, effect: Effect) -> None:
        """May read and write through `unit`, which is the hub's own and sees all (`unit.asker` is the Access of
        whoever asked for the write, `unit.asker.actor` who that is), and refuses all by raising FhirError."""
        ...

    async def committed(self) -> None:
        """What is done after the commit of a write it looked at, before that is answered."""
        ...


class Keys:
    """Row keys of one tenant, taken from the database in blocks and handed out one by one."""

    def __init__(self, database: Database, tenant: int) -> None:
        self._database = database
        self._tenant = tenant
        self._left: list[int] = []
        self._filling = asyncio.Lock()

    async def ensure(self, count: int) -> None:
        """Makes at least this many ready."""
        while len(self._left) < count:
            async with self._filling:
                if len(self._left) < count:
                    wanted = max(KEY_BLOCK, count)
                    first = await self._database.take_keys(self._tenant, wanted)
                    # Handed out from the end: the lower ones last would still be fine, but growing is better.
                    self._left = list(range(first + wanted - 1, first - 1, -1)) + self._left

    def ready(self) -> bool:
        """Whether one can be had without asking the database."""
        return bool(self._left)

    async def one(self) -> int:
        if not self._left:
            await self.ensure(1)
        return self._left.pop()


@dataclass(slots=True)
class Tenant:
    """One region or care group: what its repositories share."""

    number: int
    name: str
    database: Database
    parameters: Parameters
    keys: Keys
    integrity: bool = True
    care_providers: frozenset[str] = frozenset()
    """The types of organisation that are care providers (RULES R4)."""
    fetch_allow: tuple[str, ...] = ()
    """Hosts that the settings list: asked though they are private, and referred to by shared care."""
    consent_check: str | None = None
    """The address that is asked, beside the Consents here, whether somebody may see a patient; silence is no."""
    draft_days: int | None = 30
    """How long a draft of a response is taken; None for without end."""
    home_watch: bool = False
    """Whether home measurements are watched (RULES R32)."""
    home_watch_accept_seconds: float = 1800.0
    """How long an urgent one may wait until somebody accepts to look."""
    cursor_key: bytes = b""
    search_seconds: float = 10.0
    """How long a search may take, all its statements together."""
    bases: tuple[str, ...] = ()
    rules: tuple[Rule, ...] = ()
    """In the order in which they run."""
    recorder: Recorder | None = None
    """What makes the log; None where none is kept."""
    conformance: Conformance = field(init=False)
    library: Library = field(init=False)
    """Its code systems, value sets and concept maps."""
    verdicts: Verdicts = field(default_factory=Verdicts)
    """What the validator was told of codes that are not in the definitions."""

    def __post_init__(self) -> None:
        self.library = Library(self.database, self.number, self.parameters)
        self.conformance = Conformance(self.database, self.number)

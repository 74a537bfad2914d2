"""What the validator is told about codes: by its own definitions first, then by loaded code systems and the outside
terminology server. What is known nowhere stays unknown, which is not wrong
(https://hl7.org/fhir/R4/terminologies.html#strength).
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Hashable
from typing import TypeVar

from fhirhub.errors import FhirError
from fhirhub.resources.validation.bindings import Terminology, Verdict
from fhirhub.terminology.composition import compose
from fhirhub.terminology.library import Library
from fhirhub.terminology.membership import Coding, in_value_set

T = TypeVar("T")
Key = tuple[str | None, str, str | None]

_REMEMBERED = 50_000
_SECONDS = 30.0
"""How long a verdict is kept: a code system may be loaded, a server may come back."""


class Verdicts:
    """What a tenant's library said lately, beside one set of definitions."""

    def __init__(self) -> None:
        self._local: Terminology | None = None
        self._until = 0.0
        self.known: dict[Key, Verdict] = {}

    def beside(self, local: Terminology) -> dict[Key, Verdict]:
        """Those that still count."""
        now = time.monotonic()
        if local is not self._local or now > self._until or len(self.known) > _REMEMBERED:
            self._local, self._until, self.known = local, now + _SECONDS, {}
        return self.known


class Judge:
    """A Terminology for one validation: `wait` gives what is awaited, in the middle of its plain functions; None
    where nothing may be waited for, so that what is known already is all there is."""

    def __init__(
        self,
        library: Library,
        local: Terminology,
        verdicts: Verdicts,
        wait: Callable[[Awaitable[Verdict]], Verdict] | None,
    ) -> None:
        self._library = library
        self._local = local
        self._known = verdicts.beside(local)
        self._wait = wait

    @property
    def apart(self) -> Hashable:
        """What tells its verdicts from those of another library beside the same definitions."""
        return self._library.besides

    @property
    def may_know_later(self) -> bool:
        """Whether it leaves something unasked."""
        return self._wait is None and self._library.besides is not None

    def validate(self, system: str | None, code: str, value_set: str | None) -> Verdict:
        found = self._local.validate(system, code, value_set)
        is_told = found.exists is not None if value_set is None else found.is_member is not None
        if is_told or not system or not self._library.may_know(system):
            return found
        key = (system, code, value_set)
        known = self._known.get(key)
        if known is None:
            if self._wait is None:
                return found
            known = self._known[key] = self._wait(self._asked(system, code, value_set))
        return known

    async def _asked(self, system: str, code: str, value_set: str | None) -> Verdict:
        """The verdict of the library; unknown where it fails."""
        try:
            here = await self._library.system(system)
            if here is None:
                return await self._library.outside_verdict(system, code, value_set)
            concept = (await here.get([code])).get(code)
            exists = True if concept is not None else False if here.is_complete else None
            displays = tuple(concept.names()) if concept is not None else ()
            if value_set is None:
                return Verdict(None, exists, displays)
            definition = await self._library.value_set(value_set)
            if definition is None:
                return Verdict(None, exists, displays)
            composition = await compose(self._library, definition)
            judged = await in_value_set(self._library, composition, Coding(system, code))
            return Verdict(judged.result, exists, displays)
        except FhirError:
            return Verdict()

"""What validation asks of terminology: a code by what lists its codes, and else by the tenant's library, which knows
the code systems that lie in the database (https://hl7.org/fhir/R4/terminologies.html#strength)."""

from __future__ import annotations

import time

from fhirhub import turns
from fhirhub.errors import FhirError
from fhirhub.resources.canonicals import Canonicals
from fhirhub.resources.validation.bindings import LocalTerminology, Verdict
from fhirhub.terminology import membership
from fhirhub.terminology.composition import compose
from fhirhub.terminology.library import Library
from fhirhub.terminology.membership import Coding

KEPT_SECONDS = 30.0
"""How long an answer of the library counts: a code system that is loaded is heard of after that."""

_MOST_KEPT = 50_000


class TenantTerminology:
    """The terminology of one tenant, as its validator asks it.

    What is listed is judged at once. What is not is asked of the library where the work that asks may wait
    (`turns`); outside of such work it stays unknown.
    """

    def __init__(self, canonicals: Canonicals, library: Library) -> None:
        self._listed = LocalTerminology(canonicals)
        self._library = library
        self._kept: dict[tuple[str | None, str, str | None], tuple[float, Verdict]] = {}
        self._unknown: dict[str, float] = {}
        """Code systems and value sets that nobody knows, and pairs of them that nothing can be told of, until
        when."""

    def validate(self, system: str | None, code: str, value_set: str | None) -> Verdict:
        found = self._listed.validate(system, code, value_set)
        asks_member = value_set is not None and found.is_member is None
        asks_system = system is not None and found.exists is None
        if not asks_member and not asks_system:
            return found
        now = time.monotonic()
        asks_member = asks_member and not self._is_unknown(now, value_set, f"{system} {value_set}")
        asks_system = asks_system and not self._is_unknown(now, system)
        if not asks_member and not asks_system:
            return found
        key = (system, code, value_set)
        kept = self._kept.get(key)
        if kept is not None and kept[0] > now:
            return kept[1]
        turn = turns.here()
        if turn is None or not turn.may_ask:
            return found
        answer = turn.wait(self._asked(found, system, code, value_set if asks_member else None))
        if len(self._kept) >= _MOST_KEPT:
            self._kept.clear()
        self._kept[key] = now + KEPT_SECONDS, answer
        return answer

    def _is_unknown(self, now: float, *names: str | None) -> bool:
        return any(self._unknown.get(name or "", 0.0) > now for name in names)

    def _note_unknown(self, url: str) -> None:
        if len(self._unknown) >= _MOST_KEPT:
            self._unknown.clear()
        self._unknown[url] = time.monotonic() + KEPT_SECONDS

    async def _asked(self, found: Verdict, system: str | None, code: str, value_set: str | None) -> Verdict:
        """The verdict with what the library knows; `value_set` is None where that is judged already."""
        try:
            if system is not None and found.exists is None:
                found = await self._of_system(found, system, code)
            if value_set is not None:
                found = found._replace(is_member=await self._is_member(system, code, value_set))
        except FhirError:
            # A value set that cannot be told apart, or a library that cannot be reached, judges nothing.
            return found
        return found

    async def _of_system(self, found: Verdict, url: str, code: str) -> Verdict:
        system = await self._library.system(url)
        if system is None:
            self._note_unknown(url)
            return found
        concept = (await system.get([code])).get(code)
        if concept is None:
            return found._replace(exists=False) if system.is_complete else found
        return found._replace(exists=True, displays=tuple(concept.names()))

    async def _is_member(self, system: str | None, code: str, url: str) -> bool | None:
        value_set = await self._library.value_set(url)
        if value_set is None:
            self._note_unknown(url)
            return None
        composition = await compose(self._library, value_set)
        judged = await membership.in_value_set(self._library, composition, Coding(system, code))
        if judged.result is None and system is not None and await self._library.system(system) is None:
            self._note_unknown(f"{system} {url}")
        return judged.result

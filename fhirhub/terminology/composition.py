"""A value set made into one expression for each code system that it draws from.

https://hl7.org/fhir/R4/valueset.html#compositions
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from fhirhub import errors
from fhirhub.errors import FhirError
from fhirhub.terminology import expressions, snomed
from fhirhub.terminology.expressions import Codes, Expression, Not, both, either
from fhirhub.terminology.library import Library, is_version, unknown_value_set

Json = dict[str, Any]
Key = tuple[str, str | None]
"""A code system and the version that is asked of it, None where any will do."""

_DEEPEST = 30
_MOST_IMPORTS = 500
"""Value sets that one may draw from, each as often as it is named."""


@dataclass(frozen=True, slots=True)
class Versions:
    """What a request says of versions: by code system."""

    otherwise: Mapping[str, str] = field(default_factory=dict)
    """Where the value set says none (`system-version`)."""
    checked: Mapping[str, str] = field(default_factory=dict)
    """Which no other may be asked instead (`check-system-version`)."""
    forced: Mapping[str, str] = field(default_factory=dict)
    """Whatever the value set says (`force-system-version`)."""

    def of(self, system: str, stated: str | None) -> str | None:
        """The version to be used. Raises FhirError where the one that is stated may not be."""
        if system in self.forced:
            return self.forced[system]
        checked = self.checked.get(system)
        if checked is not None and stated is not None and not is_version(stated, checked):
            raise errors.error(
                422,
                "exception",
                f"The value set asks for version {stated} of {system}; `check-system-version` says {checked}",
            )
        return stated or checked or self.otherwise.get(system)


@dataclass(slots=True)
class Part:
    """What a value set has of one code system.

    `listed` has the concepts that it lists, as it writes them; `is_listed` says that it has no others.
    """

    system: str
    version: str | None
    expression: Expression
    listed: dict[str, Json] = field(default_factory=dict)
    is_listed: bool = True


@dataclass(slots=True)
class Composition:
    """A value set taken apart. `used` are the value sets it draws from; `missing` what they name and is not
    known here, so that what is in cannot be told for certain."""

    parts: dict[Key, Part] = field(default_factory=dict)
    used: dict[str, None] = field(default_factory=dict)
    missing: list[FhirError] = field(default_factory=list)
    active_only: bool = False

    def of(self, system: str, version: str | None = None) -> Iterator[Part]:
        """The parts that may have a code of this system."""
        for (url, asked), part in self.parts.items():
            if url == system and (version is None or asked is None or is_version(version, asked)):
                yield part


async def compose(
    library: Library,
    value_set: Json,
    versions: Versions | None = None,
    above: tuple[str, ...] = (),
    imports: list[str] | None = None,
) -> Composition:
    """The value set taken apart. Raises FhirError where it includes itself or has a filter without meaning."""
    url = str(value_set.get("url") or value_set.get("id") or "the value set given")
    if url in above:
        circle = " > ".join((*above[above.index(url) :], url))
        raise errors.processing(f"The value set {url} includes itself: {circle}")
    if len(above) >= _DEEPEST:
        raise errors.too_costly(f"Value sets lead more than {_DEEPEST} deep into each other")
    imports = [] if imports is None else imports
    imports.append(url)
    if len(imports) > _MOST_IMPORTS:
        raise errors.too_costly(f"The value set {imports[0]} draws from more than {_MOST_IMPORTS} value sets")
    made = Composition()
    if "url" in value_set:
        version = value_set.get("version")
        made.used[f"{url}|{version}" if version else url] = None
    compose = value_set.get("compose")
    if not isinstance(compose, dict):
        _of_expansion(made, value_set)
        return made
    made.active_only = compose.get("inactive") is False
    work = _Work(library, versions or Versions(), (*above, url), imports, made)
    for include in compose.get("include", ()):
        for key, part in (await work.included(include)).items():
            _add(made.parts, key, part)
    for exclude in compose.get("exclude", ()):
        excluded = await work.included(exclude)
        for (system, version), part in made.parts.items():
            for (other, stated), gone in excluded.items():
                if other == system and (stated is None or version is None or stated == version):
                    part.expression = both([part.expression, Not(gone.expression)])
    return made


def _add(parts: dict[Key, Part], key: Key, part: Part) -> None:
    known = parts.get(key)
    if known is None:
        parts[key] = part
        return
    known.expression = either([known.expression, part.expression])
    known.listed = {**part.listed, **known.listed} if not known.listed else known.listed | part.listed
    known.is_listed = known.is_listed and part.is_listed


def _of_expansion(made: Composition, value_set: Json) -> None:
    """A value set that is given as its expansion alone."""
    expansion = value_set.get("expansion")
    pending = list(reversed(expansion.get("contains", ()))) if isinstance(expansion, dict) else []
    listed: dict[str, dict[str, Json]] = {}
    while pending:
        each = pending.pop()
        pending += reversed(each.get("contains", ()))
        if "code" in each and not each.get("abstract"):
            listed.setdefault(str(each.get("system", "")), {})[each["code"]] = each
    for system, concepts in listed.items():
        made.parts[system, None] = Part(system, None, Codes(tuple(concepts)), concepts)


@dataclass(slots=True)
class _Work:
    library: Library
    versions: Versions
    above: tuple[str, ...]
    imports: list[str]
    made: Composition

    async def included(self, include: Json) -> dict[Key, Part]:
        """What an include or exclude means: what its system and all its value sets have in common."""
        imported = [await self.imported(str(url)) for url in include.get("valueSet", ())]
        if "system" not in include:
            if not imported:
                return {}
            first, *others = imported
            return self.common(first, others)
        system = str(include["system"])
        version = self.versions.of(system, include.get("version"))
        own = Part(system, version, self.expression(system, include))
        own.listed = {str(one.get("code")): one for one in include.get("concept", ())}
        own.is_listed = "concept" in include
        return self.common({(system, version): own}, imported)

    def common(self, first: dict[Key, Part], others: Sequence[dict[Key, Part]]) -> dict[Key, Part]:
        found: dict[Key, Part] = {}
        for (system, version), part in first.items():
            nodes = [part.expression]
            listed, is_listed = dict(part.listed), part.is_listed
            for other in others:
                same = [
                    each
                    for (name, stated), each in other.items()
                    if name == system and (stated is None or version is None or stated == version)
                ]
                nodes.append(either([each.expression for each in same]))
                for each in same:
                    listed = {**each.listed, **listed}
                is_listed = is_listed or all(each.is_listed for each in same)
            found[system, version] = Part(system, version, both(nodes), listed, is_listed)
        return found

    def expression(self, system: str, include: Json) -> Expression:
        if "concept" in include:
            return Codes(tuple(str(one.get("code")) for one in include["concept"]))
        is_snomed = system == snomed.SYSTEM
        nodes = []
        for given in include.get("filter", ()):
            special = snomed.of_filter(given) if is_snomed else None
            nodes.append(special if special is not None else expressions.of_filter(given, system))
        return both(nodes)

    async def imported(self, canonical: str) -> dict[Key, Part]:
        try:
            value_set = await self.library.value_set(canonical)
        except FhirError as fault:
            self.made.missing.append(fault)
            return {}
        if value_set is None:
            self.made.missing.append(unknown_value_set(canonical, 422))
            return {}
        inner = await compose(self.library, value_set, self.versions, self.above, self.imports)
        self.made.used |= inner.used
        self.made.missing += inner.missing
        if inner.active_only:
            for part in inner.parts.values():
                part.expression = both([part.expression, expressions.ACTIVE])
                part.is_listed = False
        return inner.parts

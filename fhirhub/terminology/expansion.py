"""ValueSet `$expand`: the codes of a value set (https://hl7.org/fhir/R4/valueset-operation-expand.html)."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from fhirhub import errors
from fhirhub.terminology.composition import Composition, Key, Part, Versions, compose
from fhirhub.terminology.concepts import Concept, has_words, tokens
from fhirhub.terminology.expressions import Having, Not, both, listed_in, told
from fhirhub.terminology.library import Library
from fhirhub.terminology.systems import CodeSystem, ListedSystem

Json = dict[str, Any]

MOST = 10_000
"""Codes in one answer."""
PARAMETERS = (
    *("url", "valueSet", "valueSetVersion", "context", "contextDirection", "filter", "date", "offset"),
    *("count", "includeDesignations", "designation", "includeDefinition", "activeOnly", "excludeNested"),
    *("excludeNotForUI", "excludePostCoordinated", "displayLanguage", "exclude-system"),
    *("system-version", "check-system-version", "force-system-version"),
)
"""Those of the operation."""


@dataclass(frozen=True, slots=True)
class Request:
    """How a value set is to be expanded; the names are those of the operation's parameters."""

    filter: str | None = None
    offset: int = 0
    count: int | None = None
    include_designations: bool = False
    designation: tuple[str, ...] = ()
    active_only: bool = False
    exclude_nested: bool = False
    exclude_not_for_ui: bool = False
    languages: tuple[str, ...] = ()
    exclude_system: tuple[str, ...] = ()
    versions: Versions = field(default_factory=Versions)

    @property
    def is_paged(self) -> bool:
        return self.count is not None or self.offset > 0


@dataclass(slots=True)
class _Source:
    """A part with the code system it is of, None where that is not known and the part lists its codes."""

    part: Part
    system: CodeSystem | None


async def expand(library: Library, value_set: Json, asked: Request, moment: str) -> Json:
    """The `expansion` of a value set. Raises FhirError: `not-found` for what is not known, `too-costly`."""
    composition = await compose(library, value_set, asked.versions)
    for fault in composition.missing:
        raise fault
    sources = await _sources(library, composition, asked)
    active_only = asked.active_only or composition.active_only
    words = tokens(asked.filter or "")
    if asked.filter and not words:
        words = [asked.filter.casefold()]
    expansion: Json = {
        "identifier": f"urn:uuid:{uuid.uuid4()}",
        "timestamp": moment,
    }
    nested = _nested(sources, asked, words, active_only)
    if nested is not None:
        contains, total = nested
        if total > MOST:
            raise _too_many(total)
    else:
        contains, found_total = await _flat(sources, asked, words, active_only)
        total = found_total if found_total is not None else -1
    if total >= 0:
        expansion["total"] = total
    if asked.is_paged:
        expansion["offset"] = asked.offset
    expansion["parameter"] = [
        *({"name": "used-codesystem", "valueUri": name} for name in _used(sources)),
        *({"name": "used-valueset", "valueUri": name} for name in composition.used),
    ]
    if not expansion["parameter"]:
        del expansion["parameter"]
    if contains:
        expansion["contains"] = contains
    return expansion


def _used(sources: Iterable[_Source]) -> list[str]:
    found: dict[str, None] = {}
    for source in sources:
        version = source.system.version if source.system is not None else source.part.version
        url = source.part.system
        if url:
            found[f"{url}|{version}" if version else url] = None
    return list(found)


async def _sources(library: Library, composition: Composition, asked: Request) -> list[_Source]:
    found = []
    for key, part in composition.parts.items():
        if _is_excluded(key, asked.exclude_system):
            continue
        system = await library.system(part.system, part.version)
        if asked.exclude_not_for_ui and system is not None:
            part.expression = both([part.expression, _SELECTABLE])
        if system is None and (not part.is_listed or listed_in(part.expression) is None):
            raise await library.unknown_system(part.system, part.version, 422)
        found.append(_Source(part, system))
    return found


_SELECTABLE = Not(Having("notSelectable", ("true",)))


def _is_excluded(key: Key, excluded: Sequence[str]) -> bool:
    for each in excluded:
        url, _, version = each.partition("|")
        if key[0] == url and (not version or key[1] is None or key[1] == version):
            return True
    return False


async def _flat(
    sources: Sequence[_Source], asked: Request, words: list[str], active_only: bool
) -> tuple[list[Json], int | None]:
    """The codes of one page, and how many there are."""
    offset = asked.offset
    wanted = MOST + 1 if asked.count is None else min(asked.count, MOST)
    contains: list[Json] = []
    total: int | None = 0
    for source in sources:
        if source.system is None:
            concepts = _without_system(source.part, words)
            page, count = concepts[offset : offset + wanted], len(concepts)
            known: int | None = count
        else:
            listed = list(source.part.listed) if source.part.is_listed else None
            found = await source.system.page(
                source.part.expression,
                words,
                active_only=active_only,
                offset=offset,
                count=wanted,
                listed=listed,
            )
            page, known = list(found.concepts), found.total
        contains += [_shown(source, concept, asked) for concept in page]
        total = None if total is None or known is None else total + known
        wanted -= len(page)
        if known is not None:
            offset = max(0, offset - known)
        elif page:
            offset = 0
        if asked.count is None and (wanted <= 0 or (total is not None and total > MOST)):
            raise _too_many(total)
    return contains, total


def _too_many(total: int | None) -> errors.FhirError:
    found = f"{total:,} codes" if total is not None else f"more than {MOST:,} codes"
    return errors.too_costly(
        f"The expansion has {found}; at most {MOST:,} are given at once. Ask for a page by `count` and "
        "`offset`, or narrow it by `filter`."
    )


def _without_system(part: Part, words: list[str]) -> list[Concept]:
    """The codes of a part that lists them, of a code system that is not known here."""
    found = []
    for code in listed_in(part.expression) or ():
        written = part.listed.get(code, {})
        concept = Concept(code, written.get("display"), designations=tuple(written.get("designation", ())))
        if told(part.expression, code) and (not words or has_words([*concept.names(), code], words)):
            found.append(concept)
    return found


def _shown(source: _Source, concept: Concept, asked: Request) -> Json:
    part, system = source.part, source.system
    written = part.listed.get(concept.code, {})
    shown: Json = {"system": part.system} if part.system else {}
    if part.version and system is not None and system.version:
        shown["version"] = system.version
    elif part.version:
        shown["version"] = part.version
    if concept.abstract:
        shown["abstract"] = True
    if concept.inactive:
        shown["inactive"] = True
    shown["code"] = concept.code
    own = written.get("display")
    language = system.language if system is not None else None
    display = concept.display_in(asked.languages, language)
    if own and (not asked.languages or display == concept.display):
        display = own
    for each in written.get("designation", ()) if asked.languages else ():
        if any(str(each.get("language", "")).lower() == one.lower() for one in asked.languages):
            display = each.get("value", display)
    if display:
        shown["display"] = display
    if asked.include_designations or asked.designation:
        chosen = [
            {key: each[key] for key in ("language", "use", "value") if key in each}
            for each in (*written.get("designation", ()), *concept.designations)
            if "value" in each and (not asked.designation or _is_asked(each, asked.designation))
        ]
        unique = [each for place, each in enumerate(chosen) if each not in chosen[:place]]
        if unique:
            shown["designation"] = unique
    return shown


def _is_asked(designation: Json, asked: Sequence[str]) -> bool:
    """Whether it is of a language or use that is asked for, as `urn:ietf:bcp:47|nl`, `nl` or a use's
    `system|code`."""
    use = designation.get("use") or {}
    language = str(designation.get("language", "")).lower()
    for each in asked:
        system, bar, code = each.rpartition("|")
        if system in ("", "urn:ietf:bcp:47") and language and language == code.lower():
            return True
        if use.get("code") == code and (not bar or use.get("system") == system):
            return True
    return False


# Hierarchies


def _nested(
    sources: Sequence[_Source], asked: Request, words: list[str], active_only: bool
) -> tuple[list[Json], int] | None:
    """The codes as a tree and their number, where the value set is of one code system with a hierarchy and
    neither a page, nor words, nor a flat list is asked for."""
    if asked.exclude_nested or asked.exclude_not_for_ui or asked.is_paged or words or len(sources) != 1:
        return None
    source = sources[0]
    system = source.system
    if not isinstance(system, ListedSystem) or not system.is_hierarchical or source.part.is_listed:
        return None
    members = {
        concept.code: concept
        for concept in system.members(source.part.expression, (), active_only=active_only, listed=None)
    }
    shown = {code: _shown(source, concept, asked) for code, concept in members.items()}
    roots = []
    for code, concept in members.items():
        above = next((each for each in concept.parents if each in members and each != code), None)
        if above is None:
            roots.append(shown[code])
        else:
            shown[above].setdefault("contains", []).append(shown[code])
    return roots, len(members)

"""Value sets and hierarchies of codes as a search asks for them: `:in`, `:not-in`, `:below`, `:above`.

https://hl7.org/fhir/R4/search.html#token
"""

from __future__ import annotations

from collections.abc import Iterable

from fhirhub import errors
from fhirhub.errors import FhirError
from fhirhub.resources import references
from fhirhub.store.index.comparison import split, unescape
from fhirhub.store.index.token import CodeSet
from fhirhub.terminology.composition import Part, compose
from fhirhub.terminology.expressions import ACTIVE, Expression, Over, Under, both, listed_in, told
from fhirhub.terminology.library import Library
from fhirhub.terminology.stored import StoredSystem
from fhirhub.terminology.supplemented import SupplementedSystem
from fhirhub.terminology.systems import CodeSystem, ListedSystem

LISTED = 1_000
"""Codes of a code system in the database are listed up to this number; of more the codes in use are tested."""
_MOST_VALUES = 20


async def code_sets(
    library: Library, base: str, asked: Iterable[tuple[str, str]]
) -> dict[tuple[str, str], list[CodeSet] | FhirError]:
    """By modifier and value, the codes that are meant, or why they cannot be told: that counts for parameters
    of codes alone, as a `:below` may be one of URLs."""
    found: dict[tuple[str, str], list[CodeSet] | FhirError] = {}
    for modifier, value in asked:
        try:
            found[modifier, value] = await _meant(library, base, modifier, value)
        except ValueError as fault:
            found[modifier, value] = errors.invalid(f"`:{modifier}` {fault}")
        except FhirError as fault:
            # In a search the status is about the parameter, not about the path.
            found[modifier, value] = FhirError(
                400 if fault.status in (404, 422) else fault.status, fault.issues
            )
    return found


async def _meant(library: Library, base: str, modifier: str, value: str) -> list[CodeSet]:
    parts = [part for part in split(value, ",") if part]
    if not parts or len(parts) > _MOST_VALUES:
        raise ValueError(f"expects 1 to {_MOST_VALUES} values; got {len(parts)}")
    sets: list[CodeSet] = []
    for part in parts:
        if modifier in ("in", "not-in"):
            sets += await _of_value_set(library, base, unescape(part))
        else:
            sets.append(await _of_hierarchy(library, modifier, part))
    return sets


async def _of_value_set(library: Library, base: str, reference: str) -> list[CodeSet]:
    local = references.parse(reference, base)
    if local.is_local and local.type == "ValueSet" and local.id is not None:
        value_set = await library.stored("ValueSet", local.id)
    else:
        value_set = await library.value_set(reference)
    if value_set is None:
        raise errors.not_found(
            f"The value set {reference[:300]} is not known here; `:in` takes the URL of a value set or ValueSet/[id]"
        )
    composition = await compose(library, value_set)
    for fault in composition.missing:
        raise fault
    found = []
    for part in composition.parts.values():
        system = await library.system(part.system, part.version)
        node = both([part.expression, ACTIVE]) if composition.active_only else part.expression
        if system is not None:
            found.append(await _set(system, node))
        else:
            found.append(await _without_system(library, part))
    return found


async def _without_system(library: Library, part: Part) -> CodeSet:
    listed = listed_in(part.expression)
    if listed is None or not part.is_listed:
        raise await library.unknown_system(part.system, part.version)
    return CodeSet(part.system, tuple(code for code in listed if told(part.expression, code)))


async def _of_hierarchy(library: Library, modifier: str, value: str) -> CodeSet:
    parts = split(value, "|")
    if len(parts) != 2 or not all(parts):
        raise ValueError("expects system|code, since a hierarchy is one of a code system")
    url, code = unescape(parts[0]), unescape(parts[1])
    system = await library.system(url)
    if system is None:
        raise await library.unknown_system(url)
    found = (await system.get([code])).get(code)
    if found is None:
        return CodeSet(url, (code,))
    return await _set(system, Under(found.code, itself=True) if modifier == "below" else Over(found.code))


async def _set(system: CodeSystem, node: Expression) -> CodeSet:
    if isinstance(system, SupplementedSystem):
        system = system.base
    if isinstance(system, StoredSystem):
        few = await system.few(node, LISTED)
        if few is not None:
            return CodeSet(system.url, tuple(few))
        test = await system.test(node)
        return CodeSet(system.url, (), system.edition, test.sql, test.values, test.kinds)
    if not isinstance(system, ListedSystem):
        listed = listed_in(node)
        if listed is None:
            raise errors.too_costly(f"The codes of {system.url} are made by rule and have no end")
        return CodeSet(system.url, tuple(await system.meeting(node, list(listed))))
    members = system.members(node, (), active_only=False, listed=None)
    return CodeSet(system.url, tuple(each.code for each in members))

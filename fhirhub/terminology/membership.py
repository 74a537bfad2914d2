"""Whether codes are in a code system or value set, and named rightly.

https://hl7.org/fhir/R4/valueset-operation-validate-code.html
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from fhirhub.terminology.composition import Composition
from fhirhub.terminology.concepts import Concept
from fhirhub.terminology.expressions import ACTIVE, both, told
from fhirhub.terminology.library import Library
from fhirhub.terminology.systems import CodeSystem, display_fault

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Coding:
    """A code that is asked about; `system` is None where the value set is to tell it."""

    system: str | None
    code: str
    version: str | None = None
    display: str | None = None

    def __str__(self) -> str:
        return f"`{self.code[:100]}` of {self.system[:300]}" if self.system else f"`{self.code[:100]}`"


@dataclass(frozen=True, slots=True)
class Judgement:
    """`result` is None where it cannot be told; `message` says why it is not True, or what to mind."""

    result: bool | None
    message: str | None = None
    display: str | None = None
    concept: Concept | None = None
    system: str | None = None


async def in_system(
    system: CodeSystem, coding: Coding, *, abstract: bool | None = None, languages: Sequence[str] = ()
) -> Judgement:
    """Whether the code system has the code, and calls it so."""
    found = (await system.get([coding.code])).get(coding.code)
    if found is None:
        known = f"The code system {system.url}"
        if not system.is_complete:
            text = f"{known} is known here in part only, without `{coding.code[:100]}`"
            return Judgement(False, text, system=system.url)
        return Judgement(False, f"{known} has no code `{coding.code[:100]}`", system=system.url)
    display = found.display_in(languages, system.language)
    fault = display_fault(found, coding.display)
    if abstract is False and found.abstract:
        fault = f"`{found.code}` only groups others (it is abstract)"
    return Judgement(fault is None, fault or (_remark(found)), display or None, found, system.url)


def _remark(concept: Concept) -> str | None:
    return f"`{concept.code}` is no longer in use (inactive)" if concept.inactive else None


async def in_value_set(
    library: Library,
    composition: Composition,
    coding: Coding,
    *,
    abstract: bool | None = None,
    languages: Sequence[str] = (),
    name: str = "the value set",
) -> Judgement:
    """Whether the value set has the code, and calls it so. Without a system every one that it draws from is
    tried."""
    systems = [coding.system] if coding.system is not None else [url for url, _ in composition.parts]
    unknown: str | None = None
    display_wrong: Judgement | None = None
    found: list[Judgement] = []
    for url in dict.fromkeys(systems):
        for part in composition.of(url, coding.version):
            system = await library.system(part.system, coding.version or part.version)
            written = part.listed.get(coding.code, {})
            if system is None:
                is_in = told(part.expression, coding.code)
                if is_in and coding.version not in (None, part.version):
                    is_in = None  # nor is it known whether that version has the code
                if is_in is None:
                    fault = await library.unknown_system(part.system, coding.version or part.version)
                    unknown = f"{fault}, so that {coding} could not be checked against {name}"
                elif is_in:
                    concept = Concept(coding.code, written.get("display"))
                    wrong = display_fault(concept, coding.display)
                    found.append(Judgement(wrong is None, wrong, concept.display, concept, part.system))
                continue
            node = both([part.expression, ACTIVE]) if composition.active_only else part.expression
            if not await system.meeting(node, [coding.code]):
                continue
            judged = await in_system(system, coding, abstract=abstract, languages=languages)
            own = written.get("display")
            if own and judged.concept is not None:
                named = Concept(coding.code, own, designations=tuple(written.get("designation", ())))
                if judged.result is False and display_fault(named, coding.display) is None:
                    judged = Judgement(True, None, own, judged.concept, judged.system)
                elif not languages:
                    judged = Judgement(judged.result, judged.message, own, judged.concept, judged.system)
            if judged.result:
                found.append(judged)
            else:
                display_wrong = judged
    if len(found) > 1 and coding.system is None and len({each.system for each in found}) > 1:
        listed = ", ".join(str(each.system) for each in found)
        return Judgement(False, f"{coding} is a code of several systems of {name}: {listed}. Say which.")
    if found:
        return found[0]
    if display_wrong is not None:
        return display_wrong
    if unknown is not None:
        return Judgement(None, unknown)
    if composition.missing:
        return Judgement(
            None, f"{composition.missing[0]}, so that {coding} could not be checked against {name}"
        )
    return Judgement(False, await _why_not(library, coding, name))


async def _why_not(library: Library, coding: Coding, name: str) -> str:
    text = f"{coding} is not in {name}"
    if coding.system is None:
        return text
    system = await library.system(coding.system, coding.version)
    if system is None:
        return f"{text}; the code system {coding.system[:300]} is not known here"
    if not await system.get([coding.code]) and system.is_complete:
        return f"{text}; the code system has no such code either"
    return text

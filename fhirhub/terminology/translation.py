"""ConceptMap `$translate`: codes of one system as codes of another.

https://hl7.org/fhir/R4/conceptmap-operation-translate.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from fhirhub.terminology.membership import Coding

Json = dict[str, Any]

NO_MATCH = frozenset({"unmatched", "disjoint"})
_INVERSE = {
    "wider": "narrower",
    "narrower": "wider",
    "subsumes": "specializes",
    "specializes": "subsumes",
}


@dataclass(frozen=True, slots=True)
class Match:
    """One translation."""

    equivalence: str
    concept: Json | None
    map: str | None
    products: Sequence[Json] = ()
    comment: str | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """What is to be translated. `source` and `target` are value sets, `target_system` a code system;
    `dependencies` are codings by the element they are of."""

    coding: Coding
    source: str | None = None
    target: str | None = None
    target_system: str | None = None
    reverse: bool = False
    dependencies: Mapping[str, Sequence[Json]] = field(default_factory=dict)


def translate(concept_map: Json, question: Question) -> list[Match]:
    """What the map makes of the coding; several where it has several."""
    source, target = scopes(concept_map)
    if question.reverse:
        source, target = target, source
    if _differs(question.source, source) or _differs(question.target, target):
        return []
    url = concept_map.get("url")
    version = concept_map.get("version")
    name = f"{url}|{version}" if url and version else url
    found = []
    for group in concept_map.get("group", ()):
        matches = _backward(group, question) if question.reverse else _forward(group, question)
        found += [Match(m.equivalence, m.concept, name, m.products, m.comment) for m in matches]
    return found


def scopes(concept_map: Json) -> tuple[str | None, str | None]:
    """The value sets that the map is from and to."""
    return (
        concept_map.get("sourceCanonical") or concept_map.get("sourceUri"),
        concept_map.get("targetCanonical") or concept_map.get("targetUri"),
    )


def others(concept_map: Json, question: Question) -> Iterator[str]:
    """The maps that this one names for what it does not map."""
    for group in concept_map.get("group", ()):
        unmapped = group.get("unmapped") or {}
        is_of_system = group.get("source") in (None, question.coding.system)
        if is_of_system and unmapped.get("mode") == "other-map" and isinstance(unmapped.get("url"), str):
            yield unmapped["url"]


def _differs(asked: str | None, given: str | None) -> bool:
    return asked is not None and given is not None and asked.partition("|")[0] != given.partition("|")[0]


def _forward(group: Json, question: Question) -> Iterable[Match]:
    system = question.coding.system
    if system is not None and group.get("source") not in (None, system):
        return []
    if question.target_system is not None and group.get("target") != question.target_system:
        return []
    found = []
    is_there = False
    for element in group.get("element", ()):
        if element.get("code") != question.coding.code:
            continue
        is_there = True
        targets = element.get("target")
        if not targets:
            found.append(Match("unmatched", None, None))
        for target in targets or ():
            if _depends(target, question):
                found.append(
                    Match(
                        str(target.get("equivalence", "equivalent")),
                        _coding(group.get("target"), group.get("targetVersion"), target),
                        None,
                        [_product(each) for each in target.get("product", ())],
                        target.get("comment"),
                    )
                )
    return found if is_there else _unmapped(group, question)


def _unmapped(group: Json, question: Question) -> list[Match]:
    unmapped = group.get("unmapped") or {}
    target, version = group.get("target"), group.get("targetVersion")
    if unmapped.get("mode") == "provided":
        return [Match("equal", _coding(target, version, {"code": question.coding.code}), None)]
    if unmapped.get("mode") == "fixed" and "code" in unmapped:
        return [Match("inexact", _coding(target, version, unmapped), None)]
    return []


def _backward(group: Json, question: Question) -> Iterable[Match]:
    system = question.coding.system
    if system is not None and group.get("target") not in (None, system):
        return []
    if question.target_system is not None and group.get("source") != question.target_system:
        return []
    found = []
    for element in group.get("element", ()):
        for target in element.get("target", ()):
            if target.get("code") == question.coding.code:
                equivalence = str(target.get("equivalence", "equivalent"))
                coding = _coding(group.get("source"), group.get("sourceVersion"), element)
                found.append(
                    Match(_INVERSE.get(equivalence, equivalence), coding, None, (), target.get("comment"))
                )
    return found


def _depends(target: Json, question: Question) -> bool:
    """Whether what the translation depends on is as the question says."""
    for each in target.get("dependsOn", ()):
        given = question.dependencies.get(str(each.get("property")))
        if given is None:
            return False
        system, value = each.get("system"), each.get("value")
        if not any(
            (one.get("code") == value and (system is None or one.get("system") == system))
            or (system is None and one.get("display") == value)
            for one in given
        ):
            return False
    return True


def _coding(system: object, version: object, concept: Json) -> Json | None:
    coding: Json = {}
    for key, value in (
        ("system", system),
        ("version", version),
        ("code", concept.get("code")),
        ("display", concept.get("display")),
    ):
        if value:
            coding[key] = value
    return coding if "code" in coding else None


def _product(given: Json) -> Json:
    concept = {
        key: value
        for key, value in (
            ("system", given.get("system")),
            ("code", given.get("value")),
            ("display", given.get("display")),
        )
        if value
    }
    return {"element": given.get("property"), "concept": concept}

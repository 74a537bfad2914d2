"""Code systems, value sets and concept maps in themselves, and against the code systems that are known.

https://hl7.org/fhir/R4/codesystem.html, https://hl7.org/fhir/R4/valueset.html#compositions,
https://hl7.org/fhir/R4/conceptmap.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from fhirhub.resources.fhirpath import Item
from fhirhub.resources.validation import filters
from fhirhub.resources.validation.examination import Examination, Scope

Json = dict[str, Any]

MOST_CODES = 20_000
"""How many codes of one resource are looked up."""

_is_absolute = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:").match


def _list(value: Json, name: str) -> list[tuple[int, Json]]:
    found = value.get(name)
    return [
        (n, each) for n, each in enumerate(found if isinstance(found, list) else ()) if isinstance(each, dict)
    ]


def _value(given: Json, prefix: str = "value") -> tuple[str, Any] | None:
    for key, found in given.items():
        if key.startswith(prefix) and key[len(prefix) : len(prefix) + 1].isupper():
            return key, found
    return None


# CodeSystem

_PROPERTY_VALUES = {
    "code": "valueCode",
    "Coding": "valueCoding",
    "string": "valueString",
    "integer": "valueInteger",
    "boolean": "valueBoolean",
    "dateTime": "valueDateTime",
    "decimal": "valueDecimal",
}
_OF_HIERARCHY = frozenset({"parent", "child", "subsumedBy"})


def _concepts(value: Json, path: str = "") -> Iterator[tuple[str, Json]]:
    pending = [(f"{path}.concept[{n}]", each) for n, each in _list(value, "concept")]
    while pending:
        at, concept = pending.pop()
        yield at, concept
        pending += [(f"{at}.concept[{n}]", each) for n, each in _list(concept, "concept")]


def check_code_system(examination: Examination, scope: Scope, item: Item) -> None:
    """Tell where a CodeSystem contradicts itself."""
    value = item.value
    content, supplements = value.get("content"), value.get("supplements")
    if content == "supplement" and not isinstance(supplements, str):
        text = "A supplement says in `supplements` which code system it adds to"
        examination.tell("error", "business-rule", text, item)
    elif content != "supplement" and supplements is not None:
        text = f"What supplements {supplements} has the content supplement; got {content}"
        examination.tell("error", "business-rule", text, item, below=".content")
    concepts = list(_concepts(value))
    if content == "not-present" and concepts:
        text = "The content is said not to be present, but there are concepts"
        examination.tell("error", "business-rule", text, item, below=".concept")
    count = value.get("count")
    if content == "complete" and isinstance(count, int) and count != len(concepts):
        text = f"There are {len(concepts)} concepts; the count says {count}"
        examination.tell("error", "business-rule", text, item, below=".count")
    _check_properties(examination, item, concepts)
    _check_all_codes(examination, item)
    if content == "supplement" and isinstance(supplements, str):
        _check_supplement(examination, item, concepts, supplements.partition("|")[0])


def _check_all_codes(examination: Examination, item: Item) -> None:
    """The value set that a code system names is of all its codes (codesystem-definitions.html#CodeSystem.valueSet)."""
    url, named = item.value.get("url"), item.value.get("valueSet")
    found = examination.canonicals.find("ValueSet", named) if isinstance(named, str) else None
    if found is None or item.value.get("content") == "supplement":
        return
    included = (found.get("compose") or {}).get("include") or []
    is_whole = len(included) == 1 and set(included[0]) <= {"system", "version", "id", "extension"}
    if not is_whole or included[0].get("system") != url or "exclude" in found["compose"]:
        text = f"The value set of a code system has all its codes and no others; {named} is another"
        examination.tell("error", "business-rule", text, item, below=".valueSet")


def _check_properties(examination: Examination, item: Item, concepts: list[tuple[str, Json]]) -> None:
    types: dict[str, str] = {}
    uris: set[str] = set()
    for position, defined in _list(item.value, "property"):
        code, uri = str(defined.get("code")), defined.get("uri")
        below = f".property[{position}]"
        if code in types:
            examination.tell(
                "error", "business-rule", f"The property {code} is defined twice", item, below=below
            )
        types[code] = str(defined.get("type"))
        if isinstance(uri, str):
            if not _is_absolute(uri):
                text = f"The uri of a property is absolute; got `{uri[:80]}`"
                examination.tell("error", "value", text, item, below=f"{below}.uri")
            elif uri in uris:
                text = f"Another property has the uri {uri}"
                examination.tell_beyond("business-rule", text, item, below=f"{below}.uri")
            uris.add(uri)
            fault = _standard_fault(item, code, uri, types[code])
            if fault is not None:
                examination.tell_beyond("business-rule", fault, item, below=f"{below}.uri")
    codes = {concept.get("code") for _, concept in concepts}
    is_whole = item.value.get("content") == "complete"
    for at, concept in concepts[:MOST_CODES]:
        for position, given in _list(concept, "property"):
            found = _value(given)
            if found is None:
                continue
            name, wanted = str(given.get("code")), _PROPERTY_VALUES.get(types.get(str(given.get("code")), ""))
            below = f"{at}.property[{position}]"
            if (
                name not in types
                and name not in filters.STANDARD
                and item.value.get("content") != "supplement"
            ):
                text = f"CodeSystem.property defines no {name[:80]}"
                examination.tell_beyond("business-rule", text, item, below=f"{below}.code")
            if wanted is not None and found[0] != wanted:
                text = f"The property {name} is defined as {types[name]}; got {found[0]}"
                examination.tell("error", "business-rule", text, item, below=f"{below}.value")
            elif is_whole and name in _OF_HIERARCHY and found[0] == "valueCode" and found[1] not in codes:
                text = f"The code system has no code `{str(found[1])[:80]}`"
                examination.tell("error", "code-invalid", text, item, below=f"{below}.value")


_STANDARD = "http://hl7.org/fhir/concept-properties#"


def _standard_fault(item: Item, code: str, uri: str, type: str) -> str | None:
    """What is wrong with a property that stands for one of FHIR's own."""
    if not uri.startswith(_STANDARD) or str(item.value.get("url")).startswith("http://hl7.org/fhir"):
        return None
    name = uri.removeprefix(_STANDARD)
    if name not in filters.STANDARD:
        return f"FHIR has no concept property {name[:80]}"
    if code in filters.STANDARD and code != name:
        return f"{uri} is the property {name}; got the code {code}"
    return None if type == filters.STANDARD[name] else f"{uri} is a {filters.STANDARD[name]}; got {type}"


def _check_supplement(
    examination: Examination, item: Item, concepts: list[tuple[str, Json]], system: str
) -> None:
    base = examination.canonicals.find("CodeSystem", system) or {}
    own, meaning = item.value.get("hierarchyMeaning"), base.get("hierarchyMeaning")
    if own is not None and meaning is not None and own != meaning:
        text = f"The hierarchyMeaning is {meaning}, that of {system}; got {own}"
        examination.tell("error", "business-rule", text, item, below=".hierarchyMeaning")
    for at, concept in concepts[:MOST_CODES]:
        code = concept.get("code")
        if isinstance(code, str) and examination.terminology.validate(system, code, None).exists is False:
            text = f"The code system {system}, which this supplements, has no code `{code[:80]}`"
            examination.tell("error", "code-invalid", text, item, below=f"{at}.code")


# ValueSet


def check_value_set(examination: Examination, scope: Scope, item: Item) -> None:
    """Tell where a ValueSet includes what there is not."""
    compose = item.value.get("compose")
    if not isinstance(compose, dict):
        return
    for name in ("include", "exclude"):
        for position, include in _list(compose, name):
            _check_include(examination, item, include, f".compose.{name}[{position}]")


def _check_include(examination: Examination, item: Item, include: Json, at: str) -> None:
    system = include.get("system")
    if not isinstance(system, str):
        return
    below = f"{at}.system"
    if "|" in system:
        # A warning, since R4's own value sets of HL7 version 2 have it.
        text = f"The version of a code system stands in `version`: {system.partition('|')[0]}"
        examination.tell("warning", "value", text, item, below=below)
        system = system.partition("|")[0]
    if not _is_absolute(system):
        text = f"The system is the absolute URL of a code system; got `{system[:80]}`"
        examination.tell("error", "value", text, item, below=below)
        return
    canonicals = examination.canonicals
    definition = canonicals.find("CodeSystem", system)
    if definition is None and canonicals.find("ValueSet", system) is not None:
        text = f"The system is a code system; {system[:200]} is a value set"
        examination.tell("error", "value", text, item, below=below)
        return
    if definition is not None and definition.get("content") == "supplement":
        text = f"{system} is a supplement of {definition.get('supplements')}, which is the system to name"
        examination.tell("error", "value", text, item, below=below)
        return
    is_retired = item.value.get("status") == "retired"
    for position, concept in _list(include, "concept")[:MOST_CODES]:
        code = concept.get("code")
        if isinstance(code, str) and examination.terminology.validate(system, code, None).exists is False:
            text = f"The code system {system} has no code `{code[:80]}`"
            where = f"{at}.concept[{position}].code"
            examination.tell("warning" if is_retired else "error", "code-invalid", text, item, below=where)
    for position, given in _list(include, "filter"):
        filters.check(examination, item, system, given, f"{at}.filter[{position}]")


# ConceptMap


def check_concept_map(examination: Examination, scope: Scope, item: Item) -> None:
    """Tell which codes of a ConceptMap their code systems or value sets do not have."""
    value = item.value
    sets = {side: value.get(f"{side}Canonical") or value.get(f"{side}Uri") for side in ("source", "target")}
    for side, url in sets.items():
        _check_is_value_set(examination, item, side, url)
    for position, group in _list(value, "group"):
        at = f".group[{position}]"
        for number, element in _list(group, "element")[:MOST_CODES]:
            where = f"{at}.element[{number}]"
            _check_mapped(examination, item, element, group.get("source"), sets["source"], where)
            for inner, target in _list(element, "target"):
                place = f"{where}.target[{inner}]"
                _check_mapped(examination, item, target, group.get("target"), sets["target"], place)


def _check_is_value_set(examination: Examination, item: Item, side: str, url: Any) -> None:
    if not isinstance(url, str):
        return
    if url.startswith("#"):
        inner = [each for _, each in _list(item.value, "contained") if each.get("id") == url[1:]]
        is_other = bool(inner) and inner[0].get("resourceType") != "ValueSet"
    else:
        find = examination.canonicals.find
        is_other = find("ValueSet", url) is None and find("CodeSystem", url) is not None
    if is_other:
        text = f"The {side} is a value set; {url[:200]} is none"
        examination.tell("error", "value", text, item, below=f".{side}")


def _check_mapped(
    examination: Examination, item: Item, concept: Json, system: Any, value_set: Any, at: str
) -> None:
    code = concept.get("code")
    if not isinstance(code, str) or not isinstance(system, str):
        return
    system = system.partition("|")[0]
    within = value_set if isinstance(value_set, str) and not value_set.startswith("#") else None
    verdict = examination.terminology.validate(system, code, within)
    if verdict.exists is False:
        text = f"The code system {system} has no code `{code[:80]}`"
        examination.tell_beyond("code-invalid", text, item, below=f"{at}.code")
    elif verdict.exists and verdict.is_member is False:
        text = f"The value set {within} does not have {system}|{code[:80]}"
        examination.tell_beyond("code-invalid", text, item, below=f"{at}.code")

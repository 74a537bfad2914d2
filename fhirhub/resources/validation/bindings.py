"""Whether codes are what value sets and code systems have, as far as these are known here.

https://hl7.org/fhir/R4/terminologies.html#strength
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, Protocol

from fhirhub.resources.canonicals import Canonicals
from fhirhub.resources.fhirpath import FhirpathError, regex

Json = dict[str, Any]


class Verdict(NamedTuple):
    """What a terminology says of one code.

    `is_member` says whether the value set has it, `exists` whether the code system does; None where the value
    set or the code system is unknown here. `displays` are the names that the code system gives it. `nearest`
    are codes of the value set that look alike.
    """

    is_member: bool | None = None
    exists: bool | None = None
    displays: tuple[str, ...] = ()
    nearest: tuple[str, ...] = ()


class Terminology(Protocol):
    """What knows code systems and value sets."""

    def validate(self, system: str | None, code: str, value_set: str | None) -> Verdict:
        """The verdict on a code; `system` is None for a `code` element, whose system the value set tells."""
        ...


class _Concept(NamedTuple):
    displays: tuple[str, ...]
    parents: tuple[str, ...]
    properties: tuple[tuple[str, Any], ...]


class _System(NamedTuple):
    concepts: dict[str, _Concept]
    is_complete: bool
    ignores_case: bool

    def get(self, code: str) -> _Concept | None:
        found = self.concepts.get(code)
        if found is None and self.ignores_case:
            found = self.concepts.get(code.lower()) or self.concepts.get(code.upper())
        if found is None and code[-3:].isalpha() and code[-3:].isupper():
            # v2-0203 lists `NNxxx`, where xxx stands for a country's three letters: NNNLD.
            family = self.concepts.get(f"{code[:-3]}xxx")
            found = family and family._replace(displays=())
        return found


Test = Callable[[str | None, str], bool | None]
"""Whether a system and code are in; None where it cannot be told."""

_MOST_REMEMBERED = 50_000
_DEEPEST = 20


class LocalTerminology:
    """The value sets and code systems of R4 and of packages, as far as they list their codes."""

    def __init__(self, canonicals: Canonicals) -> None:
        self._canonicals = canonicals
        self._systems: dict[str, _System | None] = {}
        self._tests: dict[str, Test | None] = {}
        self._verdicts: dict[tuple[str | None, str, str | None], Verdict] = {}

    def validate(self, system: str | None, code: str, value_set: str | None) -> Verdict:
        key = (system, code, value_set)
        found = self._verdicts.get(key)
        if found is None:
            if len(self._verdicts) > _MOST_REMEMBERED:
                self._verdicts.clear()
            found = self._verdicts[key] = self._judge(system, code, value_set)
        return found

    def _judge(self, system: str | None, code: str, value_set: str | None) -> Verdict:
        is_member = exists = None
        displays: tuple[str, ...] = ()
        if value_set is not None:
            test = self._test(value_set, 0)
            is_member = None if test is None else test(system, code)
        known = self._system(system) if system is not None else None
        if known is not None:
            concept = known.get(code)
            if concept is not None:
                exists, displays = True, concept.displays
            elif known.is_complete:
                exists = False
        nearest = ()
        if is_member is False and value_set is not None:
            codes = [found for _, found in self.codes(value_set)]
            nearest = tuple(difflib.get_close_matches(code[:64], dict.fromkeys(codes), 3)) if codes else ()
        return Verdict(is_member, exists, displays, nearest)

    def codes(self, value_set: str, at_most: int = 5000) -> Iterator[tuple[str, str]]:
        """System and code of what the value set lists, as far as it lists them, up to that number."""
        found = self._canonicals.find("ValueSet", value_set)
        for include in (found or {}).get("compose", {}).get("include", ()):
            system = include.get("system", "")
            known = self._system(system)
            listed = [concept.get("code", "") for concept in include.get("concept", ())]
            if not listed and not include.get("filter") and known is not None:
                listed = list(known.concepts)
            for code in listed:
                at_most -= 1
                if at_most < 0:
                    return
                yield system, code

    # Code systems

    def _system(self, url: str) -> _System | None:
        if url not in self._systems:
            self._systems[url] = self._read_system(url)
        return self._systems[url]

    def _read_system(self, url: str) -> _System | None:
        resource = self._canonicals.find("CodeSystem", url)
        if resource is None or resource.get("content") in ("not-present", "example", "supplement"):
            return None
        concepts: dict[str, _Concept] = {}
        pending: list[tuple[Json, tuple[str, ...]]] = [(c, ()) for c in resource.get("concept", ())]
        while pending:
            concept, parents = pending.pop()
            code = concept.get("code")
            if not isinstance(code, str):
                continue
            properties = tuple(_property(each) for each in concept.get("property", ()))
            stated = tuple(str(value) for name, value in properties if name in ("subsumedBy", "parent"))
            names = [concept.get("display"), *(each.get("value") for each in concept.get("designation", ()))]
            displays = tuple(name for name in names if isinstance(name, str))
            concepts[code] = _Concept(displays, parents + stated, properties)
            pending += [(child, (code,)) for child in concept.get("concept", ())]
        is_complete = resource.get("content") == "complete"
        return _System(concepts, is_complete, resource.get("caseSensitive") is False)

    # Value sets

    def _test(self, url: str, depth: int) -> Test | None:
        if url not in self._tests:
            self._tests[url] = None  # a value set that includes itself tells nothing more
            resource = self._value_set(url) if depth < _DEEPEST else None
            self._tests[url] = None if resource is None else self._compile(resource, depth)
        return self._tests[url]

    def _value_set(self, url: str) -> Json | None:
        """The value set; where there is none of that URL, the one of all codes that a code system implies."""
        found = self._canonicals.find("ValueSet", url)
        if found is None:
            for each in self._canonicals.all("CodeSystem"):
                if each.get("valueSet") == url and "url" in each:
                    return {"url": url, "compose": {"include": [{"system": each["url"]}]}}
        return found

    def _compile(self, resource: Json, depth: int) -> Test | None:
        compose = resource.get("compose")
        if not isinstance(compose, dict):
            return _expanded(resource)
        includes = [self._included(each, depth) for each in compose.get("include", ())]
        excludes = [self._included(each, depth) for each in compose.get("exclude", ())]

        def test(system: str | None, code: str) -> bool | None:
            result = _any(each(system, code) for each in includes)
            if result is False or not excludes:
                return result
            excluded = _any(each(system, code) for each in excludes)
            if excluded:
                return False
            return None if excluded is None else result

        return test

    def _included(self, include: Json, depth: int) -> Test:
        tests: list[Test] = []
        for url in include.get("valueSet", ()):
            tests.append(self._test(url, depth + 1) or _unknown)
        if "system" in include:
            tests.append(self._from_system(include))

        def test(system: str | None, code: str) -> bool | None:
            result: bool | None = True
            for each in tests:
                found = each(system, code)
                if found is False:
                    return False
                if found is None:
                    result = None
            return result

        return test if len(tests) != 1 else tests[0]

    def _from_system(self, include: Json) -> Test:
        url = include["system"]
        if "concept" in include:
            listed = frozenset(concept.get("code") for concept in include["concept"])
            return lambda system, code: code in listed and system in (None, url)
        filters = include.get("filter", ())
        version = include.get("version")
        asked = f"{url}|{version}" if isinstance(version, str) else url

        def test(system: str | None, code: str) -> bool | None:
            if system is not None and system != url:
                return False
            # Of a version that is not here, the newest tells more than nothing.
            known = self._system(asked) or self._system(url)
            if known is None:
                return None
            concept = known.get(code)
            if concept is None:
                return False if known.is_complete else None
            for each in filters:
                holds = _passes(known, code, concept, each)
                if not holds:
                    return holds
            return True

        return test


def _unknown(system: str | None, code: str) -> bool | None:
    return None


def _any(results: Iterator[bool | None]) -> bool | None:
    found: bool | None = False
    for result in results:
        if result:
            return True
        if result is None:
            found = None
    return found


def _expanded(resource: Json) -> Test | None:
    """A value set that is given as its expansion alone."""
    expansion = resource.get("expansion")
    if not isinstance(expansion, dict):
        return None
    codings: set[tuple[str | None, str]] = set()
    pending = list(expansion.get("contains", ()))
    while pending:
        each = pending.pop()
        pending += each.get("contains", ())
        if "code" in each and not each.get("abstract"):
            codings |= {(each.get("system"), each["code"]), (None, each["code"])}
    return lambda system, code: (system, code) in codings


def _property(given: Json) -> tuple[str, Any]:
    value = next((value for key, value in given.items() if key.startswith("value")), None)
    return str(given.get("code")), value.get("code") if isinstance(value, dict) else value


def _passes(known: _System, code: str, concept: _Concept, given: Json) -> bool | None:
    """Whether a concept passes a filter (https://hl7.org/fhir/R4/valueset-filter-operator.html)."""
    name, operator, value = given.get("property"), given.get("op"), str(given.get("value", ""))
    if operator == "generalizes" and name in ("concept", "code"):
        below = known.concepts.get(value)
        return below is not None and (code == value or code in _ancestors(known, below))
    if operator in ("is-a", "descendent-of", "is-not-a") and name in ("concept", "code"):
        under = code != value and value in _ancestors(known, concept)
        is_a = under or (operator != "descendent-of" and code == value)
        return not is_a if operator == "is-not-a" else is_a
    found = [each for key, each in concept.properties if key == name]
    if name in ("code", "concept"):
        found = [code]
    elif name in ("display", "designation"):
        found = list(concept.displays)
    elif name in ("parent", "subsumedBy"):
        found = list(concept.parents)
    texts = ["true" if each is True else "false" if each is False else str(each) for each in found]
    if operator == "=":
        return value in texts
    if operator == "in":
        return any(text in value.split(",") for text in texts)
    if operator == "not-in":
        return not any(text in value.split(",") for text in texts)
    if operator == "exists":
        return bool(texts) == (value == "true")
    if operator == "regex":
        try:
            pattern = regex.compile(f"^(?:{value})$")
        except FhirpathError:
            return None
        return any(pattern.search(text) is not None for text in texts)
    return None


def _ancestors(known: _System, concept: _Concept) -> set[str]:
    found: set[str] = set()
    pending = list(concept.parents)
    while pending:
        code = pending.pop()
        if code not in found:
            found.add(code)
            parent = known.concepts.get(code)
            pending += parent.parents if parent is not None else ()
    return found

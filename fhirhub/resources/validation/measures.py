"""Measures against their libraries, and MeasureReports against their Measures.

https://hl7.org/fhir/R4/measure.html, https://hl7.org/fhir/R4/measurereport.html
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from lxml import etree

from fhirhub.resources.fhirpath import Item
from fhirhub.resources.validation.examination import Examination, Scope
from fhirhub.resources.validation.slicing import resolve

Json = dict[str, Any]

_ELM = "urn:hl7-org:elm:r1"
_CQL = frozenset({"text/cql", "text/cql.identifier", "text/cql-identifier"})
_is_name = re.compile(r'[\w-]+|"[^"]+"|[\w-]+\.(?:[\w-]+|"[^"]+")').fullmatch
_OBSERVATION = "measure-observation"
_SCORED = ("proportion", "ratio", "continuous-variable")
_parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)


def _list(value: Json, name: str) -> list[tuple[int, Json]]:
    found = value.get(name)
    return [
        (n, each) for n, each in enumerate(found if isinstance(found, list) else ()) if isinstance(each, dict)
    ]


def _codings(concept: Any) -> set[tuple[str | None, str]]:
    found = concept.get("coding") if isinstance(concept, dict) else None
    return {
        (each.get("system"), each["code"])
        for each in (found if isinstance(found, list) else ())
        if isinstance(each, dict) and isinstance(each.get("code"), str)
    }


# Measure


def check_measure(examination: Examination, scope: Scope, item: Item) -> None:
    """Each criterion in CQL is defined by a library of the measure, as far as the libraries are known."""
    libraries: list[tuple[str, frozenset[str] | None]] = []
    for canonical in item.value.get("library") or ():
        found = examination.canonicals.find("Library", canonical) if isinstance(canonical, str) else None
        if found is None:
            return
        libraries.append((str(found.get("name")), _defined(found)))
    if any(names is None for _, names in libraries):
        return
    for position, group in _list(item.value, "group"):
        for name in ("population", "stratifier"):
            for number, part in _list(group, name):
                at = f".group[{position}].{name}[{number}].criteria"
                _check_criterion(examination, item, part.get("criteria"), libraries, at)


def _check_criterion(
    examination: Examination,
    item: Item,
    criterion: Any,
    libraries: list[tuple[str, frozenset[str] | None]],
    at: str,
) -> None:
    if not isinstance(criterion, dict) or criterion.get("language") not in _CQL:
        return
    expression = str(criterion.get("expression"))
    if not _is_name(expression):
        return
    space, dot, name = expression.rpartition(".")
    asked = [names for library, names in libraries if not dot or library == space.strip('"')]
    if not asked:
        text = f"The measure has no library {space}" if dot else "A measure with CQL has a library"
        examination.tell_beyond("business-rule", text, item, below=at)
    elif not any((name if dot else expression).strip('"') in (names or ()) for names in asked):
        text = f"The library defines no `{(name if dot else expression)[:80]}`"
        examination.tell("error", "business-rule", text, item, below=f"{at}.expression")


def _defined(library: Json) -> frozenset[str] | None:
    """The names that its compiled form (ELM) defines; None where there is none that can be read."""
    for _, content in _list(library, "content"):
        if content.get("contentType") != "application/elm+xml" or not isinstance(content.get("data"), str):
            continue
        try:
            root = etree.fromstring(base64.b64decode(content["data"]), _parser)
        except (etree.XMLSyntaxError, binascii.Error, ValueError):
            return None
        defined = root.iterfind(f"{{{_ELM}}}statements/{{{_ELM}}}def")
        return frozenset(str(each.get("name")) for each in defined)
    return None


# MeasureReport


def check_report(examination: Examination, scope: Scope, item: Item) -> None:
    """Tell where a report does not have what its measure asks; nothing where the measure is not known."""
    canonical = item.value.get("measure")
    measure = examination.canonicals.find("Measure", canonical) if isinstance(canonical, str) else None
    if isinstance(canonical, str) and canonical.startswith("#"):
        inner = [each for _, each in _list(item.value, "contained") if each.get("id") == canonical[1:]]
        measure = inner[0] if inner and inner[0].get("resourceType") == "Measure" else None
    if measure is not None and _list(measure, "group"):
        _Report(examination, scope, item, measure).check()


class _Report:
    def __init__(self, examination: Examination, scope: Scope, item: Item, measure: Json) -> None:
        self.examination = examination
        self.scope = scope
        self.item = item
        self.measure = measure
        self.type = item.value.get("type")
        codes = {code for _, code in _codings(measure.get("scoring"))}
        self.scoring = next(iter(codes), None)

    def tell(self, text: str, at: str = "", code: str = "business-rule") -> None:
        self.examination.tell("error", code, text, self.item, below=at)

    def check(self) -> None:
        given = _list(self.item.value, "group")
        wanted = [each for _, each in _list(self.measure, "group")]
        if len(given) == 1 and len(wanted) == 1:
            # A single group may be anonymous.
            if given[0][1].get("code") and wanted[0].get("code"):
                self.match(given[0][1], wanted, ".group[0]", "group")
            self.group(given[0][1], wanted[0], ".group[0]")
            return
        pairs = list(self.matched(given, wanted, ".group", "group"))
        for found, one, at in pairs:
            self.group(found, one, at)
        if self.type != "data-collection":
            self.missing(wanted, [one for _, one, _ in pairs], "", "group")

    def match(self, found: Json, wanted: list[Json], at: str, word: str) -> Json | None:
        """What of the measure a part of the report is about, by its code."""
        if not found.get("code"):
            self.tell(f"A {word} has the code that it has in the measure", at)
            return None
        codings = _codings(found["code"])
        if not codings:
            self.tell(f"The code of a {word} has a coding with system and code", f"{at}.code")
            return None
        for one in wanted:
            if codings & _codings(one.get("code")):
                return one
        shown = ", ".join(f"{system or ''}|{code}" for system, code in sorted(codings, key=str))
        self.tell(f"The measure has no {word} with the code {shown[:200]}", f"{at}.code")
        return None

    def matched(
        self, given: list[tuple[int, Json]], wanted: list[Json], path: str, word: str
    ) -> Iterator[tuple[Json, Json, str]]:
        seen: list[Json] = []
        for position, found in given:
            at = f"{path}[{position}]"
            one = self.match(found, wanted, at, word)
            if one is None:
                continue
            if any(one is each for each in seen):
                self.tell(f"Another {word} has this code", f"{at}.code")
                continue
            seen.append(one)
            yield found, one, at

    def missing(self, wanted: list[Json], found: list[Json], at: str, word: str) -> None:
        for one in wanted:
            codes = {code for _, code in _codings(one.get("code"))}
            if not any(one is each for each in found) and _OBSERVATION not in codes:
                shown = ", ".join(sorted(codes)) or "no code"
                self.tell(f"The measure has a {word} with {shown}; the report has none", at, "required")

    def group(self, found: Json, wanted: Json, at: str) -> None:
        populations = [each for _, each in _list(wanted, "population")]
        pairs = list(self.matched(_list(found, "population"), populations, f"{at}.population", "population"))
        for population, _, where in pairs:
            self.population(population, where)
        self.missing(populations, [one for _, one, _ in pairs], at, "population")
        self.score(found, at)
        stratifiers = [each for _, each in _list(wanted, "stratifier")]
        for position, stratifier in _list(found, "stratifier"):
            code = stratifier.get("code")
            coded = code[0] if isinstance(code, list) and code else None
            if coded is not None and stratifiers:
                self.match({"code": coded}, stratifiers, f"{at}.stratifier[{position}]", "stratifier")

    def population(self, found: Json, at: str) -> None:
        results, count = found.get("subjectResults"), found.get("count")
        if self.type != "subject-list":
            if results is not None:
                self.tell("Only a report of the type subject-list has a list of subjects", at)
            return
        number = self.subjects(results)
        if number is not None and isinstance(count, int) and number != count:
            self.tell(f"The list has {number} subjects; the count is {count}", f"{at}.count")

    def subjects(self, results: Any) -> int | None:
        """How many subjects the List has; None where it is not known."""
        if not isinstance(results, dict):
            return 0
        reference = Item(results, "Reference", None, self.item)
        found, _ = resolve(self.examination, self.scope, reference)
        return len(_list(found.value, "entry")) if found is not None and found.type == "List" else None

    def score(self, found: Json, at: str) -> None:
        score = found.get("measureScore")
        where = f"{at}.measureScore"
        if self.type == "data-collection" or self.scoring == "cohort":
            if score is not None:
                reason = "a report of collected data" if self.type == "data-collection" else "a cohort"
                self.tell(f"There is no score for {reason}", where)
            return
        if self.scoring not in _SCORED:
            return
        if not isinstance(score, dict):
            self.tell(f"A {self.scoring} has a score", where, "required")
            return
        value = score.get("value")
        if value is None and "extension" not in score:
            self.tell(f"The score of a {self.scoring} has a value", f"{where}.value", "required")
        if self.scoring == "proportion":
            for name in ("unit", "system", "code"):
                if name in score:
                    self.tell("A proportion has no unit", f"{where}.{name}")
            if isinstance(value, int | Decimal) and not 0 <= value <= 1:
                self.tell(f"A proportion is from 0 to 1; got {value}", f"{where}.value", "value")

"""Code systems from CSV: LOINC as it is published, and any table with a code and a name on each row.

https://loinc.org/kb/loinc-table-structure, https://hl7.org/fhir/R4/loinc.html
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from typing import Any

from fhirhub.terminology import loinc
from fhirhub.terminology.concepts import Concept
from fhirhub.terminology.loading.source import CannotLoad, Files

Json = dict[str, Any]

_LOINC = re.compile(r"(^|/)Loinc\.csv$", re.IGNORECASE)
_HIERARCHY = re.compile(r"(^|/)(ComponentHierarchyBySystem|MultiAxialHierarchy)\.csv$", re.IGNORECASE)
_ANSWERS = re.compile(r"(^|/)AnswerList\.csv$", re.IGNORECASE)
_VARIANT = re.compile(r"(^|/)([a-z]{2})([A-Z]{2})\d+LinguisticVariant\.csv$")
_SYNONYM: Json = {"system": "http://loinc.org", "code": "SHORTNAME"}
_PROPERTIES = (
    *("COMPONENT", "PROPERTY", "TIME_ASPCT", "SYSTEM", "SCALE_TYP", "METHOD_TYP", "CLASS", "CLASSTYPE"),
    *("STATUS", "ORDER_OBS", "EXAMPLE_UCUM_UNITS", "VersionLastChanged"),
)


def is_loinc(files: Files) -> bool:
    """Whether these are the files of LOINC."""
    return any(_LOINC.search(name) for name in files.names())


def _rows(files: Files, name: str) -> Iterator[dict[str, str]]:
    with files.text(name) as stream:
        yield from csv.DictReader(stream)


class Loinc:
    """LOINC as a source: its table, and where they are there its parts, answers and translations."""

    searched = frozenset({*_PROPERTIES, "answers-for"})

    def __init__(self, files: Files, version: str | None = None, language: str | None = None) -> None:
        self._files = files
        names = files.names()
        self._table = next(name for name in names if _LOINC.search(name))
        self._hierarchies = [name for name in names if _HIERARCHY.search(name)]
        self._answers = [name for name in names if _ANSWERS.search(name)]
        self._variants = [
            (f"{found[2]}-{found[3]}", name) for name in names if (found := _VARIANT.search(name)) is not None
        ]
        if language is not None:
            self._variants = [each for each in self._variants if each[0].startswith(language)]
        first = next(_rows(files, self._table), None)
        if first is None or not {"LOINC_NUM", "LONG_COMMON_NAME"} <= first.keys():
            raise CannotLoad(f"{self._table} lacks the columns LOINC_NUM and LONG_COMMON_NAME")
        if version is None:
            version = max(
                (row.get("VersionLastChanged") or "" for row in _rows(files, self._table)),
                key=lambda each: [int(part) for part in each.split(".") if part.isdigit()],
            )
        self.description: Json = {
            "resourceType": "CodeSystem",
            "url": loinc.SYSTEM,
            "version": version,
            "name": "LOINC",
            "title": "LOINC",
            "status": "active",
            "content": "complete",
            "language": "en-US",
            "caseSensitive": False,
            "copyright": "LOINC is copyright Regenstrief Institute, Inc.; its licence is at https://loinc.org/license.",
        }

    def _parents(self) -> dict[str, dict[str, None]]:
        found: dict[str, dict[str, None]] = {}
        for name in self._hierarchies:
            for row in _rows(self._files, name):
                above = found.setdefault(row["CODE"], {})
                if row.get("IMMEDIATE_PARENT"):
                    above[row["IMMEDIATE_PARENT"]] = None
        return found

    @property
    def size(self) -> int | None:
        return None

    def codes(self) -> Iterator[tuple[str, Sequence[str]]]:
        parents = self._parents()
        for row in _rows(self._files, self._table):
            code = row["LOINC_NUM"]
            yield code, tuple(parents.pop(code, ()))
        for code, above in parents.items():
            yield code, tuple(above)
        for name in self._answers:
            for row in _rows(self._files, name):
                for column in ("AnswerListId", "AnswerStringId"):
                    if row.get(column):
                        yield row[column], ()

    def concepts(self) -> Iterator[Concept]:
        parents = self._parents()
        variants = self._translations()
        seen: set[str] = set()
        for row in _rows(self._files, self._table):
            code = row["LOINC_NUM"]
            seen.add(code)
            yield self._term(row, code, tuple(parents.get(code, ())), variants.get(code, []))
        for name in self._hierarchies:
            for row in _rows(self._files, name):
                code = row["CODE"]
                if code not in seen:
                    seen.add(code)
                    yield Concept(code, row.get("CODE_TEXT") or None, parents=tuple(parents[code]))
        yield from self._answer_concepts()

    def _translations(self) -> dict[str, list[Json]]:
        found: dict[str, list[Json]] = {}
        for language, name in self._variants:
            for row in _rows(self._files, name):
                text = row.get("LONG_COMMON_NAME") or row.get("LinguisticVariantDisplayName")
                if text:
                    found.setdefault(row["LOINC_NUM"], []).append({"language": language, "value": text})
        return found

    def _term(
        self, row: dict[str, str], code: str, parents: tuple[str, ...], variants: list[Json]
    ) -> Concept:
        designations: list[Json] = list(variants)
        display = row["LONG_COMMON_NAME"] or row.get("SHORTNAME") or None
        for column in ("SHORTNAME", "CONSUMER_NAME", "DisplayName"):
            text = row.get(column)
            if text and text != display:
                use = {**_SYNONYM, "code": column}
                designations.append({"language": "en-US", "use": use, "value": text})
        related = [each.strip() for each in (row.get("RELATEDNAMES2") or "").split(";")]
        designations += [
            {"language": "en-US", "use": {**_SYNONYM, "code": "RELATEDNAMES2"}, "value": each}
            for each in dict.fromkeys(related)
            if each
        ]
        properties: list[Json] = [
            {"code": name, "valueString": row[name]} for name in _PROPERTIES if row.get(name)
        ]
        is_inactive = row.get("STATUS") == "DEPRECATED"
        return Concept(
            code, display, row.get("DefinitionDescription") or None, tuple(designations), tuple(properties),
            parents, is_inactive,
        )  # fmt: skip

    def _answer_concepts(self) -> Iterator[Concept]:
        names: dict[str, str] = {}
        lists: dict[str, dict[str, None]] = {}
        for name in self._answers:
            for row in _rows(self._files, name):
                if row.get("AnswerListId"):
                    names.setdefault(row["AnswerListId"], row.get("AnswerListName") or row["AnswerListId"])
                if row.get("AnswerStringId"):
                    names.setdefault(row["AnswerStringId"], row.get("DisplayText") or row["AnswerStringId"])
                    lists.setdefault(row["AnswerStringId"], {})[row.get("AnswerListId", "")] = None
        for code, text in names.items():
            properties = tuple({"code": "answers-for", "valueCode": each} for each in lists.get(code, ()))
            yield Concept(code, text, properties=properties)


_CODE = ("code", "id", "icpc", "icpc_code", "icpccode", "icpc-code")
_NAME = ("display", "name", "title", "naam", "titel", "omschrijving", "description", "term")
_PARENT = ("parent", "parent_code", "ouder", "hoofdstuk")


class Table:
    """Any CSV whose header names a code and a name, such as ICPC; other columns become properties. What stands
    above a code is its `parent`, or the code before its full stop (`A01` of `A01.02`)."""

    searched: frozenset[str] = frozenset()

    def __init__(
        self, files: Files, file: str, url: str | None, version: str | None, language: str | None
    ) -> None:
        if url is None:
            raise CannotLoad("A CSV does not say which code system it is: --url says it")
        self._files, self._file = files, file
        with files.text(file) as stream:
            head = stream.readline()
        self._delimiter = max(";\t,|", key=head.count)
        columns = {
            name.strip().strip('"').lower(): name.strip().strip('"')
            for name in head.rstrip("\r\n").split(self._delimiter)
        }
        self._code = next((columns[name] for name in _CODE if name in columns), None)
        self._name = next((columns[name] for name in _NAME if name in columns), None)
        self._parent = next((columns[name] for name in _PARENT if name in columns), None)
        if self._code is None or self._name is None:
            raise CannotLoad(
                f"{file} needs a first row that names the columns, `code` and `display` among them; it has "
                f"{', '.join(columns.values())[:300]}"
            )
        self._others = [
            name for name in columns.values() if name not in (self._code, self._name, self._parent)
        ]
        self.description: Json = {
            "resourceType": "CodeSystem",
            "url": url,
            "version": version or "",
            "name": file.rpartition("/")[2].partition(".")[0],
            "status": "active",
            "content": "complete",
        }
        if language:
            self.description["language"] = language

    def _rows(self) -> Iterator[dict[str, str]]:
        with self._files.text(self._file) as stream:
            for row in csv.DictReader(stream, delimiter=self._delimiter):
                if row.get(self._code or ""):
                    yield {
                        key.strip(): (value or "").strip()
                        for key, value in row.items()
                        if key and isinstance(value, str)
                    }

    def _above(self, row: dict[str, str], code: str) -> tuple[str, ...]:
        if self._parent is not None:
            return (row[self._parent],) if row.get(self._parent) else ()
        main, point, _ = code.partition(".")
        return (main,) if point else ()

    @property
    def size(self) -> int | None:
        return None

    def codes(self) -> Iterator[tuple[str, Sequence[str]]]:
        for row in self._rows():
            code = row[str(self._code)]
            yield code, self._above(row, code)

    def concepts(self) -> Iterator[Concept]:
        for row in self._rows():
            code = row[str(self._code)]
            properties = tuple(
                {"code": name, "valueString": row[name]} for name in self._others if row.get(name)
            )
            yield Concept(
                code, row[str(self._name)] or None, properties=properties, parents=self._above(row, code)
            )

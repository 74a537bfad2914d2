"""SNOMED CT from the Snapshot files of a release, RF2
(https://confluence.ihtsdotools.org/display/DOCRELFMT, https://hl7.org/fhir/R4/snomedct.html)."""

from __future__ import annotations

import re
from array import array
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from fhirhub.terminology import snomed
from fhirhub.terminology.concepts import Concept
from fhirhub.terminology.loading.source import CannotLoad, Files

Json = dict[str, Any]

IS_A = 116680003
FULLY_SPECIFIED = "900000000000003001"
SYNONYM = "900000000000013009"
DEFINITION = "900000000000550004"
PREFERRED = "900000000000548007"
PRIMITIVE = "900000000000074008"
CORE_MODULES = frozenset({"900000000000207008", "900000000000012004"})

_CONCEPTS = re.compile(r"(^|/)x?sct2_Concept_Snapshot[^/]*\.txt$")
_DESCRIPTIONS = re.compile(r"(^|/)x?sct2_(Description|TextDefinition)_Snapshot[^/]*\.txt$")
_RELATIONSHIPS = re.compile(r"(^|/)x?sct2_Relationship_Snapshot[^/]*\.txt$")
_LANGUAGES = re.compile(r"(^|/)x?der2_cRefset_LanguageSnapshot[^/]*\.txt$")
_SIMPLE = re.compile(r"(^|/)x?der2_Refset_[^/]*Snapshot[^/]*\.txt$")
_DATE = re.compile(r"_(\d{8})\.txt$")

_USES = {
    FULLY_SPECIFIED: {"system": snomed.SYSTEM, "code": FULLY_SPECIFIED, "display": "Fully specified name"},
    SYNONYM: {"system": snomed.SYSTEM, "code": SYNONYM, "display": "Synonym"},
}
_BEST = {"system": "http://terminology.hl7.org/CodeSystem/hl7TermMaintInfra", "code": "preferredForLanguage"}


def is_release(files: Files) -> bool:
    """Whether these are the files of a release."""
    return any(_CONCEPTS.search(name) for name in files.names())


class Release:
    """A release as a source. `language` is that of the displays: without it the one of the edition that is not
    English, if there is one.

    Everything but the texts is held as numbers: some 600 MB for 500,000 concepts with their descriptions.
    """

    searched: frozenset[str] = frozenset()

    def __init__(self, files: Files, version: str | None = None, language: str | None = None) -> None:
        self._files = files
        names = files.names()
        self._concept_files = [name for name in names if _CONCEPTS.search(name)]
        self._description_files = [name for name in names if _DESCRIPTIONS.search(name)]
        self._relationship_files = [name for name in names if _RELATIONSHIPS.search(name)]
        self._language_files = [name for name in names if _LANGUAGES.search(name)]
        self._simple_files = [name for name in names if _SIMPLE.search(name)]
        for found, wanted in (
            (self._concept_files, "sct2_Concept_Snapshot"),
            (self._description_files, "sct2_Description_Snapshot"),
            (self._relationship_files, "sct2_Relationship_Snapshot"),
        ):
            if not found:
                raise CannotLoad(f"{files.path} has no {wanted} file: it is no RF2 release with a Snapshot")
        self._places: dict[int, int] = {}
        self._active = bytearray()
        self._defined = bytearray()
        self._modules: list[str] = []
        self._module_of = array("H")
        self._read_concepts()
        self._parents: list[tuple[int, ...]] = []
        self._attributes: dict[int, list[tuple[int, int]]] = {}
        self._read_relationships()
        languages = self._languages()
        self._language = language or next((each for each in languages if each != "en"), "en")
        if self._language not in languages:
            raise CannotLoad(
                f"There are no descriptions in `{self._language}`; there are {', '.join(languages)}"
            )
        self.description: Json = {
            "resourceType": "CodeSystem",
            "url": snomed.SYSTEM,
            "version": version or self._version(),
            "name": "SNOMED_CT",
            "title": "SNOMED CT",
            "status": "active",
            "content": "complete",
            "language": self._language,
            "hierarchyMeaning": "is-a",
            "caseSensitive": True,
            "compositional": True,
        }

    def _rows(self, names: Sequence[str]) -> Iterator[list[str]]:
        for name in names:
            with self._files.text(name) as stream:
                stream.readline()
                for line in stream:
                    yield line.rstrip("\r\n").split("\t")

    def _read_concepts(self) -> None:
        modules: dict[str, int] = {}
        for row in self._rows(self._concept_files):
            code, _, active, module, status = row[:5]
            if self._places.setdefault(int(code), len(self._places)) != len(self._active):
                continue
            self._active.append(active == "1")
            self._defined.append(status != PRIMITIVE)
            self._module_of.append(modules.setdefault(module, len(modules)))
        self._modules = list(modules)

    def _read_relationships(self) -> None:
        found: list[tuple[int, ...]] = [()] * len(self._places)
        for row in self._rows(self._relationship_files):
            if row[2] != "1":
                continue
            source, target, kind = self._places.get(int(row[4])), int(row[5]), int(row[7])
            if source is None:
                continue
            if kind == IS_A:
                found[source] = (*found[source], target)
            else:
                self._attributes.setdefault(source, []).append((kind, target))
        self._parents = found

    def _languages(self) -> list[str]:
        """The languages of the description files, by their names or, failing that, their rows."""
        named = [re.search(r"Snapshot-([a-z]{2})(?:-[A-Za-z]+)?_", name) for name in self._description_files]
        found = [each[1] for each in named if each is not None]
        if len(found) < len(self._description_files):
            found += {row[5] for row in self._rows(self._description_files)}
        return list(dict.fromkeys(found))

    def _version(self) -> str:
        """The version's URI: of the module that the edition adds, else of the international one."""
        dates = [each[1] for name in self._concept_files if (each := _DATE.search(name)) is not None]
        counts = Counter(self._module_of)
        own = [
            module
            for place, module in enumerate(self._modules)
            if module not in CORE_MODULES and counts[place]
        ]
        module = max(own, key=lambda each: counts[self._modules.index(each)], default="900000000000207008")
        if not dates:
            raise CannotLoad(
                "The names of the files do not say of which day the release is; --version says it, such as "
                f"{snomed.SYSTEM}/{module}/version/20260331"
            )
        return f"{snomed.SYSTEM}/{module}/version/{max(dates)}"

    # --- as a source ---

    @property
    def size(self) -> int | None:
        return len(self._places)

    def codes(self) -> Iterator[tuple[str, Sequence[str]]]:
        for place, code in enumerate(self._places):
            above = self._parents[place] if self._active[place] else ()
            yield str(code), tuple(map(str, above))

    def concepts(self) -> Iterator[Concept]:
        preferred = self._preferred()
        members = self._memberships()
        # One text for each concept: as many objects as there are descriptions would take twice the memory.
        texts: list[str] = [""] * len(self._places)
        for row in self._rows(self._description_files):
            id, active, concept, language, kind, term = row[0], row[2], row[4], row[5], row[6], row[7]
            place = self._places.get(int(concept))
            if active != "1" or place is None:
                continue
            if kind == DEFINITION:
                rank = 3
            elif kind == FULLY_SPECIFIED:
                rank = 2
            else:
                rank = 0 if int(id) in preferred else 1
            texts[place] += f"{rank}\t{language}\t{term}\n"
        for place, code in enumerate(self._places):
            described = [tuple(line.split("\t", 2)) for line in texts[place].splitlines()]
            named = [(int(rank), language, term) for rank, language, term in described]
            yield self._concept(place, str(code), named, members.get(place, ()))
            texts[place] = ""

    def _preferred(self) -> set[int]:
        """The descriptions that a language prefers."""
        return {
            int(row[5]) for row in self._rows(self._language_files) if row[2] == "1" and row[6] == PREFERRED
        }

    def _memberships(self) -> dict[int, tuple[str, ...]]:
        """The simple reference sets of each concept."""
        found: dict[int, tuple[str, ...]] = {}
        for row in self._rows(self._simple_files):
            if row[2] == "1" and len(row) >= 6 and row[5].isdigit():
                place = self._places.get(int(row[5]))
                if place is not None:
                    found[place] = (*found.get(place, ()), row[4])
        return found

    def _concept(
        self, place: int, code: str, texts: list[tuple[int, str, str]], members: Sequence[str]
    ) -> Concept:
        texts.sort(key=lambda each: (each[1] != self._language, each[0]))
        named = [each for each in texts if each[0] < 3]
        definition = next((term for rank, _, term in texts if rank == 3), None)
        designations = []
        for rank, language, term in named:
            use = _BEST if rank == 0 else _USES[FULLY_SPECIFIED if rank == 2 else SYNONYM]
            designations.append({"language": language, "use": use, "value": term})
        is_active = bool(self._active[place])
        properties: list[Json] = [
            {"code": "inactive", "valueBoolean": not is_active},
            {"code": "sufficientlyDefined", "valueBoolean": bool(self._defined[place])},
            {"code": "moduleId", "valueCode": self._modules[self._module_of[place]]},
        ]
        if is_active:
            properties += [
                {"code": str(kind), "valueCode": str(target)}
                for kind, target in dict.fromkeys(self._attributes.get(place, ()))
            ]
        properties += [{"code": snomed.MEMBER_OF, "valueCode": each} for each in dict.fromkeys(members)]
        return Concept(
            code,
            named[0][2] if named else None,
            definition,
            tuple(designations),
            tuple(properties),
            tuple(dict.fromkeys(map(str, self._parents[place]))) if is_active else (),
            not is_active,
        )

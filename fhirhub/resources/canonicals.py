"""Conformance resources, found by their canonical URL (https://hl7.org/fhir/R4/references.html#canonical).

`OFFICIAL` has those of R4 itself, from `r4-profiles.json.gz` beside this file, and from `r4-since.json.gz` what
HL7 has published for R4 since: extensions as they are maintained now, codes added to code systems. Both are
made by `scripts/compile_definitions.py` and read when one is first asked for; each definition is decoded when
first used. Those of our own guide (`guide`) are found there too. Packages and a tenant's own resources stand in
front of it.
"""

from __future__ import annotations

import functools
import gzip
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib import resources
from typing import Any

import msgspec

from fhirhub.resources import guide

Json = dict[str, Any]

CORE = "http://hl7.org/fhir/StructureDefinition/"

TYPES = ("StructureDefinition", "ValueSet", "CodeSystem", "Questionnaire", "ConceptMap", "SearchParameter")
"""What is found here; other types have no place in checking."""


class Canonicals:
    """An immutable set of conformance resources; what it has not is asked of the one `behind` it.

    `find` takes a canonical with or without `|version`. Without one, the newest is meant; a version may be
    given in part: `4.0` is also `4.0.1`. `snapshots` keeps those that were made from differentials, by URL.
    """

    def __init__(self, given: Iterable[Json] = (), behind: Canonicals | None = None) -> None:
        self._behind = behind
        self.snapshots: dict[str, tuple[Json, Sequence[Json]]] = {}
        self._found: dict[tuple[str, str], list[Json]] = {}
        for resource in given:
            url = resource.get("url")
            if isinstance(url, str) and resource.get("resourceType") in TYPES:
                self._found.setdefault((resource["resourceType"], url), []).append(resource)
        for versions in self._found.values():
            versions.sort(key=lambda each: _order(str(each.get("version", ""))))

    def find(self, type: str, canonical: str) -> Json | None:
        """The resource of that type and canonical, None if there is none."""
        url, _, version = canonical.partition("#")[0].partition("|")
        for resource in reversed(self._found.get((type, url), ())):
            if not version or _is_version(str(resource.get("version", "")), version):
                return resource
        return self._behind.find(type, canonical) if self._behind is not None else None

    def all(self, type: str) -> Iterator[Json]:
        """Those of that type that stand in front of the official ones."""
        for (found, _), versions in self._found.items():
            if found == type:
                yield from versions
        if self._behind is not None:
            yield from self._behind.all(type)


class _Official(Canonicals):
    """R4's own and the guide's, decoded when asked for; their version is not asked: there is one of each."""

    def find(self, type: str, canonical: str) -> Json | None:
        url = canonical.partition("#")[0].partition("|")[0]
        return _decoded(type, url) or guide.find(type, url)

    def all(self, type: str) -> Iterator[Json]:
        return iter(())


class _Artifact(msgspec.Struct, frozen=True):
    StructureDefinition: dict[str, msgspec.Raw]
    ValueSet: dict[str, msgspec.Raw]
    CodeSystem: dict[str, msgspec.Raw]


@functools.cache
def _artifact() -> Mapping[str, Mapping[str, msgspec.Raw]]:
    packed = resources.files(__package__).joinpath("r4-profiles.json.gz").read_bytes()
    artifact = msgspec.json.decode(gzip.decompress(packed), type=_Artifact)
    return {name: getattr(artifact, name) for name in artifact.__struct_fields__}


class _Since(msgspec.Struct, frozen=True):
    StructureDefinition: dict[str, msgspec.Raw]
    ValueSet: dict[str, msgspec.Raw]
    CodeSystem: dict[str, msgspec.Raw]
    added: dict[str, msgspec.Raw]


@functools.cache
def _since() -> Mapping[str, Mapping[str, msgspec.Raw]]:
    packed = resources.files(__package__).joinpath("r4-since.json.gz").read_bytes()
    artifact = msgspec.json.decode(gzip.decompress(packed), type=_Since)
    return {name: getattr(artifact, name) for name in artifact.__struct_fields__}


@functools.cache
def _decoded(type: str, url: str) -> Json | None:
    """R4's own, with the codes that were added to it since, or one that was published since."""
    own = _artifact().get(type, {}).get(url)
    raw = own if own is not None else _since().get(type, {}).get(url)
    if raw is None:
        return None
    found: Json = msgspec.json.decode(raw)
    added = _since()["added"].get(url) if type == "CodeSystem" else None
    if added is not None:
        found["concept"] = [*found.get("concept", ()), *msgspec.json.decode(added)]
    return found


def _order(version: str) -> tuple[list[tuple[int, int, str]], int, list[tuple[int, int, str]]]:
    """Versions in order: numbers as numbers; a pre-release such as `1.0.0-beta.1` before what it leads to."""
    release, mark, label = version.partition("-")
    return _parts(release), 0 if mark else 1, _parts(label)


def _parts(text: str) -> list[tuple[int, int, str]]:
    return [
        (1, int(part), "") if part.isascii() and part.isdigit() else (0, 0, part) for part in text.split(".")
    ]


def _is_version(version: str, wanted: str) -> bool:
    return version == wanted or version.startswith(wanted + ".")


OFFICIAL: Canonicals = _Official()


def type_of(canonical: str) -> str | None:
    """The type whose own definition that canonical is: `.../StructureDefinition/Patient`; None if of none."""
    found = OFFICIAL.find("StructureDefinition", canonical) if canonical.startswith(CORE) else None
    if found is None or found.get("derivation") == "constraint":
        return None
    return str(found["type"])

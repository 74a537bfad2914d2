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
import zlib
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib import resources
from typing import Any, NamedTuple

import msgspec

from fhirhub.resources import document, guide

Json = dict[str, Any]

CORE = "http://hl7.org/fhir/StructureDefinition/"

TYPES = (
    *("StructureDefinition", "ValueSet", "CodeSystem", "Questionnaire", "ConceptMap", "SearchParameter"),
    *("Measure", "Library", "ImplementationGuide"),
)
"""What is found here; other types have no place in checking."""


class Canonicals:
    """An immutable set of conformance resources; what it has not is asked of the one `behind` it.

    `find` takes a canonical with or without `|version`. Without one, the newest is meant; a version may be
    given in part: `4.0` is also `4.0.1`. `snapshots` keeps those that were made from differentials, by URL.
    """

    def __init__(self, given: Iterable[Json] = (), behind: Canonicals | None = None) -> None:
        self._behind = behind
        self.snapshots: dict[str, tuple[Json, Sequence[Json]]] = {}
        self._found: dict[tuple[str, str], list[tuple[str, Any]]] = {}
        self._spaces: frozenset[str] | None = None
        for resource in given:
            url = resource.get("url")
            if isinstance(url, str) and resource.get("resourceType") in TYPES:
                self._put(resource["resourceType"], url, str(resource.get("version", "")), resource)
        self._settle()

    def _put(self, type: str, url: str, version: str, held: Any) -> None:
        self._found.setdefault((type, url), []).append((version, held))

    def _settle(self) -> None:
        for versions in self._found.values():
            versions.sort(key=lambda each: version_order(each[0]))

    def _opened(self, held: Any) -> Json:
        resource: Json = held
        return resource

    def find(self, type: str, canonical: str) -> Json | None:
        """The resource of that type and canonical, None if there is none."""
        url, _, version = canonical.partition("#")[0].partition("|")
        for own, held in reversed(self._found.get((type, url), ())):
            if not version or _is_version(own, version):
                return self._opened(held)
        return self._behind.find(type, canonical) if self._behind is not None else None

    def has_neighbours(self, url: str) -> bool:
        """Whether StructureDefinitions are known whose URLs differ from this one in the last part alone."""
        if self._spaces is None:
            self._spaces = frozenset(
                own.rpartition("/")[0] for type, own in self._found if type == "StructureDefinition"
            )
        is_here = url.rpartition("/")[0] in self._spaces
        return is_here or (self._behind is not None and self._behind.has_neighbours(url))

    def all(self, type: str) -> Iterator[Json]:
        """Those of that type that stand in front of the official ones."""
        for (found, _), versions in self._found.items():
            if found == type:
                for _, held in versions:
                    yield self._opened(held)
        if self._behind is not None:
            yield from self._behind.all(type)


class Packed(NamedTuple):
    """A conformance resource as JSON that is compressed: most are never asked for."""

    type: str
    url: str
    version: str
    content: bytes
    length: int
    """Bytes of the JSON."""

    @property
    def json(self) -> bytes:
        return zlib.decompress(self.content)

    @property
    def resource(self) -> Json:
        return document.decode(self.json)


def pack(body: bytes) -> Packed | None:
    """A resource in JSON, made small; None for one that has no place here."""
    try:
        head = _decode_head.decode(body)
    except msgspec.DecodeError:
        return None
    if head.resourceType not in TYPES or not head.url:
        return None
    return Packed(head.resourceType, head.url, head.version, zlib.compress(body, 1), len(body))


class _Head(msgspec.Struct):
    resourceType: str
    url: str = ""
    version: str = ""


_decode_head = msgspec.json.Decoder(_Head)


class PackedCanonicals(Canonicals):
    """The same from packed resources; what was used last stays unpacked, up to `most` bytes of JSON."""

    def __init__(
        self, given: Iterable[Packed], behind: Canonicals | None = None, most: int = 8_000_000
    ) -> None:
        super().__init__((), behind)
        self._most = most
        self._unpacked: OrderedDict[int, tuple[Packed, Json]] = OrderedDict()
        self._length = 0
        for packed in given:
            self._put(packed.type, packed.url, packed.version, packed)
        self._settle()

    def _opened(self, held: Packed) -> Json:
        known = self._unpacked.get(id(held))
        if known is not None:
            self._unpacked.move_to_end(id(held))
            return known[1]
        resource = held.resource
        self._unpacked[id(held)] = held, resource
        self._length += held.length
        while self._length > self._most and len(self._unpacked) > 1:
            _, (oldest, _) = self._unpacked.popitem(last=False)
            self._length -= oldest.length
        return resource


class _Official(Canonicals):
    """R4's own and the guide's, decoded when asked for; their version is not asked, since there is one of each, but
    of a questionnaire: what was answered is what that version asked."""

    def find(self, type: str, canonical: str) -> Json | None:
        url, _, version = canonical.partition("#")[0].partition("|")
        found = _decoded(type, url) or guide.find(type, url)
        if found is None or not version or type != "Questionnaire":
            return found
        return found if _is_version(str(found.get("version", "")), version) else None

    def has_neighbours(self, url: str) -> bool:
        return url.startswith(f"{guide.canonical()}/StructureDefinition/")

    def all(self, type: str) -> Iterator[Json]:
        return iter(())


class _Artifact(msgspec.Struct, frozen=True):
    StructureDefinition: dict[str, msgspec.Raw]
    ValueSet: dict[str, msgspec.Raw]
    CodeSystem: dict[str, msgspec.Raw]
    ConceptMap: dict[str, msgspec.Raw]
    OperationDefinition: dict[str, msgspec.Raw]


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


def version_order(version: str) -> tuple[list[tuple[int, int, str]], int, list[tuple[int, int, str]]]:
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


def official(type: str) -> Iterator[Json]:
    """R4's own of that type."""
    for url in _artifact().get(type, {}):
        found = _decoded(type, url)
        if found is not None:
            yield found


def type_of(canonical: str) -> str | None:
    """The type whose own definition that canonical is: `.../StructureDefinition/Patient`; None if of none."""
    found = OFFICIAL.find("StructureDefinition", canonical) if canonical.startswith(CORE) else None
    if found is None or found.get("derivation") == "constraint":
        return None
    return str(found["type"])

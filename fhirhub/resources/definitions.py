"""The official R4 definitions, looked up by type, code or canonical (https://hl7.org/fhir/R4/definitions.html).

`r4.json` beside this file is made by `scripts/compile_definitions.py`. It is split into single definitions
when the first one is asked for (a millisecond or two) and each is decoded when first used.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from types import MappingProxyType

import msgspec


class Element(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One element of a type (https://hl7.org/fhir/R4/elementdefinition.html).

    `path` and `name` are without `[x]`. `types` are names for `structure`: data types, `Resource`, `xhtml`,
    and paths such as `CarePlan.activity` for backbone elements and for what is defined elsewhere in the same
    type. `max` is None for `*`. `targets` are the resource types that a Reference or canonical may point to,
    empty for any. `binding` is the value set of a required binding. `profiles` narrow the type; R4 itself has
    `SimpleQuantity` alone.
    """

    path: str
    name: str
    types: tuple[str, ...]
    min: int = 0
    max: int | None = 1
    choice: bool = False
    targets: tuple[str, ...] = ()
    binding: str | None = None
    summary: bool = False
    modifier: bool = False
    profiles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Property:
    """One property of the JSON form; a choice has one for each type, such as `valueQuantity`."""

    key: str
    element: Element
    type: str


@dataclass(frozen=True, slots=True)
class Structure:
    """A resource type, data type, primitive type or backbone element.

    `elements` and `properties` stand in the specification's order, inherited ones included; a primitive type
    has `id` and `extension` only. `kind` is resource, complex-type or primitive-type.
    """

    name: str
    base: str | None
    kind: str
    abstract: bool
    elements: tuple[Element, ...]
    properties: dict[str, Property]


class SearchParameter(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A search parameter (https://hl7.org/fhir/R4/searchparameter.html).

    `expression` is '' where R4 gives none; `components` are pairs of the part's canonical and its expression.
    """

    url: str
    code: str
    type: str
    base: tuple[str, ...]
    expression: str
    targets: tuple[str, ...]
    components: tuple[tuple[str, str], ...]
    description: str


class _Type(msgspec.Struct, frozen=True, array_like=True, gc=False):
    base: str | None
    kind: str
    abstract: bool


class _Block(msgspec.Struct, frozen=True, array_like=True):
    name: str
    base: str | None
    kind: str
    abstract: bool
    elements: tuple[Element, ...]


class _Definitions(msgspec.Struct, frozen=True):
    version: str
    types: dict[str, _Type]
    structures: dict[str, msgspec.Raw]
    parameters: dict[str, msgspec.Raw]
    searched: dict[str, tuple[str, ...]]
    compartments: dict[str, msgspec.Raw]
    value_sets: dict[str, msgspec.Raw]


@functools.cache
def _definitions() -> _Definitions:
    artifact = resources.files(__package__).joinpath("r4.json").read_bytes()
    return msgspec.json.decode(artifact, type=_Definitions)


def structure(name: str) -> Structure:
    """The structure of that name: `CarePlan`, `CarePlan.activity`, `HumanName`; KeyError if unknown."""
    found = _structures.get(name)
    if found is None:
        found = _block(name.partition(".")[0])[name]
    return found


_structures: dict[str, Structure] = {}
_decode_block = msgspec.json.Decoder(tuple[_Block, ...])


def _block(root: str) -> Mapping[str, Structure]:
    """A type with its backbone elements, also put where `structure` finds them next time."""
    made = {}
    for part in _decode_block.decode(_definitions().structures[root]):
        made[part.name] = Structure(
            part.name, part.base, part.kind, part.abstract, part.elements, _properties(part.elements)
        )
    _structures.update(made)
    return made


def _properties(elements: tuple[Element, ...]) -> dict[str, Property]:
    found = {}
    for element in elements:
        for type in element.types:
            key = element.name + type[0].upper() + type[1:] if element.choice else element.name
            found[key] = Property(key, element, type)
    return found


RESOURCE_TYPES: tuple[str, ...] = tuple(
    name for name, type in _definitions().types.items() if type.kind == "resource" and not type.abstract
)
"""Every concrete resource type, sorted."""

TYPES: tuple[str, ...] = tuple(_definitions().types)
"""Every type: resource types, data types and primitive types, abstract ones too, sorted."""

STORED_TYPES: tuple[str, ...] = tuple(type for type in RESOURCE_TYPES if type != "Parameters")
"""Those that can be stored: Parameters is not persisted (https://hl7.org/fhir/R4/parameters.html)."""

_RESOURCE_TYPES = frozenset(RESOURCE_TYPES)


def is_resource_type(name: object) -> bool:
    """Whether it names a concrete R4 resource type."""
    return name in _RESOURCE_TYPES


def is_subtype(name: str, of: str) -> bool:
    """Whether the type is that type or derives from it: `is_subtype("Age", "Quantity")`."""
    current: str | None = name
    while current is not None and current != of:
        type = _definitions().types.get(current)
        if type is not None:
            current = type.base
        elif "." in current:
            current = structure(current).base
        else:
            return False
    return current is not None


_decode_parameter = msgspec.json.Decoder(SearchParameter)


@functools.cache
def search_parameter(url: str) -> SearchParameter | None:
    """The search parameter of that canonical."""
    raw = _definitions().parameters.get(url)
    return None if raw is None else _decode_parameter.decode(raw)


@functools.cache
def search_parameters(type: str) -> Mapping[str, SearchParameter]:
    """By code, the search parameters of a resource type, with those that every type has (`_id`, `_tag`)."""
    found: dict[str, SearchParameter] = {}
    lineage: str | None = type
    while lineage is not None:
        for url in _definitions().searched.get(lineage, ()):
            parameter = search_parameter(url)
            if parameter is not None:
                found.setdefault(parameter.code, parameter)
        lineage = _definitions().types[lineage].base
    return MappingProxyType(dict(sorted(found.items())))


@functools.cache
def compartment(name: str) -> Mapping[str, tuple[str, ...]]:
    """The types of a compartment and, for each, the codes of the parameters that link a resource to it.

    Its own type is a member by being the resource itself, with or without parameters. KeyError if unknown
    (https://hl7.org/fhir/R4/compartmentdefinition.html).
    """
    raw = _definitions().compartments[name]
    return MappingProxyType(msgspec.json.decode(raw, type=dict[str, tuple[str, ...]]))


COMPARTMENTS: tuple[str, ...] = tuple(_definitions().compartments)


_Codes = dict[str, tuple[str, ...]]


@functools.cache
def _codes(value_set: str) -> _Codes | None:
    raw = _definitions().value_sets.get(value_set)
    return None if raw is None else msgspec.json.decode(raw, type=_Codes | None)


@functools.cache
def required_codes(value_set: str) -> frozenset[str] | None:
    """The codes of a required binding's value set; None if not enumerable (mime types, currencies)."""
    codes = _codes(value_set)
    return None if codes is None else frozenset(code for found in codes.values() for code in found)


@functools.cache
def required_codings(value_set: str) -> frozenset[tuple[str, str]] | None:
    """The same as pairs of system and code."""
    codes = _codes(value_set)
    return None if codes is None else frozenset((system, code) for system in codes for code in codes[system])

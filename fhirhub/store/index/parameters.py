"""The search parameters of a tenant, compiled: what each finds in a resource and how its values are kept.

https://hl7.org/fhir/R4/searchparameter.html
"""

from __future__ import annotations

import functools
import hashlib
import re
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from fhirhub.resources import definitions

Json = dict[str, Any]

MAIN_DATES: Mapping[str, str] = MappingProxyType(
    {
        "Appointment": "date",
        "AuditEvent": "date",
        "CarePlan": "date",
        "Communication": "sent",
        "Composition": "date",
        "Condition": "recorded-date",
        "Consent": "date",
        "DiagnosticReport": "date",
        "DocumentReference": "date",
        "Encounter": "date",
        "Goal": "start-date",
        "MedicationRequest": "authoredon",
        "Observation": "date",
        "Procedure": "date",
        "Provenance": "recorded",
        "QuestionnaireResponse": "authored",
        "ServiceRequest": "authored",
        "Task": "authored-on",
    }
)
"""The date by which lists of a type are mostly sorted; an element that does not repeat."""

REMEMBERED = 20_000
"""Entries of `Parameters.cache`."""

LISTED_CODES = frozenset({"code", "category", "type", "class"})
"""Token parameters whose resources are kept in the order of the main date too."""

_MANY_TO_ONE = frozenset(
    {
        "Organization",
        "Practitioner",
        "PractitionerRole",
        "HealthcareService",
        "Location",
        "CareTeam",
        "Device",
    }
)
"""Types that so many resources refer to that a list of them is read in the order of its date."""

_OPEN_SYSTEMS: Mapping[str, str] = MappingProxyType(
    {
        "http://hl7.org/fhir/ValueSet/mimetypes": "urn:ietf:bcp:13",
        "http://hl7.org/fhir/ValueSet/currencies": "urn:iso:std:iso:4217",
        "http://hl7.org/fhir/ValueSet/all-languages": "urn:ietf:bcp:47",
    }
)
"""The system of the codes of value sets that cannot be enumerated."""


@functools.lru_cache(65536)
def key_of(name: str) -> int:
    """The `param` of a parameter of a type, such as `CarePlan:status`."""
    number = zlib.crc32(name.encode())
    return number - (1 << 32) if number >= 1 << 31 else number


@functools.lru_cache(16384)
def system_of(uri: str) -> int:
    """The `system` of a system's URI."""
    digest = hashlib.blake2b(uri.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return (int.from_bytes(digest, "big", signed=True) & ~1) or 2


_NARROWER: Mapping[str, str] = MappingProxyType(
    {
        # An entry that is marked as deleted is in the list no more.
        "http://hl7.org/fhir/SearchParameter/List-item": "List.entry.where(deleted.empty() or deleted = false).item",
    }
)
"""Expressions that take the place of those of R4."""


@dataclass(frozen=True, slots=True)
class Component:
    """One part of a composite parameter."""

    parameter: Parameter
    expression: str


@dataclass(frozen=True, slots=True, eq=False)
class Parameter:
    """A search parameter of one resource type; equal to itself alone, which makes it quick to hash.

    `names` are those under which its rows lie: its own, or those of the parameters whose values together are
    its own (`combo-code` is `code` and `component-code`), so that nothing is kept twice; `stored` says that it
    has rows of its own. `only_type` narrows a reference to targets of that type (`patient` is
    `subject` where that is a Patient).
    """

    type: str
    code: str
    kind: str
    """number, date, string, token, reference, composite, quantity, uri or special."""
    url: str
    expression: str
    names: tuple[str, ...]
    stored: bool = True
    only_type: str | None = None
    targets: tuple[str, ...] = ()
    """Types that a reference may point to; empty for any."""
    components: tuple[Component, ...] = ()
    types: frozenset[str] = frozenset()
    """Data types of the elements it reads, as far as its expression tells."""
    implied: Mapping[str, int] = field(default_factory=dict, compare=False)
    """By code, the implied system of an element of type code."""
    single: bool = False
    """Whether a resource has at most one value of it."""
    ready: bool = True
    """False while resources are not yet indexed by it."""

    @property
    def name(self) -> str:
        return f"{self.type}:{self.code}"

    @property
    def keys(self) -> tuple[int, ...]:
        """The `param` values of its rows."""
        return tuple(map(key_of, self.names))

    def kindred(self, suffix: str) -> tuple[int, ...]:
        """The `param` values of kindred rows: `text`, `of-type`, `identifier`."""
        return tuple(key_of(f"{name}:{suffix}") for name in self.names)

    def within(self, paths: Sequence[str]) -> Parameter:
        """The same of resources contained where those paths (`Condition:subject`) point at them."""
        names = tuple(f"{path}>{name}" for path in paths for name in self.names)
        return replace(self, names=names)


class Parameters:
    """The search parameters that a tenant has: R4's own and those of its SearchParameter resources.

    `waiting` are canonicals of parameters that are being indexed: a search by them is refused.
    """

    def __init__(self, extra: Sequence[Json] = (), waiting: Iterable[str] = ()) -> None:
        self._waiting = frozenset(waiting)
        self._extra: dict[str, list[definitions.SearchParameter]] = {}
        self._by_url: dict[str, definitions.SearchParameter] = {}
        self._types: dict[str, Mapping[str, Parameter]] = {}
        self.cache: dict[Any, Any] = {}
        """For what is worked out from these parameters once (`request.py`, `extract.py`)."""
        digest = hashlib.blake2b(digest_size=8)
        for resource in sorted(extra, key=lambda found: str(found.get("url"))):
            definition = _definition(resource)
            self._by_url[definition.url] = definition
            for base in definition.base:
                self._extra.setdefault(base, []).append(definition)
            digest.update(repr((definition, definition.url in self._waiting)).encode())
        self.generation = digest.hexdigest()

    def remember(self, key: Any, value: Any) -> None:
        """Keeps what was worked out; begins anew where callers have asked for too much that is different."""
        if len(self.cache) >= REMEMBERED:
            self.cache.clear()
        self.cache[key] = value

    def of(self, type: str) -> Mapping[str, Parameter]:
        """By code, the search parameters of a resource type."""
        found = self._types.get(type)
        if found is None:
            found = self._types[type] = MappingProxyType(self._compiled(type))
        return found

    def _compiled(self, type: str) -> dict[str, Parameter]:
        listed = dict(definitions.search_parameters(type))
        for base in ("Resource", "DomainResource", type):
            for definition in self._extra.get(base, ()):
                if base != "DomainResource" or definitions.is_subtype(type, base):
                    listed[definition.code] = definition
        return _shared(
            {code: self._parameter(found, type) for code, found in listed.items() if _is_usable(found, type)}
        )

    def definition(self, url: str) -> definitions.SearchParameter | None:
        """The definition of that canonical, with or without a version."""
        url = url.partition("|")[0]
        return self._by_url.get(url) or definitions.search_parameter(url)

    def _parameter(self, definition: definitions.SearchParameter, type: str) -> Parameter:
        expression = _NARROWER.get(definition.url, definition.expression)
        made = Parameter(
            type,
            definition.code,
            definition.type,
            definition.url,
            expression,
            (f"{type}:{definition.code}",),
            targets=definition.targets,
            ready=definition.url not in self._waiting,
        )
        if definition.type == "composite":
            return replace(made, components=self._components(definition, type))
        reads = elements(expression, type) if expression else []
        if definition.type == "reference":
            narrowed = [_NARROWED.search(branch) for branch in branches_of(expression, type)]
            to = {found[1] if found else None for found in narrowed}
            only = to.pop() if len(to) == 1 else None
            made = replace(made, targets=(only,) if only else _targets(definition.targets, reads))
        return replace(
            made,
            types=frozenset(read.type for read in reads),
            implied=MappingProxyType(_implied(reads)),
            single=len(reads) > 0 and all(read.single for read in reads) and _one_element(reads),
        )

    def _components(self, definition: definitions.SearchParameter, type: str) -> tuple[Component, ...]:
        found = []
        for url, expression in definition.components:
            part = self.definition(url)
            if part is None:
                return ()
            parameter = Parameter(type, part.code, part.type, url, expression, (), targets=part.targets)
            contexts = {
                read.type for read in elements(definition.expression, type) if definition.expression != type
            } or {type}
            reads = [read for context in contexts for read in elements(expression, context)]
            types = frozenset(read.type for read in reads)
            # R4 swaps the parts of DocumentReference's `relationship`: what is read decides.
            kind = "reference" if types == {"Reference"} else "token" if types == {"code"} else part.type
            implied = MappingProxyType(_implied(reads))
            if kind == "reference" and not parameter.targets:
                targets = tuple(dict.fromkeys(target for read in reads for target in read.targets))
                parameter = replace(parameter, targets=targets)
            found.append(Component(replace(parameter, kind=kind, implied=implied, types=types), expression))
        return tuple(found)


def _is_usable(definition: definitions.SearchParameter, type: str) -> bool:
    """Whether its expression can find something in the type; R4 has some that cannot (`Patient.age`)."""
    if definition.code in ("_text", "_content"):
        return True
    return bool(branches_of(definition.expression, type))


def _definition(resource: Json) -> definitions.SearchParameter:
    return definitions.SearchParameter(
        url=str(resource.get("url", "")),
        code=str(resource.get("code", "")),
        type=str(resource.get("type", "")),
        base=tuple(str(base) for base in resource.get("base", ())),
        expression=rooted(str(resource.get("expression", "")), resource.get("base", ())),
        # These become part of SQL text: nothing but names of types may pass.
        targets=tuple(type for type in resource.get("target", ()) if definitions.is_resource_type(type)),
        components=tuple(
            (str(part.get("definition", "")), str(part.get("expression", "")))
            for part in resource.get("component", ())
        ),
        description=str(resource.get("description", "")),
    )


def rooted(expression: str, bases: Iterable[str]) -> str:
    """The expression with every branch beginning at a type: one such as `name.given` reads each of the bases."""
    branches: list[str] = []
    for branch in _branches(expression):
        if re.match(r"[a-z]\w*", branch):
            branches += [f"{base}.{branch}" for base in bases]
        else:
            branches.append(branch)
    return " | ".join(branches)


# What is kept once for several parameters

OWN_COLUMNS = frozenset({"_id", "_lastUpdated"})
"""Codes of parameters whose values are columns of the resource: no index has them."""

_NARROWED = re.compile(r"\.where\(\s*resolve\(\)\s+is\s+(?:FHIR\.)?(\w+)\s*\)\s*\)?$")


def _shared(parameters: dict[str, Parameter]) -> dict[str, Parameter]:
    """Lets parameters whose values others keep read those."""
    reads = {code: frozenset(_normal(parameter)) for code, parameter in parameters.items()}
    made: dict[str, Parameter] = {}
    for parameter in sorted(parameters.values(), key=lambda p: (_is_narrowed(p), len(reads[p.code]), p.code)):
        code = parameter.code
        lenders = _lenders(parameter, reads, made) if parameter.kind != "special" else []
        if not lenders:
            made[code] = parameter
            continue
        narrow = _is_narrowed(parameter)
        made[code] = replace(
            parameter,
            names=tuple(lender.name for lender in lenders),
            stored=False,
            only_type=parameter.targets[0] if narrow else None,
        )
    return {code: made[code] for code in parameters}


def _lenders(
    parameter: Parameter, reads: Mapping[str, frozenset[str]], made: Mapping[str, Parameter]
) -> list[Parameter]:
    """Parameters whose values together are its own; none where there are not such."""
    wanted = reads[parameter.code]
    if _is_narrowed(parameter):
        wanted = frozenset(_NARROWED.sub("", branch) for branch in wanted)
    found = [
        other
        for other in made.values()
        if other.stored
        and other.code not in OWN_COLUMNS
        and other.kind == parameter.kind
        and _parts(other) == _parts(parameter)
        # What stands in a Bundle's entry is told apart by its type alone.
        and (parameter.types or other.targets == parameter.targets)
        and reads[other.code]
        and reads[other.code] <= wanted
        and not _is_narrowed(other)
    ]
    covered: set[str] = set()
    for other in found:
        covered |= reads[other.code]
    return found if wanted and covered == wanted else []


def _is_narrowed(parameter: Parameter) -> bool:
    return (
        parameter.kind == "reference"
        and len(parameter.targets) == 1
        and all(_NARROWED.search(branch) for branch in branches_of(parameter.expression, parameter.type))
    )


def _parts(parameter: Parameter) -> tuple[tuple[str, str], ...]:
    return tuple((part.parameter.kind, part.expression) for part in parameter.components)


def _normal(parameter: Parameter) -> list[str]:
    """The branches of its expression that concern its type, in one way of writing."""
    return [
        _without_outer(re.sub(r"\s+", " ", branch))
        for branch in branches_of(parameter.expression, parameter.type)
    ]


def _without_outer(branch: str) -> str:
    """Of `(A.b as Quantity)` and `A.b.as(Quantity)` the same text."""
    branch = branch.strip()
    while branch.startswith("(") and _closes_last(branch):
        branch = branch[1:-1].strip()
    return re.sub(r"^([\w.]+) as (\w+)$", r"\1.as(\2)", branch)


def _closes_last(text: str) -> bool:
    depth = 0
    for position, letter in enumerate(text):
        depth += (letter == "(") - (letter == ")")
        if depth == 0:
            return position == len(text) - 1
    return False


@functools.lru_cache(4096)
def branches_of(expression: str, type: str) -> tuple[str, ...]:
    """The branches of a union at top level that begin at the type (or at Resource)."""
    own = re.compile(rf"^\(*\s*(?:{type}|Resource|DomainResource)\b")
    return tuple(branch for branch in _branches(expression) if own.match(branch))


def _branches(expression: str) -> list[str]:
    """The branches of a union at top level."""
    branches, depth, begin = [], 0, 0
    for position, letter in enumerate(expression):
        depth += (letter == "(") - (letter == ")")
        if letter == "|" and depth == 0:
            branches.append(expression[begin:position].strip())
            begin = position + 1
    return [*branches, expression[begin:].strip()]


# What an expression reads

_STEP = re.compile(
    r"\.?(?:(as|ofType)\(\s*(?:FHIR\.)?(\w+)\s*\)|(where|extension)\((?:[^()]|\([^()]*\))*\)|(\w+))"
)
_CAST = re.compile(r"^\((.*)\s+as\s+(?:FHIR\.)?(\w+)\)(.*)$")


@dataclass(frozen=True, slots=True)
class Read:
    """An element that an expression reads, as the definitions type it."""

    path: str
    type: str
    binding: str | None
    targets: tuple[str, ...]
    single: bool


def elements(expression: str, type: str) -> list[Read]:
    """The elements that the branches of an expression read; those that are no plain path are left out."""
    begins = re.compile(r"^\(*\s*[A-Z]\w*\b")
    branches = branches_of(expression, type) or tuple(
        branch.strip() for branch in expression.split("|") if not begins.match(branch.strip())
    )
    return [read for branch in branches for read in _walk(_without_outer(branch), type)]


def _walk(path: str, type: str) -> list[Read]:
    cast = _CAST.match(path)
    if cast:
        path = f"{cast[1]}.as({cast[2]}){cast[3]}"
    path = re.sub(r"^\(*", "", path)
    reached = [Read(type, type, None, (), True)]
    position = 0
    while position < len(path):
        step = _STEP.match(path, position)
        if step is None:
            return []
        position = step.end()
        narrowed, name = step[2], step[4]
        if narrowed:
            reached = [read for read in reached if read.type.lower() == narrowed.lower()]
        elif step[3] == "extension":
            return []
        elif name and not name[0].isupper():
            reached = [after for read in reached for after in _children(read, name)]
    return reached


def _children(read: Read, name: str) -> list[Read]:
    try:
        structure = definitions.structure(read.type)
    except KeyError:
        return []
    for element in structure.elements:
        if element.name == name:
            single = read.single and element.max == 1
            return [
                Read(element.path, type, element.binding, element.targets, single) for type in element.types
            ]
    return []


def _one_element(reads: Sequence[Read]) -> bool:
    return len({read.path for read in reads}) == 1


def _targets(declared: tuple[str, ...], reads: Sequence[Read]) -> tuple[str, ...]:
    """Declared target types, less those that no element it reads may point to."""
    if not reads or any(not read.targets for read in reads):
        return declared
    possible = {target for read in reads for target in read.targets}
    return tuple(target for target in declared if target in possible) or declared


def _implied(reads: Sequence[Read]) -> dict[str, int]:
    found: dict[str, int] = {}
    for read in reads:
        if read.type != "code" or read.binding is None:
            continue
        value_set = read.binding.partition("|")[0]
        for system, code in definitions.required_codings(value_set) or ():
            found.setdefault(code, system_of(system) | 1)
        if value_set in _OPEN_SYSTEMS:
            found[""] = system_of(_OPEN_SYSTEMS[value_set]) | 1
    return found


def begins_list(target: str) -> bool:
    """Whether references to this type fill lists so long that they are read in the order of their date."""
    return target in _MANY_TO_ONE

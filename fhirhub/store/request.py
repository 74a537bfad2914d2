"""A search as asked for: the query string read, checked and bound, without touching the database.

https://hl7.org/fhir/R4/search.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from fhirhub import errors
from fhirhub.errors import FhirError, Issue
from fhirhub.resources import definitions
from fhirhub.store import filter as filters
from fhirhub.store.conditions import Bound, Column, Leaf, Node, either, types_in
from fhirhub.store.criteria import Names, UnknownParameter, as_error, is_canonical, nearest
from fhirhub.store.index.parameters import Parameter, Parameters
from fhirhub.store.index.token import TERMINOLOGY, CodeSet
from fhirhub.store.sql import Kind

DEFAULT_COUNT = 50
MAX_COUNT = 1000
MOST_PARAMETERS = 200

Pairs = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class SortKey:
    """One rule of `_sort`: the parameters of the types searched and the direction."""

    code: str
    descending: bool
    parameters: tuple[Parameter, ...]


@dataclass(frozen=True, slots=True)
class Include:
    """What one `_include` or `_revinclude` follows: references under `keys` to `targets` (empty: any type)."""

    keys: tuple[int, ...]
    targets: tuple[str, ...]
    iterate: bool
    reverse: bool
    canonical: tuple[int, ...] = ()
    """Keys of references that are canonicals, with those of the `url` and `version` they point to."""
    urls: tuple[int, ...] = ()
    versions: tuple[int, ...] = ()
    sources: tuple[str, ...] = ()
    """The types whose references it follows."""
    reach: tuple[str, ...] = ()
    """The types that these may point to; empty for any."""


@dataclass(slots=True)
class SearchRequest:
    """One search. `types` is empty for all types; `nodes` must all be met, with `values` in their order.

    `used` are the parameters that count, for the `self` link; `issues` tell what was ignored. `cursor` is the
    text of a page's cursor (`cursor.py`).
    """

    types: tuple[str, ...]
    nodes: tuple[Node, ...] = ()
    values: tuple[Any, ...] = ()
    kinds: tuple[Kind, ...] = ()
    sort: tuple[SortKey, ...] = ()
    count: int | None = None
    total: str = "none"
    summary: str = "false"
    elements: tuple[str, ...] = ()
    includes: tuple[Include, ...] = ()
    used: list[tuple[str, str]] = field(default_factory=list)
    issues: list[Issue] = field(default_factory=list)
    cursor: str | None = None

    @property
    def counts_only(self) -> bool:
        """Whether only the number of matches is asked for (`_summary=count`, `_count=0`)."""
        return self.summary == "count" or self.count == 0

    @property
    def page(self) -> int:
        """Matches on a page, at most."""
        return DEFAULT_COUNT if self.count is None else min(self.count, MAX_COUNT)

    def only(self, count: int) -> SearchRequest:
        """The same criteria, for so many matches and nothing else."""
        return SearchRequest(self.types, self.nodes, self.values, self.kinds, count=count)

    def types_involved(self) -> frozenset[str]:
        """The types whose writes can change what matches: what conditional interactions lock."""
        return frozenset(self.types).union(*(types_in(node) for node in self.nodes))

    @property
    def has_criteria(self) -> bool:
        """Whether anything narrows the search, as a conditional interaction must."""
        return bool(self.nodes)


def parse(
    type: str | None,
    query: str | Pairs,
    parameters: Parameters,
    *,
    lenient: bool = False,
    compartment: tuple[str, str] | None = None,
    base: str | None = None,
    code_sets: Mapping[tuple[str, str], Sequence[CodeSet] | FhirError] | None = None,
) -> SearchRequest:
    """The search that a query asks for.

    `type` is the type searched, None for all; `query` a raw query string or decoded pairs; `compartment` a
    compartment's name and id (`("Patient", "1")`); `base` this server's base URL, whose resources are local;
    `code_sets` what `of_terminology` named, looked up.
    FhirError 400 for what cannot be read or is not supported; `lenient` ignores unknown parameters instead.
    """
    pairs = pairs_of(query) if isinstance(query, str) else query
    if type is not None and not definitions.is_resource_type(type):
        raise errors.not_supported(
            f"There is no resource type `{type}`{nearest(type, definitions.RESOURCE_TYPES)}", 404
        )
    names = Names(parameters, (base,) if base else (), code_sets or {})
    types = (type,) if type else _types(pairs)
    made = SearchRequest(types)
    bounds = []
    if compartment is not None:
        made.types, bound = _compartment(compartment, types, parameters)
        types = made.types
        bounds.append(bound)
    searched = types or definitions.RESOURCE_TYPES
    if len(pairs) > MOST_PARAMETERS:
        raise errors.too_costly(f"A search has at most {MOST_PARAMETERS} parameters.")
    for name, value in pairs:
        code = name.partition(":")[0]
        if len(name) > 500:
            raise errors.invalid(f"The name of a parameter is too long: `{name[:60]}...`.")
        if "\0" in value or "\0" in name:
            raise errors.invalid(f"Parameter `{code}` holds a NUL character.")
        try:
            control = _CONTROLS.get(code)
            if not value:
                if code != name and name.endswith(":missing"):
                    raise errors.invalid(f"Parameter `{name}` expects true or false; it is empty.")
                if control is None and code not in _ELSEWHERE:
                    made.issues.append(_ignored(f"Parameter `{name}` is empty and was ignored."))
                continue
            if control is not None:
                control(made, name, value, names, searched)
            elif code in _ELSEWHERE:
                continue
            elif code == "_filter":
                if name != "_filter":
                    raise errors.not_supported("Parameter `_filter` has no modifiers.")
                bounds.append(filters.bind(names, searched, value))
            else:
                bounds.append(names.bind(searched, name)(value))
            made.used.append((name, value))
        except UnknownParameter as unknown:
            if not lenient:
                raise as_error(unknown) from None
            made.issues.append(_ignored(f"{unknown.text} The parameter `{name}` was ignored."))
    _check(made)
    if len(bounds) == 1:
        (bound,) = bounds
        made.nodes, made.values, made.kinds = (bound.node,), bound.values, bound.kinds
    elif bounds:
        made.nodes = tuple([bound.node for bound in bounds])
        made.values = tuple([value for bound in bounds for value in bound.values])
        made.kinds = tuple([kind for bound in bounds for kind in bound.kinds])
    return made


def of_terminology(pairs: Pairs) -> set[tuple[str, str]]:
    """Modifiers and values that a terminology has to look up before the query can be parsed."""
    found: set[tuple[str, str]] = set()
    for name, value in pairs:
        if name == "_filter":
            if len(value) <= MOST_CHARACTERS:
                found |= filters.of_terminology(value)
            continue
        modifier = name.rpartition(":")[2]
        if modifier in TERMINOLOGY and modifier != name and value and len(value) <= MOST_CHARACTERS:
            found.add((modifier, value))
    return found


MOST_CHARACTERS = 20_000
"""Of a value that is looked up."""


def pairs_of(query: str) -> list[tuple[str, str]]:
    """The decoded names and values of a query string or form. `+` is a space."""
    if not query:
        return []
    if "%" not in query and "+" not in query:
        found = []
        for part in query.split("&"):
            if part:
                name, _, value = part.partition("=")
                found.append((name, value))
        return found
    try:
        return parse_qsl(query, keep_blank_values=True, errors="strict", max_num_fields=1000)
    except (UnicodeDecodeError, ValueError):
        raise errors.invalid(
            "The query is not UTF-8 in percent-encoding, or has too many parameters."
        ) from None


def _ignored(text: str) -> Issue:
    return Issue("warning", "not-supported", text)


def _types(pairs: Pairs) -> tuple[str, ...]:
    """Those of `_type`; empty where it is not there."""
    found: dict[str, None] = {}
    given = False
    for name, value in pairs:
        if name == "_type" and value:
            given = True
            listed = value.split(",")
            for type in listed:
                if not definitions.is_resource_type(type):
                    raise errors.invalid(
                        f"Parameter `_type`: there is no resource type `{type}`"
                        f"{nearest(type, definitions.RESOURCE_TYPES)}"
                    )
                found[type] = None
    return tuple(found) if given else ()


def _compartment(
    compartment: tuple[str, str], types: tuple[str, ...], parameters: Parameters
) -> tuple[tuple[str, ...], Bound]:
    """The types of the compartment that are searched, and what makes a resource a member."""
    name, id = compartment
    if name not in definitions.COMPARTMENTS:
        raise errors.not_supported(f"There is no compartment `{name}`.", 404)
    key = ("compartment", name, types)
    cached = parameters.cache.get(key)
    if cached is None:
        members = definitions.compartment(name)
        searched = tuple(
            type for type in types or definitions.RESOURCE_TYPES if type in members or type == name
        )
        if not searched:
            raise errors.not_supported(f"{', '.join(types)} is in no {name} compartment.", 404)
        keys: dict[int, None] = {}
        for type in searched:
            known = parameters.of(type)
            for code in members.get(type, ()):
                if code in known:
                    keys.update(dict.fromkeys(known[code].keys))
        linked = Leaf(
            "reference", tuple(keys), (f"{{t}}.target_id = ? AND {{t}}.target_type = '{name}'",), "", 2
        )
        members_by: list[Node] = [linked] if keys else []
        if name in searched:
            members_by.append(Column((name,), ("{t}.id = ?",), 0))
        cached = (searched, tuple(members_by))
        parameters.remember(key, cached)
    searched, nodes = cached
    return searched, either([Bound(node, (id,), ("text",)) for node in nodes])


# What controls the answer rather than the criteria

Control = Callable[[SearchRequest, str, str, Names, tuple[str, ...]], None]


def _sort(made: SearchRequest, name: str, value: str, names: Names, types: tuple[str, ...]) -> None:
    key = (name, value, types)
    found = names.parameters.cache.get(key)
    if found is None:
        found = tuple(_sort_keys(name, value, names, types))
        names.parameters.remember(key, found)
    made.sort += found
    if len(made.sort) > 6:
        raise errors.too_costly("At most six sort rules are supported.")


def _sort_keys(name: str, value: str, names: Names, types: tuple[str, ...]) -> Iterable[SortKey]:
    _bare(name)
    for part in value.split(","):
        code = part.strip().lstrip("-+")
        if not code:
            continue
        if code == "_score":
            raise errors.not_supported("Sorting by `_score` is not supported: matches have no score.")
        parameters = tuple(names.named(types, code))
        for parameter in parameters:
            if parameter.kind in ("composite", "special") or code in ("_text", "_content"):
                raise errors.not_supported(f"`{code}` is no parameter that can be sorted by.")
        if len({parameter.kind for parameter in parameters}) > 1:
            raise errors.not_supported(f"`{code}` is not of one type in all the types searched.")
        yield SortKey(code, part.strip().startswith("-"), parameters)


def _count(made: SearchRequest, name: str, value: str, names: Names, types: tuple[str, ...]) -> None:
    _bare(name)
    if not value.isascii() or not value.isdigit() or len(value) > 9:
        raise errors.invalid(f"Parameter `_count` expects a whole number; got `{value}`.")
    made.count = int(value)


def _choice(attribute: str, choices: tuple[str, ...]) -> Control:
    def control(made: SearchRequest, name: str, value: str, names: Names, types: tuple[str, ...]) -> None:
        _bare(name)
        if value not in choices:
            listed = ", ".join(choices)
            raise errors.invalid(
                f"Parameter `{name}` expects one of {listed}; got `{value}`{nearest(value, choices)}"
            )
        setattr(made, attribute, value)

    return control


def _elements(made: SearchRequest, name: str, value: str, names: Names, types: tuple[str, ...]) -> None:
    _bare(name)
    made.elements += tuple(part.strip() for part in value.split(",") if part.strip())


def _contained(made: SearchRequest, name: str, value: str, names: Names, types: tuple[str, ...]) -> None:
    _bare(name)
    if name == "_contained" and value != "false":
        if value in ("true", "both"):
            raise errors.not_supported(
                "`_contained=false` alone is supported: contained resources are no matches."
            )
        raise errors.invalid(f"Parameter `_contained` expects false, true or both; got `{value}`.")
    if name == "_containedType" and value not in ("container", "contained"):
        raise errors.invalid(f"Parameter `_containedType` expects container or contained; got `{value}`.")


def _refused(text: str) -> Control:
    def control(made: SearchRequest, name: str, value: str, names: Names, types: tuple[str, ...]) -> None:
        raise errors.not_supported(text)

    return control


def _type(made: SearchRequest, name: str, value: str, names: Names, types: tuple[str, ...]) -> None:
    _bare(name)
    asked = set(value.split(","))
    if len(types) == 1 and not asked <= set(types):
        raise errors.invalid(f"Parameter `_type` asks for another type than the {types[0]} of the path.")


def _cursor(made: SearchRequest, name: str, value: str, names: Names, types: tuple[str, ...]) -> None:
    made.cursor = value


def _include(made: SearchRequest, name: str, value: str, names: Names, types: tuple[str, ...]) -> None:
    key = (name, value, types)
    found = names.parameters.cache.get(key)
    if found is None:
        found = tuple(_included(name, value, names, types))
        names.parameters.remember(key, found)
    made.includes += found


def _included(name: str, value: str, names: Names, types: tuple[str, ...]) -> Iterable[Include]:
    code, _, modifier = name.partition(":")
    if modifier not in ("", "iterate", "recurse"):
        raise errors.not_supported(f"`{code}` supports the modifier `:iterate` only; got `:{modifier}`.")
    if value == "*":
        # What is included may be of any type, and is followed too.
        sources = types if code == "_include" and not modifier else definitions.RESOURCE_TYPES
        every = [each for source in sources for each in names.parameters.of(source).values()]
        chosen = [each for each in every if each.kind == "reference"]
        return _joins(names, chosen, "", bool(modifier), code == "_revinclude")
    source, code_of, target = _include_parts(code, value)
    found = names.parameters.of(source)
    references = [each for each in found.values() if each.kind == "reference"]
    if code_of == "*":
        chosen = references
    elif code_of not in found:
        near = nearest(code_of, [each.code for each in references])
        raise UnknownParameter(f"`{name}={value}`: {source} has no search parameter `{code_of}`{near}")
    elif found[code_of].kind != "reference":
        raise errors.invalid(f"`{name}={value}`: `{code_of}` is no reference parameter.")
    else:
        chosen = [found[code_of]]
    return _joins(names, chosen, target, bool(modifier), code == "_revinclude")


def _joins(
    names: Names, chosen: Iterable[Parameter], target: str, iterate: bool, reverse: bool
) -> Iterable[Include]:
    """One join for all parameters with the same possible targets, one for each canonical."""
    by_targets: dict[tuple[str, ...], list[Parameter]] = {}
    for parameter in chosen:
        if target and parameter.only_type and target != parameter.only_type:
            continue
        if is_canonical(parameter):
            targets = (target,) if target else parameter.targets
            urls, versions = _business(names, targets, "url"), _business(names, targets, "version")
            if urls and versions:
                own = (parameter.type,)
                yield Include((), targets, iterate, reverse, parameter.keys, urls, versions, own, targets)
            continue
        only = target or parameter.only_type
        by_targets.setdefault((only,) if only else (), []).append(parameter)
    for only_targets, parameters in by_targets.items():
        keys = dict.fromkeys(key for parameter in parameters for key in parameter.keys)
        sources = tuple(dict.fromkeys(parameter.type for parameter in parameters))
        reach = only_targets
        if not reach and all(parameter.targets for parameter in parameters):
            reach = tuple(dict.fromkeys(type for parameter in parameters for type in parameter.targets))
        yield Include(tuple(keys), only_targets, iterate, reverse, sources=sources, reach=reach)


def _business(names: Names, types: Iterable[str], code: str) -> tuple[int, ...]:
    found = [names.parameters.of(type).get(code) for type in types]
    return tuple(key for parameter in found if parameter is not None for key in parameter.keys)


def _include_parts(code: str, value: str) -> tuple[str, str, str]:
    parts = value.split(":")
    expects = f"`{code}` reads Type:parameter or Type:parameter:TargetType; got `{value}`"
    if len(parts) not in (2, 3) or not all(parts):
        raise errors.invalid(f"{expects}.")
    for type in (parts[0], *parts[2:]):
        if not definitions.is_resource_type(type):
            raise errors.invalid(
                f"{expects}: there is no resource type `{type}`{nearest(type, definitions.RESOURCE_TYPES)}"
            )
    return parts[0], parts[1], parts[2] if len(parts) == 3 else ""


def _bare(name: str) -> None:
    code, colon, _ = name.partition(":")
    if colon:
        raise errors.not_supported(f"Parameter `{code}` has no modifiers.")


_CONTROLS: dict[str, Control] = {
    "_contained": _contained,
    "_containedType": _contained,
    "_count": _count,
    "_cursor": _cursor,
    "_elements": _elements,
    "_include": _include,
    "_query": _refused("Named queries (`_query`) are not supported."),
    "_revinclude": _include,
    "_score": _refused("`_score` is not supported: matches have no score."),
    "_sort": _sort,
    "_summary": _choice("summary", ("true", "text", "data", "count", "false")),
    "_total": _choice("total", ("none", "estimate", "accurate")),
    "_type": _type,
}
_ELSEWHERE = frozenset({"_format", "_pretty"})
"""Parameters of every interaction, read elsewhere."""
RESULT_PARAMETERS = frozenset(_CONTROLS) | _ELSEWHERE | {"_filter", "_has", "_list"}
"""Names that a search reads itself, whatever parameters a type has."""


def _check(made: SearchRequest) -> None:
    if made.summary == "text" and made.includes:
        raise errors.invalid("`_include` and `_revinclude` cannot be mixed with `_summary=text`.")
    if sum("include" in name for name, _ in made.used) > 50:
        raise errors.too_costly("At most 50 includes are supported.")

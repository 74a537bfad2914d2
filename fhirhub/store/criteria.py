"""A search parameter's name, with modifiers and chains, made into a function from values to conditions.

Compiled once per name and types, so that a request only splits and reads its values
(https://hl7.org/fhir/R4/search.html#chaining, https://hl7.org/fhir/R4/search.html#has).
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from fhirhub import errors
from fhirhub.errors import FhirError
from fhirhub.resources import definitions, references
from fhirhub.store import conditions
from fhirhub.store.conditions import (
    All,
    Bound,
    Canonical,
    Chain,
    Coded,
    Column,
    Has,
    Hierarchy,
    Leaf,
    Not,
    is_positive,
)
from fhirhub.store.index import composite, date, number, quantity, reference, special, string, token, uri
from fhirhub.store.index.comparison import Comparison, Way, refuse, split, unescape
from fhirhub.store.index.parameters import OWN_COLUMNS, Parameter, Parameters, system_of
from fhirhub.store.index.token import CodeSet
from fhirhub.store.sql import Kind

Bind = Callable[[str], Bound]
"""From the value of a parameter, as in the query and decoded once, to a condition."""

DEEPEST_CHAIN = 10
LONGEST_LIST = 1000

INDEX_TYPES: Mapping[str, Callable[[Parameter, str], Way]] = {
    "date": date.way,
    "number": number.way,
    "quantity": quantity.way,
    "special": special.way,
    "string": string.way,
    "token": token.way,
    "uri": uri.way,
}
"""How each search type reads a value; references and what holds them are read with this server's base URLs beside."""


class UnknownParameter(Exception):
    """There is no such parameter; `text` names the nearest."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


@dataclass(frozen=True)
class Names:
    """What names mean: the parameters of a tenant and the base URLs of this server."""

    parameters: Parameters
    bases: tuple[str, ...] = ()
    code_sets: Mapping[tuple[str, str], Sequence[CodeSet] | FhirError] = field(default_factory=dict)
    """By modifier and value, what value sets and hierarchies of codes were found to mean, or why they could not be."""

    def bind(self, types: tuple[str, ...], name: str) -> Bind:
        """What that name asks of resources of these types. Raises UnknownParameter; FhirError where it is known
        and cannot be asked so."""
        if name.endswith(_OF_TERMINOLOGY):
            return self._criterion(types, name, (), 0, every=True)
        key = ("criterion", types, name, self.bases)
        found = self.parameters.cache.get(key)
        if found is None:
            found = self._criterion(types, name, (), 0, every=True)
            self.parameters.remember(key, found)
        bind: Bind = found
        return bind

    def _criterion(
        self, types: tuple[str, ...], name: str, within: tuple[str, ...], depth: int, *, every: bool
    ) -> Bind:
        """`within` are the paths at which the resources asked about are contained; `every` says that all
        types must have the parameter, else those that have it are asked."""
        if depth > DEEPEST_CHAIN:
            raise errors.too_costly(f"A chain has at most {DEEPEST_CHAIN} links.")
        if name.startswith("_has:"):
            return self._has(types, name, within, depth)
        head, dot, rest = name.partition(".")
        code, colon, modifier = head.partition(":")
        if dot:
            return self._chain(types, code, modifier, rest, within, depth, every=every)
        if colon and not modifier:
            raise errors.invalid(f"Parameter `{name}` ends in a colon where a modifier should follow.")
        if code in OWN_COLUMNS:
            return self._own(types, code, modifier, within)
        if code == "_list":
            return self._list(types, modifier)
        return self._plain(self.named(types, code, every=every), modifier, within, every=every)

    def named(self, types: tuple[str, ...], code: str, *, every: bool = True) -> list[Parameter]:
        """The parameters of that code; of every type, or of those types that have one."""
        found = []
        for type in types:
            parameter = self.parameters.of(type).get(code)
            if parameter is not None:
                found.append(parameter)
            elif every and (code != "_text" or len(types) == 1):
                # Only Binary, Bundle and their like have no narrative to search in.
                raise UnknownParameter(self._unknown(types, type, code))
        if not found:
            raise UnknownParameter(self._unknown(types, types[0], code))
        for parameter in found:
            if not parameter.ready:
                raise errors.not_supported(
                    f"Parameter `{code}` is new; resources are still being indexed by it. Try again later."
                )
        return found

    def _unknown(self, types: tuple[str, ...], type: str, code: str) -> str:
        if len(types) > 3:
            return f"Parameter `{code}` is not one that all these resource types have (`{type}` has not)."
        return f"{type} has no search parameter `{code}`{nearest(code, self.codes(type))}"

    def codes(self, type: str) -> list[str]:
        return [*self.parameters.of(type), "_list", "_has"]

    # --- one parameter ---

    def _way(self, parameter: Parameter, modifier: str) -> Way:
        if parameter.code in ("_text", "_content"):
            return special.way(parameter, modifier)
        if parameter.kind == "reference":
            return reference.way(parameter, modifier, self.bases)
        if parameter.kind == "composite":
            return composite.way(parameter, modifier, self.bases)
        return INDEX_TYPES[parameter.kind](parameter, modifier)

    def _plain(
        self, parameters: Sequence[Parameter], modifier: str, within: tuple[str, ...], *, every: bool
    ) -> Bind:
        if within:
            parameters = [parameter.within(within) for parameter in parameters]
        if modifier == "missing":
            return _missing(parameters)
        if modifier in ("above", "below") and all(_is_hierarchical(self, p) for p in parameters):
            return self._hierarchy(parameters, modifier)
        if modifier in token.TERMINOLOGY and all(map(token.is_coded, parameters)):
            return self._coded(parameters, modifier)
        ways: dict[object, Way] = {}
        refused: FhirError | None = None
        for parameter in parameters:
            # Types that read values alike are asked in one condition.
            alike = (
                parameter.kind,
                parameter.types,
                parameter.targets,
                parameter.only_type,
                parameter.components,
                tuple(sorted(parameter.implied)) == ("",),
            )
            try:
                made = self._way(parameter, modifier)
            except FhirError as fault:
                if every:
                    raise
                refused = refused or fault
                continue
            known = ways.get(alike)
            if known is not None:
                keys = tuple(dict.fromkeys(known.keys + made.keys))
                made = Way(made.table, keys, made.read, made.rank, made.negated, made.also, made.raw)
            ways[alike] = made
        if not ways and refused is not None:
            raise refused
        code = parameters[0].code + (f":{modifier}" if modifier else "")
        url_and_version = _with_version(self, parameters) if modifier == "" else None
        if modifier == "identifier" and any(parameter.only_type for parameter in parameters):
            of_type, found = _there(parameters, named=True), [_reading(code, way) for way in ways.values()]
            return lambda value: conditions.both(
                [conditions.either([bind(value) for bind in found]), of_type]
            )
        if len(ways) == 1:
            return url_and_version or _reading(code, next(iter(ways.values())))
        binds = [_reading(code, way) for way in ways.values()]
        negated = all(way.negated for way in ways.values())
        join = conditions.both if negated else conditions.either
        return lambda value: join(_bound(binds, value, every=every))

    def _own(self, types: tuple[str, ...], code: str, modifier: str, within: tuple[str, ...]) -> Bind:
        if within:
            return lambda value: conditions.NOTHING
        if modifier == "missing":
            return lambda value: (
                conditions.NOTHING if _true_or_false(code, value) else Bound(Column(types, (), 12))
            )
        if code == "_id":
            if modifier not in ("", "not"):
                raise errors.not_supported(
                    "Parameter `_id` supports the modifiers `:not` and `:missing` only."
                )
            return _id(types, negated=modifier == "not")
        if modifier:
            raise errors.not_supported("Parameter `_lastUpdated` supports the modifier `:missing` only.")
        return lambda value: _last_updated(types, value)

    def _list(self, types: tuple[str, ...], modifier: str) -> Bind:
        if modifier:
            raise errors.not_supported("Parameter `_list` has no modifiers.")
        keys = self.parameters.of("List")["item"].keys

        def bind(value: str) -> Bound:
            comparisons = []
            for part in value.split(","):
                if part.startswith("$"):
                    raise errors.not_supported(
                        f"`_list={part}`: lists by function are not supported; give the id of a List."
                    )
                found = references.parse(part if "/" in part else f"List/{part}", None)
                if found.type != "List" or found.id is None:
                    raise errors.invalid(f"Parameter `_list` expects the id of a List; got `{part}`.")
                comparisons.append(Comparison("{t}.id = ?", (found.id,), ("text",)))
            inner = _column(("List",), comparisons, 0)
            return Bound(Has("List", keys, types, inner.node, False), inner.values, inner.kinds)

        return bind

    # --- value sets and hierarchies of codes (3.1.1.4.10) ---

    def _coded(self, parameters: Sequence[Parameter], modifier: str) -> Bind:
        keys = tuple(dict.fromkeys(key for parameter in parameters for key in parameter.keys))
        name = f"{parameters[0].code}:{modifier}"

        def bind(value: str) -> Bound:
            sets = self.code_sets.get((modifier, value))
            if sets is None:
                raise errors.not_supported(
                    f"`{name}` can be asked in a search alone, not in the criteria of another interaction."
                )
            if isinstance(sets, FhirError):
                raise sets
            found = []
            for each in sets:
                known = system_of(each.system)
                systems: tuple[Any, ...] = (known, known | 1)
                if each.edition is None:
                    values: tuple[Any, ...] = ([token.shortened(code) for code in each.codes], *systems)
                    kinds: tuple[Kind, ...] = ("text[]", "bigint", "bigint")
                else:
                    values, kinds = (*each.values, *systems), (*each.kinds, "bigint", "bigint")
                found.append(Bound(Coded(keys, each.edition, each.condition), values, kinds))
            bound = conditions.either(found) if found else conditions.NOTHING
            return conditions.negated(bound) if modifier == "not-in" else bound

        return bind

    # --- hierarchies (3.1.1.4.14) ---

    def _hierarchy(self, parameters: Sequence[Parameter], modifier: str) -> Bind:
        def bind(value: str) -> Bound:
            if "," in value:
                raise errors.not_supported(f"`:{modifier}` of a hierarchy takes one value, no list.")
            made = []
            for parameter in parameters:
                kinds = _hierarchies(self, parameter)
                found = references.parse(value, self.bases[0] if self.bases else None)
                if found.is_local:
                    kinds = [each for each in kinds if each == found.type]
                id = found.id if found.is_local else value
                for type in kinds:
                    node = Hierarchy(parameter.keys, type, _parents(self, type), below=modifier == "below")
                    made.append(Bound(node, (id,), ("text",)))
            return conditions.either(made) if made else conditions.NOTHING

        return bind

    # --- chains ---

    def _chain(
        self,
        types: tuple[str, ...],
        code: str,
        modifier: str,
        rest: str,
        within: tuple[str, ...],
        depth: int,
        *,
        every: bool,
    ) -> Bind:
        parameters = self.named(types, code, every=every)
        linked = [parameter for parameter in parameters if parameter.kind == "reference"]
        if not linked or (every and len(linked) < len(parameters)):
            kind = next(parameter.kind for parameter in parameters if parameter.kind != "reference")
            raise errors.not_supported(
                f"`{code}.{rest}` cannot be followed: `{code}` is a {kind} parameter, no reference."
            )
        if modifier and not definitions.is_resource_type(modifier):
            raise errors.not_supported(
                f"`{code}:{modifier}.{rest}`: in a chain only a resource type can follow the colon"
                f"{nearest(modifier, definitions.RESOURCE_TYPES)}"
            )
        groups: dict[tuple[tuple[str, ...], str | None, bool], list[Parameter]] = {}
        for parameter in linked:
            possible = parameter.targets or definitions.RESOURCE_TYPES
            targets = possible if not modifier else (modifier,) if modifier in possible else ()
            groups.setdefault((targets, parameter.only_type, is_canonical(parameter)), []).append(parameter)
        binds: list[Bind] = []
        refused: FhirError | UnknownParameter | None = None
        for (targets, _, _), group in groups.items():
            try:
                if not targets:
                    raise refuse(group[0], modifier, group[0].targets)
                binds.append(self._followed(group, targets, rest, within, depth))
            except (FhirError, UnknownParameter) as fault:
                if every:
                    raise
                refused = refused or fault
        if not binds and refused is not None:
            raise refused
        if len(binds) == 1:
            return binds[0]
        return lambda value: conditions.either(_bound(binds, value, every=every))

    def _followed(
        self,
        parameters: Sequence[Parameter],
        targets: tuple[str, ...],
        rest: str,
        within: tuple[str, ...],
        depth: int,
    ) -> Bind:
        known = self._having(targets, rest)
        outer = self._criterion(known, rest, (), depth + 1, every=len(known) == 1)
        paths = tuple(name for parameter in parameters for name in parameter.names)
        if within:
            paths = tuple(f"{path}>{name}" for path in within for name in paths)
        inner = None
        if paths[0].count(">") < 2 and not rest.startswith("_has:"):
            inner = self._criterion(known, rest, paths, depth + 1, every=len(known) == 1)
        keys = tuple(key for parameter in parameters for key in parameter.keys)
        if within:
            keys = tuple(key for parameter in parameters for key in parameter.within(within).keys)
        only = parameters[0].only_type
        also = f"{{t}}.target_type = '{only}'" if only else ""
        canonical = self.canonical(known) if is_canonical(parameters[0]) else None
        kept = ", ".join(f"'#{type}'" for type in known)
        within_test = f"{{t}}.target_type = '' AND {{t}}.target_id IN ({kept})"

        def bind(value: str) -> Bound:
            bound = outer(value)
            contained = None
            if inner is not None:
                twin = inner(value)
                # The same values in the same order, so that one set of places serves both.
                contained = twin.node if twin.values == bound.values else None
                if contained is not None and not is_positive(contained):
                    contained = All((Leaf("reference", keys, (within_test,), "", 8), contained))
            return Bound(
                Chain(keys, also, known, bound.node, contained, canonical), bound.values, bound.kinds
            )

        return bind

    def canonical(self, types: Iterable[str]) -> Canonical:
        """How resources of these types are found by a canonical: under their own URL and version."""
        found = [
            tuple(
                key
                for type in types
                if (parameter := self.parameters.of(type).get(code)) is not None
                for key in parameter.keys
            )
            for code in ("url", "version")
        ]
        if not all(found):
            raise errors.not_supported(
                f"{_listed(tuple(types))} cannot be found by a canonical: no `url` and `version` to search by."
            )
        return Canonical(*found)

    def _having(self, targets: tuple[str, ...], rest: str) -> tuple[str, ...]:
        """Those types that have the first parameter of what follows."""
        if rest.startswith("_has:"):
            return targets
        code = re.split(r"[.:]", rest, maxsplit=1)[0]
        if code in OWN_COLUMNS or code == "_list":
            return targets
        found = tuple(type for type in targets if code in self.parameters.of(type))
        if not found:
            if len(targets) == 1:
                raise UnknownParameter(self._unknown(targets, targets[0], code))
            raise UnknownParameter(f"None of the types it may point to has a search parameter `{code}`.")
        return found

    def _has(self, types: tuple[str, ...], name: str, within: tuple[str, ...], depth: int) -> Bind:
        parts = name.split(":", 3)
        if len(parts) < 4 or not all(parts):
            raise errors.invalid(
                f"`{name}` is incomplete: `_has` reads `_has:Type:reference:parameter`, "
                "such as `_has:Observation:patient:code`."
            )
        _, source, code, rest = parts
        if not definitions.is_resource_type(source):
            raise errors.invalid(
                f"`{name}`: there is no resource type `{source}`{nearest(source, definitions.RESOURCE_TYPES)}"
            )
        (parameter,) = self.named((source,), code)
        if parameter.kind != "reference":
            raise errors.invalid(
                f"`{name}`: `{code}` of {source} is a {parameter.kind} parameter, no reference."
            )
        inner = self._criterion((source,), rest, (), depth + 1, every=True)
        only = parameter.only_type
        reachable = tuple(
            type
            for type in types
            if (only is None or type == only) and (not parameter.targets or type in parameter.targets)
        )
        if within or not reachable:
            if not reachable:
                raise errors.invalid(
                    f"`{name}`: `{code}` of {source} points to {_listed(parameter.targets)}, not to {_listed(types)}."
                )
            return lambda value: conditions.NOTHING
        keys, single = parameter.keys, parameter.single
        canonical = self.canonical(reachable) if is_canonical(parameter) else None

        def bind(value: str) -> Bound:
            bound = inner(value)
            return Bound(
                Has(source, keys, reachable, bound.node, single, canonical), bound.values, bound.kinds
            )

        return bind


_OF_TERMINOLOGY = tuple(f":{modifier}" for modifier in token.TERMINOLOGY)

# Reading values


def _reading(name: str, way: Way) -> Bind:
    """Reads `a,b` as one or the other."""
    table, keys, read, also, rank = way.table, way.keys, way.read, way.also, way.rank
    negated, raw = way.negated, way.raw

    def bind(value: str) -> Bound:
        if "," not in value:
            parts = [value]
        else:
            parts = [part for part in split(value, ",") if part]
            if len(parts) > LONGEST_LIST:
                raise errors.too_costly(f"Parameter `{name}` has more than {LONGEST_LIST} values.")
        try:
            bound = conditions.leaf(
                table, keys, [read(part if raw else unescape(part)) for part in parts], also, rank
            )
        except ValueError as fault:
            raise errors.invalid(f"Parameter `{name}` {fault}.") from None
        return Bound(Not(bound.node), bound.values, bound.kinds) if negated else bound

    return bind


def _bound(binds: Sequence[Bind], value: str, *, every: bool) -> list[Bound]:
    """The value as each of them reads it; where not `every` one must, as those that can."""
    found, refused = [], None
    for bind in binds:
        try:
            found.append(bind(value))
        except FhirError as fault:
            if every:
                raise
            refused = refused or fault
    if not found and refused is not None:
        raise refused
    return found


def _missing(parameters: Sequence[Parameter]) -> Bind:
    for parameter in parameters:
        if parameter.kind in ("composite", "special") or parameter.code in ("_text", "_content"):
            raise errors.not_supported(f"Parameter `{parameter.code}` has no modifiers.")
    code, there = parameters[0].code, _there(parameters)

    def bind(value: str) -> Bound:
        return conditions.negated(there) if _true_or_false(code, value) else there

    return bind


def _there(parameters: Sequence[Parameter], *, named: bool = False) -> Bound:
    """Resources that have a value of them; `named` also those of which an identifier alone tells whom they mean."""
    nodes = []
    for parameter in parameters:
        also = reference.leads_to(parameter.only_type, named=named) if parameter.only_type else ""
        nodes.append(Bound(Leaf(parameter.kind, parameter.keys, (), also, 12)))
    return conditions.either(nodes)


def _true_or_false(code: str, value: str) -> bool:
    if value not in ("true", "false"):
        raise errors.invalid(f"Parameter `{code}:missing` expects true or false; got `{value}`.")
    return value == "true"


def _id(types: tuple[str, ...], negated: bool) -> Bind:
    def bind(value: str) -> Bound:
        parts = [part for part in split(value, ",") if part] if "," in value else [value]
        try:
            comparisons = [Comparison("{t}.id = ?", (unescape(part),), ("text",)) for part in parts]
            bound = _column(types, comparisons, 0)
        except ValueError as fault:
            raise errors.invalid(f"Parameter `_id` {fault}.") from None
        return conditions.negated(bound) if negated else bound

    return bind


def _column(types: tuple[str, ...], comparisons: Sequence[Comparison], rank: float) -> Bound:
    as_leaf = conditions.leaf("resource", (), comparisons, "", rank)
    assert isinstance(as_leaf.node, Leaf)
    return Bound(Column(types, as_leaf.node.tests, rank), as_leaf.values, as_leaf.kinds)


# What was last updated at a moment is a range of that microsecond.
_MOMENTS = {
    "{t}.low >= ? AND {t}.low < ? AND {t}.high <= ?": "{t}.updated >= ? AND {t}.updated < ? AND {t}.updated < ?",
    "({t}.low < ? OR {t}.high > ?)": "({t}.updated < ? OR {t}.updated >= ?)",
    "{t}.high > ?": "{t}.updated >= ?",
    "{t}.low < ?": "{t}.updated < ?",
    "{t}.low >= ?": "{t}.updated >= ?",
    "{t}.high <= ?": "{t}.updated < ?",
    "{t}.low < ? AND {t}.high > ?": "{t}.updated < ? AND {t}.updated >= ?",
}


def _last_updated(types: tuple[str, ...], value: str) -> Bound:
    try:
        found = [date.read(part) for part in split(value, ",") if part]
        comparisons = [Comparison(_MOMENTS[one.sql], one.values, one.kinds) for one in found]
        return _column(types, comparisons, 9)
    except ValueError as fault:
        raise errors.invalid(f"Parameter `_lastUpdated` {fault}.") from None


def _with_version(names: Names, parameters: Sequence[Parameter]) -> Bind | None:
    """For `url` of what has a business version: `url|version` is both (3.1.1.4.9)."""
    if len(parameters) != 1 or parameters[0].code != "url" or parameters[0].kind != "uri":
        return None
    type = parameters[0].type
    version = names.parameters.of(type).get("version")
    if version is None:
        return None
    by_url = _reading("url", uri.way(parameters[0], ""))
    by_version = _reading("url", token.way(version, ""))

    def bind(value: str) -> Bound:
        if "|" not in value:
            return by_url(value)
        made = []
        for part in split(value, ","):
            url, *numbers = split(part, "|")
            one = by_url(url)
            made.append(conditions.both([one, by_version("\\|".join(numbers))]) if numbers else one)
        return conditions.either(made)

    return bind


def _parents(names: Names, type: str) -> tuple[int, ...]:
    """The rows that say of what a resource is a part: `partof` of a Location."""
    for code in ("partof", "part-of"):
        parameter = names.parameters.of(type).get(code)
        if parameter is not None and parameter.kind == "reference" and type in parameter.targets:
            return parameter.keys
    return ()


def is_canonical(parameter: Parameter) -> bool:
    """Whether it points by URL, and not by type and id."""
    return parameter.kind == "reference" and bool(parameter.types) and parameter.types <= {"canonical", "uri"}


def _hierarchies(names: Names, parameter: Parameter) -> list[str]:
    return [type for type in parameter.targets if _parents(names, type)]


def _is_hierarchical(names: Names, parameter: Parameter) -> bool:
    return (
        parameter.kind == "reference"
        and "canonical" not in parameter.types
        and bool(_hierarchies(names, parameter))
    )


def nearest(name: str, known: Iterable[str]) -> str:
    """The end of a sentence: `; did you mean ...?` where one is near."""
    found = difflib.get_close_matches(name, list(known), 1, 0.6) if len(name) < 100 else []
    return f"; did you mean `{found[0]}`?" if found else "."


def _listed(types: Sequence[str]) -> str:
    return ", ".join(types[:5]) + (" ..." if len(types) > 5 else "") if types else "any type"


def as_error(unknown: UnknownParameter) -> FhirError:
    return errors.not_supported(unknown.text)

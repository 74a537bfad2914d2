"""The index rows of a resource: every value that a search parameter finds in it.

Compiled once per type; a row is a tuple of the columns behind tenant and rid (`index.TABLES`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from fhirhub.resources import definitions, fhirpath, masking, references, relations
from fhirhub.resources.masking import BSN_SYSTEMS
from fhirhub.store.index import (
    ABSENT,
    composite,
    date,
    number,
    quantity,
    reference,
    special,
    string,
    token,
    uri,
)
from fhirhub.store.index.parameters import (
    LISTED_CODES,
    MAIN_DATES,
    OWN_COLUMNS,
    Parameter,
    Parameters,
    begins_list,
    branches_of,
    key_of,
)

Json = dict[str, Any]
Row = tuple[Any, ...]
Rows = dict[str, list[Row]]


class Context:
    """What collecting the rows of one resource needs: the resource, its main date, this server's base URL. `told` has
    the texts of references that have rows."""

    __slots__ = ("at", "base", "root", "rows", "told")

    def __init__(self, root: Json, base: str | None) -> None:
        self.root = root
        self.base = base
        self.at: int | None = None
        self.rows: Rows = {}
        self.told: set[str] = set()

    def add(self, table: str, row: Row) -> None:
        rows = self.rows.get(table)
        if rows is None:
            self.rows[table] = [row]
        else:
            rows.append(row)

    def table(self, table: str) -> list[Row]:
        return self.rows.setdefault(table, [])


Collect = Callable[[Json, Context], None]


def rows(resource: Json, parameters: Parameters, base: str | None = None) -> Rows:
    """By table, the index rows of the resource. `base` is this server's base URL, whose resources are local."""
    type = resource["resourceType"]
    collectors = _collectors(type, parameters)
    context = Context(resource, base)
    if collectors.main_date is not None:
        found = [low for kind, value in collectors.main_date(resource) for low, _ in date.ranges(kind, value)]
        context.at = min(found) if found else ABSENT
    for collect in collectors.of(resource):
        collect(resource, context)
    _whole(type, resource, context)
    if "contained" in resource or type == "Bundle":
        _contained(type, type, resource, context, parameters, depth=0)
    if type in relations.TYPES or "security" in resource.get("meta", ()):
        related, held = relations.rows(resource, base)
        context.rows["relation"], context.rows["holding"] = list(related), list(held)
    return {
        table: found if len(found) == 1 else list(dict.fromkeys(found))
        for table, found in context.rows.items()
        if found
    }


_FORMS = 200
"""For so many sets of properties of a type it is remembered who looks at them."""


class _Collectors:
    """The collectors of a type. Most of a type's elements are absent from most resources, so each is asked
    only where one of the properties that its expression begins with is there."""

    __slots__ = ("_always", "_by_key", "_each", "_known", "main_date")

    def __init__(
        self, each: list[tuple[Collect, frozenset[str] | None]], main_date: Callable[..., Any] | None
    ) -> None:
        self.main_date = main_date
        self._each = [collect for collect, _ in each]
        self._always = frozenset(place for place, (_, keys) in enumerate(each) if keys is None)
        by_key: dict[str, set[int]] = {}
        for place, (_, keys) in enumerate(each):
            for key in keys or ():
                by_key.setdefault(key, set()).add(place)
        self._by_key = {key: frozenset(places) for key, places in by_key.items()}
        self._known: dict[tuple[str, ...], list[Collect]] = {}

    def of(self, resource: Json) -> list[Collect]:
        """Those that may find something in the resource."""
        keys = tuple(resource)
        found = self._known.get(keys)
        if found is None:
            places = self._always.union(*(self._by_key.get(key, ()) for key in keys))
            found = [self._each[place] for place in sorted(places)]
            if len(self._known) < _FORMS:
                self._known[keys] = found
        return found


def _begins_with(parameter: Parameter) -> frozenset[str] | None:
    """The properties of the resource with which its expression begins; None where that is not told."""
    type, expressions = parameter.type, branches_of(parameter.expression, parameter.type)
    if parameter.components and expressions == (type,):
        # Every part must be there, so the last is enough: the value, as a rule.
        expressions = tuple(
            f"{type}.{part.strip()}" for part in parameter.components[-1].expression.split("|")
        )
    keys: set[str] = set()
    properties = definitions.structure(type).properties
    for expression in expressions:
        begin = re.match(r"^\(*\s*(\w+)\.(\w+)(?:\.as\((\w+)\)|\s+as\s+(\w+))?", expression)
        if begin is None or begin[1] not in (type, "Resource", "DomainResource") or " and " in expression:
            return None
        name, cast = begin[2], begin[3] or begin[4]
        found = [
            key
            for key, property in properties.items()
            if property.element.name == name and (cast is None or _may_be(property.type, cast))
        ]
        if not found:
            return None
        keys.update(found)
    return frozenset(keys)


def _may_be(type: str, cast: str) -> bool:
    """Leniently as to case: R4 has `value.as(DateTime)`."""
    return definitions.is_subtype(type, cast) or type.lower() == cast.lower()


def _collectors(type: str, parameters: Parameters, prefix: str | None = None) -> _Collectors:
    """Those of a type; `prefix` is the path to it (`Condition:subject`) where it is contained."""
    cached = parameters.cache.get(("extract", type, prefix))
    if cached is not None:
        return cached  # type: ignore[no-any-return]
    each: list[tuple[Collect, frozenset[str] | None]] = []
    main_date = None
    for parameter in parameters.of(type).values():
        if not parameter.stored or parameter.code in OWN_COLUMNS or parameter.code in ("_text", "_content"):
            continue
        make = _MAKERS.get(parameter.kind)
        if make is None:
            continue
        name = parameter.name if prefix is None else f"{prefix}>{parameter.name}"
        made = make(parameter, name, prefix is None and type in MAIN_DATES)
        if made is not None:
            each.append((made, _begins_with(parameter)))
    if prefix is None and type in MAIN_DATES:
        main_date = fhirpath.select(parameters.of(type)[MAIN_DATES[type]].expression, type)
    found = parameters.cache["extract", type, prefix] = _Collectors(each, main_date)
    return found


def _select(parameter: Parameter) -> Callable[..., list[tuple[str, Any]]]:
    select = fhirpath.select(parameter.expression, parameter.type)
    return _unwrapping(select) if "extension(" in parameter.expression else select


def _unwrapping(select: Callable[..., list[tuple[str, Any]]]) -> Callable[..., list[tuple[str, Any]]]:
    """Takes the value out of extensions: R4's expressions for its genetics parameters end before it."""

    def unwrapped(value: Json, root: Json) -> list[tuple[str, Any]]:
        found = []
        for type, each in select(value, root):
            if type != "Extension":
                found.append((type, each))
                continue
            for key, inner in each.items():
                if key.startswith("value"):
                    name = key.removeprefix("value")
                    found.append((name if name in definitions.TYPES else name[0].lower() + name[1:], inner))
        return found

    return unwrapped


# One collector for each search type


def _token(parameter: Parameter, name: str, dated: bool) -> Collect:
    select, key = _select(parameter), key_of(name)
    text_key, type_key = key_of(f"{name}:text"), key_of(f"{name}:of-type")
    known = parameter.implied
    otherwise = known.get("", 0)
    listed = dated and parameter.code in LISTED_CODES

    def implied(code: str) -> int:
        return known.get(code, otherwise)

    codes, texts, typed, row = token.codes, token.texts, token.typed, string.row

    def collect(value: Json, context: Context) -> None:
        found = select(value, context.root)
        if not found:
            return
        at = context.at if listed else None
        table = context.table("token")
        for type, each in found:
            for code, system in codes(type, each, implied):
                table.append((key, code, system, at))
            if type == "CodeableConcept" or type == "Coding":
                for text in texts(type, each):
                    context.add("string", row(text_key, text))
            elif type == "Identifier":
                for text in texts(type, each):
                    context.add("string", row(text_key, text))
                for code, system in typed(each):
                    table.append((type_key, code, system, None))

    return collect


def _string(parameter: Parameter, name: str, dated: bool) -> Collect:
    select, key = _select(parameter), key_of(name)
    family = re.search(r"\.name\.family$|^family$", parameter.expression.split("|")[0].strip()) is not None

    def collect(value: Json, context: Context) -> None:
        found = select(value, context.root)
        if found:
            table = context.table("string")
            for type, each in found:
                string.rows(key, type, each, table, family)

    return collect


def _date(parameter: Parameter, name: str, dated: bool) -> Collect:
    select, key = _select(parameter), key_of(name)

    def collect(value: Json, context: Context) -> None:
        for type, each in select(value, context.root):
            for low, high in date.ranges(type, each):
                context.add("date", (key, low, high))

    return collect


def _number(parameter: Parameter, name: str, dated: bool) -> Collect:
    select, key = _select(parameter), key_of(name)

    def collect(value: Json, context: Context) -> None:
        for type, each in select(value, context.root):
            for low, high in number.spans(type, each):
                context.add("number", (key, low, high))

    return collect


def _quantity(parameter: Parameter, name: str, dated: bool) -> Collect:
    select, key = _select(parameter), key_of(name)

    def collect(value: Json, context: Context) -> None:
        for type, each in select(value, context.root):
            for amount in quantity.amounts(type, each):
                context.add("quantity", (key, *amount))

    return collect


def _uri(parameter: Parameter, name: str, dated: bool) -> Collect:
    select, key = _select(parameter), key_of(name)

    def collect(value: Json, context: Context) -> None:
        for type, each in select(value, context.root):
            for text in uri.values(type, each):
                context.add("uri", (key, text))

    return collect


def _reference(parameter: Parameter, name: str, dated: bool) -> Collect:
    select, key = _select(parameter), key_of(name)
    identifier_key = key_of(f"{name}:identifier")
    nested = reference.is_nested(parameter)
    targets, target_of = reference.targets, reference.target

    def collect(value: Json, context: Context) -> None:
        found = select(value, context.root)
        if not found:
            return
        table, base, told = context.table("reference"), context.base, context.told
        for type, each in found:
            if nested and type not in parameter.targets:
                continue
            if type == "Reference" and len(each) < 3 and "identifier" not in each:
                # As most are: a reference, perhaps with a display.
                text = each.get("reference")
                if text and text[0] != "#":
                    target, id, version = target_of(text, base)
                    table.append(
                        (key, target, id, version, context.at if dated and begins_list(target) else None)
                    )
                    told.add(text)
                    continue
            for target, id, version in targets(type, each, base):
                if id and id[0] == "#":
                    id = _contained_type(id, context.root)
                at = context.at if dated and begins_list(target) else None
                table.append((key, target, id, version, at))
            if type == "Reference" and "identifier" in each:
                for code, system in token.codes("Identifier", each["identifier"], int):
                    context.add("token", (identifier_key, code, system, None))

    return collect


def _composite(parameter: Parameter, name: str, dated: bool) -> Collect | None:
    components = parameter.components
    if not 2 <= len(components) <= composite.SLOTS:
        return None
    key = key_of(name)
    selected: dict[str, list[Callable[..., Any]]] = {}
    outer = fhirpath.select(parameter.expression, parameter.type)

    def parts(type: str) -> list[Callable[..., Any]]:
        found = selected.get(type)
        if found is None:
            found = selected[type] = [fhirpath.select(each.expression, type) for each in components]
        return found

    def collect(value: Json, context: Context) -> None:
        for type, element in outer(value, context.root):
            filled = []
            for component, select in zip(components, parts(type), strict=True):
                found = select(element, context.root)
                if not found:
                    break
                filled.append(
                    [
                        slot
                        for kind, each in found
                        for slot in composite.slots(component.parameter, kind, each, context.base)
                    ]
                )
            else:
                made = composite.rows(key, filled)
                if made:
                    context.table("composite").extend(made)

    return collect


def _special(parameter: Parameter, name: str, dated: bool) -> Collect | None:
    if parameter.code != "near":
        return None
    select, key = _select(parameter), key_of(name)

    def collect(value: Json, context: Context) -> None:
        for _, position in select(value, context.root):
            row = special.place(key, position)
            if row is not None:
                context.add("composite", row)

    return collect


_MAKERS: dict[str, Callable[[Parameter, str, bool], Collect | None]] = {
    "token": _token,
    "string": _string,
    "date": _date,
    "number": _number,
    "quantity": _quantity,
    "uri": _uri,
    "reference": _reference,
    "composite": _composite,
    "special": _special,
}


# The whole resource: its words, and references that no parameter finds

_UNREAD = frozenset({"resourceType", "id", "meta", "reference", "system", "url", "data", "div", "contained"})
_IDENTIFIERS = frozenset({"identifier", "valueIdentifier"})
_tags = re.compile(r"<[^>]*>")
_nine_digits = re.compile(r"\d{9}").search
_entities = re.compile(r"&(?:#\d+|#x[0-9a-fA-F]+|[a-z]+);")


def _whole(type: str, resource: Json, context: Context) -> None:
    texts: list[str] = []
    linked: list[str] = []
    _walk(resource, texts, linked)
    if type == "Bundle":
        linked = []  # what its entries refer to is its own affair
    narrative = resource.get("text")
    if isinstance(narrative, dict) and isinstance(narrative.get("div"), str):
        told = _tags.sub(" ", narrative["div"])
        if "&" in told:
            import html

            told = html.unescape(told)
        if _nine_digits(told):
            # What an identifier hides is not found by the words that tell it again (RULES R3).
            for bsn in masking.bsns(resource):
                told = told.replace(bsn, " ")
        texts.append(told)
        said = special.words([told])
        if said:
            context.add("content", (key_of(f"{type}:_text"), said))
    said = special.words(texts)
    if said:
        context.add("content", (key_of(f"{type}:_content"), said))
    others = [text for text in linked if text not in context.told]
    if others:
        found = context.table("reference")
        known = {(row[1], row[2]) for row in found}
        key = key_of(f"{type}:*reference")
        for text in dict.fromkeys(others):
            target, id, version = reference.target(text, context.base)
            if target and (target, id) not in known:
                found.append((key, target, id, version, None))


def _walk(value: Json, texts: list[str], linked: list[str]) -> None:
    for key, child in value.items():
        kind = child.__class__
        if kind is str:
            if key == "reference":
                linked.append(child)
            elif key not in _UNREAD:
                texts.append(child)
        elif kind is dict:
            if key not in _IDENTIFIERS or child.get("system") not in BSN_SYSTEMS:
                _walk(child, texts, linked)
        elif kind is list:
            if key in _IDENTIFIERS:
                # Words are found by all; a BSN is not (RULES R3).
                child = [
                    one for one in child if one.__class__ is dict and one.get("system") not in BSN_SYSTEMS
                ]
            for each in child:
                if each.__class__ is dict:
                    _walk(each, texts, linked)
                elif each.__class__ is str:
                    texts.append(each)


# Contained resources: found by chains through the reference that points at them


def _contained(
    prefix: str, type: str, holder: Json, context: Context, parameters: Parameters, depth: int
) -> None:
    for parameter in parameters.of(type).values():
        if parameter.kind != "reference" or not parameter.stored or not parameter.expression:
            continue
        path = f"{prefix}:{parameter.code}" if depth == 0 else f"{prefix}>{type}:{parameter.code}"
        for inner in _pointed_at(parameter, holder, context.root):
            kind = inner["resourceType"]
            outer_at, context.at = context.at, None
            kept = context.rows.pop("reference", None) if type == "Bundle" else None
            for collect in _collectors(kind, parameters, path).of(inner):
                collect(inner, context)
            if type == "Bundle":
                # What stands in a Bundle refers to what stands beside it.
                context.rows["reference"] = kept or []
            context.at = outer_at
            if depth < 1:
                _contained(path, kind, inner, context, parameters, depth + 1)


def _pointed_at(parameter: Parameter, holder: Json, root: Json) -> Iterator[Json]:
    for type, value in _select(parameter)(holder, root):
        if type == "Reference":
            text = value.get("reference")
            if isinstance(text, str) and len(text) > 1 and text[0] == "#":
                inner = references.find_contained(root, text[1:])
                if inner is not None and definitions.is_resource_type(inner.get("resourceType")):
                    yield inner
        elif type in parameter.targets:
            yield value


def _contained_type(id: str, root: Json) -> str:
    """What the index keeps of a reference to a contained resource: `#Patient`."""
    inner = references.find_contained(root, id[1:])
    return f"#{inner.get('resourceType')}" if inner is not None else "#"

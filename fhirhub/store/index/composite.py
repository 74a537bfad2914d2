"""Composite parameters: values of one element that belong together (https://hl7.org/fhir/R4/search.html#composite)."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

from fhirhub import errors
from fhirhub.store.index import KEY_LENGTH, date, number, quantity, reference, string, token, uri
from fhirhub.store.index.comparison import Comparison, Way, refuse, split, unescape
from fhirhub.store.index.parameters import Parameter
from fhirhub.store.sql import Kind

Slot = tuple[Any, Any, Any, Any]
"""text, system, low, high."""
Written = tuple[Any, Any, Any, Any]
"""low, high, code, unit of a quantity as written."""

_NONE: Slot = (None, None, None, None)
_UNWRITTEN: Written = (None, None, None, None)
SLOTS = 3


def slots(parameter: Parameter, type: str, value: Any, base: str | None) -> list[tuple[Slot, Written]]:
    """What one component's value of that data type fills in."""
    found: list[tuple[Slot, Written]] = []
    match parameter.kind:
        case "token":
            pairs = token.codes(type, value, lambda code: parameter.implied.get(code, 0))
            found = [((code, system, None, None), _UNWRITTEN) for code, system in pairs]
        case "quantity":
            for low, high, code, system, unit, canonical, first, last in quantity.amounts(type, value):
                found.append(((canonical, system, first, last), (low, high, code, unit)))
        case "date":
            for begin, end in date.ranges(type, value):
                found.append((("", None, float(begin), float(end)), _UNWRITTEN))
        case "number":
            for low, high in number.spans(type, value):
                found.append((("", None, low, high), _UNWRITTEN))
        case "string":
            rows: list[tuple[Any, ...]] = []
            string.rows(0, type, value, rows)
            found = [((text, None, None, None), _UNWRITTEN) for _, text, *_ in rows]
        case "uri":
            found = [((text, None, None, None), _UNWRITTEN) for text in uri.values(type, value)]
        case "reference":
            for target_type, target_id, _ in reference.targets(type, value, base):
                name = f"{target_type}/{target_id}" if target_type else target_id
                found.append(((name, None, None, None), _UNWRITTEN))
    return found


def rows(key: int, parts: Sequence[Sequence[tuple[Slot, Written]]]) -> list[tuple[Any, ...]]:
    """A row for every combination of the components' values."""
    found = []
    for combination in itertools.product(*parts):
        row: tuple[Any, ...] = (key,)
        written = _UNWRITTEN
        for slot, amount in combination:
            row += slot
            if amount is not _UNWRITTEN:
                written = amount
        row += _NONE * (SLOTS - len(combination))
        found.append(row + written)
    return found


# Conditions


def reader(parameter: Parameter, bases: Sequence[str]) -> Callable[[str], Comparison]:
    """Reads the components' values, joined by `$`."""
    readers = [
        _reader(component.parameter, place, bases) for place, component in enumerate(parameter.components, 1)
    ]

    def read(text: str) -> Comparison:
        parts = split(text, "$")
        if len(parts) != len(readers) or not all(parts):
            names = "$".join(component.parameter.code for component in parameter.components)
            raise ValueError(f"expects {len(readers)} values joined by `$`, for {names}; got `{text}`")
        made = [each(part) for each, part in zip(readers, parts, strict=True)]
        return Comparison(
            " AND ".join(f"({one.sql})" if " OR " in one.sql else one.sql for one in made),
            tuple(value for one in made for value in one.values),
            tuple(kind for one in made for kind in one.kinds),
        )

    return read


def _reader(parameter: Parameter, place: int, bases: Sequence[str]) -> Callable[[str], Comparison]:
    read: Callable[[str], Comparison]
    columns: dict[str, str]
    match parameter.kind:
        case "token":
            read, columns = token.reader(parameter), {"code": "text", "system": "system"}
        case "quantity":
            read = quantity.read
            columns = {
                "canonical_low": "low",
                "canonical_high": "high",
                "canonical": "text",
                "system": "system",
            }
        case "date":
            return _dated(place)
        case "number":
            read, columns = number.read, {"low": "low", "high": "high"}
        case "string":
            return lambda text: _beginning(text, place)
        case "uri":
            read, columns = uri.equals, {"value": "text"}
        case "reference":
            refer = reference.reader(parameter, None, bases)
            return lambda text: _referring(parameter, refer(text), place)
        case _:
            raise errors.not_supported(f"A part of type {parameter.kind} is not supported in a composite.")
    return lambda text: _placed(read(text), columns, place)


def _placed(comparison: Comparison, columns: dict[str, str], place: int) -> Comparison:
    sql = comparison.sql
    for column, slot in columns.items():
        sql = sql.replace(f"{{t}}.{column} ", f"{{t}}.{slot}{place} ")
    return Comparison(sql, comparison.values, comparison.kinds)


def _dated(place: int) -> Callable[[str], Comparison]:
    def read(text: str) -> Comparison:
        found = date.read(text)
        kinds: list[Kind] = ["double"] * len(found.kinds)
        values = tuple(float(value) for value in found.values)
        return _placed(Comparison(found.sql, values, tuple(kinds)), {"low": "low", "high": "high"}, place)

    return read


def _beginning(text: str, place: int) -> Comparison:
    """Only the folded text is kept, as far as an index goes."""
    value = string.fold(unescape(text))
    if not value or len(value) > KEY_LENGTH:
        raise ValueError(f"expects a text of 1 to {KEY_LENGTH} characters")
    return Comparison(f"{{t}}.text{place} LIKE ? ESCAPE '\\'", (f"{string.escaped(value)}%",), ("text",))


def _referring(parameter: Parameter, found: Comparison, place: int) -> Comparison:
    if " IN " in found.sql:
        id, url, type = found.values
        return Comparison(f"{{t}}.text{place} IN (?, ?)", (f"{type}/{id}", url), ("text", "text"))
    if len(found.values) > 1 and "target_type = ?" in found.sql:
        name = f"{found.values[1]}/{found.values[0]}"
        return Comparison(f"{{t}}.text{place} = ?", (name,), ("text",))
    if "target_type = ''" in found.sql:
        return Comparison(f"{{t}}.text{place} = ?", (found.values[0],), ("text",))
    types = parameter.targets or ("",)
    names = tuple(f"{type}/{found.values[0]}" for type in types)
    places = ", ".join("?" for _ in names)
    kinds: list[Kind] = ["text"] * len(names)
    return Comparison(f"{{t}}.text{place} IN ({places})", names, tuple(kinds))


def way(parameter: Parameter, modifier: str, bases: Sequence[str]) -> Way:
    """How a search by this parameter reads a value. "Modifiers are not used on composite parameters." """
    if modifier:
        raise refuse(parameter, modifier, ())
    return Way("composite", parameter.keys, reader(parameter, bases), rank=6, raw=True)

"""Quantities, compared in canonical UCUM units where they have one (https://hl7.org/fhir/R4/search.html#quantity)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from fhirhub.resources import ucum
from fhirhub.store.index import KEY_LENGTH
from fhirhub.store.index.comparison import Comparison, Way, refuse, split, unescape
from fhirhub.store.index.number import compare, parse
from fhirhub.store.index.parameters import Parameter, system_of

Json = dict[str, Any]
Row = tuple[Any, ...]
Amount = tuple[float | None, float | None, str, int, str, str, float | None, float | None]
"""low, high, code, system, unit, canonical, canonical_low, canonical_high."""

UCUM = "http://unitsofmeasure.org"
_UCUM = system_of(UCUM)
_CURRENCY = system_of("urn:iso:std:iso:4217")


def amounts(type: str, value: Any) -> list[Amount]:
    """What the index keeps of a value of that data type."""
    if not isinstance(value, dict):
        if isinstance(value, (int, Decimal)) and not isinstance(value, bool):
            bare = float(value)
            return [(bare, bare, "", 0, "", "", bare, bare)]
        return []
    if type == "Money" or "currency" in value:
        return _amount(value.get("value"), value.get("value"), value.get("currency", ""), _CURRENCY, "")
    if type == "SampledData":
        return []
    if type == "Range" or "low" in value or "high" in value:
        low, high = value.get("low") or {}, value.get("high") or {}
        unit = high or low
        code, name = unit.get("code", ""), unit.get("unit", "")
        return _amount(low.get("value"), high.get("value"), code, _system(unit), name, True)
    number = value.get("value")
    comparator = value.get("comparator")
    if comparator and number is not None:
        low, high = (None, number) if comparator in ("<", "<=") else (number, None)
        return _amount(low, high, value.get("code", ""), _system(value), value.get("unit", ""), True)
    return _amount(number, number, value.get("code", ""), _system(value), value.get("unit", ""))


def _system(value: Json) -> int:
    system = value.get("system")
    return system_of(system) if system else 0


def _amount(
    low: int | Decimal | None,
    high: int | Decimal | None,
    code: str,
    system: int,
    unit: str,
    open_ended: bool = False,
) -> list[Amount]:
    code, unit = code[:KEY_LENGTH], unit[:KEY_LENGTH]
    scale = ucum.unit(code) if system == _UCUM and code else None
    canonical = scale.base if scale else code or unit
    lows = _ends(low, scale, "-inf", open_ended)
    highs = lows if high is low and not open_ended else _ends(high, scale, "inf", open_ended)
    return [(lows[0], highs[0], code, system, unit, canonical, lows[1], highs[1])]


def _ends(
    number: int | Decimal | None, scale: ucum.Unit | None, absent: str, open_ended: bool
) -> tuple[float | None, float | None]:
    if number is None:
        end = float(absent) if open_ended else None
        return end, end
    exact = float(number)
    return exact, scale.to_float(number) if scale else exact


# Conditions

_CODED = "{t}.canonical = ? AND {t}.system = ? AND {t}.code = ? AND "
_ANY_SYSTEM = "({t}.code = ? OR {t}.unit = ?) AND "
_SYSTEM_ONLY = "{t}.system = ? AND "
_CANONICAL = "{t}.canonical = ? AND {t}.system = ? AND "


def read(text: str) -> Comparison:
    """Reads `number`, `number||code` or `number|system|code`, with or without a prefix."""
    parts = [unescape(part) for part in split(text, "|")]
    if len(parts) not in (1, 3):
        raise ValueError("expects number, number||unit or number|system|code")
    prefix, number, half = parse(parts[0])
    if len(parts) == 1 or not any(parts[1:]):
        return compare(prefix, number, half)
    system, code = parts[1], parts[2]
    if not system:
        return _where(_ANY_SYSTEM, (code, code), ("text", "text"), compare(prefix, number, half))
    known = system_of(system)
    if not code:
        return _where(_SYSTEM_ONLY, (known,), ("bigint",), compare(prefix, number, half))
    scale = ucum.unit(code) if system == UCUM else None
    low, high = "{t}.canonical_low", "{t}.canonical_high"
    if scale is None:
        inner = compare(prefix, number, half, low, high)
        return _where(_CODED, (code, known, code), ("text", "bigint", "text"), inner)
    inner = compare(prefix, number, half, low, high, scale.to_float)
    return _where(_CANONICAL, (scale.base, known), ("text", "bigint"), inner)


def _where(sql: str, values: tuple[Any, ...], kinds: tuple[Any, ...], inner: Comparison) -> Comparison:
    return Comparison(sql + inner.sql, (*values, *inner.values), (*kinds, *inner.kinds))


def way(parameter: Parameter, modifier: str) -> Way:
    """How a search by this parameter with that modifier reads a value."""
    if modifier:
        raise refuse(parameter, modifier, ())
    return Way("quantity", parameter.keys, read, rank=8, raw=True)

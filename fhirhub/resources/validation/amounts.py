"""How amounts stand to each other (https://hl7.org/fhir/R4/datatypes.html#Quantity)."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any

from fhirhub.resources import ucum

Json = dict[str, Any]

_UCUM = "http://unitsofmeasure.org"


def order(given: Json, bound: Json) -> int | None:
    """Where a Quantity stands: below (-1), at (0) or above (1) the other; None where that cannot be told."""
    value, limit = given.get("value"), bound.get("value")
    if not isinstance(value, int | Decimal) or not isinstance(limit, int | float | Decimal):
        return None
    if given.get("system") != bound.get("system"):
        return None
    one: Decimal | Fraction = Decimal(value)
    other: Decimal | Fraction = Decimal(str(limit))
    if given.get("code") != bound.get("code"):
        units = [ucum.unit(str(each.get("code"))) for each in (given, bound)]
        if (
            given.get("system") != _UCUM
            or units[0] is None
            or units[1] is None
            or units[0].base != units[1].base
        ):
            return None
        one, other = units[0].to_base(Decimal(value)), units[1].to_base(Decimal(str(limit)))
    return (one > other) - (one < other)

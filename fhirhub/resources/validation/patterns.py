"""Whether a value is what a profile fixes, or has what a pattern asks.

https://hl7.org/fhir/R4/elementdefinition-definitions.html#ElementDefinition.fixed_x_
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any


def is_fixed(value: Any, fixed: Any) -> bool:
    """Whether the value is exactly that: in structure, order and digits alike; ids of elements stand apart."""
    if isinstance(fixed, dict):
        if not isinstance(value, dict):
            return False
        keys = (value.keys() | fixed.keys()) - {"id"}
        return all(key in value and key in fixed and is_fixed(value[key], fixed[key]) for key in keys)
    if isinstance(fixed, list):
        return (
            isinstance(value, list)
            and len(value) == len(fixed)
            and all(is_fixed(one, other) for one, other in zip(value, fixed, strict=True))
        )
    return _is_same(value, fixed)


def has_pattern(value: Any, pattern: Any) -> bool:
    """Whether the value has at least what the pattern has; of arrays, each item somewhere."""
    if isinstance(pattern, dict):
        return isinstance(value, dict) and all(
            key in value and has_pattern(value[key], wanted) for key, wanted in pattern.items()
        )
    if isinstance(pattern, list):
        return isinstance(value, list) and all(
            any(has_pattern(each, wanted) for each in value) for wanted in pattern
        )
    return _is_same(value, pattern)


def _is_same(value: Any, other: Any) -> bool:
    if isinstance(value, bool) or isinstance(other, bool):
        return value is other
    if isinstance(value, int | float | Decimal) and isinstance(other, int | float | Decimal):
        return Decimal(str(value)) == Decimal(str(other))
    return bool(value == other)

"""Values compared: equal, equivalent and in order, with 'not known' where precision or units do not tell.

https://hl7.org/fhirpath/N1/#equality
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from fhirhub.resources.fhirpath import numbers, quantity, temporal
from fhirhub.resources.fhirpath.faults import FhirpathError
from fhirhub.resources.fhirpath.item import Item, Items
from fhirhub.resources.fhirpath.model import kind
from fhirhub.resources.fhirpath.quantity import Amount
from fhirhub.resources.fhirpath.temporal import Temporal

_TEMPORAL = {"date", "datetime", "time"}


def single(items: Items, what: str) -> Item | None:
    """The only item; None for an empty collection. FhirpathError names `what` needed one."""
    if not items:
        return None
    if len(items) > 1:
        raise FhirpathError(f"{what} takes a single item; the collection has {len(items)}.")
    return items[0]


def truth(items: Items) -> bool | None:
    """A collection as a condition: a single item that is no boolean counts as true."""
    if not items:
        return None
    if len(items) > 1:
        raise FhirpathError(f"A condition takes a single item; the collection has {len(items)}.")
    value = items[0].value
    if value is True or value is False:
        return bool(value)
    return None if value is None and kind(items[0].type) == "boolean" else True


def system(item: Item) -> Any:
    """The value as System knows it: bool, str, int, Decimal, Temporal or Amount; None if it is none."""
    value, of = item.value, kind(item.type)
    if of == "string" or value is None:
        return value
    if of in _TEMPORAL:
        return value if isinstance(value, Temporal) else _temporal(value, of)
    if of == "quantity":
        return value if isinstance(value, Amount) else quantity.of_quantity(value)
    if of == "decimal" and isinstance(value, float | int) and not isinstance(value, bool):
        return Decimal(str(value))
    return value if of else None


def _temporal(value: Any, of: str) -> Temporal | None:
    return temporal.parse(value, of) if isinstance(value, str) else None


def string_of(items: Items, what: str) -> str | None:
    """The text of a single string; None for an empty collection."""
    item = single(items, what)
    if item is None or item.value is None:
        return None
    if kind(item.type) != "string":
        raise FhirpathError(f"{what} takes a string; got a {item.type}.")
    return str(item.value)


def integer_of(items: Items, what: str) -> int | None:
    """The number of a single integer; None for an empty collection."""
    item = single(items, what)
    if item is None or item.value is None:
        return None
    if kind(item.type) != "integer":
        raise FhirpathError(f"{what} takes an integer; got a {item.type}.")
    return int(item.value)


# Equality


def all_equal(left: Items, right: Items) -> bool | None:
    """`left = right`: in number, order and each pair; None where a side is empty or a pair does not tell."""
    if not left or not right:
        return None
    if len(left) != len(right):
        return False
    result: bool | None = True
    for one, other in zip(left, right, strict=True):
        same = equal(one, other)
        if same is False:
            return False
        if same is None:
            result = None
    return result


def equal(one: Item, other: Item) -> bool | None:
    """Whether two items are equal; None where it cannot be told."""
    a, b = one.value, other.value
    if a.__class__ is str and b.__class__ is str and kind(one.type) == kind(other.type) == "string":
        return bool(a == b)
    left, right = system(one), system(other)
    if left is None or right is None:
        return _same_content(one, other)
    return _equal(left, right)


def _equal(left: Any, right: Any) -> bool | None:
    if isinstance(left, Temporal) and isinstance(right, Temporal):
        return temporal.equal(left, right)
    left, right = _as_amounts(left, right)
    if isinstance(left, Amount) and isinstance(right, Amount):
        return quantity.equal(left, right)
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    return bool(left == right)


def _as_amounts(left: Any, right: Any) -> tuple[Any, Any]:
    """A number beside a quantity is one of unit '1'."""
    if isinstance(left, Amount) and _is_number(right):
        return left, Amount(Decimal(right))
    if isinstance(right, Amount) and _is_number(left):
        return Amount(Decimal(left)), right
    return left, right


def _is_number(value: Any) -> bool:
    return isinstance(value, int | Decimal) and not isinstance(value, bool)


def _same_content(one: Item, other: Item) -> bool:
    return bool(one.value == other.value and (one.sibling or None) == (other.sibling or None))


# Equivalence


def all_equivalent(left: Items, right: Items) -> bool:
    """`left ~ right`: two empty collections are; order does not count."""
    if len(left) != len(right):
        return False
    remaining = list(right)
    for one in left:
        for index, other in enumerate(remaining):
            if equivalent(one, other):
                del remaining[index]
                break
        else:
            return False
    return True


def equivalent(one: Item, other: Item) -> bool:
    left, right = system(one), system(other)
    if left is None or right is None:
        return _alike(one.value, other.value)
    if isinstance(left, Temporal) and isinstance(right, Temporal):
        return temporal.equivalent(left, right)
    left, right = _as_amounts(left, right)
    if isinstance(left, Amount) and isinstance(right, Amount):
        return quantity.equivalent(left, right)
    return _alike(left, right)


def _alike(left: Any, right: Any) -> bool:
    """JSON that says the same whatever its case, spacing, order of lists and digits beyond the less exact."""
    if isinstance(left, str) and isinstance(right, str):
        return _folded(left) == _folded(right)
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if _is_number(left) and _is_number(right):
        return numbers.nearly(left, right)
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(_alike(value, right[key]) for key, value in left.items())
    if isinstance(left, list) and isinstance(right, list):
        remaining = list(right)
        for one in left:
            match = next((index for index, other in enumerate(remaining) if _alike(one, other)), None)
            if match is None:
                return False
            del remaining[match]
        return not remaining
    return bool(left == right)


def _folded(text: str) -> str:
    return " ".join(text.casefold().split())


# Order


def compare(one: Item, other: Item, operator: str) -> int | None:
    """-1, 0 or 1; None where it cannot be told. FhirpathError for types without a common order."""
    left, right = system(one), system(other)
    if left is None or right is None:
        if kind(one.type) and kind(other.type):
            return None
        raise _no_order(one, other, operator)
    left, right = _as_amounts(left, right)
    if (_is_number(left) and _is_number(right)) or (isinstance(left, str) and isinstance(right, str)):
        return int(left > right) - int(left < right)
    if isinstance(left, Amount) and isinstance(right, Amount):
        return quantity.compare(left, right)
    if (
        isinstance(left, Temporal)
        and isinstance(right, Temporal)
        and (left.kind == "time") == (right.kind == "time")
    ):
        return temporal.compare(left, right)
    raise _no_order(one, other, operator)


def _no_order(one: Item, other: Item, operator: str) -> FhirpathError:
    return FhirpathError(f"`{operator}` cannot compare a {one.type} with a {other.type}.")


# Sets


def fingerprint(item: Item) -> Any:
    """Something hashable that is the same for equal items, so that sets of them take linear time."""
    value = system(item)
    if value is None:
        return _frozen(item.value)
    if isinstance(value, Temporal):
        return (value.kind == "time", value.fields, value.zone)
    if isinstance(value, Amount):
        return (value.value, value.unit)
    return ("", value) if isinstance(value, bool) else value


def _frozen(value: Any) -> Any:
    if isinstance(value, dict):
        return frozenset((key, _frozen(each)) for key, each in value.items())
    if isinstance(value, list):
        return tuple(_frozen(each) for each in value)
    return ("", value) if isinstance(value, bool) else value

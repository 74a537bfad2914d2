"""Exact arithmetic: decimals of many digits, and bounds instead of endless ones (https://hl7.org/fhirpath/N1/#decimal)."""

from __future__ import annotations

from decimal import (
    ROUND_HALF_UP,
    Context,
    Decimal,
    DecimalException,
    DivisionByZero,
    InvalidOperation,
    Overflow,
)

EXACT = Context(prec=60, rounding=ROUND_HALF_UP, traps=[InvalidOperation, DivisionByZero, Overflow])
"""Sums and products; a quotient is cut to `QUOTIENT` digits."""

QUOTIENT = Context(prec=28, rounding=ROUND_HALF_UP, traps=[InvalidOperation, DivisionByZero, Overflow])

LARGEST_INTEGER = 2**31 - 1

Number = int | Decimal


def within(number: Number) -> Number | None:
    """The number; None for an integer beyond 32 bits or a decimal that is none (overflow is empty)."""
    if isinstance(number, int):
        return number if -LARGEST_INTEGER - 1 <= number <= LARGEST_INTEGER else None
    return number if number.is_finite() else None


def add(one: Number, other: Number) -> Number | None:
    return _of_kind(one, other, EXACT.add(one, other))


def subtract(one: Number, other: Number) -> Number | None:
    return _of_kind(one, other, EXACT.subtract(one, other))


def multiply(one: Number, other: Number) -> Number | None:
    try:
        return _of_kind(one, other, EXACT.multiply(one, other))
    except DecimalException:
        return None


def divide(one: Number, other: Number) -> Number | None:
    """Always a decimal; None for a divisor of zero."""
    try:
        return plain(QUOTIENT.divide(one, other)) if other else None
    except DecimalException:
        return None


def quotient(one: Number, other: Number) -> Number | None:
    """`div`: an integer, toward zero."""
    if not other:
        return None
    try:
        return within(int(EXACT.divide_int(one, other)))
    except DecimalException:
        return None


def remainder(one: Number, other: Number) -> Number | None:
    """`mod`: of the sign of the dividend."""
    if not other:
        return None
    try:
        return _of_kind(one, other, EXACT.remainder(one, other))
    except DecimalException:
        return None


def _of_kind(one: Number, other: Number, result: Decimal) -> Number | None:
    return within(int(result)) if isinstance(one, int) and isinstance(other, int) else within(result)


def plain(number: Decimal) -> Decimal:
    """Without an exponent or needless zeros: 0.5 for 1 / 2."""
    number = number.normalize()
    return number.quantize(Decimal(1)) if number.as_tuple().exponent > 0 and abs(number) < 10**27 else number  # type: ignore[operator]


def decimals(number: Number) -> int:
    """How many digits stand behind the point."""
    exponent = Decimal(number).as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def nearly(one: Number, other: Number) -> bool:
    """Equal when rounded to the digits of the less exact (https://hl7.org/fhirpath/N1/#equivalent)."""
    if one == other:
        return True
    digits = min(_significant_decimals(one), _significant_decimals(other))
    return rounded(one, digits) == rounded(other, digits)


def _significant_decimals(number: Number) -> int:
    """Trailing zeros do not count."""
    return decimals(Decimal(number).normalize()) if number else 0


def rounded(number: Number, digits: int) -> Decimal:
    """Half away from zero, to so many digits behind the point."""
    number = Decimal(number)
    if decimals(number) <= digits:
        return number
    return number.quantize(Decimal(1).scaleb(-digits), rounding=ROUND_HALF_UP, context=EXACT)

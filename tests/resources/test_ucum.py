"""Unit expressions and their base units (https://ucum.org/ucum)."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhirhub.resources import ucum


@pytest.mark.parametrize(
    ("expression", "base", "factor"),
    [
        ("mg", "g", "0.001"),
        ("kg", "g", "1000"),
        ("mg/dL", "g.m-3", "10"),
        ("mmol/L", "m-3.mol", "1"),
        ("mm[Hg]", "g.m-1.s-2", "133322"),
        ("cm[H2O]", "g.m-1.s-2", "98066.5"),
        ("%", "1", "0.01"),
        ("10*3/uL", "m-3", "1000000000000"),
        ("10*9/L", "m-3", "1000000000000"),
        ("10^9/L", "m-3", "1000000000000"),
        ("/min", "s-1", "1/60"),
        ("{beats}/min", "s-1", "1/60"),
        ("{score}", "1", "1"),
        ("kg/m2", "g.m-2", "1000"),
        ("mL/min/{1.73_m2}", "m3.s-1", "1/60000000"),
        ("ug/(24.h)", "g.s-1", "1/86400000000"),
        ("m[IU]/L", "[IU].m-3", "1"),
        ("[iU]/L", "[IU].m-3", "1000"),
        ("[lb_av]", "g", "453.59237"),
        ("[in_i]", "m", "0.0254"),
        ("kcal", "g.m2.s-2", "4184000"),
        ("mo", "s", "2629800"),
        ("dar", "m2", "10"),
        ("dag", "g", "10"),
        ("Kibit", "1", "1024"),
        ("m.s-1", "m.s-1", "1"),
        ("1", "1", "1"),
        ("[pH]", "[pH]", "1"),
    ],
)
def test_a_unit_is_an_amount_of_base_units(expression: str, base: str, factor: str) -> None:
    unit = ucum.unit(expression)
    assert unit is not None
    assert (unit.base, unit.factor, unit.offset) == (base, Fraction(factor), Fraction(0))


@pytest.mark.parametrize(
    "expression",
    [
        "",
        "xyz",
        "mg/",
        "m[",
        "(m",
        "m)",
        "m..s",
        "m2s",
        "kkg",
        "d%",
        "mµ",
        " mg",
        "mg ",
        "m/0",
        "m999999999",
        "a" * 300,
    ],
)
def test_what_is_no_unit_is_none(expression: str) -> None:
    assert ucum.unit(expression) is None


def test_temperatures_have_an_offset_alone_and_none_in_a_product() -> None:
    celsius, fahrenheit = ucum.unit("Cel"), ucum.unit("[degF]")
    assert celsius is not None
    assert fahrenheit is not None
    assert celsius.to_base(Decimal("37.0")) == Fraction("310.15")
    assert fahrenheit.to_base(Decimal("98.6")) == celsius.to_base(37)
    difference = ucum.unit("J/Cel")
    assert difference is not None
    assert (difference.base, difference.offset) == ("K-1.g.m2.s-2", Fraction(0))


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**12), max_value=10**12, places=6))
def test_equal_amounts_are_the_same_float(number: Decimal) -> None:
    grams, milligrams = ucum.unit("g"), ucum.unit("mg")
    assert grams is not None
    assert milligrams is not None
    assert grams.to_float(number) == milligrams.to_float(number * 1000) == float(number)


def test_a_number_beyond_floats_is_infinite() -> None:
    kilograms = ucum.unit("kg")
    assert kilograms is not None
    assert kilograms.to_float(Decimal("1e400")) == float("inf")
    assert kilograms.to_float(Decimal("-1e400")) == float("-inf")

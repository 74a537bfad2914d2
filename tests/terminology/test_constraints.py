"""Expressions of SNOMED CT's query language that are not understood."""

from __future__ import annotations

import pytest

from fhirhub.errors import FhirError
from fhirhub.terminology.snomed import constraint


@pytest.mark.parametrize(
    "text",
    [
        "<< 64572001: { 363698007 = *, 116676008 = * }",
        "<< 64572001: { 363698007 = *",
        "<< 64572001: { [0..0] 363698007 = * }",
        "<< 64572001: [1..2] 363698007 = *",
        "<< 64572001: 363698007",
        "<< 64572001: 363698007 = ",
        "<< 64572001: 363698007 = * MINUS 363698007 = *",
        "<< 64572001: 363698007 = *, 363698007 = * OR 363698007 = *",
        "<< 64572001: 116680003 = 138875005",
        "<< 64572001: * = 138875005",
        "<< 64572001 = 138875005",
        ": 363698007 = *",
    ],
)
def test_what_is_not_understood_is_refused_with_what_is(text: str) -> None:
    with pytest.raises(FhirError, match="groups of one attribute"):
        constraint(text)

"""What is known of codes without a terminology server."""

from __future__ import annotations

import pytest

from fhirhub.resources.canonicals import OFFICIAL
from fhirhub.resources.validation.bindings import LocalTerminology

V2_0203 = "http://terminology.hl7.org/CodeSystem/v2-0203"


@pytest.mark.parametrize(
    ("code", "exists"), [("MR", True), ("NNNLD", True), ("NNxxx", True), ("NNnl", False)]
)
def test_a_family_of_codes_is_known_by_its_countries(code: str, exists: bool) -> None:
    assert LocalTerminology(OFFICIAL).validate(V2_0203, code, None).exists is exists

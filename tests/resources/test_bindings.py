"""What is known of codes without a terminology server."""

from __future__ import annotations

from typing import Any

import pytest

from fhirhub.resources.canonicals import OFFICIAL, Canonicals
from fhirhub.resources.validation.bindings import LocalTerminology

V2_0203 = "http://terminology.hl7.org/CodeSystem/v2-0203"


@pytest.mark.parametrize(
    ("code", "exists"), [("MR", True), ("NNNLD", True), ("NNxxx", True), ("NNnl", False)]
)
def test_a_family_of_codes_is_known_by_its_countries(code: str, exists: bool) -> None:
    assert LocalTerminology(OFFICIAL).validate(V2_0203, code, None).exists is exists


def test_a_value_set_means_the_version_of_a_code_system_that_it_states() -> None:
    def code_system(version: str, *codes: str) -> dict[str, Any]:
        concepts = [{"code": code} for code in codes]
        return {
            "resourceType": "CodeSystem",
            "url": "urn:s",
            "version": version,
            "content": "complete",
            "concept": concepts,
        }

    def value_set(url: str, **include: str) -> dict[str, Any]:
        return {
            "resourceType": "ValueSet",
            "url": url,
            "compose": {"include": [{"system": "urn:s", **include}]},
        }

    known = [
        code_system("1.0", "old"),
        code_system("2.0", "new"),
        value_set("urn:first", version="1.0"),
        value_set("urn:gone", version="0.9"),
        value_set("urn:newest"),
    ]
    terminology = LocalTerminology(Canonicals(known, OFFICIAL))

    def holds(url: str, code: str) -> bool | None:
        return terminology.validate("urn:s", code, url).is_member

    assert (holds("urn:first", "old"), holds("urn:first", "new")) == (True, False)
    assert (holds("urn:newest", "old"), holds("urn:newest", "new")) == (False, True)
    assert holds("urn:gone", "new") is True


def test_a_filter_may_name_what_is_above_a_code() -> None:
    system = {
        "resourceType": "CodeSystem",
        "url": "urn:s",
        "content": "complete",
        "concept": [{"code": "animal", "concept": [{"code": "cat"}, {"code": "dog"}]}],
    }
    filtered = {"property": "concept", "op": "generalizes", "value": "cat"}
    value_set = {
        "resourceType": "ValueSet",
        "url": "urn:v",
        "compose": {"include": [{"system": "urn:s", "filter": [filtered]}]},
    }
    terminology = LocalTerminology(Canonicals([system, value_set], OFFICIAL))
    found = [terminology.validate("urn:s", code, "urn:v").is_member for code in ("animal", "cat", "dog")]
    assert found == [True, True, False]

"""A part of a resource is what was asked for, and says that it is a part."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from fhirhub.resources import definitions
from fhirhub.resources.subset import SUBSETTED, elements, summary

PLAN: dict[str, Any] = {
    "resourceType": "CarePlan",
    "id": "c",
    "meta": {"versionId": "1", "tag": [{"code": "x"}]},
    "implicitRules": "http://rules.example",
    "text": {"status": "generated", "div": "<div>x</div>"},
    "extension": [{"url": "a"}],
    "modifierExtension": [{"url": "m"}],
    "status": "active",
    "_status": {"id": "s"},
    "intent": "plan",
    "title": "Plan",
    "_title": {"id": "t"},
    "subject": {"reference": "Patient/p"},
    "activity": [{"detail": {"status": "scheduled"}}],
}


def test_elements_are_those_asked_for_and_the_mandatory_ones() -> None:
    part = elements(PLAN, ["title", "activity"])
    assert list(part) == [
        "resourceType", "id", "meta", "implicitRules", "modifierExtension", "status", "_status", "intent", "title",
        "_title", "subject", "activity",
    ]  # fmt: skip
    assert part["activity"] == PLAN["activity"]


def test_element_may_be_named_with_its_type_and_a_choice_by_its_name() -> None:
    observation = {"resourceType": "Observation", "valueQuantity": {"value": 1}, "note": []}
    assert "valueQuantity" in elements(observation, ["value"])
    assert "valueQuantity" in elements(observation, ["Observation.value"])
    assert "valueQuantity" in elements(observation, ["valueQuantity"])
    assert "valueQuantity" not in elements(observation, ["note"])


@pytest.mark.parametrize("mode", ["true", "text", "data"])
def test_part_is_tagged_as_subsetted_and_the_whole_is_not(mode: str) -> None:
    before = copy.deepcopy(PLAN)
    part = summary(PLAN, mode)
    assert part["meta"] == {"versionId": "1", "tag": [{"code": "x"}, SUBSETTED]}
    assert summary(part, mode)["meta"]["tag"].count(SUBSETTED) == 1
    assert before == PLAN


def test_part_without_meta_gets_one_after_the_id() -> None:
    part = elements({"resourceType": "Patient", "id": "p", "active": True, "gender": "male"}, ["gender"])
    assert part == {"resourceType": "Patient", "id": "p", "meta": {"tag": [SUBSETTED]}, "gender": "male"}
    assert list(part) == ["resourceType", "id", "meta", "gender"]


def test_summary_text_is_the_narrative_and_what_is_mandatory() -> None:
    assert list(summary(PLAN, "text")) == [
        "resourceType", "id", "meta", "implicitRules", "text", "modifierExtension", "status", "_status", "intent",
        "subject",
    ]  # fmt: skip


def test_summary_data_is_all_but_the_narrative() -> None:
    part = summary(PLAN, "data")
    assert {key: value for key, value in PLAN.items() if key not in ("text", "meta")} == {
        key: value for key, value in part.items() if key != "meta"
    }


def test_summary_true_is_what_is_marked_as_summary() -> None:
    assert list(summary(PLAN, "true")) == [
        "resourceType", "id", "meta", "implicitRules", "modifierExtension", "status", "_status", "intent", "title",
        "_title", "subject",
    ]  # fmt: skip


def test_summary_looks_into_elements_that_are_no_data_types() -> None:
    component = {"id": "1", "code": {"text": "a"}, "valueString": "b", "interpretation": [{"text": "high"}]}
    observation = {
        "resourceType": "Observation",
        "status": "final",
        "code": {"text": "c"},
        "component": [component],
    }
    assert summary(observation, "true")["component"] == [
        {"id": "1", "code": {"text": "a"}, "valueString": "b"}
    ]


def test_summary_false_is_the_whole() -> None:
    assert summary(PLAN, "false") is PLAN


@pytest.mark.parametrize("type", definitions.RESOURCE_TYPES)
def test_every_type_has_parts(type: str) -> None:
    for mode in ("true", "text", "data"):
        assert summary({"resourceType": type, "id": "1"}, mode)["id"] == "1"

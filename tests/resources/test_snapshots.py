"""Snapshots made from differentials."""

from __future__ import annotations

from typing import Any

import pytest

from fhirhub.resources.canonicals import CORE, OFFICIAL, Canonicals
from fhirhub.resources.validation import snapshots
from fhirhub.resources.validation.snapshots import SnapshotError

Json = dict[str, Any]
URL = "http://acme.example/fhir/StructureDefinition/"


def definition(name: str, *rows: Json, type: str = "Observation", base: str | None = None) -> Json:
    return {
        "resourceType": "StructureDefinition",
        "url": URL + name,
        "type": type,
        "derivation": "constraint",
        "baseDefinition": base or CORE + type,
        "differential": {"element": list(rows)},
    }


def made(given: Json, *others: Json) -> dict[str, Json]:
    """The rows by id."""
    rows = snapshots.rows(given, Canonicals([given, *others], OFFICIAL))
    return {row["id"]: row for row in rows}


def test_an_empty_differential_leaves_the_base() -> None:
    base = OFFICIAL.find("StructureDefinition", CORE + "Observation")
    assert base is not None
    rows = made(definition("p"))
    assert [row["path"] for row in rows.values()] == [row["path"] for row in base["snapshot"]["element"]]


def test_a_type_opens_where_the_differential_goes_into_it() -> None:
    rows = made(definition("p", {"path": "Observation.code.text", "min": 1}))
    ids = [id for id in rows if id.startswith("Observation.code")]
    assert ids == [
        "Observation.code",
        *(f"Observation.code.{n}" for n in ("id", "extension", "coding", "text")),
    ]
    assert rows["Observation.code.text"]["min"] == 1
    assert rows["Observation.code.text"]["base"]["path"] == "CodeableConcept.text"


def test_a_slice_begins_as_what_is_sliced_but_need_not_be_there() -> None:
    rows = made(
        definition(
            "p",
            {"id": "Observation.category", "path": "Observation.category", "min": 1},
            {
                "id": "Observation.category:lab",
                "path": "Observation.category",
                "sliceName": "lab",
                "max": "1",
            },
            {"id": "Observation.category:lab.text", "path": "Observation.category.text", "min": 1},
        )
    )
    assert (rows["Observation.category:lab"]["min"], rows["Observation.category:lab"]["max"]) == (0, "1")
    assert rows["Observation.category:lab.text"]["min"] == 1
    assert "Observation.category.text" not in rows
    order = list(rows)
    assert order.index("Observation.category:lab") == order.index("Observation.category") + 1


def test_rows_without_ids_belong_to_the_slice_before_them() -> None:
    rows = made(
        definition(
            "p",
            {"path": "Observation.component", "sliceName": "a"},
            {"path": "Observation.component.interpretation", "min": 1},
            {"path": "Observation.component", "sliceName": "b"},
            {"path": "Observation.component.dataAbsentReason", "min": 1},
        )
    )
    assert rows["Observation.component:a.interpretation"]["min"] == 1
    assert rows["Observation.component:b.interpretation"]["min"] == 0
    assert rows["Observation.component:b.dataAbsentReason"]["min"] == 1


def test_a_choice_is_sliced_by_its_type() -> None:
    rows = made(definition("p", {"path": "Observation.valueQuantity", "min": 1}))
    slice = rows["Observation.value[x]:valueQuantity"]
    assert [type["code"] for type in slice["type"]] == ["Quantity"]
    assert rows["Observation.value[x]"]["slicing"]["discriminator"] == [{"type": "type", "path": "$this"}]


def test_a_content_reference_opens_as_what_it_refers_to() -> None:
    rows = made(definition("p", {"path": "Observation.component.referenceRange.text", "min": 1}))
    assert rows["Observation.component.referenceRange.low"]["type"][0]["code"] == "Quantity"
    assert rows["Observation.component.referenceRange.text"]["min"] == 1
    assert rows["Observation.referenceRange.text"]["min"] == 0


def test_an_extension_brings_its_own_cardinality_and_content() -> None:
    extension = definition(
        "e",
        {"path": "Extension", "min": 1, "max": "1"},
        {"path": "Extension.url", "fixedUri": URL + "e"},
        {"path": "Extension.value[x]", "min": 1, "type": [{"code": "code"}]},
        type="Extension",
    )
    used = definition(
        "p",
        {
            "path": "Observation.extension",
            "sliceName": "e",
            "type": [{"code": "Extension", "profile": [URL + "e"]}],
        },
        {"path": "Observation.extension.value[x]", "fixedCode": "x"},
    )
    rows = made(used, extension)
    assert (rows["Observation.extension:e"]["min"], rows["Observation.extension:e"]["max"]) == (1, "1")
    assert rows["Observation.extension:e.url"]["fixedUri"] == URL + "e"
    assert rows["Observation.extension:e.value[x]"]["fixedCode"] == "x"


def test_constraints_add_up_and_bindings_are_replaced() -> None:
    rule = {"key": "p-1", "severity": "error", "human": "x", "expression": "true"}
    rows = made(
        definition(
            "p",
            {"path": "Observation", "constraint": [rule]},
            {"path": "Observation.code", "binding": {"strength": "required", "valueSet": "urn:v"}},
        )
    )
    keys = [each["key"] for each in rows["Observation"]["constraint"]]
    assert "p-1" in keys
    assert "obs-7" in keys
    assert rows["Observation.code"]["binding"] == {"strength": "required", "valueSet": "urn:v"}


def test_what_does_not_fit_the_base_is_told() -> None:
    for row in ({"path": "Observation.colour"}, {"path": "Observation.valueColour"}):
        with pytest.raises(SnapshotError, match="has no element"):
            made(definition("p", row))
    with pytest.raises(SnapshotError, match="not known here"):
        made(definition("p", base=URL + "none"))


def test_profiles_derived_from_each_other_come_to_an_end() -> None:
    one, other = definition("a", base=URL + "b"), definition("b", base=URL + "a")
    with pytest.raises(SnapshotError, match="derived from itself"):
        made(one, other)

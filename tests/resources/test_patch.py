"""JSON Patch and FHIRPath Patch change what they name and nothing else."""

from __future__ import annotations

import copy
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhirhub.errors import FhirError
from fhirhub.resources.patch import fhirpath_patch, json_patch

Json = dict[str, Any]


def patient(**elements: Any) -> Json:
    return {"resourceType": "Patient", "id": "p", **elements}


def json_patched(resource: Json, *operations: Any) -> Json:
    before = copy.deepcopy(resource)
    try:
        return json_patch(resource, operations)
    finally:
        assert resource == before, "the given resource stays as it is"


def refused(resource: Json, *operations: Any) -> tuple[int, str]:
    with pytest.raises(FhirError) as caught:
        json_patched(resource, *operations)
    return caught.value.status, caught.value.issues[0].text


def applied(change: Callable[[], Json]) -> Json | None:
    """The result; None where the patch was refused as a patch is."""
    try:
        return change()
    except FhirError as fault:
        if fault.status not in (400, 422):
            raise
        return None


# JSON Patch


@pytest.mark.parametrize(
    ("operation", "result"),
    [
        ({"op": "add", "path": "/gender", "value": "male"}, patient(name=[{"family": "A"}], gender="male")),
        ({"op": "add", "path": "/name", "value": []}, patient(name=[])),
        (
            {"op": "add", "path": "/name/0", "value": {"family": "B"}},
            patient(name=[{"family": "B"}, {"family": "A"}]),
        ),
        (
            {"op": "add", "path": "/name/1", "value": {"family": "B"}},
            patient(name=[{"family": "A"}, {"family": "B"}]),
        ),
        (
            {"op": "add", "path": "/name/-", "value": {"family": "B"}},
            patient(name=[{"family": "A"}, {"family": "B"}]),
        ),
        ({"op": "add", "path": "", "value": patient()}, patient()),
        ({"op": "replace", "path": "/name/0/family", "value": "B"}, patient(name=[{"family": "B"}])),
        ({"op": "replace", "path": "/name", "value": [{"text": "B"}]}, patient(name=[{"text": "B"}])),
        (
            {"op": "copy", "from": "/name/0", "path": "/name/0"},
            patient(name=[{"family": "A"}, {"family": "A"}]),
        ),
        ({"op": "move", "from": "/name/0/family", "path": "/name/0/text"}, patient(name=[{"text": "A"}])),
        ({"op": "move", "from": "/name", "path": "/name"}, patient(name=[{"family": "A"}])),
        ({"op": "test", "path": "/name/0", "value": {"family": "A"}}, patient(name=[{"family": "A"}])),
        ({"op": "test", "path": "/name/0/family", "value": "A", "more": 1}, patient(name=[{"family": "A"}])),
    ],
)
def test_json_patch_operation_changes_what_it_names(operation: Json, result: Json) -> None:
    assert json_patched(patient(name=[{"family": "A"}]), operation) == result


def test_pointer_escapes_a_slash_and_a_tilde() -> None:
    resource = {"resourceType": "Basic", "id": "b", "a/b": 1, "m~n": 2, "~1": 3, "": 4}
    patched = json_patched(
        resource,
        {"op": "test", "path": "/a~1b", "value": 1},
        {"op": "test", "path": "/m~0n", "value": 2},
        {"op": "test", "path": "/~01", "value": 3},
        {"op": "test", "path": "/", "value": 4},
    )
    assert patched == resource


def test_test_compares_as_json_does() -> None:
    resource = patient(multipleBirthInteger=1, active=True, weight=Decimal("1.0"))
    json_patched(
        resource,
        {"op": "test", "path": "/multipleBirthInteger", "value": Decimal("1.0")},
        {"op": "test", "path": "/weight", "value": 1},
        {"op": "test", "path": "", "value": dict(reversed(resource.items()))},
    )
    assert refused(resource, {"op": "test", "path": "/active", "value": 1})[0] == 422
    assert refused(resource, {"op": "test", "path": "/multipleBirthInteger", "value": True})[0] == 422
    assert refused(resource, {"op": "test", "path": "/multipleBirthInteger", "value": "1"})[0] == 422


@pytest.mark.parametrize(
    "operation",
    [
        "remove",
        {},
        {"op": None, "path": "/name"},
        {"op": "delete", "path": "/name"},
        {"op": "remove"},
        {"op": "remove", "path": 1},
        {"op": "remove", "path": "name"},
        {"op": "remove", "path": "/na~me"},
        {"op": "remove", "path": "/name~2"},
        {"op": "add", "path": "/name"},
        {"op": "replace", "path": "/name"},
        {"op": "test", "path": "/name"},
        {"op": "move", "path": "/name"},
        {"op": "copy", "from": None, "path": "/name"},
    ],
)
def test_what_is_no_json_patch_is_a_bad_request(operation: Any) -> None:
    assert refused(patient(name=[{"family": "A"}]), operation)[0] == 400


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "remove", "path": "/gender"},
        {"op": "remove", "path": "/name/1"},
        {"op": "remove", "path": "/name/-"},
        {"op": "remove", "path": "/name/00"},
        {"op": "remove", "path": "/name/-1"},
        {"op": "remove", "path": "/name/ 0"},
        {"op": "remove", "path": "/name/٠"},
        {"op": "remove", "path": "/name/family"},
        {"op": "remove", "path": "/name/0/family/x"},
        {"op": "remove", "path": ""},
        {"op": "replace", "path": "/gender", "value": 1},
        {"op": "replace", "path": "/name/1", "value": 1},
        {"op": "replace", "path": "", "value": 1},
        {"op": "add", "path": "/name/2", "value": {}},
        {"op": "add", "path": "/name/01", "value": {}},
        {"op": "add", "path": "/contact/0", "value": {}},
        {"op": "add", "path": "/name/0/family/x", "value": 1},
        {"op": "add", "path": "/id", "value": "q"},
        {"op": "replace", "path": "/resourceType", "value": "Group"},
        {"op": "remove", "path": "/id"},
        {"op": "move", "from": "/name", "path": "/name/0/text"},
        {"op": "move", "from": "/gender", "path": "/gender"},
        {"op": "copy", "from": "/gender", "path": "/name/0/text"},
        {"op": "test", "path": "/name/0/family", "value": "B"},
        {"op": "test", "path": "/gender", "value": None},
    ],
)
def test_operation_that_does_not_fit_the_resource_is_unprocessable(operation: Any) -> None:
    status, text = refused(patient(name=[{"family": "A"}]), operation)
    assert status == 422
    assert text.endswith(".")


def test_operations_apply_in_order_or_not_at_all() -> None:
    resource = patient(name=[{"family": "A"}])
    add = {"op": "add", "path": "/active", "value": True}
    assert json_patched(resource, add, {"op": "test", "path": "/active", "value": True})["active"] is True
    assert refused(resource, add, {"op": "test", "path": "/active", "value": False})[0] == 422
    assert "active" not in resource


def test_value_is_not_shared_with_the_operation() -> None:
    operation = {"op": "add", "path": "/name", "value": [{"family": "A"}]}
    json_patched(patient(), operation, {"op": "replace", "path": "/name/0/family", "value": "B"})
    assert operation["value"] == [{"family": "A"}]


def test_what_a_removal_leaves_empty_goes_too() -> None:
    resource = patient(name=[{"family": "A"}], contact=[{"name": {"family": "B"}}])
    removed = json_patched(
        resource, {"op": "remove", "path": "/name/0"}, {"op": "remove", "path": "/contact/0/name"}
    )
    assert removed == patient()
    refilled = json_patched(
        resource,
        {"op": "remove", "path": "/name/0"},
        {"op": "add", "path": "/name/-", "value": {"text": "C"}},
    )
    assert refilled["name"] == [{"text": "C"}]


def test_copying_everything_into_itself_ends() -> None:
    doubling = [{"op": "copy", "from": "/name", "path": f"/name/0/{n}"} for n in range(60)]
    assert refused(patient(name=[{"family": "A"}]), *doubling)[0] == 422


def test_growing_depth_is_refused() -> None:
    deeper = [{"op": "add", "path": "/a" * (n + 1), "value": {}} for n in range(400)]
    assert "deep" in refused(patient(), *deeper)[1]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text("ab~/", max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("ab~/", max_size=2), inner, max_size=3)
    ),
    max_leaves=12,
)
POINTERS = st.lists(st.sampled_from(["", "a", "b", "0", "1", "-", "~0", "~1", "ab"]), max_size=4).map(
    lambda steps: "".join("/" + step for step in steps)
)
OPERATIONS = st.fixed_dictionaries(
    {"op": st.sampled_from(["add", "remove", "replace", "move", "copy", "test"]), "path": POINTERS},
    optional={"from": POINTERS, "value": JSON},
)


@given(JSON, st.lists(OPERATIONS, max_size=6))
def test_any_patch_applies_or_is_refused_and_leaves_the_resource(content: Any, operations: list[Any]) -> None:
    resource = patient(a=content)
    before = copy.deepcopy(resource)
    result = applied(lambda: json_patch(resource, operations))
    assert result is None or (result["resourceType"], result["id"]) == ("Patient", "p")
    assert resource == before


def _differences(before: Any, after: Any, at: str = "") -> list[Json]:
    """A patch that makes the one object into the other."""
    operations = [{"op": "remove", "path": f"{at}/{_escaped(key)}"} for key in before if key not in after]
    for key, value in after.items():
        path = f"{at}/{_escaped(key)}"
        if isinstance(value, dict) and isinstance(before.get(key), dict):
            operations += _differences(before[key], value, path)
        else:
            operations.append({"op": "add", "path": path, "value": value})
    return operations


def _escaped(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")


FULL = st.recursive(
    st.booleans() | st.integers(-9, 9) | st.text("ab", max_size=3),
    lambda inner: (
        st.lists(inner, min_size=1, max_size=3)
        | st.dictionaries(st.text("ab~/", max_size=2), inner, min_size=1, max_size=3)
    ),
    max_leaves=12,
)
OBJECTS = st.dictionaries(st.text("ab~/", min_size=1, max_size=2), FULL, min_size=1, max_size=3)
"""Without empty arrays and objects, which FHIR does not have."""


@given(OBJECTS, OBJECTS)
def test_patch_of_the_differences_makes_the_other(one: Json, other: Json) -> None:
    before, after = patient(a=1, x=one), patient(a=1, x=other)
    assert json_patch(before, _differences(before, after)) == after


# FHIRPath Patch


def part(name: str, **value: Any) -> Json:
    return {"name": name, **value}


def change(type: str, path: str, *more: Json) -> Json:
    return part("operation", part=[part("type", valueCode=type), part("path", valueString=path), *more])


def add(path: str, name: str, *parts: Json, **value: Any) -> Json:
    given_value = part("value", part=list(parts)) if parts else part("value", **value)
    return change("add", path, part("name", valueString=name), given_value)


def patched(resource: Json, *operations: Json) -> Json:
    before = copy.deepcopy(resource)
    try:
        return fhirpath_patch(resource, {"resourceType": "Parameters", "parameter": list(operations)})
    finally:
        assert resource == before, "the given resource stays as it is"


def unfit(resource: Json, *operations: Json) -> tuple[int, str]:
    with pytest.raises(FhirError) as caught:
        patched(resource, *operations)
    assert (caught.value.issues[0].expression or "").startswith("P")
    return caught.value.status, caught.value.issues[0].text


def test_add_fills_an_absent_element() -> None:
    assert patched(patient(), add("Patient", "birthDate", valueDate="1930-01-01")) == patient(
        birthDate="1930-01-01"
    )
    assert patched(patient(), add("Patient", "gender", valueCode="male"))["gender"] == "male"


def test_add_appends_to_a_repeating_element() -> None:
    one, two = {"system": "a"}, {"system": "b"}
    operation = add("Patient", "identifier", valueIdentifier=two)
    assert patched(patient(identifier=[one]), operation)["identifier"] == [one, two]
    assert patched(patient(), operation)["identifier"] == [two]


def test_add_takes_a_primitive_of_the_same_form() -> None:
    assert patched(patient(), add("Patient", "gender", valueString="male"))["gender"] == "male"
    assert unfit(patient(), add("Patient", "active", valueString="true"))[0] == 422


def test_add_of_a_choice_goes_by_the_type_of_the_value() -> None:
    assert patched(patient(), add("Patient", "deceased", valueBoolean=True)) == patient(deceasedBoolean=True)
    assert patched(patient(), add("Patient", "deceased", valueDateTime="2026")) == patient(
        deceasedDateTime="2026"
    )
    status, text = unfit(patient(), add("Patient", "deceased", valueString="yes"))
    assert status == 422
    assert "boolean or dateTime" in text
    assert unfit(patient(deceasedBoolean=False), add("Patient", "deceased", valueDateTime="2026"))[0] == 422


def test_value_without_a_type_is_built_from_parts() -> None:
    operation = add(
        "Patient",
        "contact",
        part("relationship", valueCodeableConcept={"text": "daughter"}),
        part("name", valueHumanName={"text": "Eva"}),
        part("gender", valueCode="female"),
    )
    contact = {"relationship": [{"text": "daughter"}], "name": {"text": "Eva"}, "gender": "female"}
    assert patched(patient(), operation) == patient(contact=[contact])


def test_parts_may_hold_parts_and_choices() -> None:
    resource = {"resourceType": "CarePlan", "id": "c"}
    detail = part(
        "detail", part=[part("status", valueCode="scheduled"), part("scheduled", valueString="weekly")]
    )
    assert patched(resource, add("CarePlan", "activity", detail))["activity"] == [
        {"detail": {"status": "scheduled", "scheduledString": "weekly"}}
    ]


def test_contained_resource_is_added() -> None:
    goal = {"resourceType": "Goal", "id": "g"}
    operation = change("add", "Patient", part("name", valueString="contained"), part("value", resource=goal))
    assert patched(patient(), operation)["contained"] == [goal]


def test_extension_is_added_beside_a_primitive() -> None:
    extension = {"url": "a", "valueCode": "x"}
    parts = add("Patient.birthDate", "extension", part("url", valueUri="a"), part("value", valueCode="x"))
    assert patched(patient(birthDate="1930"), parts) == patient(
        birthDate="1930", _birthDate={"extension": [extension]}
    )
    names = patient(name=[{"given": ["A", "B"]}])
    extended = patched(names, add("Patient.name.given[1]", "extension", part("url", valueUri="a")))
    assert extended["name"] == [{"given": ["A", "B"], "_given": [None, {"extension": [{"url": "a"}]}]}]


def test_insert_puts_before_the_index() -> None:
    def inserted(index: int, *present: str) -> list[str]:
        resource = patient(identifier=[{"value": each} for each in present]) if present else patient()
        value = part("value", valueIdentifier={"value": "new"})
        result = patched(
            resource, change("insert", "Patient.identifier", part("index", valueInteger=index), value)
        )
        return [each["value"] for each in result["identifier"]]

    assert inserted(0, "a", "b") == ["new", "a", "b"]
    assert inserted(1, "a", "b") == ["a", "new", "b"]
    assert inserted(2, "a", "b") == ["a", "b", "new"]
    assert inserted(0) == ["new"]
    with pytest.raises(FhirError, match="index"):
        inserted(3, "a", "b")


def test_delete_removes_an_element_and_what_it_leaves_empty() -> None:
    resource = patient(
        birthDate="1930", _birthDate={"id": "b"}, contact=[{"name": {"text": "Eva"}}, {"gender": "male"}]
    )
    assert patched(resource, change("delete", "Patient.birthDate")) == patient(contact=resource["contact"])
    assert patched(resource, change("delete", "Patient.contact[0]"))["contact"] == [{"gender": "male"}]
    assert patched(resource, change("delete", "Patient.contact[0].name"))["contact"] == [{"gender": "male"}]
    assert patched(patient(gender="male"), change("delete", "Patient.gender")) == patient()


def test_delete_of_what_is_not_there_is_no_error() -> None:
    assert patched(patient(), change("delete", "Patient.maritalStatus")) == patient()
    assert unfit(patient(name=[{"text": "a"}, {"text": "b"}]), change("delete", "Patient.name"))[0] == 422


def test_delete_of_a_repeating_primitive_keeps_the_extensions_of_the_others() -> None:
    names = patient(name=[{"given": ["A", "B", "C"], "_given": [None, {"id": "b"}, None]}])
    assert patched(names, change("delete", "Patient.name.given[0]"))["name"] == [
        {"given": ["B", "C"], "_given": [{"id": "b"}, None]}
    ]
    assert patched(names, change("delete", "Patient.name.given[1]"))["name"] == [{"given": ["A", "C"]}]
    single = patient(name=[{"given": [None], "_given": [{"id": "b"}], "text": "x"}])
    assert patched(single, change("delete", "Patient.name.given"))["name"] == [{"text": "x"}]


def test_replace_puts_a_value_in_the_place_of_another() -> None:
    resource = patient(birthDate="1930", _birthDate={"id": "b"}, name=[{"family": "A"}])
    value = part("value", valueDate="1931")
    assert patched(resource, change("replace", "Patient.birthDate", value)) == patient(
        birthDate="1931", name=[{"family": "A"}]
    )
    name = part("value", valueHumanName={"family": "B"})
    assert patched(resource, change("replace", "Patient.name[0]", name))["name"] == [{"family": "B"}]
    assert unfit(patient(), change("replace", "Patient.birthDate", value))[0] == 422


def test_replace_may_change_the_type_of_a_choice() -> None:
    resource = {
        "resourceType": "Observation",
        "id": "o",
        "valueQuantity": {"value": 1},
        "note": [{"text": "n"}],
    }
    operation = change("replace", "Observation.value", part("value", valueString="high"))
    changed = patched(resource, operation)
    assert changed == {
        "resourceType": "Observation",
        "id": "o",
        "valueString": "high",
        "note": [{"text": "n"}],
    }
    assert list(changed) == ["resourceType", "id", "valueString", "note"]


def test_move_takes_an_element_to_another_index() -> None:
    def moved(source: int, destination: int) -> list[str]:
        resource = patient(identifier=[{"value": each} for each in "abcd"])
        indexes = part("source", valueInteger=source), part("destination", valueInteger=destination)
        result = patched(resource, change("move", "Patient.identifier", *indexes))
        return [each["value"] for each in result["identifier"]]

    assert moved(3, 1) == ["a", "d", "b", "c"]
    assert moved(0, 3) == ["b", "c", "d", "a"]
    assert moved(1, 1) == ["a", "b", "c", "d"]
    for source, destination in ((4, 0), (0, 4), (-1, 0)):
        with pytest.raises(FhirError):
            moved(source, destination)


def test_move_takes_the_extensions_along() -> None:
    names = patient(name=[{"given": ["A", "B"], "_given": [{"id": "a"}]}])
    indexes = part("source", valueInteger=0), part("destination", valueInteger=1)
    assert patched(names, change("move", "Patient.name.given", *indexes))["name"] == [
        {"given": ["B", "A"], "_given": [None, {"id": "a"}]}
    ]


def test_operations_see_what_the_ones_before_have_made() -> None:
    result = patched(
        patient(),
        add("Patient", "contact", part("gender", valueCode="male")),
        add("Patient.contact[0]", "name", valueHumanName={"text": "a name"}),
        change("delete", "Patient.contact[0].gender"),
    )
    assert result == patient(contact=[{"name": {"text": "a name"}}])


@pytest.mark.parametrize(
    "operation",
    [
        part("operatio", part=[]),
        part("operation", part=[]),
        change("upsert", "Patient"),
        part("operation", part=[part("type", valueCode="delete")]),
        change("delete", "Patient.name["),
        change("delete", "Patient.nam()"),
        change("add", "Patient", part("value", valueString="x")),
        change("add", "Patient", part("name", valueString="gender")),
        change("add", "Patient", part("name", valueString="gender"), part("value")),
        change("insert", "Patient.name", part("value", valueHumanName={})),
        change("move", "Patient.name", part("source", valueInteger=0)),
        change("delete", "Patient.name", part("path", valueString="Patient.gender")),
    ],
)
def test_what_is_no_fhirpath_patch_is_a_bad_request(operation: Json) -> None:
    assert unfit(patient(name=[{"family": "A"}]), operation)[0] == 400


@pytest.mark.parametrize(
    "operation",
    [
        add("Patient", "nome", valueString="x"),
        add("Patient.contact", "gender", valueCode="male"),
        add("Patient.name", "family", valueString="B"),
        add("Patient", "name", valueQuantity={"value": 1}),
        add("Patient", "gender", part("x", valueString="y")),
        add("Patient", "contact", part("nome", valueString="y")),
        add("Patient", "id", valueId="q"),
        add("Patient.name.all(true)", "x", valueString="y"),
        add("5 'mg'", "value", valueDecimal=1),
        add("@2020", "extension", valueString="y"),
        change("delete", "Patient"),
        change("delete", "Patient.id"),
        change("replace", "Patient.id", part("value", valueId="q")),
        change("replace", "Patient.name.count()", part("value", valueInteger=1)),
        change("insert", "Patient.gender", part("index", valueInteger=0), part("value", valueCode="male")),
        change("insert", "Patient.name[0]", part("index", valueInteger=0), part("value", valueHumanName={})),
    ],
)
def test_change_that_does_not_fit_the_resource_is_unprocessable(operation: Json) -> None:
    assert unfit(patient(name=[{"family": "A"}]), operation)[0] == 422


@given(
    st.lists(
        st.builds(
            lambda type, path, name, value, index: change(
                type,
                path,
                part("name", valueString=name),
                part("value", **value),
                part("index", valueInteger=index),
                part("source", valueInteger=index),
                part("destination", valueInteger=0),
            ),
            st.sampled_from(["add", "insert", "delete", "replace", "move"]),
            # The first two are computed.
            st.sampled_from(["'a'", "Patient.name.all(true)", "Patient", "Patient.name",
                             "Patient.name[0]", "Patient.name.given", "Patient.gender",
                             "Patient.name.given[1]", "Patient.deceased", "Patient.birthDate.extension"]),
            st.sampled_from(["name", "given", "gender", "extension", "deceased", "id"]),
            st.sampled_from([{"valueString": "x"}, {"valueHumanName": {"text": "x"}}, {"valueBoolean": True},
                             {"_valueString": {"id": "i"}}, {"part": [part("url", valueUri="u")]}]),
            st.integers(-1, 3),
        ),
        max_size=5,
    )
)  # fmt: skip
def test_any_fhirpath_patch_applies_or_is_refused(operations: list[Json]) -> None:
    resource = patient(
        name=[{"given": ["A", None], "_given": [None, {"id": "x"}]}], gender="male", _birthDate={"id": "b"}
    )
    before = copy.deepcopy(resource)
    result = applied(
        lambda: fhirpath_patch(resource, {"resourceType": "Parameters", "parameter": operations})
    )
    if result is not None:
        assert (result["resourceType"], result["id"]) == ("Patient", "p")
        given = [name for name in result.get("name", []) if "_given" in name]
        assert all(len(name["_given"]) <= len(name.get("given", name["_given"])) for name in given)
    assert resource == before

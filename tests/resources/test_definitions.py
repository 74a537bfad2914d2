"""The committed artifact holds R4 as published."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from fhirhub.resources import definitions
from fhirhub.resources.definitions import (
    COMPARTMENTS,
    RESOURCE_TYPES,
    TYPES,
    compartment,
    is_resource_type,
    is_subtype,
    required_codes,
    required_codings,
    search_parameter,
    search_parameters,
    structure,
)

VALUE_SET = "http://hl7.org/fhir/ValueSet/"
SEARCH = "http://hl7.org/fhir/SearchParameter/"


def test_all_148_resource_types_are_there_two_of_them_abstract() -> None:
    of_resources = [name for name in TYPES if structure(name).kind == "resource"]
    assert len(of_resources) == 148
    assert set(of_resources) - set(RESOURCE_TYPES) == {"Resource", "DomainResource"}
    assert list(RESOURCE_TYPES) == sorted(RESOURCE_TYPES)
    # The value set of resource types is another part of the package that says the same.
    assert required_codes(VALUE_SET + "resource-types") == frozenset(of_resources)


def test_types_of_other_versions_are_unknown() -> None:
    for name in ("Citation", "Ingredient", "NutritionProduct", "SubscriptionTopic", "BodySite", "Sequence"):
        assert not is_resource_type(name)
        with pytest.raises(KeyError):
            structure(name)
    assert not is_resource_type("Resource")
    assert not is_resource_type(None)


def test_all_data_types_are_there() -> None:
    kinds = [structure(name).kind for name in TYPES]
    assert kinds.count("primitive-type") == 20
    assert kinds.count("complex-type") == 41
    assert "SimpleQuantity" not in TYPES


def test_a_resource_has_its_inherited_elements_in_order() -> None:
    plan = structure("CarePlan")
    assert plan.base == "DomainResource"
    assert not plan.abstract
    assert list(plan.properties)[:12] == [
        "id",
        "meta",
        "implicitRules",
        "language",
        "text",
        "contained",
        "extension",
        "modifierExtension",
        "identifier",
        "instantiatesCanonical",
        "instantiatesUri",
        "basedOn",
    ]
    assert plan.properties["id"].type == "id"
    assert plan.properties["contained"].type == "Resource"


def test_an_element_knows_its_rules() -> None:
    status = structure("CarePlan").properties["status"].element
    assert (status.path, status.min, status.max, status.types) == ("CarePlan.status", 1, 1, ("code",))
    assert status.binding == VALUE_SET + "request-status"
    assert status.modifier
    assert status.summary
    subject = structure("CarePlan").properties["subject"].element
    assert subject.targets == ("Group", "Patient")
    assert not subject.choice
    category = structure("CarePlan").properties["category"].element
    assert category.max is None
    assert category.binding is None  # an example binding
    assert structure("Provenance").properties["target"].element.targets == ()  # any resource


def test_a_choice_has_one_property_for_each_type() -> None:
    value = structure("Observation").properties["valueQuantity"]
    assert value.type == "Quantity"
    assert value.element.name == "value"
    assert value.element.path == "Observation.value"
    assert value.element.choice
    assert len([key for key in structure("Extension").properties if key.startswith("value")]) == 50
    assert "value" not in structure("Extension").properties


def test_backbone_elements_are_structures_of_their_own() -> None:
    detail = structure("CarePlan").properties["activity"]
    assert detail.type == "CarePlan.activity"
    assert structure("CarePlan.activity").properties["detail"].type == "CarePlan.activity.detail"
    assert structure("CarePlan.activity").base == "BackboneElement"
    assert structure("Timing.repeat").base == "Element"


def test_elements_defined_elsewhere_lead_there() -> None:
    assert structure("Questionnaire.item").properties["item"].type == "Questionnaire.item"
    assert structure("Bundle.entry").properties["link"].type == "Bundle.link"
    assert (
        structure("Observation.component").properties["referenceRange"].type == "Observation.referenceRange"
    )


def test_every_type_of_every_element_is_a_structure() -> None:
    pending = list(TYPES)
    seen: set[str] = set()
    while pending:
        name = pending.pop()
        if name in seen:
            continue
        seen.add(name)
        found = structure(name)
        assert [each.name for each in found.elements] == list(
            dict.fromkeys(each.element.name for each in found.properties.values())
        )
        for element in found.elements:
            assert element.types, element.path
            assert element.max is None or element.max in (0, 1), element.path
            assert element.path.startswith(f"{name}."), element.path
            assert set(element.targets) <= set(RESOURCE_TYPES), element.path
            assert element.profiles in ((), ("SimpleQuantity",)), element.path
            pending += element.types
    assert len(seen) == 682


def test_primitive_types_have_id_and_extension_only() -> None:
    assert list(structure("date").properties) == ["id", "extension"]
    assert structure("xhtml").properties["extension"].element.max == 0


def test_types_derive_from_their_bases() -> None:
    assert is_subtype("Age", "Quantity")
    assert is_subtype("Quantity", "Quantity")
    assert is_subtype("CarePlan", "DomainResource")
    assert is_subtype("CarePlan", "Resource")
    assert is_subtype("code", "string")
    assert is_subtype("CarePlan.activity", "BackboneElement")
    assert not is_subtype("Bundle", "DomainResource")
    assert not is_subtype("Quantity", "Age")
    assert not is_subtype("Nothing", "Element")


def test_search_parameters_of_a_type_include_those_of_every_type() -> None:
    found = search_parameters("CarePlan")
    assert {"_id", "_lastUpdated", "_tag", "_profile", "_text", "patient", "care-team", "date"} <= set(found)
    assert found["date"].expression.split(" | ").count("CarePlan.period") == 1
    assert found["patient"].type == "reference"
    assert "_text" not in search_parameters("Bundle")  # no DomainResource
    assert found["_id"].url == SEARCH + "Resource-id"


def test_search_parameters_are_complete() -> None:
    """The package has 1,400; two are mere examples, and ten name no type to search."""
    everything = set(definitions._definitions().parameters)
    assert len(everything) == 1398
    used = {each.url for name in RESOURCE_TYPES for each in search_parameters(name).values()}
    without_type = {url for url in everything - used if not _found(url).base}
    assert everything - used == without_type
    assert len(without_type) == 10


def _found(url: str) -> definitions.SearchParameter:
    found = search_parameter(url)
    assert found is not None
    return found


def test_a_composite_names_its_parts() -> None:
    found = search_parameters("Observation")["code-value-quantity"]
    assert found.type == "composite"
    assert found.components == (
        (SEARCH + "clinical-code", "code"),
        (SEARCH + "Observation-value-quantity", "value.as(Quantity)"),
    )
    for name in RESOURCE_TYPES:
        for parameter in search_parameters(name).values():
            for canonical, _ in parameter.components:
                assert search_parameter(canonical) is not None


def test_examples_of_the_specification_shadow_no_search_parameter() -> None:
    assert search_parameter(SEARCH + "example") is None
    assert search_parameters("Condition")["subject"].targets == ("Group", "Patient")


def test_published_errors_of_expressions_are_corrected() -> None:
    composite = _found(SEARCH + "Observation-code-value-date")
    assert composite.components[1][1] == "value.as(dateTime) | value.as(Period)"
    maiden = search_parameters("Patient")["mothersMaidenName"].expression
    assert (
        maiden
        == "Patient.extension('http://hl7.org/fhir/StructureDefinition/patient-mothersMaidenName').value"
    )


def test_an_unknown_search_parameter_is_none() -> None:
    assert search_parameter(SEARCH + "nothing") is None


def test_compartments_say_which_types_belong_and_by_what() -> None:
    assert COMPARTMENTS == ("Device", "Encounter", "Patient", "Practitioner", "RelatedPerson")
    patient = compartment("Patient")
    assert patient["CarePlan"] == ("patient", "performer")
    assert patient["Patient"] == ("link",)
    assert "Organization" not in patient
    assert len(patient) == 66
    assert compartment("Encounter")["Encounter"] == ()
    for name in COMPARTMENTS:
        for type, codes in compartment(name).items():
            assert is_resource_type(type)
            assert set(codes) <= set(search_parameters(type)), (name, type)
    with pytest.raises(KeyError):
        compartment("Organization")


def test_value_sets_of_required_bindings_have_their_codes() -> None:
    assert required_codes(VALUE_SET + "administrative-gender") == frozenset(
        {"male", "female", "other", "unknown"}
    )
    assert required_codings(VALUE_SET + "condition-clinical") == frozenset(
        ("http://terminology.hl7.org/CodeSystem/condition-clinical", code)
        for code in ("active", "recurrence", "relapse", "inactive", "remission", "resolved")
    )
    # Codes lie in a hierarchy here.
    issue_types = required_codes(VALUE_SET + "issue-type")
    assert issue_types is not None
    assert {"invalid", "structure", "too-costly"} <= issue_types
    assert len(issue_types) == 31


def test_value_sets_that_cannot_be_enumerated_have_none() -> None:
    without = {
        element.binding
        for name in TYPES
        for element in structure(name).elements
        if element.binding and required_codes(element.binding) is None
    }
    assert without == {VALUE_SET + "mimetypes", VALUE_SET + "currencies"}
    assert required_codings(VALUE_SET + "mimetypes") is None
    assert required_codes(VALUE_SET + "unheard-of") is None


def test_the_artifact_keeps_the_notices_of_third_parties() -> None:
    artifact = Path(definitions.__file__).with_name("r4.json").read_text(encoding="utf-8")
    assert (
        "The UCUM codes, UCUM table (regardless of format), and UCUM Specification are copyright" in artifact
    )


def test_the_artifact_is_what_the_script_makes_of_the_package() -> None:
    root = Path(definitions.__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "scripts/compile_definitions.py", "--check"],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == 2:
        pytest.skip(f"the package is not in .cache/ and could not be fetched: {done.stderr.strip()[-200:]}")
    assert done.returncode == 0, done.stdout + done.stderr

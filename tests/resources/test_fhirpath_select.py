"""Search parameter expressions as extractors."""

from __future__ import annotations

from typing import Any

import pytest

from fhirhub.resources import definitions
from fhirhub.resources.fhirpath import FhirpathError, select

ISSUBJECT = "http://hl7.org/fhir/StructureDefinition/questionnaireresponse-isSubject"


def values(expression: str, value: dict[str, Any], type: str | None = None) -> list[Any]:
    return select(expression, type or value["resourceType"])(value)


@pytest.mark.parametrize("type", definitions.RESOURCE_TYPES)
def test_every_search_parameter_of_r4_compiles(type: str) -> None:
    for parameter in definitions.search_parameters(type).values():
        select(parameter.expression or "id", type)({"resourceType": type})


def test_composite_parts_compile_at_their_elements() -> None:
    component = {"code": {"text": "a"}, "valueQuantity": {"value": 1}}
    assert values("value.as(Quantity)", component, "Observation.component") == [("Quantity", {"value": 1})]
    sequence = {"resourceType": "MolecularSequence", "referenceSeq": {"chromosome": {"text": "X"}}}
    part = select("%resource.referenceSeq.chromosome", "MolecularSequence.variant")
    assert part({"start": 1}, sequence) == [("CodeableConcept", {"text": "X"})]


def test_choice_is_told_apart_by_type() -> None:
    observation = {"resourceType": "Observation", "valueQuantity": {"value": 1}}
    assert values("(Observation.value as Quantity)", observation) == [("Quantity", {"value": 1})]
    assert values("Observation.value as CodeableConcept", observation) == []
    assert values("Observation.value", observation) == [("Quantity", {"value": 1})]
    assert values("value.as(DateTime)", {"resourceType": "Observation", "valueDateTime": "2026"}) == [
        ("dateTime", "2026")
    ]


def test_only_branches_of_the_type_are_taken() -> None:
    expression = "Patient.name | Practitioner.name | Resource.id"
    patient = {"resourceType": "Patient", "id": "1", "name": [{"family": "A"}, {"family": "B"}]}
    assert values(expression, patient) == [
        ("HumanName", {"family": "A"}),
        ("HumanName", {"family": "B"}),
        ("id", "1"),
    ]
    assert values("DomainResource.text", {"resourceType": "Binary", "id": "1"}) == []


def test_reference_is_filtered_by_what_it_says_of_its_target() -> None:
    expression = "CarePlan.subject.where(resolve() is Patient)"

    def found(subject: dict[str, Any]) -> bool:
        contained = [{"resourceType": "Patient", "id": "p"}, {"resourceType": "Group", "id": "g"}]
        return bool(
            values(expression, {"resourceType": "CarePlan", "contained": contained, "subject": subject})
        )

    assert found({"reference": "Patient/1"})
    assert found({"reference": "https://other.example/Patient/1/_history/2"})
    assert found({"reference": "#p"})
    assert found({"reference": "urn:uuid:1", "type": "Patient"})
    assert found({"identifier": {"value": "1"}, "type": "Patient"})
    assert found({"identifier": {"value": "1"}})
    assert not found({"reference": "Group/1"})
    assert not found({"reference": "#g"})
    assert not found({"reference": "urn:uuid:1"})
    assert not found({"display": "Anna"})


def test_where_compares_a_plain_value() -> None:
    patient = {
        "resourceType": "Patient",
        "telecom": [{"system": "phone", "value": "1"}, {"system": "email", "value": "a@x"}],
    }
    assert values("Patient.telecom.where(system='email')", patient) == [
        ("ContactPoint", patient["telecom"][1])
    ]


def test_extension_is_found_by_its_url() -> None:
    patient = {"resourceType": "Patient", "extension": [{"url": "a", "valueString": "1"}, {"url": "b"}]}
    assert values("Patient.extension('a')", patient) == [("Extension", {"url": "a", "valueString": "1"})]
    assert values("Patient.extension('a').value.as(string)", patient) == [("string", "1")]


def test_item_that_is_a_subject_gives_its_answer() -> None:
    item = {
        "linkId": "1",
        "extension": [{"url": ISSUBJECT, "valueBoolean": True}],
        "answer": [{"valueReference": {}}],
    }
    response = {
        "resourceType": "QuestionnaireResponse",
        "item": [item, {"linkId": "2", "answer": item["answer"]}],
    }
    expression = definitions.search_parameters("QuestionnaireResponse")["item-subject"].expression
    assert values(expression, response) == [("Reference", {})]


def test_null_among_primitives_is_no_value() -> None:
    name = {"given": [None, "Ada"], "_given": [{"extension": []}, None]}
    assert values("Patient.name.given", {"resourceType": "Patient", "name": [name]}) == [("string", "Ada")]


def test_unknown_element_is_refused() -> None:
    with pytest.raises(FhirpathError, match="Patient has no element `nome`"):
        select("Patient.nome", "Patient")


def test_what_is_no_plain_path_runs_on_the_engine() -> None:
    expression = definitions.search_parameters("Patient")["deceased"].expression
    assert values(expression, {"resourceType": "Patient", "deceasedDateTime": "2026"}) == [("boolean", True)]
    assert values(expression, {"resourceType": "Patient"}) == [("boolean", False)]
    bundle = {
        "resourceType": "Bundle",
        "entry": [{"resource": {"resourceType": "Composition"}}, {"resource": {}}],
    }
    assert values("Bundle.entry[0].resource", bundle) == [("Composition", {"resourceType": "Composition"})]
    assert values(
        "Patient.name.first().given.first()", {"resourceType": "Patient", "name": [{"given": ["A", "B"]}]}
    ) == [("string", "A")]


def test_content_on_which_an_expression_fails_has_no_value() -> None:
    patient = {"resourceType": "Patient", "name": [{"family": "A"}, {"family": "B"}]}
    assert values("Patient.name.single()", patient) == []
    assert values("Patient.repeat(descendants()) | Patient.id", patient | {"id": "p"})[-1:] == [("id", "p")]

"""What FHIR adds to FHIRPath (https://hl7.org/fhir/R4/fhirpath.html)."""

from __future__ import annotations

from typing import Any

import pytest

from fhirhub.resources import fhirpath
from fhirhub.resources.fhirpath import Environment, FhirpathError, Item

Json = dict[str, Any]

BIRTH = "http://hl7.org/fhir/StructureDefinition/patient-birthTime"

PATIENT: Json = {
    "resourceType": "Patient",
    "id": "p",
    "birthDate": "1940-05-03",
    "_birthDate": {"id": "b", "extension": [{"url": BIRTH, "valueDateTime": "1940-05-03T14:35:45Z"}]},
    "_gender": {"extension": [{"url": "http://x.example/absent", "valueCode": "unknown"}]},
    "name": [{"given": ["Anna", None, "Maria"], "_given": [None, {"id": "g"}, {"id": "m"}]}],
    "contained": [
        {"resourceType": "Organization", "id": "o", "name": "Practice"},
        {"resourceType": "Practitioner", "id": "d", "name": [{"text": "Dr"}]},
    ],
    "managingOrganization": {"reference": "#o"},
    "generalPractitioner": [{"reference": "#d"}, {"reference": "Practitioner/1"}, {"reference": "#none"}, {}],
}


def items(expression: str, resource: Json = PATIENT, **surroundings: Any) -> list[Item]:
    return fhirpath.evaluate(expression, resource, **surroundings)


def found(expression: str, resource: Json = PATIENT, **surroundings: Any) -> list[Any]:
    return [item.value for item in items(expression, resource, **surroundings)]


@pytest.mark.parametrize(
    ("expression", "path"),
    [
        ("birthDate", "Patient.birthDate"),
        ("name.given[1]", "Patient.name[0].given[1]"),
        ("birthDate.extension.value", "Patient.birthDate.extension[0].value"),
        ("contained.name.text", "Patient.contained[1].name[0].text"),
        ("managingOrganization.resolve()", "Patient.contained[0]"),
        ("$this", "Patient"),
        ("1 + 1", None),
    ],
)
def test_item_tells_where_it_stands(expression: str, path: str | None) -> None:
    assert items(expression)[0].path == path


@pytest.mark.parametrize(
    ("expression", "type"),
    [
        ("birthDate", "date"),
        ("name", "HumanName"),
        ("name.given", "string"),
        ("id", "id"),
        ("contained", "Organization"),
        ("birthDate.extension.value", "dateTime"),
        ("1", "System.Integer"),
        ("name.exists()", "System.Boolean"),
    ],
)
def test_item_knows_its_type(expression: str, type: str) -> None:
    assert items(expression)[0].type == type


def test_choice_and_backbone_and_content_reference_have_types() -> None:
    questionnaire = {
        "resourceType": "Questionnaire",
        "item": [{"item": [{"linkId": "1.1", "type": "string"}]}],
    }
    assert items("item", questionnaire)[0].type == "Questionnaire.item"
    assert items("item.item.linkId", questionnaire)[0].path == "Questionnaire.item[0].item[0].linkId"
    assert items("repeat(item).linkId", questionnaire)[0].value == "1.1"
    observation = {"resourceType": "Observation", "valueQuantity": {"value": 1}}
    assert items("value", observation)[0].type == "Quantity"
    assert items("value", observation)[0].path == "Observation.value"
    assert found("value.ofType(Quantity).value", observation) == [1]
    assert found("item.is(BackboneElement)", questionnaire) == [True]


def test_primitive_with_extensions_alone_exists_without_a_value() -> None:
    assert found("gender.exists()") == [True]
    assert found("gender.hasValue()") == [False]
    assert found("gender.extension.value") == ["unknown"]
    assert found("gender.getValue()") == []
    assert found("gender = 'male'") in ([], [False])
    assert found("birthDate.hasValue()") == [True]
    assert found("birthDate.id") == ["b"]
    assert found("birthDate.extension.where(url = %`ext-patient-birthTime`).exists()") == [True]
    assert found("name.given.where(hasValue())") == ["Anna", "Maria"]
    assert found("name.given.count()") == [3]
    assert found("name.given.id") == ["g", "m"]
    assert found("name.hasValue()") == [False]
    assert found("photo.hasValue()") == [False]


def test_child_with_extensions_is_one_child() -> None:
    children = found("children()")
    assert children[:3] == ["p", "1940-05-03", None]
    assert found("children().count()") == [3 + 1 + 2 + 1 + 4]
    assert found("name.children().count()") == [3]


def test_extension_is_found_by_url() -> None:
    assert found(f"birthDate.extension('{BIRTH}').value") == ["1940-05-03T14:35:45Z"]
    assert found("birthDate.extension('x')") == []
    assert found(f"birthDate.hasExtension('{BIRTH}')") == [True]


def test_reference_is_resolved_in_contained_and_by_the_hook() -> None:
    practitioner = {"resourceType": "Practitioner", "id": "1", "active": True}
    stored = {"Practitioner/1": practitioner}
    assert found("managingOrganization.resolve().name") == ["Practice"]
    assert found("generalPractitioner.resolve().id") == ["d"]
    assert found("generalPractitioner.resolve().id", resolve=stored.get) == ["d", "1"]
    assert found("generalPractitioner.resolve().active", resolve=stored.get) == [True]
    assert found("generalPractitioner.where(resolve() is Practitioner).count()", resolve=stored.get) == [2]
    assert found("'#'.resolve().id") == ["p"]


def bundle() -> Json:
    def entry(url: str, **resource: Any) -> Json:
        return {"fullUrl": url, "resource": resource}

    return {
        "resourceType": "Bundle",
        "type": "collection",
        "entry": [
            entry(
                "urn:uuid:1", resourceType="Patient", id="a", link=[{"other": {"reference": "urn:uuid:2"}}]
            ),
            entry("urn:uuid:2", resourceType="Patient", id="b"),
            entry("http://x.example/Task/t", resourceType="Task", id="t", focus={"reference": "Goal/g"}),
            entry("http://y.example/Goal/g", resourceType="Goal", id="wrong"),
            entry("http://x.example/Goal/g", resourceType="Goal", id="right"),
            {"resource": {"resourceType": "Basic", "id": "n", "subject": {"reference": "Basic/n"}}},
        ],
    }


def test_reference_is_resolved_within_a_bundle() -> None:
    assert found("entry.resource.ofType(Patient).link.other.resolve().id", bundle()) == ["b"]
    assert found("entry.resource.ofType(Task).focus.resolve().id", bundle()) == ["right"]
    assert found("entry.resource.ofType(Basic).subject.resolve().id", bundle()) == ["n"]
    resolved = items("entry[0].resource.link.other.resolve()", bundle())
    assert resolved[0].path == "Bundle.entry[1].resource"


def test_resource_and_root_resource_differ_within_a_contained_one() -> None:
    root = Item(PATIENT, "Patient")
    inner = fhirpath.compile("contained[0]")(root)[0]
    surroundings = Environment(inner, root=root)
    expression = fhirpath.compile("%resource.id & '/' & %rootResource.id & '/' & %context.value")
    value = fhirpath.compile("name")(inner, surroundings)[0]
    assert [item.value for item in expression(value, surroundings)] == ["o/p/"]


def test_quantity_of_fhir_is_one_of_system() -> None:
    def observation(**quantity: Any) -> Json:
        return {"resourceType": "Observation", "valueQuantity": quantity}

    ucum = {"system": "http://unitsofmeasure.org"}
    assert found("value = 1 'kg'", observation(value=1000, code="g", **ucum)) == [True]
    assert found("value > 999 'g'", observation(value=1, code="kg", **ucum)) == [True]
    assert found("value = 1 year", observation(value=1, code="a", **ucum)) == [True]
    assert found("value + 1 'kg'", observation(value=1, code="kg", comparator="<", **ucum)) == []
    low_high = {
        "resourceType": "Basic",
        "extension": [{"valueRange": {"low": {"value": 1}, "high": {"value": 2}}}],
    }
    assert found("extension.value.low <= extension.value.high", low_high) == [True]


def test_hooks_answer_for_terminology_and_profiles() -> None:
    asked: list[tuple[str, str]] = []

    def judge(item: Item, url: str) -> bool | None:
        asked.append((item.type, url))
        return {"in": True, "out": False}.get(url)

    assert found("birthDate.memberOf('in')", member_of=judge) == [True]
    assert found("birthDate.memberOf('out')", member_of=judge) == [False]
    assert found("birthDate.memberOf('unknown')", member_of=judge) == []
    assert found("birthDate.memberOf('in')") == []
    assert found("conformsTo('in')", conforms_to=judge) == [True]
    assert found("conformsTo('http://hl7.org/fhir/StructureDefinition/Patient')") == [True]
    assert found("conformsTo('http://hl7.org/fhir/StructureDefinition/Person')") == [False]
    assert asked[-1] == ("Patient", "in")
    assert found("'a'.subsumes('a')") == [True]
    assert found("'a'.subsumes('b')") == []
    assert found("'a'.subsumedBy('b')", subsumes=lambda one, other: one.value == "b") == [True]


def test_modifier_extension_that_is_not_known_is_an_error() -> None:
    patient = {"resourceType": "Patient", "modifierExtension": [{"url": "a"}]}
    assert found("checkModifiers('a').exists()", patient) == [True]
    with pytest.raises(FhirpathError, match="not known: `a`"):
        found("checkModifiers('b')", patient)


def test_narrative_is_checked() -> None:
    def narrative(div: str) -> list[Any]:
        return found(
            "text.`div`.htmlChecks()", {"resourceType": "Basic", "text": {"status": "generated", "div": div}}
        )

    assert narrative('<div xmlns="http://www.w3.org/1999/xhtml"><p>x</p></div>') == [True]
    assert narrative("x") == [False]
    assert found("text.`div`.htmlChecks()") == []


INVARIANTS = [
    ("dom-3", "contained.where((('#'+id in (%resource.descendants().reference | %resource.descendants().as(canonical) "
              "| %resource.descendants().as(uri) | %resource.descendants().as(url))) or "
              "descendants().where(reference = '#').exists() or descendants().where(as(canonical) = '#').exists())"
              ".not()).trace('unmatched', id).empty()"),
    ("ele-1", "hasValue() or (children().count() > id.count())"),
    ("dom-2", "contained.contained.empty()"),
    ("ctm-1", "generalPractitioner.all(resolve().iif(empty(), true, ofType(Practitioner).exists()))"),
]  # fmt: skip


@pytest.mark.parametrize(("key", "expression"), INVARIANTS)
def test_invariant_holds(key: str, expression: str) -> None:
    assert fhirpath.compile(expression).holds(PATIENT) is True


def test_contained_resource_that_nothing_refers_to_breaks_dom_3() -> None:
    lonely = {"resourceType": "Patient", "contained": [{"resourceType": "Organization", "id": "x"}]}
    assert fhirpath.compile(INVARIANTS[0][1]).holds(lonely) is False


@pytest.mark.parametrize("resource", [
    {}, {"resourceType": "Nothing", "name": 1}, {"resourceType": "Patient", "name": "x"},
    {"resourceType": "Patient", "name": [1, None]}, {"resourceType": "Patient", "name": {"given": "x"}},
    {"resourceType": "Patient", "_birthDate": [1]}, {"resourceType": "Patient", "contained": ["x", {}]},
    {"resourceType": 1}, {"resourceType": "Patient", "birthDate": {"a": 1}},
])  # fmt: skip
def test_content_of_a_wrong_form_is_passed_over(resource: Json) -> None:
    for expression in (
        "name.given",
        "birthDate.extension",
        "descendants().count()",
        "contained.id",
        "birthDate > @2000",
    ):
        assert len(found(expression, resource)) <= 1

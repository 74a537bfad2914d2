"""Conformance resources in themselves and against what they describe."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from fhirhub.resources.canonicals import CORE, OFFICIAL, Canonicals
from fhirhub.resources.validation.validator import Validator

Json = dict[str, Any]
ACME = "http://acme.example/fhir/"
TEXT = {"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml">x</div>'}


OWN = "http://hl7.org/fhir/concept-properties#"


def told(resource: Json, *known: Json) -> list[str | None]:
    validator = Validator(Canonicals(known, OFFICIAL))
    issues = validator.validate({"text": TEXT, **resource})
    return [each.expression for each in issues if each.severity == "error"]


def code_system(**more: Any) -> Json:
    made = {"resourceType": "CodeSystem", "url": ACME + "CodeSystem/c", "status": "active"}
    concepts = [{"code": "a", "concept": [{"code": "b"}]}, {"code": "c"}]
    return {**made, "content": "complete", "concept": concepts, **more}


@pytest.mark.parametrize(
    ("content", "where"),
    [
        ({"count": 3}, None),
        ({"count": 2}, "CodeSystem.count"),
        ({"content": "not-present"}, "CodeSystem.concept"),
        ({"content": "supplement"}, "CodeSystem"),
        ({"supplements": ACME + "CodeSystem/d"}, "CodeSystem.content"),
        (
            {"property": [{"code": "x", "type": "string"}, {"code": "x", "type": "string"}]},
            "CodeSystem.property[1]",
        ),
        ({"property": [{"code": "x", "type": "string", "uri": "relative"}]}, "CodeSystem.property[0].uri"),
        ({"property": [{"code": "parent", "type": "code", "uri": f"{OWN}parent"}]}, None),
        ({"property": [{"code": "x", "type": "code", "uri": f"{OWN}mother"}]}, "CodeSystem.property[0].uri"),
        (
            {"property": [{"code": "child", "type": "code", "uri": f"{OWN}parent"}]},
            "CodeSystem.property[0].uri",
        ),
        (
            {"property": [{"code": "x", "type": "string", "uri": f"{OWN}parent"}]},
            "CodeSystem.property[0].uri",
        ),
    ],
)
def test_a_code_system_does_not_contradict_itself(content: Json, where: str | None) -> None:
    assert told(code_system(**content)) == ([] if where is None else [where])


@pytest.mark.parametrize(
    ("compose", "is_right"),
    [
        ({"include": [{"system": ACME + "CodeSystem/c"}]}, True),
        ({"include": [{"system": ACME + "CodeSystem/d"}]}, False),
        ({"include": [{"system": ACME + "CodeSystem/c", "concept": [{"code": "a"}]}]}, False),
        ({"include": [{"system": ACME + "CodeSystem/c"}, {"system": ACME + "CodeSystem/d"}]}, False),
    ],
)
def test_the_value_set_of_a_code_system_is_of_all_its_codes(compose: Json, is_right: bool) -> None:
    whole = {"resourceType": "ValueSet", "url": ACME + "ValueSet/all", "status": "active", "compose": compose}
    assert told(code_system(valueSet=whole["url"]), whole) == ([] if is_right else ["CodeSystem.valueSet"])


def test_properties_of_concepts_are_of_the_type_that_is_defined() -> None:
    defined = [{"code": "weight", "type": "integer"}, {"code": "parent", "type": "code"}]

    def with_property(**given: Any) -> Json:
        return code_system(property=defined, concept=[{"code": "a", "property": [given]}])

    assert told(with_property(code="weight", valueInteger=1)) == []
    place = "CodeSystem.concept[0].property[0].value"
    assert told(with_property(code="weight", valueString="1")) == [place]
    assert told(with_property(code="parent", valueCode="z")) == [place]
    assert told(with_property(code="length", valueInteger=1)) == ["CodeSystem.concept[0].property[0].code"]


def test_a_supplement_adds_to_codes_that_there_are() -> None:
    base = code_system()
    adds = {"url": ACME + "CodeSystem/s", "content": "supplement", "supplements": base["url"]}
    assert told(code_system(**adds, concept=[{"code": "b"}]), base) == []
    assert told(code_system(**adds, concept=[{"code": "z"}]), base) == ["CodeSystem.concept[0].code"]
    base["hierarchyMeaning"] = "is-a"
    assert told(code_system(**adds, hierarchyMeaning="part-of"), base) == ["CodeSystem.hierarchyMeaning"]


@pytest.mark.parametrize(
    ("include", "where"),
    [
        ({"concept": [{"code": "b"}]}, None),
        ({"concept": [{"code": "b"}, {"code": "z"}]}, ".concept[1].code"),
        ({"system": "#local"}, ".system"),
        ({"system": ACME + "ValueSet/other"}, ".system"),
        ({"filter": [{"property": "concept", "op": "is-a", "value": "a"}]}, None),
        ({"filter": [{"property": "concept", "op": "is-a", "value": "z"}]}, ".filter[0].value"),
        ({"filter": [{"property": "code", "op": "regex", "value": "a("}]}, ".filter[0].value"),
        ({"filter": [{"property": "notSelectable", "op": "=", "value": "1"}]}, ".filter[0].value"),
        ({"filter": [{"property": "notSelectable", "op": "in", "value": "true,false"}]}, None),
        ({"filter": [{"property": "notSelectable", "op": "not-in", "value": "true,1"}]}, ".filter[0].value"),
        ({"filter": [{"property": "status", "op": "exists", "value": "yes"}]}, ".filter[0].value"),
        ({"filter": [{"property": "concept", "op": "regex", "value": "a.*"}]}, ".filter[0].op"),
        ({"filter": [{"property": "parent", "op": "=", "value": "a"}]}, None),
        ({"filter": [{"property": "parent", "op": "=", "value": "z"}]}, ".filter[0].value"),
        ({"filter": [{"property": "effectiveDate", "op": "=", "value": "gt2020-01"}]}, None),
        ({"filter": [{"property": "effectiveDate", "op": "=", "value": "soon"}]}, ".filter[0].value"),
        ({"filter": [{"property": "itemWeight", "op": "=", "value": "much"}]}, ".filter[0].value"),
    ],
)
def test_a_value_set_includes_what_there_is(include: Json, where: str | None) -> None:
    include = {"system": ACME + "CodeSystem/c", **include}
    made = {"resourceType": "ValueSet", "status": "active", "compose": {"include": [include]}}
    other = {"resourceType": "ValueSet", "url": ACME + "ValueSet/other", "status": "active"}
    place = [] if where is None else [f"ValueSet.compose.include[0]{where}"]
    assert told(made, code_system(), other) == place


def test_the_source_of_a_concept_map_is_a_value_set() -> None:
    made = {"resourceType": "ConceptMap", "status": "active", "sourceCanonical": ACME + "CodeSystem/c"}
    assert told(made, code_system()) == ["ConceptMap.source"]


def test_a_concept_map_maps_codes_that_there_are() -> None:
    def mapped(code: str, target: str) -> Json:
        element = {"code": code, "target": [{"code": target, "equivalence": "equal"}]}
        systems = {"source": ACME + "CodeSystem/c", "target": ACME + "CodeSystem/c"}
        return {
            "resourceType": "ConceptMap",
            "status": "active",
            "group": [{**systems, "element": [element]}],
        }

    assert told(mapped("a", "b"), code_system()) == []
    assert told(mapped("z", "b"), code_system()) == ["ConceptMap.group[0].element[0].code"]
    assert told(mapped("a", "z"), code_system()) == ["ConceptMap.group[0].element[0].target[0].code"]


def search(**more: Any) -> Json:
    made = {
        "resourceType": "SearchParameter",
        "url": ACME + "SearchParameter/s",
        "name": "S",
        "status": "active",
    }
    return {**made, "description": "x", "code": "s", "base": ["Patient"], "type": "token", **more}


@pytest.mark.parametrize(
    ("content", "where"),
    [
        ({"expression": "Patient.gender"}, None),
        ({"expression": "Patient.contact.where(name.exists()).gender"}, None),
        ({"expression": "Patient.sex"}, "SearchParameter.expression"),
        ({"expression": "Patient.contact.where(sex = 'x')"}, "SearchParameter.expression"),
        ({"expression": "Patient.gender("}, "SearchParameter.expression"),
        ({"type": "composite"}, "SearchParameter.component"),
    ],
)
def test_a_search_parameter_can_be_evaluated(content: Json, where: str | None) -> None:
    assert told(search(**content)) == ([] if where is None else [where])


def test_a_derived_search_parameter_keeps_to_its_origin() -> None:
    origin = search(url=ACME + "SearchParameter/o")
    assert told(search(derivedFrom=origin["url"]), origin) == []
    assert told(search(derivedFrom=origin["url"], type="string"), origin) == ["SearchParameter.type"]
    assert told(search(derivedFrom=origin["url"], base=["Group"]), origin) == ["SearchParameter.base"]


def test_capabilities_name_search_parameters_with_their_types() -> None:
    def server(type: str) -> Json:
        definition = "http://hl7.org/fhir/SearchParameter/individual-birthdate"
        parameter = {"name": "birthdate", "definition": definition, "type": type}
        return {
            "resourceType": "CapabilityStatement",
            "status": "active",
            "date": "2026-11-22",
            "kind": "requirements",
            "description": "x",
            "fhirVersion": "4.0.1",
            "format": ["json"],
            "rest": [{"mode": "server", "resource": [{"type": "Patient", "searchParam": [parameter]}]}],
        }

    found = [each for each in told(server("date")) if each is not None and "searchParam" in each]
    assert found == []
    place = "CapabilityStatement.rest[0].resource[0].searchParam[0].type"
    assert place in told(server("string"))


def profile(*elements: Json, **more: Any) -> Json:
    return {
        "resourceType": "StructureDefinition",
        "url": ACME + "StructureDefinition/p",
        "name": "P",
        "status": "active",
        "kind": "resource",
        "abstract": False,
        "type": "Patient",
        "baseDefinition": CORE + "Patient",
        "derivation": "constraint",
        "differential": {"element": [{"id": each["path"], **each} for each in elements]},
        **more,
    }


def constraint(expression: str, key: str = "p-1") -> Json:
    return {"key": key, "severity": "error", "human": "x", "expression": expression}


@pytest.mark.parametrize(
    ("row", "where"),
    [
        ({"path": "Patient.name", "min": 1}, None),
        ({"path": "Patient.name", "constraint": [constraint("family.exists()")]}, None),
        (
            {"path": "Patient.name", "constraint": [constraint("surname.exists()")]},
            ".constraint[0].expression",
        ),
        (
            {"path": "Patient.name", "constraint": [constraint("%resource.sex.exists()")]},
            ".constraint[0].expression",
        ),
        ({"path": "Patient.name", "constraint": [constraint("family.exist()")]}, ".constraint[0].expression"),
        ({"path": "Patient.gender", "max": "2"}, ".max"),
        ({"path": "Patient.communication.language", "min": 0}, ".min"),
        ({"path": "Patient.deceased[x]", "type": [{"code": "dateTime"}]}, None),
        ({"path": "Patient.deceased[x]", "type": [{"code": "string"}]}, ".type[0]"),
        ({"path": "Patient.birthDate", "type": [{"code": "date"}], "maxLength": 3}, ".maxLength"),
        ({"path": "Patient.active", "type": [{"code": "boolean"}], "minValueInteger": 3}, ".minValue"),
        ({"path": "Patient.birthDate", "type": [{"code": "date"}], "fixedString": "x"}, ".fixed"),
        (
            {"path": "Patient.name", "type": [{"code": "HumanName", "targetProfile": [CORE + "Patient"]}]},
            ".type[0]",
        ),
        ({"path": "Patient.name", "type": [{"code": "HumanName", "profile": [CORE + "bmi"]}]}, ".type[0]"),
        (
            {
                "path": "Patient.gender",
                "binding": {"strength": "required", "valueSet": ACME + "CodeSystem/c"},
            },
            ".binding.valueSet",
        ),
    ],
)
def test_elements_of_a_profile_can_be_asked(row: Json, where: str | None) -> None:
    place = [] if where is None else [f"StructureDefinition.differential.element[0]{where}"]
    assert set(told(profile(row), code_system())) == set(place)


@pytest.mark.parametrize(
    ("content", "where"),
    [
        ({"type": "Group"}, "StructureDefinition.type"),
        ({"kind": "complex-type"}, "StructureDefinition.kind"),
        ({"derivation": "specialization"}, "StructureDefinition.type"),
        ({"baseDefinition": ACME + "StructureDefinition/p"}, "StructureDefinition.baseDefinition"),
    ],
)
def test_a_profile_fits_its_base(content: Json, where: str) -> None:
    assert where in told(profile({"path": "Patient.name", "min": 1}, **content))


def test_an_extension_fixes_its_own_url() -> None:
    def extension(url: str) -> Json:
        row = {"path": "Extension.url", "fixedUri": url}
        more = {"kind": "complex-type", "type": "Extension", "baseDefinition": CORE + "Extension"}
        return profile(row, **more, context=[{"type": "element", "expression": "Patient"}])

    assert told(extension(ACME + "StructureDefinition/p")) == []
    assert told(extension(ACME + "StructureDefinition/q")) == ["StructureDefinition"]


def measure(**more: Any) -> Json:
    population = {
        "code": coded("initial-population"),
        "criteria": {"language": "text/cql", "expression": "Young"},
    }
    made = {"resourceType": "Measure", "url": ACME + "Measure/m", "status": "active"}
    return {**made, "scoring": coded("proportion"), "group": [{"population": [population]}], **more}


def coded(code: str) -> Json:
    return {"coding": [{"system": ACME + "codes", "code": code}]}


def report(**more: Any) -> Json:
    population = {"code": coded("initial-population"), "count": 1}
    made: Json = {"resourceType": "MeasureReport", "status": "complete", "type": "summary"}
    made |= {"measure": ACME + "Measure/m", "period": {"start": "2026", "end": "2026"}}
    group = {"population": [population], "measureScore": {"value": 1}, **more}
    return {**made, "group": [group]}


@pytest.mark.parametrize(
    ("content", "where"),
    [
        ({}, None),
        ({"population": []}, None),
        ({"population": [{"code": coded("other"), "count": 1}]}, "MeasureReport.group[0].population[0].code"),
        ({"measureScore": {"value": 2}}, "MeasureReport.group[0].measureScore.value"),
        ({"measureScore": {"value": 1, "unit": "x"}}, "MeasureReport.group[0].measureScore.unit"),
    ],
)
def test_a_measure_report_has_what_the_measure_asks(content: Json, where: str | None) -> None:
    made = report(**content)
    if content.get("population") == []:
        del made["group"][0]["population"]
        where = "MeasureReport.group[0]"
    found = told(made, measure())
    assert (where in found) if where is not None else found == []


def test_criteria_in_cql_are_defined_by_a_library() -> None:
    elm = '<library xmlns="urn:hl7-org:elm:r1"><statements><def name="Young"/></statements></library>'
    content = {"contentType": "application/elm+xml", "data": base64.b64encode(elm.encode()).decode()}
    library = {"resourceType": "Library", "url": ACME + "Library/l", "name": "L", "content": [content]}
    made = measure(library=[library["url"]])
    assert told(made, library) == []
    made["group"][0]["population"][0]["criteria"]["expression"] = "Old"
    assert told(made, library) == ["Measure.group[0].population[0].criteria.expression"]


@pytest.mark.parametrize(
    ("expression", "is_wrong"),
    [
        ("Patient", False),
        ("Patient.contact.name", False),
        ("Element", False),
        ("Nothing", True),
        ("Patient.sex", True),
    ],
)
def test_an_extension_stands_on_elements_that_there_are(expression: str, is_wrong: bool) -> None:
    row = {"path": "Extension.url", "fixedUri": ACME + "StructureDefinition/p"}
    more = {"kind": "complex-type", "type": "Extension", "baseDefinition": CORE + "Extension"}
    made = profile(row, **more, context=[{"type": "element", "expression": expression}])
    assert told(made) == (["StructureDefinition.context[0].expression"] if is_wrong else [])


def test_the_path_of_a_discriminator_leads_somewhere() -> None:
    def sliced(path: str) -> Json:
        slicing = {"discriminator": [{"type": "value", "path": path}], "rules": "open"}
        return profile({"path": "Patient.identifier", "slicing": slicing})

    assert told(sliced("type.coding.code")) == []
    place = "StructureDefinition.differential.element[0].slicing.discriminator[0].path"
    assert told(sliced("type.colour")) == [place]

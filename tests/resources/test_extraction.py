"""Data out of responses, in the three ways of the guide."""

from __future__ import annotations

from typing import Any

from fhirhub.resources import extraction
from fhirhub.resources.canonicals import CORE, OFFICIAL, Canonicals

Json = dict[str, Any]
SDC = "http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-questionnaire-"
LOINC = "http://loinc.org"


def ext(name: str, **value: Any) -> Json:
    return {"url": SDC + name, **value}


def parts(name: str, **values: Any) -> Json:
    inner = [{"url": key.replace("_", "-"), **value} for key, value in values.items()]
    return {"url": SDC + name, "extension": inner}


def response(*items: Json) -> Json:
    return {
        "resourceType": "QuestionnaireResponse",
        "id": "r1",
        "status": "completed",
        "subject": {"reference": "Patient/1"},
        "authored": "2026-11-22T10:00:00Z",
        "author": {"reference": "Patient/1"},
        "item": list(items),
    }


def questions(*items: Json, **more: Any) -> Json:
    return {"resourceType": "Questionnaire", "url": "urn:q", "status": "active", "item": list(items), **more}


def answered(link: str, *answers: Json, **more: Any) -> Json:
    return {"linkId": link, "answer": list(answers), **more}


def extracted(asked: Json, given: Json, canonicals: Canonicals = OFFICIAL) -> list[Json]:
    found = extraction.extract(asked, given, canonicals)
    assert found.faults == []
    return [entry["resource"] for entry in found.entries]


def code(value: str) -> list[Json]:
    return [{"system": LOINC, "code": value}]


def test_an_answer_becomes_an_observation_with_its_unit_and_category() -> None:
    survey = {"coding": [{"code": "survey"}]}
    unit = {"url": CORE + "questionnaire-unit", "valueCoding": {"system": "urn:u", "code": "kg"}}
    asked = questions(
        {"linkId": "w", "type": "decimal", "code": code("29463-7"), "extension": [unit]},
        {"linkId": "t", "type": "string"},
        extension=[
            ext("observationExtract", valueBoolean=True),
            ext("observation-extract-category", valueCodeableConcept=survey),
        ],
    )
    (made,) = extracted(
        asked, response(answered("w", {"valueDecimal": 71}), answered("t", {"valueString": "x"}))
    )
    assert made == {
        "resourceType": "Observation",
        "status": "final",
        "category": [survey],
        "code": {"coding": code("29463-7")},
        "subject": {"reference": "Patient/1"},
        "effectiveDateTime": "2026-11-22T10:00:00Z",
        "issued": "2026-11-22T10:00:00Z",
        "performer": [{"reference": "Patient/1"}],
        "derivedFrom": [{"reference": "QuestionnaireResponse/r1"}],
        "valueQuantity": {"value": 71, "unit": "kg", "system": "urn:u", "code": "kg"},
    }


def test_what_is_marked_false_or_not_answered_makes_no_observation() -> None:
    asked = questions(
        {
            "linkId": "a",
            "type": "integer",
            "code": code("a"),
            "extension": [ext("observationExtract", valueBoolean=False)],
        },
        {"linkId": "b", "type": "integer", "code": code("b")},
        extension=[ext("observationExtract", valueBoolean=True)],
    )
    assert extracted(asked, response(answered("a", {"valueInteger": 1}))) == []


def test_items_of_a_panel_become_its_components() -> None:
    part = [ext("observationExtract", valueCode="component")]
    panel = {
        "linkId": "p",
        "type": "group",
        "code": code("85354-9"),
        "extension": [ext("observationExtract", valueBoolean=True)],
        "item": [
            {"linkId": "s", "type": "quantity", "code": code("8480-6"), "extension": part},
            {"linkId": "d", "type": "quantity", "code": code("8462-4"), "extension": part},
        ],
    }
    given = response(
        {
            "linkId": "p",
            "item": [
                answered("s", {"valueQuantity": {"value": 120}}),
                answered("d", {"valueQuantity": {"value": 80}}),
            ],
        }
    )
    (made,) = extracted(questions(panel), given)
    assert [each["valueQuantity"]["value"] for each in made["component"]] == [120, 80]
    assert "valueQuantity" not in made


def test_definitions_fill_a_resource_that_an_item_begins() -> None:
    patient = CORE + "Patient#Patient."
    asked = questions(
        {
            "linkId": "p",
            "type": "group",
            "extension": [
                parts("definitionExtract", definition={"valueCanonical": CORE + "Patient"}),
                parts(
                    "definitionExtractValue",
                    definition={"valueUri": patient + "active"},
                    fixed_value={"valueBoolean": True},
                ),
            ],
            "item": [
                {
                    "linkId": "n",
                    "type": "group",
                    "repeats": True,
                    "definition": patient + "name",
                    "item": [
                        {"linkId": "f", "type": "string", "definition": patient + "name.family"},
                        {
                            "linkId": "g",
                            "type": "string",
                            "repeats": True,
                            "definition": patient + "name.given",
                        },
                    ],
                },
                {"linkId": "b", "type": "date", "definition": patient + "birthDate"},
                {"linkId": "s", "type": "choice", "definition": patient + "gender"},
            ],
        }
    )
    name = {
        "linkId": "n",
        "item": [
            answered("f", {"valueString": "Smit"}),
            answered("g", {"valueString": "A"}, {"valueString": "B"}),
        ],
    }
    other = {"linkId": "n", "item": [answered("f", {"valueString": "Jansen"})]}
    given = response(
        {
            "linkId": "p",
            "item": [
                name,
                other,
                answered("b", {"valueDate": "1950-01-02"}),
                answered("s", {"valueCoding": {"code": "female"}}),
            ],
        }
    )
    found = extraction.extract(asked, given, OFFICIAL)
    assert found.faults == []
    (entry,) = found.entries
    assert entry["resource"] == {
        "resourceType": "Patient",
        "active": True,
        "name": [{"family": "Smit", "given": ["A", "B"]}, {"family": "Jansen"}],
        "birthDate": "1950-01-02",
        "gender": "female",
    }
    assert entry["request"] == {"method": "POST", "url": "Patient"}


def test_the_id_of_what_was_there_makes_an_update() -> None:
    asked = questions(
        {"linkId": "i", "type": "string", "definition": CORE + "Patient#Patient.id"},
        {"linkId": "b", "type": "date", "definition": CORE + "Patient#Patient.birthDate"},
        extension=[ext("itemExtractionContext", valueCode="Patient")],
    )
    given = response(answered("i", {"valueString": "77"}), answered("b", {"valueDate": "1950-01-02"}))
    (entry,) = extraction.extract(asked, given, OFFICIAL).entries
    assert entry["request"] == {"method": "PUT", "url": "Patient/77"}


def test_resources_are_filled_side_by_side_each_by_its_own_definition() -> None:
    patient, condition = CORE + "Patient", CORE + "Condition"
    begins = [parts("definitionExtract", definition={"valueCanonical": one}) for one in (patient, condition)]
    name = parts(
        "definitionExtractValue",
        definition={"valueUri": f"{patient}|4.0.1#Patient.name.given"},
        fixed_value={"valueString": "A"},
    )
    asked = questions(
        {
            "linkId": "g",
            "type": "group",
            "extension": [parts("definitionExtract", definition={"valueCanonical": CORE + "Device"}), name],
            "item": [
                {"linkId": "b", "type": "date", "definition": f"{patient}|4.0.1#Patient.birthDate"},
                {"linkId": "c", "type": "string", "definition": f"{condition}#Condition.code.text"},
                {"linkId": "d", "type": "string", "definition": f"{CORE}Device#Device.lotNumber"},
            ],
        },
        extension=begins,
    )
    given = {
        "linkId": "g",
        "item": [
            answered("b", {"valueDate": "1950-01-02"}),
            answered("c", {"valueString": "Jicht"}),
            answered("d", {"valueString": "7"}),
        ],
    }
    made = [entry["resource"] for entry in extraction.extract(asked, response(given), OFFICIAL).entries]
    assert made == [
        {"resourceType": "Device", "lotNumber": "7"},
        {"resourceType": "Patient", "name": [{"given": ["A"]}], "birthDate": "1950-01-02"},
        {"resourceType": "Condition", "code": {"text": "Jicht"}},
    ]
    empty = extraction.extract(asked, response({"linkId": "g", "item": []}), OFFICIAL).entries
    assert [entry["resource"]["resourceType"] for entry in empty] == ["Patient", "Condition"]


def test_what_is_about_somebody_else_is_made_about_them_or_not_at_all() -> None:
    who = {"linkId": "w", "type": "reference", "extension": [ext("isSubject", valueBoolean=True)]}
    pulse = {"linkId": "p", "type": "integer", "code": [{"code": "8867-4"}]}
    asked = questions(
        {"linkId": "g", "type": "group", "item": [who, pulse]},
        extension=[ext("observationExtract", valueBoolean=True)],
    )
    child = answered("w", {"valueReference": {"reference": "Patient/kind"}})
    for first, subjects in ((child, [{"reference": "Patient/kind"}]), ({"linkId": "w"}, [])):
        given = response({"linkId": "g", "item": [first, answered("p", {"valueInteger": 140})]})
        made = extraction.extract(asked, given, OFFICIAL).entries
        assert [entry["resource"]["subject"] for entry in made] == subjects


def test_a_query_for_what_was_there_is_told_not_to_be_made() -> None:
    query = {"language": "application/x-fhir-query", "expression": "Patient?_id={{%patient.id}}"}
    asked = questions(
        {"linkId": "b", "type": "date", "definition": CORE + "Patient#Patient.birthDate"},
        extension=[ext("itemExtractionContext", valueExpression=query)],
    )
    found = extraction.extract(asked, response(answered("b", {"valueDate": "1950-01-02"})), OFFICIAL)
    assert (len(found.entries), "`id` makes an update" in found.faults[0]) == (1, True)


def test_a_profile_gives_what_it_fixes() -> None:
    url = "https://example.nl/weight"
    profile = {
        "resourceType": "StructureDefinition",
        "url": url,
        "name": "Weight",
        "status": "active",
        "kind": "resource",
        "abstract": False,
        "type": "Observation",
        "baseDefinition": CORE + "Observation",
        "derivation": "constraint",
        "differential": {
            "element": [
                {"id": "Observation", "path": "Observation"},
                {"id": "Observation.status", "path": "Observation.status", "fixedCode": "final"},
                {
                    "id": "Observation.code",
                    "path": "Observation.code",
                    "patternCodeableConcept": {"coding": code("29463-7")},
                },
            ]
        },
    }
    asked = questions(
        {"linkId": "w", "type": "quantity", "definition": f"{url}#Observation.value[x]"},
        extension=[parts("definitionExtract", definition={"valueCanonical": url})],
    )
    given = response(answered("w", {"valueQuantity": {"value": 71}}))
    (made,) = extracted(asked, given, Canonicals([profile], OFFICIAL))
    assert made["meta"] == {"profile": [url]}
    assert (made["status"], made["code"]) == ("final", {"coding": code("29463-7")})
    assert made["valueQuantity"] == {"value": 71}


def shown(expression: str) -> Json:
    return {"extension": [ext("templateExtractValue", valueString=expression)]}


TEMPLATE: Json = {
    "resourceType": "Patient",
    "id": "template",
    "name": [
        {
            "extension": [ext("templateExtractContext", valueString="item.where(linkId = 'name')")],
            "_family": shown("item.where(linkId = 'family').answer.value"),
            "_given": [shown("item.where(linkId = 'given').answer.value")],
            "_text": shown("item.where(linkId = 'nothing').answer.value"),
        }
    ],
    "birthDate": "1900-01-01",
    "_birthDate": shown("item.where(linkId = 'born').answer.value"),
    "maritalStatus": {"coding": [shown("item.where(linkId = 'married').answer.value")]},
    "link": [{"other": {"_reference": shown("%other")}, "type": "seealso"}],
}


def test_a_template_is_filled_by_its_expressions_and_loses_what_finds_nothing() -> None:
    names = {
        "linkId": "name",
        "type": "group",
        "repeats": True,
        "item": [
            {"linkId": "family", "type": "string"},
            {"linkId": "given", "type": "string", "repeats": True},
        ],
    }
    asked = questions(
        names,
        {"linkId": "born", "type": "date"},
        {"linkId": "married", "type": "choice"},
        contained=[TEMPLATE],
        extension=[
            ext("extractAllocateId", valueString="other"),
            parts(
                "templateExtract",
                template={"valueReference": {"reference": "#template"}},
                fullUrl={"valueString": "%other"},
            ),
        ],
    )
    one = {
        "linkId": "name",
        "item": [
            answered("family", {"valueString": "Smit"}),
            answered("given", {"valueString": "A"}, {"valueString": "B"}),
        ],
    }
    two = {"linkId": "name", "item": [answered("family", {"valueString": "Jansen"})]}
    found = extraction.extract(
        asked, response(one, two, answered("born", {"valueDate": "1950-01-02"})), OFFICIAL
    )
    assert found.faults == []
    (entry,) = found.entries
    made = entry["resource"]
    assert made["name"] == [{"family": "Smit", "given": ["A", "B"]}, {"family": "Jansen"}]
    assert made["birthDate"] == "1950-01-02"
    assert "maritalStatus" not in made
    assert "id" not in made
    assert made["link"][0]["other"]["reference"] == entry["fullUrl"]
    assert entry["fullUrl"].startswith("urn:uuid:")


def test_a_template_of_an_item_is_made_for_each_of_them() -> None:
    template = {
        "resourceType": "Goal",
        "id": "goal",
        "lifecycleStatus": "proposed",
        "description": {"_text": shown("answer.value")},
        "subject": {"_reference": shown("%resource.subject.reference")},
    }
    asked = questions(
        {
            "linkId": "g",
            "type": "string",
            "repeats": True,
            "extension": [parts("templateExtract", template={"valueReference": {"reference": "#goal"}})],
        },
        contained=[template],
    )
    wishes = ({"valueString": "Weer fietsen"}, {"valueString": "Zelf koken"})
    made = extracted(asked, response(answered("g", *wishes)))
    assert [each["description"] for each in made] == [{"text": "Weer fietsen"}, {"text": "Zelf koken"}]
    assert made[0]["subject"] == {"reference": "Patient/1"}
    assert extracted(asked, response()) == []


def test_a_bundle_as_template_gives_its_entries() -> None:
    bundle = {
        "resourceType": "Bundle",
        "id": "all",
        "type": "transaction",
        "entry": [
            {
                "resource": {
                    "resourceType": "Patient",
                    "_birthDate": shown("item.where(linkId = 'b').answer.value"),
                },
                "request": {"method": "POST", "url": "Patient"},
            }
        ],
    }
    asked = questions(
        {"linkId": "b", "type": "date"},
        contained=[bundle],
        extension=[ext("templateExtractBundle", valueReference={"reference": "#all"})],
    )
    (made,) = extracted(asked, response(answered("b", {"valueDate": "1950-01-02"})))
    assert made == {"resourceType": "Patient", "birthDate": "1950-01-02"}


def test_what_cannot_be_extracted_is_told() -> None:
    asked = questions(
        {"linkId": "a", "type": "string", "definition": CORE + "Patient#Patient.nowhere"},
        extension=[
            parts("definitionExtract", definition={"valueCanonical": CORE + "Patient"}),
            parts("templateExtract", template={"valueReference": {"reference": "#none"}}),
        ],
    )
    found = extraction.extract(asked, response(answered("a", {"valueString": "x"})), OFFICIAL)
    assert len(found.faults) == 2
    assert extraction.is_extractable(asked)
    assert not extraction.is_extractable(questions({"linkId": "a", "type": "string"}))

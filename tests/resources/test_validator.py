"""A whole validation: R4's invariants, codes and extensions, profiles, slices and their positions in the source."""

from __future__ import annotations

import json
from typing import Any

import pytest

from fhirhub.errors import Issue
from fhirhub.resources import document
from fhirhub.resources.canonicals import CORE, OFFICIAL, Canonicals
from fhirhub.resources.validation.bindings import Verdict
from fhirhub.resources.validation.validator import Validator

Json = dict[str, Any]
ACME = "http://acme.example/fhir/"
DIV = '<div xmlns="http://www.w3.org/1999/xhtml">x</div>'


@pytest.fixture(scope="module")
def official() -> Validator:
    return Validator()


def profile(name: str, type: str, *elements: Json, **more: Any) -> Json:
    return {
        "resourceType": "StructureDefinition",
        "url": f"{ACME}StructureDefinition/{name}",
        "name": name,
        "status": "active",
        "kind": "complex-type" if type == "Extension" else "resource",
        "abstract": False,
        "type": type,
        "baseDefinition": CORE + type,
        "derivation": "constraint",
        "differential": {"element": [element(**each) for each in elements]},
        **more,
    }


def element(id: str, **more: Any) -> Json:
    last = id.rpartition(".")[2]
    row: Json = {"id": id, "path": ".".join(part.partition(":")[0] for part in id.split("."))}
    if ":" in last:
        row["sliceName"] = last.partition(":")[2]
    return {**row, **more}


def plan(**more: Any) -> Json:
    return {
        "resourceType": "CarePlan",
        "text": {"status": "generated", "div": DIV},
        "status": "active",
        "intent": "plan",
        "subject": {"reference": "Patient/1"},
        **more,
    }


def patient(**more: Any) -> Json:
    return {"resourceType": "Patient", "text": {"status": "generated", "div": DIV}, **more}


def errors(issues: list[Issue]) -> list[tuple[str | None, str | None]]:
    """Place and invariant (or code) of each error."""
    return [(each.expression, each.key or each.code) for each in issues if each.severity == "error"]


def against(resource: Json, *definitions: Json) -> list[Issue]:
    validator = Validator(Canonicals(definitions, OFFICIAL))
    return validator.validate(resource, [definitions[0]["url"]])


# Invariants


@pytest.mark.parametrize(
    ("content", "path", "key"),
    [
        ({"period": {"start": "2026-03", "end": "2026-02-01"}}, "CarePlan.period", "per-1"),
        (
            {"activity": [{"detail": {"status": "completed"}, "reference": {"reference": "Task/1"}}]},
            "CarePlan.activity[0]",
            "cpl-3",
        ),
        (
            {"activity": [{"detail": {"status": "completed", "quantity": {"value": 1, "code": "mg"}}}]},
            "CarePlan.activity[0].detail.quantity",
            "qty-3",
        ),
        (
            {"contributor": [{"identifier": {"value": "1", "period": {"start": "2027", "end": "2026"}}}]},
            "CarePlan.contributor[0].identifier.period",
            "per-1",
        ),
    ],
)
def test_invariants_are_told_with_key_and_place(
    official: Validator, content: Json, path: str, key: str
) -> None:
    assert (path, key) in errors(official.validate(plan(**content)))


def test_periods_are_compared_as_far_as_they_are_told(official: Validator) -> None:
    assert official.validate(plan(period={"start": "2026-03-10", "end": "2026-03"})) == []


def test_an_invariant_by_fhirpath_knows_the_resource_around(official: Validator) -> None:
    observation = {
        "resourceType": "Observation",
        "text": {"status": "generated", "div": DIV},
        "status": "final",
        "code": {"coding": [{"system": "urn:x", "code": "1"}]},
        "valueInteger": 1,
        "component": [{"code": {"coding": [{"system": "urn:x", "code": "1"}]}, "valueInteger": 2}],
    }
    assert ("Observation", "obs-7") in errors(official.validate(observation))


def test_a_missing_narrative_is_a_warning(official: Validator) -> None:
    without = plan()
    del without["text"]
    (issue,) = official.validate(without)
    assert (issue.severity, issue.key) == ("warning", "dom-6")


def test_a_questionnaire_with_two_conditions_says_how_they_combine(official: Validator) -> None:
    """R4's expression lets two pass, its text does not."""
    condition = {"question": "1", "operator": "exists", "answerBoolean": True}
    questionnaire = {
        "resourceType": "Questionnaire",
        "text": {"status": "generated", "div": DIV},
        "status": "active",
        "item": [
            {"linkId": "1", "type": "string"},
            {"linkId": "2", "type": "string", "enableWhen": [condition, condition]},
        ],
    }
    assert ("Questionnaire.item[1]", "que-12") in errors(official.validate(questionnaire))


# Codes


def test_a_code_that_its_system_does_not_have_is_an_error(official: Validator) -> None:
    system = "http://terminology.hl7.org/CodeSystem/v3-MaritalStatus"
    wrong = patient(maritalStatus={"coding": [{"system": system, "code": "QQ"}]})
    found = official.validate(wrong)
    assert ("Patient.maritalStatus.coding[0].code", "code-invalid") in errors(found)


def test_another_display_is_a_warning_with_the_right_one(official: Validator) -> None:
    system = "http://terminology.hl7.org/CodeSystem/v3-MaritalStatus"
    found = official.validate(
        patient(maritalStatus={"coding": [{"system": system, "code": "M", "display": "Happy"}]})
    )
    assert [(each.severity, each.expression) for each in found] == [
        ("warning", "Patient.maritalStatus.coding[0].display")
    ]
    assert "`Married`" in found[0].text


def test_an_unknown_code_system_is_said_to_be_unknown_not_wrong(official: Validator) -> None:
    resource = plan(category=[{"coding": [{"system": "urn:x:y", "code": each}]} for each in "12"])
    for _ in range(2):  # what was looked at lately is said again
        issues = official.validate(resource)
        assert errors(issues) == []
        told = [each.expression for each in issues if each.severity == "information"]
        assert told == ["CarePlan.category[0].coding[0].system"]
    assert official.validate(resource, level="base") == []


# Extensions


def test_an_unknown_modifier_extension_is_refused(official: Validator) -> None:
    url = f"{ACME}not-known"
    found = official.validate(plan(modifierExtension=[{"url": url, "valueBoolean": True}]))
    assert errors(found) == [("CarePlan.modifierExtension[0].url", "extension")]


def test_an_unknown_extension_is_told(official: Validator) -> None:
    found = official.validate(plan(extension=[{"url": f"{ACME}not-known", "valueBoolean": True}]))
    assert [each.severity for each in found] == ["information"]


def test_an_extension_keeps_to_its_place_and_content(official: Validator) -> None:
    place = {"url": CORE + "patient-birthPlace", "valueAddress": {"city": "Assen"}}
    assert official.validate(patient(extension=[place])) == []
    assert ("CarePlan.extension[0]", "extension") in errors(official.validate(plan(extension=[place])))
    wrong = {"url": CORE + "patient-birthPlace", "valueString": "Assen"}
    assert errors(official.validate(patient(extension=[wrong]))) == [
        ("Patient.extension[0].value", "structure")
    ]


def test_extensions_of_primitive_values_are_looked_at(official: Validator) -> None:
    birth = {"extension": [{"url": CORE + "patient-birthTime", "valueString": "noon"}]}
    found = official.validate(patient(birthDate="1950-01-01", _birthDate=birth))
    assert ("Patient.birthDate.extension[0].value", "structure") in errors(found)


def test_a_complex_extension_has_no_other_parts(official: Validator) -> None:
    animal = {
        "url": CORE + "patient-animal",
        "extension": [
            {"url": "species", "valueCodeableConcept": {"text": "dog"}},
            {"url": "colour", "valueCodeableConcept": {"text": "brown"}},
        ],
    }
    assert ("Patient.extension[0].extension[1].url", "extension") in errors(
        official.validate(patient(extension=[animal]))
    )


# Profiles


def test_a_profile_asks_for_elements_and_forbids_them() -> None:
    strict = profile(
        "p",
        "CarePlan",
        {"id": "CarePlan.title", "min": 1},
        {"id": "CarePlan.note", "max": "0"},
        {"id": "CarePlan.activity", "max": "1"},
    )
    found = against(plan(note=[{"text": "x"}], activity=[{"detail": {"status": "completed"}}] * 2), strict)
    assert errors(found) == [
        ("CarePlan.title", "required"),
        ("CarePlan.activity[1]", "structure"),
        ("CarePlan.note[0]", "structure"),
    ]
    assert {each.profile for each in found} == {strict["url"]}
    assert against(plan(title="x"), strict) == []


def test_fixed_values_patterns_and_bounds() -> None:
    strict = profile(
        "p",
        "Observation",
        {"id": "Observation.status", "fixedCode": "final"},
        {"id": "Observation.code", "patternCodeableConcept": {"coding": [{"system": "urn:x", "code": "1"}]}},
        {"id": "Observation.value[x]", "type": [{"code": "integer"}], "maxValueInteger": 10},
        {"id": "Observation.note.text", "maxLength": 3},
    )
    observation = {
        "resourceType": "Observation",
        "status": "amended",
        "code": {"coding": [{"system": "urn:x", "code": "2"}]},
        "valueInteger": 11,
        "note": [{"text": "four"}],
    }
    assert errors(against(observation, strict)) == [
        ("Observation.status", "value"),
        ("Observation.code", "value"),
        ("Observation.value", "value"),
        ("Observation.note[0].text", "too-long"),
    ]
    more = {"coding": [{"system": "urn:y", "code": "9"}, {"system": "urn:x", "code": "1", "display": "one"}]}
    right = {**observation, "status": "final", "code": more, "valueInteger": 10, "note": [{"text": "abc"}]}
    assert errors(against(right, strict)) == []
    assert errors(against({**right, "valueInteger": None, "valueString": "x"}, strict))[-1] == (
        "Observation.value",
        "structure",
    )


def test_a_shortest_length_and_a_value_that_must_be_there() -> None:
    r5 = "http://hl7.org/fhir/5.0/StructureDefinition/extension-ElementDefinition"
    absent = CORE + "data-absent-reason"
    strict = profile(
        "p",
        "Patient",
        {"id": "Patient.name.family", "extension": [{"url": CORE + "minLength", "valueInteger": 3}]},
        {"id": "Patient.birthDate", "extension": [{"url": f"{r5}.mustHaveValue", "valueBoolean": True}]},
        {"id": "Patient.active", "extension": [{"url": f"{r5}.valueAlternatives", "valueCanonical": absent}]},
    )
    reason = {"extension": [{"url": absent, "valueCode": "unknown"}]}
    found = against(patient(name=[{"family": "Li"}], _birthDate=reason, _active=reason), strict)
    assert errors(found) == [("Patient.name[0].family", "value"), ("Patient.birthDate", "required")]
    other = {"extension": [{"url": f"{ACME}why", "valueCode": "unknown"}]}
    assert errors(against(patient(_active=other), strict)) == [("Patient.active", "required")]


def test_a_profile_of_a_profile_asks_for_both() -> None:
    outer = profile("outer", "Patient", {"id": "Patient.gender", "min": 1})
    inner = profile("inner", "Patient", {"id": "Patient.name", "min": 1}, baseDefinition=outer["url"])
    assert errors(against(patient(), inner, outer)) == [
        ("Patient.name", "required"),
        ("Patient.gender", "required"),
    ]


def test_invariants_of_a_profile_name_it() -> None:
    rule = {"key": "p-1", "severity": "error", "human": "A title", "expression": "title.exists()"}
    strict = profile("p", "CarePlan", {"id": "CarePlan", "constraint": [rule]})
    (issue,) = against(plan(), strict)
    assert (issue.key, issue.profile, issue.text) == ("p-1", strict["url"], "p-1: A title")


SLICED = profile(
    "sliced",
    "Patient",
    {
        "id": "Patient.identifier",
        "slicing": {
            "discriminator": [{"type": "value", "path": "system"}],
            "rules": "closed",
            "ordered": True,
        },
    },
    {"id": "Patient.identifier:bsn", "min": 1, "max": "1"},
    {"id": "Patient.identifier:bsn.system", "min": 1, "fixedUri": "http://fhir.nl/fhir/NamingSystem/bsn"},
    {"id": "Patient.identifier:bsn.value", "min": 1},
    {"id": "Patient.identifier:local"},
    {"id": "Patient.identifier:local.system", "min": 1, "fixedUri": "urn:local"},
)
BSN = {"system": "http://fhir.nl/fhir/NamingSystem/bsn", "value": "999911120"}
LOCAL = {"system": "urn:local", "value": "1"}


@pytest.mark.parametrize(
    ("identifiers", "told"),
    [
        ([BSN], []),
        ([BSN, LOCAL, LOCAL], []),
        ([LOCAL], [("Patient.identifier", "required")]),
        ([BSN, BSN], [("Patient.identifier[1]", "structure")]),
        ([{**BSN, "value": None}], [("Patient.identifier[0].value", "required")]),
        ([BSN, {"system": "urn:other"}], [("Patient.identifier[1]", "structure")]),
        ([LOCAL, BSN], [("Patient.identifier[1]", "structure")]),
    ],
)
def test_slices_by_value(identifiers: list[Json], told: list[tuple[str, str]]) -> None:
    given = [{key: value for key, value in each.items() if value is not None} for each in identifiers]
    assert errors(against(patient(identifier=given), SLICED)) == told


def test_slices_by_type_exists_and_reslices() -> None:
    by_type = profile(
        "t",
        "Observation",
        {
            "id": "Observation.value[x]",
            "slicing": {"discriminator": [{"type": "type", "path": "$this"}], "rules": "open"},
        },
        {"id": "Observation.value[x]:valueQuantity", "min": 0, "type": [{"code": "Quantity"}]},
        {"id": "Observation.value[x]:valueQuantity.unit", "min": 1},
    )
    base: Json = {"resourceType": "Observation", "status": "final", "code": {"text": "x"}}
    assert errors(against({**base, "valueQuantity": {"value": 1}}, by_type)) == [
        ("Observation.value.unit", "required")
    ]
    assert errors(against({**base, "valueString": "x"}, by_type)) == []
    by_presence = profile(
        "e",
        "Patient",
        {
            "id": "Patient.name",
            "slicing": {"discriminator": [{"type": "exists", "path": "period"}], "rules": "open"},
        },
        {"id": "Patient.name:old", "max": "1"},
        {"id": "Patient.name:old.period", "min": 1},
        {"id": "Patient.name:now", "max": "1"},
        {"id": "Patient.name:now.period", "max": "0"},
    )
    old, now = {"family": "A", "period": {"end": "2020"}}, {"family": "B"}
    assert errors(against(patient(name=[old, now]), by_presence)) == []
    assert errors(against(patient(name=[now, now]), by_presence)) == [("Patient.name[1]", "structure")]


def test_slices_by_the_profile_of_what_is_referred_to() -> None:
    named = profile("named", "Patient", {"id": "Patient.name", "min": 1})
    sliced = profile(
        "g",
        "Group",
        {
            "id": "Group.member",
            "slicing": {"discriminator": [{"type": "profile", "path": "entity.resolve()"}], "rules": "open"},
        },
        {"id": "Group.member:named", "min": 1},
        {"id": "Group.member:named.entity", "type": [{"code": "Reference", "targetProfile": [named["url"]]}]},
    )

    def group(*members: Json) -> Json:
        return {
            "resourceType": "Group",
            "type": "person",
            "actual": True,
            "contained": [
                {**each, "resourceType": "Patient", "id": f"p{at}"} for at, each in enumerate(members)
            ],
            "member": [{"entity": {"reference": f"#p{at}"}} for at in range(len(members))],
        }

    assert errors(against(group({"name": [{"family": "A"}]}), sliced, named)) == []
    assert errors(against(group({"gender": "male"}), sliced, named)) == [("Group.member", "required")]
    elsewhere = {"resourceType": "Group", "type": "person", "actual": True}
    elsewhere["member"] = [{"entity": {"reference": "Patient/1"}}]
    assert errors(against(elsewhere, sliced, named)) == []  # it may be one: nobody here can tell


def test_references_keep_to_target_profiles_and_ways() -> None:
    named = profile("named", "Patient", {"id": "Patient.name", "min": 1})
    strict = profile(
        "c",
        "CarePlan",
        {
            "id": "CarePlan.subject",
            "type": [{"code": "Reference", "targetProfile": [named["url"]], "aggregation": ["contained"]}],
        },
    )
    inside: Json = {"subject": {"reference": "#p"}, "contained": [{"resourceType": "Patient", "id": "p"}]}
    assert errors(against(plan(**inside), strict, named)) == [("CarePlan.subject", "structure")]
    inside["contained"][0]["name"] = [{"family": "A"}]
    assert errors(against(plan(**inside), strict, named)) == []
    assert errors(against(plan(), strict, named)) == [("CarePlan.subject", "value")]


def test_profiles_that_refer_to_each_other_come_to_an_end() -> None:
    loop = profile(
        "loop",
        "Patient",
        {
            "id": "Patient.link.other",
            "type": [{"code": "Reference", "targetProfile": [f"{ACME}StructureDefinition/loop"]}],
        },
    )
    bundle = {
        "resourceType": "Bundle",
        "type": "collection",
        "entry": [
            {
                "fullUrl": f"http://x.example/Patient/{own}",
                "resource": {
                    "resourceType": "Patient",
                    "id": own,
                    "meta": {"profile": [loop["url"]]},
                    "link": [{"type": "seealso", "other": {"reference": f"Patient/{other}"}}],
                },
            }
            for own, other in (("a", "b"), ("b", "a"))
        ],
    }
    assert errors(Validator(Canonicals([loop], OFFICIAL)).validate(bundle)) == []


def test_bindings_of_a_profile_by_strength() -> None:
    value_set = {
        "resourceType": "ValueSet",
        "url": f"{ACME}ValueSet/v",
        "compose": {"include": [{"system": "urn:x", "concept": [{"code": "apple"}, {"code": "pear"}]}]},
    }

    def bound(strength: str) -> Json:
        binding = {"strength": strength, "valueSet": value_set["url"]}
        return profile("b", "CarePlan", {"id": "CarePlan.category", "binding": binding})

    wrong = plan(category=[{"coding": [{"system": "urn:x", "code": "appel"}]}])

    def told(*definitions: Json) -> list[Issue]:
        return [each for each in against(wrong, *definitions) if "code system" not in each.text]

    (required,) = told(bound("required"), value_set)
    assert (required.severity, required.code) == ("error", "code-invalid")
    assert "did you mean apple" in required.text
    (extensible,) = told(bound("extensible"), value_set)
    assert extensible.severity == "warning"
    assert told(bound("preferred"), value_set) == []
    (unknown,) = told(bound("required"))
    assert (unknown.severity, unknown.code) == ("information", "not-found")


@pytest.mark.parametrize("said", [{"text": "an apple"}, {"extension": [{"url": "urn:x", "valueCode": "a"}]}])
def test_neither_text_nor_an_extension_stands_for_a_code_that_is_required(said: Json) -> None:
    binding = {"strength": "required", "valueSet": "http://hl7.org/fhir/ValueSet/administrative-gender"}
    bound = profile("b", "CarePlan", {"id": "CarePlan.category", "binding": binding})
    assert [
        each.expression for each in against(plan(category=[said]), bound) if each.severity == "error"
    ] == ["CarePlan.category[0]"]


DUTCH, ENGLISH = '<div xml:lang="nl">x</div>', '<div xml:lang="en">x</div>'


@pytest.mark.parametrize(
    ("asked", "language", "inner", "told"),
    [
        ("_no", None, "x", []),
        ("_no", None, DUTCH, ["error"]),
        ("_yes", None, "x", ["error"]),
        ("_yes", None, DUTCH, []),
        ("_resource", "nl", DUTCH + ENGLISH, []),
        ("_resource", "de", DUTCH + ENGLISH, ["error"]),
        ("_resource", "nl", "x", []),
        ("_resource", None, DUTCH, ["warning"]),
        ("en", "nl", DUTCH, ["error"]),
        ("en", "nl", "x", ["warning"]),
        ("en", "nl", DUTCH + ENGLISH, []),
    ],
)
def test_a_profile_may_ask_for_languages_of_the_narrative(
    asked: str, language: str | None, inner: str, told: list[str]
) -> None:
    control = {"url": f"{CORE}narrative-language-control", "valueCode": asked}
    asking = profile("n", "CarePlan", {"id": "CarePlan.text", "extension": [control]})
    div = f'<div xmlns="http://www.w3.org/1999/xhtml">{inner}</div>'
    given = plan(text={"status": "generated", "div": div}, **({"language": language} if language else {}))
    assert [each.severity for each in against(given, asking) if each.profile] == told


def test_a_profile_may_ask_where_the_parts_of_a_narrative_come_from() -> None:
    control = {"url": f"{CORE}narrative-source-control", "valueCode": "error"}
    asking = profile("n", "CarePlan", {"id": "CarePlan.text", "extension": [control]})
    div = '<div xmlns="http://www.w3.org/1999/xhtml">{}</div>'
    for inner, told in (
        ('<p class="generated">x</p>', 0),
        ("<p>x</p>", 1),
        ('loose <p class="big boilerplate">x</p><ul><li>y</li></ul>', 2),
    ):
        given = plan(text={"status": "generated", "div": div.format(inner)})
        assert len(errors(against(given, asking))) == told


def test_an_extension_does_not_stand_for_a_code_that_r4_requires(official: Validator) -> None:
    unknown = {"url": f"{CORE}data-absent-reason", "valueCode": "unknown"}
    allergy = {
        "resourceType": "AllergyIntolerance",
        "patient": {"reference": "Patient/1"},
        "clinicalStatus": {"extension": [unknown]},
    }
    assert [each.expression for each in official.validate(allergy) if each.severity == "error"] == [
        "AllergyIntolerance.clinicalStatus"
    ]


def test_a_guide_may_hold_every_resource_of_a_type_to_a_profile() -> None:
    named = profile("named", "Patient", {"id": "Patient.name", "min": 1})
    guide = {
        "resourceType": "ImplementationGuide",
        "url": f"{ACME}ImplementationGuide/g",
        "global": [{"type": "Patient", "profile": named["url"]}],
    }
    validator = Validator(Canonicals([named, guide], OFFICIAL))
    assert errors(validator.validate(patient())) == [("Patient.name", "required")]
    assert errors(validator.validate(patient(name=[{"text": "Anna"}]))) == []
    assert errors(validator.validate(patient(), level="base")) == []
    assert errors(validator.validate(plan())) == []


def test_an_unknown_profile_is_said_to_be_unknown(official: Validator) -> None:
    claimed = official.validate(plan(meta={"profile": [f"{ACME}none"]}))
    assert [(each.severity, each.code) for each in claimed] == [("warning", "not-found")]
    asked = official.validate(plan(), [f"{ACME}none"])
    assert [(each.severity, each.code) for each in asked] == [("error", "not-found")]


def test_a_profile_of_another_type_is_an_error() -> None:
    other = profile("o", "Patient", {"id": "Patient.name", "min": 1})
    assert errors(against(plan(), other)) == [("CarePlan", "structure")]


# Levels, sources, bad input


def test_levels(official: Validator) -> None:
    wrong = plan(period={"start": "2026", "end": "2025"}, meta={"profile": [f"{ACME}none"]})
    assert official.validate(wrong, level="structure") == []
    assert [each.key for each in official.validate(wrong, level="base")] == ["per-1"]
    assert len(official.validate(wrong)) == 2


def test_issues_tell_line_and_column_in_json(official: Validator) -> None:
    wrong = plan(activity=[{"detail": {"status": "completed"}, "reference": {"reference": "Task/1"}}])
    source = json.dumps({**wrong, "period": {"start": "2026", "end": "2025"}}, indent=1)
    found = official.validate(document.parse(source.encode()), source=source.encode())
    lines = source.split("\n")
    for issue in found:
        assert issue.line is not None
        assert issue.column is not None
        assert lines[issue.line - 1][issue.column - 1] == "{"
    assert len(found) == 2


def test_issues_tell_line_and_column_in_xml(official: Validator) -> None:
    source = b"""<?xml version="1.0"?>
<CarePlan xmlns="http://hl7.org/fhir">
  <status value="active"/><intent value="plan"/>
  <subject><reference value="Patient/1"/></subject>
  <period><start value="2026"/><end value="2025"/></period>
</CarePlan>"""
    wrong = plan(period={"start": "2026", "end": "2025"})
    (issue,) = official.validate(wrong, source=source)
    assert (issue.line, issue.column) == (5, 3)


@pytest.mark.parametrize(
    "broken",
    [
        {"resourceType": "CarePlan", "category": [{"coding": ["x", 1, None]}], "activity": {}},
        {"resourceType": "CarePlan", "extension": ["x"], "meta": "x", "contained": "x"},
        {"resourceType": "Observation", "code": "x", "component": [1], "valueQuantity": []},
        {"resourceType": "Bundle", "type": "document", "entry": [{"resource": {"resourceType": []}}, 1]},
        {"resourceType": "QuestionnaireResponse", "questionnaire": "#x", "item": {"linkId": []}},
        {"resourceType": "StructureDefinition", "differential": [], "derivation": "constraint"},
        {"resourceType": "Nothing"},
        {"resourceType": ["CarePlan"]},
        {},
    ],
)
def test_what_has_not_the_structure_is_refused_without_a_fault_of_ours(
    official: Validator, broken: Json
) -> None:
    assert any(each.severity == "error" for each in official.validate(broken))


def test_many_warnings_hide_no_error(official: Validator) -> None:
    married = {"system": "http://terminology.hl7.org/CodeSystem/v3-MaritalStatus", "code": "M"}
    wrong = patient(id="wrong", maritalStatus={"coding": [{**married, "code": "Q"}]})
    people = [*({"resourceType": "Patient", "id": str(number)} for number in range(500)), wrong]
    entries = [{"fullUrl": f"http://x.example/Patient/{each['id']}", "resource": each} for each in people]
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": entries}
    at = "maritalStatus.coding[0].code"
    assert errors(official.validate(bundle)) == [(f"Bundle.entry[500].resource.{at}", "code-invalid")]
    # Nor is it taken for right afterwards.
    assert errors(official.validate(wrong)) == [(f"Patient.{at}", "code-invalid")]


def test_a_validation_takes_no_longer_than_it_may(official: Validator) -> None:
    many = plan(note=[{"text": "x", "extension": [{"url": "urn:x", "valueInteger": 1}]}] * 2000)
    found = official.validate(many, seconds=0)
    assert ("error", "too-costly") in [(each.severity, each.code) for each in found]


class _Knowing:
    """A terminology that knows one code system more than the definitions, and that it has no codes."""

    def validate(self, system: str | None, code: str, value_set: str | None) -> Verdict:
        return Verdict(exists=False) if system == ACME else Verdict()


def test_what_one_terminology_does_not_know_is_asked_of_another() -> None:
    validator = Validator()
    observation = {
        "resourceType": "Observation",
        "status": "final",
        "code": {"coding": [{"system": ACME, "code": "x"}]},
    }

    def faults(**given: Any) -> list[str]:
        found = validator.validate(observation, level="base", **given)
        return [issue.code for issue in found if issue.severity == "error"]

    assert faults() == faults() == []
    assert faults(terminology=_Knowing(), apart="more") == ["code-invalid"]
    assert faults() == []


def test_what_was_not_asked_is_not_taken_for_known() -> None:
    validator = Validator()
    patient = {
        "resourceType": "Patient",
        "maritalStatus": {"coding": [{"system": ACME, "code": "x"}]},
    }

    class Unasked:
        def validate(self, system: str | None, code: str, value_set: str | None) -> Verdict:
            return Verdict()

    given: dict[str, Any] = {"level": "base", "apart": "more"}
    validator.validate(patient, terminology=Unasked(), may_know_later=True, **given)
    found = validator.validate(patient, terminology=_Knowing(), **given)
    assert [issue.code for issue in found if issue.severity == "error"] == ["code-invalid"]

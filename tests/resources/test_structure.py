"""Structure: every fault is found where it is, and nothing else is (https://hl7.org/fhir/R4/validation.html)."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fhirhub.errors import FhirError, Issue
from fhirhub.resources import definitions, document, primitives
from fhirhub.resources.definitions import Property, structure
from fhirhub.resources.document import Json
from fhirhub.resources.validation.faults import MAX_FAULTS, Scope
from fhirhub.resources.validation.structure import table, validate
from tests.examples import official_examples
from tests.resources.test_examples_structure import INVALID
from tests.resources.test_primitives import WRONG

XHTML = '<div xmlns="http://www.w3.org/1999/xhtml">text</div>'


def care_plan(**changes: Any) -> Json:
    """A plan that is right; what is given as None is left out."""
    plan = {
        "resourceType": "CarePlan",
        "id": "plan",
        "text": {"status": "generated", "div": XHTML},
        "status": "active",
        "intent": "plan",
        "subject": {"reference": "Patient/1"},
        "period": {"start": "2026-01-01"},
        "activity": [{"detail": {"status": "scheduled", "description": "Walk"}}],
    }
    plan.update(changes)
    return {key: value for key, value in plan.items() if value is not None}


def the_issue(resource: Any, expected_type: str | None = None) -> Issue:
    """The only issue of a resource."""
    issues = validate(resource, expected_type)
    assert len(issues) == 1, issues
    return issues[0]


def places(resource: Any) -> list[str | None]:
    return [issue.expression for issue in validate(resource)]


def test_a_right_resource_has_no_issues() -> None:
    assert validate(care_plan()) == []
    assert validate(care_plan(), "CarePlan") == []


@pytest.mark.parametrize(
    ("changes", "code", "expression", "text"),
    [
        ({"statsu": "active"}, "structure", "CarePlan.statsu", "did you mean `status`?"),
        ({"a b": 1}, "structure", "CarePlan.`a b`", "CarePlan has no element `a b`"),
        ({"status": None}, "required", "CarePlan.status", "CarePlan.status is required"),
        ({"status": "actve"}, "code-invalid", "CarePlan.status", "did you mean `active`?"),
        ({"status": ["active"]}, "structure", "CarePlan.status", "is one value, not a list"),
        ({"status": 1}, "value", "CarePlan.status", "expects a code"),
        ({"status": {}}, "structure", "CarePlan.status", "expects a code"),
        ({"status": []}, "structure", "CarePlan.status", "one value, not a list"),
        ({"title": ""}, "value", "CarePlan.title", "may not be an empty string"),
        ({"title": True}, "value", "CarePlan.title", "expects a string; got true"),
        ({"title": "a\u0007"}, "value", "CarePlan.title", "character U+0007"),
        ({"created": "2026-02-30"}, "value", "CarePlan.created", "a day that the calendar has"),
        ({"created": "2026-02-20T10:00"}, "value", "CarePlan.created", "with seconds and time zone"),
        ({"subject": "Patient/1"}, "structure", "CarePlan.subject", "Expects one object (Reference)"),
        ({"subject": [{}]}, "structure", "CarePlan.subject", "got a list"),
        ({"subject": {}}, "structure", "CarePlan.subject", "leave it out"),
        ({"subject": {"id": "a"}}, "structure", "CarePlan.subject", "leave it out"),
        ({"category": {"text": "x"}}, "structure", "CarePlan.category", "a list, even of one"),
        ({"category": []}, "structure", "CarePlan.category", "empty list"),
        ({"category": [None]}, "structure", "CarePlan.category[0]", "got null"),
        ({"instantiatesUri": "urn:x"}, "structure", "CarePlan.instantiatesUri", "a list, even of one"),
        ({"instantiatesUri": [None]}, "structure", "CarePlan.instantiatesUri[0]", "null stands only where"),
        ({"instantiatesUri": ["a", "b c"]}, "value", "CarePlan.instantiatesUri[1]", "URI without spaces"),
        ({"activity": [{}]}, "structure", "CarePlan.activity[0]", "leave it out"),
        (
            {"activity": [{"detail": {"status": "done"}}]},
            "code-invalid",
            "CarePlan.activity[0].detail.status",
            "expects one of cancelled, completed",
        ),
        (
            {
                "activity": [
                    {
                        "detail": {
                            "status": "scheduled",
                            "scheduledString": "x",
                            "scheduledPeriod": {"start": "2026"},
                        }
                    }
                ]
            },
            "structure",
            "CarePlan.activity[0].detail.scheduled",
            "got scheduledPeriod, scheduledString",
        ),
        (
            {"activity": [{"detail": {"status": "scheduled", "scheduled": "x"}}]},
            "structure",
            "CarePlan.activity[0].detail.scheduled",
            "is written with its type: scheduledPeriod, scheduledString, scheduledTiming",
        ),
        (
            {
                "activity": [
                    {"detail": {"status": "scheduled", "dailyAmount": {"value": 1, "comparator": "<"}}}
                ]
            },
            "structure",
            "CarePlan.activity[0].detail.dailyAmount.comparator",
            "SimpleQuantity",
        ),
        ({"id": "a_b"}, "value", "CarePlan.id", "expects an id"),
        ({"meta": {"versionId": "a b"}}, "value", "CarePlan.meta.versionId", "expects an id"),
        ({"meta": {"lastUpdated": "2026"}}, "value", "CarePlan.meta.lastUpdated", "expects an instant"),
        (
            {"_id": {"extension": [{"url": "urn:x", "valueCode": "x"}]}},
            "structure",
            "CarePlan.id",
            "takes no `_id`",
        ),
        ({"_subject": {"id": "x"}}, "structure", "CarePlan.subject", "takes no `_subject`"),
        ({"text": {"status": "generated"}}, "required", "CarePlan.text.div", "Narrative.div is required"),
        ({"text": {"status": "generated", "div": "x"}}, "structure", "CarePlan.text.div", "begins with <div"),
        (
            {"text": {"status": "generated", "div": XHTML.replace("text", "<script/>x")}},
            "invariant",
            "CarePlan.text.div",
            "element script",
        ),
    ],
)
def test_each_fault_is_told_with_its_place_and_what_would_be_right(
    changes: Json, code: str, expression: str, text: str
) -> None:
    issue = the_issue(care_plan(**changes))
    assert issue.severity == "error"
    assert (issue.code, issue.expression) == (code, expression)
    assert text in issue.text


def test_all_faults_are_told_at_once() -> None:
    plan = care_plan(
        status="x", intent=None, title=1, activity=[{"detail": {"status": "y", "z": 1}}, {"w": 1}]
    )
    assert sorted(map(str, places(plan))) == [
        "CarePlan.activity[0].detail.status",
        "CarePlan.activity[0].detail.z",
        "CarePlan.activity[1].w",
        "CarePlan.intent",
        "CarePlan.status",
        "CarePlan.title",
    ]


@pytest.mark.parametrize(
    ("resource", "expression", "text"),
    [
        ({}, "Resource", "resourceType is required"),
        ({"resourceType": None}, "Resource", "resourceType is required"),
        ({"resourceType": 1}, "Resource.resourceType", "expects the name"),
        ({"resourceType": "Careplan"}, "Resource.resourceType", "did you mean `CarePlan`?"),
        ({"resourceType": "Citation"}, "Resource.resourceType", "is no R4 resource type"),
        ({"resourceType": "DomainResource"}, "Resource.resourceType", "is no R4 resource type"),
        ({"resourceType": "HumanName"}, "Resource.resourceType", "is no R4 resource type"),
        ([], "Resource", "Expects one object"),
        ("x", "Resource", "Expects one object"),
        (None, "Resource", "Expects one object"),
    ],
)
def test_what_is_no_resource_is_told(resource: Any, expression: str, text: str) -> None:
    issue = the_issue(resource)
    assert issue.expression == expression
    assert text in issue.text


def test_an_object_in_place_of_a_list_is_looked_into_as_well() -> None:
    assert places(care_plan(category={"text": 1})) == ["CarePlan.category", "CarePlan.category.text"]


def test_another_type_than_the_request_is_about_is_told() -> None:
    issue = the_issue(care_plan(), "Patient")
    assert (issue.code, issue.expression) == ("invalid", "CarePlan.resourceType")


def test_the_resource_type_has_no_place_in_an_element() -> None:
    assert places(care_plan(subject={"resourceType": "Reference", "reference": "Patient/1"})) == [
        "CarePlan.subject.resourceType"
    ]


PATIENT = {"resourceType": "Patient"}
NOW = "2026-11-22T09:00:00Z"
ABSENT = {"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "unknown"}


@pytest.mark.parametrize(
    "changes",
    [
        {"birthDate": "1940", "_birthDate": {"id": "b"}},
        {"_birthDate": {"extension": [ABSENT]}},
        {"birthDate": "1940", "_birthDate": {"id": "b", "extension": [ABSENT]}},
        {"name": [{"given": ["A", None], "_given": [None, {"extension": [ABSENT]}]}]},
        {"name": [{"given": ["A", "B"], "_given": [{"id": "x"}, None]}]},
        {"name": [{"_given": [{"extension": [ABSENT]}]}]},
        {"communication": [{"language": {"coding": [{"_code": {"extension": [ABSENT]}}]}}]},
        {"contact": [{"_gender": {"extension": [ABSENT]}}]},
        {"_deceasedBoolean": {"extension": [ABSENT]}},
        {"text": {"_status": {"extension": [ABSENT]}, "div": XHTML}},
    ],
)
def test_primitive_values_may_have_extensions(changes: Json) -> None:
    assert validate({**PATIENT, **changes}) == []


@pytest.mark.parametrize(
    ("changes", "expression"),
    [
        ({"birthDate": None, "_birthDate": {"extension": [ABSENT]}}, "Patient.birthDate"),
        ({"_birthDate": None}, "Patient.birthDate"),
        ({"_birthDate": {}}, "Patient.birthDate"),
        ({"_birthDate": {"id": "x"}}, "Patient.birthDate"),
        ({"_birthDate": [{"extension": [ABSENT]}]}, "Patient.birthDate"),
        ({"_birthDate": {"extension": []}}, "Patient.birthDate.extension"),
        ({"_birthDate": {"value": "x", "extension": [ABSENT]}}, "Patient.birthDate.value"),
        ({"_birthDate": {"extension": [{"url": "urn:x"}]}}, "Patient.birthDate.extension[0]"),
        ({"_birthday": {"extension": [ABSENT]}}, "Patient._birthday"),
        ({"_resourceType": {"id": "x"}}, "Patient._resourceType"),
        ({"name": [{"given": ["A", None]}]}, "Patient.name[0].given[1]"),
        ({"name": [{"given": [None], "_given": [None]}]}, "Patient.name[0].given[0]"),
        ({"name": [{"given": [None], "_given": [{"id": "x"}]}]}, "Patient.name[0].given[0]"),
        ({"name": [{"given": ["A"], "_given": [None, {"extension": [ABSENT]}]}]}, "Patient.name[0].given"),
        ({"name": [{"given": ["A", "B"], "_given": [{"id": "x"}]}]}, "Patient.name[0].given"),
        ({"name": [{"_given": [None, {"extension": [ABSENT]}]}]}, "Patient.name[0].given[0]"),
        ({"name": [{"given": ["A"], "_given": {"id": "x"}}]}, "Patient.name[0].given"),
        ({"name": [{"given": ["A"], "_given": ["x"]}]}, "Patient.name[0].given[0]"),
        ({"name": [{"given": ["A"], "_given": []}]}, "Patient.name[0].given"),
        ({"deceasedBoolean": True, "_deceasedDateTime": {"extension": [ABSENT]}}, "Patient.deceased"),
        (
            {"extension": [{"url": "urn:x", "valueCode": "a", "_url": {"id": "x"}}]},
            "Patient.extension[0].url",
        ),
    ],
)
def test_primitive_extensions_keep_their_rules(changes: Json, expression: str) -> None:
    assert expression in places({**PATIENT, **changes})


def test_a_required_value_may_be_absent_with_a_reason() -> None:
    assert validate(care_plan(status=None, _status={"extension": [ABSENT]})) == []


@pytest.mark.parametrize(
    ("extension", "fault"),
    [
        ({"url": "urn:x", "valueString": "a"}, None),
        ({"url": "urn:x", "id": "e", "valueString": "a"}, None),
        ({"url": "urn:x", "_valueString": {"extension": [ABSENT]}}, None),
        ({"url": "urn:x", "extension": [{"url": "y", "valueString": "a"}]}, None),
        ({"valueString": "a"}, ".url"),
        ({"url": "urn:x"}, ""),
        ({"url": "urn:x", "id": "e"}, ""),
        ({"url": "urn:x", "valueString": "a", "extension": [ABSENT]}, ""),
        ({"url": "urn:x", "valueString": "a", "valueCode": "b"}, ".value"),
        ({"url": "urn:x", "valueUnknown": "a"}, ".valueUnknown"),
        ({"url": "urn:x", "valueReference": {"reference": "Patient"}}, ".value.reference"),
        ({"url": "urn:x", "extension": [{"url": "y"}]}, ".extension[0]"),
        ({"url": "urn x", "valueString": "a"}, ".url"),
        ({"url": ["urn:x"], "valueString": "a"}, ".url"),
    ],
)
def test_an_extension_has_a_url_and_a_value_or_extensions(extension: Json, fault: str | None) -> None:
    for key in ("extension", "modifierExtension"):
        expected = [] if fault is None else [f"Patient.{key}[0]{fault}"]
        assert places({**PATIENT, key: [extension]}) == expected


@pytest.mark.parametrize(
    ("concept", "right"),
    [
        ({"coding": [{"system": "SYSTEM", "code": "active"}]}, True),
        ({"coding": [{"system": "urn:x", "code": "1"}, {"system": "SYSTEM", "code": "active"}]}, True),
        ({"extension": [ABSENT]}, True),
        ({"coding": [{"system": "SYSTEM", "code": "done"}]}, False),
        ({"coding": [{"system": "urn:x", "code": "active"}]}, False),
        ({"coding": [{"code": "active"}]}, False),
        ({"text": "active"}, False),
    ],
)
def test_a_required_binding_of_a_concept_asks_for_one_of_its_codings(concept: Json, right: bool) -> None:
    system = "http://terminology.hl7.org/CodeSystem/condition-clinical"
    for coding in concept.get("coding", ()):
        if coding.get("system") == "SYSTEM":
            coding["system"] = system
    resource = {"resourceType": "Condition", "clinicalStatus": concept, "subject": {"reference": "Patient/1"}}
    if right:
        assert validate(resource) == []
    else:
        issue = the_issue(resource)
        assert (issue.code, issue.expression) == ("code-invalid", "Condition.clinicalStatus")
        assert f"expects a coding of {system} (active, inactive, " in issue.text


def test_codes_that_nobody_lists_are_checked_by_their_form() -> None:
    def attachment(content_type: str) -> Json:
        return {"resourceType": "Binary", "contentType": content_type, "data": "YQ=="}

    assert validate(attachment("text/plain; charset=utf-8")) == []
    assert the_issue(attachment("pdf")).code == "code-invalid"
    assert the_issue(attachment("text/plain\r\nX: y")).code == "value"
    cost = {"url": "urn:x", "valueMoney": {"value": 1, "currency": "EUR"}}
    assert validate({**PATIENT, "extension": [cost]}) == []
    cost["valueMoney"] = {"value": 1, "currency": "euro"}
    assert the_issue({**PATIENT, "extension": [cost]}).expression == "Patient.extension[0].value.currency"


@pytest.mark.parametrize(
    "reference",
    [
        {"reference": "Patient/1"},
        {"reference": "Patient/1/_history/2"},
        {"reference": "http://example.org/fhir/Patient/1"},
        {"reference": "https://example.org/Patient/1/_history/2"},
        {"reference": "http://example.org/anything"},
        {"reference": "urn:uuid:c757873d-ec9a-4326-a141-556f43239520"},
        {"reference": "urn:oid:1.2.3"},
        {"reference": "Patient?identifier=http://example.org|1"},
        {"reference": "Group/1", "type": "Group"},
        {"type": "Patient", "identifier": {"value": "1"}},
        {"type": "http://hl7.org/fhir/StructureDefinition/Patient", "display": "x"},
        {"display": "x"},
        {"extension": [ABSENT]},
    ],
)
def test_references_in_every_form_are_taken(reference: Json) -> None:
    assert validate(care_plan(subject=reference)) == []


@pytest.mark.parametrize(
    ("reference", "place", "text"),
    [
        (
            {"reference": "Organization/1"},
            ".reference",
            "may refer to Group or Patient; got a reference to Organization",
        ),
        ({"reference": "http://example.org/fhir/Device/1"}, ".reference", "may refer to Group or Patient"),
        ({"reference": "Device?identifier=1"}, ".reference", "may refer to Group or Patient"),
        ({"reference": "Citation/1"}, ".reference", "no R4 resource type"),
        ({"reference": "patient/1"}, ".reference", "no R4 resource type"),
        ({"reference": "Patient"}, ".reference", "expects Type/id"),
        ({"reference": "Patient/"}, ".reference", "expects Type/id"),
        ({"reference": "Patient/a_b"}, ".reference", "expects Type/id"),
        ({"reference": "Patient/1/"}, ".reference", "expects Type/id"),
        ({"reference": "/Patient/1"}, ".reference", "expects Type/id"),
        ({"reference": "../Patient/1"}, ".reference", "expects Type/id"),
        ({"reference": "#p"}, ".reference", "no contained resource has the id p"),
        ({"reference": ""}, ".reference", "may not be an empty string"),
        ({"reference": "Patient/1", "type": "Group"}, ".type", "says Group"),
        ({"identifier": {"value": "1"}, "type": "Device"}, ".type", "may refer to Group or Patient"),
        ({"display": "x", "type": "Person!"}, ".type", "expects the name of an R4 resource type"),
    ],
)
def test_references_to_what_is_not_allowed_are_told(reference: Json, place: str, text: str) -> None:
    issue = the_issue(care_plan(subject=reference))
    assert issue.expression == f"CarePlan.subject{place}"
    assert text in issue.text


def test_any_type_may_be_referred_to_where_any_is_allowed() -> None:
    provenance = {
        "resourceType": "Provenance",
        "target": [{"reference": "Basic/1"}],
        "recorded": NOW,
        "agent": [{"who": {"display": "x"}}],
    }
    assert validate(provenance) == []
    provenance["target"] = [{"reference": "Citation/1"}]
    assert places(provenance) == ["Provenance.target[0].reference"]


def test_contained_resources_are_checked_and_found() -> None:
    contained = [
        {"resourceType": "Patient", "id": "p", "link": [{"other": {"reference": "#q"}, "type": "refer"}]}
    ]
    plan = care_plan(
        contained=[*contained, {"resourceType": "RelatedPerson", "id": "q", "patient": {"reference": "#p"}}]
    )
    plan["subject"] = {"reference": "#p"}
    assert validate(plan) == []
    plan["subject"] = {"reference": "#q"}
    assert "CarePlan.subject.reference" in places(plan)


@pytest.mark.parametrize(
    ("contained", "place", "key"),
    [
        ({"resourceType": "Patient", "id": "p", "contained": [PATIENT | {"id": "b"}]}, ".contained", "dom-2"),
        ({"resourceType": "Patient", "id": "p", "meta": {"versionId": "1"}}, ".meta.versionId", "dom-4"),
        ({"resourceType": "Patient", "id": "p", "meta": {"lastUpdated": NOW}}, ".meta.lastUpdated", "dom-4"),
        (
            {"resourceType": "Patient", "id": "p", "meta": {"security": [{"code": "R"}]}},
            ".meta.security",
            "dom-5",
        ),
        ({"resourceType": "Patient", "id": "other"}, "", "dom-3"),
        ({"resourceType": "Patient"}, ".id", "dom-3"),
        ({"resourceType": "Patient", "id": "p", "birthDate": "x"}, ".birthDate", None),
        ({"resourceType": "Citation", "id": "p"}, ".resourceType", None),
        ({"id": "p"}, "", None),
        ("Patient", "", None),
    ],
)
def test_contained_resources_keep_their_rules(contained: Any, place: str, key: str | None) -> None:
    plan = care_plan(contained=[{"resourceType": "Patient", "id": "p"}], subject={"reference": "#p"})
    assert validate(plan) == []
    plan["contained"] = [contained]
    if isinstance(contained, dict) and contained.get("id") != "p":
        plan["subject"] = {"display": "x"}
    issues = [issue for issue in validate(plan) if issue.expression != "CarePlan.subject.reference"]
    assert [(issue.expression, issue.key) for issue in issues if issue.key == key] == [
        (f"CarePlan.contained[0]{place}", key)
    ]


def test_contained_resources_have_ids_of_their_own() -> None:
    patient = {"resourceType": "Patient", "id": "p"}
    plan = care_plan(contained=[patient, dict(patient)], subject={"reference": "#p"})
    assert places(plan) == ["CarePlan.contained[1].id"]


def test_a_contained_resource_that_refers_to_its_container_need_not_be_referred_to() -> None:
    inner = {"resourceType": "Provenance", "id": "x", "target": [{"reference": "#"}]}
    inner |= {"recorded": NOW, "agent": [{"who": {"display": "x"}}]}
    assert validate(care_plan(contained=[inner])) == []


def test_a_canonical_refers_to_a_contained_resource_as_well() -> None:
    response = {
        "resourceType": "QuestionnaireResponse",
        "status": "completed",
        "questionnaire": "#q",
        "contained": [{"resourceType": "Questionnaire", "id": "q", "status": "active"}],
    }
    assert validate(response) == []


def test_ids_of_elements_are_unique_without_spaces() -> None:
    assert validate(care_plan(category=[{"id": "a", "text": "x"}, {"id": "b", "text": "y"}])) == []
    plan = care_plan(
        category=[{"id": "a", "text": "x"}, {"id": "a", "text": "y"}, {"id": "c d", "text": "z"}]
    )
    assert places(plan) == ["CarePlan.category[1].id", "CarePlan.category[2].id"]


def bundle(type: str, *entries: Any, **changes: Any) -> Json:
    return {"resourceType": "Bundle", "type": type, "entry": list(entries), **changes}


FULL_URL = "urn:uuid:c757873d-ec9a-4326-a141-556f43239520"
RESOURCE = {"resource": {"resourceType": "Patient"}}
REQUEST = {"request": {"method": "POST", "url": "Patient"}}
RESPONSE = {"response": {"status": "201"}}
COMPOSITION = {
    "resource": {
        "resourceType": "Composition",
        "status": "final",
        "type": {"text": "x"},
        "date": "2026",
        "author": [{"display": "x"}],
        "title": "x",
    }
}
MESSAGE_HEADER = {
    "resource": {"resourceType": "MessageHeader", "eventUri": "urn:x", "source": {"endpoint": "urn:x"}}
}
DOCUMENT = {"identifier": {"system": "urn:x", "value": "1"}, "timestamp": NOW}


@pytest.mark.parametrize(
    "right",
    [
        bundle("transaction", RESOURCE | REQUEST | {"fullUrl": FULL_URL}),
        bundle("batch", {"request": {"method": "GET", "url": "Patient?name=x"}}),
        bundle("transaction-response", RESPONSE),
        bundle("batch-response", RESPONSE | RESOURCE),
        bundle("history", RESOURCE | REQUEST | RESPONSE, total=1),
        bundle("searchset", RESOURCE | {"search": {"mode": "match"}}, total=1),
        bundle("collection", RESOURCE, {"fullUrl": "http://example.org/fhir/Patient/1"} | RESOURCE),
        bundle("document", COMPOSITION, RESOURCE, **DOCUMENT),
        bundle("message", MESSAGE_HEADER, RESOURCE),
        {"resourceType": "Bundle", "type": "searchset", "total": 0},
    ],
)
def test_bundles_of_every_type_are_taken(right: Json) -> None:
    assert validate(right) == []


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        (bundle("collection", RESOURCE, total=1), [("Bundle.total", "bdl-1")]),
        (
            bundle("collection", RESOURCE | {"search": {"mode": "match"}}),
            [("Bundle.entry[0].search", "bdl-2")],
        ),
        (bundle("transaction", RESOURCE), [("Bundle.entry[0].request", "bdl-3")]),
        (bundle("searchset", RESOURCE, RESOURCE | REQUEST), [("Bundle.entry[1].request", "bdl-3")]),
        (bundle("transaction-response", RESOURCE), [("Bundle.entry[0].response", "bdl-4")]),
        (bundle("transaction", REQUEST | RESPONSE), [("Bundle.entry[0].response", "bdl-4")]),
        (
            bundle("collection", {"link": [{"relation": "self", "url": "urn:x"}]}),
            [("Bundle.entry[0]", "bdl-5")],
        ),
        (
            bundle("collection", RESOURCE | {"fullUrl": FULL_URL}, RESOURCE | {"fullUrl": FULL_URL}),
            [("Bundle.entry[1].fullUrl", "bdl-7")],
        ),
        (
            bundle("collection", RESOURCE | {"fullUrl": "http://example.org/Patient/1/_history/2"}),
            [("Bundle.entry[0].fullUrl", "bdl-8")],
        ),
        (bundle("collection", RESOURCE | {"fullUrl": "Patient/1"}), [("Bundle.entry[0].fullUrl", None)]),
        (bundle("document", COMPOSITION, timestamp=DOCUMENT["timestamp"]), [("Bundle.identifier", "bdl-9")]),
        (
            bundle("document", COMPOSITION, identifier=DOCUMENT["identifier"]),
            [("Bundle.timestamp", "bdl-10")],
        ),
        (bundle("document", RESOURCE, **DOCUMENT), [("Bundle.entry[0].resource", "bdl-11")]),
        (bundle("message", RESOURCE), [("Bundle.entry[0].resource", "bdl-12")]),
        ({"resourceType": "Bundle", "type": "message"}, [("Bundle.entry", "bdl-12")]),
        (
            bundle("collection", {"resource": {"resourceType": "Citation"}}),
            [("Bundle.entry[0].resource.resourceType", None)],
        ),
        (bundle("collection", {"resource": {}}), [("Bundle.entry[0].resource", None)]),
        (
            bundle("collection", {"resource": care_plan(status="x")}),
            [("Bundle.entry[0].resource.status", None)],
        ),
        (bundle("x", RESOURCE), [("Bundle.type", None)]),
    ],
)
def test_bundles_keep_the_rules_of_their_type(wrong: Json, expected: list[tuple[str, str | None]]) -> None:
    assert [(issue.expression, issue.key) for issue in validate(wrong)] == expected


def test_versions_of_one_resource_may_share_a_full_url() -> None:
    url = {"fullUrl": "http://example.org/fhir/Patient/1"}
    versions = [
        url | {"resource": {"resourceType": "Patient", "meta": {"versionId": version}}} for version in "12"
    ]
    assert validate(bundle("collection", *versions)) == []


def test_references_do_not_reach_into_another_entry() -> None:
    inner = care_plan(contained=[{"resourceType": "Patient", "id": "p"}], subject={"reference": "#p"})
    other = care_plan(subject={"reference": "#p"})
    assert places(bundle("collection", {"resource": inner}, {"resource": other})) == [
        "Bundle.entry[1].resource.subject.reference"
    ]


def test_a_required_choice_is_asked_for() -> None:
    request = {
        "resourceType": "MedicationRequest",
        "status": "active",
        "intent": "order",
        "subject": {"reference": "Patient/1"},
    }
    issue = the_issue(request)
    assert (issue.code, issue.expression) == ("required", "MedicationRequest.medication")
    assert "medicationCodeableConcept, medicationReference" in issue.text


def test_a_flood_of_faults_is_cut() -> None:
    plan = care_plan(category=[{"wrong": 1}] * 10_000, **{f"x{number}": 1 for number in range(10_000)})
    issues = validate(plan)
    assert len(issues) == MAX_FAULTS + 1
    assert issues[-1].severity == "information"


def test_endless_nesting_is_refused() -> None:
    extension: Json = {"url": "urn:x", "valueString": "a"}
    for _ in range(5_000):
        extension = {"url": "urn:x", "extension": [extension]}
    issue = the_issue({**PATIENT, "extension": [extension]})
    assert "too deep" in issue.text


def test_a_check_changes_nothing() -> None:
    plan = care_plan(contained=[PATIENT | {"id": "p"}], subject={"reference": "#p"}, status="wrong", x=1)
    before = copy.deepcopy(plan)
    validate(plan)
    assert plan == before


def test_every_property_of_every_type_has_a_check() -> None:
    pending, seen = list(definitions.TYPES), set[str]()
    while pending:
        name = pending.pop()
        if name not in seen:
            seen.add(name)
            for key, property in structure(name).properties.items():
                check = table(name)[key]
                assert check is table(name)[key] or property.element.max == 0
                assert check({"unheardOf": [{}]}, Scope({})), (name, key)
                pending.append(property.type)
    assert len(seen) == 682


# Mutants of the official examples


class Mutant:
    """A change of one place of a resource, and where its fault is to be told."""

    def __init__(self, name: str, holder: Any, key: Any, value: Any, expression: str) -> None:
        self.name, self.holder, self.key, self.value, self.expression = name, holder, key, value, expression

    @contextlib.contextmanager
    def applied(self) -> Iterator[None]:
        before = copy.copy(self.holder)
        if self.value is REMOVED:
            del self.holder[self.key]
        else:
            self.holder[self.key] = self.value
        yield
        self.holder.clear()
        if isinstance(before, dict):
            self.holder.update(before)
        else:
            self.holder.extend(before)


REMOVED = object()
NOT_TEXT = {"boolean", "decimal", "integer", "positiveInt", "unsignedInt"}


def mutants(value: Json, type: str, path: str) -> Iterator[Mutant]:
    """One mutant of every kind for every element of an object."""
    found = structure(type)
    yield Mutant("unknown element", value, "unheardOf", 1, f"{path}.unheardOf")
    for element in found.elements:
        if element.min and not element.choice and element.name in value and f"_{element.name}" not in value:
            yield Mutant("required left out", value, element.name, REMOVED, f"{path}.{element.name}")
    for key, item in list(value.items()):
        property = found.properties.get(key)
        if property is None:
            continue
        element = property.element
        below = f"{path}.{element.name}"
        if element.choice and len(element.types) > 1:
            other = next(
                each for each in found.properties.values() if each.element is element and each.key != key
            )
            yield Mutant("second choice", value, other.key, {}, below)
        if element.max == 1:
            yield Mutant("list for one value", value, key, [item], below)
            yield from mutants_of_value(property, value, key, item, below)
        else:
            yield Mutant("one value for a list", value, key, item[0], below)
            yield Mutant("empty list", value, key, [], below)
            for position, each in enumerate(item):
                if each is not None:
                    yield from mutants_of_value(property, item, position, each, f"{below}[{position}]")


def mutants_of_value(property: Property, holder: Any, key: Any, value: Any, path: str) -> Iterator[Mutant]:
    type = property.type
    if type in primitives.CHECKS:
        yield Mutant("object for a value", holder, key, {"value": 1}, path)
        yield Mutant("null for a value", holder, key, None, path)
        yield Mutant("other kind of value", holder, key, "x" if type in NOT_TEXT else 1.5, path)
        if property.element.name != "id" or type == "id":
            yield Mutant("bad format", holder, key, WRONG[type][0], path)
        codes = definitions.required_codes(property.element.binding) if property.element.binding else None
        if codes is not None:
            yield Mutant("bad code", holder, key, "no-such-code", path)
        return
    yield Mutant("value for an object", holder, key, "x", path)
    yield Mutant("null for an object", holder, key, None, path)
    yield Mutant("empty object", holder, key, {}, path)
    if type == "Resource":
        type = value["resourceType"]
        yield Mutant("unknown type", value, "resourceType", "Citation", f"{path}.resourceType")
    elif type == "Reference" and property.element.targets and "reference" in value:
        wrong = next(each for each in definitions.RESOURCE_TYPES if each not in property.element.targets)
        yield Mutant("wrong target", value, "reference", f"{wrong}/1", f"{path}.reference")
    elif property.element.binding and definitions.required_codings(property.element.binding):
        yield Mutant("bad coding", value, "coding", [{"system": "urn:x", "code": "y"}], path)
    yield from mutants(value, type, path)


def rich_examples() -> list[Json]:
    """For each resource type the largest of its valid examples that is of ordinary size."""
    wrong = {name for group in INVALID.values() for name in group}
    best: dict[str, bytes] = {}
    for name, body in official_examples(at_most=6_000):
        type = name.partition("-")[0]
        if name not in wrong and len(body) > len(best.get(type, b"")):
            best[type] = body
    return [document.parse(body) for body in best.values()]


def test_every_mutant_of_the_official_examples_is_caught_where_it_is() -> None:
    missed = []
    count = 0
    examples = rich_examples()
    for example in examples:
        type = example["resourceType"]
        assert validate(example) == []
        for mutant in mutants(example, type, type):
            with mutant.applied():
                issues = validate(example)
            count += 1
            # A flood hides places: all that matters there is that it is not taken.
            if mutant.expression not in {issue.expression for issue in issues} and len(issues) <= MAX_FAULTS:
                missed.append((mutant.name, mutant.expression, [issue.expression for issue in issues][:3]))
        assert validate(example) == []
    assert not missed, (len(missed), missed[:20])
    assert len(examples) > 130
    assert count > 36_000


# What nobody would send

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.decimals(allow_nan=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=10,
)
likely_keys = st.sampled_from(
    [
        "resourceType",
        "id",
        "meta",
        "text",
        "contained",
        "extension",
        "entry",
        "resource",
        "type",
        "subject",
        "reference",
        "coding",
        "_id",
        "_status",
        "status",
        "valueString",
        "url",
        "item",
        "parameter",
        "div",
    ]
)
likely_json = st.recursive(
    st.none()
    | st.booleans()
    | st.sampled_from(["Patient", "Bundle", "#p", "Patient/1", "x", "", "document"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(likely_keys, inner, max_size=6),
    max_leaves=30,
)


@settings(deadline=None)
@given(
    st.sampled_from(definitions.RESOURCE_TYPES),
    st.dictionaries(likely_keys, likely_json | json_values, max_size=8),
)
def test_any_content_of_any_type_is_judged(type: str, content: Json) -> None:
    content["resourceType"] = type
    for issue in validate(content):
        assert issue.expression is not None
        assert issue.expression.startswith(type)
        assert issue.text


@settings(deadline=None)
@given(likely_json | json_values)
def test_anything_is_judged(value: Any) -> None:
    assert isinstance(validate(value), list)


@settings(deadline=None)
@given(st.data())
def test_any_example_with_anything_anywhere_is_judged(data: st.DataObject) -> None:
    plan = care_plan(contained=[{"resourceType": "Patient", "id": "p"}], subject={"reference": "#p"})
    paths = [path for path, _, value in document.walk(plan) if isinstance(value, (dict, list))]
    path = data.draw(st.sampled_from(paths))
    holder: Any = next(value for found, _, value in document.walk(plan) if found == path)
    holder[data.draw(likely_keys)] = data.draw(likely_json | json_values)
    with contextlib.suppress(FhirError):
        assert isinstance(validate(plan), list)

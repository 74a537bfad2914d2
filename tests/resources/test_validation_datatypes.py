"""What data types and narratives ask beyond structure and invariants."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

import pytest

from fhirhub.resources.canonicals import OFFICIAL, Canonicals
from fhirhub.resources.validation.validator import Validator

Json = dict[str, Any]
XHTML = 'xmlns="http://www.w3.org/1999/xhtml"'


@pytest.fixture(scope="module")
def validator() -> Validator:
    return Validator()


def patient(**more: Any) -> Json:
    div = f"<div {XHTML}>x</div>"
    return {"resourceType": "Patient", "text": {"status": "generated", "div": div}, **more}


def told(validator: Validator, resource: Json, severity: str = "error") -> list[str | None]:
    return [each.expression for each in validator.validate(resource) if each.severity == severity]


@pytest.mark.parametrize(
    ("system", "value", "where"),
    [
        ("http://acme.example/ids", "1", None),
        ("urn:oid:2.16.840.1.113883.2.4.6.3", "999911120", None),
        ("acme", "1", "Patient.identifier[0].system"),
        ("urn:ietf:rfc:3986", "urn:uuid:c757873d-ec9a-4326-a141-556f43239520", None),
        ("urn:ietf:rfc:3986", "2.16.840.1", "Patient.identifier[0].value"),
    ],
)
def test_the_system_of_an_identifier_is_absolute_and_its_uri_whole(
    validator: Validator, system: str, value: str, where: str | None
) -> None:
    found = told(validator, patient(identifier=[{"system": system, "value": value}]))
    assert found == ([] if where is None else [where])


def test_size_and_hash_of_an_attachment_are_those_of_its_data(validator: Validator) -> None:
    content = b"a photo"
    right = {
        "contentType": "image/png",
        "data": base64.b64encode(content).decode(),
        "size": len(content),
        "hash": base64.b64encode(hashlib.sha1(content, usedforsecurity=False).digest()).decode(),
    }
    assert told(validator, patient(photo=[right])) == []
    wrong = {**right, "size": 3, "hash": "AAAA"}
    assert told(validator, patient(photo=[wrong])) == ["Patient.photo[0].size", "Patient.photo[0].hash"]


def test_a_security_label_stands_once(validator: Validator) -> None:
    label = {"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "R"}
    assert told(validator, patient(meta={"security": [label]})) == []
    assert told(validator, patient(meta={"security": [label, dict(label)]})) == ["Patient.meta.security[1]"]


def test_a_unit_that_ucum_does_not_have_is_a_warning(validator: Validator) -> None:
    def dose(code: str) -> Json:
        amount = {"value": 1, "system": "http://unitsofmeasure.org", "code": code}
        observation = {"resourceType": "Observation", "status": "final", "code": {"text": "x"}}
        return {
            **observation,
            "text": patient()["text"],
            "performer": [{"display": "x"}],
            "valueQuantity": amount,
        }

    place = "Observation.value.code"
    assert place not in told(validator, dose("mg/dL"), "warning")
    assert place in told(validator, dose("mgg/dL"), "warning")


@pytest.mark.parametrize(
    ("url", "is_wrong"),
    [
        ("http://acme.example/a b", True),
        ("oid:2.16.840", True),
        ("urn:oid:2.16.840", False),
        ("urn:oid:2.16.x", True),
        ("urn:uuid:c757873d-ec9a-4326-a141-556f43239520", False),
        ("urn:uuid:c757873d", True),
    ],
)
def test_forms_of_uris(validator: Validator, url: str, is_wrong: bool) -> None:
    plan = {"resourceType": "CarePlan", "text": patient()["text"], "status": "active", "intent": "plan"}
    plan |= {"subject": {"reference": "Patient/1"}, "instantiatesUri": [url]}
    assert bool(told(validator, plan)) == is_wrong


def test_a_relative_canonical_is_a_warning(validator: Validator) -> None:
    response = {"resourceType": "QuestionnaireResponse", "status": "completed", "text": patient()["text"]}
    found = told(validator, {**response, "questionnaire": "Questionnaire/1"}, "warning")
    assert "QuestionnaireResponse.questionnaire" in found


def test_a_required_code_cannot_be_left_out_with_a_reason(validator: Validator) -> None:
    reason = {
        "url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason",
        "valueCode": "unknown",
    }
    assert told(validator, patient(_gender={"extension": [reason]})) == ["Patient.gender"]
    assert told(validator, patient(_birthDate={"extension": [reason]})) == []


@pytest.mark.parametrize(
    ("inner", "is_wrong"),
    [
        ('<p>See <a href="#c1">the plan</a></p><p id="c1">here</p>', False),
        ('<p>See <a href="#c1">the plan</a></p><p><a name="c1">here</a></p>', False),
        ('<p>See <a href="#g1">the goal</a></p>', False),
        ('<p>See <a href="#c2">the plan</a></p>', True),
        ('<p>See <a href="urn:uuid:c757873d-ec9a-4326-a141-556f43239520">it</a></p>', True),
        ('<p>See <a href="">it</a></p>', True),
        ('<p><img src="#c2" alt="x"/></p>', True),
        ("<p>a <b>b</b></p><table><tbody><tr><td>c</td></tr></tbody></table>", False),
        ("<p>a<ul><li>b</li></ul></p>", True),
        ("<table><td>b</td></table>", True),
        ("<li>b</li>", True),
        ("<ul>text<li>b</li></ul>", True),
        ("<p><b>a<b>b</b></b></p>", True),
        ("<p>a<br>b</br></p>", True),
        ("<p>a<p>b</p></p>", True),
        ("<p>a<b>b</b></p>", False),
    ],
)
def test_narratives_link_to_something_and_keep_elements_in_place(
    validator: Validator, inner: str, is_wrong: bool
) -> None:
    text = {"status": "generated", "div": f"<div {XHTML}>{inner}</div>"}
    plan = {"resourceType": "CarePlan", "status": "active", "intent": "plan", "text": text}
    plan |= {"subject": {"id": "g1", "reference": "Patient/1"}}
    assert told(validator, plan) == (["CarePlan.text.div"] * len(told(validator, plan)) if is_wrong else [])
    assert bool(told(validator, plan)) == is_wrong


def test_an_extension_of_fhir_itself_must_exist(validator: Validator) -> None:
    def extended(url: str) -> Json:
        return patient(extension=[{"url": url, "valueString": "x"}])

    core = "http://hl7.org/fhir/StructureDefinition/"
    assert told(validator, extended(core + "patient-birthplace")) == ["Patient.extension[0].url"]
    assert told(validator, extended("http://acme.example/x")) == []
    assert told(validator, extended("http://hl7.org/fhir/us/core/StructureDefinition/us-core-race")) == []


def test_a_dead_link_of_a_narrative_is_no_reason_to_refuse_a_write(validator: Validator) -> None:
    text = {"status": "generated", "div": f'<div {XHTML}><p><a href="#none">a</a></p></div>'}
    issues = validator.validate(patient(text=text), level="base")
    assert [(each.severity, each.expression) for each in issues] == [("warning", "Patient.text.div")]


def test_an_extension_that_its_publisher_has_not_is_an_error_beside_those_it_has() -> None:
    def extended(url: str) -> Json:
        return patient(extension=[{"url": url, "valueString": "x"}])

    own = "http://acme.nl/fhir/StructureDefinition"
    known = {"resourceType": "StructureDefinition", "url": f"{own}/known", "type": "Extension"}
    validator = Validator(Canonicals([known], OFFICIAL))
    assert told(validator, extended(f"{own}/knwon")) == ["Patient.extension[0].url"]
    assert told(validator, extended("http://other.nl/fhir/StructureDefinition/knwon")) == []
    refused = validator.validate(extended(f"{own}/knwon"), level="base")
    assert [each.severity for each in refused] == ["warning"]


def test_an_extension_that_hl7_has_published_since_is_known(validator: Validator) -> None:
    url = "http://hl7.org/fhir/StructureDefinition/individual-pronouns"
    pronouns = {"url": url, "extension": [{"url": "value", "valueCodeableConcept": {"text": "they"}}]}
    assert told(validator, patient(extension=[pronouns])) == []
    wrong = {"url": url, "valueString": "they"}
    assert told(validator, patient(extension=[wrong])) != []


@pytest.mark.parametrize(
    ("language", "is_wrong"),
    [
        ("nl", False),
        ("nl-NL", False),
        ("zh-Hant-TW", False),
        ("x-private", False),
        ("dutch_nl", True),
        ("n", True),
    ],
)
def test_languages_are_of_bcp_47(validator: Validator, language: str, is_wrong: bool) -> None:
    assert told(validator, patient(language=language)) == (["Patient.language"] if is_wrong else [])


def test_currencies_are_of_iso_4217(validator: Validator) -> None:
    def price(currency: str) -> Json:
        invoice = {"resourceType": "Invoice", "status": "issued", "text": patient()["text"]}
        return {**invoice, "totalNet": {"value": 1, "currency": currency}}

    assert told(validator, price("EUR")) == []
    assert told(validator, price("EUX")) == ["Invoice.totalNet.currency"]


@pytest.mark.parametrize(
    "system",
    [
        "codes",
        "http://snomed.info/sct/11000146104",
        "https://terminology.hl7.org/CodeSystem/v3-MaritalStatus",
        "http://hl7.org/fhir/codesystem-name-use.html",
        "http://hl7.org/fhir/ValueSet/marital-status",
    ],
)
def test_the_system_of_a_code_is_the_url_of_a_code_system(validator: Validator, system: str) -> None:
    status = {"coding": [{"system": system, "code": "M"}]}
    assert told(validator, patient(maritalStatus=status)) == ["Patient.maritalStatus.coding[0].system"]


def test_the_url_of_an_extension_is_absolute(validator: Validator) -> None:
    assert told(validator, patient(extension=[{"url": "x", "valueString": "x"}])) == [
        "Patient.extension[0].url"
    ]

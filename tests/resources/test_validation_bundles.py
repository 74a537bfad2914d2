"""Entries of a Bundle together: URLs, pages, matches, and what a document holds."""

from __future__ import annotations

from typing import Any

import pytest

from fhirhub.resources.validation.validator import Validator

Json = dict[str, Any]
BASE = "http://acme.example/fhir"
DIV = '<div xmlns="http://www.w3.org/1999/xhtml">x</div>'


@pytest.fixture(scope="module")
def validator() -> Validator:
    return Validator()


def told(validator: Validator, resource: Json) -> list[str | None]:
    return [each.expression for each in validator.validate(resource) if each.severity == "error"]


def patient(id: str, **more: Any) -> Json:
    return {"resourceType": "Patient", "id": id, "text": {"status": "generated", "div": DIV}, **more}


def entry(resource: Json, url: str | None = None, **more: Any) -> Json:
    return {
        "fullUrl": url or f"{BASE}/{resource['resourceType']}/{resource['id']}",
        "resource": resource,
        **more,
    }


def bundle(type: str, *entries: Json, **more: Any) -> Json:
    return {"resourceType": "Bundle", "type": type, "entry": list(entries), **more}


def document(*entries: Json, **more: Any) -> Json:
    composition = {
        "resourceType": "Composition",
        "id": "c",
        "status": "final",
        "type": {"text": "summary"},
        "subject": {"reference": "Patient/1"},
        "date": "2026-11-22",
        "author": [{"display": "Dr. Jansen"}],
        "title": "Summary",
        "text": {"status": "generated", "div": DIV},
        **more,
    }
    identifier = {"system": "urn:ietf:rfc:3986", "value": "urn:uuid:c757873d-ec9a-4326-a141-556f43239520"}
    found = bundle("document", entry(composition), *entries)
    return {**found, "identifier": identifier, "timestamp": "2026-11-22T09:00:00Z"}


def test_each_entry_has_a_full_url_but_in_transactions(validator: Validator) -> None:
    inner = {"resource": patient("1")}
    assert told(validator, bundle("collection", inner)) == ["Bundle.entry[0].fullUrl"]
    request = {"method": "PUT", "url": "Patient/1"}
    assert told(validator, bundle("transaction", {**inner, "request": request})) == []


def test_pages_are_of_searches(validator: Validator) -> None:
    link = [{"relation": "next", "url": "http://acme.example/fhir?page=2"}]
    assert told(validator, bundle("searchset", entry(patient("1")), link=link)) == []
    assert told(validator, bundle("collection", entry(patient("1")), link=link)) == [
        "Bundle.link[0].relation"
    ]
    assert told(validator, bundle("searchset", entry(patient("1")), link=link * 2)) == [
        "Bundle.link[1].relation"
    ]


def test_matches_are_of_the_type_that_was_searched(validator: Validator) -> None:
    link = [{"relation": "self", "url": f"{BASE}/Observation?patient=1"}]
    match = entry(patient("1"), search={"mode": "match"})
    include = entry(patient("1"), search={"mode": "include"})
    assert told(validator, bundle("searchset", match, link=link)) == ["Bundle.entry[0].resource"]
    assert told(validator, bundle("searchset", include, link=link)) == []
    outcome = entry(patient("1"), search={"mode": "outcome"})
    assert told(validator, bundle("searchset", outcome, link=link)) == ["Bundle.entry[0].resource"]


def test_a_reference_leads_to_a_resource_of_the_type_that_it_says(validator: Validator) -> None:
    uuid = "5d9588d8-3cd6-4b32-8fb7-ad13694e069d"
    organization = {
        "resourceType": "Organization",
        "name": "Acme",
        "text": {"status": "generated", "div": DIV},
    }
    doctor = {"reference": f"Practitioner/{uuid}"}
    entries = (
        entry(patient("1", generalPractitioner=[doctor]), "urn:uuid:54fc3e09-e279-4b74-a8ff-2649ec968642"),
        entry(organization, f"urn:uuid:{uuid}"),
    )
    place = "Bundle.entry[0].resource.generalPractitioner[0].reference"
    assert told(validator, bundle("collection", *entries)) == [place]


def test_a_document_has_what_its_composition_refers_to(validator: Validator) -> None:
    assert told(validator, document(entry(patient("1")))) == []
    assert told(validator, document()) == ["Bundle.entry[0].resource.subject.reference"]
    elsewhere = entry(patient("1"), "http://other.example/fhir/Patient/1")
    assert "Bundle.entry[0].resource.subject.reference" in told(validator, document(elsewhere))


def test_all_entries_of_a_document_are_linked(validator: Validator) -> None:
    orphan = entry(patient("2"))
    assert told(validator, document(entry(patient("1")), orphan)) == ["Bundle.entry[2]"]
    back = entry(patient("2", link=[{"other": {"reference": "Patient/1"}, "type": "seealso"}]))
    assert told(validator, document(entry(patient("1")), back)) == []


def test_a_message_has_what_it_is_about(validator: Validator) -> None:
    header = {
        "resourceType": "MessageHeader",
        "id": "m",
        "eventUri": "http://acme.example/event",
        "source": {"endpoint": "http://acme.example"},
        "focus": [{"reference": "Patient/1"}],
        "text": {"status": "generated", "div": DIV},
    }
    assert told(validator, bundle("message", entry(header), entry(patient("1")))) == []
    place = "Bundle.entry[0].resource.focus[0].reference"
    assert told(validator, bundle("message", entry(header))) == [place]
    unlinked = validator.validate(bundle("message", entry(header), entry(patient("1")), entry(patient("2"))))
    assert [each.expression for each in unlinked if each.severity == "warning"] == ["Bundle.entry[2]"]
    assert "Bundle.entry[0].resource" in told(validator, bundle("message", entry(patient("1"))))
